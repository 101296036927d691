#include "gateway/s3/cors.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "http/semantics/field.hpp"

namespace photogate::gateway::s3 {

namespace {

constexpr std::size_t kMostNames = 64;

bool is_list_of_names(std::string_view list) {
    std::size_t names = 0;
    for (std::size_t at = 0; at <= list.size();) {
        const auto end = std::min(list.find(',', at), list.size());
        const auto name = trim(list.substr(at, end - at));
        at = end + 1;
        if (!photogate::http::semantics::is_token(name) || ++names > kMostNames) return false;
    }
    return true;
}

/// The value of Access-Control-Allow-Origin; empty if this origin is not allowed.
std::string allowed(const std::vector<std::string>& origins, std::string_view origin) {
    for (const std::string& each : origins) {
        if (each == "*") return each;
        if (each == origin) return each;
    }
    return {};
}

}  // namespace

std::vector<http::HeaderField> cors_headers(const std::vector<std::string>& origins,
                                            const http::RequestHead& head) {
    const auto origin = head.headers.find("Origin");
    if (!origin) return {};
    std::vector<http::HeaderField> fields{{"Vary", "Origin"}};
    const std::string answer = allowed(origins, *origin);
    if (answer.empty()) return fields;
    fields.push_back({"Access-Control-Allow-Origin", answer});
    // `*` exposes x-amz-meta-* as well: no response allows credentials, so it is a wildcard (Fetch, 3.2.5).
    fields.push_back({"Access-Control-Expose-Headers",
                      "ETag, Content-Length, Content-Range, Content-Type, Last-Modified, Location, "
                      "x-amz-request-id, x-amz-version-id, x-amz-checksum-crc32, x-amz-checksum-crc32c, "
                      "x-amz-checksum-crc64nvme, x-amz-checksum-sha1, x-amz-checksum-sha256, *"});
    return fields;
}

http::Response preflight(const std::vector<std::string>& origins, const http::RequestHead& head) {
    const auto origin = head.headers.find("Origin");
    http::Response response = http::Response::empty(204);
    response.set("Allow", "GET, HEAD, PUT, POST, DELETE, OPTIONS");
    if (!origin || allowed(origins, *origin).empty()) return response;
    response.set("Access-Control-Allow-Methods", "GET, HEAD, PUT, POST, DELETE");
    response.set("Access-Control-Max-Age", "3600");
    const auto asked = head.headers.find("Access-Control-Request-Headers");
    if (asked && is_list_of_names(*asked)) response.set("Access-Control-Allow-Headers", *asked);
    return response;
}

}  // namespace photogate::gateway::s3
