"""The page to operate with: beside /metrics, for an operator's key, fast with 100,000 uploads."""
import json
import re
import time

import browser as browsers
import pytest

from tests.rig import pictures


def address(world):
    return f"http://127.0.0.1:{world.metrics_port}"


def opened(world, visit, **options):
    seen = visit(**options)
    seen.page.goto(f"{address(world)}/operate#key={world.operator.key}")
    seen.page.wait_for_selector("#board:not([hidden])")
    return seen


def operate(world, path, key=None, method="GET", body=None):
    return world.gateway.request(method, path, body, key=key or world.operator.key, port=world.metrics_port)


def test_requires_operator_key(world, visit):
    for path in ("/v1/uploads", "/v1/callbacks"):
        assert world.gateway.request("GET", path, port=world.metrics_port)[0] == 401
        assert operate(world, path, world.app.key)[0] == 403
        assert operate(world, path)[0] == 200
    assert world.gateway.request("POST", "/v1/uploads", {}, key=world.app.key, port=world.metrics_port)[0] == 405
    assert world.gateway.request("GET", "/operate")[0] == 404  # not where clients come
    seen = visit()
    seen.page.goto(address(world) + "/")
    seen.page.wait_for_selector("#key-form:not([hidden])")
    seen.page.fill("#key", world.app.key)
    seen.page.keyboard.press("Enter")
    seen.page.wait_for_function("() => /operator/.test(document.getElementById('key-problem').textContent)")
    browsers.check_rules(seen.page)


def test_shows_uploads_moving_through_their_states(world, visit):
    seen = opened(world, visit)
    page = seen.page
    assert world.operator.key not in page.url
    created = world.create({"filename": "live.jpg", "metadata": {"order_id": "LIVE-1"}})
    row = f"#uploads tr[data-id={created['id']}]"
    page.wait_for_selector(f"{row} .state-created", timeout=15_000)
    from scripts import local_gateway
    local_gateway.send(created["upload"], pictures.photo(400, 300))
    page.wait_for_selector(f"{row} .state-published", timeout=30_000)
    page.focus(f"{row} button")
    page.keyboard.press("Enter")
    page.wait_for_selector("#detail:not([hidden]) #timeline li")
    assert browsers.focused(page) == "detail"
    timeline = page.inner_text("#timeline")
    assert [word for word in ("created", "received", "claimed", "published") if word not in timeline] == []
    assert "order_id=LIVE-1" in page.inner_text("#detail") and "upload.published" in page.inner_text("#detail")
    tiles = page.inner_text("#tiles")
    assert re.search(r"Store events arrive within \(95 %\)\s+\d", tiles) and "Callbacks given up" in tiles
    browsers.check_rules(page)
    seen.picture("operate-light")
    page.click("#detail >> text=Close")
    assert browsers.focused(page) == f"Open {created['id']}"
    assert seen.complaints == [] and seen.hosts == {f"127.0.0.1:{world.metrics_port}"}


def test_searches_by_id_metadata_and_state(world, visit):
    rejected = world.gateway.wait_for(world.upload(b"this is no picture" * 50, {"filename": "bad.jpg", "metadata": {"order_id": "SEARCH-7"}}))
    seen = opened(world, visit, color_scheme="dark")
    page = seen.page
    page.uncheck("#live")
    page.fill("#query", "order_id=SEARCH-7")
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelectorAll('#uploads tr').length === 1")
    assert rejected["id"] in page.inner_text("#uploads")
    page.fill("#query", "")
    page.select_option("#state", "rejected")
    page.click("#search button")
    page.wait_for_function("() => [...document.querySelectorAll('#uploads td:nth-of-type(1)')].every((cell) => cell.textContent === 'rejected')")
    assert rejected["rejection"]["code"] in page.inner_text("#uploads")
    page.fill("#query", rejected["id"])
    page.click("#search button")
    page.wait_for_function("(id) => document.querySelector('#detail-title')?.textContent === id", arg=rejected["id"])
    assert page.is_visible("#detail >> text=Process again")
    browsers.check_rules(page)
    seen.picture("operate-dark")
    page.fill("#query", "neither")
    page.click("#search button")
    page.wait_for_function("() => /NAME=VALUE/.test(document.getElementById('problem').textContent)")
    assert seen.complaints == []


