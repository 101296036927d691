// A socket that listens on a free port of 127.0.0.1.
//
// Thread safety: one thread; accept4(2) on socket() from any.
#pragma once

#include <cstdint>
#include <stdexcept>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/file.hpp"

namespace photogate::test {

class LoopbackListener {
  public:
    /// Throws std::runtime_error if there is no port.
    explicit LoopbackListener(int backlog = 64) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address;
        if (::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), length) != 0 ||
            ::listen(socket_.get(), backlog) != 0 ||
            ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0)
            throw std::runtime_error{"no port of 127.0.0.1 to listen on"};
        port_ = ntohs(address.sin_port);
    }

    int socket() const { return socket_.get(); }
    std::uint16_t port() const { return port_; }
    void close() { socket_.reset(); }

  private:
    Descriptor socket_;
    std::uint16_t port_ = 0;
};

}  // namespace photogate::test
