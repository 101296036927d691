"""The page to upload from, in a browser, against a real store."""
import re

import browser as browsers
import pytest

from tests.rig import pictures
from tests.rig import resumable as wire


def token(world, **body):
    status, _, made = world.request("POST", "/v1/tokens", {"profile": "photos", **body})
    assert status == 201, made
    return made


def opened(world, visit, made=None, **options):
    seen = visit(**options)
    seen.page.goto((made or token(world))["links"]["page"])
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
    exposure = re.search(r"Exposure: (.*)", facts)
    assert exposure is None or not re.search(r"0\.\d{4}|seconds", exposure.group(1)), facts
    browsers.check_rules(page)
    seen.picture("upload-light")
    assert seen.complaints == []
    assert seen.hosts <= {f"127.0.0.1:{world.port}", world.stack.minio.endpoint.split("//")[1]}


def test_shows_sizes_formats_and_bytes_and_gives_the_markup(own_world, visit, tmp_path):
    world = own_world(profiles={"photos": {"version_sizes": "[320, 640, 1280]"}})
    seen = opened(world, visit)
    page = seen.page
    page.set_input_files("#files", file('<img src=x onerror=alert(1)> ".jpg', pictures.photo(1000, 750)))
    finished(page, "published")
    page.click(".versions summary")
    assert page.locator(".versions thead th").all_inner_texts() == ["Width", "AVIF", "WebP", "JPEG"]
    assert page.locator(".versions tbody th").all_inner_texts() == ["320 px", "640 px", "1000 px"]
    page.click(".versions button >> text=weigh")
    page.wait_for_function("() => document.querySelector('.versions [role=status]').textContent === '9 of 9 made'", timeout=60_000)
    address = page.get_attribute(".versions tbody tr:nth-child(2) td:nth-child(3) a", "href")
    assert address.endswith("/w640.webp")
    status, headers, body = world.gateway.request("GET", "/i/" + address.split("/i/")[1])
    assert (status, headers["content-type"]) == (200, "image/webp")
    shown = page.inner_text(".versions tbody tr:nth-child(2) td:nth-child(3)")
    size = f"{len(body) / 1000:.1f} KB" if len(body) < 100_000 else f"{round(len(body) / 1000)} KB"
    saved = round(100 * (1 - len(body) / len(pictures.photo(1000, 750))))
    assert shown == f"640 px {size}, {saved} % saved"
    markup = page.input_value(".versions textarea")
    assert "onerror" not in markup and markup.count("<source") == 2 and 'width="1000" height="750"' in markup
    page.click(".versions button >> text=Copy")
    page.wait_for_function("() => [...document.querySelectorAll('.versions button')].some((each) => each.textContent === 'Copied')"
                           " || document.activeElement.matches('.versions textarea')")
    browsers.check_rules(page)
    seen.picture("upload-versions")
    assert seen.complaints == [] and seen.hosts <= {f"127.0.0.1:{world.port}", world.stack.minio.endpoint.split("//")[1]}
    # On another page, each screen takes the smallest that fills it, in the best format.
    for width, step in ((300, "w320.avif"), (600, "w640.avif"), (1200, "w1280.avif")):
        other = visit(viewport={"width": width, "height": 600})
        other.page.set_content(f"<!doctype html><style>body {{margin: 0}} img {{width: 100%; height: auto}}</style>{markup}")
        other.page.wait_for_function("() => { const image = document.querySelector('img'); return image.complete && image.naturalWidth > 0; }")
        assert other.page.evaluate("() => document.querySelector('img').currentSrc").endswith(step), width


