#!/usr/bin/env python3
"""What files that cost the most for their bytes cost a worker process, and another token's photo. Prints a table; not part of bench/run.

    bench/hostile.py [--build build/release] [--folder FILES] [each] [beside]

each:   the time from the stored file to its verdict, one file at a time, each of at most 1 MB.
beside: the time that photos of one token take, alone and while another token uploads such files of at most 64 KB without end, in the
        same run.

Files in FILES (say, an HEIC that no tool here writes) are measured as well.
"""
import argparse
import os
import pathlib
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.rig import pictures  # noqa: E402
from tests.rig.world import PROFILES, World  # noqa: E402

SMALL = 64_000


def vips(*words):
    subprocess.run(["vips", *map(str, words)], check=True, stdout=subprocess.DEVNULL)


class Maker:
    """Draws with vips into a folder of its own."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def path(self, name):
        return self.folder / name

    def flat(self, width, height):
        drawn = self.path(f"flat-{width}x{height}.v")
        if not drawn.exists():
            vips("black", self.path("b.v"), width, height, "--bands", 3)
            vips("copy", self.path("b.v"), drawn, "--interpretation", "srgb")
        return drawn

    def noise(self, width, height, sigma=60):
        drawn = self.path(f"noise-{width}x{height}-{sigma}.v")
        if not drawn.exists():
            vips("gaussnoise", self.path("n.v"), width, height, "--mean", 128, "--sigma", sigma)
            vips("cast", self.path("n.v"), self.path("c.v"), "uchar")
            vips("bandjoin", " ".join([str(self.path("c.v"))] * 3), self.path("j.v"))
            vips("copy", self.path("j.v"), drawn, "--interpretation", "srgb")
        return drawn

    def saved(self, drawn, name, options=""):
        vips("copy", drawn, f"{self.path(name)}{options}")
        return self.path(name).read_bytes()


def flat_png(side, interlaced=0):
    """Of one colour, written without drawing it."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer, row = zlib.compressobj(9), bytes(1 + 3 * side)
    rows = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, interlaced)) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def scans_jpeg(folder):
    subprocess.run([sys.executable, ROOT / "scripts" / "make-pictures", "--costly", folder], check=True, stdout=subprocess.DEVNULL)
    return (pathlib.Path(folder) / "scans.jpg").read_bytes()


def avif(world, jpeg):
    """Written by photogate: no other tool here does."""
    return world.image(world.publish(jpeg, {"profile": "avif"}))[2]


def costly(world, folder):
    """(what, bytes), each as expensive as its kind can be within 1 MB and the default limits."""
    make = Maker(folder)
    yield "AVIF, 16 MP of one colour", avif(world, make.saved(make.flat(4096, 4096), "flat16.jpg"))
    yield "AVIF, 2 MP of noise", avif(world, make.saved(make.noise(1600, 1200), "noise.jpg"))
    yield "AVIF, 0.1 MP of noise", avif(world, make.saved(make.noise(320, 320), "few.jpg"))
    yield "WebP, 80 MP of one colour", make.saved(make.flat(8900, 8900), "flat.webp", "[lossless,effort=0]")
    yield "WebP, 4 MP of noise", make.saved(make.noise(2048, 2048), "noise.webp", "[Q=10,effort=0]")
    yield "PNG, 64 MP of one colour", flat_png(8000)
    yield "JPEG, 200 MP of one colour", make.saved(make.flat(14_100, 14_100), "flat.jpg", "[Q=10]")
    yield "progressive JPEG, 49 MP of one colour", make.saved(make.flat(7000, 7000), "flat-progressive.jpg", "[Q=10,interlace]")
    yield "progressive JPEG of many scans", scans_jpeg(folder)
    yield "TIFF, 64 MP of one colour", make.saved(make.flat(8000, 8000), "flat.tif", "[compression=deflate,tile]")
    yield "animated WebP, 190 MP of one colour", make.saved(make.flat(1000, 190_000), "film.webp", "[page_height=1000,effort=0,lossless]")
    yield "animated WebP, 300 frames of noise", make.saved(make.noise(64, 64 * 300), "noisy.webp", "[page_height=64,Q=10,effort=0]")
    yield "GIF, 200 MP of one colour", make.saved(make.flat(1000, 200_000), "film.gif", "[page_height=1000,effort=1]")
    yield "GIF, 100 frames of noise", make.saved(make.noise(100, 100 * 100), "noisy.gif", "[page_height=100,effort=1]")


