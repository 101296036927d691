"""What is no picture, not all of one, or more than one, sent under a picture's name: what becomes of each file, and of what is in it."""
import io
import struct
import subprocess
import sys
import zipfile

import conftest
import pytest
from test_images import path_of

from tests.rig import pictures

world = conftest.on_every_store()
SCRIPT = b"<script>alert(document.domain)</script>"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The pictures that the unit tests are about, by name."""
    folder = tmp_path_factory.mktemp("pictures")
    subprocess.run([sys.executable, conftest.browsers.ROOT / "scripts" / "make-pictures", folder], check=True)
    return lambda name: (folder / name).read_bytes()


@pytest.fixture(scope="module")
def photo():
    return pictures.photo(320, 240, seed=970)


def judged(world, data, name="photo.jpg"):
    """(the upload, its state or the code of its rejection), once it has ended."""
    upload = world.publish(data, {"filename": name, "content_type": "image/jpeg"})
    return upload, upload["rejection"]["code"] if upload["state"] == "rejected" else upload["state"]


def shown(world, upload):
    """The published image, which no browser takes for anything else."""
    status, headers, body = world.gateway.request("GET", path_of(upload))
    assert status == 200 and headers["content-type"] == f"image/{upload['image']['format']}"
    assert headers["x-content-type-options"] == "nosniff" and headers["content-security-policy"].startswith("default-src 'none'")
    return body


def archive():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("page.html", SCRIPT)
    return file.getvalue()


def shell_of(word):
    """The first bytes of a GIF, which are the start of a comment in another language."""
    return b"GIF89a/*" + word + b"*/=1;alert(1)//" + b" " * 500


@pytest.mark.parametrize("data,code", [
    (b"<!doctype html><html><body>" + SCRIPT, {"not_an_image"}), (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', {"unsupported_format", "not_an_image"}),
    (b"%PDF-1.7\n1 0 obj<</S/JavaScript/JS(app.alert(1))>>endobj", {"unsupported_format"}), (archive(), {"not_an_image", "unsupported_format"}),
    (shell_of(b"x"), {"corrupt", "truncated", "too_many_pixels"}), (b"\xff\xd8\xff" + SCRIPT + b"\0" * 500, {"corrupt", "truncated"}), (b"<?php system($_GET[0]); ?>" + b" " * 500, {"not_an_image"}),
], ids=["HTML", "SVG", "PDF", "zip", "script behind GIF's first bytes", "page behind JPEG's first bytes", "PHP"])
def test_what_is_no_picture_is_rejected_whatever_it_is_called(world, data, code):
    upload, verdict = judged(world, data)
    assert verdict in code, upload
    status, headers, body = world.gateway.request("GET", path_of(upload))
    assert status == 404 and "html" not in headers["content-type"] and SCRIPT not in (body if isinstance(body, bytes) else b"")


@pytest.mark.parametrize("tail", [archive, lambda: SCRIPT * 20, lambda: b"\0" * 10_000, lambda: b"\xff\xd8\xff\xe1" + b"CANARY" * 50], ids=["zip", "page", "zeros", "another picture"])
def test_what_stands_behind_a_picture_is_not_published(world, photo, tail):
    tail = tail()
    upload, verdict = judged(world, photo + tail)
    assert verdict == "published", upload
    body = shown(world, upload)
    assert tail[:200] not in body and SCRIPT not in body and b"CANARY" not in body and not zipfile.is_zipfile(io.BytesIO(body))
    for kind in ("jpeg", "png", "webp"):
        version = world.gateway.request("GET", path_of(upload) + f"?width=160&format={kind}")[2]
        assert SCRIPT not in version and b"CANARY" not in version and not zipfile.is_zipfile(io.BytesIO(version))


@pytest.mark.parametrize("kept", [0.9, 0.5, 0.1])
def test_what_is_not_all_of_a_picture_is_rejected(world, photo, kept):
    _, verdict = judged(world, photo[:int(len(photo) * kept)])
    assert verdict == "truncated"


def resized(jpeg, width, height, precision=8):
    """With another size in its frame header, and another depth."""
    at = next(at for at in range(len(jpeg)) if jpeg[at:at + 2] in (b"\xff\xc0", b"\xff\xc2"))
    return jpeg[:at + 4] + struct.pack(">BHH", precision, height, width) + jpeg[at + 9:]


@pytest.mark.parametrize("size,code", [((65_535, 65_535), "too_many_pixels"), ((65_500, 60_000), "too_many_pixels"), ((0, 240), "corrupt"), ((0, 0), "corrupt")])
def test_sizes_that_no_picture_has_are_rejected_by_the_header(world, photo, size, code):
    assert judged(world, resized(photo, *size))[1] == code


@pytest.mark.parametrize("name,codes", [
    ("huge.png", {"too_many_pixels"}), ("huge.jpg", {"too_many_pixels"}), ("huge.avif", {"too_many_pixels", "corrupt"}), ("deep.png", {"too_many_pixels", "truncated", "corrupt"}),
    ("frame-outside.gif", {"too_many_pixels", "corrupt"}), ("frames-301.gif", {"too_many_frames"}), ("frames-301.webp", {"too_many_frames"}), ("frames-301.png", {"too_many_frames"}),
    ("scans-101.jpg", {"too_many_scans"}), ("nested.avif", {"corrupt"}), ("no-palette.png", {"corrupt", "truncated"})])
def test_pictures_beyond_the_limits_are_rejected_with_the_limits_code(world, made, name, codes):
    upload, verdict = judged(world, made(name), name)
    assert verdict in codes, upload


def test_samples_of_twelve_bits_are_not_taken(world, photo):
    assert judged(world, resized(photo, 320, 240, precision=12))[1] == "unsupported_format"


@pytest.mark.parametrize("name", ["text-bomb.png", "profile-bomb.png", "itext-bomb.png", "texts-1201.png", "comments-1201.jpg", "comments-1201.gif", "chunks-1201.webp", "metadata-5mb.jpg",
                                  "extended-xmp-5mb.jpg", "exif-loop.jpg", "exif-zero-ratios.jpg", "exif-signed-gps.jpg", "exif-bad-text.jpg", "orientation-text.jpg", "magick.png"])
def test_metadata_of_any_amount_and_shape_is_neither_published_nor_a_reason_to_fail(world, made, name, tmp_path):
    """Nothing of it unfolds on the way: the walk leaves out what is not read, and what is read is bounded."""
    upload, verdict = judged(world, made(name), name)
    assert verdict == "published", upload
    (tmp_path / "published").write_bytes(shown(world, upload))
    told = subprocess.run(["exiftool", "-a", "-u", "-G1", "-s", tmp_path / "published"], capture_output=True, check=True, text=True).stdout
    groups = {line.split("]")[0].strip("[ ") for line in told.splitlines()}
    assert groups <= {"ExifTool", "System", "File", "JFIF", "Composite", "PNG", "PNG-pHYs", "RIFF"}, told


def with_orientation(jpeg, value):
    """Behind SOI an Exif block of that tag alone."""
    tiff = b"MM\0*\0\0\0\x08\0\x01" + struct.pack(">HHIHH", 0x0112, 3, 1, value, 0) + b"\0\0\0\0"
    body = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


@pytest.mark.parametrize("value,size", [(1, (320, 240)), (6, (240, 320)), (0, (320, 240)), (9, (320, 240)), (99, (320, 240)), (65_535, (320, 240))])
def test_orientation_is_applied_if_it_is_one_of_the_eight(world, photo, value, size):
    upload, verdict = judged(world, with_orientation(photo, value))
    assert verdict == "published"
    assert (upload["image"]["width"], upload["image"]["height"]) == size


def test_sixteen_bits_and_inks_are_published_as_a_picture_that_everything_shows(world, photo, tmp_path):
    (tmp_path / "photo.jpg").write_bytes(photo)
    for name, *command in (("deep.png", "linear", "photo.jpg", "wide.v", "257", "0"), ("inks.jpg", "icc_transform", "photo.jpg", "inks.jpg", "cmyk", "--input-profile", "srgb")):
        subprocess.run(["vips", *command], cwd=tmp_path, check=True)
        if name == "deep.png":
            subprocess.run(["vips", "cast", "wide.v", "deep.v", "ushort"], cwd=tmp_path, check=True)
            subprocess.run(["vips", "copy", "deep.v", "deep.png", "--interpretation", "rgb16"], cwd=tmp_path, check=True)
        upload, verdict = judged(world, (tmp_path / name).read_bytes(), name)
        assert verdict == "published", upload
        (tmp_path / "published").write_bytes(shown(world, upload))
        told = subprocess.run(["vipsheader", tmp_path / "published"], capture_output=True, check=True, text=True).stdout
        assert "320x240 uchar, 3 bands, srgb" in told, told


def test_colours_beyond_srgb_are_kept_where_the_profile_says_so(own_world, photo, tmp_path):
    """In the published image and its versions, in each format; elsewhere nothing has a profile."""
    world = own_world(profiles={"photos": {"free_sizes": "true"}, "wide": {"gamut": '"kept"', "free_sizes": "true"}})
    (tmp_path / "photo.jpg").write_bytes(photo)
    subprocess.run(["vips", "linear", "photo.jpg", "strong.v", "--uchar", "--", "6 2 1", "-640 -100 0"], cwd=tmp_path, check=True)
    subprocess.run(["vips", "copy", "strong.v", "p3.jpg[profile=p3]"], cwd=tmp_path, check=True)
    sent = (tmp_path / "p3.jpg").read_bytes()
    assert any(name.startswith("ICC") for name in pictures.metadata(sent))
    for profile, kept in (("wide", True), ("photos", False)):
        upload = world.publish(sent, {"profile": profile})
        assert upload["state"] == "published", upload
        for query in ("", "?width=160", "?width=160&format=webp", "?width=160&format=png"):
            status, _, data = world.gateway.request("GET", path_of(upload) + query)
            assert status == 200, (profile, query, data)
            seen = pictures.metadata(data)
            assert ("ICC_Profile:RedMatrixColumn" in seen) == kept, (profile, query, seen)
            if kept:  # Display P3's red, whatever the profile is called
                red, green, _ = map(float, seen["ICC_Profile:RedMatrixColumn"].split())
                assert (round(red, 2), round(green, 2)) == (0.52, 0.24), (query, seen)
