#include "storage/http/retry_after.hpp"

#include <algorithm>
#include <cstdint>

#include "base/ascii.hpp"

namespace photogate::storage::http {

namespace {

constexpr std::chrono::seconds kLeast{1};
constexpr std::chrono::seconds kMost{3'600};

}  // namespace

std::optional<std::chrono::seconds> parse_retry_after(std::string_view value, Timestamp now) {
    if (value.empty()) return std::nullopt;
    if (std::all_of(value.begin(), value.end(), ascii::is_digit)) {
        const auto count = ascii::parse_whole<std::int64_t>(value);  // none: it does not fit
        return std::clamp(std::chrono::seconds{count.value_or(kMost.count())}, kLeast, kMost);
    }
    const auto date = parse_http_date(value);
    if (!date || *date <= now) return std::nullopt;
    return std::clamp(std::chrono::ceil<std::chrono::seconds>(*date - now), kLeast, kMost);
}

}  // namespace photogate::storage::http
