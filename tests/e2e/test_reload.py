"""SIGHUP: a changed configuration is taken over as a whole or not at all, and no request is lost over it."""
import http.client
import json
import re
import signal
import time

import pytest

from scripts import local_gateway
from tests.rig import pictures
from tests.rig import stack as parts
from tests.rig.crowd import Crowd


def lines(gateway, event):
    return [json.loads(line) for line in gateway.log.read_text().splitlines() if f'"msg":"{event}"' in line]


def reload(gateway, event="config.reloaded", seconds=30):
    """Sends HUP; what the log then says."""
    before = len(lines(gateway, event))
    gateway.process.send_signal(signal.SIGHUP)
    parts.wait_until(lambda: len(lines(gateway, event)) > before, seconds, event, gateway.running)
    return lines(gateway, event)[-1]


def change(gateway, *changes):
    text = gateway.config.read_text()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    gateway.config.write_text(text)


def create(gateway, key, body=None):
    return gateway.request("POST", "/v1/uploads", {"profile": "photos", "size": 1000, **(body or {})}, key=key)


def metric(gateway, name):
    _, _, text = gateway.request("GET", "/metrics", port=gateway.metrics_port)
    found = re.search(rf"^{re.escape(name)} (\S+)$", text.decode(), re.M)
    return float(found.group(1)) if found else None


