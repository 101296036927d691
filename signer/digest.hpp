// Digests and constant-time comparison, from OpenSSL 3. Algorithms are fetched once a thread.
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

Sha256 sha256(BytesView bytes);
inline Sha256 sha256(std::string_view text) { return sha256(as_bytes(text)); }
Sha256 hmac_sha256(BytesView key, BytesView message);
/// For ETags and Content-MD5 alone; it protects nothing.
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

/// True where both are the same; time depends on the lengths alone.
bool constant_time_equal(BytesView a, BytesView b);
inline bool constant_time_equal(std::string_view a, std::string_view b) {
    return constant_time_equal(as_bytes(a), as_bytes(b));
}

}  // namespace photogate::signer
