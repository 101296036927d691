"""Requests that two servers could read differently, on the API and on the built-in store."""
import re

import pytest

from tests.rig import bad_requests, raw_http

ROWS = bad_requests.rows("/livez", "/v1/uploads")


@pytest.mark.parametrize("row", ROWS, ids=[each.name for each in ROWS])
def test_malformed_request_is_refused(world, row):
    with raw_http.Raw(world.gateway.port) as connection:
        connection.send(row.data)
        answer = connection.receive(row.method)
        assert (answer.status, answer.code) == (row.status, row.code)
        if row.ends:
            assert connection.receive() is None, "the connection stays open behind a request whose end is unclear"


SMUGGLED = b"GET /v1/uploads HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
HIDDEN = [
    ("content length of zero", b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n"),
    ("encoding behind a tab", b"Transfer-Encoding:\tchunked\r\nContent-Length: 4\r\n"),
    ("encoding with a vertical tab", b"Transfer-Encoding: \x0bchunked\r\nContent-Length: 4\r\n"),
    ("encoding folded", b"Transfer-Encoding:\r\n chunked\r\nContent-Length: 4\r\n"),
    ("encoding with a quoted name", b"\"Transfer-Encoding\": chunked\r\nContent-Length: 4\r\n"),
    ("encoding with an underscore", b"Transfer_Encoding: chunked\r\nContent-Length: 0\r\nContent-Length: 4\r\n"),
    ("length in the Connection header", b"Connection: Content-Length\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n"),
    ("length with leading zeros and a plus", b"Content-Length: +0\r\n"),
    ("length in hexadecimal", b"Content-Length: 0x0\r\n"),
    ("two lengths in one field", b"Content-Length: 0, 42\r\n"),
]


@pytest.mark.parametrize("port", ["gateway", "metrics", "store"])
@pytest.mark.parametrize("fields", [each[1] for each in HIDDEN], ids=[each[0] for each in HIDDEN])
def test_second_request_is_never_smuggled(builtin, port, fields):
    number = {"gateway": builtin.gateway.port, "metrics": builtin.gateway.metrics_port, "store": builtin.stack.minio.port}[port]
    with raw_http.Raw(number) as connection:
        connection.send(b"POST /v1/uploads HTTP/1.1\r\nHost: 127.0.0.1\r\n" + fields + b"\r\n" + SMUGGLED)
        answer = connection.receive()
        assert answer is None or answer.status >= 400
        assert connection.receive() is None, "a second answer: the body was read as a request"


CHUNKS = [("size with sign", b"+1\r\na\r\n0\r\n\r\n"), ("size with prefix", b"0x1\r\na\r\n0\r\n\r\n"), ("size with space", b" 1\r\na\r\n0\r\n\r\n"),
          ("empty size", b"\r\na\r\n0\r\n\r\n"), ("size of 17 digits", b"00000000000000001\r\na\r\n0\r\n\r\n"), ("size that wraps", b"ffffffffffffffff\r\na\r\n0\r\n\r\n"),
          ("bare line feed", b"1\na\n0\n\n"), ("data longer than said", b"1\r\nabc\r\n0\r\n\r\n"), ("extension with line feed", b"1;a=\n\r\na\r\n0\r\n\r\n"),
          ("extension of a megabyte", b"1;" + b"a" * 100_000 + b"\r\na\r\n0\r\n\r\n"), ("endless trailers", b"0\r\n" + b"X: y\r\n" * 20_000 + b"\r\n")]


@pytest.mark.parametrize("data", [each[1] for each in CHUNKS], ids=[each[0] for each in CHUNKS])
def test_malformed_chunk_is_refused(world, data):
    with raw_http.Raw(world.gateway.port) as connection:
        connection.send(f"POST /v1/uploads HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {world.app.key}\r\nContent-Type: application/json\r\n"
                        "Transfer-Encoding: chunked\r\n\r\n".encode())
        connection.send(data)
        answer = connection.receive()
        assert answer is None or answer.status in (400, 413, 431)
        assert connection.receive() is None


@pytest.mark.parametrize("value", ["a\r\nX-Injected: 1", "a\nX-Injected: 1", "a%0d%0aX-Injected:%201", "\x85X-Injected: 1", "é" * 300])
def test_request_id_of_a_stranger_splits_no_answer(world, value):
    with raw_http.Raw(world.gateway.port) as connection:
        connection.send(b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Request-Id: " + value.encode() + b"\r\n\r\n")
        answer = connection.receive()
        assert "x-injected" not in {name.lower() for name in answer.headers}


@pytest.mark.parametrize("path", ["/..%2f..%2fetc/passwd", "/i/..%2f..%2fv1/uploads", "/i/%2e%2e/x", "/upload/../v1/uploads", "/i/%00", "/docs%2f..", "/upload;x=1",
                                  "//evil.example/", "/%5cevil.example", "/i/" + "a" * 2000])
def test_odd_path_reaches_nothing(world, path):
    with raw_http.Raw(world.gateway.port) as connection:
        connection.send(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        answer = connection.receive()
        assert answer.status in (400, 404, 414)
        assert not re.search(rb"root:|postgresql:", answer.body)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "127.0.0.1@evil.example", "127.0.0.1:99999", "127.0.0.1#", "[::1", "127.0.0.1,evil.example"])
def test_host_of_a_stranger_never_appears_in_a_link(world, host):
    body = b'{"profile":"photos"}'
    with raw_http.Raw(world.gateway.port) as connection:
        connection.send(f"POST /v1/uploads HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-Host: {host}\r\nForwarded: host={host}\r\nAuthorization: Bearer {world.app.key}\r\n"
                        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = connection.receive()
        assert b"evil" not in answer.body
