"""docs/first-app.md, command by command: what it changes in the first configuration, and its lines for the app server."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import time
import urllib.request

import pytest
from test_one_machine import folder, free_ports  # noqa: F401

from scripts import local_gateway
from tests.rig import pictures
from tests.rig import stack as parts

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs" / "first-app.md").read_text()


def blocks():
    return [re.sub(r"^   ", "", block, flags=re.M) for block in re.findall(r"^ {0,3}```sh\n(.*?)^ {0,3}```", PAGE, re.M | re.S)]


def pictures_of(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/pictures", timeout=10) as answer:
            return json.load(answer)
    except OSError:
        return None


@pytest.mark.drills
@pytest.mark.parametrize("server", ["python3 examples/python/server.py", "node examples/node/server.mjs"])
def test_page_leads_to_a_picture_in_the_app_servers_list(build_dir, folder, server):  # noqa: F811
    port = parts.free_port()
    ports = free_ports()
    receiver = parts.free_port()
    machine = local_gateway.OneMachine(build_dir, folder / "var", ports, f"http://127.0.0.1:{receiver}/hooks")
    first, again, start, ask = blocks()
    assert first.strip() == "./run" and again.strip().endswith("./run")
    shutil.copytree(ROOT / "examples", folder / "examples")

    def follow(script):
        for said, real in {"127\\.0\\.0\\.1:8081": f"127\\.0\\.0\\.1:{receiver}", "127.0.0.1:3000": f"127.0.0.1:{port}", "PORT=3000": f"PORT={port}",
                           "http://127.0.0.1:8080": machine.url, "./run": ":"}.items():
            script = script.replace(said, real)
        return script

    try:
        with machine.start():
            pass
        subprocess.run(["bash", "-euc", follow(again)], cwd=folder, check=True)
        with machine.start():
            script = follow(re.sub(r"^python3 .*$", f"exec {server}", start, flags=re.M))
            app = subprocess.Popen(["bash", "-euc", script], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                parts.wait_until(lambda: pictures_of(port) is not None, 60, "the app server", lambda: app.poll() is None)
                photo = pictures.photo(400, 300, seed=93)
                done = subprocess.run(["bash", "-euo", "pipefail", "-c", follow(ask).replace("482113", str(len(photo)))], cwd=folder, capture_output=True, text=True, timeout=60,
                                      env={**os.environ, "PHOTOGATE_URL": machine.url, "PHOTOGATE_KEY": (folder / "var" / "key").read_text().strip()})
                assert local_gateway.send(json.loads(done.stdout)["upload"], photo)[0] in (200, 204)
                # The server lists what it was asked for itself.
                asked = urllib.request.Request(f"http://127.0.0.1:{port}/uploads", json.dumps({"name": "photo.jpg", "type": "image/jpeg", "size": len(photo)}).encode(),
                                               {"Content-Type": "application/json", "Idempotency-Key": "of-the-page"})
                with urllib.request.urlopen(asked, timeout=30) as answer:
                    assert local_gateway.send(json.load(answer)["upload"], photo)[0] in (200, 204)
                deadline = time.monotonic() + 60
                while time.monotonic() < deadline and not any(each.get("state") == "published" for each in pictures_of(port)):
                    time.sleep(0.1)
                assert [each["state"] for each in pictures_of(port)] == ["published"]
            finally:
                app.terminate()
                app.wait(30)
    finally:
        if machine.process:
            machine.kill()
