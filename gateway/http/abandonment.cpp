#include "gateway/http/abandonment.hpp"

#include <utility>

namespace photogate::gateway::http {

// Callbacks run and are destroyed outside of the lock: they may own the Responder that leads back here.

void Abandonment::watch(Callback callback) {
    Abandoned why{};
    {
        std::lock_guard lock(mutex_);
        if (state_ == State::open) {
            callback_.swap(callback);
            return;
        }
        if (state_ == State::settled) return;
        why = why_;
    }
    callback(why);
}

void Abandonment::raise(Abandoned why) {
    Callback callback;
    {
        std::lock_guard lock(mutex_);
        if (state_ != State::open) return;
        state_ = State::raised;
        why_ = why;
        callback.swap(callback_);
    }
    if (callback) callback(why);
}

void Abandonment::settle() {
    Callback callback;
    std::lock_guard lock(mutex_);
    if (state_ != State::open) return;
    state_ = State::settled;
    callback.swap(callback_);
}

bool Abandonment::raised() const {
    std::lock_guard lock(mutex_);
    return state_ == State::raised;
}

}  // namespace photogate::gateway::http
