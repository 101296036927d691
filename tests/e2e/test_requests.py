"""Mistakes of app servers: each gets one clear error, and changes nothing."""
import concurrent.futures
import json

import pytest

from tests.rig import pictures


def problem(answer, status, code):
    got, headers, body = answer
    assert got == status and isinstance(body, dict) and body["code"] == code, (got, body)
    assert headers["content-type"].startswith("application/problem+json")
    assert body["status"] == status and body["detail"] and body["request_id"] == headers["x-request-id"]
    return body


def uploads(world):
    return int(world.sql("select count(*) from uploads").strip())


@pytest.mark.parametrize("key", ["", "pg_shop_" + "0" * 52, "Basic xyz", None])
def test_missing_or_wrong_keys_get_the_same_answer(world, key):
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    body = problem(world.gateway.request("POST", "/v1/uploads", {"profile": "photos"}, headers), 401, "unauthenticated")
    reference = problem(world.gateway.request("POST", "/v1/uploads", {"profile": "photos"}), 401, "unauthenticated")
    assert {**body, "request_id": ""} == {**reference, "request_id": ""}


def test_hides_uploads_of_other_apps(world):
    created = world.create()
    for method, path in (("GET", ""), ("GET", "/timeline"), ("POST", "/sign"), ("POST", "/complete"), ("DELETE", ""), ("POST", "/retry")):
        problem(world.gateway.request(method, f"/v1/uploads/{created['id']}{path}", key=world.other.key), 404, "upload_not_found")
    assert world.request("GET", f"/v1/uploads/{created['id']}")[2]["state"] == "created"


def test_operator_sees_every_app_but_creates_nothing(world):
    created = world.create()
    assert world.gateway.request("GET", f"/v1/uploads/{created['id']}", key=world.operator.key)[0] == 200
    problem(world.gateway.request("POST", "/v1/uploads", {"profile": "photos"}, key=world.operator.key), 403, "forbidden")


@pytest.mark.parametrize("identity", ["upl_", "upl_00000000000000000000000000", "UPL_06F3Y", "x", "upl_06f3y%00", "upl_" + "0" * 300])
def test_reports_impossible_id_as_not_found(world, identity):
    answer = world.request("GET", f"/v1/uploads/{identity}")
    assert answer[0] in (404, 400) and answer[2]["code"] in ("upload_not_found", "bad_target"), answer


@pytest.mark.parametrize("raw,status,code", [
    (b"", 400, "invalid_json"), (b"{", 400, "invalid_json"), (b"{} x", 400, "invalid_json"), (b"\xef\xbb\xbf{}", 400, "invalid_json"),
    (b"/* */{}", 400, "invalid_json"), (b"[" * 1000, 400, None), (b'{"a":' * 20 + b"1" + b"}" * 20, 400, "json_too_deep"),
    (b'{"profile":"photos","profile":"small"}', 400, "duplicate_member"), (b'{"profile":"\xff"}', 400, "invalid_text"),
    (b'{"profile":"\\ud800"}', 400, "invalid_text"), (b'{"profile":"a\\u0000"}', 400, "invalid_text"),
    (b"[]", 422, "unknown_member"), (b'"x"', 422, "unknown_member"),
])
def test_rejects_body_that_is_not_a_json_object(world, raw, status, code):
    before = uploads(world)
    got, _, body = world.request("POST", "/v1/uploads", raw, {"Content-Type": "application/json"})
    assert got == status and (code is None or body["code"] == code), (got, body)
    assert uploads(world) == before


