"""The client libraries of clients/, each against a real gateway, PostgreSQL and MinIO, over a network that cuts, delays and loses answers."""
import base64
import contextlib
import email.utils
import hashlib
import json
import pathlib
import signal
import socket
import threading
import time

import browser
import client_programs
import pytest
from test_snippets import signed

from scripts import local_gateway
from tests.rig import fault_proxy, pictures
from tests.rig import parts as large
from tests.rig import resumable as wire
from tests.rig.world import World

pytestmark = pytest.mark.large  # compilers and runtimes of four languages: ./test --suites

ROOT = pathlib.Path(__file__).resolve().parents[2]
VECTORS = json.loads((ROOT / "tests" / "data" / "standard-webhooks.json").read_text())["vectors"]
SERVERS = ["python", "node", "go", "php"]
EVERYWHERE = [*SERVERS, "chromium"]
PYTHON_LIBRARY, NODE_LIBRARY, CHROMIUM_LIBRARY, GO_LIBRARY, PHP_LIBRARY = "Python library", "TypeScript library, Node", "TypeScript library, Chromium", "Go library", "PHP library"
# Literal, because scripts/render-clients reads these marks from the source.
PUT = [pytest.param("python", marks=pytest.mark.client(PYTHON_LIBRARY, "PUT")), pytest.param("node", marks=pytest.mark.client(NODE_LIBRARY, "PUT")),
       pytest.param("go", marks=pytest.mark.client(GO_LIBRARY, "PUT")), pytest.param("php", marks=pytest.mark.client(PHP_LIBRARY, "PUT")),
       pytest.param("chromium", marks=pytest.mark.client(CHROMIUM_LIBRARY, "PUT"))]
FORM = [pytest.param("python", marks=pytest.mark.client(PYTHON_LIBRARY, "form")), pytest.param("node", marks=pytest.mark.client(NODE_LIBRARY, "form")),
        pytest.param("go", marks=pytest.mark.client(GO_LIBRARY, "form")), pytest.param("php", marks=pytest.mark.client(PHP_LIBRARY, "form")),
        pytest.param("chromium", marks=pytest.mark.client(CHROMIUM_LIBRARY, "form"))]
MULTIPART = [pytest.param("python", marks=pytest.mark.client(PYTHON_LIBRARY, "multipart")), pytest.param("node", marks=pytest.mark.client(NODE_LIBRARY, "multipart")),
             pytest.param("go", marks=pytest.mark.client(GO_LIBRARY, "multipart")), pytest.param("php", marks=pytest.mark.client(PHP_LIBRARY, "multipart")),
             pytest.param("chromium", marks=pytest.mark.client(CHROMIUM_LIBRARY, "multipart"))]
RESUMABLE = [pytest.param("python", marks=pytest.mark.client(PYTHON_LIBRARY, "resumable")), pytest.param("node", marks=pytest.mark.client(NODE_LIBRARY, "resumable")),
             pytest.param("go", marks=pytest.mark.client(GO_LIBRARY, "resumable")), pytest.param("php", marks=pytest.mark.client(PHP_LIBRARY, "resumable")),
             pytest.param("chromium", marks=pytest.mark.client(CHROMIUM_LIBRARY, "resumable"))]


class Relay(wire.CuttingRelay):
    """Cuts the first request that gets as far as the first of `cut_after`, in bytes since the last answer: connections are used again."""

    def carry(self, client):
        since = [0]
        with socket.create_connection(("127.0.0.1", self.port_behind)) as behind:

            def pour_back():
                with contextlib.suppress(OSError):
                    while data := behind.recv(65_536):
                        since[0] = 0
                        client.sendall(data)
                with contextlib.suppress(OSError):
                    client.shutdown(socket.SHUT_WR)

            back = threading.Thread(target=pour_back, daemon=True)
            back.start()
            with contextlib.suppress(OSError):
                while data := client.recv(16_384):
                    if self.cut_after and since[0] + len(data) >= self.cut_after[0]:
                        behind.sendall(data[:self.cut_after.pop(0) - since[0]])
                        self.cuts += 1
                        break
                    since[0] += len(data)
                    behind.sendall(data)
            for each in (behind, client):
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
            back.join()


