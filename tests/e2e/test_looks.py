"""What a picture looks like: placeholders before and after its publication, its dominant colour, whether it may be transparent, and the
pictures that look like it."""
import re
import subprocess
import zlib

import conftest
import pytest
from test_images import path_of
from test_versions import facts, get
from test_waits import metric

from tests.rig import pictures

world = conftest.on_every_store()
FOR_PAGES = {"x-content-type-options": "nosniff", "content-security-policy": "default-src 'none'; sandbox", "access-control-allow-origin": "*",
             "timing-allow-origin": "*", "cross-origin-resource-policy": "cross-origin"}


def vips(tmp_path, source, *command, suffix=".png"):
    """What libvips makes of a picture."""
    before, after = tmp_path / "before", tmp_path / f"after{suffix}"
    before.write_bytes(source)
    subprocess.run(["vips", command[0], before, after, *command[1:]], check=True)
    return after.read_bytes()


def flat(tmp_path, red, green, blue, size=120):
    """A PNG of one colour, a fifth of it white."""
    dots = b"".join(bytes((red, green, blue)) * (size - size // 5) + b"\xff\xff\xff" * (size // 5) for _ in range(size))
    return vips(tmp_path, b"P6 %d %d 255\n" % (size, size) + dots, "copy")


def png_pixels(data):
    """(width, height, bands, rows) of a PNG without filters."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height, bands = int.from_bytes(data[16:20]), int.from_bytes(data[20:24]), {2: 3, 6: 4}[data[25]]
    start = data.index(b"IDAT") + 4
    rows = zlib.decompress(data[start:start + int.from_bytes(data[start - 8:start - 4])])
    step = 1 + width * bands
    assert len(rows) == height * step and all(rows[row * step] == 0 for row in range(height))
    return width, height, bands, [rows[row * step + 1:(row + 1) * step] for row in range(height)]


def test_a_placeholder_tells_nothing_before_publication_and_is_the_picture_in_small_afterwards(world, tmp_path):
    data = flat(tmp_path, 200, 30, 60)
    neutral = metric(world.gateway, 'photogate_placeholders_total{of="neutral"}')
    created = world.create({"size": len(data)})
    path = path_of(created)
    answers = []
    for asked in (path, "/i/0000000000000000000000000z"):  # one that waits for its file, and one that nobody made
        status, headers, problem = world.gateway.request("GET", asked)
        assert (status, problem["code"], headers["cache-control"]) == (404, "not_published", "no-store")
        status, headers, body = world.gateway.request("GET", asked + "?placeholder=1")
        assert (status, headers["content-type"], headers["cache-control"]) == (200, "image/png", "no-store")
        assert "etag" not in headers and {name: headers[name] for name in FOR_PAGES} == FOR_PAGES
        answers.append(({name: value for name, value in headers.items() if name not in ("date", "x-request-id")}, body))
    assert answers[0] == answers[1], "whether there is an upload is not told"
    assert png_pixels(answers[0][1])[:2] == (1, 1)
    status, headers, body = world.gateway.request("HEAD", path + "?placeholder=1")
    assert (status, int(headers["content-length"]), body) == (200, len(answers[0][1]), b"")
    assert metric(world.gateway, 'photogate_placeholders_total{of="neutral"}') == neutral + 3
    for wrong in ("/i/no-id?placeholder=1", "/i/..%2f?placeholder=1"):
        assert world.gateway.request("GET", wrong)[0] in (400, 404), wrong

    world.send(created, data)
    upload = world.gateway.wait_for(created, 60)
    headers, body = get(world, path, "?placeholder=1")
    assert headers["cache-control"] == "public, max-age=31536000, immutable" and headers["content-type"] == "image/png"
    assert headers["content-disposition"] == f'inline; filename="{path.rsplit("/", 1)[1]}.png"'
    assert {name: headers[name] for name in FOR_PAGES} == FOR_PAGES
    width, height, bands, rows = png_pixels(body)
    assert (width, height, bands) == (32, 32, 3) and len(body) < 4096
    left, right = rows[16][6:9], rows[16][-3:]
    assert abs(left[0] - 200) < 40 and left[1] < 80 and min(right) > 170, (left, right)
    assert facts(body, tmp_path) == ("png", 32, 32)

    def asked(**headers):
        return world.gateway.request("GET", path + "?placeholder=1", headers=headers)
    assert asked(**{"If-None-Match": headers["etag"]})[0] == 304 and asked(**{"If-Match": '"other"'})[0] == 412
    status, part, some = asked(Range="bytes=8-19")
    assert (status, some, part["content-range"]) == (206, body[8:20], f"bytes 8-19/{len(body)}")
    assert asked(Range=f"bytes={len(body)}-")[0] == 416
    status, told, nothing = world.gateway.request("HEAD", path + "?placeholder=1")
    assert (status, told["etag"], int(told["content-length"]), nothing) == (200, headers["etag"], len(body), b"")
    # Beside sizes it is the placeholder still, and no version is made of it.
    assert get(world, path, "/w320.webp?placeholder=1")[1] == get(world, path, "?width=320&placeholder=1&utm_source=x")[1] == body
    assert int(world.sql(f"select count(*) from images where upload_id = '{upload['id']}' and role = 'version'")) == 0
    for wrong in ("?placeholder=0", "?placeholder=", "?placeholder=1&placeholder=1", "?placeholder=1&width=0"):
        status, _, problem = world.gateway.request("GET", path + wrong)
        assert (status, problem["code"]) == (400, "invalid_query"), wrong
    assert world.request("DELETE", "/v1/uploads/" + upload["id"])[0] in (200, 202)
    status, _, problem = world.gateway.request("GET", path + "?placeholder=1")
    assert (status, problem["code"]) == (410, "gone")


def test_the_dominant_colour_is_the_one_that_most_of_it_has(world, tmp_path):
    upload = world.publish(flat(tmp_path, 200, 30, 60))
    colour = upload["dominant_color"]
    assert re.fullmatch("#[0-9a-f]{6}", colour)
    assert all(abs(int(colour[at:at + 2], 16) - value) <= 12 for at, value in ((1, 200), (3, 30), (5, 60))), colour
    assert world.request("DELETE", "/v1/uploads/" + upload["id"])[0] in (200, 202)
    assert world.request("GET", "/v1/uploads/" + upload["id"])[2]["dominant_color"] is None


def test_auto_is_a_jpeg_of_what_nothing_shines_through_and_a_png_of_what_is_not_known(world, tmp_path):
    opaque = world.publish(pictures.photo(800, 600, seed=201, suffix=".png"), {"profile": "strip"})
    assert opaque["image"]["format"] == "png"
    clear = world.publish(vips(tmp_path, pictures.photo(800, 600, seed=202, suffix=".png"), "bandjoin_const", "120"), {"profile": "strip"})
    assert clear["image"]["format"] == "png"
    for upload, expected in ((opaque, "jpeg"), (clear, "png")):
        headers, data = get(world, path_of(upload), "?width=320&format=auto", Accept="*/*")
        assert (facts(data, tmp_path)[0], headers["vary"]) == (expected, "Accept")
        assert facts(get(world, path_of(upload), "?width=320&format=auto", Accept="image/webp")[1], tmp_path)[0] == "webp"
    # Of a row from before this was recorded.
    world.sql(f"update uploads set image_alpha = null where id = '{opaque['id']}'")
    assert facts(get(world, path_of(opaque), "?width=480&format=auto", Accept="*/*")[1], tmp_path)[0] == "png"


def similar(world, query, key=None):
    status, headers, page = world.request("GET", "/v1/uploads?" + query, key=key)
    assert status == 200, page
    return page, headers


def test_similar_pictures_are_found_nearest_first(world, tmp_path):
    source = pictures.photo(1200, 900, seed=210)
    first = world.publish(source)
    smaller = world.publish(vips(tmp_path, source, "resize", "0.5", suffix=".webp"), {"metadata": {"album": "seaside"}})
    other = world.publish(pictures.photo(1200, 900, seed=211))
    page, _ = similar(world, f"similar_to={first['id']}&distance=10&limit=200")
    ids = [item["id"] for item in page["data"]]
    assert smaller["id"] in ids and first["id"] not in ids and other["id"] not in ids
    distances = [item["distance"] for item in page["data"]]
    assert distances == sorted(distances) and max(distances) <= 10
    # By a hash, the picture itself is among them, at no distance.
    page, _ = similar(world, f"similar_to={first['perceptual_hash']}&distance=0&limit=200")
    assert (first["id"], 0) in [(item["id"], item["distance"]) for item in page["data"]]
    # With other filters.
    base = f"similar_to={first['id']}&distance=10"
    assert [item["id"] for item in similar(world, base + "&metadata.album=seaside")[0]["data"]] == [smaller["id"]]
    assert similar(world, base + "&profile=small")[0]["data"] == [] and similar(world, base + "&state=rejected")[0]["data"] == []
    # Page by page.
    whole = [item["id"] for item in similar(world, f"similar_to={first['perceptual_hash']}&limit=200")[0]["data"]]
    met, query = [], f"similar_to={first['perceptual_hash']}&limit=1"
    for _ in range(len(whole)):
        page, headers = similar(world, query)
        met += [item["id"] for item in page["data"]]
        if page["next"] is None:
            break
        assert page["next"] in headers["link"]
        query = f"similar_to={first['perceptual_hash']}&limit=1&cursor={page['next']}"
    assert met == whole and len(whole) >= 2
    # No picture of another app, and none that was deleted.
    assert similar(world, f"similar_to={first['perceptual_hash']}", key=world.other.key)[0]["data"] == []
    assert world.request("GET", f"/v1/uploads?similar_to={first['id']}", key=world.other.key)[0] == 404
    assert world.request("DELETE", "/v1/uploads/" + smaller["id"])[0] in (200, 202)
    assert smaller["id"] not in [item["id"] for item in similar(world, base)[0]["data"]]
    assert world.request("GET", f"/v1/uploads?similar_to={smaller['id']}")[0] == 409


@pytest.mark.parametrize(("query", "status", "code"), [
    ("similar_to=", 400, "invalid_query"), ("similar_to=0123456789abcde", 400, "invalid_query"), ("similar_to=0123456789abcdeg", 400, "invalid_query"),
    ("similar_to=upl_%27%20or%201=1", 400, "invalid_query"), ("similar_to=upl_00000000000000000000000000", 404, "upload_not_found"),
    ("similar_to=0123456789abcdef&distance=11", 400, "invalid_query"), ("similar_to=0123456789abcdef&distance=-1", 400, "invalid_query"),
    ("similar_to=0123456789abcdef&distance=x", 400, "invalid_query"), ("distance=3", 400, "invalid_query"),
    ("similar_to=0123456789abcdef&cursor=zz", 400, "invalid_cursor"),
    ("similar_to=0123456789abcdef&cursor=" + b"1upl_00000000000000000000000000".hex(), 400, "invalid_cursor"),
    ("similar_to=0123456789abcdef&distance=3&cursor=" + b"14:upl_00000000000000000000000000".hex(), 400, "invalid_cursor"),
    ("cursor=" + b"13:upl_00000000000000000000000000".hex(), 400, "invalid_cursor")])
def test_a_wrong_question_for_similar_pictures_is_refused(minio_world, query, status, code):
    got, _, problem = minio_world.request("GET", "/v1/uploads?" + query)
    assert (got, problem["code"]) == (status, code), problem


def test_an_operator_names_the_app_whose_pictures_are_looked_at(minio_world):
    world = minio_world
    upload = world.publish(pictures.photo(640, 480, seed=215))
    query = f"similar_to={upload['perceptual_hash']}"
    assert world.request("GET", "/v1/uploads?" + query, key=world.operator.key)[0] == 400
    page, _ = similar(world, query + "&app=shop", key=world.operator.key)
    assert upload["id"] in [item["id"] for item in page["data"]] and {item["app"] for item in page["data"]} == {"shop"}


def test_every_form_of_an_image_has_the_headers_that_pages_and_browsers_need(world):
    upload = world.publish(pictures.photo(1600, 1200, seed=220))
    path, name = path_of(upload), path_of(upload).rsplit("/", 1)[1]
    for form, kind, extension in (("", "image/jpeg", "jpg"), ("/beach.html", "image/jpeg", "jpg"), ("?width=640", "image/jpeg", "jpg"),
                                  ("/w800.webp", "image/webp", "webp"), ("?placeholder=1", "image/png", "png")):
        headers, data = get(world, path, form)
        assert {key: headers[key] for key in FOR_PAGES} == FOR_PAGES, form
        # Fixed: neither the client's name nor the path's.
        assert headers["content-disposition"] == f'inline; filename="{name}.{extension}"' and headers["content-type"] == kind
        assert headers["cache-control"] == "public, max-age=31536000, immutable" and headers["accept-ranges"] == "bytes"
        status, told, nothing = world.gateway.request("HEAD", path + form)
        assert (status, nothing, int(told["content-length"])) == (200, b"", len(data))
        same = ("etag", "last-modified", "content-type", "content-disposition", "cache-control", *FOR_PAGES)
        assert {key: told[key] for key in same} == {key: headers[key] for key in same}
        status, not_sent, nothing = world.gateway.request("GET", path + form, headers={"If-None-Match": headers["etag"]})
        assert (status, nothing, not_sent["etag"], not_sent["cache-control"]) == (304, b"", headers["etag"], headers["cache-control"])
        assert world.gateway.request("GET", path + form, headers={"If-Modified-Since": headers["last-modified"]})[0] == 304
        status, part, some = world.gateway.request("GET", path + form, headers={"Range": "bytes=-20", "If-Range": headers["etag"]})
        assert (status, some, part["content-range"]) == (206, data[-20:], f"bytes {len(data) - 20}-{len(data) - 1}/{len(data)}")
        assert world.gateway.request("GET", path + form, headers={"Range": "bytes=-20", "If-Range": '"old"'})[0] == 200
    # What is refused is not to be kept, and can't run either.
    for form, status in (("?width=0", 400), ("/w800.webp?w=1", 400)):
        got, headers, _ = world.gateway.request("GET", path + form)
        assert (got, headers["x-content-type-options"], headers["cache-control"]) == (status, "nosniff", "no-store"), form


def test_client_hints_are_no_part_of_the_answer(world):
    upload = world.publish(pictures.photo(1600, 1200, seed=221))
    path = path_of(upload) + "/w800.webp"
    plain, data = get(world, path)
    hinted, same = get(world, path, "", **{"Sec-CH-DPR": "2", "Sec-CH-Width": "320", "Width": "320", "Save-Data": "on"})
    assert same == data and hinted["etag"] == plain["etag"] and "vary" not in plain
