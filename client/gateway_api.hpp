// The REST interface of a gateway, called with an API key or a client token.
//
// It does not retry and follows no redirect. Thread safety: calls may be made from any number of threads.
#pragma once

#include <chrono>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/endpoint.hpp"
#include "base/json/value.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "storage/http/http_client.hpp"

namespace photogate::client {

struct GatewayOptions {
    std::string url;      ///< http(s)://host[:port]
    Secret key;           ///< `pg_…` or `pgt_…`
    std::string ca_file;  ///< PEM; empty: the system's
};

/// A 2xx answer: its body, and the same as a value. `text` outlives what is taken out of it by elements_of().
struct Answer {
    int status = 0;
    std::string text;
    json::Value value;
};

using Query = std::vector<std::pair<std::string, std::string>>;

class GatewayApi {
  public:
    /// Errors: invalid_field, where the URL is none or the key can't be one.
    static Result<GatewayApi> open(GatewayOptions options);

    /// Errors: of the connection, the http_* codes; of a problem, its `code` with what the gateway says, and how long it asks
    /// to wait; store_protocol, where the answer is not a gateway's.
    Result<Answer> get(const std::string& path, const Query& query = {},
                       std::chrono::seconds patience = std::chrono::seconds{30}) const;
    Result<Answer> post(const std::string& path, std::string body = {},
                        const std::string& idempotency_key = {}) const;
    Result<Answer> remove(const std::string& path) const;

    /// A URL or a path of an answer, as a URL.
    std::string absolute(const std::string& url) const;
    const Endpoint& endpoint() const { return endpoint_; }
    const Secret& key() const { return key_; }
    /// For calls that are not the interface's: to the store, or to a resumable URL.
    storage::http::HttpClient& http() const { return *http_; }

  private:
    GatewayApi(Endpoint endpoint, Secret key, const std::string& ca_file);
    Result<Answer> call(storage::http::Request request) const;

    Endpoint endpoint_;
    Secret key_;
    std::unique_ptr<storage::http::HttpClient> http_;
};

/// One segment of a path, with everything encoded that is not unreserved (RFC 3986).
std::string segment(std::string_view text);

}  // namespace photogate::client
