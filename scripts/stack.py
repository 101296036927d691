#!/usr/bin/env python3
"""A private PostgreSQL and a private MinIO, for ./run and for the tests.

    with Stack() as stack:                        # a throw-away one
        subprocess.run(command, env={**os.environ, **stack.environment()})

    with Stack(var_dir="var", events_url=url, events_token=token) as stack:   # ./run: data is kept
        ...

    python3 scripts/stack.py exec [--events-url URL --events-token TOKEN] -- COMMAND ...

PostgreSQL listens on a Unix socket alone and never runs as root; MinIO listens on a free port of 127.0.0.1, which it keeps
over restarts. Both die with the process that started them (PR_SET_PDEATHSIG), however that one ends. The kernel means the
starting *thread* by that: start a Stack from a thread that lives as long as the stack does.

MinIO gets the buckets incoming, public and originals, the users `signer` and `worker` with the policies of etc/minio, and two
webhook targets that point at the gateway: `fast` (no queue, a few ms, lost when the gateway is away) and `gw` (queued on
disk, up to 3 s late, kept). Both are subscribed to s3:ObjectCreated:* under `u/` of incoming.

Standard library only. Needs Debian's postgresql-15, and `minio` from scripts/install-stores.
"""
import argparse
import atexit
import contextlib
import ctypes
import functools
import hashlib
import hmac
import http.client
import io
import json
import os
import pathlib
import pwd
import re
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import urllib.parse
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
POLICIES = ROOT / "etc" / "minio"
REGION = "us-east-1"
TEMPORARY_PREFIX = "photogate-stack-"
PR_SET_PDEATHSIG = 1
LONGEST_SOCKET_DIRECTORY = 80  # of the 107 bytes of sun_path, `/.s.PGSQL.5432.lock` takes some

_libc = ctypes.CDLL(None, use_errno=True)


class StackError(RuntimeError):
    """What did not start, and the end of its log."""


def free_port():
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, seconds, what, alive=lambda: True):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        if not alive():
            raise StackError(f"{what}: the process ended")
        time.sleep(0.02)
    raise StackError(f"{what}: not within {seconds} s")


def _die_with_parent(parent, death_signal):
    def prepare():
        _libc.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
        if os.getppid() != parent:  # it died between fork and prctl
            os._exit(1)

    return prepare


def _tail(path, lines=15):
    try:
        return "\n".join(pathlib.Path(path).read_text(errors="replace").splitlines()[-lines:])
    except OSError as error:
        return str(error)


class _Child:
    """One child process with its log; its own session, so that a terminal's Ctrl-C reaches it through us, in order."""

    name = "child"
    death_signal = signal.SIGKILL

    def __init__(self, log):
        self.log = pathlib.Path(log)
        self.process = None

    def _spawn(self, command, env=None, user=None, cwd="/"):
        identity = {}
        if user is not None:
            identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env, cwd=cwd, start_new_session=True,
                preexec_fn=_die_with_parent(os.getpid(), self.death_signal), **identity)

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self):
        return self.process.pid if self.running else None

    def _end(self, first_signal, patience):
        if self.process is None:
            return
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGCONT)
                self.process.send_signal(first_signal)
            try:
                self.process.wait(patience)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def pause(self):
        """SIGSTOP: it is there, takes connections, and says nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def restart(self):
        self.stop()
        self.start()


# ---------------------------------------------------------------------------------------------------- PostgreSQL


def _postgres_bindir():
    wanted = os.environ.get("PG_BINDIR")
    candidates = [wanted] if wanted else []
    versions = pathlib.Path("/usr/lib/postgresql").glob("*/bin")
    candidates += sorted(map(str, versions), key=lambda p: int(re.sub(r"\D", "", p) or 0), reverse=True)
    found = shutil.which("initdb")
    if found:
        candidates.append(os.path.dirname(found))
    for candidate in candidates:
        if os.access(os.path.join(candidate, "initdb"), os.X_OK):
            return pathlib.Path(candidate)
    raise StackError("PostgreSQL is not installed: apt install postgresql-15")


def _postgres_user():
    """None: as the caller. initdb and postgres refuse to run as root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise StackError("running as root, and there is neither a user postgres nor nobody to run PostgreSQL as")


