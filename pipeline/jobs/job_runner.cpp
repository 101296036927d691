#include "pipeline/jobs/job_runner.hpp"

#include <algorithm>
#include <exception>

#include "base/failpoint.hpp"
#include "base/log.hpp"
#include "base/tracing/tracing.hpp"
#include "pipeline/jobs/persist.hpp"

namespace photogate::pipeline::jobs {
namespace {

using model::Job;
using model::Postponement;

std::string_view subject_field(const Job& job) {
    return job.subject.kind == "upload" ? "upload" : "subject";
}

JobRunner::Ending not_recorded(const Job& job, std::string_view step, const Error& error) {
    log::warn("job.not_recorded", {{subject_field(job), job.subject.id},
                                   {"job", to_string(job.kind)},
                                   {"step", step},
                                   {"code", to_string(error.code)},
                                   {"detail", error.detail}});
    return error.code == ErrorCode::lease_lost ? JobRunner::Ending::recorded : JobRunner::Ending::unrecorded;
}

void log_exception(const Job& job, std::string_view what) {
    log::error("job.exception",
               {{subject_field(job), job.subject.id}, {"job", to_string(job.kind)}, {"what", what}});
}

/// A bug or an exhausted machine: this attempt is spent, the next may do better.
Retry spent_attempt() {
    return {Error{ErrorCode::internal, "the worker failed unexpectedly", {}, std::nullopt},
            Postponement::Cost::attempt};
}

/// Full jitter, so that a store that comes back is not met by all at once.
std::chrono::milliseconds delay_of(const Retry& retry, std::uint32_t attempt, Random& random) {
    const auto ceiling = std::min<std::uint64_t>(10'000, 500ULL << std::min<std::uint32_t>(attempt, 5));
    auto delay = std::chrono::milliseconds{250 + random.below(ceiling)};
    if (retry.why.retry_after)
        delay = std::max<std::chrono::milliseconds>(
            delay, std::min(*retry.why.retry_after, std::chrono::seconds{60}));
    return std::max(delay, retry.after);
}

void describe(tracing::Span& span, const Job& job, std::chrono::microseconds waited,
              const JobOutcome& outcome) {
    if (!span.recording()) return;
    span.set("photogate.upload.id", job.upload.id.str());
    span.set("photogate.app", job.app.str());
    span.set("photogate.job.attempt", std::int64_t{job.attempt});
    span.set("photogate.job.waited_ms", std::int64_t{std::max<std::int64_t>(0, waited.count() / 1'000)});
    if (const auto* retry = std::get_if<Retry>(&outcome)) span.fail(to_string(retry->why.code));
    if (const auto* lost = std::get_if<Unrecorded>(&outcome)) span.fail(to_string(lost->why.code));
}

}  // namespace

JobRunner::Ending JobRunner::run(const Job& job) noexcept {
    try {
        tracing::Span span{to_string(job.kind), tracing::Kind::consumer, job.upload.traceparent};
        auto* handler = handlers_.of(job.kind);
        if (!handler) {
            log::error("job.without_handler", {{"job", to_string(job.kind)}});
            return Ending::unrecorded;
        }
        const auto waited = SystemClock{}.now() - job.ready_since;
        const auto outcome = outcome_of(*handler, job);
        describe(span, job, waited, outcome);
        return record(*handler, job, outcome);
    } catch (const std::exception& problem) {
        log_exception(job, problem.what());
    } catch (...) {
        log_exception(job, "an unknown exception");
    }
    return Ending::unrecorded;
}

JobOutcome JobRunner::outcome_of(JobHandler& handler, const Job& job) const {
    try {
        return handler.run(job, stop_);
    } catch (const std::exception& problem) {
        log_exception(job, problem.what());
    } catch (...) {
        log_exception(job, "an unknown exception");
    }
    return spent_attempt();
}

JobRunner::Ending JobRunner::record(JobHandler& handler, const Job& job, const JobOutcome& outcome) {
    if (std::holds_alternative<Recorded>(outcome)) return Ending::recorded;
    if (const auto* done = std::get_if<Finished>(&outcome)) return finish(handler, job, *done);
    if (const auto* retry = std::get_if<Retry>(&outcome)) return postpone(handler, job, *retry);
    const auto& unrecorded = std::get<Unrecorded>(outcome);
    return not_recorded(job, unrecorded.step, unrecorded.why);
}

JobRunner::Ending JobRunner::finish(JobHandler& handler, const Job& job, const Finished& finished) {
    const auto done = persist(stop_, [&] { return queue_.finish_cleanup(job.lease, finished.note); });
    if (!done) return not_recorded(job, "finish", done.error());
    handler.finished(job);
    return Ending::recorded;
}

JobRunner::Ending JobRunner::postpone(JobHandler& handler, const Job& job, const Retry& retry) {
    Postponement why;
    why.cost = retry.cost;
    why.code = to_string(retry.why.code);
    why.detail = retry.why.detail;
    why.delay = delay_of(retry, job.attempt, random_);
    why.held_by = retry.held_by;
    const auto state = persist(stop_, [&] { return queue_.postpone(job.lease, why); });
    if (!state) return not_recorded(job, "postpone", state.error());
    if (!why.held_by.empty()) failpoint::pass(failpoint::Point::after_hold);
    if (*state == model::UploadState::failed) handler.failed(job);
    log::warn("job.postponed", {{subject_field(job), job.subject.id},
                                {"job", to_string(job.kind)},
                                {"code", why.code},
                                {"detail", why.detail},
                                {"attempt", job.attempt},
                                {"state", model::to_string(*state)},
                                {"delay_ms", why.delay.count()}});
    return Ending::recorded;
}

}  // namespace photogate::pipeline::jobs
