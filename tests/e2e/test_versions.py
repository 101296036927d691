"""Versions of published images by URL: made once, stored, served; what is asked for and what comes."""
import concurrent.futures
import subprocess
import threading

import conftest
import pytest
from test_alerts import figure
from test_images import path_of, s3

from tests.rig import pictures
from tests.rig import stack as parts

world = conftest.on_every_store()
BROWSERS = {"avif": "image/avif,image/webp,image/*,*/*;q=0.8", "webp": "image/webp,*/*", "jpeg": "*/*"}


def facts(data, tmp_path):
    """(format, width, height) as libvips sees them."""
    file = tmp_path / "version"
    file.write_bytes(data)
    told = {name: subprocess.run(["vipsheader", "-f", name, file], capture_output=True, check=True, text=True).stdout.strip()
            for name in ("vips-loader", "width", "height")}
    kind = {"jpegload": "jpeg", "webpload": "webp", "pngload": "png", "heifload": "avif"}[told["vips-loader"]]
    return kind, int(told["width"]), int(told["height"])


def rows(world, upload):
    return int(world.sql(f"select count(*) from images where upload_id = '{upload['id']}' and role = 'version'"))


def get(world, path, query="", **headers):
    status, got, body = world.gateway.request("GET", path + query, headers=headers)
    assert status == 200, (query, body)
    return got, body


@pytest.fixture
def upload(world):
    return world.publish(pictures.photo(1600, 1200, seed=120))


def test_sizes_of_one_step_are_one_version_and_none_is_enlarged(world, upload, tmp_path):
    path = path_of(upload)
    original, _ = get(world, path)
    first, data = get(world, path, "?width=400")
    assert facts(data, tmp_path) == ("jpeg", 480, 360)
    for query in ("?width=401", "?w=402", "?width=240&dpr=2", "/w400.jpg"):
        headers, again = get(world, path, query)
        assert (headers["etag"], again) == (first["etag"], data), query
    assert rows(world, upload) == 1
    assert facts(get(world, path, "?height=360")[1], tmp_path) == ("jpeg", 640, 480)
    assert first["cache-control"] == "public, max-age=31536000, immutable" and "vary" not in first
    assert first["etag"] != original["etag"] and first["content-type"] == "image/jpeg"
    for query in ("?width=1600", "?width=60000&dpr=4", "?format=jpeg", "?width=1600&height=9000&fit=inside"):
        assert get(world, path, query)[0]["etag"] == original["etag"], query
    assert facts(get(world, path, "?width=9000&format=webp")[1], tmp_path) == ("webp", 1600, 1200)
    assert rows(world, upload) == 3


def test_shapes_and_gravities(world, upload, tmp_path):
    path = path_of(upload)
    for query, size in (("?width=480&height=480&fit=cover", (480, 480)), ("?width=480&height=270&resize=cover&gravity=north", (480, 270)),
                        ("?width=320&height=320&fit=fill", (320, 320)), ("?w=320&h=320&rt=fill&g=sm", (320, 320)),
                        ("?width=320&height=320&fit=cover&gravity=entropy", (320, 320)), ("/w320h320@1.5x.webp", (480, 360))):
        assert facts(get(world, path, query)[1], tmp_path)[1:] == size, query


def test_the_format_follows_accept_in_three_classes(world, upload, tmp_path):
    path, etags = path_of(upload), {}
    for kind, accept in BROWSERS.items():
        headers, data = get(world, path, "?width=320&format=auto", Accept=accept)
        assert headers["vary"] == "Accept"
        assert (facts(data, tmp_path)[0], headers["content-type"]) == (kind, f"image/{kind}")
        etags[kind] = headers["etag"]
    assert len(set(etags.values())) == rows(world, upload) == 3
    assert get(world, path, "?width=320&format=webp")[0]["etag"] == etags["webp"]
    status, headers, _ = world.gateway.request("GET", path + "?width=320&format=auto",
                                               headers={"Accept": BROWSERS["avif"], "If-None-Match": etags["avif"]})
    assert (status, headers["vary"]) == (304, "Accept")


