#include "storage/http/retry_after.hpp"

#include <algorithm>

namespace photogate::storage::http {

namespace {

constexpr std::chrono::seconds kLeast{1};
constexpr std::chrono::seconds kMost{3'600};

}  // namespace

std::optional<std::chrono::seconds> parse_retry_after(std::string_view value, Timestamp now) {
    if (value.empty()) return std::nullopt;
    if (std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; })) {
        std::int64_t seconds = 0;
        for (const char c : value)
            seconds = std::min<std::int64_t>(seconds * 10 + (c - '0'), kMost.count());
        return std::clamp(std::chrono::seconds{seconds}, kLeast, kMost);
    }
    const auto date = parse_http_date(value);
    if (!date) return std::nullopt;
    const auto wait = *date - now;
    if (wait > kMost) return kMost;
    return std::max(std::chrono::ceil<std::chrono::seconds>(wait), kLeast);
}

}  // namespace photogate::storage::http
