#include "notifier/callbacks/client_span.hpp"

#include <cstdint>
#include <string_view>

#include "base/endpoint.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

namespace photogate::notifier::callbacks {

void describe_post(tracing::Span& span, const std::string& url,
                   const Result<storage::http::Response>& answer) {
    if (!span.recording()) return;
    span.set("http.request.method", "POST");
    span.set("url.full", log::redact(std::string{without_query(url)}));
    const std::string_view whole{url};
    const auto authority = whole.find("://");
    if (const auto endpoint = parse_endpoint(whole.substr(0, whole.find_first_of("/?#", authority + 3)))) {
        span.set("server.address", endpoint->host);
        span.set("server.port", std::int64_t{endpoint->effective_port()});
    }
    if (answer) span.set("http.response.status_code", std::int64_t{answer->status});
}

}  // namespace photogate::notifier::callbacks
