#include "notifier/events/authenticator.hpp"

#include <utility>

#include "base/ascii.hpp"
#include "signer/digest.hpp"

namespace photogate::notifier::events {
namespace {

constexpr std::string_view kScheme = "bearer ";

bool has_bearer_scheme(std::string_view value) {
    return value.size() > kScheme.size() &&
           ascii::equals_ignoring_case(value.substr(0, kScheme.size()), kScheme);
}

}  // namespace

TokenAuthenticator::TokenAuthenticator(std::vector<Secret> tokens) : tokens_(std::move(tokens)) {}

HeadVerdict TokenAuthenticator::from_head(const HeadFields& head) const {
    const auto sent = head("authorization").value_or("");
    const auto token = has_bearer_scheme(sent) ? sent.substr(kScheme.size()) : sent;
    return token_matches(tokens_, token) ? HeadVerdict::accept : HeadVerdict::refuse;
}

BodyVerdict TokenAuthenticator::from_body(const HeadFields&, std::string_view) const {
    return BodyVerdict::refuse;
}

bool token_matches(const std::vector<Secret>& tokens, std::string_view presented) {
    const auto hash = signer::sha256(presented);
    bool matches = false;
    for (const auto& token : tokens) {
        const auto expected = signer::sha256(token.reveal());
        const bool same = signer::constant_time_equal(BytesView{hash}, BytesView{expected});
        matches = matches || same;
    }
    return matches;
}

}  // namespace photogate::notifier::events
