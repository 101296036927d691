"""Packages: many pictures as one zip that is never stored: its length and ETag before the first byte, any part of it at any time, and
nothing of it when a picture of it has gone."""
import base64
import datetime
import hashlib
import http.client
import io
import json
import random
import re
import shutil
import socket
import subprocess
import threading
import time
import urllib.parse
import zipfile

import conftest
import pytest
from test_waits import metric

from tests.rig import fault_proxy as faults
from tests.rig import parts, pictures
from tests.rig import stack as stacks
from tests.rig.published import noise, publish, publish_rows, store_of

world = conftest.on_every_store()
KIB = 1024


def pack(world, body, status=202, key=None, headers=None):
    answer = world.request("POST", "/v1/packages", body, headers, key=key)
    assert answer[0] == status, answer
    return answer[2]


def path_of(package):
    url = urllib.parse.urlsplit(package["url"])
    return url.path + "?" + url.query


def download(world, package, **headers):
    return world.gateway.request("GET", path_of(package), headers=headers)


def code(answer):
    return answer[0], json.loads(answer[2])["code"] if isinstance(answer[2], bytes) else answer[2]["code"]


def photos(count, size=40 * KIB, seed=0):
    return [(f"IMG_{number:04d}.jpg", noise(size + number * 7, f"{seed}-{number}")) for number in range(count)]


@pytest.fixture(scope="module")
def bound():
    """Made once for each store."""
    return {}


@pytest.fixture
def album(world, bound):
    """Thirty published pictures and their package."""
    if world not in bound:
        made = publish(world, photos(30, seed=1), metadata={"album": "smith"})
        bound[world] = made, pack(world, {"name": "smith wedding.zip", "items": [{"upload": each.id} for each in made]})
    return bound[world]


def test_pictures_come_as_one_zip_at_once(world):
    uploads = [world.publish(pictures.photo(640, 480, seed=900 + n), {"filename": f"beach {n}.jpg"}) for n in range(3)]
    package = pack(world, {"name": "beach", "items": [{"upload": each["id"]} for each in uploads], "metadata": {"order": "77"}})
    assert package["state"] == "ready" and package["mode"] == "stream" and package["items"] == 3 and package["missing"] == 0
    assert package["name"] == "beach.zip" and package["metadata"] == {"order": "77"}
    status, headers, data = download(world, package)
    assert (status, len(data), int(headers["content-length"])) == (200, package["size"], package["size"])
    assert headers["etag"] == package["etag"] and headers["accept-ranges"] == "bytes"
    assert headers["content-type"] == "application/zip" and headers["content-disposition"] == 'attachment; filename="beach.zip"'
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert archive.namelist() == ["beach 0.jpg", "beach 1.jpg", "beach 2.jpg"] and archive.testzip() is None
    for upload, name in zip(uploads, archive.namelist(), strict=True):
        assert archive.read(name) == world.image(upload)[2]


def test_the_row_answers_what_it_can_without_the_store(world, album):
    _, package = album
    status, headers, data = world.gateway.request("HEAD", path_of(package))
    assert (status, data, int(headers["content-length"])) == (200, b"", package["size"])
    assert download(world, package, **{"If-None-Match": package["etag"]})[0] == 304
    assert download(world, package, **{"If-Match": '"other"'})[0] == 412
    status, headers, _ = download(world, package, Range=f"bytes={package['size']}-")
    assert status == 416 and headers["content-range"] == f"bytes */{package['size']}"


def test_every_range_is_a_part_of_the_whole(world, album):
    _, package = album
    whole, size = download(world, package)[2], package["size"]
    directory = whole.index(b"PK\x01\x02")
    chance = random.Random(7)
    ranges = [(0, 0), (size - 1, size - 1), (directory, size - 1), (directory + 50, size - 3), (directory - 1, directory), (size - 22, size - 1)]
    ranges += [tuple(sorted(chance.sample(range(size), 2))) for _ in range(40)]
    ranges += [(start, start + chance.randrange(1, 90)) for start in chance.sample(range(directory, size - 100), 10)]
    for first, last in ranges:
        status, headers, part = download(world, package, Range=f"bytes={first}-{last}")
        assert status == 206 and headers["content-range"] == f"bytes {first}-{last}/{size}", (first, last)
        assert part == whole[first:last + 1], (first, last)
    assert download(world, package, Range="bytes=-100")[2] == whole[-100:]
    assert download(world, package, Range="bytes=5-9", **{"If-Range": package["etag"]})[0] == 206
    assert download(world, package, Range="bytes=5-9", **{"If-Range": '"another"'})[0] == 200


