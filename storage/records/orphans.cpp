// What a sweep asks about the objects it found, and the guard under which it removes a public one.
//
// A store's DELETE can not be conditional (MinIO ignores If-Match), so that the guard is here. A sweep is
// opened by committing the key; every publication after that is refused while it is open. Once each
// transaction has ended that may have looked before, one look for references is final. What was removed stays
// noted: a publication of that key, put before the removal, is refused once, and puts its object anew.
#include "storage/records/database_state.hpp"
#include "storage/records/postgres.hpp"
#include "storage/records/upkeep.hpp"

namespace photogate::storage::records {
namespace {

SqlArray array_of(const std::vector<ObjectKey>& keys) {
    SqlArray array;
    for (const auto& key : keys) {
        if (key.str().find('\0') == std::string::npos) array.add(key.str());
    }
    return array;
}

}  // namespace

Result<std::vector<UploadAt>> Upkeep::uploads_at(const Bucket& bucket, const std::vector<ObjectKey>& keys) {
    return read(state_.pool, [&](Transaction& transaction) -> Result<std::vector<UploadAt>> {
        std::vector<UploadAt> uploads;
        for (const auto& row : transaction.run("uploads_at", params(array_of(keys), bucket.str()))) {
            uploads.push_back({ObjectKey::trusted(row["key"].c_str()), UploadId::trusted(row["id"].c_str()),
                               read_word<model::UploadState>(row["state"].c_str()),
                               row["has_jobs"].as<bool>()});
        }
        return uploads;
    });
}

Result<std::size_t> Upkeep::queue_left_behind(const std::vector<UploadId>& ids) {
    SqlArray asked;
    for (const auto& id : ids)
        asked.add(id.str());
    auto queued = transact(state_.pool, [&](Transaction& transaction, Earlier) -> Result<std::size_t> {
        return static_cast<std::size_t>(transaction.run("queue_left_behind", params(asked)).size());
    });
    if (queued && *queued > 0) state_.wakeups.signal(Work::jobs);
    return queued;
}

Result<std::vector<ReferredImage>> PostgresPublications::references(const Bucket& bucket,
                                                                    const std::vector<ObjectKey>& keys) {
    return read(state_.pool, [&](Transaction& transaction) -> Result<std::vector<ReferredImage>> {
        std::vector<ReferredImage> images;
        for (const auto& row : transaction.run("images_referred_to", params(bucket.str(), array_of(keys)))) {
            images.push_back({ObjectKey::trusted(row["key"].c_str()), ETag::trusted(row["etag"].c_str()),
                              row["sha256"].c_str()});
        }
        return images;
    });
}

Result<Timestamp> Upkeep::began_at() {
    return read(state_.pool, [&](Transaction& transaction) -> Result<Timestamp> {
        const auto rows = transaction.run("began_at");
        return Columns{rows}.time(rows[0], "began_at");
    });
}

Result<std::string> Upkeep::mark_deleting(const Bucket& bucket, const std::vector<ObjectKey>& keys) {
    auto opened = transact(state_.pool, [&](Transaction& transaction, Earlier) -> Result<> {
        transaction.run("open_sweeps", params(array_of(keys), bucket.str()));
        return {};
    });
    if (!opened) return fail(opened.error());
    return read(state_.pool, [&](Transaction& transaction) -> Result<std::string> {
        return transaction.run("transactions_begun")[0][0].as<std::string>();
    });
}

Result<bool> Upkeep::transactions_ended(const std::string& horizon) {
    return read(state_.pool, [&](Transaction& transaction) -> Result<bool> {
        return transaction.run("transactions_ended", params(horizon))[0][0].as<bool>();
    });
}

Result<> Upkeep::unmark_deleting(const Bucket& bucket, const std::vector<ObjectKey>& removed,
                                 const std::vector<ObjectKey>& spared) {
    return transact(state_.pool, [&](Transaction& transaction, Earlier) -> Result<> {
        if (!removed.empty()) transaction.run("close_sweeps", params(array_of(removed), bucket.str()));
        if (!spared.empty()) transaction.run("spare_sweeps", params(array_of(spared), bucket.str()));
        return {};
    });
}

}  // namespace photogate::storage::records
