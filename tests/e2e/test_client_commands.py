"""The commands that call a gateway from a developer's machine: uploads, callbacks, upload, listen."""
import contextlib
import http.server
import json
import os
import pty
import re
import signal
import socket
import subprocess
import threading
import time

import pytest

from scripts import webhook_receiver
from tests.rig import parts as large
from tests.rig import pictures
from tests.rig import stack as services


class Cutter:
    """A TCP proxy that resets the first `cuts` connections that carry more than `after` bytes to `port`, or whose answer comes."""

    def __init__(self, port, after=None, cuts=1, lose_answer=False):
        self.target, self.after, self.left, self.lose_answer, self.cut = port, after, cuts, lose_answer, 0
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.target))
            for source, sink, up in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._pass, args=(source, sink, up), daemon=True).start()

    def _takes_a_cut(self):
        with self._lock:
            if self.left < 1:
                return False
            self.left -= 1
            self.cut += 1
            return True

    def _pass(self, source, sink, up):
        passed = 0
        try:
            while data := source.recv(16384):
                passed += len(data)
                strikes = (up and self.after is not None and passed > self.after) or (not up and self.lose_answer)
                if strikes and self._takes_a_cut():
                    break
                sink.sendall(data)
        except OSError:
            pass
        for each in (source, sink):
            # Closing alone would leave the other thread in its recv().
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@pytest.fixture
def cutters():
    made = []

    def make(*arguments, **options):
        made.append(Cutter(*arguments, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def call(program, world, tmp_path):
    """Runs one command against the world's gateway, or another `gateway`."""

    def run(*arguments, key=None, gateway=None, code=0, **variables):
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PHOTOGATE_GATEWAY": gateway or world.gateway.url,
                       "PHOTOGATE_KEY": key or world.app.key, **variables}
        done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=120, env=environment, cwd=tmp_path)
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        assert world.app.key not in done.stdout + done.stderr
        return done

    return run


@pytest.fixture
def photo(tmp_path):
    def make(name="photo.jpg", seed=1, size=(320, 240)):
        path = tmp_path / name
        path.write_bytes(pictures.photo(*size, seed=seed))
        return path

    return make


