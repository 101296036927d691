// Packages: read page by page, and many at once.
#include <utility>

#include <pqxx/pqxx>

#include "storage/database/columns.hpp"
#include "storage/database/sql_array.hpp"
#include "storage/database/transaction.hpp"
#include "storage/packages/embedded_sql.hpp"
#include "storage/packages/package_rows.hpp"
#include "storage/packages/package_store.hpp"
#include "storage/records/database_state.hpp"

namespace photogate::storage::packages {

using database::Columns;
using database::params;
using database::SqlArray;
using database::Transaction;

namespace {

model::PackageItem to_item(const Columns& columns, const pqxx::row& row) {
    model::PackageItem item;
    item.position = static_cast<std::uint32_t>(columns.number(row, "position"));
    if (auto upload = columns.maybe_text(row, "upload_id"))
        item.upload = UploadId::trusted(std::move(*upload));
    item.name = columns.text(row, "name");
    item.archive_offset = static_cast<std::uint64_t>(columns.number(row, "archive_offset"));
    item.directory_offset = static_cast<std::uint64_t>(columns.number(row, "directory_offset"));
    item.size = static_cast<ByteSize>(columns.number(row, "size"));
    item.crc32 = static_cast<std::uint32_t>(columns.number(row, "crc32"));
    item.modified = std::chrono::floor<std::chrono::seconds>(columns.time(row, "modified"));
    item.region = columns.text(row, "region");
    item.bucket = Bucket::trusted(columns.text(row, "bucket"));
    item.key = ObjectKey::trusted(columns.text(row, "key"));
    item.etag = ETag::trusted(columns.text(row, "etag"));
    return item;
}

std::vector<model::PackageItem> to_items(const pqxx::result& rows) {
    const Columns columns{rows};
    std::vector<model::PackageItem> items;
    items.reserve(static_cast<std::size_t>(rows.size()));
    for (const auto& row : rows)
        items.push_back(to_item(columns, row));
    return items;
}

SqlArray array_of(const std::vector<PackageId>& ids) {
    SqlArray array;
    for (const auto& id : ids)
        array.add(id.str());
    return array;
}

}  // namespace

Result<std::vector<model::Package>> PackageStore::find_all(const std::vector<PackageId>& ids) {
    return read(state_.pool, [&](Transaction& transaction) -> Result<std::vector<model::Package>> {
        const auto rows = transaction.run(statements(), "packages_by_id", params(array_of(ids)));
        const Columns columns{rows};
        std::vector<model::Package> packages;
        packages.reserve(static_cast<std::size_t>(rows.size()));
        for (const auto& row : rows)
            packages.push_back(to_package(columns, row));
        return packages;
    });
}

Result<std::vector<EndedPackage>> PackageStore::ended_among(const std::vector<PackageId>& ids) {
    return read(state_.pool, [&](Transaction& transaction) -> Result<std::vector<EndedPackage>> {
        std::vector<EndedPackage> ended;
        for (const auto& row : transaction.run(statements(), "ended_packages", params(array_of(ids))))
            ended.push_back({PackageId::trusted(row["id"].c_str()), row["has_object"].as<bool>()});
        return ended;
    });
}

Result<std::vector<MarkedPackage>> PackageStore::marks_of(const std::vector<PackageId>& ids) {
    return read(state_.pool, [&](Transaction& transaction) -> Result<std::vector<MarkedPackage>> {
        std::vector<MarkedPackage> marked;
        for (const auto& row : transaction.run(statements(), "marks_of_packages", params(array_of(ids))))
            marked.push_back({PackageId::trusted(row["id"].c_str()), row["mark"].as<std::uint64_t>()});
        return marked;
    });
}

Result<std::vector<model::PackageItem>> PackageStore::page(const PackageId& id, const PageStart& from,
                                                           std::size_t limit) {
    const char* query = "package_page";
    std::uint64_t value = 0;
    if (const auto* archive = std::get_if<FromArchiveByte>(&from)) {
        value = archive->offset;
    } else if (const auto* directory = std::get_if<FromDirectoryByte>(&from)) {
        query = "package_directory_page";
        value = directory->offset;
    } else {
        query = "package_position_page";
        value = std::get<FromPosition>(from).position;
    }
    return read(state_.pool, [&](Transaction& transaction) -> Result<std::vector<model::PackageItem>> {
        return to_items(transaction.run(statements(), query, params(id.str(), value, limit)));
    });
}

Result<bool> PackageStore::is_ready(const PackageId& id) {
    return read(state_.pool, [&](Transaction& transaction) -> Result<bool> {
        return transaction.run(statements(), "package_is_ready", params(id.str()))[0][0].as<bool>();
    });
}

Result<std::string> PackageStore::text(const PackageId& id, std::uint64_t from) {
    return read(state_.pool, [&](Transaction& transaction) -> Result<std::string> {
        const auto rows = transaction.run(statements(), "package_text", params(id.str(), from, 1));
        if (rows.empty()) return std::string{};
        const Columns columns{rows};
        const auto begin = static_cast<std::uint64_t>(columns.number(rows[0], "from_byte"));
        auto text = columns.text(rows[0], "text");
        if (from < begin || from - begin >= text.size()) return std::string{};
        return text.substr(static_cast<std::size_t>(from - begin));
    });
}

Result<std::vector<model::FailedItem>> PackageStore::failures(const PackageId& id, std::size_t limit) {
    return read(state_.pool, [&](Transaction& transaction) -> Result<std::vector<model::FailedItem>> {
        return to_failures(transaction.run(statements(), "package_failures", params(id.str(), limit)));
    });
}

Result<std::vector<model::MissingItem>> PackageStore::missing(const PackageId& id, std::size_t limit) {
    return read(state_.pool, [&](Transaction& transaction) -> Result<std::vector<model::MissingItem>> {
        const auto rows = transaction.run(statements(), "package_missing", params(id.str(), limit));
        const Columns columns{rows};
        std::vector<model::MissingItem> items;
        items.reserve(static_cast<std::size_t>(rows.size()));
        for (const auto& row : rows) {
            model::MissingItem item;
            item.place = static_cast<std::uint32_t>(columns.number(row, "place"));
            if (auto upload = columns.maybe_text(row, "upload_id"))
                item.upload = UploadId::trusted(std::move(*upload));
            item.name = columns.text(row, "name");
            item.code = columns.text(row, "code");
            items.push_back(std::move(item));
        }
        return items;
    });
}

}  // namespace photogate::storage::packages
