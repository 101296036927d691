"""The table of rows and the cases belong together."""
import pathlib
import re

import pytest
import table
import test_kill_cycles

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# Failpoints that are no step of the table: a test reaches each.
ELSEWHERE = {"after_variants_put", "after_variant_made", "mid_backfill", "after_backfill", "before_disk_cache_rename", "mid_sweeper", "after_sweep_opened",
             "after_versions_forgotten", "after_grant_verdict", "after_scan", "after_publish_verdict",
             "after_hold", "after_held_released"}

pytestmark = pytest.mark.fast


def test_every_row_has_its_case():
    here = pathlib.Path(__file__).resolve().parent
    cases = [name for file in here.glob("test_*_rows.py") for name in re.findall(r"def test_(f\d+)_", file.read_text())]
    assert sorted([*(case.upper() for case in cases), "F1"]) == sorted(table.ROWS)  # F1 is test_kill_cycles.py


def test_every_step_has_its_kill_cycle():
    groups = [*test_kill_cycles.POINTS, *test_kill_cycles.OF_PACKAGES, *test_kill_cycles.OF_RESUMABLE, *test_kill_cycles.OF_PARTS,
              *test_kill_cycles.OF_PREPARED, *test_kill_cycles.ALONE]
    assert sorted(groups) == sorted(table.STEPS)
    cases = (ROOT / "tests" / "faults" / "test_kill_cycles.py").read_text()
    assert all(f'row.name = "{name}"' in cases for name in test_kill_cycles.ALONE)


def test_steps_are_numbered_without_a_gap():
    numbers = {int(re.search(r"\d+", name)[0]) for name in table.STEPS}
    assert numbers == set(range(1, len(numbers) + 1))
    assert all(f"CP1 to CP{len(numbers)}" in text for text in (table.ROWS["F1"][0], pathlib.Path(table.__file__).read_text().split("ROWS", 1)[1]))


def test_every_failpoint_is_a_step_or_is_reached_elsewhere():
    enumeration = (ROOT / "base" / "failpoint.hpp").read_text().split("enum class Point {", 1)[1].split("};", 1)[0]
    points = set(re.findall(r"^ +(\w+),", enumeration, re.M))
    steps = points & set(table.STEPS.values())
    assert len(points) > 50 and not steps & ELSEWHERE and points == steps | ELSEWHERE
    tests = "".join(file.read_text() for folder in ("e2e", "faults") for file in (ROOT / "tests" / folder).glob("test_*.py") if file.name != "test_table.py")
    assert [point for point in ELSEWHERE if point not in tests] == []
