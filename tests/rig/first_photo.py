"""README.md's three ways to a first photo: their lines, what the README claims, and what docs/install.md has measured."""
import pathlib
import re
import typing

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
README = ROOT / "README.md"
PAGE = ROOT / "docs" / "install.md"
MARKS = ("<!-- first photo -->\n", "<!-- /first photo -->\n")


class Way(typing.NamedTuple):
    name: str
    minutes: int  # within which README.md says that the photo is published
    lines: str


def blocks():
    return re.findall(r"^```sh\n(.*?)^```", README.read_text(encoding="utf-8"), re.S | re.M)


def ways():
    """{name: Way} in the README's order: the rows of its first table, and its first blocks, each of which begins with its way's name."""
    text = README.read_text(encoding="utf-8")
    claims = re.findall(r"^\| \[?([A-Z][a-z]+(?: package)?)\]?[^|]*\|[^|]*\| (\d+) minutes", text, re.M)
    lines = blocks()
    return {name: Way(name, int(minutes), lines[place]) for place, (name, minutes) in enumerate(claims) if lines[place].startswith(f"# {name}: ")}


def publishing():
    """The block that takes a photo through, whichever way the gateway was started."""
    return blocks()[3]


def split(lines, word):
    """The lines before the first that begins with `word`, and the others."""
    before, found, after = re.split(rf"^({re.escape(word)})", lines, maxsplit=1, flags=re.M)
    return before, found + after


def rows():
    """{name: cells} of the measured table in docs/install.md."""
    table = PAGE.read_text(encoding="utf-8").split(MARKS[0])[1].split(MARKS[1])[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    return {name: others for name, *others in cells[2:]}


def record(name, *cells):
    """Replaces a way's row in docs/install.md."""
    before, rest = PAGE.read_text(encoding="utf-8").split(MARKS[0])
    table, after = rest.split(MARKS[1])
    row = f"| {' | '.join([name, *cells])} |\n"
    table, found = re.subn(rf"^\| {name} \|.*\n", row, table, flags=re.M)
    PAGE.write_text(before + MARKS[0] + (table if found else table + row) + MARKS[1] + after, encoding="utf-8")
