"""Stored packages as their app sees them: told once how each ended, watched while they are built, waited for."""
import http.client
import json
import threading
import time

import pytest
from test_callbacks import feed, verdict_of_python
from test_packages import download, pack, photos
from test_stored_packages import QUICK, objects_of, state_of, wait_for, wait_until_nothing_is_left
from test_waits import metric

from tests.rig import stack as parts
from tests.rig.published import noise, publish, store_of

KIB = 1024
MIB = KIB * KIB


@pytest.fixture
def stored(own_world):
    return own_world(extra=QUICK)


def told_of(world, package, seconds=60):
    return world.receiver.wait_for(lambda c: c.body and c.body["data"]["id"] == package["id"], seconds)


def verified(world, callback):
    return verdict_of_python(world.app.secret, callback.headers, callback.raw.decode())


def callbacks_of(world, package, **options):
    status, _, page = world.request("GET", f"/v1/callbacks?package={package['id']}", **options)
    assert status == 200, page
    return page["data"]


def rows_of(world, package):
    return world.sql(f"select type, subject_kind, sequence from callbacks where subject_id = '{package['id']}'").split()


def test_app_is_told_once_that_a_package_is_ready_with_a_link_that_works(stored):
    made = publish(stored, photos(12, 100 * KIB, seed=60))
    package = pack(stored, {"name": "smith.zip", "items": [each.id for each in made], "mode": "store", "metadata": {"order": "77"}})
    callback = told_of(stored, package)
    assert verified(stored, callback) and callback.body["type"] == "package.ready"
    data = callback.body["data"]
    shown = state_of(stored, package)
    assert shown["state"] == "ready"
    for member in ("id", "state", "name", "mode", "items", "missing", "size", "etag", "url", "failure", "failed_items", "metadata", "progress",
                   "created_at", "expires_at", "links"):
        assert data[member] == shown[member], member
    assert data["metadata"] == {"order": "77"} and data["sequence"] == 1 and data["failed_items"] == []
    assert data["progress"] == {"step": None, "items": 12, "bytes": package["size"], "bytes_per_second": data["progress"]["bytes_per_second"], "seconds_left": None}
    assert len(download(stored, data)[2]) == package["size"], "whoever has the callback has the zip"
    listed, = callbacks_of(stored, package)
    assert (listed["type"], listed["package"], listed["upload"], listed["sequence"]) == ("package.ready", package["id"], None, 1)
    assert stored.request("GET", f"/v1/callbacks?package={package['id']}", key=stored.other.key)[2]["data"] == []
    assert [event for event in feed(stored)[0] if event["data"] and event["data"]["id"] == package["id"]] == [callback.body]
    assert rows_of(stored, package) == ["package.ready|package|1"]


def test_app_is_told_which_pictures_made_a_package_fail(stored):
    made = publish(stored, photos(8, 50 * KIB, seed=61))
    client, bucket = store_of(stored), stored.stack.minio.public
    client.put_object(Bucket=bucket, Key=made[2].key, Body=b"others")
    client.delete_object(Bucket=bucket, Key=made[5].key)
    package = pack(stored, {"items": [each.id for each in made], "mode": "store"})
    callback = told_of(stored, package)
    assert verified(stored, callback) and callback.body["type"] == "package.failed"
    data = callback.body["data"]
    assert data["state"] == "failed" and data["url"] is None
    wanted = [{"item": 2, "upload": made[2].id, "name": made[2].name, "code": "store_precondition_failed"},
              {"item": 5, "upload": made[5].id, "name": made[5].name, "code": "store_no_such_key"}]
    assert data["failed_items"] == wanted and data["failure"] in {each["code"] for each in wanted}
    assert state_of(stored, package)["failed_items"] == wanted
    wait_until_nothing_is_left(stored, package)
    assert rows_of(stored, package) == ["package.failed|package|1"]


def test_no_more_than_a_hundred_failed_items_are_named(stored):
    made = publish(stored, photos(130, 1 * KIB, seed=62))
    client, bucket = store_of(stored), stored.stack.minio.public
    for each in made:
        client.delete_object(Bucket=bucket, Key=each.key)
    package = pack(stored, {"items": [each.id for each in made], "mode": "store"})
    assert len(told_of(stored, package).body["data"]["failed_items"]) == 100
    assert len(state_of(stored, package)["failed_items"]) == 100


