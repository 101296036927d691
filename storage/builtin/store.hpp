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
#include "storage/builtin/buckets.hpp"
#include "storage/builtin/object.hpp"
#include "storage/builtin/objects.hpp"
#include "storage/builtin/uploads.hpp"
#include "storage/objects/object_store.hpp"

namespace photogate::storage::builtin {

using objects::CopyOptions;
using objects::GetOptions;
using objects::MultipartPage;
using objects::ObjectInfo;
using objects::ObjectReader;
using objects::ObjectStore;
using objects::PutOptions;
using objects::UploadedPart;

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
    /// Multipart uploads older than this are removed: when the store opens, and while it runs.
    std::chrono::hours abandoned_after{7 * 24};
    std::chrono::milliseconds look_for_abandoned_every = std::chrono::hours{1};
    /// The largest object that a bucket takes, in bytes; others have no limit.
    std::map<Bucket, ByteSize> largest;
};

struct FolderDependencies {
    const Clock& clock;
    Random& random;
    /// The file system; null: the machine's. Tests inject a failing one.
    FolderFiles* files = nullptr;
};

class FolderStore final : public ObjectStore {
  public:
    /// Errors: store_in_use (by another process), file_error (not owned by this user, or too new),
    /// store_full.
    static Result<std::unique_ptr<FolderStore>> open(FolderOptions options, FolderDependencies dependencies);
    ~FolderStore() override;

    // What a server of the S3 protocol needs and ObjectStore has no calls for.
    Buckets& buckets() { return buckets_; }
    Objects& objects() { return objects_; }
    Uploads& uploads() { return uploads_; }

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
    /// Errors: invalid_cursor.
    Result<ListPage> list(const Bucket& bucket, const ListOptions& options) override;
    Result<std::string> create_multipart(const Bucket& bucket, const ObjectKey& key,
                                         const PutOptions& options) override;
    Result<UploadedPart> put_part(const Bucket& bucket, const ObjectKey& key, const std::string& upload,
                                  std::uint32_t number, const http::BodySource& body) override;
    Result<std::vector<UploadedPart>> list_parts(const Bucket& bucket, const ObjectKey& key,
                                                 const std::string& upload) override;
    using ObjectStore::complete_multipart;
    Result<ETag> complete_multipart(const Bucket& bucket, const ObjectKey& key, const std::string& upload,
                                    const std::vector<UploadedPart>& parts,
                                    const objects::CompleteOptions& options) override;
    Result<> abort_multipart(const Bucket& bucket, const ObjectKey& key, const std::string& upload) override;
    Result<MultipartPage> list_multipart(const Bucket& bucket, const std::string& prefix,
                                         const std::optional<MultipartPage::Marker>& after) override;
    Result<> set_notifications(const Bucket& bucket, const std::vector<NotificationRule>& rules) override;
    Result<> check_bucket(const Bucket& bucket) override;

  private:
    explicit FolderStore(std::unique_ptr<StoreState> state);
    std::unique_ptr<StoreState> state_;
    Buckets buckets_;
    Objects objects_;
    Uploads uploads_;
};

}  // namespace photogate::storage::builtin
