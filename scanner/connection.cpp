#include "scanner/connection.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "scanner/engine.hpp"

namespace photogate::scanner {
namespace {

std::string reason_of(int number) {
    return std::error_code{number, std::generic_category()}.message();
}

}  // namespace

Result<> Connection::open_local(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return no_verdict("its socket's path is too long");
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return connect(reinterpret_cast<const sockaddr*>(&address), sizeof address, AF_UNIX);
}

Result<> Connection::open_remote(const std::string& host, const std::string& port) {
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_STREAM;
    wanted.ai_flags = AI_NUMERICSERV;
    addrinfo* found = nullptr;
    if (const int failure = ::getaddrinfo(host.c_str(), port.c_str(), &wanted, &found); failure != 0)
        return no_verdict(fmt::format("{} does not resolve: {}", host, ::gai_strerror(failure)));
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> all{found, &::freeaddrinfo};
    Result<> last = no_verdict("its host has no address");
    for (const auto* each = found; each != nullptr; each = each->ai_next) {
        last = connect(each->ai_addr, each->ai_addrlen, each->ai_family);
        if (last) return last;
    }
    return last;
}

Result<bool> Connection::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto ready = wait(POLLIN | POLLOUT);
        if (!ready) return fail(ready.error());
        if ((*ready & POLLIN) != 0) return false;
        const auto sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0) {
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        } else if (errno == EPIPE || errno == ECONNRESET) {
            return false;
        } else if (errno != EAGAIN && errno != EINTR) {
            return no_verdict("the connection broke: " + reason_of(errno));
        }
    }
    return true;
}

Result<std::string_view> Connection::receive() {
    for (;;) {
        if (const auto ready = wait(POLLIN); !ready) return fail(ready.error());
        const auto got = ::recv(socket_.get(), part_.data(), part_.size(), MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
        if (got < 0) return no_verdict("the connection broke: " + reason_of(errno));
        return std::string_view{part_.data(), static_cast<std::size_t>(got)};
    }
}

bool Connection::is_quiet() const {
    pollfd asked{socket_.get(), POLLIN, 0};
    return socket_ && ::poll(&asked, 1, 0) == 0;
}

Result<int> Connection::wait(int events) const {
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Steady::now());
        if (left.count() <= 0) return no_verdict("it took too long");
        pollfd asked{socket_.get(), static_cast<short>(events), 0};
        const int ready = ::poll(&asked, 1, static_cast<int>(left.count()));
        if (ready > 0) return static_cast<int>(asked.revents);
        if (ready < 0 && errno != EINTR) return no_verdict("poll: " + reason_of(errno));
    }
}

Result<> Connection::connect(const sockaddr* address, unsigned size, int family) {
    socket_.reset(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket_) return no_verdict("no socket: " + reason_of(errno));
    if (::connect(socket_.get(), address, size) == 0) return {};
    // EAGAIN: a Unix socket whose queue is full; it does not become writable by waiting.
    if (errno != EINPROGRESS) return no_verdict("it can't be connected to: " + reason_of(errno));
    if (const auto ready = wait(POLLOUT); !ready) return fail(ready.error());
    int failure = 0;
    socklen_t length = sizeof failure;
    if (::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &failure, &length) != 0) failure = errno;
    if (failure != 0) return no_verdict("it can't be connected to: " + reason_of(failure));
    return {};
}

}  // namespace photogate::scanner
