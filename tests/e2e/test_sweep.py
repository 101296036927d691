"""Unreferenced objects are removed; a killed orphan collection is resumed; a dead worker's upload runs again in time."""
import os
import secrets
import subprocess
import time

import pytest
from test_crash_points import run_until_killed

from tests.rig import pictures
from tests.rig import stack as parts
from tests.rig.world import SHORT_LEASES

NOW = {"PHOTOGATE_WORKER_SWEEP_INTERVAL": "1s", "PHOTOGATE_WORKER_SWEEP_AGE": "1s"}


@pytest.fixture(scope="module")
def photo():
    return pictures.photo(320, 240, seed=71)


def plant(world, name=None):
    """An object in the public bucket that no row refers to; by its name a worker's that died before its commit."""
    name = name or f"p/{secrets.token_hex(13)}/{secrets.token_hex(8)}.jpg"
    world.stack.minio.call("PUT", f"/{world.stack.minio.public}/{name}", body=b"nobody's picture")
    return name


def is_there(world, name):
    status, *_ = world.stack.minio.call("GET", f"/{world.stack.minio.public}/{name}", accept=(200, 404))
    return status == 200


def sweep(world, *flags):
    return subprocess.run([world.gateway.program, "sweep", *flags, "--config", world.gateway.config], capture_output=True, text=True,
                          timeout=60, env={**os.environ, **world.gateway.environment, **NOW})


def test_dry_run_names_what_a_sweep_would_remove(own_world, photo):
    world = own_world()
    kept = world.publish(photo)
    orphan, alien = plant(world), plant(world, "index.html")
    parts.wait_until(lambda: orphan in sweep(world, "--dry-run").stdout, 60, "the orphan to be a second old")
    dry = sweep(world, "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert f"unreferenced  {world.stack.minio.public} {orphan}" in dry.stdout and f"unknown       {world.stack.minio.public} {alien}" in dry.stdout
    assert "0 removed" in dry.stdout and is_there(world, orphan)

    done = sweep(world)
    assert done.returncode == 0 and "1 removed" in done.stdout and "1 unknown" in done.stdout, done.stdout + done.stderr
    assert not is_there(world, orphan) and is_there(world, alien)
    assert world.image(kept)[0] == 200


@pytest.mark.kills
def test_cp17_resumes_sweep_after_kill(failpoint_world, photo):
    world = failpoint_world(extra=SHORT_LEASES)
    kept = [world.publish(photo) for _ in range(3)]
    world.gateway.kill()
    orphans = [plant(world) for _ in range(8)]
    world.sql("update rounds set due_at = now()")
    time.sleep(1.5)  # older than sweep_age
    world.gateway.environment |= NOW
    run_until_killed(world, "mid_sweeper=kill@3")
    left = [name for name in orphans if is_there(world, name)]
    assert len(left) == 5
    assert world.sql("select count(*) from sweeps where removed_at is null") == "8", "whose removal was under way is known"
    world.gateway.restart()
    parts.wait_until(lambda: not any(is_there(world, name) for name in left), 60, "the rest of the sweep")
    for upload in kept:
        assert world.image(upload)[0] == 200
    assert world.publish(photo)["state"] == "published"


@pytest.mark.slow
def test_reruns_upload_of_killed_worker_within_30_seconds(failpoint_world, photo):
    world = failpoint_world(extra="")  # the leases of a service: 60 s, and a look every 10 s: that the worker is gone is seen before
    world.gateway.stop()
    world.gateway.launch(environment={"PHOTOGATE_FAILPOINTS": "after_claim=kill@1"})
    world.gateway.wait_until_ready()
    other = world.another()
    created = world.upload(photo)
    parts.wait_until(lambda: not world.gateway.running(), 30, "the kill")
    other.start()
    parts.wait_until(lambda: world.sql(f"select state from uploads where id = '{created['id']}'") == "published", 90, "the second attempt")
    between = world.sql("select extract(epoch from max(at) - min(at)) from timeline "
                        f"where event = 'claimed' and subject_id = '{created['id']}'")
    assert 0 < float(between) <= 30, between
