// `Upload-Metadata` of tus: `key base64[,key base64]`, where a value may be missing.
//
// An empty field, a key that is followed by a space alone, and spaces around commas are accepted: clients send them.
// Thread safety: pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace photogate::http::resumable {

/// nullopt: a key is empty, not visible ASCII or repeated, or a value is not base64.
std::optional<std::map<std::string, std::string>> read_metadata(std::string_view text);

}  // namespace photogate::http::resumable
