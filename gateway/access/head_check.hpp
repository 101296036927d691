// The checks of a request's head: who is calling, before a byte of the body is read.
//
// Missing, malformed, unknown and revoked credentials all get the same answer (`unauthenticated`) in the same time.
// A credential that is known but not enough is `forbidden`; a client token that was ours has `token_expired`.
// Thread safety: any thread; what the checks ask outlives them.
#pragma once

#include "base/time.hpp"
#include "gateway/access/api_key.hpp"
#include "gateway/access/client_token.hpp"
#include "gateway/http/router.hpp"

namespace photogate::gateway::access {

/// What credentials are held against.
struct Credentials {
    const LiveKeys& keys;
    const TokenSigner& tokens;
    const Clock& clock;
};

/// `Authorization: Bearer pg_…`: an app or an operator.
http::HeadCheck any_key(const LiveKeys& keys);
/// An app's key alone; an operator is answered `forbidden`.
http::HeadCheck app_key(const LiveKeys& keys);
/// An operator's key alone.
http::HeadCheck operator_key(const LiveKeys& keys);

/// As any_key, or a client token: `Authorization: Bearer pgt_…`, or the path's `{token}`.
http::HeadCheck key_or_token(const Credentials& credentials);
/// As app_key, or a client token.
http::HeadCheck app_or_token(const Credentials& credentials);

}  // namespace photogate::gateway::access
