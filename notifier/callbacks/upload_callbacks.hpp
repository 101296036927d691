// Which callbacks an upload or a package has, and their bytes: the outbox row that a transition writes in its own
// transaction.
//
// Thread safety: compose() from several threads at once, where `random` and the lookup allow that
// (SystemRandom and a lookup in immutable configuration do).
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "model/callback.hpp"
#include "notifier/callbacks/package_wire.hpp"
#include "notifier/callbacks/upload_wire.hpp"
#include "notifier/purges/purge_hook.hpp"

namespace photogate::notifier::callbacks {

/// An app that gets callbacks.
struct Recipient {
    std::string
        url;  ///< the app's own; empty where only an upload's `callback_url` says where to, or it pulls
    Audience audience = Audience::everybody;  ///< of the profile's images
};

/// nullopt: no callback for this event, even if the upload has its own callback URL.
using RecipientOf =
    std::function<std::optional<Recipient>(const AppName&, const ProfileName&, model::CallbackType)>;

/// The signed links to a package that is ready, as ShownPackage has them.
struct PackageLinks {
    std::optional<std::string> url;
    std::optional<StoreLink> store;
};
using PackageLinksOf = std::function<PackageLinks(const model::Package&)>;

class UploadCallbacks final : public model::CallbackComposer {
  public:
    /// `random` outlives this. `image_base` goes before `/i/…`.
    UploadCallbacks(std::string image_base, Random& random, RecipientOf recipient_of,
                    purges::PurgeHooks hooks = {}, PackageLinksOf package_links_of = {});

    /// An upload's own `callback_url` goes before the app's. Where there is neither, the callback is for the
    /// feed alone.
    std::optional<model::ComposedCallback> compose(model::CallbackType type, const model::Upload& upload,
                                                   Timestamp now) const override;
    /// To the app's URL.
    std::optional<model::ComposedCallback> compose_package(model::CallbackType type,
                                                           const model::Package& package,
                                                           std::span<const model::FailedItem> failed,
                                                           Timestamp now) const override;
    /// One of each hook, and its second one.
    std::vector<model::ComposedPurge> purges(const model::Upload& upload, Timestamp now) const override;

  private:
    std::string image_base_;
    Random& random_;
    RecipientOf recipient_of_;
    purges::PurgeHooks hooks_;
    PackageLinksOf package_links_of_;
};

}  // namespace photogate::notifier::callbacks
