"""Private profiles: images by signed link and by cookie, and sizes that only a link may ask for."""
import http.client
import json
import pathlib
import re
import signal
import time
import urllib.parse

import pytest
from test_images import path_of, s3
from test_versions import facts, rows

from tests.rig import pictures
from tests.rig import stack as parts
from tests.rig.world import World

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SECRET = "a secret of the app's links, for this test"
PROFILES = {"photos": {}, "galleries": {"private": "true"}, "letters": {"private": "true"}}


def documented_signer():
    """`signed()` as docs/delivery.md has it."""
    snippets = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "delivery.md").read_text(), re.DOTALL)
    [snippet] = [each for each in snippets if "photogate-link-1" in each]
    names = {}
    exec(snippet, names)
    return names["signed"]


signed = documented_signer()


@pytest.fixture(scope="module", params=["minio", "builtin"])
def world(request, build_dir, tmp_path_factory):
    made = World(build_dir, tmp_path_factory.mktemp("private"), PROFILES, store=request.param, link_secrets=[SECRET])
    try:
        made.gateway.start()
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def upload(world):
    return world.publish(pictures.photo(1600, 1200, seed=201), {"profile": "galleries", "metadata": {"gallery": "smith"}})


@pytest.fixture(scope="module")
def public(world):
    return world.publish(pictures.photo(1600, 1200, seed=202), {"profile": "photos"})


def url_of(world, upload, body=None, key=None):
    status, _, answer = world.request("POST", f"/v1/uploads/{upload['id']}/url", body, key=key)
    assert status == 200, answer
    assert answer["url"].startswith(world.gateway.url)
    return answer["url"].removeprefix(world.gateway.url), answer


def cookie_of(world, **body):
    status, _, answer = world.request("POST", "/v1/cookies", {"profile": "galleries", **body})
    assert status == 201, answer
    return answer


def get(world, path, **headers):
    return world.gateway.request("GET", path, headers=headers)


def problem(answer):
    status, headers, body = answer
    assert headers["cache-control"] == "no-store" and "set-cookie" not in headers
    return status, body["code"]


def unlike(answer):
    """The answer without what belongs to one request."""
    status, headers, body = answer
    return status, {name: value for name, value in headers.items() if name not in ("date", "x-request-id")}, {**body, "request_id": None}


def test_a_link_shows_exactly_what_it_is_for(world, upload, tmp_path):
    path = path_of(upload)
    link, answer = url_of(world, upload, {"width": 800, "format": "webp", "expires_in": 600})
    assert answer["scope"] == "version" and link.startswith(path + "?width=800&format=webp&expires=")
    status, headers, data = get(world, link)
    assert status == 200 and facts(data, tmp_path) == ("webp", 800, 600)
    kind, age = headers["cache-control"].split(", ")
    assert kind == "private" and 500 < int(age.removeprefix("max-age=")) <= 600
    assert get(world, link, **{"If-None-Match": headers["etag"]})[0] == 304
    assert get(world, link, Range="bytes=0-9")[2] == data[:10]
    # Another spelling of the same is the same; another version is not.
    query = link.split("?width=800&format=webp&")[1]
    for same in (f"{path}/w800.webp?{query}", f"{path}/beach.jpg?f=webp&w=800&utm_source=x&v=7&{query}"):
        assert get(world, same)[0] == 200, same
    for other in (f"{path}?{query}", f"{path}?width=801&format=webp&{query}", f"{path}?width=800&{query}", f"{path}/w800.jpg?{query}",
                  f"{path}?width=800&format=webp&quality=90&{query}", f"{path}?width=800&format=webp&scope=image&{query}"):
        assert problem(get(world, other)) == (403, "signature_invalid"), other
        assert problem(get(world, other, **{"If-None-Match": headers["etag"]})) == (403, "signature_invalid")


