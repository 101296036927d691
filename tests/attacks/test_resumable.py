"""Resumable uploads: requests that two servers could read differently, of strangers, out of order, too many, too slow, too long.

A target has taken 100 bytes; after each attack it has them still, and its client goes on.
"""
import base64
import concurrent.futures
import contextlib
import functools
import hashlib
import hmac
import json
import time
import urllib.parse

import pytest

from tests.attacks.conftest import TIGHT, honest
from tests.rig import parts, pictures, raw_http
from tests.rig import resumable as wire
from tests.rig import stack as services
from tests.rig.world import PROFILES, World, release_build

SECRET = "attacks on resumable uploads: signs"
SIZE, TAKEN = 1_000, 100
OF_TOKEN, OF_ADDRESS = 4, 6  # requests that may send at once
PARTIAL = "application/partial-upload"


@pytest.fixture(scope="module")
def resumable_world(tmp_path_factory):
    made = World(release_build(), tmp_path_factory.mktemp("resumable"), PROFILES, extra=TIGHT, store="minio")
    made.gateway.environment |= {"PHOTOGATE_SERVER_TOKEN_SECRETS": SECRET, "PHOTOGATE_SERVER_MAX_TRANSFERS_PER_TOKEN": str(OF_TOKEN),
                                 "PHOTOGATE_SERVER_MAX_TRANSFERS_PER_ADDRESS": str(OF_ADDRESS)}
    try:
        made.gateway.start()
        yield made
    finally:
        made.close()


@pytest.fixture
def world(resumable_world):
    yield resumable_world
    honest(resumable_world)


@functools.cache
def administrator(world):
    return parts.administrator(world)


def chunks_of(target):
    """The keys of the chunks that the store has."""
    world = target.world
    page = administrator(world).list_objects_v2(Bucket=world.stack.minio.incoming, Prefix=f"r/{target.id}/")
    return [each["Key"] for each in page.get("Contents", [])]


class Target:
    """An upload that has taken some bytes."""

    def __init__(self, world, size=SIZE, key=None, **more):
        status, _, self.created = world.request("POST", "/v1/uploads", {"profile": "photos", "size": size, "content_type": "image/jpeg", **more}, key=key)
        assert status == 201, self.created
        self.world, self.id, self.url = world, self.created["id"], wire.url_of(world, self.created)
        self.path = urllib.parse.urlsplit(self.url).path
        assert wire.patch(self.url, 0, b"x" * TAKEN).offset == TAKEN
        self.before = self.state()

    def state(self):
        """The upload's rows, and the objects of its chunks."""
        rows = self.world.sql(f"""select u.state, r.beginning, r.received, r.length, r.state, r.metadata, (select count(*) from chunks c where c.upload_id = u.id)
                                  from uploads u join resumables r on r.upload_id = u.id where u.id = '{self.id}'""")
        return rows, chunks_of(self)

    def unchanged(self):
        assert self.state() == self.before

    def goes_on(self, at=TAKEN):
        """Its own client sends the next byte."""
        reply = wire.patch(self.url, at, b"x")
        assert (reply.status, reply.offset) == (204, at + 1), reply


@pytest.fixture
def target(world):
    made = Target(world)
    yield made


def held(target, status, code, answer):
    """The answer, and that nothing came of it."""
    body = json.loads(answer.body) if answer.body else {}
    assert (answer.status, body.get("code")) == (status, code), answer
    assert "upload-offset" not in answer.headers or status == 409, "an error promises no offset"
    target.unchanged()
    target.goes_on()


def ask(target, method, fields, data=b"", path=None):
    """As it stands: fields may be repeated and odd."""
    lines = [f"{method} {path or target.path} HTTP/1.1", f"Host: 127.0.0.1:{target.world.gateway.port}", *fields, "", ""]
    with raw_http.Raw(target.world.gateway.port) as connection:
        connection.send("\r\n".join(lines).encode("latin-1") + data)
        return connection.receive(method)


TUS = ["Tus-Resumable: 1.0.0"]
APPEND = [*TUS, "Content-Type: application/offset+octet-stream"]
AT = f"Upload-Offset: {TAKEN}"


def token_of(world, key=None, **more):
    status, _, token = world.request("POST", "/v1/tokens", {"profile": "photos", "max_uploads": 50, **more}, key=key)
    assert status == 201, token
    return token["token"]


def place(world, token, fields, data=b""):
    lines = [f"POST /u/{token}/r HTTP/1.1", f"Host: 127.0.0.1:{world.gateway.port}", *fields, "", ""]
    with raw_http.Raw(world.gateway.port) as connection:
        connection.send("\r\n".join(lines).encode("latin-1") + data)
        return connection.receive("POST")


def uploads(world):
    return world.sql("select count(*) from uploads")


def metric(world, series):
    page = world.gateway.request("GET", "/metrics", port=world.gateway.metrics_port)[2].decode()
    return sum(float(line.rsplit(" ", 1)[1]) for line in page.splitlines() if line.startswith(series + " "))


# ---- framing ----

