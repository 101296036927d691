"""SIGKILL at each named step of an upload, then a restart: every upload ends once, reported and clean."""
import threading
import time

import pytest

from tests.rig import pictures, traffic
from tests.rig import stack as parts
from tests.rig.world import QUICK_ROUNDS, SHORT_LEASES

# Each is reached by plain traffic; the second time, so that something is under way.
POINTS = ["after_callback_claim", "after_create_commit", "before_create_answer", "before_observe_commit", "after_observe_commit", "after_claim", "mid_fetch", "after_image",
          "mid_public_put", "after_public_put", "after_publish_commit", "after_reject_commit", "after_original_copy", "after_original_removed",
          "after_callback_answer", "after_ended_leases", "mid_reap"]


def killed_at(world, point):
    return f"failpoint {point}: killed" in world.gateway.log_tail(400)


def run_until_killed(world, order, seconds=60):
    """The gateway with this order of failpoints, until it has died of it."""
    point = order.split("=")[0]
    world.gateway.log.write_text("")
    world.gateway.launch(environment={"PHOTOGATE_FAILPOINTS": order})
    parts.wait_until(lambda: not world.gateway.running(), seconds, f"the kill at {point}")
    assert killed_at(world, point), world.gateway.log_tail()


@pytest.mark.kills
def test_each_upload_ends_once_when_killed_between_any_two_steps(failpoint_world):
    world = failpoint_world(start=False, profiles={"photos": {"original": '"keep"', "rejected": '"quarantine"'}}, extra=SHORT_LEASES, witnessed=True)
    world.gateway.environment["PHOTOGATE_CALLBACKS_TIMEOUT"] = "1s"  # what a killed sender held is free after that and its lease's 13 s
    # The oldest are begun first after each restart: one upload may see more kills in a row than are held against it.
    world.gateway.environment["PHOTOGATE_WORKER_MAX_ATTEMPTS"] = "100"
    world.gateway.start()
    with traffic.Shop(world, seed=20261121, junk=0.3) as shop:
        shop.wait_for(5)
        world.gateway.kill()
        for point in POINTS:
            run_until_killed(world, f"{point}=kill@2")
        world.gateway.restart()
        shop.wait_for(5)
    shop.settle()
    world.witness.judge()


@pytest.mark.kills
def test_resumes_recovery_of_lost_events_after_kill(failpoint_world):
    world = failpoint_world(extra=SHORT_LEASES, witnessed=True)
    photo = pictures.photo(320, 240, seed=62)
    created = [world.create({"size": len(photo)}) for _ in range(6)]
    world.stack.minio.set_events("http://127.0.0.1:9/nobody", world.stack.events_token)
    world.gateway.kill()
    for each in created:
        traffic.put(world, each, photo)
    run_until_killed(world, "mid_reconcile=kill@3")
    world.gateway.restart()
    traffic.settle(world, [each["id"] for each in created])
    world.witness.judge()


@pytest.mark.kills
def test_takes_up_the_upload_of_a_killed_worker_long_before_its_lease_ends(failpoint_world):
    world = failpoint_world(extra=QUICK_ROUNDS, witnessed=True)
    assert "lease =" not in QUICK_ROUNDS, "the usual lease of a minute"
    photo = pictures.photo(320, 240, seed=64)
    created = world.create({"size": len(photo)})
    world.gateway.kill()
    traffic.put(world, created, photo)
    run_until_killed(world, "after_claim=kill@1")
    began = time.monotonic()
    world.gateway.restart()
    assert world.gateway.wait_for(created, 40)["state"] == "published"
    assert time.monotonic() - began < 40
    events = [entry["event"] for entry in world.request("GET", f"/v1/uploads/{created['id']}/timeline")[2]["data"]]
    assert "lease.lost" in events, events
    traffic.settle(world, [created["id"]])
    world.witness.judge()


@pytest.mark.kills
def test_resends_same_callback_when_killed_during_delivery(failpoint_world):
    world = failpoint_world(extra=SHORT_LEASES, witnessed=True)
    on_the_wire = threading.Event()

    def kill_first(_):
        if not on_the_wire.is_set():
            on_the_wire.set()
            world.gateway.kill()

    world.receiver.answer = kill_first
    created = world.upload(pictures.photo(320, 240, seed=63))
    assert on_the_wire.wait(30)
    parts.wait_until(lambda: not world.gateway.running(), 60, "the kill")
    world.gateway.restart()
    traffic.settle(world, [created["id"]])
    world.witness.judge()


def test_restarts_migration_after_kill(failpoint_world):
    world = failpoint_world(start=False)
    half = world.gateway.run("migrate", environment={"PHOTOGATE_FAILPOINTS": "mid_migration=kill@1"})
    assert half.returncode == -9 and "failpoint mid_migration: killed" in half.stderr
    world.gateway.start()
    assert world.publish(pictures.photo(320, 240, seed=64))["state"] == "published"


def test_rejects_misspelt_failpoint(failpoint_world):
    world = failpoint_world(start=False)
    refused = world.gateway.run("migrate", environment={"PHOTOGATE_FAILPOINTS": "mid_migratoin=kill"})
    assert refused.returncode == 2 and "mid_migratoin=kill" in refused.stderr


def test_release_build_ignores_failpoints(program):
    assert b"PHOTOGATE_FAILPOINTS" not in program.read_bytes()