def test_name_of_a_failed_item_goes_with_its_upload(stored):
    made = publish(stored, photos(3, 50 * KIB, seed=63))
    store_of(stored).delete_object(Bucket=stored.stack.minio.public, Key=made[1].key)
    package = pack(stored, {"items": [each.id for each in made], "mode": "store"})
    told_of(stored, package)
    parts.wait_until(lambda: callbacks_of(stored, package)[0]["state"] == "delivered", 60, "the delivery")
    assert stored.request("DELETE", f"/v1/uploads/{made[1].id}")[0] in (200, 202)
    assert [each["name"] for each in state_of(stored, package)["failed_items"]] == [""]
    assert stored.sql(f"select body from callbacks where subject_id = '{package['id']}'") == ""


def test_deletion_of_a_picture_while_a_package_is_queued_is_told_as_its_failure(own_world):
    world = own_world(extra=QUICK, start=False)
    world.gateway.role = "serve"
    world.gateway.start()
    made = publish(world, photos(3, 50 * KIB, seed=64))
    package = pack(world, {"items": [each.id for each in made], "mode": "store"})
    assert state_of(world, package)["progress"] == {"step": "waiting", "items": 0, "bytes": 0, "bytes_per_second": 0, "seconds_left": None}
    assert world.request("DELETE", f"/v1/uploads/{made[1].id}")[0] in (200, 202)
    assert state_of(world, package)["failure"] == "gone"
    other = world.another(role="work")
    other.start()
    assert told_of(world, package).body["type"] == "package.failed"
    assert rows_of(world, package) == ["package.failed|package|1"]


def test_nothing_is_told_of_a_package_that_its_app_deletes_or_that_is_streamed(stored):
    made = publish(stored, photos(3, 50 * KIB, seed=65))
    streamed = pack(stored, {"items": [each.id for each in made]})
    assert streamed["progress"] is None
    package = wait_for(stored, pack(stored, {"items": [each.id for each in made], "mode": "store"}), "ready")
    told_of(stored, package)
    assert stored.request("DELETE", f"/v1/packages/{package['id']}")[0] == 200
    wait_until_nothing_is_left(stored, package)
    assert rows_of(stored, package) == ["package.ready|package|1"] and rows_of(stored, streamed) == []


def test_wait_is_answered_as_soon_as_a_package_is_ready(stored):
    made = publish(stored, photos(10, 300 * KIB, seed=66))
    package = pack(stored, {"items": [each.id for each in made], "mode": "store"})
    status, _, then = stored.request("GET", f"/v1/packages/{package['id']}?wait=60")
    assert (status, then["state"]) == (200, "ready") and then["url"]
    assert stored.request("GET", f"/v1/packages/{package['id']}?wait=60")[2]["state"] == "ready", "at once"
    assert stored.request("GET", f"/v1/packages/{package['id']}?wait=61")[0] == 400
    assert stored.request("GET", f"/v1/packages/{package['id']}?wait=5", key=stored.other.key)[0] == 404


def test_wait_ends_with_its_time_or_with_a_deletion(own_world):
    world = own_world(extra=QUICK, start=False)
    world.gateway.role = "serve"
    world.gateway.start()
    made = publish(world, photos(2, 50 * KIB, seed=67))
    package = pack(world, {"items": [each.id for each in made], "mode": "store"})
    assert world.request("GET", f"/v1/packages/{package['id']}?wait=1")[2]["state"] == "queued"
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(world.request("GET", f"/v1/packages/{package['id']}?wait=60")))
    waiting.start()
    parts.wait_until(lambda: metric(world.gateway, "photogate_waits") == 1, 60, "the wait")
    assert world.request("DELETE", f"/v1/packages/{package['id']}")[0] == 200
    waiting.join(60)
    assert answers[0][2]["state"] == "deleted"
    parts.wait_until(lambda: metric(world.gateway, "photogate_waits") == 0, 60, "no wait")


