#include "http/semantics/byte_range.hpp"

#include <algorithm>
#include <limits>
#include <optional>

#include "base/ascii.hpp"
#include "base/text.hpp"

namespace photogate::http::semantics {

namespace {

std::optional<std::uint64_t> position(std::string_view digits) {
    if (digits.empty() || !std::all_of(digits.begin(), digits.end(), ascii::is_digit)) return std::nullopt;
    return ascii::parse_whole<std::uint64_t>(digits).value_or(std::numeric_limits<std::uint64_t>::max());
}

}  // namespace

RangeAsked read_byte_range(std::string_view text, std::uint64_t size) {
    text = trim(text);
    constexpr std::string_view unit = "bytes=";
    if (!ascii::equals_ignoring_case(text.substr(0, unit.size()), unit)) return WholeRepresentation{};
    text = trim(text.substr(unit.size()));
    const auto dash = text.find('-');
    if (dash == std::string_view::npos) return WholeRepresentation{};
    const auto first_text = text.substr(0, dash), last_text = text.substr(dash + 1);
    const auto first = position(first_text), last = position(last_text);
    if (first_text.empty()) {  // the last n bytes
        if (!last) return WholeRepresentation{};
        if (*last == 0 || size == 0) return Unsatisfiable{};
        return ByteRange{*last >= size ? 0 : size - *last, size - 1};
    }
    if (!first || (!last_text.empty() && !last)) return WholeRepresentation{};
    if (last && *last < *first) return WholeRepresentation{};  // 14.1.1: not a valid range, so ignored
    if (*first >= size) return Unsatisfiable{};
    return ByteRange{*first, last && *last < size ? *last : size - 1};
}

}  // namespace photogate::http::semantics
