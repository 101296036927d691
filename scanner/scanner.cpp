#include "scanner/scanner.hpp"

#include <chrono>

#include "base/log.hpp"

namespace photogate::scanner {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::chrono::seconds kRetryAfter{2};

telemetry::Counter scans(telemetry::Metrics& metrics, const char* result) {
    return metrics.counter(
        {"photogate_scanner_scans_total",
         "Files that the malware scanner was asked about, by what came of it: clean, found, failed (no "
         "verdict).",
         {{"result", result}}});
}

}  // namespace

ScannerMetrics::ScannerMetrics(telemetry::Metrics& metrics)
    : clean_(scans(metrics, "clean")),
      found_(scans(metrics, "found")),
      failed_(scans(metrics, "failed")),
      seconds_(metrics.histogram({"photogate_scanner_seconds", "How long a scan took.", {}},
                                 telemetry::request_buckets())),
      up_(metrics.gauge(
          {"photogate_scanner_up", "Whether the last scan had a verdict; 1 where nothing is scanned.", {}})) {
    up_.set(1);
}

std::optional<Error> Scanner::away() {
    const auto wait = breaker_.enter(Steady::now());
    if (!wait) return std::nullopt;
    return Error{ErrorCode::scanner_unavailable,
                 "the malware scanner is away, and is tried again shortly",
                 {},
                 std::chrono::ceil<std::chrono::seconds>(*wait)};
}

Result<Finding> Scanner::scan(int file, std::uint64_t size) {
    const auto started = Steady::now();
    auto found = scan_with_clamd(options_, file, size);
    const auto took = Steady::now() - started;
    metrics_.seconds_.observe(telemetry::seconds(took));
    if (found) {
        breaker_.succeeded();
        metrics_.up_.set(1);
        (*found ? metrics_.found_ : metrics_.clean_).add();
        return found;
    }
    metrics_.failed_.add();
    log::warn("scanner.failed",
              {{"detail", found.error().detail},
               {"size", size},
               {"ms", std::chrono::duration_cast<std::chrono::milliseconds>(took).count()}});
    // What is about one file says nothing about the others.
    if (found.error().code != ErrorCode::scanner_unavailable || found.error().retry_after) return found;
    breaker_.failed(Steady::now());
    metrics_.up_.set(0);
    found.error().retry_after = kRetryAfter;
    return found;
}

}  // namespace photogate::scanner
