// What is known of multipart uploads at the stores.
#include "storage/records/database_state.hpp"
#include "storage/records/postgres.hpp"
#include "storage/records/upkeep.hpp"

namespace photogate::storage::records {

Result<std::optional<std::string>> PostgresUploadStore::parts_of(const UploadId& id) {
    return read(state_.pool, [&](Transaction& transaction) -> Result<std::optional<std::string>> {
        const auto rows = transaction.run("parts_of_upload", params(id.str()));
        if (rows.empty() || rows[0][0].is_null()) return std::optional<std::string>{};
        return std::optional<std::string>{rows[0][0].c_str()};
    });
}

Result<> PostgresUploadStore::expect_parts(const UploadId& id) {
    return transact(state_.pool, [&](Transaction& transaction, Earlier) -> Result<> {
        transaction.run("expect_parts", params(id.str(), state_.clock.now()));
        return {};
    });
}

Result<std::string> PostgresUploadStore::record_parts(const UploadId& id, const std::string& store_id) {
    return transact(state_.pool, [&](Transaction& transaction, Earlier) -> Result<std::string> {
        const auto rows = transaction.run("record_parts", params(id.str(), store_id, state_.clock.now()));
        if (rows.empty())
            return fail(ErrorCode::state_conflict,
                        "the upload has its object, or is over: there is nothing to sign");
        return std::string{rows[0][0].c_str()};
    });
}

Result<> PostgresUploadStore::forget_parts(const UploadId& id, const std::string& store_id) {
    return transact(state_.pool, [&](Transaction& transaction, Earlier) -> Result<> {
        transaction.run("forget_parts_of_store", params(id.str(), store_id));
        return {};
    });
}

Result<std::vector<PartsDue>> Upkeep::parts_due(std::size_t limit) {
    return read(state_.pool, [&](Transaction& transaction) -> Result<std::vector<PartsDue>> {
        const auto rows = transaction.run("parts_due", params(state_.clock.now(), limit));
        const Columns columns{rows};
        std::vector<PartsDue> due;
        for (const auto& row : rows) {
            try {
                due.push_back({to_upload(columns, row), columns.maybe_text(row, "store_id")});
            } catch (const UnknownWord& problem) {
                log_unreadable("uploads", columns.text(row, "id"), problem);
            }
        }
        return due;
    });
}

Result<> Upkeep::look_at_parts_again(const UploadId& id, std::chrono::seconds later) {
    return transact(state_.pool, [&](Transaction& transaction, Earlier) -> Result<> {
        transaction.run("look_at_parts_again", params(id.str(), Timestamp{state_.clock.now() + later}));
        return {};
    });
}

Result<bool> Upkeep::give_up_parts(const PartsDue& parts, std::chrono::seconds kept,
                                   std::chrono::seconds look_again) {
    return transact(state_.pool, [&](Transaction& transaction, Earlier) -> Result<bool> {
        const auto now = state_.clock.now();
        return !transaction
                    .run("give_up_parts", params(parts.upload.id.str(), parts.store_id, Timestamp{now - kept},
                                                 Timestamp{now + look_again}))
                    .empty();
    });
}

Result<> Upkeep::forget_parts(const UploadId& id) {
    return transact(state_.pool, [&](Transaction& transaction, Earlier) -> Result<> {
        transaction.run("forget_parts", params(id.str()));
        return {};
    });
}

}  // namespace photogate::storage::records
