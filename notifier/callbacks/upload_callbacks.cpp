#include "notifier/callbacks/upload_callbacks.hpp"

#include <utility>

namespace photogate::notifier::callbacks {

UploadCallbacks::UploadCallbacks(std::string image_base, Random& random, RecipientOf recipient_of,
                                 purges::PurgeHooks hooks, PackageLinksOf package_links_of)
    : image_base_(std::move(image_base)),
      random_(random),
      recipient_of_(std::move(recipient_of)),
      hooks_(std::move(hooks)),
      package_links_of_(std::move(package_links_of)) {}

std::optional<model::ComposedCallback> UploadCallbacks::compose(model::CallbackType type,
                                                                const model::Upload& upload,
                                                                Timestamp now) const {
    const auto recipient = recipient_of_(upload.app, upload.profile, type);
    if (!recipient) return std::nullopt;
    const auto& url = upload.callback_url ? *upload.callback_url : recipient->url;
    const auto id = make_callback_id(now, random_);
    return model::ComposedCallback{id, url,
                                   callback_json(type, id, now, upload, image_base_, recipient->audience)};
}

std::optional<model::ComposedCallback> UploadCallbacks::compose_package(
    model::CallbackType type, const model::Package& package, std::span<const model::FailedItem> failed,
    Timestamp now) const {
    const auto recipient = recipient_of_(package.app, ProfileName{}, type);
    if (!recipient) return std::nullopt;
    const auto id = make_callback_id(now, random_);
    ShownPackage shown{package, std::nullopt};
    shown.failed = failed;
    if (type == model::CallbackType::package_ready && package_links_of_) {
        auto links = package_links_of_(package);
        shown.url = std::move(links.url);
        shown.store = std::move(links.store);
    }
    return model::ComposedCallback{id, recipient->url, package_callback_json(type, id, now, shown)};
}

std::vector<model::ComposedPurge> UploadCallbacks::purges(const model::Upload& upload, Timestamp now) const {
    using namespace std::chrono_literals;
    std::vector<model::ComposedPurge> composed;
    for (const auto& [name, hook] : hooks_) {
        const auto add = [&, &name = name, &hook = hook](std::chrono::seconds after) {
            composed.push_back({make_callback_id(now, random_), name, purges::endpoint_of(hook),
                                upload.public_id.str(), after});
        };
        add(0s);
        if (hook.repeat_after > 0s) add(hook.repeat_after);
    }
    return composed;
}

}  // namespace photogate::notifier::callbacks
