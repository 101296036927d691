// An access key pair, with its session token if the key is temporary.
#pragma once

#include <optional>
#include <string>

#include "base/secret.hpp"

namespace photogate::signer {

struct Credentials {
    std::string access_key_id;
    Secret secret_access_key;
    std::optional<Secret> session_token;
};

}  // namespace photogate::signer
