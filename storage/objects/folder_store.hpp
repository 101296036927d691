// The built-in store: objects in a folder of one machine, behind the same interface as the S3 client.
//
// It promises: when a write returns, the object is on the disk; a power loss at any moment leaves the old
// object or the new one, never a part of either. Of two writers of one key the later commit wins completely;
// of many with `only_if_absent` exactly one wins. Keys are bytes: `a`, `a/b`, `a//b`, `..`, `A` and names of
// 1,024 bytes coexist, since none becomes a file name. Listing is in byte order and its cost depends on the
// page, not on the bucket.
//
// What it does not do: serve a second process (open() refuses: store_in_use), a second machine, or a network
// file system; keep versions; authorize. Credentials, HTTP and S3's documents belong to gateway/s3.
//
// On the disk (README.md): `index.sqlite` has the keys and their metadata, `bytes/` the numbered bodies.
//
// Thread safety: as ObjectStore. Calls block; concurrent writers share one flush of the index.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>

#include "base/random.hpp"
#include "storage/objects/folder_object.hpp"
#include "storage/objects/object_store.hpp"

namespace photogate::storage::objects {

class FolderFiles;

/// A created object, announced after its commit and before the writer's response. A crash between the two
/// loses the event, never the object; the reconciler then finds it, as with every store.
struct ObjectCreated {
    Bucket bucket;
    ObjectKey key;
    ETag etag;
    ByteSize size = 0;
    Timestamp at{};
    std::string event;      ///< `s3:ObjectCreated:Put`
    std::string sequencer;  ///< 16 hex digits, growing
    /// `x-amz-meta-*` without the prefix.
    std::map<std::string, std::string> metadata;
};
/// Called on the writer's thread: it must be fast and must not throw.
using CreatedListener = std::function<void(const ObjectCreated&)>;

struct FolderOptions {
    std::filesystem::path folder;  ///< created with mode 0700 if it is absent
    /// Receives every creation; if set_notifications() set rules for a bucket, only those that match one.
    CreatedListener on_created;
    /// Every part but the last is at least this long at completion. S3: 5 MiB.
    ByteSize least_part = 5U << 20;
    /// Multipart uploads older than this are removed when the store opens.
    std::chrono::hours abandoned_after{7 * 24};
};

struct FolderParts {
    const Clock& clock;
    Random& random;
    /// The file system; null: the machine's. Tests inject a failing one.
    FolderFiles* files = nullptr;
};

enum class BucketMade { created, existed };

struct BucketInfo {
    Bucket name;
    Timestamp created{};
};

struct UploadOptions {
    ObjectHeaders headers;
    /// The checksum of each part, kept for the object.
    std::optional<ChecksumAlgorithm> checksum;
    /// full_object only for CRCs.
    ChecksumType checksum_type = ChecksumType::composite;
};

/// A multipart upload in progress.
struct OpenUpload {
    std::string id;
    ObjectKey key;
    Timestamp started{};
    std::optional<ChecksumAlgorithm> checksum;
    ChecksumType checksum_type = ChecksumType::composite;
};

struct UploadListOptions {
    std::string prefix;
    std::string key_marker;  ///< strictly after this key, or in it after `id_marker`
    std::string id_marker;
    std::uint32_t max_uploads = 1000;
};

struct UploadPage {
    std::vector<OpenUpload> uploads;  ///< by key, then id
    bool truncated = false;
};

struct StoredPart {
    std::uint32_t number = 0;
    ETag etag;
    ByteSize size = 0;
    Timestamp last_modified{};
    std::optional<Checksum> checksum;
};

struct PartListOptions {
    std::uint32_t after = 0;  ///< part-number-marker
    std::uint32_t max_parts = 1000;
};

struct PartPage {
    OpenUpload upload;
    std::vector<StoredPart> parts;
    bool truncated = false;
};

struct PartAddress {
    std::string upload;
    std::uint32_t number = 1;  ///< 1 to 10,000
};

/// A part as CompleteMultipartUpload names it.
struct ChosenPart {
    std::uint32_t number = 0;
    ETag etag;
    std::optional<Checksum> checksum;
};

struct CompleteOptions {
    WriteCondition condition;
    std::optional<Checksum> expected;       ///< of the whole object
    std::optional<ByteSize> expected_size;  ///< x-amz-mp-object-size
};

struct ObjectName {
    Bucket bucket;
    ObjectKey key;
};

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

class FolderStore final : public ObjectStore {
  public:
    /// Errors: store_in_use (by another process), file_error (not owned by this user, or too new),
    /// store_full.
    static Result<std::unique_ptr<FolderStore>> open(FolderOptions options, FolderParts parts);
    ~FolderStore() override;

    // ---- for a server: buckets, streams, and what ObjectStore has no words for ----

    Result<BucketMade> create_bucket(const Bucket& bucket);
    /// Errors: store_no_such_bucket; store_bucket_not_empty (objects, or uploads under way).
    Result<> remove_bucket(const Bucket& bucket);
    Result<std::vector<BucketInfo>> buckets();

