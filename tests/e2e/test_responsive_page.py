"""docs/delivery.md's page of photos in a real Chromium: what it loads at three viewports, before and after; and its figures.

PHOTOGATE_WRITE_DOCS=1 writes the figures anew.
"""
import json
import os
import re
import time
import tomllib

import browser as browsers
import pytest

from tests.rig import pictures

DOCS = browsers.ROOT / "docs" / "delivery.md"
PAGE = DOCS.read_text()
(CONFIGURATION,) = re.findall(r"```toml\n(\[apps\.shop\.profiles\.gallery\].*?)```", PAGE, re.S)
(SNIPPET,) = re.findall(r"```html\n(<picture>.*?)```", PAGE, re.S)
TABLE = re.compile(r"(?<=<!-- page -->\n).*?(?=<!-- /page -->)", re.S)
VIEWPORTS = {"phone, 390 pixels at 3 to 1": (390, 844, 3), "tablet, 820 pixels at 2 to 1": (820, 1180, 2), "desktop, 1440 pixels at 1 to 1": (1440, 900, 1)}
PHOTOS = ("dn-Canon_EOS_450D.jpg", "dn-Nikon_D40.jpg", "dn-Sony_DSC-H9.jpg", "dn-Apple_iPhone_6.jpg", "is-jolla.jpg")
STYLE = "body{margin:0;display:grid;grid-template-columns:1fr}img{width:100%;height:auto;display:block}@media(min-width:60em){body{grid-template-columns:repeat(3,1fr)}}"


@pytest.fixture(scope="module")
def world(build_dir, tmp_path_factory):
    from tests.rig.world import worlds

    profile = tomllib.loads(CONFIGURATION)["apps"]["shop"]["profiles"]["gallery"]
    generator = worlds(build_dir, tmp_path_factory.mktemp("page"))
    yield next(generator)(profiles={"gallery": {key: json.dumps(value) for key, value in profile.items()}})
    generator.close()


def html(upload, markup):
    path = "/i/" + upload["links"]["image"].rsplit("/", 1)[1]
    image = upload["image"]
    return markup.replace("/i/ID", path).replace("WIDTH", str(image["width"])).replace("HEIGHT", str(image["height"]))


def warm(world, uploads):
    """Asks for every version that the page names, as often as the gateway asks to; the page itself then waits for none."""
    for upload in uploads:
        for path in set(re.findall(r"/i/[^\s\",]+", html(upload, SNIPPET))):
            deadline = time.monotonic() + 120
            while (status := world.gateway.request("GET", path)[0]) != 200:
                assert status in (429, 503) and time.monotonic() < deadline, (path, status)
                time.sleep(0.5)


class Seen:
    """A page of pictures at one viewport: what it loaded, and how each picture is shown."""

    def __init__(self, world, visit, viewport, uploads, markup):
        width, height, density = viewport
        self.density = density
        self.visit = visit(viewport={"width": width, "height": height}, device_scale_factor=density)
        page, base = self.visit.page, f"http://127.0.0.1:{world.port}"
        body = "".join(html(upload, markup) for upload in uploads)
        page.route(f"{base}/gallery", lambda route: route.fulfill(
            content_type="text/html",
            body=f"<!doctype html><html lang=en><meta name=viewport content='width=device-width'><title>Gallery</title><style>{STYLE}</style>{body}"))
        responses = []
        page.on("response", lambda response: responses.append(response) if "/i/" in response.url else None)
        page.goto(f"{base}/gallery", wait_until="networkidle")
        assert {response.status for response in responses} == {200} and len(responses) == len(uploads)
        self.types = {response.headers["content-type"] for response in responses}
        self.bytes = sum(len(response.body()) for response in responses)
        self.shown = page.evaluate("() => [...document.images].map((image) => ({url: image.currentSrc, width: image.clientWidth, decoded: image.naturalWidth}))")
        assert all(image["decoded"] for image in self.shown) and not self.visit.complaints


def compared(world, visit, uploads):
    warm(world, uploads)
    steps = [int(step) for step in re.findall(r"w(\d+)\.avif", SNIPPET)]
    seen = {}
    for name, viewport in VIEWPORTS.items():
        before = Seen(world, visit, viewport, uploads, '<img src="/i/ID" width="WIDTH" height="HEIGHT" alt="A photo">')
        after = Seen(world, visit, viewport, uploads, SNIPPET)
        assert after.types == {"image/avif"}
        chosen = {int(re.search(r"/w(\d+)\.avif$", image["url"])[1]) for image in after.shown}
        for image in after.shown:  # as many pixels as the screen has there, and no step more
            needed = image["width"] * after.density
            assert int(re.search(r"/w(\d+)\.avif$", image["url"])[1]) == min((step for step in steps if step >= needed), default=steps[-1]), image
        after.visit.picture("responsive-" + name.split(",")[0])
        seen[name] = (before.bytes, after.bytes, max(chosen))
    return seen


@pytest.mark.large
def test_the_page_loads_at_each_viewport_what_its_screen_shows(world, visit):
    uploads = [world.publish(pictures.photo(2600, 1800, seed=seed), {"profile": "gallery"}) for seed in (301, 302)]
    assert max(uploads[0]["image"]["width"], uploads[0]["image"]["height"]) == 1920
    seen = compared(world, visit, uploads)
    befores = {before for before, _, _ in seen.values()}
    assert len(befores) == 1, "one size for every screen"
    assert {name.split(",")[0]: step for name, (_, _, step) in seen.items()} == {"phone": 1280, "tablet": 1920, "desktop": 480}
    phone, tablet, desktop = (after for _, after, _ in seen.values())
    assert desktop < phone < tablet < befores.pop()


def measured(seen):
    rows = ["| screen | one size for all | this page | of that | its pictures |", "| --- | --- | --- | --- | --- |"]
    for name, (before, after, step) in seen.items():
        rows.append(f"| {name} | {before / 1e6:.2f} MB | {after / 1e6:.2f} MB | {100 * after / before:.0f} % | AVIF, {step} pixels wide |")
    return "\n".join(rows) + "\n"


@pytest.mark.large
def test_the_figures_of_the_page_are_those_that_are_measured(world, visit, corpus):
    uploads = [world.publish((corpus / "photos" / "dev" / name).read_bytes(), {"profile": "gallery"}) for name in PHOTOS]
    seen = compared(world, visit, uploads)
    if os.environ.get("PHOTOGATE_WRITE_DOCS"):
        DOCS.write_text(TABLE.sub(lambda _: measured(seen), PAGE))
        return
    told = re.findall(r"\| ([\d.]+) MB \| ([\d.]+) MB \|", TABLE.search(PAGE)[0])
    assert len(told) == len(seen), "PHOTOGATE_WRITE_DOCS=1 writes them"
    for (before, after, _), (told_before, told_after) in zip(seen.values(), told, strict=True):
        # An encoder of another release gives a few bytes more or less.
        assert (before / 1e6, after / 1e6) == (pytest.approx(float(told_before), rel=0.05), pytest.approx(float(told_after), rel=0.05)), measured(seen)
