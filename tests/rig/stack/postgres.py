"""A PostgreSQL cluster of its own, on a Unix socket alone, never run by root."""
import contextlib
import hashlib
import os
import pathlib
import pwd
import re
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
import time
import urllib.parse

from tests.rig.stack.process import Child, StackError, tail, wait_until

LONGEST_SOCKET_DIRECTORY = 80  # of the 107 bytes of sun_path, `/.s.PGSQL.5432.lock` takes some


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


class Postgres(Child):
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
                wait_until(self.ready, 60, "PostgreSQL", lambda: self.running)
                break
            except StackError as error:
                # After a kill -9 its backends hold the shared memory for a moment longer.
                if self.running or time.monotonic() > deadline:
                    self.stop()
                    raise StackError(f"{error}\n{tail(self.log)}") from None
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

    def is_plain(self):
        """Whether its settings and roles are those that it began with."""
        return self.sql("select (select count(*) from pg_settings where sourcefile like '%auto.conf') + (select count(*) from pg_roles where rolname !~ '^pg_') "
                        "+ (select count(*) from pg_replication_slots)", "postgres") == "1"

    def empty(self):
        """The one database, and nothing in it."""
        while self._idle:
            self._idle.pop().close()
        for name in set(self.databases()) - {"postgres", "template0", "template1"}:
            self.sql(f'drop database "{name}" with (force)', "postgres")
        self.create_database("photogate")

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
