"""Signed links and gallery cookies: forged, altered, used for what they were not made for."""
import base64
import hashlib
import hmac
import json
import time
import urllib.parse

import pytest

from tests.attacks.conftest import TIGHT, honest
from tests.rig import pictures
from tests.rig.world import World, release_build

SECRET = "a secret that no attacker of these links has"
PROFILES = {"photos": {}, "galleries": {"private": "true"}, "letters": {"private": "true"}}
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
NOBODYS = "/i/" + "0" * 25 + "z"


@pytest.fixture(scope="module")
def private_world(tmp_path_factory):
    world = World(release_build(), tmp_path_factory.mktemp("links"), PROFILES, extra=TIGHT, link_secrets=[SECRET])
    try:
        world.gateway.start()
        yield world
    finally:
        world.close()


@pytest.fixture
def world(private_world):
    yield private_world
    honest(private_world)


@pytest.fixture(scope="module")
def image(private_world):
    """The path of a private image."""
    upload = private_world.publish(pictures.photo(800, 600, seed=301), {"profile": "galleries", "metadata": {"gallery": "smith"}})
    assert upload["state"] == "published"
    return upload, "/i/" + upload["links"]["image"].rsplit("/", 1)[1]


def link_of(world, upload, **body):
    status, _, answer = world.request("POST", f"/v1/uploads/{upload['id']}/url", body)
    assert status == 200, answer
    path, _, query = answer["url"].removeprefix(world.gateway.url).partition("?")
    return path, dict(urllib.parse.parse_qsl(query))


def refused(answer, statuses=(403,)):
    status, headers, body = answer
    assert status in statuses, (status, body)
    assert "etag" not in headers and "public" not in headers.get("cache-control", "")
    assert status != 403 or body["code"] == "signature_invalid", body


def ask(world, path, pairs=None, **headers):
    return world.gateway.request("GET", path + ("?" + urllib.parse.urlencode(pairs) if pairs else ""), headers=headers)


@pytest.mark.parametrize("at", range(48))
def test_signature_with_one_other_character(world, image, at):
    path, pairs = link_of(world, image[0], width=320)
    for other in ALPHABET[at % 4::4]:
        if other != pairs["sig"][at]:
            refused(ask(world, path, {**pairs, "sig": pairs["sig"][:at] + other + pairs["sig"][at + 1:]}))


@pytest.mark.parametrize("length", [0, 1, 4, 5, 6, 43, 47, 49, 64, 96, 1_800])
def test_signature_of_another_length(world, image, length):
    path, pairs = link_of(world, image[0], width=320)
    refused(ask(world, path, {**pairs, "sig": (pairs["sig"] * 100)[:length]}))


@pytest.mark.parametrize("name, key", [("no key", b""), ("the key's name", b"photogate link key"), ("the app's name", b"shop"), ("64 zeros", b"\0" * 64),
                                       ("the documented example", b"an app's secret of 32 characters")])
def test_signature_with_a_guessed_key(world, image, name, key):
    def mac(text):
        return hmac.digest(key, text.encode(), "sha256")
    expires = str(int(time.time()) + 600)
    text = f"photogate-link-1\nimage\n{image[1][3:]}\n{expires}"
    genuine = base64.urlsafe_b64decode(link_of(world, image[0])[1]["sig"])[:4]
    for identity in (mac("photogate link key")[:4], genuine):
        refused(ask(world, image[1], {"expires": expires, "scope": "image", "sig": base64.urlsafe_b64encode(identity + mac(text)).decode()}))
    refused(ask(world, image[1], {"expires": expires, "scope": "image", "sig": base64.urlsafe_b64encode(genuine + hashlib.sha256(key + text.encode()).digest()).decode()}))


@pytest.mark.parametrize("change", [{"expires": "9999999999"}, {"expires": "1"}, {"scope": "image"}, {"scope": "version\nx"}, {"width": "640"}, {"width": "321"}, {"height": "10"}, {"format": "png"},
                                    {"quality": "1"}, {"dpr": "2"}, {"fit": "cover", "height": "9"}, {"expires": " 1"}, {"expires": "1e9"}, {"expires": "0x7fffffff"}, {"expires": "-1"},
                                    {"expires": "9223372036854775808"}, {"expires": "٣"}])
def test_link_for_one_version_is_good_for_nothing_else(world, image, change):
    path, pairs = link_of(world, image[0], width=320)
    refused(ask(world, path, {**pairs, **change}))


