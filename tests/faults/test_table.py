"""The table of rows and the cases belong together."""
import pathlib
import re

import table


def test_every_row_has_its_case():
    here = pathlib.Path(__file__).resolve().parent
    cases = [name for file in here.glob("test_*_rows.py") for name in re.findall(r"def test_(f\d+)_", file.read_text())]
    assert sorted([*(case.upper() for case in cases), "F1"]) == sorted(table.ROWS)  # F1 is test_kill_cycles.py
