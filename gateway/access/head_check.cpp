#include "gateway/access/head_check.hpp"

#include <memory>
#include <string_view>
#include <utility>

#include "base/ascii.hpp"
#include "gateway/access/principal.hpp"

namespace photogate::gateway::access {
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

Result<Principal> by_key(const LiveKeys& keys, std::string_view credential) {
    // With nothing presented the ring is asked all the same, so that time tells nothing.
    auto owner = keys.now()->find(credential);
    if (!owner) {
        return fail(ErrorCode::unauthenticated,
                    "send 'Authorization: Bearer pg_…' with a key that is configured here");
    }
    if (owner->role == Role::operator_role) return Principal{Operator{std::move(owner->name)}};
    return Principal{AppServer{std::move(owner->name)}};
}

Result<Principal> by_token(const Credentials& credentials, std::string_view presented) {
    auto token = credentials.tokens.verify(presented, credentials.clock.now());
    if (!token) return fail(std::move(token.error()));
    if (credentials.keys.now()->is_disabled(token->app))
        return fail(ErrorCode::unauthenticated, "the client token's app is disabled");
    return Principal{TokenBearer{std::move(*token)}};
}

Result<Principal> by_either(const Credentials& credentials, const http::RequestHead& head,
                            const http::PathParameters& parameters) {
    for (const auto& parameter : parameters) {
        if (parameter.name == "token") return by_token(credentials, parameter.value);
    }
    const auto presented = bearer(head);
    if (looks_like_client_token(presented)) return by_token(credentials, presented);
    return by_key(credentials.keys, presented);
}

enum class Permitted { all, apps, operators };

Result<http::PrincipalPtr> admitted(Permitted permitted, Result<Principal> found) {
    if (!found) return fail(std::move(found.error()));
    if (permitted == Permitted::apps && found->is_operator())
        return fail(ErrorCode::forbidden,
                    "an operator's key can look, retry and replay; uploads are made with an app's key");
    if (permitted == Permitted::operators && !found->is_operator())
        return fail(ErrorCode::forbidden, "this is for an operator's key");
    return std::make_shared<const Principal>(std::move(*found));
}

http::HeadCheck key_check(const LiveKeys& keys, Permitted permitted) {
    return [&keys, permitted](const http::RequestHead& head, const http::PathParameters&) {
        return admitted(permitted, by_key(keys, bearer(head)));
    };
}

http::HeadCheck key_or_token_check(const Credentials& credentials, Permitted permitted) {
    return [credentials, permitted](const http::RequestHead& head, const http::PathParameters& parameters) {
        return admitted(permitted, by_either(credentials, head, parameters));
    };
}

}  // namespace

http::HeadCheck any_key(const LiveKeys& keys) {
    return key_check(keys, Permitted::all);
}

http::HeadCheck app_key(const LiveKeys& keys) {
    return key_check(keys, Permitted::apps);
}

http::HeadCheck operator_key(const LiveKeys& keys) {
    return key_check(keys, Permitted::operators);
}

http::HeadCheck key_or_token(const Credentials& credentials) {
    return key_or_token_check(credentials, Permitted::all);
}

http::HeadCheck app_or_token(const Credentials& credentials) {
    return key_or_token_check(credentials, Permitted::apps);
}

}  // namespace photogate::gateway::access
