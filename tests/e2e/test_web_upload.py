"""The page to upload from, in a browser, against a real store."""
import re

import browser as browsers
import pytest

from tests.rig import pictures


def token(world, **body):
    status, _, made = world.request("POST", "/v1/tokens", {"profile": "photos", **body})
    assert status == 201, made
    return made


def opened(world, visit, made=None, **options):
    seen = visit(**options)
    seen.page.goto(world.gateway.url + (made or token(world))["links"]["page"])
    seen.page.wait_for_selector("#choose:not([hidden])")
    return seen


def file(name, data, kind="image/jpeg"):
    return {"name": name, "mimeType": kind, "buffer": data}


def finished(page, state, count=1):
    page.wait_for_function("([state, count]) => document.querySelectorAll(`.picture[data-state=${state}]`).length >= count", arg=[state, count],
                           timeout=60_000)


def drop(page, files):
    """What a browser sends when files are dropped on it."""
    page.evaluate("""async (files) => {
        const transfer = new DataTransfer();
        for (const {name, data} of files) transfer.items.add(new File([Uint8Array.from(atob(data), (c) => c.charCodeAt(0))], name, {type: "image/jpeg"}));
        const target = document.getElementById("drop");
        for (const type of ["dragenter", "dragover", "drop"])
            target.dispatchEvent(new DragEvent(type, {dataTransfer: transfer, bubbles: true, cancelable: true}));
    }""", files)


def encoded(name, data):
    import base64
    return {"name": name, "data": base64.b64encode(data).decode()}


def test_publishes_clean_picture_and_shows_it(world, visit):
    seen = opened(world, visit)
    page = seen.page
    # The token is not visible anywhere; its input field only shows how a token begins.
    assert "#" not in page.url and re.findall(r"pgt_\w+", page.content()) == []
    page.set_input_files("#files", file("doorstep.jpg", pictures.photo(1600, 1200, orientation=6)))
    finished(page, "published")
    facts = page.inner_text(".facts")
    assert re.search(r"Before\s+.*1600 × 1200|Before\s+.*1200 × 1600", facts), facts
    assert re.search(r"Metadata left\s+none; its position was removed", facts), facts
    assert "Camera: Photogate" in facts and "52.51860, 13.37630 on a map" in facts
    assert page.get_attribute(".facts a", "href").startswith("https://www.openstreetmap.org/?mlat=52.5186")
    assert page.wait_for_function("() => { const image = document.querySelector('.thumb'); return image.complete && image.naturalWidth > 0; }")
    page.locator(".callback summary").first.wait_for()  # they are asked for once the upload has ended
    assert page.locator(".callback summary").all_inner_texts()[0].startswith("Callback upload.received")
    page.click("details.callback:last-of-type summary")
    assert '"type": "upload.published"' in page.inner_text("details.callback:last-of-type pre")
    browsers.check_rules(page)
    seen.picture("upload-light")
    assert seen.complaints == []
    assert seen.hosts <= {f"127.0.0.1:{world.port}", world.stack.minio.endpoint.split("//")[1]}


def test_offers_map_only_where_the_profile_keeps_the_position(own_world, visit):
    world = own_world(profiles={"photos": {"gps": '"drop"'}})
    seen = opened(world, visit)
    seen.page.set_input_files("#files", file("a.jpg", pictures.photo(400, 300)))
    finished(seen.page, "published")
    assert "on a map" not in seen.page.inner_text("main") and "position was removed" in seen.page.inner_text(".facts")


def test_works_with_the_keyboard_alone(world, visit, tmp_path):
    seen = opened(world, visit)
    page = seen.page
    order = []
    for _ in range(3):
        page.keyboard.press("Tab")
        order.append(browsers.focused(page))
        assert browsers.focus_is_visible(page), order
    assert order[0] == "Skip to the upload" and "files" in order, order
    path = tmp_path / "keyboard.jpg"
    path.write_bytes(pictures.photo(400, 300))
    # The dialog is intercepted from before the first key on: keys travel another way, and may overtake the wish for it.
    with page.expect_file_chooser() as chooser:
        while browsers.focused(page) != "files":
            page.keyboard.press("Shift+Tab")
        page.keyboard.press("Enter")
    chooser.value.set_files(path)
    finished(page, "published")
    page.wait_for_function("() => /keyboard.jpg: Published/.test(document.getElementById('announce').textContent)")
    for _ in range(12):
        page.keyboard.press("Tab")
        if browsers.focused(page).startswith("Callback upload.published"):
            break
    page.keyboard.press("Enter")
    assert page.locator("details.callback[open]").count() == 1
    assert seen.complaints == []


