"""`photogate setup minio` on a MinIO that knows nothing of photogate, up to a published photo that an event announced."""
import os
import pathlib
import shutil
import signal
import subprocess

import pytest
from test_minio_guide import Bare

from scripts import local_gateway
from tests.rig import pictures
from tests.rig import stack as services

pytestmark = pytest.mark.drills


class Place(local_gateway.Process):
    """What setup made in a folder, run."""

    def __init__(self, build_dir, folder, minio):
        super().__init__(build_dir, folder / "data", services.free_port(), services.free_port())
        self.minio, self.events = minio, folder / "events"
        self.environment = {name: "" for name in os.environ if name.startswith("PHOTOGATE_")}

    def command(self):
        return [self.program, "all", "--data", self.folder]

    def setup(self, *arguments, code=0, answer=None, key=None, endpoint=None):
        tools = pathlib.Path(self.minio.binary).parent
        administrator = key or self.minio.root
        done = subprocess.run(
            [self.program, "setup", "minio", "--endpoint", endpoint or self.minio.endpoint, "--data", self.folder, "--events-dir", self.events,
             "--server-listen", f"127.0.0.1:{self.port}", "--server-metrics-listen", f"127.0.0.1:{self.metrics_port}", *map(str, arguments)],
            input=answer or "", capture_output=True, text=True, timeout=180,
            env={"PATH": f"{tools}:/usr/bin:/bin", "AWS_ACCESS_KEY_ID": administrator.access, "AWS_SECRET_ACCESS_KEY": administrator.secret})
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        said = done.stdout + done.stderr
        assert administrator.secret not in said
        for name in ("signer_secret", "worker_secret", "event_tokens", "key"):
            if (self.folder / name).exists():
                assert (self.folder / name).read_text().strip() not in said
        return done

    def standing(self, done):
        """{step: standing} of the plan."""
        plan = done.stdout.split("photogate doctor:")[0].splitlines()
        return {line[14:]: line[:12].strip() for line in plan if line[:12].strip() in ("already so", "to do", "later")}


@pytest.fixture(scope="module")
def place(build_dir):
    folder = pathlib.Path(f"/tmp/photogate-setup-test-{os.getpid()}")
    folder.mkdir(mode=0o755)
    minio = Bare(folder / "minio", folder / "minio.log", True, "", "")
    minio.start()
    made = Place(build_dir, folder, minio)
    yield made
    made.__exit__()
    minio.stop()
    shutil.rmtree(folder, ignore_errors=True)


def test_leads_from_a_bare_store_to_a_photo_that_an_event_announced(place):
    for done in (place.setup("--dry-run"), place.setup(code=1), place.setup(code=1, answer="n\n")):
        plan = place.standing(done)
        assert plan["bucket photogate-incoming"] == plan["user photogate-signer with that policy alone"] == "to do"
        assert "later" in plan.values() and "already so" not in plan.values()
    assert not (place.folder / "photogate.toml").exists(), "nothing was changed"

    first = place.setup(answer="y\n")
    assert "start it (`photogate all`)" in first.stdout
    assert (place.folder / "signer_secret").stat().st_mode & 0o777 == 0o600
    place.start(seconds=90)
    second = place.setup("--yes")
    plan = place.standing(second)
    assert plan["bucket photogate-incoming"] == plan["policy photogate-worker"] == plan["user photogate-worker with that policy alone"] == "already so"
    assert plan["event rule direct of bucket photogate-incoming"] == "to do" and "FAILED" not in second.stdout
    assert "an event came from the store to the gateway" in second.stdout
    assert set(place.standing(place.setup("--dry-run")).values()) == {"already so"}
    assert "to do" not in place.setup().stdout, "no question where there is nothing to do"

    photo, key = pictures.photo(320, 240, seed=9501), (place.folder / "key").read_text().strip()
    created = place.request("POST", "/v1/uploads", {"size": len(photo)}, key=key)[2]
    assert local_gateway.send(created["upload"], photo)[0] == 200
    services.wait_until(lambda: place.request("GET", f"/v1/uploads/{created['id']}", key=key)[2]["state"] == "published", 60, "the photo")


