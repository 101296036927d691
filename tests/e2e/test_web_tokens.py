"""Client tokens: what their bearers can do, and what they can't."""
import concurrent.futures
import time

import pytest

from scripts import local_gateway
from tests.rig import pictures


def make_token(world, body=None, key=None):
    status, headers, token = world.request("POST", "/v1/tokens", {"profile": "photos", **(body or {})}, key=key)
    assert status == 201, token
    assert headers["cache-control"] == "no-store"
    return token


def create(world, token, body=None, headers=None):
    return world.request("POST", "/v1/uploads", {"size": 1000, **(body or {})}, headers, key=token["token"])


def test_token_uploads_a_picture_by_header_and_by_path(world):
    token = make_token(world, {"max_uploads": 2, "expires_in": 600, "metadata": {"order_id": "T-1"}})
    data = pictures.photo(400, 300)
    for prefix, key in (("", token["token"]), (f"/u/{token['token']}", "")):
        status, _, created = world.request("POST", f"{prefix}/v1/uploads", {"filename": "a.jpg", "size": len(data)}, key=key)
        assert status == 201, created
        assert created["metadata"] == {"order_id": "T-1"} and created["profile"] == "photos"
        assert local_gateway.send(created["upload"], data)[0] == 200
        base = f"{prefix}/v1/uploads/{created['id']}"
        assert world.request("POST", f"{base}/complete", key=key)[0] == 200
        status, _, upload = world.request("GET", f"{base}?wait=30", key=key)
        assert (status, upload["state"]) == (200, "published"), upload
        status, _, sent = world.request("GET", f"{base}/callbacks", key=key)
        assert [each["type"] for each in sent["data"]] == ["upload.received", "upload.published"]
        assert sent["data"][1]["body"]["data"]["image"] == upload["image"]
        assert all("url" not in each for each in sent["data"])
        assert world.request("DELETE", base, key=key)[0] == 403  # only the app may erase a published upload


def test_bearer_renews_and_aborts_its_own_upload(world):
    token = make_token(world)
    _, _, created = create(world, token)
    path = f"/v1/uploads/{created['id']}"
    status, _, again = world.request("POST", f"{path}/sign", {}, key=token["token"])
    assert status == 200 and again["upload"]["url"]
    assert world.request("POST", f"{path}/complete", key=token["token"])[2]["code"] == "object_not_found"
    status, _, gone = world.request("DELETE", path, key=token["token"])
    assert status == 200 and gone["state"] == "cancelled"


def test_hides_uploads_of_others_from_token(world):
    token, foreign = make_token(world), make_token(world)
    _, _, theirs = create(world, foreign)
    for identity in (theirs["id"], world.create()["id"]):
        for method, rest in (("GET", ""), ("GET", "/callbacks"), ("POST", "/sign"), ("POST", "/complete"), ("DELETE", "")):
            status, _, problem = world.request(method, f"/v1/uploads/{identity}{rest}", key=token["token"])
            assert (status, problem["code"]) == (404, "upload_not_found"), (method, rest)
    # Routes of app servers and operators treat the token as missing credentials.
    for method, path in (("GET", "/v1/uploads"), ("GET", "/v1/callbacks"), ("POST", "/v1/tokens"),
                         ("GET", f"/v1/uploads/{theirs['id']}/timeline"), ("POST", f"/v1/uploads/{theirs['id']}/retry")):
        assert world.request(method, path, {} if method == "POST" else None, key=foreign["token"])[0] == 401, path


@pytest.mark.parametrize("body, pointer", [({"profile": "small"}, "unknown_profile"), ({"metadata": {"a": "b"}}, "invalid_metadata"),
                                           ({"callback_url": "https://elsewhere.example/"}, "invalid_callback_url")])
def test_rejects_another_profile_metadata_or_callback_url(world, body, pointer):
    status, _, problem = create(world, make_token(world), body)
    assert (status, problem["code"]) == (422, pointer), problem


