// Who is calling, decided from the head alone, before a byte of the body is read.
//
// Missing, malformed, unknown and revoked credentials all get the same answer in the same time (B21, B22).
// Thread safety: pure functions over immutable values.
#pragma once

#include <optional>

#include "gateway/config/config.hpp"
#include "gateway/http/router.hpp"

namespace photogate::gateway::routes {

using config::Principal;

/// `Authorization: Bearer pg_…`: an app or an operator.
http::HeadCheck any_key(const config::KeyRing& keys);
/// An app's key alone; an operator is answered `forbidden`.
http::HeadCheck app_key(const config::KeyRing& keys);
/// As app_key, and the body must be JSON (415) and the answer may be (406).
http::HeadCheck app_key_with_json(const config::KeyRing& keys);

const Principal& caller(const http::Request& request);
/// The app whose uploads the caller may see; nullopt: all, for an operator.
std::optional<AppName> scope(const http::Request& request);

}  // namespace photogate::gateway::routes
