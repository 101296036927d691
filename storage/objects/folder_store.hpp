// The built-in store: objects in a folder of one machine, behind the same interface as the S3 client.
//
// What it promises: when a write returns, the object is on the disk; a loss of power at any moment leaves the
// old object or the new one, and never a part of either. Two writers of one key: the later commit wins whole;
// of many with `only_if_absent` exactly one. Keys are bytes: `a`, `a/b`, `a//b`, `..`, `A` and names of 1,024
// bytes live side by side, since none becomes a file's name. Listing is in byte order and costs what the page
// holds, not what the bucket holds.
//
// What it does not do: serve a second process (open() refuses: store_in_use), a second machine, or a network
// file system; keep versions; check who asks. Credentials, HTTP and S3's documents are gateway/s3's.
//
// On the disk (README.md): `index.sqlite` holds keys and what is known of them, `bytes/` the bodies under
// numbers.
//
// Thread safety: as ObjectStore. Calls block; as many writers as threads share one flush of the index.
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

/// An object that came to be, told after its commit and before the writer's answer. A crash between the two
/// loses the word, never the object: the reconciler's business, as with every store.
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
/// Called on the writer's thread: quick, and it may not throw.
using CreatedListener = std::function<void(const ObjectCreated&)>;

struct FolderOptions {
    std::filesystem::path folder;  ///< made, mode 0700, where it is absent
    /// Every creation is told; where set_notifications() gave a bucket rules, those that match one.
    CreatedListener on_created;
    /// Every part but the last is at least this long at completion. S3: 5 MiB.
    ByteSize least_part = 5U << 20;
    /// Multipart uploads older than this are swept when the store opens.
    std::chrono::hours abandoned_after{7 * 24};
};

struct FolderParts {
    const Clock& clock;
    Random& random;
    /// The file system; null: the machine's. Tests hand in one that fails.
    FolderFiles* files = nullptr;
};

enum class BucketMade { created, existed };

struct BucketInfo {
    Bucket name;
    Timestamp created{};
};

struct UploadOptions {
    ObjectHeaders headers;
    /// What each part has and the object will keep.
    std::optional<ChecksumAlgorithm> checksum;
    /// full_object for CRCs alone.
    ChecksumType checksum_type = ChecksumType::composite;
};

/// A multipart upload that is under way.
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
    /// In place of the source's: x-amz-metadata-directive REPLACE. A copy onto itself without is
    /// store_refused.
    std::optional<ObjectHeaders> replace;
    WriteCondition condition;  ///< of the target
};

class FolderStore final : public ObjectStore {
  public:
    /// Errors: store_in_use (another process has it), file_error (not ours to use, or too new), store_full.
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
    /// The same for an object that was read lately, from memory alone; else nullopt.
    std::optional<FolderReader> read_if_open(const Bucket& bucket, const ObjectKey& key);
    /// Errors: store_no_such_bucket, store_full, file_error; invalid_field for a key of no or over 1,024
    /// bytes.
    Result<FolderWriter> write(const Bucket& bucket, const ObjectKey& key, WriteOptions options);
    /// The bytes are shared by both names, none is read. Errors: as stat(), and store_precondition_failed.
    Result<StoredObject> copy_object(const ObjectName& from, const ObjectName& to,
                                     const StoreCopyOptions& options);
    /// As remove(), where the object is this one: `If-Match` on DELETE. Errors: store_precondition_failed.
    Result<> remove_if(const Bucket& bucket, const ObjectKey& key, const ETag& etag);
    /// Reads all bytes and holds them against the MD5s and the checksum that were kept.
    /// Errors: store_checksum_mismatch, and as read().
    Result<> verify(const Bucket& bucket, const ObjectKey& key);

    Result<std::string> start_upload(const Bucket& bucket, const ObjectKey& key,
                                     const UploadOptions& options);
    /// A part of the same number is replaced when this one is finished. `options.headers` is not used; where
    /// the upload has a checksum, `options.keep` is it or is not given. Errors: store_no_such_upload,
    /// invalid_field (number), invalid_checksum (another algorithm than the upload's).
    Result<FolderWriter> write_part(const ObjectName& object, const PartAddress& part, WriteOptions options);
    Result<UploadPage> uploads(const Bucket& bucket, const UploadListOptions& options);
    Result<PartPage> parts(const ObjectName& object, const std::string& upload,
                           const PartListOptions& options);
    /// The parts become the object where they lie. Errors: store_no_such_upload, store_invalid_part,
    /// store_invalid_part_order, store_part_too_small, store_checksum_mismatch, size_mismatch, and as
    /// FolderWriter::finish(); after any of them the upload is still there.
    Result<StoredObject> complete_upload(const ObjectName& object, const std::string& upload,
                                         const std::vector<ChosenPart>& parts,
                                         const CompleteOptions& options);

    /// Errors: store_no_such_upload, where abort_multipart() is content.
    Result<> abort_upload(const ObjectName& object, const std::string& upload);

    Result<std::vector<NotificationRule>> notifications(const Bucket& bucket);
    /// What the disk under the folder still takes.
    Result<ByteSize> free_bytes() const;

    // ---- ObjectStore ----

    Result<ObjectInfo> head(const Bucket& bucket, const ObjectKey& key, const GetOptions& options) override;
    Result<ObjectInfo> get(const Bucket& bucket, const ObjectKey& key, const GetOptions& options,
                           const http::BodySink& sink) override;
    Result<ObjectInfo> put(const Bucket& bucket, const ObjectKey& key, const http::BodySource& body,
                           const PutOptions& options) override;
    Result<> remove(const Bucket& bucket, const ObjectKey& key,
                    const std::optional<VersionId>& version) override;
    Result<std::vector<FailedKey>> remove_many(const Bucket& bucket,
                                               const std::vector<ObjectKey>& keys) override;
    Result<ETag> copy(const Bucket& from, const ObjectKey& from_key, const Bucket& to,
                      const ObjectKey& to_key, const CopyOptions& options) override;
    /// `max_keys` counts objects and common prefixes together; 0 gives an empty page. A common prefix that
    /// equals `start_after` is passed over, so that a marker may be one. Errors: invalid_cursor.
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
