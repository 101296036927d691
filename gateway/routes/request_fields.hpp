// What several routes read from a request alike. Thread safety: free functions.
#pragma once

#include <cstdint>
#include <optional>

#include "base/result.hpp"
#include "delivery/conditions.hpp"
#include "gateway/http/message.hpp"

namespace photogate::gateway::routes {

/// The conditions of RFC 9110 13. A range is asked of a GET alone (14.2).
delivery::Conditions conditions_of(const http::Request& request);

/// `expires_in` of a JSON body; nullopt where the request has no body. Errors: invalid_expiry, and those of the body.
Result<std::optional<std::int64_t>> read_expires_in(const http::Request& request);

}  // namespace photogate::gateway::routes
