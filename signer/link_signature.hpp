// Signatures of links and cookies for images: HMAC-SHA256 (RFC 2104), with the key's id before it.
//
// 4 bytes of the id and 32 of the HMAC in base64url (RFC 4648, 5): 48 characters, of which none can be another. The id
// is the first bytes of HMAC-SHA256(key, "photogate link key"): it says which key signed and nothing about it, so that
// keys can be rotated. A key is the secret's characters, as they are.
//
// What is signed is the caller's text; it does not look into it.
//
// Thread safety: immutable after construction.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.hpp"
#include "signer/digest.hpp"

namespace photogate::signer {

class LinkSigner {
  public:
    /// Characters of a signature.
    static constexpr std::size_t kLength = 48;

    using KeyId = std::array<std::uint8_t, 4>;

    /// The first signs, all verify. At least one.
    explicit LinkSigner(const std::vector<Secret>& secrets);
    std::string sign(std::string_view text) const;
    /// The comparison takes constant time; which key signed is no secret.
    bool verify(std::string_view text, std::string_view signature) const;
    /// Which key a signature says that it is of; nullopt: it is none.
    static std::optional<KeyId> key_of(std::string_view signature);
    std::vector<KeyId> key_ids() const;

  private:
    struct Key {
        KeyId id;
        HmacKey hmac;
    };
    std::vector<Key> keys_;
};

}  // namespace photogate::signer
