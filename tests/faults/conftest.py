"""Fixtures of the fault cases: worlds that are witnessed, and may be broken."""
import os
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
for folder in ("scripts", "tests/rig", "tests/faults"):
    sys.path.insert(0, str(ROOT / folder))

from world import failpoint_build, release_build, worlds  # noqa: E402


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
    """Worlds of this test's own, seen by a witness: witnessed(profiles=…, extra=…)."""
    for make in worlds(release_build(), tmp_path, seed):
        yield lambda **options: make(witnessed=True, **options)


@pytest.fixture
def unwitnessed(tmp_path, seed):
    """The same without a witness between the parts: for what is measured."""
    yield from worlds(release_build(), tmp_path / "unwitnessed", seed)


@pytest.fixture
def on_failpoints(tmp_path, seed):
    """Witnessed, with a build that has failpoints."""
    for make in worlds(failpoint_build(), tmp_path / "failpoints", seed):
        yield lambda **options: make(witnessed=True, **options)
