"""The URLs of published images: what a stranger who knows one may ask for, and how often."""
import random
import socket

import pytest

from tests.attacks.test_floods import flood
from tests.rig import pictures
from tests.rig import stack as parts


@pytest.fixture(scope="module")
def shown(minio_world):
    """A published image, and the path of its URL."""
    return minio_world.publish(pictures.photo(640, 480, seed=940))


def path_of(upload):
    return "/i/" + upload["links"]["image"].rsplit("/", 1)[1]


def get(world, path, **headers):
    return world.gateway.request("GET", path, headers=headers)


def versions(world, upload):
    return int(world.sql(f"select count(*) from images where upload_id = '{upload['id']}' and role = 'version'"))


def metric(world, name):
    text = world.gateway.request("GET", "/metrics", port=world.metrics_port)[2].decode()
    return next(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name + " "))


def test_distinct_sizes_are_few_versions(world):
    upload = world.publish(pictures.photo(640, 480, seed=941))
    dice = random.Random(941)

    def ask(_):
        names = ("width", "w"), ("height", "h")
        size = f"{dice.choice(dice.choice(names))}={dice.randrange(1, 65_536)}&dpr={dice.choice((1, 1.5, 2.25, 3.999))}"
        return get(world, f"{path_of(upload)}?{size}&v={dice.getrandbits(32)}&{dice.getrandbits(32):x}=1")[0]

    statuses = flood(600, ask)
    assert set(statuses) <= {200, 429, 503}
    assert statuses.count(200) > 300
    assert versions(world, upload) <= 8, "the steps below 640 pixels, of width and of height"


def test_distinct_proportions_are_bounded_and_the_profiles_sizes_are_made_nevertheless(world):
    upload = world.publish(pictures.photo(320, 240, seed=942))
    dice = random.Random(942)

    def ask(_):
        return get(world, f"{path_of(upload)}?width={dice.randrange(1, 400)}&height={dice.randrange(1, 400)}&fit=cover&gravity={dice.choice(('north', 'ce', 'ea'))}"
                          f"&quality={dice.randrange(1, 101)}&format={dice.choice(('jpeg', 'webp', 'png'))}")[0]

    statuses = flood(400, ask)
    assert set(statuses) <= {200, 429, 503}
    # The bound of these tests, and what was begun at the same time.
    assert 20 <= versions(world, upload) <= 20 + 32
    status, headers, problem = get(world, f"{path_of(upload)}?width=177&height=11&fit=fill")
    assert (status, problem["code"]) == (429, "rate_limited") and int(headers["retry-after"]) > 0
    assert get(world, f"{path_of(upload)}?width=160&format=webp")[0] == 200
    assert int(world.sql("select count(*) from version_claims where lease_until is not null")) == 0


@pytest.mark.parametrize("query", [
    "width=0", "width=-1", "width=+1", "width=1e3", "width=0x10", "width=1000000000", "width=65536", "width=99999999999999999999", "width=", "width=1%202",
    "width=NaN", "width=10&width=10", "width=10&w=20", "height=0", "dpr=0", "dpr=-1", "dpr=1e9", "dpr=inf", "quality=0", "quality=101", "fit=", "fit=cover,fill",
    "gravity=%F0%9F%92%A9", "format=svg", "format=html", "format=heic", "format=../../etc", "format=webp&f=avif"])
def test_wrong_parameters_are_refused_and_make_nothing(world, shown, query):
    before = versions(world, shown)
    status, _, problem = get(world, f"{path_of(shown)}?{query}")
    assert (status, problem["code"]) == (400, "invalid_query")
    assert versions(world, shown) == before


@pytest.mark.parametrize("query", [
    "response-content-type=text/html", "response-content-disposition=attachment;filename=a.html", "versionId=1", "partNumber=2", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0",
    "uploads", "acl", "torrent", "x-id=GetObject", "url=http://127.0.0.1:9000/", "width[]=5", "WIDTH=5"])
def test_parameters_of_others_reach_nobody(world, shown, query):
    plain = get(world, path_of(shown))
    status, headers, body = get(world, f"{path_of(shown)}?{query}")
    assert (status, body) == (200, plain[2])
    changing = {"date", "x-request-id"}
    assert {name: value for name, value in headers.items() if name not in changing} == {name: value for name, value in plain[1].items() if name not in changing}


