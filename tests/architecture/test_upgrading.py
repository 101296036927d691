"""docs/upgrading.md says of every migration whether gateways of the schema before go on beside it, and errs on the safe side.

For migrations after the first release, the file itself says it to the program (`-- oldest_program: NNNN`), and the page repeats it.
"""
import pathlib
import re

import pytest

from tests.rig import releases

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Columns of tables of which those gateways read single columns.
READ_BY_NAME = {"0005", "0017", "0024", "0025", "0029"}
# The newest migration of the first release: no program that is out knows fewer. Their texts are in databases and stay as they are.
FIRST_RELEASE = "0029"


def rows():
    text = (ROOT / "docs" / "upgrading.md").read_text().split("<!-- migrations -->")[1].split("<!-- /migrations -->")[0]
    return dict(re.findall(r"^\| (\d{4}) \|.*\| ?([a-z ]*) \|$", text, re.M))


def migrations():
    return {path.name[:4]: path.read_text() for path in (ROOT / "storage" / "records" / "migrations").glob("*.sql")}


def oldest_program(text):
    """As storage/database/schema.cpp reads it; None where the header says nothing."""
    header = re.match(r"(?:--.*\n?)*", text)[0]
    found = re.search(r"^-- oldest_program: (\d+)$", header, re.M)
    return found and found[1]


def test_page_names_every_migration():
    assert list(rows()) == sorted(migrations())
    assert set(rows().values()) <= {"", "go on", "stop"}


def test_gateways_go_on_beside_what_only_adds_tables_and_indexes():
    for number, text in migrations().items():
        changes = re.search(r"\b(add column|rename|drop column|alter column)\b", text, re.I)
        if rows()[number] == "go on" and number <= FIRST_RELEASE:
            assert not changes or number in READ_BY_NAME, number


def test_later_gateways_go_on_beside_columns_that_they_need_not_write():
    """They repeat what PostgreSQL refuses because a column was added (0A000)."""
    for number, text in migrations().items():
        if rows()[number] != "go on" or number <= FIRST_RELEASE:
            continue
        assert not re.search(r"\b(rename|drop column|drop table|alter column|set not null)\b", text, re.I), number
        for column in re.findall(r"add column[^,;]*", text, re.I):
            assert "not null" not in column or "default" in column, (number, column)


def test_each_later_migration_states_the_oldest_program_that_goes_on_beside_it():
    known = migrations()
    for number in sorted(known):
        if number <= FIRST_RELEASE:
            continue
        oldest = oldest_program(known[number])
        assert oldest, f"{number}: no line «-- oldest_program: NNNN» in its header: {FIRST_RELEASE} where gateways of 0.1.0 go on, {number} where they stop"
        assert FIRST_RELEASE <= oldest <= number and oldest in known, (number, oldest)
        assert rows()[number] == ("stop" if oldest == number else "go on"), f"{number}: docs/upgrading.md says otherwise than its header"


@pytest.mark.parametrize("version", releases.COMMITS)
def test_migrations_of_a_release_stay_as_they_were(version):
    if not releases.has_commit(version):
        pytest.skip(f"this clone lacks the commit of {version}")
    assert releases.this_version(releases.text_of(version, "CMakeLists.txt")) == version
    for number, text in migrations().items():
        path = next((ROOT / "storage" / "records" / "migrations").glob(f"{number}_*.sql")).relative_to(ROOT)
        if number <= FIRST_RELEASE:
            assert releases.text_of(version, path) == text, path


def test_each_release_before_has_its_section_and_its_entry():
    assert releases.number(releases.before()) < releases.number(releases.this_version())
    for version in releases.COMMITS:
        assert re.search(rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$", (ROOT / "CHANGELOG.md").read_text(), re.M), version
        assert re.search(rf"^photogate \({re.escape(version)}\) ", (ROOT / "debian" / "changelog").read_text(), re.M), version
        assert set(releases.DEBIANS[version]) <= {"bookworm", "trixie"}
