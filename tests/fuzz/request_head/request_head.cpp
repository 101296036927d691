// Any bytes as the head of a request: the verdict does not depend on how they are split; an accepted head
// survives a round trip, is in RFC 9112's grammar, and leaves one reading of where its body ends.
#include <algorithm>
#include <string>

#include "fuzz.hpp"
#include "gateway/http/parse_head.hpp"
#include "tests/support/http_grammar.hpp"

namespace photogate::gateway::http {
namespace {

using fuzz::require;
namespace grammar = photogate::test::grammar;

struct Read {
    RequestHead head;
    std::string_view bytes;
};

std::optional<Read> read(std::string_view bytes, std::size_t step, const HeadLimits& limits) {
    std::size_t scanned = 0;
    for (std::size_t arrived = 0; arrived < bytes.size();) {
        arrived = std::min(bytes.size(), arrived + step);
        const auto end = find_head_end(bytes.substr(0, arrived), scanned, limits);
        if (!end) return std::nullopt;
        if (!*end) continue;
        require(**end <= arrived, "a head ends within what has arrived");
        const auto whole = bytes.substr(0, **end);
        auto head = parse_head(whole, limits);
        return head ? std::optional{Read{std::move(*head), whole}} : std::nullopt;
    }
    return std::nullopt;
}

std::string written(const RequestHead& head) {
    std::string out{to_string(head.method)};
    out += " " + head.target + (head.version == Version::http_1_1 ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n");
    for (std::size_t i = 0; i < head.headers.size(); ++i)
        out.append(head.headers.at(i).name).append(": ").append(head.headers.at(i).value).append("\r\n");
    return out + "\r\n";
}

std::uint64_t length_of(const RequestHead& head) {
    const auto* length = std::get_if<LengthBody>(&head.framing);
    return length == nullptr ? 0 : length->size;
}

bool same(const RequestHead& a, const RequestHead& b) {
    if (a.headers.size() != b.headers.size()) return false;
    for (std::size_t i = 0; i < a.headers.size(); ++i) {
        const auto left = a.headers.at(i), right = b.headers.at(i);
        if (left.name != right.name || left.value != right.value) return false;
    }
    return a.method == b.method && a.version == b.version && a.target == b.target && a.path == b.path &&
           a.query == b.query && a.framing.index() == b.framing.index() && length_of(a) == length_of(b) &&
           a.persistence == b.persistence && a.expects_continue == b.expects_continue;
}

void check_decoded(const RequestHead& head) {
    for (const auto& segment : head.path) {
        require(is_utf8(segment) && segment != "." && segment != "..",
                "a segment of the path is text and goes nowhere");
        require(std::none_of(segment.begin(), segment.end(),
                             [](unsigned char c) { return c < 0x20 || c == 0x7F || c == '\\'; }),
                "a segment of the path holds no control character and no backslash");
    }
    for (const auto& [name, value] : head.query) {
        require(is_utf8(name) && is_utf8(value), "the query is text");
        require((name + value).find('\0') == std::string::npos, "the query holds no NUL");
    }
}

void check_grammar(std::string_view bytes, const RequestHead& head) {
    const auto seen = grammar::match_head(bytes);
    require(seen.has_value(), "an accepted head is in the grammar");
    require(seen->method == to_string(head.method), "the method is the grammar's");
    require(seen->target == head.target, "the target is the grammar's");
    require(seen->is_http_1_1 == (head.version == Version::http_1_1), "the version is the grammar's");
    require(seen->fields.size() == head.headers.size(), "there are as many headers as the grammar sees");
    for (std::size_t i = 0; i < seen->fields.size(); ++i) {
        const auto field = head.headers.at(i);
        require(seen->fields[i] == std::pair{field.name, field.value}, "a header is the grammar's");
    }
    const auto end = grammar::body_end(*seen);
    require(end.has_value(), "an accepted head leaves one reading of where its body ends");
    require(
        end->chunked == std::holds_alternative<ChunkedBody>(head.framing) && end->length == length_of(head),
        "the body ends where the grammar says");
}

void run(BytesView bytes) {
    const auto text = as_text(bytes);
    for (const auto rule : {TargetRule::segments, TargetRule::opaque}) {
        const HeadLimits limits{.bytes = 640, .fields = 12, .target = 128, .target_rule = rule};
        const auto at_once = read(text, std::max<std::size_t>(text.size(), 1), limits);
        for (const std::size_t step : {std::size_t{1}, std::size_t{7}}) {
            const auto in_pieces = read(text, step, limits);
            require(at_once.has_value() == in_pieces.has_value(),
                    "a head is judged alike however it arrives");
            require(!at_once || same(at_once->head, in_pieces->head),
                    "a head means the same however it arrives");
        }
        if (!at_once) continue;
        check_decoded(at_once->head);
        check_grammar(at_once->bytes, at_once->head);
        const auto reread = parse_head(written(at_once->head), HeadLimits{.target_rule = rule});
        require(reread && same(at_once->head, *reread), "a head that is written down reads the same");
    }
}

const fuzz::Target target{"request_head", run};

}  // namespace
}  // namespace photogate::gateway::http