FRAMING = [
    ("length and encoding", ["Content-Length: 5", "Transfer-Encoding: chunked"], 400, "bad_framing"),
    ("encoding and length", ["Transfer-Encoding: chunked", "Content-Length: 5"], 400, "bad_framing"),
    ("two lengths", ["Content-Length: 5", "Content-Length: 6"], 400, "bad_framing"),
    ("lengths in a list", ["Content-Length: 5, 5"], 400, "bad_framing"),
    ("negative length", ["Content-Length: -1"], 400, "bad_framing"),
    ("length beyond 64 bits", ["Content-Length: 18446744073709551616"], 400, "bad_framing"),
    ("length of 63 bits", ["Content-Length: 9223372036854775807"], 400, "bad_framing"),
    ("length beyond all uploads", [f"Content-Length: {2 ** 41}"], 413, "body_too_large"),
    ("length beyond this upload", [f"Content-Length: {SIZE - TAKEN + 1}"], 413, "size_over_limit"),
    ("two encodings", ["Transfer-Encoding: gzip, chunked"], 501, "transfer_encoding_unsupported"),
    ("encoding repeated", ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], 501, "transfer_encoding_unsupported"),
    ("expectation of another kind", ["Content-Length: 5", "Expect: 200-ok"], 417, "expectation_failed"),
]


@pytest.mark.parametrize("fields, status, code", [each[1:] for each in FRAMING], ids=[each[0] for each in FRAMING])
def test_framing_of_an_append_is_read_in_one_way(target, fields, status, code):
    held(target, status, code, ask(target, "PATCH", [*APPEND, AT, *fields]))


CHUNKS = {"size with sign": b"+5\r\nabcde\r\n0\r\n\r\n", "size with prefix": b"0x5\r\nabcde\r\n0\r\n\r\n", "size that wraps": b"ffffffffffffffff\r\nabcde\r\n0\r\n\r\n",
          "size of 17 digits": b"00000000000000005\r\nabcde\r\n0\r\n\r\n", "bare line feeds": b"5\nabcde\n0\n\n", "empty size": b"\r\nabcde\r\n0\r\n\r\n",
          "extension of 100 kB": b"5;" + b"a" * 100_000 + b"\r\nabcde\r\n0\r\n\r\n"}


@pytest.mark.parametrize("data", list(CHUNKS.values()), ids=list(CHUNKS))
def test_malformed_chunk_of_an_append_adds_nothing(target, data):
    answer = ask(target, "PATCH", [*APPEND, AT, "Transfer-Encoding: chunked"], data)
    assert answer is None or answer.status in (400, 431), answer
    target.unchanged()
    target.goes_on()


@pytest.mark.parametrize("data", [b"5\r\nabcde\r\n", b"5\r\nabcde", b"3e8\r\nabcde", b"5\r\nabcde\r\n0\r\n"], ids=["no last chunk", "no line end", "half a chunk", "trailers without end"])
def test_chunked_append_without_an_end_is_no_end(target, data):
    with wire.Open("PATCH", target.url, {**wire.TUS_CONTENT, "Upload-Offset": str(TAKEN), "Transfer-Encoding": "chunked"}) as connection:
        connection.send(data)
    assert wire.offset_once(target.url, TAKEN + 5) == TAKEN + 5, "what has arrived, and no more"
    target.goes_on(TAKEN + 5)


@pytest.mark.parametrize("method", ["HEAD", "DELETE", "OPTIONS"])
def test_body_of_a_request_that_has_none_is_refused(target, method):
    answer = ask(target, method, [*TUS, "Content-Length: 5"], b"abcde")
    assert answer.status == 400
    target.unchanged()


# ---- numbers, repetitions, types ----

NUMBERS = ["-1", "+100", "0x64", "1e2", "100.0", "100,100", "100 100", "", "99999999999999999999", "9" * 400, "١٠٠", "?1", "100;a", "NaN"]


@pytest.mark.parametrize("number", NUMBERS)
def test_offset_that_is_no_number_is_refused(target, number):
    held(target, 400, "bad_header", ask(target, "PATCH", [*APPEND, "Content-Length: 1", f"Upload-Offset: {number.encode().decode('latin-1')}"], b"x"))


@pytest.mark.parametrize("offset", [0, 1, TAKEN - 1, TAKEN + 1, SIZE, SIZE + 1, 2 ** 31, 2 ** 32 + TAKEN, 2 ** 63 - 1, 2 ** 63, 2 ** 64 - 1])
def test_offset_before_or_behind_is_told_the_true_one(target, offset):
    answer = ask(target, "PATCH", [*APPEND, f"Upload-Offset: {offset}", "Content-Length: 1"], b"x")
    assert answer.headers["upload-offset"] == str(TAKEN)
    held(target, 409, "state_conflict", answer)


@pytest.mark.parametrize("length, status, code", [("-1", 400, "bad_header"), ("x", 400, "bad_header"), ("99999999999999999999", 400, "bad_header"),
                                                  (str(2 ** 63 - 1), 413, "size_over_limit"), (str(2 ** 64 - 1), 413, "size_over_limit"), (str(SIZE + 1), 413, "size_over_limit"),
                                                  (str(SIZE - 1), 400, "bad_header"), (str(TAKEN), 400, "bad_header"), ("0", 400, "bad_header")])
def test_length_can_not_be_changed_by_an_append(target, length, status, code):
    held(target, status, code, ask(target, "PATCH", [*APPEND, AT, f"Upload-Length: {length}", "Content-Length: 1"], b"x"))


REPEATED = {"Upload-Offset": "0", "Upload-Length": str(SIZE), "Content-Type": "text/html", "Tus-Resumable": "0.2.2", "Upload-Checksum": "sha1 AAAA",
            "Upload-Complete": "?1", "X-HTTP-Method-Override": "DELETE", "Upload-Defer-Length": "1"}


@pytest.mark.parametrize("order", ["before", "behind"])
@pytest.mark.parametrize("name", list(REPEATED))
def test_field_that_stands_twice_is_refused(target, name, order):
    right = [*APPEND, AT, "Content-Length: 1"]
    if not any(each.startswith(name) for each in right):
        right.append(f"{name}: {REPEATED[name]}")
    other = f"{name.lower()}: {REPEATED[name]}"
    held(target, 400, "bad_header", ask(target, "PATCH", [other, *right] if order == "before" else [*right, other], b"x"))


