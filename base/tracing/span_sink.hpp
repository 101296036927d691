// Where ended spans go: the boundary between who records them and who sends them.
//
// Everything here is defined in this header, because the exporter is a shared library of its own, loaded at run time
// (otlp_library.hpp), that links nothing of the program.
//
// Thread safety: values; a SpanSink is called from every thread at once.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/tracing/trace_context.hpp"

namespace photogate::tracing {

/// As OpenTelemetry has them.
enum class Kind { internal, server, client, producer, consumer };

using AttributeValue = std::variant<std::string, std::int64_t, double, bool>;

/// A span that has ended.
struct SpanRecord {
    Context context;
    SpanId parent;           ///< none: it is the root
    std::string tracestate;  ///< of a span with a remote parent; empty: none
    std::string name;
    Kind kind = Kind::internal;
    std::chrono::system_clock::time_point start;
    std::chrono::nanoseconds duration{};
    std::vector<std::pair<std::string_view, AttributeValue>> attributes;  ///< names are literals
    bool failed = false;
};

/// Since the start. A span is in exactly one of the first three, or still waits.
struct SpanCounts {
    std::uint64_t exported = 0;
    std::uint64_t dropped = 0;  ///< because the queue was full
    std::uint64_t failed = 0;   ///< of batches that the collector did not take
    std::uint64_t waiting = 0;
};

class SpanSink {
  public:
    virtual ~SpanSink() = default;
    /// Returns at once, whatever the collector does: the span is queued, or dropped and counted.
    virtual void take(SpanRecord&& span) noexcept = 0;
    virtual SpanCounts counts() const noexcept = 0;
    /// Sends what waits, as far as that goes within `patience`; what is left then is dropped.
    virtual void close(std::chrono::milliseconds patience) noexcept = 0;
};

/// What the exporter is made with. What is empty here it takes from the variables that OpenTelemetry names.
struct ExporterOptions {
    std::string endpoint;  ///< the whole URL, as `http://127.0.0.1:4318/v1/traces`
    std::string service_name;
    std::string service_version;
    std::string instance_id;
    std::size_t queue = 2'048;
    std::chrono::milliseconds interval{5'000};
    std::chrono::milliseconds timeout{5'000};  ///< of one batch
    void (*warn)(const char* what) = nullptr;  ///< the SDK's own words; from any thread
};

}  // namespace photogate::tracing
