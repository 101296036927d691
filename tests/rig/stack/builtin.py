"""The gateway's own store, in the place of MinIO."""
import pathlib
import shutil

from tests.rig.stack.keys import AccessKey
from tests.rig.stack.process import free_port


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
        kept = {role: AccessKey(access, secret) for role, access, secret in
                    (line.split() for line in (self.folder / "keys").read_text().splitlines())}
        return kept["admin"]

    def start(self):
        pass

    def stop(self):
        pass

    def remove(self):
        if not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)
