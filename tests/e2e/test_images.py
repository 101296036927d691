"""Public images of the real program: what the row answers without the store, the very object that was published and no other, and
what readers that take nothing may cost."""
import contextlib
import hashlib
import socket
import struct
import subprocess
import time
import zlib

import boto3
import botocore.config
import conftest
import pytest
from test_waits import metric

from tests.rig import bad_requests, pictures
from tests.rig import stack as parts
from tests.rig.raw_http import Raw

world = conftest.on_every_store()
KIB = 1024


def path_of(upload):
    return "/i/" + upload["links"]["image"].rsplit("/", 1)[1]


def noisy(world, seed, side=1400):
    """A published image of a megabyte and more: noise does not compress."""
    return world.publish(pictures.noise(side, side, seed=seed))


def test_an_image_comes_whole_and_in_ranges(world):
    upload = noisy(world, 91)
    path, size = path_of(upload), upload["image"]["size"]
    assert size > 300 * KIB, "several pieces"
    status, headers, whole = world.gateway.request("GET", path)
    assert (status, len(whole), int(headers["content-length"])) == (200, size, size)
    assert hashlib.sha256(whole).hexdigest() == column(world, upload, "image_sha256")
    for first, last in ((0, 0), (0, size - 1), (32 * KIB - 1, 32 * KIB), (100, 200_000), (size - 1, size - 1), (size - 70_000, size + 5)):
        status, headers, part = world.gateway.request("GET", path, headers={"Range": f"bytes={first}-{last}"})
        assert (status, part) == (206, whole[first:last + 1]), (first, last)
        assert headers["content-range"] == f"bytes {first}-{min(last, size - 1)}/{size}"
    with Raw(world.port) as client:  # the connection serves on behind a body
        for _ in range(3):
            assert client.ask(bad_requests.head(f"GET {path} HTTP/1.1")).body == whole


def test_what_the_row_knows_is_answered_without_the_store(world):
    upload = world.publish(pictures.photo(seed=92))
    path, size = path_of(upload), upload["image"]["size"]
    _, published, _ = world.gateway.request("HEAD", path)
    s3(world).delete_object(Bucket=world.stack.minio.public, Key=upload_key(world, upload))
    status, headers, body = world.gateway.request("HEAD", path)
    assert (status, int(headers["content-length"]), body) == (200, size, b"")
    assert {name: headers[name] for name in ("etag", "last-modified", "content-type", "cache-control")} == {
        name: published[name] for name in ("etag", "last-modified", "content-type", "cache-control")}
    # A range is asked of a GET alone.
    assert world.gateway.request("HEAD", path, headers={"Range": "bytes=0-9"})[0] == 200
    assert world.gateway.request("GET", path, headers={"If-None-Match": published["etag"]})[0] == 304
    assert world.gateway.request("GET", path, headers={"If-Match": '"other"'})[0] == 412
    status, headers, _ = world.gateway.request("GET", path, headers={"Range": f"bytes={size}-"})
    assert (status, headers["content-range"]) == (416, f"bytes */{size}")
    assert world.gateway.request("GET", path)[0] == 410


def s3(world):
    store = world.stack.minio
    return boto3.client("s3", endpoint_url=store.endpoint, aws_access_key_id=store.root.access, aws_secret_access_key=store.root.secret,
                        region_name="us-east-1", config=botocore.config.Config(s3={"addressing_style": "path"}))


def column(world, upload, name):
    return world.sql(f"select {name} from uploads where id = '{upload['id']}'").strip()


def upload_key(world, upload):
    return column(world, upload, "image_key")


def test_parameters_that_are_not_ours_follow_the_configuration(gateways, minio_world):
    upload = minio_world.publish(pictures.photo(320, 240, seed=97))
    path = path_of(upload)
    foreign = "utm_source=x&fbclid=y&utm_source=z&=&%20=1"
    for setting, plain, mixed in (("ignored", 200, 200), ("redirected", 301, 301), ("refused", 400, 400)):
        gateway = gateways({"PHOTOGATE_DELIVERY_UNKNOWN_PARAMETERS": setting})
        assert gateway.request("GET", path)[0] == gateway.request("GET", f"{path}?v=1")[0] == 200
        status, headers, _ = gateway.request("GET", f"{path}?{foreign}")
        assert status == plain and headers.get("location") == (path if status == 301 else None)
        status, headers, _ = gateway.request("GET", f"{path}?{foreign}&v=a%2Fb")
        assert status == mixed and headers.get("location") == (f"{path}?v=a%2Fb" if status == 301 else None)
        assert gateway.request("GET", f"{path}?v=1&v=2")[0] == 400


