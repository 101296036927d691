#include "gateway/system/counting.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "base/log_stats.hpp"
#include "imaging/picture.hpp"

namespace photogate::gateway::system {
namespace {

double seconds(std::chrono::milliseconds time) {
    return std::chrono::duration<double>(time).count();
}
double seconds(std::chrono::microseconds time) {
    return std::chrono::duration<double>(time).count();
}

/// From a file in the store to its final state: the promise is ten seconds.
const std::vector<double>& finish_buckets() {
    static const std::vector<double> buckets{0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1'800, 21'600};
    return buckets;
}

http::SeriesName finished_series(std::string result, std::string reason) {
    return {"photogate_uploads_finished_total",
            "Uploads by how they ended.",
            {{"result", std::move(result)}, {"reason", std::move(reason)}}};
}

http::Histogram stage(http::Metrics& metrics, const char* name) {
    return metrics.histogram(
        {"photogate_upload_stage_seconds", "How long a stage of one upload took.", {{"stage", name}}},
        http::request_buckets());
}

}  // namespace

UploadCounting::UploadCounting(http::Metrics& metrics)
    : metrics_(metrics),
      fetch_(stage(metrics, "fetch")),
      image_(stage(metrics, "image")),
      put_(stage(metrics, "put")),
      commit_(stage(metrics, "commit")),
      finish_(metrics.histogram({"photogate_upload_finish_seconds",
                                 "From the moment an upload's file was known of to its final state.",
                                 {}},
                                finish_buckets())) {
    // From the start on, so that the first one is seen as a rise.
    metrics.counter(finished_series("published", ""));
    metrics.counter(
        finished_series("rejected", std::string{imaging::to_string(imaging::RejectionCode::timeout)}));
    for (const auto code :
         {ErrorCode::imager_crashed, ErrorCode::internal, ErrorCode::file_error, ErrorCode::size_mismatch})
        metrics.counter(finished_series("failed", std::string{to_string(code)}));
}

void UploadCounting::finished(const model::Upload& upload, const pipeline::jobs::StageTimes& times) {
    const auto reason = upload.rejection ? upload.rejection->code : std::string{};
    metrics_.counter(finished_series(std::string{to_string(upload.state)}, reason)).add();
    if (upload.received_at && upload.finished_at)
        finish_.observe(std::max(0.0, seconds(*upload.finished_at - *upload.received_at)));
    if (upload.state != model::UploadState::published) return;
    fetch_.observe(seconds(times.fetch));
    image_.observe(seconds(times.image));
    put_.observe(seconds(times.put));
    commit_.observe(seconds(times.commit));
}

CallbackCounting::CallbackCounting(http::Metrics& metrics)
    : metrics_(metrics),
      seconds_(metrics.histogram(
          {"photogate_callback_attempt_seconds", "How long one attempt at a callback took.", {}},
          http::request_buckets())) {}

void CallbackCounting::attempted(const model::CallbackAttempt& attempt) {
    const bool delivered = attempt.verdict == model::CallbackAttempt::Verdict::delivered;
    metrics_
        .counter({"photogate_callback_attempts_total",
                  "Attempts at callbacks by what came of them.",
                  {{"result", delivered ? "delivered" : attempt.error}}})
        .add();
    seconds_.observe(seconds(attempt.latency));
}

namespace {

http::MirroredCounter mirror(http::Metrics& metrics, const http::SeriesName& series) {
    return http::MirroredCounter{metrics.counter(series)};
}

void count_backlog(http::Metrics& metrics, storage::records::Gauges& gauges) {
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
    metrics.before_render(
        [&gauges, jobs = depth("jobs"), callbacks = depth("callbacks"), dead = depth("callbacks_dead"),
         oldest_job = oldest("jobs"), oldest_callback = oldest("callbacks"), paused = endpoints("paused"),
         open = endpoints("open"), failing = endpoints("failing"),
         leased = metrics.gauge({"photogate_jobs_leased", "Jobs that a worker holds.", {}})]() mutable {
            const auto backlog = gauges.backlog();
            if (!backlog) return;
            jobs.set(static_cast<double>(backlog->jobs_ready));
            leased.set(static_cast<double>(backlog->jobs_leased));
            oldest_job.set(seconds(backlog->oldest_ready));
            callbacks.set(static_cast<double>(backlog->callbacks_waiting));
            dead.set(static_cast<double>(backlog->callbacks_dead));
            oldest_callback.set(seconds(backlog->oldest_callback));
            paused.set(static_cast<double>(backlog->endpoints.paused));
            open.set(static_cast<double>(backlog->endpoints.open));
            failing.set(static_cast<double>(backlog->endpoints.failing));
        });
}

/// Asked at most every 15 s, however often somebody looks.
void count_state(http::Metrics& metrics, storage::records::Gauges& gauges,
                 std::chrono::milliseconds at_most_every) {
    const auto gauge = [&](const char* name, const char* help, http::Labels labels = {}) {
        return metrics.gauge({name, help, std::move(labels)});
    };
    const char* unknown_help = "Objects that photogate can not account for, as the last sweep found them.";
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
            overdue.set(seconds(state->oldest_past_grant));
            over.set(static_cast<double>(state->leases_over));
            incoming.set(static_cast<double>(state->unknown_incoming));
            published.set(static_cast<double>(state->unknown_public));
            sweep.set(seconds(state->oldest_sweep));
            listing.set(seconds(state->oldest_listing));
            jobs.set(static_cast<double>(state->dead_jobs));
            callbacks.set(static_cast<double>(state->dead_callbacks));
            snapshot.set(seconds(state->oldest_snapshot));
            clock.set(seconds(state->database_ahead));
        });
}

