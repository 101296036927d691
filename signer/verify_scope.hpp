// What header, query and form verification share; for this room's sources alone.
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

/// The session token that came, none where none came, is the one that these credentials have.
Verification<void> check_token(const Credentials& credentials, std::optional<std::string_view> token);

}  // namespace photogate::signer
