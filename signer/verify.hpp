// Verifies AWS Signature Version 4 for S3: Authorization header, presigned query, POST policy form.
//
// The request is canonicalised again, so `%2f` for `%2F`, another order of the query or doubled spaces in a
// header are accepted, as they are by S3. Signatures are compared in constant time. It is deliberately
// stricter than some stores: every `x-amz-*` and `x-minio-*` header must be signed, because a presigned PUT
// to which `x-amz-copy-source` can be added is a vulnerability.
//
// It does not check the body against its hash or the file against the policy's range: it returns the expected
// values. It does not authorize: the caller decides whether this key may do this.
//
// Thread safety: any number of threads may verify at once.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "base/words.hpp"
#include "signer/chunk_signatures.hpp"
#include "signer/credentials.hpp"
#include "signer/message.hpp"

namespace photogate::signer {

enum class SignatureFault {
    missing,               ///< there is no signature at all
    malformed,             ///< a part of it is absent, repeated or unreadable
    no_date,               ///< a header signature without a valid x-amz-date or Date
    no_payload_hash,       ///< a header signature without x-amz-content-sha256
    bad_payload_hash,      ///< x-amz-content-sha256 is neither a hash nor one of S3's words
    unknown_key,           ///< the access key id is unknown
    wrong_scope,           ///< another region, service or day than the request's
    not_yet_valid,         ///< signed more than 15 minutes ahead of this clock
    expired,               ///< its time, or its policy's, has run out
    clock_skew,            ///< a header signature more than 15 minutes off this clock
    wrong_token,           ///< the session token is absent, wrong, or unexpected
    unsigned_header,       ///< an x-amz-* or x-minio-* header that the signature does not cover
    signed_header_absent,  ///< a header that was signed was not sent
    mismatch,              ///< the signature is complete and wrong
    policy_violated,       ///< the signature is valid, but the form violates the policy
};

struct SignatureRefusal {
    SignatureFault fault;
    std::string detail;  ///< safe to show to clients
};
template <class T>
using Verification = tl::expected<T, SignatureRefusal>;

/// The `Code` and status of S3's error document for a fault.
struct S3Refusal {
    int status;
    std::string_view code;
};
S3Refusal s3_refusal(SignatureFault fault);
/// unauthenticated, forbidden or bad_request, with the refusal's sentence.
Error to_error(const SignatureRefusal& refusal);

/// A request as received: nothing is decoded.
struct ReceivedRequest {
    std::string_view method;
    std::string_view target;  ///< origin form: `/bucket/key?query`
    std::span<const http::semantics::FieldView> headers;
    Timestamp now;
};

struct VerifiedRequest {
    std::string access_key_id;
    std::string path;                         ///< decoded
    std::vector<Parameter> query;             ///< decoded, without the parameters of the signature
    std::vector<std::string> signed_headers;  ///< lower case
    /// Lower-case hex that the body must have, or UNSIGNED-PAYLOAD or a STREAMING-… word.
    std::string payload_hash;
    std::optional<Timestamp> expires_at;  ///< of a presigned URL
    /// For a body whose chunks are signed, by a STREAMING-AWS4-… word; null for any other.
    std::shared_ptr<ChunkSignatures> chunks;
};

/// A POST form: the fields in front of `file`, decoded, `${filename}` in the key already replaced.
struct ReceivedForm {
    std::string_view bucket;  ///< the bucket that the request was addressed to
    std::span<const HeaderField> fields;
    Timestamp now;
};

struct VerifiedForm {
    std::string access_key_id;
    std::string key;
    /// The file's size must be within both; the whole range if the policy has none.
    ByteSize least = 0;
    ByteSize most = UINT64_MAX;
};

class Verifier {
  public:
    /// `credentials` are all accepted keys; their access key ids differ.
    Verifier(std::vector<Credentials> credentials, const Region& region, const std::string& service = "s3");
    ~Verifier();
    Verifier(Verifier&&) noexcept;
    Verifier& operator=(Verifier&&) noexcept;

    /// By the query if it contains a signature, else by the Authorization header; both together are
    /// malformed.
    Verification<VerifiedRequest> verify(const ReceivedRequest& request) const;
    Verification<VerifiedForm> verify(const ReceivedForm& form) const;

  private:
    struct Keys;
    std::unique_ptr<Keys> keys_;
};

}  // namespace photogate::signer
