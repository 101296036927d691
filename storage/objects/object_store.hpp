// A store of objects as photogate needs one; S3Client speaks to MinIO, Ceph, AWS and their kin.
//
// Blocking calls. Errors are the store_* codes of base/error_code.hpp: store_no_such_key,
// store_precondition_failed, store_denied and store_refused are final; store_unavailable, store_slow_down,
// store_protocol and the http_* codes were retried inside (with jitter, as ClientOptions says) before they
// are given back.
//
// Thread safety: every call may be made from any number of threads at once.
#pragma once

#include <cstdint>
#include <functional>
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
#include "signer/credentials.hpp"
#include "storage/http/http_client.hpp"

namespace photogate::storage::objects {

struct ObjectInfo {
    ETag etag;
    ByteSize size = 0;
    std::optional<VersionId> version;
    std::optional<Timestamp> last_modified;
    std::string content_type;
    /// Base64, where the store keeps one for the whole object.
    std::optional<std::string> sha256;
    /// `x-amz-meta-*` without the prefix, names in lower case.
    /// What is not ASCII comes as the store sends it: MinIO and AWS make RFC 2047 words of it.
    std::map<std::string, std::string> metadata;
};

struct ByteRange {
    std::uint64_t first = 0;
    std::uint64_t last = 0;  ///< inclusive
};

struct GetOptions {
    std::optional<ETag> if_match;
    std::optional<VersionId> version;
    std::optional<ByteRange> range;
    /// The whole object's size as it was pinned: another size is size_mismatch before the first byte.
    std::optional<ByteSize> expected_size;
    /// Compares the bytes with the SHA-256 that the store keeps of them, if it does. Without, for whoever has a checksum
    /// of their own: hashing takes more of a processor than fetching does.
    bool verify_sha256 = true;
};

struct PutOptions {
    std::string content_type = "application/octet-stream";
    std::optional<std::string> cache_control;
    std::optional<std::string> content_disposition;
    std::map<std::string, std::string> metadata;
    /// Lower-case hex; signed, and sent as x-amz-checksum-sha256, so the store refuses other bytes.
    std::optional<std::string> sha256;
    bool only_if_absent = false;
};

struct CopyOptions {
    std::optional<ETag> if_source_matches;
};

struct ListedObject {
    ObjectKey key;
    ETag etag;
    ByteSize size = 0;
    std::optional<Timestamp> last_modified;
};

struct ListPage {
    std::vector<ListedObject> objects;
    std::vector<std::string> common_prefixes;
    std::optional<std::string> next;  ///< continuation token
};

struct ListOptions {
    std::string prefix;
    std::string delimiter;
    std::optional<std::string> start_after;
    std::optional<std::string> continuation;
    std::uint32_t max_keys = 1000;
};

struct FailedKey {
    ObjectKey key;
    Error error;
};

struct UploadedPart {
    std::uint32_t number = 0;
    ETag etag;
    ByteSize size = 0;
};

/// A multipart upload that was begun and neither completed nor aborted.
struct OpenMultipart {
    ObjectKey key;
    std::string upload;
    std::optional<Timestamp> started;
};

struct MultipartPage {
    std::vector<OpenMultipart> uploads;
    /// Where the next page begins; nullopt at the end.
    struct Marker {
        std::string key;
        std::string upload;
    };
    std::optional<Marker> next;
};

struct CompleteOptions {
    bool only_if_absent = false;  ///< store_precondition_failed where an object is there already
};

/// Bytes that lie together in one file, for sendfile(2) and its kin.
struct FilePiece {
    int descriptor = -1;       ///< the reader's; valid as long as it lives
    std::uint64_t offset = 0;  ///< in the file
    std::uint64_t length = 0;
};

/// One object, or a range of it, as it is read: whole and the same whatever is written over the key
/// meanwhile, or an error. Nothing is fetched ahead of its reader beyond a few kilobytes and what the kernel
/// buffers for a connection.
///
/// Thread safety: one thread at a time. Its store outlives it.
class ObjectReader {
  public:
    virtual ~ObjectReader() = default;
    virtual const ObjectInfo& info() const = 0;  ///< `size` is the whole object's, also for a range
    virtual std::uint64_t length() const = 0;    ///< how many bytes read() gives in all
    /// Blocks until at least one byte is there; 0 at the end, once all of length() has been given. A
    /// connection that breaks is taken up where it broke, pinned to the ETag seen first. Errors: as
    /// ObjectStore::get; further calls give the same.
    virtual Result<std::size_t> read(std::span<std::uint8_t> out) = 0;
    /// Whether piece_at() may be asked.
    virtual bool is_local() const { return false; }
    /// The longest run in one file from the object's byte `offset` on. Any thread. Errors: file_error;
    /// range_not_satisfiable at the end.
    virtual Result<FilePiece> piece_at(std::uint64_t offset) const;
};

/// A bucket-notification rule: which events under which prefix go to which target.
struct NotificationRule {
    std::string id;
    std::string queue_arn;  ///< `arn:minio:sqs::direct:webhook`
    std::vector<std::string> events = {"s3:ObjectCreated:*"};
    std::string prefix;
};

class ObjectStore {
  public:
    virtual ~ObjectStore() = default;

