"""Apps, keys and callback secrets made through the API and the command line, with two gateways on one database."""
import json
import re
import subprocess
import time

import pytest

from scripts import local_gateway
from tests.rig import pictures, resumable
from tests.rig import stack as parts


@pytest.fixture
def pair(own_world):
    """A world with two gateways that serve: (world, the first, the second)."""
    world = own_world()
    second = world.another("serve")
    with second:
        yield world, world.gateway, second


def operate(world, method, path, body=None, gateway=None):
    return (gateway or world.gateway).request(method, path, body, key=world.operator.key)


def make_app(world, name="second", **body):
    status, headers, made = operate(world, "POST", "/v1/apps", {"name": name, "profiles_of": "shop", **body})
    assert status == 201, made
    assert headers["location"] == f"/v1/apps/{name}" and headers["cache-control"] == "no-store"
    return made


def create(gateway, key, body=None):
    return gateway.request("POST", "/v1/uploads", {"profile": "photos", "size": 1000, **(body or {})}, key=key)


def within_a_second(condition, what):
    """A gateway that is told takes it over at once; one second is the promise, twice that a busy machine's."""
    began = time.monotonic()
    parts.wait_until(condition, 20, what)
    assert time.monotonic() - began < 2, what


def test_made_app_uploads_at_every_gateway_and_gets_signed_callbacks(pair):
    world, first, second = pair
    made = make_app(world, callback_url=world.receiver.url)
    key = made["key"]["key"]
    assert re.fullmatch(r"pg_second_[0-9a-z]{52}", key) and made["key"]["hint"] == key[-4:]
    assert made["source"] == "api" and made["state"] == "active" and "photos" in made["profiles"]
    assert create(first, key)[0] == 201, "at once, where it was made"
    within_a_second(lambda: create(second, key)[0] == 201, "the key at the other gateway")
    photo = pictures.photo(320, 240)
    status, _, upload = create(second, key, {"size": len(photo)})
    assert status == 201 and world.send(upload, photo)[0] == 200
    app = local_gateway.App("second", key=key, secret=made["callback_secret"]["secret"])
    assert first.wait_for(upload, app=app)["state"] == "published"
    # It sees its own uploads, and the other app does not.
    assert world.request("GET", f"/v1/uploads/{upload['id']}")[0] == 404
    assert [each["id"] for each in first.request("GET", "/v1/uploads?state=published", key=key)[2]["data"]] == [upload["id"]]


def test_key_is_shown_once_and_kept_as_a_hash(pair):
    world, first, _ = pair
    made = make_app(world)
    key = made["key"]["key"]
    for path in ("/v1/apps", "/v1/apps/second", "/v1/audit"):
        assert key not in json.dumps(operate(world, "GET", path)[2])
    secret = key.rsplit("_", 1)[1]
    dumped = subprocess.run(["pg_dump", "--data-only", world.stack.postgres.url], capture_output=True, text=True, timeout=60)
    assert dumped.returncode == 0 and "app_keys" in dumped.stdout and secret not in dumped.stdout
    assert secret not in first.log.read_text() and made["callback_secret"]["secret"] not in first.log.read_text()


def test_key_is_rotated_and_the_old_one_refused_everywhere(pair):
    world, first, second = pair
    made = make_app(world)
    old = made["key"]
    within_a_second(lambda: create(second, old["key"])[0] == 201, "the first key")
    status, _, new = operate(world, "POST", "/v1/apps/second/keys")
    assert status == 201
    status, _, problem = operate(world, "POST", "/v1/apps/second/keys")
    assert (status, problem["code"]) == (409, "too_many_keys")
    assert create(first, old["key"])[0] == 201 and create(first, new["key"])[0] == 201, "both live during a rotation"
    status, _, revoked = operate(world, "DELETE", f"/v1/apps/second/keys/{old['id']}")
    assert status == 200 and revoked["revoked_at"]
    assert create(first, old["key"])[0] == 401, "at once, where it was revoked"
    within_a_second(lambda: create(second, old["key"])[0] == 401, "the revoked key at the other gateway")
    assert create(second, new["key"])[0] == 201
    assert operate(world, "DELETE", f"/v1/apps/second/keys/{old['id']}")[2]["revoked_at"] == revoked["revoked_at"]
    assert operate(world, "DELETE", "/v1/apps/shop/keys/" + new["id"])[2]["code"] == "key_not_found"


