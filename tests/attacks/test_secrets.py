"""Nothing that a stranger or an operator reads holds a secret."""
import pytest

from tests.rig import pictures

READABLE = ["/", "/upload", "/docs", "/openapi.json", "/livez", "/readyz", "/readyz?verbose", "/version", "/metrics", "/v1/uploads", "/v1/callbacks", "/v1/endpoints", "/v1/events"]


def secrets_of(world):
    stack = world.stack
    return {"API key": world.app.key, "callback secret": world.app.secret, "signer's secret": stack.minio.signer.secret, "worker's secret": stack.minio.worker.secret,
            "event token": stack.events_token, "operator's key": world.operator.key}


@pytest.mark.parametrize("path", READABLE)
@pytest.mark.parametrize("who", ["nobody", "app", "operator"])
def test_answer_holds_no_secret(world, path, who):
    key = {"nobody": "", "app": world.app.key, "operator": world.operator.key}[who]
    for port in (None, world.gateway.metrics_port):
        _, headers, body = world.request("GET", path, key=key) if port is None else world.gateway.request("GET", path, key=key, port=port)
        text = str(headers) + str(body)
        for name, secret in secrets_of(world).items():
            assert secret not in text, f"{path} shows the {name}"


def test_log_holds_no_secret(world):
    created = world.create({"size": 10})
    world.publish(pictures.photo(seed=940))
    token = world.request("POST", "/v1/tokens", {"profile": "photos"})[2]["token"]
    world.request("GET", f"/u/{token}/v1/uploads/x", key="")
    world.request("GET", f"/u/%70gt_{token[4:]}/v1/uploads/x", key="")
    world.request("GET", "/v1/uploads", headers={"Authorization": f"Basic {world.app.key}"}, key="")
    world.request("POST", "/v1/uploads", {"profile": "photos", "callback_url": f"https://user:{world.app.secret}@example.com/"})
    log = world.gateway.log.read_text(errors="replace")
    for name, secret in {**secrets_of(world), "client token": token[4:], "signature": created["upload"]["url"].rsplit("Signature=", 1)[1][:64]}.items():
        assert secret not in log, f"the log holds the {name}"


def test_command_line_and_environment_hold_no_secret(world):
    import pathlib
    folder = pathlib.Path(f"/proc/{world.gateway.process.pid}")
    text = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
    for name, secret in secrets_of(world).items():
        assert secret.encode() not in text, name


@pytest.mark.parametrize("body", [{"profile": 1}, {"profile": "x"}, {"callback_url": "http://10.0.0.1/"}, {"region": "x"}])
def test_problem_names_no_inside(world, body):
    _, _, problem = world.request("POST", "/v1/uploads", body)
    text = str(problem).lower()
    for word in ("postgres", "select ", "insert ", "/home/", "std::", "exception", "pqxx", "127.0.0.1:" + str(world.stack.postgres.port if hasattr(world.stack.postgres, "port") else 5432)):
        assert word not in text