def test_whatever_is_wrong_has_one_answer(world, upload):
    link, _ = url_of(world, upload, {"width": 320})
    other = world.publish(pictures.photo(640, 480, seed=203), {"profile": "galleries"})
    path, query = link.split("?")
    pairs = dict(urllib.parse.parse_qsl(query))
    wrong = [path, path_of(other) + "?" + query, "/i/" + "0" * 25 + "z", "/i/" + "0" * 25 + "z?" + query, "/i/nothing", "/i/nothing?" + query]
    for name, value in (("sig", pairs["sig"][:-1]), ("sig", ""), ("sig", pairs["sig"] + "A"), ("sig", pairs["sig"].swapcase()), ("sig", "A" * 48),
                        ("expires", str(int(pairs["expires"]) + 1)), ("expires", ""), ("expires", "0" + pairs["expires"]), ("expires", "never"), ("scope", "image"), ("scope", "all")):
        wrong.append(path + "?" + urllib.parse.urlencode({**pairs, name: value}))
    for name in ("sig", "expires", "width"):
        wrong.append(path + "?" + urllib.parse.urlencode({key: value for key, value in pairs.items() if key != name}))
    answers = [unlike(get(world, each)) for each in wrong]
    assert answers[0][2]["code"] == "signature_invalid" and answers[0][0] == 403
    for each, answer in zip(wrong, answers, strict=True):
        assert answer == answers[0], each
    assert problem(get(world, f"{link}&sig={pairs['sig']}")) == (400, "invalid_query")
    head = world.gateway.request("HEAD", path)
    assert (head[0], head[2]) == (403, b"")
    assert get(world, link)[0] == 200


def test_a_genuine_link_expires_and_says_so(world, upload):
    path = path_of(upload)
    identity = path.rsplit("/", 1)[1]
    assert get(world, f"{path}?{signed(SECRET, identity)}")[0] == 200
    late = signed(SECRET, identity, seconds=-1)
    assert problem(get(world, f"{path}?{late}")) == (403, "link_expired")
    # A stranger does not learn that a link was good once.
    assert problem(get(world, f"{path}?{late[:-1]}{'A' if late[-1] != 'A' else 'B'}")) == (403, "signature_invalid")
    assert problem(get(world, f"/i/{'0' * 25}z?{late}")) == (403, "signature_invalid")
    assert problem(get(world, f"/i/{'0' * 25}z?{signed(SECRET, '0' * 25 + 'z')}")) == (404, "not_published")


def test_one_link_of_scope_image_is_for_a_whole_srcset(world, upload, tmp_path):
    path = path_of(upload)
    link, answer = url_of(world, upload, {"scope": "image"})
    query = link.split("?")[1]
    assert answer["scope"] == "image" and "scope=image" in query
    for name, size in (("w320.webp", 320), ("w640.jpg", 640), ("w401.avif", 480)):
        status, headers, data = get(world, f"{path}/{name}?{query}")
        assert status == 200 and facts(data, tmp_path)[1] == size and headers["cache-control"].startswith("private, ")
    assert get(world, f"{path}?{query}")[0] == 200


def test_the_documented_lines_are_what_is_signed(world, upload):
    path = path_of(upload)
    identity = path.rsplit("/", 1)[1]
    for asked in ("", "width=800", "width=400&height=300&dpr=1.5&fit=cover&gravity=attention&format=webp&quality=75"):
        assert get(world, f"{path}?{signed(SECRET, identity, asked)}")[0] == 200, asked
    assert problem(get(world, f"{path}?{signed('x' * 32, identity)}")) == (403, "signature_invalid")


def test_any_size_can_be_signed_for_and_none_is_enlarged(world, public, upload, tmp_path):
    for each in (public, upload):
        path = path_of(each)
        identity = path.rsplit("/", 1)[1]
        before = rows(world, each)
        link, answer = url_of(world, each, {"width": 417, "height": 211, "fit": "fill", "scope": "version"})
        status, headers, data = get(world, link)
        assert status == 200 and facts(data, tmp_path)[1:] == (417, 211)
        assert headers["cache-control"].split(",")[0] == ("public" if each is public else "private")
        assert rows(world, each) == before + 1
        # Not with a signature for the image, and never more than there is.
        link, _ = url_of(world, each, {"width": 333, "scope": "image"})
        assert facts(get(world, link)[2], tmp_path)[1] == 480
        assert facts(get(world, f"{path}?{signed(SECRET, identity, 'width=60000')}")[2], tmp_path)[1:] == (1600, 1200)
    status, _, data = get(world, path_of(public) + "?width=417&height=211&fit=fill")
    assert status == 200 and facts(data, tmp_path)[1:] != (417, 211)


def test_a_public_image_needs_no_signature_and_a_wrong_one_is_refused_all_the_same(world, public):
    link, answer = url_of(world, public, {"width": 320})
    assert link == path_of(public) + "?width=320" and answer["scope"] is None and answer["expires_at"] is None
    assert url_of(world, public)[0] == path_of(public)
    status, headers, _ = get(world, link)
    assert status == 200 and headers["cache-control"] == "public, max-age=31536000, immutable"
    assert problem(get(world, f"{link}&expires={int(time.time()) + 60}&sig={'A' * 48}")) == (403, "signature_invalid")


