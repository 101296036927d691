"""Resumable uploads behind nginx and HAProxy as etc/ configures them: what comes of interim answers (104), and of a cut."""
import contextlib
import pathlib
import re
import select
import subprocess
import time

import pytest

from scripts import haproxy, nginx
from tests.rig import pictures
from tests.rig import resumable as wire

FRONTS = {"nginx": nginx, "haproxy": haproxy}
ON_ITS_WAY = 1.5  # seconds: HAProxy drops what it holds when its client goes


@pytest.fixture(scope="module")
def photo():
    return pictures.noise(600, 450, seed=2301)  # 500 kB


@pytest.fixture(scope="module")
def front(minio_world, tmp_path_factory):
    """front(name, interim_responses): this proxy before a gateway of its own."""
    folder, made = tmp_path_factory.mktemp("fronts"), {}
    with contextlib.ExitStack() as opened:

        def make(name, interim):
            if (name, interim) not in made:
                gateway = minio_world.another("serve", f"behind-{name}-{interim}")
                gateway.environment["PHOTOGATE_SERVER_INTERIM_RESPONSES"] = interim
                opened.enter_context(gateway.start())
                made[name, interim] = opened.enter_context(FRONTS[name].in_front(folder / f"{name}-{interim}", f"127.0.0.1:{gateway.port}"))
            return made[name, interim]

        yield make


def whole(version):
    return {**wire.draft(version), **wire.completeness(version, True), "Content-Type": "image/jpeg"}


def url_behind(proxy, created):
    return wire.behind(proxy, created["upload"]["resumable"]["url"])


def curl(version, url, path, *words):
    """(its exit code, [the head of each answer]) of a draft's upload by curl, which speaks HTTP/2 too."""
    fields = [word for name, value in {**whole(version), "Expect": ""}.items() for word in ("-H", f"{name}: {value}")]
    done = subprocess.run(["curl", "-skv", *words, "-T", path, *fields, url], capture_output=True, text=True, timeout=90)
    heads, lines = [], re.findall(r"^< (.*?)\s*$", done.stderr, re.M)
    for line in lines:
        if line.startswith("HTTP/"):
            heads.append({"status": int(line.split()[1])})
        elif ":" in line:
            heads[-1][line.split(":", 1)[0].lower()] = line.split(":", 1)[1].strip()
    return done.returncode, heads


# ---- what a cut costs ----

@pytest.mark.parametrize("name, interim", [("nginx", "auto"), ("haproxy", "always")])
def test_what_came_before_a_cut_is_kept(minio_world, front, photo, name, interim):
    """A proxy that gathers the body first would have passed on none of it."""
    proxy = front(name, interim)
    created = minio_world.create({"size": len(photo)})
    url = url_behind(proxy, created)
    with wire.Open("PATCH", url, {**wire.TUS_CONTENT, "Upload-Offset": "0"}, len(photo)) as slow:
        slow.send(photo[:200_000])
        time.sleep(ON_ITS_WAY)
    offset = wire.offset_once(url, 150_000)
    assert 150_000 <= offset <= 200_000
    assert wire.patch(url, offset, photo[offset:]).status == 204
    wire.is_published(minio_world, created, photo)


# ---- 104 ----

@pytest.mark.large
@pytest.mark.parametrize("version", wire.VERSIONS)
def test_haproxy_passes_104_on(minio_world, front, photo, version):
    proxy = front("haproxy", "always")
    created = minio_world.create({"size": len(photo)})
    with wire.Open("PUT", url_behind(proxy, created), whole(version), len(photo)) as connection:
        status, interim = connection.interim()
        assert status == 104 and interim["upload-draft-interop-version"] == str(version)
        connection.send(photo[:200_000])
        time.sleep(ON_ITS_WAY)
    url = wire.behind(proxy, interim["location"])
    offset = wire.offset_once(url, 150_000, wire.draft(version))
    assert 150_000 <= offset < len(photo)
    assert wire.draft_patch(version, url, offset, photo[offset:], True).status == 200
    wire.is_published(minio_world, created, photo)


