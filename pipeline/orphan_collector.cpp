#include "pipeline/orphan_collector.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/log.hpp"
#include "model/object_layout.hpp"

namespace photogate::pipeline {

using storage::records::MaintenanceLease;
using storage::records::MaintenanceStart;
using storage::records::MaintenanceTally;

namespace {

/// Orphans are a handful. More than these mean that the records are not the ones that belong to the bucket (a
/// restored backup, another database): then nothing more is removed.
std::uint64_t most_removed(std::uint64_t seen) {
    return 100 + seen / 100;
}

}  // namespace

const Bucket& OrphanCollector::BucketPass::bucket() const {
    switch (kind) {
        case Kind::incoming:
            return store.region.incoming;
        case Kind::published:
            return store.region.published;
        case Kind::packages:
            break;
    }
    return store.region.originals;
}

std::string_view OrphanCollector::BucketPass::prefix() const {
    switch (kind) {
        case Kind::incoming:
            return model::kIncomingPrefix;
        case Kind::published:
            return {};
        case Kind::packages:
            break;
    }
    return model::kPackagePrefix;
}

std::string OrphanCollector::BucketPass::round() const {
    switch (kind) {
        case Kind::incoming:
            return "sweep-incoming/" + store.region.name;
        case Kind::published:
            return "sweep-public/" + store.region.name;
        case Kind::packages:
            break;
    }
    return "sweep-packages/" + store.region.name;
}

std::string_view to_string(SweepFinding finding) {
    switch (finding) {
        case SweepFinding::lost:
            return "lost";
        case SweepFinding::unwanted:
            return "unwanted";
        case SweepFinding::left_behind:
            return "left_behind";
        case SweepFinding::unreferenced:
            return "unreferenced";
        case SweepFinding::unknown:
            return "unknown";
    }
    return "unknown";
}

OrphanCollector::OrphanCollector(OrphanCollectorOptions options, OrphanCollectorDependencies dependencies)
    : options_(options), dependencies_(dependencies), pace_(options.requests_per_second, stop_) {}

/// False: that was the last page.
Result<bool> OrphanCollector::sweep_page(const BucketPass& pass, MaintenanceLease& round) {
    storage::objects::ListOptions listing;
    listing.max_keys = options_.page;
    listing.prefix = pass.prefix();
    if (!round.cursor.empty()) listing.start_after = round.cursor;
    const auto page = pass.store.objects->list(pass.bucket(), listing);
    if (!page) return fail(page.error());
    auto found = judge(pass, page->objects);
    if (!found) return fail(found.error());
    auto removed = round.tally.removed;
    for (auto& each : *found) {
        if (each.finding == SweepFinding::unreferenced && ++removed > most_removed(round.tally.seen))
            each.finding = SweepFinding::unknown;
        if (pass.observer) pass.observer(each);
        if (each.finding == SweepFinding::unknown) {
            ++round.tally.unknown;
            log::error("sweep.unknown_object",
                       {{"bucket", each.bucket.str()}, {"key", each.object.key.str()}});
        }
    }
    if (pass.mode == RunMode::apply) {
        if (auto done = act(pass, *found, round.tally); !done) return fail(std::move(done.error()));
    }
    if (stop_.stopped()) return true;  // the page was left half done
    round.tally.seen += page->objects.size();
    if (!page->objects.empty()) round.cursor = page->objects.back().key.str();
    return page->next.has_value() && !page->objects.empty();
}

Result<MaintenanceTally> OrphanCollector::sweep_bucket(const BucketPass& pass, MaintenanceStart start) {
    const bool dry = pass.mode == RunMode::dry_run;
    std::optional<MaintenanceLease> round{MaintenanceLease{}};
    if (!dry) {
        auto begun = dependencies_.upkeep.acquire(pass.round(), options_.lease, start);
        if (!begun) return fail(begun.error());
        round = std::move(*begun);
        if (!round) return MaintenanceTally{};
    }
    if (!dry && pass.kind == BucketPass::Kind::packages) {
        if (auto aborted = abort_unnamed_packages(pass, round->tally); !aborted) {
            (void)dependencies_.upkeep.release(*round, options_.again_after_failure);
            return fail(std::move(aborted.error()));
        }
    }
    for (;;) {
        if (!pace_.next()) {
            if (!dry) (void)dependencies_.upkeep.release(*round, std::chrono::milliseconds{0});
            return round->tally;
        }
        const auto more = sweep_page(pass, *round);
        if (!more) {
            if (!dry) (void)dependencies_.upkeep.release(*round, options_.again_after_failure);
            return fail(more.error());
        }
        if (!*more) break;
        if (dry) continue;
        const auto kept = dependencies_.upkeep.checkpoint(*round, options_.lease);
        if (!kept) return fail(kept.error());
        if (!*kept) return fail(ErrorCode::lease_lost, "another gateway goes on with this sweep");
    }
    if (dry) return round->tally;
    const auto ended = dependencies_.upkeep.complete(*round, options_.every);
    if (!ended) return fail(ended.error());
    log::info("sweep.finished", {{"round", round->name},
                                 {"seen", round->tally.seen},
                                 {"removed", round->tally.removed},
                                 {"unknown", round->tally.unknown}});
    return round->tally;
}

Result<MaintenanceTally> OrphanCollector::sweep_all(MaintenanceStart start, RunMode mode,
                                                    const SweepObserver& observer) {
    MaintenanceTally all;
    std::optional<Error> error;
    for (const auto& [name, store] : dependencies_.stores.all()) {
        for (const auto kind :
             {BucketPass::Kind::incoming, BucketPass::Kind::published, BucketPass::Kind::packages}) {
            const BucketPass pass{store, kind, mode, observer};
            const auto swept = sweep_bucket(pass, start);
            if (!swept) {
                count(&Counters::failures, 1);
                log::warn("sweep.failed", {{"round", pass.round()},
                                           {"code", to_string(swept.error().code)},
                                           {"detail", swept.error().detail}});
                if (!error) error = swept.error();
                continue;
            }
            all.seen += swept->seen;
            all.removed += swept->removed;
            all.unknown += swept->unknown;
        }
    }
    if (error) return fail(std::move(*error));
    return all;
}

Result<MaintenanceTally> OrphanCollector::sweep_now(RunMode mode, const SweepObserver& observer) {
    return sweep_all(MaintenanceStart::at_once, mode, observer);
}

void OrphanCollector::run() {
    do {
        (void)sweep_all(MaintenanceStart::when_due, RunMode::apply, {});
    } while (!stop_.wait_for(options_.ask_every));
}

void OrphanCollector::stop() {
    stop_.stop();
}

bool OrphanCollector::is_old(const storage::objects::ListedObject& object) const {
    return object.last_modified && dependencies_.clock.now() - *object.last_modified >= options_.min_age;
}

void OrphanCollector::count(std::uint64_t Counters::*counter, std::uint64_t by) {
    const std::lock_guard lock{mutex_};
    counters_.*counter += by;
}

OrphanCollector::Counters OrphanCollector::counters() const {
    const std::lock_guard lock{mutex_};
    return counters_;
}

}  // namespace photogate::pipeline