def _can_reach(path, user):
    """True where `user` may pass through every folder above `path`."""
    if user is None:
        return True
    for folder in [path, *path.parents]:
        if not folder.exists():
            continue
        mode = folder.stat()
        if mode.st_uid == user.pw_uid:
            needed = stat.S_IXUSR
        elif mode.st_gid == user.pw_gid:
            needed = stat.S_IXGRP
        else:
            needed = stat.S_IXOTH
        if not mode.st_mode & needed:
            return False
    return True


class _Session:
    """One psql that stays: a test that looks again and again would else pay for a process and a backend each time."""

    def __init__(self, command, **options):
        self._errors = tempfile.TemporaryFile("w+")
        self._psql = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True, cwd="/", **options)
        self.answered = False

    def run(self, statement):
        """What it prints; None where psql ended over it: why is in complaint()."""
        end = secrets.token_hex(16)
        lines = []
        try:
            self._psql.stdin.write(f"{statement}\n;\n\\echo {end}\n")
            self._psql.stdin.flush()
        except BrokenPipeError:
            return None
        for line in self._psql.stdout:
            if line == f"{end}\n":
                self.answered = True
                return "".join(lines)
            lines.append(line)
        return None

    def complaint(self):
        self._errors.seek(0)
        return self._errors.read().strip()

    def close(self):
        for pipe in (self._psql.stdin, self._psql.stdout):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        self._psql.wait()
        self._errors.close()


