// SHA-512 of bytes that arrive in pieces, from OpenSSL 3: for Content-Digest (RFC 9530), which clients may send with it.
//
// Not thread safe. A failure of OpenSSL throws std::runtime_error, which ends the request.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "base/encoding.hpp"

namespace photogate::signer {

using Sha512 = std::array<std::uint8_t, 64>;

class Sha512Stream {
  public:
    Sha512Stream();
    ~Sha512Stream();
    Sha512Stream(Sha512Stream&&) noexcept;
    Sha512Stream& operator=(Sha512Stream&&) noexcept;
    void update(BytesView bytes);
    /// Once; the stream is spent afterwards.
    Sha512 finish();

  private:
    struct Context;
    std::unique_ptr<Context> context_;
};

}  // namespace photogate::signer
