// Any bytes as the head of a request: the verdict does not depend on how they are split; an accepted head
// survives a round trip, and Beast parses it identically.
#include <algorithm>
#include <string>

#include <boost/beast/http.hpp>

#include "fuzz.hpp"
#include "gateway/http/parse_head.hpp"

namespace photogate::gateway::http {
namespace {

using fuzz::require;
namespace beast_http = boost::beast::http;

std::optional<RequestHead> read(std::string_view bytes, std::size_t step, const HeadLimits& limits) {
    std::size_t scanned = 0;
    for (std::size_t arrived = 0; arrived < bytes.size();) {
        arrived = std::min(bytes.size(), arrived + step);
        const auto end = find_head_end(bytes.substr(0, arrived), scanned, limits);
        if (!end) return std::nullopt;
        if (!*end) continue;
        require(**end <= arrived, "a head ends within what has arrived");
        auto head = parse_head(bytes.substr(0, **end), limits);
        return head ? std::optional{std::move(*head)} : std::nullopt;
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

void check_with_beast(const std::string& bytes, const RequestHead& head) {
    beast_http::request_parser<beast_http::string_body> parser;
    parser.eager(false);
    parser.header_limit(UINT32_MAX);
    parser.body_limit(boost::none);
    boost::system::error_code error;
    const auto used = parser.put(boost::asio::buffer(bytes), error);
    // Beast also requires Connection to be a list of tokens; parse_head ignores unknown words there.
    if (error == beast_http::error::bad_value) return;
    require(!error && parser.is_header_done() && used == bytes.size(), "Beast takes what we take");
    const auto& seen = parser.get();
    require(seen.target() == head.target, "Beast sees the same target");
    require(seen.method_string() == to_string(head.method), "Beast sees the same method");
    require(parser.chunked() == std::holds_alternative<ChunkedBody>(head.framing),
            "Beast sees the same framing");
    require(parser.content_length().value_or(0) == length_of(head), "Beast sees the same length");
    require(static_cast<std::size_t>(std::distance(seen.begin(), seen.end())) == head.headers.size(),
            "Beast sees as many headers");
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
            require(!at_once || same(*at_once, *in_pieces), "a head means the same however it arrives");
        }
        if (!at_once) continue;
        check_decoded(*at_once);
        const auto again = written(*at_once);
        const auto reread = parse_head(again, HeadLimits{.target_rule = rule});
        require(reread && same(*at_once, *reread), "a head that is written down reads the same");
        check_with_beast(again, *at_once);
    }
}

const fuzz::Target target{"request_head", run};

}  // namespace
}  // namespace photogate::gateway::http