@pytest.mark.parametrize("size", ["same", "shorter"])
def test_another_object_in_its_place_is_never_served(world, size):
    upload = world.publish(pictures.photo(seed=93))
    path, length = path_of(upload), upload["image"]["size"]
    foreign = b"<script>alert(1)</script>".ljust(length if size == "same" else 30)
    s3(world).put_object(Bucket=world.stack.minio.public, Key=upload_key(world, upload), Body=foreign)
    before = metric(world.gateway, "photogate_images_changed_total")
    for headers in ({}, {"Range": f"bytes={length - 5}-"}):
        status, _, problem = world.gateway.request("GET", path, headers=headers)
        assert (status, problem["code"]) == (503, "store_unavailable"), problem
        assert "another object" in problem["detail"]
    assert metric(world.gateway, "photogate_images_changed_total") == before + 2
    assert "image.changed" in world.gateway.log.read_text(errors="replace")


def stalled(port, path, count):
    """Readers that take the head at most. With small segments the kernel buffers little of the rest on the other side."""
    made = []
    for _ in range(count):
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        client.connect(("127.0.0.1", port))
        client.sendall(bad_requests.head(f"GET {path} HTTP/1.1"))
        made.append(client)
    return made


def test_readers_that_take_nothing_are_bounded_in_memory_and_in_time(gateways, minio_world):
    gateway = gateways(image_buffers="1MiB", write_timeout="3s")
    upload = noisy(minio_world, 94, 2000)
    path, size = path_of(upload), upload["image"]["size"]
    assert size > 1_000_000, "more than the kernel takes for one"
    assert gateway.request("GET", path)[0] == 200
    readers = stalled(gateway.port, path, 60)
    try:
        parts.wait_until(lambda: metric(gateway, "photogate_images_refused_total") > 0, 60, "the budget to be spent")
        assert metric(gateway, "photogate_image_buffer_bytes") <= 1024 * KIB
        with Raw(gateway.port) as client:
            answer = client.ask(bad_requests.head(f"GET {path} HTTP/1.1"))
            assert (answer.status, answer.code) == (503, "overloaded") and int(answer.headers["retry-after"]) > 0
            # The row's answers, and everything else, go on.
            assert client.ask(bad_requests.head(f"HEAD {path} HTTP/1.1"), "HEAD").status == 200
            assert client.ask(bad_requests.head("GET /livez HTTP/1.1")).status == 200
        # Whoever takes nothing is cut off, and others have the memory.
        parts.wait_until(lambda: metric(gateway, "photogate_image_buffer_bytes") == 0, 60, "the readers to be cut off")
        assert gateway.request("GET", path)[0] == 200
    finally:
        for reader in readers:
            reader.close()


def test_a_slow_reader_gets_the_whole_image_although_the_stores_connection_was_given_back(gateways, minio_world):
    gateway = gateways()
    upload = noisy(minio_world, 95, 2000)
    client, = stalled(gateway.port, path_of(upload), 1)
    with contextlib.closing(client):
        time.sleep(2.5)  # it rests after one second
        assert metric(gateway, "photogate_image_buffer_bytes") == 32 * KIB
        client.settimeout(20)
        got = bytearray()
        while b"\r\n\r\n" not in got or len(got) < got.index(b"\r\n\r\n") + 4 + upload["image"]["size"]:
            got += client.recv(1 << 20)
    assert hashlib.sha256(got[got.index(b"\r\n\r\n") + 4:]).hexdigest() == column(minio_world, upload, "image_sha256")
    parts.wait_until(lambda: metric(gateway, "photogate_image_buffer_bytes") == 0, 60, "the memory to be given back")


def test_a_reader_that_leaves_gives_its_memory_back(gateways, minio_world):
    gateway = gateways()
    path = path_of(noisy(minio_world, 94, 2000))
    readers = stalled(gateway.port, path, 20)
    parts.wait_until(lambda: metric(gateway, "photogate_image_buffer_bytes") > 0, 60, "the readers to be served")
    for reader in readers:
        reader.close()
    parts.wait_until(lambda: metric(gateway, "photogate_image_buffer_bytes") == 0, 60, "the memory to be given back")


def test_colours_and_bytes_of_a_published_image(world, tmp_path):
    """Display P3 told by cICP alone becomes sRGB, and a hard-compressed upload does not grow."""
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"".join(b"\0" + bytes((179, 46, 37)) * 64 for _ in range(64))
    tagged = (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0)) + chunk(b"cICP", bytes((12, 13, 0, 1)))
              + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
    _, _, image = world.gateway.request("GET", path_of(world.publish(tagged, {"content_type": "image/png"})))
    shown = tmp_path / "shown"
    shown.write_bytes(image)
    point = subprocess.run(["vips", "getpoint", shown, "30", "30"], capture_output=True, check=True, text=True).stdout
    assert all(abs(float(got) - wanted) <= 3 for got, wanted in zip(point.split(), (195, 25, 24), strict=True)), point

    (tmp_path / "photo.jpg").write_bytes(pictures.photo(seed=93))
    subprocess.run(["vips", "copy", tmp_path / "photo.jpg", f"{tmp_path / 'hard.jpg'}[Q=25,strip]"], check=True)
    hard = (tmp_path / "hard.jpg").read_bytes()
    assert world.publish(hard)["image"]["size"] <= len(hard)
