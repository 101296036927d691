"""Clients and an app server behind a load balancer: every kind of request, through all gateways in turn, and each must be answered well.

    with Balanced(world, [gateway], photos) as clients:
        clients.wait_for(10)             # that many more uploads that the store has acknowledged
        clients.serving.append(another)
        clients.leave(gateway)
    assert not clients.lost
"""
import collections
import http.client
import io
import json
import threading
import time
import urllib.parse
import zipfile

from scripts import local_gateway
from tests.rig import parts as pieces
from tests.rig import resumable as wire
from tests.rig import stack as parts
from tests.rig.crowd import Crowd


class Lost(Exception):
    """A request was not answered as it should be; it is in `lost`."""


class Balanced(Crowd):
    def __init__(self, world, serving, photos, clients=3):
        super().__init__(self._client, clients)
        self.world, self.serving, self.photos = world, list(serving), photos
        self.acknowledged, self.lost, self.done, self.requests = [], [], collections.Counter(), 0
        self._lock = threading.Lock()

    # What the test does.

    def wait_for(self, more, seconds=90):
        before = len(self.acknowledged)
        parts.wait_until(lambda: len(self.acknowledged) >= before + more or self.lost, seconds, f"{more} more uploads")
        assert not self.lost, self.lost[:5]

    def wait_for_all_kinds(self, seconds=180):
        """Until everything that clients do has been done from now on."""
        before = self.done.copy()
        parts.wait_until(lambda: all(self.done[kind] > before[kind] for kind in self.KINDS) or self.lost, seconds, "every kind of request")
        assert not self.lost, self.lost[:5]

    def take_out(self, gateway, seconds=0.5):
        """As a load balancer does: no new request."""
        self.serving.remove(gateway)
        time.sleep(seconds)

    def leave(self, gateway):
        """What is under way ends."""
        self.take_out(gateway)
        assert gateway.stop() == 0

    def said(self):
        return f"{self.requests} requests, {len(self.acknowledged)} uploads ({', '.join(f'{count} {kind}' for kind, count in sorted(self.done.items()))}), " \
               f"{len(self.lost)} lost"

    # What the clients do.

    def _next(self):
        with self._lock:
            self.requests += 1
            return self.serving[self.requests % len(self.serving)]

    def _lose(self, *what):
        self.lost.append(what)
        raise Lost

    def _ask(self, method, path, body=None, key=None, headers=None, good=(200, 201, 202)):
        gateway = self._next()
        try:
            status, _, answer = gateway.request(method, path, body, headers, key=key or self.world.app.key)
        except (OSError, http.client.HTTPException) as error:
            status, answer = 0, repr(error)
        if status not in good:
            self._lose(method, path, status, str(answer)[:300])
        return answer

    def _transfer(self, call, created, *arguments, good):
        """A request of a resumable upload, at whichever gateway is next."""
        url = wire.url_of(self.world, created, self._next())
        try:
            reply = call(url, *arguments)
        except (OSError, http.client.HTTPException) as error:
            self._lose(call.__name__, url, 0, repr(error))
        if reply.status != good:
            self._lose(call.__name__, url, reply.status, str(reply.body)[:300])
        return reply

    def _create(self, photo, **more):
        return self._ask("POST", "/v1/uploads", {"profile": "photos", "size": len(photo), **more})

    def _send(self, created, photo):
        status, answer = local_gateway.send(created["upload"], photo)
        if status not in (200, 201, 204):
            self._lose("PUT", "to the store", status, str(answer)[:300])
        self.acknowledged.append(created["id"])

    def _published(self, created):
        path = f"/v1/uploads/{created['id']}"
        deadline = time.monotonic() + 90
        while (found := self._ask("GET", f"{path}?wait=3"))["state"] != "published":
            if found["state"] in ("rejected", "failed", "expired", "cancelled", "deleted") or time.monotonic() > deadline:
                self._lose("GET", path, 200, found["state"])
            if self._stop.is_set():
                return None
        return found

    def _put(self, photo, number):
        created = self._create(photo)
        self._send(created, photo)
        self._ask("POST", f"/v1/uploads/{created['id']}/complete")
        self._ask("GET", f"/v1/uploads/{created['id']}")

    def _in_parts(self, photo, number):
        created = self._create(photo, method="multipart", content_type="image/jpeg")
        listed = self._ask("POST", f"/v1/uploads/{created['id']}/parts/sign", {"numbers": [1]})["data"]
        status, _, answer = pieces.put(listed[0], photo)
        if status != 200:
            self._lose("PUT", "a part to the store", status, str(answer)[:300])
        self._ask("GET", f"/v1/uploads/{created['id']}/parts")
        self._ask("POST", f"/v1/uploads/{created['id']}/complete")
        self.acknowledged.append(created["id"])

    def _resumable(self, photo, number):
        """Each piece at another gateway."""
        created = self._create(photo)
        half = len(photo) // 2
        self._transfer(wire.patch, created, 0, photo[:half], good=204)
        offset = self._transfer(wire.head, created, good=200).offset
        if offset != half:
            self._lose("HEAD", created["id"], 200, f"offset {offset} after {half} were acknowledged")
        self._transfer(wire.patch, created, half, photo[half:], good=204)
        self.acknowledged.append(created["id"])

    def _version(self, photo, number):
        created = self._create(photo)
        self._send(created, photo)
        if self._published(created):
            image = urllib.parse.urlsplit(created["links"]["image"]).path
            self._ask("GET", f"{image}?width=64&format=webp")
            self._ask("GET", image)

    def _package(self, photo, number):
        uploads = []
        for _ in range(2):
            uploads.append(self._create(photo))
            self._send(uploads[-1], photo)
        if not all(self._published(each) for each in uploads):
            return
        made = self._ask("POST", "/v1/packages", {"name": "album", "items": [{"upload": each["id"]} for each in uploads]})
        self._ask("GET", f"/v1/packages/{made['id']}")
        url = urllib.parse.urlsplit(made["url"])
        data = self._ask("GET", f"{url.path}?{url.query}")
        if len(zipfile.ZipFile(io.BytesIO(data)).namelist()) != 2:
            self._lose("GET", url.path, 200, "not a zip of two pictures")

    def _app_server(self, photo, number):
        self._ask("GET", "/v1/callbacks?limit=20")
        self._ask("GET", "/v1/events?limit=20")
        self._ask("GET", "/v1/uploads?limit=20")

    def _profile(self, photo, number):
        """Changed through one gateway, it rules uploads at the next within a second, which is twice as long on a busy machine."""
        name = f"client{number}"
        path = f"/v1/apps/{self.world.app.name}/profiles/{name}"
        self._ask("PUT", path, {"max_edge": 100 + self.done["profile"] % 50}, key=self.world.operator.key)
        deadline = time.monotonic() + 5
        while "settings" not in self._ask("GET", path, key=self.world.operator.key, good=(200, 404)) and time.monotonic() < deadline:
            pass
        if self._stop.wait(2):
            return
        created = self._create(photo, profile=name)
        self._send(created, photo)

    KINDS = {"put": _put, "parts": _in_parts, "resumable": _resumable, "version": _version, "package": _package, "app server": _app_server,
             "profile": _profile}

    def _client(self, number):
        count = 0
        kinds = list(self.KINDS.items())
        while not self._stop.wait(0.05):
            count += 1
            # A PUT is what clients do most of the time.
            name, act = kinds[(number * 3 + count // 2) % len(kinds)] if count % 2 else kinds[0]
            try:
                act(self, self.photos[(number + count) % len(self.photos)], number)
            except Lost:
                continue
            except Exception as error:  # a client that ends silently would find nothing
                self.lost.append((name, "", 0, repr(error)))
                continue
            self.done[name] += 1


def readiness(gateway):
    """GET /readyz?verbose, whatever it answers."""
    answer = gateway.request("GET", "/readyz?verbose")[2]
    return answer if isinstance(answer, dict) else json.loads(answer)
