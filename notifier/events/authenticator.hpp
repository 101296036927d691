// Whether a request comes from the event source that it names, decided in two phases.
//
// From the head alone, before a byte of the body is read, where the credential is in the head; or from head and body
// together, where the body is signed (an HMAC of it, or a signature inside it) or a key has to be fetched first. A
// sender that the head refuses never gets a body read.
//
// Thread safety: immutable; from any thread. from_head() runs on an I/O thread and must not block; from_body() may
// block where keys are fetched (sns_signature.hpp, oidc_token.hpp).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.hpp"

namespace photogate::notifier::events {

enum class HeadVerdict { accept, refuse, need_body };
/// undecided: a key could not be fetched; the same request may be accepted later.
enum class BodyVerdict { accept, refuse, undecided };

struct BodyDecision {
    BodyVerdict verdict = BodyVerdict::refuse;
    std::string reason = {};  ///< for the log: a sentence without anything that the sender wrote
};

/// The value of a header field, by name without case; nullopt where it is absent or sent more than once.
using HeadFields = std::function<std::optional<std::string_view>(std::string_view name)>;
/// The value of a query parameter, decoded; nullopt where it is absent or sent more than once.
using QueryValues = std::function<std::optional<std::string_view>(std::string_view name)>;

struct SenderHead {
    HeadFields field;
    QueryValues query;
};

class Authenticator {
  public:
    virtual ~Authenticator() = default;
    virtual HeadVerdict from_head(const SenderHead& head) const = 0;
    /// Called only after from_head() answered need_body, with all of the body.
    virtual BodyDecision from_body(const SenderHead& head, std::string_view body) const = 0;
};

/// Where a sender has its token.
enum class TokenPlace {
    bearer,  ///< `Authorization: Bearer TOKEN`, or its whole value, as MinIO sends a token of two words
    basic,   ///< `Authorization: Basic`: the password, whoever the user is (RFC 7617)
    header,  ///< the whole value of a header of another name
    query,   ///< the parameter `token` of the URL
};

/// Without tokens it refuses everybody.
class TokenAuthenticator final : public Authenticator {
  public:
    /// Several tokens while one is being rotated. `header`: of TokenPlace::header.
    explicit TokenAuthenticator(std::vector<Secret> tokens, TokenPlace place = TokenPlace::bearer,
                                std::string header = {});
    HeadVerdict from_head(const SenderHead& head) const override;
    /// Refuses: the head decides.
    BodyDecision from_body(const SenderHead& head, std::string_view body) const override;

  private:
    std::vector<Secret> tokens_;
    TokenPlace place_;
    std::string header_;
};

/// Whether `presented` is one of the tokens: all are compared, by their SHA-256, in constant time.
bool token_matches(const std::vector<Secret>& tokens, std::string_view presented);

/// Backblaze B2: `X-Bz-Event-Notification-Signature: v1=HEX`, the HMAC-SHA256 of the body with the secret's characters
/// as the key. No time is signed, so an old request is known by its events alone.
/// Source: Backblaze's event notifications reference guide.
class B2Authenticator final : public Authenticator {
  public:
    explicit B2Authenticator(std::vector<Secret> secrets);
    HeadVerdict from_head(const SenderHead& head) const override;
    BodyDecision from_body(const SenderHead& head, std::string_view body) const override;

  private:
    std::vector<Secret> secrets_;
};

}  // namespace photogate::notifier::events
