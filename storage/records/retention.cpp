// What need not be kept is deleted.
#include <chrono>
#include <vector>

#include "base/log.hpp"
#include "storage/records/database_state.hpp"
#include "storage/records/upkeep.hpp"

namespace photogate::storage::records {
namespace {

using namespace std::chrono_literals;

constexpr auto kForgetEvery = 60s;
constexpr auto kBackfills = 24h * 30;

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
        transaction.run("forget_processes");
        transaction.run("forget_version_claims");
        transaction.run("queue_package_removals", params(now));
        transaction.run("forget_package_items", params(now));
        transaction.run("forget_package_missing", params(now));
        transaction.run("forget_package_texts", params(now));
        transaction.run("forget_package_asked", params(now));
        transaction.run("forget_package_recipes", params(now));
        transaction.run("close_packages", params(now));
        transaction.run("forget_packages", params(Timestamp{now - retention.packages}));
        transaction.run("forget_backfills", params(Timestamp{now - kBackfills}));
        return {};
    });
}

/// Of the rejected and the failed, a bite of each.
Result<> erase_old(DatabaseState& state, Timestamp before) {
    constexpr std::size_t kUploadsAtOnce = 500;
    std::size_t erased = 0;
    for (const auto ended : {model::UploadState::rejected, model::UploadState::failed}) {
        const auto ids = read(state.pool, [&](Transaction& transaction) -> Result<std::vector<UploadId>> {
            std::vector<UploadId> found;
            for (const auto& row :
                 transaction.run("ended_before",
                                 params(to_string(ended), before, least_id("upl_", before), kUploadsAtOnce)))
                found.push_back(UploadId::trusted(row[0].c_str()));
            return found;
        });
        if (!ids) return fail(ids.error());
        for (const auto& id : *ids) {
            const auto done = erase_if_ended_before(state, id, before);
            if (!done) return fail(done.error());
            erased += *done ? 1 : 0;
        }
    }
    if (erased == 0) return {};
    log::info("retention.erased", {{"uploads", erased}});
    state.wakeups.signal(Work::jobs);
    state.wakeups.signal(Work::callbacks);
    return {};
}

Result<> forget_uploads(DatabaseState& state, Timestamp before) {
    return transact(state.pool, [&](Transaction& transaction, Earlier) -> Result<> {
        SqlArray old, gone;
        bool any = false;
        for (const auto& row :
             transaction.run("lock_old_uploads", params(before, least_id("upl_", before)))) {
            old.add(row[0].c_str());
            any = true;
        }
        if (!any) return {};
        transaction.run("keep_gone_images", params(old));
        for (const auto& row : transaction.run("forget_uploads", params(old)))
            gone.add(row[0].c_str());
        transaction.run("forget_timelines", params(gone));
        return {};
    });
}

Result<> process_seen(DatabaseState& state) {
    return read(state.pool, [&](Transaction& transaction) -> Result<> {
        transaction.run("process_seen", params(state.lease_prefix));
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
    const auto& retention = state_.options.retention;
    if (auto forgotten = forget_older(state_.pool, retention, now); !forgotten) return forgotten;
    if (auto seen = process_seen(state_); !seen) return seen;
    if (auto erased = erase_old(state_, now - retention.rejected); !erased) return erased;
    if (auto forgotten = forget_uploads(state_, now - retention.uploads); !forgotten) return forgotten;
    return tidy_endpoints(state_);
}

}  // namespace photogate::storage::records
