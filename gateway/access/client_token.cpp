#include "gateway/access/client_token.hpp"

#include "base/base64url.hpp"
#include "base/json/fields.hpp"
#include "base/json/writer.hpp"

namespace photogate::gateway::access {
namespace {

constexpr std::string_view kTokenPrefix = "pgt_";
constexpr std::size_t kLongest = 4'096;

std::uint64_t unix_seconds(Timestamp at) {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count());
}

std::string claims_json(const ClientToken& token) {
    json::Writer json;
    json.begin_object();
    json.name("id");
    json.text(token.id);
    json.name("app");
    json.text(token.app.str());
    json.name("profile");
    json.text(token.profile.str());
    json.name("uploads");
    json.number(token.max_uploads);
    if (token.max_bytes) {
        json.name("bytes");
        json.number(*token.max_bytes);
    }
    json.name("expires");
    json.number(unix_seconds(token.expires_at));
    if (!token.metadata.empty()) {
        json.name("metadata");
        json.begin_object();
        for (const auto& [name, value] : token.metadata) {
            json.any_name(name);
            json.text(value);
        }
        json.end_object();
    }
    json.end_object();
    return json.take();
}

/// Of claims whose signature is ours.
std::optional<ClientToken> read_token_claims(std::string_view text) {
    const auto document = json::read_object(text);
    if (!document) return std::nullopt;
    json::Fields fields(*document);
    const json::TextRule needed{.presence = json::Presence::required};
    const json::IntegerRule number{.presence = json::Presence::required};
    ClientToken token;
    token.id = fields.text("id", needed).value_or("");
    token.app = AppName::trusted(fields.text("app", needed).value_or(""));
    token.profile = ProfileName::trusted(fields.text("profile", needed).value_or(""));
    token.max_uploads = static_cast<std::uint64_t>(fields.integer("uploads", number).value_or(0));
    if (const auto bytes = fields.integer("bytes")) token.max_bytes = static_cast<ByteSize>(*bytes);
    token.expires_at = Timestamp{std::chrono::seconds{fields.integer("expires", number).value_or(0)}};
    if (const auto* metadata = fields.object("metadata")) {
        for (const auto& [name, value] : *metadata->object()) {
            if (value.text()) token.metadata.emplace(name, *value.text());
        }
    }
    if (!fields.finish()) return std::nullopt;
    return token;
}

std::vector<signer::HmacKey> keys_of(const std::vector<Secret>& secrets) {
    std::vector<signer::HmacKey> keys;
    for (const auto& secret : secrets)
        keys.emplace_back(as_bytes(secret.reveal()));
    return keys;
}

}  // namespace

TokenSigner::TokenSigner(const std::vector<Secret>& secrets) : keys_(keys_of(secrets)) {}

void TokenSigner::replace(const std::vector<Secret>& secrets) {
    keys_.replace(keys_of(secrets));
}

std::string TokenSigner::sign(const ClientToken& token) const {
    auto text = std::string{kTokenPrefix} + base64url(as_bytes(claims_json(token)));
    const auto signature = keys_.now()->front().sign(text);
    return text + "." + base64url(signature);
}

Result<ClientToken> TokenSigner::verify(std::string_view presented, Timestamp now) const {
    const auto refuse = [] {
        return fail(ErrorCode::unauthenticated,
                    "the client token is not one of ours; ask your app for another");
    };
    const auto stop = presented.find('.');
    if (presented.size() > kLongest || !presented.starts_with(kTokenPrefix) || stop == std::string_view::npos)
        return refuse();
    const auto signed_text = presented.substr(0, stop);
    const auto signature = from_base64url(presented.substr(stop + 1));
    bool ours = false;
    const auto keys = keys_.now();
    for (const auto& key : *keys) {
        const auto expected = key.sign(signed_text);
        const bool same =
            signature && signer::constant_time_equal(BytesView{*signature}, BytesView{expected});
        ours = ours || same;
    }
    if (!ours) return refuse();
    const auto claims = from_base64url(signed_text.substr(kTokenPrefix.size()));
    auto token = claims ? read_token_claims(as_text(*claims)) : std::nullopt;
    if (!token) return refuse();
    if (token->expires_at <= now) {
        return fail(
            ErrorCode::token_expired,
            "the client token ended at " + format_rfc3339(token->expires_at) + "; ask your app for another");
    }
    return std::move(*token);
}

bool looks_like_client_token(std::string_view credential) {
    return credential.starts_with(kTokenPrefix);
}

}  // namespace photogate::gateway::access