def test_a_url_is_asked_for_by_the_app_or_the_token_of_the_upload(world, upload):
    path = f"/v1/uploads/{upload['id']}/url"
    assert world.request("POST", path, {}, key=world.other.key)[0] == 404
    assert world.request("POST", path, {}, key="pg_shop_" + "0" * 52)[0] == 401
    assert world.request("POST", path, {}, key=world.operator.key)[0] == 403
    token = world.request("POST", "/v1/tokens", {"profile": "galleries", "expires_in": 300})[2]["token"]
    assert world.request("POST", path, {}, key=token)[0] == 404
    data = pictures.photo(1600, 1200, seed=204)
    status, _, mine = world.request("POST", "/v1/uploads", {"size": len(data)}, key=token)
    assert status == 201
    link, answer = url_of(world, mine, {"width": 333, "expires_in": 86_400}, key=token)
    assert answer["scope"] == "image" and "width=333" in link
    expires = int(dict(urllib.parse.parse_qsl(link.split("?")[1]))["expires"])
    assert expires <= time.time() + 301, "no longer than the token"
    assert world.request("POST", f"/u/{token}/v1/uploads/{mine['id']}/url", {}, key="")[0] == 200
    assert world.request("POST", f"/v1/uploads/{mine['id']}/url", {"scope": "version"}, key=token)[2]["code"] == "forbidden"
    # The link is known before the image is there.
    assert problem(get(world, link)) == (404, "not_published")
    assert world.send(mine, data)[0] == 200
    world.gateway.wait_for(mine)
    assert get(world, link)[0] == 200


def test_wrong_requests_are_refused_by_field(world, upload):
    path = f"/v1/uploads/{upload['id']}/url"
    for body, code in (({"width": 0}, "invalid_field"), ({"width": "800"}, "invalid_field"), ({"dpr": 9}, "invalid_field"), ({"dpr": "2"}, "invalid_field"),
                       ({"dpr": True}, "invalid_field"), ({"fit": "pad"}, "invalid_field"), ({"format": "heic"}, "invalid_field"), ({"gravity": "face"}, "invalid_field"),
                       ({"quality": 101}, "invalid_field"), ({"scope": "all"}, "invalid_field"), ({"expires_in": 0}, "invalid_expiry"),
                       ({"expires_in": 366 * 86_400 + 1}, "invalid_expiry"), ({"w": 800}, "unknown_member"), ({"width": 0, "height": 0}, "invalid_fields"), ([], "unknown_member")):
        status, _, answer = world.request("POST", path, body)
        assert (status, answer["code"]) == (422, code), (body, answer)
        if isinstance(body, dict):
            assert {each["pointer"] for each in answer["errors"]} == {f"/{name}" for name in body}, answer
    assert url_of(world, upload, {"width": 400, "dpr": 1.5})[0].split("&expires")[0].endswith("?width=400&dpr=1.5")
    cancelled = world.create({"size": 10, "profile": "galleries"})
    assert world.request("DELETE", f"/v1/uploads/{cancelled['id']}")[0] == 200
    assert world.request("POST", f"/v1/uploads/{cancelled['id']}/url", {})[2]["code"] == "state_conflict"
    for body, code in (({"profile": "photos"}, "invalid_field"), ({"profile": "nothing"}, "unknown_profile"), ({"metadata": {}}, "invalid_metadata"),
                       ({"metadata": {f"m{n}": "" for n in range(9)}}, "invalid_metadata"), ({"metadata": {"a": "x" * 1000, "b": "y" * 1000, "c": "z" * 1000}}, "invalid_metadata"),
                       ({"metadata": {"a": 1}}, "invalid_metadata"), ({"same_site": "Lax"}, "invalid_field"), ({"domain": "a.example; Path=/"}, "invalid_field"),
                       ({"domain": "a.example\r\nX: y"}, "invalid_field"), ({"domain": "A.example"}, "invalid_field"), ({"domain": "a.example:80"}, "invalid_field"),
                       ({"expires_in": 10 ** 9}, "invalid_expiry"), ({"gallery": "smith"}, "unknown_member")):
        status, _, answer = world.request("POST", "/v1/cookies", {"profile": "galleries", **body})
        assert (status, answer["code"]) == (422, code), (body, answer)
    token = world.request("POST", "/v1/tokens", {"profile": "galleries"})[2]["token"]
    for key in (token, world.operator.key):
        assert world.request("POST", "/v1/cookies", {"profile": "galleries"}, key=key)[0] in (401, 403)


