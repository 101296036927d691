// Signed links to packages: whoever has one downloads the zip until it ends.
//
// `?expires=…&sig=…`. What is signed are these lines, without a line break at the end:
//
//   photogate-package-link-1
//   <package id>
//   <expires>                Unix seconds, as in the URL
//
// The keys are those of links to images (image_links.hpp), and an app server that has them signs without asking. A link is void
// before its end where its package is deleted or over, which the records know.
//
// Thread safety: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"
#include "base/words.hpp"
#include "gateway/access/image_links.hpp"
#include "model/package.hpp"

namespace photogate::gateway::access {

struct PackageLink {
    PackageId package;
    Timestamp expires_at;
};

/// `expires=…&sig=…`
std::string sign_package_link(const signer::LinkSigner& signer, const PackageLink& link);

/// The whole URL; `base` goes before `/p/…`.
std::string package_url(std::string_view base, const signer::LinkSigner& signer,
                        const model::Package& package, Timestamp expires_at);

struct VerifiedPackageLink {
    AppName app;  ///< whose key signed it
    Timestamp expires_at;
};

/// `package` is what the rest of the URL asks for. Errors: signature_invalid, one for all that is wrong or missing; link_expired,
/// of a link that was ours.
Result<VerifiedPackageLink> verify_package_link(const LinkKeys& keys, const PresentedLink& presented,
                                                std::string_view package, Timestamp now);

}  // namespace photogate::gateway::access
