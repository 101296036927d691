// A webhook receiver on 127.0.0.1 that fails in the ways of real ones. Raw sockets: it may say what no HTTP
// library would.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/loopback_listener.hpp"

namespace photogate::notifier::callbacks::testing {

struct Received {
    std::string path;
    std::map<std::string, std::string> headers;  ///< names in lower case
    std::string body;
};

class Receiver {
  public:
    /// Answers one request on a connected socket, which is closed behind it. Called on a thread of the
    /// connection.
    using Answer = std::function<void(int socket, const Received& request)>;

    explicit Receiver(Answer answer);
    ~Receiver();

    std::string url(const std::string& path) const;
    std::size_t connections() const { return connections_; }
    std::vector<Received> received(const std::string& path) const;
    /// Waits for that many requests for `path`; false after ten seconds.
    bool wait_for(const std::string& path, std::size_t count) const;
    /// True once the receiver is being destroyed: for endless responses.
    bool closing() const { return closing_; }

  private:
    void accept_loop();
    void serve(int socket);

    Answer answer_;
    photogate::test::LoopbackListener listener_;
    std::atomic<bool> closing_{false};
    std::atomic<std::size_t> connections_{0};
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    std::vector<Received> received_;
    std::vector<std::thread> threads_;
    std::thread acceptor_;
};

/// False where the peer is gone.
bool say(int socket, const std::string& bytes);
std::string status(int code, const std::string& headers = {});

}  // namespace photogate::notifier::callbacks::testing
