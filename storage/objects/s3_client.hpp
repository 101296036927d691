// The S3 REST API as an ObjectStore: MinIO, Ceph, AWS, versitygw and their kin.
//
// Every request is signed in its headers (signer/). GET, HEAD and LIST are pinned and checked as
// object_store.hpp says; a 200 that carries an `<Error>` (CopyObject, CompleteMultipartUpload, DeleteObjects)
// is that error. Retries: RetryPolicy, on the retryable codes alone, honouring Retry-After. A PUT that the
// store refuses with 412 after an attempt whose answer was lost is looked up, and adopted where the object is
// the one that was sent.
//
// What it does not do: presign for clients (their host is the *public* endpoint: signer::Signer), follow
// redirects to another region (configure the right endpoint), or guess at a missing answer.
//
// Thread safety: as ObjectStore; one client may be shared by all threads.
#pragma once

#include <chrono>
#include <memory>

#include "base/random.hpp"
#include "base/time.hpp"
#include "signer/credentials.hpp"
#include "signer/message.hpp"
#include "storage/objects/object_store.hpp"
#include "storage/objects/retry.hpp"
#include "storage/objects/store_health.hpp"

namespace photogate::storage::objects {

struct S3Timeouts {
    std::chrono::milliseconds connect{3'000};
    std::chrono::milliseconds first_byte{10'000};
    /// Copying and completing: the store moves the bytes before it answers. Their deadline is this and a
    /// half.
    std::chrono::milliseconds server_side_work{60'000};
    std::uint32_t stall_bytes_per_second = 1'024;  ///< over 20 s
};

struct S3Options {
    Endpoint endpoint;  ///< the internal one: where the gateway itself reaches the store
    signer::AddressingStyle style = signer::AddressingStyle::path;
    signer::Credentials credentials;
    Region region = Region::trusted("us-east-1");
    RetryPolicy retry;
    S3Timeouts timeouts;
    /// Learns from every attempt; while it says so, calls are refused. nullptr: nobody asks.
    std::shared_ptr<StoreHealth> health = nullptr;
};

/// What the client works with; all of it outlives the client.
struct S3Dependencies {
    http::HttpClient& http;
    const Clock& clock;
    Random& random;
    Pacer& pacer;
};

class S3Client final : public ObjectStore {
  public:
    S3Client(S3Options options, S3Dependencies parts);
    ~S3Client() override;

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
                                    const CompleteOptions& options) override;
    Result<> abort_multipart(const Bucket& bucket, const ObjectKey& key, const std::string& upload) override;
    Result<MultipartPage> list_multipart(const Bucket& bucket, const std::string& prefix,
                                         const std::optional<MultipartPage::Marker>& after) override;

    Result<> set_notifications(const Bucket& bucket, const std::vector<NotificationRule>& rules) override;
    Result<> check_bucket(const Bucket& bucket) override;

    void replace_credentials(const signer::Credentials& credentials) override;

    /// The store's clock minus ours, as learnt when the store refused a request for its time; zero until
    /// then. A presigner that signs for this store adds it to its own clock.
    std::chrono::microseconds clock_offset() const;

    class Exchange;

  private:
    std::unique_ptr<Exchange> exchange_;
};

}  // namespace photogate::storage::objects
