"""The navigation of the site, from nav.toml; read by conf.py and by the test of it."""
import pathlib
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOME = "docs/index.md"


def read(path=None):
    """([(section, [page])], {page: [page below it]}), paths from the root of the repository."""
    nav = tomllib.loads((path or pathlib.Path(__file__).with_name("nav.toml")).read_text(encoding="utf-8"))
    return [(section["title"], section["pages"]) for section in nav["section"]], nav["below"]


def listed():
    """Every page that the navigation names in order; twice if it names it twice."""
    sections, below = read()
    return [HOME, *(page for _, pages in sections for each in pages for page in (each, *below.get(each, [])))]