@pytest.mark.parametrize("fields,code,pointer", [
    ({"profil": "photos"}, "unknown_member", "/profil"),
    ({"key": "u/x"}, "unknown_member", "/key"),
    ({"size": "5"}, "invalid_size", "/size"), ({"size": 1.5}, "invalid_size", "/size"), ({"size": True}, "invalid_size", "/size"),
    ({"size": -1}, "invalid_size", "/size"), ({"size": 0}, "invalid_size", "/size"), ({"size": 2 ** 53}, "invalid_size", "/size"),
    ({"size": 2 ** 64}, "invalid_size", "/size"),
    ({"size": 26 * 2 ** 20}, "size_over_limit", "/size"),
    ({"content_type": "text/html"}, "content_type_not_allowed", "/content_type"),
    ({"content_type": "image/svg+xml"}, "content_type_not_allowed", "/content_type"),
    ({"content_type": "image/*"}, "content_type_not_allowed", "/content_type"),
    ({"content_type": "image/jpeg\r\nX: y"}, "content_type_not_allowed", "/content_type"),
    ({"profile": "none"}, "unknown_profile", "/profile"),
    ({"method": "PATCH"}, "method_not_offered", "/method"),
    ({"metadata": {"a b": "x"}}, "invalid_metadata", "/metadata/a b"),
    ({"metadata": {"a": 1}}, "invalid_metadata", "/metadata/a"),
    ({"metadata": {"a": "x" * 9000}}, "invalid_metadata", None),
    ({"expires_in": 0}, "invalid_expiry", "/expires_in"), ({"expires_in": -1}, "invalid_expiry", "/expires_in"),
    ({"expires_in": 10 ** 9}, "invalid_expiry", "/expires_in"), ({"expires_in": "900"}, "invalid_expiry", "/expires_in"),
    ({"checksum": {"algorithm": "md5", "value": "x"}}, "invalid_checksum", "/checksum/algorithm"),
    ({"checksum": {"algorithm": "sha256", "value": "abc"}}, "invalid_checksum", "/checksum/value"),
    ({"callback_url": "ftp://example.com/"}, "invalid_callback_url", "/callback_url"),
    ({"callback_url": "https://user@example.com/"}, "invalid_callback_url", "/callback_url"),
    ({"callback_url": "https://169.254.169.254/latest"}, None, "/callback_url"),
    ({"callback_url": "https://example.com/hook"}, "callback_host_not_allowed", "/callback_url"),
    ({"region": "mars"}, "unknown_region", "/region"),
])
def test_names_wrong_field(world, fields, code, pointer):
    before = uploads(world)
    status, _, body = world.request("POST", "/v1/uploads", {"profile": "photos", **fields})
    assert status in (422, 400), body
    errors = body.get("errors") or [{"code": body["code"], "pointer": pointer}]
    assert code is None or code in {body["code"], *[each["code"] for each in errors]}, body
    assert pointer is None or pointer in [each["pointer"] for each in errors], body
    assert uploads(world) == before


def test_names_all_wrong_fields_at_once(world):
    status, _, body = world.request("POST", "/v1/uploads", {"profile": "photos", "size": 0, "expires_in": -1, "method": "get", "x": 1})
    assert status == 422
    assert len(body["errors"]) >= 4, body


def test_takes_null_as_not_given(world):
    members = ("method", "filename", "content_type", "size", "checksum", "metadata", "client_fields", "expires_in", "region", "callback_url")
    status, _, created = world.request("POST", "/v1/uploads", {"profile": "photos", **dict.fromkeys(members)})
    assert status == 201, created


@pytest.mark.parametrize("kind", ["", "image/jpg", "image/pjpeg", "image/x-png", "image/apng", "image/heic-sequence", "binary/octet-stream", "image/jpeg; charset=utf-8"])
def test_takes_media_types_as_clients_write_them(world, kind):
    assert world.request("POST", "/v1/uploads", {"profile": "photos", "content_type": kind})[0] == 201


def test_requires_profile_when_there_are_several(world):
    body = problem(world.request("POST", "/v1/uploads", {}), 422, "missing_field")
    assert "small" in body["detail"]


def test_media_types_and_methods(world):
    problem(world.request("POST", "/v1/uploads", b"a=1", {"Content-Type": "application/x-www-form-urlencoded"}), 415, "unsupported_media_type")
    problem(world.request("POST", "/v1/uploads", {"profile": "photos"}, {"Accept": "text/html"}), 406, "not_acceptable")
    answer = world.request("PATCH", "/v1/uploads")
    problem(answer, 405, "method_not_allowed")
    assert {"GET", "POST"} <= {each.strip() for each in answer[1]["allow"].split(",")}
    problem(world.request("GET", "/nowhere"), 404, "not_found")
    problem(world.request("POST", "/v1/uploads", b"x" * 70_000, {"Content-Type": "application/json"}), 413, "body_too_large")


