// Which connection of this process holds which upload, and how the next one gets it.
//
// A client that comes back after a cut is often ahead of the news that its old connection is dead, and that one still has
// bytes which would be sent again. So whoever comes asks the holder to stop: it stores what it has and lets go. One after the
// other holds an upload, in the order in which they came, also who only looks: the records' epoch, which is taken while it is
// held, would otherwise end a connection whose bytes are on their way. Who holds on for longer than the patience is passed
// over; the epoch keeps it from doing harm.
//
// Thread safety: every call from any thread. Callbacks run on the thread that lets go, on the caller's, or on one of its own:
// they must not block.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "base/words.hpp"

namespace photogate::gateway::resumable {

class Holders {
  public:
    explicit Holders(std::chrono::milliseconds patience = std::chrono::milliseconds{2'000});
    /// Calls what still waits.
    ~Holders();
    Holders(const Holders&) = delete;
    Holders& operator=(const Holders&) = delete;

    /// Lets go when it is destroyed. One thread at a time.
    class Holding {
      public:
        Holding(Holders& holders, UploadId upload, std::uint64_t number)
            : holders_(holders), upload_(std::move(upload)), number_(number) {}
        ~Holding() { holders_.let_go(upload_, number_); }
        Holding(const Holding&) = delete;
        Holding& operator=(const Holding&) = delete;
        /// `interrupt` is called once, as soon as somebody else asks; at once where that was before.
        void on_interrupt(std::function<void()> interrupt) {
            holders_.interrupt_with(upload_, number_, std::move(interrupt));
        }

      private:
        Holders& holders_;
        const UploadId upload_;
        const std::uint64_t number_;
    };
    /// Null where the holders have gone.
    using Then = std::function<void(std::unique_ptr<Holding>)>;

    /// Calls `then` once with the upload: at once if nobody here holds it, otherwise when those who came before have let go,
    /// or after the patience.
    void ask(const UploadId& upload, Then then);
    bool holds(const UploadId& upload) const;
    std::size_t held() const;

  private:
    using Steady = std::chrono::steady_clock;
    struct Holder {
        std::uint64_t number = 0;
        bool wanted = false;  ///< by somebody else
        std::function<void()> interrupt;
    };
    struct Waiting {
        UploadId upload;
        Steady::time_point until;
        Then then;
    };
    void let_go(const UploadId& upload, std::uint64_t number);
    void interrupt_with(const UploadId& upload, std::uint64_t number, std::function<void()> interrupt);
    void pass_over();
    bool awaited(const UploadId& upload) const;
    std::unique_ptr<Holding> give(const UploadId& upload);

    const std::chrono::milliseconds patience_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::map<UploadId, Holder> holders_;
    std::list<Waiting> waiting_;  ///< the longest first
    std::uint64_t numbers_ = 0;
    bool stopping_ = false;
    std::thread watch_;  ///< last: it uses what is above
};

}  // namespace photogate::gateway::resumable
