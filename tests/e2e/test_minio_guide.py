"""etc/minio/README.md, command by command, on a MinIO that knows nothing of photogate; then what doctor prints, run as it stands."""
import os
import pathlib
import re
import shutil
import subprocess
import time

import pytest

from scripts import local_gateway
from tests.rig import pictures
from tests.rig import stack as parts
from tests.rig.stack.minio import Minio

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
GUIDE = ROOT / "etc" / "minio" / "README.md"


class Bare(Minio):
    """As it comes: no buckets, users, policies or targets."""

    def _launch(self):
        env = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "MINIO_ROOT_USER": self.root.access, "MINIO_ROOT_PASSWORD": self.root.secret,
               "MINIO_BROWSER": "off", "MINIO_UPDATE": "off"}
        self._spawn([self.binary, "server", "--quiet", "--address", f"127.0.0.1:{self.port}", "--certs-dir", str(self.folder / "certs"),
                     str(self.folder / "drive")], env=env)

    def _set_up(self):
        pass


class Guided(local_gateway.Process):
    """A gateway configured by the guide's own block."""

    def __init__(self, build_dir, folder, toml, minio):
        super().__init__(build_dir, folder, parts.free_port(), parts.free_port())
        app = local_gateway.App("shop")
        self.apps = {"shop": app}
        self.config = self.folder / "photogate.toml"
        self.config.write_text("\n".join([
            "[server]", f'listen = ["127.0.0.1:{self.port}"]', f'metrics_listen = "127.0.0.1:{self.metrics_port}"', f'public_url = "{self.url}"',
            "[database]", 'folder = "postgres"', toml.replace("https://minio.example.com", minio.endpoint), app.toml(), ""]))
        os.chmod(self.config, 0o600)

    def command(self):
        return [self.program, "all", "--config", self.config]


class Guide:
    def __init__(self, build_dir, folder, minio):
        self.folder, self.minio = folder, minio
        text = GUIDE.read_text()
        self.blocks = re.findall(r"```sh\n(.*?)```", text, re.S)
        shutil.copytree(GUIDE.parent, folder / "etc")
        self.gateway = Guided(build_dir, folder / "etc", re.search(r"```toml\n(.*?)```", text, re.S)[1], minio)
        tools = pathlib.Path(minio.binary).parent
        self.environment = {"PATH": f"{tools}:/usr/bin:/bin", "HOME": str(folder)}
        self.sh(f"mc alias set STORE {minio.endpoint} {minio.root.access} {minio.root.secret}")

    def sh(self, script, cwd=None):
        done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=120, env=self.environment, cwd=cwd or self.folder)
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
        return done.stdout

    def follow(self, block):
        for said, real in {"https://minio.example.com ADMIN_KEY ADMIN_SECRET": f"{self.minio.endpoint} {self.minio.root.access} {self.minio.root.secret}",
                           "http://photogate.internal:8080": self.gateway.url, "/var/lib/minio/events": str(self.folder / "events")}.items():
            block = block.replace(said, real)
        return self.sh(f"set -e\n{block}", self.folder / "etc")

    def doctor(self):
        """(what failed of the store, {check: (verdict, detail, remedy)})"""
        done = subprocess.run([self.gateway.program, "doctor", "--config", self.gateway.config], capture_output=True, text=True, timeout=120)
        found, check = {}, ""
        for line in done.stdout.splitlines():
            if remedy := re.match(r"\s+fix it with: (.*)", line):
                found[check] = (*found[check][:2], remedy[1])
            else:
                verdict, check, detail = re.match(r"(\S+)\s+((?:default: )?\S+)\s+(.*)", line).groups()
                found[check] = (verdict, detail, None)
        assert found, done.stderr
        failed = [check for check, (verdict, _, _) in found.items() if verdict == "FAILED" and check.startswith("default: ")]
        assert done.returncode != 0 if failed else "imager.jail" in done.stderr or done.returncode == 0, done.stderr
        return failed, found

    def heal(self, check):
        """Runs the remedy of one finding, from any folder, and gives the findings afterwards."""
        remedy = self.doctor()[1][check][2]
        assert remedy, check
        self.sh(remedy.replace("/var/lib/minio/events", str(self.folder / "events")))
        return self.doctor()


