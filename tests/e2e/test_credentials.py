"""Two credentials: the gateway proves that its signer can only put, and refuses to start where it can do more."""
from scripts import local_gateway
from tests.rig import stack as parts


def test_doctor_accepts_the_shipped_policies(world, run):
    done = run("doctor", "--config", world.gateway.config)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "signer" in done.stdout and world.stack.minio.signer.secret not in done.stdout


def test_rejects_signer_that_can_read_and_doctor_names_the_fix(own_world, run):
    world = own_world(start=False, signer_policy="readwrite")
    world.gateway.migrate()
    done = run("all", "--config", world.gateway.config)
    assert done.returncode == 78, done.stderr
    assert "signer" in done.stderr and "mc admin policy" in done.stderr
    done = run("doctor", "--config", world.gateway.config)
    assert done.returncode != 0 and "mc admin policy" in done.stdout
    world.gateway.launch("--unsafe")
    world.gateway.wait_until_ready()


def test_startup_names_what_is_missing_in_one_sentence(world, run, tmp_path):
    text = world.gateway.config.read_text()
    for port in (world.port, world.metrics_port):  # the running gateway has them
        text = text.replace(f'127.0.0.1:{port}"]', f'127.0.0.1:{parts.free_port()}"]').replace(f'metrics_listen = "127.0.0.1:{port}"', f'metrics_listen = "127.0.0.1:{parts.free_port()}"')
    away = tmp_path / "away.toml"
    away.write_text(text.replace(world.stack.postgres.url, "postgresql:///x?host=/nowhere"))
    done = run("all", "--config", away)
    assert done.returncode == 4 and "database" in done.stderr, done.stderr
    away.write_text(text.replace(world.stack.minio.endpoint, "http://127.0.0.1:9"))
    done = run("all", "--config", away)
    assert done.returncode == 4 and "store" in done.stderr.lower(), done.stderr
    done = run("all", "--config", world.gateway.config)
    assert done.returncode == 3 and str(world.port) in done.stderr, done.stderr
    away.write_text(text + "\n[server]\nlissen = 1\n")
    assert run("all", "--config", away).returncode == 78


def test_rejects_empty_database_and_names_the_fixing_command(own_world, run):
    world = own_world(start=False)
    done = run("all", "--config", world.gateway.config)
    assert done.returncode != 0 and "photogate migrate" in done.stderr
    assert run("migrate", "--config", world.gateway.config, "--dry-run").returncode == 0
    assert run("migrate", "--config", world.gateway.config).returncode == 0
    assert run("migrate", "--config", world.gateway.config).returncode == 0


def test_store_accepts_urls_presigned_on_the_command_line(world, run):
    minio = world.stack.minio
    done = run("sign", "get", "--endpoint", minio.endpoint, "--region", "us-east-1", "--bucket", minio.public, "--key", "p/none",
               "--expires", "60", env={"AWS_ACCESS_KEY_ID": minio.worker.access, "AWS_SECRET_ACCESS_KEY": minio.worker.secret})
    assert done.returncode == 0, done.stderr
    status, _ = local_gateway.send({"method": "GET", "url": done.stdout.strip(), "headers": {}, "fields": None}, b"")
    assert status == 404, "signed well, and nothing there"
