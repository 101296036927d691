"""Uppy with photogate as its endpoint: the unmodified packages in a browser with the code of docs/clients/browser.md, and the calls
one by one, also as somebody would make them who has another's."""
import base64
import hashlib
import http.client
import json
import re
import secrets
import socket
import urllib.parse

import bundles
import pytest
import test_uppy
from test_snippets import snippet
from test_uppy import BROWSER, FOOT, HEAD, OF_5, UPPY_5, UPPY_6, choose, is_published, is_sent, parts_sent, wait
from test_web_upload import slowed

from scripts import local_gateway
from tests.rig import parts as large
from tests.rig import pictures
from tests.rig.world import World

photo, picture = test_uppy.photo, test_uppy.picture
MIB = 2**20


def code(heading, head=HEAD):
    """Parts from 1 MiB on, so that the test's files are not gigabytes."""
    return head + snippet(BROWSER, heading, "js").replace("100 * 2 ** 20", "2 ** 20") + FOOT


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    def folder():
        return tmp_path_factory.mktemp("bundle")

    without_tus = HEAD.replace('import Tus from "@uppy/tus";\n', "")
    return {"5": bundles.bundle(code("Uppy 4 and 5 pointed at photogate", without_tus), folder(), OF_5),
            "6": bundles.bundle(code("Uppy 6 pointed at photogate"), folder()),
            "6 by signRequest": bundles.bundle(code("Uppy 6 with signRequest of photogate"), folder())}


@pytest.fixture(scope="module")
def world(build_dir, tmp_path_factory):
    profiles = {"photos": {}, "small": {"max_size": 100_000}, "put": {"methods": '["put", "multipart"]'},
                "page": {"form_redirect": '"https://app.example/done"'}, "no-parts": {"methods": '["post"]'},
                "any": {"unsized_put": '"accepted"', "max_size": 12 * MIB}}
    made = World(build_dir, tmp_path_factory.mktemp("uppy-endpoint") / "gateway", profiles)
    made.gateway.environment["PHOTOGATE_SERVER_CORS_ORIGINS"] = "*"
    try:
        made.gateway.start()
        yield made
    finally:
        made.close()


def token_of(world, **request):
    status, _, made = world.request("POST", "/v1/tokens", {"profile": "photos", **request})
    assert status == 201, made
    return made["token"]


@pytest.fixture
def uppy(world, scripts, visit):
    """uppy("5"): a page with that Uppy on it, and nothing behind it but the gateway."""

    def make(which, **options):
        token = token_of(world, **{name: options.pop(name) for name in ("profile", "max_bytes", "max_uploads") if name in options})
        return bundles.open_page(visit, scripts[which], {"gateway": world.gateway.url, "token": token, **options})

    return make


# ------------------------------------------------------------------------------------------------- in a browser

SINGLE = [pytest.param("5", marks=[pytest.mark.large, pytest.mark.client(UPPY_5, "form")]), pytest.param("6", marks=pytest.mark.client(UPPY_6, "form")), "6 by signRequest"]
EITHER = [pytest.param("5", marks=pytest.mark.large), "6"]  # of two that take the same way the older one is left to ./test --suites
BOTH = [pytest.param("5", marks=[pytest.mark.large, pytest.mark.client(UPPY_5, "multipart")], id="5"), pytest.param("6", marks=pytest.mark.client(UPPY_6, "multipart"), id="6")]


@pytest.mark.parametrize("which", SINGLE)
def test_sends_a_picture_in_one_request(world, uppy, photo, which):
    page = uppy(which).page
    choose(page, photo)
    is_sent(page)
    is_published(world, photo)


def test_uppy_5_sends_a_put_where_the_profile_has_no_form(world, uppy, photo):
    page = uppy("5", profile="put").page
    choose(page, photo)
    is_sent(page)
    is_published(world, photo)


@pytest.mark.parametrize("which", EITHER)
def test_sends_a_form_where_the_profile_would_redirect_a_browser(world, uppy, photo, which):
    page = uppy(which, profile="page").page
    choose(page, photo)
    is_sent(page)
    is_published(world, photo)


