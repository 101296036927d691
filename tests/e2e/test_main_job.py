"""The main job, whole: grant → store → event → clean public image → signed callbacks."""
import json
import struct
import subprocess

import boto3
import conftest
import pytest
import standardwebhooks
from botocore.config import Config

from scripts import local_gateway
from tests.rig import pictures
from tests.rig import stack as parts

world = conftest.on_every_store()
# The whole corpus: on the other store where there is time.


def s3(world):
    minio = world.stack.minio
    return boto3.client("s3", endpoint_url=minio.endpoint, aws_access_key_id=minio.root.access,
                        aws_secret_access_key=minio.root.secret, region_name="us-east-1", config=Config(s3={"addressing_style": "path"}))


def objects(world, bucket, prefix=""):
    return [each["Key"] for each in s3(world).list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])]


def eventually(condition, seconds=60):
    parts.wait_until(condition, seconds, "the condition")


def assert_clean(data, suffix):
    found = pictures.metadata(data, suffix)
    private = [name for name in found if name.split(":")[0] not in
               ("File", "JFIF", "PNG", "RIFF", "GIF", "Adobe", "IFD0", "QuickTime", "Meta")]
    assert not private, private
    assert b"SECRET" not in data


@pytest.mark.parametrize("method", ["put", "post"])
def test_publishes_clean_photo_and_notifies(world, method):
    photo = pictures.photo(orientation=6)
    created = world.upload(photo, {"method": method, "filename": "pickup 42.jpg", "content_type": "image/jpeg",
                                   "metadata": {"order_id": "A-1001"}})
    assert created["state"] == "created"
    assert created["upload"]["method"] == method.upper()

    upload = world.gateway.wait_for(created)
    assert upload["state"] == "published", upload
    assert upload["exif"]["make"] == "Photogate"
    assert upload["exif"]["gps"]["latitude"] == pytest.approx(pictures.LATITUDE, abs=1e-6)
    assert upload["metadata"] == {"order_id": "A-1001"}
    assert (upload["width"], upload["height"]) == (1200, 1600), "upright"
    assert upload["privacy"]["metadata_remaining"] == [] and upload["privacy"]["gps_removed"] is True
    assert {"exif", "exif.gps"} <= set(upload["privacy"]["metadata_found"])
    assert upload["image"]["width"] == 1200 and upload["image"]["format"] == "jpeg"

    status, headers, image = world.image(upload)
    assert status == 200 and headers["content-type"] == "image/jpeg"
    assert headers["cache-control"] == "public, max-age=31536000, immutable"
    assert len(image) == upload["image"]["size"]
    assert_clean(image, ".jpg")

    received = world.receiver.wait_for_upload(upload["id"], "upload.received")
    published = world.receiver.wait_for_upload(upload["id"], "upload.published")
    assert received.body["data"]["filename"] == "pickup 42.jpg"
    assert received.body["data"]["size"] == len(photo)
    assert received.body["data"]["metadata"] == {"order_id": "A-1001"}
    assert received.body["data"]["bucket"] == "incoming"
    assert published.body["data"]["privacy"]["metadata_remaining"] == []
    assert published.body["data"]["sequence"] > received.body["data"]["sequence"]
    webhook = standardwebhooks.Webhook(world.app.secret)
    for callback in (received, published):
        assert webhook.verify(callback.raw, callback.headers)["data"]["id"] == upload["id"]


def test_removes_original_and_publishes_only_the_clean_image(world):
    upload = world.publish(pictures.photo(seed=2))
    key = f"p/{upload['links']['image'].rsplit('/', 1)[1]}/"
    assert len(objects(world, "public", key)) == 1
    world.receiver.wait_for_upload(upload["id"], "upload.published")
    eventually(lambda: not any(upload["id"] in each for each in objects(world, "incoming", "u/")))


def test_keeps_original_unchanged_in_the_private_bucket(world):
    photo = pictures.photo(seed=3)
    upload = world.publish(photo, {"profile": "keep"})
    eventually(lambda: objects(world, "originals", f"o/{upload['id']}"))
    kept = s3(world).get_object(Bucket="originals", Key=f"o/{upload['id']}")["Body"].read()
    assert kept == photo


@pytest.mark.large
def test_publishes_animation_that_fills_the_limits_at_the_first_attempt(minio_world):
    """197 million pixels over 300 frames, each of which differs from the one before everywhere."""
    upload = minio_world.publish(pictures.film(810, 810, 300, seed=15), seconds=300)
    assert upload["state"] == "published", upload
    assert (upload["image"]["format"], upload["image"]["width"]) == ("webp", 810)
    timeline = minio_world.request("GET", f"/v1/uploads/{upload['id']}/timeline")[2]["data"]
    assert "postponed" not in [entry["event"] for entry in timeline], timeline


