#include "storage/packages/package_rows.hpp"

#include <utility>

#include "storage/records/records_wire.hpp"
#include "storage/records/rows.hpp"

namespace photogate::storage::packages {

using database::Columns;
using records::read_word;

model::Package to_package(const Columns& columns, const pqxx::row& row) {
    model::Package package;
    package.id = PackageId::trusted(columns.text(row, "id"));
    package.app = AppName::trusted(columns.text(row, "app"));
    package.name = columns.text(row, "name");
    package.mode = read_word<model::PackageMode>(columns.text(row, "mode"));
    package.state = read_word<model::PackageState>(columns.text(row, "state"));
    package.on_missing = read_word<model::OnMissing>(columns.text(row, "on_missing"));
    package.metadata = records::parse_text_map(columns.text(row, "metadata"));
    package.request_id = columns.text(row, "request_id");
    package.created_at = columns.time(row, "created_at");
    package.expires_at = columns.time(row, "expires_at");
    package.items = static_cast<std::uint64_t>(columns.number(row, "items"));
    package.missing = static_cast<std::uint64_t>(columns.number(row, "missing"));
    package.size = static_cast<ByteSize>(columns.number(row, "size"));
    package.directory_offset = static_cast<std::uint64_t>(columns.number(row, "directory_offset"));
    package.directory_size = static_cast<std::uint64_t>(columns.number(row, "directory_size"));
    package.etag = columns.text(row, "etag");
    package.step = read_word<model::PackageStep>(columns.text(row, "step"));
    package.prepared = static_cast<std::uint64_t>(columns.number(row, "prepared"));
    package.built_bytes = static_cast<ByteSize>(columns.number(row, "built_bytes"));
    package.built_items = static_cast<std::uint64_t>(columns.number(row, "built_items"));
    package.built_rate = static_cast<ByteSize>(columns.number(row, "built_rate"));
    if (auto key = columns.maybe_text(row, "object_key"))
        package.object = model::PackageObject{columns.text(row, "object_region"),
                                              Bucket::trusted(columns.text(row, "object_bucket")),
                                              ObjectKey::trusted(std::move(*key))};
    package.failure = columns.text(row, "failure");
    package.finished_at = columns.maybe_time(row, "finished_at");
    return package;
}

std::vector<model::FailedItem> to_failures(const pqxx::result& rows) {
    const Columns columns{rows};
    std::vector<model::FailedItem> items;
    items.reserve(static_cast<std::size_t>(rows.size()));
    for (const auto& row : rows) {
        model::FailedItem item;
        item.position = static_cast<std::uint32_t>(columns.number(row, "position"));
        if (auto upload = columns.maybe_text(row, "upload_id"))
            item.upload = UploadId::trusted(std::move(*upload));
        item.name = columns.text(row, "name");
        item.code = columns.text(row, "code");
        items.push_back(std::move(item));
    }
    return items;
}

}  // namespace photogate::storage::packages