void count_reconciler(http::Metrics& metrics, const pipeline::Reconciler& reconciler) {
    const auto reaped = [](const char* result) {
        return http::SeriesName{"photogate_leases_reaped_total",
                                "Leases that ran out, by whether their job could begin anew.",
                                {{"result", result}}};
    };
    metrics.before_render(
        [&reconciler,
         found = mirror(
             metrics,
             {"photogate_reconciler_found_total", "Files whose event was lost, found by looking.", {}}),
         expired = mirror(metrics,
                          {"photogate_reconciler_expired_total", "Uploads that expired without a file.", {}}),
         failures = mirror(metrics,
                           {"photogate_reconciler_failures_total", "Rounds that could not be finished.", {}}),
         requeued = mirror(metrics, reaped("requeued")), spent = mirror(metrics, reaped("spent"))]() mutable {
            const auto counters = reconciler.counters();
            found.show(counters.found);
            expired.show(counters.expired);
            failures.show(counters.failures);
            requeued.show(counters.requeued);
            spent.show(counters.spent);
        });
}

void count_orphan_collector(http::Metrics& metrics, const pipeline::OrphanCollector& collector) {
    const auto swept = [](const char* finding) {
        return http::SeriesName{"photogate_sweep_objects_total",
                                "Objects that a sweep received (lost) or had removed, by what they were.",
                                {{"finding", finding}}};
    };
    metrics.before_render([&collector, lost = mirror(metrics, swept("lost")),
                           left_behind = mirror(metrics, swept("left_behind")),
                           unreferenced = mirror(metrics, swept("unreferenced")),
                           failures = mirror(metrics, {"photogate_sweep_failures_total",
                                                       "Sweeps of a bucket that were broken off.",
                                                       {}})]() mutable {
        const auto counters = collector.counters();
        lost.show(counters.lost);
        left_behind.show(counters.left_behind);
        unreferenced.show(counters.unreferenced);
        failures.show(counters.failures);
    });
}

void count_imagers(http::Metrics& metrics, const imaging::ImagerPool& imagers) {
    metrics.before_render(
        [&imagers,
         started = mirror(metrics, {"photogate_imager_started_total", "Image worker processes started.", {}}),
         crashed = mirror(
             metrics, {"photogate_imager_crashed_total", "Image worker processes that died at work.", {}}),
         timed_out = mirror(
             metrics,
             {"photogate_imager_timed_out_total", "Image worker processes killed for their time.", {}}),
         overloaded = mirror(metrics, {"photogate_imager_overloaded_total",
                                       "Pictures refused because no image worker process was free in time.",
                                       {}})]() mutable {
            const auto counters = imagers.counters();
            started.show(counters.started);
            crashed.show(counters.crashed);
            timed_out.show(counters.timed_out);
            overloaded.show(counters.overloaded);
        });
}

void count_sender(http::Metrics& metrics, const notifier::callbacks::CallbackSender& sender) {
    metrics.before_render(
        [&sender, dead = mirror(metrics, {"photogate_callbacks_dead_total",
                                          "Callbacks given up after the last attempt.",
                                          {}})]() mutable { dead.show(sender.counters().dead); });
}

void count_waiters(http::Metrics& metrics, const routes::Waiters& waiters) {
    std::vector<http::MirroredCounter> refused;
    for (const auto limit : routes::WaitPlaces::kLimits)
        refused.push_back(mirror(metrics, {"photogate_waits_refused_total",
                                           "Requests to wait that were refused, by the limit that they met.",
                                           {{"limit", to_string(limit)}}}));
    metrics.before_render(
        [&waiters, refused = std::move(refused),
         waiting = metrics.gauge({"photogate_waits", "Requests that wait for an upload.", {}}),
         abandoned = mirror(
             metrics,
             {"photogate_waits_abandoned_total", "Waits that ended because the client went away.", {}}),
         evicted = mirror(metrics, {"photogate_waits_evicted_total",
                                    "Waits that ended because others needed the connection.",
                                    {}})]() mutable {
            const auto counts = waiters.counts();
            waiting.set(static_cast<double>(counts.places.taken));
            for (std::size_t limit = 0; limit < refused.size(); ++limit)
                refused[limit].show(counts.places.refused[limit]);
            abandoned.show(counts.abandoned);
            evicted.show(counts.evicted);
        });
}

