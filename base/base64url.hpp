// Bytes as text that URLs, cookies and file names take: base64 with `-` and `_`, without padding (RFC 4648, 5).
//
// Thread safety: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/encoding.hpp"

namespace photogate {

std::string base64url(BytesView bytes);
/// Strict: no padding, no white space, a canonical last character: each value has one text. nullopt otherwise.
std::optional<Bytes> from_base64url(std::string_view text);

}  // namespace photogate
