#include "gateway/routes/request_fields.hpp"

#include "base/json/fields.hpp"

namespace photogate::gateway::routes {

using http::Request;

delivery::Conditions conditions_of(const Request& request) {
    const bool is_get = request.method == http::Method::get;
    return {request.headers.find("if-match"),          request.headers.find("if-none-match"),
            request.headers.find("if-modified-since"), request.headers.find("if-unmodified-since"),
            request.headers.find("if-range"),          is_get ? request.headers.find("range") : std::nullopt};
}

Result<std::optional<std::int64_t>> read_expires_in(const Request& request) {
    if (request.body.empty()) return std::optional<std::int64_t>{};
    const auto document = json::read_object(request.body);
    if (!document) return fail(document.error());
    json::Fields fields(*document);
    const auto expires_in = fields.integer("expires_in", {.least = 1, .code = ErrorCode::invalid_expiry});
    if (const auto sane = fields.finish(); !sane) return fail(sane.error());
    return expires_in;
}

}  // namespace photogate::gateway::routes
