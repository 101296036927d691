// Which callbacks an upload has, and their bytes: the outbox row that a transition writes in its own
// transaction.
//
// Thread safety: compose() from several threads at once, where `random` and the lookup allow that
// (SystemRandom and a lookup in immutable configuration do).
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/random.hpp"
#include "model/callback.hpp"

namespace photogate::notifier::callbacks {

/// An app that gets callbacks.
struct Recipient {
    std::string
        url;  ///< the app's own; empty where only an upload's `callback_url` says where to, or it pulls
};

/// nullopt: no callback for this event, even if the upload has its own callback URL.
using RecipientOf =
    std::function<std::optional<Recipient>(const AppName&, const ProfileName&, model::CallbackType)>;

class UploadCallbacks final : public model::CallbackComposer {
  public:
    /// `random` outlives this. `image_base` goes before `/i/…`.
    UploadCallbacks(std::string image_base, Random& random, RecipientOf recipient_of);

    /// An upload's own `callback_url` goes before the app's. Where there is neither, the callback is for the
    /// feed alone.
    std::optional<model::ComposedCallback> compose(model::CallbackType type, const model::Upload& upload,
                                                   Timestamp now) const override;

  private:
    std::string image_base_;
    Random& random_;
    RecipientOf recipient_of_;
};

}  // namespace photogate::notifier::callbacks
