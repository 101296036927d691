#!/usr/bin/env python3
"""What clients that leave or stall cost the others. Prints a table; not part of bench/run.

    bench/edge.py [--build build/release] [--seconds 60] [waits] [readers]

waits:   100,000 aborted `?wait=60` of one client token in a minute, and what other requests take meanwhile, beside the same requests
         with nothing else going on, and with as many aborted requests that ask for no wait, in the same run.
readers: resident memory of the gateway with 1,000 readers of one public image that take nothing.
"""
import argparse
import contextlib
import os
import pathlib
import re
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.rig import pictures  # noqa: E402
from tests.rig.world import PROFILES, World  # noqa: E402

PER_SECOND = 100_000 / 60
LEAVERS = r"""
import socket, sys, time
port, rate, seconds, data = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), sys.argv[4].encode().decode("unicode_escape").encode()
started, sent = time.monotonic(), 0
while (now := time.monotonic()) - started < seconds:
    for _ in range(int((now - started) * rate) - sent):
        with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
            client.sendall(data)
        sent += 1
    time.sleep(0.002)
print(sent)
"""


def metric(gateway, name):
    text = gateway.request("GET", "/metrics", port=gateway.metrics_port)[2].decode()
    return sum(float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.M))


def resident(gateway):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{gateway.process.pid}/status").read_text())[1]) / 1024


def probe(gateway, path, key, seconds, rate=100):
    """Seconds that requests of others take, on kept connections: one is due every 10 ms however slow the one before."""
    data = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n\r\n".encode()
    client, took, started = None, [], time.monotonic()
    for number in range(int(seconds * rate)):
        time.sleep(max(0.0, started + number / rate - time.monotonic()))
        began = time.monotonic()
        client = client or socket.create_connection(("127.0.0.1", gateway.port), timeout=20)
        client.sendall(data)
        got = client.recv(65_536)
        took.append(time.monotonic() - began)
        if not got.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"another's request was answered {got[:80]!r}")
        if b"connection: close" in got.lower():
            client.close()
            client = None
    return sorted(took)


def figures(took):
    return f"p50 {1e3 * statistics.median(took):.2f} ms, p99 {1e3 * took[int(0.99 * len(took))]:.2f} ms"


def waits(world, seconds):
    gateway = world.gateway
    token = world.request("POST", "/v1/tokens", {"profile": "photos", "expires_in": 3600})[2]["token"]
    awaited = world.request("POST", "/v1/uploads", {"size": 10}, key=token)[2]["id"]
    path = f"/v1/uploads/{world.create({'size': 10})['id']}"
    data = rf"GET /v1/uploads/{awaited}?wait=60 HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n"
    plain = data.replace("?wait=60", "")
    probe(gateway, path, world.app.key, 3)

    def beside(what):
        leaving = subprocess.Popen([sys.executable, "-c", LEAVERS, str(gateway.port), str(PER_SECOND), str(seconds), what], stdout=subprocess.PIPE, text=True)
        took = probe(gateway, path, world.app.key, seconds - 1)
        sent = int(leaving.communicate()[0])
        time.sleep(1)
        return took, sent

    before = probe(gateway, path, world.app.key, seconds / 3)
    unwaited, _ = beside(plain)
    during, sent = beside(data)
    after = probe(gateway, path, world.app.key, seconds / 3)
    alone = sorted(before + after)

    def p99(took):
        return took[int(0.99 * len(took))]

    yield f"aborted waits of one token: {sent:,} in {seconds:.0f} s; others' p99 beside nothing else", f"{p99(during) / p99(alone):.2f} × (target ≤ 1.5 ×)"
    yield "… beside as many aborted requests that ask for no wait", f"{p99(during) / p99(unwaited):.2f} ×"
    yield "… others alone; beside those without a wait; beside the waits", f"{figures(alone)}; {figures(unwaited)}; {figures(during)}"
    yield "… seen to leave, refused for the token's limit, still waiting", " / ".join(
        f"{metric(gateway, name):,.0f}" for name in ("photogate_waits_abandoned_total", "photogate_waits_refused_total", "photogate_waits"))


def readers(world, _):
    gateway, count = world.gateway, 1_000
    upload = world.publish(pictures.noise(2000, 2000, seed=94))
    path = "/i/" + upload["links"]["image"].rsplit("/", 1)[1]
    for _ in range(20):
        assert gateway.request("GET", path)[0] == 200
    before, made, highest = resident(gateway), [], 0.0
    with contextlib.ExitStack() as held:
        for number in range(count):
            client = held.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)  # so that the kernel buffers little
            client.connect(("127.0.0.1", gateway.port))
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            made.append(client)
            if number % 50 == 0:
                highest = max(highest, resident(gateway))
        until = time.monotonic() + 8
        while time.monotonic() < until:
            highest = max(highest, resident(gateway))
            time.sleep(0.05)
        buffered, refused = metric(gateway, "photogate_image_buffer_bytes"), metric(gateway, "photogate_images_refused_total")
        open_files = len(os.listdir(f"/proc/{gateway.process.pid}/fd"))
    yield f"{count:,} readers that take nothing, of an image of {upload['image']['size'] / 1e6:.1f} MB: resident memory", f"{before:.0f} → {highest:.0f} MiB at its highest (target ≤ +64)"
    yield "… buffered, refused, files open", f"{buffered / 2**20:.0f} MiB, {refused:.0f}, {open_files}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default=str(ROOT / "build" / "release"))
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("what", nargs="*", default=["waits", "readers"])
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(16_384, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    os.environ["PHOTOGATE_SERVER_WRITE_TIMEOUT"] = "30s"
    os.environ["PHOTOGATE_SERVER_MAX_CONNECTIONS_PER_ADDRESS"] = "0"
    with tempfile.TemporaryDirectory() as folder:
        world = World(arguments.build, folder, PROFILES)
        try:
            world.gateway.start()
            print("| | figure |\n| --- | --- |")
            for name in arguments.what:
                for what, figure in {"waits": waits, "readers": readers}[name](world, arguments.seconds):
                    print(f"| {what} | {figure} |", flush=True)
        finally:
            world.close()


if __name__ == "__main__":
    main()
