"""PostgreSQL and an object store together, for as long as a test or a command needs them."""
import atexit
import contextlib
import functools
import os
import pathlib
import secrets
import shutil
import tempfile

from tests.rig.stack.builtin import Builtin
from tests.rig.stack.keys import REGION
from tests.rig.stack.minio import Minio
from tests.rig.stack.postgres import Postgres
from tests.rig.stack.process import free_port

TEMPORARY_PREFIX = "photogate-stack-"


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