@pytest.mark.parametrize("content_type", ["", "text/html", "image/jpeg", "application/octet-stream", "application/offset+octet-streams", "application/offset octet-stream",
                                          PARTIAL, "multipart/form-data; boundary=x", "text/html; a=application/offset+octet-stream"])
def test_append_of_another_type_is_refused(target, content_type):
    held(target, 415, "unsupported_media_type", ask(target, "PATCH", [*TUS, f"Content-Type: {content_type}", AT, "Content-Length: 1"], b"x"))


@pytest.mark.parametrize("version", ["", "0.2.2", "1.0", "1.0.0.0", "1.0.0, 0.2.2", "2.0.0", "١.0.0"])
def test_other_version_of_tus_does_nothing(target, version):
    for method in ("PATCH", "DELETE"):
        answer = ask(target, method, [f"Tus-Resumable: {version.encode().decode('latin-1')}", *APPEND[1:], AT, *(["Content-Length: 1"] if method == "PATCH" else [])],
                     b"x" if method == "PATCH" else b"")
        assert answer.status == 412 and answer.headers["tus-version"] == "1.0.0", answer
    target.unchanged()


# ---- two protocols ----

BOTH = {
    "the draft ends it": ["Upload-Draft-Interop-Version: 8", "Upload-Complete: ?1"],
    "an older draft ends it": ["Upload-Draft-Interop-Version: 3"],
    "the draft has another digest": ["Upload-Draft-Interop-Version: 6", "Upload-Complete: ?1", "Content-Digest: sha-256=:" + base64.b64encode(bytes(32)).decode() + ":"],
}


@pytest.mark.parametrize("fields", list(BOTH.values()), ids=list(BOTH))
def test_fields_of_both_protocols_are_read_as_tus(target, fields):
    answer = ask(target, "PATCH", [*fields, *APPEND, AT, "Content-Length: 1"], b"x")
    assert answer.status == 204 and answer.headers["upload-offset"] == str(TAKEN + 1)
    assert not {"upload-complete", "upload-incomplete", "upload-draft-interop-version"} & set(answer.headers)
    assert world_state(target) == "created", "nothing has ended it"
    target.goes_on(TAKEN + 1)


def world_state(target):
    return target.world.request("GET", f"/v1/uploads/{target.id}")[2]["state"]


DRAFT = [
    ("negative offset", 6, {"Upload-Offset": "-5"}, 400, "bad_header"),
    ("offset of 16 digits", 6, {"Upload-Offset": "1000000000000000"}, 400, "bad_header"),
    ("offset with a point", 6, {"Upload-Offset": "100.0"}, 400, "bad_header"),
    ("offset that is a text", 8, {"Upload-Offset": '"100"'}, 400, "bad_header"),
    ("largest offset", 8, {"Upload-Offset": "999999999999999"}, 409, "state_conflict"),
    ("no completeness", 8, {"Upload-Complete": "yes"}, 400, "bad_header"),
    ("length that disagrees", 8, {"Upload-Complete": "?1", "Upload-Length": "5000"}, 400, "bad_header"),
    ("end before the declared size", 6, {"Upload-Complete": "?1"}, 400, "bad_header"),
    ("type of tus", 6, {"Content-Type": "application/offset+octet-stream"}, 415, "unsupported_media_type"),
    ("more than there may be", 6, {"Content-Length": str(SIZE)}, 413, "size_over_limit"),
    ("wrong digest", 6, {"Content-Digest": "sha-256=:" + base64.b64encode(bytes(32)).decode() + ":"}, 400, "invalid_checksum"),
]


@pytest.mark.parametrize("version, changes, status, code", [each[1:] for each in DRAFT], ids=[each[0] for each in DRAFT])
def test_malformed_append_of_the_draft_adds_nothing(target, version, changes, status, code):
    fields = {**wire.draft(version), "Upload-Complete": "?0", "Content-Type": PARTIAL, "Upload-Offset": str(TAKEN), "Content-Length": "1", **changes}
    held(target, status, code, ask(target, "PATCH", [f"{name}: {value}" for name, value in fields.items()], b"x"))


ANEW = {
    "longer than the upload": (["Content-Length: 5000"], 413, "size_over_limit"),
    "shorter than the upload": (["Content-Length: 5"], 400, "invalid_size"),
    "nothing": (["Content-Length: 0"], 400, "invalid_size"),
    "nothing at all": ([], 400, "invalid_size"),
    "another length said": (["Content-Length: 5", "Upload-Length: 1000"], 400, "bad_header"),
}


KINDS = {"plain": [], "draft": ["Upload-Draft-Interop-Version: 6", "Upload-Complete: ?1"], "draft, not the end": ["Upload-Draft-Interop-Version: 6", "Upload-Complete: ?0"]}
# What is not the end may begin with any number of bytes that the upload may have.
BEGINNINGS = [(what, kind) for kind in KINDS for what in ANEW if kind != "draft, not the end" or what == "longer than the upload"]


@pytest.mark.parametrize("what, kind", BEGINNINGS)
def test_whole_file_of_another_size_does_not_begin_anew(target, what, kind):
    fields, status, code = ANEW[what]
    held(target, status, code, ask(target, "PUT", [*KINDS[kind], *fields], b"x" * 5 if "5" in str(fields) else b""))


# ---- strangers ----

