// Who is calling, decided from the head alone, before a byte of the body is read.
//
// Missing, malformed, unknown and revoked credentials all get the same answer in the same time.
// Thread safety: pure functions over immutable values.
#pragma once

#include <memory>
#include <optional>

#include "gateway/config/config.hpp"
#include "gateway/http/router.hpp"
#include "gateway/routes/client_token.hpp"
#include "pipeline/uploads/caller.hpp"

namespace photogate::gateway::routes {

using config::Principal;

struct Caller {
    Principal principal;
    std::shared_ptr<const ClientToken> token;  ///< null: an app server or an operator
};

/// What credentials are held against. All of it outlives the checks.
struct Credentials {
    const config::KeyRing& keys;
    const TokenSigner& tokens;
    const Clock& clock;
};

/// `Authorization: Bearer pg_…`: an app or an operator.
http::HeadCheck any_key(const config::KeyRing& keys);
/// An app's key alone; an operator is answered `forbidden`.
http::HeadCheck app_key(const config::KeyRing& keys);
/// As app_key, and the body must be JSON (415) and the answer may be (406).
http::HeadCheck app_key_with_json(const config::KeyRing& keys);
/// An operator's key alone.
http::HeadCheck operator_key(const config::KeyRing& keys);

/// As any_key, or a client token: `Authorization: Bearer pgt_…`, or the path's `{token}`.
http::HeadCheck key_or_token(const Credentials& credentials);
/// As app_key_with_json, or a client token.
http::HeadCheck app_or_token_with_json(const Credentials& credentials);

const Caller& caller(const http::Request& request);
/// The app whose uploads the caller may see; nullopt: all, for an operator.
std::optional<AppName> scope(const http::Request& request);
/// Whose items a list has, by `?app=`: the caller's own, or for an operator those of the named app, or of all.
/// Errors: invalid_query; forbidden for another app's.
Result<std::optional<AppName>> listed_app(const http::Request& request);
/// The caller as the use cases know them.
pipeline::uploads::Caller asking(const http::Request& request);

}  // namespace photogate::gateway::routes
