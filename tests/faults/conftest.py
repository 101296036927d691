"""Fixtures of the fault cases: worlds with a witness, whose parts may be broken; the result of each row.

    pytest tests/faults -k F6_            one row        --seed N        what chance follows from
    pytest tests/faults -m fast           the selection of ./test
    pytest tests/faults --kill-cycles 50  fifty kills at each step
"""
import os
import pathlib
import re
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

import report  # noqa: E402
import table  # noqa: E402

from tests.rig.world import failpoint_build, release_build, worlds  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--seed", type=int, default=None, help="what chance in the fault cases follows from")
    parser.addoption("--kill-cycles", type=int, default=1, help="kills at each named step")
    parser.addoption("--good-pictures", type=int, default=150, help="that poison is mixed into")
    parser.addoption("--store-kills", type=int, default=5, help="kills of MinIO under load")


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
    """The same without a witness between the parts, for measurements."""
    yield from worlds(release_build(), tmp_path / "unwitnessed", seed)


@pytest.fixture
def on_failpoints(tmp_path, seed):
    """Witnessed, with a build that has failpoints."""
    for make in worlds(failpoint_build(), tmp_path / "failpoints", seed):
        yield lambda **options: make(witnessed=True, **options)


@pytest.fixture
def row(request, seed):
    """The row of table.py that the test's name bears."""
    name = re.search(r"test_([a-z]\d+)_|\[([A-Z]+\d+b?)\]|()$", request.node.name)
    account = report.Row((name[1] or "").upper() or name[2] or request.node.name, seed)
    yield account
    outcome = getattr(request.node, "outcome", None)
    fault = account.fault or table.STEPS.get(account.name, request.node.name)
    fault, acceptance = table.ROWS.get(account.name, (fault, account.acceptance or "0 violations"))
    verdict = {"passed": "fell short" if account.short_of else "held", "skipped": "not run"}.get(outcome, "broken")
    print(f"{account.name}: {verdict}{' of ' + ', '.join(account.short_of) if account.short_of else ''}. Accepted: {acceptance}." + (f" Here {account.scale}." if account.scale else ""), flush=True)
    choice = f"{account.name}_" if name[1] else request.node.name
    report.keep(account.name, fault=fault, acceptance=acceptance, figure="; ".join(account.figures), scale=account.scale, seed=seed,
                verdict=verdict, seconds=round(time.monotonic() - account.started, 1),
                reason=getattr(request.node, "why", ""), command=f"./test --faults -k '{choice}'")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    made = yield
    if call.when == "call" or (call.when == "setup" and not made.passed):
        item.outcome = made.outcome
        item.why = "" if made.passed else str(made.longrepr[2] if isinstance(made.longrepr, tuple) else call.excinfo.value)[:500]
    return made
