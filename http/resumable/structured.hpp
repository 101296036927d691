// The two sorts of structured field (RFC 9651) that the draft uses: booleans and whole numbers. Their parameters are dropped.
//
// A field that is neither is treated as absent, as RFC 9651 4.2 says. Thread safety: pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/encoding.hpp"

namespace photogate::http::resumable {

std::optional<bool> read_boolean(std::string_view text);
/// Of at most 15 digits; not negative.
std::optional<std::uint64_t> read_integer(std::string_view text);
/// The bytes of `key=:base64:` in a dictionary, as Content-Digest has them (RFC 9530).
std::optional<Bytes> read_bytes_of(std::string_view dictionary, std::string_view key);
inline std::string boolean(bool value) {
    return value ? "?1" : "?0";
}

}  // namespace photogate::http::resumable
