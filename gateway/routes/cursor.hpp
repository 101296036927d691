// The opaque cursor of a list, and the page's `Link`.
//
// Thread safety: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "gateway/http/message.hpp"

namespace photogate::gateway::routes {

std::string make_cursor(std::string_view last_id);
/// The id that a cursor holds; whether it is one is the caller's question. Errors: invalid_cursor.
Result<std::string> read_cursor(std::string_view cursor);

/// `limit=`: 1 to 200, more is cut to 200; 50 where absent. Errors: invalid_query.
Result<std::size_t> read_limit(const http::RequestHead& head);

/// `<path?…&cursor=next>; rel="next"`, with the request's other parameters kept.
std::string next_link(const http::RequestHead& head, std::string_view next);

}  // namespace photogate::gateway::routes
