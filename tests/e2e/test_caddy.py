"""Behind Caddy with etc/caddy/Caddyfile: a photo goes through over TLS, the client's address is Caddy's word, and no log holds a secret."""
import contextlib
import http.client
import http.server
import json
import socket
import ssl
import threading
import time
import urllib.parse

import pytest

from scripts import caddy as front
from tests.rig import parts as large
from tests.rig import pictures
from tests.rig import stack as parts
from tests.rig.bad_requests import head
from tests.rig.raw_http import Raw

HOST = "photos.example"
FROM = "127.0.0.8"  # where the client's requests come from


@pytest.fixture(scope="module")
def pair(minio_world, tmp_path_factory):
    """A gateway that logs every request, and Caddy in front of it and of the store."""
    gateway = minio_world.another("serve", "behind-caddy")
    caddy = front.in_front(tmp_path_factory.mktemp("caddy"), f"127.0.0.1:{gateway.port}", urllib.parse.urlsplit(minio_world.stack.minio.endpoint).netloc)
    gateway.environment |= {"PHOTOGATE_SERVER_ACCESS_LOG": "all", "PHOTOGATE_SERVER_ALLOWED_HOSTS": f"{HOST},127.0.0.1",
                            "PHOTOGATE_S3_PUBLIC_ENDPOINT": f"https://s3.photos.example:{caddy.tls_port}"}
    with gateway.start(), caddy:
        yield gateway, caddy


def through(caddy, method, target, body=None, headers=None, host=HOST):
    """(status, headers, body) of a request over TLS."""
    connection = http.client.HTTPSConnection(host.partition(":")[0], caddy.tls_port, context=ssl._create_unverified_context())
    # Caddy chooses the certificate by the name that is asked for; nobody resolves that.
    connection._create_connection = lambda *_: socket.create_connection(("127.0.0.1", caddy.tls_port), timeout=30, source_address=(FROM, 0))
    with contextlib.closing(connection):
        connection.request(method, target, body, {"Host": host, **(headers or {})})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()


def ask(caddy, method, target, app, body=None):
    status, _, answer = through(caddy, method, target, json.dumps(body) if body else None, {"Authorization": f"Bearer {app.key}", "Content-Type": "application/json"},
                                f"{HOST}:{caddy.tls_port}")
    return status, json.loads(answer)


def logged(path):
    return path.read_text(errors="replace")


def test_the_file_is_valid_and_in_caddys_own_format(tmp_path):
    done = front.run(tmp_path, "validate", "--adapter", "caddyfile", "--config", front.CONFIGURATION)
    assert done.returncode == 0 and "Valid configuration" in done.stdout + done.stderr, done.stderr
    assert front.run(tmp_path, "fmt", front.CONFIGURATION).stdout == front.CONFIGURATION.read_text()


def test_a_photo_goes_through_over_tls(pair, minio_world):
    _, caddy = pair
    photo = pictures.photo(seed=91)
    status, made = ask(caddy, "POST", "/v1/uploads", minio_world.app, {"profile": "photos", "size": len(photo), "content_type": "image/jpeg"})
    assert status == 201, made
    grant = made["upload"]
    assert grant["url"].startswith(f"https://s3.photos.example:{caddy.tls_port}/")
    target = grant["url"].split(f":{caddy.tls_port}", 1)[1]
    assert through(caddy, grant["method"], target, photo, grant["headers"], f"s3.photos.example:{caddy.tls_port}")[0] == 200
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        seen = ask(caddy, "GET", f"/v1/uploads/{made['id']}?wait=20", minio_world.app)[1]
        if seen["state"] == "published":
            break
    assert seen["state"] == "published"
    status, headers, image = through(caddy, "GET", urllib.parse.urlsplit(seen["links"]["image"]).path)
    assert status == 200 and image and headers["Content-Type"].startswith("image/")
    assert headers["Strict-Transport-Security"] == "max-age=31536000" and headers["X-Content-Type-Options"] == "nosniff"
    log = logged(caddy.log)
    assert "s3.photos.example" in log and "X-Amz-Signature" not in log and minio_world.app.key not in log


def test_client_address_is_the_one_that_caddy_saw(pair):
    gateway, caddy = pair
    for forged in ("203.0.113.66", "203.0.113.66, 127.0.0.1"):
        identity = f"caddy-{time.monotonic_ns()}"
        assert through(caddy, "GET", "/nowhere", headers={"X-Forwarded-For": forged, "X-Request-Id": identity}, host=f"{HOST}:{caddy.tls_port}")[0] == 404
        parts.wait_until(lambda: identity in logged(gateway.log), 60, "the line of the log")
        line, = [json.loads(line) for line in logged(gateway.log).splitlines() if identity in line]
        assert line["remote"] == FROM


def test_country_that_a_client_claims_does_not_pass(tmp_path):
    asked = []

    class Gateway(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.headers)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gateway) as gateway:
        threading.Thread(target=gateway.serve_forever, daemon=True).start()
        with front.in_front(tmp_path, f"127.0.0.1:{gateway.server_port}") as caddy:
            for spelling in ("CF-IPCountry", "cf-ipcountry"):
                assert through(caddy, "GET", "/", headers={spelling: "US", "X-Kept": "yes"})[0] == 204
        gateway.shutdown()
    assert [(each["CF-IPCountry"], each["X-Kept"], each["X-Forwarded-For"]) for each in asked] == [(None, "yes", FROM)] * 2


def test_a_large_body_is_refused_unless_it_is_a_resumable_upload(pair, minio_world):
    _, caddy = pair
    body = b"{" + b" " * 1_500_000 + b"}"
    status, _, _ = through(caddy, "POST", "/v1/uploads", body, {"Authorization": f"Bearer {minio_world.app.key}", "Content-Type": "application/json"})
    assert status in (413, 502)
    photo = large.large_png(seed=92)
    assert len(photo) > 1_100_000, len(photo)
    _, made = ask(caddy, "POST", "/v1/uploads", minio_world.app, {"profile": "photos", "size": len(photo), "content_type": "image/png"})
    target = urllib.parse.urlsplit(made["upload"]["resumable"]["url"]).path
    status, _, answer = through(caddy, "PUT", target, photo, {"Content-Type": "image/png"}, f"{HOST}:{caddy.tls_port}")
    assert status < 300, answer


@pytest.mark.parametrize("spelling", ["/u/pgt_", "/u/%70gt_", "/%75/pgt_", "/u%2Fpgt_"])
def test_no_log_holds_a_secret_while_the_gateway_and_the_store_are_away(tmp_path, spelling):
    secret, signature = "eyJhcHAiOiJzaG9wIn0.c2lnbmF0dXJl", "fe5f80f77d5fa3beca038a248ff027d0"
    with front.in_front(tmp_path, f"127.0.0.1:{parts.free_port()}", f"127.0.0.1:{parts.free_port()}") as caddy:
        with Raw(caddy.tls_port, source=FROM, tls=HOST) as client:
            assert client.ask(head(f"GET {spelling}{secret}/v1/uploads HTTP/1.1", host=HOST)).status == 502
        assert through(caddy, "PUT", f"/photogate-incoming/u/x?X-Amz-Signature={signature}", b"x", host="s3.photos.example")[0] == 502
        parts.wait_until(lambda: "/photogate-incoming/u/x" in logged(caddy.log), 60, "Caddy's line")
    assert "502" in logged(caddy.log)
    assert secret not in logged(caddy.log) and signature not in logged(caddy.log)