class Callers(Crowd):
    """Threads that create uploads without a pause; every answer that is not 201 is kept."""

    def __init__(self, gateway, key, count=4):
        super().__init__(self._call, count)
        self.gateway, self.key = gateway, key
        self.created, self.failures = 0, []

    def _call(self, _number):
        connection = http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=30)
        while not self._stop.is_set():
            try:
                connection.request("POST", "/v1/uploads", json.dumps({"profile": "photos", "size": 1000}),
                                   {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"})
                answer = connection.getresponse()
                body = answer.read()
                if answer.status == 201:
                    self.created += 1
                else:
                    self.failures.append((answer.status, body))
                if answer.getheader("Connection") == "close":
                    connection.close()
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                connection.close()


def test_reload_under_load_loses_no_request(own_world):
    world = own_world()
    gateway = world.gateway
    with Callers(gateway, world.app.key) as callers:
        for turn in range(8):
            change(gateway, *([("[apps.shop.profiles.photos]", f"[apps.shop.profiles.extra{turn}]\n[apps.shop.profiles.photos]")]))
            reload(gateway)
            assert create(gateway, world.app.key, {"profile": f"extra{turn}"})[0] == 201, "the new profile is there"
        seen = callers.created
        parts.wait_until(lambda: callers.created > seen + 20, 30, "more uploads")
    assert not callers.failures, callers.failures[:3]
    assert metric(gateway, 'photogate_config_reloads_total{result="applied"}') == 8
    assert abs(metric(gateway, "photogate_config_applied_timestamp_seconds") - time.time()) < 60
    photo = pictures.photo(320, 240)
    assert world.publish(photo)["state"] == "published"


def test_wrong_file_changes_nothing_and_says_why(own_world, run):
    world = own_world()
    gateway = world.gateway
    good = gateway.config.read_text()
    newer = local_gateway.new_api_key("shop")
    change(gateway, (f'keys = ["{local_gateway.api_key_line(world.app.key)}"]', f'keys = ["{local_gateway.api_key_line(newer)}"]'))
    with open(gateway.config, "a") as file:
        file.write("\n[log]\nleese = 3\n")
    said = reload(gateway, "config.not_reloaded")
    assert said["level"] == "error" and "leese" in said["detail"] and "photogate.toml:" in said["detail"]
    assert create(gateway, world.app.key)[0] == 201, "the former key is in force"
    assert create(gateway, newer)[0] == 401
    assert metric(gateway, 'photogate_config_reloads_total{result="refused"}') == 1
    assert metric(gateway, "photogate_config_last_reload_successful") == 0
    assert run("config", "check", "--config", gateway.config).returncode == 78, "what ExecReload= asks first"
    gateway.config.unlink()
    said = reload(gateway, "config.not_reloaded")
    assert "photogate.toml" in said["detail"]
    gateway.config.write_text(good)
    reload(gateway)
    assert metric(gateway, "photogate_config_last_reload_successful") == 1
    assert create(gateway, world.app.key)[0] == 201


def test_key_that_is_added_is_accepted_and_one_that_is_removed_is_refused_at_once(own_world):
    world = own_world()
    gateway = world.gateway
    newer = local_gateway.new_api_key("shop")
    old_line, new_line = (local_gateway.api_key_line(key) for key in (world.app.key, newer))
    change(gateway, (f'keys = ["{old_line}"]', f'keys = ["{new_line}", "{old_line}"]'))
    said = reload(gateway)
    assert said["changed"] == "apps.shop.keys"
    assert create(gateway, newer)[0] == 201 and create(gateway, world.app.key)[0] == 201
    # A connection that is open, and was admitted by the old key before.
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)

    def ask():
        connection.request("GET", "/v1/uploads?limit=1", headers={"Authorization": f"Bearer {world.app.key}"})
        answer = connection.getresponse()
        answer.read()
        return answer.status

    assert ask() == 200
    change(gateway, (f'keys = ["{new_line}", "{old_line}"]', f'keys = ["{new_line}"]'))
    reload(gateway)
    assert ask() == 401
    connection.close()
    assert create(gateway, newer)[0] == 201 and create(gateway, world.app.key)[0] == 401


def test_profile_and_callbacks_follow_the_file(own_world):
    world = own_world(profiles={"photos": {}})
    gateway = world.gateway
    before = world.create({"size": 4000})
    change(gateway, ("[apps.shop.profiles.photos]", "[apps.shop.profiles.photos]\nmax_size = 5000"))
    reload(gateway)
    status, _, problem = create(gateway, world.app.key, {"size": 6000})
    assert status == 422 and problem["code"] == "size_over_limit"
    assert gateway.request("GET", f"/v1/uploads/{before['id']}", key=world.app.key)[0] == 200
    # A new app, and one that goes: what it has stays, its key does not.
    added = local_gateway.App("added", None, {"photos": {}})
    with open(gateway.config, "a") as file:
        file.write("\n" + added.toml() + "\n")
    assert reload(gateway)["changed"].split(", ")[0] == "apps.added"
    assert create(gateway, added.key)[0] == 201
    text = gateway.config.read_text()
    gateway.config.write_text(text[:text.index("[apps.added]")])
    reload(gateway)
    assert create(gateway, added.key)[0] == 401


def test_store_credentials_are_rotated_without_a_restart(own_world):
    world = own_world()
    gateway, minio = world.gateway, world.stack.minio
    photo = pictures.photo(320, 240)
    assert world.publish(photo)["state"] == "published"
    granted = world.create({"size": len(photo)})
    old = minio.signer, minio.worker
    minio.signer, minio.worker = (parts.AccessKey.make(role) for role in ("signer", "worker"))
    minio.set_policies()
    changes = [pair for before, after in zip(old, (minio.signer, minio.worker))
               for pair in ((before.access, after.access), (before.secret, after.secret))]
    change(gateway, *changes)
    said = reload(gateway)
    assert {"regions.default.signer_access_key", "regions.default.signer_secret_key", "regions.default.worker_access_key",
            "regions.default.worker_secret_key"} == set(said["changed"].split(", "))
    assert not any(before.secret in gateway.log.read_text() for before in (*old, minio.signer, minio.worker))
    created = world.create({"size": len(photo)})
    assert minio.signer.access in created["upload"]["url"]
    assert world.publish(photo)["state"] == "published"
    # What was granted before is good for as long as the store knows its key.
    assert world.send(granted, photo)[0] == 200
    assert gateway.wait_for(granted)["state"] == "published"


def test_credentials_that_may_too_much_or_are_unknown_are_refused(own_world):
    world = own_world()
    gateway, minio = world.gateway, world.stack.minio
    good = gateway.config.read_text()
    change(gateway, (minio.signer.secret, "no-such-secret-0000000000000000000000000"))
    assert "default" in reload(gateway, "config.not_reloaded")["detail"]
    gateway.config.write_text(good)
    former = minio.signer
    minio.signer = parts.AccessKey.make("signer")
    minio.set_policies("readwrite")
    change(gateway, (former.access, minio.signer.access), (former.secret, minio.signer.secret))
    said = reload(gateway, "config.not_reloaded")
    assert said["code"] == "unsafe_configuration" and "signer" in said["detail"]
    assert former.access in world.create({"size": 10})["upload"]["url"]


def test_what_needs_a_restart_is_named(own_world):
    world = own_world(extra="[worker]\nlease = \"70s\"")
    gateway = world.gateway
    change(gateway, ('lease = "70s"', 'lease = "80s"'), ('http_hosts = ["127.0.0.1"]', 'http_hosts = ["127.0.0.1", "localhost"]'),
           (world.stack.events_token, "another-token-of-more-than-32-characters"))
    said = reload(gateway, "config.needs_restart")
    assert set(said["options"].split(", ")) == {"worker.lease", "callbacks.http_hosts", "events.minio.tokens"}
    # It is still not in force, and is named again.
    reload(gateway, "config.needs_restart")
    assert len(lines(gateway, "config.needs_restart")) == 2
    assert "another-token" not in gateway.log.read_text()
    assert gateway.running() and create(gateway, world.app.key)[0] == 201


@pytest.mark.parametrize("role", ["serve", "work"])
def test_each_role_reloads(own_world, role):
    world = own_world(start=False)
    gateway = world.another(role)
    with gateway:
        change(gateway, ("[apps.shop.profiles.photos]", "[apps.shop.profiles.photos]\nmax_edge = 100"))
        assert reload(gateway)["changed"] == "apps.shop.profiles.photos.max_edge"
        assert gateway.running()