    /// Errors: store_no_such_bucket, store_no_such_key.
    Result<StoredObject> stat(const Bucket& bucket, const ObjectKey& key);
    Result<FolderReader> read(const Bucket& bucket, const ObjectKey& key);
    /// The same for a recently read object, only from memory; else nullopt.
    std::optional<FolderReader> read_if_open(const Bucket& bucket, const ObjectKey& key);
    /// Errors: store_no_such_bucket, store_full, file_error; invalid_field for a key of no or over 1,024
    /// bytes.
    Result<FolderWriter> write(const Bucket& bucket, const ObjectKey& key, WriteOptions options);
    /// Both names share the bytes; nothing is read. Errors: as stat(), and store_precondition_failed.
    Result<StoredObject> copy_object(const ObjectName& from, const ObjectName& to,
                                     const StoreCopyOptions& options);
    /// Like remove(), if the object has this ETag: `If-Match` on DELETE. Errors: store_precondition_failed.
    Result<> remove_if(const Bucket& bucket, const ObjectKey& key, const ETag& etag);
    /// Reads all bytes and compares them with the recorded MD5s and checksum. Errors:
    /// store_checksum_mismatch, and as read().
    Result<> verify(const Bucket& bucket, const ObjectKey& key);

    Result<std::string> start_upload(const Bucket& bucket, const ObjectKey& key,
                                     const UploadOptions& options);
    /// Finishing it replaces a part of the same number. `options.headers` is ignored; if the upload has a
    /// checksum, `options.keep` must be the same or unset. Errors: store_no_such_upload, invalid_field
    /// (number), invalid_checksum (another algorithm than the upload's).
    Result<FolderWriter> write_part(const ObjectName& object, const PartAddress& part, WriteOptions options);
    Result<UploadPage> uploads(const Bucket& bucket, const UploadListOptions& options);
    Result<PartPage> parts(const ObjectName& object, const std::string& upload,
                           const PartListOptions& options);
    /// The parts become the object without being copied. Errors: store_no_such_upload, store_invalid_part,
    /// store_invalid_part_order, store_part_too_small, store_checksum_mismatch, size_mismatch, and as
    /// FolderWriter::finish(); after any of them the upload still exists.
    Result<StoredObject> complete_upload(const ObjectName& object, const std::string& upload,
                                         const std::vector<ChosenPart>& parts,
                                         const CompleteOptions& options);

    /// Like abort_multipart(), but with the error store_no_such_upload.
    Result<> abort_upload(const ObjectName& object, const std::string& upload);

    Result<std::vector<NotificationRule>> notifications(const Bucket& bucket);
    /// The free space of the folder's disk.
    Result<ByteSize> free_bytes() const;

    // ---- ObjectStore ----

    Result<ObjectInfo> head(const Bucket& bucket, const ObjectKey& key, const GetOptions& options) override;
    Result<std::unique_ptr<ObjectReader>> open(const Bucket& bucket, const ObjectKey& key,
                                               const GetOptions& options) override;
    Result<ObjectInfo> put(const Bucket& bucket, const ObjectKey& key, const http::BodySource& body,
                           const PutOptions& options) override;
    Result<> remove(const Bucket& bucket, const ObjectKey& key,
                    const std::optional<VersionId>& version) override;
    Result<std::vector<FailedKey>> remove_many(const Bucket& bucket,
                                               const std::vector<ObjectKey>& keys) override;
    Result<ETag> copy(const Bucket& from, const ObjectKey& from_key, const Bucket& to,
                      const ObjectKey& to_key, const CopyOptions& options) override;
    /// `max_keys` counts objects and common prefixes together; 0 gives an empty page. A common prefix that
    /// equals `start_after` is skipped, so that a marker may be one. Errors: invalid_cursor.
    Result<ListPage> list(const Bucket& bucket, const ListOptions& options) override;
    Result<std::string> create_multipart(const Bucket& bucket, const ObjectKey& key,
                                         const PutOptions& options) override;
    Result<UploadedPart> put_part(const Bucket& bucket, const ObjectKey& key, const std::string& upload,
                                  std::uint32_t number, const http::BodySource& body) override;
    Result<std::vector<UploadedPart>> list_parts(const Bucket& bucket, const ObjectKey& key,
                                                 const std::string& upload) override;
    Result<ETag> complete_multipart(const Bucket& bucket, const ObjectKey& key, const std::string& upload,
                                    const std::vector<UploadedPart>& parts) override;
    Result<> abort_multipart(const Bucket& bucket, const ObjectKey& key, const std::string& upload) override;
    Result<> set_notifications(const Bucket& bucket, const std::vector<NotificationRule>& rules) override;
    Result<> check_bucket(const Bucket& bucket) override;

    struct State;

  private:
    explicit FolderStore(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace photogate::storage::objects
