"""The example app servers with their page, in a browser, against a real gateway and a real store."""
import app_server
import pytest
from test_web_upload import file

from tests.rig import pictures
from tests.rig import stack as parts


@pytest.fixture(scope="module", params=sorted(app_server.EXAMPLES))
def served(request, build_dir, tmp_path_factory):
    """(the server's URL, its world)."""
    from tests.rig.world import World
    port = parts.free_port()
    app = app_server.app(port, max_size=2_000_000)
    world = World(build_dir, tmp_path_factory.mktemp("example") / "gateway", apps=[app])
    try:
        world.gateway.start()
        with app_server.running(request.param, world.gateway, app, port) as url:
            yield url, world
    finally:
        world.close()


def shown(page, state, count=1):
    page.wait_for_function("([state, count]) => document.querySelectorAll(`#pictures li[data-state=${state}]`).length === count", arg=[state, count], timeout=60_000)


def test_page_sends_pictures_and_shows_them_once_the_callback_has_come(served, visit):
    url, world = served
    seen = visit()
    page = seen.page
    page.goto(url)
    page.set_input_files("#files", [file(f"{i}.jpg", pictures.photo(400, 300, seed=i + 700)) for i in range(2)] + [file("<b>.jpg", b"no picture" * 50)])
    shown(page, "published", 2)
    shown(page, "rejected")
    page.wait_for_function("() => [...document.images].length === 2 && [...document.images].every((image) => image.naturalWidth > 0)")
    assert "<b>.jpg: rejected, not_an_image" in page.inner_text("li[data-state=rejected]") or "rejected, " in page.inner_text("li[data-state=rejected]")
    assert page.inner_text("#problem") == "" and seen.complaints == []
    assert world.sql("select count(*) from uploads where app = 'example'") == "3"


def test_page_shows_what_photogate_refuses(served, visit):
    url, world = served
    seen = visit()
    seen.page.goto(url)
    before = world.sql("select count(*) from uploads where app = 'example'")
    seen.page.set_input_files("#files", file("large.jpg", bytes(2_000_001)))
    seen.page.wait_for_function("() => /large.jpg: .*2000001|large.jpg: .*limit/.test(document.getElementById('problem').textContent)")
    assert world.sql("select count(*) from uploads where app = 'example'") == before


def test_page_counts_412_as_sent_and_repeats_what_was_cut(served, visit):
    url, world = served
    seen = visit()
    page = seen.page
    store, statuses = world.stack.minio.endpoint.split("//")[1], []

    def lose_answer(route):
        statuses.append(route.fetch().status)
        route.abort("connectionreset") if len(statuses) == 1 else route.fulfill(status=412, headers={"Access-Control-Allow-Origin": "*"})

    page.goto(url)
    published = page.locator("#pictures li[data-state=published]").count()
    page.route(lambda target: store in target and "/u/" in target, lose_answer)
    page.set_input_files("#files", file("twice.jpg", pictures.photo(400, 300, seed=720)))
    shown(page, "published", published + 1)
    assert statuses[0] == 200 and len(statuses) == 2 and page.inner_text("#problem") == ""


def test_forged_callback_is_refused_and_changes_nothing(served):
    import json
    import time
    import urllib.request
    url, _ = served
    before = urllib.request.urlopen(f"{url}/pictures").read()
    identity = json.loads(before)[0]["id"] if json.loads(before) else "upl_1"
    body = json.dumps({"type": "upload.deleted", "data": {"id": identity, "state": "deleted", "sequence": 99}}).encode()
    forged = {"Content-Type": "application/json", "webhook-id": "msg_1", "webhook-timestamp": str(int(time.time())), "webhook-signature": "v1," + "A" * 43 + "="}
    for headers in (forged, {"Content-Type": "application/json"}):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(urllib.request.Request(f"{url}/hooks", body, headers))
        assert refused.value.code == 400
    assert urllib.request.urlopen(f"{url}/pictures").read() == before


def test_request_whose_address_is_none_is_refused_and_ends_nothing(served):
    import socket
    import urllib.parse
    import urllib.request
    url, _ = served
    target = urllib.parse.urlsplit(url)
    for address in ("//[", "http://[/", "/%ff", "*", "/uploads/%ff/complete"):
        with socket.create_connection((target.hostname, target.port), timeout=20) as connection:
            connection.sendall(f"GET {address} HTTP/1.1\r\nHost: {target.netloc}\r\nConnection: close\r\n\r\n".encode())
            assert connection.makefile("rb").readline().split()[1:2] in ([b"400"], [b"404"], [b"405"]), address
    assert urllib.request.urlopen(f"{url}/pictures").status == 200