def test_keys_and_secrets_of_a_configured_app_stand_beside_its_own(pair):
    world, first, second = pair
    status, _, key = operate(world, "POST", "/v1/apps/shop/keys")
    assert status == 201 and create(first, key["key"])[0] == 201 and create(first, world.app.key)[0] == 201
    within_a_second(lambda: create(second, key["key"])[0] == 201, "the key at the other gateway")
    status, _, secret = operate(world, "POST", "/v1/apps/shop/secrets")
    assert status == 201 and secret["secret"].startswith("whsec_")
    # Callbacks are signed with both: the receiver, which knows the configured secret, takes them.
    assert world.publish(pictures.photo(320, 240))["state"] == "published"
    operate(world, "DELETE", f"/v1/apps/shop/secrets/{secret['id']}")
    assert world.publish(pictures.photo(320, 240))["state"] == "published"
    status, _, problem = operate(world, "DELETE", "/v1/apps/shop")
    assert (status, problem["code"]) == (403, "forbidden")


def test_disabled_app_is_refused_and_loses_nothing(pair):
    world, first, second = pair
    made = make_app(world)
    key = made["key"]["key"]
    photo = pictures.photo(320, 240)
    upload = create(first, key, {"size": len(photo)})[2]
    token = first.request("POST", "/v1/tokens", {"profile": "photos", "max_uploads": 50}, key=key)[2]["token"]

    def begun(gateway):
        return resumable.call("POST", f"{gateway.url}/u/{token}/r", {**resumable.TUS, "Upload-Length": str(len(photo))})

    sending = begun(first)
    assert sending.status == 201 and resumable.head(resumable.absolute(world, sending.headers["location"])).status == 200
    status, _, disabled = operate(world, "DELETE", "/v1/apps/second")
    assert (status, disabled["state"]) == (200, "disabled")
    assert create(first, key)[0] == 401 and create(first, token)[0] == 401
    within_a_second(lambda: create(second, key)[0] == 401 and create(second, token)[0] == 401, "refused at the other gateway")
    within_a_second(lambda: begun(first).status == 401 and begun(second).status == 401, "no resumable upload begun")
    assert resumable.head(resumable.absolute(world, sending.headers["location"])).status == 401, "nor continued, by its client token"
    # What it was granted before arrives and is processed.
    assert world.send(upload, photo)[0] == 200
    parts.wait_until(lambda: world.sql(f"select state from uploads where id = '{upload['id']}'").strip() == "published", 60, "published")
    assert world.image(upload)[0] == 200
    status, _, enabled = operate(world, "PATCH", "/v1/apps/second", {"state": "active"})
    assert (status, enabled["state"]) == (200, "active") and create(first, key)[0] == 201


def test_only_an_operator_may_and_every_change_is_in_the_log(pair):
    world, first, _ = pair
    for method, path in (("GET", "/v1/apps"), ("GET", "/v1/audit"), ("POST", "/v1/apps/shop/keys"), ("DELETE", "/v1/apps/shop")):
        assert first.request(method, path, key=world.app.key)[0] == 403, path
        assert first.request(method, path)[0] == 401, path
    made = make_app(world)
    operate(world, "PATCH", "/v1/apps/second", {"callback_url": world.receiver.url})
    operate(world, "DELETE", f"/v1/apps/second/keys/{made['key']['id']}")
    operate(world, "DELETE", "/v1/apps/second")
    entries = operate(world, "GET", "/v1/audit?app=second")[2]["data"]
    assert [entry["action"] for entry in reversed(entries)] == ["app.created", "key.created", "secret.created", "app.changed", "key.revoked", "app.disabled"]
    assert {entry["actor"] for entry in entries} == {"operator:ops"}
    page = operate(world, "GET", "/v1/audit?app=second&limit=4")[2]
    rest = operate(world, "GET", f"/v1/audit?app=second&limit=4&cursor={page['next']}")[2]
    assert page["data"] + rest["data"] == entries and rest["next"] is None


