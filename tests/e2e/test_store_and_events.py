"""Actions of clients, stores and unauthenticated senders between the presigned upload and the worker: the store rejects them, or they have no effect."""
import base64
import hashlib
import json
import pathlib
import time

import pytest

from scripts import local_gateway
from tests.rig import pictures
from tests.rig import stack as parts
from tests.rig.events import event, key_of, post

CAPTURES = pathlib.Path(__file__).resolve().parent.parent / "data" / "captures" / "minio"


def assert_nothing_came_of_it(world, created):
    assert world.request("GET", f"/v1/uploads/{created['id']}")[2]["state"] == "created"
    assert world.image(created)[0] == 404


def events_of(world, created):
    return [entry["event"] for entry in world.request("GET", f"/v1/uploads/{created['id']}/timeline")[2]["data"]]


def is_stored(world, created):
    minio = world.stack.minio
    return minio.call("HEAD", f"/{minio.incoming}/{key_of(created)}", accept=(200, 404))[0] == 200


def put(created, data, **changes):
    grant = {**created["upload"], **changes}
    return local_gateway.send(grant, data)[0]


def test_store_enforces_presigned_put(world):
    photo = pictures.photo(seed=31)
    digest = base64.b64encode(hashlib.sha256(photo).digest()).decode()
    created = world.create({"size": len(photo), "content_type": "image/jpeg", "checksum": {"algorithm": "sha256", "value": digest}})
    url, headers = created["upload"]["url"], created["upload"]["headers"]
    other = bytes([photo[0]]) + bytes([photo[1]]) + bytes(len(photo) - 2)
    assert put(created, photo, url=url.replace("Signature=", "Signature=0")) == 403, "tampered signature"
    assert put(created, photo, url=url.replace(created["id"], "upl_" + "0" * 26)) == 403, "another key"
    assert put(created, photo + b"x") == 403, "another size"
    assert put(created, photo, headers={**headers, "Content-Type": "image/png"}) == 403, "another type"
    assert put(created, other) == 400, "other bytes than the checksum"
    assert put(created, photo, headers={n: v for n, v in headers.items() if n != "If-None-Match"}) in (400, 403), "header left out"
    assert_nothing_came_of_it(world, created)
    assert put(created, photo) == 200
    assert put(created, photo) == 412, "while it is there"
    assert world.gateway.wait_for(created)["state"] == "published"


def test_store_rejects_expired_url(world):
    photo = pictures.photo(seed=32)
    created = world.create({"size": len(photo), "expires_in": 1})
    time.sleep(2.1)  # the store's clock is real
    assert put(created, photo) == 403
    assert_nothing_came_of_it(world, created)


def test_form_enforces_size_type_and_checksum(world):
    photo = pictures.photo(seed=33)
    digest = base64.b64encode(hashlib.sha256(photo).digest()).decode()
    created = world.create({"method": "post", "size": len(photo), "content_type": "image/jpeg",
                            "checksum": {"algorithm": "sha256", "value": digest}})
    fields = created["upload"]["fields"]
    assert put(created, photo + b"x") == 400
    assert put(created, photo[:-1]) == 400
    assert put(created, photo, fields={**fields, "Content-Type": "text/html"}) == 403
    assert put(created, photo, fields={**fields, "key": "u/202601010000/x"}) == 403
    assert put(created, photo, fields={**fields, "x-amz-meta-evil": "1"}) == 403
    assert put(created, bytes(len(photo))) == 400
    assert_nothing_came_of_it(world, created)
    assert put(created, photo) == 201


def test_presigned_url_reads_nothing(world):
    """The attack of an unsigned x-amz-copy-source on a presigned PUT."""
    victim = world.publish(pictures.photo(seed=34), {"profile": "keep"})
    created = world.create()
    grant = created["upload"]
    status, _ = local_gateway.send({**grant, "headers": {**grant["headers"], "x-amz-copy-source": f"originals/o/{victim['id']}"}}, b"")
    assert status == 403
    assert_nothing_came_of_it(world, created)


