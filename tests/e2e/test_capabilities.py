"""What `photogate doctor` finds out of a store, on three real ones, and the page that says so."""
import re
import subprocess

import pytest

from scripts import store_table


@pytest.fixture(scope="module")
def found(build_dir):
    return store_table.find_all(build_dir)


@pytest.mark.drills
def test_page_matches_findings_of_doctor(found):
    assert store_table.written() == store_table.table(found), "run python3 -m scripts.store_table --write"


def test_built_in_store_has_every_capability(found):
    assert all(wanted for wanted, _ in found["the built-in store"].values()), found["the built-in store"]


def test_minio_deletes_object_despite_mismatched_etag(found):
    """photogate therefore does not rely on it (storage/objects/object_store.hpp)."""
    assert found["MinIO"]["delete.if-match"] == (False, "no")


def test_each_store_reports_its_name_and_time(found):
    for name, capabilities in found.items():
        assert re.fullmatch(r"-?\d s", capabilities["clock.offset"][1]), (name, capabilities)
    assert found["MinIO"]["server"][1] == "MinIO"


def test_shows_command_for_fixable_findings(world, program):
    done = subprocess.run([program, "doctor", "--config", world.gateway.config], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    lacking = [i for i, line in enumerate(lines) if line.startswith("lacks") and "cors" in line or line.startswith("lacks") and ": events" in line]
    for i in lacking:
        assert "fix it with: " in lines[i + 1], lines[i]