def test_a_cookie_shows_the_images_of_its_gallery(world, upload):
    jones = world.publish(pictures.photo(640, 480, seed=205), {"profile": "galleries", "metadata": {"gallery": "jones"}})
    letter = world.publish(pictures.photo(640, 480, seed=206), {"profile": "letters", "metadata": {"gallery": "smith"}})
    smith, everything = cookie_of(world, metadata={"gallery": "smith"}, expires_in=120), cookie_of(world)
    assert smith["name"] != everything["name"] and smith["set_cookie"].startswith(f"{smith['name']}={smith['value']}; Max-Age=120; Path=/i/; Secure; HttpOnly; SameSite=Lax")

    def seen(image, *cookies):
        return get(world, path_of(image) + "?width=320", Cookie="; ".join(["theme=dark", *(f"{each['name']}={each['value']}" for each in cookies)]))

    status, headers, _ = seen(upload, smith)
    assert status == 200 and "access-control-allow-origin" not in headers and "timing-allow-origin" not in headers
    assert int(headers["cache-control"].removeprefix("private, max-age=")) <= 120
    assert get(world, path_of(upload), Cookie=f"{smith['name']}={smith['value']}", **{"If-None-Match": "*"})[0] == 304
    assert problem(seen(jones, smith)) == (403, "signature_invalid")
    assert seen(jones, everything)[0] == seen(upload, everything)[0] == seen(jones, smith, everything)[0] == 200
    for cookies in ((smith,), (everything,), (smith, everything)):
        assert problem(seen(letter, *cookies)) == (403, "signature_invalid")
    assert problem(seen(upload, {**smith, "value": smith["value"][:-1] + "!"})) == (403, "signature_invalid")
    # A link decides alone: one that is wrong is not made good by a cookie.
    assert problem(get(world, f"{path_of(upload)}?expires=1&sig=x", Cookie=f"{smith['name']}={smith['value']}")) == (403, "signature_invalid")
    brief = cookie_of(world, expires_in=1)
    parts.wait_until(lambda: seen(upload, brief)[0] == 403, 60, "the cookie to expire")
    assert problem(seen(upload, brief)) == (403, "link_expired")


def test_a_browser_shows_a_gallery_with_its_cookie_alone(world, upload, visit):
    cookie = cookie_of(world, metadata={"gallery": "smith"})
    here = visit()
    page = here.page
    picture = f"{world.gateway.url}{path_of(upload)}/w320.jpg"

    def loaded():
        page.goto(f"{world.gateway.url}/docs")
        return page.evaluate("""(url) => new Promise((resolve) => { const image = new Image();
            image.onload = () => resolve(image.naturalWidth); image.onerror = () => resolve(0); image.src = url; })""", picture)

    assert loaded() == 0
    # As a browser takes it from the app's page: by the header's own words.
    page.route("**/gallery", lambda route: route.fulfill(status=200, content_type="text/html", headers={"Set-Cookie": cookie["set_cookie"]}, body="<!doctype html>"))
    page.goto(f"{world.gateway.url}/gallery")
    [kept] = [each for each in here.context.cookies([picture]) if each["name"] == cookie["name"]]
    assert kept["httpOnly"] and kept["secure"] and kept["path"] == "/i/" and kept["sameSite"] == "Lax"
    assert loaded() == 320
    assert page.evaluate("document.cookie") == ""


def test_nothing_of_a_private_image_can_be_had_without_a_signature(world, upload):
    path = path_of(upload)
    for query in ("", "?width=320", "?width=320&format=webp", "?v=1", "?placeholder=1", "/w320.webp", "?download=1"):
        assert get(world, path + query)[0] in (400, 403), query
    for method in ("HEAD", "GET"):
        status, headers, _ = world.gateway.request(method, path, headers={"If-None-Match": "*", "Range": "bytes=0-1"})
        assert status == 403 and not {"etag", "last-modified", "content-range", "x-cache"} & set(headers)
    assert problem(world.gateway.request("GET", path, port=world.metrics_port))[0] == 403, "nor where operators look"
    # Nor from the store itself: neither the image nor a version.
    keys = [each["Key"] for prefix in ("p/", "v/") for each in s3(world).list_objects_v2(Bucket=world.stack.minio.public, Prefix=prefix).get("Contents", [])]
    assert any(key.startswith("v/") for key in keys)
    host = urllib.parse.urlsplit(world.stack.minio.endpoint)
    for key in keys:
        connection = http.client.HTTPConnection(host.hostname, host.port)
        connection.request("GET", f"/{world.stack.minio.public}/{key}")
        assert connection.getresponse().status in (401, 403)
        connection.close()
    # What apps are told of it is not signed.
    found = world.request("GET", f"/v1/uploads/{upload['id']}")[2]
    assert "sig=" not in json.dumps(found)


