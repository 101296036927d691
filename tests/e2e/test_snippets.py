"""The receivers of docs/callbacks.md, run as they stand there: genuine callbacks are taken, everything else is answered 400."""
import base64
import hashlib
import hmac
import http.client
import os
import re
import secrets
import socket
import subprocess
import sys
import time

import browser as browsers
import pytest

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
BODY = b'{"type":"upload.published"}'
PAGE = (browsers.ROOT / "docs" / "callbacks.md").read_text()
LANGUAGES = {"python": ("receiver.py", [sys.executable]), "js": ("receiver.mjs", ["node"])}


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@pytest.fixture(scope="module", params=sorted(LANGUAGES))
def receiver(request, tmp_path_factory):
    """The port of a receiver."""
    name, command = LANGUAGES[request.param]
    (snippet,) = [text for text in re.findall(rf"```{request.param}\n(.*?)```", PAGE, re.S) if "verify" in text]
    path = tmp_path_factory.mktemp("receiver") / name
    path.write_text(snippet)
    port = free_port()
    process = subprocess.Popen([*command, path], env={**os.environ, "CALLBACK_SECRET": SECRET, "PORT": str(port)}, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.socket() as trial:
            if trial.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    yield port
    process.terminate()
    errors = process.communicate()[1]
    assert "Traceback" not in errors and "Error:" not in errors, errors


def signed(body=BODY, at=None, identity="msg_1", secret=SECRET):
    stamp = str(int(time.time() if at is None else at))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{identity}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return {"webhook-id": identity, "webhook-timestamp": stamp, "webhook-signature": "v1," + base64.b64encode(digest).decode()}


def send(port, headers, body=BODY):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.putrequest("POST", "/hooks")
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        return connection.getresponse().status
    finally:
        connection.close()


def test_takes_genuine_callback_and_one_with_a_second_signature(receiver):
    assert send(receiver, signed()) == 204
    both = signed()
    both["webhook-signature"] = "v1a,AAAA v1,AAAA " + both["webhook-signature"]
    assert send(receiver, both) == 204


NAMES = ("webhook-id", "webhook-timestamp", "webhook-signature")
GARBLED = ["", " ", ",", "v1", "v1,", "v1,=", "v1,\xff\xfe", "NaN", "1e9", "-1", "0x10", "9" * 400, "\xb2\xb3", "v1," + "A" * 44, "whsec_", "null", "[object Object]"]


@pytest.mark.parametrize("missing", [NAMES, *[(name,) for name in NAMES]], ids=lambda names: "+".join(names))
def test_answers_400_to_missing_headers(receiver, missing):
    assert send(receiver, {name: value for name, value in signed().items() if name not in missing}) == 400


@pytest.mark.parametrize("name", NAMES)
def test_answers_400_to_empty_and_garbled_headers(receiver, name):
    for value in [*GARBLED, secrets.token_hex(8)]:
        assert send(receiver, {**signed(), name: value.encode("latin-1")}) == 400, value


def test_answers_400_to_changed_body_old_stamp_and_other_secret(receiver):
    other = "whsec_" + base64.b64encode(b"another secret, as long..").decode()
    assert send(receiver, signed(), BODY + b" ") == 400
    assert send(receiver, signed(at=time.time() - 400)) == 400
    assert send(receiver, signed(at=time.time() + 400)) == 400
    assert send(receiver, signed(secret=other)) == 400
    assert send(receiver, signed(), b"") == 400
    assert send(receiver, signed()) == 204  # it still answers
