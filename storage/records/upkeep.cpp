// Periodic tasks, and the uploads that a look at the store is about: t9.
#include "storage/records/upkeep.hpp"

#include "model/object_layout.hpp"
#include "storage/records/database_state.hpp"

namespace photogate::storage::records {
namespace {

constexpr std::size_t kFew = 10'000;

MaintenanceTally to_tally(const pqxx::row& row) {
    return {row["seen"].as<std::uint64_t>(), row["removed"].as<std::uint64_t>(),
            row["unknown"].as<std::uint64_t>()};
}

/// The statements that move a task on all begin with its name and token.
Result<bool> move_task(Pool& pool, const std::string& statement, const Params& parameters) {
    return transact(pool, [&](Transaction& transaction, Earlier) -> Result<bool> {
        return !transaction.run(statement, parameters).empty();
    });
}

}  // namespace

Upkeep::Upkeep(Database& database) : state_(database.state()) {}

Result<std::optional<MaintenanceLease>> Upkeep::acquire(const std::string& name, std::chrono::seconds lease,
                                                        MaintenanceStart start) {
    const auto token = state_.token();
    return transact(
        state_.pool,
        [&](Transaction& transaction, Earlier earlier) -> Result<std::optional<MaintenanceLease>> {
            pqxx::result rows;
            if (earlier == Earlier::in_doubt) rows = transaction.run("round_held", params(name, token));
            if (rows.empty())
                rows = transaction.run(
                    "begin_round", params(name, token, lease.count(), start == MaintenanceStart::at_once));
            if (rows.empty()) return std::optional<MaintenanceLease>{};
            return std::optional<MaintenanceLease>{
                MaintenanceLease{name, token, rows[0]["cursor"].c_str(), to_tally(rows[0])}};
        });
}

Result<bool> Upkeep::checkpoint(const MaintenanceLease& task, std::chrono::seconds lease) {
    return move_task(state_.pool, "keep_round",
                     params(task.name, task.token, lease.count(), task.cursor, task.tally.seen,
                            task.tally.removed, task.tally.unknown));
}

Result<bool> Upkeep::release(const MaintenanceLease& task, std::chrono::milliseconds again_in) {
    return move_task(state_.pool, "pause_round",
                     params(task.name, task.token, again_in.count(), task.cursor, task.tally.seen,
                            task.tally.removed, task.tally.unknown));
}

Result<bool> Upkeep::complete(const MaintenanceLease& task, std::chrono::milliseconds again_in) {
    return move_task(state_.pool, "end_round",
                     params(task.name, task.token, again_in.count(), task.tally.seen, task.tally.removed,
                            task.tally.unknown));
}

Result<std::vector<model::Upload>> Upkeep::past_grant(const PastGrant& after, std::chrono::seconds grace,
                                                      std::size_t limit) {
    return read(state_.pool, [&](Transaction& transaction) -> Result<std::vector<model::Upload>> {
        return to_readable_uploads(transaction.run(
            "uploads_past_grant",
            params(after.expires_at, after.id, Timestamp{state_.clock.now() - grace}, limit)));
    });
}

Result<std::vector<std::string>> Upkeep::open_minutes(std::chrono::seconds grace,
                                                      std::chrono::seconds longest_grant) {
    return read(state_.pool, [&](Transaction& transaction) -> Result<std::vector<std::string>> {
        const auto now = state_.clock.now();
        auto rows = transaction.run("open_minutes_of_few", params(Timestamp{now - grace}, kFew));
        const bool many = !rows.empty() && rows[rows.size() - 1][0].is_null();
        if (many) {
            const auto first = model::incoming_minute_prefix(now - grace - longest_grant);
            std::string after_all{model::kIncomingPrefix};
            ++after_all.back();
            const auto minutes = std::string{"^"}.append(model::kIncomingPrefix).append("[0-9]{12}/");
            rows = transaction.run("minutes_since", params(first, after_all, minutes));
        }
        std::vector<std::string> prefixes;
        for (const auto& row : rows)
            prefixes.emplace_back(row[0].c_str());
        return prefixes;
    });
}

Result<bool> Upkeep::expire(const UploadId& id, std::chrono::seconds grace) {
    auto expired = transact(state_.pool, [&](Transaction& transaction, Earlier earlier) -> Result<bool> {
        const auto now = state_.clock.now();
        auto due = to_uploads(transaction.run("lock_due_upload", params(id.str(), Timestamp{now - grace})));
        if (due.empty()) {
            if (earlier == Earlier::none) return false;
            const auto uploads = to_uploads(transaction.run("look_again_at_upload", params(id.str())));
            return !uploads.empty() && uploads.front().state == model::UploadState::expired;
        }
        auto& upload = due.front();
        upload.state = model::UploadState::expired;
        upload.finished_at = now;
        upload.updated_at = now;
        OutboxRows outbox;
        if (const auto callback =
                compose(state_.composer, model::CallbackType::upload_expired, upload, now)) {
            outbox.add(*callback, model::CallbackType::upload_expired, upload);
        }
        transaction.run("expire_upload", params(id.str(), now, upload.sequence));
        outbox.insert(transaction, now);
        TimelineRows timeline;
        timeline.add(id, "expired");
        timeline.insert(transaction, now);
        return true;
    });
    if (expired && *expired) state_.wakeups.signal(Work::callbacks);
    return expired;
}

}  // namespace photogate::storage::records
