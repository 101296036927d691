// What happens to an upload or a package, as server-sent events (HTML standard, 9.2).
//
// Each event has an `id`. A client that comes back with it as Last-Event-ID is told what came behind it, no event twice and none
// left out. Where nothing happens, a comment every 15 seconds keeps the connection. The stream ends behind the last event; and
// after ten minutes, where the records can't be read in time and while the gateway stops: then the client comes back by itself.
// One that comes back although there is nothing left to be told is answered 204, which ends its coming back.
//
// A stream takes one place among those who wait (waiters.hpp) for its whole life, and neither a thread nor a question of its own
// to the records: one for all streams says whose rows have changed, and only those are read.
//
// Thread safety: that of http::BodyReader; answer_with_events() on any thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gateway/http/message.hpp"
#include "gateway/http/work_pool.hpp"
#include "gateway/waiting/waiters.hpp"

namespace photogate::gateway::waiting {

struct StreamEvent {
    std::string id;
    std::string name;
    std::string data;  ///< without line breaks
};

/// What there is to be told behind an event.
struct NextEvents {
    std::vector<StreamEvent> events;
    bool more = false;  ///< there are further ones
    bool over = false;  ///< nothing will come behind these
    Mark mark = 0;      ///< of the row that they were read from
};

/// `Last-Event-ID`; empty where there is none, or one that we can't have made.
std::string last_event_id(const http::RequestHead& head);

template <class Subject>
class EventStream final : public http::BodyReader {
  public:
    struct Means {
        BasicWaiters<Subject>& waiters;  ///< outlives the stream, as does `pool`
        http::WorkPool& pool;            ///< `read` runs there
        typename Subject::Id id;
        /// What came behind the event of that id; empty: from the beginning on. Waits for the database.
        std::function<Result<NextEvents>(const std::string& last)> read;
        std::string last_event_id;
    };
    using Waiter = typename BasicWaiters<Subject>::Waiter;

    EventStream(Means means, std::shared_ptr<Waiter> place, NextEvents first);
    ~EventStream() override;

    void next(Answer answer) override;

  private:
    struct State;
    std::shared_ptr<State> state_;  ///< shared with what is under way
};

/// The stream, or 204. Waits for the database. Errors: those of `read` and of BasicWaiters::enter.
template <class Subject>
Result<http::Response> answer_with_events(typename EventStream<Subject>::Means means,
                                          access::PlaceClient client);

using UploadEvents = EventStream<UploadSubject>;
using PackageEvents = EventStream<PackageSubject>;
extern template class EventStream<UploadSubject>;
extern template class EventStream<PackageSubject>;
extern template Result<http::Response> answer_with_events<UploadSubject>(UploadEvents::Means,
                                                                         access::PlaceClient);
extern template Result<http::Response> answer_with_events<PackageSubject>(PackageEvents::Means,
                                                                          access::PlaceClient);

}  // namespace photogate::gateway::waiting