def test_repeats_answer_for_same_idempotency_key(world):
    key = {"Idempotency-Key": '"order-1001"'}
    body = {"profile": "photos", "size": 1234, "content_type": "image/jpeg"}
    first = world.request("POST", "/v1/uploads", body, key)
    again = world.request("POST", "/v1/uploads", body, {"Idempotency-Key": "order-1001"})
    assert first[0] == again[0] == 201
    assert first[2] == again[2], "byte for byte, URL included"
    assert again[1]["idempotency-replayed"] == "true" and "idempotency-replayed" not in first[1]
    problem(world.request("POST", "/v1/uploads", {**body, "size": 1}, key), 422, "idempotency_key_reused")
    assert world.gateway.request("POST", "/v1/uploads", {"profile": "photos"}, key, world.other.key)[0] == 201, "keys are an app's own"
    for wrong in ("", "a b", "x" * 129, '"'):
        problem(world.request("POST", "/v1/uploads", body, {"Idempotency-Key": wrong}), 400, "invalid_idempotency_key")


def test_repeat_behind_the_end_of_its_url_gets_a_fresh_one_for_the_same_upload(world):
    photo = pictures.photo(64, 48)
    wanted = {"profile": "photos", "size": len(photo)}
    for path, body, upload_of in (("/v1/uploads", wanted, lambda answer: answer),
                                  ("/v1/uploads/batch", {"uploads": [wanted]}, lambda answer: answer["data"][0])):
        key = {"Idempotency-Key": f"slow {path}".replace(" ", "-")}
        first = upload_of(world.request("POST", path, body, key)[2])
        world.sql(f"update uploads set created_at = created_at - interval '1 hour', expires_at = expires_at - interval '1 hour' where id = '{first['id']}'")
        _, headers, again = world.request("POST", path, body, key)
        again = upload_of(again)
        assert (again["id"], headers["idempotency-replayed"]) == (first["id"], "true")
        assert again["upload"]["expires_at"] >= first["upload"]["expires_at"] and world.send(again, photo)[0] == 200
        assert world.gateway.wait_for(again)["state"] == "published"
        assert upload_of(world.request("POST", path, body, key)[2])["id"] == first["id"], "once it has its file, as ever"


def test_creates_one_upload_for_concurrent_use_of_one_key(world):
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: world.request("POST", "/v1/uploads", {"profile": "photos"}, {"Idempotency-Key": "race"}), range(32)))
    done = [body["id"] for status, _, body in answers if status == 201]
    assert len(set(done)) == 1 and all(status in (201, 409) for status, _, _ in answers)


def test_lists_in_pages_and_filters_by_metadata(world):
    made = [world.create({"metadata": {"batch": "pages", "n": str(n)}})["id"] for n in range(7)]
    seen, path = [], "/v1/uploads?metadata.batch=pages&limit=3"
    while path:
        status, headers, page = world.request("GET", path)
        assert status == 200 and len(page["data"]) <= 3
        seen += [each["id"] for each in page["data"]]
        path = headers["link"].split(">")[0][1:] if page["next"] else None
    assert seen == sorted(made, reverse=True)  # newest first; the order of ids of one millisecond is random
    assert [each["id"] for each in world.request("GET", "/v1/uploads?metadata.batch=pages&metadata.n=4")[2]["data"]] == [made[4]]
    problem(world.request("GET", "/v1/uploads?cursor=forged"), 400, "invalid_cursor")
    problem(world.request("GET", "/v1/uploads?limit=0"), 400, "invalid_query")
    problem(world.request("GET", "/v1/uploads?color=red"), 400, "unknown_parameter")
    problem(world.request("GET", "/v1/uploads?limit=201"), 400, "invalid_query")
    problem(world.request("GET", "/v1/uploads?limit=99999999999999999999"), 400, "invalid_query")
    assert world.request("GET", "/v1/uploads?limit=200")[0] == 200
    assert not world.gateway.request("GET", "/v1/uploads?metadata.batch=pages", key=world.other.key)[2]["data"]


