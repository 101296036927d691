#include "gateway/routes/caller.hpp"

#include <string>
#include <string_view>

namespace photogate::gateway::routes {
namespace {

Result<Principal> authenticate(const config::KeyRing& keys, const http::RequestHead& head) {
    // With nothing presented the ring is asked all the same, so that time tells nothing.
    const auto presented = head.headers.find("authorization").value_or("");
    constexpr std::string_view scheme = "bearer ";
    const bool bearer = presented.size() > scheme.size() &&
                        http::equal_ignoring_case(presented.substr(0, scheme.size()), scheme) &&
                        head.headers.count("authorization") == 1;
    const auto found = keys.find(bearer ? presented.substr(scheme.size()) : presented);
    if (!bearer || !found) {
        return fail(ErrorCode::unauthenticated,
                    "send 'Authorization: Bearer pg_…' with a key that is configured here");
    }
    return *found;
}

Result<Principal> authenticate_app(const config::KeyRing& keys, const http::RequestHead& head) {
    auto principal = authenticate(keys, head);
    if (principal && principal->role != config::Role::app) {
        return fail(ErrorCode::forbidden,
                    "an operator's key can look, retry and replay; uploads are made with an app's key");
    }
    return principal;
}

std::string_view without_parameters(std::string_view media_type) {
    media_type = media_type.substr(0, media_type.find(';'));
    while (!media_type.empty() && media_type.back() == ' ')
        media_type.remove_suffix(1);
    return media_type;
}

/// Whether `Accept` leaves room for JSON; q=0 refusals are rare enough to be taken at their word only for the
/// exact type.
bool accepts_json(std::string_view accept) {
    while (!accept.empty()) {
        auto item = accept.substr(0, accept.find(','));
        accept.remove_prefix(std::min(accept.size(), item.size() + 1));
        while (item.starts_with(' '))
            item.remove_prefix(1);
        const auto type = without_parameters(item);
        if (type == "*/*" || type == "application/*" || http::equal_ignoring_case(type, "application/json"))
            return true;
    }
    return false;
}

template <class Authenticate>
http::HeadCheck check(const config::KeyRing& keys, Authenticate who) {
    return [&keys, who](const http::RequestHead& head, const http::PathParameters&) -> Result<std::any> {
        auto principal = who(keys, head);
        if (!principal) return fail(std::move(principal.error()));
        return std::any{std::move(*principal)};
    };
}

}  // namespace

http::HeadCheck any_key(const config::KeyRing& keys) {
    return check(keys, authenticate);
}
http::HeadCheck app_key(const config::KeyRing& keys) {
    return check(keys, authenticate_app);
}

http::HeadCheck app_key_with_json(const config::KeyRing& keys) {
    return [&keys](const http::RequestHead& head, const http::PathParameters&) -> Result<std::any> {
        auto principal = authenticate_app(keys, head);
        if (!principal) return fail(std::move(principal.error()));
        const auto type = head.headers.find("content-type");
        if (!type || !http::equal_ignoring_case(without_parameters(*type), "application/json")) {
            return fail(ErrorCode::unsupported_media_type,
                        "send the body as 'Content-Type: application/json'");
        }
        const auto accept = head.headers.find("accept");
        if (accept && !accepts_json(*accept))
            return fail(ErrorCode::not_acceptable, "the answer is application/json");
        return std::any{std::move(*principal)};
    };
}

const Principal& caller(const http::Request& request) {
    return std::any_cast<const Principal&>(request.caller);
}

std::optional<AppName> scope(const http::Request& request) {
    const auto& principal = caller(request);
    return principal.role == config::Role::operator_role ? std::nullopt : std::optional{principal.app};
}

}  // namespace photogate::gateway::routes
