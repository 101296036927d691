// A stored package's progress as server-sent events (HTML standard, 9.2): each is the package as GET gives it.
//
// `event` is `progress` while it is built, and its last state at the end, behind which nothing follows. `id` says which state of it
// the event shows: to a client that comes back with it as Last-Event-ID the same is not told again. Where nothing changes, a comment
// every 15 seconds keeps the connection. After ten minutes, where there is no place to wait and while the gateway stops, the stream
// ends, and the client comes back by itself.
//
// A stream waits as `?wait=` does, a second at a time, in the same places and with the same question to the records, whatever their
// number; it takes no thread.
//
// Thread safety: that of http::BodyReader.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "gateway/http/message.hpp"
#include "gateway/routes/waiters.hpp"
#include "model/package.hpp"

namespace photogate::gateway::routes {

class PackageEvents final : public http::BodyReader {
  public:
    struct Means {
        PackageWaiters& waiters;  ///< outlives the stream
        access::PlaceClient client;
        /// The event's data, without line breaks.
        std::function<std::string(const model::Package&)> show;
        std::string last_event_id;
    };
    PackageEvents(Means means, model::Package package);
    ~PackageEvents() override;

    void next(Answer answer) override;

    /// What the next event would have as `id`.
    static std::string id_of(const model::Package& package);

  private:
    struct State;
    std::shared_ptr<State> state_;  ///< shared with the wait under way
};

}  // namespace photogate::gateway::routes
