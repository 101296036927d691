// Refused event requests in the log: at most one line a minute for each source, with how many there were since the
// last one.
//
// All names that no source has share one entry, so made-up names neither grows the table nor fills
// the log.
//
// Thread safety: any thread.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "notifier/events/source.hpp"

namespace photogate::notifier::events {

enum class RefusedFor { unknown_source, missing_credentials, wrong_credentials };

class RefusalLog {
  public:
    static constexpr std::chrono::seconds kInterval{60};

    explicit RefusalLog(const Clock& clock) : clock_(clock) {}

    /// Writes `event.refused` if the source's interval has passed. `source` is nullptr for an unknown name.
    /// Returns how many refusals that line stands for; nullopt: none was written.
    /// `detail`: what the body's proof lacked; it holds nothing that the sender wrote.
    std::optional<std::uint64_t> refused(const Source* source, RefusedFor why, std::string_view detail = {});

  private:
    struct Entry {
        std::optional<Timestamp> logged_at;
        std::uint64_t since = 0;
    };
    const Clock& clock_;
    std::mutex mutex_;
    std::map<std::string, Entry, std::less<>> entries_;  ///< by the source's name; "" for unknown ones
};

}  // namespace photogate::notifier::events
