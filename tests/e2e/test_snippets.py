"""The examples of the pages, run as they stand there: receivers of callbacks, clients, settings of tools."""
import base64
import hashlib
import hmac
import http.client
import json
import os
import re
import secrets
import socket
import subprocess
import sys
import time

import browser as browsers
import pytest

from tests.rig import pictures
from tests.rig import stack as parts

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
BODY = b'{"type":"upload.published"}'
PAGE = (browsers.ROOT / "docs" / "callbacks.md").read_text()
LANGUAGES = {"python": ("receiver.py", [sys.executable]), "js": ("receiver.mjs", ["node"])}


@pytest.fixture(scope="module", params=sorted(LANGUAGES))
def receiver(request, tmp_path_factory):
    """The port of a receiver."""
    name, command = LANGUAGES[request.param]
    (snippet,) = [text for text in re.findall(rf"```{request.param}\n(.*?)```", PAGE, re.S) if "verify" in text]
    path = tmp_path_factory.mktemp("receiver") / name
    path.write_text(snippet)
    port = parts.free_port()
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


CLIENTS = (browsers.ROOT / "docs" / "clients.md").read_text()


def snippet(page, heading, language):
    section = re.search(rf"^#+ {re.escape(heading)}[^\n]*\n(.*?)(?=^## |\Z)", page, re.S | re.M).group(1)
    return re.search(rf"```{language}\n(.*?)```", section, re.S).group(1)


def token_of(world):
    status, _, made = world.request("POST", "/v1/tokens", {"profile": "photos"})
    assert status == 201
    return made["token"]


def run_shell(script, folder, **environment):
    return subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=folder, capture_output=True, text=True, timeout=90, env={**os.environ, **environment})


# A PUT again: the store has the picture until it is processed, which may be sooner.
ONCE_STORED = """#!/bin/sh
case " $* " in *" -T "*) [ -e stored ] && { printf 412; exit; }; touch stored ;; esac
exec /usr/bin/curl "$@"
"""


@pytest.mark.parametrize("times", [1, 2])
def test_curl_client_counts_412_as_sent(world, tmp_path, times):
    (tmp_path / "photo.jpg").write_bytes(pictures.photo(400, 300, seed=50 + times))
    (tmp_path / "curl").write_text(ONCE_STORED)
    (tmp_path / "curl").chmod(0o755)
    lines = snippet(CLIENTS, "curl", "sh").splitlines()
    put = next(line for line in lines if line.startswith("status="))
    script = "\n".join(line for each in lines for line in [each] * (times if each == put else 1)) + "\necho \"$status\" > status.txt"
    done = run_shell(script, tmp_path, GATEWAY=world.gateway.url, TOKEN=token_of(world), PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["state"] == "published"
    assert (tmp_path / "status.txt").read_text().strip() == {1: "200", 2: "412"}[times]


def test_javascript_client_counts_412_as_sent(world, tmp_path):
    (tmp_path / "client.mjs").write_text(snippet(CLIENTS, "JavaScript", "js"))
    (tmp_path / "photo.jpg").write_bytes(pictures.photo(400, 300, seed=60))
    (tmp_path / "run.mjs").write_text("""
        import { readFileSync } from "node:fs";
        import { upload } from "./client.mjs";
        const real = globalThis.fetch;
        const statuses = [];
        globalThis.fetch = async (url, options) => {
          if (options.method !== "PUT") return real(url, options);
          const answer = statuses.length ? new Response(null, { status: 412 }) : await real(url, options);
          statuses.push(answer.status);
          if (statuses.length === 1) throw new TypeError("fetch failed"); // the answer is lost
          return answer;
        };
        const file = new File([readFileSync("photo.jpg")], "photo.jpg", { type: "image/jpeg" });
        const { id, state } = await upload(process.env.GATEWAY, process.env.TOKEN, file);
        console.log(JSON.stringify({ id, state, statuses }));
    """)
    done = subprocess.run(["node", "--import", "data:text/javascript,import{File}from'node:buffer';globalThis.File??=File", "run.mjs"], cwd=tmp_path, capture_output=True,
                          text=True, timeout=90, env={**os.environ, "GATEWAY": world.gateway.url, "TOKEN": token_of(world)})
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["state"], result["statuses"]) == ("published", [200, 412])


def test_every_client_has_the_rule_of_412():
    headings = ["curl", "JavaScript", "Uppy", "Swift", "Kotlin"]
    assert [name for name in headings if not re.search(r"412: an earlier attempt", snippet(CLIENTS, name, r"\w+"))] == []


def test_form_of_the_page_sends_a_caption(world, tmp_path):
    (tmp_path / "photo.jpg").write_bytes(pictures.photo(400, 300, seed=70))
    script = snippet(CLIENTS, "A form, with fields of the client's own", "sh")
    done = run_shell(script + "\necho \"$created\" > created.json", tmp_path, GATEWAY=world.gateway.url, KEY=world.app.key)
    assert done.returncode == 0, done.stderr
    upload = world.gateway.wait_for(json.loads((tmp_path / "created.json").read_text()))
    assert upload["state"] == "published" and upload["client_metadata"] == {"caption": "At the lake"}
    refused = run_shell(script.replace("x-amz-meta-caption=", "caption="), tmp_path, GATEWAY=world.gateway.url, KEY=world.app.key)
    assert refused.returncode != 0 and "403" in refused.stderr


STORE = (browsers.ROOT / "docs" / "built-in-store.md").read_text()


def test_settings_of_the_page_make_tools_presign_with_version_4(tmp_path):
    credentials = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_DEFAULT_REGION": "us-east-1",
                   "PATH": f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"}
    presign = "aws s3 presign s3://b/k --endpoint-url http://127.0.0.1:9000"
    heading = "Presigned URLs of Signature Version 2"
    done = run_shell(snippet(STORE, heading, "sh") + presign, tmp_path, **credentials)
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in done.stdout, done.stderr
    script = snippet(STORE, heading, "python") + 'print(client.generate_presigned_url("put_object", Params={"Bucket": "b", "Key": "k"}))\n'
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, env={**os.environ, **credentials})
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in done.stdout, done.stderr


GOING_LIVE = (browsers.ROOT / "docs" / "going-live.md").read_text()


@pytest.mark.parametrize("heading", ["MinIO", "AWS S3"])
def test_regions_of_the_page_are_valid_configuration(run, tmp_path, heading):
    """With what a configuration needs beside them."""
    region = re.sub(r"^   ", "", snippet(GOING_LIVE, heading, "toml"), flags=re.M)
    for name in ("signer", "worker"):
        (tmp_path / f"{name}_secret").write_text(f"{name}-secret-0123456789abcdef\n")
    key = run("key", "new", "--app", "shop").stdout
    hashed = re.search(r"sha256:[0-9a-f]{64}", key).group(0)
    (tmp_path / "photogate.toml").write_text(f'''[database]
url = "postgresql://photogate@127.0.0.1/photogate"
{region}
[apps.shop]
keys = ["{hashed}"]
[apps.shop.profiles.photos]
''')
    done = run("config", "check", "--config", tmp_path / "photogate.toml")
    assert done.returncode == 0, done.stderr + done.stdout
