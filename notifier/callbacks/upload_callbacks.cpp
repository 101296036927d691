#include "notifier/callbacks/upload_callbacks.hpp"

#include <utility>

#include "notifier/callbacks/upload_wire.hpp"

namespace photogate::notifier::callbacks {

UploadCallbacks::UploadCallbacks(std::string image_base, Random& random, RecipientOf recipient_of)
    : image_base_(std::move(image_base)), random_(random), recipient_of_(std::move(recipient_of)) {}

std::optional<model::ComposedCallback> UploadCallbacks::compose(model::CallbackType type,
                                                                const model::Upload& upload,
                                                                Timestamp now) const {
    const auto recipient = recipient_of_(upload.app, upload.profile, type);
    if (!recipient) return std::nullopt;
    const auto& url = upload.callback_url ? *upload.callback_url : recipient->url;
    const auto id = make_callback_id(now, random_);
    return model::ComposedCallback{id, url, callback_json(type, id, now, upload, image_base_)};
}

}  // namespace photogate::notifier::callbacks
