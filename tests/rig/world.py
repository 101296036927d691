"""A stack, a gateway and an app server's receiver: the foundation of the end-to-end tests and the fault cases.

A world may be witnessed: `World(…, witness=Witness(…))` puts a recording proxy before the store and one before the gateway's
events, and every fact that a client, the store or the receiver sees goes into a history, which checker.py judges afterwards.
"""
import os
import pathlib

from scripts import (
    local_gateway,
    webhook_receiver,
)
from tests.rig import stack as parts
from tests.rig.stack import recycled
from tests.rig.witness import Witness

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

# Background tasks with short intervals for tests.
QUICK_ROUNDS = """
[worker]
reconcile_interval = 2
reap_interval = 1
"""
SHORT_LEASES = QUICK_ROUNDS + "lease = 6\n[imaging]\nwall_clock = 5\n"

PROFILES = {"photos": {}, "small": {"max_size": 100_000, "max_edge": 320},
            "strip": {"publish": '"strip"'}, "keep": {"original": '"keep"'},
            "again": {"write_once": "false"}, "enforced": {"declared_type": '"enforced"', "max_pixels": 50_000_000}}


def release_build():
    return pathlib.Path(os.environ.get("PHOTOGATE_BUILD_DIR", ROOT / "build" / "release"))


def failpoint_build():
    """A build that has failpoints: the one under sanitizers."""
    return pathlib.Path(os.environ.get("PHOTOGATE_FAILPOINT_BUILD_DIR", ROOT / "build" / "asan"))


class World:
    """On ports that stay the same across restarts."""

    def __init__(self, build_dir, folder, profiles=None, extra=QUICK_ROUNDS, apps=(), role="all", witness=None, link_secrets=(), **stack_options):
        self.metrics_port = parts.free_port()
        self.witness, self.extra, self.others = witness, extra, []
        self._lent = None if witness or stack_options else recycled.take()
        if self._lent:
            self.port, self.stack = self._lent.port, self._lent.stack
        else:
            self.port = parts.free_port()
            events = f"http://127.0.0.1:{self.port}/v1/events/minio"
            self.stack = parts.Stack(events_url=witness.before_events(events) if witness else events,
                                     blank=parts.blank_cluster(), **stack_options)
            self.stack.start()
        secret = local_gateway.new_callback_secret()
        self.receiver = webhook_receiver.Receiver(secret)
        self.app = local_gateway.App("shop", self.receiver.url, profiles, secret=secret, link_secrets=link_secrets)
        self.other = local_gateway.App("other", None, {"photos": {}})
        self.operator = local_gateway.App("ops", role="operator")
        self.gateway = local_gateway.Gateway(build_dir, folder, self.stack, self.port, self.metrics_port,
                                             [self.app, self.other, self.operator, *apps], extra, role)
        if witness:
            witness.watch(self)

    def request(self, method, path, body=None, headers=None, key=None):
        return self.gateway.request(method, path, body, headers, self.app.key if key is None else key)

    def create(self, body=None, headers=None):
        return self.gateway.create(body, self.app, headers)

    def send(self, created, data):
        """Sends the file to the store like a phone: (status, answer)."""
        if self.witness:
            return self.witness.send(created, data)
        return local_gateway.send(created["upload"], data)

    def upload(self, data, body=None):
        """Uploads to the store; returns the upload as created."""
        created = self.create({"size": len(data), **(body or {})})
        status, answer = self.send(created, data)
        assert status in (200, 201, 204), answer
        return created

    def publish(self, data, body=None, seconds=60):
        return self.gateway.wait_for(self.upload(data, body), seconds)

    def image(self, upload, headers=None):
        return self.gateway.request("GET", "/i/" + upload["links"]["image"].rsplit("/", 1)[1], headers=headers)

    def sql(self, statement):
        return self.stack.postgres.sql(statement)

    def close(self):
        for gateway in (self.gateway, *self.others):
            gateway.__exit__()
        self.receiver.close()
        if self.witness:
            self.witness.close()
        lent, self._lent = self._lent, None
        if lent:
            recycled.give_back(lent)
        else:
            self.stack.close()

    def another(self, role="all", name=None):
        """Another gateway on the same database and store, not started; it closes with the world."""
        port, metrics_port = parts.free_port(), parts.free_port()
        # Worlds that share a parent number their own folders: beside them, not among them.
        folder = self.gateway.folder.parent / (name or f"{self.gateway.folder.name}-{len(self.others) + 1}")
        made = local_gateway.Gateway(self.gateway.program.parent, folder, self.stack, port, metrics_port,
                                     list(self.gateway.apps.values()), self.extra, role)
        made.environment |= self.gateway.environment
        if self.witness:
            self.witness.adopt(made)
        self.others.append(made)
        return made


def worlds(build_dir, tmp_path, seed=1):
    """A generator for a fixture: worlds that one test alone has, and may break: make(profiles=…, extra=…, witnessed=True)."""
    made = []

    def make(start=True, witnessed=False, build=None, **options):
        folder = tmp_path / f"world{len(made)}"
        seen = {"witness": Witness(folder / "witness", seed)} if witnessed else {}
        made.append(World(build or build_dir, folder / "gateway", **seen, **options))
        if start:
            made[-1].gateway.start()
        return made[-1]

    yield make
    for each in made:
        each.close()
