"""docs/upgrading.md: gateways of two releases beside each other under load, in both directions, and not one request lost.

The release before is a build of its own, named by PHOTOGATE_PREVIOUS_BUILD_DIR; without it the same procedure runs with this build twice.
"""
import http.client
import os
import pathlib
import re
import subprocess
import threading
import time

import pytest

from scripts import local_gateway
from tests.rig import pictures
from tests.rig import stack as parts
from tests.rig.crowd import Crowd

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ROUNDS = "\n[worker]\nreconcile_interval = 1\nreap_interval = 1\n"


@pytest.fixture(params=["this", "before"])
def previous(request, build_dir):
    """The build that is upgraded from."""
    if request.param == "this":
        return build_dir
    folder = os.environ.get("PHOTOGATE_PREVIOUS_BUILD_DIR")
    if not folder:
        pytest.skip("PHOTOGATE_PREVIOUS_BUILD_DIR names no build of the release before")
    return pathlib.Path(folder)


class Balanced(Crowd):
    """Clients behind a load balancer: a request goes to one of the gateways in `serving`, and must be answered well."""

    def __init__(self, world, serving, photos, clients=3):
        super().__init__(self._client, clients)
        self.world, self.serving, self.photos = world, list(serving), photos
        self.acknowledged, self.lost, self._turn, self._lock = [], [], 0, threading.Lock()

    def _ask(self, method, path, body=None):
        with self._lock:
            self._turn += 1
            gateway = self.serving[self._turn % len(self.serving)]
        try:
            status, _, answer = gateway.request(method, path, body, key=self.world.app.key)
        except (OSError, http.client.HTTPException) as error:
            status, answer = 0, repr(error)
        if status not in (200, 201, 202):
            self.lost.append((method, path, status, str(answer)[:300]))
            return None
        return answer

    def _client(self, number):
        count = 0
        while not self._stop.wait(0.05):
            count += 1
            photo = self.photos[(number + count) % len(self.photos)]
            created = self._ask("POST", "/v1/uploads", {"profile": "photos", "size": len(photo)})
            if created and local_gateway.send(created["upload"], photo)[0] == 200:
                self.acknowledged.append(created["id"])
                self._ask("POST", f"/v1/uploads/{created['id']}/complete")
                self._ask("GET", f"/v1/uploads/{created['id']}")

    def wait_for(self, more, seconds=90):
        before = len(self.acknowledged)
        parts.wait_until(lambda: len(self.acknowledged) >= before + more, seconds, f"{more} more uploads; lost {self.lost[:3]}")

    def leave(self, gateway):
        """As a load balancer takes a gateway out: no new request, and what is under way ends."""
        self.serving.remove(gateway)
        time.sleep(0.5)
        assert gateway.stop() == 0


def published_by(gateway):
    text = gateway.request("GET", "/metrics", port=gateway.metrics_port)[2].decode()
    return sum(float(value) for value in re.findall(r'^photogate_uploads_finished_total\{[^}]*result="published"[^}]*\} (\S+)$', text, re.M))


@pytest.fixture(scope="module")
def photos():
    return [pictures.photo(160, 120, seed=700 + number) for number in range(4)]


def beside(world, build, name):
    """A gateway of a build, on the world's database and store."""
    made = local_gateway.Gateway(build, world.gateway.folder.parent / name, world.stack, parts.free_port(), parts.free_port(),
                                 list(world.gateway.apps.values()), world.extra)
    world.others.append(made)
    return made


def assert_all_published_and_told_once(world, gateway, acknowledged):
    for identity in acknowledged:
        assert gateway.wait_for(identity, 90)["state"] == "published"
    for identity in acknowledged:
        world.receiver.wait_for_upload(identity, "upload.published", 60)
        assert len({each.body["id"] for each in world.receiver.of(identity, "upload.published")}) == 1


@pytest.mark.drills
def test_gateways_are_replaced_one_by_one_without_losing_a_request(own_world, previous, build_dir, photos):
    world = own_world(build=previous, extra=ROUNDS)
    old = world.gateway
    with Balanced(world, [old], photos) as clients:
        clients.wait_for(10)
        # Forward: the schema first, under the old gateway, then the new one beside it.
        new = beside(world, build_dir, "new")
        new.migrate()
        clients.wait_for(10)
        new.launch()
        new.wait_until_ready()
        clients.serving.append(new)
        before = published_by(old), published_by(new)
        parts.wait_until(lambda: published_by(old) > before[0] and published_by(new) > before[1], 90, "both publish")
        clients.wait_for(15)
        clients.leave(old)
        clients.wait_for(10)
        assert not clients.lost, clients.lost[:5]
        # Back: the old program on the schema as it is now.
        again = beside(world, previous, "again")
        checked = subprocess.run([again.program, "serve", "--config", again.config], capture_output=True, text=True, timeout=20) if schema(previous) != schema(build_dir) else None
        if checked is None:
            again.launch()
            again.wait_until_ready()
            clients.serving.append(again)
            clients.wait_for(10)
            clients.leave(new)
            clients.wait_for(10)
        else:
            assert checked.returncode == 78 and "ahead of this program" in checked.stderr, checked.stderr
    assert not clients.lost, clients.lost[:5]
    assert_all_published_and_told_once(world, clients.serving[-1], clients.acknowledged)
    print(f"{len(clients.acknowledged)} uploads, none lost")


def schema(build):
    """The newest migration that a build knows: its text is in the program."""
    data = (build / "photogate").read_bytes()
    return max(re.findall(rb"\b(00\d\d)_[a-z_]+", data), default=b"")


@pytest.mark.drills
def test_gateways_go_on_while_the_next_release_expands_the_schema(own_world, photos):
    """What expand-and-contract permits beside this release: columns that may be null, tables, indexes."""
    world = own_world(extra=ROUNDS)
    with Balanced(world, [world.gateway], photos) as clients:
        clients.wait_for(15)
        for statement in ("create table of_the_next_release (id text primary key)", "create index concurrently next_release on uploads (updated_at)",
                          "alter table jobs add column of_the_next_release text", "alter table callbacks add column of_the_next_release text",
                          "alter table uploads add column of_the_next_release text", "alter table images add column of_the_next_release text"):
            world.sql(f"set lock_timeout = '2s'; {statement}" if "concurrently" not in statement else statement)
            clients.wait_for(5)
        clients.wait_for(15)
    assert not clients.lost, (len(clients.lost), clients.lost[:5])
    assert_all_published_and_told_once(world, world.gateway, clients.acknowledged)
