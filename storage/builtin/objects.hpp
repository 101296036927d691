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
    /// Replaces the source's headers (x-amz-metadata-directive REPLACE). A copy onto itself that changes
    /// neither these nor the storage class nor the checksum is store_refused.
    /// Tags and storage class of it are not used.
    std::optional<ObjectHeaders> replace;
    std::optional<Tags> replace_tags;  ///< without it, the source's
    StorageClass storage_class = StorageClass::standard;
    /// Kept with the target: computed, if the source does not have it.
    std::optional<ChecksumAlgorithm> checksum;
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

/// A page of a listing, with what the interface of all stores does not tell.
struct StoredPage : ListPage {
    std::vector<StorageClass> storage_classes;  ///< of `objects`, in their order
};

struct Usage {
    std::uint64_t objects = 0;
    std::uint64_t bytes = 0;
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
    /// bytes; body_too_large.
    Result<FolderWriter> write(const Bucket& bucket, const ObjectKey& key, WriteOptions options);
    /// Both names share the bytes, which are read only for a checksum that the source does not have. Errors:
    /// as stat(), body_too_large (above the limit of the target's bucket) and store_precondition_failed.
    Result<StoredObject> copy(const ObjectName& from, const ObjectName& to, const StoreCopyOptions& options);
    /// Replaces the tags; nothing else of the object changes. Errors: as stat().
    Result<> set_tags(const Bucket& bucket, const ObjectKey& key, const Tags& tags);
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
    Result<StoredPage> list(const Bucket& bucket, const ListOptions& options);
    /// What a prefix holds; counted up to 100,000 objects.
    Result<Usage> usage(const Bucket& bucket, const std::string& prefix);
    /// Reads all bytes and compares them with the recorded MD5s and checksum. Errors:
    /// store_checksum_mismatch, and as read().
    Result<> verify(const Bucket& bucket, const ObjectKey& key);

  private:
    StoreState& state_;
};

}  // namespace photogate::storage::builtin
