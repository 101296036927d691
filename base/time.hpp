// Time is injected: pure code takes `now`, loops take a Clock. Only SystemClock reads the machine's clock.
#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace photogate {

/// UTC, microseconds (what PostgreSQL keeps).
using Timestamp = std::chrono::sys_time<std::chrono::microseconds>;

class Clock {
  public:
    virtual ~Clock() = default;
    virtual Timestamp now() const = 0;
};

/// The machine's clock. Thread safe.
class SystemClock final : public Clock {
  public:
    Timestamp now() const override;
};

/// A clock that a test moves. Thread safe.
class ManualClock final : public Clock {
  public:
    explicit ManualClock(Timestamp start) : micros_(start.time_since_epoch().count()) {}
    Timestamp now() const override { return Timestamp{std::chrono::microseconds{micros_.load()}}; }
    void advance(std::chrono::microseconds by) { micros_ += by.count(); }
    void set(Timestamp to) { micros_ = to.time_since_epoch().count(); }

  private:
    std::atomic<std::int64_t> micros_;
};

/// RFC 3339 in UTC with milliseconds: `2026-11-20T12:34:56.789Z`.
std::string format_rfc3339(Timestamp at);

/// RFC 3339, `Z` or a numeric offset, up to nine fractional digits (cut to microseconds). Years 1970 to 9999.
std::optional<Timestamp> parse_rfc3339(std::string_view text);

/// `yyyymmddhhmm` in UTC, the minute prefix of incoming keys.
std::string format_minute(Timestamp at);

/// RFC 9110 IMF-fixdate: `Sun, 06 Nov 1994 08:49:37 GMT`.
std::string format_http_date(Timestamp at);
std::optional<Timestamp> parse_http_date(std::string_view text);

}  // namespace photogate
