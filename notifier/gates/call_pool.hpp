// Threads that wait for hooks. Bounded, and fair: no URL has more than its share of the threads or of the places to wait,
// so that a hook that hangs delays nobody else's. Those who ask at one URL (an app, each of its client tokens) have their
// turns by rotation, and where all places are taken, whoever has the most gives up the latest of his to one who has fewer.
//
// Work waits for a bounded time; after it the work is told that its turn has not come. Thread safety: any thread. A thread
// is started when there is work for it, and stays.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/result.hpp"

namespace photogate::notifier::gates {

class CallPool {
  public:
    struct Options {
        std::size_t threads = 16;
        std::size_t threads_of_key = 8;
        std::size_t waiting = 1'024;
        std::size_t waiting_of_key = 640;            ///< a whole batch of uploads, and some
        std::chrono::milliseconds patience{20'000};  ///< in the queue
    };
    /// Called once: by a thread of the pool with success, or with `overloaded` where its turn did not come in time, the
    /// pool ends, or its place went to another asker (then by the thread that submits that one's).
    using Work = std::function<void(Result<>)>;

    explicit CallPool(Options options) : options_(options) {}
    ~CallPool() { join(); }
    CallPool(const CallPool&) = delete;
    CallPool& operator=(const CallPool&) = delete;

    /// `key`: whose share of the threads and places it is, a URL. `asker`: within it.
    /// Errors: overloaded; then `work` is not called.
    Result<> submit(const std::string& key, const std::string& asker, Work work);
    /// What waits is told that its turn does not come, what runs ends. Twice does no harm.
    void join();

    struct Counts {
        std::size_t waiting = 0;
        std::size_t active = 0;
        std::uint64_t refused = 0;
    };
    Counts counts() const;

  private:
    using Steady = std::chrono::steady_clock;
    struct Waiting {
        Work work;
        Steady::time_point since;
    };
    struct Key {
        std::map<std::string, std::deque<Waiting>> askers;  ///< none of them empty
        std::string last;                                   ///< whose turn it was
        std::size_t waiting = 0;
        std::size_t active = 0;
    };
    using Keys = std::map<std::string, Key>;
    /// A place for one more of `asker`: a free one, or another's, whose work is then in `displaced`.
    bool make_room(const std::string& key, const std::string& asker, Work& displaced);
    static Waiting take_next(Key& key);
    void forget_if_idle(const std::string& key);
    void start_thread();
    void loop();
    /// The next whose key has a thread left, in turns; end() where there is none.
    Keys::iterator next();
    void run(std::unique_lock<std::mutex>& lock, Keys::iterator key);

    const Options options_;
    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::map<std::string, Key> keys_;
    std::string last_;  ///< whose turn it was
    std::size_t waiting_ = 0;
    std::size_t active_ = 0;
    std::uint64_t refused_ = 0;
    bool closing_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace photogate::notifier::gates
