// Reads one request a line as JSON from stdin and writes one answer a line as JSON to stdout, so that another
// signer can be compared with ours thousands of times in seconds.
//
//   {"op": "presign", "access_key": …, "secret_key": …, "token": …|null, "region": …, "endpoint": …,
//    "style": "path"|"virtual", "bucket": …|null, "key": …|null, "method": "PUT", "query": [[n, v]…],
//    "headers": [[n, v]…], "expires": 900, "at": …}
//
// op "headers" has "payload_sha256" for "expires"; op "post" has "fields" and "conditions" for "query" and
// "headers".
#include <iostream>
#include <string>

#include <nlohmann/json.hpp>

#include "signer/amz_date.hpp"
#include "signer/signer.hpp"

namespace {

using namespace photogate;
using namespace photogate::signer;
using nlohmann::json;

json fault(std::string_view what) {
    return {{"error", what}};
}

json pairs(const std::vector<HeaderField>& headers) {
    auto out = json::array();
    for (const auto& header : headers)
        out.push_back(json::array({header.name, header.value}));
    return out;
}

template <class Pair>
std::vector<Pair> read_pairs(const json& list) {
    std::vector<Pair> out;
    for (const auto& pair : list)
        out.push_back({pair.at(0).get<std::string>(), pair.at(1).get<std::string>()});
    return out;
}

std::optional<std::string> text(const json& request, const char* name) {
    const auto found = request.find(name);
    if (found == request.end() || found->is_null()) return std::nullopt;
    return found->get<std::string>();
}

ObjectAddress read_address(const json& request) {
    ObjectAddress address;
    address.endpoint = parse_endpoint(request.at("endpoint").get<std::string>()).value();
    address.style = request.at("style") == "virtual" ? AddressingStyle::virtual_host : AddressingStyle::path;
    if (const auto bucket = text(request, "bucket")) address.bucket = parse_bucket(*bucket).value();
    if (const auto key = text(request, "key")) address.key = parse_object_key(*key).value();
    return address;
}

std::vector<PolicyCondition> read_conditions(const json& list) {
    using Kind = PolicyCondition::Kind;
    std::vector<PolicyCondition> out;
    for (const auto& each : list) {
        if (each.at(0) == "content-length-range") {
            out.push_back(
                {Kind::content_length_range, {}, {}, each.at(1).get<ByteSize>(), each.at(2).get<ByteSize>()});
        } else {
            const auto kind = each.at(0) == "eq" ? Kind::equals : Kind::starts_with;
            out.push_back({kind, each.at(1).get<std::string>(), each.at(2).get<std::string>(), 0, 0});
        }
    }
    return out;
}

json answer(const json& request) {
    Credentials credentials{request.at("access_key").get<std::string>(),
                            Secret{request.at("secret_key").get<std::string>()}, std::nullopt};
    if (const auto token = text(request, "token")) credentials.session_token = Secret{*token};
    const Signer signer{std::move(credentials),
                        parse_region(request.at("region").get<std::string>()).value()};
    const auto at = parse_amz_date(request.at("at").get<std::string>()).value();
    const auto op = request.at("op").get<std::string>();

    if (op == "presign") {
        PresignRequest asked{.method = request.at("method").get<std::string>(),
                             .address = read_address(request),
                             .query = read_pairs<Parameter>(request.at("query")),
                             .headers = read_pairs<HeaderField>(request.at("headers")),
                             .expires = std::chrono::seconds{request.at("expires").get<std::int64_t>()},
                             .at = at,
                             .payload_sha256 = text(request, "payload_sha256")};
        const auto made = signer.presign(asked);
        if (!made) return fault(made.error().detail);
        return {{"url", made->url}, {"headers", pairs(made->headers)}};
    }
    if (op == "headers") {
        HeaderSignRequest asked{.method = request.at("method").get<std::string>(),
                                .address = read_address(request),
                                .query = read_pairs<Parameter>(request.at("query")),
                                .headers = read_pairs<HeaderField>(request.at("headers")),
                                .payload_sha256 = request.at("payload_sha256").get<std::string>(),
                                .at = at};
        const auto made = signer.sign_headers(asked);
        if (!made) return fault(made.error().detail);
        return {{"url", made->url}, {"headers", pairs(made->headers)}};
    }
    if (op == "post") {
        PostPolicyRequest asked{.address = read_address(request),
                                .conditions = read_conditions(request.at("conditions")),
                                .fields = read_pairs<HeaderField>(request.at("fields")),
                                .expires = std::chrono::seconds{request.at("expires").get<std::int64_t>()},
                                .at = at};
        const auto made = signer.sign_post_policy(asked);
        if (!made) return fault(made.error().detail);
        return {{"url", made->url}, {"fields", pairs(made->fields)}};
    }
    return fault("op is presign, headers or post");
}

}  // namespace

int main() {
    std::ios::sync_with_stdio(false);
    for (std::string line; std::getline(std::cin, line);) {
        json out;
        try {
            out = answer(json::parse(line));
        } catch (const std::exception& e) {
            out = fault(e.what());
        }
        std::cout << out.dump() << '\n';
    }
}
