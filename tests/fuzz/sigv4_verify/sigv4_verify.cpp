// A request of any parts is signed, and then one byte of it is changed or a header joined to it: the signed
// request is accepted with its meaning, and a changed one is accepted only if it still has that meaning.
//
//   form · what is changed · where · by how much   four bytes
//   key
//   name=value                                     the query, until an empty line
//   name:value                                     headers
#include <algorithm>

#include <fmt/format.h>

#include "fuzz.hpp"
#include "signer/canonical_request.hpp"
#include "signer/signer.hpp"
#include "signer/verify.hpp"

namespace photogate::signer {
namespace {

using fuzz::require;

const Credentials kCredentials{"fuzz", Secret{"a secret of no store"}, std::nullopt};
const Region kRegion = Region::trusted("us-east-1");
constexpr Timestamp kNow = std::chrono::sys_days{std::chrono::year{2026} / 11 / 20} + std::chrono::hours{12};
constexpr std::array<const char*, 5> kMethods = {"GET", "PUT", "HEAD", "DELETE", "POST"};
constexpr std::string_view kOrigin = "http://127.0.0.1:9000";

struct Sent {
    std::string method;
    std::string target;
    std::vector<HeaderField> headers;
};

struct Parts {
    std::string method;
    std::string key;
    std::vector<Parameter> query;
    std::vector<HeaderField> headers;
};

std::optional<Sent> sign(const Parts& parts, bool presigned) {
    static const Signer signer{kCredentials, kRegion};
    const auto key = parse_object_key(parts.key);
    if (!key) return std::nullopt;
    const ObjectAddress address{*parse_endpoint(kOrigin), AddressingStyle::path, Bucket::trusted("incoming"),
                                *key};
    Sent sent{parts.method, {}, {}};
    if (presigned) {
        const auto url = signer.presign({.method = parts.method,
                                         .address = address,
                                         .query = parts.query,
                                         .headers = parts.headers,
                                         .at = kNow});
        if (!url) return std::nullopt;
        sent.target = url->url.substr(kOrigin.size());
        sent.headers = url->headers;
    } else {
        const auto request = signer.sign_headers({.method = parts.method,
                                                  .address = address,
                                                  .query = parts.query,
                                                  .headers = parts.headers,
                                                  .payload_sha256 = std::string{kUnsignedPayload},
                                                  .at = kNow});
        if (!request) return std::nullopt;
        sent.target = request->url.substr(kOrigin.size());
        sent.headers = request->headers;
    }
    sent.headers.push_back({"Host", "127.0.0.1:9000"});
    return sent;
}

Verification<VerifiedRequest> verify(const Sent& sent) {
    static const Verifier verifier{{kCredentials}, kRegion};
    return verifier.verify(
        ReceivedRequest{sent.method, sent.target, http::semantics::views_of(sent.headers), kNow});
}

/// The signed headers in one text, as SigV4 spells them.
std::string signed_lines(const Sent& sent, const VerifiedRequest& verified) {
    std::vector<HeaderView> chosen;
    for (const auto& header : sent.headers) {
        std::string name = header.name;
        std::transform(name.begin(), name.end(), name.begin(),
                       [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
        if (std::find(verified.signed_headers.begin(), verified.signed_headers.end(), name) !=
            verified.signed_headers.end()) {
            chosen.push_back({header.name, header.value});
        }
    }
    return canonical_headers(chosen).lines;
}

std::vector<std::pair<std::string, std::string>> sorted(const std::vector<Parameter>& query) {
    std::vector<std::pair<std::string, std::string>> out;
    for (const auto& [name, value] : query)
        out.emplace_back(name, value);
    std::sort(out.begin(), out.end());
    return out;
}

void change(std::string& text, std::uint8_t where, std::uint8_t by) {
    if (!text.empty()) text[where % text.size()] = static_cast<char>(text[where % text.size()] ^ by);
}

void tamper(Sent& sent, std::uint8_t what, std::uint8_t where, std::uint8_t by) {
    auto& header = sent.headers[where % sent.headers.size()];
    switch (what % 7) {
        case 0:
            change(sent.target, where, by);
            break;
        case 1:
            change(header.name, by, 0x20);
            break;
        case 2:
            change(header.value, by, static_cast<std::uint8_t>(by | 1U));
            break;
        case 3:
            sent.headers.push_back({"x-amz-copy-source", "/private/secret"});
            break;
        case 4:
            sent.headers.erase(sent.headers.begin() +
                               where % static_cast<std::ptrdiff_t>(sent.headers.size()));
            break;
        case 5:
            sent.target += fmt::format("{}{:c}={}", sent.target.find('?') == std::string::npos ? '?' : '&',
                                       'a' + where % 26, by);
            break;
        default:
            sent.method = kMethods[where % kMethods.size()];
            break;
    }
}

Parts read(fuzz::Input& input, std::uint8_t form) {
    Parts parts;
    parts.method = kMethods[form / 2 % kMethods.size()];
    parts.key = input.line();
    for (auto line = input.line(); !line.empty(); line = input.line()) {
        const auto [name, value] = fuzz::split(line, '=');
        parts.query.push_back({std::string{name}, std::string{value}});
    }
    while (!input.empty()) {
        const auto [name, value] = fuzz::split(input.line(), ':');
        parts.headers.push_back({std::string{name}, std::string{value}});
    }
    return parts;
}

void run(BytesView bytes) {
    fuzz::Input input{bytes};
    const auto form = input.byte(), what = input.byte(), where = input.byte(), by = input.byte();
    const auto parts = read(input, form);
    auto sent = sign(parts, form % 2 == 0);
    if (!sent) return;
    const auto verified = verify(*sent);
    require(verified.has_value(), "what was signed is accepted");
    require(verified->path == "/incoming/" + parts.key, "the path is the one signed");
    require(sorted(verified->query) == sorted(parts.query), "the query is the one signed");

    const auto lines = signed_lines(*sent, *verified);
    const auto method = sent->method;
    tamper(*sent, what, where, by);
    const auto changed = verify(*sent);
    if (!changed) return;
    require(sent->method == method && changed->path == verified->path &&
                sorted(changed->query) == sorted(verified->query) &&
                changed->payload_hash == verified->payload_hash &&
                changed->expires_at == verified->expires_at && signed_lines(*sent, *changed) == lines,
            "what was changed is accepted only where it means what was signed");
}

const fuzz::Target target{"sigv4_verify", run};

}  // namespace
}  // namespace photogate::signer
