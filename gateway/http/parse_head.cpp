#include "gateway/http/parse_head.hpp"

#include <algorithm>
#include <limits>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/rfc7230.hpp>

#include "base/ascii.hpp"
#include "gateway/http/message_parser.hpp"
#include "gateway/http/target.hpp"
#include "http/semantics/field.hpp"

namespace photogate::gateway::http {

namespace {

namespace beast_http = boost::beast::http;
namespace semantics = photogate::http::semantics;

/// The longest `METHOD SP … SP HTTP/1.1` around a target: registered methods have at most 17 letters.
constexpr std::size_t longest_method = 24;
constexpr std::size_t line_overhead = longest_method + 16;

/// uri-host [":" port] (RFC 3986 3.2.2), as far as it can be told without resolving: no userinfo, no path, no
/// list.
bool is_host(std::string_view text) {
    std::string_view host = text;
    std::string_view port;
    if (!text.empty() && text.front() == '[') {
        std::size_t end = text.find(']');
        if (end == std::string_view::npos || end < 3) return false;
        for (char c : text.substr(1, end - 1)) {
            if (ascii::hex_value(c) < 0 && c != ':' && c != '.') return false;
        }
        host = text.substr(0, end + 1);
        port = text.substr(end + 1);
        if (!port.empty() && port.front() != ':') return false;
    } else {
        std::size_t colon = text.find(':');
        host = text.substr(0, colon);
        if (colon != std::string_view::npos) port = text.substr(colon);
        for (char c : host) {
            if (!ascii::is_alphanumeric(c) && c != '.' && c != '-' && c != '_') return false;
        }
    }
    if (host.empty() || host.size() > 255) return false;
    if (port.empty()) return true;
    port.remove_prefix(1);
    return port.size() <= 5 && std::all_of(port.begin(), port.end(), ascii::is_digit);
}

bool takes_no_body(Method method) {
    switch (method) {
        case Method::get:
        case Method::head:
        case Method::delete_:
        case Method::options:
        case Method::trace:
        case Method::connect:
            return true;
        case Method::post:
        case Method::put:
        case Method::patch:
            return false;
    }
    return true;
}

tl::unexpected<Error> head_too_large(const HeadLimits& limits) {
    return fail(ErrorCode::headers_too_large, "the request line and the headers may have " +
                                                  std::to_string(limits.bytes) + " bytes together");
}

tl::unexpected<Error> both_framings() {
    return fail(ErrorCode::bad_framing, "send Content-Length or Transfer-Encoding, not both");
}

tl::unexpected<Error> unsupported_encoding() {
    return fail(ErrorCode::transfer_encoding_unsupported,
                "send Transfer-Encoding: chunked, or a Content-Length");
}

Result<> check_opaque_target(std::string_view target) {
    if (target.empty() || target.front() != '/')
        return fail(ErrorCode::bad_target, "send the path alone, beginning with \"/\"");
    for (unsigned char c : target) {
        if (c <= 0x20 || c == 0x7f || c == '#')
            return fail(ErrorCode::bad_target, "a character in the target must be percent-encoded");
    }
    return {};
}

/// What Beast repairs, or calls by another name than we do: the line ends.
Result<> check_lines(std::string_view head) {
    for (std::size_t start = 0; start < head.size();) {
        const std::size_t end = head.find('\n', start);
        // A bare LF or CR ends a line for some readers and is a character for others.
        if (end == start || head[end - 1] != '\r')
            return fail(ErrorCode::bad_header, "a header line must end in CR LF");
        if (head.find('\r', start) != end - 1)
            return fail(ErrorCode::bad_header, "a bare CR stands in a line of the head");
        // Beast joins a folded line to the one before it; RFC 9112 5.2 has a server refuse it, since a reader
        // before us may have seen two fields.
        if (start > 0 && (head[start] == ' ' || head[start] == '\t'))
            return fail(ErrorCode::bad_header, "headers folded over several lines are not accepted");
        start = end + 1;
    }
    return {};
}

/// Reads one whole head straight into a RequestHead.
class HeadReader final : public MessageParser {
  public:
    HeadReader(const HeadLimits& limits, RequestHead& head) : limits_(limits), head_(head) {
        // Ours are checked where their refusal has its own code.
        header_limit(std::numeric_limits<std::uint32_t>::max());
        body_limit(boost::none);
    }

    Result<> read(std::string_view bytes);

  private:
    void on_request_impl(beast_http::verb, Text method, Text target, int version, Code& error) override {
        keep(take_request_line(method, target, version), error);
    }
    void on_field_impl(beast_http::field, Text name, Text value, Code& error) override {
        keep(take_field(name, value), error);
    }
    void keep(Result<> outcome, Code& error) {
        if (outcome) return;
        refusal_ = std::move(outcome.error());
        error = beast_http::error::bad_field;
    }
    Result<> take_request_line(std::string_view method, std::string_view target, int version);
    Result<> take_field(std::string_view name, std::string_view value);
    tl::unexpected<Error> refusal(Code error, std::string_view bytes) const;

