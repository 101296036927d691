// The state of a Signer; internal to this module.
#pragma once

#include <string>

#include "signer/signer.hpp"
#include "signer/signing_key.hpp"

namespace photogate::signer {

struct Signer::State {
    State(Credentials credentials, Region region, std::string service);

    SigningKeyCache keys;
    /// `&X-Amz-Security-Token=…`, encoded; empty without a session token. A Secret, because the token is one.
    Secret token_parameter;
};

}  // namespace photogate::signer