@pytest.mark.parametrize("path", [NOBODYS, "/i/nothing", "/i/" + "0" * 26, "/i/{upper}", "/i/%00", "/i/../i/x"])
def test_what_a_stranger_is_told_of_ids_is_the_same_for_all(world, image, path):
    _, pairs = link_of(world, image[0])
    path = path.replace("{upper}", image[1][3:].upper())
    for query in (None, pairs, {"width": "320"}, {"sig": "x"}):
        refused(ask(world, path, query), (400, 403, 404) if "%00" in path or ".." in path else (403,))


@pytest.mark.parametrize("query", ["expires={e}&expires=9999999999&sig={s}", "expires={e}&sig={s}&sig=x", "expires={e}&sig=x&sig={s}", "expires={e}&sig={s}&scope=version&scope=image",
                                   "Expires={e}&sig={s}", "expires={e}&Sig={s}", "expires={e}&sig={s}%00", "expires={e}&sig={s}%20", "expires={e}&sig={s}%0a", "expires={e}&sig={s}=",
                                   "expires={e};sig={s}", "X-Amz-Expires={e}&X-Amz-Signature={s}", "expires={e}&signature={s}", "expires={e}&width=320&sig={s}&w=640"])
def test_parameters_that_two_readers_could_understand_in_two_ways(world, image, query):
    path, pairs = link_of(world, image[0], scope="image")
    status, headers, body = world.gateway.request("GET", f"{path}?{query.format(e=pairs['expires'], s=pairs['sig'])}")
    assert status in (400, 403), (status, body)
    assert body["code"] in ("signature_invalid", "invalid_query", "bad_target"), body


@pytest.mark.parametrize("name", ["app", "profile", "metadata", "expires", "more"])
def test_cookie_with_other_claims(world, image, name):
    status, _, cookie = world.request("POST", "/v1/cookies", {"profile": "galleries", "metadata": {"gallery": "jones"}})
    assert status == 201
    claims, signature = cookie["value"].split(".")
    told = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    changed = {"app": {**told, "app": "other"}, "profile": {**told, "profile": "letters"}, "metadata": {**told, "metadata": {"gallery": "smith"}},
               "expires": {**told, "expires": 9_999_999_999}, "more": {key: value for key, value in told.items() if key != "metadata"}}[name]
    forged = base64.urlsafe_b64encode(json.dumps(changed, separators=(",", ":")).encode()).decode().rstrip("=")
    for value in (f"{forged}.{signature}", f"{forged}.", forged, f"{forged}.{claims}.{signature}", cookie["value"], f"{claims}.{signature}.{signature}", f"{claims}=.{signature}"):
        refused(ask(world, image[1], Cookie=f"{cookie['name']}={value}"))


def test_cookies_signature_is_no_links_and_the_other_way_round(world, image):
    cookie = world.request("POST", "/v1/cookies", {"profile": "galleries"})[2]
    path, pairs = link_of(world, image[0], scope="image")
    claims, signature = cookie["value"].split(".")
    refused(ask(world, path, {**pairs, "sig": signature}))
    refused(ask(world, path, Cookie=f"{cookie['name']}={claims}.{pairs['sig']}"))
    assert ask(world, path, Cookie=f"{cookie['name']}={cookie['value']}")[0] == 200


def test_flood_of_cookies_and_signatures_is_bounded(world, image):
    path, pairs = link_of(world, image[0])
    for _ in range(200):
        refused(ask(world, path, Cookie="; ".join(f"__Secure-photogate-{n}={'A' * 150}.{'A' * 48}" for n in range(64))))
    for number in range(500):
        refused(ask(world, NOBODYS, {**pairs, "expires": str(int(pairs["expires"]) + number)}))
    asked = world.gateway.request("GET", "/metrics", port=world.metrics_port)[2].decode()
    assert 'photogate_image_access_total{result="refused"}' in asked


@pytest.mark.parametrize("body", [{"scope": "version"}, {"width": 333, "scope": "version"}])
def test_client_token_can_not_have_any_size_made(world, body):
    token = world.request("POST", "/v1/tokens", {"profile": "galleries", "expires_in": 60})[2]["token"]
    mine = world.request("POST", "/v1/uploads", {"size": 10}, key=token)[2]
    status, _, problem = world.request("POST", f"/v1/uploads/{mine['id']}/url", body, key=token)
    assert (status, problem["code"]) == (403, "forbidden")


def test_key_of_another_app_signs_for_none_of_ones_images(world, image):
    status, _, problem = world.request("POST", f"/v1/uploads/{image[0]['id']}/url", {}, key=world.other.key)
    assert (status, problem["code"]) == (404, "upload_not_found")
    status, _, problem = world.request("POST", "/v1/cookies", {"profile": "galleries"}, key=world.other.key)
    assert (status, problem["code"]) == (422, "unknown_profile")
