#include "scanner/scanner.hpp"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.hpp"

namespace photogate::scanner {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::chrono::seconds kRetryAfter{2};
constexpr std::chrono::milliseconds kPatienceForHarmless{5'000};
/// The first may have been an accident of the scanner's; before each of the others it had a verdict on a harmless file.
constexpr int kTimesToBlame = 4;
/// More are forgotten: the scanner has gone away at each.
constexpr std::size_t kMostSuspects = 64;
constexpr std::string_view kHarmless = "photogate asks whether its scanner has verdicts\n";

telemetry::Counter scans(telemetry::Metrics& metrics, const char* result) {
    return metrics.counter(
        {"photogate_scanner_scans_total",
         "Files that the malware scanner was asked about, by what came of it: clean, found, failed (no "
         "verdict), beyond (none on this file).",
         {{"result", result}}});
}

Descriptor harmless_file() {
    Descriptor file{::memfd_create("harmless", MFD_CLOEXEC)};
    if (file &&
        ::write(file.get(), kHarmless.data(), kHarmless.size()) != static_cast<ssize_t>(kHarmless.size()))
        file.reset();
    return file;
}

}  // namespace

ScannerMetrics::ScannerMetrics(telemetry::Metrics& metrics)
    : clean_(scans(metrics, "clean")),
      found_(scans(metrics, "found")),
      failed_(scans(metrics, "failed")),
      beyond_(scans(metrics, "beyond")),
      passed_(
          metrics.counter({"photogate_scanner_passed_total",
                           "Files that went on without a verdict, as scanner.on_limit = \"publish\" says.",
                           {}})),
      seconds_(metrics.histogram({"photogate_scanner_seconds", "How long a scan took.", {}},
                                 telemetry::request_buckets())),
      up_(metrics.gauge(
          {"photogate_scanner_up", "Whether the last scan had a verdict; 1 where nothing is scanned.", {}})) {
    up_.set(1);
}

Scanner::Scanner(std::unique_ptr<Engine> engine, std::chrono::milliseconds timeout, ScannerMetrics& metrics)
    : engine_(std::move(engine)), timeout_(timeout), metrics_(metrics), harmless_(harmless_file()) {}

std::optional<Error> Scanner::away() {
    const auto wait = breaker_.enter(Steady::now());
    if (!wait) return std::nullopt;
    return Error{ErrorCode::scanner_unavailable,
                 "the malware scanner is away, and is tried again shortly",
                 {},
                 std::chrono::ceil<std::chrono::seconds>(*wait)};
}

Result<> Scanner::scan_harmless_file() {
    if (!harmless_) return no_verdict("there is no harmless file to try it with");
    auto verdict = engine_->scan(harmless_.get(), kHarmless.size(), std::min(timeout_, kPatienceForHarmless));
    if (!verdict) return fail(std::move(verdict.error()));
    return {};
}

telemetry::Counter& ScannerMetrics::of(Verdict::Kind kind) {
    switch (kind) {
        case Verdict::Kind::clean:
            return clean_;
        case Verdict::Kind::found:
            return found_;
        case Verdict::Kind::beyond:
        case Verdict::Kind::failed:
            break;
    }
    return beyond_;
}

bool Scanner::Suspects::has(const std::string& sha256) const {
    const std::lock_guard lock{mutex_};
    return std::any_of(files_.begin(), files_.end(), [&](const auto& each) { return each.first == sha256; });
}

int Scanner::Suspects::add(const std::string& sha256) {
    const std::lock_guard lock{mutex_};
    int times = 1;
    const auto known =
        std::find_if(files_.begin(), files_.end(), [&](const auto& each) { return each.first == sha256; });
    if (known != files_.end()) {
        times += known->second;
        files_.erase(known);
    }
    files_.emplace_back(sha256, times);
    if (files_.size() > kMostSuspects) files_.pop_front();
    return times;
}

void Scanner::Suspects::remove(const std::string& sha256) {
    const std::lock_guard lock{mutex_};
    std::erase_if(files_, [&](const auto& each) { return each.first == sha256; });
}

Result<Verdict> Scanner::ask(int file, std::uint64_t size, const std::string& sha256) {
    if (suspects_.has(sha256)) {
        if (auto harmless = scan_harmless_file(); !harmless) return fail(std::move(harmless.error()));
    }
    auto verdict = engine_->scan(file, size, timeout_);
    if (!verdict && verdict.error().code == ErrorCode::scanner_unavailable) {
        const auto harmless = scan_harmless_file();
        if (harmless) {
            verdict = Verdict{Verdict::Kind::failed, std::move(verdict.error().detail)};
        } else if (harmless.error().code == ErrorCode::scanner_unavailable) {  // not for want of a connection
            if (const int times = suspects_.add(sha256); times >= kTimesToBlame) {
                verdict = beyond(
                    fmt::format("the scanner went away at it {} times: {}", times, verdict.error().detail));
            }
        }
    }
    if (verdict) suspects_.remove(sha256);
    return verdict;
}

Result<Verdict> Scanner::scan(int file, std::uint64_t size, const std::string& sha256) {
    const auto started = Steady::now();
    auto verdict = ask(file, size, sha256);
    const auto took = Steady::now() - started;
    metrics_.seconds_.observe(telemetry::seconds(took));
    if (!verdict || verdict->kind == Verdict::Kind::beyond || verdict->kind == Verdict::Kind::failed) {
        log::warn("scanner.failed",
                  {{"about", verdict ? "file" : "scanner"},
                   {"detail", verdict ? verdict->text : verdict.error().detail},
                   {"size", size},
                   {"ms", std::chrono::duration_cast<std::chrono::milliseconds>(took).count()}});
    }
    if (verdict) {
        metrics_.of(verdict->kind).add();
        // A file that is too long was perhaps not sent at all: that says nothing about the scanner.
        if (verdict->kind == Verdict::Kind::beyond) return verdict;
        breaker_.succeeded();
        metrics_.up_.set(1);
        return verdict;
    }
    metrics_.failed_.add();
    if (verdict.error().code != ErrorCode::scanner_unavailable) return verdict;
    breaker_.failed(Steady::now());
    metrics_.up_.set(0);
    verdict.error().retry_after = kRetryAfter;
    return verdict;
}

void Scanner::passed() {
    metrics_.passed_.add();
}

}  // namespace photogate::scanner
