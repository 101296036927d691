"""compose.yaml as it is: read as docker compose reads it, and run by podman-compose, with images of PostgreSQL and MinIO that are made here."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
import yaml

from scripts import local_gateway
from tests.rig import containers, kubernetes, pictures
from tests.rig import stack as parts

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHECKER = kubernetes.TOOLS / "compose-check"


def folder_with_secrets(folder):
    """compose.yaml and what is made for it, in a folder as a clone of the repository would be."""
    (folder / "scripts").mkdir(parents=True)
    shutil.copy2(ROOT / "compose.yaml", folder)
    shutil.copy2(ROOT / "scripts" / "compose-secrets", folder / "scripts")
    made = subprocess.run(["sh", folder / "scripts" / "compose-secrets"], capture_output=True, text=True, timeout=60)
    assert made.returncode == 0, made.stderr
    return made.stdout


def read_env(folder):
    return dict(line.split("=", 1) for line in (folder / ".env").read_text().splitlines())


def contents(folder):
    return {path.name: path.read_text() for path in sorted((folder / "secrets").iterdir())}


def test_secrets_are_made_once_at_random_and_for_their_owner_alone(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    folder_with_secrets(one)
    folder_with_secrets(other)
    first = contents(one)
    assert first.keys() == contents(other).keys() and all(first[name] != contents(other)[name] for name in first)
    assert (one / "secrets").stat().st_mode & 0o777 == 0o700
    assert read_env(one) == {"PHOTOGATE_APP_KEYS": local_gateway.api_key_line(first["api_key"])}
    again = subprocess.run(["sh", one / "scripts" / "compose-secrets"], capture_output=True, text=True, timeout=60)
    assert (again.returncode, again.stdout) == (0, "") and contents(one) == first
    assert re.fullmatch(r"pg_default_[0-9a-f]{52}", first["api_key"])
    assert re.fullmatch(r"postgresql://photogate:[0-9a-f]{48}@postgres/photogate", first["database_url"])
    assert first["database_url"].split(":")[2].split("@")[0] == first["postgres_password"]


def test_key_that_does_not_fit_its_hash_is_told(tmp_path):
    folder_with_secrets(tmp_path / "one")
    (tmp_path / "one" / "secrets" / "api_key").unlink()
    done = subprocess.run(["sh", tmp_path / "one" / "scripts" / "compose-secrets"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "remove that line, and run this again" in done.stderr


def test_services_are_hardened_and_no_password_is_in_the_file():
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    for name, service in compose["services"].items():
        assert "no-new-privileges:true" in service["security_opt"], name
        assert name == "postgres" or service["read_only"] and service["cap_drop"] == ["ALL"], name
        assert "privileged" not in service and "healthcheck" in service, name
        assert all(str(port).startswith(("${PHOTOGATE_BIND:-127.0.0.1}:", "127.0.0.1:")) for port in service.get("ports", [])), name
        for variable, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET_KEY|TOKEN|_URL$|_KEYS$", variable) and not variable.endswith("_FILE"):
                assert value.startswith("${") or value == "" or variable == "PHOTOGATE_SERVER_PUBLIC_URL", (name, variable)
    made = {line.split("keep ")[1].strip() for line in (ROOT / "scripts" / "compose-secrets").read_text().splitlines() if re.search(r"\| keep \w", line)}
    assert {pathlib.Path(secret["file"]).name for secret in compose["secrets"].values()} | {"api_key"} == made


@pytest.mark.skipif(not CHECKER.exists(), reason="scripts/install-kubernetes-tools has not been run")
def test_file_is_read_as_docker_compose_reads_it(tmp_path):
    def check():
        return subprocess.run([CHECKER, "compose.yaml"], capture_output=True, text=True, timeout=60, cwd=tmp_path / "one")

    # It reads neither .env nor the environment: first without the one variable that has no default, then with it.
    folder_with_secrets(tmp_path / "one")
    done = check()
    assert done.returncode != 0 and "run scripts/compose-secrets first" in done.stdout + done.stderr
    file = tmp_path / "one" / "compose.yaml"
    file.write_text(re.sub(r"\$\{PHOTOGATE_APP_KEYS:[^}]*\}", read_env(tmp_path / "one")["PHOTOGATE_APP_KEYS"], file.read_text()))
    done = check()
    assert done.returncode == 0, done.stdout + done.stderr
    read = yaml.safe_load(done.stdout)
    assert set(read["services"]) == {"photogate", "migrate", "postgres", "minio", "store-setup"}
    assert read["services"]["photogate"]["depends_on"]["store-setup"]["condition"] == "service_completed_successfully"
    assert {port["host_ip"] for service in read["services"].values() for port in service.get("ports", [])} == {"127.0.0.1"}
    file.write_text(file.read_text().replace("read_only: true", "readonly: true", 1))
    done = check()
    assert done.returncode != 0 and "readonly" in done.stdout + done.stderr


class Composed(local_gateway.Process):
    """All of compose.yaml, run by podman-compose, under another name than that of whoever runs it here in earnest."""

    project = f"photogate-test-{os.getpid()}"

    def __init__(self, podman, folder, images):
        super().__init__(containers.release_build(), folder, 8080, 9180)
        self.podman, self.environment = podman, {**podman.environment, **images, "PATH": f"{podman.path()}:{os.environ['PATH']}"}
        key = (folder / "secrets" / "api_key").read_text()
        self.apps = {"default": local_gateway.App("default", key=key, profiles={"default": {}})}

    def compose(self, *arguments, timeout=300):
        return subprocess.run([sys.executable, "-m", "podman_compose", "--project-name", self.project, *arguments], capture_output=True, text=True, timeout=timeout, cwd=self.folder,
                              env=self.environment)

    def up(self):
        """Step by step, each waiting for what the next depends on: podman of Debian 12 knows no such conditions, and runs health checks when it
        is told to."""
        self.start_services("postgres", "minio")
        for name in ("postgres", "minio"):
            parts.wait_until(lambda name=name: self.is_healthy(name), 120, f"a healthy {name}", lambda: True)
        self.start_services("migrate", "store-setup")
        for name in ("migrate", "store-setup"):
            assert self.podman("wait", self.container(name)).stdout.strip() == "0", self.podman("logs", self.container(name)).stdout
        self.start_services("photogate")
        parts.wait_until(lambda: self.is_healthy("photogate"), 120, "a healthy photogate", lambda: True)

    def start_services(self, *names):
        done = self.compose("up", "--detach", "--no-build", "--no-deps", *names)
        assert done.returncode == 0, done.stdout + done.stderr

    def container(self, service):
        return f"{self.project}_{service}_1"

    def is_healthy(self, service):
        return self.podman("healthcheck", "run", self.container(service), check=False).returncode == 0

    def answers(self):
        try:
            return self.request("GET", "/readyz")[0] == 200
        except OSError:
            return False


@pytest.fixture(scope="module")
def composed(tmp_path_factory):
    if reason := containers.missing():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("compose") / "photogate"
    folder_with_secrets(folder)
    podman = containers.Podman()
    images = {"PHOTOGATE_IMAGE": podman.photogate(), "POSTGRES_IMAGE": podman.postgres(), "MINIO_IMAGE": podman.minio()}
    made = Composed(podman, folder, images)
    try:
        made.up()
        yield made
    finally:
        print(made.compose("logs").stdout[-6000:])
        made.compose("down", "--volumes")
        podman.close()


def publish(composed, photo):
    created = composed.create({"size": len(photo)})
    assert created["upload"]["url"].startswith("http://127.0.0.1:9000/photogate-incoming/")
    status, answer = local_gateway.send(created["upload"], photo)
    assert status == 200, answer
    upload = composed.wait_for(created, 120)
    assert upload["state"] == "published", upload
    return upload


@pytest.mark.drills
def test_everything_comes_up_and_publishes_a_photo_announced_by_an_event(composed):
    upload = publish(composed, pictures.photo(640, 480))
    timeline = composed.request("GET", f"/v1/uploads/{upload['id']}/timeline", key=composed.apps["default"].key)[2]["data"]
    assert "event" in json.dumps(timeline), timeline
    image = "/i/" + upload["links"]["image"].rsplit("/", 1)[1]
    assert composed.request("GET", image)[0] == 200
    doctor = composed.podman("exec", composed.container("photogate"), "photogate", "doctor")
    assert "FAILED" not in doctor.stdout and re.search(r"^has +default: events +an event came from the store to the gateway", doctor.stdout, re.M), doctor.stdout
    assert re.search(r"^ok +imager.jail", doctor.stdout, re.M), doctor.stdout


@pytest.mark.drills
def test_everything_is_there_after_down_and_up(composed):
    upload = publish(composed, pictures.photo(320, 240))
    assert composed.compose("down").returncode == 0
    assert not composed.answers()
    composed.up()
    assert composed.request("GET", f"/v1/uploads/{upload['id']}", key=composed.apps["default"].key)[2]["state"] == "published"
    publish(composed, pictures.photo(320, 240, seed=2))


@pytest.mark.drills
def test_no_container_shows_a_secret_in_its_configuration(composed):
    secrets = [line for name, text in contents(composed.folder).items() for line in re.findall(r"[0-9a-f]{40,}|whsec_\S+", text)]
    assert len(secrets) >= 8
    listed = composed.podman("ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={composed.project}").stdout.split()
    assert len(listed) == 5
    told = composed.podman("inspect", *listed).stdout
    assert not [secret for secret in secrets if secret in told]
