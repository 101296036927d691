// Objects that were seen in the store, by an event, by a client's word or by looking.
//
// observe() takes a completion, as UploadStore::create() does. What an observation says comes from outside
// and is made storable first.
//
// Errors: those of database.hpp. Thread safety: every call from any number of threads.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "base/words.hpp"
#include "model/upload.hpp"

namespace photogate::storage::records {

enum class DiscoveredBy { event, complete_call, reconciler };
std::string_view to_string(DiscoveredBy finder);

/// An object that was seen in the store.
struct Observation {
    DiscoveredBy finder = DiscoveredBy::event;
    std::string source;                   ///< the event source's name; empty but for events
    std::optional<std::string> event_id;  ///< lower-case hex SHA-256 of the dedupe tuple; required for events
    std::string region;  ///< the store that it was seen in: it says nothing of another's uploads
    Bucket bucket;
    ObjectKey key;
    model::PinnedObject object;
    model::TextMap client_metadata;
    Timestamp occurred_at;
};

enum class ObserveOutcome {
    received,       ///< created or expired became uploaded; a job and `upload.received` were written with it
    duplicate,      ///< this event was taken in before
    already_known,  ///< the upload has its object; the same or a later writer's
    unwanted,       ///< the upload has ended: a job removes what is there
    unknown,        ///< no upload of this region has this bucket and key
};

/// Where an upload's object would be.
struct ObjectPlace {
    std::string region;
    Bucket bucket;
    ObjectKey key;
};

class Arrivals {
  public:
    virtual ~Arrivals() = default;

    /// In groups: created or expired becomes uploaded. An object of an upload that has ended queues its
    /// removal; one of an upload that has its object is noted at most. Errors: overloaded.
    virtual void observe(Observation seen, std::function<void(Result<ObserveOutcome>)> done) = 0;
    /// An authenticated event body that says nothing we understand: kept (its first 64 KiB), so it can be
    /// answered 2xx.
    virtual Result<> quarantine_event(const std::string& source, const std::string& reason,
                                      const std::string& body) = 0;
    /// Of these places, those whose upload still waits for its object get a job `find_object`, one for each upload.
    /// Answers how many uploads wait.
    virtual Result<std::size_t> queue_finding(const std::vector<ObjectPlace>& places) = 0;
    /// Of these keys, those whose upload still waits for its object (created or expired).
    virtual Result<std::vector<ObjectKey>> still_waiting(const std::vector<ObjectKey>& keys) = 0;
};

}  // namespace photogate::storage::records
