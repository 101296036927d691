#!/usr/bin/env python3
"""Debian's Varnish for tests, with its own port and folder: etc/varnish/photogate.vcl in front of a gateway.

    python3 -m scripts.varnish        gets it, and prints where it is

    with Varnish(folder, gateway_port) as varnish:
        http.client.HTTPConnection("127.0.0.1", varnish.port)

It is unpacked instead of installed (unpacked.py), because installing would start one.
"""
import os
import pathlib

from scripts import unpacked
from scripts.nginx import listens
from tests.rig import stack as parts

CONFIGURATION = parts.ROOT / "etc" / "varnish" / "photogate.vcl"


def program():
    return unpacked.program("varnish", "usr/sbin/varnishd", "libvarnishapi3", "libjemalloc2")


class Varnish(parts.Child):
    """One varnishd with its own folder for all that it writes; `seconds`: how long an image is served without a question."""

    name = "varnish"

    def __init__(self, folder, gateway_port, seconds=60):
        self.folder = pathlib.Path(folder).absolute()
        self.folder.mkdir(parents=True, exist_ok=True)
        super().__init__(self.folder / "varnish.log")
        self.port = parts.free_port()
        text = CONFIGURATION.read_text()
        for theirs, ours in (('.port = "8080"', f'.port = "{gateway_port}"'), ("beresp.ttl = 1m", f"beresp.ttl = {seconds}s")):
            if theirs not in text:
                raise parts.StackError(f"{CONFIGURATION} no longer says {theirs!r}")
            text = text.replace(theirs, ours)
        self.configuration = self.folder / "photogate.vcl"
        self.configuration.write_text(text)

    def start(self):
        found = program()
        libraries = found.parent.parent / "lib" / f"{os.uname().machine}-linux-gnu"
        environment = os.environ | {"LD_LIBRARY_PATH": f"{libraries}:{libraries / 'varnish'}"}
        self._spawn([str(found), "-F", "-j", "none", "-n", str(self.folder / "work"), "-a", f"127.0.0.1:{self.port}", "-f", str(self.configuration),
                     "-s", "malloc,64m", "-p", f"vmod_path={libraries / 'varnish' / 'vmods'}", "-p", f"vcl_path={self.folder}"], env=environment)
        try:
            parts.wait_until(lambda: listens(self.port), 60, "Varnish", lambda: self.running)
        except parts.StackError as error:
            raise parts.StackError(f"{error}\n{parts.tail(self.log)}") from None
        return self

    def stop(self):
        self._end(15, 10)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


if __name__ == "__main__":
    print(program())


if __name__ == "__main__":
    print(program())
