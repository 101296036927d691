"""The site, made by Sphinx from the Markdown of the whole repository, so that links are the same here as in the source: scripts/build-site.

Pages are as they stand in the source. What they link to and is no page (a configuration, a script, a test) becomes a page of its own that
shows the file. The navigation is nav.toml. Nothing is loaded from another host, and each page says so to the browser (build-site writes
its Content-Security-Policy).
"""
import html
import os
import pathlib
import re
import sys

from docutils import nodes
from pygments.lexers import TextLexer, get_lexer_for_filename
from pygments.util import ClassNotFound
from sphinx import addnodes
from sphinx.util import logging
from sphinx.util.osutil import relative_uri

sys.path.insert(0, os.path.dirname(__file__))
import nav

ROOT = nav.ROOT
log = logging.getLogger(__name__)

project = "photogate"
author = "the photogate authors"
copyright = "the photogate authors, Apache-2.0"
version = release = re.search(r"project\(photogate VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text())[1]

extensions = ["myst_parser"]
root_doc = nav.HOME.removesuffix(".md")
include_patterns = ["*.md", "docs/*.md", "docs/**/*.md", "**/README.md"]
exclude_patterns = ["build", "build-*", "var", ".*", "**/node_modules", "docs/site"]
source_suffix = {".md": "markdown"}
myst_heading_anchors = 6
myst_enable_extensions = ["html_image", "strikethrough"]
# Examples of JSON with … in them; a README that leaves out a level of headings.
suppress_warnings = ["misc.highlighting_failure", "myst.header"]
highlight_language = "text"
nitpicky = True

html_theme = "furo"
html_title = "photogate"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_use_index = False
html_domain_indices = False
html_permalinks_icon = "#"
html_theme_options = {"top_of_page_buttons": [], "navigation_with_keys": False}

SHOWN = "source"  # the folder of the pages that show files
LARGEST_SHOWN = 300_000
NAMED = re.compile(r"<a\s+(?:name|id)=\"([^\"]+)\"")
LEXERS = {".service": "systemd", ".conf": "nginx", ".rules": "text", ".vcl": "perl", ".xml": "xml"}


def toctree(pages, caption=None, hidden=True):
    below = "".join(f"/{page.removesuffix('.md')}\n" for page in pages)
    options = "".join([":hidden:\n" if hidden else "", f":caption: {caption}\n" if caption else ""])
    return f"\n\n```{{toctree}}\n{options}\n{below}```\n"


def add_navigation(app, docname, source):
    sections, below = nav.read()
    page = f"{docname}.md"
    if page == nav.HOME:
        source[0] += "".join(toctree(pages, title) for title, pages in sections)
    elif page in below:
        source[0] += toctree(below[page])


def target_of(node, docname):
    """(the file or folder that a link leads to, its anchor), or (None, None) if it leads elsewhere."""
    path, _, anchor = node["reftarget"].partition("#")
    folder = (ROOT / docname).parent
    found = (ROOT / path.lstrip("/")) if path.startswith("/") else folder / path
    return (found.resolve(), anchor) if path and found.exists() and found.resolve().is_relative_to(ROOT) else (None, None)


def adapt(app, doctree):
    """Links to folders lead to their README; links to files that are no pages, to a page that shows the file."""
    docname = app.env.docname
    if f"{docname}.md" not in nav.listed():
        app.env.metadata[docname]["orphan"] = True
    # Anchors that are written as HTML count as others do.
    slugs = dict(app.env.metadata[docname].get("myst_slugs", {}))
    for raw in list(doctree.findall(nodes.raw)):
        for name in NAMED.findall(raw.astext()):
            slugs[name] = (raw.line or 0, name, name)
    app.env.metadata[docname]["myst_slugs"] = slugs
    for node in list(doctree.findall(addnodes.download_reference)) + [each for each in doctree.findall(addnodes.pending_xref) if each.get("reftype") == "myst"]:
        file, _ = target_of(node, docname)
        if file is None or file.suffix == ".md":
            continue
        if file.is_dir():
            if not (file / "README.md").is_file():
                log.warning("%s: the folder %s has no README.md to lead to", docname, node["reftarget"], location=node)
                continue
            leads_to = (file / "README.md").relative_to(ROOT).as_posix().removesuffix(".md")
        elif file.suffix in (".png", ".jpg", ".svg"):
            continue
        else:
            name = file.relative_to(ROOT).as_posix()
            app.env.photogate_shown.setdefault(docname, set()).add(name)
            leads_to = f"{SHOWN}/{name}"
        made = nodes.reference("", "", internal=True, refuri=relative_uri(app.builder.get_target_uri(docname), app.builder.get_target_uri(leads_to)))
        made += node.children
        node.replace_self(made)


def begin(app):
    if not hasattr(app.env, "photogate_shown"):
        app.env.photogate_shown = {}


def forget(app, env, docname):
    env.photogate_shown.pop(docname, None)


def shown_files(app):
    for name in sorted(set().union(*app.env.photogate_shown.values())):
        text = (ROOT / name).read_text(encoding="utf-8")
        if len(text) > LARGEST_SHOWN:
            text = text[:LARGEST_SHOWN] + "\n…\n"
        first = text.partition("\n")[0]
        try:
            lexer = LEXERS.get(pathlib.PurePath(name).suffix) or get_lexer_for_filename(name).aliases[0]
        except (ClassNotFound, IndexError):
            lexer = "python" if "python" in first else "bash" if first.startswith("#!") else TextLexer.aliases[0]
        code = app.builder.highlighter.highlight_block(text, lexer, force=True)
        title = html.escape(name)
        yield f"{SHOWN}/{name}", {"title": title, "body": f"<h1><code>{title}</code></h1>\n{code}", "parents": [], "toc": ""}, "page.html"


def setup(app):
    app.connect("builder-inited", begin)
    app.connect("env-purge-doc", forget)
    app.connect("source-read", add_navigation)
    app.connect("doctree-read", adapt, priority=100)
    app.connect("html-collect-pages", shown_files)
    return {"parallel_read_safe": False, "parallel_write_safe": True}
