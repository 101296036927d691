// Texts that their holder can neither read nor change: AES-256-GCM (NIST SP 800-38D), from OpenSSL 3.
//
// A sealed text is base64url (RFC 4648, 5) of 4 bytes that name the key, 12 of a random nonce, the text encrypted, and 16 of
// the tag. It opens only with the context that it was sealed with, such as whose it is and what for. The key is derived from a
// secret with HMAC-SHA256, so a secret may serve other purposes too. A secret may seal 2^32 texts before its nonces are too likely
// to repeat; what is sealed here lives for days, and secrets are replaced long before.
//
// Thread safety: immutable after construction; `random` has to be safe from any thread. A failure of OpenSSL other than a wrong
// tag throws std::runtime_error, which ends the request.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "base/secret.hpp"

namespace photogate::signer {

class Sealer {
  public:
    /// The first secret seals, all open. At least one. `purpose`: texts of another purpose do not open.
    Sealer(const std::vector<Secret>& secrets, std::string_view purpose);
    ~Sealer();
    Sealer(Sealer&&) noexcept;
    Sealer& operator=(Sealer&&) noexcept;

    std::string seal(std::string_view text, std::string_view context, Random& random) const;
    /// nullopt: not sealed with one of these secrets, for this purpose, in this context; or changed since.
    std::optional<std::string> open(std::string_view sealed, std::string_view context) const;

  private:
    struct Key;
    std::vector<Key> keys_;
};

}  // namespace photogate::signer
