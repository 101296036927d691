// What happened at the store comes in here: events, "it is up" calls, and what the reconciler found.
//
// All three say the same thing, that an object is there, and end in the same transition (t2). None of them is
// proof: the bytes are proved later, from the store itself, held to the ETag that is pinned here.
//
// An event is not trusted: the store is asked (HEAD) first, and what it answers is taken in place of what the event
// says. So an app is never notified of an object that is not there. The looks of one batch are made several at a time,
// and none begins after kLongestAsking. (An answer other than 2xx would bring the whole batch again, to a store that is
// as slow.) What is left then, and what the store refuses to show, is looked at again by a job (`find_object`) that is
// committed before the event is answered: no event holds up those behind it, and none is lost.
//
// Only Put, Post and CompleteMultipartUpload on an incoming bucket count. A Copy on a client's key is
// somebody using an unsigned x-amz-copy-source on a presigned URL: it is logged as an attack and never taken
// in.
//
// Thread safety: any number of threads. take_in() blocks only where may_block() says so.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <semaphore>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/words.hpp"
#include "notifier/events/source.hpp"
#include "pipeline/stores.hpp"
#include "storage/records/arrivals.hpp"
#include "storage/records/upload_store.hpp"

namespace photogate::pipeline {

struct IntakeSummary {
    std::size_t received = 0;
    std::size_t duplicate = 0;
    std::size_t known = 0;     ///< the upload already has its object
    std::size_t unknown = 0;   ///< no upload has this key
    std::size_t unwanted = 0;  ///< the upload has ended: the object is removed
    std::size_t unproven = 0;  ///< the store has no such object
    std::size_t deferred = 0;  ///< the store was too slow, or refuses to tell; a job looks again
    std::size_t ignored = 0;   ///< another bucket, another operation
    std::size_t attacks = 0;   ///< copies onto a client's key
    std::size_t quarantined = 0;
    std::vector<std::string> probed_regions;  ///< of events about objects that a probe of the store wrote
};

class Intake {
  public:
    /// How many looks of one batch are made at once; of all batches together, kMostHelpers more than there are batches.
    static constexpr std::size_t kAskedAtOnce = 8;
    static constexpr std::ptrdiff_t kMostHelpers = 32;
    /// No look of a batch begins later than this after the first.
    static constexpr std::chrono::seconds kLongestAsking{5};

    Intake(storage::records::UploadStore& uploads, storage::records::Arrivals& arrivals, const Stores& stores,
           const Clock& clock);

    /// What notifier::events::parse() made of a body.
    using ParsedBody = Result<notifier::events::EventBatch>;

    /// True where taking this batch in needs the store or a write of its own, so that it wants a thread that
    /// may wait.
    static bool may_block(const notifier::events::Source& source, const ParsedBody& batch);

    /// Events count for the source's regions alone; a body that could not be parsed is quarantined. `done` is
    /// called once, when all that the body says is durable, or with the first reason why it is not.
    void take_in(const notifier::events::Source& source, const ParsedBody& batch, const std::string& body,
                 std::function<void(Result<IntakeSummary>)> done);

    /// The gateway looks for itself (HEAD). Blocking; safe at any time, any number of times.
    /// Errors: upload_not_found, object_not_found, the store_* and database_* codes.
    Result<model::Upload> complete(const std::optional<AppName>& app, const UploadId& id);

    /// HEAD, then t2; false where there is no object. Blocking.
    Result<bool> look(const model::Upload& upload, storage::records::DiscoveredBy finder);

  private:
    struct Gathering;
    enum class Proof { there, not_there, refused };
    /// An event that counts, and the store that it is about.
    struct Counted {
        storage::records::Observation seen;
        const Store* store;
        bool to_prove;
        /// Of prove(); nullopt as long as the store has not been asked.
        std::optional<Result<Proof>> proved;
    };
    /// nullopt: the event says nothing that counts; the summary knows why.
    std::optional<Counted> counted(const notifier::events::Source& source,
                                   const notifier::events::StoreEvent& event, IntakeSummary& summary) const;
    /// Puts what the store says in place of what the event says. `refused`: asked again it would say the same.
    /// Errors: the store is away.
    static Result<Proof> prove(Counted& counted);
    /// Those that are to be proved, until the deadline; on this thread and on others. Blocking.
    void prove_all(std::vector<Counted>& all);
    /// Of what is neither proved nor disproved. Errors: the database_* codes.
    Result<> defer(const std::string& source, const std::vector<storage::records::ObjectPlace>& places);
    /// What could not be read is kept for the operator. Errors: the database_* codes.
    Result<> quarantine(const std::string& source, const ParsedBody& batch, const std::string& body,
                        IntakeSummary& summary);
    Result<storage::records::ObserveOutcome> observe_and_wait(storage::records::Observation seen);

    storage::records::UploadStore& uploads_;
    storage::records::Arrivals& arrivals_;
    const Stores& stores_;
    const Clock& clock_;
    std::counting_semaphore<kMostHelpers> helpers_{kMostHelpers};
};

}  // namespace photogate::pipeline
