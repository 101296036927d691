#include "http/semantics/conditions.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace photogate::http::semantics {

namespace {

Timestamp whole_second(const Validators& validators) {
    return std::chrono::floor<std::chrono::seconds>(validators.modified);
}

std::optional<Timestamp> date_in(const std::optional<std::string_view>& field) {
    return field ? parse_http_date(trim(*field)) : std::nullopt;
}

/// A tag at the front of `list`, without quotes and mark; what follows it is left. nullopt: malformed.
struct Tag {
    std::string_view text;
    bool weak = false;
};
std::optional<Tag> take_tag(std::string_view& list, TagRules rules) {
    Tag tag;
    tag.weak = list.starts_with("W/");
    if (tag.weak) list.remove_prefix(2);
    if (list.starts_with('"')) {
        const auto end = list.find('"', 1);
        if (end == std::string_view::npos) return std::nullopt;
        tag.text = list.substr(1, end - 1);
        list = trim(list.substr(end + 1));
        if (!list.empty() && list.front() != ',') return std::nullopt;
        return tag;
    }
    if (rules == TagRules::standard) return std::nullopt;
    const auto end = std::min(list.find(','), list.size());
    tag.text = trim(list.substr(0, end));
    list.remove_prefix(end);
    return tag;
}

}  // namespace

bool lists_tag(std::string_view list, std::string_view etag, Comparison comparison, TagRules rules) {
    list = trim(list);
    if (list == "*") return true;
    while (!list.empty()) {
        const auto tag = take_tag(list, rules);
        if (!tag) return false;
        if (tag->text == etag && (!tag->weak || comparison == Comparison::weak)) return true;
        if (!list.empty()) list = trim(list.substr(1));
    }
    return false;
}

Precondition evaluate(const Conditions& conditions, const Validators& validators, TagRules rules) {
    const Timestamp modified = whole_second(validators);
    if (conditions.if_match) {
        const auto comparison = rules == TagRules::s3 ? Comparison::weak : Comparison::strong;
        if (!lists_tag(*conditions.if_match, validators.etag, comparison, rules)) return Precondition::failed;
    } else if (const auto date = date_in(conditions.if_unmodified_since)) {
        if (modified > *date) return Precondition::failed;
    }
    if (conditions.if_none_match) {
        if (lists_tag(*conditions.if_none_match, validators.etag, Comparison::weak, rules))
            return Precondition::not_modified;
    } else if (const auto date = date_in(conditions.if_modified_since)) {
        if (modified <= *date) return Precondition::not_modified;
    }
    return Precondition::holds;
}

bool range_applies(std::string_view if_range, const Validators& validators, TagRules rules) {
    if_range = trim(if_range);
    if (const auto date = parse_http_date(if_range)) return whole_second(validators) == *date;
    // One tag: neither a list nor `*`.
    const auto tag = take_tag(if_range, rules);
    return tag && if_range.empty() && !tag->weak && tag->text == validators.etag;
}

}  // namespace photogate::http::semantics
