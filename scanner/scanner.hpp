// The malware scanner as the worker knows it: asked for a verdict on a file, left alone for a while when it gives none, and
// counted.
//
// Without a verdict a file is neither published nor rejected: it waits. Thread safety: any thread. Errors:
// scanner_unavailable, with `retry_after`; file_error.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/breaker.hpp"
#include "base/telemetry/metrics.hpp"
#include "scanner/clamd.hpp"

namespace photogate::scanner {

/// `photogate_scanner_scans_total{result}`, `photogate_scanner_seconds` and `photogate_scanner_up`; there also where
/// nothing is scanned.
class ScannerMetrics {
  public:
    explicit ScannerMetrics(telemetry::Metrics& metrics);

  private:
    friend class Scanner;
    telemetry::Counter clean_, found_, failed_;
    telemetry::Histogram seconds_;
    telemetry::Gauge up_;
};

class Scanner {
  public:
    /// `metrics` outlives this.
    Scanner(ClamdOptions options, ScannerMetrics& metrics)
        : options_(std::move(options)), metrics_(metrics) {}

    /// Where it is left alone: the error that says so. Otherwise the caller scans before long.
    std::optional<Error> away();
    Result<Finding> scan(int file, std::uint64_t size);

  private:
    const ClamdOptions options_;
    ScannerMetrics& metrics_;
    Breaker breaker_{{.trial = std::chrono::seconds{45}}};
};

}  // namespace photogate::scanner
