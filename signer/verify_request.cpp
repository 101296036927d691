// Verifier::verify for requests: the signature in the Authorization header, or in the query.
#include <algorithm>

#include <fmt/format.h>

#include "base/ascii.hpp"
#include "signer/amz_date.hpp"
#include "signer/canonical_request.hpp"
#include "signer/message_rules.hpp"
#include "signer/signer.hpp"
#include "signer/uri_encode.hpp"
#include "signer/verify_scope.hpp"

namespace photogate::signer {
namespace {

using Fault = SignatureFault;

/// The parts that header and query signatures share. Views are into the request or into `Sent`.
struct Claim {
    std::string credential;
    std::string signed_headers;
    std::string signature;
    Timestamp at;
    std::optional<std::chrono::seconds> expires;  // only in the query
    std::optional<std::string> token;
    std::string payload_hash;
};

/// The target, decoded, and encoded again as S3 does.
struct Sent {
    std::string path;
    std::string canonical_path;
    std::string canonical_query;  // without X-Amz-Signature
    std::vector<Parameter> signature_parameters;
    std::vector<Parameter> other_parameters;
};

bool belongs_to_signature(std::string_view name) {
    for (std::string_view own :
         {"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders",
          "X-Amz-Security-Token", "X-Amz-Signature", "X-Amz-Content-Sha256"}) {
        if (name == own) return true;
    }
    return false;
}

Verification<Sent> read_target(std::string_view target) {
    if (!target.starts_with('/')) return refuse(Fault::malformed, "the request's target begins with a slash");
    const auto question = std::min(target.find('?'), target.size());
    auto path = decode_path(target.substr(0, question));
    if (!path) return refuse(Fault::malformed, "the path holds a broken percent escape");
    Sent sent;
    sent.path = std::move(*path);
    sent.canonical_path = canonical_path(sent.path, PathRule::s3);
    std::string encoded;
    for (std::size_t at = question + 1; at < target.size();) {
        const auto end = std::min(target.find('&', at), target.size());
        const auto pair = target.substr(at, end - at);
        at = end + 1;
        if (pair.empty()) continue;
        const auto equals = std::min(pair.find('='), pair.size());
        auto name = decode_component(pair.substr(0, equals));
        auto value = decode_component(equals < pair.size() ? pair.substr(equals + 1) : "");
        if (!name || !value) return refuse(Fault::malformed, "the query holds a broken percent escape");
        if (*name != "X-Amz-Signature") {
            if (!encoded.empty()) encoded += '&';
            append_encoded_component(encoded, *name);
            encoded += '=';
            append_encoded_component(encoded, *value);
        }
        auto& list = belongs_to_signature(*name) ? sent.signature_parameters : sent.other_parameters;
        list.push_back({std::move(*name), std::move(*value)});
    }
    append_canonical_query(sent.canonical_query, encoded);
    return sent;
}

/// The value of a name that may occur once; a refusal if it is repeated, nullopt if it is absent.
Verification<std::optional<std::string_view>> only(std::span<const HeaderView> headers,
                                                   std::string_view name) {
    std::optional<std::string_view> value;
    for (const auto& header : headers) {
        if (!equals_ignoring_case(header.name, name)) continue;
        if (value) return refuse(Fault::malformed, fmt::format("the header {} is repeated", name));
        value = header.value;
    }
    return value;
}

Verification<std::optional<std::string_view>> only(std::span<const Parameter> parameters,
                                                   std::string_view name) {
    std::optional<std::string_view> value;
    for (const auto& parameter : parameters) {
        if (parameter.name != name) continue;
        if (value) return refuse(Fault::malformed, fmt::format("the query parameter {} is repeated", name));
        value = parameter.value;
    }
    return value;
}

template <class Parts>
Verification<std::string> required(const Parts& parts, std::string_view name) {
    const auto value = only(parts, name);
    if (!value) return tl::unexpected<SignatureRefusal>(value.error());
    if (!*value || (*value)->empty()) return refuse(Fault::malformed, fmt::format("{} is missing", name));
    return std::string{**value};
}

template <class Parts>
Verification<std::optional<std::string>> optional(const Parts& parts, std::string_view name) {
    const auto value = only(parts, name);
    if (!value) return tl::unexpected<SignatureRefusal>(value.error());
    if (!*value) return std::nullopt;
    return std::optional<std::string>{**value};
}

Verification<Claim> claim_of_query(const Sent& sent, std::span<const HeaderView> headers) {
    const std::span<const Parameter> query{sent.signature_parameters};
    auto algorithm = required(query, "X-Amz-Algorithm");
    auto credential = required(query, "X-Amz-Credential");
    auto date = required(query, "X-Amz-Date");
    auto expires = required(query, "X-Amz-Expires");
    auto signed_headers = required(query, "X-Amz-SignedHeaders");
    auto signature = required(query, "X-Amz-Signature");
    for (const auto* each : {&algorithm, &credential, &date, &expires, &signed_headers, &signature}) {
        if (!*each) return tl::unexpected<SignatureRefusal>(each->error());
    }
    auto token = optional(query, "X-Amz-Security-Token");
    auto hash = optional(query, "X-Amz-Content-Sha256");
    auto header_hash = optional(headers, "x-amz-content-sha256");
    for (const auto* each : {&token, &hash, &header_hash}) {
        if (!*each) return tl::unexpected<SignatureRefusal>(each->error());
    }
    if (*algorithm != kAlgorithm) return refuse(Fault::malformed, "X-Amz-Algorithm is AWS4-HMAC-SHA256");
    const auto at = parse_amz_date(*date);
    if (!at) return refuse(Fault::malformed, "X-Amz-Date is yyyymmddThhmmssZ");
    const auto seconds = ascii::parse_whole<long>(*expires);
    if (!seconds || !check_expiry(std::chrono::seconds{*seconds})) {
        return refuse(Fault::malformed, "X-Amz-Expires is 1 to 604800 seconds");
    }
    if (*hash && *header_hash && **hash != **header_hash) {
        return refuse(Fault::malformed, "X-Amz-Content-Sha256 and x-amz-content-sha256 differ");
    }
    // A hash sent in either way is part of the signature; only without one is the payload unsigned.
    std::string payload{kUnsignedPayload};
    if (*header_hash) payload = **header_hash;
    if (*hash) payload = **hash;
    return Claim{std::move(*credential),         std::move(*signed_headers), std::move(*signature), *at,
                 std::chrono::seconds{*seconds}, std::move(*token),          std::move(payload)};
}

/// `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`; as parameters, so that repeats are
/// detected.
Verification<std::vector<Parameter>> read_authorization(std::string_view text) {
    if (!text.starts_with(kAlgorithm) || text.substr(kAlgorithm.size(), 1) != " ") {
        return refuse(Fault::malformed, "the Authorization header begins with AWS4-HMAC-SHA256");
    }
    std::vector<Parameter> parts;
    for (std::size_t at = kAlgorithm.size(); at < text.size();) {
        const auto end = std::min(text.find(',', at), text.size());
        auto part = text.substr(at, end - at);
        at = end + 1;
        while (part.starts_with(' '))
            part.remove_prefix(1);
        while (part.ends_with(' '))
            part.remove_suffix(1);
        const auto equals = part.find('=');
        if (equals == std::string_view::npos)
            return refuse(Fault::malformed, "the Authorization header is malformed");
        parts.push_back({std::string{part.substr(0, equals)}, std::string{part.substr(equals + 1)}});
    }
    return parts;
}

/// The time of a header signature: x-amz-date or, without one, Date, which may also be an HTTP date
/// (AWS "Signature Version 4", "Date and time"). It is part of what is signed either way.
Verification<Timestamp> date_of(std::span<const HeaderView> headers) {
    const auto own = only(headers, "x-amz-date");
    if (!own) return tl::unexpected<SignatureRefusal>(own.error());
    const auto general = *own ? own : only(headers, "date");
    if (!general) return tl::unexpected<SignatureRefusal>(general.error());
    std::optional<Timestamp> at;
    if (*general) at = parse_amz_date(**general);
    if (!at && *general && !*own) at = parse_http_date(**general);
    if (!at) return refuse(Fault::no_date, "AWS authentication requires a valid Date or x-amz-date header");
    return *at;
}

Verification<Claim> claim_of_header(std::string_view authorization, std::span<const HeaderView> headers) {
    const auto parts = read_authorization(authorization);
    if (!parts) return tl::unexpected<SignatureRefusal>(parts.error());
    const std::span<const Parameter> given{*parts};
    auto credential = required(given, "Credential");
    auto signed_headers = required(given, "SignedHeaders");
    auto signature = required(given, "Signature");
    for (const auto* each : {&credential, &signed_headers, &signature}) {
        if (!*each) return tl::unexpected<SignatureRefusal>((*each).error());
    }
    const auto at = date_of(headers);
    if (!at) return tl::unexpected<SignatureRefusal>(at.error());
    auto hash = optional(headers, "x-amz-content-sha256");
    auto token = optional(headers, "x-amz-security-token");
    for (const auto* each : {&hash, &token}) {
        if (!*each) return tl::unexpected<SignatureRefusal>((*each).error());
    }
    if (!*hash)
        return refuse(Fault::no_payload_hash,
                      "missing required header for this request: x-amz-content-sha256");
    return Claim{std::move(*credential), std::move(*signed_headers), std::move(*signature), *at,
                 std::nullopt,           std::move(*token),          std::move(**hash)};
}

Verification<void> check_clock(const Claim& claim, Timestamp now) {
    if (!claim.expires) {
        if (claim.at > now + kAllowedSkew || claim.at < now - kAllowedSkew) {
            return refuse(Fault::clock_skew, "the request's time and ours differ by more than 15 minutes");
        }
    } else if (claim.at > now + kAllowedSkew) {
        return refuse(Fault::not_yet_valid, "the request is not valid yet");
    } else if (now > claim.at + *claim.expires) {
        return refuse(Fault::expired, "the request has expired");
    }
    return {};
}

Verification<std::vector<std::string>> read_signed_headers(std::string_view text) {
    std::vector<std::string> names;
    for (std::size_t at = 0; at <= text.size();) {
        const auto end = std::min(text.find(';', at), text.size());
        names.emplace_back(text.substr(at, end - at));
        at = end + 1;
    }
    std::sort(names.begin(), names.end());
    const bool lower = std::none_of(names.begin(), names.end(), [](const auto& name) {
        return name.empty() || std::any_of(name.begin(), name.end(), ascii::is_upper);
    });
    if (!lower || std::adjacent_find(names.begin(), names.end()) != names.end()) {
        return refuse(Fault::malformed,
                      "SignedHeaders is a list of lower-case names, each once, joined by ';'");
    }
    if (!std::binary_search(names.begin(), names.end(), "host")) {
        return refuse(Fault::malformed, "the host header has to be signed");
    }
    return names;
}

/// The signed headers as sent; a refusal for a header that was signed and not sent, or that must be signed
/// and is not.
Verification<std::vector<HeaderView>> select(std::span<const HeaderView> headers,
                                             const std::vector<std::string>& names) {
    std::vector<HeaderView> chosen;
    std::vector<bool> seen(names.size());
    for (const auto& header : headers) {
        const auto at = std::find_if(names.begin(), names.end(), [&](const auto& name) {
            return equals_ignoring_case(name, header.name);
        });
        if (at != names.end()) {
            chosen.push_back({header.name, header.value});
            seen[static_cast<std::size_t>(at - names.begin())] = true;
        } else if ((starts_with_ignoring_case(header.name, "x-amz-") ||
                    starts_with_ignoring_case(header.name, "x-minio-")) &&
                   !equals_ignoring_case(header.name, "x-amz-content-sha256")) {
            return refuse(Fault::unsigned_header,
                          fmt::format("the header {} was sent and not signed", header.name));
        }
    }
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (!seen[i])
            return refuse(Fault::signed_header_absent,
                          fmt::format("the header {} was signed and not sent", names[i]));
    }
    return chosen;
}

}  // namespace

