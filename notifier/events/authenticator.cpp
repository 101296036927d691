#include "notifier/events/authenticator.hpp"

#include <utility>

#include "signer/digest.hpp"

namespace photogate::notifier::events {
namespace {

constexpr std::string_view kScheme = "bearer ";

bool has_bearer_scheme(std::string_view value) {
    if (value.size() <= kScheme.size()) return false;
    for (std::size_t i = 0; i < kScheme.size(); ++i) {
        const char c = value[i];
        const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        if (lower != kScheme[i]) return false;
    }
    return true;
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
