// Claims, leases and their end without a result: t3, t4, t7.
#include <algorithm>
#include <mutex>
#include <set>
#include <utility>

#include "base/failpoint.hpp"
#include "base/log.hpp"
#include "storage/records/database_state.hpp"
#include "storage/records/finish.hpp"
#include "storage/records/postgres.hpp"

namespace photogate::storage::records {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMostClaimed = 1'000;
constexpr std::chrono::seconds kSetAside = 1h;

void split(const std::vector<model::Lease>& leases, SqlArray& jobs, SqlArray& tokens) {
    for (const auto& lease : leases) {
        jobs.add(lease.job);
        tokens.add(lease.token);
    }
}

/// A job that cannot be read is given back within the same claim, so that it neither fails the others nor
/// spends an attempt: a newer gateway can do it.
std::vector<model::Job> readable_jobs(Transaction& transaction, const pqxx::result& rows,
                                      const std::string& token, Timestamp now) {
    const Columns columns{rows};
    std::vector<model::Job> claimed;
    for (const auto& row : rows) {
        try {
            claimed.push_back(to_job(columns, row, token));
        } catch (const UnknownWord& problem) {
            log_unreadable("jobs", columns.text(row, "job_id"), problem);
            transaction.run("set_aside_job",
                            params(columns.number(row, "job_id"), token, kSetAside.count(), now));
        }
    }
    return claimed;
}

/// Leases of processes of this machine that were killed are over at once, not when they run out.
Result<> expire_leases_of_ended_processes(DatabaseState& state) {
    if (state.process.machine.empty()) return {};
    return read(state.pool, [&](Transaction& transaction) -> Result<> {
        SqlArray ended;
        bool any = false;
        for (const auto& row :
             transaction.run("processes_of_machine", params(state.process.machine, state.lease_prefix))) {
            if (!database::has_ended(static_cast<pid_t>(row["pid"].as<std::int64_t>()),
                                     row["started"].as<std::int64_t>()))
                continue;
            ended.add(row["prefix"].c_str());
            any = true;
        }
        if (!any) return {};
        const auto jobs = transaction.run("expire_jobs_of_processes", params(ended)).size();
        const auto callbacks =
            transaction.run("expire_callbacks_of_processes", params(ended)).affected_rows();
        transaction.run("expire_rounds_of_processes", params(ended));
        transaction.run("expire_version_claims_of_processes", params(ended));
        transaction.run("forget_gone_processes", params(ended));
        if (jobs + callbacks > 0)
            log::warn("leases.process_ended", {{"jobs", jobs}, {"callbacks", callbacks}});
        if (callbacks > 0) state.wakeups.signal(Work::callbacks);
        return {};
    });
}

}  // namespace

PostgresJobQueue::PostgresJobQueue(Database& database) : state_(database.state()) {}

void PostgresJobQueue::wait_for_jobs(std::chrono::milliseconds timeout) {
    state_.wakeups.wait(Work::jobs, timeout);
}

void PostgresJobQueue::stop_waiting() {
    state_.wakeups.stop();
}

Result<std::vector<model::Job>> PostgresJobQueue::claim(const ClaimRequest& request) {
    const auto token = state_.token();
    const auto most = std::clamp<std::size_t>(request.most, 1, kMostClaimed);
    SqlArray kinds;
    for (const auto& kind : request.kinds)
        kinds.add(to_string(kind));
    SqlArray away, near;
    for (const auto& region : request.away)
        away.add(region);
    for (const auto& region : request.near)
        near.add(region);
    const auto most_of_one = std::clamp<std::size_t>(request.most_of_one_party, 1, kMostClaimed);
    std::string turn_app, turn_kind;
    SqlArray lane_apps, lane_kinds, lane_parties;
    {
        const std::lock_guard lock{mutex_};
        turn_app = turn_app_;
        turn_kind = turn_kind_;
        for (const auto& [lane, party] : turn_parties_) {
            lane_apps.add(lane.first);
            lane_kinds.add(lane.second);
            lane_parties.add(party);
        }
    }
    auto jobs = transact(
        state_.pool, [&](Transaction& transaction, Earlier earlier) -> Result<std::vector<model::Job>> {
            pqxx::result rows;
            if (earlier == Earlier::in_doubt) rows = transaction.run("claimed_before", params(token));
            if (rows.empty()) {
                rows = transaction.run(
                    "claim_jobs",
                    params(token, database::storable_text(request.worker, 128), request.lease.count(), most,
                           turn_app, turn_kind, state_.clock.now(), kinds, lane_apps, lane_kinds,
                           lane_parties, most_of_one, away, near, request.far_after.count()));
            }
            return readable_jobs(transaction, rows, token, state_.clock.now());
        });
    if (jobs && !jobs->empty()) {
        {
            const std::lock_guard lock{mutex_};
            turn_app_ = jobs->back().app.str();
            turn_kind_ = to_string(jobs->back().kind);
            for (const auto& job : *jobs) {
                turn_parties_[{job.app.str(), std::string{to_string(job.kind)}}] = job.party;
            }
        }
        // Who got all that was asked for leaves perhaps more behind, and a signal wakes only those who wait.
        if (jobs->size() == most) state_.wakeups.signal_here(Work::jobs);
    }
    return jobs;
}

