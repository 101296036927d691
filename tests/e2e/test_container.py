"""The container image: built from Containerfile, and run as docs/containers.md says, by podman."""
import json
import os
import pathlib
import re
import subprocess
import time

import pytest

from scripts import local_gateway
from tests.rig import containers, pictures
from tests.rig import stack as parts

pytestmark = [pytest.mark.drills, pytest.mark.skipif(bool(containers.missing()), reason=containers.missing() or "-")]

DEFAULT_PROFILE = pathlib.Path("/usr/share/containers/seccomp.json")


@pytest.fixture(scope="module")
def podman():
    made = containers.Podman()
    yield made
    made.close()


@pytest.fixture(scope="module")
def image(podman):
    return podman.photogate()


@pytest.fixture(scope="module")
def standalone(podman, image):
    return podman.photogate("standalone")


@pytest.fixture
def contained(podman, image, minio_world):
    """contained(NAME, role=…): a gateway in a container beside the world's own, started unless `start` says otherwise."""
    made = []

    def make(name, role="all", options=(), start=True):
        gateway = containers.ContainerGateway(podman, image, name, minio_world, role, options)
        made.append(gateway)
        return gateway.start(seconds=120) if start else gateway

    yield make
    for gateway in made:
        gateway.__exit__()
        podman("rm", "--force", "--ignore", gateway.name, check=False)


def published(gateway, world, photo):
    created = gateway.create({"size": len(photo)}, world.app)
    status, answer = local_gateway.send(created["upload"], photo)
    assert status == 200, answer
    upload = gateway.wait_for(created, 120, world.app)
    assert upload["state"] == "published", upload
    return upload


def processes(gateway):
    """(user, state, command) of each in the container, as the kernel tells it there."""
    script = 'for p in /proc/[0-9]*; do read -r name <$p/comm && set -- $(grep -E "^(State|Uid|CapEff|Seccomp):" $p/status | cut -f 2) && echo "$name $*"; done'
    return [line.split() for line in gateway.inside("bash", "-c", script).stdout.splitlines()]


def test_image_says_what_it_is(podman, image):
    told = json.loads(podman("image", "inspect", image).stdout)[0]
    config = told["Config"]
    assert config["User"] == "10001:10001" and config["StopSignal"] in ("SIGTERM", "15")
    assert config["Entrypoint"] == ["/usr/bin/photogate"] and set(config["ExposedPorts"]) == {"8080/tcp", "9180/tcp"}
    assert told["HealthCheck" if "HealthCheck" in told else "Healthcheck"]["Test"] == ["CMD", "/usr/libexec/photogate/healthcheck"]
    labels = config["Labels"]
    version = re.search(r"project\(photogate VERSION (\S+)", (containers.ROOT / "CMakeLists.txt").read_text())[1]
    assert labels["org.opencontainers.image.version"] == version and labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    for name in ("title", "description", "vendor", "url", "source", "documentation", "revision", "base.name"):
        assert labels[f"org.opencontainers.image.{name}"], name
    assert not [name for name in config["Env"] if not name.startswith(("PATH=", "container="))], "no variable overrides a mounted configuration"


def test_image_has_no_compiler_and_nothing_that_gains_privileges(podman, image):
    found = podman("run", "--rm", "--user", "0", "--network", "none", "--entrypoint", "sh", image, "-c",
                   "command -v g++ gcc cmake git python3 curl; ls /var/lib/apt/lists; find / -xdev -name '*.gch'; photogate --version; id photogate").stdout
    version, identity = found.split("\n", 1)
    assert version.startswith("photogate ") and identity.startswith("uid=10001(photogate) gid=10001(photogate)"), found


def test_image_has_a_bill_of_its_materials(podman, image):
    """The versions in it are those that the image has."""
    bill = json.loads(podman("run", "--rm", "--network", "none", "--entrypoint", "cat", image, "/usr/share/doc/photogate/photogate.cdx.json").stdout)
    has = dict(line.split("=", 1) for line in podman("run", "--rm", "--network", "none", "--entrypoint", "dpkg-query", image, "-W", "-f", "${Package}=${Version}\n").stdout.splitlines())
    loaded = {each["name"]: each["version"] for each in bill["components"] if each.get("properties")}
    assert len(loaded) > 50 and loaded == {name: has.get(name) for name in loaded}


def test_gateway_publishes_a_photo_on_a_root_that_can_not_be_written_to(contained, minio_world):
    gateway = contained("all")
    published(gateway, minio_world, pictures.photo(640, 480, orientation=6))
    assert gateway.health() == (0, "")
    status, _, told = gateway.request("GET", "/readyz?verbose")
    assert status == 200 and told["imager"]["jail"] == "tight", told
    landlock = pathlib.Path("/sys/kernel/security/lsm")
    assert told["imager"]["landlock"] > 0 or (landlock.exists() and "landlock" not in landlock.read_text()), told
    assert gateway.inside("touch", "/x", check=False).returncode != 0 and gateway.inside("touch", "/etc/photogate/x", check=False).returncode != 0
    for name, state, *_, user, capabilities, seccomp in processes(gateway):
        assert state != "Z" and user == "10001" and int(capabilities, 16) == 0 and seccomp == "2", name
    assert gateway.stop(60) == 0
    assert '"server.stopped"' in gateway.log.read_text()


