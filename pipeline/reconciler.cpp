#include "pipeline/reconciler.hpp"

#include <algorithm>
#include <future>
#include <map>
#include <utility>
#include <vector>

#include "base/failpoint.hpp"
#include "base/log.hpp"

namespace photogate::pipeline {
namespace {

using storage::objects::ListedObject;
using storage::records::Finder;
using storage::records::Observation;
using storage::records::ObserveOutcome;
using Steady = std::chrono::steady_clock;

void log_failure(std::string_view round, const Error& error) {
    log::warn("reconciler.round_failed",
              {{"round", round}, {"code", to_string(error.code)}, {"detail", error.detail}});
}

}  // namespace

Reconciler::Reconciler(ReconcilerOptions options, storage::records::Records& records, const Stores& stores,
                       Intake& intake, const Clock& clock)
    : options_(options), records_(records), stores_(stores), intake_(intake), clock_(clock) {}

Result<std::size_t> Reconciler::take_in_listed(const Store& store, const storage::objects::ListPage& page) {
    std::vector<ObjectKey> keys;
    std::map<std::string, const ListedObject*> listed;
    for (const auto& object : page.objects) {
        keys.push_back(object.key);
        listed[object.key.str()] = &object;
    }
    if (keys.empty()) return 0;
    const auto waiting = records_.still_waiting(keys);
    if (!waiting) return fail(waiting.error());
    std::size_t found = 0;
    for (const auto& key : *waiting) {
        const auto& object = *listed.at(key.str());
        Observation seen;
        seen.finder = Finder::reconciler;
        seen.bucket = store.region.incoming;
        seen.key = key;
        seen.object = {object.etag, object.size, std::nullopt};
        seen.occurred_at = object.last_modified.value_or(clock_.now());
        std::promise<Result<ObserveOutcome>> promise;
        auto outcome = promise.get_future();
        records_.observe(std::move(seen),
                         [&promise](Result<ObserveOutcome> result) { promise.set_value(std::move(result)); });
        const auto result = outcome.get();
        if (!result) return fail(result.error());
        if (*result == ObserveOutcome::received) {
            ++found;
            log::warn("reconciler.lost_event", {{"key", key.str()}});
            failpoint::pass(failpoint::Point::mid_reconcile);
        }
    }
    return found;
}

Result<std::size_t> Reconciler::list_open_minutes() {
    const auto minutes = records_.open_minutes(options_.grace);
    if (!minutes) return fail(minutes.error());
    std::size_t found = 0;
    for (const auto& [name, store] : stores_.all()) {
        for (const auto& prefix : *minutes) {
            storage::objects::ListOptions options;
            options.prefix = prefix;
            do {
                const auto page = store.objects->list(store.region.incoming, options);
                if (!page) return fail(page.error());
                const auto taken = take_in_listed(store, *page);
                if (!taken) return taken;
                found += *taken;
                options.continuation = page->next;
                std::lock_guard lock(mutex_);
                if (stopping_) return found;
            } while (options.continuation);
        }
    }
    std::lock_guard lock(mutex_);
    counters_.found += found;
    return found;
}

Result<std::size_t> Reconciler::expire_unused() {
    const auto due = records_.due_for_expiry(options_.grace, options_.expire_batch);
    if (!due) return fail(due.error());
    std::size_t expired = 0;
    for (const auto& upload : *due) {
        const auto there = intake_.look(upload, Finder::reconciler);
        if (!there) {
            log_failure("expire", there.error());
            continue;
        }
        if (*there) {
            log::warn("reconciler.lost_event", {{"key", upload.key.str()}});
            continue;
        }
        const auto done = records_.expire(upload.id);
        if (!done) return fail(done.error());
        if (*done) ++expired;
    }
    std::lock_guard lock(mutex_);
    counters_.expired += expired;
    return expired;
}

Result<storage::records::Reaped> Reconciler::reap() {
    auto reaped = records_.reap();
    if (reaped && reaped->requeued + reaped->failed > 0) {
        log::warn("reconciler.reaped", {{"requeued", reaped->requeued}, {"failed", reaped->failed}});
        std::lock_guard lock(mutex_);
        counters_.reaped += reaped->requeued + reaped->failed;
    }
    return reaped;
}

void Reconciler::run() {
    // The first rounds come at once: a restart is when events are lost.
    auto next_list = Steady::now(), next_expire = next_list, next_reap = next_list;
    for (;;) {
        const auto now = Steady::now();
        if (now >= next_reap) {
            if (const auto done = reap(); !done) log_failure("reap", done.error());
            next_reap = Steady::now() + options_.reap_every;
        }
        if (now >= next_list) {
            if (const auto done = list_open_minutes(); !done) log_failure("list", done.error());
            next_list = Steady::now() + options_.list_every;
        }
        if (now >= next_expire) {
            if (const auto done = expire_unused(); !done) log_failure("expire", done.error());
            next_expire = Steady::now() + options_.expire_every;
        }
        std::unique_lock lock(mutex_);
        stop_signal_.wait_until(lock, std::min({next_list, next_expire, next_reap}),
                                [this] { return stopping_; });
        if (stopping_) return;
    }
}

void Reconciler::stop() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    stop_signal_.notify_all();
}

Reconciler::Counters Reconciler::counters() const {
    std::lock_guard lock(mutex_);
    return counters_;
}

}  // namespace photogate::pipeline
