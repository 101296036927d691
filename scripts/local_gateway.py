"""A gateway on this machine: its configuration, its process, and a small client of its REST interface.

For ./run and the tests. Standard library only.
"""
import base64
import ctypes
import hashlib
import http.client
import json
import os
import pathlib
import re
import secrets
import signal
import subprocess
import time
import tomllib
import typing
import urllib.parse

from tests.rig import stack as parts

CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"


def new_api_key(app):
    return f"pg_{app}_" + "".join(secrets.choice(CROCKFORD) for _ in range(52))


def api_key_line(key):
    return "sha256:" + hashlib.sha256(key.encode()).hexdigest()


def new_callback_secret():
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


class App:
    """An app of the configuration. `profiles` maps a name to its options, as TOML literals."""

    def __init__(self, name, callback_url=None, profiles=None, role="app", key=None, secret=None, link_secrets=()):
        self.name = name
        self.role = role
        self.key = key or new_api_key(name)
        self.secret = secret or new_callback_secret()
        self.callback_url = callback_url
        self.link_secrets = list(link_secrets)
        self.profiles = profiles if profiles is not None else {"photos": {}}

    def toml(self):
        lines = [f"[apps.{self.name}]", f'keys = ["{api_key_line(self.key)}"]']
        if self.role != "app":
            return "\n".join([*lines, f'role = "{self.role}"'])
        lines.append(f'callback_secrets = ["{self.secret}"]')
        if self.callback_url:
            lines.append(f'callback_url = "{self.callback_url}"')
        if self.link_secrets:
            lines.append(f"link_secrets = {json.dumps(self.link_secrets)}")
        for name, options in self.profiles.items():
            lines.append(f"[apps.{self.name}.profiles.{name}]")
            lines += [f"{key} = {literal}" for key, literal in options.items()]
        return "\n".join(lines)


def store_lines(store):
    if isinstance(store, parts.Builtin):
        return ["[store]", f'folder = "{store.folder}"', f'listen = "127.0.0.1:{store.port}"', "[regions.default]"]
    return ["[regions.default]", f'endpoint = "{store.endpoint}"']


def configuration(stack, port, metrics_port, apps, extra=""):
    minio = stack.minio
    return "\n".join([
        "[server]", f'listen = ["127.0.0.1:{port}"]', f'metrics_listen = "127.0.0.1:{metrics_port}"',
        f'public_url = "http://127.0.0.1:{port}"',
        "[database]", f'url = "{stack.postgres.url}"',
        *store_lines(minio),
        f'incoming_bucket = "{minio.incoming}"', f'public_bucket = "{minio.public}"', f'originals_bucket = "{minio.originals}"',
        f'signer_access_key = "{minio.signer.access}"', f'signer_secret_key = "{minio.signer.secret}"',
        f'worker_access_key = "{minio.worker.access}"', f'worker_secret_key = "{minio.worker.secret}"',
        "[events.minio]", 'dialect = "minio"', f'tokens = ["{stack.events_token}"]',
        # The callback receivers are on this machine, which photogate otherwise refuses to call.
        "[callbacks]", 'allowed_networks = ["127.0.0.0/8"]', 'allowed_hosts = ["127.0.0.1:*"]', 'http_hosts = ["127.0.0.1"]',
        *[app.toml() for app in apps], extra, ""])


class Process:
    """The program as a child that dies with this process, and a small client of its interface."""

    role = "all"

    def __init__(self, build_dir, folder, port, metrics_port):
        self.program = pathlib.Path(build_dir) / "photogate"
        self.folder = pathlib.Path(folder).absolute()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port, self.metrics_port = port, metrics_port
        self.log = self.folder / "photogate.log"
        self.environment = {}
        self.process = None

    def command(self):
        raise NotImplementedError

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def launch(self, *arguments, environment=None):
        parent = os.getpid()

        def with_parent():
            ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
            if os.getppid() != parent:
                os._exit(1)

        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([*self.command(), *arguments], stdout=log, stderr=log,
                                            env={**os.environ, **self.environment, **(environment or {})}, stdin=subprocess.DEVNULL, preexec_fn=with_parent)

    def start(self, *arguments, seconds=60):
        self.launch(*arguments)
        self.wait_until_ready(seconds)
        return self

    def running(self):
        return self.process is not None and self.process.poll() is None

    def wait_until_ready(self, seconds=60):
        def ready():
            try:
                # A worker listens nowhere else.
                return self.request("GET", "/readyz", port=self.metrics_port if self.role == "work" else None)[0] == 200
            except OSError:
                return False

        try:
            parts.wait_until(ready, seconds, "photogate", self.running)
        except parts.StackError as error:
            raise parts.StackError(f"{error}\n{self.log_tail()}") from None

    def log_tail(self, lines=25):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""

    def stop(self, seconds=30):
        if self.running():
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds) if self.process else None

    def kill(self):
        if self.running():
            self.process.kill()
        self.process.wait()

    def restart(self):
        self.launch()
        self.wait_until_ready()

    def __enter__(self):
        return self if self.running() else self.start()

    def __exit__(self, *_):
        if self.running():
            try:
                self.stop()
            except subprocess.TimeoutExpired:
                self.kill()

    def request(self, method, path, body=None, headers=None, key=None, port=None, timeout=70):
        """(status, headers in lower case, body): JSON is read, anything else stays bytes."""
        headers = dict(headers or {})
        if key:
            headers.setdefault("Authorization", f"Bearer {key}")
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            raw = response.read()
            answered = {name.lower(): value for name, value in response.getheaders()}
        finally:
            connection.close()
        if method != "HEAD" and re.match(r"application/(problem\+)?json", answered.get("content-type", "")):
            raw = json.loads(raw)
        return response.status, answered, raw

    def create(self, body=None, app=None, headers=None):
        app = app or next(iter(self.apps.values()))
        status, _, upload = self.request("POST", "/v1/uploads", {"profile": next(iter(app.profiles), None), **(body or {})}, headers, app.key)
        if status != 201:
            raise RuntimeError(f"POST /v1/uploads answered {status}: {upload}")
        return upload

    def wait_for(self, upload, seconds=60, app=None):
        """The upload once its state is final."""
        app = app or next(iter(self.apps.values()))
        identity = upload if isinstance(upload, str) else upload["id"]
        deadline = time.monotonic() + seconds
        while True:
            try:
                status, _, found = self.request("GET", f"/v1/uploads/{identity}?wait={max(0, min(20, int(deadline - time.monotonic())))}",
                                                key=app.key)
            except OSError:
                status, found = 0, None
            if status == 200 and found["state"] in ("published", "rejected", "failed", "expired", "cancelled", "deleted"):
                return found
            if time.monotonic() > deadline:
                raise TimeoutError(f"{identity} is still {found}\n{self.log_tail()}")
            if status != 200:
                time.sleep(0.2)


