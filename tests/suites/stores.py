"""The stores that the suites run over: the built-in one, through a whole gateway, and MinIO beside it."""
import contextlib
import os
import signal
import socket

from tests.rig import stack as parts
from tests.rig.world import World, release_build
from tests.suites.runner import Store, empty, tool


class Minio(parts.Child):
    """MinIO with its root key alone, as `minio server FOLDER` starts it."""

    name = "minio"

    def __init__(self, folder):
        super().__init__(folder / "minio.log")
        self.folder = folder / "minio"
        self.folder.mkdir()
        self.port = parts.free_port()
        self.root = parts.AccessKey.make("root")

    def start(self):
        self._spawn([str(tool("minio")), "server", "--quiet", "--address", f"127.0.0.1:{self.port}", str(self.folder)],
                    env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": str(self.folder),
                         "MINIO_ROOT_USER": self.root.access, "MINIO_ROOT_PASSWORD": self.root.secret})
        parts.wait_until(self._listens, 30, self.name, lambda: self.running)

    def stop(self):
        self._end(signal.SIGTERM, 10)

    def _listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@contextlib.contextmanager
def both(folder):
    """{"builtin": Store, "minio": Store}, both without a bucket."""
    world, minio = None, Minio(folder)
    try:
        world = World(release_build(), folder / "gateway", store="builtin")
        world.gateway.start()
        minio.start()
        root = world.stack.minio.root
        stores = {"builtin": Store(world.stack.minio.endpoint, root.access, root.secret),
                  "minio": Store(f"http://127.0.0.1:{minio.port}", minio.root.access, minio.root.secret)}
        for store in stores.values():
            empty(store)
        yield stores
    finally:
        if world:
            world.close()
        minio.stop()
