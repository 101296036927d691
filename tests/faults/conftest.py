"""Fixtures of the fault cases: worlds that are witnessed, and may be broken."""
import os
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
for folder in ("scripts", "tests/rig", "tests/faults"):
    sys.path.insert(0, str(ROOT / folder))

import checker  # noqa: E402
from witness import Witness  # noqa: E402
from world import World, failpoint_build, release_build  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--seed", type=int, default=None, help="what chance in the fault cases follows from")


def pytest_configure(config):
    config.addinivalue_line("markers", "fast: belongs to the selection that ./test runs")


@pytest.fixture(scope="session")
def seed(request):
    given = request.config.getoption("--seed")
    chosen = given if given is not None else int.from_bytes(os.urandom(3), "big")
    print(f"seed {chosen}: --seed {chosen} repeats it")
    return chosen


@pytest.fixture
def witnessed(tmp_path, seed):
    """A world of this test's own, seen by a witness: witnessed(build=…, profiles=…, extra=…)."""
    made = []

    def make(start=True, build=None, **options):
        folder = tmp_path / f"world{len(made)}"
        world = World(build or release_build(), folder / "gateway", witness=Witness(folder / "witness", seed), **options)
        made.append(world)
        if start:
            world.gateway.start()
        return world

    yield make
    for world in made:
        world.close()


@pytest.fixture
def on_failpoints(witnessed):
    return lambda **options: witnessed(build=failpoint_build(), **options)


def judge(world):
    """The checker's verdict on all that was seen; the evidence is kept beside the world where it is bad."""
    evidence = world.witness.evidence()
    found = checker.check(evidence)
    if found:
        path = world.witness.save(world.witness.folder / "evidence.json")
        raise AssertionError("\n".join([*map(str, found[:20]), f"{len(found)} violations; evidence: {path}"]))
    return evidence