def test_shows_and_replays_dead_callbacks(own_world, visit):
    world = own_world()
    done = world.publish(pictures.photo(200, 200))
    world.receiver.wait_for_upload(done["id"], "upload.published", 30)
    world.sql(f"update callbacks set state = 'dead', finished_at = now() where subject_id = '{done['id']}' and type = 'upload.published'")
    seen = opened(world, visit)
    page = seen.page
    page.wait_for_selector("#callbacks .state-dead")
    seen.picture("operate-callbacks")
    page.click("#callbacks button >> text=Replay")
    page.wait_for_selector("#callbacks >> text=None.", timeout=15_000)
    page.wait_for_function("() => /sent again/.test(document.getElementById('announce').textContent)")
    deadline = time.monotonic() + 60
    while world.sql(f"select count(*) from callbacks where subject_id = '{done['id']}' and state <> 'delivered'") != "0":
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_takes_key_from_changed_fragment_and_leaves_no_trace_of_it(world, visit):
    seen = visit()
    page = seen.page
    page.goto(f"{address(world)}/operate#key=pg_ops_wrong")
    page.wait_for_function("() => document.getElementById('key-problem').textContent !== ''")
    assert "#" not in page.url
    page.evaluate("(key) => { location.hash = `key=${key}`; }", world.operator.key)  # typed into the open tab
    page.wait_for_selector("#board:not([hidden])")
    assert "#" not in page.url and world.operator.key not in page.content()
    done = world.publish(pictures.photo(120, 90))
    for fragment in (f"key={world.operator.key}", f"{done['id']}&key={world.operator.key}"):
        page.evaluate("(fragment) => { location.hash = fragment; }", fragment)
        page.wait_for_function("() => !location.href.includes('key=')")
    page.evaluate("(id) => { location.hash = id; }", done["id"])
    page.wait_for_function("(id) => document.getElementById('detail-title')?.textContent === id", arg=done["id"])
    assert seen.complaints == []


def test_shows_thumbnail_and_app_and_filters_by_app(world, visit):
    mine = world.publish(pictures.photo(300, 200, seed=9), {"filename": "of the shop.jpg"})
    _, _, others = world.request("POST", "/v1/uploads", {"profile": "photos", "filename": "of another.jpg"}, key=world.other.key)
    seen = opened(world, visit)
    page = seen.page
    page.uncheck("#live")
    page.wait_for_function("() => { const image = document.querySelector('#uploads img.thumbnail'); return image?.complete && image.naturalWidth > 0; }")
    assert "other, photos" in page.inner_text(f"#uploads tr[data-id={others['id']}]")
    page.fill("#app", "shop")
    page.keyboard.press("Enter")
    page.wait_for_function("() => [...document.querySelectorAll('#uploads [data-label=\"App, profile\"]')].every((cell) => cell.textContent.startsWith('shop,'))")
    assert mine["id"] in page.inner_text("#uploads") and others["id"] not in page.inner_text("#uploads")
    assert page.locator("#apps option[value=other]").count() == 1
    # For an app's key the list is its own, and says of no app.
    assert "app" not in world.request("GET", "/v1/uploads?limit=1")[2]["data"][0]
    assert world.request("GET", "/v1/uploads?app=shop")[0] == 200
    for path in ("/v1/uploads?app=other", "/v1/callbacks?app=other"):
        assert world.request("GET", path)[0::2][1]["code"] == "forbidden"
    assert world.request("GET", "/v1/uploads?app=A%20B")[2]["code"] == "invalid_query"
    assert seen.complaints == []


def test_shows_private_pictures_to_the_operator(own_world, visit):
    world = own_world(profiles={"photos": {"private": "true", "variants.thumb.width": 120}})
    upload = world.publish(pictures.photo(300, 200, seed=10))
    assert operate(world, f"/v1/uploads/{upload['id']}/url", world.app.key, "POST", {"scope": "image"})[0] == 403
    status, _, answer = operate(world, f"/v1/uploads/{upload['id']}/url", method="POST", body={"scope": "image", "expires_in": 60})
    assert status == 200 and world.gateway.request("GET", "/i/" + answer["url"].split("/i/")[1])[0] == 200
    seen = opened(world, visit)
    seen.page.uncheck("#live")
    seen.page.wait_for_function("() => { const image = document.querySelector('#uploads img.thumbnail'); return image?.complete && image.naturalWidth === 120; }")
    assert seen.complaints == []


@pytest.mark.parametrize("width", [360, *(pytest.param(width, marks=pytest.mark.large) for width in (390, 768, 1280, 2560))])
def test_is_readable_at_every_width(world, visit, width):
    world.publish(pictures.photo(300, 200, seed=10), {"filename": "a rather long name of a file, as people's phones make them 2026-11-20.jpg", "metadata": {"order_id": "W-1"}})
    world.gateway.wait_for(world.upload(b"no picture" * 50, {"filename": "bad.jpg"}))
    seen = opened(world, visit, viewport={"width": width, "height": 900})
    page = seen.page
    page.select_option("#callback-state", "")
    page.click("#callback-search button")
    page.wait_for_selector("#callbacks .state-delivered")
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    page.click("#uploads .id >> nth=0")
    page.wait_for_selector("#timeline li")
    page.click("#detail summary >> nth=0")
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    # A word that is broken is higher than one line.
    broken = page.evaluate("""() => [...document.querySelectorAll(".cards .state, .cards button.small:not(.id), thead th")].filter((each) => {
        const range = document.createRange();
        range.selectNodeContents(each);
        return new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size > 1;
    }).map((each) => each.textContent)""")
    assert broken == []
    browsers.check_rules(page)
    seen.picture(f"operate-{width}")


