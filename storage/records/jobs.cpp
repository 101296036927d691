// Claims, leases and their end without a result: t3, t4, t7, and the retention that rides along with the
// reaper.
#include <algorithm>
#include <mutex>
#include <set>

#include "base/failpoint.hpp"
#include "base/log.hpp"
#include "storage/records/finish.hpp"
#include "storage/records/records_state.hpp"

namespace photogate::storage::records {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMostClaimed = 1'000;
constexpr auto kTidyEvery = 60s;

void split(const std::vector<model::Lease>& leases, SqlArray& jobs, SqlArray& tokens) {
    for (const auto& lease : leases) {
        jobs.add(lease.job);
        tokens.add(lease.token);
    }
}

/// One bite of each kind; called often enough, it keeps up with whatever comes in.
Result<> forget_old(Pool& pool, const Retention& retention, Timestamp now) {
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

Result<std::vector<model::Job>> Records::claim(const ClaimRequest& request) {
    const auto token = state_->token();
    const auto most = std::clamp<std::size_t>(request.most, 1, kMostClaimed);
    std::string turn_app, turn_kind;
    {
        const std::lock_guard lock{state_->turns_mutex};
        turn_app = state_->turn_app;
        turn_kind = state_->turn_kind;
    }
    auto jobs = transact(
        state_->pool, [&](Transaction& transaction, Earlier earlier) -> Result<std::vector<model::Job>> {
            pqxx::result rows;
            if (earlier == Earlier::in_doubt) rows = transaction.run("claimed_before", params(token));
            if (rows.empty()) {
                rows = transaction.run(
                    "claim_jobs", params(token, storable_text(request.worker, 128), request.lease.count(),
                                         most, turn_app, turn_kind, state_->clock.now()));
            }
            const Columns columns{rows};
            std::vector<model::Job> claimed;
            for (const auto& row : rows)
                claimed.push_back(to_job(columns, row, token));
            return claimed;
        });
    if (jobs && !jobs->empty()) {
        {
            const std::lock_guard lock{state_->turns_mutex};
            state_->turn_app = jobs->back().upload.app.str();
            state_->turn_kind = to_string(jobs->back().kind);
        }
        // Who got all that was asked for leaves perhaps more behind, and a signal wakes only those who wait.
        if (jobs->size() == most) state_->wakeups.signal_here(Work::jobs);
    }
    return jobs;
}

Result<std::vector<model::Lease>> Records::extend_leases(const std::vector<model::Lease>& leases,
                                                         std::chrono::seconds lease) {
    if (leases.empty()) return std::vector<model::Lease>{};
    SqlArray jobs, tokens;
    split(leases, jobs, tokens);
    return transact(
        state_->pool, [&](Transaction& transaction, Earlier) -> Result<std::vector<model::Lease>> {
            std::set<std::int64_t> held;
            for (const auto& row : transaction.run("extend_leases", params(jobs, tokens, lease.count()))) {
                held.insert(row[0].as<std::int64_t>());
            }
            std::vector<model::Lease> lost;
            for (const auto& ours : leases) {
                if (!held.contains(ours.job)) lost.push_back(ours);
            }
            return lost;
        });
}

Result<> Records::release(const std::vector<model::Lease>& leases) {
    if (leases.empty()) return {};
    SqlArray jobs, tokens;
    split(leases, jobs, tokens);
    auto released = transact(state_->pool, [&](Transaction& transaction, Earlier) -> Result<> {
        transaction.run("release_jobs", params(jobs, tokens, state_->clock.now()));
        return {};
    });
    if (released) state_->wakeups.signal(Work::jobs);
    return released;
}

Result<Reaped> Records::reap() {
    Reaped reaped;
    auto requeued = transact(state_->pool, [&](Transaction& transaction, Earlier) -> Result<std::size_t> {
        return static_cast<std::size_t>(
            transaction.run("requeue_lost_leases", params(state_->options.max_attempts, state_->clock.now()))
                .size());
    });
    if (!requeued) return fail(requeued.error());
    reaped.requeued = *requeued;
    failpoint::pass(failpoint::Point::mid_reap);

    auto spent = read(state_->pool, [&](Transaction& transaction) -> Result<std::vector<model::Lease>> {
        std::vector<model::Lease> leases;
        for (const auto& row : transaction.run("spent_lost_leases", params(state_->options.max_attempts))) {
            leases.push_back({row[0].as<std::int64_t>(), row[1].as<std::string>()});
        }
        return leases;
    });
    if (!spent) return fail(spent.error());
    for (const auto& lease : *spent) {
        auto failed = fail_lost_lease(*state_, lease);
        if (failed && *failed) ++reaped.failed;
        // Its worker came back in time: not lost after all.
        if (!failed && failed.error().code != ErrorCode::lease_lost) return fail(failed.error());
    }
    if (reaped.requeued > 0) state_->wakeups.signal(Work::jobs);
    if (reaped.failed > 0) state_->wakeups.signal(Work::callbacks);
    if (reaped.requeued + reaped.failed > 0) {
        log::warn("jobs.leases_lost", {{"requeued", reaped.requeued}, {"failed", reaped.failed}});
    }

    const auto now = state_->clock.now();
    {
        const std::lock_guard lock{state_->turns_mutex};
        if (now - state_->tidied_at < kTidyEvery) return reaped;
        state_->tidied_at = now;
    }
    if (auto tidied = forget_old(state_->pool, state_->options.retention, now); !tidied)
        return fail(tidied.error());
    if (auto tidied = tidy_endpoints(*state_); !tidied) return fail(tidied.error());
    return reaped;
}

}  // namespace photogate::storage::records