class Events:
    """A stream of server-sent events."""

    def __init__(self, world, package, last=None, key=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", world.gateway.port, timeout=60)
        self.connection.request("GET", f"/v1/packages/{package['id']}/events",
                                headers={"Authorization": f"Bearer {key or world.app.key}", **({"Last-Event-ID": last} if last else {})})
        self.answer = self.connection.getresponse()

    def next(self):
        """(id, event, data) of the next one; None at the end."""
        fields = {}
        for line in iter(self.answer.readline, b""):
            line = line.decode().rstrip("\n")
            if not line and "data" in fields:
                return fields["id"], fields["event"], json.loads(fields["data"])
            name, _, value = line.partition(": ")
            fields[name] = value
        return None

    def close(self):
        self.answer.close()
        self.connection.close()


def test_progress_is_streamed_as_events_until_the_end(own_world):
    world = own_world(extra=QUICK, start=False)
    world.gateway.role = "serve"
    world.gateway.start()
    made = publish(world, [(f"{number}.jpg", noise(20 * MIB, 680 + number)) for number in range(4)])
    package = pack(world, {"items": [each.id for each in made], "mode": "store"})
    events = Events(world, package)
    assert events.answer.status == 200 and events.answer.getheader("Content-Type") == "text/event-stream"
    first = events.next()
    assert first[1] == "progress" and first[2]["state"] == "queued" and first[2]["progress"]["step"] == "waiting"
    again = Events(world, package, last=first[0])
    assert Events(world, package, key=world.other.key).answer.status == 404
    worker = world.another(role="work")
    worker.start()
    seen = [first]
    while (event := events.next()) is not None:
        seen.append(event)
    assert seen[-1][1] == "ready" and seen[-1][2]["url"] and seen[-1][2]["progress"]["items"] == 4
    done = [each[2]["progress"]["bytes"] for each in seen]
    assert done == sorted(done) and done[-1] == package["size"] and len({each[0] for each in seen}) == len(seen)
    news = again.next()
    assert news[0] != first[0], "what the client has is not told again"
    for each in (events, again):
        each.close()
    last = Events(world, package, last=seen[-1][0])
    assert last.next() is None, "there is nothing more to be told"
    parts.wait_until(lambda: metric(world.gateway, "photogate_waits") == 0, 60, "no wait")


def test_streams_of_clients_that_went_hold_nothing(own_world):
    world = own_world(extra=QUICK, start=False)
    world.gateway.role = "serve"
    world.gateway.start()
    made = publish(world, photos(2, 50 * KIB, seed=69))
    package = pack(world, {"items": [each.id for each in made], "mode": "store"})
    streams = [Events(world, package) for _ in range(20)]
    for each in streams:
        assert each.next()[1] == "progress"
    parts.wait_until(lambda: metric(world.gateway, "photogate_waits") > 10, 60, "the waits")
    for each in streams:
        each.close()
    parts.wait_until(lambda: metric(world.gateway, "photogate_waits") == 0, 60, "no wait")
    parts.wait_until(lambda: metric(world.gateway, "photogate_http_connections") < 5, 60, "the connections to be given back")


def test_stopping_gateway_ends_its_streams(own_world):
    world = own_world(extra=QUICK, start=False)
    world.gateway.role = "serve"
    world.gateway.start()
    made = publish(world, photos(2, 50 * KIB, seed=70))
    package = pack(world, {"items": [each.id for each in made], "mode": "store"})
    events = Events(world, package)
    assert events.next()[1] == "progress"
    began = time.monotonic()
    world.gateway.stop()
    assert time.monotonic() - began < 30
    assert events.next() is None


def test_package_that_comes_to_its_end_before_it_is_built_has_failed(own_world):
    world = own_world(extra=QUICK, start=False)
    world.gateway.role = "serve"
    world.gateway.start()
    made = publish(world, photos(2, 50 * KIB, seed=71))
    package = pack(world, {"items": [each.id for each in made], "mode": "store"})
    world.sql(f"update packages set expires_at = now() - interval '1 second' where id = '{package['id']}'")
    worker = world.another(role="work")
    worker.start()
    assert told_of(world, package).body["data"]["failure"] == "unavailable"
    assert objects_of(world, package) == []
