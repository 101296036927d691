// Any bytes as the address of a service: an accepted address survives a round trip, and curl connects to the
// same host.
#include "base/endpoint.hpp"

#include <memory>

#include <curl/curl.h>

#include "fuzz.hpp"

namespace photogate {
namespace {

using fuzz::require;

void run(BytesView bytes) {
    const auto endpoint = parse_endpoint(as_text(bytes));
    if (!endpoint) return;
    const auto again = parse_endpoint(endpoint->origin());
    require(again && again->scheme == endpoint->scheme && again->host == endpoint->host &&
                again->effective_port() == endpoint->effective_port(),
            "an endpoint survives being written");
    const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parsed{curl_url(), curl_url_cleanup};
    if (curl_url_set(parsed.get(), CURLUPART_URL, endpoint->origin().c_str(), 0) != CURLUE_OK) return;
    for (const auto& [part, expected] :
         {std::pair{CURLUPART_SCHEME, endpoint->scheme}, std::pair{CURLUPART_HOST, endpoint->host},
          std::pair{CURLUPART_PORT, std::to_string(endpoint->effective_port())}}) {
        char* text = nullptr;
        require(curl_url_get(parsed.get(), part, &text, CURLU_DEFAULT_PORT) == CURLUE_OK,
                "curl sees each part");
        const std::string seen{text};
        curl_free(text);
        // curl writes addresses in their plainest form: 0x7f.1 becomes 127.0.0.1.
        if (part != CURLUPART_HOST) require(seen == expected, "curl sees the same scheme and port");
        if (part == CURLUPART_HOST && expected.starts_with('['))
            require(seen.starts_with('['), "an IPv6 literal stays one for curl");
    }
}

const fuzz::Target target{"endpoint", run};

}  // namespace
}  // namespace photogate
