"""Large files in parts: sent, resumed, joined, refused, abandoned; on MinIO and on the built-in store."""
import base64
import hashlib
import time
import urllib.parse

import conftest
import pytest
from test_crash_points import run_until_killed
from test_requests import problem

from tests.rig import parts as large
from tests.rig import pictures, traffic
from tests.rig import stack as services
from tests.rig.world import SHORT_LEASES

world = conftest.on_every_store()
MIB = 1 << 20


@pytest.fixture(scope="module")
def picture():
    return large.large_png(seed=11)


def parts_of(world, created, **options):
    status, _, listed = world.request("GET", f"/v1/uploads/{created['id']}/parts", **options)
    assert status == 200, listed
    return listed


def sign(world, created, body, **options):
    return world.request("POST", f"/v1/uploads/{created['id']}/parts/sign", body, **options)


def test_sends_a_large_file_in_parts(world, picture):
    created = large.create(world, picture, checksum={"algorithm": "sha256", "value": hashlib.sha256(picture).hexdigest()})
    grant = created["upload"]
    assert (grant["method"], grant["url"], grant["fields"], grant["curl"]) == ("PUT", None, None, None) and created["method"] == "multipart"
    assert (grant["parts"]["part_size"], grant["parts"]["count"]) == (5 * MIB, 2)
    assert [(each["number"], each["size"]) for each in grant["parts"]["data"]] == [(1, 5 * MIB), (2, len(picture) - 5 * MIB)]
    large.send(world, created, picture)
    assert parts_of(world, created)["missing"] == []
    status, _, answer = world.request("POST", f"/v1/uploads/{created['id']}/complete")
    assert status == 200 and answer["state"] != "created", answer
    published = world.gateway.wait_for(created)
    assert published["state"] == "published" and published["sha256"] == hashlib.sha256(picture).hexdigest() and published["size"] == len(picture)
    assert world.request("POST", f"/v1/uploads/{created['id']}/complete")[0] == 200, "again, whatever its state"
    assert large.put(grant["parts"]["data"][0], picture[:5 * MIB])[0] == 404, "a part's URL ends with its upload"


def test_small_file_has_one_part(world):
    photo = pictures.photo(320, 240, seed=401)
    created = world.create({"method": "multipart", "size": len(photo), "content_type": "image/jpeg"})
    assert created["upload"]["parts"]["count"] == 1
    tags = large.send(world, created, photo)
    assert large.complete(world, created, {"parts": [{"number": 1, "etag": tags[1]}]})[0] == 200
    assert world.gateway.wait_for(created)["state"] == "published"


def test_another_device_resumes_a_day_later_with_nothing_but_the_id(world, picture):
    created = large.create(world, picture)
    large.send(world, created, picture, [1])
    world.sql(f"update uploads set expires_at = now() - interval '1 day', state = 'expired' where id = '{created['id']}'")
    listed = parts_of(world, created)
    assert listed["missing"] == [2] and listed["received"] == 5 * MIB and [each["number"] for each in listed["data"]] == [1]
    assert world.request("GET", f"/v1/uploads/{created['id']}")[2]["state"] == "expired"
    status, _, signed = sign(world, created, {"numbers": listed["missing"], "expires_in": 60})
    assert status == 200 and world.request("GET", f"/v1/uploads/{created['id']}")[2]["state"] == "created"
    assert large.put(signed["data"][0], picture[5 * MIB:])[0] == 200
    tags = [{"number": each["number"], "etag": each["etag"]} for each in parts_of(world, created)["data"]]
    assert large.complete(world, created, {"parts": tags})[0] == 200
    assert world.gateway.wait_for(created)["state"] == "published"


def test_url_that_ran_out_is_signed_anew_without_losing_parts(world, picture):
    created = large.create(world, picture, expires_in=5)
    large.send(world, created, picture, [1])
    time.sleep(6.5)
    assert large.put(created["upload"]["parts"]["data"][1], picture[5 * MIB:])[0] == 403
    part = sign(world, created, {"numbers": [2]})[2]["data"][0]
    assert large.put(part, picture[5 * MIB:])[0] == 200
    assert large.complete(world, created)[0] == 200
    assert world.gateway.wait_for(created)["state"] == "published"


