"""Every relative link of the pages leads to a file, and every anchor to a heading. Links to other sites are not followed."""
import pathlib
import re
import subprocess
import urllib.parse

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^ {0,3}(```|~~~)")
CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)")
LINK = re.compile(r"!?\[(?:[^\]\[]|\[[^\]]*\])*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
REFERENCE = re.compile(r"^ {0,3}\[[^\]]+\]:\s+<?(\S+?)>?\s*$")
HEADING = re.compile(r"^ {0,3}#{1,6}\s+(.*?)\s*#*$")
NAMED = re.compile(r"<a\s+(?:name|id)=\"([^\"]+)\"")
ELSEWHERE = re.compile(r"^[a-z][a-z0-9+.-]*:", re.I)


def pages():
    listed = subprocess.run(["git", "ls-files", "-z", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for path in listed.split("\0") if path and (ROOT / path).exists()]


def prose(text):
    """(line number, line) outside of fenced code, code spans blanked out."""
    fence = None
    for number, line in enumerate(text.splitlines(), 1):
        mark = FENCE.match(line)
        if mark and fence in (None, mark.group(1)):
            fence = None if fence else mark.group(1)
        elif fence is None:
            yield number, line


def slug(heading):
    """As GitHub makes it: the words in lower case, without punctuation, hyphens between them."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    text = re.sub(r"[^\w\- ]", "", text.replace("`", "").strip().lower())
    return text.replace(" ", "-")


def anchors(text):
    found, seen = set(), {}
    for _, line in prose(text):
        found.update(NAMED.findall(line))
        heading = HEADING.match(line)
        if heading:
            name = slug(heading.group(1))
            count = seen.get(name, 0)
            seen[name] = count + 1
            found.add(f"{name}-{count}" if count else name)
    return found


def links(text):
    for number, line in prose(text):
        line = CODE.sub("", line)
        targets = LINK.findall(line)
        reference = REFERENCE.match(line)
        for target in targets + ([reference.group(1)] if reference else []):
            if not ELSEWHERE.match(target):
                yield number, target


def complaints(root, page):
    text = (root / page).read_text(encoding="utf-8")
    for number, target in links(text):
        path, _, anchor = target.partition("#")
        leads_to = (root / page).parent / urllib.parse.unquote(path) if path else root / page
        if not leads_to.exists():
            yield f"{page}:{number}: {target}: there is no such file"
        elif anchor and leads_to.suffix == ".md" and anchor not in anchors(leads_to.read_text(encoding="utf-8")):
            yield f"{page}:{number}: {target}: there is no such heading"


@pytest.mark.parametrize("page", pages())
def test_links_lead_somewhere(page):
    assert not list(complaints(ROOT, page))


def test_broken_links_are_noticed(tmp_path):
    (tmp_path / "other.md").write_text("# The `one` heading\n\n## Twice\n\n## Twice\n")
    (tmp_path / "page.md").write_text(
        "# Page\n[a](other.md#the-one-heading) [b](other.md#twice-1) [c](#page) [d](https://example.com/none)\n"
        "[gone](gone.md)\n[heading](other.md#gone)\n[own](#gone)\n`[code](none.md)`\n```\n[code](none.md)\n```\n[r]: gone.md\n")
    assert [line.split(": ", 1)[0] for line in complaints(tmp_path, "page.md")] == ["page.md:3", "page.md:4", "page.md:5", "page.md:10"]
