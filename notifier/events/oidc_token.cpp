#include "notifier/events/oidc_token.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/ascii.hpp"
#include "base/base64url.hpp"
#include "base/encoding.hpp"
#include "base/json/value.hpp"
#include "notifier/events/json_text.hpp"

namespace photogate::notifier::events {
namespace {

constexpr std::string_view kBearerScheme = "bearer ";
constexpr json::Bounds kPartBounds{.bytes = OidcAuthenticator::kLongestToken, .depth = 4, .nodes = 100};

std::optional<json::Value> part(std::string_view text) {
    const auto bytes = from_base64url(text);
    if (!bytes) return std::nullopt;
    auto value = json::read(as_text(*bytes), kPartBounds);
    if (!value || !value->object()) return std::nullopt;
    return std::move(*value);
}

std::optional<Timestamp> time_of(const json::Value& object, std::string_view name) {
    constexpr std::int64_t kLast = 253'402'300'799;
    const auto* value = object.find(name);
    const auto* seconds = value ? value->integer() : nullptr;
    if (!seconds || *seconds < 0 || *seconds > kLast) return std::nullopt;
    return Timestamp{std::chrono::seconds{*seconds}};
}

bool is_true(const json::Value& object, std::string_view name) {
    const auto* value = object.find(name);
    const auto* flag = value ? value->boolean() : nullptr;
    return flag && *flag;
}

std::optional<signer::RsaPublicKey> key_of(const json::Value& entry) {
    if (text_of(entry, "kty") != "RSA") return std::nullopt;
    const auto modulus = from_base64url(text_of(entry, "n"));
    const auto exponent = from_base64url(text_of(entry, "e"));
    if (!modulus || !exponent) return std::nullopt;
    auto key = signer::RsaPublicKey::from_numbers(*modulus, *exponent);
    if (!key) return std::nullopt;
    return std::move(*key);
}

}  // namespace

/// A token whose claims are right, as far as they can be without its signature.
struct OidcAuthenticator::Token {
    std::string signed_text;
    Bytes signature;
    std::string key;  ///< `kid`
};

OidcAuthenticator::OidcAuthenticator(OidcPolicy policy, Fetch fetch, const Clock& clock)
    : policy_(std::move(policy)),
      clock_(clock),
      keys_(std::make_unique<FetchedKeys<Keys>>(std::move(fetch), &OidcAuthenticator::read_keys, clock,
                                                kKeysKept)) {}

Result<OidcAuthenticator::Keys> OidcAuthenticator::read_keys(const std::string& document) {
    const auto set = json::read(document, {.bytes = 64U << 10, .depth = 8, .nodes = 2'000});
    const auto* list = set ? set->find("keys") : nullptr;
    if (!list || !list->array()) return fail(ErrorCode::invalid_field, "the keys are not a JWK set");
    Keys keys;
    for (const auto& entry : *list->array()) {
        const auto name = text_of(entry, "kid");
        auto key = key_of(entry);
        if (key && !name.empty() && keys.size() < kMostKeys) keys.emplace(std::string{name}, std::move(*key));
    }
    if (keys.empty()) return fail(ErrorCode::invalid_field, "the JWK set has no RSA key");
    return keys;
}

std::optional<OidcAuthenticator::Token> OidcAuthenticator::token_of(const SenderHead& head) const {
    const auto sent = head.field("authorization").value_or("");
    if (sent.size() > kLongestToken || sent.size() <= kBearerScheme.size() ||
        !ascii::equals_ignoring_case(sent.substr(0, kBearerScheme.size()), kBearerScheme))
        return std::nullopt;
    const auto token = sent.substr(kBearerScheme.size());
    const auto first = token.find('.'), last = token.rfind('.');
    if (first == last) return std::nullopt;
    const auto header = part(token.substr(0, first));
    const auto claims = part(token.substr(first + 1, last - first - 1));
    auto signature = from_base64url(token.substr(last + 1));
    if (!header || !claims || !signature) return std::nullopt;
    const auto now = clock_.now();
    const auto expires = time_of(*claims, "exp"), issued = time_of(*claims, "iat");
    const bool right = text_of(*header, "alg") == "RS256" && text_of(*claims, "iss") == policy_.issuer &&
                       text_of(*claims, "aud") == policy_.audience &&
                       text_of(*claims, "email") == policy_.email && is_true(*claims, "email_verified");
    const bool in_time = expires && issued && now < *expires + kMostSkew && *issued <= now + kMostSkew;
    if (!right || !in_time) return std::nullopt;
    return Token{std::string{token.substr(0, last)}, std::move(*signature),
                 std::string{text_of(*header, "kid")}};
}

HeadVerdict OidcAuthenticator::from_head(const SenderHead& head) const {
    const auto token = token_of(head);
    if (!token) return HeadVerdict::refuse;
    const auto keys = keys_->known(policy_.keys_url);
    const auto key = keys ? keys->find(token->key) : Keys::const_iterator{};
    if (!keys || key == keys->end()) return HeadVerdict::need_body;
    const bool genuine =
        key->second.verify(signer::SignatureDigest::sha256, token->signed_text, token->signature);
    return genuine ? HeadVerdict::accept : HeadVerdict::refuse;
}

BodyDecision OidcAuthenticator::from_body(const SenderHead& head, std::string_view) const {
    const auto token = token_of(head);
    if (!token) return {BodyVerdict::refuse, "the token is not one of this source"};
    auto keys = keys_->get(policy_.keys_url);
    if (keys && !(*keys)->contains(token->key)) {
        auto newer = keys_->get(policy_.keys_url, clock_.now() - kLookAgain);
        if (newer) keys = std::move(newer);
    }
    if (!keys) return {BodyVerdict::undecided, "the keys could not be fetched: " + keys.error().detail};
    const auto key = (*keys)->find(token->key);
    if (key == (*keys)->end())
        return {BodyVerdict::refuse, "the token is signed with a key that is not published"};
    if (!key->second.verify(signer::SignatureDigest::sha256, token->signed_text, token->signature))
        return {BodyVerdict::refuse, "the token's signature is not genuine"};
    return {BodyVerdict::accept};
}

}  // namespace photogate::notifier::events