def judged(world, data, token):
    """Seconds from the stored file to its verdict, and the verdict."""
    created = world.request("POST", "/v1/uploads", {"size": len(data)}, key=token)[2]
    status, answer = world.send(created, data)
    if status not in (200, 201, 204):
        raise SystemExit(f"the store answered {status}: {answer}")
    began = time.monotonic()
    while True:
        upload = world.request("GET", f"/v1/uploads/{created['id']}?wait=20", key=token)[2]
        if upload["state"] in ("published", "rejected", "failed"):
            seconds = time.monotonic() - began
            return seconds, upload["state"] if upload["state"] == "published" else f"{upload['state']} ({upload['rejection']['code']})"
        if time.monotonic() - began > 300:
            raise SystemExit(f"no verdict: {upload}")


def token_of(world):
    return world.request("POST", "/v1/tokens", {"profile": "photos", "expires_in": 3600, "max_uploads": 10_000})[2]["token"]


def each(world, files):
    token = token_of(world)
    judged(world, pictures.photo(320, 240, seed=970), token)
    for what, data in files:
        seconds, verdict = min(judged(world, data, token) for _ in range(2))
        yield what, f"{len(data) / 1e3:,.0f} KB | {verdict} | {seconds:.2f} s (target ≤ 2)"


def beside(world, files):
    small = [(what, data) for what, data in files if len(data) <= SMALL]
    if not small:
        raise SystemExit("no file is small enough")
    hostile, honest, stop = token_of(world), token_of(world), threading.Event()
    photos = [pictures.photo(seed=971 + number) for number in range(4)]

    def times(count):
        return sorted(judged(world, photos[number % len(photos)], honest)[0] for number in range(count))

    sent = []

    def flood():
        while not stop.is_set():
            what, data = small[len(sent) % len(small)]
            created = world.request("POST", "/v1/uploads", {"size": len(data)}, key=hostile)[2]
            world.send(created, data)
            sent.append(what)
            while not stop.is_set() and int(world.sql("select count(*) from jobs")) > 20:
                stop.wait(0.2)

    times(4)
    alone = times(30)
    flooding = threading.Thread(target=flood, daemon=True)
    flooding.start()
    time.sleep(5)
    meanwhile = times(40)
    stop.set()
    flooding.join(30)
    late = meanwhile[-1] - statistics.median(alone)
    yield "photos of one token, alone", f" | | p50 {statistics.median(alone):.2f} s, worst {alone[-1]:.2f} s"
    yield f"… while another sends {len(small)} kinds of files of at most 64 KB, {len(sent)} in all", \
        f" | | p50 {statistics.median(meanwhile):.2f} s, worst {meanwhile[-1]:.2f} s: {late:+.2f} s at most (target ≤ +1)"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default=str(ROOT / "build" / "release"))
    parser.add_argument("--folder", type=pathlib.Path, help="further files")
    parser.add_argument("what", nargs="*", default=["each", "beside"])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        world = World(arguments.build, pathlib.Path(folder) / "world", PROFILES | {"avif": {"output": '"avif"', "max_edge": 4096, "quality": 40, "growth": '"accept"'}})
        try:
            world.gateway.start()
            files = list(costly(world, folder))
            files += [(path.stem, path.read_bytes()) for path in sorted(arguments.folder.iterdir())] if arguments.folder else []
            print(f"{os.cpu_count()} cores\n\n| file | bytes | verdict | figure |\n| --- | --- | --- | --- |")
            for name in arguments.what:
                for what, figure in {"each": each, "beside": beside}[name](world, files):
                    print(f"| {what} | {figure} |", flush=True)
        finally:
            world.close()


if __name__ == "__main__":
    main()
