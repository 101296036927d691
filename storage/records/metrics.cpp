#include "storage/records/metrics.hpp"

#include <optional>
#include <utility>

namespace photogate::storage::records {
namespace {

void watch_backlog(telemetry::Metrics& metrics, Gauges& gauges) {
    const auto depth = [&](const char* queue) {
        return metrics.gauge({"photogate_queue_depth", "What waits, by queue.", {{"queue", queue}}});
    };
    const auto oldest = [&](const char* queue) {
        return metrics.gauge({"photogate_queue_oldest_seconds",
                              "Age of the oldest that waits, by queue.",
                              {{"queue", queue}}});
    };
    const auto endpoints = [&](const char* state) {
        return metrics.gauge({"photogate_callback_endpoints",
                              "Callback URLs that something is wrong with, by what.",
                              {{"state", state}}});
    };
    const auto held = [&](const char* gate) {
        return metrics.gauge({"photogate_jobs_held",
                              "Uploads that are not tried before a gate that is away is back, by gate.",
                              {{"gate", gate}}});
    };
    metrics.before_render(
        [&gauges, jobs = depth("jobs"), callbacks = depth("callbacks"), dead = depth("callbacks_dead"),
         oldest_job = oldest("jobs"), oldest_callback = oldest("callbacks"), paused = endpoints("paused"),
         open = endpoints("open"), failing = endpoints("failing"), scanner = held("scanner"),
         hooks = held("hook"),
         leased = metrics.gauge({"photogate_jobs_leased", "Jobs that a worker holds.", {}})]() mutable {
            const auto backlog = gauges.backlog();
            if (!backlog) return;
            jobs.set(static_cast<double>(backlog->jobs_ready));
            leased.set(static_cast<double>(backlog->jobs_leased));
            scanner.set(static_cast<double>(backlog->held_by_scanner));
            hooks.set(static_cast<double>(backlog->held_by_hooks));
            oldest_job.set(telemetry::seconds(backlog->oldest_ready));
            callbacks.set(static_cast<double>(backlog->callbacks_waiting));
            dead.set(static_cast<double>(backlog->callbacks_dead));
            oldest_callback.set(telemetry::seconds(backlog->oldest_callback));
            paused.set(static_cast<double>(backlog->endpoints.paused));
            open.set(static_cast<double>(backlog->endpoints.open));
            failing.set(static_cast<double>(backlog->endpoints.failing));
        });
}

void watch_state(telemetry::Metrics& metrics, Gauges& gauges, std::chrono::milliseconds at_most_every) {
    const auto gauge = [&](const char* name, const char* help, telemetry::Labels labels = {}) {
        return metrics.gauge({name, help, std::move(labels)});
    };
    const char* unknown_help = "Objects that photogate can't account for, as the last sweep found them.";
    const char* dead_help = "Row versions that wait for vacuum.";
    metrics.before_render(
        [&gauges, at_most_every, asked_at = std::optional<std::chrono::steady_clock::time_point>{},
         awaited = gauge("photogate_uploads_awaited", "Uploads that were granted and have no file yet."),
         overdue = gauge("photogate_grant_overdue_seconds",
                         "How long ago the grant ended of the oldest upload that is still awaited."),
         over = gauge("photogate_leases_over", "Leases that ran out and were not taken back yet."),
         incoming = gauge("photogate_unknown_objects", unknown_help, {{"bucket", "incoming"}}),
         published = gauge("photogate_unknown_objects", unknown_help, {{"bucket", "public"}}),
         sweep = gauge("photogate_sweep_age_seconds", "Since the bucket swept longest ago was."),
         listing = gauge("photogate_listing_age_seconds", "Since the store was last asked for lost files."),
         jobs = gauge("photogate_database_dead_tuples", dead_help, {{"table", "jobs"}}),
         callbacks = gauge("photogate_database_dead_tuples", dead_help, {{"table", "callbacks"}}),
         snapshot = gauge("photogate_database_oldest_snapshot_seconds",
                          "Age of the oldest transaction that keeps vacuum from its work."),
         clock = gauge("photogate_clock_offset_seconds", "How far another's clock is ahead of this one's.",
                       {{"of", "database"}})]() mutable {
            const auto now = std::chrono::steady_clock::now();
            if (asked_at && now - *asked_at < at_most_every) return;
            const auto state = gauges.pipeline_state();
            if (!state) return;
            asked_at = now;
            awaited.set(static_cast<double>(state->awaited));
            overdue.set(telemetry::seconds(state->oldest_past_grant));
            over.set(static_cast<double>(state->leases_over));
            incoming.set(static_cast<double>(state->unknown_incoming));
            published.set(static_cast<double>(state->unknown_public));
            sweep.set(telemetry::seconds(state->oldest_sweep));
            listing.set(telemetry::seconds(state->oldest_listing));
            jobs.set(static_cast<double>(state->dead_jobs));
            callbacks.set(static_cast<double>(state->dead_callbacks));
            snapshot.set(telemetry::seconds(state->oldest_snapshot));
            clock.set(telemetry::seconds(state->database_ahead));
        });
}

}  // namespace

void watch(telemetry::Metrics& metrics, Gauges& gauges, std::chrono::milliseconds state_at_most_every) {
    watch_backlog(metrics, gauges);
    watch_state(metrics, gauges, state_at_most_every);
}

}  // namespace photogate::storage::records
