"""Behind a cache as etc/nginx and etc/varnish configure it: what it keeps, under which key, and that it lets go of what was deleted."""
import http.client
import json

import conftest
import pytest
from test_images import path_of
from test_versions import BROWSERS

from scripts import nginx, varnish
from tests.rig import pictures
from tests.rig import stack as parts

assert conftest
SECONDS = 2  # how long an image is served without a question


@pytest.fixture(params=["nginx", "varnish"])
def front(request, minio_world, tmp_path):
    gateway = minio_world.gateway.port
    made = nginx.caching(tmp_path, f"127.0.0.1:{gateway}", SECONDS) if request.param == "nginx" else varnish.Varnish(tmp_path, gateway, SECONDS)
    with made:
        yield made


@pytest.fixture
def upload(minio_world):
    return minio_world.publish(pictures.photo(1600, 1200, seed=130))


@pytest.fixture
def path(upload):
    return path_of(upload)


def ask(front, path, method="GET", **headers):
    """(status, headers, body)"""
    connection = http.client.HTTPConnection("127.0.0.1", front.port, timeout=60)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def kept(front, path, **headers):
    """Whether the second of two answers is from the cache; both have the same bytes."""
    first, second = ask(front, path, **headers), ask(front, path, **headers)
    assert (first[0], first[2]) == (second[0], second[2])
    return second[1]["x-cache"] == "HIT"


def test_one_version_is_kept_once_whatever_else_its_url_says(minio_world, front, path):
    status, headers, data = ask(front, path + "?width=320&format=webp")
    assert (status, headers["x-cache"], headers["content-type"]) == (200, "MISS", "image/webp")
    assert headers["cache-control"] == "public, max-age=31536000, immutable"
    for query in ("?width=320&format=webp", "?format=webp&width=320", "?utm_source=a&width=320&format=webp", "?width=320&fbclid=b&format=webp&x"):
        _, headers, again = ask(front, path + query)
        assert (headers["x-cache"], again) == ("HIT", data), query
    assert ask(front, path + "/w320.webp")[2] == data


def test_no_odd_spelling_puts_one_image_in_the_place_of_another(minio_world, front, path):
    right = {query: minio_world.gateway.request("GET", path + query)[2] for query in ("", "?width=320", "?width=640", "?format=webp")}
    assert len(set(right.values())) == 4
    for odd in ("?WIDTH=320", "?w%69dth=320", "?Width=640&x", "?width=320&width=640", "?width=640&w%69dth=320", "?format=%77ebp", "?width=320;width=640",
                "?&&width=640&", "?widthwidth=320", "?xwidth=320&f=webp", "?width=%33%32%30"):
        ask(front, path + odd)
    for query, data in right.items():
        for _ in range(2):
            assert ask(front, path + query)[2] == data, query


def test_accept_counts_in_three_classes(front, path):
    answers = {}
    for kind, accept in BROWSERS.items():
        status, headers, answers[kind] = ask(front, path + "?width=320&format=auto", Accept=accept)
        assert (status, headers["content-type"], headers["x-cache"], headers["vary"]) == (200, f"image/{kind}", "MISS", "Accept")
    for kind, accept in (("avif", "image/avif"), ("avif", "text/html, image/AVIF;q=0.9"), ("webp", "image/webp;q=0.5,image/avif;q=0"), ("jpeg", "image/*"), ("jpeg", "image/webp;q=0.0")):
        _, headers, data = ask(front, path + "?width=320&format=auto", Accept=accept)
        assert (headers["x-cache"], data) == ("HIT", answers[kind]), accept
    assert kept(front, path + "?width=320", Accept="image/avif") and kept(front, path + "?width=320", Accept="image/png")


def test_conditions_and_ranges_are_answered_from_what_is_kept(front, path):
    _, headers, data = ask(front, path)
    assert kept(front, path)
    assert ask(front, path, **{"If-None-Match": headers["etag"]})[0] == 304
    status, part, some = ask(front, path, Range="bytes=100-199")
    assert (status, some, part["content-range"]) == (206, data[100:200], f"bytes 100-199/{len(data)}")


def test_refusals_are_not_kept_and_cookies_of_others_do_not_matter(front, path):
    for target, expected in ((path + "?width=0", 400), ("/i/0000000000000000000000000z", 404)):
        answers = [ask(front, target) for _ in range(2)]
        assert [status for status, _, _ in answers] == [expected] * 2
        assert len({json.loads(body)["request_id"] for _, _, body in answers}) == 2, "photogate was asked each time"
    assert kept(front, path, Cookie="session=1") and ask(front, path, Cookie="session=2")[1]["x-cache"] == "HIT"


def test_what_is_deleted_is_let_go_of(minio_world, front, upload, path):
    versions = [path, path + "?width=320", path + "/w640.webp"]
    assert all(kept(front, each) for each in versions)
    assert minio_world.request("DELETE", "/v1/uploads/" + upload["id"])[0] in (200, 202)
    if isinstance(front, varnish.Varnish):
        assert ask(front, path, "PURGE")[0] == 200
        assert {ask(front, each)[0] for each in versions} == {410}
    parts.wait_until(lambda: {ask(front, each)[0] for each in versions} == {410}, 30, "the cache to ask again")
