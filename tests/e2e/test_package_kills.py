"""SIGKILL at each step of building a stored package, then another gateway: it is finished once, told once, and nothing is left over."""
import pytest
from test_crash_points import killed_at
from test_packages import download, pack
from test_stored_packages import objects_of, state_of, unfinished, wait_for, wait_until_nothing_is_left

from tests.rig import stack as parts
from tests.rig.published import noise, publish
from tests.rig.world import SHORT_LEASES

MIB = 1024 * 1024
# In the order in which they are reached.
STEPS = ["after_package_begun", "after_package_multipart", "after_package_part", "before_package_completed", "after_package_completed",
         "before_package_commit", "after_package_commit"]


@pytest.fixture(scope="module")
def files():
    return [(f"{number}.jpg", noise(20 * MIB, 80 + number)) for number in range(4)]


def kill_while(world, order, act):
    """Starts a gateway with this order of failpoints, lets it `act`, and waits for it to die of it; what `act` gave back."""
    world.gateway.log.write_text("")
    world.gateway.launch(environment={"PHOTOGATE_FAILPOINTS": order})
    world.gateway.wait_until_ready()
    result = act()
    point = order.split("=")[0]
    parts.wait_until(lambda: not world.gateway.running(), 60, f"the kill at {point}")
    assert killed_at(world, point), world.gateway.log_tail()
    return result


def told(world, package):
    return world.sql(f"select type from callbacks where subject_id = '{package['id']}'").split()


@pytest.mark.kills
@pytest.mark.parametrize("step", STEPS)
def test_package_is_finished_once_by_the_next_gateway(failpoint_world, files, step):
    world = failpoint_world(extra=SHORT_LEASES)
    items = [each.id for each in publish(world, files)]
    whole = download(world, pack(world, {"items": items}))[2]
    world.gateway.stop()
    package = kill_while(world, f"{step}=kill@1", lambda: pack(world, {"items": items, "mode": "store"}))
    other = world.another()
    other.start()
    world.gateway = other
    ready = wait_for(world, package, "ready", seconds=120)
    assert objects_of(world, package) == [(f"z/{package['id']}.zip", len(whole))] and unfinished(world, package) == []
    assert download(world, ready)[2] == whole
    parts.wait_until(lambda: told(world, package) == ["package.ready"], 60, "the callback")
    parts.wait_until(lambda: world.receiver.of(package["id"]) != [], 60, "its delivery")
    assert len({each.headers["webhook-id"] for each in world.receiver.of(package["id"])}) == 1
    parts.wait_until(lambda: world.sql("select count(*) from jobs where kind = 'build_package'") == "0", 60, "the job's end")


@pytest.mark.kills
@pytest.mark.parametrize("step", STEPS[:5])
def test_package_that_is_deleted_after_a_kill_leaves_nothing(failpoint_world, files, step):
    world = failpoint_world(extra=SHORT_LEASES)
    items = [each.id for each in publish(world, files)]
    world.gateway.stop()
    package = kill_while(world, f"{step}=kill@1", lambda: pack(world, {"items": items, "mode": "store"}))
    api = world.another(role="serve")
    api.start()
    first, world.gateway = world.gateway, api
    assert world.request("DELETE", f"/v1/packages/{package['id']}")[0] == 200
    worker = world.another(role="work")
    worker.start()
    parts.wait_until(lambda: world.sql("select count(*) from jobs where kind = 'build_package'") == "0", 120, "the job's end")
    wait_until_nothing_is_left(world, package, 60)
    assert told(world, package) == [] and world.sql(f"select object_key from packages where id = '{package['id']}'") == ""
    world.gateway = first


@pytest.mark.kills
def test_removal_of_a_package_goes_on_after_a_kill(failpoint_world, files):
    world = failpoint_world(extra=SHORT_LEASES)
    package = wait_for(world, pack(world, {"items": [each.id for each in publish(world, files[:1])], "mode": "store"}), "ready")
    world.gateway.stop()
    kill_while(world, "after_package_removed=kill@1", lambda: world.request("DELETE", f"/v1/packages/{package['id']}"))
    world.gateway.restart()
    parts.wait_until(lambda: world.sql(f"select object_key from packages where id = '{package['id']}'") == "", 60, "the row's end")
    wait_until_nothing_is_left(world, package)
    assert state_of(world, package)["state"] == "deleted" and told(world, package) == ["package.ready"]


@pytest.mark.kills
@pytest.mark.slow
def test_failure_is_told_once_whichever_way_its_transaction_ends(failpoint_world):
    world = failpoint_world(extra=SHORT_LEASES)
    made = publish(world, [("1.jpg", noise(MIB, 90)), ("2.jpg", noise(MIB, 91))])
    world.stack.minio.call("DELETE", f"/{world.stack.minio.public}/{made[1].key}", accept=(204,))
    world.gateway.stop()
    package = kill_while(world, "before_package_commit=kill@1", lambda: pack(world, {"items": [each.id for each in made], "mode": "store"}))
    assert told(world, package) == [], "what was not committed was not told"
    world.gateway.restart()
    failed = wait_for(world, package, "failed")
    assert [each["name"] for each in failed["failed_items"]] == ["2.jpg"]
    wait_until_nothing_is_left(world, package)
    assert told(world, package) == ["package.failed"]
