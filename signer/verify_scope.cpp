#include "signer/verify_scope.hpp"

#include <array>

#include <fmt/format.h>

#include "signer/amz_date.hpp"

namespace photogate::signer {

S3Refusal s3_refusal(SignatureFault fault) {
    switch (fault) {
        case SignatureFault::missing:
            return {403, "AccessDenied"};
        case SignatureFault::malformed:
            return {400, "AuthorizationHeaderMalformed"};
        case SignatureFault::no_date:
            return {403, "AccessDenied"};
        case SignatureFault::no_payload_hash:
            return {400, "InvalidRequest"};
        case SignatureFault::bad_payload_hash:
            return {400, "InvalidArgument"};
        case SignatureFault::unknown_key:
            return {403, "InvalidAccessKeyId"};
        case SignatureFault::wrong_scope:
            return {400, "AuthorizationHeaderMalformed"};
        case SignatureFault::not_yet_valid:
            return {403, "AccessDenied"};
        case SignatureFault::expired:
            return {403, "AccessDenied"};
        case SignatureFault::clock_skew:
            return {403, "RequestTimeTooSkewed"};
        case SignatureFault::wrong_token:
            return {403, "InvalidTokenId"};
        case SignatureFault::unsigned_header:
            return {403, "AccessDenied"};
        case SignatureFault::signed_header_absent:
            return {403, "AccessDenied"};
        case SignatureFault::mismatch:
            return {403, "SignatureDoesNotMatch"};
        case SignatureFault::policy_violated:
            return {403, "AccessDenied"};
    }
    return {403, "AccessDenied"};
}

Error to_error(const SignatureRefusal& refusal) {
    switch (refusal.fault) {
        case SignatureFault::missing:
        case SignatureFault::unknown_key:
            return {ErrorCode::unauthenticated, refusal.detail, {}, std::nullopt};
        case SignatureFault::malformed:
        case SignatureFault::no_date:
        case SignatureFault::no_payload_hash:
        case SignatureFault::bad_payload_hash:
        case SignatureFault::wrong_scope:
            return {ErrorCode::bad_request, refusal.detail, {}, std::nullopt};
        case SignatureFault::not_yet_valid:
        case SignatureFault::expired:
        case SignatureFault::clock_skew:
        case SignatureFault::wrong_token:
        case SignatureFault::unsigned_header:
        case SignatureFault::signed_header_absent:
        case SignatureFault::mismatch:
        case SignatureFault::policy_violated:
            break;
    }
    return {ErrorCode::forbidden, refusal.detail, {}, std::nullopt};
}

Verification<const SigningKeyCache*> Verifier::Keys::find(std::string_view credential, Timestamp at) const {
    // From the end: an access key id may contain a slash.
    std::array<std::string_view, 4> parts;  // day, region, service, aws4_request
    for (std::size_t i = parts.size(); i-- > 0;) {
        const auto slash = credential.rfind('/');
        if (slash == std::string_view::npos) {
            return refuse(SignatureFault::malformed,
                          "the credential is <key id>/<day>/<region>/<service>/aws4_request");
        }
        parts[i] = credential.substr(slash + 1);
        credential = credential.substr(0, slash);
    }
    if (parts[3] != "aws4_request")
        return refuse(SignatureFault::malformed, "the credential ends in aws4_request");
    const auto found = by_id.find(credential);
    if (found == by_id.end()) return refuse(SignatureFault::unknown_key, "the access key id does not exist");
    if (parts[0] != AmzDate{at}.day()) {
        return refuse(SignatureFault::wrong_scope,
                      "the credential is for another day than the request's date");
    }
    if (parts[1] != region.str()) {
        return refuse(SignatureFault::wrong_scope,
                      fmt::format("the region is wrong; expecting '{}'", region.str()));
    }
    if (parts[2] != service) {
        return refuse(SignatureFault::wrong_scope,
                      fmt::format("the service is wrong; expecting '{}'", service));
    }
    return &found->second;
}

Verification<void> check_token(const Credentials& credentials, std::optional<std::string_view> token) {
    if (credentials.session_token.has_value() != token.has_value()) {
        return refuse(SignatureFault::wrong_token, token ? "this access key has no session token"
                                                         : "this access key needs its session token");
    }
    if (token && !constant_time_equal(*token, credentials.session_token->reveal())) {
        return refuse(SignatureFault::wrong_token, "the session token is another");
    }
    return {};
}

Verifier::Verifier(std::vector<Credentials> credentials, const Region& region, const std::string& service)
    : keys_(std::make_unique<Keys>()) {
    keys_->region = region;
    keys_->service = service;
    for (auto& each : credentials) {
        auto id = each.access_key_id;
        keys_->by_id.try_emplace(std::move(id), std::move(each), region, service);
    }
}
Verifier::~Verifier() = default;
Verifier::Verifier(Verifier&&) noexcept = default;
Verifier& Verifier::operator=(Verifier&&) noexcept = default;

}  // namespace photogate::signer