def test_renewed_url_is_for_the_same_object(world):
    created = world.create({"size": 10})
    status, _, signed = world.request("POST", f"/v1/uploads/{created['id']}/sign", {"expires_in": 60})
    assert status == 200
    assert signed["upload"]["url"].split("?")[0] == created["upload"]["url"].split("?")[0]
    assert signed["upload"]["url"] != created["upload"]["url"]
    problem(world.request("POST", f"/v1/uploads/{created['id']}/sign", {"expires_in": 10 ** 6}), 422, "invalid_expiry")


def test_complete_reports_missing_object_and_what_412_means(world):
    created = world.create()
    answer = world.request("POST", f"/v1/uploads/{created['id']}/complete")
    problem(answer, 409, "object_not_found")
    assert "A store that answers 412 to the upload has the object already" in answer[2]["detail"]


def test_complete_answers_the_upload_where_its_object_is_there(world):
    """So a client whose PUT was answered 412 learns that an earlier attempt has succeeded."""
    created = world.upload(pictures.photo(seed=22))
    status, _, upload = world.request("POST", f"/v1/uploads/{created['id']}/complete")
    assert status == 200 and upload["id"] == created["id"] and upload["state"] != "created"


def test_links_are_absolute_where_the_public_url_is_known(world, gateways):
    created = world.create()
    path = f"/v1/uploads/{created['id']}"
    public = gateways(public_url="https://photos.example")
    for answer in (public.request("GET", path, key=world.app.key), public.request("POST", f"{path}/sign", {}, key=world.app.key)):
        answered = answer[2]
        assert answered["links"]["self"] == f"https://photos.example{path}"
        assert answered["links"]["image"].startswith("https://photos.example/i/")
    listed = public.request("GET", "/v1/uploads?limit=1", key=world.app.key)[2]
    assert listed["data"][0]["links"]["self"].startswith("https://photos.example/v1/uploads/")
    token = public.request("POST", "/v1/tokens", {"profile": "photos", "expires_in": 60}, key=world.app.key)[2]
    assert token["links"]["uploads"].startswith("https://photos.example/u/")
    assert token["links"]["page"].startswith("https://photos.example/#token=")


def test_never_publishes_cancelled_upload(world):
    photo = pictures.photo(seed=21)
    created = world.create({"size": len(photo)})
    status, _, cancelled = world.request("DELETE", f"/v1/uploads/{created['id']}")
    assert status == 200 and cancelled["state"] == "cancelled"
    from scripts import local_gateway
    local_gateway.send(created["upload"], photo)
    assert world.gateway.wait_for(created)["state"] == "cancelled"
    assert world.image(created)[0] in (404, 410)


def test_every_answer_has_request_id_and_security_headers(world):
    status, headers, _ = world.request("GET", "/livez", headers={"X-Request-Id": "abc-1"})
    assert headers["x-request-id"] == "abc-1" and headers["x-content-type-options"] == "nosniff"
    status, headers, _ = world.request("GET", "/nowhere", headers={"X-Request-Id": "no good"})
    assert headers["x-request-id"] != "no good" and len(headers["x-request-id"]) > 8


def test_metrics_have_their_own_listener(world):
    assert world.gateway.request("GET", "/metrics")[0] == 404
    world.publish(pictures.photo(seed=22))
    status, headers, text = world.gateway.request("GET", "/metrics", port=world.metrics_port)
    text = text.decode()
    assert status == 200 and headers["content-type"].startswith("text/plain")
    for name in ("http_server_request_duration_seconds_bucket", "photogate_uploads_created_total",
                 'photogate_uploads_finished_total{reason="",result="published"}', 'photogate_queue_depth{queue="jobs"}',
                 "photogate_events_received_total", "process_resident_memory_bytes", "photogate_build_info"):
        assert name in text, name
    assert world.stack.minio.worker.secret not in text


def test_no_secret_reaches_the_log(world):
    photo = pictures.photo(seed=23)
    upload = world.publish(photo)
    world.request("GET", "/v1/uploads?x=1&X-Amz-Signature=abcdef0123456789")
    log = world.gateway.log.read_text(errors="replace")
    assert upload["id"] in log
    for secret in (world.app.key, world.app.secret, world.stack.events_token, world.stack.minio.worker.secret,
                   world.stack.minio.signer.secret, "abcdef0123456789"):
        assert secret not in log
    json.dumps(log)