def test_works_in_dark_and_light_and_on_a_phone(world, visit):
    seen = opened(world, visit, color_scheme="dark", viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    page = seen.page
    assert page.is_visible("#camera-label") and page.get_attribute("#camera", "capture") == "environment"
    page.set_input_files("#camera", file("camera.jpg", pictures.photo(400, 300)))
    finished(page, "published")
    assert page.evaluate("() => getComputedStyle(document.body).backgroundColor") == "rgb(20, 24, 23)"
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    browsers.check_rules(page)
    seen.picture("upload-dark-phone")


def test_accepts_dropped_and_pasted_files_and_explains_rejections(world, visit):
    seen = opened(world, visit)
    page = seen.page
    drop(page, [encoded(f"dropped {i}.jpg", pictures.photo(400, 300, seed=i + 1)) for i in range(5)])
    page.evaluate("""(data) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([Uint8Array.from(atob(data), (c) => c.charCodeAt(0))], "image.png", {type: "image/png"}));
        document.dispatchEvent(new ClipboardEvent("paste", {clipboardData: transfer, bubbles: true, cancelable: true}));
    }""", encoded("p", pictures.photo(200, 200, suffix=".png"))["data"])
    page.set_input_files("#files", file("<b>no picture</b>.jpg", b"this is text, not a picture" * 20))
    finished(page, "published", 6)
    finished(page, "rejected")
    assert page.locator("h3", has_text="<b>no picture</b>.jpg").count() == 1  # a name is text
    assert page.locator(".picture[data-state=rejected] .problem").inner_text() != ""
    assert page.inner_text("#totals").startswith("6 of 7 published")
    seen.picture("upload-many")
    assert seen.complaints == []


def test_cancels_upload_in_progress_and_retries_after_broken_connection(world, visit):
    seen = opened(world, visit)
    page = seen.page
    held = []
    store = world.stack.minio.endpoint.split("//")[1]
    page.route(lambda url: store in url, lambda route: held.append(route))
    page.set_input_files("#files", [file("slow.jpg", pictures.photo(800, 600))])
    page.wait_for_selector(".picture[data-state=sending]")
    page.click("button[aria-label='Cancel slow.jpg']")
    finished(page, "cancelled")
    page.unroute_all(behavior="ignoreErrors")
    assert world.sql("select count(*) from uploads where filename = 'slow.jpg' and state = 'cancelled'") in ("0", "1")
    page.route(lambda url: store in url, lambda route: route.abort())
    page.set_input_files("#files", [file("again.jpg", pictures.photo(800, 600, seed=2))])
    finished(page, "failed")
    assert "connection to the store broke" in page.inner_text(".picture[data-state=failed]")
    page.unroute_all(behavior="ignoreErrors")
    page.click("button[aria-label='Retry again.jpg']")
    finished(page, "published")
    assert world.sql("select count(*) from uploads where filename = 'again.jpg'") == "1"  # the same one, signed again


def test_asks_for_missing_token_and_explains_exhausted_one(world, visit):
    seen = visit()
    page = seen.page
    page.goto(world.gateway.url + "/upload")
    page.wait_for_selector("#token-form:not([hidden])")
    browsers.check_rules(page)
    page.fill("#token", "nonsense")
    page.click("#token-form button")
    assert "no client token" in page.inner_text("#token-problem")
    page.fill("#token", token(world, max_uploads=1)["token"])
    page.keyboard.press("Enter")
    assert browsers.focused(page) == "files"
    page.set_input_files("#files", [file(f"{i}.jpg", pictures.photo(200, 200, seed=i + 1)) for i in range(2)])
    finished(page, "published")
    finished(page, "failed")
    assert "permits no more" in page.inner_text(".picture[data-state=failed]")
    assert page.is_visible("#token-form")


@pytest.mark.parametrize("path, kind", [("/", "text/html; charset=utf-8"), ("/upload", "text/html; charset=utf-8"), ("/docs", "text/html; charset=utf-8"),
                                        ("/assets/upload.js", "text/javascript; charset=utf-8"), ("/assets/style.css", "text/css; charset=utf-8"),
                                        ("/assets/icon.svg", "image/svg+xml"), ("/openapi.json", "application/json; charset=utf-8")])
def test_serves_pages_with_type_and_security_headers(world, path, kind):
    status, headers, body = world.gateway.request("GET", path)
    assert (status, headers["content-type"]) == (200, kind)
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "script-src 'self';" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"
    status, headers, body = world.gateway.request("GET", path, headers={"If-None-Match": headers["etag"]})
    assert (status, body) == (304, b"")


def test_no_page_names_a_foreign_host(world):
    for folder in ("web",):
        for path in sorted((browsers.ROOT / folder).glob("*.*")):
            if path.suffix in (".html", ".js", ".css"):
                hosts = set(re.findall(r"https?://([^/\s\"'`]+)", path.read_text()))
                assert hosts <= {"www.openstreetmap.org"}, path  # a link, followed by who clicks it
