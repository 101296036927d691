#include "gateway/system/start_check.hpp"

#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/file.hpp"
#include "gateway/local/private_postgres.hpp"

namespace photogate::gateway::system {
namespace {

struct Wanted {
    std::string_view option;  ///< as in the file
    std::string_view flag;
    config::ListenAddress address;
};

std::vector<Wanted> wanted_by(const config::Config& config, ProcessRole role) {
    std::vector<Wanted> all;
    if (role != ProcessRole::work) {
        for (const auto& address : config.server.listen)
            all.push_back({"server.listen", "--server-listen", address});
        if (!config.store.folder.empty())
            all.push_back({"store.listen", "--store-listen", config.store.listen});
    }
    all.push_back({"server.metrics_listen", "--server-metrics-listen", config.server.metrics_listen});
    return all;
}

/// Where an IPv4 wildcard is named too, the IPv6 one is for IPv6 alone.
bool is_ipv6_alone(const std::vector<Wanted>& all, const config::ListenAddress& address) {
    for (const auto& other : all) {
        if (other.address.host == "0.0.0.0" && other.address.port == address.port) return true;
    }
    return false;
}

/// The listening socket, or why there is none.
Result<Descriptor> listen_on(const config::ListenAddress& address, bool ipv6_alone) {
    const std::string host = address.host == "localhost" ? "127.0.0.1" : address.host;
    const bool six = host.find(':') != std::string::npos;
    sockaddr_in6 to6{};
    sockaddr_in to4{};
    to6.sin6_family = AF_INET6;
    to6.sin6_port = htons(address.port);
    to4.sin_family = AF_INET;
    to4.sin_port = htons(address.port);
    // What is no address after all is for the server to refuse.
    if (::inet_pton(six ? AF_INET6 : AF_INET, host.c_str(),
                    six ? static_cast<void*>(&to6.sin6_addr) : static_cast<void*>(&to4.sin_addr)) != 1)
        return Descriptor{};
    Descriptor socket{::socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    const int on = 1;
    if (socket) (void)::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (socket && ipv6_alone) (void)::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    const auto* to = six ? reinterpret_cast<const sockaddr*>(&to6) : reinterpret_cast<const sockaddr*>(&to4);
    if (!socket || ::bind(socket.get(), to, six ? sizeof to6 : sizeof to4) != 0 ||
        ::listen(socket.get(), 1) != 0)
        return fail(ErrorCode::cannot_bind, std::generic_category().message(errno));
    return socket;
}

}  // namespace

Result<> check_start(const config::Config& config, ProcessRole role) {
    const auto all = wanted_by(config, role);
    std::vector<Descriptor> held;  // all at once, so that two of ours that collide are found too
    for (const auto& [option, flag, address] : all) {
        if (address.port == 0) continue;
        auto socket = listen_on(address, address.host == "::" && is_ipv6_alone(all, address));
        if (socket) {
            held.push_back(std::move(*socket));
            continue;
        }
        if (!config.postgres_folder.empty() && local::PrivatePostgres::is_running(config.postgres_folder))
            return fail(ErrorCode::store_in_use, "another photogate is running on " + config.postgres_folder +
                                                     ": stop it, or choose another folder");
        return fail(ErrorCode::cannot_bind,
                    fmt::format("{} can't listen on {}: {}. `ss -ltnp 'sport = :{}'` shows what does; stop "
                                "it, or choose another port ({}, or {} in the configuration)",
                                option, address.text(), socket.error().detail, address.port, flag, option));
    }
    return {};
}

}  // namespace photogate::gateway::system
