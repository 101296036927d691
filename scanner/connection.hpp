// A stream socket to a scanner on which every wait ends at a deadline.
//
// Thread safety: one thread at a time. Errors: scanner_unavailable.
#pragma once

#include <array>
#include <chrono>
#include <string>
#include <string_view>

#include "base/file.hpp"
#include "base/result.hpp"

struct sockaddr;

namespace photogate::scanner {

class Connection {
  public:
    using Steady = std::chrono::steady_clock;

    explicit Connection(Steady::time_point deadline) : deadline_(deadline) {}

    Result<> open_local(const std::string& path);
    Result<> open_remote(const std::string& host, const std::string& port);
    /// Of a connection that is used again.
    void set_deadline(Steady::time_point deadline) { deadline_ = deadline; }

    /// All of the bytes. False: the peer has closed, or has said something already.
    Result<bool> send(std::string_view bytes);
    /// What has arrived, good until the next call; empty: the peer has closed.
    Result<std::string_view> receive();
    /// It is open, and the peer has said nothing since.
    bool is_quiet() const;

  private:
    Result<int> wait(int events) const;
    Result<> connect(const sockaddr* address, unsigned size, int family);

    Steady::time_point deadline_;
    Descriptor socket_;
    std::array<char, 16'384> part_{};
};

}  // namespace photogate::scanner
