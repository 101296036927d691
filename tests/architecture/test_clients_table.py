"""The table of docs/clients/README.md has every client and way that a test shows, and none that fails."""
import importlib.machinery
import importlib.util
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]


def script():
    loader = importlib.machinery.SourceFileLoader("render_clients", str(ROOT / "scripts" / "render-clients"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


def rows(text):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.strip().splitlines()]


def test_every_client_and_way_is_there_and_none_fails():
    render = script()
    found = rows(render.PAGE.read_text().split(render.BEGIN)[1].split(render.END)[0])
    assert [row[0].split("](")[0].removeprefix("[") for row in found[2:]] == list(render.CLIENTS)
    shown = {(client, way) for client, row in zip(render.CLIENTS, found[2:]) for way, cell in zip(render.WAYS, row[1:]) if cell != "–"}
    assert shown == render.marks()
    assert {cell for row in found[2:] for cell in row[1:]} <= {"works", "not run", "–"}


def test_each_client_has_a_version_where_it_is_pinned():
    render = script()
    for client, (page, where) in render.CLIENTS.items():
        assert (render.PAGE.parent / page).exists(), page
        assert bool(render.pinned(where)) == bool(where), client


def test_a_failure_and_what_was_not_run_are_shown(tmp_path):
    render = script()

    def case(client, way, inside=""):
        return f'<testcase><properties><property name="client" value="{client}|{way}"/></properties>{inside}</testcase>'

    report = tmp_path / "e2e.xml"
    report.write_text("<testsuites><testsuite>" + case("curl", "PUT") + case("curl", "PUT", "<failure/>") + case("curl", "form") +
                      case("curl", "multipart", "<skipped/>") + "</testsuite></testsuites>")
    found = {row[0]: row[1:] for row in rows(render.table(report))}
    assert found["[curl](curl.md)"] == ["**fails**", "works", "not run", "not run", "not run"]
    assert found["[PHP](laravel.md)"] == ["not run", "–", "–", "–", "–"]
