"""The examples of the pages, run as they stand there: receivers of callbacks, clients, settings of tools."""
import base64
import hashlib
import hmac
import html
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
import bundles
import pytest

from tests.rig import parts as large
from tests.rig import pictures
from tests.rig import resumable as wire
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


CURL, BROWSER, NODE, PYTHON, DJANGO, ANDROID, IOS = (
    (browsers.ROOT / "docs" / "clients" / f"{name}.md").read_text() for name in ("curl", "browser", "node", "python", "django", "android", "ios"))


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


@pytest.mark.client("curl", "PUT")
@pytest.mark.parametrize("times", [1, 2])
def test_curl_client_counts_412_as_sent(world, tmp_path, times):
    (tmp_path / "photo.jpg").write_bytes(pictures.photo(400, 300, seed=50 + times))
    (tmp_path / "curl").write_text(ONCE_STORED)
    (tmp_path / "curl").chmod(0o755)
    lines = snippet(CURL, "A file", "sh").splitlines()
    put = next(line for line in lines if line.startswith("status="))
    script = "\n".join(line for each in lines for line in [each] * (times if each == put else 1)) + "\necho \"$status\" > status.txt"
    done = run_shell(script, tmp_path, GATEWAY=world.gateway.url, TOKEN=token_of(world), PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["state"] == "published"
    assert (tmp_path / "status.txt").read_text().strip() == {1: "200", 2: "412"}[times]


@pytest.mark.client("`fetch`, Node", "PUT")
def test_javascript_client_counts_412_as_sent(world, tmp_path):
    (tmp_path / "client.mjs").write_text(snippet(BROWSER, "fetch", "js"))
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
    clients = [(CURL, "A file"), (BROWSER, "fetch"), (BROWSER, "Uppy 4 and 5"), (PYTHON, "requests"), (IOS, "Background sessions"), (ANDROID, "OkHttp")]
    assert [heading for page, heading in clients if not re.search(r"412: an earlier attempt", snippet(page, heading, r"\w+"))] == []


@pytest.mark.client("curl", "form")
def test_form_of_the_page_sends_a_caption(world, tmp_path):
    (tmp_path / "photo.jpg").write_bytes(pictures.photo(400, 300, seed=70))
    script = snippet(CURL, "A form, with fields of the client's own", "sh")
    done = run_shell(script + "\necho \"$created\" > created.json", tmp_path, GATEWAY=world.gateway.url, KEY=world.app.key)
    assert done.returncode == 0, done.stderr
    upload = world.gateway.wait_for(json.loads((tmp_path / "created.json").read_text()))
    assert upload["state"] == "published" and upload["client_metadata"] == {"caption": "At the lake"}
    refused = run_shell(script.replace("x-amz-meta-caption=", "caption="), tmp_path, GATEWAY=world.gateway.url, KEY=world.app.key)
    assert refused.returncode != 0 and "403" in refused.stderr


def test_curl_sends_many_files_of_one_call(world, tmp_path):
    photo = pictures.photo(400, 300, seed=71)
    (tmp_path / "photo.jpg").write_bytes(photo)
    done = run_shell(snippet(CURL, "Many files in one call", "sh") + '\necho "$created" > created.json', tmp_path, GATEWAY=world.gateway.url, TOKEN=token_of(world))
    assert done.returncode == 0, done.stderr
    assert re.match(r"item 1: \w+", done.stderr), done.stderr
    [created] = [each for each in json.loads((tmp_path / "created.json").read_text())["data"] if "index" not in each]
    assert world.gateway.wait_for(created)["state"] == "published"


@pytest.mark.client("curl", "multipart")
def test_curl_sends_a_large_file_in_parts(world, tmp_path):
    (tmp_path / "photo.png").write_bytes(large.large_png(seed=72))
    done = run_shell(snippet(CURL, "Large files, in parts", "sh") + '\necho "$id" > id.txt', tmp_path, GATEWAY=world.gateway.url, TOKEN=token_of(world))
    assert done.returncode == 0, done.stderr
    assert world.gateway.wait_for((tmp_path / "id.txt").read_text().strip())["state"] == "published"


@pytest.mark.client("curl", "resumable")
def test_curl_continues_on_a_bad_line(world, tmp_path):
    photo = pictures.photo(1200, 900, seed=73)
    (tmp_path / "photo.jpg").write_bytes(photo)
    created = world.create({"size": len(photo), "content_type": "image/jpeg"})
    url = wire.url_of(world, created)
    wire.cut(url, 0, photo, 50_000)
    assert wire.offset_once(url, 1) < len(photo)
    done = run_shell(snippet(CURL, "On a bad line", "sh"), tmp_path, created=json.dumps({"upload": {"resumable": {"url": url}}}))
    assert done.returncode == 0, done.stderr
    wire.is_published(world, created, photo)


def python_names(heading):
    names = {}
    exec(snippet(PYTHON, heading, "python"), names)
    return names


@pytest.mark.client("Python, `requests`", "PUT")
def test_requests_client_counts_412_as_sent(world, tmp_path, monkeypatch):
    path = tmp_path / "photo.jpg"
    path.write_bytes(pictures.photo(400, 300, seed=74))
    names = python_names("requests")
    real, statuses = names["requests"].put, []

    def lose_answer(url, **options):
        answer = real(url, **options)
        statuses.append(answer.status_code)
        if len(statuses) == 1:
            raise names["requests"].ConnectionError("the answer is lost")
        answer.status_code = 412
        return answer

    monkeypatch.setattr(names["requests"], "put", lose_answer)
    assert names["upload"](world.gateway.url, token_of(world), path)["state"] == "published"
    assert statuses[0] == 200 and len(statuses) == 2


@pytest.mark.client("Python, `requests`", "multipart")
def test_requests_client_sends_the_parts_that_are_missing(world, tmp_path):
    picture = large.large_png(seed=75)
    path = tmp_path / "large.png"
    path.write_bytes(picture)
    created = large.create(world, picture)
    large.send(world, created, picture, numbers=[2])
    assert python_names("Large files, in parts")["send_parts"](world.gateway.url, world.app.key, created["id"], path)["id"] == created["id"]
    assert world.gateway.wait_for(created)["state"] == "published"


@pytest.mark.client("Python, `tuspy`", "resumable")
def test_tuspy_client_continues(world, tmp_path):
    photo = pictures.photo(1200, 900, seed=76)
    path = tmp_path / "photo.jpg"
    path.write_bytes(photo)
    created = world.create({"size": len(photo), "content_type": "image/jpeg"})
    wire.cut(wire.url_of(world, created), 0, photo, 50_000)
    python_names("On a bad line")["send_resumable"](created, str(path))
    wire.is_published(world, created, photo)


@pytest.mark.client("`fetch`, Node", "PUT")
def test_node_script_sends_a_file(world, tmp_path):
    (tmp_path / "upload.mjs").write_text(snippet(BROWSER, "fetch", "js"))
    (tmp_path / "send.mjs").write_text(snippet(NODE, "A script that sends a file", "js"))
    (tmp_path / "photo.jpg").write_bytes(pictures.photo(400, 300, seed=77))
    done = subprocess.run(["node", "send.mjs", "photo.jpg"], cwd=tmp_path, capture_output=True, text=True, timeout=90,
                          env={**os.environ, "GATEWAY": world.gateway.url, "TOKEN": token_of(world)})
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["state"] == "published"


@pytest.mark.client("`tus-js-client`, Node", "resumable")
def test_node_script_continues_on_a_bad_line(world, tmp_path):
    photo = pictures.photo(1200, 900, seed=78)
    (tmp_path / "photo.jpg").write_bytes(photo)
    created = world.create({"size": len(photo), "content_type": "image/jpeg"})
    wire.cut(wire.url_of(world, created), 0, photo, 50_000)
    (tmp_path / "node_modules").symlink_to(bundles.NODE_FOLDER / "node_modules")
    (tmp_path / "resumable.mjs").write_text(snippet(NODE, "On a bad line", "js"))
    (tmp_path / "run.mjs").write_text('import { sendResumable } from "./resumable.mjs"; await sendResumable(JSON.parse(process.env.GRANT), "photo.jpg");')
    done = subprocess.run(["node", "run.mjs"], cwd=tmp_path, capture_output=True, text=True, timeout=90, env={**os.environ, "GRANT": json.dumps(created["upload"])})
    assert done.returncode == 0, done.stderr
    wire.is_published(world, created, photo)


@pytest.mark.client("a form in Chromium", "form")
def test_browser_sends_a_form_without_javascript(world, visit, tmp_path):
    path = tmp_path / "form photo.jpg"
    path.write_bytes(pictures.photo(400, 300, seed=79))
    names = {"html": html}
    exec(snippet(BROWSER, "A form without JavaScript", "python"), names)
    created = world.create({"method": "post", "filename": 'a "form" & more.jpg'})
    seen = visit(java_script_enabled=False)
    seen.page.set_content(f"<!doctype html>{names['form'](created)}")
    seen.page.set_input_files("input[type=file]", path)
    store = world.stack.minio.endpoint
    with seen.page.expect_response(lambda answer: answer.url.startswith(store)) as answered:
        seen.page.click("button", no_wait_after=True)
    assert answered.value.status in (200, 201, 204)
    assert world.gateway.wait_for(created)["state"] == "published"


@pytest.mark.client("`fetch`, Chromium", "PUT")
def test_browser_sends_a_put_with_fetch(world, gateways, visit, tmp_path):
    gateway = gateways(cors_origins="*")
    script = bundles.bundle(snippet(BROWSER, "fetch", "js") + "\nwindow.upload = upload;", tmp_path)
    page = bundles.open_page(visit, script, {}).page
    path = tmp_path / "fetch.jpg"
    path.write_bytes(pictures.photo(400, 300, seed=80))
    page.set_input_files("#files", path)
    found = page.evaluate("([gateway, token]) => window.upload(gateway, token, document.getElementById('files').files[0])", [gateway.url, token_of(world)])
    assert found["state"] == "published"


DJANGO_SITE = """
import json, os, sys
import django
from django.conf import settings
settings.configure(ROOT_URLCONF=__name__, SECRET_KEY="x", ALLOWED_HOSTS=["*"], PHOTOGATE_URL=os.environ["GATEWAY"], PHOTOGATE_KEY=os.environ["KEY"],
                   PHOTOGATE_CALLBACK_SECRET=os.environ["SECRET"])
django.setup()
%s
saved = []
save = lambda kind, data: saved.append(kind)
%s
from django.test import Client
client = Client()
for line in sys.stdin:
    asked = json.loads(line)
    answer = client.post(asked["path"], asked["body"], content_type="application/json", headers=asked["headers"])
    print(json.dumps({"status": answer.status_code, "body": answer.content.decode(), "saved": saved}), flush=True)
"""


@pytest.mark.client("Django", "PUT")
def test_django_views_ask_for_uploads_and_verify_callbacks(world):
    sections = re.findall(r"```python\n(.*?)```", DJANGO, re.S)
    environment = {**os.environ, "GATEWAY": world.gateway.url, "KEY": world.app.key, "SECRET": world.app.secret}
    with subprocess.Popen([sys.executable, "-c", DJANGO_SITE % tuple(sections)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as site:

        def post(path, body, headers=None):
            site.stdin.write(json.dumps({"path": path, "body": body, "headers": headers or {}}) + "\n")
            site.stdin.flush()
            return json.loads(site.stdout.readline())

        photo = pictures.photo(400, 300, seed=81)
        answer = post("/uploads", json.dumps({"name": "a.jpg", "type": "image/jpeg", "size": len(photo)}), {"Idempotency-Key": secrets.token_hex(8)})
        assert answer["status"] == 201, answer
        created = json.loads(answer["body"])
        assert world.send(created, photo)[0] == 200
        assert world.gateway.wait_for(created["id"])["state"] == "published"
        assert post("/uploads", json.dumps({"name": "a.jpg", "type": "image/jpeg", "size": 10 ** 12}))["status"] == 422
        callback = world.receiver.wait_for(lambda each: each.body and each.body["data"].get("id") == created["id"] and each.body["type"] == "upload.published")
        signatures = {name: value for name, value in callback.headers.items() if name.startswith("webhook-")}
        genuine = post("/hooks/photogate", callback.raw.decode(), signatures)
        assert genuine["status"] == 204 and genuine["saved"] == ["upload.published"]
        forged = post("/hooks/photogate", callback.raw.decode() + " ", signatures)
        assert forged["status"] == 400 and forged["saved"] == ["upload.published"]
        site.stdin.close()


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