    const HeadLimits& limits_;
    RequestHead& head_;
    std::size_t size_ = 0;
    std::optional<Error> refusal_;
};

Result<> HeadReader::read(std::string_view bytes) {
    size_ = bytes.size();
    Code error;
    const std::size_t used = put(boost::asio::const_buffer{bytes.data(), bytes.size()}, error);
    if (refusal_) return fail(std::move(*refusal_));
    if (error) return refusal(error, bytes);
    if (used != bytes.size()) return fail(ErrorCode::bad_header, "an empty line stands inside the headers");
    return {};
}

Result<> HeadReader::take_request_line(std::string_view method, std::string_view target, int version) {
    head_.version = version == 11 ? Version::http_1_1 : Version::http_1_0;
    // Beast knows more methods than we serve, and passes on those that it does not know.
    std::optional<Method> known = http::parse_method(method);
    if (!known)
        return fail(ErrorCode::method_unknown,
                    "methods are case-sensitive, and only the standard's are known");
    head_.method = *known;
    if (target.size() > limits_.target) {
        return fail(ErrorCode::target_too_long,
                    "the target may have " + std::to_string(limits_.target) + " bytes");
    }
    head_.target = target;
    // Beast takes any text without spaces and control characters as a target.
    if (target != "*" || head_.method != Method::options) {
        if (limits_.target_rule == TargetRule::opaque) {
            if (Result<> checked = check_opaque_target(target); !checked) return checked;
        } else {
            Result<Target> parsed = http::parse_target(target);
            if (!parsed) return fail(std::move(parsed.error()));
            head_.path = std::move(parsed->path);
            head_.query = std::move(parsed->query);
        }
    }
    if (size_ > limits_.bytes) return head_too_large(limits_);
    return {};
}

Result<> HeadReader::take_field(std::string_view name, std::string_view value) {
    if (head_.headers.size() == limits_.fields) {
        return fail(ErrorCode::headers_too_large,
                    "at most " + std::to_string(limits_.fields) + " headers are accepted");
    }
    head_.headers.add(name, value);
    return {};
}

/// Beast names the place at which a request line went wrong; this, what its sender did.
Error request_line_refusal(std::string_view line) {
    const auto because = [](ErrorCode code, const char* detail) {
        return Error{code, detail, {}, std::nullopt};
    };
    const std::size_t first = line.find(' ');
    const std::size_t last = line.rfind(' ');
    if (first == last)
        return because(ErrorCode::bad_request, "the first line must be a method, a target and HTTP/1.1");
    const std::string_view version = line.substr(last + 1);
    if (version != "HTTP/1.1" && version != "HTTP/1.0")
        return because(ErrorCode::bad_request, "only HTTP/1.1 and HTTP/1.0 are spoken here");
    if (!semantics::is_token(line.substr(0, first)))
        return because(ErrorCode::bad_request, "the method is not a word");
    return because(ErrorCode::bad_target, "a character in the target must be percent-encoded");
}

tl::unexpected<Error> HeadReader::refusal(Code error, std::string_view bytes) const {
    switch (static_cast<beast_http::error>(error.value())) {
        case beast_http::error::bad_method:
        case beast_http::error::bad_target:
        case beast_http::error::bad_version:
            return fail(request_line_refusal(bytes.substr(0, bytes.find('\r'))));
        case beast_http::error::bad_field:
            return fail(
                ErrorCode::bad_header,
                "a header line must be a token, a colon and a value; no space may stand before the colon");
        case beast_http::error::bad_value:
            return fail(ErrorCode::bad_header,
                        "a header value holds a control character, or Connection is not a list of words");
        case beast_http::error::bad_transfer_encoding:
            // Repeated, or behind a Content-Length.
            if (head_.headers.count("Content-Length") == 0) return unsupported_encoding();
            return both_framings();
        case beast_http::error::bad_content_length:
            if (head_.headers.count("Transfer-Encoding") > 0) return both_framings();
            return fail(ErrorCode::bad_framing, "Content-Length must be decimal digits alone");
        case beast_http::error::multiple_content_length:
            return fail(ErrorCode::bad_framing, "Content-Length stands more than once");
        default:
            return fail(ErrorCode::bad_request, "the head is not whole");
    }
}

/// RFC 9112 6.3, with every case that two readers could see differently refused.
Result<> read_framing(RequestHead& head) {
    const std::size_t encodings = head.headers.count("Transfer-Encoding");
    const std::size_t lengths = head.headers.count("Content-Length");
    // Beast lets a length pass behind an encoding that is not chunked.
    if (encodings > 0 && lengths > 0) return both_framings();
    if (encodings > 0) {
        // Beast finds no body behind another encoding, and `chunked` in any case of its letters.
        if (encodings > 1 || *head.headers.find("Transfer-Encoding") != "chunked")
            return unsupported_encoding();
        if (head.version == Version::http_1_0)
            return fail(ErrorCode::bad_framing, "HTTP/1.0 has no chunked bodies");
        head.framing = ChunkedBody{};
        return {};
    }
    if (lengths == 0) return {};
    // Beast takes the same length twice, in two fields or as a list.
    if (lengths > 1) return fail(ErrorCode::bad_framing, "Content-Length stands more than once");
    const std::string_view digits = *head.headers.find("Content-Length");
    const auto size = ascii::parse_whole<std::uint64_t>(digits);
    if (!size) return fail(ErrorCode::bad_framing, "Content-Length must be decimal digits alone");
    if (digits.size() > 18) return fail(ErrorCode::bad_framing, "Content-Length is not a size");
    if (*size > 0) head.framing = LengthBody{*size};
    return {};
}

/// RFC 9112 9.3. Not Beast's keep_alive(): for HTTP/1.0 that lets keep-alive win over close, and it takes
/// Proxy-Connection for Connection.
void read_persistence(RequestHead& head) {
    bool close = head.version == Version::http_1_0;
    for (std::string_view value : head.headers.all("Connection")) {
        for (std::string_view option : beast_http::opt_token_list{value}) {
            if (ascii::equals_ignoring_case(option, "close")) {
                head.persistence = Persistence::close;
                return;
            }
            if (ascii::equals_ignoring_case(option, "keep-alive")) close = false;
        }
    }
    head.persistence = close ? Persistence::close : Persistence::keep_alive;
}

Result<> read_expectation(RequestHead& head) {
    for (std::string_view value : head.headers.all("Expect")) {
        // RFC 9110 10.1.1: a list, and this one expects nothing.
        if (value.empty()) continue;
        if (!ascii::equals_ignoring_case(value, "100-continue")) {
            return fail(ErrorCode::expectation_failed, "only Expect: 100-continue is understood");
        }
        // RFC 9110 10.1.1: an HTTP/1.0 client could not read a 100.
        head.expects_continue = head.version == Version::http_1_1;
    }
    return {};
}

}  // namespace

Result<std::optional<std::size_t>> find_head_end(std::string_view arrived, std::size_t& scanned,
                                                 const HeadLimits& limits) {
    if (arrived.empty()) return std::nullopt;
    // A TLS hello or another protocol never sends an empty line: it is answered at its first byte.
    if (!semantics::is_token_char(arrived.front())) {
        return fail(ErrorCode::bad_request, "this is not HTTP/1.1; TLS ends at the proxy in front");
    }
    std::size_t from = scanned;
    for (std::size_t lf = arrived.find('\n', from); lf != std::string_view::npos;
         lf = arrived.find('\n', from)) {
        if (arrived[lf - 1] != '\r') return fail(ErrorCode::bad_header, "a line ends in a bare LF");
        if (lf >= 3 && arrived[lf - 2] == '\n') return std::optional{lf + 1};
        from = lf + 1;
    }
    scanned = arrived.size();
    std::size_t line_end = arrived.find('\n');
    if (line_end == std::string_view::npos) {
        if (arrived.size() <= std::min(limits.target + line_overhead, limits.bytes)) return std::nullopt;
        if (arrived.substr(0, longest_method).find(' ') == std::string_view::npos) {
            return fail(ErrorCode::method_unknown, "the method is unknown");
        }
        if (arrived.size() <= limits.target + line_overhead) return head_too_large(limits);
        return fail(ErrorCode::target_too_long,
                    "the target may have " + std::to_string(limits.target) + " bytes");
    }
    if (arrived.size() > limits.bytes) return head_too_large(limits);
    return std::nullopt;
}

Result<RequestHead> parse_head(std::string_view head, const HeadLimits& limits) {
    if (head.size() < 4 || !head.ends_with("\r\n\r\n"))
        return fail(ErrorCode::bad_request, "the head is not whole");
    if (Result<> lines = check_lines(head); !lines) return fail(std::move(lines.error()));
    RequestHead parsed;
    if (Result<> read = HeadReader{limits, parsed}.read(head); !read) return fail(std::move(read.error()));
    if (Result<> framing = read_framing(parsed); !framing) return fail(std::move(framing.error()));
    // Beast leaves Host to its user.
    if (parsed.headers.count("Host") != 1 || !is_host(*parsed.headers.find("Host"))) {
        return fail(ErrorCode::bad_host,
                    "exactly one Host header, with a host and perhaps a port, is needed");
    }
    if (Result<> expectation = read_expectation(parsed); !expectation) return fail(expectation.error());
    if (takes_no_body(parsed.method) && !std::holds_alternative<NoBody>(parsed.framing)) {
        return fail(ErrorCode::unexpected_body, "this method takes no body");
    }
    read_persistence(parsed);
    return parsed;
}

}  // namespace photogate::gateway::http
