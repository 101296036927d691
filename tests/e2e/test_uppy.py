"""Uppy in a browser, its packages unmodified, with the code of docs/clients/browser.md and the calls of examples/node/signing.mjs."""
import re
import time

import app_server
import bundles
import pytest
from test_snippets import snippet
from test_web_upload import file, offsets_of, requests_of, slowed

from tests.rig import parts as large
from tests.rig import pictures
from tests.rig import resumable as wire
from tests.rig import stack as services
from tests.rig.world import World

pytestmark = pytest.mark.large  # an app server between, which test_uppy_endpoint.py is without: ./test --suites

BROWSER = (bundles.ROOT / "docs" / "clients" / "browser.md").read_text()
UPPY_5, UPPY_6, UPPY_TUS = "Uppy 5, `@uppy/aws-s3`", "Uppy 6, `@uppy/aws-s3`", "Uppy 6, `@uppy/tus`"
OF_5 = {"@uppy/core": "uppy-core-5", "@uppy/aws-s3": "uppy-aws-s3-5", "@uppy/golden-retriever": "uppy-golden-retriever-5"}
HEAD = """
import Uppy from "@uppy/core";
import AwsS3 from "@uppy/aws-s3";
import GoldenRetriever from "@uppy/golden-retriever";
import Tus from "@uppy/tus";
const { gateway, token } = window.SETTINGS;
const uppy = new Uppy();
"""
FOOT = """
window.uppy = uppy;
window.seen = { sent: [], failed: [], parts: 0, restored: false };
uppy.on("upload-success", (file, response) => window.seen.sent.push({ name: file.name, id: uppy.getFile(file.id)?.meta.photogate, url: response.uploadURL }));
uppy.on("upload-error", (file, error) => {
  window.seen.failed.push(error.message);
  document.getElementById("problem").textContent = error.message;
});
uppy.on("s3-multipart:part-uploaded", () => { window.seen.parts += 1; });
uppy.on("restored", () => { window.seen.restored = true; });
if (window.SETTINGS.remembers) uppy.use(GoldenRetriever, { serviceWorker: false });
document.getElementById("files").addEventListener("change", ({ target }) => {
  for (const file of target.files) uppy.addFile({ name: file.name, type: file.type, data: file });
  uppy.upload();
});
"""


def code(heading):
    """Parts from 1 MiB on, so that the test's files are not gigabytes."""
    return HEAD + snippet(BROWSER, "Uppy: asking for uploads", "js") + snippet(BROWSER, heading, "js").replace("100 * 2 ** 20", "2 ** 20") + FOOT


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    def make(heading, aliases=()):
        return bundles.bundle(code(heading), tmp_path_factory.mktemp("bundle"), aliases)

    # Uppy 5 has no tus of its own here.
    without_tus = code("Uppy 4 and 5").replace('import Tus from "@uppy/tus";\n', "")
    return {"5": bundles.bundle(without_tus, tmp_path_factory.mktemp("bundle"), OF_5), "6": make("Uppy 6"),
            "6 by server": make("Uppy by way of your app server"), "tus": make("tus in Uppy")}


@pytest.fixture(scope="module")
def world(build_dir, tmp_path_factory):
    port = services.free_port()
    made = World(build_dir, tmp_path_factory.mktemp("uppy") / "gateway", {"photos": {}, "small": {"max_size": 100_000}}, apps=[app_server.app(port, max_size=20_000_000)])
    made.gateway.environment["PHOTOGATE_SERVER_CORS_ORIGINS"] = "*"
    try:
        made.gateway.start()
        with app_server.running("node", made.gateway, made.gateway.apps["example"], port) as url:
            made.app_server = url
            yield made
    finally:
        made.close()


@pytest.fixture
def uppy(world, scripts, visit):
    """uppy("5"): a page with that Uppy on it."""

    def make(which, **options):
        status, _, made = world.request("POST", "/v1/tokens", {"profile": options.pop("profile", "photos")})
        assert status == 201, made
        settings = {"gateway": options.pop("gateway", world.gateway.url), "token": made["token"], **options}
        return bundles.open_page(visit, scripts[which], settings, world.app_server if "server" in which else bundles.ORIGIN)

    return make


