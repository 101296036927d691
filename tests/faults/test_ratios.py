"""The publishing rate after a disturbance, relative to the undisturbed rate of the same run: five disturbances."""
import time

import pytest
from test_database_rows import rate, session

from tests.rig import stack as parts
from tests.rig import traffic
from tests.rig.world import SHORT_LEASES

ROUNDS, WINDOW = 3, 8  # a machine's own ups and downs are the same for both sides of each round


@pytest.fixture
def measured(unwitnessed, row, seed):
    """measured(disturb): undisturbed rate, disturbance, rate afterwards, several times."""

    def run(disturb, **options):
        row.fault, row.acceptance = disturb.__doc__, "98 % or more"
        world = unwitnessed(extra=SHORT_LEASES, **options)
        with traffic.Shop(world, seed, customers=6, calm=True, junk=0, pause=0.01) as shop:
            shop.wait_for(20)
            befores, afters = [], []
            for _ in range(ROUNDS):
                befores.append(rate(world, WINDOW))
                what = disturb(world)
                time.sleep(2)
                afters.append(rate(world, WINDOW))
        shop.settle()
        undisturbed, recovered = sum(befores) / ROUNDS, sum(afters) / ROUNDS
        lost = int(world.sql("select count(*) from uploads where state in ('failed', 'rejected')"))
        row.figure(f"{100 * recovered / undisturbed:.0f} %: {recovered:.1f}/s after {what}, {undisturbed:.1f}/s before; {lost} of {len(shop.acknowledged)} lost; means of {ROUNDS} rounds")
        row.hold(lost == 0, "none lost")
        row.hold(recovered >= 0.5 * undisturbed, "the rate comes back")
        row.aim(recovered >= 0.98 * undisturbed, "the sweep's best all-round")

    return run


def test_r1_postgresql_restarts(measured):
    def disturb(world):
        """PostgreSQL stops immediately and restarts"""
        world.stack.postgres.stop("immediate")
        time.sleep(5)
        world.stack.postgres.start()
        return "a stop of 5 s"

    measured(disturb)


def test_r2_backends_are_killed(measured):
    def disturb(world):
        """backends are terminated"""
        killed = 0
        for _ in range(50):
            killed += int(world.sql("select count(pg_terminate_backend(pid)) from (select pid from pg_stat_activity where application_name = 'photogate' "
                                    "order by random() limit 1) as one"))
            time.sleep(0.1)
        return f"{killed} terminated in 5 s"

    measured(disturb)


def test_r3_connections_are_used_up(measured):
    def disturb(world):
        """PostgreSQL's connections are used up"""
        held = []
        while len(held) < 300 and (made := session(world.stack.postgres)):
            held.append(made)
        time.sleep(5)
        for each in held:
            each.close()
        parts.wait_until(world.stack.postgres.ready, 60, "PostgreSQL")
        return f"5 s with {len(held)} idle clients"

    measured(disturb)


def test_r4_worker_crashes(measured):
    def disturb(world):
        """the gateway is killed"""
        world.gateway.kill()
        world.gateway.restart()
        return "a kill -9"

    measured(disturb)


def test_r5_worker_crashes_repeatedly(measured):
    def disturb(world):
        """the gateway is killed repeatedly"""
        for _ in range(6):
            world.gateway.kill()
            world.gateway.restart()
            time.sleep(0.5)
        return "six kills in a row"

    measured(disturb)