class Gateway(Process):
    """A gateway on a Stack: its configuration names that PostgreSQL and that store."""

    def __init__(self, build_dir, folder, stack, port, metrics_port, apps, extra="", role="all"):
        super().__init__(build_dir, folder, port, metrics_port)
        self.apps = {app.name: app for app in apps}
        self.role = role
        self.config = self.folder / "photogate.toml"
        self.config.write_text(configuration(stack, port, metrics_port, apps, extra))
        os.chmod(self.config, 0o600)

    def command(self):
        return [self.program, self.role, "--config", self.config]

    def run(self, command, environment=None):
        """Runs one command of the program with this gateway's configuration."""
        return subprocess.run([self.program, command, "--config", self.config], capture_output=True, text=True,
                              env={**os.environ, **self.environment, **(environment or {})})

    def migrate(self):
        done = self.run("migrate")
        if done.returncode != 0:
            raise parts.StackError(f"photogate migrate: {done.stdout}{done.stderr}")

    def start(self, *arguments, seconds=60):
        self.migrate()
        return super().start(*arguments, seconds=seconds)


class Ports(typing.NamedTuple):
    gateway: int = 8080
    store: int = 9000
    metrics: int = 9180


def _port(address):
    return int(address.rpartition(":")[2])


class OneMachine(Process):
    """`photogate all` without configuration: its own PostgreSQL and store, everything in one folder.

    `ports` and `callback_url` go into the configuration that the first start makes. From then on that file says them, and no flag does.
    """

    def __init__(self, build_dir, folder, ports=None, callback_url=None):
        ports = ports or Ports()
        configured = self._read(pathlib.Path(folder))
        if configured:
            server = configured.get("server", {})
            ports = Ports(_port(server.get("listen", [f":{ports.gateway}"])[0]),
                          _port(configured.get("store", {}).get("listen", f":{ports.store}")),
                          _port(server.get("metrics_listen", f":{ports.metrics}")))
        super().__init__(build_dir, folder, ports.gateway, ports.metrics)
        self.ports = ports
        self.first_callback_url = callback_url
        # The shell's variables for another gateway must not affect this one.
        self.environment = {name: "" for name in os.environ if name.startswith("PHOTOGATE_") or name == "DATABASE_URL"}

    @staticmethod
    def _read(folder):
        """The configuration in the folder; None before the first start."""
        try:
            with open(folder / "photogate.toml", "rb") as file:
                return tomllib.load(file)
        except FileNotFoundError:
            return None

    def configuration(self):
        return self._read(self.folder)

    def command(self):
        command = [self.program, "all", "--data", self.folder]
        if self.configuration() is None:
            command += ["--server-listen", f"127.0.0.1:{self.ports.gateway}", "--store-listen", f"127.0.0.1:{self.ports.store}",
                        "--server-metrics-listen", f"127.0.0.1:{self.ports.metrics}"]
            if self.first_callback_url:
                command += ["--app-callback-url", self.first_callback_url]
        return command

    @property
    def app(self):
        """The app that the first start made; None where its owner has removed it since."""
        app = self.configuration().get("apps", {}).get("demo")
        if not app or not app.get("callback_secrets") or not (self.folder / "key").exists():
            return None
        return App("demo", app.get("callback_url"), dict.fromkeys(app.get("profiles") or ["photos"]),
                   key=(self.folder / "key").read_text().strip(), secret=app["callback_secrets"][0])

    @property
    def apps(self):
        return {"demo": self.app}

    @property
    def operator_key(self):
        return (self.folder / "operator.key").read_text().strip()


def send(grant, data):
    """Sends the file straight to the store, like a phone. Returns (status, body)."""
    status, _, body = send_fully(grant, data)
    return status, body


def send_fully(grant, data):
    """The same; gives (status, headers in lower case, body)."""
    target = urllib.parse.urlsplit(grant["url"])
    headers = dict(grant["headers"] or {})
    if grant["method"] == "POST":
        boundary = secrets.token_hex(16)
        pieces = [f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
                  for name, value in grant["fields"].items()]
        pieces.append(f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'.encode() + data + b"\r\n")
        data = b"".join(pieces) + f"--{boundary}--\r\n".encode()
        headers["Content-Type"] = f"multipart/form-data; boundary={boundary}"
    make = http.client.HTTPSConnection if target.scheme == "https" else http.client.HTTPConnection
    connection = make(target.netloc, timeout=60)
    try:
        connection.request(grant["method"], target.path + ("?" + target.query if target.query else ""), data, headers)
        response = connection.getresponse()
        body = response.read()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, body
    finally:
        connection.close()
