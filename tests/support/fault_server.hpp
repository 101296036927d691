// An HTTP server of plain sockets that answers exactly what a test tells it to: wrong lengths, silence,
// broken connections, bytes that are no HTTP. For faults that a real store can't produce on request.
//
// It listens on a free port of 127.0.0.1, one thread per connection; scripts are used in the order of
// requests, and the last one is repeated. The destructor stops everything.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/loopback_listener.hpp"

namespace photogate::test {

struct SeenRequest {
    std::string method;
    std::string target;
    std::string head;  ///< request line and headers, as they came
    std::string body;

    /// A header's value, "" if there is none; `name` in lower case.
    std::string header(std::string_view name) const {
        std::string lower = head;
        std::transform(lower.begin(), lower.end(), lower.begin(),
                       [](unsigned char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); });
        const auto at = lower.find("\r\n" + std::string{name} + ":");
        if (at == std::string::npos) return {};
        const auto from = head.find_first_not_of(' ', at + name.size() + 3);
        return head.substr(from, head.find("\r\n", from) - from);
    }
};

/// The response to one request.
struct Script {
    enum class Then { keep_alive, close, reset, hang };
    std::string bytes;  ///< verbatim
    Then then = Then::keep_alive;
    /// Reads the body first; false answers after the headers, as a store that refuses early does.
    bool reads_body = true;
};

/// `200 OK` with that body, its length, and more header lines (each ending in CRLF).
inline Script answer(int status, std::string_view body, std::string_view more_headers = {}) {
    return {"HTTP/1.1 " + std::to_string(status) + " Status\r\nContent-Length: " +
                std::to_string(body.size()) + "\r\n" + std::string{more_headers} + "\r\n" + std::string{body},
            Script::Then::keep_alive, true};
}

class FaultServer {
  public:
    explicit FaultServer(std::vector<Script> scripts) : scripts_(std::move(scripts)) {
        acceptor_ = std::thread{[this] { accept_all(); }};
    }
    ~FaultServer() {
        stopping_ = true;
        acceptor_.join();
        {
            const std::lock_guard lock{mutex_};
            for (const int connection : open_)
                ::shutdown(connection, SHUT_RDWR);
        }
        for (std::thread& server : servers_)
            server.join();
    }
    FaultServer(const FaultServer&) = delete;
    FaultServer& operator=(const FaultServer&) = delete;

    std::uint16_t port() const { return listener_.port(); }
    std::string url() const { return "http://127.0.0.1:" + std::to_string(port()); }
    std::vector<SeenRequest> seen() const {
        const std::lock_guard lock{mutex_};
        return seen_;
    }
    std::size_t connections() const { return connections_; }

  private:
    void accept_all() {
        while (!stopping_) {
            pollfd ready{listener_.socket(), POLLIN, 0};
            if (::poll(&ready, 1, 20) <= 0) continue;
            const int connection = ::accept4(listener_.socket(), nullptr, nullptr, SOCK_CLOEXEC);
            if (connection < 0) continue;
            ++connections_;
            {
                const std::lock_guard lock{mutex_};
                open_.push_back(connection);
            }
            servers_.emplace_back([this, connection] { serve(connection); });
        }
    }

    void serve(int connection) {
        std::string buffer;
        while (play_one(connection, buffer)) {
        }
        const std::lock_guard lock{mutex_};
        open_.erase(std::find(open_.begin(), open_.end(), connection));
        ::close(connection);
    }

    /// False once the connection is done.
    bool play_one(int connection, std::string& buffer) {
        std::size_t end = 0;
        while ((end = buffer.find("\r\n\r\n")) == std::string::npos) {
            if (buffer.starts_with('\x16')) return greet_tls(connection);
            if (!read_more(connection, buffer)) return false;
        }
        SeenRequest request;
        request.head = buffer.substr(0, end + 2);
        request.method = request.head.substr(0, request.head.find(' '));
        request.target = request.head.substr(request.method.size() + 1);
        request.target.resize(request.target.find(' '));
        buffer.erase(0, end + 4);
        const std::string length = request.header("content-length");
        const std::size_t announced = length.empty() ? 0 : std::stoul(length);

        Script script;
        std::size_t position = 0;
        {
            const std::lock_guard lock{mutex_};
            script = scripts_[std::min(played_++, scripts_.size() - 1)];
            position = seen_.size();
            seen_.push_back(request);
        }
        if (script.reads_body) {
            while (buffer.size() < announced) {
                if (!read_more(connection, buffer)) return false;
            }
            const std::lock_guard lock{mutex_};
            seen_[position].body = buffer.substr(0, announced);
            buffer.erase(0, announced);
        }
        std::string_view rest = script.bytes;
        while (!rest.empty()) {
            const ssize_t sent = ::send(connection, rest.data(), rest.size(), MSG_NOSIGNAL);
            if (sent <= 0) return false;
            rest.remove_prefix(static_cast<std::size_t>(sent));
        }
        switch (script.then) {
            case Script::Then::keep_alive:
                return true;
            case Script::Then::close:
                return false;
            case Script::Then::reset: {
                const linger at_once{1, 0};
                (void)::setsockopt(connection, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
                return false;
            }
            case Script::Then::hang:
                while (read_more(connection, buffer)) {
                }
                return false;
        }
        return false;
    }

    /// A TLS hello gets the first script's bytes: this server has no certificate.
    bool greet_tls(int connection) const {
        (void)::send(connection, scripts_[0].bytes.data(), scripts_[0].bytes.size(), MSG_NOSIGNAL);
        return false;
    }

    static bool read_more(int connection, std::string& buffer) {
        char bytes[16384];
        const ssize_t got = ::recv(connection, bytes, sizeof bytes, 0);
        if (got <= 0) return false;
        buffer.append(bytes, static_cast<std::size_t>(got));
        return true;
    }

    const std::vector<Script> scripts_;
    LoopbackListener listener_;
    std::atomic<bool> stopping_{false};
    std::atomic<std::size_t> connections_{0};
    mutable std::mutex mutex_;
    std::vector<SeenRequest> seen_;
    std::vector<int> open_;
    std::size_t played_ = 0;
    std::vector<std::thread> servers_;  // touched by the acceptor alone, joined after it
    std::thread acceptor_;
};

}  // namespace photogate::test
