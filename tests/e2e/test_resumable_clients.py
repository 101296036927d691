"""Other people's clients of resumable uploads, unmodified: cut off and continued."""
import io
import json
import os
import pathlib
import subprocess

import conftest
import pytest
import tusclient.client

from tests.rig import pictures
from tests.rig import resumable as wire

world = conftest.on_every_store()
ROOT = pathlib.Path(__file__).resolve().parents[2]
NODE_FOLDER = pathlib.Path(os.environ.get("PHOTOGATE_NODE_DIR", ROOT / ".node"))


@pytest.fixture(scope="module")
def photo():
    return pictures.photo(1200, 900, seed=2201)


@pytest.fixture
def file(photo, tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(photo)
    return path


def create(world, data):
    return world.create({"size": len(data), "content_type": "image/jpeg"})


def token_of(world):
    return world.request("POST", "/v1/tokens", {"profile": "photos", "max_uploads": 5})[2]["token"]


def tus_js(file, **options):
    done = subprocess.run(["node", ROOT / "tests/node/tus.mjs", file, json.dumps(options)], cwd=NODE_FOLDER, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and done.stdout, done
    return json.loads(done.stdout)


@pytest.mark.client("`tus-js-client`, Node", "resumable")
def test_tus_js_client_continues_after_cuts(world, photo, file):
    created = create(world, photo)
    with wire.CuttingRelay(world.port, [20_000, 2_000, 60_000]) as relay:
        result = tus_js(file, uploadUrl=relay.url(wire.url_of(world, created)))
        assert result["ok"], result
        assert relay.cuts >= 1
    wire.is_published(world, created, photo)


def test_tus_js_client_creates_with_a_token(world, photo, file):
    place = wire.absolute(world, f"/u/{token_of(world)}/r")
    for with_content in (False, True):
        with wire.CuttingRelay(world.port, [30_000]) as relay:
            # The relay's place makes URLs of the gateway, as a relative Location would.
            result = tus_js(file, endpoint=place if not with_content else relay.url(place), uploadDataDuringCreation=with_content,
                            metadata={"filename": "käse.jpg", "filetype": "image/jpeg"})
        assert result["ok"], result
        upload = {"id": result["url"].rsplit("/", 1)[1]}
        assert wire.is_published(world, upload, photo)["filename"] == "käse.jpg"


def test_tus_js_client_speaks_the_draft(world, photo, file):
    created = create(world, photo)
    url = wire.url_of(world, created)
    empty = wire.call("POST", url, {**wire.draft(5), **wire.completeness(5, False), "Upload-Length": str(len(photo))}, b"")
    with wire.CuttingRelay(world.port, [20_000, 2_000]) as relay:
        result = tus_js(file, uploadUrl=relay.url(wire.absolute(world, empty.headers["location"])), protocol="ietf-draft-05")
        assert result["ok"], result
    wire.is_published(world, created, photo)


@pytest.mark.client("Python, `tuspy`", "resumable")
def test_tuspy_continues_where_it_stopped(world, photo):
    created = create(world, photo)
    url = wire.url_of(world, created)
    first = tusclient.client.TusClient(url).uploader(file_stream=io.BytesIO(photo), url=url, chunk_size=40_000)
    first.upload_chunk()
    assert wire.head(url).offset == 40_000
    second = tusclient.client.TusClient(url).uploader(file_stream=io.BytesIO(photo), url=url, chunk_size=50_000)
    assert second.offset == 40_000
    second.upload()
    wire.is_published(world, created, photo)


def test_tuspy_creates_with_a_token_and_checksums(world, photo):
    place = wire.absolute(world, f"/u/{token_of(world)}/r")
    uploader = tusclient.client.TusClient(place).uploader(file_stream=io.BytesIO(photo), chunk_size=30_000, upload_checksum=True,
                                                          metadata={"filename": "a.jpg", "filetype": "image/jpeg"})
    uploader.upload()
    wire.is_published(world, {"id": uploader.url.rsplit("/", 1)[1]}, photo)


@pytest.mark.client("curl", "resumable")
def test_curl_continues_from_the_offset(world, photo, file, tmp_path):
    created = create(world, photo)
    url = wire.url_of(world, created)
    with wire.CuttingRelay(world.port, [50_000]) as relay:
        assert subprocess.run(["curl", "-s", "-T", file, relay.url(url)], capture_output=True, timeout=60).returncode != 0
    offset = wire.offset_once(url, 1)
    rest = tmp_path / "rest"
    rest.write_bytes(photo[offset:])
    done = subprocess.run(["curl", "-fsS", "-X", "PATCH", "-H", "Tus-Resumable: 1.0.0", "-H", f"Upload-Offset: {offset}",
                           "-H", "Content-Type: application/offset+octet-stream", "--data-binary", f"@{rest}", url], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done
    wire.is_published(world, created, photo)
