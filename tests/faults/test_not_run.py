"""The rows that this machine, or the program as it stands, gives nothing to run for: named, not passed over."""
import pytest

import table


@pytest.mark.parametrize("name", table.NOT_RUN)
def test_A_row_without_a_case(name, row):
    pytest.skip(table.NOT_RUN[name])


def test_Every_row_has_a_case_or_a_reason():
    import pathlib
    import re
    here = pathlib.Path(__file__).resolve().parent
    cases = {name for file in here.glob("test_*_rows.py") for name in re.findall(r"def test_(F\d+)_", file.read_text())}
    assert cases | set(table.NOT_RUN) | {"F1"} == set(table.ROWS)  # F1 is test_kill_cycles.py
    assert not cases & set(table.NOT_RUN)
