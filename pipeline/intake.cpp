#include "pipeline/intake.hpp"

#include <algorithm>
#include <atomic>
#include <future>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "model/object_layout.hpp"

namespace photogate::pipeline {

using model::Upload;
using model::UploadState;
using notifier::events::Belief;
using notifier::events::Source;
using notifier::events::StoreEvent;
using notifier::events::StoreOperation;
using storage::records::DiscoveredBy;
using storage::records::ObjectPlace;
using storage::records::Observation;
using storage::records::ObserveOutcome;

/// The outcomes of one body's records, gathered until the last is known.
struct Intake::Gathering {
    std::mutex mutex;
    IntakeSummary summary;
    std::optional<Error> error;
    std::size_t open = 1;  // one for take_in() itself, so that it can not finish before all are handed over
    std::function<void(Result<IntakeSummary>)> done;

    void count(ObserveOutcome outcome) {
        switch (outcome) {
            case ObserveOutcome::received:
                ++summary.received;
                break;
            case ObserveOutcome::duplicate:
                ++summary.duplicate;
                break;
            case ObserveOutcome::already_known:
                ++summary.known;
                break;
            case ObserveOutcome::unknown:
                ++summary.unknown;
                break;
            case ObserveOutcome::unwanted:
                ++summary.unwanted;
                break;
        }
    }

    struct Sorted {
        std::vector<Observation*> seen;
        std::vector<ObjectPlace> left;  ///< to be looked at again
    };
    /// The summary and the error have the rest.
    Sorted sort(std::vector<Counted>& all) {
        Sorted sorted;
        for (auto& one : all) {
            if (one.to_prove && one.proved && !*one.proved) {
                if (!error) error = one.proved->error();
                continue;
            }
            const auto proof = !one.to_prove ? Proof::there : one.proved ? **one.proved : Proof::refused;
            switch (proof) {
                case Proof::there:
                    sorted.seen.push_back(&one.seen);
                    break;
                case Proof::not_there:
                    ++summary.unproven;
                    break;
                case Proof::refused:
                    ++summary.deferred;
                    sorted.left.push_back({one.seen.region, one.seen.bucket, one.seen.key});
                    break;
            }
        }
        return sorted;
    }

