// Standard Webhooks 1.0.0: how a callback is signed, and how a receiver checks it.
//
// Signed content is the bytes `<id>.<timestamp>.<body>`; the value is `v1,<base64 HMAC-SHA256>`, several
// separated by a space while a secret is being rotated. A secret is `whsec_` + base64 of 24 to 64 bytes.
// Source: standard-webhooks/spec/standard-webhooks.md.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>

#include "base/encoding.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/time.hpp"

namespace photogate::signer {

class WebhookSecret {
  public:
    /// Errors: invalid_configuration (prefix, base64 or length).
    static Result<WebhookSecret> parse(const Secret& text);
    BytesView key() const { return as_bytes(key_.reveal()); }

  private:
    Secret key_;
};

/// The value of `webhook-signature`: one entry for each secret, the newest first. `at` is the time of this
/// attempt.
std::string sign_webhook(std::string_view id, Timestamp at, std::string_view body,
                         std::span<const WebhookSecret> secrets);

/// Any matching entry suffices; unknown versions are skipped; |now - timestamp| <= tolerance.
bool verify_webhook(std::string_view id, std::string_view timestamp, std::string_view signature,
                    std::string_view body, std::span<const WebhookSecret> secrets, Timestamp now,
                    std::chrono::seconds tolerance = std::chrono::seconds{300});

}  // namespace photogate::signer
