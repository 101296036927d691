// Messages of Amazon SNS over HTTPS, proven by the signature inside them; and the subscription that they ask for.
//
// What counts is decided before anything is fetched: the type and topic of the head are those of the body, the topic is
// configured, the message is recent, and the certificate's URL is https, of the topic's own region at AWS (or of a host
// that is configured in its place), without user and port, and ends in `.pem`. The certificate is then trusted because
// that host, whose name TLS verifies, serves it; it must be valid today. SNS serves the leaf alone, so there is no chain
// to verify.
//
// Raw delivery has no signature and is refused.
//
// Source: AWS "Verifying the signatures of Amazon SNS messages", "Amazon SNS HTTP/HTTPS notification JSON format".
// Thread safety: any thread.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "notifier/events/authenticator.hpp"
#include "notifier/events/dialect.hpp"
#include "notifier/events/fetched_keys.hpp"
#include "signer/rsa_signature.hpp"

namespace photogate::notifier::events {

enum class SnsVersions {
    one_and_two,  ///< SHA-1 and SHA-256
    two,          ///< SHA-256 alone: the topic's attribute SignatureVersion is 2
};

struct SnsPolicy {
    std::vector<std::string> topics;  ///< ARNs
    /// `HOST` or `HOST:PORT` of certificates and subscriptions, in place of AWS's own; empty: AWS's.
    std::vector<std::string> hosts;
    SnsVersions versions = SnsVersions::one_and_two;
    /// Passwords of HTTP Basic authentication in the subscribed URL, besides the signature; empty: none.
    std::vector<Secret> tokens;
};

class SnsAuthenticator final : public Authenticator {
  public:
    /// SNS sends a message again for an hour at most.
    static constexpr std::chrono::minutes kOldest{75};
    static constexpr std::chrono::minutes kMostAhead{15};
    static constexpr std::chrono::hours kCertificateKept{24};

    SnsAuthenticator(SnsPolicy policy, Fetch fetch, const Clock& clock);
    HeadVerdict from_head(const SenderHead& head) const override;
    BodyDecision from_body(const SenderHead& head, std::string_view body) const override;

    /// Visits the URL of a subscription that from_body() has accepted. Blocking. Errors: bad_request (another
    /// host, action or topic than may be), those of Fetch.
    Result<> confirm(const Subscription& subscription) const;

  private:
    SnsPolicy policy_;
    Fetch fetch_;
    const Clock& clock_;
    std::unique_ptr<FetchedKeys<signer::RsaPublicKey>> certificates_;
};

/// Whether SNS's certificates and confirmations of this topic may have such a URL. `hosts` as in SnsPolicy.
bool is_sns_url(std::string_view url, std::string_view topic, const std::vector<std::string>& hosts);

}  // namespace photogate::notifier::events
