#include "gateway/s3/conditions.hpp"

#include <algorithm>
#include <charconv>
#include <string>

#include "base/text.hpp"

namespace photogate::gateway::s3 {

namespace {

/// nullopt where it is empty; false in `sane` where it is no number.
std::optional<std::uint64_t> number(std::string_view text, bool& sane) {
    if (text.empty()) return std::nullopt;
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = end == text.data() + text.size();
    // More digits than fit mean a place far behind the end.
    if (whole && error == std::errc::result_out_of_range) return UINT64_MAX;
    if (!whole || error != std::errc{}) sane = false;
    return value;
}

Timestamp to_seconds(Timestamp at) {
    return std::chrono::floor<std::chrono::seconds>(at);
}

std::optional<Timestamp> time_in(const http::RequestHead& head, std::string_view name) {
    const auto text = head.headers.find(name);
    return text ? parse_http_date(*text) : std::nullopt;
}

/// What the four headers, under whatever prefix, say: `failed` is a precondition, `unchanged`
/// If-None-Match's.
struct Told {
    bool failed = false;
    bool unchanged = false;
};
Told told(const http::RequestHead& head, const std::string& prefix, const Validators& object) {
    Told told;
    const auto match = head.headers.find(prefix + "if-match");
    const auto none_match = head.headers.find(prefix + "if-none-match");
    const auto modified_since = time_in(head, prefix + "if-modified-since");
    const auto unmodified_since = time_in(head, prefix + "if-unmodified-since");
    const Timestamp modified = to_seconds(object.modified);
    // RFC 9110 13.2.2: the tag goes before the time.
    if (match) {
        told.failed = !lists(*match, object.etag);
    } else if (unmodified_since) {
        told.failed = modified > *unmodified_since;
    }
    if (none_match) {
        told.unchanged = lists(*none_match, object.etag);
    } else if (modified_since) {
        told.unchanged = modified <= *modified_since;
    }
    return told;
}

}  // namespace

S3Result<std::optional<Stretch>> read_range(const http::RequestHead& head, std::uint64_t size) {
    const auto sent = head.headers.find("Range");
    constexpr std::string_view unit = "bytes=";
    if (!sent || !http::equal_ignoring_case(sent->substr(0, unit.size()), unit)) return std::nullopt;
    const auto text = trim(sent->substr(unit.size()));
    const auto dash = text.find('-');
    if (dash == std::string_view::npos || text.find(',') != std::string_view::npos) return std::nullopt;
    bool sane = true;
    const auto first = number(trim(text.substr(0, dash)), sane);
    const auto last = number(trim(text.substr(dash + 1)), sane);
    if (!sane || (!first && !last)) return std::nullopt;
    if (!first) {
        if (*last == 0 || size == 0) return refuse(Code::InvalidRange);
        const auto length = std::min(*last, size);
        return Stretch{size - length, length};
    }
    if (last && *last < *first) return std::nullopt;
    if (*first >= size) return refuse(Code::InvalidRange);
    const auto end = last ? std::min(*last, size - 1) : size - 1;
    return Stretch{*first, end - *first + 1};
}

S3Result<Verdict> judge(const http::RequestHead& head, const Validators& object) {
    const Told said = told(head, "", object);
    if (said.failed) return refuse(Code::PreconditionFailed);
    return said.unchanged ? Verdict::not_modified : Verdict::go_on;
}

S3Result<> judge_source(const http::RequestHead& head, const Validators& object) {
    const Told said = told(head, "x-amz-copy-source-", object);
    if (said.failed || said.unchanged) return refuse(Code::PreconditionFailed);
    return {};
}

bool range_applies(const http::RequestHead& head, const Validators& object) {
    const auto sent = head.headers.find("If-Range");
    if (!sent) return true;
    if (const auto at = parse_http_date(*sent)) return to_seconds(object.modified) == *at;
    return !sent->starts_with("W/") && lists(*sent, object.etag) && *sent != "*";
}

bool lists(std::string_view tags, const ETag& etag) {
    tags = trim(tags);
    if (tags == "*") return true;
    while (!tags.empty()) {
        if (tags.starts_with("W/")) tags.remove_prefix(2);
        // A comma inside quotes is part of the tag.
        const auto closing = tags.starts_with('"') ? tags.find('"', 1) : std::string_view::npos;
        const bool quoted = closing != std::string_view::npos;
        const auto end = std::min(tags.find(',', quoted ? closing : 0), tags.size());
        const auto tag = quoted ? tags.substr(1, closing - 1) : trim(tags.substr(0, end));
        const bool alone = !quoted || trim(tags.substr(closing + 1, end - closing - 1)).empty();
        if (alone && tag == etag.str()) return true;
        tags = trim(tags.substr(std::min(end + 1, tags.size())));
    }
    return false;
}

}  // namespace photogate::gateway::s3
