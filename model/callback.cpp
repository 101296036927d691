#include "model/callback.hpp"

namespace photogate::model {

std::string_view to_string(CallbackType type) {
    switch (type) {
        case CallbackType::upload_received:
            return "upload.received";
        case CallbackType::upload_published:
            return "upload.published";
        case CallbackType::upload_rejected:
            return "upload.rejected";
        case CallbackType::upload_failed:
            return "upload.failed";
        case CallbackType::upload_expired:
            return "upload.expired";
        case CallbackType::upload_deleted:
            return "upload.deleted";
        case CallbackType::variant_ready:
            return "variant.ready";
        case CallbackType::package_ready:
            return "package.ready";
        case CallbackType::package_failed:
            return "package.failed";
        case CallbackType::image_purge:
            return "image.purge";
    }
    return "";
}

namespace {
constexpr char kHookMark = '@';
}  // namespace

AppName hook_party(std::string_view hook) {
    return AppName::trusted(kHookMark + std::string{hook});
}

std::optional<std::string_view> hook_of(const AppName& party) {
    if (!party.str().starts_with(kHookMark)) return std::nullopt;
    return std::string_view{party.str()}.substr(1);
}

std::string_view to_string(CallbackState state) {
    switch (state) {
        case CallbackState::waiting:
            return "waiting";
        case CallbackState::delivered:
            return "delivered";
        case CallbackState::dead:
            return "dead";
        case CallbackState::unsent:
            return "unsent";
    }
    return "";
}

std::string_view to_string(CallbackEndpoint::State state) {
    switch (state) {
        case CallbackEndpoint::State::failing:
            return "failing";
        case CallbackEndpoint::State::open:
            return "open";
        case CallbackEndpoint::State::half_open:
            return "half_open";
        case CallbackEndpoint::State::recovering:
            return "recovering";
        case CallbackEndpoint::State::paused:
            return "paused";
    }
    return "";
}

}  // namespace photogate::model
