#!/usr/bin/env python3
"""Debian's nginx for tests and benchmarks, with its own ports and folder.

    python3 -m scripts.nginx          gets it, and prints where it is

    with Nginx(folder, "http { … }"):                 # what a measurement wants
        …
    with in_front(folder, gateway="127.0.0.1:8080", store="127.0.0.1:9000") as nginx:     # etc/nginx/photogate.conf
        socket.create_connection(("127.0.0.1", nginx.tls_port))

It is unpacked instead of installed (unpacked.py), because installing would start one on port 80.
"""
import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys

from scripts import unpacked
from tests.rig import stack as parts

CONFIGURATION = parts.ROOT / "etc" / "nginx" / "photogate.conf"
CACHE = CONFIGURATION.with_name("photogate-cache.conf")
CACHE_LOCATION = CONFIGURATION.with_name("photogate-cache-location.conf")
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def program():
    return unpacked.program("nginx", "usr/sbin/nginx")


class Nginx(parts.Child):
    """One nginx with its own folder for all that it writes. `body` holds the contexts behind `events`; `workers` processes."""

    name = "nginx"

    def __init__(self, folder, body, ports, workers=1):
        super().__init__(pathlib.Path(folder) / "nginx.log")
        self.folder = pathlib.Path(folder).absolute()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ports = ports
        self.configuration = self.folder / "nginx.conf"
        user = "user root;\n" if os.geteuid() == 0 else ""
        self.configuration.write_text(
            f"{user}daemon off;\nworker_processes {workers};\npid {self.folder}/nginx.pid;\nerror_log {self.folder}/error.log info;\n"
            f"events {{ worker_connections 4096; }}\n{body}\n")

    def start(self):
        self._spawn([str(program()), "-e", str(self.folder / "error.log"), "-p", str(self.folder), "-c", str(self.configuration)])
        try:
            for port in self.ports:
                parts.wait_until(lambda: listens(port), 60, "nginx", lambda: self.running)
        except parts.StackError as error:
            raise parts.StackError(f"{error}\n{parts.tail(self.log)}\n{parts.tail(self.folder / 'error.log')}") from None
        return self

    def stop(self):
        self._end(15, 10)

    def requests(self):
        """What a log of in_front() has, whose `log_format` is JSON."""
        return [json.loads(line) for line in (self.folder / "requests.log").read_text().splitlines()]

    def abandoned(self):
        """Requests whose client went before the answer; nginx waits for it."""
        return []

    def logged(self, name):
        """The access log of that name."""
        return (self.folder / f"{name}.log").read_text()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


def listens(port):
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    return False


def temporary_paths(folder):
    """For the `http` context: nothing is written outside of the folder."""
    return "".join(f"{each}_temp_path {folder}/{each};\n" for each in TEMPORARY)


def make_certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=photos.example", "-addext", "subjectAltName=DNS:photos.example,DNS:s3.photos.example",
                    "-keyout", str(folder / "privkey.pem"), "-out", str(folder / "fullchain.pem")], check=True, capture_output=True)


def in_front(folder, gateway, store="127.0.0.1:9", log_format=None, cdn="192.0.2.0/24"):
    """etc/nginx/photogate.conf as it stands, but for its addresses, certificates and log folder. `log_format`: one more log,
    `requests.log`, of what goes to the gateway; `cdn`: the networks of a CDN before it."""
    folder = pathlib.Path(folder).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    make_certificate(folder)
    plain, tls = parts.free_port(), parts.free_port()
    text = CONFIGURATION.read_text()
    also = f"\n    access_log {folder}/requests.log requests;" if log_format else ""
    for theirs, ours in (("server 127.0.0.1:8080;", f"server {gateway};"), ("http://127.0.0.1:9000;", f"http://{store};"),
                         ("listen 80;", f"listen 127.0.0.1:{plain};"), ("    listen [::]:80;\n", ""),
                         ("listen 443 ssl http2;", f"listen 127.0.0.1:{tls} ssl http2;"), ("    listen [::]:443 ssl http2;\n", ""),
                         ("/etc/letsencrypt/live/photos.example/", f"{folder}/"), ("/etc/letsencrypt/live/s3.photos.example/", f"{folder}/"),
                         ("access_log /var/log/nginx/photogate.log photogate;", f"access_log /var/log/nginx/photogate.log photogate;{also}"),
                         ("192.0.2.0/24", cdn), ("/var/log/nginx/", f"{folder}/")):
        if theirs not in text and "s3.photos.example/" not in theirs:
            raise parts.StackError(f"{CONFIGURATION} no longer says {theirs!r}")
        text = text.replace(theirs, ours)
    more = f"log_format requests escape=json '{log_format}';\n" if log_format else ""
    nginx = Nginx(folder, f"http {{\n{temporary_paths(folder)}{more}{text}}}\n", [plain, tls])
    nginx.plain_port, nginx.tls_port = plain, tls
    return nginx


def caching(folder, gateway, seconds=60):
    """Images from its cache: etc/nginx/photogate-cache.conf and its location as they stand, but for the folder and how long
    an image is served without a question; on one plain port, `port`."""
    folder = pathlib.Path(folder).absolute()
    port = parts.free_port()
    text, location = CACHE.read_text(), CACHE_LOCATION.read_text()
    for theirs, ours in (("/var/cache/nginx/photogate", f"{folder}/cache"), ("proxy_cache_valid 200 1m;", f"proxy_cache_valid 200 {seconds}s;")):
        if theirs not in text + location:
            raise parts.StackError(f"etc/nginx no longer says {theirs!r}")
        text, location = text.replace(theirs, ours), location.replace(theirs, ours)
    nginx = Nginx(folder, f"http {{\n{temporary_paths(folder)}access_log off;\nupstream photogate {{ server {gateway}; keepalive 16; }}\n{text}\n"
                          f"server {{ listen 127.0.0.1:{port}; {location}\n }} }}\n", [port])
    nginx.port = port
    return nginx


if __name__ == "__main__":
    print(program())
    sys.exit(0)