def choose(page, path):
    """In memory: a request whose content is a file of the disk can't be held and sent on by a test."""
    page.set_input_files("#files", file(path.name, path.read_bytes(), "image/png" if path.suffix == ".png" else "image/jpeg"))


def wait(page, condition, seconds=60):
    page.wait_for_function(f"() => {condition}", timeout=seconds * 1000)


def is_sent(page, count=1):
    wait(page, f"window.seen.sent.length + window.seen.failed.length >= {count}")
    assert page.evaluate("window.seen.failed") == []
    return page.evaluate("window.seen.sent")


def own_name(request):
    """Of this test and its parameters."""
    return re.sub("[^A-Za-z0-9]+", "-", request.node.name).strip("-")


@pytest.fixture
def photo(tmp_path, request):
    path = tmp_path / f"{own_name(request)}.jpg"
    path.write_bytes(pictures.photo(800, 600, seed=sum(map(ord, request.node.name)) % 1000 + 3000))
    return path


@pytest.fixture
def picture(tmp_path, request):
    """Of two parts, with a name of its own."""
    path = tmp_path / f"{own_name(request)}.png"
    path.write_bytes(large.large_png(seed=sum(map(ord, request.node.name)) % 1000))
    return path


def upload_of(world, path):
    """The one upload of that file, whose name begins with a word of Uppy's where signRequest knows a key alone."""
    count, identity, app = world.sql(f"select count(*), max(id), max(app) from uploads where filename like '%{path.name}'").split("|")
    assert count == "1"
    return {"id": identity}, world.gateway.apps[app]


def is_published(world, path):
    upload, app = upload_of(world, path)
    found = world.gateway.wait_for(upload, app=app)
    assert (found["state"], found["size"]) == ("published", path.stat().st_size), found


@pytest.mark.client(UPPY_5, "PUT")
def test_uppy_5_sends_a_put(world, uppy, photo):
    page = uppy("5").page
    choose(page, photo)
    [sent] = is_sent(page)
    assert sent["id"] == upload_of(world, photo)[0]["id"]
    is_published(world, photo)


@pytest.mark.client(UPPY_5, "PUT")
def test_uppy_5_counts_412_as_sent(world, uppy, photo):
    page = uppy("5").page
    store, statuses = world.stack.minio.endpoint.split("//")[1], []

    def refuse_second(route):
        statuses.append(route.fetch().status)
        route.fulfill(status=412, headers={"Access-Control-Allow-Origin": "*"})

    page.route(lambda url: store in url, refuse_second)
    choose(page, photo)
    is_sent(page)
    assert statuses == [200]
    is_published(world, photo)


@pytest.mark.client(UPPY_6, "form")
def test_uppy_6_sends_a_form(world, uppy, photo):
    page = uppy("6").page
    choose(page, photo)
    [sent] = is_sent(page)
    assert sent["id"] == upload_of(world, photo)[0]["id"]
    is_published(world, photo)


@pytest.mark.client(UPPY_6, "form")
def test_uppy_6_repeats_a_form_whose_answer_was_lost(world, uppy, photo):
    page = uppy("6").page
    store, statuses = world.stack.minio.endpoint.split("//")[1], []

    def lose_first(route):
        statuses.append(route.fetch().status)
        route.abort("connectionreset") if len(statuses) == 1 else route.continue_()

    page.route(lambda url: store in url, lose_first)
    choose(page, photo)
    is_sent(page)
    assert statuses[0] in (200, 201, 204) and len(statuses) == 2
    is_published(world, photo)


@pytest.mark.client(UPPY_6, "form")
def test_uppy_6_sends_a_form_by_way_of_the_app_server(world, uppy, photo):
    page = uppy("6 by server").page
    choose(page, photo)
    is_sent(page)
    is_published(world, photo)


@pytest.mark.parametrize("which, shown", [("5", "limit is 100000"), ("6", "limit is 100000")])
def test_refusal_is_shown_in_words(uppy, which, shown, tmp_path):
    path = tmp_path / f"large-{which}.jpg"
    path.write_bytes(pictures.photo(1600, 1200, seed=31) + bytes(200_000))
    page = uppy(which, profile="small").page
    choose(page, path)
    wait(page, "window.seen.failed.length")
    assert shown in page.inner_text("#problem"), page.inner_text("#problem")