def test_shows_private_pictures_by_signed_links(own_world, visit):
    world = own_world(profiles={"photos": {"private": "true", "version_sizes": "[320, 640, 1280]"}})
    seen = opened(world, visit)
    page = seen.page
    page.set_input_files("#files", file("private.jpg", pictures.photo(1000, 750)))
    finished(page, "published")
    page.wait_for_function("() => { const image = document.querySelector('.thumb'); return image.complete && image.naturalWidth > 0; }")
    address = page.get_attribute("a >> text=Open the published picture", "href")
    path = "/i/" + address.split("/i/")[1]
    assert "scope=image" in path and world.gateway.request("GET", path)[0] == 200
    assert world.gateway.request("GET", path.split("?")[0])[0] == 403
    page.click(".versions summary")
    page.click(".versions button >> text=weigh")
    page.wait_for_function("() => document.querySelector('.versions [role=status]').textContent === '9 of 9 made'", timeout=60_000)
    assert "until the links expire" in page.inner_text(".versions") and page.input_value(".versions textarea").count("sig=") == 10
    assert seen.complaints == []


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
    assert page.is_visible(".facts")  # of a single picture
    for _ in range(12):
        page.keyboard.press("Tab")
        if browsers.focused(page) == "Details of keyboard.jpg":
            break
    page.keyboard.press("Enter")
    assert not page.is_visible(".facts") and page.get_attribute("button[aria-label='Details of keyboard.jpg']", "aria-expanded") == "false"
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
    finished(page, "paused")
    assert "The connection broke. Trying again" in page.inner_text(".picture[data-state=paused]")
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
    assert "not an upload link" in page.inner_text("#token-problem")
    page.fill("#token", token(world, max_uploads=1)["links"]["page"])
    page.keyboard.press("Enter")
    assert browsers.focused(page) == "files"
    page.set_input_files("#files", [file(f"{i}.jpg", pictures.photo(200, 200, seed=i + 1)) for i in range(2)])
    finished(page, "published")
    finished(page, "failed")
    assert "accepts no more pictures" in page.inner_text(".picture[data-state=failed]")
    assert page.is_visible("#token-form") and page.locator(".picture[data-state=failed] button:visible").count() == 0  # trying again can't help
    page.evaluate("(hash) => { location.hash = hash; }", token(world)["links"]["page"].rsplit("/", 1)[1])
    finished(page, "published", 2)  # goes on with the new link
    assert "#" not in page.url


def requests_of(page):
    """The paths that the page asks for from now on."""
    asked = []
    page.on("request", lambda request: asked.append(f"{request.method} {request.url.split('?')[0]}"))
    return asked


def test_refuses_what_is_no_picture_before_anything_is_sent(own_world, visit):
    world = own_world(profiles={"photos": {"max_size": 50_000, "formats": '["jpeg", "png"]', "methods": '["post"]'}})
    seen = opened(world, visit)
    page = seen.page
    page.wait_for_function("() => /JPEG or PNG, at most 50.0 KB each/.test(document.getElementById('permit').textContent)")
    asked = requests_of(page)
    refused = {
        "empty.jpg": (b"", "This file is empty"),
        "large.jpg": (pictures.photo(1200, 900) + bytes(60_000), "too large: it has"),
        "letter.jpg": (b"%PDF-1.7 a letter", "not a picture"),
        "film.mp4": (b"\0\0\0\x18ftypisom" + bytes(60), "a video, not a picture"),
        "moving.gif": (b"GIF89a" + bytes(60), "GIF pictures are not accepted here. Please choose a JPEG or PNG picture"),
        "drawing.svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "of this format are not accepted"),
    }
    kinds = {"film.mp4": "video/mp4", "drawing.svg": "image/svg+xml"}
    page.set_input_files("#files", [file(name, data, kinds.get(name, "image/jpeg")) for name, (data, _) in refused.items()])
    finished(page, "rejected", len(refused))
    for name, (_, said) in refused.items():
        card = page.locator(".picture", has=page.locator("h3", has_text=name))
        assert said in card.locator(".problem").inner_text(), name
        assert card.locator("button:visible").count() == 0, name  # nothing to retry
    assert [each for each in asked if "/v1/" in each or each.startswith("PUT")] == []
    assert not re.search(r"size_over_limit|'size'|whole number|Failed to fetch", page.inner_text("body"))
    page.set_input_files("#files", file("fine.jpg", pictures.photo(300, 200)))  # by a form, as no PUT is offered
    finished(page, "published")
    assert world.sql("select method from uploads where filename = 'fine.jpg'") == "post"
    seen.picture("upload-refused")
    assert seen.complaints == []


