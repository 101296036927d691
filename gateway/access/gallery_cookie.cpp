#include "gateway/access/gallery_cookie.hpp"

#include <algorithm>
#include <cstdint>

#include "base/base64url.hpp"
#include "base/json/fields.hpp"
#include "base/json/writer.hpp"
#include "base/text.hpp"

namespace photogate::gateway::access {
namespace {

/// Browsers take 4,096 bytes of name, value and attributes (RFC 6265, 6.1).
constexpr std::size_t kLongestValue = 3'072;
constexpr std::size_t kMostCookies = 16;
constexpr std::size_t kNameDigits = 16;

std::string signed_text(std::string_view claims) {
    return std::string{"photogate-cookie-1\n"}.append(claims);
}

/// What it is for, without until when.
void write_gallery(json::Writer& json, const GalleryPass& pass) {
    json.name("app");
    json.text(pass.app.str());
    json.name("profile");
    json.text(pass.profile.str());
    if (pass.metadata.empty()) return;
    json.name("metadata");
    json.begin_object();
    for (const auto& [name, value] : pass.metadata) {
        json.any_name(name);
        json.text(value);
    }
    json.end_object();
}

/// Of claims whose signature is ours.
std::optional<GalleryPass> read_pass_claims(std::string_view text) {
    const auto document = json::read_object(text);
    if (!document) return std::nullopt;
    json::Fields fields(*document);
    const json::TextRule needed{.presence = json::Presence::required};
    GalleryPass pass;
    pass.app = AppName::trusted(fields.text("app", needed).value_or(""));
    pass.profile = ProfileName::trusted(fields.text("profile", needed).value_or(""));
    const auto expires = fields.integer("expires", {.presence = json::Presence::required});
    pass.expires_at = Timestamp{std::chrono::seconds{expires.value_or(0)}};
    if (const auto* metadata = fields.object("metadata")) {
        for (const auto& [name, value] : *metadata->object()) {
            // What we do not understand must not open more than it was meant to.
            if (!value.text()) return std::nullopt;
            pass.metadata.emplace(name, *value.text());
        }
    }
    if (!fields.finish()) return std::nullopt;
    return pass;
}

std::optional<GalleryPass> read_value(const LinkKeys& keys, std::string_view value) {
    const auto stop = value.find('.');
    if (value.size() > kLongestValue || stop == std::string_view::npos) return std::nullopt;
    const auto* app = keys.signed_by(signed_text(value.substr(0, stop)), value.substr(stop + 1));
    if (app == nullptr) return std::nullopt;
    const auto claims = from_base64url(value.substr(0, stop));
    auto pass = claims ? read_pass_claims(as_text(*claims)) : std::nullopt;
    // Its key signs for this app alone.
    if (!pass || pass->app != *app) return std::nullopt;
    return pass;
}

}  // namespace

bool GalleryPass::is_for(const model::Upload& upload) const {
    return upload.app == app && upload.profile == profile &&
           std::all_of(metadata.begin(), metadata.end(), [&](const auto& wanted) {
               const auto found = upload.metadata.find(wanted.first);
               return found != upload.metadata.end() && found->second == wanted.second;
           });
}

std::string cookie_name(const GalleryPass& pass) {
    json::Writer json;
    json.begin_object();
    write_gallery(json, pass);
    json.end_object();
    const auto digest = hex_lower(signer::sha256(json.take()));
    return std::string{kGalleryCookiePrefix} + digest.substr(0, kNameDigits);
}

std::optional<std::string> cookie_value(const signer::LinkSigner& signer, const GalleryPass& pass) {
    json::Writer json;
    json.begin_object();
    write_gallery(json, pass);
    json.name("expires");
    const auto seconds = std::chrono::floor<std::chrono::seconds>(pass.expires_at).time_since_epoch();
    json.number(static_cast<std::uint64_t>(seconds.count()));
    json.end_object();
    const auto claims = base64url(as_bytes(json.take()));
    auto value = claims + "." + signer.sign(signed_text(claims));
    if (value.size() > kLongestValue) return std::nullopt;
    return value;
}

std::vector<GalleryPass> read_cookies(const LinkKeys& keys, const std::vector<std::string_view>& fields) {
    std::vector<GalleryPass> passes;
    std::size_t seen = 0;
    for (std::string_view rest : fields) {
        while (!rest.empty() && seen < kMostCookies) {
            const auto end = std::min(rest.find(';'), rest.size());
            const auto cookie = trim(rest.substr(0, end));
            rest.remove_prefix(std::min(end + 1, rest.size()));
            if (!cookie.starts_with(kGalleryCookiePrefix)) continue;
            ++seen;
            const auto sign = cookie.find('=');
            if (sign == std::string_view::npos) continue;
            if (auto pass = read_value(keys, cookie.substr(sign + 1))) passes.push_back(std::move(*pass));
        }
    }
    return passes;
}

}  // namespace photogate::gateway::access
