"""Store events that nobody sent, or that say what is not so."""
import json

import pytest

from tests.attacks.conftest import unchanged
from tests.rig.events import event, key_of, post


@pytest.mark.parametrize("headers", [{"Authorization": ""}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic d3Jvbmc6d3Jvbmc="},
                                     {"Authorization": "Bearer "}, {"Authorization": "bearer"}, {"Authorization": "Bearer " + "a" * 5000}])
def test_event_without_token_is_refused(world, victim, headers):
    status, _, _ = post(world, event(world, key_of(victim)), headers=headers)
    assert status in (401, 431)
    unchanged(world, victim)


@pytest.mark.parametrize("source", ["other", "MINIO", "minio/..", "%2e%2e", "minio%00", "a" * 300])
def test_unknown_source_is_refused(world, victim, source):
    assert post(world, event(world, key_of(victim)), source=source)[0] in (400, 401, 404)
    unchanged(world, victim)


@pytest.mark.parametrize("key", [lambda w: w.app.key, lambda w: w.other.key, lambda w: w.operator.key, lambda w: w.app.secret])
def test_other_credentials_are_no_event_token(world, victim, key):
    assert post(world, event(world, key_of(victim)), token=key(world))[0] == 401
    unchanged(world, victim)


LIES = {
    "an object that is not there": {},
    "another ETag": {"etag": "f" * 32},
    "size zero": {"size": 0},
    "a huge size": {"size": 2 ** 62},
    "another bucket": {"bucket": "public"},
    "a removal": {"name": "s3:ObjectRemoved:Delete"},
    "an odd sequencer": {"sequencer": "ZZZZ"},
}


@pytest.mark.parametrize("lie", list(LIES), ids=list(LIES))
def test_authenticated_lie_publishes_nothing(world, victim, lie):
    assert post(world, event(world, key_of(victim), **LIES[lie]))[0] in (200, 202, 204)
    assert world.image(victim)[0] == 404
    assert world.request("GET", f"/v1/uploads/{victim['id']}")[2]["state"] in ("created", "uploaded", "processing", "rejected", "failed")


KEYS = ["u/../../x", "u/" + "a" * 2000, "", "/", "public/x", "u/%00", "u/x'; drop table uploads; --", "u/\ud83d", "i/abc", "o/abc"]


@pytest.mark.parametrize("key", KEYS)
def test_odd_key_changes_nothing(world, victim, key):
    assert post(world, event(world, key.encode("utf-8", "replace").decode()))[0] < 500
    unchanged(world, victim)


BODIES = {
    "nothing": b"", "no JSON": b"<xml/>", "deep": b"[" * 100_000, "deep object": b'{"a":' * 50_000, "list": b"[]", "number": b"1e999", "NUL": b'{"Records":"\\u0000"}',
    "a million records": b'{"Records":[' + b"{}," * 200_000 + b"{}]}", "duplicate members": b'{"Records":[],"Records":[{}]}', "not UTF-8": b'{"Records":"\xff"}',
    "records of other types": json.dumps({"Records": [None, 1, "x", [], {"s3": 1}, {"s3": {"bucket": [], "object": {}}}]}).encode(),
}


@pytest.mark.parametrize("what", list(BODIES), ids=list(BODIES))
def test_odd_body_is_bounded(world, victim, what):
    status, _, _ = post(world, BODIES[what], headers={"Content-Type": "application/json"})
    assert status < 500
    unchanged(world, victim)
