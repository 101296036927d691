// Client tokens: what an app server lets a browser or a phone do, as claims that we signed.
//
// `pgt_<claims>.<signature>`: the claims are JSON in base64url (RFC 4648, 5), the signature is HMAC-SHA256
// over all that stands before the full stop. Anyone may read the claims; only a gateway can make them. What was
// used of a token is counted in the records, so a token is spent wherever it is shown.
//
// It does not revoke: a token ends by its time or its limits, or with the secret that signed it.
//
// Thread safety: any thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/live.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/time.hpp"
#include "base/words.hpp"
#include "model/client_token.hpp"
#include "signer/digest.hpp"

namespace photogate::gateway::access {

using model::ClientToken;

class TokenSigner {
  public:
    /// The first signs, all verify. At least one.
    explicit TokenSigner(const std::vector<Secret>& secrets);
    /// In the place of those that it has. At least one.
    void replace(const std::vector<Secret>& secrets);
    std::string sign(const ClientToken& token) const;
    /// Errors: unauthenticated for whatever we did not sign, token_expired.
    Result<ClientToken> verify(std::string_view presented, Timestamp now) const;

  private:
    Live<std::vector<signer::HmacKey>> keys_;
};

/// Whether a credential is meant to be a client token.
bool looks_like_client_token(std::string_view credential);

}  // namespace photogate::gateway::access