@pytest.mark.parametrize("headers", [{"Authorization": "Bearer wrong"}, {"Authorization": ""}, {}])
def test_ignores_event_without_token(world, headers):
    created = world.create()
    status, _, body = world.gateway.request("POST", "/v1/events/minio", event(world, key_of(created)), headers)
    assert status == 401 and body["code"] == "unauthenticated"
    assert world.request("GET", f"/v1/uploads/{created['id']}")[2]["state"] == "created"
    assert world.gateway.request("GET", "/v1/events/minio")[0] == 405


@pytest.mark.parametrize("body", [b"", b"garbage", b"{", b"[]", b"null", b'{"Records":[]}', b'{"Records":5}', b"\xff\xfe", b"[" * 5000,
                                  b'{"Records":[{"s3":{"object":{"key":"%zz"}}}]}', b'{"Event":"s3:TestEvent"}', b'{"a":"\\ud800"}'])
def test_answers_2xx_to_any_authenticated_event(world, body):
    status, _, answer = post(world, body, headers={"Content-Type": "application/json"})
    assert status == 200, answer
    assert world.publish(pictures.photo(640, 480, seed=35))["state"] == "published", "the next event is handled"


def test_ignores_recorded_events_of_other_buckets(world):
    sent = 0
    for capture in sorted(CAPTURES.glob("*.json")):
        recorded = json.loads(capture.read_text())
        for each in recorded if isinstance(recorded, list) else recorded.get("events") or []:
            body = each.get("body_verbatim") or each.get("body")
            if body:
                assert post(world, body.encode() if isinstance(body, str) else body)[0] == 200
                sent += 1
    assert sent > 30


def test_ignores_unrecognized_and_unrelated_events(world):
    created = world.create()
    key = key_of(created)
    for body in (event(world, key, bucket="elsewhere"), event(world, "other/key"), event(world, key + "/"), event(world, "u/202601010000/nobody"),
                 event(world, key, name="s3:ObjectCreated:PutTagging"), event(world, key, name="s3:ObjectRemoved:Delete"),
                 event(world, key, name="s3:ObjectCreated:Copy"), event(world, key, name="s3:Future:Thing")):
        assert post(world, body)[0] == 200
    assert world.request("GET", f"/v1/uploads/{created['id']}")[2]["state"] == "created"


def test_creates_one_upload_and_callback_for_ten_identical_events(world):
    photo = pictures.photo(seed=36)
    created = world.upload(photo)
    upload = world.gateway.wait_for(created)
    for _ in range(10):
        assert post(world, event(world, key_of(created), upload["etag"]))[0] == 200
    world.receiver.wait_for_upload(upload["id"], "upload.published")
    assert len({c.body["id"] for c in world.receiver.of(upload["id"], "upload.received")}) == 1
    assert len({c.body["id"] for c in world.receiver.of(upload["id"], "upload.published")}) == 1


def test_forged_event_notifies_of_nothing_and_the_true_one_counts(world):
    photo = pictures.photo(seed=42)
    created = world.create({"size": len(photo)})
    assert post(world, event(world, key_of(created)))[0] == 200
    assert world.request("GET", f"/v1/uploads/{created['id']}")[2]["state"] == "created"
    assert events_of(world, created) == ["created"]
    world.send(created, photo)
    assert post(world, event(world, key_of(created), etag="f" * 32, size=1, sequencer="FF"))[0] == 200
    upload = world.gateway.wait_for(created)
    assert upload["state"] == "published" and upload["size"] == len(photo), upload
    assert upload["etag"] != "f" * 32


def test_file_put_again_after_the_end_is_removed_at_once(world):
    """It is the original, with its position."""
    for state in ("published", "rejected", "deleted"):
        photo = pictures.photo(seed=43) if state != "rejected" else b"no picture" * 100
        created = world.upload(photo)
        assert world.gateway.wait_for(created)["state"] == ("rejected" if state == "rejected" else "published")
        if state == "deleted":
            assert world.request("DELETE", f"/v1/uploads/{created['id']}")[0] in (200, 202)
        parts.wait_until(lambda: not is_stored(world, created), 60, "the original's removal")
        assert put(created, photo) == 200, "the URL is good until it ends"
        parts.wait_until(lambda: "object.unwanted" in events_of(world, created), 60, f"the timeline of the {state}")
        assert not is_stored(world, created)
        assert world.request("GET", f"/v1/uploads/{created['id']}")[2]["state"] == state


