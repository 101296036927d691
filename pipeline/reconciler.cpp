#include "pipeline/reconciler.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/ascii.hpp"
#include "base/log.hpp"
#include "pipeline/listing_prefixes.hpp"
#include "pipeline/lost_objects.hpp"

namespace photogate::pipeline {
namespace {

using model::Upload;
using storage::records::DiscoveredBy;
using storage::records::MaintenanceLease;
using storage::records::MaintenanceStart;
using storage::records::PastGrant;
using Steady = std::chrono::steady_clock;

/// `1795262400000000 <id>`: microseconds since 1970 and an upload.
std::string cursor_of(const Upload& upload) {
    return std::to_string(upload.expires_at.time_since_epoch().count()) + " " + upload.id.str();
}

PastGrant past_grant_of(const std::string& cursor) {
    const auto space = cursor.find(' ');
    if (space == std::string::npos) return {};
    const auto micros = ascii::parse_whole<std::int64_t>(std::string_view{cursor}.substr(0, space));
    if (!micros) return {};
    return {Timestamp{std::chrono::microseconds{*micros}}, cursor.substr(space + 1)};
}

/// Whether the next question to the same store would end alike.
bool says_something_of_the_store(ErrorCode code) {
    return is_retryable(code) || code == ErrorCode::store_denied || code == ErrorCode::store_no_such_bucket ||
           code == ErrorCode::store_clock_skew;
}

}  // namespace

struct Reconciler::Walk {
    std::string round;
    std::chrono::seconds grace;
    AtEnd at_end;
};

Reconciler::Reconciler(ReconcilerOptions options, ReconcilerDependencies dependencies)
    : options_(options), dependencies_(dependencies), pace_(options.requests_per_second, stop_) {}

Result<std::size_t> Reconciler::list_prefix(const Store& store, const std::string& prefix,
                                            MaintenanceLease& round) {
    std::size_t found = 0;
    storage::objects::ListOptions listing;
    listing.prefix = prefix;
    do {
        if (!pace_.next()) return found;
        const auto page = store.objects->list(store.region.incoming, listing);
        if (!page) return fail(page.error());
        const auto taken = take_in_lost(dependencies_.arrivals, store, page->objects, dependencies_.clock);
        if (!taken) return taken;
        found += *taken;
        count(&Counters::found, *taken);
        round.tally.seen += page->objects.size();
        const auto kept = dependencies_.upkeep.checkpoint(round, options_.lease);
        if (!kept) return fail(kept.error());
        if (!*kept) return fail(ErrorCode::lease_lost, "another gateway goes on with this round");
        listing.continuation = page->next;
    } while (listing.continuation);
    return found;
}

Result<std::size_t> Reconciler::list_open_minutes(MaintenanceStart start) {
    auto round = dependencies_.upkeep.acquire("open-minutes", options_.lease, start);
    if (!round) return fail(round.error());
    if (!*round) return 0;
    const auto minutes = dependencies_.upkeep.open_minutes(options_.grace, options_.longest_grant());
    if (!minutes) return fail(minutes.error());
    const auto prefixes = listing_prefixes(*minutes, dependencies_.clock.now());
    std::size_t found = 0;
    std::optional<Error> error;
    for (const auto& [name, store] : dependencies_.stores.all()) {
        for (const auto& prefix : prefixes) {
            if (stop_.stopped()) break;
            const auto listed = list_prefix(store, prefix, **round);
            if (listed) {
                found += *listed;
                continue;
            }
            // A store that is away does not keep the others from being looked at.
            error = listed.error();
            break;
        }
    }
    const auto ended = stop_.stopped() ? dependencies_.upkeep.release(**round, std::chrono::milliseconds{0})
                                       : dependencies_.upkeep.complete(**round, options_.list_every);
    if (error) return fail(std::move(*error));
    if (!ended) return fail(ended.error());
    return found;
}

Result<> Reconciler::walk_past_grant(const Walk& walk, const Judge& judge) {
    auto begun = dependencies_.upkeep.acquire(walk.round, options_.lease, MaintenanceStart::when_due);
    if (!begun) return fail(begun.error());
    if (!*begun) return {};
    auto& round = **begun;
    const auto until = Steady::now() + options_.look_every;
    auto keep_at = Steady::now() + options_.lease / 3;
    std::set<std::string> away;
    std::optional<Error> error;
    for (bool more = true; more;) {
        const auto batch =
            dependencies_.upkeep.past_grant(past_grant_of(round.cursor), walk.grace, options_.batch);
        if (!batch) return fail(batch.error());
        for (const auto& upload : *batch) {
            if (Steady::now() > until || !pace_.next()) {
                const auto paused = dependencies_.upkeep.release(round, std::chrono::milliseconds{0});
                if (!paused) return fail(paused.error());
                return {};
            }
            if (!away.contains(upload.region)) {
                const auto there = dependencies_.intake.look(upload, DiscoveredBy::reconciler);
                if (!there && says_something_of_the_store(there.error().code)) away.insert(upload.region);
                if (!there && !error) error = there.error();
                if (there) {
                    if (*there) log::warn("reconciler.lost_event", {{"key", upload.key.str()}});
                    if (auto judged = judge(upload, *there); !judged) return judged;
                }
            }
            round.cursor = cursor_of(upload);
            if (Steady::now() < keep_at) continue;
            const auto kept = dependencies_.upkeep.checkpoint(round, options_.lease);
            if (!kept) return fail(kept.error());
            if (!*kept) return {};
            keep_at = Steady::now() + options_.lease / 3;
        }
        more = batch->size() == options_.batch;
    }
    const auto ended = walk.at_end == AtEnd::remember
                           ? dependencies_.upkeep.release(round, options_.look_every)
                           : dependencies_.upkeep.complete(round, options_.look_every);
    if (!ended) return fail(ended.error());
    if (error) return fail(std::move(*error));
    return {};
}

Result<std::size_t> Reconciler::look_at_ended() {
    std::size_t found = 0;
    // It continues where the last one ended, so that no upload is looked at twice.
    auto walked = walk_past_grant({"grant-ended", std::chrono::seconds{0}, AtEnd::remember},
                                  [&](const Upload&, bool there) -> Result<> {
                                      found += there ? 1 : 0;
                                      return {};
                                  });
    count(&Counters::found, found);
    if (!walked) return fail(std::move(walked.error()));
    return found;
}

Result<std::size_t> Reconciler::expire_unused() {
    std::size_t expired = 0, found = 0;
    auto walked = walk_past_grant({"grace-ended", options_.grace, AtEnd::begin_anew},
                                  [&](const Upload& upload, bool there) -> Result<> {
                                      if (there) {
                                          ++found;
                                          return {};
                                      }
                                      const auto done =
                                          dependencies_.upkeep.expire(upload.id, options_.grace);
                                      if (!done) return fail(done.error());
                                      expired += *done ? 1 : 0;
                                      return {};
                                  });
    count(&Counters::found, found);
    count(&Counters::expired, expired);
    if (!walked) return fail(std::move(walked.error()));
    return expired;
}

Result<storage::records::Reaped> Reconciler::reap() {
    auto reaped = dependencies_.jobs.reap();
    if (!reaped) return reaped;
    count(&Counters::requeued, reaped->requeued);
    count(&Counters::spent, reaped->failed);
    if (auto forgotten = dependencies_.upkeep.forget_old(); !forgotten)
        return fail(std::move(forgotten.error()));
    return reaped;
}

void Reconciler::attempt(std::string_view round, const std::function<Result<>()>& call) {
    const auto done = call();
    if (done) return;
    count(&Counters::failures, 1);
    log::warn("reconciler.round_failed",
              {{"round", round}, {"code", to_string(done.error().code)}, {"detail", done.error().detail}});
}

void Reconciler::reap_until_stopped() {
    do {
        attempt("reap", [this]() -> Result<> {
            const auto reaped = reap();
            if (!reaped) return fail(reaped.error());
            return {};
        });
    } while (!stop_.wait_for(options_.reap_every));
}

void Reconciler::run() {
    std::thread reaper([this] { reap_until_stopped(); });
    const auto calling = [](Result<std::size_t> done) -> Result<> {
        if (!done) return fail(std::move(done.error()));
        return {};
    };
    // The first list comes at once: a restart is when events are lost.
    auto start = MaintenanceStart::at_once;
    // Rounds that another gateway has ended are asked for more often than they come due.
    const auto ask_every = std::max<std::chrono::milliseconds>(
        std::min(options_.list_every, options_.look_every) / 4, std::chrono::milliseconds{50});
    do {
        attempt("list", [&] { return calling(list_open_minutes(start)); });
        start = MaintenanceStart::when_due;
        attempt("look", [&] { return calling(look_at_ended()); });
        attempt("expire", [&] { return calling(expire_unused()); });
    } while (!stop_.wait_for(ask_every));
    reaper.join();
}

void Reconciler::stop() {
    stop_.stop();
}

void Reconciler::count(std::uint64_t Counters::*counter, std::uint64_t by) {
    const std::lock_guard lock{mutex_};
    counters_.*counter += by;
}

Reconciler::Counters Reconciler::counters() const {
    const std::lock_guard lock{mutex_};
    return counters_;
}

}  // namespace photogate::pipeline