def test_gateway_and_worker_in_containers_of_their_own_publish_a_photo(contained, minio_world):
    minio_world.gateway.stop()
    try:
        serving, working = contained("serve", "serve"), contained("work", "work")
        upload = published(serving, minio_world, pictures.photo(640, 480))
        assert serving.health() == working.health() == (0, "")
        with pytest.raises(OSError):
            working.request("GET", "/livez")
        assert upload["image"]["width"] == 640
        metrics = working.request("GET", "/metrics", port=working.metrics_port)[2].decode()
        assert re.search(r'^photogate_queue_oldest_seconds\{queue="jobs"\} 0$', metrics, re.M)
        assert working.stop(60) == 0 and serving.stop(60) == 0
    finally:
        minio_world.gateway.restart()


def test_health_check_says_why_a_gateway_is_not_ready(contained, minio_world):
    gateway = contained("health")
    port = gateway.metrics_port

    def check(**environment):
        words = [word for name, value in environment.items() for word in ("--env", f"{name}={value}")]
        done = gateway.podman("exec", *words, gateway.name, "/usr/libexec/photogate/healthcheck", check=False)
        return done.returncode, done.stdout.strip().splitlines()[-1:] or [""]

    assert check(PHOTOGATE_HEALTH_PORT=port, PHOTOGATE_HEALTH_PATH="/livez") == (0, [""])
    assert check(PHOTOGATE_HEALTH_PORT=1) == (1, ["nothing listens on port 1: is server.metrics_listen set to 0.0.0.0:1?"])
    assert check(PHOTOGATE_HEALTH_PATH="/nowhere")[1][0].startswith("/nowhere answers 404")
    minio_world.stack.postgres.stop()
    try:
        parts.wait_until(lambda: gateway.health()[0] == 1, 30, "a health check that fails")
        assert gateway.health()[1].endswith("/readyz answers 503: not ready: the database does not answer")
        assert check(PHOTOGATE_HEALTH_PATH="/livez") == (0, [""])
    finally:
        minio_world.stack.postgres.start()
        gateway.open_to_container()
    parts.wait_until(lambda: gateway.health()[0] == 0, 60, "a gateway that is ready again")


def profile_without(folder, *calls):
    """The runtime's default seccomp profile, but for these system calls."""
    profile = json.loads(DEFAULT_PROFILE.read_text())
    for rule in profile["syscalls"]:
        rule["names"] = [name for name in rule["names"] if name not in calls]
    path = folder / "seccomp.json"
    path.write_text(json.dumps(profile))
    return "--security-opt", f"seccomp={path}"


def test_imager_is_behind_one_layer_where_the_runtime_withholds_landlock(contained, minio_world, tmp_path):
    gateway = contained("no-landlock", options=profile_without(tmp_path, "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"))
    told = gateway.request("GET", "/readyz?verbose")[2]
    assert told["imager"] == {"jail": "tight", "landlock": 0}
    published(gateway, minio_world, pictures.photo(320, 240))


def test_gateway_does_not_start_where_the_runtime_withholds_seccomp(contained, tmp_path):
    gateway = contained("no-seccomp", options=profile_without(tmp_path, "seccomp"), start=False)
    gateway.launch()
    assert gateway.process.wait(60) not in (0, None)
    assert "system calls can't be filtered" in gateway.log.read_text() or "not tight" in gateway.log.read_text()


def test_standalone_image_keeps_everything_in_one_volume(podman, standalone, tmp_path):
    key = re.search(r"pg_default_\w+", podman("run", "--rm", "--network", "none", standalone, "key", "new", "--app", "default").stdout)[0]
    ports = [parts.free_port() for _ in range(3)]
    volume = f"photogate-test-{os.getpid()}"

    class Standalone(local_gateway.Process):
        def command(self):
            return podman.command("run", "--rm", "--name", volume, "--network", "host", "--no-healthcheck", *containers.HARDENED, "--volume", f"{volume}:/var/lib/photogate",
                                  "--env", f"PHOTOGATE_APP_KEYS={local_gateway.api_key_line(key)}", "--env", f"PHOTOGATE_HEALTH_PORT={ports[1]}",
                                  "--env", f"PHOTOGATE_STORE_PUBLIC_URL=http://127.0.0.1:{ports[2]}", standalone, "all",
                                  "--server-listen", f"127.0.0.1:{ports[0]}", "--server-metrics-listen", f"127.0.0.1:{ports[1]}",
                                  "--store-listen", f"127.0.0.1:{ports[2]}")

    machine = Standalone(containers.release_build(), tmp_path, ports[0], ports[1])
    machine.environment = podman.environment
    app = local_gateway.App("default", key=key, profiles={"default": {}})
    machine.apps = {"default": app}
    try:
        machine.start(seconds=180)
        created = machine.create({"size": len(pictures.photo(640, 480))})
        assert local_gateway.send(created["upload"], pictures.photo(640, 480))[0] == 200
        assert machine.wait_for(created, 120)["state"] == "published"
        assert machine.stop(60) == 0
        machine.start(seconds=180)
        again = machine.request("GET", f"/v1/uploads/{created['id']}", key=key)[2]
        assert again["state"] == "published" and machine.request("GET", "/i/" + again["links"]["image"].rsplit("/", 1)[1])[0] == 200
        assert machine.stop(60) == 0
    finally:
        machine.__exit__()
        podman("rm", "--force", "--ignore", volume, check=False)
        podman("volume", "rm", "--force", volume, check=False)


def test_mistake_in_the_configuration_ends_the_container_with_its_code(podman, image):
    done = podman("run", "--rm", "--network", "none", *containers.HARDENED, image, "serve", check=False)
    assert done.returncode == 78 and "database.url" in done.stderr, done.stderr
    started = time.monotonic()
    assert subprocess.run(podman.command("run", "--rm", "--network", "none", image, "--version"), capture_output=True, text=True,
                          env=podman.environment, timeout=60).stdout.startswith("photogate ")
    assert time.monotonic() - started < 60