@pytest.mark.parametrize("which", BOTH)
def test_sends_parts_pauses_and_continues(world, uppy, picture, which):
    [sent] = test_uppy.pause_and_continue(uppy(which).page, picture, which == "6")
    assert re.search(r"/i/[0-9a-z]{26}$", sent["url"]), sent
    is_published(world, picture)


@pytest.mark.parametrize("which", BOTH)
def test_continues_with_the_missing_part_after_a_reload(world, uppy, picture, which):
    test_uppy.reload_and_continue(uppy(which, remembers=True).page, picture, which == "6")
    is_published(world, picture)


@pytest.mark.parametrize("which", BOTH)
def test_cancelling_ends_the_upload(world, uppy, picture, which):
    test_uppy.cancel(world, uppy(which).page, picture)


def test_uppy_6_sends_parts_by_sign_request(world, scripts, visit, picture, tmp_path):
    """Which is told nothing of the file's size."""
    script = bundles.bundle(code("Uppy 6 with signRequest of photogate").replace("shouldUseMultipart: false", "shouldUseMultipart: true"), tmp_path)
    page = bundles.open_page(visit, script, {"gateway": world.gateway.url, "token": token_of(world, profile="any")}).page
    numbers = parts_sent(page)
    slowed(page, 3_000_000)
    choose(page, picture)
    wait(page, "window.seen.parts === 1")
    page.evaluate("uppy.pauseAll()")
    page.wait_for_timeout(500)
    slowed(page)
    page.evaluate("uppy.resumeAll()")
    is_sent(page)
    assert numbers.count(numbers[0]) == 1 and set(numbers) == {1, 2}, numbers
    count, identity, app = world.sql("select count(*), max(id), max(app) from uploads where profile = 'any' and part_size is not null").split("|")
    assert count == "1"
    found = world.gateway.wait_for({"id": identity}, app=world.gateway.apps[app])
    assert (found["state"], found["size"]) == ("published", picture.stat().st_size)


@pytest.mark.parametrize("which", EITHER)
def test_refusal_is_shown_in_words(uppy, which, tmp_path):
    path = tmp_path / f"endpoint-large-{which}.jpg"
    path.write_bytes(pictures.photo(1600, 1200, seed=31) + bytes(200_000))
    page = uppy(which, profile="small").page
    choose(page, path)
    wait(page, "window.seen.failed.length")
    assert "the profile's limit is 100000" in page.inner_text("#problem"), page.inner_text("#problem")


@pytest.mark.parametrize("which", EITHER)
def test_spent_token_is_told_in_words(uppy, which, photo, tmp_path):
    page = uppy(which, max_uploads=1).page
    choose(page, photo)
    is_sent(page)
    other = tmp_path / f"one-too-many-{which}.jpg"
    other.write_bytes(pictures.photo(400, 300, seed=77))
    choose(page, other)
    wait(page, "window.seen.failed.length")
    assert "token" in page.inner_text("#problem"), page.inner_text("#problem")


@pytest.mark.parametrize("which", EITHER)
def test_url_that_ends_with_a_slash_is_the_same_endpoint(world, scripts, visit, photo, which):
    page = bundles.open_page(visit, scripts[which], {"gateway": world.gateway.url, "token": token_of(world) + "/"}).page
    choose(page, photo)
    is_sent(page)
    is_published(world, photo)


# ------------------------------------------------------------------------------------------------- call by call


