// The signatures inside a body sent as STREAMING-AWS4-HMAC-SHA256-PAYLOAD or …-TRAILER: each chunk's
// signature covers the previous one, the first covers the request's own.
//
//   AWS4-HMAC-SHA256-PAYLOAD / date / scope / signature before / sha256("") / sha256(chunk)
//   AWS4-HMAC-SHA256-TRAILER / date / scope / signature before / sha256("name:value\n"…)
//
// Sources: AWS "sigv4-streaming" and "sigv4-streaming-trailers". Thread safety: one body, one thread at a
// time; the Verifier that made it outlives it.
#pragma once

#include <string>
#include <string_view>

#include "base/time.hpp"
#include "signer/digest.hpp"
#include "signer/signing_key.hpp"

namespace photogate::signer {

class ChunkSignatures {
  public:
    ChunkSignatures(SigningKeyCache::Lease key, Timestamp at, std::string first_signature);

    /// True if `signature` is that of the next chunk, whose bytes have this hash; the chain then continues
    /// from it.
    bool next_chunk(const Sha256& chunk, std::string_view signature);
    /// As above for the trailing headers, which come last.
    bool trailer(const Sha256& lines, std::string_view signature);

  private:
    bool holds(const std::string& string_to_sign, std::string_view signature);

    SigningKeyCache::Lease key_;
    Timestamp at_;
    std::string previous_;
};

}  // namespace photogate::signer
