#include "delivery/conditions.hpp"

#include <charconv>
#include <variant>

#include "base/text.hpp"

namespace photogate::delivery {
namespace {

using storage::objects::ByteRange;

enum class Comparison { strong, weak };

/// Walks `"a", W/"b"`; a comma may stand inside the quotes. Anything malformed ends the walk.
bool list_has(std::string_view list, std::string_view etag, Comparison comparison) {
    list = trim(list);
    if (list == "*") return true;
    while (!list.empty()) {
        const bool weak = list.starts_with("W/");
        if (weak) list.remove_prefix(2);
        if (!list.starts_with('"')) return false;
        const auto end = list.find('"', 1);
        if (end == std::string_view::npos) return false;
        if (list.substr(0, end + 1) == etag && (!weak || comparison == Comparison::weak)) return true;
        list = trim(list.substr(end + 1));
        if (!list.starts_with(',')) return false;
        list = trim(list.substr(1));
    }
    return false;
}

std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    // More digits than fit mean a place far behind the end.
    if (error == std::errc::result_out_of_range && end == text.data() + text.size()) return UINT64_MAX;
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

struct Unsatisfiable {};
struct WholeFile {};
using Asked = std::variant<WholeFile, Unsatisfiable, ByteRange>;

Asked read_range(std::string_view text, std::uint64_t size) {
    text = trim(text);
    constexpr std::string_view unit = "bytes=";
    if (!text.starts_with(unit)) return WholeFile{};
    text = trim(text.substr(unit.size()));
    const auto dash = text.find('-');
    if (text.find(',') != std::string_view::npos || dash == std::string_view::npos) return WholeFile{};
    const auto first_text = text.substr(0, dash), last_text = text.substr(dash + 1);
    const auto first = number(first_text), last = number(last_text);
    if (first_text.empty()) {  // the last n bytes
        if (!last) return WholeFile{};
        if (*last == 0 || size == 0) return Unsatisfiable{};
        return ByteRange{*last >= size ? 0 : size - *last, size - 1};
    }
    if (!first || (!last_text.empty() && !last)) return WholeFile{};
    if (last && *last < *first) return WholeFile{};  // 14.1.1: not a valid range, so ignored
    if (*first >= size) return Unsatisfiable{};
    return ByteRange{*first, last && *last < size ? *last : size - 1};
}

/// A date is compared in whole seconds, as HTTP dates are.
bool modified_after(const Validators& validators, Timestamp date) {
    return std::chrono::floor<std::chrono::seconds>(validators.last_modified) > date;
}

bool range_applies(std::string_view if_range, const Validators& validators) {
    if_range = trim(if_range);
    if (if_range.starts_with('"')) return if_range == validators.etag;
    const auto date = parse_http_date(if_range);
    return date && std::chrono::floor<std::chrono::seconds>(validators.last_modified) == *date;
}

}  // namespace

Verdict judge(const Conditions& conditions, const Validators& validators, std::uint64_t size) {
    if (conditions.if_match) {
        if (!list_has(*conditions.if_match, validators.etag, Comparison::strong)) return {412, std::nullopt};
    } else if (conditions.if_unmodified_since) {
        const auto date = parse_http_date(trim(*conditions.if_unmodified_since));
        if (date && modified_after(validators, *date)) return {412, std::nullopt};
    }
    if (conditions.if_none_match) {
        if (list_has(*conditions.if_none_match, validators.etag, Comparison::weak))
            return {304, std::nullopt};
    } else if (conditions.if_modified_since) {
        const auto date = parse_http_date(trim(*conditions.if_modified_since));
        if (date && !modified_after(validators, *date)) return {304, std::nullopt};
    }
    if (!conditions.range || (conditions.if_range && !range_applies(*conditions.if_range, validators)))
        return {};
    const auto asked = read_range(*conditions.range, size);
    if (std::holds_alternative<Unsatisfiable>(asked)) return {416, std::nullopt};
    if (const auto* range = std::get_if<ByteRange>(&asked)) return {206, *range};
    return {};
}

}  // namespace photogate::delivery
