"""Finishes the site that Sphinx made: a policy for the browser in each page, and the checks that Sphinx doesn't do.

    python3 docs/site/finish.py build/site

Every page gets a Content-Security-Policy that permits this site alone and, by their hashes, the scripts and styles that stand in the page.
Every link, picture, script and style of a page must lead to a file of the site, and its anchor to an element.
"""
import base64
import hashlib
import html.parser
import pathlib
import re
import sys
import urllib.parse

START = "docs/index.html"
LINKS = {"a": "href", "link": "href", "img": "src", "script": "src", "source": "src", "iframe": "src", "form": "action"}
ELSEWHERE = re.compile(r"^(?:[a-z][a-z0-9+.-]*:|//)", re.I)
INLINE = re.compile(r"<(script|style)\b([^>]*)>(.*?)</\1>", re.S)
POLICY = "<meta http-equiv=\"Content-Security-Policy\""


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.ids, self.links = set(), []

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.ids.update(filter(None, (values.get("id"), values.get("name") if tag == "a" else None)))
        if values.get(LINKS.get(tag)):
            self.links.append((tag, values[LINKS[tag]]))


def read(site):
    pages = {}
    for path in sorted(site.rglob("*.html")):
        page = Page()
        page.feed(path.read_text(encoding="utf-8"))
        pages[path.relative_to(site).as_posix()] = page
    return pages


def complaints(site):
    """What leads nowhere, or would be fetched from another host."""
    pages = read(site)
    for name, page in pages.items():
        for tag, target in page.links:
            if ELSEWHERE.match(target):
                if tag != "a" and not target.startswith("data:"):
                    yield f"{name}: <{tag}> loads {target} from another host"
                continue
            path, _, anchor = urllib.parse.urlsplit(target).path, None, urllib.parse.unquote(urllib.parse.urlsplit(target).fragment)
            file = (site / name).parent / urllib.parse.unquote(path) if path else site / name
            file = file.resolve()
            if file.is_dir():
                file = file / "index.html"
            if not file.is_relative_to(site.resolve()) or not file.exists():
                yield f"{name}: {target} leads nowhere"
            elif anchor and file.suffix == ".html" and anchor not in pages[file.relative_to(site.resolve()).as_posix()].ids:
                yield f"{name}: {target} leads to a page without that anchor"


def digest(text):
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def with_policy(text):
    """The page with its policy as the first element of its head; one that has it stays as it is."""
    if POLICY in text:
        return text
    inline = {"script": {}, "style": {}}
    for kind, attributes, body in INLINE.findall(text):
        if body.strip() and "application/json" not in attributes:
            inline[kind][digest(body)] = None
    policy = "; ".join(["default-src 'none'", " ".join(["script-src 'self'", *inline["script"]]), " ".join(["style-src 'self'", *inline["style"]]),
                        "style-src-attr 'unsafe-inline'",  # the alignment of tables
                        "img-src 'self' data:", "connect-src 'self'", "base-uri 'none'", "form-action 'self'"])
    return re.sub(r"<head>", f"<head>\n    {POLICY} content=\"{policy}\">\n    <link rel=\"icon\" href=\"data:,\">", text, count=1)


def main():
    site = pathlib.Path(sys.argv[1])
    (site / "index.html").write_text("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>photogate</title>\n"
                                     f"<meta http-equiv=\"refresh\" content=\"0; url={START}\">\n</head>\n<body><a href=\"{START}\">photogate</a></body>\n</html>\n")
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        finished = with_policy(text)
        if finished != text:
            path.write_text(finished, encoding="utf-8")
    found = list(complaints(site))
    for each in found:
        print(f"build-site: {each}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
