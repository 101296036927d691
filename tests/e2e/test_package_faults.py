"""Packages while something is broken: the store, the database, or the reader's patience."""
import http.client
import socket
import threading

import pytest
from test_packages import download, pack, path_of, photos
from test_stored_packages import QUICK, state_of, unfinished, wait_for, wait_until_nothing_is_left
from test_waits import metric

from tests.rig import fault_proxy as faults
from tests.rig import stack as parts
from tests.rig.published import noise, publish, store_of

KIB = 1024
MIB = KIB * KIB


@pytest.fixture
def stored(own_world):
    return own_world(extra=QUICK, witnessed=True)


def parts_of(exchange):
    return exchange.method == "PUT" and "partNumber=" in exchange.target


def begun(world, package):
    parts.wait_until(lambda: state_of(world, package)["progress"]["bytes"] > 0 or state_of(world, package)["state"] == "ready", 60, "the first part")


def test_store_that_breaks_off_while_a_package_is_built_is_resumed(stored):
    made = publish(stored, [(f"{number}.jpg", noise(9 * MIB, 100 + number)) for number in range(5)])
    items = [each.id for each in made]
    whole = download(stored, pack(stored, {"items": items}))[2]
    store = stored.witness.store
    broken = store.rule(faults.gets("public"), faults.short(700 * KIB), times=6)
    refused = store.rule(parts_of, faults.slow_down(), times=2)
    package = wait_for(stored, pack(stored, {"items": items, "mode": "store"}), "ready")
    assert broken.hits == 6 and refused.hits == 2
    store.heal()
    assert download(stored, package)[2] == whole and unfinished(stored, package) == []


def test_bytes_that_are_others_than_were_laid_out_are_in_no_stored_package(stored):
    """Under the ETag that was recorded: the sum alone tells."""
    made = publish(stored, photos(4, 300 * KIB, seed=110))
    stored.witness.store.rule(faults.gets("public"), faults.garbled(100 * KIB), times=1)
    package = pack(stored, {"items": [each.id for each in made], "mode": "store"})
    failed = wait_for(stored, package, "failed")
    assert failed["failure"] == "store_checksum_mismatch" and [each["code"] for each in failed["failed_items"]] == ["store_checksum_mismatch"]
    wait_until_nothing_is_left(stored, package)


def test_entry_that_is_cut_by_the_border_of_two_parts_is_checked_too(stored):
    made = publish(stored, [("1.jpg", noise(10 * MIB, 115)), ("2.jpg", noise(30 * MIB, 116)), ("3.jpg", noise(MIB, 117))])
    stored.witness.store.rule(lambda exchange: faults.gets("public")(exchange) and made[1].key in exchange.path, faults.garbled(100 * KIB), times=1)
    package = pack(stored, {"items": [each.id for each in made], "mode": "store"})
    failed = wait_for(stored, package, "failed")
    assert failed["failure"] == "store_checksum_mismatch" and [each["upload"] for each in failed["failed_items"]] == [made[1].id]
    wait_until_nothing_is_left(stored, package)


def test_picture_that_is_overwritten_while_a_package_is_built_makes_it_fail(stored):
    made = publish(stored, [(f"{number}.jpg", noise(20 * MIB, 120 + number)) for number in range(4)])
    held = stored.witness.store.rule(lambda exchange: faults.gets("public")(exchange) and made[3].key in exchange.path, faults.slow_down())
    package = pack(stored, {"items": [each.id for each in made], "mode": "store"})
    parts.wait_until(lambda: held.hits > 0, 60, "the first try to read it")
    store_of(stored).put_object(Bucket=stored.stack.minio.public, Key=made[3].key, Body=noise(20 * MIB, "other"))
    stored.witness.store.heal()
    failed = wait_for(stored, package, "failed")
    assert [each["upload"] for each in failed["failed_items"]] == [made[3].id]
    wait_until_nothing_is_left(stored, package)


def test_database_that_restarts_while_a_package_is_built_is_waited_for(stored):
    made = publish(stored, [(f"{number}.jpg", noise(25 * MIB, 130 + number)) for number in range(4)])
    items = [each.id for each in made]
    whole = download(stored, pack(stored, {"items": items}))[2]
    package = pack(stored, {"items": items, "mode": "store"})
    begun(stored, package)
    stored.stack.postgres.restart()
    parts.wait_until(lambda: stored.request("GET", f"/v1/packages/{package['id']}")[0] == 200, 60, "the database")
    ready = wait_for(stored, package, "ready", seconds=120)
    assert download(stored, ready)[2] == whole and unfinished(stored, package) == []
    assert stored.sql(f"select type from callbacks where subject_id = '{package['id']}'") == "package.ready"