def signed(upload, until, secret=SECRET):
    """A ticket as the gateway signs it."""
    digest = hmac.new(secret.encode(), f"upload-ticket\n{upload}\n{until}".encode(), hashlib.sha256).digest()
    return f"pgt_u{until}." + base64.urlsafe_b64encode(digest).decode().rstrip("=")


class Granted:
    """The parts of a URL that was granted, beside another's."""

    def __init__(self, target, another):
        self.target, self.another, self.id = target, another, target.id
        self.ticket = target.path.split("/")[2]
        self.end, self.signature = self.ticket.removeprefix("pgt_u").split(".")

    def at(self, upload):
        return f"/u/{self.ticket}/r/{upload}"

    def by(self, credential):
        return f"/u/{credential}/r/{self.id}"

    def ticketed(self, end, signature):
        return self.by(f"pgt_u{end}.{signature}")

    def spare_bits(self):
        """The same bytes in base64 whose last character is another."""
        digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        return self.signature[:-1] + digits[digits.index(self.signature[-1]) ^ 1]


MANGLED = {
    "of another upload": lambda g: g.at(g.another.id),
    "guessed id": lambda g: g.at(g.id[:-1] + ("0" if g.id[-1] != "0" else "1")),
    "id without prefix": lambda g: g.at(g.id[4:]),
    "id in capitals": lambda g: g.at(g.id.upper()),
    "id with NUL": lambda g: g.at(g.id + "%00"),
    "id with a path": lambda g: g.at(g.id + "%2f..%2f" + g.another.id),
    "id of 1,500 characters": lambda g: g.at("upl_" + "0" * 1_500),
    "id with a quote": lambda g: g.at(g.id + "'--"),
    "a later end": lambda g: g.ticketed(int(g.end) + 1, g.signature),
    "end with a sign": lambda g: g.ticketed("+" + g.end, g.signature),
    "end with a zero": lambda g: g.ticketed("0" + g.end, g.signature),
    "no end": lambda g: g.ticketed("", g.signature),
    "endless": lambda g: g.ticketed(2 ** 63 - 1, g.signature),
    "no signature": lambda g: g.ticketed(g.end, ""),
    "no dot": lambda g: g.by(f"pgt_u{g.end}{g.signature}"),
    "signature cut": lambda g: g.ticketed(g.end, g.signature[:-1]),
    "signature longer": lambda g: g.ticketed(g.end, g.signature + "A"),
    "signature padded": lambda g: g.ticketed(g.end, g.signature + "%3D"),
    "signature's spare bits": lambda g: g.ticketed(g.end, g.spare_bits()),
    "signature of zeros": lambda g: g.ticketed(g.end, "A" * len(g.signature)),
    "signed with another secret": lambda g: g.by(signed(g.id, int(g.end), "another secret of at least 32 characters")),
    "signed for another": lambda g: g.by(signed(g.another.id, int(g.end))),
    "ticket of another": lambda g: g.by(g.another.path.split("/")[2]),
    "app's key": lambda g: g.by(g.target.world.app.key),
    "operator's key": lambda g: g.by(g.target.world.operator.key),
    "empty claims": lambda g: g.by("pgt_."),
    "alg none": lambda g: g.by("eyJhbGciOiJub25lIn0.eyJhcHAiOiJzaG9wIn0."),
    "expired": lambda g: g.by(signed(g.id, int(time.time()) - 1)),
    "expired long ago": lambda g: g.by(signed(g.id, 0)),
    "beginning that is negative": lambda g: g.target.path + "/-1",
    "beginning to come": lambda g: g.target.path + "/1",
    "beginning beyond 32 bits": lambda g: g.target.path + "/4294967296",
    "beginning in hexadecimal": lambda g: g.target.path + "/0x0",
}


@pytest.fixture
def another(world):
    return Target(world)


@pytest.mark.parametrize("how", list(MANGLED))
def test_url_that_was_not_granted_is_of_no_upload(target, another, how):
    path = MANGLED[how](Granted(target, another))
    # A beginning is the draft's, whose requests may begin anew; who has the URL may cancel whatever it names.
    requests = [("HEAD", TUS, b""), ("PATCH", [*APPEND, AT, "Content-Length: 1"], b"x"), ("PATCH", [*APPEND, "Upload-Offset: 0", "Content-Length: 1"], b"x")]
    if not how.startswith("beginning"):
        requests += [("DELETE", TUS, b""), ("PUT", [f"Content-Length: {SIZE}"], b"x" * SIZE), ("POST", [*APPEND, "X-HTTP-Method-Override: DELETE"], b"")]
    for method, fields, data in requests:
        answer = ask(target, method, fields, data, path)
        assert answer.status in ((404,) if "expired" in how or how.startswith("beginning") else (400, 401, 404)), (method, answer)
        assert "upload-offset" not in answer.headers and "upload-length" not in answer.headers
    target.unchanged()
    another.unchanged()
    target.goes_on()


@pytest.mark.parametrize("method", ["HEAD", "PATCH", "PUT", "POST", "DELETE"])
def test_upload_of_a_stranger_is_like_one_that_is_not_there(world, target, method):
    """Of another token, of another app, of the app itself, and of none: one answer, and nothing happens."""
    mine, others = token_of(world), token_of(world, key=world.other.key)
    of_a_token = Target(world, key=token_of(world))
    fields = {"PATCH": [*APPEND, AT, "Content-Length: 1"], "PUT": [f"Content-Length: {SIZE}"], "POST": ["Content-Length: 1"]}.get(method, TUS)
    data = b"x" * SIZE if method == "PUT" else b"x" if fields is not TUS else b""
    answers = {(answer.status, answer.body) for token in (mine, others) for upload in (target.id, of_a_token.id, "upl_" + "0" * 26)
               for answer in [ask(target, method, fields, data, f"/u/{token}/r/{upload}")]}
    assert len(answers) == 1 and next(iter(answers))[0] == 404, answers
    target.unchanged()
    of_a_token.unchanged()


