// Digests, HMAC and constant-time comparison, from OpenSSL 3. Algorithms are fetched once per thread.
//
// It does not verify signatures (verify.hpp) and knows nothing of S3. Functions are thread safe. A digest can
// fail only if OpenSSL has no memory or lacks the algorithm: it then throws std::runtime_error, which ends
// the request.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/encoding.hpp"

namespace photogate::signer {

using Sha256 = std::array<std::uint8_t, 32>;
using Md5 = std::array<std::uint8_t, 16>;
using Sha1 = std::array<std::uint8_t, 20>;

Sha256 sha256(BytesView bytes);
inline Sha256 sha256(std::string_view text) {
    return sha256(as_bytes(text));
}
Sha256 hmac_sha256(BytesView key, BytesView message);
/// Only for ETags and Content-MD5; it protects nothing.
Md5 md5(BytesView bytes);

/// A digest of bytes that arrive in pieces. Not thread safe.
template <class Digest>
class DigestStream {
  public:
    DigestStream();
    ~DigestStream();
    DigestStream(DigestStream&&) noexcept;
    DigestStream& operator=(DigestStream&&) noexcept;
    void update(BytesView bytes);
    /// Once; the stream is spent afterwards.
    Digest finish();

  private:
    struct Context;
    std::unique_ptr<Context> context_;
};
extern template class DigestStream<Sha256>;
extern template class DigestStream<Md5>;
extern template class DigestStream<Sha1>;

using Sha256Stream = DigestStream<Sha256>;
/// For the ETag of an object.
using Md5Stream = DigestStream<Md5>;
/// Only for S3's checksum of that name; it protects nothing.
using Sha1Stream = DigestStream<Sha1>;

/// A key prepared for many messages: the two blocks of RFC 2104, section 4, are hashed once, here. Any number
/// of threads may sign with the same key at once.
class HmacKey {
  public:
    explicit HmacKey(BytesView key);
    ~HmacKey();
    HmacKey(HmacKey&&) noexcept;
    HmacKey& operator=(HmacKey&&) noexcept;
    Sha256 sign(BytesView message) const;
    Sha256 sign(std::string_view message) const { return sign(as_bytes(message)); }

  private:
    struct Blocks;
    std::unique_ptr<Blocks> blocks_;
};

/// True if both are equal; the time depends only on the lengths.
bool constant_time_equal(BytesView a, BytesView b);
inline bool constant_time_equal(std::string_view a, std::string_view b) {
    return constant_time_equal(as_bytes(a), as_bytes(b));
}

}  // namespace photogate::signer