def test_completes_only_the_declared_file(world, picture):
    """Parts that are missing, out of order, twice, too many, or others than the store has."""
    created = large.create(world, picture)
    problem(large.complete(world, created, {}), 422, "invalid_parts")
    first = large.send(world, created, picture, [1])[1]
    answer = large.complete(world, created)
    problem(answer, 422, "invalid_parts")
    assert "1 " not in answer[2]["detail"].split(":")[1] and "2" in answer[2]["detail"]
    second = large.send(world, created, picture, [2])[2]
    one, two = {"number": 1, "etag": first}, {"number": 2, "etag": second.strip('"')}
    for wrong in ([one], [two, one], [one, one], [one, two, two], [one, {**two, "etag": "0" * 32}], [], [{"number": n, "etag": "x"} for n in range(1, 10_001)],
                  [{"number": 1}], [5], [{**one, "size": 5}, two], "x"):
        problem(large.complete(world, created, {"parts": wrong}), 422, "invalid_parts")
    for number in (0, 10_001, "1", -1, 1.5):
        problem(large.complete(world, created, {"parts": [{"number": number, "etag": "x"}]}), 422, "invalid_part_number")
    problem(large.complete(world, created, b"{", headers={"Content-Type": "application/json"}), 400, "invalid_json")
    assert world.request("GET", f"/v1/uploads/{created['id']}")[2]["state"] == "created"
    assert large.complete(world, created, {"parts": [one, two]})[0] == 200


def test_signs_only_the_numbers_of_the_upload(world, picture):
    created = large.create(world, picture)
    for number in (0, 10_001, "1", 3, -1, None, 1.0):
        problem(sign(world, created, {"numbers": [number]}), 422, "invalid_part_number")
    problem(sign(world, created, {"numbers": [1, 1]}), 422, "invalid_part_number")
    for wrong in ({"numbers": []}, {"numbers": [1] * 1001}, {"numbers": 1}, {}, {"numbers": [1], "x": 1}):
        assert sign(world, created, wrong)[0] == 422, str(wrong)[:40]
    problem(sign(world, created, {"numbers": [1], "expires_in": 10 ** 7}), 422, "invalid_expiry")
    single = world.create({"size": 5})
    problem(sign(world, single, {"numbers": [1]}), 409, "state_conflict")
    problem(world.request("GET", f"/v1/uploads/{single['id']}/parts"), 409, "state_conflict")
    problem(world.request("POST", "/v1/uploads", {"profile": "photos", "method": "multipart"}), 422, "invalid_size")
    for call in (("GET", "/parts", None), ("POST", "/parts/sign", {"numbers": [1]})):
        problem(world.gateway.request(call[0], f"/v1/uploads/{created['id']}{call[1]}", call[2], key=world.other.key), 404, "upload_not_found")


def test_signs_a_thousand_parts_in_one_call(world, picture):
    created = large.create(world, picture)
    world.sql(f"update uploads set declared_size = 5::bigint * 1024 * 1024 * 1000 where id = '{created['id']}'")
    began = time.monotonic()
    status, _, signed = sign(world, created, {"numbers": list(range(1, 1001))})
    assert status == 200 and [each["number"] for each in signed["data"]] == list(range(1, 1001)) and time.monotonic() - began < 5
    assert len(parts_of(world, created)["missing"]) == 1000


