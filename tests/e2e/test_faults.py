"""Dependencies that stop, and a gateway that is killed between any two steps: each upload ends once, reported and clean."""
import random
import time

import pytest

from tests.rig import pictures
from tests.rig.losses import Traffic, assert_none_lost, until


@pytest.fixture
def photo():
    return pictures.photo(640, 480, seed=51)


@pytest.mark.kills
def test_loses_nothing_when_postgresql_is_away_for_ten_seconds(own_world, photo):
    world = own_world()
    with Traffic(world, lambda: photo) as traffic:
        until(lambda: len(traffic.acknowledged) > 10)
        world.stack.postgres.stop("immediate")
        status, headers, body = world.request("POST", "/v1/uploads", {"profile": "photos"})
        assert status == 503 and "retry-after" in headers, body
        assert world.gateway.request("GET", "/readyz")[0] == 503
        assert world.gateway.request("GET", "/livez")[0] == 200
        time.sleep(10)  # the outage itself
        world.stack.postgres.start()
        before = len(traffic.acknowledged)
        until(lambda: len(traffic.acknowledged) > before + 10)
    assert_none_lost(world, traffic.acknowledged)


@pytest.mark.kills
def test_loses_nothing_when_minio_is_away_for_ten_seconds(own_world, photo):
    world = own_world()
    with Traffic(world, lambda: photo) as traffic:
        until(lambda: len(traffic.acknowledged) > 10)
        world.stack.minio.kill()
        assert world.create()["state"] == "created", "granting needs no store"
        time.sleep(10)  # the outage itself
        world.stack.minio.start()
        before = len(traffic.acknowledged)
        until(lambda: len(traffic.acknowledged) > before + 10, 60)
    assert_none_lost(world, traffic.acknowledged)


@pytest.mark.kills
def test_loses_nothing_when_the_gateway_is_killed_repeatedly(own_world, photo):
    world = own_world(extra="[worker]\nreconcile_interval = 2\nreap_interval = 1\nlease = 6\n[imaging]\nwall_clock = 5\n")
    dice = random.Random(20261120)
    with Traffic(world, lambda: photo) as traffic:
        for _ in range(8):
            before = len(traffic.acknowledged)
            until(lambda: len(traffic.acknowledged) > before + 3, 60)
            time.sleep(dice.random())  # anywhere in the loop
            world.gateway.kill()
            world.gateway.restart()
    assert_none_lost(world, traffic.acknowledged)


def test_clean_stop_finishes_work_in_progress(own_world, photo):
    world = own_world()
    created = [world.upload(photo) for _ in range(8)]
    assert world.gateway.stop() == 0
    log = world.gateway.log_tail(400)
    assert "worker.released" not in log
    world.gateway.restart()
    assert_none_lost(world, [each["id"] for each in created])


def test_retries_failing_receiver_with_same_bytes(own_world, photo):
    world = own_world()
    world.receiver.answer = lambda callback: (500, {}, b"not now") if len(world.receiver.callbacks) < 2 else None
    upload = world.publish(photo)
    told = world.receiver.wait_for(lambda c: c.headers["webhook-id"] in [o.headers["webhook-id"] for o in world.receiver.callbacks[:2]]
                                   and world.receiver.callbacks.index(c) >= 2, 40)
    first = next(c for c in world.receiver.callbacks if c.headers["webhook-id"] == told.headers["webhook-id"])
    assert first.raw == told.raw
    status, _, page = world.request("GET", f"/v1/callbacks?upload={upload['id']}")
    assert status == 200 and {each["type"] for each in page["data"]} >= {"upload.received", "upload.published"}
    status, _, replayed = world.request("POST", f"/v1/callbacks/{page['data'][0]['id']}/replay")
    assert status == 202, replayed


def test_killed_decoder_costs_a_retry_but_not_the_gateway(own_world):
    import subprocess
    world = own_world()
    big = pictures.photo(4000, 3000, seed=52)
    created = world.upload(big)
    killed = subprocess.run(["pkill", "-9", "-P", str(world.gateway.process.pid), "photogate-imag"]).returncode
    upload = world.gateway.wait_for(created, 60)
    assert upload["state"] == "published" and killed == 0
    assert world.gateway.running()
