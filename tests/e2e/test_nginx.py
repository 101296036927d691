"""Behind nginx with etc/nginx/photogate.conf: valid requests get the same answers as without it, and ambiguous bytes are never understood
differently: photogate answers exactly the requests that nginx forwarded, and no client gets another's answer."""
import collections
import contextlib
import http.client
import json
import ssl
import time
import urllib.parse

import pytest

from scripts import nginx as front
from tests.rig import bad_requests, pictures
from tests.rig import stack as parts
from tests.rig.bad_requests import head
from tests.rig.raw_http import Raw

HOST = "photos.example"
DIRECT, PROXIED = "127.0.0.9", "127.0.0.5"  # where requests come from, to tell them apart
FORMAT = ('{"method":"$request_method","target":"$request_uri","status":$status,"upstream":"$upstream_status",'
          '"id":"$upstream_http_x_request_id","address":"$remote_addr"}')


@pytest.fixture(scope="module")
def pair(minio_world, tmp_path_factory):
    """A gateway that logs every request, and nginx in front of it and of the store."""
    gateway = minio_world.another("serve", "behind-nginx")
    nginx = front.in_front(tmp_path_factory.mktemp("nginx"), f"127.0.0.1:{gateway.port}", urllib.parse.urlsplit(minio_world.stack.minio.endpoint).netloc, FORMAT)
    gateway.environment |= {"PHOTOGATE_SERVER_ACCESS_LOG": "all", "PHOTOGATE_SERVER_ALLOWED_HOSTS": f"{HOST},127.0.0.1",
                            "PHOTOGATE_SERVER_CORS_ORIGINS": "https://app.example",
                            "PHOTOGATE_S3_PUBLIC_ENDPOINT": f"https://s3.photos.example:{nginx.tls_port}"}
    with gateway.start(), nginx:
        yield gateway, nginx


def direct(pair):
    return Raw(pair[0].port, source=DIRECT)


def proxied(pair, source=PROXIED):
    return Raw(pair[1].tls_port, source=source, tls=HOST)


def requests_logged(gateway):
    lines = [json.loads(line) for line in gateway.log.read_text(errors="replace").splitlines() if line.startswith("{")]
    # Its metrics are this test's own question, on the other listener.
    return [line for line in lines if line.get("msg") == "http.request" and line["route"] != "/metrics"]


def forwarded(front):
    """Of the proxy's requests those that it gave to the gateway and had an answer to."""
    return [line for line in front.requests() if line["upstream"] not in ("", "-")]


# ------------------------------------------------------------------------------------------- valid requests