@pytest.mark.parametrize("body, code", [
    ({"name": "shop", "profiles_of": "shop"}, "app_exists"),
    ({"name": "ops", "profiles_of": "shop"}, "app_exists"),
    ({"name": "Shop 2", "profiles_of": "shop"}, "invalid_field"),
    ({"name": "second", "profiles_of": "nobody"}, "invalid_field"),
    ({"name": "second"}, "missing_field"),
    ({"name": "second", "profiles_of": "shop", "callback_url": "http://10.0.0.1/"}, "callback_address_blocked"),
    ({"name": "second", "profiles_of": "shop", "key": "mine"}, "unknown_member"),
])
def test_wrong_app_is_refused_by_field(world, body, code):
    status, _, problem = operate(world, "POST", "/v1/apps", body)
    assert status in (409, 422) and problem["code"] == code, problem


def test_command_line_makes_what_the_gateways_take_over(pair, run):
    world, first, second = pair
    config = ["--config", first.config]
    done = run("app", "new", "second", "--profiles-of", "shop", *config)
    assert done.returncode == 0, done.stderr
    key = re.search(r"pg_second_\w+", done.stdout).group()
    for gateway in (first, second):
        within_a_second(lambda gateway=gateway: create(gateway, key)[0] == 201, "the app of the command line")
    assert run("app", "new", "second", "--profiles-of", "shop", *config).returncode != 0
    added = run("key", "add", "second", *config)
    assert added.returncode == 0 and (newer := re.search(r"pg_second_\w+", added.stdout).group())
    old_id = re.search(r"key_\w+", done.stdout).group()
    assert run("key", "revoke", "second", old_id, *config).returncode == 0
    for gateway in (first, second):
        within_a_second(lambda gateway=gateway: create(gateway, key)[0] == 401, "the revoked key")
        assert create(gateway, newer)[0] == 201
    assert run("app", "disable", "second", *config).returncode == 0
    within_a_second(lambda: create(second, newer)[0] == 401, "the disabled app")
    assert "disabled" in run("app", "list", *config).stdout
    audit = run("app", "audit", "--app", "second", *config).stdout
    assert "app.disabled" in audit and "cli:" in audit
    assert "key" in run("secret", "add", "nobody", *config).stderr or run("secret", "add", "nobody", *config).returncode != 0


def test_what_was_made_outlives_restarts_and_a_database_that_is_away(pair):
    world, first, second = pair
    made = make_app(world)
    key = made["key"]["key"]
    within_a_second(lambda: create(second, key)[0] == 201, "the key at the other gateway")
    second.restart() if not second.stop() else None
    assert create(second, key)[0] == 201
    world.stack.postgres.stop()
    try:
        status, _, problem = second.request("GET", "/v1/uploads?limit=1", key=key)
        assert status == 503, "known, and the database is away"
        assert second.request("GET", "/v1/uploads?limit=1", key=local_gateway.new_api_key("second"))[0] == 401
    finally:
        world.stack.postgres.start()
    parts.wait_until(lambda: create(second, key)[0] == 201, 60, "after the database is back")


def test_usage_counts_by_day(pair):
    world, first, _ = pair
    key = make_app(world)["key"]["key"]
    photo = pictures.photo(320, 240)
    upload = create(first, key, {"size": len(photo)})[2]
    create(first, key)
    assert world.send(upload, photo)[0] == 200
    parts.wait_until(lambda: first.request("GET", f"/v1/uploads/{upload['id']}", key=key)[2]["state"] == "published", 60, "published")
    status, _, usage = operate(world, "GET", "/v1/apps/second/usage")
    assert status == 200 and len(usage["days"]) == 1
    assert usage["days"][0] | {"day": ""} == {"day": "", "uploads": 2, "published": 1, "bytes": len(photo), "versions": 0}
    image = "/i/" + first.request("GET", f"/v1/uploads/{upload['id']}", key=key)[2]["links"]["image"].rsplit("/", 1)[1]
    for query in ("?width=160", "?width=160", "?width=240"):  # the second is made already
        assert first.request("GET", image + query)[0] == 200
    parts.wait_until(lambda: operate(world, "GET", "/v1/apps/second/usage")[2]["days"][0]["versions"] == 2, 60, "two versions to be counted")
    assert operate(world, "GET", "/v1/apps/second/usage?from=2020-01-01")[2]["code"] == "invalid_query"
    assert operate(world, "GET", "/v1/apps/nobody/usage")[2]["code"] == "app_not_found"