void count_images(http::Metrics& metrics, const delivery::PublishedImages& images,
                  const delivery::ByteBudget& budget) {
    metrics.before_render(
        [&images, &budget,
         buffered =
             metrics.gauge({"photogate_image_buffer_bytes", "Memory of images on their way to readers.", {}}),
         refused = mirror(
             metrics,
             {"photogate_images_refused_total", "Images that were refused for want of that memory.", {}}),
         changed = mirror(metrics, {"photogate_images_changed_total",
                                    "Images that were not served because another object lies in their place.",
                                    {}})]() mutable {
            const auto counts = budget.counts();
            buffered.set(static_cast<double>(counts.taken));
            refused.show(counts.refused);
            changed.show(images.changed());
        });
}

/// `photogate_worker_jobs{lane}` and `photogate_worker_concurrency{lane}`, for lanes that have handlers.
void count_worker(http::Metrics& metrics, const pipeline::jobs::Worker& worker) {
    for (const auto lane : pipeline::jobs::kLanes) {
        const auto limit = worker.load(lane).limit;
        if (limit == 0) continue;
        const http::Labels labels{{"lane", std::string{to_string(lane)}}};
        metrics
            .gauge(
                {"photogate_worker_concurrency", "Jobs that this worker may run at once, by lane.", labels})
            .set(static_cast<double>(limit));
        metrics.before_render(
            [&worker, lane,
             busy = metrics.gauge(
                 {"photogate_worker_jobs", "Jobs that this worker holds, by lane.", labels})]() mutable {
                busy.set(static_cast<double>(worker.load(lane).busy));
            });
    }
}

/// Asked at most every 15 s, as above.
void count_quarantine(http::Metrics& metrics, const BuiltinStore& store,
                      std::chrono::milliseconds at_most_every) {
    metrics.before_render(
        [&store, at_most_every, asked_at = std::optional<std::chrono::steady_clock::time_point>{},
         objects = metrics.gauge({"photogate_store_quarantined_objects",
                                  "Files of rejected uploads that the built-in store keeps; at most 100,000 "
                                  "are counted.",
                                  {}}),
         bytes = metrics.gauge({"photogate_store_quarantined_bytes", "Their bytes.", {}})]() mutable {
            const auto now = std::chrono::steady_clock::now();
            if (asked_at && now - *asked_at < at_most_every) return;
            const auto usage = store.quarantined();
            if (!usage) return;
            asked_at = now;
            objects.set(static_cast<double>(usage->objects));
            bytes.set(static_cast<double>(usage->bytes));
        });
}

void count_disk(http::Metrics& metrics, const std::string& place, const std::filesystem::path& folder) {
    metrics.before_render(
        [folder, used = metrics.gauge({"photogate_disk_used_ratio",
                                       "Share of the file system in use, by what photogate keeps on it.",
                                       {{"place", place}}})]() mutable {
            std::error_code unreadable;
            const auto space = std::filesystem::space(folder, unreadable);
            if (unreadable || space.capacity == 0) return;
            used.set(1.0 - static_cast<double>(space.available) / static_cast<double>(space.capacity));
        });
}

}  // namespace

void count_parts(http::Metrics& metrics, const CountedComponents& parts) {
    if (parts.gauges) {
        count_backlog(metrics, *parts.gauges);
        count_state(metrics, *parts.gauges, parts.state_at_most_every);
    }
    if (parts.reconciler) count_reconciler(metrics, *parts.reconciler);
    if (parts.collector) count_orphan_collector(metrics, *parts.collector);
    if (parts.imagers) count_imagers(metrics, *parts.imagers);
    if (parts.worker) count_worker(metrics, *parts.worker);
    if (parts.sender) count_sender(metrics, *parts.sender);
    if (parts.images && parts.image_budget) count_images(metrics, *parts.images, *parts.image_budget);
    if (parts.waiters) count_waiters(metrics, *parts.waiters);
    if (parts.builtin) count_quarantine(metrics, *parts.builtin, parts.state_at_most_every);
    for (const auto& [place, folder] : parts.folders)
        count_disk(metrics, place, folder);
    metrics.before_render([unread = mirror(metrics, {"photogate_log_lines_dropped_total",
                                                     "Lines of log that nobody was there to read.",
                                                     {}})]() mutable { unread.show(log::dropped()); });
    if (parts.server) http::watch(metrics, *parts.server);
    for (const http::WorkPool* pool : parts.pools)
        http::watch(metrics, *pool);
}

}  // namespace photogate::gateway::system