class Uppy:
    """The calls of one client token."""

    def __init__(self, world, token=None, **request):
        self.world, self.token = world, token or token_of(world, **request)

    def ask(self, method, path, body=None, headers=None, slash=""):
        """(status, reason, headers, answer)"""
        connection = http.client.HTTPConnection("127.0.0.1", self.world.port, timeout=60)
        try:
            data = body if body is None or isinstance(body, (bytes, str)) else json.dumps(body)
            connection.request(method, f"/u/{self.token}{slash}/s3{path}", data,
                               {**({"Content-Type": "application/json"} if data else {}), **(headers or {})})
            answer = connection.getresponse()
            text = answer.read()
            is_json = (answer.getheader("Content-Type") or "").startswith("application/json")
            return answer.status, answer.reason, answer.headers, json.loads(text) if is_json else text.decode()
        finally:
            connection.close()

    def json(self, *arguments, **options):
        status, reason, _, answer = self.ask(*arguments, **options)
        assert status == 200, (status, reason, answer)
        return answer

    def begin(self, size, name="large.png", **more):
        return self.json("POST", "/multipart", {"filename": name, "type": "image/png", "metadata": {"name": name, "type": "image/png", "size": size, "relativePath": None, **more}})

    def refused(self, *arguments, **options):
        """(status, code); what is said is said in the reason phrase too."""
        status, reason, headers, answer = self.ask(*arguments, **options)
        assert status >= 400 and set(answer) == {"error", "message", "requestId"}, (status, answer)
        assert reason == answer["message"].encode("ascii", "replace").decode()[:200] and answer["message"], (reason, answer)
        assert headers["Content-Type"] == "application/json" and headers["X-Request-Id"] == answer["requestId"]
        return status, answer["error"]


def query(**parameters):
    return urllib.parse.urlencode(parameters)


def on(upload, rest="", **more):
    return f"/multipart/{urllib.parse.quote(upload['uploadId'], safe='')}{rest}?{query(key=upload['key'], **more)}"


def put(url, data):
    status, etag, answer = large.put({"url": url, "method": "PUT", "headers": {}}, data)
    assert status == 200, answer
    return etag


@pytest.fixture(scope="module")
def png():
    return large.large_png(seed=4242)


def test_params_are_a_form_whose_policy_holds_the_profile_s_limit(world):
    client = Uppy(world)
    data = pictures.photo(500, 400, seed=5001)
    answer = client.json("GET", "/params?filename=a+b%2B%C3%A9.jpg&type=image%2Fjpeg&metadata%5Balbum%5D=x+y&metadata%5BrelativePath%5D=null")
    assert answer["method"] == "POST" and answer["url"].endswith("/") and 0 < answer["expires"] <= 900
    fields = {name.lower(): value for name, value in answer["fields"].items()}
    assert all(isinstance(value, str) for value in fields.values()) and {"key", "policy", "x-amz-signature"} <= set(fields)
    assert fields["content-type"] == "image/jpeg" and fields["success_action_status"] == "201" and "${" not in fields["key"]
    identity = fields["key"].rsplit("/", 1)[1]
    assert identity.startswith("upl_")
    upload = world.request("GET", f"/v1/uploads/{identity}")[2]
    assert upload["filename"] == "a b+é.jpg" and upload["metadata"] == {}, "other metadata is no client's to say"
    status, text = local_gateway.send({"method": "POST", "url": answer["url"], "headers": {}, "fields": answer["fields"]}, data)
    assert status == 201, text
    assert world.gateway.wait_for(upload)["state"] == "published"


def test_size_and_checksum_in_the_metadata_are_signed(world):
    client, data = Uppy(world), pictures.photo(300, 200, seed=5002)
    digest = hashlib.sha256(data).digest()
    for spelled in (base64.b64encode(digest).decode(), digest.hex()):
        answer = client.json("GET", "/params?" + query(**{"filename": "b.jpg", "type": "image/jpeg", "metadata[size]": len(data), "metadata[sha256]": spelled}))
        policy = json.loads(base64.b64decode(answer["fields"]["policy" if "policy" in answer["fields"] else "Policy"]))
        assert ["content-length-range", len(data), len(data)] in policy["conditions"]
        assert base64.b64encode(digest).decode() in json.dumps(answer["fields"])
    assert client.refused("GET", "/params?" + query(**{"filename": "b.jpg", "metadata[size]": "many"})) == (422, "invalid_size")
    assert client.refused("GET", "/params?" + query(**{"filename": "b.jpg", "metadata[sha256]": "abc"})) == (422, "invalid_checksum")
    assert client.refused("GET", "/params?type=image/jpeg") == (422, "missing_field")
    assert client.refused("GET", "/params?" + query(filename="b.exe", type="application/x-msdownload")) == (422, "content_type_not_allowed")


