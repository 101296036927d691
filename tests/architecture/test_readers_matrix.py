"""The readers' matrix of docs/packages.md is of every archive and every reader, and none found other bytes."""
import importlib.machinery
import importlib.util
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]


def script():
    loader = importlib.machinery.SourceFileLoader("render_readers", str(ROOT / "scripts" / "render-readers"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


def test_every_archive_is_there_and_no_reader_found_other_bytes():
    render = script()
    matrix = render.PAGE.read_text().split(render.BEGIN)[1].split(render.END)[0].strip().splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in matrix]
    assert [row[0] for row in rows[2:]] == list(render.archives().values())
    assert len(rows[0]) == 9
    assert {cell for row in rows[2:] for cell in row[1:]} <= {"same", "not run"}


def test_a_failure_and_what_was_not_run_are_shown(tmp_path):
    render = script()
    (first, _), (second, about), *_ = render.archives().items()
    cases = "".join(f'<testcase classname="tests.e2e.test_zip_readers" name="{test}[{reader}]">{inside}</testcase>'
                    for test, reader, inside in ((first, "unzip", ""), (first, "7z", "<skipped/>"), (second, "unzip", "<failure/>"), (second, "7z", "")))
    cases += '<testcase classname="tests.e2e.test_packages" name="test_archive_of_nothing[unzip]"/>'
    report = tmp_path / "e2e.xml"
    report.write_text(f'<testsuites><testsuite><properties><property name="reader 7z" value="7z 16"/></properties>{cases}</testsuite></testsuites>')
    lines = render.table(report).splitlines()
    assert lines[0] == "| archive | unzip | 7z 16 |"
    assert lines[2].endswith("| same | not run |") and lines[3] == f"| {about} | **differs** | same |"
    assert len(lines) == 2 + len(render.archives())