def test_a_deleted_image_is_gone_for_who_has_a_link_and_private_for_who_has_none(world):
    upload = world.publish(pictures.photo(640, 480, seed=207), {"profile": "galleries"})
    link, _ = url_of(world, upload, {"width": 320})
    assert get(world, link)[0] == 200
    assert world.request("DELETE", f"/v1/uploads/{upload['id']}")[0] in (200, 202)
    assert problem(get(world, link)) == (410, "gone")
    assert problem(get(world, path_of(upload))) == (403, "signature_invalid")


def test_signatures_and_secrets_are_in_no_log_and_in_no_metric(world, upload):
    link, _ = url_of(world, upload, {"width": 320})
    assert get(world, link)[0] == 200
    signature = link.rsplit("sig=", 1)[1]
    value = cookie_of(world)["value"]
    get(world, path_of(upload), Cookie=f"__Secure-photogate-x={value}")
    log = world.gateway.log.read_text(errors="replace")
    metrics = world.gateway.request("GET", "/metrics", port=world.metrics_port)[2].decode()
    for secret in (SECRET, signature, value.split(".")[1]):
        assert secret not in log and secret not in metrics
    for result in ("link", "cookie", "refused", "expired"):
        assert re.search(rf'photogate_image_access_total{{result="{result}"}} [1-9]', metrics), result


def test_keys_rotate_and_derived_ones_agree_among_gateways(own_world):
    world = own_world(profiles=PROFILES)
    upload = world.publish(pictures.photo(640, 480, seed=208), {"profile": "galleries"})
    link, _ = url_of(world, upload)
    with world.another() as second:
        assert second.request("GET", link)[0] == 200
    text = world.gateway.config.read_text()

    def restart(*secrets):
        world.gateway.stop()
        world.gateway.config.write_text(text.replace("[apps.shop]\n", f"[apps.shop]\nlink_secrets = {json.dumps(secrets)}\n"))
        world.gateway.start()

    restart("the first secret of this app, long enough")
    assert problem(get(world, link)) == (403, "signature_invalid")
    first, _ = url_of(world, upload)
    restart("the second secret of this app, long enough", "the first secret of this app, long enough")
    second, _ = url_of(world, upload)
    assert get(world, first)[0] == get(world, second)[0] == 200
    restart("the second secret of this app, long enough")
    assert (get(world, first)[0], get(world, second)[0]) == (403, 200)
    # A profile that is removed, or an app, makes nothing public.
    world.gateway.stop()
    world.gateway.config.write_text(text.replace("[apps.shop.profiles.galleries]\nprivate = true\n", ""))
    world.gateway.start()
    assert problem(get(world, path_of(upload))) == (403, "signature_invalid")


def let_anybody_read(world):
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": ["s3:GetObject"],
                                                     "Resource": [f"arn:aws:s3:::{world.stack.minio.public}/*"]}]}
    s3(world).put_bucket_policy(Bucket=world.stack.minio.public, Policy=json.dumps(policy))


def test_does_not_start_where_anybody_may_read_the_public_bucket(own_world):
    world = own_world(profiles=PROFILES)
    world.gateway.stop()
    let_anybody_read(world)
    with pytest.raises(parts.StackError):
        world.gateway.start()
    assert "stranger.get.public" in world.gateway.log.read_text()


def test_first_private_profile_is_not_reloaded_where_anybody_may_read_the_public_bucket(own_world):
    world = own_world(profiles={"photos": {}})
    let_anybody_read(world)
    config = world.gateway.config.read_text()
    world.gateway.config.write_text(config + "\n[apps.shop.profiles.galleries]\nprivate = true\n")
    world.gateway.process.send_signal(signal.SIGHUP)

    def refused():
        return "config.not_reloaded" in world.gateway.log.read_text()

    parts.wait_until(refused, 30, "the refusal")
    assert "stranger.get.public" in world.gateway.log.read_text()
    assert world.gateway.request("POST", "/v1/uploads", {"profile": "galleries", "size": 10}, key=world.app.key)[0] == 422
