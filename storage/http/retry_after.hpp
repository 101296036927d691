// The Retry-After header (RFC 9110, 10.2.3): seconds, or an HTTP date.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "base/time.hpp"

namespace photogate::storage::http {

/// Kept between 1 s and 1 h; nullopt for what is neither a count of seconds nor a date.
std::optional<std::chrono::seconds> parse_retry_after(std::string_view value, Timestamp now);

}  // namespace photogate::storage::http
