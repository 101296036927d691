// What a client token's bearer may ask for, and whose uploads are theirs.
//
// Thread safety: pure functions.
#pragma once

#include <vector>

#include "gateway/routes/api.hpp"
#include "gateway/routes/caller.hpp"
#include "pipeline/grant.hpp"

namespace photogate::gateway::routes {

/// Makes the request the token's own: its profile and its metadata. What the bearer may not say is a mistake:
/// another profile, metadata, a callback URL, or no size where the token limits bytes.
std::vector<FieldError> hold_to_token(const ClientToken& token, pipeline::GrantRequest& request);

/// Whether the caller may know of this upload: a token's bearer knows those that were made with it.
bool may_see(const Caller& caller, const model::Upload& upload);

/// upload_not_found where a token's bearer may not know of it; other callers are not looked at.
Result<> check_owner(const Api& api, const http::Request& request, const UploadId& id);

}  // namespace photogate::gateway::routes