@pytest.mark.parametrize("query", ["width=%00", "width=5%00", "%77idth%00=5", "width=%zz", "width=%"])
def test_targets_that_cannot_be_read_are_refused(world, shown, query):
    assert get(world, f"{path_of(shown)}?{query}")[0] == 400


@pytest.mark.parametrize("name", [
    "w800.html", "w800.webp.html", "%2e%2e%2f%2e%2e%2fv1%2fuploads", "..;/", "w99999999999.webp", "w0.jpg", "w-1.jpg", "w10h.jpg", "@2x.jpg", "w10@x.jpg", "w10@999x.jpg", "%00.jpg",
    "a" * 4000])
def test_names_are_names_or_are_refused(world, shown, name):
    status, headers, body = get(world, f"{path_of(shown)}/{name}")
    assert status in (200, 400, 404, 414)
    if status == 200:
        assert headers["content-type"] == "image/jpeg" and headers["x-content-type-options"] == "nosniff"
        assert body == get(world, path_of(shown))[2]


@pytest.mark.parametrize("value,status", [
    ("bytes=0-0", 206), ("bytes=-1", 206), ("bytes=5-", 206), ("bytes=9-5", 200), ("bytes=0-1,3-4", 200), ("bytes=0-9,0-9,0-9", 200),
    ("bytes=" + ",".join(f"{n}-{n}" for n in range(900)), 200), ("bytes=99999999-", 416), ("bytes=99999999999999999999-", 416), ("bytes=-0", 416), ("bits=0-1", 200),
    ("bytes=a-b", 200), ("bytes", 200)])
def test_ranges_of_a_version_give_one_part_or_all(world, shown, value, status):
    whole = get(world, path_of(shown) + "?width=320")[2]
    answered, headers, body = get(world, path_of(shown) + "?width=320", Range=value)
    assert answered == status
    if status == 200:
        assert body == whole
    if status == 206:
        first, last = map(int, headers["content-range"].removeprefix("bytes ").split("/")[0].split("-"))
        assert body == whole[first:last + 1] and len(body) <= len(whole)


def test_long_weak_and_any_entity_tags(world, shown):
    path = path_of(shown) + "?width=320"
    etag = get(world, path)[1]["etag"]
    long = ", ".join(f'"{n:032x}"' for n in range(280))
    assert 9_000 < len(long) < 12_000
    for tags, status in ((f"{long}, {etag}", 304), (long, 200), (f"W/{etag}", 304), ("*", 304), (etag.strip('"'), 200), ('"', 200), (f'"{etag}', 200)):
        assert get(world, path, **{"If-None-Match": tags})[0] == status, tags[:60]
    assert get(world, path, **{"If-None-Match": ", ".join(f'"{n:032x}"' for n in range(2_000))})[0] == 431


def test_what_is_not_published_has_no_versions(world):
    waiting = world.create({"size": 10})
    junk = b"no picture at all " * 20
    rejected = world.upload(junk)
    assert world.gateway.wait_for(rejected)["state"] == "rejected"
    deleted = world.publish(pictures.photo(320, 240, seed=943))
    assert get(world, path_of(deleted) + "?width=160")[0] == 200
    assert world.request("DELETE", f"/v1/uploads/{deleted['id']}")[0] in (200, 202)
    for upload, status in ((waiting, 404), (rejected, 404), (deleted, 410)):
        for asked in ("?width=160", "?width=240&height=100&fit=cover", "/w160.webp", "?width=160&format=avif"):
            assert get(world, path_of(upload) + asked)[0] == status, (upload["id"], asked)
        assert versions(world, upload) == 0 or upload is deleted
    assert get(world, "/i/" + "z" * 26 + "?width=160")[0] == 404


def test_clients_that_ask_and_go_take_no_place(world):
    upload = world.publish(pictures.photo(640, 480, seed=944))
    for number in range(200):
        client = socket.create_connection(("127.0.0.1", world.port))
        client.sendall(f"GET {path_of(upload)}?width={300 + number}&height=200&fit=cover&format=avif HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        client.close()
    parts.wait_until(lambda: metric(world, "photogate_version_requests") == 0, 60, "that no place is taken")
    parts.wait_until(lambda: metric(world, "photogate_versions_making") == 0, 60, "that nothing is under way")
    assert versions(world, upload) <= 20 + 32
    assert get(world, path_of(upload) + "?width=320")[0] == 200
