"""The table of docs/resumable.md, what a cut costs: every way is there, and the resumable ones cost what they may."""
import importlib.machinery
import importlib.util
import json
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]


def script():
    loader = importlib.machinery.SourceFileLoader("render_phones", str(ROOT / "scripts" / "render-phones"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


def rows(text):
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| ")]
    return {row[0]: row[1:] for row in found[2:]}


def test_every_way_is_there_and_the_resumable_ones_send_little_again():
    render = script()
    found = rows(render.PAGE.read_text().split(render.BEGIN)[1].split(render.END)[0])
    assert set(render.WAYS.values()) <= set(found)
    assert all(found[render.WAYS[way]][-1] == "never" for way in ("put", "multipart"))
    for way in ("tus", "draft"):
        assert float(re.match(r"[\d.]+", found[render.WAYS[way]][1])[0]) <= 3


def test_what_never_ends_is_shown_as_such(tmp_path):
    render = script()
    ended = {"phones": 2, "done": 2, "again": 0.016, "lost": 0.015, "seconds": 84}
    ways = {"tus": ended, "put": {**ended, "done": 0, "again": 8.6}, "tus" + render.IN_FLIGHT: {**ended, "again": 0.05, "lost": 0.05}}
    value = json.dumps({"seed": 7, "size": 300_900, "patience": 600, "ways": ways}).replace('"', "&quot;")
    report = tmp_path / "e2e.xml"
    report.write_text(f'<testsuites><testsuite><testcase><properties><property name="phones" value="{value}"/></properties></testcase></testsuite></testsuites>')
    found = rows(render.table(render.results(report)))
    assert found["presigned `PUT`"] == ["0 of 2 in 10 minutes", "endless: 860.0 % by then", "–", "–", "never"]
    assert found["tus"] == ["2 of 2", "1.6 %", "1.5 %", "0.1 %", "84 s"]
    assert found["tus; a cut takes what is under way"] == ["2 of 2", "5.0 %", "5.0 %", "0.0 %", "84 s"]
    report.write_text("<testsuites/>")
    assert render.results(report) is None
