// Signer::presign: the signature in the query (AWS "sigv4-query-string-auth").
#include <vector>

#include <fmt/format.h>

#include "signer/amz_date.hpp"
#include "signer/canonical_request.hpp"
#include "signer/message_rules.hpp"
#include "signer/signer_state.hpp"
#include "signer/uri_encode.hpp"

namespace photogate::signer {
namespace {

Result<> check(const PresignRequest& request) {
    if (auto ok = check_method(request.method); !ok) return ok;
    if (auto ok = check_expiry(request.expires); !ok) return ok;
    if (auto ok = check_time(request.at); !ok) return ok;
    for (const auto& parameter : request.query) {
        if (auto ok = check_parameter(parameter); !ok) return ok;
    }
    for (const auto& header : request.headers) {
        if (auto ok = check_header(header); !ok) return ok;
        if (is_set_by_signing(header.name) || is_left_unsigned(header.name)) {
            return fail(
                ErrorCode::invalid_field,
                fmt::format("the header '{}' can't be required of a presigned URL's client", header.name));
        }
    }
    if (request.payload_sha256 && !is_sha256_hex(*request.payload_sha256)) {
        return fail(ErrorCode::invalid_checksum, "the body's SHA-256 is 64 characters of lower-case hex");
    }
    return {};
}

struct Presigned {
    std::string url;
    Stages stages;
};

/// `url` is written front to back; the canonical query is a sorted copy of its query, so nothing is encoded
/// twice.
Result<Presigned> make(const SigningKeyCache& keys, const Secret& token_parameter,
                       const PresignRequest& request) {
    if (auto ok = check(request); !ok) return fail(ok.error());
    const auto target = target_of(request.address);
    if (!target) return fail(target.error());
    const AmzDate at{request.at};
    const auto key = keys.at(request.at);

    std::vector<HeaderView> to_sign;
    to_sign.reserve(request.headers.size() + 1);
    to_sign.push_back({"host", target->host});
    for (const auto& header : request.headers)
        to_sign.push_back({header.name, header.value});
    const auto headers = canonical_headers(to_sign);

    std::string url;
    url.reserve(640 + target->path.size() + token_parameter.reveal().size());
    url += request.address.endpoint.scheme;
    url += "://";
    url += target->host;
    const auto path_at = url.size();
    append_encoded_path(url, target->path);
    const auto query_at = url.size() + 1;
    url += '?';
    for (const auto& parameter : request.query) {
        append_encoded_component(url, parameter.name);
        url += '=';
        append_encoded_component(url, parameter.value);
        url += '&';
    }
    if (request.payload_sha256) {
        url += "X-Amz-Content-Sha256=";
        url += *request.payload_sha256;
        url += '&';
    }
    url += key->query_prefix;
    url += at.text();
    url += "&X-Amz-Expires=";
    url += std::to_string(request.expires.count());
    url += "&X-Amz-SignedHeaders=";
    append_encoded_component(url, headers.names);
    url += token_parameter.reveal();

    std::string query;
    query.reserve(url.size() - query_at);
    append_canonical_query(query, std::string_view{url}.substr(query_at));
    Presigned made;
    made.stages.canonical_request = canonical_request({
        .method = request.method,
        .path = std::string_view{url}.substr(path_at, query_at - 1 - path_at),
        .query = query,
        .header_lines = headers.lines,
        .header_names = headers.names,
        .payload_hash = request.payload_sha256 ? std::string_view{*request.payload_sha256} : kUnsignedPayload,
    });
    made.stages.string_to_sign = string_to_sign(at, key->scope, made.stages.canonical_request);
    made.stages.signature = key->sign(made.stages.string_to_sign);
    url += "&X-Amz-Signature=";
    url += made.stages.signature;
    made.url = std::move(url);
    return made;
}

}  // namespace

Result<PresignedUrl> Signer::presign(const PresignRequest& request) const {
    const auto state = state_->now();
    auto made = make(state->keys, state->token_parameter, request);
    if (!made) return fail(std::move(made.error()));
    return PresignedUrl{std::move(made->url), request.headers,
                        std::chrono::floor<std::chrono::seconds>(request.at) + request.expires};
}

Result<Stages> Signer::explain(const PresignRequest& request) const {
    const auto state = state_->now();
    return make(state->keys, state->token_parameter, request).map([](Presigned&& made) {
        return std::move(made.stages);
    });
}

}  // namespace photogate::signer
