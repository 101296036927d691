// Cookies for galleries: what lets a browser see all images of one profile, or those of them with certain metadata.
//
// `<claims>.<signature>`: the claims are JSON in base64url, the signature is over `photogate-cookie-1`, a line break and
// the claims as they stand. Anyone may read the claims. The metadata is the app's own (`metadata` of an upload), which no
// client can set. One browser may have several, for several galleries: the name is made of what it is for.
//
// Nothing is revoked but by expiry and by the removal of a key.
//
// Thread safety: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "base/words.hpp"
#include "gateway/access/image_links.hpp"
#include "model/upload.hpp"

namespace photogate::gateway::access {

/// The names of all of them begin so. A browser takes `__Secure-` with the attribute Secure alone (RFC 6265bis, 4.1.3).
inline constexpr std::string_view kGalleryCookiePrefix = "__Secure-photogate-";

struct GalleryPass {
    AppName app;
    ProfileName profile;
    model::TextMap metadata;  ///< an image's own has all of it; empty: every image of the profile
    Timestamp expires_at;

    bool is_for(const model::Upload& upload) const;
    bool operator==(const GalleryPass&) const = default;
};

/// The same for the same gallery, whenever it expires.
std::string cookie_name(const GalleryPass& pass);
/// nullopt: its metadata does not fit into a cookie.
std::optional<std::string> cookie_value(const signer::LinkSigner& signer, const GalleryPass& pass);

/// Those of a request's `Cookie` fields that are ours and genuine, expired or not; the others are passed over, as is
/// what comes after the sixteenth.
std::vector<GalleryPass> read_cookies(const LinkKeys& keys, const std::vector<std::string_view>& fields);

}  // namespace photogate::gateway::access