def test_store_refuses_other_bytes_than_were_signed(world, picture):
    created = large.create(world, picture)
    first, second = picture[:5 * MIB], picture[5 * MIB:]
    part = created["upload"]["parts"]["data"][1]
    assert large.put(part, second + b"x")[0] == 403 and large.put(part, second[:-1])[0] == 403, "the size is signed"
    digest = base64.b64encode(hashlib.sha256(second).digest()).decode()
    problem(sign(world, created, {"numbers": [1], "checksums": {"2": digest}}), 422, "invalid_checksum")
    problem(sign(world, created, {"numbers": [2], "checksums": {"2": "abc"}}), 422, "invalid_checksum")
    summed = sign(world, created, {"numbers": [2], "checksums": {"2": digest}})[2]["data"][0]
    assert large.put(summed, second[:-1] + b"?")[0] == 400
    assert large.put(summed, second)[0] == 200
    for method, query in (("POST", ""), ("DELETE", ""), ("GET", "")):  # complete, abort, list: the worker's, not the client's
        assert large.put({**part, "method": method}, b"")[0] == 403, (method, query)
    assert large.put(created["upload"]["parts"]["data"][0], first)[0] == 200
    assert large.complete(world, created)[0] == 200


def test_parts_of_another_file_are_rejected(world, picture):
    created = large.create(world, picture, checksum={"algorithm": "sha256", "value": "0" * 64})
    large.send(world, created, picture)
    assert large.complete(world, created)[0] == 200
    rejected = world.gateway.wait_for(created)
    assert rejected["state"] == "rejected", rejected


def test_deletion_removes_the_parts(world, picture):
    created = large.create(world, picture)
    large.send(world, created, picture)
    assert len(large.at_the_store(world, created)) == 1
    status, _, cancelled = world.request("DELETE", f"/v1/uploads/{created['id']}")
    assert (status, cancelled["state"]) == (200, "cancelled")
    assert large.at_the_store(world, created) == [], "answered when all are gone"
    assert large.put(created["upload"]["parts"]["data"][0], picture[:5 * MIB])[0] == 404
    problem(sign(world, created, {"numbers": [1]}), 409, "state_conflict")
    assert large.complete(world, created)[2]["state"] == "cancelled"


def test_client_token_sends_its_own_parts_alone(world, picture):
    token, another = (world.request("POST", "/v1/tokens", {"profile": "photos", "max_uploads": 2})[2]["token"] for _ in range(2))
    status, _, created = world.request("POST", f"/u/{token}/v1/uploads", {"method": "multipart", "size": len(picture), "content_type": "image/png"}, key="")
    assert status == 201
    large.send(world, created, picture, [1])
    path = f"/v1/uploads/{created['id']}"
    for method, rest, body in (("GET", "/parts", None), ("POST", "/parts/sign", {"numbers": [2]}), ("POST", "/complete", None)):
        problem(world.request(method, f"/u/{another}{path}{rest}", body, key=""), 404, "upload_not_found")
    part = world.request("POST", f"/u/{token}{path}/parts/sign", {"numbers": [2]}, key="")[2]["data"][0]
    assert large.put(part, picture[5 * MIB:])[0] == 200
    assert world.request("POST", f"/u/{token}{path}/complete", key="")[0] == 200
    assert world.gateway.wait_for(created)["state"] == "published"


def test_repeated_creation_has_the_same_parts_and_the_stores_id_stands_in_urls_alone(world, picture):
    body = {"profile": "photos", "method": "multipart", "size": len(picture)}
    key = {"Idempotency-Key": f"parts-{world.port}"}
    first, again = (world.request("POST", "/v1/uploads", body, key)[2] for _ in range(2))
    assert first == again
    (store_id,) = large.at_the_store(world, first)
    url = urllib.parse.parse_qs(urllib.parse.urlsplit(first["upload"]["parts"]["data"][0]["url"]).query)
    assert url["uploadId"] == [store_id]
    for path in ("", "/parts", "/timeline"):
        assert store_id not in str(world.request("GET", f"/v1/uploads/{first['id']}{path}")[2])
    assert store_id not in world.gateway.log_tail(400)
    batch = world.request("POST", "/v1/uploads/batch", {"uploads": [body]})[2]["data"][0]
    assert batch["upload"]["parts"]["data"] == [] and large.at_the_store(world, batch) == [], "a batch does not ask the store"
    part = sign(world, batch, {"numbers": [1]})[2]["data"][0]
    assert large.put(part, picture[:5 * MIB])[0] == 200


