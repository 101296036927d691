// OpenID Connect tokens, as Google Cloud Pub/Sub sends them with a push: `Authorization: Bearer JWT`, signed by the
// provider with RS256.
//
// Issuer, audience, time and account are compared before the body is read, and the signature too where the key is known
// already; where it has to be fetched, that is done once the body is there. Keys are fetched from one configured URL.
//
// Sources: RFC 7519 (JWT), RFC 7515 (JWS), RFC 7517 (JWK); Google Cloud "Authentication for push subscriptions".
// Thread safety: any thread.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "notifier/events/authenticator.hpp"
#include "notifier/events/fetched_keys.hpp"
#include "signer/rsa_signature.hpp"

namespace photogate::notifier::events {

struct OidcPolicy {
    std::string audience;  ///< the claim `aud`
    std::string email;     ///< the claim `email`, verified by the issuer
    std::string issuer = "https://accounts.google.com";
    std::string keys_url = "https://www.googleapis.com/oauth2/v3/certs";  ///< a JWK set
};

class OidcAuthenticator final : public Authenticator {
  public:
    static constexpr std::size_t kLongestToken = 8'192;
    static constexpr std::size_t kMostKeys = 32;
    static constexpr std::chrono::seconds kMostSkew{60};
    static constexpr std::chrono::hours kKeysKept{6};
    /// A key that the set does not have is looked for again, no sooner than this after the last time.
    static constexpr std::chrono::seconds kLookAgain{60};

    OidcAuthenticator(OidcPolicy policy, Fetch fetch, const Clock& clock);
    HeadVerdict from_head(const SenderHead& head) const override;
    BodyDecision from_body(const SenderHead& head, std::string_view body) const override;

  private:
    using Keys = std::map<std::string, signer::RsaPublicKey, std::less<>>;  ///< by `kid`
    struct Token;
    std::optional<Token> token_of(const SenderHead& head) const;
    static Result<Keys> read_keys(const std::string& document);

    OidcPolicy policy_;
    const Clock& clock_;
    std::unique_ptr<FetchedKeys<Keys>> keys_;
};

}  // namespace photogate::notifier::events
