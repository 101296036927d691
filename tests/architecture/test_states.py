"""docs/states.md against the code: model/transition.cpp, may_become() in the newest migration that defines it, and the checker of the
fault tests."""
import ast
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/states.md").read_text(encoding="utf-8")
STATES = set(re.findall(r'return "(\w+)";', (ROOT / "model/upload.cpp").read_text().split("to_string(UploadState", 1)[1].split("\n}", 1)[0]))
WORD = re.compile(r"`(\w+)`")


def rows_of(heading):
    """The cells of the first table below a heading."""
    lines = iter(PAGE.split(f"\n## {heading}\n", 1)[1].splitlines())
    found = []
    for line in lines:
        if line.startswith("| "):
            found.append([cell.strip() for cell in line.strip("|").split(" | ")])
        elif found:
            break
    return [row for row in found[1:] if not row[0].startswith("---")]


def documented():
    return [(row[0], was, becomes) for row in rows_of("Transitions") for was in WORD.findall(row[2]) or [None]
            for becomes in WORD.findall(row[3])]


def test_lists_the_transitions_of_the_code():
    text = (ROOT / "model/transition.cpp").read_text()
    coded = [(name, None if was == "std::nullopt" else was, becomes)
             for name, was, becomes in re.findall(r'\{"(t\d+)", ([\w:]+), (\w+)\}', text)]
    assert len(coded) > 15
    assert sorted(documented(), key=str) == sorted(coded, key=str)


def test_lists_the_transitions_that_the_database_permits():
    permitted = None
    for migration in sorted((ROOT / "storage/records/migrations").glob("*.sql")):
        for body in re.findall(r"function may_become\(.*?\$\$(.*?)\$\$", migration.read_text(), re.S):
            permitted = set(re.findall(r"\('(\w+)', '(\w+)'\)", body))
    assert permitted == {(was, becomes) for _, was, becomes in documented() if was and was != becomes}


def test_agrees_with_the_checker_of_the_fault_tests():
    text = (ROOT / "tests/rig/checker.py").read_text(encoding="utf-8")
    known = ast.literal_eval(re.search(r"^TRANSITIONS = (\{.*?\})", text, re.S | re.M)[1])
    assert known == {(was, becomes) for _, was, becomes in documented() if was != becomes}


def test_has_a_row_for_every_state_and_a_cell_for_every_transition():
    rows = rows_of("Every state and every event")
    assert {WORD.findall(row[0])[0] for row in rows} == STATES
    assert len({len(row) for row in rows}) == 1
    told = {(name, WORD.findall(row[0])[0], becomes) for row in rows for cell in row[1:]
            for becomes, name in re.findall(r"→ `(\w+)` \((t\d+)\)", cell)}
    assert told == {row for row in documented() if row[1]}


@pytest.mark.parametrize("row", rows_of("Transitions"), ids=lambda row: row[0])
def test_names_a_function_that_is_there(row):
    for functions, file in re.findall(r"((?:`\w+\(\)`(?:, )?)+) in `(\w+\.cpp)`", row[6]):
        text = (ROOT / "storage/records" / file).read_text()
        for function in WORD.findall(functions.replace("()", "")):
            assert re.search(rf"\b\w+::{function}\(", text), f"{file} defines no {function}()"


def test_names_each_transition_in_code_only_as_the_page_does():
    known = {name for name, _, _ in documented()}
    for folder in ("model", "pipeline", "storage", "gateway", "notifier", "base"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in (".cpp", ".hpp", ".sql"):
                for comment in re.findall(r"(?://|--).*", path.read_text(encoding="utf-8")):
                    assert set(re.findall(r"\bt\d+\b", comment)) <= known, f"{path}: {comment}"
                    assert not re.search(r"\bT\d+\b", comment), f"{path}: {comment}"