def test_client_may_repeat_its_put_where_the_profile_says_so(world):
    photo = pictures.photo(seed=44)
    created = world.create({"profile": "again", "size": len(photo)})
    assert "If-None-Match" not in created["upload"]["headers"]
    assert [put(created, photo) for _ in range(3)] == [200, 200, 200]
    upload = world.gateway.wait_for(created)
    assert upload["state"] == "published"
    world.receiver.wait_for_upload(upload["id"], "upload.published")
    assert len({c.body["id"] for c in world.receiver.of(upload["id"], "upload.published")}) == 1


def test_clients_url_ends_with_its_token_and_names_the_size(world):
    token = world.request("POST", "/v1/tokens", {"profile": "photos", "expires_in": 60})[2]
    headers = {"Authorization": f"Bearer {token['token']}"}
    status, _, refused = world.gateway.request("POST", "/v1/uploads", {"filename": "a.jpg"}, headers)
    assert status == 422 and refused["errors"][0]["pointer"] == "/size", refused
    status, _, created = world.gateway.request("POST", "/v1/uploads", {"size": 5, "expires_in": 3600}, headers)
    assert status == 201 and created["upload"]["expires_at"] == token["expires_at"], created
    status, _, again = world.gateway.request("POST", f"/v1/uploads/{created['id']}/sign", {"expires_in": 3600}, headers)
    assert status == 200 and again["upload"]["expires_at"] == token["expires_at"], again


def test_lost_event_delays_but_does_not_lose_a_photo(own_world):
    """The store's events are all lost; the reconciler finds the objects."""
    world = own_world(start=False)
    world.stack.minio.set_events("http://127.0.0.1:9/nowhere", "x" * 40)
    world.gateway.start()
    photo = pictures.photo(seed=37)
    upload = world.publish(photo)
    assert upload["state"] == "published"
    created = world.create({"size": len(photo)})
    assert local_gateway.send(created["upload"], photo)[0] == 200
    assert world.request("POST", f"/v1/uploads/{created['id']}/complete")[0] == 200
    assert world.gateway.wait_for(created)["state"] == "published"


def test_form_resubmitted_with_other_bytes_does_not_change_the_published_image(own_world):
    """The worker is held back until the second write has happened; what it then finds is pinned anew or rejected, never mixed."""
    world = own_world(start=False)
    world.gateway.role = "serve"
    world.gateway.start()
    first, second = pictures.photo(seed=38), pictures.photo(seed=39)
    created = world.create({"method": "post"})
    assert local_gateway.send(created["upload"], first)[0] == 201
    parts.wait_until(lambda: world.request("GET", f"/v1/uploads/{created['id']}")[2]["state"] == "uploaded", 60, "the event")
    assert local_gateway.send(created["upload"], second)[0] == 201
    world.gateway.stop()
    world.gateway.role = "all"
    world.gateway.restart()
    upload = world.gateway.wait_for(created)
    assert upload["state"] == "published"
    assert upload["sha256"] in (hashlib.sha256(first).hexdigest(), hashlib.sha256(second).hexdigest())
    assert len({c.body["data"]["image"]["url"] for c in world.receiver.of(upload["id"], "upload.published")}) <= 1


def test_expires_upload_that_never_arrives(own_world):
    world = own_world(profiles={"photos": {"expired_callback": '"sent"'}},
                      extra="[worker]\nreconcile_interval = 1\nreap_interval = 1\nexpiry_grace = 1\n")
    created = world.create({"expires_in": 1})
    upload = world.gateway.wait_for(created, 30)
    assert upload["state"] == "expired"
    world.receiver.wait_for_upload(created["id"], "upload.expired")
