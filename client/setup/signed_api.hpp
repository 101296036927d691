// Calls to a store's administration, signed in their headers (SigV4): S3's sub-resources, RGW's admin operations, and the Query APIs of
// IAM, STS and SNS (a form in, XML out).
//
// What it does not do: retry, or follow a redirect.
//
// Thread safety: one thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "client/setup/store_setup.hpp"
#include "signer/signer.hpp"
#include "storage/http/http_client.hpp"

namespace photogate::client::setup {

struct ApiCall {
    std::string method = "GET";
    std::optional<Bucket> bucket;
    std::optional<ObjectKey> key;
    std::vector<signer::Parameter> query;
    std::vector<signer::HeaderField> headers;
    std::string body;
};

struct ApiOptions {
    Endpoint endpoint;
    signer::AddressingStyle style = signer::AddressingStyle::path;
    signer::Credentials credentials;
    Region region = Region::trusted("us-east-1");
    std::string service = "s3";  ///< in the signature
};

class SignedApi {
  public:
    explicit SignedApi(ApiOptions options);

    /// False as long as there is no key to sign with.
    bool can_sign() const { return !signer_.access_key_id().empty(); }
    void use(signer::Credentials credentials) { signer_.replace(std::move(credentials)); }

    /// An answer of any status. Errors: http_*.
    Result<storage::http::Response> send(const ApiCall& call) const;
    /// A 2xx answer. Errors: http_*; store_refused with the store's code first: `NoSuchBucketPolicy: …`.
    Result<storage::http::Response> call(const ApiCall& call) const;

    using Form = std::vector<std::pair<std::string, std::string>>;
    /// The XML that an action answers. Errors: as call().
    Result<std::string> act(const std::string& version, const std::string& action, const Form& form) const;

  private:
    ApiOptions options_;
    signer::Signer signer_;
    std::unique_ptr<storage::http::HttpClient> http_;
    SystemClock clock_;
};

/// store_refused: `CODE: message`, or the status where the body says nothing.
Error refusal_of(const storage::http::Response& response);

}  // namespace photogate::client::setup
