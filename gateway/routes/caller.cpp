#include "gateway/routes/caller.hpp"

#include <string>
#include <string_view>

#include "base/ascii.hpp"
#include "gateway/config/api_key.hpp"

namespace photogate::gateway::routes {
namespace {

/// The credential behind `Bearer`; empty where there is none, or two.
std::string_view bearer(const http::RequestHead& head) {
    const auto presented = head.headers.find("authorization").value_or("");
    constexpr std::string_view scheme = "bearer ";
    const bool well_formed = presented.size() > scheme.size() &&
                             ascii::equals_ignoring_case(presented.substr(0, scheme.size()), scheme) &&
                             head.headers.count("authorization") == 1;
    return well_formed ? presented.substr(scheme.size()) : std::string_view{};
}

Result<Caller> by_key(const config::KeyRing& keys, std::string_view credential) {
    // With nothing presented the ring is asked all the same, so that time tells nothing.
    auto found = keys.find(credential);
    if (!found) {
        return fail(ErrorCode::unauthenticated,
                    "send 'Authorization: Bearer pg_…' with a key that is configured here");
    }
    return Caller{std::move(*found), nullptr};
}

Result<Caller> by_token(const Credentials& credentials, std::string_view presented) {
    auto token = credentials.tokens.verify(presented, credentials.clock.now());
    if (!token) return fail(std::move(token.error()));
    const auto app = token->app;
    return Caller{{app, config::Role::app}, std::make_shared<const ClientToken>(std::move(*token))};
}

Result<Caller> by_either(const Credentials& credentials, const http::RequestHead& head,
                         const http::PathParameters& parameters) {
    for (const auto& parameter : parameters) {
        if (parameter.name == "token") return by_token(credentials, parameter.value);
    }
    const auto presented = bearer(head);
    if (looks_like_client_token(presented)) return by_token(credentials, presented);
    return by_key(credentials.keys, presented);
}

Result<Caller> only(config::Role role, Result<Caller> caller) {
    if (!caller || caller->principal.role == role) return caller;
    return fail(ErrorCode::forbidden,
                role == config::Role::app
                    ? "an operator's key can look, retry and replay; uploads are made with an app's key"
                    : "this is for an operator's key");
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
        if (type == "*/*" || type == "application/*" || ascii::equals_ignoring_case(type, "application/json"))
            return true;
    }
    return false;
}

Result<> speaks_json(const http::RequestHead& head) {
    const auto type = head.headers.find("content-type");
    if (!type || !ascii::equals_ignoring_case(without_parameters(*type), "application/json"))
        return fail(ErrorCode::unsupported_media_type, "send the body as 'Content-Type: application/json'");
    const auto accept = head.headers.find("accept");
    if (accept && !accepts_json(*accept))
        return fail(ErrorCode::not_acceptable, "the answer is application/json");
    return {};
}

/// A check out of who calls and, with `json`, how they speak.
enum class Speaks { anything, json };
template <class Who>
http::HeadCheck check(Speaks speaks, Who who) {
    return [speaks, who](const http::RequestHead& head,
                         const http::PathParameters& parameters) -> Result<std::any> {
        Result<Caller> found = who(head, parameters);
        if (!found) return fail(std::move(found.error()));
        if (speaks == Speaks::json) {
            if (auto sane = speaks_json(head); !sane) return fail(std::move(sane.error()));
        }
        return std::any{std::move(*found)};
    };
}

}  // namespace

http::HeadCheck any_key(const config::KeyRing& keys) {
    return check(Speaks::anything, [&keys](const http::RequestHead& head, const http::PathParameters&) {
        return by_key(keys, bearer(head));
    });
}

http::HeadCheck app_key(const config::KeyRing& keys) {
    return check(Speaks::anything, [&keys](const http::RequestHead& head, const http::PathParameters&) {
        return only(config::Role::app, by_key(keys, bearer(head)));
    });
}

http::HeadCheck app_key_with_json(const config::KeyRing& keys) {
    return check(Speaks::json, [&keys](const http::RequestHead& head, const http::PathParameters&) {
        return only(config::Role::app, by_key(keys, bearer(head)));
    });
}

http::HeadCheck operator_key(const config::KeyRing& keys) {
    return check(Speaks::anything, [&keys](const http::RequestHead& head, const http::PathParameters&) {
        return only(config::Role::operator_role, by_key(keys, bearer(head)));
    });
}

http::HeadCheck key_or_token(const Credentials& credentials) {
    return check(Speaks::anything,
                 [credentials](const http::RequestHead& head, const http::PathParameters& parameters) {
                     return by_either(credentials, head, parameters);
                 });
}

http::HeadCheck app_or_token_with_json(const Credentials& credentials) {
    return check(Speaks::json,
                 [credentials](const http::RequestHead& head, const http::PathParameters& parameters) {
                     return only(config::Role::app, by_either(credentials, head, parameters));
                 });
}

const Caller& caller(const http::Request& request) {
    return std::any_cast<const Caller&>(request.caller);
}

std::optional<AppName> scope(const http::Request& request) {
    const auto& principal = caller(request).principal;
    return principal.role == config::Role::operator_role ? std::nullopt : std::optional{principal.app};
}

Result<std::optional<AppName>> listed_app(const http::Request& request) {
    auto own = scope(request);
    const auto named = request.query_value("app");
    if (!named) return own;
    auto app = config::parse_app_name(*named);
    if (!app) return fail(ErrorCode::invalid_query, "'app' is not the name of an app");
    if (own && *own != *app) return fail(ErrorCode::forbidden, "'app' is another than the key's");
    return std::optional{std::move(*app)};
}

pipeline::uploads::Caller asking(const http::Request& request) {
    return {scope(request), caller(request).token};
}

}  // namespace photogate::gateway::routes