def test_conditions_and_ranges_hold_of_versions(world, upload):
    path = path_of(upload) + "?width=640"
    headers, data = get(world, path)
    assert world.gateway.request("GET", path, headers={"If-None-Match": headers["etag"]})[0] == 304
    assert world.gateway.request("GET", path, headers={"If-Match": '"other"'})[0] == 412
    status, part, some = world.gateway.request("GET", path, headers={"Range": "bytes=10-99"})
    assert (status, some, part["content-range"]) == (206, data[10:100], f"bytes 10-99/{len(data)}")


def test_head_makes_nothing(world, upload):
    path = path_of(upload) + "?width=640&format=webp"
    status, headers, body = world.gateway.request("HEAD", path)
    assert (status, headers["content-type"], headers["cache-control"], body) == (200, "image/webp", "no-store", b"")
    assert "content-length" not in headers and "etag" not in headers
    assert rows(world, upload) == 0
    made, data = get(world, path)
    status, headers, _ = world.gateway.request("HEAD", path)
    assert (status, headers["etag"], int(headers["content-length"])) == (200, made["etag"], len(data))


def test_what_is_wrong_is_refused_by_name(world, upload):
    path = path_of(upload)
    for query in ("?width=0", "?width=-1", "?width=1e3", "?width=1000000000", "?width=NaN", "?width=4&w=4", "?dpr=9", "?quality=101", "?fit=pad",
                  "?gravity=face", "?format=heic", "?format=gif", "/w0.webp", "/w800.webp?width=800"):
        status, _, problem = world.gateway.request("GET", path + query)
        assert (status, problem["code"]) == (400, "invalid_query"), query
    assert get(world, path, "?utm_source=x&response-content-type=text/html")[0]["content-type"] == "image/jpeg"
    assert get(world, path, "/w800-beach.jpg")[0]["content-type"] == "image/jpeg"
    assert rows(world, upload) == 0
    assert world.gateway.request("GET", "/i/0000000000000000000000000z?width=400")[0] == 404


def test_many_who_ask_on_two_gateways_have_one_version_made(minio_world):
    world = minio_world
    upload = world.publish(pictures.photo(2000, 1500, seed=121))
    second = world.another()
    with second, concurrent.futures.ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda n: (world.gateway, second)[n % 2].request("GET", path_of(upload) + "?width=1000&format=webp"), range(24)))
        assert {status for status, _, _ in answers} == {200}
        assert len({headers["etag"] for _, headers, _ in answers}) == 1
        lines = [line for gateway in (world.gateway, second) for line in gateway.log.read_text(errors="replace").splitlines()]
        made = sum("version.made" in line and upload["id"] in line for line in lines)
    assert (made, rows(world, upload)) == (1, 1)
    assert int(world.sql(f"select count(*) from version_claims where upload_id = '{upload['id']}'")) == 0


