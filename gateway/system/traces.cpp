#include "gateway/system/traces.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "base/encoding.hpp"
#include "base/log.hpp"
#include "base/random.hpp"
#include "base/tracing/otlp_library.hpp"
#include "base/tracing/tracing.hpp"
#include "base/version.hpp"

namespace photogate::gateway::system {
namespace {

constexpr std::int64_t kPause = 60;  ///< seconds between two lines of what the SDK has to say

/// A random UUID, version 4 (RFC 9562).
std::string new_instance_id() {
    std::array<std::uint8_t, 16> bytes{};
    SystemRandom{}.fill(std::as_writable_bytes(std::span{bytes}));
    bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0FU) | 0x40U);
    bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3FU) | 0x80U);
    auto text = hex_lower(bytes);
    for (const std::size_t at : {20U, 16U, 12U, 8U})
        text.insert(at, 1, '-');
    return text;
}

void warn(const char* what) {
    static std::atomic<std::int64_t> next{0};
    const auto now =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now().time_since_epoch())
            .count();
    auto due = next.load();
    if (now < due || !next.compare_exchange_strong(due, now + kPause)) return;
    log::warn("tracing.not_sent", {{"detail", what}});
}

}  // namespace

Traces::Traces(const config::Tracing& config, telemetry::Metrics& metrics) : config_(config) {
    if (config.endpoint.empty()) return;
    tracing::ExporterOptions options;
    options.endpoint = config.endpoint;
    options.service_name = config.service_name;
    options.service_version = kVersion;
    options.instance_id = new_instance_id();
    options.queue = config.queue;
    options.interval = config.interval;
    options.timeout = config.timeout;
    options.warn = &warn;
    auto loaded = tracing::load_exporter(config.library, options);
    if (!loaded) {
        log::error("tracing.unavailable", {{"detail", loaded.error().detail}});
        return;
    }
    sink_ = std::move(*loaded);
    tracing::install(sink_.get(), config.sample_ratio);
    const auto dropped = [&metrics](const char* reason) {
        return metrics.mirrored_counter(
            {"photogate_spans_dropped_total",
             "Spans that were lost: the queue was full, or the collector did not take them.",
             {{"reason", reason}}});
    };
    metrics.before_render(
        [sink = sink_.get(), full = dropped("queue_full"), failed = dropped("not_taken"),
         exported = metrics.mirrored_counter(
             {"photogate_spans_exported_total", "Spans that the collector has taken.", {}}),
         waiting = metrics.gauge({"photogate_spans_waiting", "Spans that wait to be sent.", {}})]() mutable {
            const auto counts = sink->counts();
            exported.show(counts.exported);
            full.show(counts.dropped);
            failed.show(counts.failed);
            waiting.set(static_cast<double>(counts.waiting));
        });
}

Traces::~Traces() {
    if (!sink_) return;
    tracing::install(nullptr, 0);
    sink_->close(config_.timeout);
}

}  // namespace photogate::gateway::system
