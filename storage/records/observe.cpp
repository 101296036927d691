// t2: objects that were seen in the store, many in one transaction.
//
// What an observation says comes from outside and is made storable first: a hostile event may not make the
// rows beside it, nor the answer to its sender, fail.
#include <map>
#include <set>
#include <tuple>

#include "base/encoding.hpp"
#include "base/failpoint.hpp"
#include "base/tracing/tracing.hpp"
#include "storage/records/database_state.hpp"
#include "storage/records/postgres.hpp"
#include "storage/records/records_wire.hpp"

namespace photogate::storage::records {
namespace {

using Place = std::tuple<std::string, std::string, std::string>;  // region, bucket, key

Place place_of(const Observation& seen) {
    return {seen.region, seen.bucket.str(), seen.key.str()};
}

/// No upload of ours can have a name that is not, and PostgreSQL could not even be asked for it.
bool storable(const std::string& text) {
    return is_utf8(text) && text.find('\0') == std::string::npos;
}

model::TextMap storable_map(const model::TextMap& map) {
    constexpr std::size_t kLongest = 8 * 1024;
    model::TextMap storable;
    for (const auto& [name, value] : map)
        storable.emplace(database::storable_text(name, 256), database::storable_text(value, kLongest));
    return storable;
}

model::PinnedObject storable_pin(const model::PinnedObject& object) {
    model::PinnedObject pin = object;
    pin.etag = ETag::trusted(database::storable_text(object.etag.str(), 256));
    if (object.version)
        pin.version = VersionId::trusted(database::storable_text(object.version->str(), 1024));
    if (pin.size && *pin.size > static_cast<ByteSize>(INT64_MAX)) pin.size.reset();
    return pin;
}

/// The events of the group that were never taken in before; of two alike, the first.
std::set<const Observation*> take_in(Transaction& transaction, std::span<const Observation> items,
                                     Timestamp now) {
    std::set<const Observation*> fresh;
    std::map<std::string, const Observation*> events;
    SqlArray ids, sources;
    for (const auto& item : items) {
        if (!item.event_id) {
            fresh.insert(&item);
        } else if (events.emplace(*item.event_id, &item).second) {
            ids.add(*item.event_id);
            sources.add(database::storable_text(item.source, 256));
        }
    }
    if (events.empty()) return fresh;
    for (const auto& row : transaction.run("take_in_events", params(ids, sources, now))) {
        fresh.insert(events.at(row[0].as<std::string>()));
    }
    return fresh;
}

std::map<Place, model::Upload> lock_uploads(Transaction& transaction,
                                            const std::set<const Observation*>& fresh) {
    std::set<Place> places;
    for (const auto* item : fresh)
        places.insert(place_of(*item));
    SqlArray buckets, keys, regions;
    for (const auto& [region, bucket, key] : places) {
        buckets.add(bucket);
        keys.add(key);
        regions.add(region);
    }
    std::map<Place, model::Upload> uploads;
    for (auto& upload : to_uploads(transaction.run("lock_observed", params(buckets, keys, regions)))) {
        Place place{upload.region, upload.bucket.str(), upload.key.str()};
        uploads.emplace(std::move(place), std::move(upload));
    }
    return uploads;
}

/// A received upload that is part of a trace.
struct Traced {
    UploadId id;
    std::string traceparent;
    std::string_view finder;
};

/// What a group changes, gathered and written with one statement for each table.
class Changes {
  public:
    Changes(const model::CallbackComposer& composer, Timestamp now) : composer_(composer), now_(now) {}

    ObserveOutcome apply(const Observation& seen, model::Upload& upload) {
        switch (upload.state) {
            case model::UploadState::created:
            case model::UploadState::expired:
                receive(seen, upload);
                return ObserveOutcome::received;
            case model::UploadState::published:
            case model::UploadState::rejected:
            case model::UploadState::cancelled:
            case model::UploadState::deleted:
                unwanted_.insert(upload.id);
                return ObserveOutcome::unwanted;
            case model::UploadState::uploaded:
            case model::UploadState::processing:
            case model::UploadState::failed:
                again(seen, upload);
                return ObserveOutcome::already_known;
        }
        return ObserveOutcome::unknown;
    }

