#include "storage/objects/store_health.hpp"

#include <chrono>

#include "base/log.hpp"

namespace photogate::storage::objects {
namespace {

constexpr std::chrono::seconds kComeAgain{5};

}  // namespace

bool is_no_answer(ErrorCode code) {
    switch (code) {
        case ErrorCode::http_dns:
        case ErrorCode::http_connect:
        case ErrorCode::http_tls:
        case ErrorCode::http_timeout:
        case ErrorCode::http_broken:
        case ErrorCode::store_unavailable:
            return true;
        default:
            return false;
    }
}

Error StoreHealth::refusal() const {
    return {ErrorCode::store_unavailable,
            "the object store of region '" + name_ + "' does not answer at the moment",
            {},
            kComeAgain};
}

void StoreHealth::answered() {
    if (unanswered_.load(std::memory_order_relaxed) != 0) unanswered_ = 0;
    if (!answers_ && !watched_) come_back();
}

void StoreHealth::went_unanswered(const Error& error) {
    if (++unanswered_ >= kMostUnanswered && answers_) end(error);
}

bool StoreHealth::probed(const Result<>& outcome) {
    if (outcome) {
        unanswered_ = 0;
        come_back();
    } else if (is_no_answer(outcome.error().code) || outcome.error().code == ErrorCode::store_slow_down) {
        went_unanswered(outcome.error());
    } else {
        answered();
    }
    return answers_;
}

void StoreHealth::end(const Error& error) {
    const std::lock_guard lock{mutex_};
    if (!answers_.exchange(false)) return;
    log::error("region.down", {{"region", name_},
                               {"code", to_string(error.code)},
                               {"detail", error.detail},
                               {"effect", "it gets no new uploads, and its jobs wait"}});
}

void StoreHealth::come_back() {
    const std::lock_guard lock{mutex_};
    if (answers_.exchange(true)) return;
    unanswered_ = 0;
    log::info("region.up", {{"region", name_}});
}

}  // namespace photogate::storage::objects
