// The JSON output of `photogate sign`.
//
// Thread safety: pure functions.
#pragma once

#include <string>

#include "signer/signer.hpp"

namespace photogate::gateway::cli {

/// `{"method","url","headers":{…}}`
std::string presigned_json(const std::string& method, const signer::PresignedUrl& presigned);

/// `{"url","fields":{…}}`, the fields in the order to send.
std::string form_json(const signer::PostForm& form);

}  // namespace photogate::gateway::cli