@pytest.fixture(scope="module")
def guide(build_dir):
    folder = pathlib.Path(f"/tmp/photogate-guide-{os.getpid()}")
    folder.mkdir(mode=0o755)
    minio = Bare(folder / "minio", folder / "minio.log", True, "", "")
    minio.start()
    made = Guide(build_dir, folder, minio)
    setup, events = made.blocks
    assert "event_tokens" in made.follow(setup + "ls -l") and (folder / "etc" / "signer_secret").stat().st_mode & 0o777 == 0o600
    made.gateway.start(seconds=60)
    made.follow(events)
    yield made
    if made.gateway.process:
        made.gateway.__exit__()
    minio.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.drills
def test_guide_leads_to_a_published_photo_announced_by_an_event(guide):
    photo = pictures.photo(320, 240)
    created = guide.gateway.create({"size": len(photo)})
    assert local_gateway.send(created["upload"], photo)[0] == 200
    assert guide.gateway.wait_for(created)["state"] == "published"
    failed, found = guide.doctor()
    assert not failed, found
    assert found["default: events"] == ("has", "an event came from the store to the gateway", None)
    assert {verdict for check, (verdict, _, _) in found.items() if check.startswith("default: ")} <= {"ok", "has", "lacks"}
    assert "event.copy_attack" not in guide.gateway.log.read_text(), "doctor's own probes are known"


@pytest.mark.drills
def test_policies_on_the_page_are_those_of_the_program(guide):
    for role in ("signer", "worker"):
        printed = subprocess.run([guide.gateway.program, "policy", role, "--config", guide.gateway.config], capture_output=True, text=True, timeout=60)
        assert printed.stdout == (ROOT / "etc" / "minio" / f"{role}-policy.json").read_text()


@pytest.mark.drills
def test_doctor_names_the_broken_link_of_events_and_heals_it(guide):
    guide.sh("mc event rm --force STORE/photogate-incoming")
    assert guide.doctor()[1]["default: events"][:2] == ("lacks", "no rule for s3:ObjectCreated: uploads are found by listing, within a minute, unless the "
                                                                 "client calls /complete")
    assert guide.heal("default: events")[1]["default: events"][0] == "has"
    guide.sh(f"mc admin config set STORE notify_webhook:direct endpoint={guide.gateway.url}/v1/events/minio auth_token={'wrong' * 8} && "
             "mc admin config reset STORE notify_webhook:queued && mc admin service restart --json STORE && mc ready STORE", guide.folder)
    before = guide.gateway.log.read_text().count("event.refused")
    verdict, detail, _ = guide.doctor()[1]["default: events"]
    assert verdict == "lacks" and "the gateway refuses the store's events (401)" in detail
    assert guide.gateway.log.read_text().count("event.refused") > before
    assert guide.heal("default: events")[1]["default: events"][0] == "has"


@pytest.mark.drills
def test_doctor_heals_credentials_and_buckets(guide):
    guide.sh("mc admin policy attach STORE readwrite --user photogate-signer")
    failed, found = guide.doctor()
    assert failed and found["default: signer.get.originals"][0] == "FAILED" and found["default: signer.copy.originals"][0] == "FAILED"
    failed, found = guide.heal("default: signer.get.originals")
    assert not failed, found

    guide.sh("mc admin user remove STORE photogate-signer")
    failed, found = guide.doctor()
    assert failed and found["default: signer.put"][0] == "FAILED"
    refused = {check: verdict for check, (verdict, _, _) in found.items() if check.startswith("default: signer.") and check != "default: signer.put"}
    assert len(refused) >= 13 and set(refused.values()) == {"unproved"}, "a key that is not there proves nothing"
    failed, found = guide.heal("default: signer.put")
    assert not failed, found

    guide.sh("mc admin user remove STORE photogate-worker && mc rb --force STORE/photogate-originals")
    failed, found = guide.doctor()
    assert failed and found["default: worker.write.originals"][0] == "FAILED" and found["default: stranger.get.originals"][0] == "unproved"
    failed, found = guide.heal("default: worker.write.originals")
    assert not failed, found

    guide.sh("mc anonymous set public STORE/photogate-originals")
    failed, found = guide.doctor()
    assert failed and found["default: stranger.get.originals"][0] == "FAILED"
    failed, found = guide.heal("default: stranger.get.originals")
    assert not failed, found


def test_doctor_says_that_events_are_unproved_without_a_gateway(guide):
    guide.gateway.stop()
    assert guide.doctor()[1]["default: events"][0] == "unproved"
    started = time.monotonic()
    guide.gateway.start(seconds=60)
    assert time.monotonic() - started < 60