def test_repairs_what_somebody_has_changed_and_nothing_else(place):
    assert place.running(), "the test before has set it up"
    tools = pathlib.Path(place.minio.binary).parent
    environment = {"PATH": f"{tools}:/usr/bin:/bin", "HOME": str(place.folder)}
    changed = ["mc alias set STORE $0 $1 $2", "mc admin policy attach STORE readwrite --user photogate-signer",
               "mc admin user add STORE photogate-worker another-secret-123", "mc anonymous set public STORE/photogate-originals",
               "mc event rm --force STORE/photogate-incoming"]
    subprocess.run(["sh", "-ec", "\n".join(changed), place.minio.endpoint, place.minio.root.access, place.minio.root.secret], check=True,
                   capture_output=True, timeout=120, env=environment)
    plan = place.standing(place.setup("--dry-run"))
    assert {step for step, standing in plan.items() if standing == "to do"} == {
        "user photogate-signer with that policy alone", "user photogate-worker with that policy alone",
        "bucket photogate-originals, which anyone may read or write",
        "event rule direct of bucket photogate-incoming", "event rule queued of bucket photogate-incoming"}, plan
    healed = place.setup("--yes")
    assert "FAILED" not in healed.stdout and set(place.standing(place.setup("--dry-run")).values()) == {"already so"}


def watched(tool, folder, first="true"):
    """`mc`, which writes down its arguments, what `first` does, and then itself."""
    wrapper = folder / "mc"
    wrapper.write_text(f'#!/bin/sh\nprintf "%s " "$@" >> {folder}/arguments\ncase "$*" in *--version*) ;; *) {first} ;; esac\nexec {tool} "$@"\n')
    wrapper.chmod(0o755)
    return wrapper


def test_no_secret_is_among_the_arguments_of_a_process(place, tmp_path):
    assert place.running(), "the first test has set it up"
    tools = pathlib.Path(place.minio.binary).parent
    environment = {"PATH": f"{tools}:/usr/bin:/bin", "HOME": str(tmp_path)}
    subprocess.run(["sh", "-ec", "\n".join(["mc alias set STORE $0 $1 $2", "mc event rm --force STORE/photogate-incoming", "mc admin user rm STORE photogate-signer",
                    "mc admin config reset STORE notify_webhook:direct", "mc admin service restart --json STORE", "mc ready STORE"]),
                    place.minio.endpoint, place.minio.root.access, place.minio.root.secret], check=True, capture_output=True, timeout=120, env=environment)
    healed = place.setup("--yes", "--mc", watched(tools / "mc", tmp_path))
    assert "FAILED" not in healed.stdout and "event targets" in healed.stdout and "to do         user photogate-signer" in healed.stdout
    arguments = (tmp_path / "arguments").read_text()
    assert "admin user add store photogate-signer" in arguments
    for secret in (place.minio.root.secret, *((place.folder / name).read_text().strip() for name in ("signer_secret", "worker_secret", "event_tokens"))):
        assert secret not in arguments
    assert "an event came from the store to the gateway" in place.setup("--yes").stdout, "the target has the right token"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_killed_command_leaves_no_secret_behind(place, tmp_path, number):
    room = tmp_path / "room"
    room.mkdir()
    tools = pathlib.Path(place.minio.binary).parent
    wrapper = watched(tools / "mc", tmp_path, f"touch {tmp_path}/started; exec sleep 600")
    running = subprocess.Popen(
        [place.program, "setup", "minio", "--endpoint", place.minio.endpoint, "--data", tmp_path / "data", "--mc", wrapper], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env={"PATH": "/usr/bin:/bin", "TMPDIR": str(room), "AWS_ACCESS_KEY_ID": place.minio.root.access,
                                     "AWS_SECRET_ACCESS_KEY": place.minio.root.secret})
    services.wait_until((tmp_path / "started").exists, 60, "mc", lambda: running.poll() is None)
    left = [path for path in room.rglob("*") if path.is_symlink()]
    assert left and place.minio.root.secret in left[0].read_text(), "mc reads it, while the command runs"
    running.send_signal(number)
    running.communicate(timeout=30)
    assert [path for path in room.rglob("*") if path.is_file() or path.exists() and not path.is_dir()] == []
    assert not any(path.is_symlink() and path.exists() for path in room.rglob("*"))


def test_says_what_is_in_its_way(place, build_dir, tmp_path):
    wrong = type(place.minio.root)(place.minio.root.access, "not-the-secret-at-all")
    assert "administrator's key is refused" in place.setup("--dry-run", key=wrong, code=1).stderr
    other = f"http://127.0.0.1:{services.free_port()}"
    assert "--endpoint is" in place.setup("--dry-run", endpoint=other, code=78).stderr
    assert "is not MinIO's program mc" in place.setup("--mc", "/bin/true", code=1).stderr
    nobody = Place(build_dir, tmp_path, place.minio)
    assert "does not answer" in nobody.setup("--dry-run", endpoint=other, code=4).stderr
    done = subprocess.run([place.program, "setup", "minio", "--endpoint", place.minio.endpoint], capture_output=True, text=True, timeout=60, cwd=tmp_path,
                          env={"PATH": "/usr/bin:/bin"})
    assert done.returncode == 2 and "AWS_ACCESS_KEY_ID" in done.stderr
