// What need not be kept is deleted.
#include <chrono>

#include "storage/records/database_state.hpp"
#include "storage/records/upkeep.hpp"

namespace photogate::storage::records {
namespace {

using namespace std::chrono_literals;

constexpr auto kForgetEvery = 60s;

/// One bite of each kind; called often enough, it keeps up with whatever comes in.
Result<> forget_older(Pool& pool, const Retention& retention, Timestamp now) {
    return read(pool, [&](Transaction& transaction) -> Result<> {
        transaction.run("forget_idempotency_keys", params(Timestamp{now - retention.idempotency}));
        transaction.run("forget_events", params(Timestamp{now - retention.events}));
        transaction.run("forget_attempts", params(Timestamp{now - retention.attempts}));
        for (const auto state : {model::CallbackState::delivered, model::CallbackState::unsent})
            transaction.run("forget_callbacks",
                            params(to_string(state), Timestamp{now - retention.callbacks}));
        transaction.run("forget_callbacks", params(to_string(model::CallbackState::dead),
                                                   Timestamp{now - retention.dead_callbacks}));
        transaction.run("forget_tokens", params(Timestamp{now - retention.tokens}));
        transaction.run("forget_quarantine", params(Timestamp{now - retention.attempts}));
        transaction.run("forget_sweeps");
        return {};
    });
}

}  // namespace

Result<> Upkeep::forget_old() {
    const auto now = state_.clock.now();
    {
        const std::lock_guard lock{mutex_};
        if (now - forgot_at_ < kForgetEvery) return {};
        forgot_at_ = now;
    }
    if (auto forgotten = forget_older(state_.pool, state_.options.retention, now); !forgotten)
        return forgotten;
    return tidy_endpoints(state_);
}

}  // namespace photogate::storage::records