def test_whole_multipart_upload_call_by_call(world, png):
    client = Uppy(world)
    upload = client.begin(len(png), "call by call.png")
    identity = upload["key"].rsplit("/", 1)[1]
    assert identity not in upload["uploadId"] and upload["bucket"]
    assert client.json("GET", on(upload)) == []
    first = client.json("GET", on(upload, "/1"))
    assert set(first) == {"url", "expires"} and "partNumber=1" in first["url"]
    tags = {1: put(first["url"], png[:5 * MIB])}
    assert client.json("GET", on(upload)) == [{"PartNumber": 1, "ETag": tags[1], "Size": 5 * MIB}]
    batch = client.json("GET", on(upload, "/batch", partNumbers="1,2"))["presignedUrls"]
    assert set(batch) == {"1", "2"}
    tags[2] = put(batch["2"], png[5 * MIB:])
    # Uppy 5 gives ETags as they came, Uppy 6 without quotes and listed ones as they came; numbers as texts are accepted.
    completed = client.json("POST", on(upload, "/complete"), {"parts": [{"PartNumber": "1", "ETag": tags[1]}, {"PartNumber": 2, "ETag": tags[2].strip('"')}]})
    assert completed["key"] == upload["key"] and completed["bucket"] == upload["bucket"] and completed["id"] == identity
    found = world.gateway.wait_for({"id": identity})
    assert found["state"] == "published" and found["links"]["image"].endswith(completed["location"].rsplit("/", 1)[1])
    again = client.json("POST", on(upload, "/complete"), {"parts": [{"PartNumber": 1, "ETag": tags[1]}, {"PartNumber": 2, "ETag": tags[2]}]})
    assert again == completed, "whose answer was lost asks again"
    assert client.refused("DELETE", on(upload))[0] in (403, 409), "what is published is not a client's to delete"


def test_parts_of_another_size_or_missing_ones_are_not_joined(world, png):
    client = Uppy(world)
    upload = client.begin(len(png))
    url = client.json("GET", on(upload, "/1"))["url"]
    assert large.put({"url": url, "method": "PUT", "headers": {}}, png[:4 * MIB])[0] == 403, "its size is signed"
    tag = put(url, png[:5 * MIB])
    assert client.refused("POST", on(upload, "/complete"), {"parts": [{"PartNumber": 1, "ETag": tag}]}) == (422, "invalid_parts")
    assert client.refused("POST", on(upload, "/complete"), {"parts": [{"PartNumber": 1}]}) == (422, "invalid_parts")
    assert client.refused("POST", on(upload, "/complete"), {})[0] == 422
    assert client.refused("POST", on(upload, "/complete"), "[")[0] == 400
    assert client.json("DELETE", on(upload)) == {}
    assert client.refused("GET", on(upload, "/2")) == (409, "state_conflict")


def test_numbers_of_parts_are_bounded(world, png):
    client = Uppy(world)
    upload = client.begin(len(png))
    for number in ("0", "10001", "3", "-1", "1x", "99999999999"):
        assert client.refused("GET", on(upload, f"/{number}")) == (422, "invalid_part_number"), number
    assert client.refused("GET", on(upload, "/batch", partNumbers=",".join(["1"] * 200))) == (422, "invalid_fields"), "each is told"
    for numbers in ("", "1,", "1,10001", "1,1"):
        assert client.refused("GET", on(upload, "/batch", partNumbers=numbers)) == (422, "invalid_part_number"), numbers[:20]


