"""The page of zips: an app's key, pictures that are chosen, and a zip of them, whose progress is shown."""
import io
import re
import subprocess
import zipfile

import browser as browsers
import pytest
from test_stored_packages import QUICK, state_of

from tests.rig import pictures
from tests.rig.published import noise, publish

MIB = 1 << 20


def opened(world, visit, **options):
    seen = visit(**options)
    seen.page.goto(f"http://127.0.0.1:{world.port}/packages#key={world.app.key}")
    seen.page.wait_for_selector("#board:not([hidden])")
    return seen


def show(page, album):
    page.fill("#query", f"album={album}")
    page.keyboard.press("Enter")


def shown(page, count):
    page.wait_for_function("(count) => document.querySelectorAll('#pictures input').length === count", arg=count)


def downloaded(page, name, folder):
    with page.expect_download() as arriving:
        page.click(f"a[aria-label='Download {name}']")
    assert arriving.value.suggested_filename == name
    arriving.value.save_as(folder / name)
    return zipfile.ZipFile(io.BytesIO((folder / name).read_bytes()))


def test_zip_of_the_pictures_that_are_chosen(world, visit, tmp_path):
    made = [world.publish(pictures.photo(400, 300, seed=950 + number), {"filename": f"{number}.jpg", "metadata": {"album": "page"}}) for number in range(3)]
    seen = opened(world, visit)
    page = seen.page
    assert "#" not in page.url and world.app.key not in page.content()
    show(page, "page")
    shown(page, 3)
    page.wait_for_function("() => [...document.querySelectorAll('#pictures img')].every((image) => image.complete && image.naturalWidth > 0)")
    assert page.is_disabled("#submit")
    for each in (made[2], made[0]):
        page.check(f"#pictures input[value={each['id']}]")
    assert page.inner_text("#chosen").startswith("Chosen: 2 pictures, ")
    browsers.check_rules(page)
    seen.picture("packages-light")
    page.fill("#name", "smith")
    page.focus("#submit")
    page.keyboard.press("Enter")
    page.wait_for_selector("a[aria-label='Download smith.zip']")
    assert browsers.focused(page) == "zips-title" and page.inner_text("#chosen") == "No picture is chosen."
    assert page.inner_text("#announce") == "smith.zip: Ready to be downloaded."
    archive = downloaded(page, "smith.zip", tmp_path)
    assert [archive.read(name) for name in archive.namelist()] == [world.image(made[2])[2], world.image(made[0])[2]], "in the order of choice"
    assert seen.complaints == [] and seen.hosts == {f"127.0.0.1:{world.port}"}
    page.click("button[aria-label='Delete smith.zip']")
    page.wait_for_selector("#zips .state-deleted")
    assert page.query_selector("a[aria-label='Download smith.zip']") is None


def test_zip_of_all_that_match_in_a_size_of_its_own(world, visit, tmp_path):
    sent = [world.publish(pictures.photo(1600, 1200, seed=960 + number), {"filename": f"{number}.jpg", "metadata": {"album": "all"}}) for number in range(2)]
    world.publish(pictures.photo(200, 100, seed=970), {"metadata": {"album": "others"}})
    seen = opened(world, visit, color_scheme="dark")
    page = seen.page
    show(page, "all")
    shown(page, 2)
    page.click("#choose-matching")
    assert page.inner_text("#chosen") == "All pictures with album=all are chosen." and page.is_disabled("#pictures input")
    page.click("#choose-none")
    assert page.is_disabled("#submit") and not page.is_disabled("#pictures input")
    page.click("#choose-matching")
    page.select_option("#look", "1280")
    page.fill("#name", "all.zip")
    browsers.check_rules(page)
    seen.picture("packages-dark")
    page.click("#submit")
    page.wait_for_selector("a[aria-label='Download all.zip']", timeout=60_000)
    archive = downloaded(page, "all.zip", tmp_path)
    assert len(archive.namelist()) == len(sent) and archive.testzip() is None
    for name in archive.namelist():
        (tmp_path / "picture.jpg").write_bytes(archive.read(name))
        assert subprocess.check_output(["vipsheader", "-f", "width", tmp_path / "picture.jpg"], text=True).strip() == "1280", name
    assert seen.complaints == []


@pytest.mark.large
def test_progress_of_a_stored_zip_is_shown_until_it_is_ready(own_world, visit):
    world = own_world(role="serve", extra=QUICK)
    publish(world, [(f"{number}.jpg", noise(20 * MIB, 970 + number)) for number in range(4)])
    seen = opened(world, visit, viewport={"width": 360, "height": 800})
    page = seen.page
    shown(page, 4)
    page.click("#choose-shown")
    page.select_option("#mode", "store")
    page.fill("#name", "stored")
    page.click("#submit")
    page.wait_for_selector("#zips progress[aria-label='Progress of stored.zip']")
    said = page.inner_text("#zips .state-queued")
    assert "It waits for its turn." in said and "0 of 4 pictures, 0 bytes of 83.9 MB" in said
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), "it fits a phone"
    browsers.check_rules(page)
    seen.picture("packages-progress")
    operations = visit()
    operations.page.goto(f"http://127.0.0.1:{world.metrics_port}/operate#key={world.operator.key}")
    operations.page.wait_for_selector("#packages .state-queued progress")
    assert "stored.zip" in operations.page.inner_text("#packages") and "shop" in operations.page.inner_text("#packages")
    browsers.check_rules(operations.page)
    with world.another("work").start():
        page.wait_for_selector("a[aria-label='Download stored.zip']", timeout=60_000)
        assert page.inner_text("#announce") == "stored.zip: Ready to be downloaded." and page.query_selector("#zips progress") is None
        operations.page.wait_for_selector("#packages .state-ready", timeout=15_000)
    package = world.request("GET", "/v1/packages")[2]["data"][0]
    assert state_of(world, package)["mode"] == "store"
    assert seen.complaints == [] and operations.complaints == []


def test_key_that_is_wrong_or_forgotten_leaves_nothing(world, visit):
    seen = visit()
    page = seen.page
    page.goto(f"http://127.0.0.1:{world.port}/packages")
    page.wait_for_selector("#key-form:not([hidden])")
    page.fill("#key", "pg_shop_wrong")
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.getElementById('key-problem').textContent !== ''")
    assert page.is_hidden("#board")
    browsers.check_rules(page)
    page.fill("#key", world.app.key)
    page.keyboard.press("Enter")
    page.wait_for_selector("#board:not([hidden])")
    page.fill("#query", "no equals sign")
    page.click("#search button")
    page.wait_for_function("() => /NAME=VALUE/.test(document.getElementById('problem').textContent)")
    page.reload()
    page.wait_for_selector("#board:not([hidden])")
    page.click("#leave")
    page.reload()
    page.wait_for_selector("#key-form:not([hidden])")
    assert re.findall(r"pg_\w+", page.content()) == [] and seen.complaints == []