def test_strip_mode_keeps_coded_pixels(world):
    photo = pictures.photo(seed=4)
    upload = world.publish(photo, {"profile": "strip"})
    _, _, image = world.image(upload)
    assert_clean(image, ".jpg")
    # The entropy-coded data begins at the first scan.
    assert image[image.index(b"\xff\xda"):].rstrip(b"\x00") == photo[photo.index(b"\xff\xda"):].rstrip(b"\x00")


def turned(photo, kind, count, value):
    """The photo with an Exif block in front that has nothing but an orientation: kind and count as some writers have them."""
    tiff = b"MM\0*" + struct.pack(">IHHHI", 8, 1, 0x0112, kind, count) + value.ljust(4, b"\0") + bytes(4)
    return photo[:2] + b"\xff\xe1" + struct.pack(">H", 8 + len(tiff)) + b"Exif\0\0" + tiff + photo[2:]


def test_turns_photo_upright_by_orientation_of_any_type(world):
    photo = pictures.photo(seed=14)
    for kind, count, value in [(1, 1, b"\6"), (3, 2, b"\0\6\0\0"), (4, 1, b"\0\0\0\6"), (9, 1, b"\0\0\0\6")]:
        for profile in ("photos", "strip"):
            upload = world.publish(turned(photo, kind, count, value), {"profile": profile})
            assert upload["state"] == "published", upload
            assert (upload["width"], upload["height"]) == (1200, 1600), (kind, profile)
            found = pictures.metadata(world.image(upload)[2])
            stored = (found["File:ImageWidth"], found["File:ImageHeight"])
            assert (stored, found.get("IFD0:Orientation")) in [((1200, 1600), None), ((1600, 1200), 6)], (kind, profile)


def test_rejects_camera_raw_by_name(world):
    sensor = [(256, 4, 1, 64), (257, 4, 1, 48), (258, 3, 1, 16), (259, 3, 1, 34713), (262, 3, 1, 32803)]
    preview = [(254, 4, 1, 1), (256, 4, 1, 8), (257, 4, 1, 8), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1),
               (273, 4, 1, 256), (279, 4, 1, 64), (330, 4, 1, 132)]
    directories = [struct.pack("<H", len(each)) + b"".join(struct.pack("<HHII", *entry) for entry in each) + bytes(4) for each in (preview, sensor)]
    raw = (b"II*\0\x08\0\0\0" + directories[0]).ljust(132, b"\0") + directories[1]
    upload = world.publish(raw.ljust(400, b"\x63"), {"content_type": "image/tiff"})
    assert upload["state"] == "rejected" and upload["rejection"]["code"] == "unsupported_format", upload
    assert "raw" in upload["rejection"]["detail"]


def test_says_that_a_position_was_removed_only_where_there_was_one(world):
    upload = world.publish(pictures.noise(64, 48))
    assert upload["privacy"]["gps_removed"] is False and upload["privacy"]["metadata_remaining"] == []


