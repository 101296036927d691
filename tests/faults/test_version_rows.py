"""F66 to F68: versions of images while their parts misbehave. The proxy is between the program and a real MinIO."""
import concurrent.futures
import os
import re
import signal
import socket
import time

import pytest

from tests.rig import fault_proxy as faults
from tests.rig import pictures, traffic
from tests.rig import stack as parts
from tests.rig.imagers import has_a_picture, to_imagers
from tests.rig.world import QUICK_ROUNDS, SHORT_LEASES

PATIENCE = "[delivery]\nversion_timeout = 2\n"


def path_of(upload):
    return "/i/" + upload["links"]["image"].rsplit("/", 1)[1]


def look(world, upload, query):
    return world.gateway.request("GET", f"{path_of(upload)}?{query}")


def versions(world, upload):
    return int(world.sql(f"select count(*) from images where upload_id = '{upload['id']}' and role = 'version'"))


def metric(world, name):
    """The sum of a metric's series that begin so."""
    text = world.gateway.request("GET", "/metrics", port=world.metrics_port)[2].decode()
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if re.match(re.escape(name) + r"(\{| |$)", line) or line.startswith(name + " "))


def until_shown(world, upload, query, seconds=90):
    """Asks as a patient reader does; the answers until then, and the bytes."""
    refused = []
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        status, headers, body = look(world, upload, query)
        if status == 200:
            return refused, body
        refused.append((status, headers.get("retry-after")))
        time.sleep(min(float(headers.get("retry-after", 1)), 2))
    raise AssertionError(f"never shown: {refused[-5:]}")


def test_f66_worker_process_is_killed_with_a_version(row, witnessed):
    if os.geteuid() != 0:
        pytest.skip("needs root, to see which worker process has the picture")
    world = witnessed(extra=SHORT_LEASES)
    upload = world.publish(pictures.photo(1920, 1440, seed=77))
    kills, answers = 0, []
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for query in ("width=1600&format=avif", "width=1280&format=avif"):
            asked = [pool.submit(look, world, upload, query) for _ in range(4)]
            sent = 0
            ends = time.monotonic() + 30
            while not sent and time.monotonic() < ends:
                sent += to_imagers(world.gateway, signal.SIGKILL, has_a_picture)
            kills += sent
            answers += [each.result() for each in asked]
    refused = [(status, headers.get("retry-after")) for status, headers, _ in answers]
    for query in ("width=1600&format=avif", "width=1280&format=avif"):
        until_shown(world, upload, query)
    good = world.publish(pictures.photo(320, 240, seed=76))["state"]
    row.figure(f"{kills} kills: {len(refused)} requests were answered {sorted({status for status, _ in refused})}; both versions made afterwards, "
               f"{versions(world, upload)} stored; the next photo is {good}")
    row.hold(kills >= 2 and all(status == 200 or (status == 503 and after) for status, after in refused), "503 with Retry-After")
    row.hold(versions(world, upload) == 2 and good == "published", "each made once, uploads go on")
    traffic.settle(world)
    world.witness.judge()


def test_f67_store_misbehaves_while_versions_are_made(row, witnessed):
    world = witnessed(extra=QUICK_ROUNDS + PATIENCE)
    store = world.witness.store
    uploads = [world.publish(pictures.photo(640, 480, seed=60 + number)) for number in range(3)]
    told = {}
    for (name, fault), upload in zip((("slow", faults.stalled(1000, 5)), ("away", faults.slow_down()), ("other bytes", faults.garbled(3_000))), uploads):
        rule = store.rule(faults.gets("public"), fault)
        began = time.monotonic()
        status, headers, _ = look(world, upload, "width=320&format=webp")
        took = time.monotonic() - began
        row.hold(rule.hits >= 1 and status == 503 and headers.get("retry-after") and took < 4, f"{name}: 503 in time, with Retry-After")
        row.hold(versions(world, upload) == 0 or name == "slow", f"{name}: nothing is stored of it")
        store.heal()
        refused, body = until_shown(world, upload, "width=320&format=webp")
        told[name] = f"{status} after {took:.1f} s, then shown ({len(refused)} more refusals)"
    # And the object of a version: its PUT is answered with another ETag, or fails after it was stored.
    for query, fault in (("width=160", faults.wrong_etag()), ("width=240", faults.error_after_commit()), ("height=160", faults.reset("after"))):
        rule = store.rule(faults.puts("public"), fault, times=1)
        until_shown(world, uploads[0], query)
        row.hold(rule.hits == 1 and look(world, uploads[0], query)[0] == 200, f"{fault.name}: shown, and again")
        store.heal()
    row.figure("; ".join(f"{name}: {what}" for name, what in told.items()) + "; 3 versions whose PUT was answered wrongly are shown")
    traffic.settle(world)
    world.witness.judge()


def test_f68_clients_ask_for_versions_and_go_away(row, witnessed):
    world = witnessed(extra=QUICK_ROUNDS)
    store = world.witness.store
    upload = world.publish(pictures.photo(640, 480, seed=59))
    shown = world.gateway.request("GET", path_of(upload))[0]
    rule = store.rule(faults.gets("public"), faults.stalled(0, 6))
    gone = []
    for number in range(24):
        client = socket.create_connection(("127.0.0.1", world.port))
        client.sendall(f"GET {path_of(upload)}?width={200 + 10 * number}&height=160&fit=cover&format=webp HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        gone.append(client)
    parts.wait_until(lambda: metric(world, "photogate_version_requests") == len(gone), 60, "that all wait")
    for client in gone:
        client.close()
    began = time.monotonic()
    parts.wait_until(lambda: metric(world, "photogate_version_requests") == 0, 60, "that no place is taken any more")
    free = time.monotonic() - began
    begun = rule.hits
    parts.wait_until(lambda: metric(world, "photogate_versions_making") == 0, 30, "that nothing is under way")
    store.heal()
    dropped = metric(world, 'photogate_versions_total{result="dropped"}')
    row.figure(f"24 clients went: their places were free {free:.1f} s later; {begun} of 24 had been begun, {dropped:.0f} were dropped, {versions(world, upload)} stored")
    row.hold(shown == 200 and metric(world, "photogate_version_requests_left_total") == len(gone), "each is counted")
    row.hold(versions(world, upload) == 0 and dropped >= 1 and rule.hits <= begun + 1, "what was not begun is not made")
    until_shown(world, upload, "width=200&height=160&fit=cover&format=webp", 20)
    traffic.settle(world)
    world.witness.judge()
