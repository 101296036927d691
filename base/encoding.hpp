// Bytes as text: hex, base64 (RFC 4648, padded, standard alphabet), Crockford base32, and UTF-8 checks.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace photogate {

using Bytes = std::vector<std::uint8_t>;
using BytesView = std::span<const std::uint8_t>;

inline BytesView as_bytes(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(BytesView bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string hex_lower(BytesView bytes);
/// Either case; nullopt on odd length or another character.
std::optional<Bytes> from_hex(std::string_view text);

std::string base64(BytesView bytes);
/// Strict: padded, no white space, canonical last character. nullopt otherwise.
std::optional<Bytes> from_base64(std::string_view text);

/// Crockford's alphabet in lower case, most significant bit first; ceil(8n/5) characters.
std::string base32_crockford(BytesView bytes);

/// Well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms, up to U+10FFFF).
bool is_utf8(std::string_view text);

/// Each ill-formed byte sequence becomes U+FFFD; the result is always well-formed.
std::string to_valid_utf8(std::string_view text);

}  // namespace photogate