@pytest.mark.parametrize("method", ["HEAD", "PATCH", "PUT", "DELETE"])
def test_stranger_with_a_token_interrupts_nobody(world, target, method):
    token = token_of(world)
    services.wait_until(lambda: metric(world, "photogate_resumable_connections") == 0, 30, "the others to end")
    with wire.Open("PATCH", target.url, {**wire.TUS_CONTENT, "Upload-Offset": str(TAKEN)}, 50) as connection:
        connection.send(b"x" * 20)
        services.wait_until(lambda: metric(world, "photogate_resumable_connections") == 1, 30, "the connection")
        fields = [*APPEND, AT, "Content-Length: 1"] if method == "PATCH" else [f"Content-Length: {SIZE}"] if method == "PUT" else TUS
        data = b"x" * SIZE if method == "PUT" else b"x" if method == "PATCH" else b""
        assert ask(target, method, fields, data, f"/u/{token}/r/{target.id}").status == 404
        answer = connection.send(b"x" * 30).answer()
        assert answer and (answer.status, answer.offset) == (204, TAKEN + 50), answer


# ---- what has ended ----

@pytest.mark.parametrize("how", ["terminated by tus", "terminated by the draft", "cancelled by the app", "expired"])
@pytest.mark.parametrize("method", ["HEAD", "PATCH", "PUT", "POST", "DELETE"])
def test_upload_that_has_ended_does_not_come_back(world, target, how, method):
    url = target.path
    if how == "cancelled by the app":
        assert world.request("DELETE", f"/v1/uploads/{target.id}")[0] == 200
    elif how == "expired":
        url = f"/u/{signed(target.id, int(time.time()) - 1)}/r/{target.id}"
    else:
        assert wire.call("DELETE", target.url, wire.TUS if how == "terminated by tus" else wire.draft(6)).status == 204
    fields = {"PATCH": [*APPEND, AT, "Content-Length: 1"], "PUT": [f"Content-Length: {SIZE}"], "POST": [f"Content-Length: {SIZE}"]}.get(method, TUS)
    data = b"x" * SIZE if method in ("PUT", "POST") else b"x" if method == "PATCH" else b""
    answer = ask(target, method, fields, data, url)
    assert answer.status == 404 and "upload-offset" not in answer.headers, answer
    if how == "expired":
        return target.unchanged()
    assert world_state(target) == "cancelled"
    if method == "HEAD":
        services.wait_until(lambda: chunks_of(target) == [], 30, "the chunks to go")


# ---- creation ----

def b64(value):
    return base64.b64encode(value.encode() if isinstance(value, str) else value).decode()


CREATIONS = {
    "metadata of 20 kB": (["Upload-Length: 10", "Upload-Metadata: filename " + "A" * 20_000], 431, "headers_too_large"),
    "metadata that is no base64": (["Upload-Length: 10", "Upload-Metadata: filename !!!"], 400, "bad_header"),
    "metadata of two values": (["Upload-Length: 10", "Upload-Metadata: filename YQ== YQ=="], 400, "bad_header"),
    "key twice": (["Upload-Length: 10", "Upload-Metadata: filename YQ==,filename Yg=="], 400, "bad_header"),
    "key of bytes above 127": (["Upload-Length: 10", "Upload-Metadata: n\xe4me YQ=="], 400, "bad_header"),
    "control character in a key": (["Upload-Length: 10", "Upload-Metadata: file\x01name YQ=="], 400, "bad_header"),
    "metadata twice": (["Upload-Length: 10", "Upload-Metadata: filename YQ==", "Upload-Metadata: filetype YQ=="], 400, "bad_header"),
    "metadata folded": (["Upload-Length: 10", "Upload-Metadata: filename\r\n YQ=="], 400, "bad_header"),
    "NUL in the name": (["Upload-Length: 10", "Upload-Metadata: filename " + b64("a\0.jpg")], 400, "invalid_filename"),
    "name that is not UTF-8": (["Upload-Length: 10", "Upload-Metadata: filename " + b64(b"\xff\xfe")], 400, "invalid_filename"),
    "type that is no picture": (["Upload-Length: 10", "Upload-Metadata: filetype " + b64("text/html")], 400, "content_type_not_allowed"),
    "type with a line break": (["Upload-Length: 10", "Upload-Metadata: filetype " + b64("image/jpeg\r\nX: y")], 400, "content_type_not_allowed"),
    "no length": ([], 400, "bad_header"),
    "length of zero": (["Upload-Length: 0"], 400, "invalid_size"),
    "negative length": (["Upload-Length: -1"], 400, "bad_header"),
    "length beyond 64 bits": (["Upload-Length: 18446744073709551616"], 400, "bad_header"),
    "largest length": (["Upload-Length: 18446744073709551615"], 413, "size_over_limit"),
    "length beyond the profile": (["Upload-Length: 10000000000"], 413, "size_over_limit"),
    "two lengths": (["Upload-Length: 10", "Upload-Length: 10000000000"], 400, "bad_header"),
    "length to be told later": (["Upload-Defer-Length: 1"], 400, "bad_header"),
    "length now and later": (["Upload-Length: 10", "Upload-Defer-Length: 1"], 400, "bad_header"),
    "part of a concatenation": (["Upload-Length: 10", "Upload-Concat: partial"], 400, "bad_header"),
    "concatenation": (["Upload-Concat: final;/u/a/r/b /u/a/r/c"], 400, "bad_header"),
    "concatenation of files": (["Upload-Length: 10", "Upload-Concat: final;file:///etc/passwd http://169.254.169.254/"], 400, "bad_header"),
    "override to an append": (["X-HTTP-Method-Override: PATCH", "Upload-Length: 10", "Upload-Offset: 0"], 405, "method_not_allowed"),
    "override to nothing known": (["X-HTTP-Method-Override: CONNECT", "Upload-Length: 10"], 405, "method_not_allowed"),
    "the draft": (["Upload-Draft-Interop-Version: 6", "Upload-Complete: ?1", "Content-Length: 0"], 405, "method_not_allowed"),
    "no protocol": (["Content-Length: 0"], 412, "bad_header"),
}