def test_rejects_tampered_or_foreign_tokens_as_unauthenticated(world, own_world):
    token = make_token(world)["token"]
    claims, signature = token.removeprefix("pgt_").split(".")
    for bad in (f"pgt_{claims}.{signature[:-1]}", f"pgt_{claims[:-2]}AA.{signature}", f"pgt_{claims}.", "pgt_", f"{token}.x",
                token.replace("pgt_", "pgt_A")):
        for path, key in (("/v1/uploads", bad), (f"/u/{bad}/v1/uploads", "")):
            status, headers, problem = world.request("POST", path, {"size": 1}, key=key)
            assert (status, problem["code"]) == (401, "unauthenticated"), bad
            assert "www-authenticate" in headers
    other = make_token(world, {"profile": "photos"}, world.other.key)
    _, _, created = create(world, other)
    assert world.request("GET", f"/v1/uploads/{created['id']}")[0] == 404  # another app's


def test_reports_expired_token(world):
    token = make_token(world, {"expires_in": 1})
    deadline = time.monotonic() + 10
    while True:
        status, _, problem = create(world, token)
        if status != 201 or time.monotonic() > deadline:
            break
        time.sleep(0.1)
    assert (status, problem["code"]) == (401, "token_expired"), problem


def test_enforces_limits_under_concurrency(world):
    token = make_token(world, {"max_uploads": 5})
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: create(world, token), range(24)))
    assert sorted(status for status, _, _ in answers) == [201] * 5 + [403] * 19
    assert {body["code"] for status, _, body in answers if status == 403} == {"token_exhausted"}
    assert world.sql(f"select uploads from client_tokens where id = '{token['id']}'") == "5"


def test_limit_of_bytes_requires_and_counts_sizes(world):
    token = make_token(world, {"max_bytes": 2500})
    assert world.request("POST", "/v1/uploads", {}, key=token["token"])[2]["code"] == "invalid_size"
    assert [create(world, token)[0] for _ in range(3)] == [201, 201, 403]
    assert create(world, token, {"size": 500})[0] == 201


def test_scopes_idempotency_key_to_its_token(world):
    one, two = make_token(world, {"max_uploads": 1}), make_token(world, {"max_uploads": 1})
    key = {"Idempotency-Key": "same"}
    _, _, first = create(world, one, headers=key)
    status, headers, replay = create(world, one, headers=key)
    assert (status, replay["id"], headers["idempotency-replayed"]) == (201, first["id"], "true")
    status, headers, other = create(world, two, headers=key)
    assert status == 201 and other["id"] != first["id"] and "idempotency-replayed" not in headers


def test_reports_all_mistakes_of_a_token_request_at_once(world):
    status, _, problem = world.request("POST", "/v1/tokens", {"profile": "none", "max_uploads": 0, "expires_in": 9_999_999,
                                                              "metadata": {"bad name": "x"}})
    assert status == 422
    assert {each["pointer"] for each in problem["errors"]} >= {"/profile", "/max_uploads", "/expires_in"}
    assert world.request("POST", "/v1/tokens", {"profile": "photos", "metadata": {"a": "x" * 1020}})[0] == 201
    assert world.request("POST", "/v1/tokens", {"profile": "photos", "metadata": {"a": "x" * 1024}})[2]["code"] == "invalid_metadata"
    assert world.request("POST", "/v1/tokens", {"profile": "photos", "metadata": {"a": "\x01" * 1020}})[2]["code"] == "invalid_metadata"
    status, _, quoted = world.request("POST", "/v1/tokens", {"profile": "photos", "metadata": {"a": '"' * 1020}})
    assert status == 201 and create(world, quoted)[0] == 201, "what is given is taken"
    assert world.request("POST", "/v1/tokens", {"profile": "photos"}, key=world.operator.key)[0] == 403


def test_no_token_reaches_the_log(world):
    token = make_token(world)["token"]
    world.request("POST", f"/u/{token}/v1/uploads", {"nonsense": 1}, key="")
    world.request("GET", f"/u/{token}/v1/uploads/upl_none", key="")
    assert token[4:] not in world.gateway.log.read_text(errors="replace")
