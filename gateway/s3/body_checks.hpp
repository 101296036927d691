// Verifies a body against the request's promises: Content-MD5, x-amz-content-sha256, x-amz-checksum-* as a
// header or as a trailer, length, and the chunks' signatures.
//
// Sources: AWS PutObject, "Checking object integrity"; sigv4-streaming. Thread safety: one body, one thread
// at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/http/message.hpp"
#include "gateway/s3/aws_chunked.hpp"
#include "signer/verify.hpp"
#include "storage/builtin/checksum.hpp"

namespace photogate::gateway::s3 {

using storage::builtin::Checksum;
using storage::builtin::ChecksumAlgorithm;

/// `x-amz-checksum-crc32`
std::string header_of(ChecksumAlgorithm algorithm);

struct BodyPromise {
    std::uint64_t length = 0;                  ///< of the object, not of the message
    std::optional<std::string> md5;            ///< base64
    std::optional<std::string> sha256;         ///< base64, of the hash that was signed
    std::optional<Checksum> checksum;          ///< of a header
    std::optional<ChecksumAlgorithm> trailer;  ///< announced as a trailer
    std::optional<AwsChunked::Options> chunked;

    /// Of the header or of the trailer.
    std::optional<ChecksumAlgorithm> algorithm() const {
        return checksum ? std::optional{checksum->algorithm} : trailer;
    }
};

/// What `x-amz-checksum-*` headers describe: of CompleteMultipartUpload the object, otherwise the body.
enum class ChecksumHeaders { of_body, of_object };

/// Refusals: InvalidDigest, InvalidRequest, MissingContentLength, InvalidArgument.
S3Result<BodyPromise> read_promise(const http::RequestHead& head, const signer::VerifiedRequest& verified,
                                   ChecksumHeaders checksums = ChecksumHeaders::of_body);

/// The computed digests, if required; base64.
struct Digests {
    std::optional<std::string> md5;
    std::optional<std::string> sha256;
    std::optional<std::string> checksum;  ///< of BodyPromise::algorithm()
};

/// Extracts the object's bytes from the message's, and verifies the whole against the promise.
class BodyChecks {
  public:
    explicit BodyChecks(BodyPromise promise);

    /// Returns the object's bytes in the arrived part of the message.
    S3Result<std::string> take(std::string arrived);
    /// Call at the end of the message: checks that it was complete, and returns the promised checksum, from
    /// the header or the trailer. Refusals: IncompleteBody, InvalidRequest.
    S3Result<std::optional<Checksum>> end() const;
    /// Refusals: BadDigest, XAmzContentSHA256Mismatch.
    S3Result<> hold(const Digests& found, const std::optional<Checksum>& checksum) const;
    const BodyPromise& promise() const { return promise_; }

  private:
    BodyPromise promise_;
    std::optional<AwsChunked> chunked_;
    std::uint64_t size_ = 0;
};

}  // namespace photogate::gateway::s3