@pytest.mark.large
def test_haproxy_passes_on_how_much_is_kept(minio_world, front):
    photo = pictures.noise(1400, 1000, seed=2302)
    proxy = front("haproxy", "always")
    created = minio_world.create({"size": len(photo)})
    with wire.Open("PUT", url_behind(proxy, created), whole(6), len(photo)) as connection:
        assert connection.interim()[0] == 104
        sent, told = 0, None
        while told is None:
            assert sent < len(photo), "no progress was told"
            connection.send(photo[sent:sent + 300_000])
            sent += 300_000
            if select.select([connection.socket], [], [], 2.2)[0]:
                status, seen = connection.interim()
                told = int(seen["upload-offset"])
                assert status == 104 and 0 < told <= sent
        reply = connection.send(photo[sent:]).answer()
    assert reply.status == 200
    wire.is_published(minio_world, created, photo)


@pytest.mark.large
def test_haproxy_passes_104_on_over_http_2(minio_world, front, photo, tmp_path):
    proxy = front("haproxy", "always")
    (tmp_path / "photo.jpg").write_bytes(photo)
    created = minio_world.create({"size": len(photo)})
    code, heads = curl(6, url_behind(proxy, created), tmp_path / "photo.jpg", "--http2", "--limit-rate", "100k", "--max-time", "2")
    assert code == 28 and [each["status"] for each in heads] == [104], "cut after two seconds"
    url = wire.behind(proxy, heads[0]["location"])
    offset = wire.offset_once(url, 1, wire.draft(6))
    assert 0 < offset < len(photo)
    assert wire.draft_patch(6, url, offset, photo[offset:], True).status == 200
    wire.is_published(minio_world, created, photo)


@pytest.mark.large
@pytest.mark.parametrize("name", FRONTS)
def test_auto_sends_no_104_to_a_proxy_and_the_draft_works_without(minio_world, front, photo, tmp_path, name):
    proxy = front(name, "auto")
    (tmp_path / "photo.jpg").write_bytes(photo)
    for protocol in ("--http1.1", "--http2"):
        created = minio_world.create({"size": len(photo)})
        code, heads = curl(8, url_behind(proxy, created), tmp_path / "photo.jpg", protocol)
        assert code == 0 and [each["status"] for each in heads] == [200]
        wire.is_published(minio_world, created, photo)
    created = minio_world.create({"size": len(photo)})
    empty = wire.call("POST", url_behind(proxy, created), {**wire.draft(6), **wire.completeness(6, False)}, b"")
    assert empty.status == 201
    url = wire.behind(proxy, empty.headers["location"])
    assert wire.draft_patch(6, url, 0, photo[:1000], False).offset == 1000
    assert wire.draft_patch(6, url, 1000, photo[1000:], True).status == 200
    wire.is_published(minio_world, created, photo)


@pytest.mark.large
@pytest.mark.parametrize("protocol, seen", [("--http1.1", []), ("--http2", [104])])
def test_nginx_takes_104_for_the_final_answer(minio_world, front, photo, tmp_path, protocol, seen):
    """Why `always` is not for nginx: the upload is published, and its client waits in vain for an answer."""
    proxy = front("nginx", "always")
    (tmp_path / "photo.jpg").write_bytes(photo)
    created = minio_world.create({"size": len(photo)})
    code, heads = curl(6, url_behind(proxy, created), tmp_path / "photo.jpg", protocol, "--max-time", "4")
    assert code == 28 and [each["status"] for each in heads] == seen
    wire.is_published(minio_world, created, photo)
    # The next client is served.
    created = minio_world.create({"size": len(photo)})
    assert wire.patch(url_behind(proxy, created), 0, photo).status == 204
    wire.is_published(minio_world, created, photo)


def test_page_names_a_setting_for_each_proxy():
    page = (pathlib.Path(nginx.parts.ROOT) / "docs" / "resumable.md").read_text()
    for name, setting in (("nginx", "auto"), ("HAProxy", "always")):
        assert re.search(rf"^\| {name} .*`{setting}`", page, re.M), name