def test_readers_of_zips_find_what_was_published(world, album, tmp_path):
    made, package = album
    whole = download(world, package)[2]
    (tmp_path / "whole.zip").write_bytes(whole)
    subprocess.run(["unzip", "-q", "-d", tmp_path / "unzip", tmp_path / "whole.zip"], check=True)
    readers = ["unzip"]
    if shutil.which("bsdtar"):
        (tmp_path / "bsdtar").mkdir()
        subprocess.run(["bsdtar", "-x", "-f", "-", "-C", tmp_path / "bsdtar"], input=whole, check=True)
        readers.append("bsdtar")
    if shutil.which("7z"):
        subprocess.run(["7z", "x", f"-o{tmp_path / '7z'}", tmp_path / "whole.zip"], check=True, stdout=subprocess.DEVNULL)
        readers.append("7z")
    for reader in readers:
        found = {path.name: path.read_bytes() for path in (tmp_path / reader).iterdir()}
        assert found == {each.name: each.data for each in made}, reader


def packed(world, made, mode):
    """Their package, that can be downloaded: put together while it is sent, or an object of the store."""
    package = pack(world, {"items": [each.id for each in made], "mode": mode})
    package = world.request("GET", f"/v1/packages/{package['id']}?wait=60")[2]
    assert (package["state"], package["mode"]) == ("ready", mode)
    return package


def curl(url, target, *options):
    """One that goes on where the file ends."""
    return subprocess.Popen(["curl", "-sS", "-C", "-", "-o", target, *options, url], stderr=subprocess.DEVNULL)


