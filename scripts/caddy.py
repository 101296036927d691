#!/usr/bin/env python3
"""Debian's Caddy for tests, with its own ports and folder.

    python3 -m scripts.caddy          gets it, and prints where it is

    with in_front(folder, gateway="127.0.0.1:8080", store="127.0.0.1:9000") as caddy:     # etc/caddy/Caddyfile
        socket.create_connection(("127.0.0.1", caddy.tls_port))

It is unpacked instead of installed (unpacked.py), because installing would start one on port 80.
"""
import os
import pathlib
import subprocess
import sys

from scripts import nginx, unpacked
from tests.rig import stack as parts

CONFIGURATION = parts.ROOT / "etc" / "caddy" / "Caddyfile"


def program():
    return unpacked.program("caddy", "usr/bin/caddy")


def environment(folder):
    """Nothing is read or written outside of the folder."""
    return {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder / "data"), "XDG_CONFIG_HOME": str(folder / "config")}


def run(folder, *words):
    """A command of Caddy's, to its end."""
    return subprocess.run([str(program()), *map(str, words)], capture_output=True, text=True, timeout=60, env=environment(pathlib.Path(folder).absolute()))


class Caddy(parts.Child):
    """One Caddy with its own folder for all that it writes."""

    name = "caddy"

    def __init__(self, folder, text, port):
        super().__init__(folder / "caddy.log")
        self.folder, self.tls_port = folder, port
        self.configuration = folder / "Caddyfile"
        self.configuration.write_text(text)

    def start(self):
        self._spawn([str(program()), "run", "--adapter", "caddyfile", "--config", str(self.configuration)], env=environment(self.folder))
        try:
            parts.wait_until(lambda: nginx.listens(self.tls_port), 60, "caddy", lambda: self.running)
        except parts.StackError as error:
            raise parts.StackError(f"{error}\n{parts.tail(self.log)}") from None
        return self

    def stop(self):
        self._end(15, 10)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


def in_front(folder, gateway, store="127.0.0.1:9"):
    """etc/caddy/Caddyfile as it stands, but for its addresses, and with a certificate of the folder's instead of one that Caddy fetches."""
    folder = pathlib.Path(folder).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    nginx.make_certificate(folder)
    port = parts.free_port()
    text = CONFIGURATION.read_text()
    own = f"\tbind 127.0.0.1\n\ttls {folder}/fullchain.pem {folder}/privkey.pem\n"
    for theirs, ours in (("\n{\n", "\n{\n\tadmin off\n\tauto_https disable_redirects\n"),
                         ("\nphotos.example {\n", f"\nphotos.example:{port} {{\n{own}"), ("\ns3.photos.example {\n", f"\ns3.photos.example:{port} {{\n{own}"),
                         ("reverse_proxy 127.0.0.1:8080 {", f"reverse_proxy {gateway} {{"), ("reverse_proxy 127.0.0.1:9000 {", f"reverse_proxy {store} {{")):
        if text.count(theirs) != 1:
            raise parts.StackError(f"{CONFIGURATION} no longer says {theirs!r} once")
        text = text.replace(theirs, ours)
    return Caddy(folder, text, port)


if __name__ == "__main__":
    print(program())
    sys.exit(0)