    bool received_any() const { return received_ > 0; }
    std::vector<Traced> traced() && { return std::move(traced_); }
    bool work_any() const { return received_ + unwanted_.size() > 0; }

    void write(Transaction& transaction) const {
        if (received_ > 0) {
            const auto rows = transaction.run(
                "receive_uploads", params(ids_, etags_, sizes_, versions_, metadata_, sequences_, now_));
            if (static_cast<std::size_t>(rows.size()) != received_) {
                throw std::logic_error("a locked upload was not received");
            }
        }
        if (!unwanted_.empty()) {
            SqlArray ids;
            for (const auto& id : unwanted_)
                ids.add(id.str());
            transaction.run("queue_unwanted", params(ids));
        }
        outbox_.insert(transaction, now_);
        timeline_.insert(transaction, now_);
    }

  private:
    void receive(const Observation& seen, model::Upload& upload) {
        upload.state = model::UploadState::uploaded;
        upload.received_at = now_;
        upload.updated_at = now_;
        upload.finished_at.reset();
        upload.pinned = storable_pin(seen.object);
        upload.client_metadata = storable_map(seen.client_metadata);
        ++upload.generation;
        if (const auto callback = compose(composer_, model::CallbackType::upload_received, upload, now_)) {
            outbox_.add(*callback, model::CallbackType::upload_received, upload);
        }
        add_pin(upload.id, *upload.pinned, ids_, etags_, sizes_, versions_);
        metadata_.add(to_json_text(upload.client_metadata));
        sequences_.add(upload.sequence);
        ++received_;
        if (upload.traceparent && tracing::on())
            traced_.push_back({upload.id, *upload.traceparent, to_string(seen.finder)});
        model::TextMap detail{{"by", std::string{to_string(seen.finder)}},
                              {"etag", upload.pinned->etag.str()}};
        if (!seen.source.empty()) detail.emplace("source", database::storable_text(seen.source, 256));
        if (seen.occurred_at != Timestamp{}) detail.emplace("occurred_at", format_rfc3339(seen.occurred_at));
        timeline_.add(upload.id, "received", detail);
    }

    void again(const Observation& seen, const model::Upload& upload) {
        const auto pin = storable_pin(seen.object);
        if (!upload.pinned || upload.pinned->etag == pin.etag) return;
        timeline_.add(upload.id, "object.changed",
                      {{"by", std::string{to_string(seen.finder)}},
                       {"pinned", upload.pinned->etag.str()},
                       {"seen", pin.etag.str()}});
    }

    static void add_pin(const UploadId& id, const model::PinnedObject& pin, SqlArray& ids, SqlArray& etags,
                        SqlArray& sizes, SqlArray& versions) {
        ids.add(id.str());
        etags.add(pin.etag.str());
        pin.size ? sizes.add(static_cast<std::int64_t>(*pin.size)) : sizes.add_null();
        pin.version ? versions.add(pin.version->str()) : versions.add_null();
    }