class Drip:
    """A reader that has a small window, and takes a byte now and then."""

    def __init__(self, world, package):
        self.connection = http.client.HTTPConnection("127.0.0.1", world.gateway.port, timeout=60)
        self.connection.connect()
        self.connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * KIB)
        self.connection.request("GET", path_of(package))
        self.answer = self.connection.getresponse()
        self.stopped = threading.Event()
        self.got = 0
        self.thread = threading.Thread(target=self.take)
        self.thread.start()

    def take(self):
        while not self.stopped.wait(1):
            self.got += len(self.answer.read(1))

    def close(self):
        self.stopped.set()
        self.thread.join(60)
        self.connection.close()


def test_readers_that_take_a_byte_a_second_cost_a_bounded_memory_and_delay_nobody(own_world):
    world = own_world()
    made = publish(world, photos(20, 1024 * KIB, seed=140))
    package = pack(world, {"items": [each.id for each in made]})
    whole = download(world, package)[2]
    before = metric(world.gateway, "process_resident_memory_bytes")
    drips = [Drip(world, package) for _ in range(16)]
    try:
        parts.wait_until(lambda: metric(world.gateway, "photogate_package_downloads_active") >= 16, 60, "the slow readers")
        for _ in range(3):
            assert download(world, package)[2] == whole
        assert metric(world.gateway, "photogate_package_buffer_bytes") <= 17 * MIB
        assert metric(world.gateway, "process_resident_memory_bytes") - before < 64 * MIB
        parts.wait_until(lambda: all(each.got >= 2 for each in drips), 60, "two bytes each")
    finally:
        for each in drips:
            each.close()
    parts.wait_until(lambda: metric(world.gateway, "photogate_package_downloads_active") == 0, 60, "their places")


def test_range_may_begin_anywhere_in_the_central_directory(own_world):
    world = own_world()
    made = publish(world, photos(300, 1 * KIB, seed=150))
    items = [each.id for each in made]
    package = pack(world, {"items": items})
    whole = download(world, package)[2]
    directory = whole.index(b"PK\x01\x02")
    second = whole.index(b"PK\x01\x02", directory + 4)
    last = whole.rindex(b"PK\x01\x02")
    for first in (directory - 1, directory, directory + 1, second - 1, second, second + 30, last, last + 45, len(whole) - 22, len(whole) - 1):
        status, headers, data = download(world, package, Range=f"bytes={first}-")
        assert status == 206 and data == whole[first:], first
    assert download(world, package, Range=f"bytes={directory}-{second}")[2] == whole[directory:second + 1]


def test_many_packages_of_one_app_do_not_keep_another_waiting(own_world):
    """One app has more to build than there are places, of a store that is slow; another's package is built meanwhile."""
    world = own_world(extra=QUICK, witnessed=True)
    made = publish(world, photos(4, 200 * KIB, seed=160))
    items = [each.id for each in made]
    theirs = publish(world, photos(1, 50 * KIB, seed=161), app="other", since=100)
    held = world.witness.store.rule(lambda exchange: faults.gets("public")(exchange) and theirs[0].key not in exchange.path, faults.stalled(1 * KIB, 3))
    for _ in range(40):
        pack(world, {"items": items, "mode": "store"})
    parts.wait_until(lambda: world.sql("select count(*) from packages where state = 'building'") != "0", 60, "the first one")
    package = pack(world, {"items": [theirs[0].id], "mode": "store"}, key=world.other.key)
    status, _, then = world.request("GET", f"/v1/packages/{package['id']}?wait=60", key=world.other.key)
    assert (status, then["state"]) == (200, "ready")
    left = world.sql("select count(*) from packages where app = 'shop' and state in ('queued', 'building')")
    assert int(left) > 0, "it did not wait for the others"
    assert held.hits > 0
    world.witness.store.heal()
    parts.wait_until(lambda: world.sql("select count(*) from packages where state in ('queued', 'building')") == "0", 120, "all packages")
