// Creates AWS Signature Version 4 for S3: presigned URLs, signed headers, POST policies.
//
// Source: AWS "Authenticating Requests (AWS Signature Version 4)", sigv4-query-string-auth,
// sig-v4-header-based-auth and sigv4-HTTPPOSTConstructPolicy. S3's own rules apply: the path is encoded once
// and never normalised. It does not verify (verify.hpp) and opens no connection.
//
// Thread safety: a Signer may be used by any number of threads at once. The signing key of a day is derived
// once.
//
// The order of a URL's query: the caller's parameters as given, then X-Amz-Algorithm, -Credential, -Date,
// -Expires, -SignedHeaders, -Security-Token, -Signature, as in botocore, so that two signers can be compared
// byte for byte.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/live.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "base/words.hpp"
#include "signer/credentials.hpp"
#include "signer/message.hpp"

namespace photogate::signer {

/// S3 accepts 1 second to 7 days.
inline constexpr std::chrono::seconds kLongestExpiry{604'800};

struct PresignRequest {
    std::string method;  ///< GET, PUT, HEAD, DELETE, POST
    ObjectAddress address;
    std::vector<Parameter> query;  ///< sub-resources, `response-*`, `partNumber`, …
    /// Headers that the client must send exactly so; `host` is always signed and must not be named here.
    std::vector<HeaderField> headers;
    std::chrono::seconds expires{900};
    Timestamp at;
    /// Lower-case hex SHA-256 of the body; if set, it is signed as X-Amz-Content-Sha256 in the query.
    std::optional<std::string> payload_sha256;
};

struct PresignedUrl {
    std::string url;
    std::vector<HeaderField> headers;  ///< what the client has to send besides Host, as given
    Timestamp expires_at;
};

/// The intermediate stages, to compare two signers. They contain no secret except the signature itself.
struct Stages {
    std::string canonical_request;
    std::string string_to_sign;
    std::string signature;
};

struct HeaderSignRequest {
    std::string method;
    ObjectAddress address;
    std::vector<Parameter> query;
    std::vector<HeaderField> headers;  ///< all of them are signed, but the hop-by-hop ones and User-Agent
    std::string payload_sha256;        ///< lower-case hex, UNSIGNED-PAYLOAD or a STREAMING-… word
    Timestamp at;
};

struct SignedRequest {
    std::string url;
    std::vector<HeaderField>
        headers;  ///< those given, and Authorization, x-amz-date, x-amz-content-sha256, …;
                  ///< Host is not among them
};

/// One condition of a POST policy.
struct PolicyCondition {
    enum class Kind { equals, starts_with, content_length_range };
    Kind kind = Kind::equals;
    std::string field;  ///< without the `$`; empty for content_length_range
    std::string value;
    ByteSize least = 0;
    ByteSize most = 0;
};

struct PostPolicyRequest {
    /// Bucket and key are required; both become conditions. A key that ends in `${filename}` is a prefix.
    ObjectAddress address;
    std::vector<PolicyCondition> conditions;
    /// Fields that the form carries unchanged; each becomes an `eq` condition.
    std::vector<HeaderField> fields;
    std::chrono::seconds expires{900};
    Timestamp at;
};

struct PostForm {
    std::string url;
    /// In the order to send; the file field `file` comes last, behind all of these.
    std::vector<HeaderField> fields;
    Timestamp expires_at;
};

class Signer {
  public:
    /// `service` is "s3" except in tests with the published suite.
    Signer(Credentials credentials, Region region, std::string service = "s3");
    ~Signer();
    Signer(Signer&&) noexcept;
    Signer& operator=(Signer&&) noexcept;

    /// Errors: invalid_expiry (outside 1 s to 7 days), invalid_field (a header or parameter that S3 can't
    /// sign: control characters, `host`, an X-Amz-* query parameter that signing itself sets).
    Result<PresignedUrl> presign(const PresignRequest& request) const;
    Result<SignedRequest> sign_headers(const HeaderSignRequest& request) const;
    Result<PostForm> sign_post_policy(const PostPolicyRequest& request) const;

    /// The stages that presign and sign_headers go through for the same request.
    Result<Stages> explain(const PresignRequest& request) const;
    Result<Stages> explain(const HeaderSignRequest& request) const;

    /// What is signed from now on is signed with these; what is being signed is not touched.
    void replace(Credentials credentials) const;

    std::string access_key_id() const;
    const Region& region() const;

  private:
    struct State;
    std::unique_ptr<Live<State>> state_;
    Region region_;
    std::string service_;
};

}  // namespace photogate::signer
