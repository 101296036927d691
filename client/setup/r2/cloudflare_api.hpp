// Cloudflare's API v4: JSON in an envelope, with a bearer token.
//
// Thread safety: one thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/json/value.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "storage/http/http_client.hpp"

namespace photogate::client::setup::r2 {

class CloudflareApi {
  public:
    /// `base`: `https://api.cloudflare.com/client/v4`.
    CloudflareApi(std::string base, std::string account, Secret token);

    /// The `result` of a success, at a path below the account: `/r2/buckets`. Errors: http_*; not_found; store_refused with Cloudflare's
    /// message; store_protocol.
    using Headers = std::vector<storage::http::HeaderField>;
    Result<json::Value> call(const std::string& method, const std::string& path, const std::string& body = {},
                             const Headers& headers = {}) const;
    /// All pages of a list of objects: at most 50 of 50.
    Result<json::Value::Array> list(const std::string& path) const;

    const std::string& account() const { return account_; }
    /// The address of a path below the account.
    std::string url(const std::string& path) const;

  private:
    std::string base_;
    std::string account_;
    Secret token_;
    std::unique_ptr<storage::http::HttpClient> http_;
};

}  // namespace photogate::client::setup::r2