def test_goes_on_when_online_again(world, visit):
    seen = opened(world, visit)
    page = seen.page
    page.context.set_offline(True)
    page.wait_for_selector("#offline:not([hidden])")
    page.set_input_files("#files", [file(f"offline {i}.jpg", pictures.photo(400, 300, seed=i + 40)) for i in range(2)])
    finished(page, "paused", 2)
    text = page.inner_text("main")
    assert "Goes on when you are online again" in text and "Failed to fetch" not in text
    browsers.check_rules(page)
    page.context.set_offline(False)
    finished(page, "published", 2)
    assert world.sql("select count(*) from uploads where filename like 'offline %'") == "2"
    assert not page.is_visible("#offline")


def test_goes_on_after_the_connection_ended_while_sending_or_processing(world, visit):
    seen = opened(world, visit)
    page = seen.page
    store = world.stack.minio.endpoint.split("//")[1]
    held = []
    page.route(lambda url: store in url, lambda route: held.append(route))
    page.set_input_files("#files", file("cut while sending.jpg", pictures.photo(400, 300, seed=81)))
    page.wait_for_selector(".picture[data-state=sending]")
    page.context.set_offline(True)
    held[0].abort("internetdisconnected")
    finished(page, "paused")
    page.unroute_all(behavior="ignoreErrors")
    page.context.set_offline(False)
    finished(page, "published")
    waiting = []
    page.route("**/v1/uploads/*?wait=20", lambda route: waiting.append(route))
    page.set_input_files("#files", file("cut while processing.jpg", pictures.photo(400, 300, seed=82)))
    page.wait_for_selector(".picture[data-state=processing]")
    assert page.locator(".picture[data-state=processing] button:visible").count() == 0  # nothing to cancel
    while not waiting:
        page.wait_for_timeout(20)
    page.context.set_offline(True)
    waiting[0].abort("internetdisconnected")
    finished(page, "paused")
    page.unroute_all(behavior="ignoreErrors")
    page.context.set_offline(False)
    finished(page, "published", 2)
    assert world.sql("select count(*) from uploads where filename like 'cut while %'") == "2"


