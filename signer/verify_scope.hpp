// Shared by header, query and form verification; internal to this module.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "signer/signing_key.hpp"
#include "signer/verify.hpp"

namespace photogate::signer {

inline constexpr std::chrono::minutes kAllowedSkew{15};

inline tl::unexpected<SignatureRefusal> refuse(SignatureFault fault, std::string detail) {
    return tl::unexpected<SignatureRefusal>(SignatureRefusal{fault, std::move(detail)});
}

struct Verifier::Keys {
    std::map<std::string, SigningKeyCache, std::less<>> by_id;
    Region region;
    std::string service;

    /// The key for `AKIA…/20261120/region/service/aws4_request`, whose day must be that of `at`.
    Verification<const SigningKeyCache*> find(std::string_view credential, Timestamp at) const;
};

/// Checks that the received session token, or its absence, matches these credentials.
Verification<void> check_token(const Credentials& credentials, std::optional<std::string_view> token);

}  // namespace photogate::signer