@pytest.mark.parametrize("what", list(CREATIONS))
def test_creation_that_makes_no_sense_makes_nothing(world, what):
    fields, status, code = CREATIONS[what]
    before, token = uploads(world), token_of(world)
    answer = place(world, token, fields if what in ("the draft", "no protocol") else [*TUS, *fields])
    assert (answer.status, answer.code) == (status, code) and "location" not in answer.headers, answer
    assert uploads(world) == before
    assert world.sql(f"select count(*) from client_tokens where id = '{json.loads(claims_of(token))['id']}'").strip() == "0", "it counts against nobody"


def claims_of(token):
    text = token.removeprefix("pgt_").split(".")[0]
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b\\c.jpg", "\u202egpj.exe", "<script>alert(1)</script>.jpg", "'; drop table uploads; --", "a\r\nSet-Cookie: x=1", "\x1b[2Ja", "a" * 9_000])
def test_name_from_metadata_is_a_name_alone(world, name):
    answer = place(world, token_of(world), [*TUS, "Upload-Length: 10", "Upload-Metadata: filename " + b64(name)])
    assert answer.status in (201, 400)
    if answer.status == 201:
        made = world.request("GET", "/v1/uploads/" + answer.headers["location"].rsplit("/", 1)[1])[2]
        assert not set(made["filename"]) & set("/\\\u202e\r\n\x1b") and len(made["filename"].encode()) <= 1_024, made
        seen = wire.head(wire.absolute(world, answer.headers["location"]))
        assert seen.status == 200 and "set-cookie" not in seen.headers


def test_creations_count_against_their_token_whoever_answers(world):
    token = token_of(world, max_uploads=3)
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        statuses = list(pool.map(lambda _: place(world, token, [*TUS, "Upload-Length: 10"]).status, range(24)))
    assert sorted(statuses) == [201] * 3 + [403] * 21


# ---- checksums, overrides, lengths ----

CHECKSUMS = [
    ("unknown algorithm", "crc32 AAAAAA==", 400), ("no value", "sha1", 400), ("empty value", "sha1 ", 400), ("too short", "sha1 AAAA", 400), ("no base64", "sha1 ????", 400),
    ("algorithm in capitals", "SHA1 " + b64(bytes(20)), 400), ("value of another algorithm", "sha256 " + b64(bytes(20)), 400), ("of another content", "sha1 " + b64(bytes(20)), 460),
    ("of another content, md5", "md5 " + b64(bytes(16)), 460), ("of another content, sha256", "sha256 " + b64(bytes(32)), 460), ("in hexadecimal", "sha1 " + "0" * 40, 400),
]


@pytest.mark.parametrize("text, status", [each[1:] for each in CHECKSUMS], ids=[each[0] for each in CHECKSUMS])
def test_wrong_checksum_keeps_nothing(target, text, status):
    for framing, data in ((["Content-Length: 500"], b"x" * 500), (["Transfer-Encoding: chunked"], b"1f4\r\n" + b"x" * 500 + b"\r\n0\r\n\r\n")):
        answer = ask(target, "PATCH", [*APPEND, AT, f"Upload-Checksum: {text}", *framing], data)
        assert (answer.status, answer.code) == (status, "invalid_checksum"), answer
    target.unchanged()
    target.goes_on()


def test_refused_contents_leave_no_objects(world):
    """The store would fill up with what nobody refers to."""
    target = Target(world, size=400_000)
    wrong = {**wire.TUS_CONTENT, "Upload-Checksum": "sha1 " + b64(bytes(20))}
    for _ in range(5):
        assert wire.patch(target.url, TAKEN, b"x" * 300_000, wrong).status == 460
        with wire.Open("PATCH", target.url, {**wrong, "Upload-Offset": str(TAKEN)}, 390_000) as connection:
            connection.send(b"x" * 300_000)
    services.wait_until(lambda: target.state() == target.before, 30, "what was refused to go")


def test_beginning_anew_leaves_one_beginning(world):
    target = Target(world)
    for version in range(12):
        reply = wire.call("PUT", target.url, {**wire.draft(6), "Upload-Complete": "?0"}, bytes([version]) * 500)
        assert (reply.status, reply.offset) == (201, 500), reply
    assert len(chunks_of(target)) == 1
    assert world.sql(f"select count(*) from chunks where upload_id = '{target.id}'").strip() == "1"
    target.goes_on(500)


OVERRIDES = [
    ("POST", "PUT", 405), ("POST", "GET", 405), ("POST", "OPTIONS", 405), ("POST", "patch", 405), ("POST", "PATCH, DELETE", 405), ("POST", "", 405), ("POST", "CONNECT", 405),
    ("POST", "POST", 405), ("HEAD", "DELETE", 200), ("OPTIONS", "DELETE", 204),
]


