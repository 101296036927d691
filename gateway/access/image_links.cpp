#include "gateway/access/image_links.hpp"

#include <algorithm>
#include <cstdint>

#include "base/ascii.hpp"

namespace photogate::gateway::access {
namespace {

using Scope = ImageLink::Scope;

constexpr std::string_view kVersionScope = "version", kImageScope = "image";
/// Digits of Unix seconds: until the year 33658.
constexpr std::size_t kLongestExpires = 12;

struct LinkText {
    Scope scope;
    std::string_view image;
    std::string_view expires;
    std::string_view version;
};

std::string text_of(const LinkText& link) {
    std::string text{"photogate-link-1\n"};
    text.append(link.scope == Scope::image ? kImageScope : kVersionScope).append("\n");
    text.append(link.image).append("\n").append(link.expires);
    if (link.scope == Scope::version) text.append("\n").append(link.version);
    return text;
}

std::optional<Scope> read_scope(const std::optional<std::string_view>& text) {
    if (!text || *text == kVersionScope) return Scope::version;
    if (*text == kImageScope) return Scope::image;
    return std::nullopt;
}

}  // namespace

std::optional<Timestamp> read_link_end(std::string_view text) {
    const auto seconds = ascii::parse_whole<std::int64_t>(text);
    if (!seconds || *seconds < 0 || text.size() > kLongestExpires) return std::nullopt;
    return Timestamp{std::chrono::seconds{*seconds}};
}

LinkKeys::LinkKeys(std::map<AppName, signer::LinkSigner> signers) {
    for (auto& [app, signer] : signers) {
        const auto shared = std::make_shared<const signer::LinkSigner>(std::move(signer));
        signers_.emplace(app, shared);
        for (const auto& id : shared->key_ids())
            holders_.emplace(id, Holder{app, shared});
    }
}

std::shared_ptr<const signer::LinkSigner> LinkKeys::of(const AppName& app) const {
    const auto found = signers_.find(app);
    return found == signers_.end() ? nullptr : found->second;
}

const AppName* LinkKeys::signed_by(std::string_view text, std::string_view signature) const {
    const auto id = signer::LinkSigner::key_of(signature);
    if (!id) return nullptr;
    const auto [begin, end] = holders_.equal_range(*id);
    const auto found = std::find_if(
        begin, end, [&](const auto& holder) { return holder.second.signer->verify(text, signature); });
    return found == end ? nullptr : &found->second.app;
}

std::vector<Secret> derive_link_secrets(const std::vector<Secret>& roots, const AppName& app) {
    std::vector<Secret> secrets;
    for (const auto& root : roots) {
        const signer::HmacKey key{as_bytes(root.reveal())};
        secrets.emplace_back(hex_lower(key.sign("photogate image links, 1: " + app.str())));
    }
    return secrets;
}

std::string sign_link(const signer::LinkSigner& signer, const ImageLink& link) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(link.expires_at).time_since_epoch();
    const auto expires = std::to_string(seconds.count());
    std::string query = "expires=" + expires;
    if (link.scope == Scope::image) query += "&scope=image";
    return query + "&sig=" + signer.sign(text_of({link.scope, link.image.str(), expires, link.version}));
}

Result<VerifiedLink> verify_link(const LinkKeys& keys, const PresentedLink& presented, std::string_view image,
                                 std::string_view version, Timestamp now) {
    const auto scope = read_scope(presented.scope);
    if (!scope || !presented.expires || !presented.signature) return signature_invalid();
    const auto expires_at = read_link_end(*presented.expires);
    if (!expires_at) return signature_invalid();
    const auto* app =
        keys.signed_by(text_of({*scope, image, *presented.expires, version}), *presented.signature);
    if (app == nullptr) return signature_invalid();
    if (*expires_at <= now) return link_expired();
    return VerifiedLink{*app, *scope, *expires_at};
}

tl::unexpected<Error> signature_invalid() {
    return fail(ErrorCode::signature_invalid,
                "this URL needs a valid signature; ask the app for a signed link and use it unchanged");
}

tl::unexpected<Error> link_expired() {
    return fail(ErrorCode::link_expired, "the link or cookie has expired; ask the app for a new one");
}

}  // namespace photogate::gateway::access
