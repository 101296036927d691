#include "signer/webhook_signature.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <openssl/crypto.h>

#include "base/ascii.hpp"
#include "signer/digest.hpp"

namespace photogate::signer {
namespace {

constexpr std::string_view kPrefix = "whsec_";
constexpr std::string_view kVersion = "v1,";
constexpr std::size_t kLeastKey = 24, kMostKey = 64;

/// `v1,` + base64, over the exact bytes `<id>.<timestamp>.<body>`.
std::string entry(const WebhookSecret& secret, std::string_view signed_content) {
    return std::string{kVersion} + base64(hmac_sha256(secret.key(), as_bytes(signed_content)));
}

std::string signed_content(std::string_view id, std::string_view timestamp, std::string_view body) {
    std::string out;
    out.reserve(id.size() + timestamp.size() + body.size() + 2);
    out += id;
    out += '.';
    out += timestamp;
    out += '.';
    out += body;
    return out;
}

std::optional<std::int64_t> unix_seconds(std::string_view text) {
    const auto seconds = ascii::parse_whole<std::int64_t>(text);
    return seconds && text.size() <= 12 && *seconds >= 0 ? seconds : std::nullopt;
}

}  // namespace

Result<WebhookSecret> WebhookSecret::parse(const Secret& text) {
    auto encoded = text.reveal();
    if (!encoded.starts_with(kPrefix)) {
        return fail(ErrorCode::invalid_configuration, "a webhook secret starts with whsec_");
    }
    encoded.remove_prefix(kPrefix.size());
    auto key = from_base64(encoded);
    if (!key) return fail(ErrorCode::invalid_configuration, "a webhook secret is whsec_ and padded base64");
    if (key->size() < kLeastKey || key->size() > kMostKey) {
        return fail(ErrorCode::invalid_configuration,
                    fmt::format("a webhook secret has {} to {} bytes, this one {}", kLeastKey, kMostKey,
                                key->size()));
    }
    WebhookSecret secret;
    secret.key_ = Secret{std::string{as_text(*key)}};
    OPENSSL_cleanse(key->data(), key->size());
    return secret;
}

std::string sign_webhook(std::string_view id, Timestamp at, std::string_view body,
                         std::span<const WebhookSecret> secrets) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count();
    const auto content = signed_content(id, std::to_string(seconds), body);
    std::string out;
    for (const auto& secret : secrets) {
        if (!out.empty()) out += ' ';
        out += entry(secret, content);
    }
    return out;
}

bool verify_webhook(std::string_view id, std::string_view timestamp, std::string_view signature,
                    std::string_view body, std::span<const WebhookSecret> secrets, Timestamp now,
                    std::chrono::seconds tolerance) {
    if (id.empty() || timestamp.empty() || signature.empty()) return false;
    const auto seconds = unix_seconds(timestamp);
    if (!seconds) return false;
    const auto distance = now - Timestamp{std::chrono::seconds{*seconds}};
    if (distance > tolerance || -distance > tolerance) return false;
    const auto content = signed_content(id, timestamp, body);
    bool accepted = false;
    for (const auto& secret : secrets) {
        const auto expected = entry(secret, content);
        for (std::size_t at = 0; at < signature.size();) {
            const auto end = std::min(signature.find(' ', at), signature.size());
            // No early return: the time must not reveal which entry matched.
            accepted = constant_time_equal(signature.substr(at, end - at), expected) || accepted;
            at = end + 1;
        }
    }
    return accepted;
}

}  // namespace photogate::signer
