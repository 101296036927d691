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
    if (error == std::errc::result_out_of_range) return UINT64_MAX;
    if (error != std::errc{} || end != text.data() + text.size()) sane = false;
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
    if (trim(tags) == "*") return true;
    for (std::size_t at = 0; at <= tags.size();) {
        const auto end = std::min(tags.find(',', at), tags.size());
        auto tag = trim(tags.substr(at, end - at));
        at = end + 1;
        if (tag.starts_with("W/")) tag.remove_prefix(2);
        if (tag.size() >= 2 && tag.front() == '"' && tag.back() == '"') tag = tag.substr(1, tag.size() - 2);
        if (tag == etag.str()) return true;
    }
    return false;
}

}  // namespace photogate::gateway::s3
