"""Callbacks over REST: verified by the libraries of receivers, their log, replays, endpoints that fail, and the feed to pull from."""
import datetime
import json
import os
import pathlib
import re
import shutil
import subprocess
import urllib.parse

import pytest
import standardwebhooks

from scripts import local_gateway, webhook_receiver
from tests.rig import pictures
from tests.rig import stack as parts

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
NODE_FOLDER = pathlib.Path(os.environ.get("PHOTOGATE_NODE_DIR", ROOT / ".node"))
IMPATIENT = "\n[callbacks]\nbreaker_after = 3\nbreaker_first = 1\nbreaker_longest = 2\n"


@pytest.fixture(scope="module")
def photo():
    return pictures.photo(320, 240, seed=81)


def verdicts_of_node(questions):
    """What Node's standardwebhooks says of each {secret, headers, body}: True, or its complaint."""
    if not shutil.which("node") or not (NODE_FOLDER / "node_modules" / "standardwebhooks").exists():
        pytest.fail("Node's standardwebhooks is not installed; ./test installs it")
    done = subprocess.run(["node", ROOT / "tests" / "node" / "verify.mjs", NODE_FOLDER], input=json.dumps(questions),
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def verdict_of_python(secret, headers, body):
    try:
        standardwebhooks.Webhook(secret).verify(body, headers)
        return True
    except standardwebhooks.WebhookVerificationError:
        return False


def feed(world, after=None, key=None, **more):
    """Pages until there is no more: (events, the last cursor)."""
    events = []
    while True:
        query = urllib.parse.urlencode({**more, **({"after": after} if after else {})})
        status, _, page = world.request("GET", f"/v1/events?{query}", key=key)
        assert status == 200, page
        events += page["data"]
        after = page["next"]
        if not page["more"]:
            return events, after


def fed(world, upload, count, **options):
    """The events of one upload, once there are so many."""
    found = []

    def there():
        found[:] = [each for each in feed(world, **options)[0] if each["data"] and each["data"]["id"] == upload["id"]]
        return len(found) >= count

    parts.wait_until(there, 60, f"{count} events")
    return found


def with_extra(world, text):
    """More lines under [callbacks] of the configuration, before a start."""
    config = world.gateway.config
    config.write_text(config.read_text().replace("[callbacks]\n", "[callbacks]\n" + text.split("[callbacks]\n")[1], 1))


def metrics(world):
    return world.gateway.request("GET", "/metrics", port=world.gateway.metrics_port)[2].decode()


def attempts_of(world, upload):
    status, _, page = world.request("GET", f"/v1/callbacks?upload={upload['id']}")
    assert status == 200
    return [attempt for each in page["data"] for attempt in each["attempts"]]


def test_both_secrets_of_a_rotation_verify_with_python_and_node_libraries(own_world, photo):
    world = own_world(start=False)
    old, new, foreign = world.app.secret, local_gateway.new_callback_secret(), local_gateway.new_callback_secret()
    text = world.gateway.config.read_text()
    world.gateway.config.write_text(text.replace(f'callback_secrets = ["{old}"]', f'callback_secrets = ["{new}", "{old}"]'))
    world.gateway.start()
    upload = world.publish(photo)
    for kind in ("upload.received", "upload.published"):
        world.receiver.wait_for_upload(upload["id"], kind)
    told = world.receiver.of(upload["id"])
    questions = []
    for callback in told:
        assert len(callback.headers["webhook-signature"].split(" ")) == 2
        body = callback.raw.decode()
        forged = {**callback.headers, "webhook-id": callback.headers["webhook-id"][:-1] + "0"}
        for secret, headers, said, right in ((old, callback.headers, body, True), (new, callback.headers, body, True),
                                             (foreign, callback.headers, body, False), (new, callback.headers, body + " ", False),
                                             (new, forged, body, forged == callback.headers)):
            assert verdict_of_python(secret, headers, said) is right
            questions.append(({"secret": secret, "headers": headers, "body": said}, right))
    verdicts = verdicts_of_node([question for question, _ in questions])
    assert [verdict is True for verdict in verdicts] == [right for _, right in questions], verdicts


def test_shows_one_callback_with_its_attempts(world, photo):
    upload = world.publish(photo)
    told = world.receiver.wait_for_upload(upload["id"], "upload.published")
    identity = told.headers["webhook-id"]

    def delivered():
        return world.request("GET", f"/v1/callbacks/{identity}")[2]["state"] == "delivered"

    parts.wait_until(delivered, 60, "the delivery")
    status, _, callback = world.request("GET", f"/v1/callbacks/{identity}")
    assert status == 200 and callback["upload"] == upload["id"] and callback["attempts_made"] == 1
    attempt, = callback["attempts"]
    assert attempt["status"] == 204 and attempt["error"] is None and attempt["latency_ms"] >= 0 and attempt["at"].endswith("Z")
    assert world.request("GET", f"/v1/callbacks/{identity}", key=world.other.key)[0] == 404
    assert world.request("GET", f"/v1/callbacks/{identity}", key=world.operator.key)[0] == 200
    assert world.request("GET", "/v1/callbacks/nonsense")[0] == 404


def test_replays_range_with_same_bytes_within_bounds(own_world, photo):
    world = own_world()
    before = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    uploads = [world.publish(photo) for _ in range(3)]
    parts.wait_until(lambda: world.sql("select count(*) from callbacks where state = 'delivered'") == "6", 60, "six deliveries")
    first = {callback.headers["webhook-id"]: callback.raw for callback in world.receiver.callbacks}

    def replay(key=None, **body):
        return world.request("POST", "/v1/callbacks/replay", {"since": before, "state": "delivered", **body}, key=key)

    assert replay(until=before)[2] == {"replayed": 0, "next": None}
    assert replay(type="upload.deleted")[2]["replayed"] == 0
    assert replay(url="https://elsewhere.example/")[2]["replayed"] == 0
    assert replay(key=world.other.key)[2]["replayed"] == 0
    assert replay(key=world.operator.key, app="other")[2]["replayed"] == 0
    assert replay(key=world.other.key, app="shop")[0] == 403
    for wrong in ({"limit": 0}, {"limit": 10_001}, {"state": "unsent"}, {"type": "upload.eaten"}, {"cursor": "zz"}, {"until": "soon"}, {"app": "N O"}, {"url": "\0"}):
        assert replay(**wrong)[0] in (400, 422), wrong
    status, _, page = replay(type="upload.published", limit=2, app="shop")
    assert (status, page["replayed"]) == (202, 2) and page["next"]
    assert replay(type="upload.published", limit=2, cursor=page["next"])[2] == {"replayed": 1, "next": None}
    parts.wait_until(lambda: len(world.receiver.callbacks) == 9, 60, "three again")
    again = world.receiver.callbacks[6:]
    assert {callback.body["type"] for callback in again} == {"upload.published"}
    assert {callback.body["data"]["id"] for callback in again} == {each["id"] for each in uploads}
    assert all(first[callback.headers["webhook-id"]] == callback.raw for callback in again)


def test_410_pauses_and_rest_resumes(own_world, photo):
    world = own_world()
    world.receiver.answer = lambda callback: (410, {}, b"")
    upload = world.publish(photo)

    def paused():
        return [(each["url"], each["state"]) for each in world.request("GET", "/v1/endpoints")[2]["data"]] == [(world.receiver.url, "paused")]

    parts.wait_until(paused, 60, "the pause")
    # One that was written while the pause was being committed keeps its time until the endpoint is resumed or tidied.
    parts.wait_until(lambda: world.sql("select count(*) from callbacks where state = 'waiting' and lease_token is null") == "2", 60, "both to be held")
    endpoint, = world.request("GET", "/v1/endpoints")[2]["data"]
    assert endpoint["paused_at"] and endpoint["waiting"] == 2
    assert 'photogate_callback_endpoints{state="paused"} 1' in metrics(world)
    assert world.request("GET", "/v1/endpoints", key=world.other.key)[2]["data"] == []
    url = {"url": world.receiver.url}
    assert world.request("POST", "/v1/endpoints/resume", url, key=world.other.key)[0] == 404
    assert world.request("POST", "/v1/endpoints/resume", {})[0] == 422
    world.receiver.answer = lambda callback: None
    status, _, answer = world.request("POST", "/v1/endpoints/resume", url)
    assert (status, answer["resumed"]) == (202, 2)
    for kind in ("upload.received", "upload.published"):
        world.receiver.wait_for(lambda c, kind=kind: c.status == 204 and c.body["type"] == kind and c.body["data"]["id"] == upload["id"])
    assert world.request("GET", "/v1/endpoints")[2]["data"] == []
    assert world.request("POST", "/v1/endpoints/pause", url)[0] == 204
    later = world.publish(photo)
    parts.wait_until(lambda: world.request("GET", "/v1/endpoints")[2]["data"][0]["waiting"] == 2, 60, "what waits")
    assert world.receiver.of(later["id"]) == []
    assert world.request("POST", "/v1/endpoints/resume", url, key=world.operator.key)[0] == 202
    world.receiver.wait_for_upload(later["id"], "upload.published")


def test_backs_off_failing_receiver_and_delivers_all_once_it_recovers(own_world, photo):
    world = own_world(start=False)
    with_extra(world, IMPATIENT)
    world.gateway.start()
    world.receiver.answer = lambda callback: (500, {}, b"")
    uploads = [world.publish(photo) for _ in range(4)]

    def states():
        return [each["state"] for each in world.request("GET", "/v1/endpoints")[2]["data"]]

    parts.wait_until(lambda: states() == ["open"], 60, "the breaker")
    endpoint, = world.request("GET", "/v1/endpoints")[2]["data"]
    assert endpoint["failures"] >= 3 and endpoint["last_status"] == 500 and endpoint["last_error"] == "status" and endpoint["next_probe_at"]
    uploads += [world.publish(photo) for _ in range(3)]
    untouched = int(world.sql("select count(*) from callbacks where attempts = 0"))
    with webhook_receiver.Receiver(local_gateway.new_callback_secret()) as another:
        created = world.create({"size": len(photo), "callback_url": another.url})
        another.answer = lambda callback: (204, {}, b"")
        assert world.send(created, photo)[0] in (200, 201)
        another.wait_for(lambda callback: True)
    world.receiver.answer = lambda callback: None
    assert untouched > 0
    # What was only held back goes out with the next probe; what was tried waits for its turn in the schedule.
    parts.wait_until(lambda: world.sql("select count(*) from callbacks where attempts = 0") == "0", 60, "those held back")

    def all_are_out():
        # Each once: what is moved to this moment again and again is never due for a claim that began a moment before.
        world.sql("update callbacks set next_attempt_at = now() where state = 'waiting' and lease_token is null and next_attempt_at > now()")
        return world.sql("select count(*) from callbacks where state <> 'delivered'") == "0"

    parts.wait_until(all_are_out, 60, "all")
    assert {c.body["data"]["id"] for c in world.receiver.callbacks if c.status == 204} == {each["id"] for each in uploads}

    def is_well_after_one_more():
        world.receiver.wait_for_upload(world.publish(photo)["id"], "upload.published")
        return states() == []

    parts.wait_until(is_well_after_one_more, 30, "its being well")
    assert {attempt["error"] for attempt in attempts_of(world, uploads[0])} <= {None, "status"}


def test_counts_attempts_by_outcome(own_world, photo):
    world = own_world()
    world.receiver.answer = lambda callback: (500, {}, b"") if callback.body["type"] == "upload.received" else None
    upload = world.publish(photo)
    world.receiver.wait_for_upload(upload["id"], "upload.published")
    parts.wait_until(lambda: 'photogate_callback_attempts_total{result="delivered"} 1' in metrics(world), 60, "the count")
    text = metrics(world)
    assert int(re.search(r'photogate_callback_attempts_total\{result="status"\} (\d+)', text)[1]) >= 1
    assert int(re.search(r"photogate_callback_attempt_seconds_count (\d+)", text)[1]) >= 2
    assert 'photogate_callback_endpoints{state="open"} 0' in text


def test_feed_has_the_events_of_callbacks_in_order(world, photo):
    start = feed(world)[1]
    upload = world.publish(photo)
    for kind in ("upload.received", "upload.published"):
        world.receiver.wait_for_upload(upload["id"], kind)
    events = fed(world, upload, 2, after=start)
    assert [each["type"] for each in events] == ["upload.received", "upload.published"]
    sent = {callback.headers["webhook-id"]: callback.body for callback in world.receiver.of(upload["id"])}
    assert {each["id"]: each for each in events} == sent
    one_by_one, end = feed(world, after=start, limit=1)
    assert [each["id"] for each in one_by_one] == [each["id"] for each in feed(world, after=start)[0]]
    assert feed(world, after=end)[0] == []
    assert fed(world, upload, 2, after=start, key=world.operator.key, app="shop") == events
    assert upload["id"] not in json.dumps(feed(world, key=world.other.key)[0])
    for query, status in (("after=zz", 400), ("after=3131", 400), ("limit=0", 400), ("since=1", 400), ("app=other", 403)):
        assert world.request("GET", f"/v1/events?{query}")[0] == status, query
    assert world.request("GET", "/v1/events", key=world.operator.key)[0] == 400


def test_feed_is_complete_for_app_without_url(world, photo):
    created = world.gateway.create({"profile": "photos", "size": len(photo)}, world.other)
    assert world.send(created, photo)[0] in (200, 201)
    events = fed(world, created, 2, key=world.other.key)
    assert [each["type"] for each in events] == ["upload.received", "upload.published"]
    status, _, page = world.request("GET", f"/v1/callbacks?upload={created['id']}", key=world.other.key)
    assert [each["state"] for each in page["data"]] == ["unsent", "unsent"] and page["data"][0]["attempts"] == []
    assert world.request("POST", f"/v1/callbacks/{page['data'][0]['id']}/replay", key=world.other.key)[0] == 409
    assert world.request("DELETE", f"/v1/uploads/{created['id']}", key=world.other.key)[0] in (200, 202, 204)
    parts.wait_until(lambda: feed(world, key=world.other.key)[0][-1]["type"] == "upload.deleted", 60, "the deletion")
    erased = feed(world, key=world.other.key)[0][-3:]
    assert [each["data"] for each in erased[:2]] == [None, None], "what was told is erased"
    assert erased[2]["data"]["state"] == "deleted"
