#include "notifier/events/authenticator.hpp"

#include <utility>

#include "base/ascii.hpp"
#include "base/encoding.hpp"
#include "signer/digest.hpp"

namespace photogate::notifier::events {
namespace {

constexpr std::string_view kBearer = "bearer ";
constexpr std::string_view kBasic = "basic ";
constexpr std::string_view kB2Signature = "x-bz-event-notification-signature";
constexpr std::string_view kB2Version = "v1=";

/// What is behind the scheme (in lower case, with its space); nullopt where there is another.
std::optional<std::string_view> behind(std::string_view scheme, std::string_view value) {
    if (value.size() <= scheme.size() || !ascii::equals_ignoring_case(value.substr(0, scheme.size()), scheme))
        return std::nullopt;
    return value.substr(scheme.size());
}

std::string basic_password(std::string_view value) {
    const auto sent = behind(kBasic, value);
    const auto pair = sent ? from_base64(*sent) : std::nullopt;
    if (!pair) return {};
    const auto text = as_text(*pair);
    const auto colon = text.find(':');
    return colon == std::string_view::npos ? std::string{} : std::string{text.substr(colon + 1)};
}

}  // namespace

TokenAuthenticator::TokenAuthenticator(std::vector<Secret> tokens, TokenPlace place, std::string header)
    : tokens_(std::move(tokens)), place_(place), header_(std::move(header)) {}

HeadVerdict TokenAuthenticator::from_head(const SenderHead& head) const {
    std::string token;
    switch (place_) {
        case TokenPlace::bearer: {
            const auto sent = head.field("authorization").value_or("");
            token = behind(kBearer, sent).value_or(sent);
            break;
        }
        case TokenPlace::basic:
            token = basic_password(head.field("authorization").value_or(""));
            break;
        case TokenPlace::header:
            token = head.field(header_).value_or("");
            break;
        case TokenPlace::query:
            token = head.query("token").value_or("");
            break;
    }
    return token_matches(tokens_, token) ? HeadVerdict::accept : HeadVerdict::refuse;
}

BodyDecision TokenAuthenticator::from_body(const SenderHead&, std::string_view) const {
    return {};
}

bool token_matches(const std::vector<Secret>& tokens, std::string_view presented) {
    const auto hash = signer::sha256(presented);
    bool matches = false;
    for (const auto& token : tokens) {
        const auto expected = signer::sha256(token.reveal());
        const bool same = signer::constant_time_equal(BytesView{hash}, BytesView{expected});
        matches = matches || same;
    }
    return matches;
}

B2Authenticator::B2Authenticator(std::vector<Secret> secrets) : secrets_(std::move(secrets)) {}

HeadVerdict B2Authenticator::from_head(const SenderHead& head) const {
    const auto sent = head.field(kB2Signature).value_or("");
    const bool possible = sent.starts_with(kB2Version) && sent.size() == kB2Version.size() + 64;
    return possible && !secrets_.empty() ? HeadVerdict::need_body : HeadVerdict::refuse;
}

BodyDecision B2Authenticator::from_body(const SenderHead& head, std::string_view body) const {
    const auto sent = head.field(kB2Signature).value_or("");
    const auto signature = from_hex(sent.substr(std::min(sent.size(), kB2Version.size())));
    bool matches = false;
    for (const auto& secret : secrets_) {
        const auto expected = signer::hmac_sha256(as_bytes(secret.reveal()), as_bytes(body));
        const bool same =
            signature && signer::constant_time_equal(BytesView{*signature}, BytesView{expected});
        matches = matches || same;
    }
    if (matches) return {BodyVerdict::accept};
    return {BodyVerdict::refuse, "the signature is not that of the body with any of the secrets"};
}

}  // namespace photogate::notifier::events
