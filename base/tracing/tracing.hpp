// Traces: spans of what the program does, as OpenTelemetry names them.
//
// Off until install(): then every function here returns at once and allocates nothing. A span costs something only
// where its trace is sampled.
//
// Spans nest by thread: the one that was begun last on a thread and has not ended is the parent of the next, and log
// lines written meanwhile carry its trace's id. What is handed to another thread, process or day travels as a
// `traceparent` (trace_context.hpp). A crash loses the spans that were not sent; nothing else depends on them.
//
// Attributes hold no credential, no query of a URL, no file name and nobody's address.
//
// Thread safety: install() before other threads begin and after they have ended; the rest from any. A Span belongs to
// the thread that made it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/tracing/span_sink.hpp"
#include "base/tracing/trace_context.hpp"

namespace photogate::tracing {

/// From here on spans go to `sink`, which outlives every span; null: off again. `root_ratio`, 0 to 1: how many of the traces that
/// begin here are recorded.
void install(SpanSink* sink, double root_ratio);

namespace detail {
extern std::atomic<SpanSink*> g_sink;
}
inline bool on() noexcept {
    return detail::g_sink.load(std::memory_order_acquire) != nullptr;
}

/// Whose word counts on whether a trace is recorded. A stranger may continue a trace, and say that it is not recorded; that it is, is
/// then decided here, by the ratio, so that no stranger fills the collector.
enum class Trust { ours, stranger };

/// The context of a span that begins now, which record() reports once it has ended: for what begins on one thread and ends on
/// another. Off: `remote` as it is, so that it is passed on.
Context begin(const std::optional<Context>& remote, Trust trust) noexcept;

/// A span that was begun with begin(). Not sampled: nothing.
void record(SpanRecord&& span) noexcept;

/// A span from its construction to its end. Records nothing where it has no parent that is recorded.
class Span {
  public:
    /// A child of this thread's span.
    explicit Span(std::string_view name, Kind kind = Kind::internal);
    /// A child of what a `traceparent` says; empty or malformed: nothing is recorded.
    Span(std::string_view name, Kind kind, const std::optional<std::string>& traceparent);
    ~Span();
    Span(const Span&) = delete;
    Span& operator=(const Span&) = delete;

    bool recording() const noexcept { return open_ != nullptr; }
    void set(std::string_view literal, std::string_view text);
    void set(std::string_view literal, std::int64_t number);
    /// It went wrong. `type` is a word of few, as an error's code.
    void fail(std::string_view type);
    /// Since when it has been under way, where that was before its construction.
    void started_at(std::chrono::system_clock::time_point at);
    /// For what follows it elsewhere; nullopt where nothing is recorded.
    std::optional<std::string> traceparent() const;

  private:
    struct Open;
    void open(std::string_view name, Kind kind, const Context& parent);
    std::unique_ptr<Open> open_;
};

/// The trace id of this thread's span in hex, or empty: for exemplars.
std::string_view current_trace_id() noexcept;

}  // namespace photogate::tracing