Verification<VerifiedRequest> Verifier::verify(const ReceivedRequest& request) const {
    auto sent = read_target(request.target);
    if (!sent) return tl::unexpected<SignatureRefusal>(sent.error());
    const auto authorization = only(request.headers, "authorization");
    if (!authorization) return tl::unexpected<SignatureRefusal>(authorization.error());
    const bool in_query = !sent->signature_parameters.empty();
    if (!in_query && !*authorization) return refuse(Fault::missing, "the request is not signed");
    if (in_query && *authorization)
        return refuse(Fault::malformed, "the request is signed both in the query and in a header");
    if (const auto host = required(request.headers, "host"); !host)
        return tl::unexpected<SignatureRefusal>(host.error());

    auto claim =
        in_query ? claim_of_query(*sent, request.headers) : claim_of_header(**authorization, request.headers);
    if (!claim) return tl::unexpected<SignatureRefusal>(claim.error());
    if (!is_sha256_hex(claim->signature))
        return refuse(Fault::malformed, "a signature is 64 characters of lower-case hex");
    if (!is_payload_hash(claim->payload_hash)) {
        return refuse(Fault::bad_payload_hash,
                      "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, "
                      "STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a "
                      "valid sha256 value");
    }
    // Check the clock first, so that clients can't force key derivation for arbitrary dates.
    if (auto ok = check_clock(*claim, request.now); !ok) return tl::unexpected<SignatureRefusal>(ok.error());
    const auto keys = keys_->find(claim->credential, claim->at);
    if (!keys) return tl::unexpected<SignatureRefusal>(keys.error());
    auto names = read_signed_headers(claim->signed_headers);
    if (!names) return tl::unexpected<SignatureRefusal>(names.error());
    const auto chosen = select(request.headers, *names);
    if (!chosen) return tl::unexpected<SignatureRefusal>(chosen.error());

    const auto headers = canonical_headers(*chosen);
    const auto key = (*keys)->at(claim->at);
    const auto canonical = canonical_request({
        .method = request.method,
        .path = sent->canonical_path,
        .query = sent->canonical_query,
        .header_lines = headers.lines,
        .header_names = headers.names,
        .payload_hash = claim->payload_hash,
    });
    if (!constant_time_equal(key->sign(string_to_sign(AmzDate{claim->at}, key->scope, canonical)),
                             claim->signature)) {
        return refuse(Fault::mismatch, "the signature does not match the request");
    }
    if (auto ok = check_token((*keys)->credentials(), claim->token); !ok)
        return tl::unexpected<SignatureRefusal>(ok.error());
    VerifiedRequest verified;
    verified.access_key_id = (*keys)->credentials().access_key_id;
    verified.path = std::move(sent->path);
    verified.query = std::move(sent->other_parameters);
    verified.signed_headers = std::move(*names);
    verified.payload_hash = std::move(claim->payload_hash);
    if (verified.payload_hash.starts_with("STREAMING-AWS4-")) {
        verified.chunks =
            std::make_shared<ChunkSignatures>((*keys)->at(claim->at), claim->at, claim->signature);
    }
    if (claim->expires) verified.expires_at = claim->at + *claim->expires;
    return verified;
}

}  // namespace photogate::signer
