"""The summary of docs/reliability.md counts the rows of its tables, and readers find the page."""
import importlib.machinery
import importlib.util

from tests.architecture import check_architecture

ROOT = check_architecture.ROOT
PAGE = (ROOT / "docs" / "reliability.md").read_text()


def script():
    loader = importlib.machinery.SourceFileLoader("render_reliability", str(ROOT / "scripts" / "render-reliability"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


def test_summary_counts_the_rows_of_all_tables():
    assert script().counted(PAGE) in PAGE


def test_counts_every_verdict_once_and_nothing_else():
    page = "| row | verdict |\n| --- | --- |\n| F1 | held |\n| R1 | fell short |\n| F2 | **broken** |\n| F3 | not run |\n| F1 | held |\n| I1 | it held |\n"
    assert script().verdicts(page) == {"held": 2, "fell short": 1, "broken": 1, "not run": 1}


def test_page_has_every_row_of_the_table():
    table = script().table
    assert {*table.STEPS, *table.ROWS} - {"F1"} <= set(script().rows_of(PAGE))  # F1 is the steps


def test_step_without_a_result_is_shown_as_not_run():
    render = script()
    fresh = render.kills({}, {})
    assert set(render.rows_of(fresh)) - {"step", "---"} == set(render.table.STEPS)
    assert render.verdicts(fresh) == {"held": 0, "fell short": 0, "broken": 0, "not run": len(render.table.STEPS)}
    assert fresh.endswith("Altogether 0 kills held.")


def test_step_that_ran_before_keeps_its_result():
    render = script()
    was = "| CP32 | after_chunk_put | 7 kills, 20 objects acknowledged | held |"
    ran = {"CP33": {"verdict": "held", "figure": "2 kills, 9 objects acknowledged", "reason": ""}}
    page = render.kills(ran, {"CP32": was})
    assert was in page and "| CP33 | after_chunk_commit | 2 kills, 9 objects acknowledged | held |" in page
    assert page.endswith("Altogether 9 kills held.")


def test_page_without_new_results_keeps_when_they_were_made():
    made = PAGE.split("were not run.", 1)[1].split("\n", 1)[0]
    assert script().summary({}, PAGE).endswith(made) and "Last run 20" in made


def test_pages_for_readers_link_to_it():
    for name in ("README.md", "docs/operations.md", "ARCHITECTURE.md"):
        assert "reliability.md" in (ROOT / name).read_text(), name
