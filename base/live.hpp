// A value that is replaced as a whole while others read it: what a reload of the configuration changes.
//
// A reader takes now() once for a piece of work, and sees one and the same value until it lets go of it; a value that is
// replaced lives until its last reader has.
//
// Thread safety: any thread.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

namespace photogate {

template <class T>
class Live {
  public:
    explicit Live(std::shared_ptr<const T> first) : value_(std::move(first)) {}
    explicit Live(T first) : value_(std::make_shared<const T>(std::move(first))) {}
    Live(const Live&) = delete;
    Live& operator=(const Live&) = delete;

    /// Never null.
    std::shared_ptr<const T> now() const {
        const std::lock_guard lock{mutex_};
        return value_;
    }

    /// Whoever asks from now on gets `next`, which is not null.
    void replace(std::shared_ptr<const T> next) {
        {
            const std::lock_guard lock{mutex_};
            value_.swap(next);
        }
        // The former value may end here, outside of the lock.
    }
    void replace(T next) { replace(std::make_shared<const T>(std::move(next))); }

  private:
    mutable std::mutex mutex_;
    std::shared_ptr<const T> value_;
};

}  // namespace photogate
