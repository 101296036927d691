"""Many uploads in one call, and pictures that are there already."""
import base64
import hashlib

import conftest
from test_requests import problem, uploads

from tests.rig import pictures

world = conftest.on_every_store()


def batch(world, items, headers=None, **options):
    return world.gateway.request("POST", options.pop("path", "/v1/uploads/batch"), {"uploads": items}, headers, **{"key": world.app.key, **options})


def photo_of(seed):
    data = pictures.photo(seed=seed)
    return data, {"profile": "photos", "size": len(data), "content_type": "image/jpeg",
                  "checksum": {"algorithm": "sha256", "value": base64.b64encode(hashlib.sha256(data).digest()).decode()}}


def test_creates_500_uploads_in_one_transaction_and_publishes_them(world):
    before = uploads(world)
    data, wanted = photo_of(301)
    status, _, body = batch(world, [wanted] * 500)
    assert (status, body["created"], body["refused"]) == (200, 500, 0) and uploads(world) == before + 500
    ids = [each["id"] for each in body["data"]]
    assert len(set(ids)) == 500
    quoted = ",".join(f"'{each}'" for each in ids)
    assert world.sql(f"select count(distinct xmin::text) from uploads where id in ({quoted})").strip() == "1"
    for each in (body["data"][0], body["data"][499]):
        assert world.send(each, data)[0] in (200, 204)
        assert world.gateway.wait_for(each)["state"] == "published"


def test_answers_in_order_with_an_upload_or_a_problem_for_each(world):
    status, _, body = batch(world, [{"profile": "photos"}, {"profile": "photos", "size": 0}, 5, {"profile": "none"},
                                    {"profile": "photos", "size": 7, "metadata": {"n": "4"}}])
    assert (status, body["created"], body["refused"]) == (200, 2, 3)
    assert [each.get("code") for each in body["data"]] == [None, "invalid_size", "invalid_field", "unknown_profile", None]
    assert [each["index"] for each in body["data"] if "code" in each] == [1, 2, 3]
    assert body["data"][1]["errors"][0]["pointer"] == "/size" and body["data"][1]["status"] == 422
    assert body["data"][4]["metadata"] == {"n": "4"} and body["data"][4]["upload"]["url"]


def test_refuses_a_batch_that_is_none(world):
    before = uploads(world)
    for wrong in ({"uploads": []}, {"uploads": [{"profile": "photos"}] * 501}, {"uploads": {}}, {}, {"uploads": [{}], "x": 1}):
        assert world.request("POST", "/v1/uploads/batch", wrong)[0] == 422, str(wrong)[:60]
    problem(world.request("POST", "/v1/uploads/batch", b"x" * (1 << 20) + b"x", {"Content-Type": "application/json"}), 413, "body_too_large")
    assert world.request("GET", "/v1/uploads/batch")[0] in (404, 405)
    assert uploads(world) == before


def test_repeated_key_gives_the_same_batch(world):
    key = {"Idempotency-Key": f"batch-{world.port}"}
    items = [{"profile": "photos", "size": 5}, {"profile": "photos", "size": 0}, {"profile": "photos"}]
    first = batch(world, items, key)
    again = batch(world, items, key)
    assert first[2] == again[2], "URLs included"
    assert again[1]["idempotency-replayed"] == "true" and "idempotency-replayed" not in first[1]
    before = uploads(world)
    problem(batch(world, items[:1], key), 422, "idempotency_key_reused")
    problem(world.request("POST", "/v1/uploads", items[0], key), 422, "idempotency_key_reused")
    assert uploads(world) == before


def test_client_token_is_counted_over_the_batch(world):
    token = world.request("POST", "/v1/tokens", {"profile": "small", "max_uploads": 3})[2]["token"]
    for headers in ({}, {"Idempotency-Key": "again"}):
        status, _, body = batch(world, [{"size": 5, "content_type": "image/jpeg"}] * 2, headers, path=f"/u/{token}/v1/uploads/batch", key="")
        assert status == 200
    assert [each.get("code") for each in body["data"]] == [None, "token_exhausted"], "one of three was left"
    assert batch(world, [{"size": 5, "content_type": "image/jpeg"}] * 2, headers, path=f"/u/{token}/v1/uploads/batch", key="")[2]["data"][0]["id"] == body["data"][0]["id"]
    refused = batch(world, [{"profile": "photos", "metadata": {"mine": "x"}}], key=token)[2]
    assert (refused["created"], refused["refused"]) == (0, 1)


def test_picture_that_is_published_already_is_answered_with_its_upload(world):
    data, wanted = photo_of(302)
    asking = {**wanted, "dedupe": True}
    first = world.request("POST", "/v1/uploads", asking)
    assert first[0] == 201 and first[2]["upload"]["url"], "nothing is published of it"
    world.send(first[2], data)
    assert world.gateway.wait_for(first[2])["state"] == "published"
    before = uploads(world)
    status, headers, answer = world.request("POST", "/v1/uploads", asking)
    assert (status, answer["id"], answer["state"]) == (200, first[2]["id"], "published")
    assert answer["deduplicated"] is True and answer["upload"] is None and answer["image"]["url"]
    assert headers["location"] == f"/v1/uploads/{first[2]['id']}"
    data_of_batch = batch(world, [asking, wanted])[2]["data"]
    assert data_of_batch[0]["id"] == first[2]["id"] and data_of_batch[0]["deduplicated"] and data_of_batch[1]["upload"]
    assert uploads(world) == before + 1
    for key, body in ((world.other.key, asking), (world.app.key, {**asking, "profile": "strip"})):
        assert world.gateway.request("POST", "/v1/uploads", body, key=key)[0] == 201, "another app's, another profile's"
    token = world.request("POST", "/v1/tokens", {"profile": "photos"})[2]["token"]
    problem(world.gateway.request("POST", "/v1/uploads", {**asking, "profile": "photos"}, key=token), 422, "invalid_field")
    problem(world.request("POST", "/v1/uploads", {"profile": "photos", "dedupe": True}), 422, "invalid_checksum")
    assert world.request("DELETE", f"/v1/uploads/{first[2]['id']}")[0] in (200, 202)
    assert world.request("POST", "/v1/uploads", asking)[0] == 201, "a deleted picture is sent again"
