#include "gateway/system/store_watch.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "base/log.hpp"
#include "storage/objects/store_clock.hpp"

namespace photogate::gateway::system {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

double seconds(std::chrono::microseconds time) {
    return std::chrono::duration<double>(time).count();
}

}  // namespace

StoreWatch::StoreWatch(StoreWatchOptions options, const pipeline::Stores& stores,
                       storage::objects::S3Dependencies dependencies, telemetry::Metrics& metrics)
    : options_(std::move(options)),
      stores_(stores),
      dependencies_(dependencies),
      metrics_(metrics),
      proved_at_(metrics.gauge({"photogate_store_proof_timestamp_seconds",
                                "When the stores' credentials and buckets were last proved safe or not.",
                                {}})),
      unproved_(metrics.counter({"photogate_store_proofs_failed_total",
                                 "Proofs that could not be made, since a store did not answer.",
                                 {}})) {}

void StoreWatch::found(const std::vector<RegionReport>& reports) {
    // Over all regions: one that is unsafe is enough.
    std::map<std::string, bool> failed;
    for (const auto& [region, report, away] : reports) {
        for (const auto& finding : report.findings) {
            if (!finding.decided) continue;  // it stays what was last proved
            const bool bad = finding.verdict == storage::objects::Verdict::failed;
            failed[finding.check] = failed[finding.check] || bad;
        }
    }
    for (const auto& [check, bad] : failed) {
        metrics_
            .gauge({"photogate_store_proof_failed",
                    "1 where the store permits what it must not, by what was tried.",
                    {{"check", check}}})
            .set(bad ? 1 : 0);
    }
    proved_at_.set(seconds(dependencies_.clock.now().time_since_epoch()));
}

void StoreWatch::prove() {
    const auto reports = options_.prove();
    if (!reports) {
        unproved_.add();
        return log::warn("store.not_proved", {{"detail", reports.error().detail}});
    }
    found(*reports);
    for (const auto& [region, report, away] : *reports) {
        if (away) {
            unproved_.add();
            log::warn("store.not_proved", {{"region", region}, {"detail", away->detail}});
        }
        const auto undecided =
            std::find_if_not(report.findings.begin(), report.findings.end(),
                             [](const storage::objects::Finding& finding) { return finding.decided; });
        if (undecided != report.findings.end()) {
            unproved_.add();
            log::warn("store.not_proved",
                      {{"region", region}, {"check", undecided->check}, {"detail", undecided->detail}});
        }
        for (const auto& finding : report.findings) {
            if (finding.verdict != storage::objects::Verdict::failed || !finding.decided) continue;
            log::error("store.unsafe", {{"region", region},
                                        {"check", finding.check},
                                        {"detail", finding.detail},
                                        {"remedy", finding.remedy}});
        }
    }
}

void StoreWatch::read_clocks() {
    const SystemClock machine;
    options_.agree_on_time();
    std::optional<double> worst;
    for (const auto& [name, store] : stores_.all()) {
        const auto clock = storage::objects::read_store_clock(store.region.internal, dependencies_);
        if (!clock) continue;
        if (clock->took >= 0s && clock->took < 1s) store.clock->measured(clock->ahead);
        const auto offset = seconds(clock->ahead + (dependencies_.clock.now() - machine.now()));
        if (!worst || std::abs(offset) > std::abs(*worst)) worst = offset;
    }
    if (!worst) return;
    metrics_
        .gauge({"photogate_clock_offset_seconds",
                "How far another's clock is ahead of this one's.",
                {{"of", "store"}}})
        .set(*worst);
}

void StoreWatch::run() {
    // The start has just been proved.
    auto prove_at = Steady::now() + options_.prove_every, read_at = Steady::now();
    do {
        const auto now = Steady::now();
        if (now >= read_at) {
            read_clocks();
            read_at = Steady::now() + options_.read_clock_every;
        }
        if (now >= prove_at) {
            prove();
            prove_at = Steady::now() + options_.prove_every;
        }
    } while (!stop_.wait_until(std::min(prove_at, read_at)));
}

}  // namespace photogate::gateway::system