def length(path):
    return path.stat().st_size if path.exists() else 0


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["stream", "store"])
def test_a_download_that_is_interrupted_a_hundred_times_ends_identical(world, album, mode, tmp_path):
    package = packed(world, album[0], mode)
    whole = download(world, package)[2]
    target, chance, ends = tmp_path / "resumed.zip", random.Random(11), set()
    for interrupted in range(1, 101):
        enough = length(target) + chance.randrange(1, len(whole) // 60)
        program = curl(package["url"], target, "--limit-rate", str(len(whole) // 2))
        while program.poll() is None and length(target) < enough:
            time.sleep(0.001)
        program.kill()
        program.wait()
        # Not to its end before it was interrupted often enough.
        if length(target) > len(whole) * interrupted // 101:
            with open(target, "ab") as file:
                file.truncate(len(whole) * interrupted // 101 - chance.randrange(4000))
        ends.add(length(target))
    assert len(ends) > 90, "it went on from many places"
    assert curl(package["url"], target).wait() == 0
    assert hashlib.sha256(target.read_bytes()).digest() == hashlib.sha256(whole).digest()


@pytest.mark.parametrize("mode", ["stream", "store"])
def test_another_gateway_goes_on_where_one_was_killed(world, mode, tmp_path):
    if isinstance(world.stack.minio, stacks.Builtin):
        pytest.skip("the built-in store has one gateway")
    # More than what the buffers of a connection hold.
    package = packed(world, publish(world, photos(10, 4096 * KIB, seed=f"killed-{mode}")), mode)
    whole, target = download(world, package)[2], tmp_path / "resumed.zip"
    other = world.another("serve")
    with other.start():
        program = curl(f"http://127.0.0.1:{other.port}{path_of(package)}", target, "--limit-rate", "4M")
        stacks.wait_until(lambda: length(target) > 256 * KIB, 30, "the first bytes")
        other.process.kill()
        other.process.wait()
        assert program.wait() != 0, "the reader knows that it is not all"
    assert 0 < length(target) < len(whole) and whole.startswith(target.read_bytes())
    assert curl(package["url"], target).wait() == 0
    assert target.read_bytes() == whole


def test_names_are_made_safe_and_unique(world):
    made = publish(world, [("../x.jpg", b"a"), ("Photo.JPG", b"b"), ("photo.jpg", b"c"), ("CON.jpg", b"d"), ("ünï😀.jpg", b"e"), (None, b"f"), ("a\\b.HEIC", b"g")])
    package = pack(world, {"name": 'ü"x".zip', "items": [each.id for each in made[:-1]] + [{"upload": made[-1].id, "name": "/abs/../up.jpg"}]})
    status, headers, data = download(world, package)
    names = zipfile.ZipFile(io.BytesIO(data)).namelist()
    assert len({name.casefold() for name in names}) == len(names) == 7
    for name in names:
        assert not name.startswith("/") and ".." not in name.split("/") and "\\" not in name, names
    assert names[4] == "ünï😀.jpg" and names[5] == made[5].id + ".jpg"
    assert re.search(r"filename\*=UTF-8''%C3%BC", headers["content-disposition"])
    assert [zipfile.ZipFile(io.BytesIO(data)).read(name) for name in names] == [each.data for each in made]


def test_folders_follow_a_template(world):
    made = publish(world, [("one.jpg", b"1")], metadata={"album": "Smith/Jones"}, exif={"make": "A", "taken_at": "2024-03-10T12:34:56+02:00"})
    made += publish(world, [("two.jpg", b"2")], metadata={"album": "Smith/Jones"}, since=1)
    package = pack(world, {"items": [each.id for each in made], "path": "{album}/{taken_at:%Y-%m-%d}/{filename}"})
    archive = zipfile.ZipFile(io.BytesIO(download(world, package)[2]))
    assert len(archive.namelist()) == 2 and archive.namelist()[0].endswith("/2024-03-10/one.jpg") and archive.namelist()[1].count("/") == 1
    assert archive.infolist()[0].date_time == (2024, 3, 10, 12, 34, 56)
    assert code(world.request("POST", "/v1/packages", {"items": [], "path": "{nonsense}"})) == (422, "invalid_field")


@pytest.mark.parametrize("world", conftest.MINIO_FIRST, indirect=True)
def test_a_manifest_lists_what_is_there_and_what_is_not(world):
    made = publish(world, [("../=1+1.jpg", b"one"), ("ü" * 100 + ".jpg", b"two")])
    body = {"items": [made[0].id, "upl_" + "0" * 25 + "1", {"upload": made[1].id, "name": "b/c.jpg"}], "on_missing": "list"}
    package = pack(world, {**body, "manifest": "json"})
    whole = download(world, package)[2]
    archive = zipfile.ZipFile(io.BytesIO(whole))
    assert archive.testzip() is None and archive.namelist()[-1] == "manifest.json" and package["items"] == 3
    rows = json.loads(archive.read("manifest.json"))["items"]
    assert [(each["number"], each["state"], each["upload"]) for each in rows] == [
        (1, "included", made[0].id), (2, "missing", None), (3, "included", made[1].id)]
    assert rows[0]["original_name"] == "../=1+1.jpg" and rows[2]["name"] == "b/c.jpg" and rows[1]["detail"] == "upload_not_found"
    first = whole.index(b'{"items"') + 11
    assert download(world, package, Range=f"bytes={first}-{first + 20}")[2] == whole[first:first + 21]
    many = publish(world, [(f"{'é' * 80}{number}.jpg", b"x") for number in range(800)], since=10)
    package = pack(world, {"items": [each.id for each in many], "manifest": "csv"})
    archive = zipfile.ZipFile(io.BytesIO(download(world, package)[2]))
    assert archive.testzip() is None and len(archive.read("manifest.csv").splitlines()) == 801
    assert world.request("DELETE", f"/v1/uploads/{many[3].id}")[0] in (200, 202)
    assert world.sql(f"select count(*) from package_texts where package_id = '{package['id']}'").strip() == "0"


def test_variants_are_packed_where_they_are_made(world):
    made = publish(world, [("a.jpg", b"image")])
    answer = world.request("POST", "/v1/packages", {"items": [made[0].id], "variant": "none"})
    assert code(answer) == (404, "variant_not_found")
    assert code(world.request("POST", "/v1/packages", {"items": [made[0].id], "content": "original"})) == (409, "object_not_found")


def test_a_selection_is_frozen(world):
    album = f"frozen-{random.random()}"
    made = publish(world, photos(5, 100, seed=5), metadata={"album": album})
    package = pack(world, {"select": {"profile": "photos", "metadata": {"album": album}}})
    publish(world, photos(2, 100, seed=6), metadata={"album": album}, since=5)
    assert package["items"] == 5
    archive = zipfile.ZipFile(io.BytesIO(download(world, package)[2]))
    assert sorted(archive.read(name) for name in archive.namelist()) == sorted(each.data for each in made)
    later = pack(world, {"select": {"metadata": {"album": album}}})
    assert later["items"] == 7
    none = pack(world, {"select": {"metadata": {"album": album}, "created_before": "2020-01-01T00:00:00Z"}})
    assert none["items"] == 0 and none["size"] == 22
    assert zipfile.ZipFile(io.BytesIO(download(world, none)[2])).namelist() == []


def test_an_empty_file_and_an_empty_package(world):
    made = publish(world, [("empty.jpg", b""), ("full.jpg", b"x")])
    package = pack(world, {"items": [each.id for each in made]})
    archive = zipfile.ZipFile(io.BytesIO(download(world, package)[2]))
    assert [archive.read(name) for name in archive.namelist()] == [b"", b"x"]
    assert pack(world, {"items": []})["size"] == 22


def test_an_upload_that_is_not_there_is_named(world, album):
    made, _ = album
    foreign = publish(world, [("theirs.jpg", b"x")], app="other")
    unpublished = world.create({"size": 10})
    unknown = "upl_" + "0" * 25 + "1"
    asked = [made[0].id, foreign[0].id, unpublished["id"], unknown, "nonsense"]
    status, _, answer = world.request("POST", "/v1/packages", {"items": asked})
    assert (status, answer["code"]) == (422, "invalid_fields")
    assert [(each["pointer"], each["code"]) for each in answer["errors"]] == [
        ("/items/1/upload", "upload_not_found"), ("/items/2/upload", "not_published"), ("/items/3/upload", "upload_not_found"),
        ("/items/4/upload", "upload_not_found")]
    # Another app's and one that nobody has are the same.
    alone = [world.request("POST", "/v1/packages", {"items": [each]}) for each in (foreign[0].id, unknown)]
    assert [(each[0], each[2]["code"], each[2]["detail"]) for each in alone] == [(404, "upload_not_found", alone[0][2]["detail"])] * 2
    skipped = pack(world, {"items": asked, "on_missing": "skip"})
    assert (skipped["items"], skipped["missing"], skipped["missing_items"]) == (1, 4, [])
    listed = pack(world, {"items": asked, "on_missing": "list"})
    assert [(each["item"], each["upload"], each["code"]) for each in listed["missing_items"]] == [
        (1, None, "upload_not_found"), (2, unpublished["id"], "not_published"), (3, None, "upload_not_found"), (4, None, "upload_not_found")]
    assert zipfile.ZipFile(io.BytesIO(download(world, listed)[2])).namelist() == [made[0].name]


def test_packages_belong_to_their_app(world, album):
    _, package = album
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/url")):
        answer = world.request(method, f"/v1/packages/{package['id']}{path}", key=world.other.key)
        assert code(answer) == (404, "package_not_found"), (method, path)
    assert code(world.request("GET", "/v1/packages/pkg_nonsense")) == (404, "package_not_found")
    status, _, shown = world.request("GET", f"/v1/packages/{package['id']}", key=world.operator.key)
    assert status == 200 and shown["app"] == "shop" and shown["url"] is None
    assert code(world.request("POST", "/v1/packages", {"items": []}, key=world.operator.key))[0] == 403
    mine = world.request("GET", "/v1/packages?limit=200")[2]["data"]
    assert package["id"] in [each["id"] for each in mine] and all("app" not in each for each in mine)
    assert world.request("GET", "/v1/packages", key=world.other.key)[2]["data"] == []


def test_a_list_goes_on_page_by_page(world):
    # Ids of one millisecond are in no order of making; a list is in the order of ids.
    made = sorted(pack(world, {"items": [], "metadata": {"n": str(n)}})["id"] for n in range(5))
    status, _, page = world.request("GET", "/v1/packages?limit=3")
    assert status == 200 and [each["id"] for each in page["data"]] == made[:1:-1]
    following = world.request("GET", f"/v1/packages?limit=2&cursor={page['next']}")[2]
    assert [each["id"] for each in following["data"]] == made[1::-1]


def test_a_link_is_for_one_package_and_ends(world, album):
    made, package = album
    other = pack(world, {"items": [made[0].id]})
    path = path_of(package)
    assert code(world.gateway.request("GET", path.split("?")[0])) == (403, "signature_invalid")
    assert code(world.gateway.request("GET", path_of(other).split("?")[0] + "?" + path.split("?")[1])) == (403, "signature_invalid")
    assert code(world.gateway.request("GET", path.replace("expires=", "expires=1"))) == (403, "signature_invalid")
    assert code(world.gateway.request("GET", "/p/pkg_x/a.zip?" + path.split("?")[1])) == (403, "signature_invalid")
    brief = pack(world, {"items": [made[0].id], "expires_in": 8})
    status, _, short = world.request("POST", f"/v1/packages/{package['id']}/url", {"expires_in": 8})
    assert status == 200 and download(world, short)[0] == 200
    stacks.wait_until(lambda: download(world, brief)[0] == download(world, short)[0] == 403, 30, "both links to end")
    assert code(download(world, brief)) == code(download(world, short)) == (403, "link_expired")
    assert world.request("GET", f"/v1/packages/{brief['id']}")[2]["state"] == "expired"
    assert code(world.request("POST", f"/v1/packages/{brief['id']}/url")) == (410, "gone")
    assert code(world.request("POST", "/v1/packages", {"items": [], "expires_in": 10**9})) == (422, "invalid_expiry")


def test_a_deleted_package_can_not_be_downloaded(world, album):
    made, _ = album
    package = pack(world, {"items": [each.id for each in made[:2]]})
    assert download(world, package)[0] == 200
    for _ in range(2):
        status, _, answer = world.request("DELETE", f"/v1/packages/{package['id']}")
        assert (status, answer["state"], answer["url"]) == (200, "deleted", None)
    assert code(download(world, package)) == (410, "gone")
    assert code(world.request("POST", f"/v1/packages/{package['id']}/url")) == (410, "gone")


def test_a_deleted_picture_ends_its_packages(world):
    made = publish(world, photos(4, 1000, seed=8))
    package = pack(world, {"items": [each.id for each in made]})
    apart = pack(world, {"items": [made[0].id]})
    assert download(world, package)[0] == 200
    assert world.request("DELETE", f"/v1/uploads/{made[2].id}")[0] in (200, 202)
    assert code(download(world, package)) == (410, "gone")
    shown = world.request("GET", f"/v1/packages/{package['id']}")[2]
    assert (shown["state"], shown["failure"], shown["url"]) == ("failed", "gone", None)
    assert world.sql(f"select count(*) from package_items where upload_id = '{made[2].id}' and name <> ''").strip() == "0"
    assert download(world, apart)[0] == 200


def slow_download(world, package, meanwhile, first=64 * KIB):
    """What a reader gets that pauses after the first bytes, and whether it was told that this is all."""
    connection = http.client.HTTPConnection("127.0.0.1", world.gateway.port, timeout=30)
    connection.connect()
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * KIB)
    connection.request("GET", path_of(package))
    answer = connection.getresponse()
    got = answer.read(first)
    meanwhile()
    whole = True
    try:
        got += answer.read()
    except (http.client.IncompleteRead, ConnectionError) as broken:
        got += getattr(broken, "partial", b"")
        whole = False
    connection.close()
    return got, whole


@pytest.mark.parametrize("what", ["deleted", "vanished", "changed"])
def test_a_picture_that_goes_while_it_is_streamed_breaks_the_archive_visibly(world, what):
    made = publish(world, photos(8, 2048 * KIB, seed=what))
    package = pack(world, {"items": [each.id for each in made]})
    store, bucket = store_of(world), world.stack.minio.public

    def go():
        if what == "deleted":
            assert world.request("DELETE", f"/v1/uploads/{made[7].id}")[0] in (200, 202)
        elif what == "vanished":
            store.delete_object(Bucket=bucket, Key=made[7].key)
        else:
            store.put_object(Bucket=bucket, Key=made[7].key, Body=noise(len(made[7].data), "other"))

    got, whole = slow_download(world, package, go)
    assert not whole and b"PK\x05\x06" not in got and len(got) < package["size"]
    assert made[7].data[:4096] not in got and noise(4096, "other") not in got


def test_bytes_that_are_not_those_whose_sum_is_known_are_not_given_out(world):
    made = publish(world, photos(3, 300 * KIB, seed=9))
    world.sql(f"update images set crc32 = crc32 # 1 where upload_id = '{made[1].id}'")
    package = pack(world, {"items": [each.id for each in made]})
    got, whole = slow_download(world, package, lambda: None)
    assert not whole and b"PK\x05\x06" not in got
    assert metric(world.gateway, "photogate_package_downloads_broken_total") >= 1


def test_an_image_whose_sum_is_not_known_is_missing(world):
    made = publish(world, [("old.jpg", b"x")], crc=False)
    assert code(world.request("POST", "/v1/packages", {"items": [made[0].id]})) == (409, "state_conflict")


def test_the_same_key_makes_one_package(world, album):
    made, _ = album
    key = {"Idempotency-Key": f"order-{random.random()}"}
    first = pack(world, {"items": [made[0].id]}, headers=key)
    again = world.request("POST", "/v1/packages", {"items": [made[0].id]}, key)
    assert again[0] == 202 and again[1]["idempotency-replayed"] == "true" and again[2] == first
    assert code(world.request("POST", "/v1/packages", {"items": [made[1].id]}, key)) == (422, "idempotency_key_reused")
    answers = []
    both = {"Idempotency-Key": f"both-{random.random()}"}
    threads = [threading.Thread(target=lambda: answers.append(pack(world, {"items": [each.id for each in made]}, headers=both))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({each["id"] for each in answers}) == 1


@pytest.mark.parametrize("body, expected", [
    ({}, "missing_field"), ({"items": [], "select": {}}, "invalid_field"), ({"items": "x"}, "invalid_field"), ({"items": [7]}, "invalid_field"),
    ({"items": [{}]}, "missing_field"), ({"items": [{"upload": "u", "x": 1}]}, "unknown_member"), ({"items": [], "mode": "fax"}, "invalid_field"),
    ({"items": [], "on_missing": "cry"}, "invalid_field"), ({"items": [], "metadata": {"": "x"}}, "invalid_metadata"),
    ({"select": {"created_after": "yesterday"}}, "invalid_field"), ({"select": {"profile": "nothing"}}, "unknown_profile"), ({"items": [], "name": ""}, "invalid_field")])
def test_a_request_that_is_wrong_says_what_is(world, body, expected):
    status, _, answer = world.request("POST", "/v1/packages", body)
    assert status in (400, 422) and answer["code"] == expected, answer


@pytest.mark.large
def test_what_is_over_goes_from_the_database(own_world, build_dir):
    world = own_world(extra="[worker]\nreconcile_interval = 1\nreap_interval = 1\n")
    made = publish(world, photos(3, 100, seed=12))
    package = pack(world, {"items": [each.id for each in made]})
    world.sql(f"update packages set expires_at = now() - interval '1 hour' where id = '{package['id']}'")
    assert code(download(world, package)) == (410, "gone")
    deadline = time.monotonic() + 90
    while world.sql("select count(*) from package_items").strip() != "0":
        assert time.monotonic() < deadline
        time.sleep(0.5)


def test_a_package_beyond_its_bounds_is_refused(own_world):
    world = own_world(extra="[packages]\nmax_items = 3\nmax_size = \"1MiB\"\nmax_downloads_per_package = 1\n")
    made = publish(world, photos(4, 200 * KIB, seed=13))
    ids = [each.id for each in made]
    assert code(world.request("POST", "/v1/packages", {"items": ids})) == (422, "package_too_large")
    assert code(world.request("POST", "/v1/packages", {"select": {"profile": "photos"}})) == (422, "package_too_large")
    heavy = publish(world, photos(3, 500 * KIB, seed=14), since=4)
    assert code(world.request("POST", "/v1/packages", {"items": [each.id for each in heavy]})) == (422, "package_too_large")


def test_a_package_lives_as_long_as_is_configured_where_nobody_says(own_world):
    world = own_world(extra="[packages]\ndefault_expiry = \"2h\"\nmax_expiry = \"3h\"\n")
    ids = [each.id for each in publish(world, photos(1, seed=16))]

    def hours(body):
        package = pack(world, {"items": ids, **body})
        begun, ends = (datetime.datetime.fromisoformat(package[name]) for name in ("created_at", "expires_at"))
        return (ends - begun).total_seconds() / 3600

    assert hours({}) == pytest.approx(2, abs=0.01) and hours({"expires_in": 10_800}) == pytest.approx(3, abs=0.01)
    assert code(world.request("POST", "/v1/packages", {"items": ids, "expires_in": 10_801})) == (422, "invalid_expiry")


@pytest.mark.parametrize("world", conftest.MINIO_FIRST, indirect=True)
def test_a_thousand_pictures_are_a_link_in_a_moment(world, bound):
    made = publish(world, [(f"{number}.jpg", b"%d" % number) for number in range(1000)])
    body = {"items": [{"upload": each.id} for each in made]}
    pack(world, body)
    times = []
    for _ in range(5):
        began = time.perf_counter()
        package = pack(world, body)
        times.append(time.perf_counter() - began)
    print("request to link, 1,000 pictures:", [f"{each * 1000:.0f} ms" for each in times])
    assert package["items"] == 1000
    data = download(world, package)[2]
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert len(archive.namelist()) == 1000 and all(archive.read(f"{n}.jpg") == b"%d" % n for n in range(1000))


def test_a_store_that_breaks_off_is_resumed_and_the_reader_notices_nothing(own_world):
    world = own_world(witnessed=True)
    made = publish(world, photos(4, 700 * KIB, seed=15))
    package = pack(world, {"items": [each.id for each in made]})
    whole = download(world, package)[2]
    store = world.witness.store
    rule = store.rule(faults.gets("public"), faults.short(200 * KIB), times=6)
    assert download(world, package)[2] == whole and rule.hits == 6
    store.heal()
    slow = store.rule(faults.gets("public"), faults.stalled(100 * KIB, 2), times=2)
    assert download(world, package)[2] == whole and slow.hits == 2
    store.heal()
    store.rule(faults.gets("public"), faults.garbled(300 * KIB), times=1)
    got, complete = slow_download(world, package, lambda: None)
    assert not complete and b"PK\x05\x06" not in got
    store.heal()
    assert download(world, package)[2] == whole


def test_a_database_that_restarts_is_waited_for(own_world):
    world = own_world()
    made = publish(world, photos(12, 1024 * KIB, seed=16))
    package = pack(world, {"items": [each.id for each in made]})
    whole = download(world, package)[2]
    got, complete = slow_download(world, package, world.stack.postgres.restart)
    assert complete and got == whole


def test_a_reader_that_takes_nothing_gives_up_its_connections(own_world):
    world = own_world(start=False)
    world.gateway.environment["PHOTOGATE_SERVER_WRITE_TIMEOUT"] = "4"
    world.gateway.start()
    made = publish(world, photos(12, 1024 * KIB, seed=17))
    package = pack(world, {"items": [each.id for each in made]})
    began = time.monotonic()
    _, complete = slow_download(world, package, lambda: time.sleep(7))
    assert not complete and time.monotonic() - began < 12
    deadline = time.monotonic() + 10
    while metric(world.gateway, "photogate_package_downloads_active") != 0:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_several_connections_share_a_package(own_world):
    world = own_world(extra="[packages]\nmax_downloads_per_package = 3\n")
    made = publish(world, photos(10, 1024 * KIB, seed=18))
    package = pack(world, {"items": [each.id for each in made]})
    whole, size = download(world, package)[2], package["size"]
    parts, refused = {}, []

    def fetch(first):
        last = min(first + size // 3, size - 1)
        parts[first] = download(world, package, Range=f"bytes={first}-{last}")[2]

    threads = [threading.Thread(target=fetch, args=(first,)) for first in range(0, size, size // 3 + 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert b"".join(parts[first] for first in sorted(parts)) == whole

    def beyond():
        held = [threading.Thread(target=slow_download, args=(world, package, lambda: time.sleep(1))) for _ in range(2)]
        for each in held:
            each.start()
        time.sleep(0.5)
        refused.append(code(download(world, package)))
        for each in held:
            each.join()

    slow_download(world, package, beyond)
    assert refused == [(429, "rate_limited")]


def test_originals_are_packed_where_they_are_kept(own_world):
    world = own_world(profiles={"keep": {"original": '"keep"'}, "photos": {}})
    sent = [pictures.photo(320, 240, seed=30 + number) for number in range(2)]
    kept = [world.publish(data, {"profile": "keep", "filename": f"{number}.jpg"}) for number, data in enumerate(sent)]
    other = world.publish(sent[0], {"profile": "photos"})
    body = {"items": [each["id"] for each in kept], "content": "original"}
    stacks.wait_until(lambda: world.request("POST", "/v1/packages", body)[0] == 202, 20, "the originals to be put away")
    archive = zipfile.ZipFile(io.BytesIO(download(world, pack(world, body))[2]))
    assert [archive.read(name) for name in archive.namelist()] == sent
    assert code(world.request("POST", "/v1/packages", {"items": [other["id"]], "content": "original"})) == (409, "object_not_found")


def test_an_original_that_came_in_parts_is_packed(own_world):
    """The copy that is kept has another ETag than the upload."""
    world = own_world(profiles={"keep": {"original": '"keep"'}})
    sent = parts.large_png()
    created = parts.create(world, sent)
    parts.send(world, created, sent)
    parts.complete(world, created)
    world.gateway.wait_for(created["id"])
    body = {"items": [created["id"]], "content": "original"}
    stacks.wait_until(lambda: world.request("POST", "/v1/packages", body)[0] == 202, 20, "the original to be put away")
    for mode in ("stream", "store"):
        package = world.request("GET", f"/v1/packages/{pack(world, {**body, 'mode': mode})['id']}?wait=60")[2]
        archive = zipfile.ZipFile(io.BytesIO(download(world, package)[2]))
        assert [archive.read(name) for name in archive.namelist()] == [sent], mode


@pytest.mark.large
def test_a_list_of_fifty_thousand_is_taken(own_world):
    world = own_world()
    ids = publish_rows(world, 50_000)
    package = pack(world, {"items": ids})
    assert (package["state"], package["items"], package["missing"]) == ("ready", 50_000, 0)
    end = download(world, package, Range="bytes=-22")[2]
    assert end.startswith(b"PK\x05\x06") and int.from_bytes(end[10:12], "little") == 50_000
    names = [f"{'folder' * 10}/{number % 100:03d}/{'name' * 6} {number:06d}.jpg" for number in range(50_000)]
    named = pack(world, {"items": [{"upload": id, "name": name} for id, name in zip(ids, names, strict=True)]})
    assert named["items"] == 50_000
    assert code(world.request("POST", "/v1/packages", {"items": [*ids, ids[0]]})) == (422, "package_too_large")
    assert code(world.request("POST", "/v1/uploads", {"metadata": {"large": "x" * (2 << 20)}})) == (413, "body_too_large"), "no other body may be so long"


def test_a_request_for_a_package_has_a_bound_of_its_own(own_world):
    world = own_world(extra='[packages]\nmax_body = "64KiB"\nmax_items = 1000\n')
    ids = [f"upl_{number:026d}" for number in range(1_001)]
    assert pack(world, {"items": ids[:1_000], "on_missing": "skip"})["missing"] == 1_000
    assert code(world.request("POST", "/v1/packages", {"items": ids, "on_missing": "skip"})) == (422, "package_too_large")
    before = world.sql("select count(*) from packages")
    assert code(world.request("POST", "/v1/packages", {"items": ids * 3, "on_missing": "skip"})) == (413, "body_too_large")
    assert world.sql("select count(*) from packages") == before


@pytest.mark.large
def test_packages_of_a_store_that_encrypts(own_world):
    """SSE-KMS: an ETag is not the MD5 of the bytes."""
    world = own_world(profiles={"keep": {"original": '"keep"'}}, start=False)
    store = world.stack.minio
    store.stop()
    store.more_environment["MINIO_KMS_SECRET_KEY"] = "photogate:" + base64.b64encode(random.Random(3).randbytes(32)).decode()
    store.start()
    for bucket in (store.incoming, store.public, store.originals):
        store_of(world).put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "photogate"}}]})
    world.gateway.start()
    sent = [pictures.photo(640, 480, seed=980 + number) for number in range(2)]
    made = [world.publish(data, {"filename": f"{number}.jpg"}) for number, data in enumerate(sent)]
    items = [each["id"] for each in made]
    stacks.wait_until(lambda: world.request("POST", "/v1/packages", {"items": items, "content": "original"})[0] == 202, 30, "the originals to be put away")
    for bucket in (store.public, store.originals):
        objects = [store_of(world).get_object(Bucket=bucket, Key=each["Key"]) for each in store_of(world).list_objects_v2(Bucket=bucket)["Contents"]]
        assert len(objects) >= 2 and {each["ServerSideEncryption"] for each in objects} == {"aws:kms"}
        assert all(each["ETag"].strip('"') != hashlib.md5(each["Body"].read()).hexdigest() for each in objects)
    images = [world.image(each)[2] for each in made]
    for body, expected in (({}, images), ({"image": {"width": 320}}, None), ({"content": "original"}, sent)):
        for mode in ("stream", "store"):
            package = pack(world, {"items": items, "mode": mode, **body})
            package = world.request("GET", f"/v1/packages/{package['id']}?wait=60")[2]
            assert package["state"] == "ready", package
            status, _, data = download(world, package)
            assert status == 200, (body, mode, data)
            archive = zipfile.ZipFile(io.BytesIO(data))
            assert archive.testzip() is None and len(archive.namelist()) == 2
            assert expected in (None, [archive.read(name) for name in archive.namelist()]), (body, mode)
