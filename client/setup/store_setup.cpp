#include "client/setup/store_setup.hpp"

#include "storage/http/http_client.hpp"

namespace photogate::client::setup {

std::string_view to_string(Standing standing) {
    switch (standing) {
        case Standing::already:
            return "already so";
        case Standing::to_do:
            return "to do";
        case Standing::later:
            return "later";
    }
    return "";
}

bool answers(const std::string& url) {
    storage::http::HttpClient http{{.user_agent = "photogate", .guard = {}, .ca_file = {}}};
    storage::http::Request request;
    request.url = url;
    request.first_byte_timeout = std::chrono::seconds{3};
    return http.send(request).has_value();
}

std::string origin_of(std::string_view url) {
    const auto scheme = url.find("://");
    if (scheme == std::string_view::npos) return std::string{url};
    return std::string{url.substr(0, url.find('/', scheme + 3))};
}

bool says(const Error& error, std::string_view code) {
    return error.detail.starts_with(code) &&
           (error.detail.size() == code.size() || error.detail[code.size()] == ':');
}

}  // namespace photogate::client::setup