@pytest.fixture(scope="module")
def valid(minio_world, pair):
    """(name, request, method): the same bytes for both ways."""
    key = f"Authorization: Bearer {minio_world.app.key}"
    upload = minio_world.publish(pictures.photo(seed=77))
    image = "/i/" + upload["links"]["image"].rsplit("/", 1)[1]
    body = json.dumps({"profile": "photos", "size": 1234, "metadata": {"name": "Zoë \r\n GET / HTTP/1.1"}}).encode()
    posted = ("POST /v1/uploads HTTP/1.1", key, "Content-Type: application/json", "Idempotency-Key: behind-nginx")

    def h(*lines):
        return head(lines[0], *lines[1:], "X-Request-Id: same-1", host=HOST)

    return [
        ("live", h("GET /livez HTTP/1.1"), "GET"),
        ("ready, with a query", h("GET /readyz?verbose HTTP/1.1"), "GET"),
        ("head", h("HEAD /livez HTTP/1.1"), "HEAD"),
        ("create", h(*posted, f"Content-Length: {len(body)}") + body, "POST"),
        ("create, chunked", h(*posted, "Transfer-Encoding: chunked") + b"%x;ext=1\r\n%b\r\n%x\r\n%b\r\n0\r\nX-Trailer: y\r\n\r\n" % (
            20, body[:20], len(body) - 20, body[20:]), "POST"),
        ("an upload", h(f"GET /v1/uploads/{upload['id']} HTTP/1.1", key), "GET"),
        ("a list, escapes in its query", h("GET /v1/uploads?metadata.name=%5a%c3%ab+x%26&limit=3&state=created HTTP/1.1", key), "GET"),
        ("an escaped slash in the path", h("GET /v1/uploads/a%2Fb%20c HTTP/1.1", key), "GET"),
        ("an image", h(f"GET {image} HTTP/1.1"), "GET"),
        ("an image's head", h(f"HEAD {image} HTTP/1.1"), "HEAD"),
        ("part of an image", h(f"GET {image} HTTP/1.1", "Range: bytes=10-99"), "GET"),
        ("an image that is known", h(f"GET {image} HTTP/1.1", "If-None-Match: *"), "GET"),
        ("an image with an unknown parameter", h(f"GET {image}?response-content-type=text/html HTTP/1.1"), "GET"),
        ("no key", h("POST /v1/uploads HTTP/1.1", "Content-Type: application/json", f"Content-Length: {len(body)}") + body, "POST"),
        ("wrong type", h("POST /v1/uploads HTTP/1.1", key, "Content-Type: text/plain", f"Content-Length: {len(body)}") + body, "POST"),
        ("no JSON", h("POST /v1/uploads HTTP/1.1", key, "Content-Type: application/json", "Content-Length: 1") + b"{", "POST"),
        ("preflight", h("OPTIONS /v1/uploads HTTP/1.1", "Origin: https://app.example", "Access-Control-Request-Method: POST"), "OPTIONS"),
        ("a page of another origin", h("GET /livez HTTP/1.1", "Origin: https://evil.example"), "GET"),
        ("nowhere", h("GET /nowhere HTTP/1.1"), "GET"),
        ("wrong method", h("PUT /v1/uploads HTTP/1.1", "Content-Length: 0"), "PUT"),
        ("pages", h("GET /docs/errors HTTP/1.1"), "GET"),
    ]


def comparable(answer):
    """Without what belongs to one connection or one moment, and what nginx says of itself."""
    own = {"date", "server", "connection", "keep-alive", "transfer-encoding", "content-length", "strict-transport-security"}
    return answer.status, {name: value for name, value in answer.headers.items() if name not in own}, answer.body


def test_valid_requests_get_the_same_answers(pair, valid):
    minted = [name for name, data, method in valid if name == "create"]
    assert minted
    with direct(pair) as one, proxied(pair) as other:
        one.ask(next(data for name, data, _ in valid if name == "create"))  # what follows are replays of it
        for name, data, method in valid:
            without, behind = one.ask(data, method), other.ask(data, method)
            assert without is not None and behind is not None, name
            assert comparable(without) == comparable(behind), name
            if without.headers.get("connection") == "close":
                one.close()
                one = direct(pair)
            if behind.headers.get("connection") == "close":
                other.close()
                other = proxied(pair)


def test_presigned_url_works_through_the_store_host_name(pair, minio_world):
    gateway, nginx = pair
    photo = pictures.photo(seed=78)
    upload = gateway.create({"size": len(photo)}, minio_world.app)["upload"]
    assert upload["url"].startswith(f"https://s3.photos.example:{nginx.tls_port}/")
    target = upload["url"].split(f":{nginx.tls_port}", 1)[1]
    connection = http.client.HTTPSConnection("127.0.0.1", nginx.tls_port, timeout=20, context=ssl._create_unverified_context())
    with contextlib.closing(connection):
        connection.request(upload["method"], target, photo, {**upload["headers"], "Host": f"s3.photos.example:{nginx.tls_port}"})
        assert connection.getresponse().status == 200
    assert minio_world.app.key not in nginx.logged("photogate-store")
    assert "X-Amz-Signature" not in nginx.logged("photogate-store")


@pytest.mark.parametrize("spelling", ["pgt_", "%70gt_", "%70%67%74%5f", "%50gt_"])
def test_no_log_holds_a_client_token_in_a_path(pair, minio_world, spelling):
    gateway, nginx = pair
    token = minio_world.request("POST", "/v1/tokens", {"profile": "photos"})[2]["token"]
    secret = token.removeprefix("pgt_")
    identity = f"token-{time.monotonic_ns()}"
    with proxied(pair, "127.0.0.7") as client:
        client.ask(head(f"GET /u/{spelling}{secret}/v1/uploads/upl_none HTTP/1.1", f"X-Request-Id: {identity}", host=HOST))
    parts.wait_until(lambda: any(line["request_id"] == identity for line in requests_logged(gateway)), 60, "the line of the log")
    parts.wait_until(lambda: "/u/***/v1/uploads/upl_none" in nginx.logged("photogate"), 60, "nginx's line")
    assert secret not in gateway.log.read_text(errors="replace")
    assert secret not in nginx.logged("photogate")


