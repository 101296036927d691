// Signed links: what makes an image of a private profile visible, and a size that its profile does not offer.
//
// `?expires=…&sig=…` is for exactly the version that the rest of the URL asks for; with `&scope=image` it is for the
// image and all versions that its profile offers. What is signed are these lines, without a line break at the end:
//
//   photogate-link-1
//   version                       or: image
//   <public id>
//   <expires>                     Unix seconds, as in the URL
//   <what is asked for>           of `version` alone: delivery::canonical_query()
//
// So another spelling of the same version has the same signature, and the name behind the id means nothing.
// Keys are per app, as is what they sign: an app server that has them signs without asking (docs/delivery.md).
//
// Nothing is revoked but by expiry and by the removal of a key.
//
// Thread safety: immutable after construction; pure functions.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/live.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/time.hpp"
#include "base/words.hpp"
#include "signer/link_signature.hpp"

namespace photogate::gateway::access {

/// The keys of each app.
class LinkKeys {
  public:
    explicit LinkKeys(std::map<AppName, signer::LinkSigner> signers);
    /// Null where there is no such app.
    std::shared_ptr<const signer::LinkSigner> of(const AppName& app) const;
    /// Whose key signed it; null: nobody's. Takes no longer where there are more apps.
    const AppName* signed_by(std::string_view text, std::string_view signature) const;

  private:
    struct Holder {
        AppName app;
        std::shared_ptr<const signer::LinkSigner> signer;
    };
    std::map<AppName, std::shared_ptr<const signer::LinkSigner>> signers_;
    /// Two apps may have been given the same key.
    std::multimap<signer::LinkSigner::KeyId, Holder> holders_;
};
using LiveLinkKeys = Live<LinkKeys>;

/// The secrets of an app that has none configured: one from each of `roots`, in their order, so that all gateways that
/// share those agree.
std::vector<Secret> derive_link_secrets(const std::vector<Secret>& roots, const AppName& app);

struct ImageLink {
    enum class Scope { version, image };
    Scope scope = Scope::version;
    PublicId image;
    std::string version;  ///< delivery::canonical_query(); means nothing of Scope::image
    Timestamp expires_at;
};

/// `expires=…&sig=…`, with `scope=image` between them where that is its scope.
std::string sign_link(const signer::LinkSigner& signer, const ImageLink& link);

/// `expires` of a URL; nullopt: none that could be ours.
std::optional<Timestamp> read_link_end(std::string_view text);

/// The parameters of a URL, as sent.
struct PresentedLink {
    std::optional<std::string_view> expires;
    std::optional<std::string_view> scope;
    std::optional<std::string_view> signature;
    bool is_any() const { return expires || scope || signature; }
};

struct VerifiedLink {
    AppName app;
    ImageLink::Scope scope = ImageLink::Scope::version;
    Timestamp expires_at;
};

/// `image` and `version` are what the rest of the URL asks for. Errors: signature_invalid, one for all that is wrong or
/// missing; link_expired, of a link that was ours.
Result<VerifiedLink> verify_link(const LinkKeys& keys, const PresentedLink& presented, std::string_view image,
                                 std::string_view version, Timestamp now);

/// What is answered where a signature is needed and none is valid: it says nothing of the image.
tl::unexpected<Error> signature_invalid();
tl::unexpected<Error> link_expired();

}  // namespace photogate::gateway::access
