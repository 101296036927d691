#include "gateway/access/package_links.hpp"

#include <chrono>

#include "signer/uri_encode.hpp"

namespace photogate::gateway::access {
namespace {

std::string text_of(std::string_view package, std::string_view expires) {
    std::string text{"photogate-package-link-1\n"};
    return text.append(package).append("\n").append(expires);
}

}  // namespace

std::string sign_package_link(const signer::LinkSigner& signer, const PackageLink& link) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(link.expires_at).time_since_epoch();
    const auto expires = std::to_string(seconds.count());
    return "expires=" + expires + "&sig=" + signer.sign(text_of(link.package.str(), expires));
}

std::string package_url(std::string_view base, const signer::LinkSigner& signer,
                        const model::Package& package, Timestamp expires_at) {
    return std::string{base} + "/p/" + package.id.str() + "/" + signer::encode_component(package.name) + "?" +
           sign_package_link(signer, {package.id, expires_at});
}

Result<VerifiedPackageLink> verify_package_link(const LinkKeys& keys, const PresentedLink& presented,
                                                std::string_view package, Timestamp now) {
    if (!presented.expires || !presented.signature) return signature_invalid();
    const auto expires_at = read_link_end(*presented.expires);
    if (!expires_at) return signature_invalid();
    const auto* app = keys.signed_by(text_of(package, *presented.expires), *presented.signature);
    if (app == nullptr) return signature_invalid();
    if (*expires_at <= now) return link_expired();
    return VerifiedPackageLink{*app, *expires_at};
}

}  // namespace photogate::gateway::access
