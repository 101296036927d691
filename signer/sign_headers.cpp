// Signer::sign_headers: the signature in the Authorization header (AWS "sig-v4-header-based-auth").
#include <vector>

#include <fmt/format.h>

#include "signer/amz_date.hpp"
#include "signer/canonical_request.hpp"
#include "signer/message_rules.hpp"
#include "signer/signer_state.hpp"
#include "signer/uri_encode.hpp"

namespace photogate::signer {
namespace {

Result<> check(const HeaderSignRequest& request) {
    if (auto ok = check_method(request.method); !ok) return ok;
    if (auto ok = check_time(request.at); !ok) return ok;
    for (const auto& parameter : request.query) {
        if (auto ok = check_parameter(parameter); !ok) return ok;
    }
    for (const auto& header : request.headers) {
        if (auto ok = check_header(header); !ok) return ok;
        if (is_set_by_signing(header.name)) {
            return fail(ErrorCode::invalid_field,
                        fmt::format("the header '{}' is set by signing", header.name));
        }
    }
    if (!is_payload_hash(request.payload_sha256)) {
        return fail(ErrorCode::invalid_checksum,
                    "the body's SHA-256 is 64 characters of lower-case hex, or one of S3's words");
    }
    return {};
}

struct Signed {
    SignedRequest request;
    Stages stages;
};

Result<Signed> make(const SigningKeyCache& keys, const HeaderSignRequest& request) {
    if (auto ok = check(request); !ok) return fail(ok.error());
    const auto target = target_of(request.address);
    if (!target) return fail(target.error());
    const AmzDate at{request.at};
    const auto key = keys.at(request.at);

    Signed made;
    auto& sent = made.request.headers;
    sent.reserve(request.headers.size() + 4);
    sent = request.headers;
    sent.push_back({"x-amz-date", std::string{at.text()}});
    sent.push_back({"x-amz-content-sha256", request.payload_sha256});
    if (const auto& token = keys.credentials().session_token) {
        sent.push_back({"x-amz-security-token", std::string{token->reveal()}});
    }
    std::vector<HeaderView> to_sign;
    to_sign.reserve(sent.size() + 1);
    to_sign.push_back({"host", target->host});
    for (const auto& header : sent) {
        if (!is_left_unsigned(header.name)) to_sign.push_back({header.name, header.value});
    }
    const auto headers = canonical_headers(to_sign);
    const auto path = canonical_path(target->path, PathRule::s3);
    std::string query_as_sent, query;
    for (const auto& parameter : request.query) {
        if (!query_as_sent.empty()) query_as_sent += '&';
        append_encoded_component(query_as_sent, parameter.name);
        query_as_sent += '=';
        append_encoded_component(query_as_sent, parameter.value);
    }
    append_canonical_query(query, query_as_sent);
    made.stages.canonical_request = canonical_request({
        .method = request.method,
        .path = path,
        .query = query,
        .header_lines = headers.lines,
        .header_names = headers.names,
        .payload_hash = request.payload_sha256,
    });
    made.stages.string_to_sign = string_to_sign(at, key->scope, made.stages.canonical_request);
    made.stages.signature = key->sign(made.stages.string_to_sign);
    sent.push_back(
        {"Authorization", fmt::format("{} Credential={}, SignedHeaders={}, Signature={}", kAlgorithm,
                                      key->credential, headers.names, made.stages.signature)});
    made.request.url = request.address.endpoint.scheme + "://" + target->host + path;
    if (!query_as_sent.empty()) made.request.url += '?' + query_as_sent;
    return made;
}

}  // namespace

Result<SignedRequest> Signer::sign_headers(const HeaderSignRequest& request) const {
    const auto state = state_->now();
    return make(state->keys, request).map([](Signed&& made) { return std::move(made.request); });
}

Result<Stages> Signer::explain(const HeaderSignRequest& request) const {
    const auto state = state_->now();
    return make(state->keys, request).map([](Signed&& made) { return std::move(made.stages); });
}

}  // namespace photogate::signer
