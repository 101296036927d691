"""Batches, backfills and pictures known by their digest: one call that asks for much, or for somebody else's."""
import hashlib
import time

import pytest

from tests.rig import pictures


def count(world, table="uploads"):
    return int(world.sql(f"select count(*) from {table}"))


def batch(world, uploads, **options):
    return world.request("POST", "/v1/uploads/batch", {"uploads": uploads}, **options)


@pytest.mark.parametrize("uploads", [[], [{}] * 501, [{}] * 60_000, {}, "x", None, [[]], [None] * 3, [{"profile": "photos"}, 5]])
def test_batch_that_is_none_creates_nothing(world, uploads):
    before = count(world)
    status, _, problem = batch(world, uploads)
    assert status in (400, 413, 422) or (status == 200 and problem["created"] <= 1), problem
    assert count(world) - before <= (problem.get("created") or 0)


def test_batch_goes_past_no_limit_of_a_token(world):
    token = world.request("POST", "/v1/tokens", {"profile": "photos", "max_uploads": 3, "expires_in": 60})[2]["token"]
    status, _, answer = batch(world, [{"size": 10}] * 50, key=token)
    assert status in (200, 403, 422, 429)
    assert status != 200 or answer["created"] <= 3
    assert batch(world, [{"size": 10}] * 50, key=token)[2].get("created", 0) + (answer.get("created") or 0) <= 3


@pytest.mark.parametrize("item", [{"profile": "other"}, {"profile": "photos", "app": "other"}, {"profile": "photos", "metadata": {"a": "x" * 100_000}}, {"profile": "photos", "filename": "x\0y"},
                                  {"profile": "photos", "idempotency_key": "x"}, {"profile": "photos", "size": -1}])
def test_item_that_is_refused_alone_is_refused_in_a_batch(world, item):
    alone = world.request("POST", "/v1/uploads", item)
    status, _, answer = batch(world, [item, {"profile": "photos", "size": 10}])
    assert status in (200, 400, 422)
    if alone[0] >= 400 and status == 200:
        assert answer["refused"] == 1 and answer["data"][0]["code"] in (alone[2]["code"], "invalid_metadata"), (alone, answer)


def test_batch_key_of_another_app_replays_nothing(world):
    key = {"Idempotency-Key": "a-batch-of-two"}
    mine = batch(world, [{"profile": "photos", "size": 10}] * 2, headers=key)[2]
    status, headers, theirs = world.request("POST", "/v1/uploads/batch", {"uploads": [{"profile": "photos", "size": 10}] * 2}, key, key=world.other.key)
    assert status == 200 and "idempotency-replayed" not in headers
    assert not {each.get("id") for each in mine["data"]} & {each.get("id") for each in theirs["data"] if "id" in each}


@pytest.mark.parametrize("who", ["app", "token"])
def test_digest_of_somebody_elses_picture_tells_nothing(world, who):
    photo = pictures.photo(320, 240, seed=77)
    digest = {"algorithm": "sha256", "value": hashlib.sha256(photo).hexdigest()}
    mine = world.publish(photo, {"checksum": digest, "metadata": {"owner": "anna"}})
    key = world.other.key if who == "app" else world.request("POST", "/v1/tokens", {"profile": "photos", "expires_in": 60})[2]["token"]
    body = {"size": len(photo), "checksum": digest} | ({"profile": "photos"} if who == "app" else {})
    answers = [world.request("POST", "/v1/uploads", {**body, "checksum": {**digest, "value": value}}, key=key) for value in (digest["value"], "0" * 64)]
    assert [each[0] for each in answers] == [201, 201] and answers[0][2]["state"] == answers[1][2]["state"] == "created"
    assert mine["id"] not in str(answers) and "anna" not in str(answers)


@pytest.mark.parametrize("body", [{}, {"profile": "other"}, {"profile": "../photos"}, {"profile": "photos", "variant": "none"}, {"profile": "photos", "created_after": "never"}, {"profile": 5}, []])
def test_backfill_that_makes_no_sense_begins_nothing(world, body):
    before = count(world, "variant_backfills")
    assert world.request("POST", "/v1/variants", body)[0] in (400, 404, 422)
    assert count(world, "variant_backfills") == before


def test_backfill_is_its_apps_and_no_tokens(world):
    token = world.request("POST", "/v1/tokens", {"profile": "photos", "expires_in": 60})[2]["token"]
    assert world.request("POST", "/v1/variants", {"profile": "photos"}, key=token)[0] in (401, 403)
    status, _, made = world.request("POST", "/v1/variants", {"profile": "photos"})
    if status != 202:
        assert made["code"] in ("variant_not_found", "invalid_fields", "invalid_field", "state_conflict"), made
        return
    for method in ("GET", "DELETE"):
        assert world.request(method, f"/v1/variants/{made['id']}", key=world.other.key)[0] == 404
    assert world.request("DELETE", f"/v1/variants/{made['id']}")[0] in (200, 202)


def test_flood_of_backfills_is_bounded(world):
    before, began = count(world, "variant_backfills"), time.monotonic()
    for number in range(50):
        world.request("POST", "/v1/variants", {"profile": "photos", "created_after": f"2020-01-01T00:00:{number:02d}Z"})
    assert count(world, "variant_backfills") - before <= 4 and time.monotonic() - began < 30
