#include "gateway/http/cors.hpp"

#include <algorithm>

#include "base/endpoint.hpp"

namespace photogate::gateway::http {

namespace {

constexpr std::string_view max_age = "7200";
constexpr std::string_view exposed = "ETag, Location, X-Request-Id, Retry-After";

bool is_any(const CorsPolicy& policy) {
    return policy.origins.size() == 1 && policy.origins.front() == "*";
}

std::string join(const std::vector<std::string>& words) {
    std::string joined;
    for (const std::string& word : words)
        joined.append(joined.empty() ? "" : ", ").append(word);
    return joined;
}

/// Allow-Origin and what goes with it; empty where this origin is not one of the policy's.
std::vector<HeaderField> origin_headers(const CorsPolicy& policy, const RequestHead& head) {
    std::optional<std::string_view> origin = head.headers.find("Origin");
    if (is_any(policy)) {
        if (!origin) return {};
        return {{"Access-Control-Allow-Origin", "*"}};
    }
    if (policy.origins.empty()) return {};
    std::vector<HeaderField> headers{{"Vary", "Origin"}};
    if (!origin || std::find(policy.origins.begin(), policy.origins.end(), *origin) == policy.origins.end())
        return headers;
    headers.push_back({"Access-Control-Allow-Origin", std::string{*origin}});
    if (policy.credentials == Credentials::allowed)
        headers.push_back({"Access-Control-Allow-Credentials", "true"});
    return headers;
}

bool allows(const std::vector<HeaderField>& headers) {
    return std::any_of(headers.begin(), headers.end(),
                       [](const HeaderField& field) { return field.name == "Access-Control-Allow-Origin"; });
}

}  // namespace

Result<> CorsPolicy::validate() const {
    bool any = std::find(origins.begin(), origins.end(), "*") != origins.end();
    if (any && origins.size() > 1) {
        return fail(ErrorCode::invalid_configuration, "CORS: \"*\" stands alone or not at all.");
    }
    if (any && credentials == Credentials::allowed) {
        return fail(ErrorCode::invalid_configuration,
                    "CORS: \"*\" can not be had with credentials; name the origins.");
    }
    for (const std::string& origin : origins) {
        if (origin == "*") continue;
        Result<Endpoint> endpoint = parse_endpoint(origin);
        if (!endpoint || endpoint->origin() != origin) {
            return fail(
                ErrorCode::invalid_configuration,
                "CORS: an origin is scheme, host and perhaps a port, without a slash at its end: " + origin);
        }
    }
    return {};
}

std::vector<HeaderField> cors_headers(const CorsPolicy& policy, const RequestHead& head) {
    std::vector<HeaderField> headers = origin_headers(policy, head);
    if (allows(headers)) headers.push_back({"Access-Control-Expose-Headers", std::string{exposed}});
    return headers;
}

bool is_preflight(const RequestHead& head) {
    return head.method == Method::options && head.headers.find("Origin") &&
           head.headers.find("Access-Control-Request-Method");
}

std::vector<HeaderField> preflight_headers(const CorsPolicy& policy, const RequestHead& head,
                                           std::string_view methods) {
    std::vector<HeaderField> headers = origin_headers(policy, head);
    if (!allows(headers)) return headers;
    headers.push_back({"Access-Control-Allow-Methods", std::string{methods}});
    if (!policy.allowed_headers.empty()) {
        headers.push_back({"Access-Control-Allow-Headers", join(policy.allowed_headers)});
    }
    headers.push_back({"Access-Control-Max-Age", std::string{max_age}});
    return headers;
}

}  // namespace photogate::gateway::http
