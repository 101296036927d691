// A package: many pictures as one zip, whose every byte is decided when the package is made.
//
// The order of its items, their names and sizes, and where each lies in the archive never change afterwards, so the archive has a
// length and an ETag before its first byte is sent, and any gateway can send any part of it. Thread safety: values.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/random.hpp"
#include "base/time.hpp"
#include "base/words.hpp"
#include "model/upload.hpp"

namespace photogate {

/// `pkg_` + as UploadId.
using PackageId = Word<struct PackageIdTag>;
/// nullopt if photogate could not have created this id.
std::optional<PackageId> parse_package_id(std::string_view text);
PackageId make_package_id(Timestamp now, Random& random);

}  // namespace photogate

namespace photogate::model {

enum class PackageMode {
    stream,  ///< put together while it is sent; never stored
    store,   ///< built into the bucket
};
std::string_view to_string(PackageMode mode);

enum class PackageState {
    preparing,  ///< versions of its items are being made; its archive is not laid out yet
    queued,     ///< of a stored one: nobody builds it yet
    building,   ///< of a stored one
    ready,      ///< its link works until it expires
    failed,     ///< it can't be had: Package::failure says why
    deleted,    ///< by its app: links that were given out are void
};
std::string_view to_string(PackageState state);

/// What becomes of a package when an item can't be had as it is made.
enum class OnMissing {
    fail,  ///< there is no package
    skip,  ///< it is left out and counted
    list,  ///< it is left out, and named in the answers
};
std::string_view to_string(OnMissing what);

/// What is being done about a stored package that is not ready.
enum class PackageStep {
    waiting,     ///< no gateway is at it: it has not begun, or it is the turn of others
    copying,     ///< parts are sent to the store
    completing,  ///< the store joins them
};
std::string_view to_string(PackageStep step);

/// Where a stored package's object is, or will be.
struct PackageObject {
    std::string region;
    Bucket bucket;
    ObjectKey key;
};

struct Package {
    PackageId id;
    AppName app;
    std::string name;  ///< of the file that is downloaded, as asked for
    PackageMode mode = PackageMode::stream;
    PackageState state = PackageState::ready;
    OnMissing on_missing = OnMissing::fail;
    TextMap metadata;
    std::string request_id;
    Timestamp created_at;
    Timestamp expires_at;  ///< no link is good for longer

    // Of the archive, fixed when the package is made; while it is being prepared, `items` and `missing` alone.
    std::uint64_t items = 0;    ///< entries, without those that are missing
    std::uint64_t missing = 0;  ///< items that were asked for and could not be had
    ByteSize size = 0;
    std::uint64_t directory_offset = 0;  ///< where the central directory begins
    std::uint64_t directory_size = 0;    ///< of its records
    std::string etag;                    ///< without its quotes

    // Of a stored one, as it was last noted.
    PackageStep step = PackageStep::waiting;
    ByteSize built_bytes = 0;             ///< what of it is in the store
    std::uint64_t built_items = 0;        ///< how many entries that makes, from the first
    ByteSize built_rate = 0;              ///< bytes a second, of the turn that is under way or was the last
    std::optional<PackageObject> object;  ///< nullopt: nothing of it is in the store

    std::uint64_t prepared = 0;  ///< of its items: those whose version is there, or can't be made
    std::string failure;         ///< an ErrorCode's word, or `version_not_made`; empty unless failed
    std::optional<Timestamp> finished_at;
};

/// One entry of the archive, in its order.
struct PackageItem {
    std::uint32_t position = 0;          ///< from 0, without gaps
    std::optional<UploadId> upload;      ///< nullopt: made for the package
    std::string name;                    ///< safe, and no other entry's
    std::uint64_t archive_offset = 0;    ///< of its local header
    std::uint64_t directory_offset = 0;  ///< of its record, from the beginning of the central directory
    ByteSize size = 0;
    std::uint32_t crc32 = 0;
    std::chrono::sys_seconds modified{};
    std::string region;
    Bucket bucket;  ///< empty: not known, the region's published one
    ObjectKey key;
    ETag etag;  ///< of the object whose CRC-32 this is; no other is sent
};

/// What was asked for and is not in the archive.
struct MissingItem {
    std::uint32_t place = 0;         ///< among all that were asked for, from 0
    std::optional<UploadId> upload;  ///< nullopt: the app has no such upload
    std::string name;                ///< as it would have been; of an unknown upload, the id as it was sent
    std::string code;                ///< an ErrorCode's word
};

/// An entry that could not be read while its package was built.
struct FailedItem {
    std::uint32_t position = 0;      ///< in the archive
    std::optional<UploadId> upload;  ///< nullopt: made for the package
    std::string name;                ///< in the archive; empty where its upload was deleted since
    std::string code;                ///< an ErrorCode's word
};

}  // namespace photogate::model
