"""Test names are plain statements in lower snake case: `rejects_presign_longer_than_seven_days`."""
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CPP = re.compile(r"^\s*TEST(?:_F|_P)?\(\s*(\w+)\s*,\s*(\w+)\s*\)", re.M)
PYTHON = re.compile(r"^\s*(?:async )?def (test_\w+)\(", re.M)
SUITE = re.compile(r"[A-Z][A-Za-z0-9]*")
NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")


def mistakes(file, text):
    """(file: name, what is wrong) for each test of a source file."""
    found = []
    if file.suffix == ".py":
        names = PYTHON.findall(text)
    else:
        tests = CPP.findall(text)
        names = [name for _, name in tests]
        found += [f"{file}: the suite {suite} is not in Pascal case" for suite in sorted({suite for suite, _ in tests}) if not SUITE.fullmatch(suite)]
        found += [f"{file}: {suite}.{name} is defined twice" for suite, name in sorted(set(tests)) if tests.count((suite, name)) > 1]
    return found + [f"{file}: {name} is not in lower snake case" for name in names if not NAME.fullmatch(name)]


def test_every_name_is_in_lower_snake_case():
    files = [path for suffix in ("cpp", "hpp", "py") for path in sorted((ROOT / "tests").rglob(f"*.{suffix}"))]
    assert len(files) > 100
    found = [mistake for path in files for mistake in mistakes(path.relative_to(ROOT), path.read_text(encoding="utf-8"))]
    assert found == []


@pytest.mark.parametrize("file, text, said", [
    ("a_test.cpp", "TEST(Key, Is_refused) {\n", "a_test.cpp: Is_refused is not in lower snake case"),
    ("a_test.cpp", "TEST_F(Key, rejects__key) {\n", "a_test.cpp: rejects__key is not in lower snake case"),
    ("a_test.cpp", "TEST_P(\n    Some_keys, rejects_key) {\n", "a_test.cpp: the suite Some_keys is not in Pascal case"),
    ("a_test.cpp", "TEST(Key, a) {}\nTEST(Key, a) {}\n", "a_test.cpp: Key.a is defined twice"),
    ("test_a.py", "def test_Key_is_refused(world):\n", "test_a.py: test_Key_is_refused is not in lower snake case"),
])
def test_detects_each_mistake(file, text, said):
    assert mistakes(pathlib.Path(file), text) == [said]


def test_accepts_plain_statements():
    assert mistakes(pathlib.Path("a.cpp"), "TEST(Key, rejects_2_keys) {\n") == []
    assert mistakes(pathlib.Path("a.py"), "    def test_rejects_key(self):\n") == []
