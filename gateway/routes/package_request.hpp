// The JSON of POST /v1/packages.
//
// Thread safety: pure function.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "pipeline/packages/package_request.hpp"

namespace photogate::gateway::routes {

/// What it asks for, and under `unreadable` what is wrong with its fields. Errors: those of json::read_object.
Result<pipeline::packages::PackageRequest> read_package_request(std::string_view body,
                                                                std::optional<std::string> idempotency_key);

}  // namespace photogate::gateway::routes
