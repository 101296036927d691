// Who is calling, as the checks of gateway/access found it, in the words that routes and use cases need.
//
// Only for routes with such a check: on others these throw std::logic_error, which ends the request with a 500.
// Thread safety: pure functions over immutable values.
#pragma once

#include <optional>

#include "gateway/access/principal.hpp"
#include "gateway/http/message.hpp"
#include "pipeline/uploads/caller.hpp"

namespace photogate::gateway::routes {

const access::Principal& caller(const http::Request& request);
/// The app whose uploads the caller may see; nullopt: all, for an operator.
std::optional<AppName> scope(const http::Request& request);
/// Whose items a list has, by `?app=`: the caller's own, or for an operator those of the named app, or of all.
/// Errors: invalid_query; forbidden for another app's.
Result<std::optional<AppName>> listed_app(const http::Request& request);
/// The caller as the use cases know them.
pipeline::uploads::Caller asking(const http::Request& request);

}  // namespace photogate::gateway::routes
