// The objects of the built-in store: read, written, copied, removed and listed.
//
// Thread safety: every call may be made from any number of threads. Calls block.
#pragma once

#include <optional>
#include <vector>

#include "storage/builtin/object.hpp"

namespace photogate::storage::builtin {

struct StoreState;

struct StoreCopyOptions {
    std::optional<ETag> if_source_matches;
    std::optional<ETag> if_source_differs;  ///< x-amz-copy-source-if-none-match
    std::optional<Timestamp> if_source_modified_since;
    std::optional<Timestamp> if_source_unmodified_since;
    /// Replaces the source's headers (x-amz-metadata-directive REPLACE). Without it, a copy onto itself is
    /// store_refused.
    std::optional<ObjectHeaders> replace;
    WriteCondition condition;  ///< of the target
};

/// Removes the object at `key` if everything that is given holds.
struct Removal {
    ObjectKey key;
    std::optional<ETag> etag;
    std::optional<ByteSize> size;
    std::optional<Timestamp> modified;  ///< compared in whole seconds

    bool is_conditional() const { return etag || size || modified; }
};

class Objects {
  public:
    explicit Objects(StoreState& state) : state_(state) {}

    /// Errors: store_no_such_bucket, store_no_such_key.
    Result<StoredObject> stat(const Bucket& bucket, const ObjectKey& key);
    Result<FolderReader> read(const Bucket& bucket, const ObjectKey& key);
    /// The same for a recently read object, only from memory; else nullopt.
    std::optional<FolderReader> read_if_open(const Bucket& bucket, const ObjectKey& key);
    /// Errors: store_no_such_bucket, store_full, file_error; invalid_field for a key of no or over 1,024
    /// bytes.
    Result<FolderWriter> write(const Bucket& bucket, const ObjectKey& key, WriteOptions options);
    /// Both names share the bytes; nothing is read. Errors: as stat(), and store_precondition_failed.
    Result<StoredObject> copy(const ObjectName& from, const ObjectName& to, const StoreCopyOptions& options);
    /// Removing an absent object succeeds.
    Result<> remove(const Bucket& bucket, const std::vector<ObjectKey>& keys);
    /// For each removal nullopt if the object is gone, or its refusal: store_no_such_key (of a condition on an
    /// absent object), store_precondition_failed. A refusal does not affect the others.
    Result<std::vector<std::optional<Error>>> remove_matching(const Bucket& bucket,
                                                              const std::vector<Removal>& removals);
    /// Removes the object if it has this ETag: `If-Match` on DELETE. Errors: store_no_such_key,
    /// store_precondition_failed.
    Result<> remove_if(const Bucket& bucket, const ObjectKey& key, const ETag& etag);
    /// `max_keys` counts objects and common prefixes together; 0 gives an empty page. A common prefix that
    /// equals `start_after` is skipped, so that a marker may be one. Errors: invalid_cursor.
    Result<ListPage> list(const Bucket& bucket, const ListOptions& options);
    /// Reads all bytes and compares them with the recorded MD5s and checksum. Errors:
    /// store_checksum_mismatch, and as read().
    Result<> verify(const Bucket& bucket, const ObjectKey& key);

  private:
    StoreState& state_;
};

}  // namespace photogate::storage::builtin
