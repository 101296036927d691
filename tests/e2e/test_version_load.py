"""Versions that very many ask for: how often each is made, how many there can be, and what all of that costs in memory."""
import concurrent.futures
import contextlib
import http.client
import itertools
import pathlib
import random
import re
import socket

import pytest
from test_images import KIB, metric, path_of, stalled
from test_versions import rows

from tests.rig import pictures
from tests.rig import stack as parts

CROWD, READERS, REQUESTS, SIZES = 500, 200, 100_000, 1_000_000


def resident(gateway):
    """MiB."""
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{gateway.process.pid}/status").read_text())[1]) / 1024


def made(world, upload):
    return sum("version.made" in line and upload["id"] in line for line in world.gateway.log.read_text(errors="replace").splitlines())


def test_five_hundred_who_ask_at_once_for_one_new_size_have_it_made_once(builtin_world):
    world = builtin_world
    upload = world.publish(pictures.photo(1600, 1200, seed=980))
    with concurrent.futures.ThreadPoolExecutor(CROWD) as pool:
        answers = list(pool.map(lambda _: world.gateway.request("GET", path_of(upload) + "?width=960"), range(CROWD)))
    assert {status for status, _, _ in answers} == {200}
    assert len({body for _, _, body in answers}) == 1
    assert (made(world, upload), rows(world, upload)) == (1, 1)


def test_two_hundred_readers_of_a_version_that_stop_reading_cost_a_bounded_memory_and_delay_nobody(gateways, minio_world):
    gateway = gateways(image_buffers="4MiB", write_timeout="30s")
    upload = minio_world.publish(pictures.noise(1600, 1200, seed=981))
    path = path_of(upload) + "?width=1280&quality=90"
    status, _, whole = minio_world.gateway.request("GET", path)  # made by a gateway that works
    assert status == 200 and len(whole) > 500_000 and gateway.request("GET", path)[2] == whole
    before = resident(gateway)
    readers = stalled(gateway.port, path, READERS)
    try:
        parts.wait_until(lambda: metric(gateway, "photogate_image_buffer_bytes") > 0, 60, "the readers to be served")
        for _ in range(20):
            assert metric(gateway, "photogate_image_buffer_bytes") <= 4096 * KIB
            assert gateway.request("HEAD", path)[0] == 200
            assert resident(gateway) - before <= 32
    finally:
        for each in readers:
            each.close()
    parts.wait_until(lambda: metric(gateway, "photogate_image_buffer_bytes") == 0, 60, "the memory to be given back")
    assert gateway.request("GET", path)[2] == whole


def asked(world, targets):
    """Requests over one kept connection; how many were answered with each status."""
    counts = {}
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", world.gateway.port, timeout=60)) as client:
        for target in targets:
            client.request("GET", target)
            answer = client.getresponse()
            answer.read()
            counts[answer.status] = counts.get(answer.status, 0) + 1
    return counts


@pytest.mark.large
def test_memory_stays_flat_over_a_hundred_thousand_requests(own_world):
    world = own_world(store="builtin")
    paths = [path_of(world.publish(pictures.photo(1200, 900, seed=982 + number))) for number in range(4)]
    targets = [f"{path}?width={width}" for path in paths for width in (320, 640)]
    at = []
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for _ in range(10):
            share = REQUESTS // 10 // 8
            for counts in pool.map(lambda _: asked(world, itertools.islice(itertools.cycle(targets), share)), range(8)):
                assert counts == {200: share}
            at.append(resident(world.gateway))
    assert at[-1] <= at[1] * 1.05 + 2, at


def status_of(stream):
    """Of the next answer, whose body is read; None where the connection has ended."""
    first = stream.readline()
    if not first:
        return None
    length = 0
    while (line := stream.readline()) not in (b"\r\n", b""):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    stream.read(length)
    return int(first.split()[1])


def pipelined(world, path, seed, number):
    """As `asked`, eight at a time and of each answer one byte: nobody else could ask as fast."""
    dice = random.Random(seed)
    counts = {}
    while sum(counts.values()) < number:
        with contextlib.suppress(ConnectionError), socket.create_connection(("127.0.0.1", world.gateway.port), timeout=120) as client:
            stream, status = client.makefile("rb"), 0
            while status is not None and sum(counts.values()) < number:
                sizes = [f"width={dice.randrange(1, 65_536)}&height={dice.randrange(1, 65_536)}&fit={dice.choice(('cover', 'fill', 'inside'))}&dpr={dice.choice((1, 1.5, 3.999))}" for _ in range(8)]
                client.sendall(b"".join(f"GET {path}?{size} HTTP/1.1\r\nHost: localhost\r\nRange: bytes=0-0\r\n\r\n".encode() for size in sizes))
                for _ in sizes:
                    status = status_of(stream)
                    if status is None:
                        break
                    counts[status] = counts.get(status, 0) + 1
    return counts


@pytest.mark.large
def test_a_million_distinct_sizes_are_a_bounded_number_of_versions_and_a_bounded_memory(own_world):
    world = own_world(store="builtin", extra="[delivery]\nmax_versions_per_image = 50\n")
    upload = world.publish(pictures.photo(640, 480, seed=990))
    path = path_of(upload)
    sums, at = {}, []
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for turn in range(10):
            for counts in pool.map(lambda number, turn=turn: pipelined(world, path, 100 * turn + number, SIZES // 80), range(8)):
                for status, count in counts.items():
                    sums[status] = sums.get(status, 0) + count
            at.append(resident(world.gateway))
    assert set(sums) <= {206, 429, 503} and sum(sums.values()) >= SIZES, sums
    # The bound, what was begun at the same time, and the steps of the profile's ladder in both directions.
    assert rows(world, upload) <= 50 + 32 + 22
    assert at[-1] <= at[1] * 1.1 + 4, at
    assert int(world.sql("select count(*) from version_claims where lease_until is not null")) == 0
    assert world.gateway.request("GET", path + "?width=320&format=webp")[0] == 200
