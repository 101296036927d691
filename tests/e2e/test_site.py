"""The site that scripts/build-site makes: complete, without a broken link, and in a browser without anything from another host."""
import contextlib
import functools
import http.server
import importlib.util
import pathlib
import re
import shutil
import subprocess
import threading

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
pytestmark = pytest.mark.large

SIZES = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}


def module(name):
    found = importlib.util.spec_from_file_location(name, ROOT / "docs" / "site" / f"{name}.py")
    made = importlib.util.module_from_spec(found)
    found.loader.exec_module(made)
    return made


finish, nav = module("finish"), module("nav")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    made = tmp_path_factory.mktemp("site") / "html"
    done = subprocess.run([ROOT / "scripts" / "build-site", "--output", made], capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    return made


@pytest.fixture(scope="module")
def served(site):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_every_page_of_the_navigation_is_there_and_linked_from_the_first(site):
    first = (site / "docs" / "index.html").read_text()
    for page in nav.listed():
        assert (site / page).with_suffix(".html").is_file(), page
    links = set(re.findall(r'href="([^"#]+\.html)', first))
    for _, pages in nav.read()[0]:
        for page in pages:
            assert str(pathlib.PurePosixPath("..") / pathlib.PurePosixPath(page).with_suffix(".html")) in links | {f"../docs/{link}" for link in links}, page


def test_links_to_files_of_the_source_lead_to_pages_that_show_them(site):
    shown = (site / "source" / "etc" / "nginx" / "photogate.conf.html").read_text()
    assert "proxy_pass" in shown and "etc/nginx/photogate.conf" in shown
    assert 'href="../etc/minio/README.html"' in (site / "docs" / "stores.html").read_text() or "etc/minio/README.html" in (site / "docs" / "deploy" / "minio.html").read_text()


def test_a_page_without_its_policy_or_with_a_broken_link_is_noticed(site, tmp_path):
    assert list(finish.complaints(site)) == []
    for page in finish.read(site):
        if page != "index.html":
            assert finish.POLICY in (site / page).read_text(), page
    own = shutil.copytree(site, tmp_path / "site")
    page = own / "docs" / "glossary.html"
    page.write_text(page.read_text().replace("</body>", '<a href="gone.html">x</a><a href="api.html#gone">x</a><img src="https://example.com/x.png"><a href="../../out">x</a></body>'))
    found = [line.partition(": ")[2] for line in finish.complaints(own)]
    assert found == ["gone.html leads nowhere", "api.html#gone leads to a page without that anchor", "<img> loads https://example.com/x.png from another host", "../../out leads nowhere"]


def test_a_broken_link_in_a_page_fails_the_build(tmp_path):
    """In a copy of what Sphinx reads: a link to a page, an anchor and a file that are not there."""
    listed = subprocess.run(["git", "ls-files", "-z", "*.md", "docs", "scripts", "etc", "examples", "tests", "CMakeLists.txt", "LICENSE"], cwd=ROOT, check=True, capture_output=True, text=True)
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / ".site").symlink_to(ROOT / ".site")
    page = tmp_path / "docs" / "glossary.md"
    page.write_text(page.read_text() + "\n[one](gone.md) [two](api.md#gone) [three](../etc/gone.conf)\n")
    done = subprocess.run([tmp_path / "scripts" / "build-site"], capture_output=True, text=True, timeout=900)
    assert done.returncode != 0
    for target in ("gone.md", "gone.conf"):
        assert target in done.stderr, done.stderr
    assert re.search(r"gone.*api|api.*gone", done.stderr), done.stderr


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_pages_fit_the_screen_and_break_no_policy(site, served, chromium, size, scheme):
    seen = []
    context = chromium.new_context(viewport=SIZES[size], color_scheme=scheme)
    with contextlib.closing(context):
        page = context.new_page()
        page.on("console", lambda message: seen.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: seen.append(str(error)))
        page.on("request", lambda request: seen.append(request.url) if not request.url.startswith((served, "data:")) else None)
        for path in ("docs/index.html", "docs/api.html", "docs/compare.html", "docs/configuration.html", "docs/threat-model.html", "README.html", "source/etc/nginx/photogate.conf.html",
                     "search.html?q=presigned"):
            page.goto(f"{served}/{path}")
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, f"{path} is {wide} pixels wider than the screen"
        page.wait_for_selector("#search-results li")
    assert seen == []


def test_theme_can_be_switched(served, chromium):
    context = chromium.new_context(viewport=SIZES["desktop"], color_scheme="light")
    with contextlib.closing(context):
        page = context.new_page()
        page.goto(f"{served}/docs/index.html")
        before = page.evaluate("getComputedStyle(document.body).backgroundColor")
        for _ in range(3):
            page.click(".theme-toggle-header:visible, .theme-toggle-content:visible >> nth=0")
            if page.evaluate("getComputedStyle(document.body).backgroundColor") != before:
                break
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before