def test_offers_replay_only_for_what_was_sent(own_world, visit):
    world = own_world()
    world.receiver.answer = lambda callback: (503, {}, b"")
    world.publish(pictures.photo(200, 200))
    _, _, silent = world.request("POST", "/v1/uploads", {"profile": "photos"}, key=world.other.key)  # an app without a callback URL
    from scripts import local_gateway
    local_gateway.send(silent["upload"], pictures.photo(100, 100))
    world.gateway.wait_for(silent, app=world.other)
    seen = opened(world, visit)
    page = seen.page
    page.select_option("#callback-state", "unsent")
    page.click("#callback-search button")
    page.wait_for_selector("#callbacks .state-unsent")
    assert page.locator("#callbacks button:not(.id)").count() == 0
    page.select_option("#callback-state", "waiting")
    page.click("#callback-search button")
    page.wait_for_selector("#callbacks .state-waiting")
    page.wait_for_function("() => [...document.querySelectorAll('#callbacks button:not(.id)')].some((button) => button.textContent === 'Send now')", timeout=20_000)
    assert page.locator("#callbacks button >> text=Replay").count() == 0


MANY = """
insert into uploads (id, public_id, app, profile, state, method, region, bucket, key, filename, metadata, client_fields, request_id,
                     created_at, expires_at, updated_at, pinned_etag, image_key, image_etag, image_sha256, image_format, image_width, image_height,
                     image_size, rejection_code, rejection_detail)
select 'upl_0' || lpad(n::text, 25, '0'), lpad(n::text, 26, '0'), 'shop', 'photos',
       case when n % 1000 = 0 then 'rejected' when n % 1000 = 1 then 'created' else 'published' end, 'put', 'default', 'b', 'many/' || n,
       'many ' || n || '.jpg', jsonb_build_object('order_id', 'MANY-' || n), '{}', 'r', t, t + interval '15 minutes', t, 'e',
       'p/' || n, 'e', 's', 'jpeg', 1, 1, 1, case when n % 1000 = 0 then 'not_an_image' end, case when n % 1000 = 0 then 'it is none' end
from (select n, timestamptz '2026-01-01' + n * interval '1 second' as t from generate_series(1, 100000) n) as made;
insert into callbacks (id, subject_id, app, type, sequence, url, body, state, created_at)
select 'msg_0' || lpad(n::text, 25, '0'), 'upl_0' || lpad(n::text, 25, '0'), 'shop', 'upload.published', 1, 'http://127.0.0.1:9/', '{}',
       case when n % 5000 = 0 then 'dead' else 'delivered' end, timestamptz '2026-01-01' + n * interval '1 second'
from generate_series(1, 100000) n;
analyze uploads; analyze callbacks;
"""


def buffers(world, statement):
    """Pages that PostgreSQL touched for a statement: work, whatever the machine does besides."""
    plan = json.loads(world.sql(f"explain (analyze, buffers, format json) {statement}"))[0]["Plan"]
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


def statement(file, name, parameters):
    """A query of the program, with its parameters written in."""
    text = (browsers.ROOT / "storage" / "records" / "queries" / f"{file}.sql").read_text()
    text = re.search(rf"^-- name: {name}\n(.*?)(?=^-- name: |\Z)", text, re.S | re.M).group(1)
    text = re.sub(r"--.*", "", text).strip().removesuffix(";")
    return re.sub(r"\$(\d+)", lambda match: parameters[int(match.group(1))], text)


@pytest.mark.large
def test_a_hundred_thousand_uploads_cost_a_page_no_more_than_a_hundred(own_world, visit):
    world = own_world()
    world.sql(MANY)
    seen = opened(world, visit)
    page = seen.page
    page.wait_for_function("() => document.querySelectorAll('#uploads tr').length === 50")
    for _ in range(3):
        first = page.inner_text("#uploads tr:first-child th")
        page.click("#older")
        page.wait_for_function("(first) => !document.getElementById('uploads').textContent.includes(first)", arg=first)
    page.fill("#query", "order_id=MANY-4711")
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelectorAll('#uploads tr').length === 1")
    # What the statements read, counted in pages: none walks the table.
    everything = int(world.sql("select relpages from pg_class where relname = 'uploads'"))
    for name, parameters in (("list_of_all", {}), ("list_of_unusual", {4: "'rejected'"}), ("list_of_working", {4: "'processing'"}),
                             ("list_by_metadata", {7: """'{"order_id": "MANY-4711"}'"""})):
        assert buffers(world, statement("reading", name, {1: "null", 2: "null", 3: "'upl_'", 4: "null", 5: "null", 6: "null", 7: "'{}'", 8: "51",
                                                          **parameters})) < everything / 10, name
    everything = int(world.sql("select relpages from pg_class where relname = 'callbacks'"))
    for name, state in (("list_callbacks", "null"), ("list_dead_callbacks", "'dead'")):
        assert buffers(world, statement("outbox", name, {1: "null", 2: state, 3: "null", 4: "21"})) < everything / 10, name
    seen.picture("operate-many")
