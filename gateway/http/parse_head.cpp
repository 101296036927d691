#include "gateway/http/parse_head.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "gateway/http/target.hpp"

namespace photogate::gateway::http {

namespace {

/// The longest `METHOD SP … SP HTTP/1.1` around a target: registered methods have at most 17 letters.
constexpr std::size_t longest_method = 24;
constexpr std::size_t line_overhead = longest_method + 16;

constexpr std::array<bool, 256> make_token_table() {
    std::array<bool, 256> table{};
    for (char c = '0'; c <= '9'; ++c)
        table[static_cast<unsigned char>(c)] = true;
    for (char c = 'a'; c <= 'z'; ++c)
        table[static_cast<unsigned char>(c)] = true;
    for (char c = 'A'; c <= 'Z'; ++c)
        table[static_cast<unsigned char>(c)] = true;
    for (char c : std::string_view{"!#$%&'*+-.^_`|~"})
        table[static_cast<unsigned char>(c)] = true;
    return table;
}
constexpr std::array<bool, 256> token_table = make_token_table();

bool is_field_value(std::string_view text) {
    for (unsigned char c : text) {
        if ((c < 0x20 && c != '\t') || c == 0x7f) return false;
    }
    return true;
}

/// uri-host [":" port] (RFC 3986 3.2.2), as far as it can be told without resolving: no userinfo, no path, no
/// list.
bool is_host(std::string_view text) {
    std::string_view host = text;
    std::string_view port;
    if (!text.empty() && text.front() == '[') {
        std::size_t end = text.find(']');
        if (end == std::string_view::npos || end < 3) return false;
        for (char c : text.substr(1, end - 1)) {
            bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
            if (!hex && c != ':' && c != '.') return false;
        }
        host = text.substr(0, end + 1);
        port = text.substr(end + 1);
        if (!port.empty() && port.front() != ':') return false;
    } else {
        std::size_t colon = text.find(':');
        host = text.substr(0, colon);
        if (colon != std::string_view::npos) port = text.substr(colon);
        for (char c : host) {
            bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
            if (!alnum && c != '.' && c != '-' && c != '_') return false;
        }
    }
    if (host.empty() || host.size() > 255) return false;
    if (port.empty()) return true;
    port.remove_prefix(1);
    if (port.size() > 5) return false;
    for (char c : port) {
        if (c < '0' || c > '9') return false;
    }
    return true;
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
    return fail(ErrorCode::headers_too_large, "The request line and the headers may have " +
                                                  std::to_string(limits.bytes) + " bytes together.");
}

Result<> check_opaque_target(std::string_view target) {
    if (target.empty() || target.front() != '/')
        return fail(ErrorCode::bad_target, "Send the path alone, beginning with \"/\".");
    for (unsigned char c : target) {
        if (c <= 0x20 || c == 0x7f || c == '#')
            return fail(ErrorCode::bad_target, "A character in the target must be percent-encoded.");
    }
    return {};
}

Result<> read_request_line(std::string_view line, const HeadLimits& limits, RequestHead& head) {
    if (line.find('\r') != std::string_view::npos)
        return fail(ErrorCode::bad_header, "A bare CR stands in the request line.");
    std::size_t first = line.find(' ');
    std::size_t last = line.rfind(' ');
    if (first == std::string_view::npos || first == last) {
        return fail(ErrorCode::bad_request, "The first line must be a method, a target and HTTP/1.1.");
    }
    std::string_view method = line.substr(0, first);
    std::string_view target = line.substr(first + 1, last - first - 1);
    std::string_view version = line.substr(last + 1);
    if (version == "HTTP/1.1") {
        head.version = Version::http_1_1;
    } else if (version == "HTTP/1.0") {
        head.version = Version::http_1_0;
    } else {
        return fail(ErrorCode::bad_request, "Only HTTP/1.1 and HTTP/1.0 are spoken here.");
    }
    if (!is_token(method)) return fail(ErrorCode::bad_request, "The method is not a word.");
    std::optional<Method> known = parse_method(method);
    if (!known)
        return fail(ErrorCode::method_unknown,
                    "Methods are case-sensitive, and only the standard's are known.");
    head.method = *known;
    if (target.size() > limits.target) {
        return fail(ErrorCode::target_too_long,
                    "The target may have " + std::to_string(limits.target) + " bytes.");
    }
    head.target = target;
    if (target == "*" && head.method == Method::options) return {};
    if (limits.target_rule == TargetRule::opaque) return check_opaque_target(target);
    Result<Target> parsed = parse_target(target);
    if (!parsed) return fail(std::move(parsed.error()));
    head.path = std::move(parsed->path);
    head.query = std::move(parsed->query);
    return {};
}

Result<> read_fields(std::string_view block, const HeadLimits& limits, RequestHead& head) {
    while (!block.empty()) {
        std::size_t end = block.find('\n');
        if (end == std::string_view::npos || end == 0 || block[end - 1] != '\r') {
            return fail(ErrorCode::bad_header, "A header line must end in CR LF.");
        }
        std::string_view line = block.substr(0, end - 1);
        block.remove_prefix(end + 1);
        if (line.empty()) return fail(ErrorCode::bad_header, "An empty line stands inside the headers.");
        if (line.front() == ' ' || line.front() == '\t') {
            return fail(ErrorCode::bad_header, "Headers folded over several lines are not accepted.");
        }
        std::size_t colon = line.find(':');
        if (colon == std::string_view::npos)
            return fail(ErrorCode::bad_header, "A header line has no colon.");
        if (!is_token(line.substr(0, colon))) {
            return fail(ErrorCode::bad_header,
                        "A header name is not a token; no space may stand before its colon.");
        }
        std::string_view value = trim(line.substr(colon + 1));
        if (!is_field_value(value))
            return fail(ErrorCode::bad_header, "A header value holds a control character.");
        if (head.headers.size() == limits.fields) {
            return fail(ErrorCode::headers_too_large,
                        "At most " + std::to_string(limits.fields) + " headers are accepted.");
        }
        head.headers.add(line.substr(0, colon), value);
    }
    return {};
}

/// RFC 9112 6.3, with every case that two readers could see differently refused.
Result<> read_framing(RequestHead& head) {
    std::size_t encodings = head.headers.count("Transfer-Encoding");
    std::size_t lengths = head.headers.count("Content-Length");
    if (encodings > 0 && lengths > 0) {
        return fail(ErrorCode::bad_framing, "Send Content-Length or Transfer-Encoding, not both.");
    }
    if (encodings > 0) {
        if (encodings > 1 || *head.headers.find("Transfer-Encoding") != "chunked") {
            return fail(ErrorCode::transfer_encoding_unsupported,
                        "Send Transfer-Encoding: chunked, or a Content-Length.");
        }
        if (head.version == Version::http_1_0)
            return fail(ErrorCode::bad_framing, "HTTP/1.0 has no chunked bodies.");
        head.framing = ChunkedBody{};
        return {};
    }
    if (lengths == 0) return {};
    if (lengths > 1) return fail(ErrorCode::bad_framing, "Content-Length stands more than once.");
    std::string_view digits = *head.headers.find("Content-Length");
    if (digits.empty() || digits.size() > 18)
        return fail(ErrorCode::bad_framing, "Content-Length is not a size.");
    std::uint64_t size = 0;
    for (char c : digits) {
        if (c < '0' || c > '9')
            return fail(ErrorCode::bad_framing, "Content-Length must be decimal digits alone.");
        size = size * 10 + static_cast<std::uint64_t>(c - '0');
    }
    if (size > 0) head.framing = LengthBody{size};
    return {};
}

void read_persistence(RequestHead& head) {
    bool close = head.version == Version::http_1_0;
    for (std::string_view value : head.headers.all("Connection")) {
        while (!value.empty()) {
            std::size_t comma = value.find(',');
            std::string_view option = trim(value.substr(0, comma));
            value.remove_prefix(comma == std::string_view::npos ? value.size() : comma + 1);
            if (equal_ignoring_case(option, "close")) {
                head.persistence = Persistence::close;
                return;
            }
            if (equal_ignoring_case(option, "keep-alive")) close = false;
        }
    }
    head.persistence = close ? Persistence::close : Persistence::keep_alive;
}

Result<> read_expectation(RequestHead& head) {
    for (std::string_view value : head.headers.all("Expect")) {
        if (!equal_ignoring_case(value, "100-continue")) {
            return fail(ErrorCode::expectation_failed, "Only Expect: 100-continue is understood.");
        }
        // RFC 9110 10.1.1: an HTTP/1.0 client could not read a 100.
        head.expects_continue = head.version == Version::http_1_1;
    }
    return {};
}

}  // namespace

bool is_token(std::string_view text) {
    if (text.empty()) return false;
    for (unsigned char c : text) {
        if (!token_table[c]) return false;
    }
    return true;
}

Result<std::optional<std::size_t>> find_head_end(std::string_view arrived, std::size_t& scanned,
                                                 const HeadLimits& limits) {
    if (arrived.empty()) return std::nullopt;
    // A TLS hello or another protocol never sends an empty line: it is answered at its first byte.
    if (!token_table[static_cast<unsigned char>(arrived.front())]) {
        return fail(ErrorCode::bad_request, "This is not HTTP/1.1; TLS ends at the proxy in front.");
    }
    std::size_t from = scanned;
    for (std::size_t lf = arrived.find('\n', from); lf != std::string_view::npos;
         lf = arrived.find('\n', from)) {
        if (arrived[lf - 1] != '\r') return fail(ErrorCode::bad_header, "A line ends in a bare LF.");
        if (lf >= 3 && arrived[lf - 2] == '\n') return std::optional{lf + 1};
        from = lf + 1;
    }
    scanned = arrived.size();
    std::size_t line_end = arrived.find('\n');
    if (line_end == std::string_view::npos) {
        if (arrived.size() <= std::min(limits.target + line_overhead, limits.bytes)) return std::nullopt;
        if (arrived.substr(0, longest_method).find(' ') == std::string_view::npos) {
            return fail(ErrorCode::method_unknown, "The method is unknown.");
        }
        if (arrived.size() <= limits.target + line_overhead) return head_too_large(limits);
        return fail(ErrorCode::target_too_long,
                    "The target may have " + std::to_string(limits.target) + " bytes.");
    }
    if (arrived.size() > limits.bytes) return head_too_large(limits);
    return std::nullopt;
}

Result<RequestHead> parse_head(std::string_view head, const HeadLimits& limits) {
    std::size_t line_end = head.find('\n');
    if (head.size() < 4 || !head.ends_with("\r\n\r\n"))
        return fail(ErrorCode::bad_request, "The head is not whole.");
    if (line_end == 0 || head[line_end - 1] != '\r')
        return fail(ErrorCode::bad_header, "A line ends in a bare LF.");
    RequestHead parsed;
    if (Result<> line = read_request_line(head.substr(0, line_end - 1), limits, parsed); !line)
        return fail(line.error());
    std::string_view block = head.substr(line_end + 1);
    if (head.size() > limits.bytes) return head_too_large(limits);
    block.remove_suffix(2);
    if (Result<> fields = read_fields(block, limits, parsed); !fields) return fail(fields.error());
    if (Result<> framing = read_framing(parsed); !framing) return fail(framing.error());
    if (parsed.headers.count("Host") != 1 || !is_host(*parsed.headers.find("Host"))) {
        return fail(ErrorCode::bad_host,
                    "Exactly one Host header, with a host and perhaps a port, is needed.");
    }
    if (Result<> expectation = read_expectation(parsed); !expectation) return fail(expectation.error());
    if (takes_no_body(parsed.method) && !std::holds_alternative<NoBody>(parsed.framing)) {
        return fail(ErrorCode::unexpected_body, "This method takes no body.");
    }
    read_persistence(parsed);
    return parsed;
}

}  // namespace photogate::gateway::http
