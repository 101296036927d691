// The Retry-After header (RFC 9110, 10.2.3): seconds, or an HTTP date.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "base/time.hpp"

namespace photogate::storage::http {

/// Clamped to 1 s to 1 h; nullopt for anything but a number of seconds or a date in the future.
std::optional<std::chrono::seconds> parse_retry_after(std::string_view value, Timestamp now);

}  // namespace photogate::storage::http
