"""Malformed and hostile requests as bytes, for the listeners of the real program; the same, with more variants and cut at every byte, are
in tests/integration/gateway_http/bad_rows.hpp."""
import typing


class Row(typing.NamedTuple):
    name: str
    data: bytes
    status: int
    code: str
    method: str = "GET"
    ends: bool = True  # the connection, with the answer


def head(first, *fields, host="127.0.0.1"):
    return b"\r\n".join([first.encode("latin-1"), f"Host: {host}".encode(), *[each.encode("latin-1") for each in fields], b"", b""])


def rows(get, post, host="127.0.0.1"):
    """`get` and `post`: targets that take these methods. Requests that end the connection come first."""
    g, p = f"GET {get} HTTP/1.1", f"POST {post} HTTP/1.1"

    def h(first, *fields):
        return head(first, *fields, host=host)

    many = [f"X-{number}: v" for number in range(64)]
    found = [
        Row("length and encoding: CL and TE", h(p, "Content-Length: 3", "Transfer-Encoding: chunked") + b"0\r\n\r\n", 400, "bad_framing"),
        Row("length and encoding: TE and CL", h(p, "Transfer-Encoding: chunked", "Content-Length: 3") + b"abc", 400, "bad_framing"),
        *[Row(f"transfer encoding: {value}", h(p, f"Transfer-Encoding: {value}"), 501, "transfer_encoding_unsupported")
          for value in ("gzip", "identity", "xchunked", "chunked, identity", "chunked, chunked", "Chunked", "")],
        Row("transfer encoding: twice", h(p, "Transfer-Encoding: chunked", "Transfer-Encoding: identity"), 501, "transfer_encoding_unsupported"),
        Row("encoding in HTTP/1.0", h(f"POST {post} HTTP/1.0", "Transfer-Encoding: chunked") + b"0\r\n\r\n", 400, "bad_framing"),
        Row("two lengths: equal", h(p, "Content-Length: 3", "Content-Length: 3") + b"abc", 400, "bad_framing"),
        Row("two lengths: unequal", h(p, "Content-Length: 3", "Content-Length: 4") + b"abc", 400, "bad_framing"),
        *[Row(f"length: {value}", h(p, f"Content-Length: {value}") + b"abc", 400, "bad_framing")
          for value in ("3, 3", "+3", "-1", "0x3", "1" + "0" * 23, "3 3", "")],
        Row("field: obs-fold", h(g, "X: a", " b"), 400, "bad_header"),
        Row("field: space before colon", h(g, "X : a"), 400, "bad_header"),
        Row("field: NUL", h(g, "X: a\0b"), 400, "bad_header"),
        Row("field: bare CR", h(g, "X: a\rb"), 400, "bad_header"),
        Row("field: bare LF", h(g, "X: a\nY: b"), 400, "bad_header"),
        Row("field: bare LF alone", h(g).replace(b"\r", b""), 400, "bad_header"),
        Row("host: none", f"{g}\r\n\r\n".encode(), 400, "bad_host"),
        Row("host: two", h(g, f"Host: {host}"), 400, "bad_host"),
        Row("target form: absolute", h(f"GET http://{host}{get} HTTP/1.1"), 400, "bad_target"),
        Row("target form: authority", h(f"CONNECT {host}:443 HTTP/1.1"), 400, "bad_target"),
        Row("target form: star", h("GET * HTTP/1.1"), 400, "bad_target"),
        *[Row(f"target: {name}", h(f"GET {target} HTTP/1.1"), 400, "bad_target")
          for name, target in (("control", "/\x01"), ("non-ASCII", "/\xc3\xa9"), ("NUL escape", "/x%00"), ("dots", "/%2e%2e/x"), ("plain dots", "/../x"),
                               ("double slash", f"/{get}"), ("backslash", "/a\\b"))],
        Row("method: lower case", h(g.lower().replace("http", "HTTP")), 501, "method_unknown"),
        Row("method: unknown", h(g.replace("GET", "BREW")), 501, "method_unknown"),
        Row("header block: bytes", h(g, "X: " + "a" * 17_000), 431, "headers_too_large"),
        Row("header block: fields", h(g, *many), 431, "headers_too_large"),
        Row("target too long", h(f"GET /{'a' * 2_050} HTTP/1.1"), 414, "target_too_long"),
        *[Row(f"unexpected body: {method}", h(f"{method} {get} HTTP/1.1", "Content-Length: 3") + b"abc", 400, "" if method == "HEAD" else "unexpected_body", method)
          for method in ("GET", "HEAD", "DELETE")],
        Row("unexpected body: chunked", h(g, "Transfer-Encoding: chunked") + b"0\r\n\r\n", 400, "unexpected_body"),
        Row("version: HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "bad_request"),
        Row("version: TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "bad_request"),
        Row("expectation", h(p, "Content-Length: 3", "Expect: 200-maybe"), 417, "expectation_failed"),
        Row("method not allowed", h(f"PATCH {get} HTTP/1.1"), 405, "method_not_allowed", ends=False),
        Row("unknown path", h("GET /nowhere HTTP/1.1"), 404, "not_found", ends=False),
    ]
    return found
