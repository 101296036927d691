#include "gateway/routes/package_events.hpp"

#include <chrono>
#include <mutex>
#include <utility>

#include <fmt/format.h>

namespace photogate::gateway::routes {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

/// Between two looks at the package.
constexpr auto kLook = 1s;
constexpr auto kSilence = 15s;
constexpr auto kLongest = 10min;

std::string_view event_of(const model::Package& package) {
    return PackageSubject::is_final(package) ? to_string(package.state) : "progress";
}

}  // namespace

struct PackageEvents::State : std::enable_shared_from_this<State> {
    State(Means given, model::Package its_package)
        : means(std::move(given)), package(std::move(its_package)), told(means.last_event_id) {}

    /// Where there is something to say of the package as it was last seen.
    std::optional<std::string> say() {
        const auto id = id_of(package);
        const bool ends = PackageSubject::is_final(package);
        if (id == told && !ends) return std::nullopt;
        over = ends;
        std::string text = told.empty() ? "retry: 3000\n" : "";
        if (id != told)
            text += fmt::format("id: {}\nevent: {}\ndata: {}\n", id, event_of(package), means.show(package));
        told = id;
        said_at = Steady::now();
        return text + "\n";
    }

    void wait(Answer answer) {
        if (Steady::now() - began_at > kLongest || means.waiters.releasing()) return answer(std::string{});
        auto entered = means.waiters.enter(means.client);
        if (!entered) return answer(std::string{});
        {
            const std::lock_guard lock(mutex);
            if (abandoned) return;
            waiter = *entered;
        }
        means.waiters.wait(*entered, {package.id, Until::ended, kLook},
                           [self = shared_from_this(), answer = std::move(answer)](
                               const Result<model::Package>& seen, Waited) { self->look(seen, answer); });
    }

    /// On the waiters' thread.
    void look(const Result<model::Package>& seen, const Answer& answer) {
        {
            const std::lock_guard lock(mutex);
            waiter.reset();
            if (abandoned) return;
        }
        if (!seen && seen.error().code == ErrorCode::package_not_found) return answer(std::string{});
        if (seen) package = *seen;
        if (auto text = say()) return answer(std::move(*text));
        if (Steady::now() - said_at < kSilence) return wait(answer);
        said_at = Steady::now();
        answer(std::string{":\n\n"});
    }

    const Means means;
    const Steady::time_point began_at = Steady::now();

    // Of whoever makes the next piece, one at a time.
    model::Package package;
    std::string told;
    Steady::time_point said_at = began_at;
    bool begun = false;
    bool over = false;

    std::mutex mutex;
    bool abandoned = false;
    std::shared_ptr<PackageWaiters::Waiter> waiter;
};

PackageEvents::PackageEvents(Means means, model::Package package)
    : state_(std::make_shared<State>(std::move(means), std::move(package))) {}

PackageEvents::~PackageEvents() {
    std::shared_ptr<PackageWaiters::Waiter> waiter;
    {
        const std::lock_guard lock(state_->mutex);
        state_->abandoned = true;
        waiter = std::move(state_->waiter);
    }
    if (waiter) state_->means.waiters.abandon(waiter, http::Abandoned::by_client);
}

std::string PackageEvents::id_of(const model::Package& package) {
    // How many versions are made counts while that is all there is.
    const auto done =
        package.state == model::PackageState::preparing ? package.prepared : package.built_bytes;
    return fmt::format("{}-{}-{}", to_string(package.state), to_string(package.step), done);
}

void PackageEvents::next(Answer answer) {
    auto& state = *state_;
    if (state.over) return answer(std::string{});
    if (!std::exchange(state.begun, true)) {
        if (auto text = state.say()) return answer(std::move(*text));
    }
    state.wait(std::move(answer));
}

}  // namespace photogate::gateway::routes
