#include "base/failpoint.hpp"

#include <array>
#include <utility>

#ifdef PHOTOGATE_FAILPOINTS
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

#include "base/ascii.hpp"
#endif

namespace photogate::failpoint {
namespace {

constexpr std::array kNames{
    std::pair{Point::after_create_commit, std::string_view{"after_create_commit"}},
    std::pair{Point::before_create_answer, std::string_view{"before_create_answer"}},
    std::pair{Point::after_parts_begun, std::string_view{"after_parts_begun"}},
    std::pair{Point::after_parts_completed, std::string_view{"after_parts_completed"}},
    std::pair{Point::after_parts_given_up, std::string_view{"after_parts_given_up"}},
    std::pair{Point::after_chunk_put, std::string_view{"after_chunk_put"}},
    std::pair{Point::after_chunk_commit, std::string_view{"after_chunk_commit"}},
    std::pair{Point::after_received, std::string_view{"after_received"}},
    std::pair{Point::after_assembled, std::string_view{"after_assembled"}},
    std::pair{Point::before_chunks_removed, std::string_view{"before_chunks_removed"}},
    std::pair{Point::before_observe_commit, std::string_view{"before_observe_commit"}},
    std::pair{Point::after_observe_commit, std::string_view{"after_observe_commit"}},
    std::pair{Point::after_claim, std::string_view{"after_claim"}},
    std::pair{Point::mid_fetch, std::string_view{"mid_fetch"}},
    std::pair{Point::after_grant_verdict, std::string_view{"after_grant_verdict"}},
    std::pair{Point::after_hold, std::string_view{"after_hold"}},
    std::pair{Point::after_held_released, std::string_view{"after_held_released"}},
    std::pair{Point::after_scan, std::string_view{"after_scan"}},
    std::pair{Point::after_publish_verdict, std::string_view{"after_publish_verdict"}},
    std::pair{Point::after_image, std::string_view{"after_image"}},
    std::pair{Point::mid_public_put, std::string_view{"mid_public_put"}},
    std::pair{Point::after_public_put, std::string_view{"after_public_put"}},
    std::pair{Point::after_publish_commit, std::string_view{"after_publish_commit"}},
    std::pair{Point::after_variants_put, std::string_view{"after_variants_put"}},
    std::pair{Point::after_variant_made, std::string_view{"after_variant_made"}},
    std::pair{Point::mid_backfill, std::string_view{"mid_backfill"}},
    std::pair{Point::after_backfill, std::string_view{"after_backfill"}},
    std::pair{Point::after_reject_commit, std::string_view{"after_reject_commit"}},
    std::pair{Point::after_original_copy, std::string_view{"after_original_copy"}},
    std::pair{Point::after_original_removed, std::string_view{"after_original_removed"}},
    std::pair{Point::after_late_removed, std::string_view{"after_late_removed"}},
    std::pair{Point::after_version_claim, std::string_view{"after_version_claim"}},
    std::pair{Point::mid_version_fetch, std::string_view{"mid_version_fetch"}},
    std::pair{Point::after_version_image, std::string_view{"after_version_image"}},
    std::pair{Point::after_version_put, std::string_view{"after_version_put"}},
    std::pair{Point::after_version_commit, std::string_view{"after_version_commit"}},
    std::pair{Point::before_disk_cache_rename, std::string_view{"before_disk_cache_rename"}},
    std::pair{Point::after_package_begun, std::string_view{"after_package_begun"}},
    std::pair{Point::after_package_multipart, std::string_view{"after_package_multipart"}},
    std::pair{Point::after_package_part, std::string_view{"after_package_part"}},
    std::pair{Point::before_package_completed, std::string_view{"before_package_completed"}},
    std::pair{Point::after_package_completed, std::string_view{"after_package_completed"}},
    std::pair{Point::before_package_commit, std::string_view{"before_package_commit"}},
    std::pair{Point::after_package_commit, std::string_view{"after_package_commit"}},
    std::pair{Point::after_package_removed, std::string_view{"after_package_removed"}},
    std::pair{Point::after_callback_claim, std::string_view{"after_callback_claim"}},
    std::pair{Point::after_callback_answer, std::string_view{"after_callback_answer"}},
    std::pair{Point::after_ended_leases, std::string_view{"after_ended_leases"}},
    std::pair{Point::mid_reap, std::string_view{"mid_reap"}},
    std::pair{Point::before_queue_ack, std::string_view{"before_queue_ack"}},
    std::pair{Point::mid_reconcile, std::string_view{"mid_reconcile"}},
    std::pair{Point::after_sweep_opened, std::string_view{"after_sweep_opened"}},
    std::pair{Point::mid_sweeper, std::string_view{"mid_sweeper"}},
    std::pair{Point::after_versions_forgotten, std::string_view{"after_versions_forgotten"}},
    std::pair{Point::after_package_asked, std::string_view{"after_package_asked"}},
    std::pair{Point::after_package_item, std::string_view{"after_package_item"}},
    std::pair{Point::before_package_plan, std::string_view{"before_package_plan"}},
    std::pair{Point::after_package_plan, std::string_view{"after_package_plan"}},
    std::pair{Point::mid_migration, std::string_view{"mid_migration"}},
};

}  // namespace

std::string_view to_string(Point point) {
    for (const auto& [value, name] : kNames) {
        if (value == point) return name;
    }
    return "unknown";
}

#ifdef PHOTOGATE_FAILPOINTS
namespace {

enum class Action { kill, pause, error };

struct Order {
    Point point;
    Action action;
    std::chrono::duration<double> pause{};
    unsigned long at = 0;  ///< 0: every time
    std::atomic<unsigned long> reached{0};

