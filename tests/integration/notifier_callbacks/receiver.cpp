#include "receiver.hpp"

#include <chrono>
#include <stdexcept>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace photogate::notifier::callbacks::testing {
namespace {

std::string lower(std::string text) {
    for (char& c : text) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return text;
}

bool read_some(int socket, std::string& into, const std::atomic<bool>& closing) {
    while (!closing) {
        pollfd ready{socket, POLLIN, 0};
        if (::poll(&ready, 1, 100) == 0) continue;
        char buffer[16'384];
        const auto n = ::recv(socket, buffer, sizeof buffer, 0);
        if (n <= 0) return false;
        into.append(buffer, static_cast<std::size_t>(n));
        return true;
    }
    return false;
}

}  // namespace

bool say(int socket, const std::string& bytes) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
        const auto n = ::send(socket, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
        if (n <= 0) return false;
        sent += static_cast<std::size_t>(n);
    }
    return true;
}

std::string status(int code, const std::string& headers) {
    return "HTTP/1.1 " + std::to_string(code) + " Said\r\nContent-Length: 2\r\nConnection: close\r\n" +
           headers + "\r\nok";
}

Receiver::Receiver(Answer answer) : answer_(std::move(answer)) {
    acceptor_ = std::thread{[this] { accept_loop(); }};
}

Receiver::~Receiver() {
    closing_ = true;
    acceptor_.join();
    for (auto& thread : threads_)
        thread.join();
}

std::string Receiver::url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(listener_.port()) + path;
}

void Receiver::accept_loop() {
    while (!closing_) {
        pollfd ready{listener_.socket(), POLLIN, 0};
        if (::poll(&ready, 1, 50) <= 0) continue;
        const int socket = ::accept4(listener_.socket(), nullptr, nullptr, SOCK_CLOEXEC);
        if (socket < 0) continue;
        ++connections_;
        threads_.emplace_back([this, socket] {
            serve(socket);
            ::close(socket);
        });
    }
}

void Receiver::serve(int socket) {
    std::string bytes;
    std::size_t end = 0;
    while ((end = bytes.find("\r\n\r\n")) == std::string::npos) {
        if (!read_some(socket, bytes, closing_)) return;
    }
    Received request;
    const auto first = bytes.find("\r\n");
    const auto line = bytes.substr(0, first);
    request.path = line.substr(line.find(' ') + 1, line.rfind(' ') - line.find(' ') - 1);
    for (auto at = first + 2; at < end + 2;) {
        const auto stop = bytes.find("\r\n", at);
        const auto colon = bytes.find(": ", at);
        if (colon != std::string::npos && colon < stop) {
            request.headers[lower(bytes.substr(at, colon - at))] = bytes.substr(colon + 2, stop - colon - 2);
        }
        at = stop + 2;
    }
    const auto size =
        std::stoul(request.headers["content-length"].empty() ? "0" : request.headers["content-length"]);
    request.body = bytes.substr(end + 4);
    while (request.body.size() < size) {
        if (!read_some(socket, request.body, closing_)) return;
    }
    {
        const std::lock_guard lock{mutex_};
        received_.push_back(request);
    }
    changed_.notify_all();
    answer_(socket, request);
    ::shutdown(socket, SHUT_WR);
}

std::vector<Received> Receiver::received(const std::string& path) const {
    const std::lock_guard lock{mutex_};
    std::vector<Received> out;
    for (const auto& request : received_) {
        if (request.path == path) out.push_back(request);
    }
    return out;
}

bool Receiver::wait_for(const std::string& path, std::size_t count) const {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, std::chrono::seconds{10}, [&] {
        std::size_t found = 0;
        for (const auto& request : received_)
            found += request.path == path ? 1 : 0;
        return found >= count;
    });
}

}  // namespace photogate::notifier::callbacks::testing
