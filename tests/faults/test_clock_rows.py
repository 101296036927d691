"""F29 and F30: a gateway whose wall clock is wrong, or is set back while it works. PostgreSQL, the store and the clients have the right time."""
import calendar
import pathlib
import random
import struct
import subprocess
import threading
import time
import urllib.parse

import pytest

from tests.rig import fault_proxy as faults
from tests.rig import pictures, traffic
from tests.rig import stack as parts
from tests.rig.world import SHORT_LEASES

HERE = pathlib.Path(__file__).resolve().parent


@pytest.fixture
def photo():
    return pictures.photo(320, 240, seed=79)


class ShiftedClock:
    """Sets the wall-clock offset of one gateway, immediately."""

    def __init__(self, folder, gateway):
        library, self.file = folder / "shifted_clock.so", folder / "shift"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, HERE / "shifted_clock.c", "-ldl"], check=True)
        self.set(0)
        gateway.environment |= {"LD_PRELOAD": str(library), "SHIFTED_CLOCK": str(self.file)}
        gateway.environment["PHOTOGATE_CALLBACKS_BREAKER_AFTER"] = "0"  # receivers refuse what bears a wrong time
        # The sanitizer's own library wants to be the first.
        gateway.environment["ASAN_OPTIONS"] = gateway.environment.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"

    def set(self, seconds):
        packed = struct.pack("=q", int(seconds * 1_000_000_000))
        if self.file.exists():
            with open(self.file, "r+b") as file:
                file.write(packed)
        else:
            self.file.write_bytes(packed)


def grant_s_end(created):
    """Until when the store takes a grant, by its own clock."""
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(created["upload"]["url"]).query))
    return calendar.timegm(time.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ")) + int(query["X-Amz-Expires"])


class Repeated:
    """What receivers refuse for its timestamp is repeated at once, not after minutes."""

    def __init__(self, world):
        self.world, self.over = world, threading.Event()
        self.thread = threading.Thread(target=self.go_on, daemon=True)

    def go_on(self):
        while not self.over.wait(0.5):
            self.world.sql("update callbacks set next_attempt_at = now() - interval '2 hours' where state = 'waiting' and attempts > 0 and lease_token is null")

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join(10)


def refused_callbacks(world):
    return int(world.sql("select count(*) from callback_attempts where status >= 400"))


def leases_lost(world):
    return int(world.sql("select count(*) from timeline where event = 'lease.lost'"))


def test_f29_gateway_clock_is_an_hour_off(row, witnessed, tmp_path, photo):
    for hours in (1, -1):
        world = witnessed(start=False, extra=SHORT_LEASES)
        clock = ShiftedClock(tmp_path, world.gateway)
        clock.set(3600 * hours)
        beside = world.another()  # its clock is right
        beside.environment.pop("LD_PRELOAD", None)
        world.gateway.start()
        beside.start()
        asked = time.time()
        created = world.create({"size": len(photo), "expires_in": 600})
        error = grant_s_end(created) - (asked + 600)
        traffic.put(world, created, photo)
        with traffic.Shop(world, row.seed + hours, customers=3) as shop:
            shop.wait_for(20)
        for identity in (*shop.acknowledged, created["id"]):
            world.gateway.wait_for(identity)
        refused = refused_callbacks(world)
        clock.set(0)
        with Repeated(world):
            traffic.settle(world, [*shop.acknowledged, created["id"]])
        world.witness.judge()
        lost = leases_lost(world)
        row.figure(f"{hours:+d} h, beside a gateway with the correct clock: {len(shop.acknowledged)} objects ended, {lost} leases lost; a grant of 600 s ends "
                   f"{abs(error):.1f} s off, by the store's clock; receivers refused {refused} callbacks for their time")
        row.hold(lost == 0, "0 lease errors")
        row.hold(abs(error) <= 2, "a grant lasts as long as was asked")


def test_f30_gateway_clock_steps_back(row, witnessed, tmp_path, photo):
    world = witnessed(start=False, extra=SHORT_LEASES)
    clock = ShiftedClock(tmp_path, world.gateway)
    dice, steps = random.Random(row.seed), 0
    world.gateway.start()
    held = world.witness.store.rule(faults.puts("public"), faults.Fault("held back", delay=9), times=2)  # longer than a lease
    uploads = [world.upload(photo) for _ in range(2)]
    parts.wait_until(lambda: held.hits >= 2, 60, "work in its hands")
    beside = world.another()  # its clock is right: it would take what it believes lost
    beside.environment.pop("LD_PRELOAD", None)
    beside.start()
    for seconds in (-3600, 3600):
        clock.set(seconds)
        steps += 1
        time.sleep(2)  # the time between the steps
    with Repeated(world):
        traffic.settle(world, [each["id"] for each in uploads])
    attempts = int(world.sql("select max((detail::json->>'attempt')::int) from timeline where event = 'claimed'"))
    clock.set(0)
    with Repeated(world), traffic.Shop(world, row.seed, customers=3) as shop:
        shop.wait_for(5)
        for _ in range(20):
            clock.set(dice.choice((-3600, -60, -1, 0, 1, 60, 3600)))
            steps += 1
            time.sleep(0.7)  # the time between the steps
        clock.set(0)
        shop.wait_for(5)
    with Repeated(world):
        shop.settle()
    world.witness.judge()
    lost = leases_lost(world)
    row.figure(f"{steps} steps of up to an hour, back and forth, two of them in the middle of a lease: {lost} leases lost, {attempts} attempt each; "
               f"{len(uploads) + len(shop.acknowledged)} objects ended")
    row.hold(lost == 0 and attempts == 1, "0 leases reaped early")
