"""Parts that stop, and a gateway that is killed between any two steps: each upload ends once, told, and clean."""
import random
import threading
import time

import pytest

import local_gateway
import pictures
import stack as parts

FINAL = ("published", "rejected", "failed")


class Traffic:
    """Clients that keep uploading; what the store acknowledged must end."""

    def __init__(self, world, photo, clients=3):
        self.world, self.photo = world, photo
        self.acknowledged, self.errors = [], 0
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._client, daemon=True) for _ in range(clients)]

    def _client(self):
        while not self._stop.is_set():
            try:
                created = self.world.create({"size": len(self.photo)})
                if local_gateway.send(created["upload"], self.photo)[0] == 200:
                    self.acknowledged.append(created["id"])
            except (OSError, RuntimeError, ValueError):
                self.errors += 1
                time.sleep(0.05)
            time.sleep(0.02)

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(120)


def assert_none_lost(world, acknowledged, seconds=150):
    deadline = time.monotonic() + seconds
    states = {}
    for identity in acknowledged:
        states[identity] = world.gateway.wait_for(identity, max(1, deadline - time.monotonic()))["state"]
    assert set(states.values()) <= {"published"}, states
    for identity in acknowledged:
        for kind in ("upload.received", "upload.published"):
            world.receiver.wait_for_upload(identity, kind, max(1, deadline - time.monotonic()))
        for kind in ("upload.received", "upload.published"):
            told = world.receiver.of(identity, kind)
            assert len({c.body["id"] for c in told}) == 1, "one message"
            assert len({c.raw for c in told}) == 1, "the same bytes at each attempt"
        assert len({c.body["data"]["image"]["url"] for c in world.receiver.of(identity, "upload.published")}) == 1
    # Nothing private in the public bucket: every object there is a published image of an upload.
    known = set(world.sql("select image_key from uploads where image_key is not null").split())
    assert set(public_keys(world)) <= known


def public_keys(world):
    import boto3
    minio = world.stack.minio
    client = boto3.client("s3", endpoint_url=minio.endpoint, aws_access_key_id=minio.root.access, aws_secret_access_key=minio.root.secret,
                          region_name="us-east-1")
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=minio.public)
    return [each["Key"] for page in pages for each in page.get("Contents", [])]


def until(condition, seconds=30):
    parts.wait_until(condition, seconds, "traffic")


@pytest.fixture
def photo():
    return pictures.photo(640, 480, seed=51)


@pytest.mark.slow
def test_PostgreSQL_away_for_ten_seconds_loses_nothing(own_world, photo):
    world = own_world()
    with Traffic(world, photo) as traffic:
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


@pytest.mark.slow
def test_MinIO_away_for_ten_seconds_loses_nothing(own_world, photo):
    world = own_world()
    with Traffic(world, photo) as traffic:
        until(lambda: len(traffic.acknowledged) > 10)
        world.stack.minio.kill()
        assert world.create()["state"] == "created", "granting needs no store"
        time.sleep(10)  # the outage itself
        world.stack.minio.start()
        before = len(traffic.acknowledged)
        until(lambda: len(traffic.acknowledged) > before + 10, 60)
    assert_none_lost(world, traffic.acknowledged)


@pytest.mark.slow
def test_The_gateway_killed_again_and_again_loses_nothing(own_world, photo):
    world = own_world(extra="[worker]\nreconcile_interval = 2\nreap_interval = 1\nlease = 6\n[imaging]\nwall_clock = 5\n")
    dice = random.Random(20261120)
    with Traffic(world, photo) as traffic:
        for _ in range(8):
            before = len(traffic.acknowledged)
            until(lambda: len(traffic.acknowledged) > before + 3, 60)
            time.sleep(dice.random())  # anywhere in the loop
            world.gateway.kill()
            world.gateway.restart()
    assert_none_lost(world, traffic.acknowledged)


def test_A_clean_stop_finishes_what_is_under_way(own_world, photo):
    world = own_world()
    created = [world.upload(photo) for _ in range(8)]
    assert world.gateway.stop() == 0
    log = world.gateway.log_tail(400)
    assert "worker.released" not in log
    world.gateway.restart()
    assert_none_lost(world, [each["id"] for each in created])


def test_A_receiver_that_fails_is_tried_again_with_the_same_bytes(own_world, photo):
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


def test_Decoder_killed_at_work_costs_a_retry_not_the_gateway(own_world):
    import subprocess
    world = own_world()
    big = pictures.photo(4000, 3000, seed=52)
    created = world.upload(big)
    killed = subprocess.run(["pkill", "-9", "-P", str(world.gateway.process.pid), "photogate-imag"]).returncode
    upload = world.gateway.wait_for(created, 60)
    assert upload["state"] == "published" and killed == 0
    assert world.gateway.running()
