"""docs/site/nav.toml holds every page of docs/, and names no page that isn't there."""
import importlib.util
import pathlib

from test_links import pages

ROOT = pathlib.Path(__file__).resolve().parents[2]
found = importlib.util.spec_from_file_location("nav", ROOT / "docs" / "site" / "nav.py")
nav = importlib.util.module_from_spec(found)
found.loader.exec_module(nav)


def test_every_page_of_docs_has_its_place():
    missing = sorted(page for page in pages() if page.startswith("docs/") and page not in nav.listed())
    assert not missing, f"name them in docs/site/nav.toml: {missing}"


def test_every_entry_is_a_page_and_stands_once():
    listed = nav.listed()
    assert len(listed) == len(set(listed))
    assert all((ROOT / page).is_file() for page in listed)


def test_parts_stand_below_a_page_of_a_section():
    sections, below = nav.read()
    assert set(below) <= {page for _, pages in sections for page in pages}
