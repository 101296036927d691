"""`photogate all` with nothing configured: everything on this machine, in one folder, gone with it and there again."""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

from scripts import local_gateway
from tests.rig import pictures
from tests.rig import stack as parts

CANNOT_BIND, DEPENDENCY, NO_ROOM, ALREADY_RUNNING = 3, 4, 5, 6


def free_ports():
    return local_gateway.Ports(*(parts.free_port() for _ in local_gateway.Ports._fields))


@pytest.fixture
def folder():
    """Not pytest's: that is open to its user alone, and PostgreSQL runs as another where we are root."""
    made = pathlib.Path(f"/tmp/photogate-one-{os.getpid()}-{time.monotonic_ns()}")
    made.mkdir(mode=0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def machine(build_dir, folder):
    made = local_gateway.OneMachine(build_dir, folder / "var", free_ports())
    yield made
    if made.process:
        made.kill()
    # PostgreSQL then stops on its own, and writes meanwhile.
    parts.wait_until(lambda: not processes_of(made.folder), 60, "the end of what a killed photogate leaves")


def published(machine, photo):
    created = machine.create({"size": len(photo)})
    status, answer = local_gateway.send(created["upload"], photo)
    assert status == 200, answer
    upload = machine.wait_for(created)
    assert upload["state"] == "published", upload
    return upload


def processes_of(folder):
    """Those that name the folder in their command line: PostgreSQL, its helpers, photogate, its imagers."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            line = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
        except OSError:
            continue
        if str(folder).encode() in line and int(entry.name) != os.getpid():
            found.append(line)
    return found


def test_first_start_creates_everything_and_second_one_continues(machine):
    machine.start()
    upload = published(machine, pictures.photo(640, 480, orientation=6))
    status, _, image = machine.request("GET", upload["image"]["url"].removeprefix(machine.url))
    assert status == 200 and image.startswith(b"\xff\xd8")
    key = machine.app.key
    for secret in ("photogate.toml", "key", "operator.key"):
        assert (machine.folder / secret).stat().st_mode & 0o777 == 0o600
    assert machine.stop() == 0
    assert not processes_of(machine.folder)
    machine.start()
    assert machine.app.key == key
    status, _, again = machine.request("GET", f"/v1/uploads/{upload['id']}", key=key)
    assert status == 200 and again["state"] == "published"


def test_serves_both_pages_and_operator_key_opens_the_second(machine):
    machine.start()
    assert machine.request("GET", "/")[0] == 200
    assert machine.request("GET", "/operate", port=machine.metrics_port)[0] == 200
    status, _, uploads = machine.request("GET", "/v1/uploads", key=machine.operator_key, port=machine.metrics_port)
    assert status == 200, uploads


def test_leaves_no_process_when_killed_and_keeps_acknowledged_uploads(machine):
    machine.start()
    photo = pictures.photo(320, 240)
    before = published(machine, photo)
    created = machine.create({"size": len(photo)})
    assert local_gateway.send(created["upload"], photo)[0] == 200
    machine.kill()
    parts.wait_until(lambda: not processes_of(machine.folder), 60, f"the end of {processes_of(machine.folder)}")
    machine.start(seconds=30)
    assert machine.wait_for(created)["state"] == "published"
    assert machine.wait_for(before)["state"] == "published"


def run_again(machine, *arguments, wrapper=(), environment=None):
    """To its end: the same command while something is in its way."""
    return subprocess.run([*wrapper, *map(str, machine.command()), *arguments], capture_output=True, text=True, timeout=60,
                          env={**os.environ, **machine.environment, **(environment or {})})


@pytest.mark.drills
def test_rejects_second_instance_on_the_same_folder_with_clear_message(machine):
    machine.start()
    done = run_again(machine)
    assert done.returncode == ALREADY_RUNNING, done.stderr
    assert "another photogate is running on" in done.stderr and "stop it" in done.stderr


@pytest.mark.parametrize("port", ["gateway", "store", "metrics"])
def test_reports_taken_port_with_clear_message(machine, port):
    with socket.socket() as other:
        other.bind(("127.0.0.1", getattr(machine.ports, port)))
        other.listen()
        done = run_again(machine)
    assert done.returncode == CANNOT_BIND, done.stderr
    assert str(getattr(machine.ports, port)) in done.stderr.splitlines()[-1] and "ss -ltnp" in done.stderr
    assert not any(machine.folder.iterdir()), "nothing is made before it is known that a start can succeed"


@pytest.mark.drills
def test_first_start_writes_its_ports_and_later_ones_need_no_flag(machine):
    machine.start()
    assert published(machine, pictures.photo(160, 120))["image"]["url"].startswith(f"http://127.0.0.1:{machine.ports.gateway}/")
    assert machine.stop() == 0
    assert machine.command() == [machine.program, "all", "--data", machine.folder]
    machine.start()
    assert published(machine, pictures.photo(160, 120, seed=2))["image"]["url"].startswith(machine.url)


@pytest.mark.drills
def test_says_what_to_do_next(machine):
    machine.start()
    said = machine.log.read_text()
    for part in ("photogate is ready.", f"{machine.url}/docs", f"http://127.0.0.1:{machine.metrics_port}/operate", f"$(cat '{machine.folder}/key')"):
        assert part in said
    assert machine.app.key not in said
    # The command works as it is printed.
    command = re.search(r"  (curl .*\\\n.*)\n", said)[1]
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=30)
    assert json.loads(done.stdout)["upload"]["curl"].startswith("curl"), done.stdout


@pytest.mark.drills
def test_moved_data_folder_works_at_its_new_place(machine, folder):
    machine.start()
    upload = published(machine, pictures.photo(320, 240))
    assert machine.stop() == 0
    old = machine.folder
    machine.folder = folder / "elsewhere"
    old.rename(machine.folder)
    machine.log = machine.folder / "photogate.log"
    machine.start()
    assert not old.exists()
    assert machine.request("GET", f"/v1/uploads/{upload['id']}", key=machine.app.key)[2]["state"] == "published"
    assert machine.request("GET", upload["image"]["url"].removeprefix(machine.url))[0] == 200


@pytest.mark.drills
def test_copy_that_leads_to_the_original_is_refused(machine, folder):
    machine.start()
    assert machine.stop() == 0
    copy = folder / "copy"
    shutil.copytree(machine.folder, copy, ignore=shutil.ignore_patterns("socket"))
    text = (copy / "photogate.toml").read_text().replace('folder = "store"', f'folder = "{machine.folder}/store"')
    (copy / "photogate.toml").write_text(text)
    original = machine.folder
    machine.folder = copy
    done = run_again(machine)
    assert done.returncode == 78, done.stderr
    assert f"{original}/store" in done.stderr and str(copy) in done.stderr and "--config" in done.stderr


@pytest.mark.drills
def test_operations_answer_no_name_that_may_be_rebound(machine):
    machine.start()
    for path in ("/metrics", "/operate", "/v1/uploads", "/readyz"):
        for host in ("evil.example", f"evil.example:{machine.metrics_port}", "127.0.0.1.evil.example"):
            assert machine.request("GET", path, headers={"Host": host}, port=machine.metrics_port)[0] == 421, (path, host)
    for host in ("localhost", f"127.0.0.1:{machine.metrics_port}", "[::1]"):
        assert machine.request("GET", "/metrics", headers={"Host": host}, port=machine.metrics_port)[0] == 200, host


def test_doctor_makes_nothing(program, folder):
    done = subprocess.run([program, "doctor"], capture_output=True, text=True, timeout=60, cwd=folder,
                          env={"PATH": os.environ["PATH"]})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the first start makes one in" in done.stdout
    assert not any(folder.iterdir())


as_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts, which only root may")


@as_root
def test_names_package_to_install_without_postgresql(machine, folder):
    (folder / "empty").mkdir()
    done = run_again(machine, wrapper=["unshare", "--mount", "sh", "-c",
                                       f'mount --bind {folder}/empty /usr/lib/postgresql && exec "$@"', "sh"])
    assert done.returncode == DEPENDENCY, done.stderr
    assert "apt install postgresql-15" in done.stderr


@as_root
@pytest.mark.parametrize("size", ["16k", "2m", "20m"])
def test_reports_full_disk(machine, size):
    done = run_again(machine, wrapper=["unshare", "--mount", "sh", "-c",
                                       f'mount -t tmpfs -o size={size},mode=755 none {machine.folder} && exec "$@"', "sh"])
    assert done.returncode == NO_ROOM, done.stderr
    assert "No space left on device" in done.stderr or "no room" in done.stderr
    assert len(done.stderr.splitlines()[-1]) < 400, "one sentence"


@pytest.mark.drills
def test_named_store_replaces_the_built_in_one(machine, minio_world):
    minio = minio_world.stack.minio
    machine.environment |= {"PHOTOGATE_S3_SIGNER_ACCESS_KEY": minio.signer.access, "PHOTOGATE_S3_SIGNER_SECRET_KEY": minio.signer.secret,
                            "PHOTOGATE_S3_WORKER_ACCESS_KEY": minio.worker.access, "PHOTOGATE_S3_WORKER_SECRET_KEY": minio.worker.secret,
                            "PHOTOGATE_S3_INCOMING_BUCKET": minio.incoming, "PHOTOGATE_S3_PUBLIC_BUCKET": minio.public,
                            "PHOTOGATE_S3_ORIGINALS_BUCKET": minio.originals}
    machine.start("--store", minio.endpoint)
    photo = pictures.photo(320, 240, seed=5)
    created = machine.create({"size": len(photo)})
    assert created["upload"]["url"].startswith(minio.endpoint)
    assert local_gateway.send(created["upload"], photo)[0] == 200
    # This store tells another gateway; a client that says so itself is as good.
    machine.request("POST", f"/v1/uploads/{created['id']}/complete", {}, key=machine.app.key)
    assert machine.wait_for(created)["state"] == "published"
    assert not (machine.folder / "store").exists()


def test_doctor_and_config_show_use_the_first_starts_setup(machine, program, folder):
    machine.start()
    environment = {**os.environ, **machine.environment, "PHOTOGATE_STORE_LISTEN": f"127.0.0.1:{machine.ports.store}"}
    for command in (["config", "show"], ["doctor"], ["migrate", "--dry-run"]):
        done = subprocess.run([program, *command], capture_output=True, text=True, timeout=60, cwd=folder, env=environment)
        assert done.returncode == 0, (command, done.stdout, done.stderr)


@pytest.mark.drills
def test_demo_takes_a_photo_through_and_leaves_nothing_running(build_dir, folder):
    run = build_dir.parent.parent / "run"
    if not run.exists():
        pytest.skip("./run starts build/release, and another build is tested")
    done = subprocess.run([run, "--demo", "--var", folder / "var", "--port", str(parts.free_ports_in_a_row(4))], capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "callback upload.published, verified" in done.stdout and "nothing private" in done.stdout and "SECRET-SERIAL" in done.stdout
    assert not processes_of(folder)


def test_stop_signal_shuts_down_in_order(machine):
    machine.start()
    machine.process.send_signal(signal.SIGINT)
    assert machine.process.wait(20) == 0
    assert not processes_of(machine.folder)


@pytest.mark.drills
@as_root
def test_link_planted_by_the_users_of_postgresql_is_refused(machine, folder):
    """In a folder that version 0.1 gave away; afterwards the folder is root's, and its data are still there."""
    machine.start()
    upload = published(machine, pictures.photo(320, 240))
    assert machine.stop() == 0
    home = machine.folder / "postgres"
    postgres = (home / "data").stat()
    assert postgres.st_uid != 0 and home.stat().st_uid == 0
    victim = folder / "victim"
    victim.write_text("root:secret\n")
    victim.chmod(0o600)
    os.chown(home, postgres.st_uid, postgres.st_gid)
    (home / "postgres.log").unlink()
    (home / "postgres.log").symlink_to(victim)
    done = run_again(machine)
    assert done.returncode == 1, done.stderr
    assert f"{home}/postgres.log is a symbolic link" in done.stderr and "remove it" in done.stderr
    assert victim.read_text() == "root:secret\n" and victim.stat().st_uid == 0
    (home / "postgres.log").unlink()
    machine.start()
    assert home.stat().st_uid == 0
    assert machine.request("GET", f"/v1/uploads/{upload['id']}", key=machine.app.key)[2]["state"] == "published"


@as_root
def test_data_folder_of_another_user_is_refused_by_root(machine):
    os.chown(machine.folder, 12345, 12345)
    done = run_again(machine)
    assert done.returncode == 1, done.stderr
    assert f"{machine.folder} belongs to user 12345" in done.stderr and "run it as another user" in done.stderr
    assert not any(machine.folder.iterdir())