class Network:
    """Between the clients and a gateway and its store: proxies that know HTTP, behind relays that cut."""

    def __init__(self, world):
        self.gateway = fault_proxy.FaultProxy("127.0.0.1", world.port)
        store = wire.urllib.parse.urlsplit(world.stack.minio.endpoint)
        self.store = fault_proxy.FaultProxy(store.hostname, store.port)
        self.gateway_cuts = Relay(self.gateway.port, [])
        self.store_cuts = Relay(self.store.port, [])
        self.url, self.store_url = (f"http://127.0.0.1:{relay.port}" for relay in (self.gateway_cuts, self.store_cuts))

    def heal(self):
        for proxy, relay in ((self.gateway, self.gateway_cuts), (self.store, self.store_cuts)):
            proxy.heal()
            proxy.exchanges.clear()
            relay.cut_after.clear()
            relay.cuts = 0

    def close(self):
        for each in (self.gateway_cuts, self.store_cuts, self.gateway, self.store):
            each.__exit__()


@pytest.fixture(scope="module")
def world(build_dir, tmp_path_factory):
    """Its public addresses are the network's."""
    made = World(build_dir, tmp_path_factory.mktemp("libraries") / "gateway",
                 {"photos": {}, "small": {"max_size": 100_000}, "large": {"max_size": 20_000_000}})
    made.network = Network(made)
    made.gateway.environment |= {"PHOTOGATE_SERVER_PUBLIC_URL": made.network.url, "PHOTOGATE_S3_PUBLIC_ENDPOINT": made.network.store_url,
                                 "PHOTOGATE_SERVER_CORS_ORIGINS": "*"}
    try:
        made.gateway.start()
        yield made
    finally:
        made.network.close()
        made.close()


@pytest.fixture
def network(world):
    world.network.heal()
    yield world.network
    world.network.heal()


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """programs("go"): the program that drives this library, started once."""
    made = {}

    def program(language):
        if language not in made:
            made[language] = client_programs.Program(language, tmp_path_factory.mktemp(language))
        return made[language]

    yield program
    for each in made.values():
        each.close()


@pytest.fixture(scope="module")
def pages(chromium, tmp_path_factory):
    """The page that drives the library in Chromium, opened once."""
    made = []

    def page():
        if not made:
            made.append(client_programs.Page(lambda **options: browser.Visit(chromium, **options), tmp_path_factory.mktemp("page")))
        return made[0]

    yield page
    for each in made:
        each.visit.close()


def token_of(world, **wanted):
    status, _, made = world.request("POST", "/v1/tokens", {"profile": "photos", "max_uploads": 50, **wanted})
    assert status == 201, made
    return made["token"]


@pytest.fixture
def library(request, world, network, programs):
    """The library as an app server has it, or as a page that has a token of the profile `photos`."""
    if request.param == "chromium":
        page = request.getfixturevalue("pages")()
        return client_programs.Library(page, gateway=network.url, credential=token_of(world))
    return client_programs.Library(programs(request.param), gateway=network.url, credential=world.app.key)


@pytest.fixture(scope="module")
def small_photo(tmp_path_factory):
    """Of a few kB, which the store has read before it answers: whether an early answer survives the end of its connection is chance."""
    path = tmp_path_factory.mktemp("small") / "photo.jpg"
    path.write_bytes(pictures.photo(200, 150, seed=903))
    return path


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp("photo") / "photo.jpg"
    path.write_bytes(pictures.photo(1200, 900, seed=901))
    return path


def libraries(languages):
    return pytest.mark.parametrize("library", languages, indirect=True)


def wanted_of(library, **wanted):
    """An app server names the profile; a token has one."""
    return wanted if library.settings["credential"].startswith("pgt_") else {"profile": "photos", **wanted}


def puts(network):
    return [each for each in network.store.exchanges if each.method == "PUT"]


def patches(network):
    return [each for each in network.gateway.exchanges if each.method == "PATCH"]


