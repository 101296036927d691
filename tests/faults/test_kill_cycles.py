"""F1: the gateway is killed at each named step, again and again, while customers go on; then everything is judged.

    ./test --faults --kill-cycles 50 -k test_Killed_at       18 × 50

Each cycle is a start with a failpoint armed for the first, second or third time that its step is reached, and the kill there.
"""
import random
import threading

import pytest

import fault_proxy as faults
import pictures
import stack as parts
import table
import traffic
from world import failpoint_build

POINTS = {name: point for name, point in table.STEPS.items() if name not in ("CP13", "CP17", "CP18")}
# Short leases, and more attempts than there are cycles: what is counted here is losses, not patience.
SETTINGS = "[worker]\nreconcile_interval = 2\nreap_interval = 1\nlease = 5\nmax_attempts = 100\n[imaging]\nwall_clock = 4\n"
PROFILES = {"photos": {"original": '"keep"', "rejected": '"quarantine"'}}

pytestmark = pytest.mark.skipif(not (failpoint_build() / "photogate").exists(), reason="needs a build with failpoints")


@pytest.fixture
def cycles(request):
    return request.config.getoption("--kill-cycles")


@pytest.fixture
def shop_floor(on_failpoints):
    world = on_failpoints(start=False, profiles=PROFILES, extra=SETTINGS)
    world.gateway.environment["PHOTOGATE_CALLBACKS_TIMEOUT"] = "1s"
    world.gateway.migrate()
    return world


def run_until_killed(world, order, seconds=90):
    world.gateway.log.write_text("")
    world.gateway.launch(environment={"PHOTOGATE_FAILPOINTS": order})
    parts.wait_until(lambda: not world.gateway.running(), seconds, f"the kill at {order}")
    said = world.gateway.log_tail(400)
    assert f"failpoint {order.split('=')[0]}: killed" in said, said[-3000:]


def account(row, world, shop, kills):
    evidence = world.witness.judge()
    arrived = [f["message"] for f in evidence["facts"] if f["fact"] == "callback" and f["status"] < 300]
    repeated = len(arrived) - len(set(arrived))
    row.figure(f"{kills} kills, {len(shop.acknowledged)} objects acknowledged: 0 lost, 0 unvalidated public bytes among {len(evidence['public'])} objects, "
               f"0 differing publications; {repeated} callbacks repeated")
    return repeated


@pytest.mark.parametrize("name", POINTS)
def test_Killed_at(name, row, shop_floor, cycles, seed):
    world, dice, point = shop_floor, random.Random(f"{seed}/{name}"), POINTS[name]
    row.scaled(f"{cycles} instead of 50 cycles" if cycles < 50 else "")
    if point == "mid_reconcile":
        world.witness.events.rule(lambda exchange: True, faults.reset("before"), chance=0.6)
    with traffic.Shop(world, seed, customers=3, junk=0.3) as shop:
        for _ in range(cycles):
            run_until_killed(world, f"{point}=kill@{dice.randrange(1, 4)}")
        world.gateway.restart()
        shop.wait_for(3)
    shop.settle()
    repeated = account(row, world, shop, cycles)
    if name == "CP14":
        row.hold(repeated <= 16 * cycles, "what was under way is repeated, nothing else")


def test_Killed_with_callbacks_on_the_wire(row, shop_floor, cycles, seed):
    """CP13: sent, and not yet answered."""
    world, dice = shop_floor, random.Random(f"{seed}/CP13")
    row.name = "CP13"
    row.scaled(f"{cycles} instead of 50 cycles" if cycles < 50 else "")
    left = threading.Semaphore(0)

    def kill_now_and_then(_):
        if left.acquire(blocking=False):
            world.gateway.process.kill()

    world.receiver.answer = kill_now_and_then
    with traffic.Shop(world, seed, customers=3, junk=0.3) as shop:
        for _ in range(cycles):
            world.gateway.restart()
            shop.wait_for(dice.randrange(1, 4))
            left.release()
            parts.wait_until(lambda: not world.gateway.running(), 60, "the kill")
        world.gateway.restart()
        shop.wait_for(3)
    shop.settle()
    repeated = account(row, world, shop, cycles)
    row.hold(repeated <= 16 * cycles, "what was under way is repeated, nothing else")


def test_Killed_in_a_migration(row, on_failpoints, cycles, seed):
    """CP18: from an empty database, killed with a migration's statements run and not committed."""
    world = on_failpoints(start=False)
    row.name = "CP18"
    row.scaled(f"{cycles} instead of 50 cycles" if cycles < 50 else "")
    schema = "select md5(string_agg(table_name || column_name || data_type, ',' order by table_name, column_name)) from information_schema.columns " \
             "where table_schema = 'public'"
    whole = None
    for number in range(cycles):
        database = f"migrated{number}"
        url = world.stack.postgres.create_database(database)
        for attempt in (1, 2):
            half = world.gateway.run("migrate", environment={"PHOTOGATE_DATABASE_URL": url, "PHOTOGATE_FAILPOINTS": f"mid_migration=kill@{attempt}"})
            row.hold(half.returncode == -9, half.stderr[-300:])
        done = world.gateway.run("migrate", environment={"PHOTOGATE_DATABASE_URL": url})
        row.hold(done.returncode == 0, done.stderr[-300:])
        made = world.stack.postgres.sql(schema, database)
        whole = whole or made
        row.hold(made == whole, "the same schema each time")
    world.gateway.start()
    row.hold(world.sql(schema) == whole, "the schema that an undisturbed migration makes")
    assert world.publish(pictures.photo(320, 240, seed=64))["state"] == "published"
    traffic.settle(world)
    world.witness.judge()
    row.figure(f"{2 * cycles} kills in {cycles} migrations: each ended with the schema of an undisturbed one")


def test_Killed_in_a_sweep(row):
    """CP17."""
    row.name = "CP17"
    pytest.skip("no sweeper of unreferenced public objects is in the program, nor its failpoint")
