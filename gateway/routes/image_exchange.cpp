#include "gateway/routes/image_exchange.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "signer/uri_encode.hpp"

namespace photogate::gateway::routes {

using http::Request;
using http::Response;

void open_to_pages(Response& response, const Admission& admission) {
    if (!admission.by_cookie) {
        response.set("Access-Control-Allow-Origin", "*");
        response.set("Timing-Allow-Origin", "*");
    }
    response.set("Cross-Origin-Resource-Policy", "cross-origin");
    response.set("Content-Security-Policy", "default-src 'none'; sandbox");
}

void describe(Response& response, const delivery::Validators& validators, const Admission& admission,
              Timestamp now) {
    response.set("ETag", validators.etag);
    response.set("Last-Modified", format_http_date(validators.last_modified));
    response.set("Cache-Control", admission.cache_control(now));
    response.set("Accept-Ranges", "bytes");
    open_to_pages(response, admission);
}

bool has_foreign_parameters(const Request& request) {
    return std::any_of(request.query.begin(), request.query.end(),
                       [](const auto& parameter) { return !delivery::is_own_parameter(parameter.name); });
}

Result<delivery::AskedImage> read_parameters(const Request& request, config::UnknownParameters unknown) {
    std::vector<delivery::NamedValue> query;
    for (const auto& parameter : request.query) {
        if (unknown == config::UnknownParameters::refused && !delivery::is_own_parameter(parameter.name))
            return fail(ErrorCode::unknown_parameter,
                        "the query parameter '" + parameter.name + "' is unknown here");
        query.push_back({parameter.name, parameter.value});
    }
    return delivery::read_parameters(request.parameter("name"), query);
}

Response without_foreign_parameters(const Request& request) {
    std::string location{request.raw_path()};
    char separator = '?';
    for (const auto& parameter : request.query) {
        if (!delivery::is_own_parameter(parameter.name)) continue;
        location += std::exchange(separator, '&') + signer::encode_component(parameter.name) + "=" +
                    signer::encode_component(parameter.value);
    }
    auto response = Response::empty(301);
    response.set("Location", std::move(location));
    response.set("Cache-Control", "public, max-age=86400");
    return response;
}

Response out_of_range(std::uint64_t size) {
    auto refused = Response::problem({ErrorCode::range_not_satisfiable,
                                      "the image has " + std::to_string(size) + " bytes",
                                      {},
                                      std::nullopt});
    refused.set("Content-Range", "bytes */" + std::to_string(size));
    return refused;
}

}  // namespace photogate::gateway::routes
