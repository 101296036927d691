// Whether a request comes from the event source that it names, decided in two phases.
//
// From the head alone, before a byte of the body is read, where the credential is a header; or from head and body
// together, where the body is signed (an HMAC of it, or a signature inside it). A sender that the head refuses
// never gets a body read.
//
// Thread safety: immutable; from any thread. from_head() runs on an I/O thread and must not block.
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "base/secret.hpp"

namespace photogate::notifier::events {

enum class HeadVerdict { accept, refuse, need_body };
enum class BodyVerdict { accept, refuse };

/// The value of a header field, by name without case; nullopt where it is absent or sent more than once.
using HeadFields = std::function<std::optional<std::string_view>(std::string_view name)>;

class Authenticator {
  public:
    virtual ~Authenticator() = default;
    virtual HeadVerdict from_head(const HeadFields& head) const = 0;
    /// Called only after from_head() answered need_body, with all of the body.
    virtual BodyVerdict from_body(const HeadFields& head, std::string_view body) const = 0;
};

/// `Authorization: Bearer TOKEN`, or the header's whole value as the token, as MinIO sends a token of two words.
/// Without tokens it refuses everybody.
class TokenAuthenticator final : public Authenticator {
  public:
    /// Several while one is being rotated.
    explicit TokenAuthenticator(std::vector<Secret> tokens);
    HeadVerdict from_head(const HeadFields& head) const override;
    /// Refuses: the head decides.
    BodyVerdict from_body(const HeadFields& head, std::string_view body) const override;

  private:
    std::vector<Secret> tokens_;
};

/// Whether `presented` is one of the tokens: all are compared, by their SHA-256, in constant time.
bool token_matches(const std::vector<Secret>& tokens, std::string_view presented);

}  // namespace photogate::notifier::events