def test_refusal_is_shown_in_words_by_way_of_the_app_server(uppy, tmp_path):
    path = tmp_path / "larger than permitted.png"
    path.write_bytes(large.large_png(seed=9) + bytes(15_000_000))
    page = uppy("6 by server").page
    page.set_input_files("#files", path)  # too much to hand over in memory
    wait(page, "window.seen.failed.length")
    assert "limit is 20000000" in page.inner_text("#problem"), page.inner_text("#problem")


PARTS = [pytest.param("5", marks=pytest.mark.client(UPPY_5, "multipart"), id="5"), pytest.param("6 by server", marks=pytest.mark.client(UPPY_6, "multipart"), id="6")]


def parts_sent(page):
    """The numbers of the parts that the page sends to the store, as they begin."""
    numbers = []
    page.on("request", lambda request: numbers.append(int(re.search(r"partNumber=(\d+)", request.url)[1])) if request.method == "PUT" else None)
    return numbers


def pause_and_continue(page, picture, in_order):
    """A file of two parts, paused behind the first; returns what Uppy says was sent. `in_order`: one part after the other, as Uppy 6
    sends them; Uppy 5 sends them side by side, and the small one is through first."""
    numbers = parts_sent(page)
    slowed(page, 3_000_000)
    choose(page, picture)
    wait(page, "window.seen.parts === 1")
    first = numbers[0] if in_order else 2
    page.evaluate("uppy.pauseAll()")
    page.wait_for_timeout(500)
    assert page.evaluate("window.seen.sent.length") == 0
    slowed(page)
    page.evaluate("uppy.resumeAll()")
    sent = is_sent(page)
    assert numbers.count(first) == 1 and set(numbers) == {1, 2}, numbers
    return sent


def reload_and_continue(page, picture, in_order):
    """The page is reloaded when one part is sent, and the other has no answer."""
    numbers = parts_sent(page)
    done, held = (1, 2) if in_order else (2, 1)
    holding = [True]
    page.route(lambda url: f"partNumber={held}&" in url, lambda route: None if holding else route.continue_())
    choose(page, picture)
    wait(page, "window.seen.parts === 1")
    page.wait_for_timeout(1500)  # Uppy writes down twice a second what it does
    before = list(numbers)
    page.reload()
    holding.clear()
    wait(page, "window.seen.restored")
    page.evaluate("uppy.emit('restore-confirmed')")
    is_sent(page)
    assert numbers.count(done) == 1 and set(numbers) == {1, 2}, (before, numbers)


def cancel(world, page, picture):
    """While parts are sent; of the upload nothing is left in the store."""
    slowed(page, 1_000_000)
    choose(page, picture)
    wait(page, "Object.values(uppy.getState().files).some((file) => file.s3Multipart?.uploadId)")
    upload, app = upload_of(world, picture)
    page.evaluate("uppy.cancelAll()")
    assert world.gateway.wait_for(upload, app=app)["state"] == "cancelled"
    services.wait_until(lambda: large.at_the_store(world, upload) == [], 60, "the parts to be gone")


@pytest.mark.parametrize("which", PARTS)
def test_sends_parts_pauses_and_continues(world, uppy, picture, which):
    pause_and_continue(uppy(which).page, picture, which == "6 by server")
    is_published(world, picture)


@pytest.mark.parametrize("which", PARTS)
def test_continues_with_the_missing_part_after_a_reload(world, uppy, picture, which):
    reload_and_continue(uppy(which, remembers=True).page, picture, which == "6 by server")
    is_published(world, picture)


@pytest.mark.parametrize("which", PARTS)
def test_cancelling_ends_the_upload(world, uppy, picture, which):
    cancel(world, uppy(which).page, picture)


@pytest.mark.client(UPPY_5, "multipart")
def test_uppy_5_asks_for_a_fresh_url_of_a_part_whose_url_expired(world, uppy, picture):
    page = uppy("5").page
    page.evaluate("""() => {
        const real = window.fetch;
        let first = true;
        window.fetch = async (url, options) => {
            if (!first || !String(url).endsWith("/parts/sign")) return real(url, options);
            first = false;
            const answer = await real(url, {...options, body: JSON.stringify({...JSON.parse(options.body), expires_in: 1})});
            await new Promise((resolve) => setTimeout(resolve, 2500));
            return answer;
        };
    }""")
    numbers = parts_sent(page)
    choose(page, picture)
    is_sent(page)
    assert sorted(numbers) in ([1, 1, 2], [1, 2, 2]), numbers
    is_published(world, picture)