    void finish_one(const Result<ObserveOutcome>* outcome) {
        std::unique_lock lock(mutex);
        if (outcome && *outcome) count(**outcome);
        if (outcome && !*outcome && !error) error = outcome->error();
        if (--open > 0) return;
        lock.unlock();
        if (error) {
            done(fail(*error));
        } else {
            done(summary);
        }
    }
};

Intake::Intake(storage::records::UploadStore& uploads, storage::records::Arrivals& arrivals,
               const Stores& stores, const Clock& clock)
    : uploads_(uploads), arrivals_(arrivals), stores_(stores), clock_(clock) {}

bool Intake::may_block(const Source& source, const ParsedBody& batch) {
    if (!batch || !batch->unreadable.empty()) return true;
    return std::any_of(batch->events.begin(), batch->events.end(), [&](const StoreEvent& event) {
        return source.belief == Belief::check || !event.etag;
    });
}

std::optional<Intake::Counted> Intake::counted(const Source& source, const StoreEvent& event,
                                               IntakeSummary& summary) const {
    const Store* store = stores_.find_incoming(source.regions, event.bucket);
    const bool ours =
        store != nullptr && event.key.starts_with(model::kIncomingPrefix) && !event.key.ends_with('/');
    if (!ours) {
        ++summary.ignored;
        return std::nullopt;
    }
    // Our own probes write here and no client can: even what they copy is no attack.
    if (event.key.starts_with(model::kCanaryPrefix)) {
        ++summary.ignored;
        summary.probed_regions.push_back(store->region.name);
        return std::nullopt;
    }
    switch (event.operation) {
        case StoreOperation::created_put:
        case StoreOperation::created_post:
        case StoreOperation::created_multipart:
            break;
        case StoreOperation::created_copy:
            ++summary.attacks;
            log::warn("event.copy_attack", {{"source", source.name},
                                            {"region", store->region.name},
                                            {"bucket", event.bucket},
                                            {"key", event.key},
                                            {"request", event.request_id}});
            return std::nullopt;
        case StoreOperation::removed:
        case StoreOperation::other:
            ++summary.ignored;
            return std::nullopt;
    }
    const auto key = parse_object_key(event.key);
    if (!key) {
        ++summary.ignored;
        return std::nullopt;
    }
    Observation seen;
    seen.finder = DiscoveredBy::event;
    seen.source = source.name;
    seen.event_id = event.dedupe_id(source.name);
    seen.region = store->region.name;
    seen.bucket = store->region.incoming;
    seen.key = *key;
    if (const auto etag = parse_etag(event.etag.value_or("")); etag) seen.object.etag = *etag;
    seen.object.size = event.size;
    if (event.version) seen.object.version = VersionId::trusted(*event.version);
    seen.client_metadata = event.client_metadata;
    seen.occurred_at = event.occurred_at.value_or(clock_.now());
    // Some dialects do not say which bytes were written.
    const bool to_prove = source.belief == Belief::check || seen.object.etag.empty();
    return Counted{std::move(seen), store, to_prove, std::nullopt};
}

Result<> Intake::quarantine(const std::string& source, const ParsedBody& batch, const std::string& body,
                            IntakeSummary& summary) {
    if (batch && batch->unreadable.empty()) return {};
    const auto& reason = batch ? batch->unreadable.front() : batch.error().detail;
    if (auto kept = arrivals_.quarantine_event(source, reason, body); !kept) return fail(kept.error());
    summary.quarantined = batch ? batch->unreadable.size() : 1;
    log::warn("event.quarantined", {{"source", source}, {"reason", reason}});
    return {};
}

Result<Intake::Proof> Intake::prove(Counted& counted) {
    auto& seen = counted.seen;
    const auto info = counted.store->objects->head(seen.bucket, seen.key, {});
    if (info) {
        seen.object = {info->etag, info->size, info->version};
        seen.client_metadata = info->metadata;
        return Proof::there;
    }
    const auto& error = info.error();
    if (error.code == ErrorCode::store_no_such_key) return Proof::not_there;
    // A store whose clock is wrong answers every look so, until it is right again.
    if (is_retryable(error.code) || error.code == ErrorCode::store_clock_skew) return fail(error);
    // Sent again it would end alike, and hold up the store's queue.
    log::warn("event.unproven", {{"source", seen.source},
                                 {"region", seen.region},
                                 {"key", seen.key.str()},
                                 {"code", to_string(error.code)},
                                 {"detail", error.detail}});
    return Proof::refused;
}

Result<> Intake::defer(const std::string& source, const std::vector<ObjectPlace>& places) {
    if (places.empty()) return {};
    const auto waiting = arrivals_.queue_finding(places);
    if (!waiting) return fail(waiting.error());
    log::warn("event.deferred", {{"source", source}, {"records", places.size()}, {"uploads", *waiting}});
    return {};
}

void Intake::prove_all(std::vector<Counted>& all) {
    const auto deadline = clock_.now() + kLongestAsking;
    std::atomic<std::size_t> next{0};
    const auto ask = [&] {
        for (std::size_t at = next++; at < all.size(); at = next++) {
            if (all[at].to_prove && clock_.now() < deadline) all[at].proved = prove(all[at]);
        }
    };
    const auto to_prove = static_cast<std::size_t>(
        std::count_if(all.begin(), all.end(), [](const Counted& one) { return one.to_prove; }));
    const auto wanted = std::min(to_prove, kAskedAtOnce);
    std::vector<std::jthread> helpers;
    helpers.reserve(kAskedAtOnce);
    while (helpers.size() + 1 < wanted && helpers_.try_acquire()) {
        try {
            helpers.emplace_back([this, &ask] {
                ask();
                helpers_.release();
            });
        } catch (const std::system_error&) {
            helpers_.release();  // no thread to be had: those that there are ask for all
            break;
        }
    }
    ask();
}

void Intake::take_in(const Source& source, const ParsedBody& batch, const std::string& body,
                     std::function<void(Result<IntakeSummary>)> done) {
    auto gathering = std::make_shared<Gathering>();
    gathering->done = std::move(done);
    if (auto kept = quarantine(source.name, batch, body, gathering->summary); !kept)
        gathering->error = kept.error();
    std::vector<Counted> all;
    static const std::vector<StoreEvent> none;
    for (const auto& event : batch ? batch->events : none) {
        if (auto one = counted(source, event, gathering->summary)) all.push_back(std::move(*one));
    }
    prove_all(all);
    const auto sorted = gathering->sort(all);
    if (auto deferred = defer(source.name, sorted.left); !deferred && !gathering->error)
        gathering->error = deferred.error();
    gathering->open += sorted.seen.size();
    for (auto* one : sorted.seen) {
        arrivals_.observe(std::move(*one),
                          [gathering](Result<ObserveOutcome> outcome) { gathering->finish_one(&outcome); });
    }
    gathering->finish_one(nullptr);
}

Result<ObserveOutcome> Intake::observe_and_wait(Observation seen) {
    std::promise<Result<ObserveOutcome>> promise;
    auto future = promise.get_future();
    arrivals_.observe(std::move(seen),
                      [&promise](Result<ObserveOutcome> outcome) { promise.set_value(std::move(outcome)); });
    return future.get();
}

Result<bool> Intake::look(const Upload& upload, DiscoveredBy finder) {
    const Store* store = stores_.of(upload.region);
    if (!store) return fail(ErrorCode::unknown_region, "the upload's region is no longer configured");
    const auto info = store->objects->head(upload.bucket, upload.key, {});
    if (!info) {
        if (info.error().code == ErrorCode::store_no_such_key) return false;
        return fail(info.error());
    }
    Observation seen;
    seen.finder = finder;
    seen.region = upload.region;
    seen.bucket = upload.bucket;
    seen.key = upload.key;
    seen.object = {info->etag, info->size, info->version};
    seen.client_metadata = info->metadata;
    seen.occurred_at = clock_.now();
    if (const auto outcome = observe_and_wait(std::move(seen)); !outcome) return fail(outcome.error());
    return true;
}

Result<Upload> Intake::complete(const std::optional<AppName>& app, const UploadId& id) {
    const auto upload = uploads_.find(app, id);
    if (!upload) return upload;
    if (upload->state != UploadState::created && upload->state != UploadState::expired) return upload;
    const auto there = look(*upload, DiscoveredBy::complete_call);
    if (!there) return fail(there.error());
    if (!*there)
        return fail(
            ErrorCode::object_not_found,
            "the store has no object for this upload yet: upload the file, then call again. A store that "
            "answers 412 to the upload has the object already");
    return uploads_.find(app, id);
}

}  // namespace photogate::pipeline
