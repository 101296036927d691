#!/usr/bin/env python3
"""Debian's HAProxy for tests, with its own ports and folder: etc/haproxy/haproxy.cfg in front of a gateway and its store.

    python3 -m scripts.haproxy        gets it, and prints where it is

    with in_front(folder, gateway="127.0.0.1:8080", store="127.0.0.1:9000") as haproxy:
        socket.create_connection(("127.0.0.1", haproxy.tls_port))

It is unpacked instead of installed (unpacked.py), because installing would start one.
"""
import json
import os
import pathlib

from scripts import unpacked
from scripts.nginx import listens, make_certificate
from tests.rig import stack as parts

CONFIGURATION = parts.ROOT / "etc" / "haproxy" / "haproxy.cfg"
LOG_FORMAT = """log-format '%ci [%tr] "%HM %[var(txn.path)]" %ST %B %Ta %Tr %ts'"""

BALANCER = "# tcp-request connection expect-proxy layer4 if { src 198.51.100.10 198.51.100.11 }"
FORWARDED = " forwarded:"
REQUESTS = """http-request set-var(txn.target) path
    http-response set-var(txn.upstream) status
    http-response set-var(txn.id) res.hdr(x-request-id)
    """ + LOG_FORMAT[:-1] + FORWARDED + (
    """{"method":"%HM","target":"%[var(txn.target),json(utf8s)]","server":"%s","upstream":"%[var(txn.upstream)]","id":"%[var(txn.id),json(utf8s)]"}'""")


def program():
    return unpacked.program("haproxy", "usr/sbin/haproxy", "liblua5.3-0", "libopentracing-c-wrapper0", "libopentracing1")


def environment():
    """In which program() finds the libraries that were unpacked with it."""
    libraries = program().parent.parent / "lib" / f"{os.uname().machine}-linux-gnu"
    return os.environ | {"LD_LIBRARY_PATH": str(libraries)}


class Haproxy(parts.Child):
    """One HAProxy with its own folder for all that it writes."""

    name = "haproxy"

    def __init__(self, folder, text, ports):
        super().__init__(pathlib.Path(folder) / "haproxy.log")
        self.folder, self.ports = pathlib.Path(folder), ports
        self.configuration = self.folder / "haproxy.cfg"
        self.configuration.write_text(text)

    def start(self):
        self._spawn([str(program()), "-db", "-f", str(self.configuration)], env=environment())
        try:
            for port in self.ports:
                parts.wait_until(lambda: listens(port), 60, "HAProxy", lambda: self.running)
        except parts.StackError as error:
            raise parts.StackError(f"{error}\n{parts.tail(self.log)}") from None
        return self

    def stop(self):
        self._end(15, 10)

    def requests(self):
        """What was forwarded, if in_front() was asked for it; `upstream` is the status of the answer, "-" without one."""
        lines = self.log.read_text(errors="replace").splitlines()
        found = [json.loads(line.split(FORWARDED, 1)[1]) for line in lines if FORWARDED in line]
        return [{**each, "target": "*" if each["target"] == "-" else each["target"]} for each in found]  # OPTIONS * has no path there

    def abandoned(self):
        """Requests whose client went before the answer."""
        return [line for line in self.requests() if line["server"] == "one" and line["upstream"] == "-"]

    def logged(self, _):
        """What the configuration itself logs, of the gateway and of the store."""
        return "".join(line.split(FORWARDED, 1)[0] + "\n" for line in self.log.read_text(errors="replace").splitlines())

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


def in_front(folder, gateway, store="127.0.0.1:9", requests=False, cdn="192.0.2.0/24", balancer=None):
    """etc/haproxy/haproxy.cfg as it stands, but for its addresses, certificate and log. `requests`: behind
    each line of the log is what was forwarded; `cdn`: the networks of a CDN before it; `balancer`: of one that speaks PROXY."""
    folder = pathlib.Path(folder).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    make_certificate(folder)
    (folder / "photos.example.pem").write_bytes((folder / "fullchain.pem").read_bytes() + (folder / "privkey.pem").read_bytes())
    plain, tls = parts.free_port(), parts.free_port()
    text = CONFIGURATION.read_text()
    for theirs, ours in {"log /dev/log local0": "log stdout len 16384 format raw local0", "maxconn 20000": "maxconn 4000", "127.0.0.1:8080\n": f"{gateway}\n", "127.0.0.1:9000\n": f"{store}\n",
                         "    bind :80\n    bind :::80 v6only\n": f"    bind 127.0.0.1:{plain}\n", "    bind :443 ": f"    bind 127.0.0.1:{tls} ",
                         "    bind :::443 v6only ssl crt /etc/haproxy/photos.example.pem alpn h2,http/1.1\n": "", "/etc/haproxy/": f"{folder}/",
                         "192.0.2.0/24": cdn, **({BALANCER: f"tcp-request connection expect-proxy layer4 if {{ src {balancer} }}"} if balancer else {}),
                         **({LOG_FORMAT: REQUESTS} if requests else {})}.items():
        if theirs not in text:
            raise parts.StackError(f"{CONFIGURATION} no longer says {theirs!r}")
        text = text.replace(theirs, ours)
    haproxy = Haproxy(folder, text, [plain, tls])
    haproxy.plain_port, haproxy.tls_port = plain, tls
    return haproxy


if __name__ == "__main__":
    print(program())
