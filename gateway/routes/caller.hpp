// Who is calling, as the checks of gateway/access found it, in the words that routes and use cases need.
//
// Only for routes with such a check: on others these throw std::logic_error, which ends the request with a 500.
// Thread safety: pure functions over immutable values.
#pragma once

#include <optional>
#include <string_view>

#include "gateway/access/principal.hpp"
#include "gateway/http/message.hpp"
#include "pipeline/grant.hpp"
#include "pipeline/uploads/caller.hpp"

namespace photogate::gateway::routes {

const access::Principal& caller(const http::Request& request);
/// The app whose uploads the caller may see; nullopt: all, for an operator.
std::optional<AppName> scope(const http::Request& request);
/// Whose items are meant: the caller's own, or for an operator those of the app that is named, or of all.
/// Errors: `malformed`, of a name that can't be an app's; forbidden for another app's.
Result<std::optional<AppName>> named_app(const http::Request& request, std::optional<std::string_view> named,
                                         ErrorCode malformed);
/// As named_app, by `?app=`. Errors: invalid_query, forbidden.
Result<std::optional<AppName>> listed_app(const http::Request& request);
/// The caller as the use cases know them.
pipeline::uploads::Caller asking(const http::Request& request);
/// Which request an upload comes from, and the trace that it is part of.
void set_origin(const http::Request& request, pipeline::GrantRequest& grant);

}  // namespace photogate::gateway::routes
