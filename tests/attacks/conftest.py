"""One gateway on MinIO and one on the built-in store for all attacks. After each attack an honest request must be served."""
import pytest

from tests.rig.world import PROFILES, World, release_build

TIGHT = """
[worker]
reconcile_interval = 2
reap_interval = 1
[delivery]
max_versions_per_image = 20
"""


def made(folder, store):
    world = World(release_build(), folder, PROFILES, extra=TIGHT, store=store)
    try:
        world.gateway.start()
        yield world
    finally:
        world.close()


@pytest.fixture(scope="session")
def minio_world(tmp_path_factory):
    yield from made(tmp_path_factory.mktemp("minio"), "minio")


@pytest.fixture(scope="session")
def builtin_world(tmp_path_factory):
    yield from made(tmp_path_factory.mktemp("builtin"), "builtin")


def honest(world):
    status, _, listed = world.request("GET", "/v1/uploads?limit=1")
    assert status == 200, f"after the attack an honest request gets {status}: {listed}"
    assert world.gateway.running()


@pytest.fixture
def world(minio_world):
    yield minio_world
    honest(minio_world)


@pytest.fixture
def builtin(builtin_world):
    yield builtin_world
    honest(builtin_world)


@pytest.fixture
def victim(world):
    """An upload of the app `shop`, whose file has not arrived."""
    return world.create({"size": 1000, "content_type": "image/jpeg"})


def unchanged(world, upload):
    """The upload still waits for its file."""
    found = world.request("GET", f"/v1/uploads/{upload['id']}")[2]
    assert found["state"] == "created", found
    assert world.image(upload)[0] == 404
