// The JSON of POST /v1/packages.
//
// Thread safety: pure function.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "pipeline/packages/package_request.hpp"

namespace photogate::gateway::routes {

/// Of about `most_items` at most; what of them is too many is not said here. What it asks for, and under `unreadable` what is wrong with its fields. Errors: those of json::read_object.
Result<pipeline::packages::PackageRequest> read_package_request(std::string_view body,
                                                                std::optional<std::string> idempotency_key,
                                                                std::uint64_t most_items);

}  // namespace photogate::gateway::routes
