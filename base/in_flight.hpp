// What an object has begun elsewhere and must outlive: work on a pool, a completion that will be called.
//
// Each holds a Ticket; the destructor waits until the last is gone. Declared as the last member of its owner, it ends
// before everything that the work uses, so the owner may be destroyed at any time, but not by the work itself.
//
// Thread safety: any thread.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>

namespace photogate {

class InFlight {
    struct State {
        std::mutex mutex;
        std::condition_variable ended;
        std::size_t open = 0;
    };

  public:
    class Ticket {
      public:
        explicit Ticket(std::shared_ptr<State> state) : state_(std::move(state)) {
            const std::lock_guard lock{state_->mutex};
            ++state_->open;
        }
        Ticket(Ticket&&) = default;
        Ticket& operator=(Ticket&&) = delete;
        ~Ticket() {
            if (!state_) return;
            const std::lock_guard lock{state_->mutex};
            if (--state_->open == 0) state_->ended.notify_all();
        }

      private:
        std::shared_ptr<State> state_;
    };

    InFlight() = default;
    ~InFlight() {
        std::unique_lock lock{state_->mutex};
        state_->ended.wait(lock, [this] { return state_->open == 0; });
    }
    InFlight(const InFlight&) = delete;
    InFlight& operator=(const InFlight&) = delete;

    Ticket enter() const { return Ticket{state_}; }
    std::size_t open() const {
        const std::lock_guard lock{state_->mutex};
        return state_->open;
    }

  private:
    std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace photogate