    const model::CallbackComposer& composer_;
    const Timestamp now_;
    SqlArray ids_, etags_, sizes_, versions_, metadata_, sequences_;
    std::set<UploadId> unwanted_;
    std::size_t received_ = 0;
    std::vector<Traced> traced_;
    OutboxRows outbox_;
    TimelineRows timeline_;
};

struct Written {
    std::vector<Result<ObserveOutcome>> outcomes;
    bool received_any = false;
    bool work_any = false;
    std::vector<Traced> traced;
};

void tell(const std::vector<Traced>& traced, Timestamp begun) {
    for (const auto& one : traced) {
        tracing::Span span{"upload.received", tracing::Kind::consumer, one.traceparent};
        span.started_at(begun);
        span.set("photogate.upload.id", one.id.str());
        span.set("photogate.found_by", one.finder);
    }
}

Result<Written> write_group(Transaction& transaction, const model::CallbackComposer& composer,
                            std::span<const Observation> items, Timestamp now) {
    Written written;
    const auto fresh = take_in(transaction, items, now);
    auto uploads = lock_uploads(transaction, fresh);
    Changes changes{composer, now};
    for (const auto& item : items) {
        if (!fresh.contains(&item)) {
            written.outcomes.emplace_back(ObserveOutcome::duplicate);
            continue;
        }
        const auto upload = uploads.find(place_of(item));
        written.outcomes.emplace_back(upload == uploads.end() ? ObserveOutcome::unknown
                                                              : changes.apply(item, upload->second));
    }
    changes.write(transaction);
    if (auto reached = failpoint::reach(failpoint::Point::before_observe_commit); !reached)
        return fail(std::move(reached.error()));
    written.received_any = changes.received_any();
    written.work_any = changes.work_any();
    written.traced = std::move(changes).traced();
    return written;
}

using CommittedObservations = Result<std::vector<Result<ObserveOutcome>>>;

CommittedObservations commit_observations(DatabaseState& state, std::span<const Observation> items) {
    bool doubted = false;
    const auto begun = SystemClock{}.now();
    // After a lost COMMIT the group is taken in again: what had been saved answers duplicate or
    // already_known, which is true.
    auto written = transact(state.pool, [&](Transaction& transaction, Earlier earlier) {
        doubted = earlier == Earlier::in_doubt;
        return write_group(transaction, state.composer, items, state.clock.now());
    });
    if (!written) return fail(written.error());
    failpoint::pass(failpoint::Point::after_observe_commit);
    tell(written->traced, begun);
    if (written->work_any || doubted) state.wakeups.signal(Work::jobs);
    if (written->received_any || doubted) state.wakeups.signal(Work::callbacks);
    return std::move(written->outcomes);
}

}  // namespace

struct PostgresArrivals::Observations {
    explicit Observations(DatabaseState& state)
        : committer(state.group_options(), [&state](std::span<const Observation> items) {
              return commit_observations(state, items);
          }) {}
    GroupCommitter<Observation, ObserveOutcome> committer;
};

PostgresArrivals::PostgresArrivals(Database& database)
    : state_(database.state()), observations_(std::make_unique<Observations>(state_)) {}

PostgresArrivals::~PostgresArrivals() = default;

void PostgresArrivals::observe(Observation seen, std::function<void(Result<ObserveOutcome>)> done) {
    if (!storable(seen.key.str()) || !storable(seen.bucket.str())) return done(ObserveOutcome::unknown);
    observations_->committer.submit(std::move(seen), std::move(done));
}

Result<> PostgresArrivals::quarantine_event(const std::string& source, const std::string& reason,
                                            const std::string& body) {
    constexpr std::size_t kKept = 64 * 1024;
    const auto bytes = as_bytes(std::string_view{body}.substr(0, kKept));
    return transact(state_.pool, [&](Transaction& transaction, Earlier) -> Result<> {
        transaction.run("quarantine_event",
                        params(database::storable_text(source, 256), database::storable_text(reason, 1024),
                               "\\x" + hex_lower(bytes), state_.clock.now()));
        return {};
    });
}

Result<std::size_t> PostgresArrivals::queue_finding(const std::vector<ObjectPlace>& places) {
    SqlArray buckets, keys, regions;
    for (const auto& place : places) {
        if (!storable(place.bucket.str()) || !storable(place.key.str())) continue;
        buckets.add(place.bucket.str());
        keys.add(place.key.str());
        regions.add(place.region);
    }
    auto waiting = transact(state_.pool, [&](Transaction& transaction, Earlier) -> Result<std::size_t> {
        return transaction.run("queue_finding", params(buckets, keys, regions)).size();
    });
    if (waiting && *waiting > 0) state_.wakeups.signal(Work::jobs);
    return waiting;
}

Result<std::vector<ObjectKey>> PostgresArrivals::still_waiting(const std::vector<ObjectKey>& keys) {
    return read(state_.pool, [&](Transaction& transaction) -> Result<std::vector<ObjectKey>> {
        SqlArray asked;
        for (const auto& key : keys) {
            if (key.str().find('\0') == std::string::npos) asked.add(key.str());
        }
        std::vector<ObjectKey> waiting;
        for (const auto& row : transaction.run("still_waiting", params(asked))) {
            waiting.push_back(ObjectKey::trusted(row[0].as<std::string>()));
        }
        return waiting;
    });
}

}  // namespace photogate::storage::records
