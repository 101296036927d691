#include "notifier/events/refusal_log.hpp"

#include <utility>

#include "base/log.hpp"

namespace photogate::notifier::events {
namespace {

std::string_view word(RefusedFor why) {
    switch (why) {
        case RefusedFor::unknown_source:
            return "unknown source";
        case RefusedFor::missing_credentials:
            return "no credentials";
        case RefusedFor::wrong_credentials:
            return "wrong credentials";
    }
    return "";
}

}  // namespace

std::optional<std::uint64_t> RefusalLog::refused(const Source* source, RefusedFor why,
                                                 std::string_view detail) {
    const auto now = clock_.now();
    const std::string name = source ? source->name : std::string{};
    std::uint64_t count = 0;
    {
        const std::lock_guard lock(mutex_);
        auto& entry = entries_[name];
        ++entry.since;
        // A clock that was set back does not silence the log.
        const bool recent = entry.logged_at && now >= *entry.logged_at && now < *entry.logged_at + kInterval;
        if (recent) return std::nullopt;
        entry.logged_at = now;
        count = std::exchange(entry.since, 0);
    }
    log::warn("event.refused", {{"source", source ? std::string_view{name} : "(unknown)"},
                                {"reason", detail.empty() ? word(why) : detail},
                                {"requests", count}});
    return count;
}

}  // namespace photogate::notifier::events