def is_published(world, upload, file):
    data = file.read_bytes()
    found = world.gateway.wait_for(upload["id"])
    assert found["state"] == "published", found
    assert (found["size"], found["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    return found


# ---- the ways

@libraries(PUT)
def test_sends_a_put_with_progress_and_waits_for_its_end(world, network, library, photo):
    sent = library("upload", file=str(photo), wanted=wanted_of(library))
    size = photo.stat().st_size
    assert sent["upload"]["state"] == "published" and sent["upload"]["image"]["width"] == 1200, sent
    assert sent["progress"]["calls"] >= 1 and sent["progress"]["last"] == [size, size]
    found = is_published(world, sent["upload"], photo)
    assert (found["filename"], found["declared_content_type"]) == ("photo.jpg", "image/jpeg")
    assert len(puts(network)) == 1 and not patches(network)


@libraries(FORM)
def test_sends_a_form(world, network, library, photo):
    sent = library("upload", file=str(photo), wanted=wanted_of(library, method="post"))
    assert sent["progress"]["last"] == [photo.stat().st_size] * 2
    is_published(world, sent["upload"], photo)
    assert [each.method for each in network.store.exchanges if each.method != "OPTIONS"] == ["POST"]


@libraries(MULTIPART)
def test_sends_parts_and_sends_again_what_did_not_arrive(world, network, library, tmp_path):
    file = tmp_path / "large.png"
    file.write_bytes(large.large_png(seed=902))
    if library.settings["credential"].startswith("pgt_"):
        library.settings["credential"] = token_of(world, profile="large")
    network.store.rule(lambda e: e.method == "PUT" and "partNumber=2" in e.target, fault_proxy.Fault("503 SlowDown", instead=(
        503, {"Access-Control-Allow-Origin": "*"}, fault_proxy.SLOW_DOWN)), times=1)
    network.store_cuts.cut_after += [70_000]
    sent = library("upload", file=str(file), wanted=wanted_of(library, method="multipart") | ({"profile": "large"} if "profile" in wanted_of(library) else {}))
    assert sent["progress"]["last"][1] == file.stat().st_size
    is_published(world, sent["upload"], file)
    assert network.store_cuts.cuts == 1 and len(puts(network)) >= 4  # one was cut, one refused, two parts arrived


@libraries(RESUMABLE)
def test_sends_over_the_resumable_url_and_continues_after_two_cuts(world, network, library, photo):
    created = library("create", wanted=wanted_of(library, size=photo.stat().st_size, content_type="image/jpeg"))
    network.gateway_cuts.cut_after += [photo.stat().st_size // 4, photo.stat().st_size // 3]
    sent = library("send", created=created, file=str(photo), way="resumable")
    assert network.gateway_cuts.cuts == 2 and not puts(network)
    assert sent["progress"]["last"] == [photo.stat().st_size] * 2
    is_published(world, created, photo)
    assert sum(each.sent for each in patches(network)) < 1.5 * photo.stat().st_size, "what had arrived was not sent again"


@libraries(RESUMABLE)
def test_continues_a_put_that_was_cut_on_the_resumable_url(world, network, library, photo):
    created = library("create", wanted=wanted_of(library, size=photo.stat().st_size))
    network.store_cuts.cut_after += [50_000] * 3  # a browser or an HTTP library may repeat a request by itself
    library("send", created=created, file=str(photo))
    assert network.store_cuts.cuts >= 1 and len(patches(network)) >= 1
    is_published(world, created, photo)


@contextlib.contextmanager
def asleep_until(gateway, condition, seconds=15):
    """The gateway does nothing until then, so that the picture stays where it was put."""
    gateway.process.send_signal(signal.SIGSTOP)

    def wake():
        deadline = time.monotonic() + seconds
        while not condition() and time.monotonic() < deadline:
            time.sleep(0.05)
        gateway.process.send_signal(signal.SIGCONT)

    waking = threading.Thread(target=wake)
    waking.start()
    try:
        yield
    finally:
        waking.join()


@libraries(PUT)
def test_counts_a_repeated_put_that_is_answered_412_as_sent(world, network, library, small_photo):
    created = library("create", wanted=wanted_of(library, size=small_photo.stat().st_size))
    network.store.rule(lambda e: e.method == "PUT", fault_proxy.reset("after"), times=1)
    with asleep_until(world.gateway, lambda: any(each.status for each in puts(network))):
        library("send", created=created, file=str(small_photo), way="direct")
    assert [each.status for each in puts(network)] == [None, 412]
    is_published(world, created, small_photo)


@libraries(EVERYWHERE)
def test_asks_the_gateway_whether_a_put_without_an_answer_has_arrived(world, network, library, photo):
    created = library("create", wanted=wanted_of(library, size=photo.stat().st_size))
    network.store.rule(lambda e: e.method == "PUT", fault_proxy.reset("after"), times=1)
    library("send", created=created, file=str(photo))
    assert not patches(network), "the file was sent twice though it had arrived"
    is_published(world, created, photo)


@libraries(EVERYWHERE)
def test_repeats_a_put_that_the_store_refuses_for_a_while(world, network, library, photo):
    network.store.rule(lambda e: e.method == "PUT", fault_proxy.Fault("503 SlowDown", instead=(
        503, {"Retry-After": "1", "Access-Control-Allow-Origin": "*"}, fault_proxy.SLOW_DOWN)), times=2)
    started = time.monotonic()
    sent = library("upload", file=str(photo), wanted=wanted_of(library))
    assert len(puts(network)) == 3
    # A page that the store does not let read Retry-After pauses as it would without.
    assert time.monotonic() - started >= 2 or isinstance(library.program, client_programs.Page)
    is_published(world, sent["upload"], photo)


@libraries(EVERYWHERE)
def test_tells_what_the_store_refuses(network, library, small_photo):
    created = library("create", wanted=wanted_of(library, size=small_photo.stat().st_size + 1))
    error = library.refusal("send", created=created, file=str(small_photo), way="direct")
    assert (error["type"], error["status"]) == ("store", 403), error
    assert [each.status for each in puts(network)] == [403], "a refusal is not repeated"


@libraries(EVERYWHERE)
def test_asks_for_a_fresh_url_where_the_presigned_one_has_expired(world, network, library, photo):
    created = library("create", wanted=wanted_of(library, size=photo.stat().st_size, expires_in=2))
    time.sleep(2.5)
    library("send", created=created, file=str(photo))
    is_published(world, created, photo)
    assert any(each.path.endswith("/sign") for each in network.gateway.exchanges)


@libraries(EVERYWHERE)
def test_ends_an_upload_that_is_aborted(world, network, library, photo):
    created = library("create", wanted=wanted_of(library, size=photo.stat().st_size))
    network.store.rule(lambda e: e.method == "PUT", fault_proxy.hanging(20))
    started = time.monotonic()
    error = library.refusal("send", created=created, file=str(photo), abort_after=1)
    assert error["type"] == "aborted" and time.monotonic() - started < 15, error
    assert world.request("GET", f"/v1/uploads/{created['id']}")[2]["state"] == "created"
    network.heal()
    library("send", created=created, file=str(photo))
    is_published(world, created, photo)


@libraries(EVERYWHERE)
def test_tells_that_there_is_no_answer(network, library):
    network.gateway.rule(lambda e: e.method == "GET", fault_proxy.hanging(20))
    started = time.monotonic()
    error = library.refusal("get_upload", id="upl_00000000000000000000000000", timeout=1, attempts=2)
    assert error["type"] == "network" and 1.5 < time.monotonic() - started < 15, error
    assert len([each for each in network.gateway.exchanges if each.method == "GET"]) == 2


# ---- the REST interface

@libraries(EVERYWHERE)
def test_repeats_a_creation_with_the_same_key_and_honours_retry_after(world, network, library):
    creations = lambda e: (e.method, e.path) == ("POST", "/v1/uploads")  # noqa: E731
    for status in (429, 503):
        network.gateway.rule(creations, fault_proxy.Fault("later", instead=(status, {"Retry-After": "1", "Access-Control-Allow-Origin": "*",
                                                                                    "Access-Control-Expose-Headers": "Retry-After"}, b"")), times=1)
    network.gateway.rule(creations, fault_proxy.reset("after"), times=1)
    name = f"{time.time()}.jpg"
    started = time.monotonic()
    created = library("create", wanted=wanted_of(library, size=1000, filename=name))
    assert time.monotonic() - started >= 2
    asked = [each for each in network.gateway.exchanges if creations(each)]
    assert len(asked) == 4 and len({each.headers["idempotency-key"] for each in asked}) == 1
    assert world.sql(f"SELECT count(*) FROM uploads WHERE filename = '{name}'").strip() == "1"
    assert created["filename"] == name


@libraries(SERVERS)
def test_does_not_wait_longer_than_it_was_told_to(network, library):
    problem = {"type": "/docs/errors#rate_limited", "title": "Too many requests", "status": 429, "detail": "wait an hour", "code": "rate_limited", "request_id": "req_1"}
    network.gateway.rule(lambda e: e.path == "/v1/uploads", fault_proxy.Fault("later", instead=(
        429, {"Retry-After": "3600", "Content-Type": "application/problem+json"}, json.dumps(problem).encode())))
    error = library.refusal("create", wanted={"profile": "photos"})
    assert (error["type"], error["code"], error["retry_after"]) == ("problem", "rate_limited", 3600)
    assert len(network.gateway.exchanges) == 1


@libraries(SERVERS)
def test_reads_retry_after_as_a_date_and_ignores_what_is_none(network, library):
    for text, least, most in ((email.utils.formatdate(time.time() + 600, usegmt=True), 590, 600), ("tomorrow", 0, 0), ("-5", 0, 0)):
        network.gateway.rule(lambda e: True, fault_proxy.Fault("later", instead=(503, {"Retry-After": text}, b"")), times=1)
        error = library.refusal("create", wanted={"profile": "photos"}, attempts=1)
        assert error["code"] == "http_503" and least <= (error.get("retry_after") or 0) <= most, (text, error)


@libraries(EVERYWHERE)
def test_tells_the_problem_of_a_refusal(network, library):
    error = library.refusal("create", wanted=wanted_of(library, size=10**12))
    assert (error["type"], error["status"], error["code"], error["title"]) == ("problem", 422, "size_over_limit", "The size is over the profile's limit"), error
    assert "1000000000000 bytes" in error["detail"] and len(error["request_id"]) > 8
    assert [each["pointer"] for each in error["errors"]] == ["/size"]
    assert len([each for each in network.gateway.exchanges if each.method == "POST"]) == 1


@libraries(SERVERS)
def test_tells_an_answer_that_is_no_problem_document(network, library):
    network.gateway.rule(lambda e: True, fault_proxy.Fault("a proxy", instead=(404, {"Content-Type": "text/html"}, b"<h1>Nothing</h1>")))
    error = library.refusal("create", wanted={"profile": "photos"})
    assert (error["type"], error["status"], error["code"]) == ("problem", 404, "http_404")


@libraries(SERVERS)
def test_lists_uploads_page_by_page(network, library):
    order = f"order {time.time()}"
    made = [library("create", wanted={"profile": "photos", "metadata": {"order": order}})["id"] for _ in range(5)]
    network.gateway.exchanges.clear()
    assert library("list", page_size=2, metadata={"order": order}) == made[::-1]
    assert len(network.gateway.exchanges) == 3
    assert library("list", page_size=2, metadata={"order": order}, state="published") == []


@libraries(SERVERS)
def test_creates_a_batch_in_which_one_is_refused(library):
    made = library("batch", uploads=[{"profile": "small", "size": 1000}, {"profile": "small", "size": 100_001}])
    assert (made["created"], made["refused"]) == (1, 1)
    assert made["data"][0]["upload"]["method"] == "PUT"
    assert (made["data"][1]["code"], made["data"][1]["index"]) == ("size_over_limit", 1)


@libraries(SERVERS)
def test_makes_a_token_that_a_device_sends_with(world, network, library, photo):
    made = library("create_token", wanted={"profile": "photos", "max_uploads": 2, "metadata": {"user": "7"}})
    assert made["max_uploads"] == 2 and made["profile"] == "photos"
    sent = library("upload", file=str(photo), wanted={}, credential=made["token"])
    assert is_published(world, sent["upload"], photo)["metadata"] == {"user": "7"}
    assert library("get_profile", wanted={}, credential=made["token"])["profile"] == "photos"
    assert library.refusal("list", page_size=2, credential=made["token"])["type"] == "problem"


@libraries(SERVERS)
def test_packages_pictures_and_names_their_urls(world, library, photo):
    upload = library("upload", file=str(photo), wanted={"profile": "photos"})["upload"]
    assert library("image_url", id=upload["id"])["url"] == upload["image"]["url"]
    made = library("create_package", wanted={"name": "album", "items": [{"upload": upload["id"], "name": "a/b.jpg"}]})
    ready = library("get_package", id=made["id"], wait=20)
    assert (ready["state"], ready["items"], ready["name"]) == ("ready", 1, "album.zip")
    assert "/p/" in library("package_url", id=made["id"])["url"]
    assert made["id"] in library("list_packages", page_size=2)
    assert library("delete_package", id=made["id"])["state"] == "deleted"


@libraries(SERVERS)
def test_reads_the_feed_of_events_to_its_end(library, photo):
    upload = library("upload", file=str(photo), wanted={"profile": "photos"})["upload"]
    pages = library("events", page_size=20)
    assert {"upload.received", "upload.published"} <= {each for page in pages for each in page["page"]}
    assert library("events", page_size=20, after=pages[-1]["next"])[0]["page"] == []
    assert library("delete_upload", id=upload["id"])["state"] == "deleted"
    assert library("events", page_size=20, after=pages[-1]["next"])[0]["page"] == ["upload.deleted"]


@libraries(EVERYWHERE)
def test_waits_as_long_as_it_is_told_and_cancels(library):
    created = library("create", wanted=wanted_of(library, size=1000))
    started = time.monotonic()
    assert library("wait", id=created["id"], seconds=2)["state"] == "created"
    assert 1.5 < time.monotonic() - started < 6
    assert library("delete_upload", id=created["id"])["state"] == "cancelled"
    assert library("wait", id=created["id"], seconds=20)["state"] == "cancelled"


@libraries(["chromium"])
def test_a_page_is_refused_an_app_servers_key(world, library):
    error = library.refusal("create", wanted={}, credential=world.app.key)
    assert error["type"] == "usage" and "client token" in error["message"]


# ---- callbacks

def verify(library, secrets, headers, body, **more):
    return library("verify", secrets=secrets, headers=headers, body=base64.b64encode(body).decode(), **more)


def refused(library, secrets, headers, body, **more):
    return library.refusal("verify", secrets=secrets, headers=headers, body=base64.b64encode(body).decode(), **more)["type"] == "signature"


@libraries(SERVERS)
def test_verifies_a_real_callback_and_refuses_what_was_tampered_with(world, library, photo):
    upload = library("upload", file=str(photo), wanted={"profile": "photos"})["upload"]
    callback = world.receiver.wait_for_upload(upload["id"], "upload.published")
    event = verify(library, world.app.secret, callback.headers, callback.raw, parse=True)
    assert (event["type"], event["data"]["id"]) == ("upload.published", upload["id"])
    assert refused(library, world.app.secret, callback.headers, callback.raw + b" ", parse=True)
    assert refused(library, world.app.secret, callback.headers | {"webhook-id": "msg_0"}, callback.raw)
    assert refused(library, world.app.secret, callback.headers | {"webhook-timestamp": str(int(callback.headers["webhook-timestamp"]) - 1)}, callback.raw)
    assert refused(library, local_gateway.new_callback_secret(), callback.headers, callback.raw)
    assert refused(library, world.app.secret, {}, callback.raw)


@libraries(SERVERS)
def test_accepts_the_old_and_the_new_secret_while_one_is_rotated(library):
    old, new, other = (local_gateway.new_callback_secret() for _ in range(3))
    body = b'{"type":"upload.published"}'
    by_old, by_new = signed(body, secret=old), signed(body, secret=new)
    for headers in (by_old, by_new):
        verify(library, [new, old], headers, body)
    both = by_old | {"webhook-signature": f"{by_new['webhook-signature']} {by_old['webhook-signature']}"}
    for secret in (old, new, [other, old]):
        verify(library, secret, both, body)
    assert refused(library, other, both, body)
    assert refused(library, new, by_old, body)


@libraries(SERVERS)
def test_agrees_with_the_vectors_of_standard_webhooks(library):
    for vector in VECTORS:
        body = vector["body"].encode()
        secret = "whsec_" + base64.b64encode(bytes.fromhex(vector["key_hex"])).decode() if vector["secret"].startswith("hex:") else vector["secret"]
        if vector["kind"] == "sign":
            headers = {name: vector[name] for name in ("webhook-id", "webhook-timestamp", "webhook-signature")}
            assert bytes.fromhex(vector["body_utf8_hex"]) == body
            verify(library, secret, headers, body, now=int(vector["webhook-timestamp"]))
            assert refused(library, secret, headers, body + b"x", now=int(vector["webhook-timestamp"])), vector["name"]
        elif vector["expect"] == "accept":
            verify(library, secret, vector["headers"], body, now=vector["now"])
        else:
            assert refused(library, secret, vector["headers"], body, now=vector["now"]), vector["name"]


@libraries(SERVERS)
def test_a_secret_that_cannot_be_read_is_the_configurations_mistake(library):
    for secrets in ("whsec_%%%", "", "whsec_", []):
        error = library.refusal("verify", secrets=secrets, headers=signed(), body=base64.b64encode(b"{}").decode())
        assert error["type"] == "usage", (secrets, error)
