// The built-in store's record of an object, and its stream reader and writer.
//
// Written bytes become visible only when finish() succeeds; a reader keeps seeing the same object until it is
// destroyed, whatever is written to the key meanwhile.
//
// Thread safety: one writer belongs to one thread at a time. A reader may be read by many threads at once:
// reading is const and keeps no position. Both must be destroyed before their FolderStore.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/encoding.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "base/words.hpp"
#include "storage/builtin/checksum.hpp"
#include "storage/objects/object_store.hpp"

namespace photogate::storage::builtin {

// The interface's types that this module's headers speak of.
using objects::FailedKey;
using objects::FilePiece;
using objects::ListOptions;
using objects::ListPage;
using objects::NotificationRule;

struct ObjectName {
    Bucket bucket;
    ObjectKey key;
};

/// What the writer asked for. Bytes are kept in the same way either way.
enum class StorageClass { standard, reduced_redundancy };
/// `STANDARD`, `REDUCED_REDUNDANCY`.
std::string_view to_string(StorageClass storage_class);

/// The tags of an object: at most 10, which the S3 interface ensures.
using Tags = std::map<std::string, std::string>;

/// Kept with the bytes and returned as response headers; of the tags their number.
struct ObjectHeaders {
    std::string content_type = "binary/octet-stream";
    std::optional<std::string> cache_control;
    std::optional<std::string> content_disposition;
    std::optional<std::string> content_encoding;
    std::optional<std::string> content_language;
    std::optional<std::string> expires;
    /// `x-amz-meta-*` without the prefix, names in lower case.
    std::map<std::string, std::string> metadata;
    Tags tags;
    StorageClass storage_class = StorageClass::standard;
    bool operator==(const ObjectHeaders&) const = default;
};

struct StoredObject {
    /// MD5 of the bytes in hex; of a multipart object, MD5 of its parts' MD5s and `-N`.
    ETag etag;
    ByteSize size = 0;
    Timestamp last_modified{};
    ObjectHeaders headers;
    std::optional<Checksum> checksum;  ///< if the writer requested one
    std::uint32_t part_count = 0;      ///< 0: written in one piece
    /// Increases with every commit of the store, also across restarts: an event's sequencer.
    std::uint64_t sequence = 0;
};

/// The operation that created an object, as in notifications: `s3:ObjectCreated:Put`, `:Post`, `:Copy`,
/// `:CompleteMultipartUpload`.
enum class Creation { put, post, copy, complete_multipart };
std::string_view event_name(Creation creation);

/// Must hold at the moment of the commit, else store_precondition_failed (store_no_such_key for an `if_match`
/// on a missing key, as at AWS).
struct WriteCondition {
    bool only_if_absent = false;  ///< `If-None-Match: *`
    /// With `only_if_absent`: the write of the very same bytes and headers, repeated because its answer was
    /// lost, has the first one's result and changes nothing.
    bool may_repeat = false;
    std::optional<ETag> if_match;
};

struct WriteOptions {
    ObjectHeaders headers;
    Creation creation = Creation::put;
    /// Computed and kept with the object.
    std::optional<ChecksumAlgorithm> keep;
    /// Computed additionally, for digest() and FinishOptions::expected: the hash of a signed payload.
    std::vector<ChecksumAlgorithm> digests;
    /// The announced length; refused at once where it is above the bucket's limit.
    std::optional<ByteSize> announced;
};

struct FinishOptions {
    std::optional<ByteSize> expected_size;    ///< any other is size_mismatch
    std::optional<std::string> expected_md5;  ///< base64, as in Content-MD5
    /// For the algorithms in WriteOptions; a different value is store_checksum_mismatch.
    std::vector<Checksum> expected;
    WriteCondition condition;
};

class FolderWriter {
  public:
    struct State;
    explicit FolderWriter(std::unique_ptr<State> state);
    /// Without finish(), everything is discarded.
    ~FolderWriter();
    FolderWriter(FolderWriter&&) noexcept;
    FolderWriter& operator=(FolderWriter&&) noexcept;

    /// Errors: store_full (nothing else on the disk has changed), body_too_large (above the bucket's limit),
    /// file_error. After one, the writer can only be discarded.
    Result<> append(BytesView bytes);
    ByteSize written() const;
    /// Base64 MD5 of all that was appended; ends appending.
    std::string md5();
    /// Base64, of an algorithm named in WriteOptions (else nullopt); ends appending.
    std::optional<std::string> digest(ChecksumAlgorithm algorithm);
    /// Call once. On success the object is on the disk and survives a power loss. On failure the previous
    /// object is unchanged. Errors: size_mismatch, store_checksum_mismatch, store_precondition_failed,
    /// store_no_such_key, store_no_such_bucket, store_no_such_upload (a part's upload ended meanwhile),
    /// store_full, file_error.
    Result<StoredObject> finish(const FinishOptions& options);

  private:
    std::unique_ptr<State> state_;
};

class FolderReader {
  public:
    struct State;
    explicit FolderReader(std::unique_ptr<State> state);
    ~FolderReader();
    FolderReader(FolderReader&&) noexcept;
    FolderReader& operator=(FolderReader&&) noexcept;

    const StoredObject& object() const;
    /// Of a multipart object, in order; empty otherwise.
    std::vector<ByteSize> part_sizes() const;
    /// Fills `out` from `offset` on, at most to the object's end; 0 at its end. Errors: file_error.
    Result<std::size_t> read(std::uint64_t offset, std::span<std::uint8_t> out) const;
    /// The longest run in one file from `offset` on. Errors: file_error; range_not_satisfiable at the end.
    Result<FilePiece> piece_at(std::uint64_t offset) const;

  private:
    friend class Objects;
    std::unique_ptr<State> state_;
};

}  // namespace photogate::storage::builtin