def test_photo_without_its_end_is_published_and_stripped_of_what_follows(world):
    photo = pictures.photo(seed=14)
    assert photo.endswith(b"\xff\xd9")
    samsung = b"\0\0\x01\x0a\x0e\0\0\0Image_UTC_Data1700000000000SEFH\x6b\0\0\0\1\0\0\0\0\0\x01\x0a#\0\0\0#\0\0\0\x18\0\0\0SEFT"
    whole = world.image(world.publish(photo, {"profile": "strip"}))[2]
    for trailer in (b"", bytes(5000), samsung):
        upload = world.publish(photo[:-2] + trailer, {"profile": "strip"})
        assert world.image(upload)[2] == whole
        assert whole.endswith(b"\xff\xd9")
    rejected = world.gateway.wait_for(world.upload(photo[:len(photo) // 2] + samsung))
    assert (rejected["state"], rejected["rejection"]["code"]) == ("rejected", "truncated")


def test_text_in_a_table_that_draws_goes_with_the_coded_pixels(world):
    photo = bytearray(pictures.photo(seed=15))
    table = photo.index(b"\xff\xdb") + 5
    photo[table + 30:table + 40] = b"<?xpacket "
    upload = world.publish(bytes(photo), {"profile": "strip"})
    assert b"<?xpacket" not in world.image(upload)[2]
    assert upload["privacy"]["metadata_remaining"] == []


@pytest.mark.parametrize("suffix,kind", [(".png", "image/png"), (".webp", "image/webp"), (".tif", "image/tiff")])
def test_publishes_other_formats_clean(world, suffix, kind):
    upload = world.publish(pictures.photo(800, 600, seed=5, suffix=suffix), {"content_type": kind})
    assert upload["state"] == "published", upload
    assert upload["content_type"] == kind
    _, headers, image = world.image(upload)
    assert_clean(image, ".webp" if headers["content-type"] == "image/webp" else ".jpg")


def test_rescales_to_the_largest_edge_of_the_profile(world):
    upload = world.publish(pictures.photo(1000, 700, seed=6), {"profile": "small"})
    assert upload["state"] == "published", upload
    assert (upload["image"]["width"], upload["image"]["height"]) == (320, 224)


def test_rejects_and_quarantines_non_picture(world):
    upload = world.publish(b"<html><script>alert(1)</script>" * 10)
    assert upload["state"] == "rejected"
    assert upload["rejection"]["code"] == "not_an_image"
    told = world.receiver.wait_for_upload(upload["id"], "upload.rejected")
    assert told.body["data"]["rejection"]["code"] == "not_an_image"
    assert world.image(upload)[0] == 404
    eventually(lambda: objects(world, "originals", f"q/{upload['id']}"))


def test_curl_line_of_a_grant_works_verbatim(world, tmp_path):
    photo = pictures.photo(seed=7)
    (tmp_path / ".env").write_text("secret")
    names = ["it's $mine.jpg", "a[1-3]{b,c}.jpg", "photo.jpg,.env", "a;type=text.jpg", 'say "hi" #1.jpg', "-T.jpg", "@.jpg", "100%.jpg"]
    for method, name in [(method, name) for method in ("put", "post") for name in names]:
        created = world.create({"method": method, "filename": name, "content_type": "image/jpeg", "size": len(photo)})
        (tmp_path / name).write_bytes(photo)
        done = subprocess.run(["sh", "-c", created["upload"]["curl"]], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert world.gateway.wait_for(created)["state"] == "published"


def test_bytes_decide_what_a_file_is_where_the_type_is_advisory(world, own_world):
    webp = pictures.photo(320, 240, seed=9, suffix=".webp")
    upload = world.publish(webp, {"content_type": "image/jpeg"})
    assert (upload["state"], upload["content_type"], upload["declared_content_type"]) == ("published", "image/webp", "image/jpeg")
    strict = own_world(profiles={"photos": {"declared_type": '"enforced"'}})
    upload = strict.publish(webp, {"content_type": "image/jpeg"})
    assert (upload["state"], upload["rejection"]["code"]) == ("rejected", "mime_mismatch")


def test_returns_client_fields_of_a_form_as_client_metadata(world):
    photo = pictures.photo(seed=8)
    created = world.create({"method": "post", "client_fields": ["reason"], "metadata": {"order_id": "7"}})
    grant = created["upload"]
    assert grant["client_fields"] == ["x-amz-meta-reason"]
    grant["fields"] = {grant["client_fields"][0]: "left at door", **grant["fields"]}
    assert local_gateway.send(grant, photo)[0] == 201
    upload = world.gateway.wait_for(created)
    assert upload["client_metadata"] == {"reason": "left at door"}
    assert upload["metadata"] == {"order_id": "7"}


def test_images_answer_conditions_ranges_and_head(world):
    upload = world.publish(pictures.photo(seed=9))
    status, headers, image = world.image(upload)
    assert status == 200
    assert world.image(upload, {"If-None-Match": headers["etag"]})[0] == 304
    status, partial, piece = world.image(upload, {"Range": "bytes=10-19"})
    assert status == 206 and piece == image[10:20]
    assert partial["content-range"] == f"bytes 10-19/{len(image)}"
    assert world.image(upload, {"Range": f"bytes={len(image)}-"})[0] == 416
    path = "/i/" + upload["links"]["image"].rsplit("/", 1)[1]
    status, head, body = world.gateway.request("HEAD", path)
    assert status == 200 and body == b"" and head["content-length"] == str(len(image))


def test_timeline_lists_every_step_in_order(world):
    upload = world.publish(pictures.photo(seed=10))
    world.receiver.wait_for_upload(upload["id"], "upload.published")
    status, _, timeline = world.request("GET", f"/v1/uploads/{upload['id']}/timeline")
    assert status == 200
    events = [entry["event"] for entry in timeline["data"]]
    assert events[0] == "created" and "published" in events, events
    assert [entry["at"] for entry in timeline["data"]] == sorted(entry["at"] for entry in timeline["data"])


def test_deleted_upload_leaves_nothing_behind(world):
    upload = world.publish(pictures.photo(seed=11), {"profile": "keep", "filename": "private name.jpg"})
    status, _, deleted = world.request("DELETE", f"/v1/uploads/{upload['id']}")
    assert status == 200 and deleted["state"] == "deleted"
    public = f"p/{upload['links']['image'].rsplit('/', 1)[1]}/"
    assert not objects(world, "public", public)
    assert not objects(world, "originals", f"o/{upload['id']}")
    assert not [each for each in objects(world, "incoming", "u/") if upload["id"] in each]
    assert world.image(upload)[0] == 410
    world.receiver.wait_for_upload(upload["id"], "upload.deleted")
    _, _, found = world.request("GET", f"/v1/uploads/{upload['id']}")
    assert "private name" not in json.dumps(found) and "Photogate" not in json.dumps(found)


@pytest.mark.slow
def test_answers_202_for_slow_deletion_and_completes_it(own_world):
    world = own_world(role="serve")  # nobody works
    created = world.upload(pictures.photo(seed=12))

    def state():
        return world.request("GET", f"/v1/uploads/{created['id']}")[2]["state"]

    eventually(lambda: state() == "uploaded")
    status, _, answer = world.request("DELETE", f"/v1/uploads/{created['id']}")
    assert (status, answer["state"]) == (202, "cancelled")
    assert objects(world, "incoming", "u/")
    world.gateway.stop()
    world.gateway.role = "all"
    world.gateway.start()
    status, _, answer = world.request("DELETE", f"/v1/uploads/{created['id']}")
    assert (status, answer["state"]) == (200, "cancelled")
    assert not objects(world, "incoming", "u/")


@pytest.mark.parametrize("world", conftest.MINIO_FIRST, indirect=True)
def test_publishes_every_photo_of_the_corpus_with_its_facts(world, corpus):
    expected = json.loads((corpus / "photos" / "dev" / "expected.json").read_text())
    waiting = {}
    for name in sorted(expected):
        data = (corpus / "photos" / "dev" / name).read_bytes()
        if len(data) <= 25 << 20:
            waiting[name] = world.upload(data)
    wrong = []
    for name, created in waiting.items():
        upload, facts = world.gateway.wait_for(created, 180), expected[name]
        if facts["expected_verdict"] != "accept":
            if upload["state"] != "rejected":
                wrong.append((name, upload["state"]))
            continue
        if upload["state"] != "published":
            wrong.append((name, upload["state"], upload.get("rejection")))
            continue
        _, headers, image = world.image(upload)
        if b"CANARYDEV" in image or upload["privacy"]["metadata_remaining"]:
            wrong.append((name, "not clean", upload["privacy"]))
        if [upload["width"], upload["height"]] != facts["display_size"]:
            wrong.append((name, upload["width"], upload["height"], facts["display_size"]))
        if facts["make"] and (upload["exif"] or {}).get("make", "").strip() != str(facts["make"]).strip():
            wrong.append((name, (upload["exif"] or {}).get("make"), facts["make"]))
        # A position of 0, 0 is how phones blank one.
        if (facts["gps_lat"] or facts["gps_lon"]) and abs(upload["exif"]["gps"]["latitude"] - facts["gps_lat"]) > 1e-6:
            wrong.append((name, upload["exif"].get("gps"), facts["gps_lat"]))
    assert not wrong, wrong


@pytest.mark.parametrize("world", conftest.MINIO_FIRST, indirect=True)
def test_judges_every_hostile_file_and_survives(world, corpus):
    folder = corpus / "hostile" / "dev"
    lines = [line.split("\t") for line in (folder / "MANIFEST.tsv").read_text().splitlines() if not line.startswith("#")]
    rows = [dict(zip(lines[0], line)) for line in lines[1:]]
    for row in rows:
        if row["name"].endswith("truncated_jpeg.jpg"):
            row["verdict"] = "accept"  # all its pixels are there; only the second byte of the EOI is missing
    waiting = []
    for row in rows:
        data = (folder / row["name"]).read_bytes()
        declared = row["declared_mime"] if row["declared_mime"] in \
            ("image/jpeg", "image/png", "image/webp", "image/gif", "image/avif", "image/heic", "image/tiff") else None
        if data and len(data) <= 25 << 20:
            waiting.append((row, world.upload(data, {"profile": "enforced", **({"content_type": declared} if declared else {})})))
    wrong = []
    for row, created in waiting:
        upload = world.gateway.wait_for(created, 240)
        reasons = {row["reason"], *row["also_ok"].split(",")}
        code = (upload.get("rejection") or {}).get("code")
        if row["verdict"] == "accept" and upload["state"] != "published":
            wrong.append((row["name"], upload["state"], code))
        # Files that only a declared type would identify are sent without one.
        undeclared = row["reason"] == "mime_mismatch" and row["declared_mime"] not in str(created)
        if row["verdict"] == "reject" and (upload["state"] != "rejected" or code not in reasons) and not undeclared:
            wrong.append((row["name"], upload["state"], code, sorted(reasons)))
        if row["verdict"] == "any" and upload["state"] not in ("published", "rejected"):
            wrong.append((row["name"], upload["state"], code))
    assert not wrong, wrong
    assert world.gateway.running()
    assert world.publish(pictures.photo(seed=12))["state"] == "published"
