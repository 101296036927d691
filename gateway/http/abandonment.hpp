// Whether anybody still waits for the answer to one request, shared by the connection that learns it and by
// the code that makes the answer.
//
// Thread safety: any thread.
#pragma once

#include <functional>
#include <mutex>

namespace photogate::gateway::http {

/// Why the answer will not be read.
enum class Abandoned {
    by_client,  ///< its connection is reset, closed, or cut
    evicted,    ///< its connection was needed for others
};

class Abandonment {
  public:
    using Callback = std::function<void(Abandoned)>;

    /// Calls `callback` when the request is abandoned, on the thread that learns it; at once where that has
    /// happened already. At most once, and not after settle(). One callback for each request: a second one
    /// replaces the first.
    void watch(Callback callback);
    /// The request is abandoned. Nothing happens where it is settled or abandoned already.
    void raise(Abandoned why);
    /// The request is answered: the callback is destroyed uncalled.
    void settle();
    bool raised() const;

  private:
    enum class State { open, raised, settled };
    mutable std::mutex mutex_;
    State state_ = State::open;
    Abandoned why_ = Abandoned::by_client;
    Callback callback_;
};

}  // namespace photogate::gateway::http
