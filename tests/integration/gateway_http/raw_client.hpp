// A socket that sends exactly the bytes it is given and reads answers one by one: what no HTTP library would
// let a test do.
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/ascii.hpp"
#include "gateway/http/message.hpp"

namespace photogate::gateway::http::test {

struct Answer {
    int status = 0;
    std::string head;
    std::string body;

    /// The header's value, compared without case; empty where there is none.
    std::string header(std::string_view name) const {
        std::size_t at = 0;
        while ((at = head.find("\r\n", at)) != std::string::npos) {
            at += 2;
            std::size_t colon = head.find(':', at);
            if (colon == std::string::npos) return "";
            if (ascii::equals_ignoring_case(std::string_view{head}.substr(at, colon - at), name)) {
                return head.substr(colon + 2, head.find("\r\n", colon) - colon - 2);
            }
        }
        return "";
    }
};

enum class Expecting { body, no_body };

class RawClient {
  public:
    /// `from`: one of this machine's addresses to come from.
    explicit RawClient(std::uint16_t port, int receive_buffer = 0, const char* from = nullptr)
        : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        if (receive_buffer > 0) {
            (void)setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
        }
        // A hang must fail the test, not the whole run.
        timeval patience{20, 0};
        (void)setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        // What is sent in pieces must leave in pieces.
        const int at_once = 1;
        (void)setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        if (from && (inet_pton(AF_INET, from, &address.sin_addr) != 1 ||
                     ::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)) {
            throw std::runtime_error("the test could not come from there");
        }
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (socket_ < 0 || ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
            throw std::runtime_error("the test could not connect");
        }
    }
    ~RawClient() {
        if (socket_ >= 0) ::close(socket_);
    }
    RawClient(RawClient&& other) noexcept
        : socket_(std::exchange(other.socket_, -1)), got_(std::move(other.got_)) {}
    RawClient(const RawClient&) = delete;
    RawClient& operator=(const RawClient&) = delete;

    /// False where the peer has already gone.
    bool send(std::string_view bytes) {
        while (!bytes.empty()) {
            ssize_t size = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (size <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(size));
        }
        return true;
    }
    /// Ends with a RST, as a process that is killed with unread data does.
    void reset() {
        const linger at_once{1, 0};
        (void)setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        ::close(std::exchange(socket_, -1));
    }
    void finish_sending() { (void)::shutdown(socket_, SHUT_WR); }

    /// The next answer; nullopt at the connection's end.
    std::optional<Answer> receive(Expecting expecting = Expecting::body) {
        std::size_t end = 0;
        while ((end = got_.find("\r\n\r\n")) == std::string::npos) {
            if (!more()) return std::nullopt;
        }
        Answer answer;
        answer.head = got_.substr(0, end + 2);
        got_.erase(0, end + 4);
        answer.status = std::atoi(answer.head.substr(9, 3).c_str());
        if (expecting == Expecting::no_body || answer.status < 200) return answer;
        if (answer.header("Transfer-Encoding") == "chunked") {
            read_chunks(answer.body);
            return answer;
        }
        std::string length = answer.header("Content-Length");
        std::size_t size = static_cast<std::size_t>(std::strtoull(length.c_str(), nullptr, 10));
        while (got_.size() < size) {
            if (!more()) throw std::runtime_error("the body ended early");
        }
        answer.body = got_.substr(0, size);
        got_.erase(0, size);
        return answer;
    }
    std::optional<Answer> ask(std::string_view bytes, Expecting expecting = Expecting::body) {
        send(bytes);
        return receive(expecting);
    }

    /// Waits for the peer's end; false where more bytes came instead.
    bool at_end() { return got_.empty() && !more() && got_.empty(); }

  private:
    bool more() {
        char bytes[65'536];
        ssize_t size = ::recv(socket_, bytes, sizeof bytes, 0);
        if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            throw std::runtime_error("nothing came in time");
        if (size <= 0) return false;
        got_.append(bytes, static_cast<std::size_t>(size));
        return true;
    }
    void read_chunks(std::string& body) {
        while (true) {
            std::size_t line = 0;
            while ((line = got_.find("\r\n")) == std::string::npos) {
                if (!more()) throw std::runtime_error("a chunk ended early");
            }
            std::size_t size = static_cast<std::size_t>(std::strtoull(got_.c_str(), nullptr, 16));
            while (got_.size() < line + 4 + size) {
                if (!more()) throw std::runtime_error("a chunk ended early");
            }
            body += got_.substr(line + 2, size);
            got_.erase(0, line + 4 + size);
            if (size == 0) return;
        }
    }

    int socket_ = -1;
    std::string got_;
};

}  // namespace photogate::gateway::http::test
