// The CORS rules of buckets (PutBucketCors): they replace the store's configured origins for their bucket.
//
// Source: Amazon S3 user guide, "Elements of a CORS configuration": at most 100 rules and 64 KiB; origins and
// header names with at most one `*` each.
//
// Thread safety: BucketCors from any thread; the rest is pure.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/http/message.hpp"
#include "gateway/s3/error.hpp"
#include "storage/builtin/store.hpp"

namespace photogate::gateway::s3 {

inline constexpr std::size_t kMostCorsDocument = 64U << 10;

struct CorsRule {
    std::string id;
    std::vector<std::string> origins;  ///< 1 or more
    std::vector<std::string> methods;  ///< 1 or more of GET, PUT, HEAD, POST, DELETE
    std::vector<std::string> headers;
    std::vector<std::string> exposed;
    std::optional<std::uint32_t> max_age;  ///< seconds
};
using CorsRules = std::vector<CorsRule>;

/// Refusals: MalformedXML, InvalidRequest.
S3Result<CorsRules> read_cors_document(std::string_view text);
std::string cors_document(const CorsRules& rules);

/// For the response to a request with an Origin: by the first rule that allows its origin and method.
std::vector<http::HeaderField> cors_headers(const CorsRules& rules, const http::RequestHead& head);
/// The response to OPTIONS. Refusals: AccessForbidden; BadRequest without Origin or requested method.
S3Result<http::Response> preflight(const CorsRules& rules, const http::RequestHead& head);

/// The rules of all buckets in memory, for a look at each request.
class BucketCors {
  public:
    /// Reads them from the store, which must outlive this.
    explicit BucketCors(storage::builtin::FolderStore& store);

    /// Null: the bucket has none.
    std::shared_ptr<const CorsRules> find(const Bucket& bucket) const;
    /// Keeps them with the bucket; nullopt removes them. Errors: as Buckets::set_document().
    Result<> set(const Bucket& bucket, const std::optional<CorsRules>& rules);
    /// Of a bucket that was removed.
    void forget(const Bucket& bucket);

  private:
    storage::builtin::FolderStore& store_;
    std::mutex changing_;  ///< the store and the memory change in one order
    mutable std::mutex mutex_;
    std::map<Bucket, std::shared_ptr<const CorsRules>> rules_;
};

}  // namespace photogate::gateway::s3
