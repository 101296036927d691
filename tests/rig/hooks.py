"""An app's hook, a clamd with signatures of its own, and a c-icap in front of it.

    with Hook(world.app.secret) as hook:          # allows everything
        hook.answer = lambda question: refuse("not_ours", "not a picture of ours")
        …
        hook.questions                            # each as it was asked, verified
"""
import contextlib
import dataclasses
import hashlib
import http.server
import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import threading
import time

from scripts import unpacked, webhook_receiver
from tests.rig import stack as parts

# The test file that scanners agree to find (https://www.eicar.org/), in two halves, so that no scanner finds this source.
EICAR = (r"X5O!P%@AP[4\PZX54(P^)7CC)7}" + "$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*").encode()


def allow():
    return {"allow": True}


def refuse(code="", reason=""):
    return {"allow": False, **({"code": code} if code else {}), **({"reason": reason} if reason else {})}


@dataclasses.dataclass
class Question:
    at: float
    path: str
    headers: dict
    body: dict


class Hook:
    """`answer(question)` gives a verdict, or (status, headers, bytes), or raises; it may take its time."""

    def __init__(self, secret, answer=None, port=0):
        self.secret, self.answer = secret, answer or (lambda _: allow())
        self.questions, self.problems = [], []
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                raw = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                try:
                    body = webhook_receiver.verify(hook.secret, headers, raw)
                except ValueError as problem:
                    hook.problems.append(str(problem))
                    return self.reply(401, {}, b"")
                question = Question(time.time(), self.path, headers, body)
                hook.questions.append(question)
                said = hook.answer(question)
                if isinstance(said, dict):
                    said = 200, {"Content-Type": "application/json"}, json.dumps(said).encode()
                self.reply(*said)

            def reply(self, status, headers, body):
                with contextlib.suppress(OSError):
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 256
            daemon_threads = True

            def handle_error(self, request, client_address):
                """A caller that gave up."""

        self._server = Server(("127.0.0.1", port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def url(self, path="/hook"):
        return f"http://127.0.0.1:{self.port}{path}"

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Clamd:
    """The real daemon, in a folder of its own, with one signature: that of EICAR, wherever it is in a file."""

    def __init__(self, folder, port=None, **settings):
        self.folder, self.port, self.process = folder, port, None
        # A socket's path has 107 bytes at the most, and a test's folder may have as many. The next daemon of this folder has the same.
        self.socket = pathlib.Path(tempfile.gettempdir()) / f"clamd-{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}.sock"
        (folder / "db").mkdir(parents=True, exist_ok=True)
        (folder / "tmp").mkdir(exist_ok=True)
        (folder / "db" / "test.ndb").write_text(f"Photogate.Test.EICAR:0:*:{EICAR.hex()}\n")
        listening = {"TCPSocket": port, "TCPAddr": "127.0.0.1"} if port else {"LocalSocket": self.socket}
        options = {"DatabaseDirectory": folder / "db", "TemporaryDirectory": folder / "tmp", "LogFile": folder / "clamd.log", "Foreground": "yes",
                   **listening, **settings}
        (folder / "clamd.conf").write_text("".join(f"{name} {value}\n" for name, value in options.items()))

    @property
    def address(self):
        return f"127.0.0.1:{self.port}" if self.port else str(self.socket)

    def start(self):
        program = unpacked.program("clamav-daemon", "usr/sbin/clamd")
        with open(self.folder / "output", "ab") as output:
            self.process = subprocess.Popen([program, "--config-file", self.folder / "clamd.conf"], stdout=output, stderr=output, stdin=subprocess.DEVNULL)
        parts.wait_until(self.answers, 60, "clamd", lambda: self.process.poll() is None)
        return self

    def answers(self):
        with contextlib.suppress(OSError):
            family = socket.AF_INET if self.port else socket.AF_UNIX
            with socket.socket(family) as connection:
                connection.settimeout(5)
                connection.connect(("127.0.0.1", self.port) if self.port else str(self.socket))
                connection.sendall(b"zPING\0")
                return connection.recv(16) == b"PONG\0"
        return False

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
        self.socket.unlink(missing_ok=True)


class Icap:
    """c-icap with virus_scan, which asks this clamd. `settings` are directives of virus_scan."""

    def __init__(self, folder, clamd, **settings):
        self.folder, self.clamd, self.port, self.process = folder, clamd, parts.free_port(), None
        self.settings = {"MaxObjectSize": "30M", "ScanFileTypes": "TEXT DATA EXECUTABLE ARCHIVE DOCUMENT GRAPHICS STREAM", "SendPercentData": 0,
                         "PassOnError": "off", **settings}
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "tmp").mkdir(exist_ok=True)
        self.service = "virus_scan?allow204=on&sizelimit=off&mode=simple"

    @property
    def address(self):
        return f"icap://127.0.0.1:{self.port}/{self.service}"

    def start(self):
        program = unpacked.program("c-icap", "usr/bin/c-icap", "libicapapi5", "libc-icap-mod-virus-scan", "libpcre3", "libdb5.3")
        root = program.parents[2]
        (modules,) = root.glob("usr/lib/*/c_icap")
        options = [("PidFile", self.folder / "pid"), ("CommandsSocket", self.folder / "control"), ("Timeout", 30), ("KeepAliveTimeout", 30),
                   ("MaxKeepAliveRequests", 50), ("StartServers", 1), ("MaxServers", 1), ("ThreadsPerChild", 8), ("MinSpareThreads", 2), ("MaxSpareThreads", 8),
                   ("Port", f"127.0.0.1:{self.port}"), ("TmpDir", self.folder / "tmp"), ("ServerAdmin", "nobody@example.com"), ("ServerName", "icap.example"),
                   ("ModulesDir", modules), ("ServicesDir", modules), ("TemplateDir", root / "usr/share/c_icap/templates/"), ("TemplateDefaultLanguage", "en"),
                   ("LoadMagicFile", root / "etc/c-icap/c-icap.magic"), ("ServerLog", self.folder / "server.log"), ("AccessLog", self.folder / "access.log"),
                   ("Service", "virus_scan virus_scan.so"), ("Module", "common clamd_mod.so"), ("clamd_mod.ClamdSocket", self.clamd.address),
                   ("virus_scan.DefaultEngine", "clamd"), *((f"virus_scan.{name}", value) for name, value in self.settings.items())]
        (self.folder / "c-icap.conf").write_text("".join(f"{name} {value}\n" for name, value in options))
        libraries = f"{modules.parent}:{root / 'lib' / modules.parent.name}"
        with open(self.folder / "output", "ab") as output:
            self.process = subprocess.Popen([program, "-N", "-D", "-f", self.folder / "c-icap.conf"], stdout=output, stderr=output, stdin=subprocess.DEVNULL,
                                            env={"LD_LIBRARY_PATH": libraries, "PATH": "/usr/bin:/bin"}, start_new_session=True)
        parts.wait_until(self.answers, 60, "c-icap", lambda: self.process.poll() is None)
        return self

    def answers(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 5) as connection:
            connection.sendall(f"OPTIONS {self.address} ICAP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode())
            return connection.recv(16).startswith(b"ICAP/1.0 200")
        return False

    def stop(self):
        if self.process and self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)  # its children are of its group
            self.process.wait()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