def lines(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


# ---- uploads and callbacks ----

def test_lists_shows_and_deletes_uploads(call, world):
    first = world.publish(pictures.photo(320, 240, seed=9001), {"metadata": {"album": "cli"}, "filename": "Zürich.jpg"})
    second = world.create({"metadata": {"album": "cli"}})
    listed = call("uploads", "list", "--metadata", "album=cli").stdout.splitlines()
    assert listed[0].split() == ["ID", "STATE", "PROFILE", "SIZE", "CREATED", "(UTC)", "FILENAME"]
    assert [line.split()[:2] for line in listed[1:]] == [[second["id"], "created"], [first["id"], "published"]]
    assert listed[2].endswith("  Zürich.jpg")
    assert [each["id"] for each in lines(call("uploads", "list", "--metadata", "album=cli", "--state", "published", "--json"))] == [first["id"]]
    assert len(lines(call("uploads", "list", "--limit", "1", "--json"))) == 1
    shown = call("uploads", "show", first["id"]).stdout
    assert re.search(rf"^image +{re.escape(first['image']['url'])} ", shown, re.M) and re.search(r"^metadata +album = cli$", shown, re.M)
    assert lines(call("uploads", "show", first["id"], "--json")) == [world.request("GET", f"/v1/uploads/{first['id']}")[2]]
    assert re.search(r"^\S+Z +published ", call("uploads", "timeline", first["id"]).stdout, re.M)
    events = [each["event"] for each in lines(call("uploads", "timeline", first["id"], "--json"))]
    assert events == [each["event"] for each in world.request("GET", f"/v1/uploads/{first['id']}/timeline")[2]["data"]]
    assert call("uploads", "delete", second["id"], first["id"]).stdout.split() == [second["id"], "cancelled", first["id"], "deleted"]
    assert world.request("GET", f"/v1/uploads/{first['id']}")[2]["state"] == "deleted"


def test_follows_pages_to_the_end(call, world):
    items = [{"profile": "photos", "metadata": {"album": "pages"}}] * 230
    made = world.request("POST", "/v1/uploads/batch", {"uploads": items})[2]["data"]
    listed = lines(call("uploads", "list", "--metadata", "album=pages", "--all", "--json"))
    assert len(listed) == 230 and {each["id"] for each in listed} == {each["id"] for each in made}
    assert len(call("uploads", "list", "--metadata", "album=pages", "--limit", "210").stdout.splitlines()) == 211


def test_retries_a_rejected_upload(call, world):
    rejected = world.publish(b"no picture at all" * 100)
    assert rejected["state"] == "rejected"
    assert rejected["id"] in call("uploads", "retry", rejected["id"]).stdout
    assert "retried" in call("uploads", "timeline", rejected["id"]).stdout or world.gateway.wait_for(rejected)["state"] == "rejected"


def test_one_wrong_id_does_not_keep_the_others_from_it(call, world):
    upload = world.create()
    done = call("uploads", "show", "upl_00000000000000000000000000", upload["id"], code=1)
    assert f"id                {upload['id']}" in done.stdout
    assert re.match(r"photogate: upl_0+: upload_not_found: .* \(\w+\)\n$", done.stderr)


def test_a_refused_key_and_a_gateway_that_is_away_have_their_exit_codes(call, world):
    assert "unauthenticated" in call("uploads", "list", key="pg_shop_" + "0" * 52, code=1).stderr
    assert "can't be reached" in call("uploads", "list", gateway=f"http://127.0.0.1:{services.free_port()}", code=4).stderr
    assert "is --gateway right?" in call("uploads", "list", gateway=world.stack.minio.endpoint, code=1).stderr
    assert "invalid_query: " in call("uploads", "list", "--state", "flying", code=1).stderr


def test_operator_sees_the_app_that_it_names(call, world):
    upload = world.create({"metadata": {"album": "ops"}})
    listed = lines(call("uploads", "list", "--app", "shop", "--metadata", "album=ops", "--json", key=world.operator.key))
    assert [(each["id"], each["app"]) for each in listed] == [(upload["id"], "shop")]
    assert not call("uploads", "list", "--app", "other", "--metadata", "album=ops", "--json", key=world.operator.key).stdout


def test_lists_shows_and_replays_callbacks(call, world):
    upload = world.publish(pictures.photo(320, 240, seed=9002))
    sent = world.receiver.wait_for(lambda c: c.body and c.body["type"] == "upload.published" and c.body["data"]["id"] == upload["id"])
    identity = sent.body["id"]
    services.wait_until(lambda: identity in call("callbacks", "list", "--upload", upload["id"], "--state", "delivered").stdout, 30, "delivery")
    assert {each["type"] for each in lines(call("callbacks", "list", "--upload", upload["id"], "--json"))} == {"upload.received", "upload.published"}
    shown = call("callbacks", "show", identity).stdout
    assert re.search(rf"^upload +{upload['id']}$", shown, re.M) and re.search(r"Z +204 +\d+ ms", shown)
    before = len([each for each in world.receiver.callbacks if each.body and each.body["id"] == identity])
    assert call("callbacks", "replay", identity).stdout == f"{identity}  due now\n"
    services.wait_until(lambda: len([each for each in world.receiver.callbacks if each.body and each.body["id"] == identity]) > before, 30, "the replay")
    assert re.fullmatch(r"\d+ callbacks? (is|are) due now\n|0 callbacks are due now\n",
                        call("callbacks", "replay", "--since", "2026-01-01T00:00:00Z", "--type", "upload.failed").stdout)
    assert "msg_nonsense" in call("callbacks", "show", "msg_nonsense", code=1).stderr


def test_key_from_a_file_or_standard_input(program, world, tmp_path):
    (tmp_path / "key").write_text(world.app.key + "\n")
    for arguments, given in ((["--key-file", tmp_path / "key"], None), (["--key-file", "-"], world.app.key)):
        done = subprocess.run([program, "uploads", "list", "--gateway", world.gateway.url, *arguments], input=given, capture_output=True, text=True,
                              timeout=60, env={"PATH": "/usr/bin:/bin"})
        assert done.returncode == 0, done.stderr


# ---- upload ----

@pytest.mark.parametrize("method", ["auto", "put", "form", "multipart", "resumable"])
def test_sends_a_file_in_each_way_and_waits_until_it_is_published(call, world, photo, method):
    path = photo(f"{method}.jpg", seed=9100 + len(method))
    done = call("upload", path, "--profile", "photos", "--method", method, "--metadata", "album=sent")
    name, identity, state, url = done.stdout.split()
    assert (name, state) == (str(path), "published") and not done.stderr
    upload = world.request("GET", f"/v1/uploads/{identity}")[2]
    assert upload["image"]["url"] == url and upload["filename"] == f"{method}.jpg" and upload["metadata"] == {"album": "sent"}
    assert upload["method"] == {"form": "post", "multipart": "multipart"}.get(method, "put")


def test_sends_a_file_of_several_parts(call, world, tmp_path):
    path = tmp_path / "large.png"
    path.write_bytes(large.large_png(seed=91))
    sent = lines(call("upload", path, "--profile", "photos", "--method", "multipart", "--json"))[0]
    assert sent["state"] == "published" and sent["error"] is None and sent["file"] == str(path)
    assert world.request("GET", f"/v1/uploads/{sent['id']}")[2]["size"] == path.stat().st_size


def test_sends_several_files_at_once_and_says_which_failed(call, world, photo, tmp_path):
    good = [photo(f"{number}.jpg", seed=9200 + number) for number in range(6)]
    (tmp_path / "bad.jpg").write_bytes(b"no picture" * 50)
    (tmp_path / "empty.jpg").write_bytes(b"")
    done = call("upload", *good, tmp_path / "bad.jpg", tmp_path / "empty.jpg", tmp_path / "none.jpg", tmp_path, "--profile", "photos", "--json", code=1)
    told = {each["file"]: each for each in lines(done)}
    assert len(told) == 10 and {told[str(each)]["state"] for each in good} == {"published"}
    assert told[str(tmp_path / "bad.jpg")]["state"] == "rejected" and told[str(tmp_path / "bad.jpg")]["error"]
    assert told[str(tmp_path / "empty.jpg")]["error"] == "is empty" and told[str(tmp_path / "empty.jpg")]["id"] is None
    assert "no such file" in told[str(tmp_path / "none.jpg")]["error"] and "not a regular file" in told[str(tmp_path)]["error"]
    again = call("upload", good[0], tmp_path / "bad.jpg", "--profile", "photos", code=1)
    assert len(again.stdout.splitlines()) == 1 and re.match(rf"photogate: {tmp_path}/bad.jpg  upl_\w+  rejected  \w+: ", again.stderr)


def test_does_not_wait_where_it_is_told(call, world, photo):
    _, identity, state, *_ = call("upload", photo(seed=9300), "--profile", "photos", "--no-wait").stdout.split()
    assert state in ("uploaded", "processing", "published")
    assert world.gateway.wait_for(identity)["state"] == "published"


def test_client_token_is_a_key_too(call, world, photo):
    token = world.request("POST", "/v1/tokens", {"profile": "photos", "max_uploads": 5})[2]["token"]
    assert " published " in call("upload", photo(seed=9301), key=token).stdout


def test_goes_on_at_the_resumable_url_after_a_cut(call, gateways, world, cutters, tmp_path):
    store = cutters(world.stack.minio.port, after=1 << 20, cuts=100)
    gateway = cutters(services.free_port(), after=2 << 20, cuts=2)
    behind = gateways({"PHOTOGATE_S3_PUBLIC_ENDPOINT": store.url, "PHOTOGATE_SERVER_PUBLIC_URL": gateway.url})
    gateway.target = behind.port
    path = tmp_path / "large.png"
    path.write_bytes(large.large_png(seed=92))
    sent = lines(call("upload", path, "--profile", "photos", "--json", gateway=behind.url))[0]
    assert sent["state"] == "published", sent
    assert store.cut == 1 and gateway.cut == 2, "one PUT, then two cuts on the way through the gateway"
    assert world.request("GET", f"/v1/uploads/{sent['id']}")[2]["size"] == path.stat().st_size


def test_repeated_put_that_is_answered_412_has_succeeded(call, gateways, world, cutters, photo):
    store = cutters(world.stack.minio.port, lose_answer=True, cuts=1)
    behind = gateways({"PHOTOGATE_S3_PUBLIC_ENDPOINT": store.url})
    assert " published " in call("upload", photo(seed=9302), "--profile", "photos", "--method", "put", gateway=behind.url).stdout
    assert store.cut == 1
    store.left = 1
    assert " published " in call("upload", photo(seed=9303), "--profile", "photos", gateway=behind.url).stdout, "the resumable URL knows that all is there"
    assert store.cut == 2


def test_gives_up_on_a_store_that_stays_away(call, gateways, photo):
    behind = gateways({"PHOTOGATE_S3_PUBLIC_ENDPOINT": f"http://127.0.0.1:{services.free_port()}"})
    started = time.monotonic()
    done = call("upload", photo(seed=9304), "--profile", "photos", "--method", "put", "--patience", "2", gateway=behind.url, code=4)
    assert re.match(r"photogate: \S+: upl_\w+: ", done.stderr) and 1.5 < time.monotonic() - started < 20


class Forgetful(http.server.BaseHTTPRequestHandler):
    """A gateway and its store, which takes every part and lists none."""

    protocol_version = "HTTP/1.1"
    parts = 0

    def do_GET(self):
        self._answer({"missing": [1, 2]})

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        part = {"method": "PUT", "headers": {}, "size": 1}
        layout = {"part_size": 1, "data": [{**part, "number": number, "url": f"/part/{number}"} for number in (1, 2)]}
        self._answer(layout if self.path.endswith("/sign") else {"id": "upl_1", "upload": {"method": "multipart", "parts": layout}})

    def do_PUT(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        type(self).parts += 1
        self._answer({})

    def _answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


def test_gives_up_on_a_store_that_lists_no_part(call, tmp_path):
    """Each part that it takes looks like progress."""
    (tmp_path / "two").write_bytes(b"ab")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Forgetful) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        done = call("upload", tmp_path / "two", "--method", "multipart", gateway=f"http://127.0.0.1:{server.server_port}", code=4)
        server.shutdown()
    assert "does not list the parts that it took" in done.stderr and 4 <= Forgetful.parts <= 10


def test_shows_progress_on_a_terminal_alone(program, world, photo, tmp_path):
    environment = {"PATH": "/usr/bin:/bin", "PHOTOGATE_KEY": world.app.key, "PHOTOGATE_GATEWAY": world.gateway.url}
    ours, theirs = pty.openpty()
    done = subprocess.run([program, "upload", photo("a.jpg", 9305), photo("b.jpg", 9306), "--profile", "photos", "--parallel", "1"], stdout=subprocess.PIPE,
                          stderr=theirs, text=True, timeout=60, env=environment)
    os.close(theirs)
    seen = os.read(ours, 65536).decode()
    os.close(ours)
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 2
    assert re.search(r"\r\x1b\[K1 of 2 files, [\d.]+ k?B of [\d.]+ k?B \(\d+ %\), [\d.]+ (k|M)?B/s", seen), seen


# ---- listen ----

class Listener:
    def __init__(self, program, world, folder, *arguments, key=None, **variables):
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "PHOTOGATE_GATEWAY": world.gateway.url, "PHOTOGATE_KEY": key or world.app.key, **variables}
        self.process = subprocess.Popen([program, "listen", *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        self.said = []
        for stream in (self.process.stdout, self.process.stderr):
            threading.Thread(target=self._read, args=(stream,), daemon=True).start()

    def _read(self, stream):
        for line in stream:
            self.said.append(line.rstrip("\n"))

    def wait_for(self, pattern, seconds=60):
        services.wait_until(lambda: any(re.search(pattern, line) for line in self.said), seconds, pattern, lambda: self.process.poll() is None)
        return next(line for line in self.said if re.search(pattern, line))

    def end(self, how=signal.SIGINT):
        self.process.send_signal(how)
        return self.process.wait(30)


@pytest.fixture
def listeners(program, world, tmp_path):
    made = []

    def start(*arguments, **variables):
        made.append(Listener(program, world, tmp_path, *arguments, **variables))
        return made[-1]

    yield start
    for each in made:
        if each.process.poll() is None:
            each.process.kill()


def test_forwards_callbacks_signed_and_goes_on_where_it_was(listeners, world):
    secret = world.app.secret
    with webhook_receiver.Receiver(secret) as local:
        first = listeners("--forward", local.url, PHOTOGATE_CALLBACK_SECRET=secret)
        first.wait_for("what happens from now on")
        upload = world.publish(pictures.photo(320, 240, seed=9401))
        mine = local.wait_for(lambda c: c.body and c.body["type"] == "upload.published" and c.body["data"]["id"] == upload["id"])
        theirs = world.receiver.wait_for(lambda c: c.body and c.body["type"] == "upload.published" and c.body["data"]["id"] == upload["id"])
        assert mine.raw == theirs.raw and mine.headers["webhook-id"] == theirs.headers["webhook-id"], "the very bytes"
        assert re.fullmatch(rf"\S+ \S+  upload.published  {upload['id']}  {mine.body['id']}  204 in \d+ ms", first.wait_for(rf"upload.published.*{upload['id']}"))
        assert first.end() == 0
        missed = world.publish(pictures.photo(320, 240, seed=9402))
        before = len(local.callbacks)
        second = listeners("--forward", local.url, PHOTOGATE_CALLBACK_SECRET=secret)
        second.wait_for("what follows the last event")
        second.wait_for(rf"upload.published.*{missed['id']}")
        assert [each.body["data"]["id"] for each in local.callbacks[before:] if each.body["data"]["id"] in (upload["id"], missed["id"])] == [missed["id"]] * 2
        assert second.end(signal.SIGTERM) == 0


def test_waits_for_an_app_server_that_is_away_and_keeps_the_order(listeners, world, tmp_path):
    port = services.free_port()
    listener = listeners("--forward", f"http://127.0.0.1:{port}/hooks", "--json", "--type", "upload.published", "--state-file", tmp_path / "deep" / "state.json")
    secret = listener.wait_for("verifies with").split()[-1]
    listener.wait_for("from now on")
    uploads = [world.publish(pictures.photo(320, 240, seed=9410 + number))["id"] for number in range(3)]
    listener.wait_for("can't be reached.*trying again")
    with webhook_receiver.Receiver(secret, port=port) as local:
        local.wait_for(lambda c: c.body and c.body["data"]["id"] == uploads[-1])
        assert [each.body["data"]["id"] for each in local.callbacks if each.body["data"]["id"] in uploads] == uploads
        assert not [each for each in local.callbacks if each.problem]
    told = [json.loads(line) for line in listener.said if line.startswith("{")]
    assert [each["about"] for each in told if each["about"] in uploads] == uploads and {each["status"] for each in told} == {204}
    assert listener.end() == 0
    assert (tmp_path / "deep" / "state.json").stat().st_mode & 0o777 == 0o600


def test_answers_that_are_no_2xx_are_shown_and_passed_over(listeners, world):
    secret = world.app.secret
    with webhook_receiver.Receiver(secret, answer=lambda callback: (500, {}, b"")) as local:
        listener = listeners("--forward", local.url, PHOTOGATE_CALLBACK_SECRET=secret)
        listener.wait_for("from now on")
        upload = world.publish(pictures.photo(320, 240, seed=9420))
        listener.wait_for(rf"upload.published  {upload['id']}  msg_\w+  500 in")
        listener.end()


def test_listening_ends_where_the_key_is_refused(listeners, world):
    listener = listeners("--forward", "http://127.0.0.1:1/", key="pg_shop_" + "0" * 52)
    assert listener.process.wait(30) == 1
    services.wait_until(lambda: any("unauthenticated" in line for line in listener.said), 10, "why")


@pytest.mark.large
def test_listening_outlives_the_gateway(listeners, own_world, program, tmp_path):
    world = own_world()
    with webhook_receiver.Receiver(world.app.secret) as local:
        listener = listeners("--forward", local.url, PHOTOGATE_GATEWAY=world.gateway.url, PHOTOGATE_KEY=world.app.key,
                             PHOTOGATE_CALLBACK_SECRET=world.app.secret)
        listener.wait_for("from now on")
        world.gateway.stop()
        listener.wait_for("can't be reached.*trying again")
        world.gateway.restart()
        upload = world.publish(pictures.photo(320, 240, seed=9430))
        listener.wait_for(rf"upload.published  {upload['id']}")
        assert listener.end() == 0