@pytest.mark.parametrize("spelling", ["/u/pgt_", "/u/%70gt_", "/%75/pgt_", "/u%2Fpgt_"])
def test_no_error_log_holds_a_client_token_while_the_gateway_is_away(tmp_path, spelling):
    secret = "eyJhcHAiOiJzaG9wIn0.c2lnbmF0dXJl"
    with front.in_front(tmp_path, f"127.0.0.1:{parts.free_port()}") as nginx:
        with Raw(nginx.tls_port, source=PROXIED, tls=HOST) as client:
            assert client.ask(head(f"GET {spelling}{secret}/v1/uploads HTTP/1.1", host=HOST)).status == 502
        with Raw(nginx.tls_port, source=PROXIED, tls=HOST) as client:
            assert client.ask(head("GET /v1/uploads HTTP/1.1", host=HOST)).status == 502
    logs = {path.name: path.read_text(errors="replace") for path in tmp_path.glob("*.log")}
    assert "GET /v1/uploads" in logs["error.log"]
    assert not [name for name, text in logs.items() if secret in text]


def test_takes_client_address_from_nginx_only(pair):
    gateway, _ = pair
    for forged in ("203.0.113.66", "203.0.113.66, 127.0.0.1", "127.0.0.1"):
        with proxied(pair, "127.0.0.6") as client:
            identity = f"who-{time.monotonic_ns()}"
            assert client.ask(head("GET /nowhere HTTP/1.1", f"X-Forwarded-For: {forged}", f"X-Request-Id: {identity}", host=HOST)).status == 404
        parts.wait_until(lambda: any(line["request_id"] == identity for line in requests_logged(gateway)), 60, "the line of the log")
        line, = [line for line in requests_logged(gateway) if line["request_id"] == identity]
        assert line["remote"] == "127.0.0.6"


# ---------------------------------------------------------------------------------------- ambiguous requests


def smuggled(number):
    return head("GET /smuggled HTTP/1.1", f"X-Request-Id: smuggled-{number}", host=HOST)


