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


def test_pages_for_readers_link_to_it():
    for name in ("README.md", "docs/operations.md", "ARCHITECTURE.md"):
        assert "reliability.md" in (ROOT / name).read_text(), name