    virtual Result<ObjectInfo> head(const Bucket& bucket, const ObjectKey& key,
                                    const GetOptions& options) = 0;
    /// Blocks until the store has begun to answer. Errors besides: size_mismatch, range_not_satisfiable.
    virtual Result<std::unique_ptr<ObjectReader>> open(const Bucket& bucket, const ObjectKey& key,
                                                       const GetOptions& options) = 0;
    /// Reads it all to `sink`, never more than the announced length; a short body is an error, not an object.
    /// `sink` gets each byte once, in order. A sink that says stop ends the call as http_broken. What it got
    /// counts only where the call succeeds. Errors besides: those of open(), store_checksum_mismatch.
    Result<ObjectInfo> get(const Bucket& bucket, const ObjectKey& key, const GetOptions& options,
                           const http::BodySink& sink);
    virtual Result<ObjectInfo> put(const Bucket& bucket, const ObjectKey& key, const http::BodySource& body,
                                   const PutOptions& options) = 0;
    /// Removing what is not there succeeds. No `If-Match`: MinIO ignores it and would remove a newer object.
    virtual Result<> remove(const Bucket& bucket, const ObjectKey& key,
                            const std::optional<VersionId>& version) = 0;
    /// DeleteObjects, a request for each 1,000 keys; what failed comes back by key.
    virtual Result<std::vector<FailedKey>> remove_many(const Bucket& bucket,
                                                       const std::vector<ObjectKey>& keys) = 0;
    virtual Result<ETag> copy(const Bucket& from, const ObjectKey& from_key, const Bucket& to,
                              const ObjectKey& to_key, const CopyOptions& options) = 0;
    virtual Result<ListPage> list(const Bucket& bucket, const ListOptions& options) = 0;

    virtual Result<std::string> create_multipart(const Bucket& bucket, const ObjectKey& key,
                                                 const PutOptions& options) = 0;
    virtual Result<UploadedPart> put_part(const Bucket& bucket, const ObjectKey& key,
                                          const std::string& upload, std::uint32_t number,
                                          const http::BodySource& body) = 0;
    virtual Result<std::vector<UploadedPart>> list_parts(const Bucket& bucket, const ObjectKey& key,
                                                         const std::string& upload) = 0;
    /// Not idempotent everywhere: after an answer that was lost, the repeated call ends as
    /// store_no_such_upload on MinIO. The caller decides by a HEAD of the key.
    virtual Result<ETag> complete_multipart(const Bucket& bucket, const ObjectKey& key,
                                            const std::string& upload, const std::vector<UploadedPart>& parts,
                                            const CompleteOptions& options) = 0;
    Result<ETag> complete_multipart(const Bucket& bucket, const ObjectKey& key, const std::string& upload,
                                    const std::vector<UploadedPart>& parts) {
        return complete_multipart(bucket, key, upload, parts, CompleteOptions{});
    }
    /// One that is not there any more is aborted.
    virtual Result<> abort_multipart(const Bucket& bucket, const ObjectKey& key,
                                     const std::string& upload) = 0;
    /// Those whose key begins with `prefix`. MinIO shows none but those of the key that `prefix` is as a whole.
    virtual Result<MultipartPage> list_multipart(const Bucket& bucket, const std::string& prefix,
                                                 const std::optional<MultipartPage::Marker>& after) = 0;

    virtual Result<> set_notifications(const Bucket& bucket, const std::vector<NotificationRule>& rules) = 0;
    /// The bucket exists and these credentials may see it.
    virtual Result<> check_bucket(const Bucket& bucket) = 0;

    /// Calls that begin from now on are made with these, where the store asks for any.
    virtual void replace_credentials(const signer::Credentials&) {}
};

}  // namespace photogate::storage::objects
