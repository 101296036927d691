// A body that the holder of a password opens, as the administration of MinIO takes it: PBKDF2-HMAC-SHA256 with 8,192 rounds, then
// AES-256-GCM in the fragments of secure-io's "sio" format.
//
//   salt 32 | algorithm 1 (2: this one) | nonce 8 | ciphertext | tag 16
//
// Sources: madmin-go, `EncryptData`; sio-go, "Stream". One fragment alone: at most 16 KiB.
//
// Thread safety: a pure function but for the randomness that is handed in.
#pragma once

#include <string>
#include <string_view>

#include "base/random.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"

namespace photogate::signer {

/// Errors: invalid_field where the text is longer than 16 KiB. Throws std::runtime_error where OpenSSL lacks an algorithm.
Result<std::string> seal_with_password(const Secret& password, std::string_view text, Random& random);

}  // namespace photogate::signer