def test_while_a_version_is_made_the_nearest_that_is_ready_is_shown_where_the_profile_says_so(own_world, tmp_path):
    world = own_world(profiles={"photos": {"version_while_making": '"nearest"'}, "waiting": {}})
    upload = world.publish(pictures.photo(1600, 1200, seed=128))
    path = path_of(upload)
    original, _ = get(world, path)
    first, body = get(world, path, "?width=640")
    assert first["cache-control"] == "no-store" and facts(body, tmp_path) == ("jpeg", 1600, 1200) and first["etag"] == original["etag"]

    def ready(query, shape):
        headers, data = get(world, path, query)
        return headers["cache-control"] == "public, max-age=31536000, immutable" and facts(data, tmp_path) == shape

    parts.wait_until(lambda: ready("?width=640", ("jpeg", 640, 480)), 30, "the version itself")
    headers, body = get(world, path, "?width=480")
    assert headers["cache-control"] == "no-store" and facts(body, tmp_path) == ("jpeg", 640, 480)
    parts.wait_until(lambda: ready("?width=480", ("jpeg", 480, 360)), 30, "the smaller version itself")
    # Another shape has no stand-in.
    assert ready("?width=320&height=320&fit=cover", ("jpeg", 320, 320))
    assert get(world, path, "?width=160&height=160&fit=cover")[0]["cache-control"] == "no-store"
    assert world.gateway.request("HEAD", path + "?width=960")[1]["cache-control"] == "no-store"
    assert figure(world, "photogate_nearest_versions_total") >= 3
    # Many at once: one is made.
    other = path_of(world.publish(pictures.photo(1600, 1200, seed=129)))
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = [each.result() for each in [pool.submit(get, world, other, "?width=800&format=avif") for _ in range(32)]]
    assert all(body for _, body in answers)
    parts.wait_until(lambda: get(world, other, "?width=800&format=avif")[0]["content-type"] == "image/avif", 30, "the version")
    assert int(world.sql("select count(*) from images where role = 'version' and format = 'avif'")) == 1
    waiting = path_of(world.publish(pictures.photo(1600, 1200, seed=127), {"profile": "waiting"}))
    assert get(world, waiting, "?width=640")[0]["cache-control"] == "public, max-age=31536000, immutable"


def test_what_is_deleted_on_one_gateway_is_gone_on_all_once_that_is_answered(minio_world):
    world = minio_world
    upload = world.publish(pictures.photo(1600, 1200, seed=123))
    asked = [path_of(upload), path_of(upload) + "?width=320", path_of(upload) + "?width=320&format=webp"]
    second = world.another()
    with second, concurrent.futures.ThreadPoolExecutor(8) as pool:
        over = threading.Event()

        def read(gateway):
            """Keeps every answer in both gateways' caches until the deletion is answered."""
            seen = set()
            while not over.is_set():
                seen |= {gateway.request("GET", path)[0] for path in asked}
            return seen
        for gateway in (world.gateway, second):
            assert {gateway.request("GET", path)[0] for path in asked} == {200}
        readers = [pool.submit(read, gateway) for gateway in (world.gateway, second) * 2]
        status, _, _ = world.request("DELETE", "/v1/uploads/" + upload["id"])
        after = {gateway.request(method, path)[0] for gateway in (world.gateway, second) for path in asked for method in ("GET", "HEAD")}
        over.set()
        assert (status, after) == (200, {410})
        for reader in readers:
            assert reader.result() <= {200, 410}


def test_an_image_that_is_asked_for_again_comes_from_memory(world):
    upload = world.publish(pictures.photo(1600, 1200, seed=124))
    path = path_of(upload) + "?width=320"

    def hits(cache):
        return figure(world, f'photogate_image_cache_requests_total{{cache="{cache}",result="hit"}}')
    first, data = get(world, path)
    before = hits("memory")
    for _ in range(3):
        headers, again = get(world, path)
        assert (headers["etag"], again) == (first["etag"], data)
    assert hits("memory") == before + 3
    status, part, some = world.gateway.request("GET", path, headers={"Range": "bytes=10-99"})
    assert (status, some, part["content-range"]) == (206, data[10:100], f"bytes 10-99/{len(data)}")


def test_a_deletion_removes_the_versions_too(minio_world):
    world = minio_world
    upload = world.publish(pictures.photo(1600, 1200, seed=122))
    path = path_of(upload)
    get(world, path, "?width=320")
    get(world, path, "?width=640")
    prefix = "v/" + path.rsplit("/", 1)[1] + "/"

    def stored():
        return s3(world).list_objects_v2(Bucket=world.stack.minio.public, Prefix=prefix).get("KeyCount")
    assert stored() == 2
    status, _, _ = world.request("DELETE", "/v1/uploads/" + upload["id"])
    assert status in (200, 202)
    parts.wait_until(lambda: stored() == 0, 30, "the versions to be removed")
    assert world.gateway.request("GET", path + "?width=320")[0] == 410
    assert world.gateway.request("GET", path + "?width=960")[0] == 410
    parts.wait_until(lambda: rows(world, upload) == 0, 30, "their rows to be removed")
