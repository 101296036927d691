// The JSON of requests about parts.
//
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/json/guard.hpp"
#include "base/result.hpp"
#include "pipeline/grant.hpp"
#include "pipeline/parts.hpp"

namespace photogate::gateway::routes {

inline constexpr std::size_t kLongestPartList = 1U << 20;  ///< bytes; 10,000 parts with their ETags
inline constexpr std::size_t kLongestPartNumbers = 128U << 10;

struct PartsToSign {
    std::vector<pipeline::WantedPart> parts;
    std::optional<std::int64_t> expires_in;
};
/// `{"numbers":[1,2],"checksums":{"1":"…"},"expires_in":900}`. Errors: invalid_part_number, invalid_checksum,
/// invalid_expiry, and those of JSON. Whether the upload has such parts is not known here.
Result<PartsToSign> read_parts_to_sign(std::string_view body);

/// `{"parts":[{"number":1,"etag":"…"}]}`; nullopt without a body, or without `parts`. Errors: invalid_parts,
/// invalid_part_number, and those of JSON.
Result<std::optional<std::vector<pipeline::NamedPart>>> read_named_parts(std::string_view body);

}  // namespace photogate::gateway::routes
