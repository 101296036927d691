#include "storage/variants/version_eviction.hpp"

#include <pqxx/pqxx>

#include "storage/database/columns.hpp"
#include "storage/database/transaction.hpp"
#include "storage/records/database_state.hpp"
#include "storage/variants/embedded_sql.hpp"

namespace photogate::storage::variants {

using database::Columns;
using database::Earlier;
using database::params;
using database::SqlArray;
using database::Transaction;
using records::Database;

namespace {

SqlArray array_of(const std::vector<std::int64_t>& ids) {
    SqlArray array;
    for (const auto id : ids)
        array.add(id);
    return array;
}

}  // namespace

VersionEviction::VersionEviction(Database& database) : state_(database.state()) {}

Result<std::vector<UnusedVersion>> VersionEviction::unused(std::chrono::seconds unused_for,
                                                           std::size_t most) {
    return read(state_.pool, [&](Transaction& transaction) -> Result<std::vector<UnusedVersion>> {
        std::vector<UnusedVersion> found;
        const auto rows = transaction.run(statements(), "unused_versions", params(unused_for.count(), most));
        const Columns columns{rows};
        for (const auto& row : rows) {
            UnusedVersion version;
            version.id = columns.number(row, "id");
            version.name = {UploadId::trusted(columns.text(row, "upload_id")), columns.text(row, "spec_key")};
            version.region = columns.text(row, "region");
            version.bucket = Bucket::trusted(columns.text(row, "bucket"));
            version.key = ObjectKey::trusted(columns.text(row, "key"));
            version.app = AppName::trusted(columns.text(row, "app"));
            version.profile = ProfileName::trusted(columns.text(row, "profile"));
            version.main.format = columns.text(row, "image_format");
            version.main.width = static_cast<std::uint32_t>(columns.number(row, "image_width"));
            version.main.height = static_cast<std::uint32_t>(columns.number(row, "image_height"));
            version.main.watermark = columns.text(row, "image_watermark");
            version.exif_json = columns.text(row, "exif");
            found.push_back(std::move(version));
        }
        return found;
    });
}

Result<> VersionEviction::keep(const std::vector<std::int64_t>& ids) {
    if (ids.empty()) return {};
    return read(state_.pool, [&](Transaction& transaction) -> Result<> {
        transaction.run(statements(), "keep_versions", params(array_of(ids)));
        return {};
    });
}

Result<std::vector<ObjectKey>> VersionEviction::forget(const Bucket& bucket,
                                                       const std::vector<std::int64_t>& ids,
                                                       std::chrono::seconds unused_for) {
    std::vector<ObjectKey> keys;
    if (ids.empty()) return keys;
    return transact(state_.pool, [&](Transaction& transaction, Earlier) -> Result<std::vector<ObjectKey>> {
        keys.clear();
        for (const auto& row : transaction.run(statements(), "forget_unused_versions",
                                               params(array_of(ids), unused_for.count(), bucket.str())))
            keys.push_back(ObjectKey::trusted(row[0].c_str()));
        return keys;
    });
}

Result<> VersionEviction::removed(const Bucket& bucket, const std::vector<ObjectKey>& keys) {
    if (keys.empty()) return {};
    SqlArray array;
    for (const auto& key : keys)
        array.add(key.str());
    return read(state_.pool, [&](Transaction& transaction) -> Result<> {
        transaction.run("close_sweeps", params(array, bucket.str()));
        return {};
    });
}

}  // namespace photogate::storage::variants