@pytest.mark.client(UPPY_6, "form")
def test_uppy_6_says_that_a_url_expired_and_a_retry_sends_the_picture(world, uppy, photo):
    page = uppy("6").page
    store, sent = world.stack.minio.endpoint.split("//")[1], []
    page.evaluate("""() => {
        const real = window.fetch;
        const shortly = (url, options) => real(url, {...options, body: JSON.stringify({...JSON.parse(options.body), expires_in: 1})});
        let signed = false;
        window.fetch = (url, options) => {
            if (!url.endsWith("/sign")) return shortly(url, options);
            if (signed) return real(url, options);
            signed = true;
            return shortly(url, options);
        };
    }""")

    def late(route):
        sent.append(route.request.method)
        if len(sent) == 1:
            time.sleep(2.5)
        route.continue_()

    page.route(lambda url: store in url, late)
    choose(page, photo)
    wait(page, "window.seen.failed.length")
    assert "403" in page.inner_text("#problem")
    page.evaluate("uppy.retryAll()")
    wait(page, "window.seen.sent.length")
    is_published(world, photo)


@pytest.mark.client(UPPY_TUS, "resumable")
def test_uppy_tus_pauses_and_continues_after_a_reload(world, uppy, tmp_path):
    path = tmp_path / "uppy tus.jpg"
    path.write_bytes(pictures.noise(1400, 1000, seed=41))
    page = uppy("tus").page
    begun = offsets_of(page)
    slowed(page, 400_000)
    page.set_input_files("#files", path)
    progress = "Math.max(0, ...Object.values(uppy.getState().files).map((file) => file.progress.bytesUploaded || 0))"
    wait(page, f"{progress} > 400_000")
    page.evaluate("uppy.pauseAll()")
    page.wait_for_timeout(300)
    page.evaluate("uppy.resumeAll()")
    wait(page, f"{progress} > 700_000")
    page.reload()
    slowed(page)
    page.set_input_files("#files", path)  # the same file again
    is_sent(page)
    assert begun[0] == 0 and len(begun) >= 3 and begun[1] > 200_000 and begun[-1] > begun[1], begun
    is_published(world, path)


@pytest.mark.client(UPPY_TUS, "resumable")
def test_uppy_tus_continues_after_cuts(world, uppy, tmp_path):
    path = tmp_path / "uppy cut.jpg"
    path.write_bytes(pictures.noise(1400, 1000, seed=42))
    with wire.CuttingRelay(world.port, [400_000] * 12) as relay:
        page = uppy("tus", gateway=f"http://127.0.0.1:{relay.port}").page
        page.route(f"{world.gateway.url}/u/**", lambda route: route.abort())  # only by the relay
        page.evaluate("""(base) => { uppy.addPreProcessor(async (ids) => {
            for (const id of ids) { const {tus} = uppy.getFile(id);
                uppy.setFileState(id, {tus: {...tus, uploadUrl: base + new URL(tus.uploadUrl).pathname}}); } }); }""", f"http://127.0.0.1:{relay.port}")
        begun = offsets_of(page)
        page.set_input_files("#files", path)
        is_sent(page)
        assert relay.cuts >= 2
    assert begun[0] == 0 and begun[-1] > 0, begun
    is_published(world, path)


@pytest.mark.client(UPPY_TUS, "resumable")
def test_uppy_tus_cancels(world, uppy, tmp_path):
    path = tmp_path / "uppy cancelled.jpg"
    path.write_bytes(pictures.noise(1000, 800, seed=43))
    page = uppy("tus").page
    asked = requests_of(page)
    slowed(page, 200_000)
    page.set_input_files("#files", path)
    wait(page, "Object.values(uppy.getState().files).some((file) => file.progress.bytesUploaded > 50_000)")
    upload, app = upload_of(world, path)
    page.evaluate("uppy.cancelAll()")
    assert world.gateway.wait_for(upload, app=app)["state"] == "cancelled", asked
