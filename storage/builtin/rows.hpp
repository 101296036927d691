// The index's blobs: headers, checksums and notification rules. Private to storage/builtin.
//
// A blob is a sequence of strings, each preceded by its length (four bytes, little-endian); names are one
// letter, since every object has them. A malformed blob is file_error, thrown as a StoreFailure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/builtin/object.hpp"
#include "storage/builtin/sqlite.hpp"
#include "storage/objects/object_store.hpp"

namespace photogate::storage::builtin {

std::string pack(const std::vector<std::string>& texts);
std::vector<std::string> unpack(std::string_view packed);

std::string pack_headers(const ObjectHeaders& headers);
ObjectHeaders unpack_headers(std::string_view packed);
/// Alone, for listings.
StorageClass storage_class_in(std::string_view packed);

std::optional<std::string> pack_checksum(const std::optional<Checksum>& checksum);
std::optional<Checksum> unpack_checksum(const std::optional<std::string>& packed);

std::string pack_rules(const std::vector<NotificationRule>& rules);
std::vector<NotificationRule> unpack_rules(std::string_view packed);

Timestamp timestamp_of(std::int64_t micros);
std::int64_t micros_of(Timestamp at);

/// A row of `object` or `object_by_name`.
struct ObjectRow {
    StoredObject object;
    std::uint64_t content = 0;
};
ObjectRow object_row(const Query& row);

/// Its representation in the ObjectStore interface.
objects::ObjectInfo info_of(const StoredObject& object);
ObjectHeaders headers_of_put(const objects::PutOptions& options);

}  // namespace photogate::storage::builtin
