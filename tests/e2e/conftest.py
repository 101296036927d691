"""One real stack, one gateway and one receiver for the whole run; tests that break things start their own."""
import contextlib
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

import browser as browsers  # noqa: E402

from tests.rig.world import PROFILES, World, failpoint_build, release_build, worlds  # noqa: E402


def pytest_addoption(parser):
    with contextlib.suppress(ValueError):  # the faults have it too
        parser.addoption("--seed", type=int, default=None, help="what chance of the phones follows from")


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes more than a few seconds; ./test --quick passes over it")
    config.addinivalue_line("markers", "large: gigabytes, tens of thousands of files, or minutes; ./test --suites alone runs it")
    config.addinivalue_line("markers", "readers: its result is in the matrix of docs/packages.md, which ./test --suites writes")
    config.addinivalue_line("markers", "client(name, way): shows that this client sends so; docs/clients/README.md has the table, which ./test --suites writes")
    config.addinivalue_line("markers", "drills: what an operator does and sees: alerts, the guides' commands, one machine; ./test --drills alone runs it")
    config.addinivalue_line("markers", "kills: kills a gateway at one step after the other; ./test --faults alone runs it")


def pytest_collection_modifyitems(items):
    """The files that take longest first: workers that share files end together."""
    longest = ["packages", "main_job", "stored_packages", "prepared_packages", "web_upload", "uppy", "package_outcomes", "builtin_store", "package_faults", "variants", "edge",
               "parts", "openapi"]
    place = {f"test_{name}": number for number, name in enumerate(longest)}
    items.sort(key=lambda item: place.get(item.path.stem, len(longest)))
    for item in items:
        item.user_properties += [("client", "|".join(mark.args)) for mark in item.iter_markers("client")]


@pytest.fixture(scope="session")
def build_dir():
    return release_build()


@pytest.fixture(scope="session")
def program(build_dir):
    return build_dir / "photogate"


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


# The built-in store is left to ./test --suites where a test is costly, or where little of what it holds is the store's.
MINIO_FIRST = ["minio", pytest.param("builtin", marks=pytest.mark.large)]


def on_every_store(stores=("minio", "builtin")):
    """The fixture `world` on each store in turn."""

    @pytest.fixture(params=stores)
    def world(request):
        return request.getfixturevalue(f"{request.param}_world")

    return world


@pytest.fixture
def own_world(build_dir, tmp_path):
    """A world that this test alone has, and may break: own_world(profiles=…, extra=…)."""
    yield from worlds(build_dir, tmp_path)


@pytest.fixture
def failpoint_world(tmp_path):
    """The same, with a build that has failpoints: the one under sanitizers."""
    yield from worlds(failpoint_build(), tmp_path)


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


@pytest.fixture(scope="module")
def chromium():
    with browsers.chromium() as browser:
        yield browser


@pytest.fixture
def visit(chromium):
    """Pages of a real Chromium: visit(…), as browser.Visit has it."""
    made = []

    def make(**options):
        made.append(browsers.Visit(chromium, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def gateways(minio_world, tmp_path):
    """gateways(OPTION=value): one more gateway on MinIO that only serves, with these options of [server]; `environment`: further
    variables."""
    made = []

    def start(environment=None, **options):
        gateway = minio_world.another("serve", f"{tmp_path.name}-{len(made)}")
        gateway.environment |= {f"PHOTOGATE_SERVER_{name.upper()}": str(value) for name, value in options.items()}
        gateway.environment |= environment or {}
        made.append(gateway)
        return gateway.start()

    yield start
    for gateway in made:
        gateway.__exit__()
