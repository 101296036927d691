// Any bytes as a callback's URL: curl, which will call it, reads the same host in it, and where that is an
// address for a resolver, the guard has seen that address.
#include <cstring>
#include <memory>

#include <curl/curl.h>
#include <netdb.h>
#include <netinet/in.h>

#include "fuzz.hpp"
#include "notifier/callbacks/address_guard.hpp"
#include "notifier/callbacks/host_spelling.hpp"

namespace photogate::notifier::callbacks {
namespace {

using fuzz::require;

/// Scheme or host as curl reads it; empty if curl rejects the URL.
std::string part_of(const std::string& url, CURLUPart part) {
    const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parsed{curl_url(), curl_url_cleanup};
    if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return {};
    char* text = nullptr;
    if (curl_url_get(parsed.get(), part, &text, 0) != CURLUE_OK) return {};
    std::string out{text};
    curl_free(text);
    return out;
}

/// The address that a resolver reads from a host without a query.
std::optional<IpAddress> resolved(std::string host) {
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    addrinfo hints{}, *found = nullptr;
    hints.ai_flags = AI_NUMERICHOST;
    hints.ai_socktype = SOCK_STREAM;
    if (::getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return std::nullopt;
    IpAddress address{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF}};
    if (found->ai_family == AF_INET) {
        sockaddr_in in{};
        std::memcpy(&in, found->ai_addr, sizeof in);
        std::memcpy(address.bytes.data() + 12, &in.sin_addr, 4);
    } else {
        sockaddr_in6 in{};
        std::memcpy(&in, found->ai_addr, sizeof in);
        std::memcpy(address.bytes.data(), &in.sin6_addr, 16);
    }
    ::freeaddrinfo(found);
    return address;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
    return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

void check_accepted(const std::string& url, const CallbackUrlPolicy& policy) {
    require(url.size() <= 2'048 &&
                url.find_first_of(std::string_view{"\0 \t\r\n#@\\", 8}, 8) >= url.find_first_of("/?", 8),
            "nothing strange stands in an accepted authority");
    const auto scheme = part_of(url, CURLUPART_SCHEME), host = part_of(url, CURLUPART_HOST);
    require(scheme == "https" || scheme == "http", "curl takes an accepted URL");
    require(!host.empty() && part_of(url, CURLUPART_USER).empty() && part_of(url, CURLUPART_ZONEID).empty(),
            "curl sees a host and nobody in an accepted URL");
    if (const auto address = resolved(host))
        require(policy.guard.permits(*address), "an accepted URL does not lead inwards");
}

void run(BytesView bytes) {
    const std::string url{as_text(bytes)};
    const CallbackUrlPolicy one{{"hooks.example.com", "*.example.org:8443"}, {"hooks.example.com"}, {}};
    if (check_callback_url(url, one)) {
        check_accepted(url, one);
        const auto host = part_of(url, CURLUPART_HOST);
        require(equals_ignoring_case(host, "hooks.example.com") ||
                    (host.size() > 12 && equals_ignoring_case(host.substr(host.size() - 12), ".example.org")),
                "curl goes to the host that was allowed");
    }
    // With everything on the list, only the guard decides.
    const auto host = part_of(url, CURLUPART_HOST);
    if (host.empty()) return;
    const CallbackUrlPolicy all{{host + ":*"}, {host}, {}};
    if (check_callback_url(url, all)) check_accepted(url, all);
    if (const auto address = resolved(host)) {
        const auto plain = plain_host(host);
        const auto seen = plain ? address_of(*plain) : std::nullopt;
        require(seen == address, "what a resolver takes for an address, the guard sees as that address");
    }
}

const fuzz::Target target{"callback_url", run};

}  // namespace
}  // namespace photogate::notifier::callbacks
