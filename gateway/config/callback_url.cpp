#include "gateway/config/callback_url.hpp"

#include "base/endpoint.hpp"

namespace photogate::gateway::config {

Result<> check_own_callback_url(const std::string& url, notifier::callbacks::CallbackUrlPolicy policy) {
    const auto scheme = url.find("://");
    const auto authority = url.substr(scheme == std::string::npos ? 0 : scheme + 3);
    const auto end = authority.find_first_of("/?#");
    if (const auto endpoint = parse_endpoint(url.substr(0, scheme == std::string::npos ? 0 : scheme + 3) +
                                             authority.substr(0, end))) {
        policy.allowed_hosts = {endpoint->host + ":*"};
    }
    return notifier::callbacks::check_callback_url(url, policy);
}

}  // namespace photogate::gateway::config
