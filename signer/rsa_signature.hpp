// RSA signatures that others made, verified: RSASSA-PKCS1-v1_5 (RFC 8017, 8.2.2) with SHA-1 or SHA-256.
//
// SHA-1 is for senders that know nothing newer (SNS signature version 1). It signs nothing, and it does not verify
// a certificate's chain: whoever hands a certificate over has it from where its issuer is known.
//
// Thread safety: immutable; any number of threads may verify with one key at once.
#pragma once

#include <memory>
#include <string_view>

#include "base/encoding.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace photogate::signer {

enum class SignatureDigest { sha1, sha256 };

class RsaPublicKey {
  public:
    /// The key of the first X.509 certificate (RFC 5280) in a PEM text, which is the key of that time alone.
    /// Errors: invalid_field (no certificate, another algorithm, fewer than 2,048 or more than 8,192 bits).
    static Result<RsaPublicKey> from_certificate(std::string_view pem);
    /// From modulus and exponent, big-endian (RFC 7518, 6.3.1), valid at any time. Errors: as above.
    static Result<RsaPublicKey> from_numbers(BytesView modulus, BytesView exponent);

    RsaPublicKey(RsaPublicKey&&) noexcept;
    RsaPublicKey& operator=(RsaPublicKey&&) noexcept;
    ~RsaPublicKey();

    bool valid_at(Timestamp time) const { return time >= from_ && time <= until_; }
    bool verify(SignatureDigest digest, std::string_view message, BytesView signature) const;

  private:
    struct Key;
    RsaPublicKey(std::unique_ptr<Key> key, Timestamp from, Timestamp until);
    std::unique_ptr<Key> key_;
    Timestamp from_;
    Timestamp until_;
};

}  // namespace photogate::signer