class Postgres(_Child):
    """A cluster of its own: one superuser `photogate`, one database `photogate`, a Unix socket, no password, no TCP.
    fsync stays on."""

    name = "PostgreSQL"
    death_signal = signal.SIGINT  # fast shutdown

    def __init__(self, folder, log, keep, blank=None):
        super().__init__(log)
        self.user = _postgres_user()
        self.bindir = _postgres_bindir()
        self.keep = keep
        self.blank = blank
        self.folder = self._reachable(pathlib.Path(folder))
        self.data = self.folder / "data"
        self.sockets = self.folder / "socket"
        self._idle = []  # sessions of the database photogate that wait for a statement
        self._short_sockets = None
        if len(str(self.sockets)) > LONGEST_SOCKET_DIRECTORY:
            self._short_sockets = pathlib.Path(tempfile.mkdtemp(prefix="photogate-pg-", dir="/tmp"))
            self._hand_over(self._short_sockets)
            self.sockets = self._short_sockets

    def _reachable(self, folder):
        if _can_reach(folder.parent, self.user):
            return folder
        name = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
        elsewhere = pathlib.Path("/var/tmp") / f"photogate-{os.geteuid()}-{name}"
        elsewhere.mkdir(mode=0o711, exist_ok=True)
        if elsewhere.is_symlink() or elsewhere.stat().st_uid != os.geteuid():
            raise StackError(f"{elsewhere} belongs to somebody else")
        os.chmod(elsewhere, 0o711)
        return elsewhere / "postgres"

    def _hand_over(self, path):
        if self.user is not None:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)

    def _as_its_user(self):
        identity = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []} if self.user is not None else {}
        return {"env": {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8"}, **identity}

    def _run(self, *command, input=None):
        done = subprocess.run([str(self.bindir / command[0]), *command[1:]], cwd="/", capture_output=True, text=True, input=input,
                              **self._as_its_user())
        if done.returncode != 0:
            raise StackError(f"{command[0]}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def url_of(self, database):
        return f"postgresql://photogate@/{database}?host={urllib.parse.quote(str(self.sockets), safe='')}"

    @property
    def url(self):
        return self.url_of("photogate")

    def start(self):
        if self.running:
            return
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._hand_over(self.folder)
        self.sockets.mkdir(mode=0o700, exist_ok=True)
        self._hand_over(self.sockets)
        fresh = not (self.data / "PG_VERSION").exists()
        if fresh:
            shutil.rmtree(self.data, ignore_errors=True)  # an initdb that was interrupted
            if self.blank:
                subprocess.run(["cp", "-a", self.blank, self.data], check=True)
            else:
                self.initialize()
        self._drop_stale_lock()
        deadline = time.monotonic() + 20
        while True:
            self._spawn([str(self.bindir / "postgres"), "-D", str(self.data), "-k", str(self.sockets),
                         "-c", "listen_addresses=", "-c", "unix_socket_permissions=0700", "-c", "shared_buffers=64MB",
                         "-c", "max_connections=200", "-c", "logging_collector=off"],
                        env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8"}, user=self.user)
            try:
                wait_until(self.ready, 20, "PostgreSQL", lambda: self.running)
                break
            except StackError as error:
                # After a kill -9 its backends hold the shared memory for a moment longer.
                if self.running or time.monotonic() > deadline:
                    self.stop()
                    raise StackError(f"{error}\n{_tail(self.log)}") from None
                time.sleep(0.1)
        if not self.blank and "photogate" not in self.databases():
            self.create_database("photogate")

    def initialize(self):
        unsynced = [] if self.keep else ["--no-sync"]
        self._run("initdb", "-D", str(self.data), "-U", "photogate", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", *unsynced)

    def _drop_stale_lock(self):
        """postmaster.pid of a cluster that was killed names a process that may since be somebody else's."""
        lock = self.data / "postmaster.pid"
        with contextlib.suppress(OSError, ValueError, IndexError):
            pid = int(lock.read_text().splitlines()[0])
            command = pathlib.Path(f"/proc/{pid}/cmdline")
            if not command.exists() or str(self.data).encode() not in command.read_bytes():
                lock.unlink()

    def ready(self):
        done = subprocess.run([str(self.bindir / "pg_isready"), "-q", "-h", str(self.sockets), "-t", "1"], cwd="/")
        return done.returncode == 0

    def _psql(self, database):
        return ["-XAtq", "-v", "ON_ERROR_STOP=1", "-h", str(self.sockets), "-U", "photogate", "-d", database]

    def sql(self, statement, database="photogate"):
        """What psql prints for it, unaligned and without headings. From any thread."""
        if database != "photogate":
            return self._run("psql", *self._psql(database), "-c", statement).strip()
        while True:
            try:
                session = self._idle.pop()
            except IndexError:
                session = _Session([str(self.bindir / "psql"), *self._psql(database)], **self._as_its_user())
            answer = session.run(statement)
            if answer is not None:
                self._idle.append(session)
                return answer.strip()
            complaint, was_idle = session.complaint(), session.answered
            session.close()
            # A session that waited does not know that its server went meanwhile.
            if not (was_idle and re.search("terminating connection|closed the connection|connection to server was lost", complaint)):
                raise StackError(f"psql: {complaint}")

    def _end(self, first_signal, patience):
        while self._idle:
            self._idle.pop().close()
        super()._end(first_signal, patience)

    def databases(self):
        return self.sql("SELECT datname FROM pg_database", "postgres").splitlines()

    def create_database(self, name):
        """A database more, for a test that wants one to itself; its URL."""
        self._run("createdb", "-h", str(self.sockets), "-U", "photogate", name)
        return self.url_of(name)

    def stop(self, how="fast"):
        """`fast` ends sessions and writes a checkpoint; `immediate` leaves recovery to the next start."""
        self._end({"fast": signal.SIGINT, "immediate": signal.SIGQUIT}[how], 20)

    def kill(self):
        """kill -9 of the postmaster; its backends see that and leave."""
        self._end(signal.SIGKILL, 5)

    def remove(self):
        if self._short_sockets is not None:
            shutil.rmtree(self._short_sockets, ignore_errors=True)
        if not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)


@functools.cache
def blank_cluster():
    """A cluster that never ran, for stacks to begin with a copy of: who starts many needs one initdb. Gone with this process."""
    _sweep_temporary()
    folder, owner = _temporary_folder(), os.getpid()
    made = Postgres(folder / "postgres", folder / "postgres.log", keep=False)
    made.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    made._hand_over(made.folder)
    made.initialize()
    made._run("postgres", "--single", "-D", str(made.data), "postgres", input="CREATE DATABASE photogate\n")

    def remove():
        if os.getpid() == owner:  # not in a forked child
            made.remove()
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)
    return made.data


# --------------------------------------------------------------------------------------------------------- MinIO


def _minio_binary():
    tools = os.environ.get("PHOTOGATE_TOOLS") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "photogate", "bin")
    for candidate in (os.environ.get("PHOTOGATE_MINIO"), os.path.join(tools, "minio"), shutil.which("minio"),
                      os.path.expanduser("~/go/bin/minio")):
        if candidate and os.access(candidate, os.X_OK):
            return candidate
    raise StackError("MinIO is not installed: run scripts/install-stores")


class AccessKey:
    def __init__(self, access, secret):
        self.access = access
        self.secret = secret

    @classmethod
    def make(cls, role):
        return cls(f"{role}-{secrets.token_hex(5)}", secrets.token_hex(20))


def sign_v4(key, method, host, path, query, headers, body, region=REGION):
    """Headers for one request, signed as S3 has it (AWS Signature Version 4). `path` and `query` are decoded."""
    now = time.gmtime()
    moment, day = time.strftime("%Y%m%dT%H%M%SZ", now), time.strftime("%Y%m%d", now)
    payload = hashlib.sha256(body).hexdigest()
    signed = {**{k.lower(): v for k, v in headers.items()}, "host": host, "x-amz-date": moment,
              "x-amz-content-sha256": payload}
    names = ";".join(sorted(signed))
    canonical = "\n".join([
        method, urllib.parse.quote(path, safe="/-_.~"), encode_query(query),
        "".join(f"{name}:{signed[name]}\n" for name in sorted(signed)), names, payload])
    scope = f"{day}/{region}/s3/aws4_request"
    to_sign = "\n".join(["AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    signing = ("AWS4" + key.secret).encode()
    for step in (day, region, "s3", "aws4_request"):
        signing = hmac.new(signing, step.encode(), hashlib.sha256).digest()
    signature = hmac.new(signing, to_sign.encode(), hashlib.sha256).hexdigest()
    del signed["host"]
    signed["authorization"] = (f"AWS4-HMAC-SHA256 Credential={key.access}/{scope}, SignedHeaders={names}, "
                               f"Signature={signature}")
    return signed


def encode_query(query):
    pairs = sorted((urllib.parse.quote(k, safe="-_.~"), urllib.parse.quote(v, safe="-_.~")) for k, v in query.items())
    return "&".join(f"{k}={v}" for k, v in pairs)


class Minio(_Child):
    """One MinIO on one drive. Keys: `root`, `signer` (etc/minio/signer-policy.json), `worker` (worker-policy.json)."""

    name = "MinIO"
    death_signal = signal.SIGTERM

    incoming, public, originals = "incoming", "public", "originals"

    def __init__(self, folder, log, keep, events_url, events_token, signer_policy="photogate-signer", port=None):
        super().__init__(log)
        self.binary = _minio_binary()
        self.folder = pathlib.Path(folder)
        self.keep = keep
        self.events_url = events_url
        self.events_token = events_token
        self.signer_policy = signer_policy
        self.more_environment = {}  # for a test's own settings
        self._port_given = port is not None
        self.port = port
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.root, self.signer, self.worker = self._keys()

    def _keys(self):
        file = self.folder / "keys.json"
        roles = ("root", "signer", "worker")
        if file.exists():
            kept = json.loads(file.read_text())
            return [AccessKey(**kept[role]) for role in roles]
        made = [AccessKey.make(role) for role in roles]
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            json.dump({role: vars(key) for role, key in zip(roles, made)}, out)
        return made

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        if self.running:
            return
        for attempt in range(5):
            if self.port is None:
                self.port = free_port()
            self._launch()
            try:
                wait_until(self.ready, 60, "MinIO", lambda: self.running)
                break
            except StackError as error:
                died = not self.running
                self.stop()
                # Another process took the free port between asking for it and binding it.
                if died and not self._port_given and attempt < 4 and "address already in use" in _tail(self.log):
                    self.port = None
                    continue
                raise StackError(f"{error}\n{_tail(self.log)}") from None
        self._port_given = True  # from here on it is the address that others know
        self._set_up()

    def _launch(self):
        queue = self.folder / "events"
        queue.mkdir(mode=0o700, exist_ok=True)
        env = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": str(self.folder),
            "MINIO_ROOT_USER": self.root.access, "MINIO_ROOT_PASSWORD": self.root.secret,
            "MINIO_BROWSER": "off", "MINIO_UPDATE": "off",
        }
        for target in ("fast", "gw"):
            env |= {f"MINIO_NOTIFY_WEBHOOK_ENABLE_{target}": "on",
                    f"MINIO_NOTIFY_WEBHOOK_ENDPOINT_{target}": self.events_url,
                    f"MINIO_NOTIFY_WEBHOOK_AUTH_TOKEN_{target}": self.events_token}
        env["MINIO_NOTIFY_WEBHOOK_QUEUE_DIR_gw"] = str(queue)
        env |= self.more_environment
        self._spawn([self.binary, "server", "--quiet", "--address", f"127.0.0.1:{self.port}",
                     "--certs-dir", str(self.folder / "certs"), str(self.folder / "drive")], env=env)

    def ready(self):
        """/minio/health/cluster: live and ready say yes before the notification rules are loaded."""
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
            try:
                connection.request("GET", "/minio/health/cluster")
                return connection.getresponse().status == 200
            finally:
                connection.close()
        return False

    def call(self, method, path, query=None, body=b"", headers=None, key=None, accept=(200, 204)):
        """One signed request, as root unless `key` says otherwise: (status, body)."""
        headers, query = headers or {}, query or {}
        host = f"127.0.0.1:{self.port}"
        signed = sign_v4(key or self.root, method, host, path, query, headers, body)
        target = urllib.parse.quote(path, safe="/-_.~") + ("?" + encode_query(query) if query else "")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, target, body=body, headers=signed)
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        if accept is not None and response.status not in accept:
            raise StackError(f"MinIO: {method} {path}: {response.status} {answer[:400].decode(errors='replace')}")
        return response.status, answer

    def _set_up(self):
        for bucket in (self.incoming, self.public, self.originals):
            self.create_bucket(bucket)
        self.set_policies(self.signer_policy)
        rules = "".join(
            f"<QueueConfiguration><Id>{target}</Id><Queue>arn:minio:sqs::{target}:webhook</Queue>"
            "<Event>s3:ObjectCreated:*</Event><Filter><S3Key><FilterRule><Name>prefix</Name><Value>u/</Value></FilterRule>"
            "</S3Key></Filter></QueueConfiguration>" for target in ("fast", "gw"))
        self.call("PUT", f"/{self.incoming}", {"notification": ""},
                  f"<NotificationConfiguration>{rules}</NotificationConfiguration>".encode())

    def create_bucket(self, name):
        status, answer = self.call("PUT", f"/{name}", accept=None)
        if status != 200 and b"BucketAlreadyOwnedByYou" not in answer:
            raise StackError(f"MinIO: bucket {name}: {status} {answer[:400].decode(errors='replace')}")

    def set_policies(self, signer_policy="photogate-signer"):
        """Users and their policies, in one import. A test of the start-up proof gives the signer another policy, such as
        MinIO's own `readwrite`."""
        policies = {f"photogate-{role}": json.loads((POLICIES / f"{role}-policy.json").read_text())
                    for role in ("signer", "worker")}
        users = {key.access: {"secretKey": key.secret, "status": "enabled"} for key in (self.signer, self.worker)}
        mappings = {user: {"version": 1, "policy": policy, "updatedAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
                    for user, policy in ((self.signer.access, signer_policy), (self.worker.access, "photogate-worker"))}
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for name, content in (("policies", policies), ("users", users), ("user_mappings", mappings)):
                archive.writestr(f"iam-assets/{name}.json", json.dumps(content))
        self.call("PUT", "/minio/admin/v3/import-iam", body=packed.getvalue())

    def set_events(self, url, token):
        """Points both webhook targets elsewhere; they take effect at a restart, which this makes where it runs."""
        self.events_url, self.events_token = url, token
        if self.running:
            self.restart()

    def stop(self):
        self._end(signal.SIGTERM, 10)

    def kill(self):
        self._end(signal.SIGKILL, 5)

    def remove(self):
        if not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)


class Builtin:
    """The gateway's own store in the place of MinIO: a folder and a port. The gateway opens it, so there is nothing to start
    here; it lives and dies with the gateway. Keys: `signer`, `worker`, and `root`, which the store makes for itself."""

    name = "the built-in store"
    incoming, public, originals = "incoming", "public", "originals"

    def __init__(self, folder, keep):
        self.folder = pathlib.Path(folder)
        self.keep = keep
        self.port = free_port()
        self.signer, self.worker = AccessKey.make("signer"), AccessKey.make("worker")

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def root(self):
        kept = dict((role, AccessKey(access, secret)) for role, access, secret in
                    (line.split() for line in (self.folder / "keys").read_text().splitlines()))
        return kept["admin"]

    def start(self):
        pass

    def stop(self):
        pass

    def remove(self):
        if not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)


# --------------------------------------------------------------------------------------------------------- Stack


def _sweep_temporary():
    """Folders of stacks whose process was killed outright."""
    for folder in pathlib.Path(tempfile.gettempdir()).glob(TEMPORARY_PREFIX + "*"):
        with contextlib.suppress(OSError, ValueError):
            if folder.lstat().st_uid != os.geteuid() or folder.is_symlink():
                continue
            owner, started = (folder / "owner").read_text().split()
            if _started(int(owner)) != started:
                shutil.rmtree(folder, ignore_errors=True)


def _started(pid):
    """A process's start time: a pid alone may have come round again."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
    except OSError:
        return None


def _temporary_folder():
    folder = pathlib.Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX))
    os.chmod(folder, 0o711)
    (folder / "owner").write_text(f"{os.getpid()} {_started(os.getpid())}")
    return folder


class Stack:
    """PostgreSQL and an object store, started by `start()` or `with`, stopped at the end of it or of the process.

    store: "minio", or "builtin" for the gateway's own; either is found at `minio`, whose keys and buckets have the same names.

    var_dir: where data is kept over runs; None makes a temporary folder that is removed.
    blank: of blank_cluster(), where many stacks are started.
    events_url, events_token: where MinIO posts its events, and the bearer token it shows.
    """

    def __init__(self, var_dir=None, events_url=None, events_token=None, signer_policy="photogate-signer", minio_port=None,
                 store="minio", blank=None):
        self.keep = var_dir is not None
        if self.keep:
            self.folder = pathlib.Path(var_dir).resolve()
            self.folder.mkdir(parents=True, exist_ok=True)
        else:
            _sweep_temporary()
            self.folder = _temporary_folder()
        self._owner = os.getpid()
        self._closed = False
        self.events_token = events_token or secrets.token_hex(32)
        try:
            self.postgres = Postgres(self.folder / "postgres", self.folder / "postgres.log", self.keep, blank)
            if store == "builtin":
                self.minio = Builtin(self.folder / "store", self.keep)
            else:
                self.minio = Minio(self.folder / "minio", self.folder / "minio.log", self.keep,
                                   events_url or f"http://127.0.0.1:{free_port()}/v1/events/minio", self.events_token,
                                   signer_policy, minio_port)
        except BaseException:
            if not self.keep:
                shutil.rmtree(self.folder, ignore_errors=True)
            raise
        atexit.register(self.close)

    def start(self):
        try:
            self.postgres.start()
            self.minio.start()
        except BaseException:
            self.close()
            raise
        return self

    def close(self):
        """Stops both; idempotent, and nothing in a forked child."""
        if self._closed or os.getpid() != self._owner:
            return
        self._closed = True
        atexit.unregister(self.close)
        for part in (self.minio, self.postgres):
            part.stop()
            part.remove()
        if not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()

    def environment(self):
        """What tests/support/real_parts.hpp and the Python tests read."""
        minio = self.minio
        return {
            "PHOTOGATE_TEST_DATABASE_URL": self.postgres.url,
            "PHOTOGATE_TEST_S3_ENDPOINT": minio.endpoint,
            "PHOTOGATE_TEST_S3_REGION": REGION,
            "PHOTOGATE_TEST_S3_ROOT_ACCESS": minio.root.access, "PHOTOGATE_TEST_S3_ROOT_SECRET": minio.root.secret,
            "PHOTOGATE_TEST_S3_SIGNER_ACCESS": minio.signer.access, "PHOTOGATE_TEST_S3_SIGNER_SECRET": minio.signer.secret,
            "PHOTOGATE_TEST_S3_WORKER_ACCESS": minio.worker.access, "PHOTOGATE_TEST_S3_WORKER_SECRET": minio.worker.secret,
            "PHOTOGATE_TEST_S3_INCOMING": minio.incoming, "PHOTOGATE_TEST_S3_PUBLIC": minio.public,
            "PHOTOGATE_TEST_S3_ORIGINALS": minio.originals,
            "PHOTOGATE_TEST_EVENTS_URL": minio.events_url, "PHOTOGATE_TEST_EVENTS_TOKEN": minio.events_token,
        }


class Interrupted(BaseException):
    def __init__(self, number):
        super().__init__(signal.Signals(number).name)
        self.number = number


@contextlib.contextmanager
def interrupts():
    """Turns SIGTERM, SIGHUP and SIGINT into an Interrupted that unwinds `with` blocks."""
    def interrupt(number, _):
        for each in caught:
            signal.signal(each, signal.SIG_IGN)  # the clean-up is not to be cut short by a second one
        raise Interrupted(number)

    caught = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
    before = {number: signal.signal(number, interrupt) for number in caught}
    try:
        yield
    finally:
        for number, action in before.items():
            signal.signal(number, action)


def _execute(arguments):
    """Runs the command with the stack's environment; its exit code, or 128 + the signal that ended it."""
    child = None
    try:
        with interrupts(), Stack(arguments.var, arguments.events_url, arguments.events_token, arguments.signer_policy) as stack:
            child = subprocess.Popen(arguments.command, env={**os.environ, **stack.environment()},
                                     preexec_fn=_die_with_parent(os.getpid(), signal.SIGTERM))
            try:
                code = child.wait()
            except Interrupted as interrupted:
                child.send_signal(interrupted.number)
                try:
                    child.wait(10)
                except subprocess.TimeoutExpired:
                    child.kill()
                    child.wait()
                raise
            return code if code >= 0 else 128 - code
    except Interrupted as interrupted:
        return 128 + interrupted.number


def main():
    parser = argparse.ArgumentParser(description="A private PostgreSQL and MinIO for the time of one command.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    execute = verbs.add_parser("exec", help="run a command against a fresh stack and pass on its exit code")
    execute.add_argument("--var", help="keep the data in this folder")
    execute.add_argument("--events-url", help="where MinIO posts its events")
    execute.add_argument("--events-token", help="the bearer token that MinIO shows there")
    execute.add_argument("--signer-policy", default="photogate-signer", help="the signer's policy on MinIO")
    execute.add_argument("command", nargs=argparse.REMAINDER, help="-- COMMAND …")
    arguments = parser.parse_args()
    if arguments.command[:1] == ["--"]:
        del arguments.command[0]
    if not arguments.command:
        parser.error("no command given")
    try:
        return _execute(arguments)
    except FileNotFoundError as error:
        print(f"stack: {error}", file=sys.stderr)
        return 127
    except StackError as error:
        print(f"stack: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
