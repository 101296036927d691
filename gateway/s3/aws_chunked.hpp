// A body in S3's own chunks (`Content-Encoding: aws-chunked`, AWS "sigv4-streaming" and its trailers page),
// as it arrives, in pieces of any size:
//
//   <hex size>[;chunk-signature=<hex>] CRLF  <bytes> CRLF  …  0[;chunk-signature=<hex>] CRLF
// A trailer's line may end with LF CRLF instead of CRLF, as in AWS's example.
//
//   [x-amz-checksum-crc32:<base64> CRLF  [x-amz-trailer-signature:<hex> CRLF]]  CRLF
//
// Chunks are inside the HTTP message, whatever its own framing. The decoder buffers no chunk: it returns
// bytes before the chunk's signature is verified, so the caller must not use the result before finish() has
// succeeded.
//
// Thread safety: one body, one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/s3/error.hpp"
#include "signer/chunk_signatures.hpp"

namespace photogate::gateway::s3 {

enum class ChunkedForm { signed_chunks, signed_chunks_and_trailer, unsigned_with_trailer };

class AwsChunked {
  public:
    struct Options {
        ChunkedForm form = ChunkedForm::unsigned_with_trailer;
        std::shared_ptr<signer::ChunkSignatures> signatures;  ///< null if chunks are not signed
        std::uint64_t decoded_length = 0;                     ///< x-amz-decoded-content-length
    };
    explicit AwsChunked(Options options) : options_(std::move(options)) {}

    /// Appends the decoded bytes of `arrived`. After SignatureDoesNotMatch, IncompleteBody or InvalidRequest
    /// the decoder must not be used.
    S3Result<> feed(std::string_view arrived, std::string& out);
    /// Call at the end of the body: succeeds if it was complete, had the announced length, and every
    /// signature was valid.
    S3Result<> finish() const;
    /// Names in lower case, without the signature's header.
    const std::vector<std::pair<std::string, std::string>>& trailers() const { return trailers_; }

  private:
    enum class State { head, data, data_end, trailer, done };
    S3Result<> read_head(std::string_view line);
    S3Result<> read_trailer(std::string_view line);
    S3Result<> end_chunk();
    S3Result<> end_trailers();
    bool are_signed() const { return options_.form != ChunkedForm::unsigned_with_trailer; }

    Options options_;
    State state_ = State::head;
    std::string line_;
    bool separator_expected_ = false;  ///< the last trailer's line ended with LF alone
    std::uint64_t left_ = 0;
    std::uint64_t decoded_ = 0;
    bool last_ = false;
    std::string signature_;
    std::string trailer_signature_;
    signer::Sha256Stream hash_;
    std::vector<std::pair<std::string, std::string>> trailers_;
};

}  // namespace photogate::gateway::s3
