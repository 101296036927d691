// What the built-in store keeps of an object, and how one is read and written as a stream.
//
// A writer's bytes are nobody's until finish() says so; a reader's stay whole and the same until it is gone,
// whatever is written over the key meanwhile.
//
// Thread safety: one writer belongs to one thread at a time. A reader may be read by many threads at once:
// reading is const and keeps no position. Both must be gone before their FolderStore is.
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
#include "storage/objects/folder_checksum.hpp"

namespace photogate::storage::objects {

/// What is kept beside the bytes and given back as response headers.
struct ObjectHeaders {
    std::string content_type = "binary/octet-stream";
    std::optional<std::string> cache_control;
    std::optional<std::string> content_disposition;
    std::optional<std::string> content_encoding;
    std::optional<std::string> content_language;
    std::optional<std::string> expires;
    /// `x-amz-meta-*` without the prefix, names in lower case.
    std::map<std::string, std::string> metadata;
    bool operator==(const ObjectHeaders&) const = default;
};

struct StoredObject {
    /// MD5 of the bytes in hex; of a multipart object, MD5 of its parts' MD5s and `-N`.
    ETag etag;
    ByteSize size = 0;
    Timestamp last_modified{};
    ObjectHeaders headers;
    std::optional<Checksum> checksum;  ///< where the writer asked for one
    std::uint32_t part_count = 0;      ///< 0: written in one piece
    /// Grows with every commit of the store, also over restarts: an event's sequencer.
    std::uint64_t sequence = 0;
};

/// What makes an object, as notifications name it: `s3:ObjectCreated:Put`, `:Post`, `:Copy`,
/// `:CompleteMultipartUpload`.
enum class Creation { put, post, copy, complete_multipart };
std::string_view event_name(Creation creation);

/// What must hold at the very moment of the commit, or it is store_precondition_failed (store_no_such_key for
/// an `if_match` on a key that is not there, as at AWS).
struct WriteCondition {
    bool only_if_absent = false;  ///< `If-None-Match: *`
    std::optional<ETag> if_match;
};

struct WriteOptions {
    ObjectHeaders headers;
    Creation creation = Creation::put;
    /// Worked out and kept with the object.
    std::optional<ChecksumAlgorithm> keep;
    /// Worked out besides, for digest() and FinishOptions::expected: the hash of a signed payload.
    std::vector<ChecksumAlgorithm> digests;
};

struct FinishOptions {
    std::optional<ByteSize> expected_size;    ///< another one is size_mismatch
    std::optional<std::string> expected_md5;  ///< base64, as in Content-MD5
    /// Of algorithms that WriteOptions names; another value is store_checksum_mismatch.
    std::vector<Checksum> expected;
    WriteCondition condition;
};

class FolderWriter {
  public:
    struct State;
    explicit FolderWriter(std::unique_ptr<State> state);
    /// Not finished: discarded, without a trace.
    ~FolderWriter();
    FolderWriter(FolderWriter&&) noexcept;
    FolderWriter& operator=(FolderWriter&&) noexcept;

    /// Errors: store_full (nothing else on the disk has changed), file_error. After one, only discard.
    Result<> append(BytesView bytes);
    ByteSize written() const;
    /// Base64 MD5 of all that was appended; ends appending.
    std::string md5();
    /// Base64, of an algorithm named in WriteOptions (else nullopt); ends appending.
    std::optional<std::string> digest(ChecksumAlgorithm algorithm);
    /// Once. When it succeeds, the object is on the disk and stays there through a loss of power. When it
    /// fails, what was there before is there still. Errors: size_mismatch, store_checksum_mismatch,
    /// store_precondition_failed, store_no_such_key, store_no_such_bucket, store_no_such_upload (a part's
    /// upload ended meanwhile), store_full, file_error.
    Result<StoredObject> finish(const FinishOptions& options);

  private:
    std::unique_ptr<State> state_;
};

/// Bytes of an object that lie together in one file, for sendfile(2) and its kin.
struct FilePiece {
    int descriptor = -1;       ///< the reader's; valid as long as it lives
    std::uint64_t offset = 0;  ///< in the file
    std::uint64_t length = 0;
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
    /// Fills `out` from `offset` on as far as the object goes; 0 at its end. Errors: file_error.
    Result<std::size_t> read(std::uint64_t offset, std::span<std::uint8_t> out) const;
    /// The longest run in one file from `offset` on. Errors: file_error; range_not_satisfiable at the end.
    Result<FilePiece> piece_at(std::uint64_t offset) const;

  private:
    friend class FolderStore;
    std::unique_ptr<State> state_;
};

}  // namespace photogate::storage::objects
