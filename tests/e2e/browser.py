"""Debian's headless Chromium, and the checks of every page."""
import contextlib
import os
import pathlib
import shutil

import pytest
from playwright.sync_api import sync_playwright

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PICTURES = ROOT / "build" / "results" / "pages"


@contextlib.contextmanager
def chromium():
    program = shutil.which("chromium")
    if not program:
        pytest.fail("Debian's chromium is not there: scripts/install-dependencies")
    with sync_playwright() as playwright:
        # A container's root has no sandbox to give; the pages are our own.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        try:
            yield browser
        finally:
            browser.close()


class Visit:
    """A page of a tab of its own, with all that went wrong in it."""

    def __init__(self, browser, **options):
        self.context = browser.new_context(**{"viewport": {"width": 1100, "height": 900}, **options})
        self.page = self.context.new_page()
        self.complaints, self.hosts = [], set()
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda message: self.complaints.append(message.text)
                     if message.type == "error" and "the server responded with a status" not in message.text else None)
        self.page.on("request", lambda request: self.hosts.add(request.url.split("/")[2]) if request.url.startswith("http") else None)

    def picture(self, name):
        PICTURES.mkdir(parents=True, exist_ok=True)
        path = PICTURES / f"{name}.png"
        self.page.screenshot(path=path, full_page=True)
        return path

    def close(self):
        self.context.close()


# What the accessibility rules of WCAG 2.2 AA ask that a program can see: names, labels, headings, contrast.
RULES = r"""() => {
  const wrong = [];
  const seen = (element) => element.getClientRects().length > 0 && getComputedStyle(element).visibility !== "hidden";
  const text = (element) => (element.textContent || "").trim();
  const name = (element) => (element.getAttribute("aria-label") || (element.getAttribute("aria-labelledby") || "").split(" ")
    .map((id) => id && document.getElementById(id) ? text(document.getElementById(id)) : "").join(" ").trim()
    || [...(element.labels || [])].map(text).join(" ").trim() || (["BUTTON", "A", "SUMMARY"].includes(element.tagName) ? text(element) : ""));
  for (const control of document.querySelectorAll("button, a[href], input, select, textarea, summary, progress, [tabindex='0']"))
    if (seen(control) && !name(control)) wrong.push("no name: " + control.outerHTML.slice(0, 120));
  for (const image of document.images) if (!image.hasAttribute("alt")) wrong.push("no alt: " + image.outerHTML.slice(0, 120));
  if (!document.documentElement.lang) wrong.push("no language");
  if (!document.title) wrong.push("no title");
  if (document.querySelectorAll("main").length !== 1) wrong.push("not one main");
  if (document.querySelectorAll("h1").length !== 1) wrong.push("not one h1");
  let level = 0;
  for (const heading of document.querySelectorAll("h1, h2, h3, h4")) {
    if (!seen(heading)) continue;
    const now = Number(heading.tagName[1]);
    if (now > level + 1) wrong.push(`h${level} is followed by h${now}: ${text(heading)}`);
    level = now;
  }
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) wrong.push("an id twice: " + id);
  const parse = (colour) => (colour.match(/[\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => { for (let at = element; at; at = at.parentElement) { const c = parse(getComputedStyle(at).backgroundColor);
    if (c.length === 3 || c[3] === 1) return c; } return [255, 255, 255]; };
  for (const element of document.querySelectorAll("p, h1, h2, h3, dt, dd, th, td, li, button, label, summary, a, caption, pre, code")) {
    if (!seen(element) || !text(element) || element.matches(".visually-hidden, .skip, :disabled")) continue;
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(ground(element))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) wrong.push(`contrast ${((a + 0.05) / (b + 0.05)).toFixed(2)}: ${element.outerHTML.slice(0, 100)}`);
  }
  return wrong;
}"""


def check_rules(page):
    wrong = page.evaluate(RULES)
    assert not wrong, "\n".join(wrong)


def focused(page):
    return page.evaluate("() => document.activeElement.id || document.activeElement.getAttribute('aria-label') || document.activeElement.textContent.trim()")


def focus_is_visible(page):
    """The focused control, or its label, has an outline."""
    return page.evaluate("""() => [document.activeElement, document.activeElement.closest("label")].filter(Boolean)
        .some((element) => getComputedStyle(element).outlineStyle !== "none" && parseFloat(getComputedStyle(element).outlineWidth) >= 2)""")