@pytest.mark.parametrize("store", ["minio", pytest.param("builtin", marks=pytest.mark.large)])
def test_removes_abandoned_parts_and_joins_those_whose_last_call_was_lost(own_world, picture, store):
    world = own_world(start=False, store=store)
    world.gateway.environment |= {"PHOTOGATE_WORKER_KEEP_PARTS": "10s", "PHOTOGATE_WORKER_EXPIRY_GRACE": "1s"}
    world.gateway.start()
    whole, half = (large.create(world, picture, expires_in=4) for _ in range(2))
    large.send(world, whole, picture)
    large.send(world, half, picture, [1])
    lost = large.administrator(world).create_multipart_upload(Bucket=world.stack.minio.incoming, Key=large.key_of(world, half))["UploadId"]
    assert lost in large.at_the_store(world, half), "one that no row knows: a gateway died before it wrote its id"
    assert world.gateway.wait_for(whole, 40)["state"] == "published", "without its client's last call"
    services.wait_until(lambda: large.at_the_store(world, half) == [], 40, "the abandoned parts to go")
    rows = f"select count(*) from part_uploads where upload_id = '{half['id']}'"
    services.wait_until(lambda: world.sql(rows).strip() == "0", 20, "the row to go")
    assert world.request("GET", f"/v1/uploads/{half['id']}")[2]["state"] == "expired"
    metrics = world.gateway.request("GET", "/metrics", port=world.metrics_port)[2].decode()
    assert f"photogate_parts_aborted_bytes_total {5 * MIB}" in metrics and "photogate_parts_aborted_uploads_total 2" in metrics
    assert "photogate_parts_joined_total 1" in metrics
    part = sign(world, half, {"numbers": [1]})[2]["data"][0]
    assert large.put(part, picture[:5 * MIB])[0] == 200, "who comes later still may begin anew"


@pytest.mark.kills
def test_loses_nothing_when_killed_at_each_step_of_parts(failpoint_world, picture):
    world = failpoint_world(extra=SHORT_LEASES, witnessed=True)
    body = {"profile": next(iter(world.app.profiles)), "method": "multipart", "size": len(picture), "content_type": "image/png"}
    key = {"Idempotency-Key": "killed"}
    world.gateway.kill()
    world.gateway.launch(environment={"PHOTOGATE_FAILPOINTS": "after_parts_begun=kill@1"})
    world.gateway.wait_until_ready()
    with pytest.raises(OSError):
        world.request("POST", "/v1/uploads", body, key)
    world.gateway.restart()
    status, _, created = world.request("POST", "/v1/uploads", body, key)
    assert status == 201 and len(large.at_the_store(world, created)) == 2, "one of them has no row"
    large.send(world, created, picture)
    world.gateway.kill()
    world.gateway.launch(environment={"PHOTOGATE_FAILPOINTS": "after_parts_completed=kill@1"})
    world.gateway.wait_until_ready()
    with pytest.raises(OSError):
        large.complete(world, created)
    services.wait_until(lambda: not world.gateway.running(), 10, "the kill")
    large.acknowledged(world, created, picture, None)
    world.gateway.restart()
    assert large.complete(world, created)[0] == 200, "NoSuchUpload: the object is there"
    assert world.gateway.wait_for(created)["state"] == "published"
    traffic.settle(world, [created["id"]])
    services.wait_until(lambda: large.at_the_store(world, created) == [], 30, "the multipart upload without a row to go")

    half = large.create(world, picture, expires_in=4)
    large.send(world, half, picture, [1])
    world.gateway.kill()
    world.gateway.environment |= {"PHOTOGATE_WORKER_KEEP_PARTS": "2s", "PHOTOGATE_WORKER_EXPIRY_GRACE": "1s"}
    run_until_killed(world, "after_parts_given_up=kill@1")
    assert len(large.at_the_store(world, half)) == 1
    world.gateway.restart()
    services.wait_until(lambda: large.at_the_store(world, half) == [], 40, "parts that were given up and not yet removed")
    world.witness.judge()
