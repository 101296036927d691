// The malware scanner as the worker knows it: asked for a verdict on a file, left alone for a while when it gives none, and
// counted.
//
// Where a scan fails, a small file that is known to be harmless says who is to blame: if that has a verdict, the file is
// (Verdict::Kind::failed), otherwise the scanner is away. Unless the file takes it there: one at which the scanner has gone away
// before is scanned behind a harmless one, and once the scanner has gone away at it four times, the file is beyond what the
// scanner can take (Verdict::Kind::beyond).
//
// Thread safety: any thread. Errors: scanner_unavailable, with `retry_after`: the scanner is away. overloaded; file_error.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "base/breaker.hpp"
#include "base/file.hpp"
#include "base/telemetry/metrics.hpp"
#include "scanner/engine.hpp"

namespace photogate::scanner {

/// `photogate_scanner_scans_total{result}`, `photogate_scanner_passed_total`, `photogate_scanner_seconds` and
/// `photogate_scanner_up`; there also where nothing is scanned.
class ScannerMetrics {
  public:
    explicit ScannerMetrics(telemetry::Metrics& metrics);

  private:
    friend class Scanner;
    telemetry::Counter& of(Verdict::Kind kind);
    telemetry::Counter clean_, found_, failed_, beyond_, passed_;
    telemetry::Histogram seconds_;
    telemetry::Gauge up_;
};

class Scanner {
  public:
    /// `metrics` outlives this. `timeout` is that of one file.
    Scanner(std::unique_ptr<Engine> engine, std::chrono::milliseconds timeout, ScannerMetrics& metrics);

    /// Where it is left alone: the error that says so. Otherwise the caller scans before long.
    std::optional<Error> away();
    /// As HookCaller's: whether it is left alone, and whether one caller may try.
    Breaker::State state() const { return breaker_.state(std::chrono::steady_clock::now()); }
    /// `sha256`: of its bytes, by which it is known when it comes again.
    Result<Verdict> scan(int file, std::uint64_t size, const std::string& sha256);
    /// A file goes on without a verdict, as `on_limit = "publish"` says; counted.
    void passed();

  private:
    /// Files at which the scanner has gone away, the latest last. Thread safety: any thread.
    class Suspects {
      public:
        bool has(const std::string& sha256) const;
        /// How often by now.
        int add(const std::string& sha256);
        void remove(const std::string& sha256);

      private:
        mutable std::mutex mutex_;
        std::deque<std::pair<std::string, int>> files_;
    };

    /// Success where it has a verdict on it. Errors: those of Engine::scan.
    Result<> scan_harmless_file();
    /// One scan, and whom it is about.
    Result<Verdict> ask(int file, std::uint64_t size, const std::string& sha256);

    const std::unique_ptr<Engine> engine_;
    const std::chrono::milliseconds timeout_;
    ScannerMetrics& metrics_;
    const Descriptor harmless_;
    Suspects suspects_;
    Breaker breaker_{{.trial = std::chrono::seconds{45}}};
};

}  // namespace photogate::scanner