def ambiguous(key):
    """(name, bytes): whoever sees another end of the first request than the other sees /smuggled as a second one."""
    p, g = "POST /v1/uploads HTTP/1.1", "GET /livez HTTP/1.1"
    inner = smuggled("inner")
    size = len(inner)

    def h(*lines):
        return head(lines[0], *lines[1:], host=HOST)

    signed = (key, "Content-Type: application/json")
    found = [(row.name, row.data) for row in bad_requests.rows("/livez", "/v1/uploads", HOST)]
    chunked = "Transfer-Encoding: chunked"
    encodings = [chunked, "Transfer-Encoding : chunked", "Transfer-Encoding:\tchunked", "Transfer-Encoding: \x0bchunked", "Transfer-Encoding: chunked\x0b", " Transfer-Encoding: chunked",
                 "X: y\nTransfer-Encoding: chunked", "X: y\rTransfer-Encoding: chunked", "Transfer-Encoding:\r\n chunked", "Transfer-Encoding: xchunked", "Transfer-Encoding: CHUNKED",
                 "Transfer-Encoding: chunked, identity", "Transfer-Encoding: identity, chunked", "Transfer-Encoding: chunked\r\nTransfer-Encoding: cow",
                 "Transfer-Encoding: cow\r\nTransfer-Encoding: chunked", 'Transfer-Encoding: "chunked"', "Transfer_Encoding: chunked", "Transfer-Encoding: chunked;q=1",
                 "Transfer\x00-Encoding: chunked", "Transfer-Encoding: chunk\x00ed", "Transfer-Encoding\x00: chunked", "\xffTransfer-Encoding: chunked"]
    for encoding in encodings:
        # CL covers the smuggled request, TE ends before it; and the other way round.
        found.append((f"CL long, {encoding!r}", h(p, *signed, f"Content-Length: {5 + size}", encoding) + b"0\r\n\r\n" + inner))
        found.append((f"CL short, {encoding!r}", h(p, *signed, "Content-Length: 4", encoding) + b"%x\r\n%b\r\n0\r\n\r\n" % (size, inner)))
        found.append((f"no CL, {encoding!r}", h(p, *signed, encoding) + b"0\r\n\r\n" + inner))
    lengths = ["Content-Length: 0\r\nContent-Length: %d", "Content-Length: %d\r\nContent-Length: 0", "Content-Length: 0, %d", "Content-Length: %d, 0", "Content-Length: +%d", "Content-Length : %d",
               "Content-Length: 0%d", "Content-Length: -%d", "Content-Length:\x0b%d", "Content-Length: %d\x00", "Content_Length: %d",
               "Content-Length: %d ", "Content-Length:\r\n %d", "Content-Length: 0x%x",
               "Content-Length: 1844674407370955161%d", "Connection: Content-Length\r\nContent-Length: %d", "X: y\nContent-Length: %d", "X: y\rContent-Length: %d"]
    for length in lengths:
        for first in (p, g, "HEAD /livez HTTP/1.1", "DELETE /v1/uploads/x HTTP/1.1", "OPTIONS /v1/uploads HTTP/1.1"):
            found.append((f"{first.split()[0]}, {length!r}", h(first, *signed, length % size) + inner))
    chunks = [b"0\n\n", b"0\r\n\n", b"0\n\r\n", b"0\r\n\r", b"0;\n\r\n\r\n", b"1;x\ny\r\nz\r\n0\r\n\r\n", b"5\r\nabcde0\r\n\r\n",
    b"5\r\nabcdefg\r\n0\r\n\r\n", b"0x0\r\n\r\n", b"-0\r\n\r\n", b" 0\r\n\r\n",
              b"0 \r\n\r\n", b"\r\n0\r\n\r\n", b"ffffffffffffffff\r\n", b"10000000000000000\r\n\r\n", b"0\r\nContent-Length: 5\r\n\r\n",
              b"0\r\nX: y\n\n", b"0\r\nX\r\n\r\n", b"00000000000000000000\r\n\r\n",
              b"0;" + b"e" * 2_000 + b"\r\n\r\n", b"%x\r\n%b" % (size, inner), b"1\r\nA\r\r\n0\r\n\r\n", b"1\r\nA\n0\r\n\r\n"]
    for chunk in chunks:
        found.append((f"chunk {chunk[:24]!r}", h(p, *signed, chunked) + chunk + inner))
    found += [
        ("absolute-form, another host", h("GET http://127.0.0.1/livez HTTP/1.1") + inner),
        ("absolute-form, no path", h(f"GET http://{HOST} HTTP/1.1") + inner),
        ("absolute-form, a query alone", h(f"GET http://{HOST}?x=/livez HTTP/1.1") + inner),
        ("absolute-form, userinfo", h(f"GET http://u:p@{HOST}/livez HTTP/1.1") + inner),
        ("two hosts", h(g, "Host: 127.0.0.1") + inner),
        ("host folded", h(g, "X: y\r\n Host: 127.0.0.1") + inner),
        ("host after LF", h(g, "X: y\nHost: 127.0.0.1") + inner),
        ("X-Forwarded-Host", h(g, "X-Forwarded-Host: 127.0.0.1", "X-Original-URL: /smuggled", "X-HTTP-Method-Override: DELETE") + inner),
        ("host with a port", head(g, host=f"{HOST}:1") + inner),
        ("another host", head(g, host="evil.example") + inner),
        ("bare LF throughout", h(g).replace(b"\r\n", b"\n") + inner),
        ("bare LF at the end", h(g)[:-2] + b"\n" + inner),
        ("HTTP/0.9", b"GET /livez\r\n" + inner),
        ("HTTP/1.0, kept", h("GET /livez HTTP/1.0", "Connection: keep-alive") + inner),
        ("HTTP/1.0, no host", b"GET /livez HTTP/1.0\r\n\r\n" + inner),
        ("HTTP/1.0, chunked", h("POST /v1/uploads HTTP/1.0", *signed, chunked) + b"0\r\n\r\n" + inner),
        ("HTTP/1.2", h("GET /livez HTTP/1.2") + inner),
        ("HTTP/01.1", h("GET /livez HTTP/01.1") + inner),
        ("two spaces", h("GET  /livez  HTTP/1.1") + inner),
        ("a tab", h("GET\t/livez\tHTTP/1.1") + inner),
        ("a request in the target", h("GET /livez%0d%0a%0d%0aGET%20/smuggled HTTP/1.1") + inner),
        ("a request in the target, raw", b"GET /livez HTTP/1.1\rGET /smuggled HTTP/1.1\r\nHost: photos.example\r\n\r\n" + inner),
        ("a request in a header", h(g, "X: a%0d%0a%0d%0aGET /smuggled HTTP/1.1") + inner),
        ("upgrade to h2c", h(g, "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA") + inner),
        ("upgrade to WebSocket", h(g, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==") + inner),
        ("expecting to continue, then not", h(p, *signed, "Content-Length: 0", "Expect: 100-continue") + inner),
        ("expecting to continue, at once", h(p, *signed, f"Content-Length: {size}", "Expect: 100-continue") + inner),
        ("expecting on a GET", h(g, "Expect: 100-continue") + inner),
        ("expecting what is not", h(p, *signed, f"Content-Length: {size}", "Expect: 100-continued") + inner),
        ("refused before the body", h(p, "Content-Type: application/json", f"Content-Length: {size}") + inner),
        ("refused before a long body", h(p, "Content-Type: application/json", "Content-Length: 900000") + b"x" * (900_000 - size) + inner),
        ("a long body for a limit of 64 KB", h(p, *signed, "Content-Length: 900000") + inner + b"x" * (900_000 - size)),
        ("over nginx's limit", h(p, *signed, "Content-Length: 2000000") + inner),
        ("a body for nothing", h("POST /nowhere HTTP/1.1", f"Content-Length: {size}") + inner),
        ("headers between the two limits", h(g, *[f"X-{number}: {'y' * 990}" for number in range(12)]) + inner),
        ("a target between the two limits", h(f"GET /{'a' * 4_000} HTTP/1.1") + inner),
        ("headers of a hundred lines", h(g, *[f"X-{number}: y" for number in range(100)]) + inner),
        ("honestly two", h(g) + inner),
        ("empty lines between", h(g) + b"\r\n\r\n\r\n" + inner),
        ("trace", h("TRACE /livez HTTP/1.1", "Max-Forwards: 0") + inner),
        ("connect", h("CONNECT 127.0.0.1:9000 HTTP/1.1") + inner),
        ("star", h("OPTIONS * HTTP/1.1") + inner),
    ]
    return found


def test_gateway_and_nginx_see_the_same_requests(pair, minio_world, capsys):
    """After each: a victim on another client's connection, which nginx sends on the same one to us, gets its own answer."""
    gateway, nginx = pair
    parts.wait_until(lambda: requests_logged(gateway) and {line["id"] for line in forwarded(nginx)} <= {line["request_id"] for line in requests_logged(gateway)}, 60, "the log")
    ours, theirs = len(requests_logged(gateway)), len(forwarded(nginx))
    accepted = _accepted(gateway)
    wrong, sent = [], ambiguous(f"Authorization: Bearer {minio_world.app.key}")
    victim = proxied(pair)
    for number, (name, data) in enumerate(sent):
        with proxied(pair) as attacker:
            attacker.socket.settimeout(0.25)
            attacker.send(data)
            with contextlib.suppress(OSError, EOFError):  # nginx waits for more, or has said all
                while attacker.receive():
                    pass
        identity = f"victim-{number}"
        asked = head(f"GET /v1/uploads/victim{number} HTTP/1.1", f"Authorization: Bearer {minio_world.app.key}", f"X-Request-Id: {identity}", host=HOST)
        answer = victim.ask(asked)
        if answer is None:  # a connection ends after its thousand requests, or with another's
            victim.close()
            victim = proxied(pair)
            answer = victim.ask(asked)
        if answer is None or answer.headers.get("x-request-id") != identity or (answer.status, answer.code) != (404, "upload_not_found"):
            wrong.append((name, answer))
    victim.close()
    assert not wrong

    def seen():
        return ([(line["id"], line["method"], int(line["upstream"].split(",")[-1])) for line in forwarded(nginx)[theirs:]],
                [(line["request_id"], line["method"] if line["route"] != "_malformed" else None, line["status"]) for line in requests_logged(gateway)[ours:]])

    def unequal():
        """What only the proxy has, and what only the gateway has: of that the proxy knows that its client went before the answer."""
        by_nginx, by_us = seen()
        nginx_has, we_have = (collections.Counter((identity, status) for identity, _, status in each) for each in (by_nginx, by_us))
        gone = collections.Counter((line["method"], line["target"]) for line in nginx.abandoned())
        alone = {identity for identity, _ in we_have - nginx_has}
        unasked = collections.Counter((line["method"], line.get("path")) for line in requests_logged(gateway)[ours:] if line["request_id"] in alone) - gone
        return nginx_has - we_have, unasked

    with contextlib.suppress(parts.StackError):  # what differs is shown below
        parts.wait_until(lambda: not any(unequal()), 60, "the logs")
    assert unequal() == (collections.Counter(), collections.Counter())
    by_nginx, by_us = seen()
    read = {identity: method for identity, method, _ in by_us if method}
    assert [(method, read[identity]) for identity, method, _ in by_nginx if read.get(identity, method) != method] == []
    # The same paths, too, where the head could be read.
    paths = {line["request_id"]: line["path"] for line in requests_logged(gateway)[ours:] if line["route"] != "_malformed"}
    for line in forwarded(nginx)[theirs:]:
        path = line["target"].split("?")[0] or "/"
        assert paths.get(line["id"], path) == path, line
    # "honestly two" is two for both, so that a second request would have been seen.
    assert sum(identity == "smuggled-inner" for identity, *_ in by_us) >= 1
    with capsys.disabled():
        print(f"\n   {len(sent)} ambiguous requests behind nginx: {len(by_nginx)} forwarded with the victims', {len(by_us)} seen, over {_accepted(gateway) - accepted:.0f} connections")
    assert _accepted(gateway) - accepted < len(by_us) / 2, "the victims' came over connections that attackers had used"


def _accepted(gateway):
    text = gateway.request("GET", "/metrics", port=gateway.metrics_port)[2].decode()
    return next(float(line.split()[1]) for line in text.splitlines() if line.startswith("photogate_http_accepted_total "))


def test_rejects_each_row_behind_nginx(pair):
    """By nginx, or by the gateway; or nginx makes one well-formed request of it and that one is answered."""
    mended = {}
    for row in bad_requests.rows("/livez", "/v1/uploads", HOST):
        with proxied(pair) as client:
            client.socket.settimeout(2)
            try:
                answer = client.ask(row.data, row.method)
            except OSError:
                answer = None  # nginx waits for the rest of a body that it believes to come
            if answer and answer.status < 400:
                mended[row.name] = answer.status
    # nginx reads these leniently and writes them anew: one request, with the meaning that nginx gave it.
    assert set(mended) <= {"field: bare LF", "field: bare LF alone", "target form: absolute", "unexpected body: chunked"}, mended


def test_limits_connections_of_one_client_through_nginx(pair, minio_world):
    """nginx counts what it is answering: so many that wait for an upload, and one more."""
    upload = pair[0].create({"size": 10}, minio_world.app)
    waiting = head(f"GET /v1/uploads/{upload['id']}?wait=20 HTTP/1.1", f"Authorization: Bearer {minio_world.app.key}", host=HOST)
    held = []
    try:
        for _ in range(256):
            held.append(proxied(pair, "127.0.0.7"))
            held[-1].send(waiting)
        deadline, status = time.monotonic() + 15, 200
        while status == 200 and time.monotonic() < deadline:  # nginx takes them in its own time
            with proxied(pair, "127.0.0.7") as over:
                status = over.ask(head("GET /livez HTTP/1.1", host=HOST)).status
        assert status == 429
        with proxied(pair) as other:
            assert other.ask(head("GET /livez HTTP/1.1", host=HOST)).status == 200
    finally:
        for client in held:
            client.close()