def slowed(page, upload=-1):
    """Lets the page send so many bytes a second, as the browser's own tools do."""
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    network.send("Network.emulateNetworkConditions", {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": upload})


def offsets_of(page):
    """Where each request begins that sends through the gateway."""
    begun = []
    page.on("request", lambda request: begun.append(int(request.headers["upload-offset"])) if request.method == "PATCH" else None)
    return begun


def share_sent(page, more_than):
    page.wait_for_function("(share) => Number(document.querySelector('.picture[data-state=sending] progress')?.value) > share", arg=more_than, timeout=30_000)


def forgotten(page):
    """Waits until the browser keeps no picture any more."""
    page.wait_for_function("""() => new Promise((resolve) => {
        const opened = indexedDB.open("photogate", 1);
        opened.onsuccess = () => {
            const counted = opened.result.transaction("pictures").objectStore("pictures").count();
            counted.onsuccess = () => { opened.result.close(); resolve(counted.result === 0); };
        };
    })""")


def test_pauses_and_continues_with_what_has_arrived_also_after_a_reload(world, visit):
    photo = pictures.noise(1400, 1000, seed=5)
    seen = opened(world, visit)
    page = seen.page
    begun = offsets_of(page)
    slowed(page, 300_000)
    page.set_input_files("#files", file("paused.jpg", photo))
    share_sent(page, 0.1)
    page.click("button[aria-label='Pause paused.jpg']")  # of a PUT, of which nothing remains
    finished(page, "stopped")
    assert page.inner_text(".picture .status") == "Paused" and begun == []
    browsers.check_rules(page)
    page.click("button[aria-label='Continue paused.jpg']")
    share_sent(page, 0.4)
    page.click("button[aria-label='Pause paused.jpg']")
    page.wait_for_function("() => /^Paused, .* have arrived$/.test(document.querySelector('.picture .status').textContent)")
    seen.picture("upload-paused")
    page.reload()
    finished(page, "stopped")  # it does not continue by itself
    assert page.locator("h3", has_text="paused.jpg").count() == 1
    slowed(page)
    page.click("button[aria-label='Continue paused.jpg']")
    finished(page, "published")
    assert begun[0] == 0 and begun[-1] > 0.3 * len(photo), begun
    assert world.sql("select count(*), max(state) from uploads where filename = 'paused.jpg'") == "1|published"
    forgotten(page)
    page.reload()
    page.wait_for_selector("#choose:not([hidden])")
    page.wait_for_timeout(300)
    assert page.locator(".picture").count() == 0  # nothing is kept of what has ended
    assert seen.complaints == []


def test_reload_while_sending_or_waiting_loses_no_picture(world, visit):
    seen = opened(world, visit)
    page = seen.page
    store = world.stack.minio.endpoint.split("//")[1]
    holding = [True]
    page.route(lambda url: store in url, lambda route: None if holding else route.continue_())  # without an answer
    page.set_input_files("#files", [file(f"reloaded {i}.jpg", pictures.photo(400, 300, seed=i + 60)) for i in range(4)])
    finished(page, "sending", 3)
    page.wait_for_function("""async () => {
        const opened = await new Promise((resolve) => { const request = indexedDB.open("photogate"); request.onsuccess = () => resolve(request.result); });
        const all = await new Promise((resolve) => { const request = opened.transaction("pictures").objectStore("pictures").getAll();
            request.onsuccess = () => resolve(request.result); });
        opened.close();
        return all.filter((each) => each.upload).length === 3 && all.length === 4;
    }""")
    page.reload()
    holding.clear()
    finished(page, "published", 4)
    assert world.sql("select count(*) from uploads where filename like 'reloaded %'") == "4"
    other = opened(world, visit, token(world))  # another link shows nothing of them
    assert other.page.locator(".picture").count() == 0


def test_cancels_a_paused_picture_after_a_reload(world, visit):
    seen = opened(world, visit)
    page = seen.page
    store = world.stack.minio.endpoint.split("//")[1]
    page.route(lambda url: store in url, lambda route: None)  # without an answer
    page.set_input_files("#files", file("paused then cancelled.jpg", pictures.photo(400, 300, seed=65)))
    finished(page, "sending")
    page.click("button[aria-label='Pause paused then cancelled.jpg']")
    finished(page, "stopped")
    page.wait_for_timeout(500)  # until it is written down
    page.reload()
    finished(page, "stopped")
    page.click("button[aria-label='Cancel paused then cancelled.jpg']")
    finished(page, "cancelled")
    page.wait_for_function("() => /: cancelled$/.test(document.getElementById('announce').textContent)")
    assert world.sql("select state from uploads where filename = 'paused then cancelled.jpg'") == "cancelled"
    page.reload()
    page.wait_for_selector("#choose:not([hidden])")
    page.wait_for_timeout(300)
    assert page.locator(".picture").count() == 0
    assert seen.complaints == []


def test_after_a_cut_continues_through_the_gateway_where_it_stopped(world, visit):
    photo = pictures.noise(1400, 1000, seed=6)
    with wire.CuttingRelay(world.port, [500_000] * 12) as relay:  # as many connections as a browser opens
        seen = visit()
        page = seen.page
        begun = offsets_of(page)
        page.goto(token(world)["links"]["page"].replace(f":{world.port}/", f":{relay.port}/"))
        page.wait_for_selector("#choose:not([hidden])")
        store = world.stack.minio.endpoint.split("//")[1]
        page.route(lambda url: store in url, lambda route: route.abort("connectionreset"))
        said = []
        page.expose_function("said", lambda text: said.append(text))
        page.evaluate("""() => new MutationObserver(() => { const text = document.querySelector(".picture .status")?.textContent;
            if (text) window.said(text); }).observe(document.body, {subtree: true, childList: true, characterData: true})""")
        page.set_input_files("#files", file("cut.jpg", photo))
        finished(page, "published")
        assert relay.cuts >= 2
    assert begun[0] == 0 and begun == sorted(begun) and begun[-1] > 0, begun
    assert any(text.startswith("The connection broke, ") and "have arrived. Trying again in a moment" in text for text in said), said
    assert world.sql("select count(*) from uploads where filename = 'cut.jpg'") == "1"


def test_slow_network_sends_through_the_gateway_at_once(world, visit):
    seen = visit()
    page = seen.page
    page.add_init_script("Object.defineProperty(navigator, 'connection', {value: {effectiveType: '3g'}})")
    page.goto(token(world)["links"]["page"])
    page.wait_for_selector("#choose:not([hidden])")
    asked = requests_of(page)
    page.set_input_files("#files", [file("slow large.jpg", pictures.noise(1000, 800, seed=7)), file("slow small.jpg", pictures.photo(400, 300, seed=8))])
    finished(page, "published", 2)
    assert [each.split(" ")[0] for each in asked if each.split(" ")[0] in ("PUT", "PATCH")] in (["PUT", "PATCH"], ["PATCH", "PUT"])


def test_repeated_put_that_is_answered_412_counts_as_sent(world, visit):
    """The store has the picture, the answer is lost on the way: what is sent again is answered 412."""
    seen = opened(world, visit)
    page = seen.page
    store = world.stack.minio.endpoint.split("//")[1]
    statuses, asked = [], requests_of(page)

    def lose_answer(route):
        statuses.append(route.fetch().status)
        route.abort("connectionreset") if len(statuses) == 1 else route.fulfill(status=412, headers={"Access-Control-Allow-Origin": "*"})

    page.route(lambda url: store in url, lose_answer)
    page.set_input_files("#files", [file("twice.jpg", pictures.photo(500, 400, seed=77))])
    finished(page, "published")
    assert statuses[0] == 200
    assert world.sql("select count(*), max(generation) from uploads where filename = 'twice.jpg'") == "1|1"
    assert not [each for each in asked if each.endswith("/sign")]  # the same presigned upload


def test_asks_for_fresh_url_if_the_store_says_that_it_expired(world, visit):
    seen = opened(world, visit)
    page = seen.page
    store = world.stack.minio.endpoint.split("//")[1]
    sent, asked = [], requests_of(page)

    def expire_first(route):
        sent.append(route.request.url)
        route.fulfill(status=403, headers={"Access-Control-Allow-Origin": "*"}) if len(sent) == 1 else route.continue_()

    page.route(lambda url: store in url, expire_first)
    page.set_input_files("#files", file("late.jpg", pictures.photo(500, 400, seed=91)))
    finished(page, "published")
    assert len([each for each in asked if each.endswith("/sign")]) == 1
    page.unroute_all(behavior="ignoreErrors")
    page.route(lambda url: store in url, lambda route: route.fulfill(status=403, headers={"Access-Control-Allow-Origin": "*"}))
    page.set_input_files("#files", file("changed.jpg", pictures.photo(500, 400, seed=92)))
    finished(page, "rejected")
    card = page.locator(".picture[data-state=rejected]")
    assert "Please choose it again" in card.inner_text() and card.locator("button:visible").count() == 0


@pytest.mark.large
def test_ten_pictures_fit_on_a_screen_and_unfold(world, visit):
    seen = opened(world, visit, viewport={"width": 1280, "height": 900})
    page = seen.page
    page.set_input_files("#files", [file(f"{i}.jpg", pictures.photo(400, 300, seed=i + 20)) for i in range(10)])
    finished(page, "published", 10)
    assert page.evaluate("() => document.documentElement.scrollHeight") < 1500
    assert page.locator(".facts:visible").count() == 0
    page.click("button[aria-label='Details of 3.jpg']")
    assert page.locator(".facts:visible").count() == 1
    browsers.check_rules(page)
    for width in (390, 1280, 2560):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), width
        seen.picture(f"upload-ten-{width}")
    assert seen.complaints == []


def test_developers_drawer_follows_callbacks_until_they_are_delivered(own_world, visit):
    world = own_world()
    world.receiver.answer = lambda callback: (503, {"Retry-After": "1"}, b"")
    seen = opened(world, visit)
    page = seen.page
    page.set_input_files("#files", [file("told.jpg", pictures.photo(300, 200))])
    finished(page, "published")
    assert "upload.published" not in page.inner_text("main") and "./run" not in page.inner_text("main")  # nothing for developers outside of it
    page.click("#developer > summary")
    page.wait_for_selector(".callback[data-type='upload.published'][data-state=waiting]")
    assert "Callback upload.published: waiting" in page.inner_text("#developer")
    page.click(".callback[data-type='upload.published'] summary")
    assert '"type": "upload.published"' in page.inner_text(".callback[data-type='upload.published'] pre")
    world.receiver.answer = lambda callback: None
    page.wait_for_selector(".callback[data-type='upload.published'][data-state=delivered]", timeout=40_000)
    assert page.locator(".callback[open]").count() == 1  # what was open stays open
    browsers.check_rules(page)
    seen.picture("upload-drawer")
    asked = requests_of(page)
    page.wait_for_timeout(1500)
    assert asked == []  # everything is told: nothing more to ask
    assert seen.complaints == []


HEADS = {
    b"\xff\xd8\xff\xe1": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png", b"GIF87a": "image/gif", b"GIF89a": "image/gif", b"RIFF\x80\x81\x90\xffWEBPVP8X": "image/webp",
    b"II*\0\x08": "image/tiff", b"MM\0*\0": "image/tiff", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic": "image/heic", b"\0\0\0\x1cftypmif1\0\0\0\0miafheix": "image/heic",
    b"\0\0\0\x20ftypavif\0\0\0\0mif1miaf": "image/avif", b"\0\0\0\x1cftypmif1\0\0\0\0avif": "image/avif", b"\0\0\0\x18ftypmp42\0\0\0\0isom": "",
    b"\0\0\0\x14ftypqt  ": "", b"%PDF-1.7": None, b"BM": None, b"": None, b"\x80\x99": None,
}


def test_knows_pictures_by_their_first_bytes(chromium, world):
    page = chromium.new_page()
    page.goto(world.gateway.url + "/docs")
    found = page.evaluate("""async (heads) => {
        const {sniff} = await import("/assets/checks.js");
        return heads.map((head) => sniff(Uint8Array.from(head)));
    }""", [list(head) for head in HEADS])
    assert dict(zip(HEADS, found, strict=True)) == HEADS
    page.close()


def test_writes_exposure_as_photographers_do(chromium, world):
    page = chromium.new_page()
    page.goto(world.gateway.url + "/docs")
    cases = {1 / 75: "1/75 s", 0.013333: "1/75 s", 1 / 8000: "1/8000 s", 0.25: "1/4 s", 0.5: "0.5 s", 1: "1 s", 2.5: "2.5 s", 30: "30 s"}
    said = page.evaluate("""async (cases) => {
        const {exposureTime, exposureText} = await import("/assets/facts.js");
        return [...cases.map(exposureTime), exposureText({seconds: 0.013333, f_number: 1.8, iso: 64, focal_length_mm: 5.7}), exposureText({seconds: 0})];
    }""", list(cases))
    assert said == [*cases.values(), "1/75 s, f/1.8, ISO 64, 5.7 mm", ""]
    page.close()


@pytest.mark.parametrize("path, kind", [("/", "text/html; charset=utf-8"), ("/upload", "text/html; charset=utf-8"), ("/docs", "text/html; charset=utf-8"),
                                        ("/docs/errors", "text/html; charset=utf-8"), ("/assets/words.json", "application/json; charset=utf-8"),
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
