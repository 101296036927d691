// Rows B1 to B20 of the bad-input table as bytes, with the variants of each that the wire has.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace photogate::gateway::http::test {

struct Row {
    const char* name;
    std::string bytes;
    int status;
    const char* code;
};

inline std::string lines(std::string_view first, std::string_view fields) {
    return std::string{first} + "\r\n" + std::string{fields} + "\r\n";
}
inline std::string target(std::string_view text) {
    return "GET " + std::string{text} + " HTTP/1.1\r\nHost: h\r\n\r\n";
}

/// What ends the connection, whatever else is sent on it. The head's end, or the first byte that no other
/// could mend, is the last byte.
inline std::vector<Row> closing_rows() {
    const std::string p = "POST /echo HTTP/1.1";
    const std::string g = "GET /hello/x HTTP/1.1";
    std::string many = "Host: h\r\n";
    for (int i = 0; i < 64; ++i)
        many += "X-" + std::to_string(i) + ": v\r\n";
    return {
        {"B1", lines(p, "Host: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n", 400,
         "bad_framing"},
        {"B1 reversed", lines(p, "Host: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n") + "abc",
         400, "bad_framing"},
        {"B2 gzip", lines(p, "Host: h\r\nTransfer-Encoding: gzip\r\n"), 501, "transfer_encoding_unsupported"},
        {"B2 identity", lines(p, "Host: h\r\nTransfer-Encoding: identity\r\n"), 501,
         "transfer_encoding_unsupported"},
        {"B2 xchunked", lines(p, "Host: h\r\nTransfer-Encoding: xchunked\r\n"), 501,
         "transfer_encoding_unsupported"},
        {"B2 list", lines(p, "Host: h\r\nTransfer-Encoding: chunked, identity\r\n"), 501,
         "transfer_encoding_unsupported"},
        {"B2 listed twice", lines(p, "Host: h\r\nTransfer-Encoding: chunked, chunked\r\n"), 501,
         "transfer_encoding_unsupported"},
        {"B2 twice", lines(p, "Host: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 501,
         "transfer_encoding_unsupported"},
        {"B2 in two lines",
         lines(p, "Host: h\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n"), 501,
         "transfer_encoding_unsupported"},
        {"B2 quoted", lines(p, "Host: h\r\nTransfer-Encoding: \"chunked\"\r\n"), 501,
         "transfer_encoding_unsupported"},
        {"B2 upper case", lines(p, "Host: h\r\nTransfer-Encoding: CHUNKED\r\n"), 501,
         "transfer_encoding_unsupported"},
        {"B2 empty", lines(p, "Host: h\r\nTransfer-Encoding:\r\n"), 501, "transfer_encoding_unsupported"},
        {"B2 vertical tab", lines(p, "Host: h\r\nTransfer-Encoding: \vchunked\r\n"), 400, "bad_header"},
        {"B2 space before colon", lines(p, "Host: h\r\nTransfer-Encoding : chunked\r\n"), 400, "bad_header"},
        {"B2 folded", lines(p, "Host: h\r\nTransfer-Encoding:\r\n chunked\r\n"), 400, "bad_header"},
        {"B3", lines("POST /echo HTTP/1.0", "Host: h\r\nTransfer-Encoding: chunked\r\n"), 400, "bad_framing"},
        {"B4 equal", lines(p, "Host: h\r\nContent-Length: 3\r\nContent-Length: 3\r\n") + "abc", 400,
         "bad_framing"},
        {"B4 unequal", lines(p, "Host: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n") + "abc", 400,
         "bad_framing"},
        {"B4 list", lines(p, "Host: h\r\nContent-Length: 3, 3\r\n") + "abc", 400, "bad_framing"},
        {"B4 case", lines(p, "Host: h\r\ncontent-length: 3\r\nCONTENT-LENGTH: 4\r\n") + "abc", 400,
         "bad_framing"},
        {"B5 plus", lines(p, "Host: h\r\nContent-Length: +3\r\n") + "abc", 400, "bad_framing"},
        {"B5 minus", lines(p, "Host: h\r\nContent-Length: -1\r\n"), 400, "bad_framing"},
        {"B5 hex", lines(p, "Host: h\r\nContent-Length: 0x3\r\n") + "abc", 400, "bad_framing"},
        {"B5 huge", lines(p, "Host: h\r\nContent-Length: 100000000000000000000000\r\n"), 400, "bad_framing"},
        {"B5 empty", lines(p, "Host: h\r\nContent-Length:\r\n"), 400, "bad_framing"},
        {"B5 two words", lines(p, "Host: h\r\nContent-Length: 3 3\r\n") + "abc", 400, "bad_framing"},
        {"B5 point", lines(p, "Host: h\r\nContent-Length: 3.0\r\n") + "abc", 400, "bad_framing"},
        {"B5 2^64 + 3", lines(p, "Host: h\r\nContent-Length: 18446744073709551619\r\n") + "abc", 400,
         "bad_framing"},
        {"B6 obs-fold", lines(g, "Host: h\r\nX: a\r\n b\r\n"), 400, "bad_header"},
        {"B6 space before colon", lines(g, "Host: h\r\nX : a\r\n"), 400, "bad_header"},
        {"B6 tab before colon", lines(g, "Host: h\r\nX\t: a\r\n"), 400, "bad_header"},
        {"B6 obs-fold by tab", lines(g, "Host: h\r\nX: a\r\n\tb\r\n"), 400, "bad_header"},
        {"B6 obs-fold at once", lines(g, " Host: h\r\n"), 400, "bad_header"},
        {"B6 no colon", lines(g, "Host: h\r\nX\r\n"), 400, "bad_header"},
        {"B6 no name", lines(g, "Host: h\r\n: a\r\n"), 400, "bad_header"},
        {"B6 NUL in a name", lines(g, std::string_view{"Host: h\r\nX\0: a\r\n", 16}), 400, "bad_header"},
        {"B6 NUL", lines(g, std::string_view{"Host: h\r\nX: a\0b\r\n", 17}), 400, "bad_header"},
        {"B6 bare CR", lines(g, "Host: h\r\nX: a\rb\r\n"), 400, "bad_header"},
        {"B6 CR CR LF", lines(g, "Host: h\r\nX: a\r\r\n"), 400, "bad_header"},
        {"B6 bare CR in the first line", lines("GET /hello/x\rHTTP/1.1", "Host: h\r\n"), 400, "bad_header"},
        {"B6 bare LF", "GET /hello/x HTTP/1.1\nHost: h\n\n", 400, "bad_header"},
        {"B6 bare LF in the middle", lines(g, "Host: h\r\nX: a\nY: b\r\n"), 400, "bad_header"},
        {"B7 none", lines(g, ""), 400, "bad_host"},
        {"B7 two", lines(g, "Host: h\r\nHost: h\r\n"), 400, "bad_host"},
        {"B7 empty", lines(g, "Host:\r\n"), 400, "bad_host"},
        {"B7 two, unlike", lines(g, "Host: h\r\nHost: i\r\n"), 400, "bad_host"},
        {"B7 list", lines(g, "Host: h, i\r\n"), 400, "bad_host"},
        {"B7 userinfo", lines(g, "Host: u@h\r\n"), 400, "bad_host"},
        {"B7 path", lines(g, "Host: h/x\r\n"), 400, "bad_host"},
        {"B7 port", lines(g, "Host: h:8o\r\n"), 400, "bad_host"},
        {"B7 none in HTTP/1.0", "GET /hello/x HTTP/1.0\r\n\r\n", 400, "bad_host"},
        {"B8 absolute, https", target("https://h/hello/x"), 400, "bad_target"},
        {"B8 authority alone", target("h:80"), 400, "bad_target"},
        {"B8 absolute", target("http://h/hello/x"), 400, "bad_target"},
        {"B8 authority", "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n", 400, "bad_target"},
        {"B8 star", target("*"), 400, "bad_target"},
        {"B8 star, POST", "POST * HTTP/1.1\r\nHost: h\r\n\r\n", 400, "bad_target"},
        {"B9 mixed case", target("/hello/%2E%2e/x"), 400, "bad_target"},
        {"B9 one dot", target("/hello/%2e"), 400, "bad_target"},
        {"B9 escaped backslash", target("/hello/%5c"), 400, "bad_target"},
        {"B9 escaped LF", target("/hello/%0a"), 400, "bad_target"},
        {"B9 double slash inside", target("/hello//x"), 400, "bad_target"},
        {"B9 broken escape", target("/hello/%4"), 400, "bad_target"},
        {"B9 no UTF-8", target("/hello/%ff"), 400, "bad_target"},
        {"B9 NUL in the query", target("/hello/x?a=%00"), 400, "bad_target"},
        {"B9 raw NUL", "GET /hello/" + std::string(1, '\0') + " HTTP/1.1\r\nHost: h\r\n\r\n", 400,
         "bad_target"},
        {"B9 space", target("/hello/a b"), 400, "bad_target"},
        {"B9 fragment", target("/hello/x#y"), 400, "bad_target"},
        {"B9 control", target("/hello/\x01"), 400, "bad_target"},
        {"B9 non-ASCII", target("/hello/\xc3\xa9"), 400, "bad_target"},
        {"B9 NUL escape", target("/hello/%00"), 400, "bad_target"},
        {"B9 dots", target("/hello/%2e%2e"), 400, "bad_target"},
        {"B9 plain dots", target("/hello/../x"), 400, "bad_target"},
        {"B9 double slash", target("//hello/x"), 400, "bad_target"},
        {"B9 backslash", target("/hello\\x"), 400, "bad_target"},
        {"B10 lower", "get /hello/x HTTP/1.1\r\nHost: h\r\n\r\n", 501, "method_unknown"},
        {"B10 unknown", "BREW /hello/x HTTP/1.1\r\nHost: h\r\n\r\n", 501, "method_unknown"},
        {"B10 mixed", "Get /hello/x HTTP/1.1\r\nHost: h\r\n\r\n", 501, "method_unknown"},
        {"B10 no word", "G(T /hello/x HTTP/1.1\r\nHost: h\r\n\r\n", 400, "bad_request"},
        {"B13 bytes", lines(g, "Host: h\r\nX: " + std::string(9'000, 'a') + "\r\n"), 431,
         "headers_too_large"},
        {"B13 fields", lines(g, many), 431, "headers_too_large"},
        {"B13 endless", "GET / HTTP/1.1\r\nX: " + std::string(70'000, 'a'), 431, "headers_too_large"},
        {"B14", target("/hello/" + std::string(2'050, 'a')), 414, "target_too_long"},
        {"B14 endless", "GET /" + std::string(70'000, 'a'), 414, "target_too_long"},
        {"B15 length", lines(p, "Host: h\r\nContent-Length: 65537\r\n"), 413, "body_too_large"},
        {"B15 chunked", lines(p, "Host: h\r\nTransfer-Encoding: chunked\r\n") + "10001\r\n", 413,
         "body_too_large"},
        {"B15 no body here", "PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n", 413,
         "body_too_large"},
        {"B16 GET", lines(g, "Host: h\r\nContent-Length: 3\r\n") + "abc", 400, "unexpected_body"},
        {"B16 DELETE", "DELETE /hello/x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", 400,
         "unexpected_body"},
        {"B16 DELETE chunked",
         "DELETE /hello/x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
         "unexpected_body"},
        {"B16 OPTIONS", "OPTIONS /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", 400,
         "unexpected_body"},
        {"B16 chunked", lines(g, "Host: h\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n", 400,
         "unexpected_body"},
        {"B19 HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "bad_request"},
        {"B19 TLS", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11), 400, "bad_request"},
        {"B19 HTTP/2 in a GET", "GET /hello/x HTTP/2\r\nHost: h\r\n\r\n", 400, "bad_request"},
        {"B19 HTTP/1.2", "GET /hello/x HTTP/1.2\r\nHost: h\r\n\r\n", 400, "bad_request"},
        {"B19 HTTP/0.9", "GET /hello/x\r\n\r\n", 400, "bad_request"},
        {"B19 http/1.1", "GET /hello/x http/1.1\r\nHost: h\r\n\r\n", 400, "bad_request"},
        {"B19 SSH", "SSH-2.0-OpenSSH_9.2\r\n\r\n", 400, "bad_request"},
        {"B20 list", lines(p, "Host: h\r\nContent-Length: 3\r\nExpect: 100-continue, x\r\n"), 417,
         "expectation_failed"},
        {"B20 second", lines(p, "Host: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\nExpect: x\r\n"), 417,
         "expectation_failed"},
        {"B20", lines(p, "Host: h\r\nContent-Length: 3\r\nExpect: 200-maybe\r\n"), 417, "expectation_failed"},
        {"chunk size in C's way",
         lines(p, "Host: h\r\nTransfer-Encoding: chunked\r\n") + "0x3\r\nabc\r\n0\r\n\r\n", 400,
         "bad_framing"},
        {"chunk size negative", lines(p, "Host: h\r\nTransfer-Encoding: chunked\r\n") + "-1\r\n", 400,
         "bad_framing"},
        {"chunk size and a space", lines(p, "Host: h\r\nTransfer-Encoding: chunked\r\n") + "3 \r\nabc\r\n",
         400, "bad_framing"},
        {"chunk size of 2^64",
         lines(p, "Host: h\r\nTransfer-Encoding: chunked\r\n") + "10000000000000003\r\n", 400, "bad_framing"},
        {"chunk line in LF", lines(p, "Host: h\r\nTransfer-Encoding: chunked\r\n") + "3\nabc\r\n", 400,
         "bad_framing"},
        {"chunk end in LF", lines(p, "Host: h\r\nTransfer-Encoding: chunked\r\n") + "3\r\nabc\n0\r\n\r\n",
         400, "bad_framing"},
        {"chunk extension with LF",
         lines(p, "Host: h\r\nTransfer-Encoding: chunked\r\n") + "3;a\nb\r\nabc\r\n", 400, "bad_framing"},
        {"trailer in LF", lines(p, "Host: h\r\nTransfer-Encoding: chunked\r\n") + "0\r\nX: a\n\r\n", 400,
         "bad_header"},
        {"chunk framing", lines(p, "Host: h\r\nTransfer-Encoding: chunked\r\n") + "3\r\nabcd\r\n", 400,
         "bad_framing"},
    };
}

}  // namespace photogate::gateway::http::test
