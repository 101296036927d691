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

/// SHA-256 of bytes that arrive in pieces. Not thread safe.
class Sha256Stream {
  public:
    Sha256Stream();
    ~Sha256Stream();
    Sha256Stream(Sha256Stream&&) noexcept;
    Sha256Stream& operator=(Sha256Stream&&) noexcept;
    void update(BytesView bytes);
    /// Once; the stream is spent afterwards.
    Sha256 finish();

  private:
    struct Context;
    std::unique_ptr<Context> context_;
};

/// MD5 of bytes that arrive in pieces, for the ETag of an object. Not thread safe.
class Md5Stream {
  public:
    Md5Stream();
    ~Md5Stream();
    Md5Stream(Md5Stream&&) noexcept;
    Md5Stream& operator=(Md5Stream&&) noexcept;
    void update(BytesView bytes);
    /// Once; the stream is spent afterwards.
    Md5 finish();

  private:
    struct Context;
    std::unique_ptr<Context> context_;
};

/// SHA-1 of bytes that arrive in pieces, only for S3's checksum of that name; it protects nothing. Not thread
/// safe.
class Sha1Stream {
  public:
    Sha1Stream();
    ~Sha1Stream();
    Sha1Stream(Sha1Stream&&) noexcept;
    Sha1Stream& operator=(Sha1Stream&&) noexcept;
    void update(BytesView bytes);
    /// Once; the stream is spent afterwards.
    Sha1 finish();

  private:
    struct Context;
    std::unique_ptr<Context> context_;
};

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