Result<std::vector<model::Lease>> PostgresJobQueue::extend_leases(const std::vector<model::Lease>& leases,
                                                                  std::chrono::seconds lease) {
    if (leases.empty()) return std::vector<model::Lease>{};
    SqlArray jobs, tokens;
    split(leases, jobs, tokens);
    return transact(state_.pool, [&](Transaction& transaction, Earlier) -> Result<std::vector<model::Lease>> {
        std::set<std::pair<std::int64_t, std::string>> held;
        for (const auto& row : transaction.run("extend_leases", params(jobs, tokens, lease.count()))) {
            held.emplace(row[0].as<std::int64_t>(), row[1].as<std::string>());
        }
        std::vector<model::Lease> lost;
        for (const auto& ours : leases) {
            if (!held.contains({ours.job, ours.token})) lost.push_back(ours);
        }
        return lost;
    });
}

Result<> PostgresJobQueue::release(const std::vector<model::Lease>& leases) {
    if (leases.empty()) return {};
    SqlArray jobs, tokens;
    split(leases, jobs, tokens);
    auto released = transact(state_.pool, [&](Transaction& transaction, Earlier) -> Result<> {
        transaction.run("release_jobs", params(jobs, tokens, state_.clock.now()));
        return {};
    });
    if (released) state_.wakeups.signal(Work::jobs);
    return released;
}

Result<std::size_t> PostgresJobQueue::release_held(const HeldJobs& held) {
    SqlArray away, tried;
    for (const auto& gate : held.away)
        away.add(gate);
    for (const auto& gate : held.tried)
        tried.add(gate);
    auto released = transact(state_.pool, [&](Transaction& transaction, Earlier) -> Result<std::size_t> {
        const auto most = std::clamp<std::size_t>(held.most, 1, kMostClaimed);
        return static_cast<std::size_t>(
            transaction.run("release_held_jobs", params(away, tried, most)).size());
    });
    if (released && *released > 0) state_.wakeups.signal(Work::jobs);
    return released;
}

Result<Reaped> PostgresJobQueue::reap() {
    Reaped reaped;
    if (auto expired = expire_leases_of_ended_processes(state_); !expired) return fail(expired.error());
    failpoint::pass(failpoint::Point::after_ended_leases);
    auto requeued = transact(state_.pool, [&](Transaction& transaction, Earlier) -> Result<std::size_t> {
        return static_cast<std::size_t>(
            transaction.run("requeue_lost_leases", params(state_.options.max_attempts, state_.clock.now()))
                .size());
    });
    if (!requeued) return fail(requeued.error());
    reaped.requeued = *requeued;
    failpoint::pass(failpoint::Point::mid_reap);

    auto spent = read(state_.pool, [&](Transaction& transaction) -> Result<std::vector<model::Lease>> {
        std::vector<model::Lease> leases;
        for (const auto& row : transaction.run("spent_lost_leases", params(state_.options.max_attempts))) {
            leases.push_back({row[0].as<std::int64_t>(), row[1].as<std::string>()});
        }
        return leases;
    });
    if (!spent) return fail(spent.error());
    for (const auto& lease : *spent) {
        auto failed = fail_lost_lease(state_, lease);
        if (failed && *failed) ++reaped.failed;
        if (failed || failed.error().code == ErrorCode::lease_lost) continue;  // its worker came back in time
        // What this program cannot read must not keep the other leases from being reaped.
        if (failed.error().code != ErrorCode::internal) return fail(failed.error());
        log::error("jobs.not_reaped", {{"job", lease.job}, {"detail", failed.error().detail}});
    }
    if (reaped.requeued > 0) state_.wakeups.signal(Work::jobs);
    if (reaped.failed > 0) state_.wakeups.signal(Work::callbacks);
    if (reaped.requeued + reaped.failed > 0) {
        log::warn("jobs.leases_lost", {{"requeued", reaped.requeued}, {"failed", reaped.failed}});
    }

    return reaped;
}

}  // namespace photogate::storage::records
