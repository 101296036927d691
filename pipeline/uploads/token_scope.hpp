// What a client token's bearer may ask for.
//
// Thread safety: pure functions.
#pragma once

#include <vector>

#include "base/result.hpp"
#include "model/client_token.hpp"
#include "pipeline/grant.hpp"

namespace photogate::pipeline::uploads {

/// Makes the request the token's own: its profile and its metadata. What the bearer may not say is a mistake:
/// another profile, metadata, a callback URL, whose address counts, or no size where the token limits bytes. The grant ends with the token.
std::vector<FieldError> hold_to_token(const model::ClientToken& token, GrantRequest& request);

}  // namespace photogate::pipeline::uploads