@pytest.mark.parametrize("method, override, status", OVERRIDES)
def test_override_of_the_method_reaches_nothing_new(target, method, override, status):
    fields = [*APPEND, AT, f"X-HTTP-Method-Override: {override}", *(["Content-Length: 1"] if method == "POST" else [])]
    assert ask(target, method, fields, b"x" if method == "POST" else b"").status == status
    target.unchanged()
    target.goes_on()


@pytest.mark.parametrize("name", ["X-HTTP-Method", "X-Method-Override", "X-HTTP-Method-Override"])
def test_override_of_another_protocol_is_not_heard(target, name):
    """Neither in an append, nor in a request that names no protocol."""
    assert ask(target, "PATCH", [*APPEND, AT, f"{name}: DELETE", "Content-Length: 1"], b"x").status == 204
    assert ask(target, "POST", [f"{name}: DELETE", "Content-Length: 1"], b"x").status == 400
    assert world_state(target) == "created"
    target.goes_on(TAKEN + 1)


@pytest.mark.parametrize("chunked", [False, True], ids=["announced", "chunked"])
@pytest.mark.parametrize("more", [1, 100, 5_000_000])
def test_more_than_the_grant_is_refused(target, more, chunked):
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it is refused before all is sent
        reply = wire.patch(target.url, TAKEN, b"x" * (SIZE - TAKEN + more), chunked=chunked)
        assert reply.status == 413 and reply.offset is None
    assert world_state(target) == "created", "what is too long does not count as whole"
    at = wire.head(target.url).offset
    assert TAKEN <= at < SIZE
    target.goes_on(at)


# ---- many, slow, at once ----

def test_thousand_appends_of_one_byte_are_bounded(world):
    target = Target(world, size=2_000)
    replies = []
    for _ in range(1_000):
        replies.append(wire.patch(target.url, TAKEN + len([each for each in replies if each.status == 204]), b"x"))
        if replies[-1].status == 429 and len(replies) > 100:
            break
    taken = [each.status for each in replies].count(204)
    assert {each.status for each in replies} == {204, 429} and taken <= 60, "60 connections in a minute"
    assert all("retry-after" in each.headers for each in replies if each.status == 429)
    assert len(chunks_of(target)) == taken + 1
    assert int(world.sql(f"select count(*) from chunks where upload_id = '{target.id}'")) == taken + 1


@pytest.mark.parametrize("method", ["HEAD", "DELETE"])
def test_floods_of_one_upload_delay_nobody(world, target, method):
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        flood = [pool.submit(wire.call, method, target.url, wire.TUS) for _ in range(300)]
        began = time.monotonic()
        assert wire.patch(Target(world).url, TAKEN, b"x").status == 204
        assert time.monotonic() - began < 5
        statuses = {each.result().status for each in flood}
    assert statuses <= ({200, 429, 503} if method == "HEAD" else {204, 404, 429, 503}), statuses
    assert world_state(target) == ("created" if method == "HEAD" else "cancelled")


def open_appends(targets, headers=None, bytes_each=1):
    opened = []
    for each in targets:
        opened.append(wire.Open("PATCH", each.url, {**wire.TUS_CONTENT, "Upload-Offset": str(TAKEN), **(headers or {})}, SIZE - TAKEN))
        opened[-1].send(b"x" * bytes_each)
    return opened


def sending(world, connections):
    services.wait_until(lambda: metric(world, "photogate_resumable_connections") == connections, 30, f"{connections} connections")


def refused_place(world, limit, reply, before):
    assert reply.status == 429 and json.loads(reply.body)["code"] == "rate_limited" and int(reply.headers["retry-after"]) > 0, reply
    assert metric(world, f'photogate_resumable_refused_total{{limit="{limit}"}}') == before + 1


@pytest.mark.parametrize("way", ["the token in the path", "the URL of the grant"])
def test_one_token_sends_so_many_at_once_and_no_more(world, way):
    token = token_of(world)
    targets = [Target(world, key=token) for _ in range(OF_TOKEN + 2)]
    if way == "the token in the path":
        for each in targets:
            each.url = wire.absolute(world, f"/u/{token}/r/{each.id}")
    sending(world, 0)
    opened = open_appends(targets[:OF_TOKEN])
    try:
        sending(world, OF_TOKEN)
        before = metric(world, 'photogate_resumable_refused_total{limit="token"}')
        for number, each in enumerate(targets[OF_TOKEN:]):
            refused_place(world, "token", wire.patch(each.url, TAKEN, b"x"), before + number)
            each.unchanged()
        assert wire.head(targets[-1].url).offset == TAKEN, "looking takes no place"
        Target(world).goes_on()
        opened.pop().close()
        sending(world, OF_TOKEN - 1)
        targets[-1].goes_on()
    finally:
        for each in opened:
            each.close()


@pytest.mark.parametrize("first, same, other", [("203.0.113.7", "203.0.113.7", "203.0.113.8"), ("2001:db8::1", "2001:db8::ffff", "2001:db8:0:1::1")], ids=["IPv4", "IPv6, one /64"])
def test_one_address_sends_so_many_at_once_and_no_more(world, first, same, other):
    targets = [Target(world) for _ in range(OF_ADDRESS + 1)]
    sending(world, 0)
    opened = open_appends(targets[:OF_ADDRESS], {"X-Forwarded-For": first})
    try:
        sending(world, OF_ADDRESS)
        before = metric(world, 'photogate_resumable_refused_total{limit="address"}')
        last = targets[-1]
        refused_place(world, "address", wire.patch(last.url, TAKEN, b"x", {**wire.TUS_CONTENT, "X-Forwarded-For": same}), before)
        refused_place(world, "address", wire.patch(last.url, TAKEN, b"x", {**wire.TUS_CONTENT, "X-Forwarded-For": f"{other}, {same}"}), before + 1)
        last.unchanged()
        assert wire.patch(last.url, TAKEN, b"x", {**wire.TUS_CONTENT, "X-Forwarded-For": other}).status == 204
        opened.pop().close()
        sending(world, OF_ADDRESS - 1)
        assert wire.patch(last.url, TAKEN + 1, b"x", {**wire.TUS_CONTENT, "X-Forwarded-For": same}).status == 204
    finally:
        for each in opened:
            each.close()