    Order(Point where, Action what) : point(where), action(what) {}
    Order(const Order& other) : point(other.point), action(other.action), pause(other.pause), at(other.at) {}
};

[[noreturn]] void refuse(std::string_view order) {
    (void)std::fprintf(stderr, "PHOTOGATE_FAILPOINTS: '%.*s' is not POINT=kill|pause:SECONDS|error[@N]\n",
                       static_cast<int>(order.size()), order.data());
    std::_Exit(2);
}

template <class Number>
Number number(std::string_view text, std::string_view order) {
    const auto value = ascii::parse_whole<Number>(text);
    if (!value) refuse(order);
    return *value;
}

Order parse(std::string_view order) {
    const auto equals = order.find('=');
    if (equals == std::string_view::npos) refuse(order);
    const auto name = order.substr(0, equals);
    auto what = order.substr(equals + 1);
    unsigned long at = 0;
    if (const auto sign = what.find('@'); sign != std::string_view::npos) {
        at = number<unsigned long>(what.substr(sign + 1), order);
        what = what.substr(0, sign);
    }
    for (const auto& [point, known] : kNames) {
        if (known != name) continue;
        Order parsed{point, Action::kill};
        parsed.at = at;
        if (what.starts_with("pause:")) {
            parsed.action = Action::pause;
            parsed.pause = std::chrono::duration<double>{number<double>(what.substr(6), order)};
        } else if (what == "error") {
            parsed.action = Action::error;
        } else if (what != "kill") {
            refuse(order);
        }
        return parsed;
    }
    refuse(order);
}

std::vector<Order> read_orders() {
    std::vector<Order> orders;
    const char* text = std::getenv("PHOTOGATE_FAILPOINTS");
    std::string_view rest = text ? text : "";
    while (!rest.empty()) {
        const auto end = rest.find(';');
        orders.push_back(parse(rest.substr(0, end)));
        rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    }
    return orders;
}

}  // namespace

Result<> reach(Point point) {
    static std::vector<Order> orders = read_orders();
    for (auto& order : orders) {
        if (order.point != point) continue;
        const auto times = ++order.reached;
        if (order.at != 0 && times != order.at) continue;
        switch (order.action) {
            case Action::kill:
                (void)std::fprintf(stderr, "failpoint %s: killed\n", std::string{to_string(point)}.c_str());
                ::kill(::getpid(), SIGKILL);
                break;
            case Action::pause:
                std::this_thread::sleep_for(order.pause);
                break;
            case Action::error:
                return fail(ErrorCode::unavailable, "failpoint " + std::string{to_string(point)});
        }
    }
    return {};
}
#else
Result<> reach(Point) {
    return {};
}
#endif

}  // namespace photogate::failpoint
