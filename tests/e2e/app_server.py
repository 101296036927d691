"""The example app servers, as processes: on the app of a world whose callbacks they take."""
import contextlib
import os
import pathlib
import socket
import subprocess
import sys
import time

from scripts import local_gateway

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = {"python": [sys.executable, ROOT / "examples" / "python" / "server.py"], "node": ["node", ROOT / "examples" / "node" / "server.mjs"]}


def app(port, **options):
    """An app that calls back such a server."""
    return local_gateway.App("example", f"http://127.0.0.1:{port}/hooks", {"photos": options})


@contextlib.contextmanager
def running(language, gateway, app, port):
    """The server's base URL, while it runs."""
    environment = {**os.environ, "PHOTOGATE_URL": gateway.url, "PHOTOGATE_KEY": app.key, "CALLBACK_SECRET": app.secret, "PORT": str(port)}
    process = subprocess.Popen(EXAMPLES[language], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and process.poll() is None:
            with socket.socket() as trial:
                if trial.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        errors = process.communicate(timeout=20)[1]
    assert "Traceback" not in errors and "Error" not in errors, errors