def test_appends_that_drip_delay_nobody(world):
    targets = [Target(world) for _ in range(40)]
    opened = open_appends(targets)
    try:
        photo = pictures.photo(320, 240, seed=2201)
        created = world.create({"size": len(photo), "content_type": "image/jpeg"})
        began = time.monotonic()
        for at in range(0, len(photo), len(photo) // 8 + 1):
            for each in opened:
                each.send(b"x")
            assert wire.patch(wire.url_of(world, created), at, photo[at:at + len(photo) // 8 + 1]).status == 204
        wire.is_published(world, created, photo)
        assert time.monotonic() - began < 15
        assert len(chunks_of(targets[0])) == 1, "a byte is no chunk"
    finally:
        for each in opened:
            each.close()


def test_older_connection_adds_nothing_to_a_newer_one(world):
    photo = pictures.photo(320, 240, seed=2202)
    created = world.create({"size": len(photo), "content_type": "image/jpeg"})
    url = wire.url_of(world, created)
    sending(world, 0)
    with wire.Open("PATCH", url, {**wire.TUS_CONTENT, "Upload-Offset": "0"}, len(photo)) as old:
        old.send(photo[:1_000])
        sending(world, 1)
        with wire.Open("PATCH", url, {**wire.TUS_CONTENT, "Upload-Offset": "1000"}, len(photo) - 1_000) as new:
            sending(world, 1)
            with contextlib.suppress(OSError):
                old.send(b"evil" * 1_000)
            answer = old.answer()
            assert answer is None or (answer.status == 409 and answer.offset is None), answer
            answer = new.send(photo[1_000:]).answer()
            assert (answer.status, answer.offset) == (204, len(photo)), answer
    wire.is_published(world, created, photo)


def test_connections_that_race_make_one_history(world):
    """Eight send the same range with bytes of their own: what is acknowledged to one is there, and of that one alone."""
    photo = pictures.photo(320, 240, seed=2203)
    created = world.create({"size": len(photo), "content_type": "image/jpeg"})
    url, half = wire.url_of(world, created), len(photo) // 2
    assert wire.patch(url, 0, photo[:half]).status == 204
    rivals = [photo[half:]] + [bytes([number]) * (len(photo) - half) for number in range(1, 8)]

    def send(data):
        with contextlib.suppress(OSError):
            return wire.patch(url, half, data)
        return None

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(send, rivals))
    won = [number for number, reply in enumerate(replies) if reply and reply.status == 204]
    assert {reply.status for reply in replies if reply} <= {204, 409, 429}, replies
    while not won:  # each was passed over by the next
        at = wire.head(url).offset
        assert half <= at < len(photo)
        if at == half:
            assert wire.patch(url, half, photo[half:]).status == 204
            won = [0]
        else:
            return  # the beginning of one of them
    ended = world.gateway.wait_for(created)
    wanted = hashlib.sha256(photo[:half] + rivals[won[0]]).hexdigest()
    assert len(won) == 1 and (ended["state"] != "published" or ended["sha256"] == wanted), (won, ended)


@pytest.mark.parametrize("by", ["its app", "its own URL"])
def test_deletion_during_an_append_wins(world, target, by):
    sending(world, 0)
    with wire.Open("PATCH", target.url, {**wire.TUS_CONTENT, "Upload-Offset": str(TAKEN)}, SIZE - TAKEN) as connection:
        connection.send(b"x" * 50)
        sending(world, 1)
        if by == "its app":
            assert world.request("DELETE", f"/v1/uploads/{target.id}")[0] == 200
        else:
            assert wire.call("DELETE", target.url, wire.TUS).status == 204
        with contextlib.suppress(OSError):
            connection.send(b"x" * (SIZE - TAKEN - 50))
        answer = connection.answer()
        assert answer is None or (answer.status in (404, 409) and answer.offset is None), answer
    assert world_state(target) == "cancelled" and wire.head(target.url).status == 404
    services.wait_until(lambda: chunks_of(target) == [], 30, "the chunks to go")


@pytest.mark.parametrize("data", [b"<!doctype html><script>alert(1)</script>" + b" " * 500, b"GIF89a/*<svg onload=alert(1)>*/" + b" " * 500, b"\xff\xd8\xff<script>alert(1)</script>" + b"\0" * 500],
                         ids=["HTML", "HTML behind GIF's first bytes", "HTML behind JPEG's first bytes"])
def test_page_in_place_of_the_picture_is_never_shown(world, data):
    created = world.create({"size": len(data), "content_type": "image/jpeg"})
    url = wire.url_of(world, created)
    assert wire.patch(url, 0, data[:200]).status == 204 and wire.patch(url, 200, data[200:]).status == 204
    assert world.gateway.wait_for(created)["state"] == "rejected"
    status, headers, _ = world.image(created)
    assert status == 404 and "html" not in headers.get("content-type", "")
    services.wait_until(lambda: wire.chunks_at_the_store(world, created) == [], 30, "the chunks to go")
