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
#include "http/semantics/cors.hpp"
#include "storage/builtin/store.hpp"

namespace photogate::gateway::s3 {

inline constexpr std::size_t kMostCorsDocument = 64U << 10;

using photogate::http::semantics::CorsRule;
using CorsRules = std::vector<CorsRule>;

/// Refusals: MalformedXML, InvalidRequest.
S3Result<CorsRules> read_cors_document(std::string_view text);
std::string cors_document(const CorsRules& rules);

/// The rules of all buckets in memory, for a look at each request.
class BucketCors {
  public:
    /// Reads them from the store, which must outlive this. `origins` are those of buckets without rules.
    BucketCors(storage::builtin::FolderStore& store, const std::vector<std::string>& origins);

    /// For every response but a preflight's. The signature identifies a caller, never a cookie, so `*` is safe;
    /// responses never allow credentials.
    std::vector<http::HeaderField> fields(const std::optional<Bucket>& bucket,
                                          const http::RequestHead& head) const;
    /// The response to OPTIONS. Refusals, of a bucket with rules: AccessForbidden; BadRequest without an origin or a
    /// requested method.
    S3Result<http::Response> preflight(const std::optional<Bucket>& bucket,
                                       const http::RequestHead& head) const;

    /// Null: the bucket has none.
    std::shared_ptr<const CorsRules> find(const Bucket& bucket) const;
    /// Keeps them with the bucket; nullopt removes them. Errors: as Buckets::set_document().
    Result<> set(const Bucket& bucket, const std::optional<CorsRules>& rules);
    /// Of a bucket that was removed.
    void forget(const Bucket& bucket);

  private:
    storage::builtin::FolderStore& store_;
    const CorsRules configured_;
    std::mutex changing_;  ///< the store and the memory change in one order
    mutable std::mutex mutex_;
    std::map<Bucket, std::shared_ptr<const CorsRules>> rules_;
};

}  // namespace photogate::gateway::s3
