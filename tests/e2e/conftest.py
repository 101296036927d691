"""One real stack, one gateway and one receiver for the whole run; tests that break things start their own."""
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import local_gateway  # noqa: E402
import stack as parts  # noqa: E402
import webhook_receiver  # noqa: E402

# Rounds that are minutes in service, made short enough to wait for.
QUICK_ROUNDS = """
[worker]
reconcile_interval = 2
reap_interval = 1
"""


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes more than a few seconds; ./test --quick passes over it")


@pytest.fixture(scope="session")
def build_dir():
    return pathlib.Path(os.environ.get("PHOTOGATE_BUILD_DIR", ROOT / "build" / "release"))


@pytest.fixture(scope="session")
def program(build_dir):
    return build_dir / "photogate"


class World:
    """A stack, a gateway and an app server's receiver, on ports that stay the same over restarts."""

    def __init__(self, build_dir, folder, profiles=None, extra=QUICK_ROUNDS, apps=(), role="all", **stack_options):
        self.port, self.metrics_port = parts.free_port(), parts.free_port()
        self.stack = parts.Stack(events_url=f"http://127.0.0.1:{self.port}/v1/events/minio", **stack_options)
        self.stack.start()
        secret = local_gateway.new_callback_secret()
        self.receiver = webhook_receiver.Receiver(secret)
        self.app = local_gateway.App("shop", self.receiver.url, profiles, secret=secret)
        self.other = local_gateway.App("other", None, {"photos": {}})
        self.operator = local_gateway.App("ops", role="operator")
        self.gateway = local_gateway.Gateway(build_dir, folder, self.stack, self.port, self.metrics_port,
                                             [self.app, self.other, self.operator, *apps], extra, role)

    def request(self, method, path, body=None, headers=None, key=None):
        return self.gateway.request(method, path, body, headers, self.app.key if key is None else key)

    def create(self, body=None, headers=None):
        return self.gateway.create(body, self.app, headers)

    def upload(self, data, body=None):
        """Through the grant to the store; the upload as it was created."""
        created = self.create({"size": len(data), **(body or {})})
        status, answer = local_gateway.send(created["upload"], data)
        assert status in (200, 201, 204), answer
        return created

    def publish(self, data, body=None, seconds=60):
        return self.gateway.wait_for(self.upload(data, body), seconds)

    def image(self, upload, headers=None):
        return self.gateway.request("GET", "/i/" + upload["links"]["image"].rsplit("/", 1)[1], headers=headers)

    def sql(self, statement):
        return self.stack.postgres.sql(statement)

    def close(self):
        self.gateway.__exit__()
        self.receiver.close()
        self.stack.close()


PROFILES = {"photos": {}, "small": {"max_size": 100_000, "max_edge": 320},
            "strip": {"publish": '"strip"'}, "keep": {"original": '"keep"'}}


def shared_world(build_dir, folder, store):
    made = World(build_dir, folder, PROFILES, store=store)
    try:
        made.gateway.start()
        yield made
    finally:
        made.close()


@pytest.fixture(scope="session")
def minio_world(build_dir, tmp_path_factory):
    yield from shared_world(build_dir, tmp_path_factory.mktemp("gateway"), "minio")


@pytest.fixture(scope="session")
def builtin_world(build_dir, tmp_path_factory):
    yield from shared_world(build_dir, tmp_path_factory.mktemp("gateway"), "builtin")


@pytest.fixture
def world(minio_world):
    """On MinIO. A module whose promises hold on every store says so: `world = conftest.on_every_store()`."""
    return minio_world


def on_every_store():
    """The fixture `world` on each store in turn."""

    @pytest.fixture(params=["minio", "builtin"])
    def world(request):
        return request.getfixturevalue(f"{request.param}_world")

    return world


def worlds(build_dir, tmp_path):
    made = []

    def make(start=True, **options):
        made.append(World(build_dir, tmp_path / f"gateway{len(made)}", **options))
        if start:
            made[-1].gateway.start()
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def own_world(build_dir, tmp_path):
    """A world that this test alone has, and may break: own_world(profiles=…, extra=…)."""
    yield from worlds(build_dir, tmp_path)


@pytest.fixture
def failpoint_world(tmp_path):
    """The same, with a build that has failpoints: the one under sanitizers."""
    yield from worlds(pathlib.Path(os.environ.get("PHOTOGATE_FAILPOINT_BUILD_DIR", ROOT / "build" / "asan")), tmp_path)


@pytest.fixture(scope="session")
def corpus():
    folder = os.environ.get("PHOTOGATE_CORPUS")
    if not folder:
        pytest.skip("PHOTOGATE_CORPUS names no folder")
    return pathlib.Path(folder)


@pytest.fixture
def run(program):
    def call(*arguments, env=None):
        return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=60,
                              env={**os.environ, **(env or {})})

    return call
