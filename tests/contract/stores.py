#!/usr/bin/env python3
"""The stores that the contract suite runs over: MinIO and versitygw, each in a folder of its own.

    python3 -m tests.contract.stores exec -- PROGRAM ...

The built-in store needs no process: the suite opens it itself. Needs scripts/install-stores.
"""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
from tests.rig import stack  # noqa: E402


def _versitygw_binary():
    tools = os.environ.get("PHOTOGATE_TOOLS") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "photogate", "bin")
    for candidate in (os.path.join(tools, "versitygw"), shutil.which("versitygw"), os.path.expanduser("~/go/bin/versitygw")):
        if candidate and os.access(candidate, os.X_OK):
            return candidate
    raise stack.StackError("versitygw is not installed: run scripts/install-stores")


class Versitygw(stack.Child):
    """versitygw over a folder (its `posix` backend), with one account; `events_url`: where it posts its events, which must answer
    when it starts."""

    name = "versitygw"
    death_signal = signal.SIGTERM

    def __init__(self, folder, log):
        super().__init__(log)
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        self.port = stack.free_port()
        self.root = stack.AccessKey.make("root")
        self.buckets, self.events_url = ("incoming", "originals"), None

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        events = ["--event-webhook-url", self.events_url] if self.events_url else []
        self._spawn([_versitygw_binary(), "--port", f"127.0.0.1:{self.port}", "--region", stack.REGION, "--quiet", *events, "posix", str(self.folder)],
                    env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": str(self.folder.parent),
                         "ROOT_ACCESS_KEY": self.root.access, "ROOT_SECRET_KEY": self.root.secret})
        stack.wait_until(self._listens, 30, self.name, lambda: self.running)
        for bucket in self.buckets:
            (self.folder / bucket).mkdir(exist_ok=True)  # a folder is a bucket there

    def _listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        self._end(signal.SIGTERM, 5)


def environment(name, server, key):
    prefix = f"PHOTOGATE_CONTRACT_{name}"
    return {f"{prefix}_ENDPOINT": server.endpoint, f"{prefix}_ACCESS": key.access, f"{prefix}_SECRET": key.secret}


def run(command):
    with stack.interrupts(), tempfile.TemporaryDirectory(prefix="photogate-contract-") as folder:
        folder = pathlib.Path(folder)
        versitygw = Versitygw(folder / "versitygw", folder / "versitygw.log")
        minio = stack.Minio(folder / "minio", folder / "minio.log", False,
                            f"http://127.0.0.1:{stack.free_port()}/v1/events/minio", "unused")
        try:
            versitygw.start()
            minio.start()
            return subprocess.run(command, env={**os.environ, **environment("VERSITYGW", versitygw, versitygw.root),
                                                **environment("MINIO", minio, minio.root)}).returncode
        finally:
            minio.stop()
            versitygw.stop()


def main():
    if len(sys.argv) < 4 or sys.argv[1:3] != ["exec", "--"]:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        code = run(sys.argv[3:])
        return code if code >= 0 else 128 - code
    except stack.StackError as error:
        print(f"stores: {error}", file=sys.stderr)
        return 1
    except stack.Interrupted as interrupted:
        return 128 + interrupted.number


if __name__ == "__main__":
    sys.exit(main())
