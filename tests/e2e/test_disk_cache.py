"""The disk cache of images of a distant store: full, damaged or cut off, what is served is right, or is not served."""
import contextlib
import hashlib
import http.client
import os
import subprocess

import pytest
from test_images import path_of

from tests.rig import pictures
from tests.rig import stack as parts


@pytest.fixture(scope="module")
def photo():
    return pictures.photo(1600, 1200, seed=220)


def with_cache(world, folder):
    world.gateway.environment |= {"PHOTOGATE_DELIVERY_DISK_CACHE": "64MiB", "PHOTOGATE_DELIVERY_DISK_CACHE_PATH": str(folder),
                                  "PHOTOGATE_DELIVERY_MEMORY_CACHE": "0"}
    world.gateway.start()
    return world


def files(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.stat().st_size > 1000)


def get(world, path, **headers):
    return world.gateway.request("GET", path, headers=headers)


def digest(answer):
    assert answer[0] == 200, answer
    return hashlib.sha256(answer[2]).hexdigest()


def metric(world, name):
    told = world.gateway.request("GET", "/metrics", port=world.gateway.metrics_port)[2].decode()
    return sum(float(line.rsplit(" ", 1)[1]) for line in told.splitlines() if line.startswith(name))


def kept(world, folder, path, wanted, count=1):
    """Asked for until it is on the disk: at the start the folder is read first."""
    def look():
        assert digest(get(world, path)) == wanted
        return len(files(folder)) == count

    parts.wait_until(look, 20, "the image on the disk")


def test_damaged_files_cost_a_look_into_the_store_and_no_wrong_byte(own_world, photo, tmp_path):
    folder = tmp_path / "cache"
    world = with_cache(own_world(start=False), folder)
    path = path_of(world.publish(photo))
    whole = get(world, path)
    wanted = digest(whole)
    kept(world, folder, path, wanted)
    hits = metric(world, 'photogate_image_cache_requests_total{cache="disk",result="hit"}')
    assert digest(get(world, path)) == wanted
    assert metric(world, 'photogate_image_cache_requests_total{cache="disk",result="hit"}') == hits + 1

    def flip(data):
        return data[:70_000] + bytes([data[70_000] ^ 1]) + data[70_001:]

    damages = {"one bit": flip, "cut off": lambda data: data[:len(data) // 2], "empty": lambda data: b"", "zeros": lambda data: bytes(len(data)),
               "longer": lambda data: data + b"more", "another": lambda data: os.urandom(len(data))}
    for name, damage in damages.items():
        (file,) = files(folder)
        file.write_bytes(damage(file.read_bytes()))
        assert digest(get(world, path)) == wanted, name
        status, _, part = get(world, path, Range="bytes=69990-70010")
        assert (status, part) == (206, whole[2][69_990:70_011]), name
        kept(world, folder, path, wanted)
    assert metric(world, "photogate_disk_cache_damaged_total") >= 1
    # Across a restart, with a stranger's files in it.
    world.gateway.stop()
    (file,) = files(folder)
    file.write_bytes(flip(file.read_bytes()))
    (file.parent / "stranger").write_bytes(bytes(5000))
    (file.parent / (file.name + ".part")).write_bytes(bytes(5000))
    world.gateway.start()
    for _ in range(3):
        assert digest(get(world, path)) == wanted


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts, which only root may")
def test_a_full_disk_keeps_nothing_and_fails_nobody(own_world, photo, tmp_path):
    folder = tmp_path / "cache"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=0777", "tmpfs", folder], capture_output=True).returncode != 0:
        pytest.skip("this needs the right to mount a tmpfs")
    try:
        world = with_cache(own_world(start=False), folder)
        path = path_of(world.publish(photo))
        wanted = digest(get(world, path))
        for _ in range(5):
            assert digest(get(world, path)) == wanted
        for width in (320, 640, 960):
            status, _, body = get(world, f"{path}?width={width}")
            assert status == 200 and body[:2] == b"\xff\xd8"
        parts.wait_until(lambda: metric(world, "photogate_disk_cache_refused_total") >= 1, 20, "the disk to refuse")
        assert not list(folder.rglob("*.part")), "what could not be written is gone"
        world.gateway.stop()
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.kills
def test_killed_before_a_file_has_its_name_nothing_of_it_is_served(failpoint_world, photo, tmp_path):
    folder = tmp_path / "cache"
    world = with_cache(failpoint_world(start=False), folder)
    path = path_of(world.publish(photo))
    wanted = digest(get(world, path))
    world.gateway.stop()
    for each in files(folder):
        each.unlink()
    world.gateway.environment["PHOTOGATE_FAILPOINTS"] = "before_disk_cache_rename=kill"
    world.gateway.start()

    def ask():
        with contextlib.suppress(OSError, http.client.HTTPException):
            get(world, path)
        return not world.gateway.running()

    parts.wait_until(ask, 30, "the kill")
    assert [each.suffix for each in files(folder)] == [".part"]
    del world.gateway.environment["PHOTOGATE_FAILPOINTS"]
    world.gateway.start()
    kept(world, folder, path, wanted)
    assert not list(folder.rglob("*.part"))