def tampered(text):
    """One bit of it is another, at each of some places."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for place in range(0, len(text) - 1, 7):
        yield text[:place] + alphabet[alphabet.index(text[place]) ^ 1] + text[place + 1:]


def calls_of(upload):
    return [("GET", on(upload), None), ("GET", on(upload, "/1"), None), ("GET", on(upload, "/batch", partNumbers="1"), None),
            ("POST", on(upload, "/complete"), {"parts": [{"PartNumber": 1, "ETag": "abc"}]}), ("DELETE", on(upload), None)]


def test_upload_is_its_token_s_alone(world, png):
    mine, other = Uppy(world), Uppy(world)
    upload, theirs = mine.begin(len(png)), other.begin(len(png))
    for wrong in [upload, {**upload, "key": theirs["key"]}, {**theirs, "key": upload["key"]}, {**theirs, "key": ""},
                  {**theirs, "uploadId": theirs["key"].rsplit("/", 1)[1]}, {**theirs, "uploadId": "x"},
                  *({**theirs, "uploadId": each} for each in tampered(theirs["uploadId"]))]:
        for call in calls_of(wrong):
            assert other.refused(*call) == (404, "upload_not_found"), (call, wrong)
    for call in calls_of(upload):
        assert Uppy(world, mine.token[:-4] + "AAAA").refused(*call)[0] == 401, call
    assert [world.request("GET", f"/v1/uploads/{each['key'].rsplit('/', 1)[1]}")[2]["state"] for each in (upload, theirs)] == ["created"] * 2
    assert mine.json("DELETE", on(upload)) == {}


def test_upload_id_opens_at_another_gateway_and_after_its_secret_was_followed_by_another(world, png):
    first, second = secrets.token_hex(32), secrets.token_hex(32)
    before, after = world.another(role="serve"), world.another(role="serve")
    before.environment["PHOTOGATE_SERVER_TOKEN_SECRETS"] = first
    after.environment["PHOTOGATE_SERVER_TOKEN_SECRETS"] = f"{second},{first}"
    before.start(), after.start()
    try:
        class At(Uppy):
            def __init__(self, gateway, token=None):
                self.world = gateway
                self.token = token or gateway.request("POST", "/v1/tokens", {"profile": "photos"}, key=world.app.key)[2]["token"]

        old = At(before)
        upload = old.begin(len(png))
        assert At(after, old.token).json("GET", on(upload)) == []
        new = At(after)
        assert At(before, new.token).refused("GET", on(new.begin(len(png))))[0] == 401
    finally:
        before.stop(), after.stop()


def test_limits_of_the_token_and_the_profile_hold(world, png):
    counted = Uppy(world, max_uploads=2)
    counted.begin(len(png))
    counted.json("GET", "/params?filename=a.jpg")
    assert counted.refused("GET", "/params?filename=a.jpg")[1] == "token_exhausted"
    assert counted.refused("POST", "/multipart", {"filename": "a.png", "metadata": {"size": 10}})[1] == "token_exhausted"
    weighed = Uppy(world, max_bytes=len(png))
    assert weighed.refused("GET", "/params?filename=a.jpg") == (422, "invalid_size")
    weighed.begin(len(png))
    assert weighed.refused("GET", "/params?" + query(**{"filename": "a.jpg", "metadata[size]": 10}))[1] == "token_exhausted"
    small = Uppy(world, profile="small")
    assert small.refused("POST", "/multipart", {"filename": "a.png", "metadata": {"size": 100_001}}) == (422, "size_over_limit")
    assert Uppy(world, profile="no-parts").refused("POST", "/multipart", {"filename": "a.png", "metadata": {"size": 10}}) == (422, "method_not_offered")
    put_alone = Uppy(world, profile="put")
    assert put_alone.refused("GET", "/params?filename=a.jpg&metadata%5Bsize%5D=10")[1] == "method_not_offered", "Uppy 6 knows forms alone"
    answer = put_alone.json("GET", "/params?filename=a.jpg&metadata%5Bsize%5D=10", headers={"Accept": "application/json"})
    assert answer["method"] == "PUT" and answer["fields"]["key"] and answer["headers"]["If-None-Match"] == "*"


def test_pages_may_call_and_read_the_answers(world, png):
    client, origin = Uppy(world), {"Origin": "https://page.example"}
    asked = "content-type,uppy-auth-token,uppy-credentials-params,authorization,accept"
    status, _, headers, _ = client.ask("OPTIONS", "/multipart", headers={**origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": asked})
    assert status == 204 and "POST" in headers["Access-Control-Allow-Methods"]
    allowed = headers["Access-Control-Allow-Headers"].lower()
    assert all(name in allowed for name in ("content-type", "uppy-auth-token", "uppy-credentials-params", "authorization"))
    upload = client.begin(len(png))
    status, _, headers, _ = client.ask("OPTIONS", on(upload), headers={**origin, "Access-Control-Request-Method": "DELETE"})
    assert status == 204 and "DELETE" in headers["Access-Control-Allow-Methods"]
    for call in (("GET", on(upload)), ("GET", "/params")):
        assert client.ask(*call, headers=origin)[2]["Access-Control-Allow-Origin"] in ("*", origin["Origin"])


def test_temporary_credentials_are_refused_in_words(world):
    assert Uppy(world).refused("GET", "/sts")[0] == 400


def test_doubled_slash_is_read_as_one_there_and_nowhere_else(world):
    client = Uppy(world)
    assert client.json("GET", "/params?filename=a.jpg", slash="/")["fields"]
    assert client.ask("GET", "/params?filename=a.jpg", slash="//")[0] == 400
    assert client.world.request("GET", "//v1/uploads")[0] == 400


def test_text_of_a_refusal_ends_no_line_of_the_answer(world):
    with socket.create_connection(("127.0.0.1", world.port), timeout=30) as raw:
        raw.sendall(f"GET /u/{token_of(world)}/s3/params?filename=%C3%A9&type=text%2Fx%0D%0AX-Evil:1 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: raw.recv(65536), b""))
    line, _, rest = answer.partition(b"\r\n")
    assert line.startswith(b"HTTP/1.1 422 ") and b"x-evil" not in rest.split(b"\r\n\r\n")[0].lower()


# ---------------------------------------------------------------------------------- files of unknown size


def named(parts):
    return {"parts": [{"PartNumber": number, "ETag": tag} for number, tag in parts]}


def begin_unsized(client, name="unsized.png"):
    return client.json("POST", "/multipart", {"filename": name, "type": "image/png", "metadata": {"name": name}})


def test_parts_of_unknown_size_are_refused_unless_the_profile_takes_them(world):
    refused = Uppy(world).ask("POST", "/multipart", {"filename": "a.png", "type": "image/png", "metadata": {}})
    assert (refused[0], refused[3]["error"]) == (422, "invalid_size") and "uppy.setFileMeta" in refused[1]
    weighed = Uppy(world, profile="any", max_bytes=10**9)
    assert weighed.refused("POST", "/multipart", {"filename": "a.png", "metadata": {}}) == (422, "invalid_size")
    assert world.request("POST", "/v1/uploads", {"profile": "any", "method": "multipart"})[2]["code"] == "invalid_size", "only Uppy divides files itself"


def test_parts_of_unknown_size_are_joined_as_the_client_divides_them(world, png):
    client = Uppy(world, profile="any")
    upload = begin_unsized(client)
    sizes = [5 * MIB, len(png) - 5 * MIB]
    tags = [put(client.json("GET", on(upload, f"/{number}"))["url"], data) for number, data in ((1, png[:sizes[0]]), (2, png[sizes[0]:]))]
    assert [part["Size"] for part in client.json("GET", on(upload))] == sizes
    listed = world.request("GET", f"/v1/uploads/{upload['key'].rsplit('/', 1)[1]}/parts")[2]
    assert (listed["count"], listed["size"], listed["missing"], listed["received"]) == (None, None, [], len(png))
    for wrong in ([], [(2, tags[1])], [(1, tags[1])], [(1, tags[0]), (2, tags[0])], [(1, tags[0]), (3, tags[1])]):
        assert client.refused("POST", on(upload, "/complete"), named(wrong)) == (422, "invalid_parts"), wrong
    client.json("POST", on(upload, "/complete"), named(enumerate(tags, 1)))
    found = world.gateway.wait_for({"id": upload["key"].rsplit("/", 1)[1]})
    assert (found["state"], found["size"]) == ("published", len(png))


def test_parts_of_more_than_the_profile_s_limit_are_given_up_rather_than_joined(world, png):
    client = Uppy(world, profile="any")
    upload = begin_unsized(client)
    for number in (4, 10_000):
        assert client.refused("GET", on(upload, f"/{number}")) == (422, "invalid_part_number"), "12 MiB have three parts at most"
    tags = [put(client.json("GET", on(upload, f"/{number}"))["url"], bytes(size)) for number, size in ((1, 6 * MIB), (2, 6 * MIB), (3, 1))]
    assert client.refused("POST", on(upload, "/complete"), named(enumerate(tags, 1))) == (422, "size_over_limit")
    identity = upload["key"].rsplit("/", 1)[1]
    assert world.request("GET", f"/v1/uploads/{identity}")[2]["state"] == "cancelled"
    assert large.at_the_store(world, {"id": identity}) == []
    assert client.refused("GET", on(upload, "/1")) == (409, "state_conflict")


# ------------------------------------------------------------------------------------------- signRequest


def test_sign_request_signs_a_form(world):
    client = Uppy(world)
    answer = client.json("POST", "/presign", {"method": "PUT", "key": "6f0a-a.jpg", "contentType": "image/jpeg"})
    assert answer["key"] == answer["fields"]["key"] and answer["url"].endswith("/") and "success_action_redirect" not in answer["fields"]
    for wrong in ({"method": "PATCH", "key": "a"}, {"method": "DELETE", "key": "a"}, {"method": "GET", "key": "a"}):
        assert client.refused("POST", "/presign", wrong) == (422, "invalid_field")
    assert client.refused("POST", "/presign", {"method": "PUT"}) == (422, "missing_field")


def test_sign_request_of_parts_is_done_by_the_gateway_in_the_words_of_s3(world, png):
    """By an upload whose size is known: its `uploadId` is that of /multipart."""
    client = Uppy(world)
    upload = client.begin(len(png), "sign request.png")
    about = {"key": upload["key"], "uploadId": upload["uploadId"]}

    def signed(method, **more):
        return client.json("POST", "/presign", {"method": method, **about, **more})["url"]

    def at(method, body=None):
        url = urllib.parse.urlsplit(signed(method))
        assert url.path.startswith(f"/u/{client.token}/s3/store/")
        return client.ask(method, url.path.split("/s3", 1)[1], body, {"Content-Type": "application/xml"} if body else None)

    tags = [put(signed("PUT", partNumber=number), data) for number, data in ((1, png[:5 * MIB]), (2, png[5 * MIB:]))]
    status, _, headers, text = at("GET")
    assert status == 200 and headers["Content-Type"] == "application/xml"
    assert re.findall(r"<PartNumber>(\d)</PartNumber><ETag>&quot;(\w+)&quot;", text) == [("1", tags[0].strip('"')), ("2", tags[1].strip('"'))]
    wrong = at("POST", "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>")
    assert wrong[0] == 422 and "<Code>invalid_parts</Code>" in wrong[3]
    body = "".join(f"<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>" for number, tag in enumerate(tags, 1))
    status, _, _, text = at("POST", f"<CompleteMultipartUpload>{body}</CompleteMultipartUpload>")
    assert status == 200 and f"<Key>{upload['key']}</Key>" in text and "<Location>" in text
    assert world.gateway.wait_for({"id": upload["key"].rsplit("/", 1)[1]})["state"] == "published"
    for number in (0, 10001, None):
        assert client.refused("POST", "/presign", {"method": "PUT", **about, "partNumber": number}) == (422, "invalid_part_number")
    assert client.refused("POST", "/presign", {"method": "GET", **about, "key": "another"}) == (404, "upload_not_found")
    assert Uppy(world).refused("POST", "/presign", {"method": "GET", **about}) == (404, "upload_not_found")
    other = client.begin(len(png))
    url = urllib.parse.urlsplit(client.json("POST", "/presign", {"method": "DELETE", "key": other["key"], "uploadId": other["uploadId"]})["url"])
    assert client.ask("DELETE", url.path.split("/s3", 1)[1])[0] == 204
    assert world.request("GET", f"/v1/uploads/{other['key'].rsplit('/', 1)[1]}")[2]["state"] == "cancelled"
