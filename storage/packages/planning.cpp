#include "storage/packages/planning.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "storage/packages/embedded_sql.hpp"
#include "storage/packages/package_rows.hpp"
#include "storage/records/database_state.hpp"
#include "storage/records/records_wire.hpp"
#include "storage/records/rows.hpp"
#include "storage/records/version_store.hpp"

namespace photogate::storage::packages {

using database::Columns;
using database::CopyRows;
using database::params;
using database::SqlArray;
using database::Transaction;
using records::read_word;
using records::VersionName;

namespace {

FoundObject to_object(const Columns& columns, const pqxx::row& row) {
    FoundObject object;
    object.region = columns.text(row, "region");
    object.bucket = Bucket::trusted(columns.text(row, "bucket"));
    object.key = ObjectKey::trusted(columns.text(row, "key"));
    object.etag = ETag::trusted(columns.text(row, "etag"));
    object.size = static_cast<ByteSize>(columns.number(row, "size"));
    if (const auto sum = columns.maybe_number(row, "crc32")) object.crc32 = static_cast<std::uint32_t>(*sum);
    object.format = columns.text(row, "format");
    object.width = static_cast<std::uint32_t>(columns.number(row, "width"));
    object.height = static_cast<std::uint32_t>(columns.number(row, "height"));
    return object;
}

/// nullopt where it is not kept, or its sum is not known.
std::optional<FoundObject> to_original(const Columns& columns, const pqxx::row& row) {
    const auto sum = columns.maybe_number(row, "original_crc32");
    if (!sum) return std::nullopt;
    FoundObject original;
    original.region = columns.text(row, "original_region");
    original.etag = ETag::trusted(columns.text(row, "original_etag"));
    original.size = static_cast<ByteSize>(columns.number(row, "original_size"));
    original.crc32 = static_cast<std::uint32_t>(*sum);
    original.format = columns.text(row, "original_type");
    return original;
}

FoundUpload to_found(const Columns& columns, const pqxx::row& row) {
    FoundUpload found;
    found.id = UploadId::trusted(columns.text(row, "id"));
    found.public_id = PublicId::trusted(columns.text(row, "public_id"));
    found.profile = ProfileName::trusted(columns.text(row, "profile"));
    found.state = read_word<model::UploadState>(columns.text(row, "state"));
    found.filename = columns.maybe_text(row, "filename");
    found.taken_at = columns.maybe_text(row, "taken_at");
    found.created_at = columns.time(row, "created_at");
    found.finished_at = columns.maybe_time(row, "finished_at");
    if (!columns.is_null(row, "metadata"))
        found.metadata = records::parse_text_map(columns.text(row, "metadata"));
    if (!columns.is_null(row, "key")) found.image = to_object(columns, row);
    found.image_alpha = columns.maybe_flag(row, "image_alpha");
    found.watermark = columns.text(row, "image_watermark");
    found.original = to_original(columns, row);
    found.original_is_moving = columns.maybe_flag(row, "original_moving").value_or(false);
    return found;
}

std::optional<std::string> text_of(const std::optional<UploadId>& id) {
    return id ? std::make_optional(id->str()) : std::nullopt;
}

constexpr std::array<const char*, 13> kItemColumns = {
    "package_id",       "position", "upload_id", "name",     "archive_offset",
    "directory_offset", "size",     "crc32",     "modified", "region",
    "bucket",           "key",      "etag"};
constexpr std::array<const char*, 5> kMissingColumns = {"package_id", "place", "upload_id", "name", "code"};

constexpr std::array<const char*, 3> kTextColumns = {"package_id", "from_byte", "text"};
constexpr std::size_t kTextPiece = 64U << 10;

/// In pieces of whole characters.
void write_text(Transaction& transaction, const PackageId& package, std::string_view text) {
    CopyRows<kTextColumns.size()> rows;
    std::uint64_t from = 0;
    while (!text.empty()) {
        auto end = std::min(text.size(), kTextPiece);
        while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
            --end;
        rows.add(package.str(), from, text.substr(0, end));
        from += end;
        text.remove_prefix(end);
    }
    transaction.copy("package_texts", kTextColumns, rows);
}

int needed(NewPackage::Need need) {
    return need == NewPackage::Need::yes ? 1 : 0;
}

}  // namespace

std::optional<model::Package> first_package(const pqxx::result& rows) {
    if (rows.empty()) return std::nullopt;
    return to_package(Columns{rows}, rows[0]);
}

void write_items(Transaction& transaction, const PackageId& package, const PlannedItems& items) {
    CopyRows<kItemColumns.size()> entries;
    for (const auto& item : items.entries)
        entries.add(package.str(), item.position, text_of(item.upload), item.name, item.archive_offset,
                    item.directory_offset, item.size, item.crc32, Timestamp{item.modified}, item.region,
                    item.bucket.str(), item.key.str(), item.etag.str());
    transaction.copy("package_items", kItemColumns, entries);
    CopyRows<kMissingColumns.size()> missing;
    for (const auto& item : items.missing)
        missing.add(package.str(), item.place, text_of(item.upload), item.name, item.code);
    transaction.copy("package_missing", kMissingColumns, missing);
    write_text(transaction, package, items.text);
}

/// Those that the planner wants.
void add_versions(Transaction& transaction, PackagePlanner& planner, std::vector<FoundItem>& found) {
    SqlArray uploads, keys;
    std::map<VersionName, std::vector<FoundUpload*>> wanted;
    for (auto& item : found) {
        if (!item.upload) continue;
        const auto key = planner.version_of(*item.upload);
        if (!key) continue;
        auto& all = wanted[{item.upload->id, *key}];
        all.push_back(&*item.upload);
        if (all.size() > 1) continue;
        uploads.add(item.upload->id.str());
        keys.add(*key);
    }
    if (wanted.empty()) return;
    const auto rows = transaction.run(statements(), "versions_for_package", params(uploads, keys));
    const Columns columns{rows};
    for (const auto& row : rows) {
        const VersionName name{UploadId::trusted(columns.text(row, "upload_id")),
                               columns.text(row, "spec_key")};
        for (auto* upload : wanted.at(name))
            upload->version = to_object(columns, row);
    }
}

Result<> plan_items(Transaction& transaction, const PackageId& package, PackagePlanner& planner,
                    std::vector<FoundItem>& found) {
    add_versions(transaction, planner, found);
    const auto items = planner.add(found);
    if (!items) return fail(items.error());
    // What can't be laid out yet is not written.
    if (planner.unmade() == 0) write_items(transaction, package, *items);
    return {};
}

std::vector<FoundItem> look_up(Transaction& transaction, const AppName& app, const Looked& at,
                               std::vector<FoundItem> items) {
    SqlArray ids;
    for (const auto& item : items)
        ids.add(item.asked.upload);
    const auto rows = transaction.run(statements(), "uploads_for_package",
                                      params(app.str(), ids, needed(at.metadata), needed(at.originals)));
    const Columns columns{rows};
    for (const auto& row : rows)
        items.at(static_cast<std::size_t>(columns.number(row, "place") - 1)).upload = to_found(columns, row);
    return items;
}

std::vector<FoundItem> select(Transaction& transaction, const AppName& app, const Looked& at,
                              const SelectionPage& page) {
    const auto& selection = page.selection;
    std::optional<std::string> profile;
    if (selection.profile) profile = selection.profile->str();
    auto parameters = params(app.str(), page.behind, needed(at.metadata), needed(at.originals), profile,
                             selection.created_after, selection.created_before,
                             records::least_id("upl_", selection.created_after), page.most);
    if (!selection.metadata.empty()) parameters.add(records::to_json_text(selection.metadata));
    const auto rows = transaction.run(
        statements(),
        selection.metadata.empty() ? "published_for_package" : "published_for_package_by_metadata",
        parameters);
    const Columns columns{rows};
    std::vector<FoundItem> found;
    found.reserve(static_cast<std::size_t>(rows.size()));
    for (const auto& row : rows)
        found.emplace_back().upload = to_found(columns, row);
    return found;
}

}  // namespace photogate::storage::packages
