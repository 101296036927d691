// Percent-encoding as SigV4 defines it: `A-Za-z0-9-._~` stay, every other byte becomes `%XX` in upper case
// (RFC 3986, 2.3).
//
// Space is `%20`, never `+`. `/` stays in a path and is encoded in a query. Thread safety: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace photogate::signer {

void append_encoded_path(std::string& out, std::string_view path);
void append_encoded_component(std::string& out, std::string_view text);
std::string encode_component(std::string_view text);

/// Decodes a path as sent: `%XX` in either case; `+` is literal. nullopt on a broken escape.
std::optional<std::string> decode_path(std::string_view text);
/// Decodes a query's name or value as sent: like a path, but `+` is a space, as S3 servers read it.
std::optional<std::string> decode_component(std::string_view text);

}  // namespace photogate::signer
