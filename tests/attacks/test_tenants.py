"""One app, or one of its clients, against another app."""
import pytest

from tests.attacks.conftest import unchanged


@pytest.fixture
def stranger(world):
    """The key of the app `other`."""
    return world.other.key


@pytest.mark.parametrize("method, path", [("GET", ""), ("DELETE", ""), ("POST", "/sign"), ("POST", "/complete"), ("GET", "/callbacks"), ("GET", "/timeline"), ("POST", "/retry"),
                                          ("GET", "?wait=1")])
def test_uploads_of_another_app_do_not_exist(world, victim, stranger, method, path):
    status, _, problem = world.request(method, f"/v1/uploads/{victim['id']}{path}", {} if method == "POST" else None, key=stranger)
    assert status in (403, 404), problem
    unchanged(world, victim)


@pytest.mark.parametrize("query", ["", "?app=shop", "?state=created", "?metadata.owner=anna", "?limit=100", "?profile=photos"])
def test_list_shows_only_ones_own(world, victim, stranger, query):
    status, _, listed = world.request("GET", f"/v1/uploads{query}", key=stranger)
    assert status in (200, 400, 403) and victim["id"] not in str(listed)


def test_cursor_of_another_app_shows_nothing_of_it(world, stranger):
    mine = {world.create({"size": 10})["id"] for _ in range(3)}
    cursor = world.request("GET", "/v1/uploads?limit=1")[2]["next"]
    status, _, listed = world.request("GET", f"/v1/uploads?limit=100&cursor={cursor}", key=stranger)
    assert status in (200, 400)
    assert status == 400 or not mine & {each["id"] for each in listed["data"]}


def test_idempotency_key_of_another_app_replays_nothing(world, stranger):
    key = {"Idempotency-Key": "shared"}
    first = world.create({"size": 10}, headers=key)
    status, headers, second = world.request("POST", "/v1/uploads", {"profile": "photos", "size": 10}, key, key=stranger)
    assert status == 201 and second["id"] != first["id"] and "idempotency-replayed" not in headers


@pytest.mark.parametrize("path", ["/v1/callbacks", "/v1/events", "/v1/endpoints"])
def test_feeds_show_nothing_of_another_app(world, victim, stranger, path):
    assert victim["id"] not in str(world.request("GET", path, key=stranger)[2])


@pytest.mark.parametrize("action", ["pause", "resume"])
def test_endpoint_of_another_app_can_not_be_paused(world, stranger, action):
    world.request("POST", f"/v1/endpoints/{action}", {"url": world.receiver.url}, key=stranger)
    listed = world.request("GET", "/v1/endpoints")[2]
    assert '"paused": true' not in str(listed).replace("'", '"').replace("True", "true")


def test_operator_creates_nothing(world):
    assert world.request("POST", "/v1/uploads", {"profile": "photos"}, key=world.operator.key)[0] == 403
    assert world.request("POST", "/v1/tokens", {"profile": "photos"}, key=world.operator.key)[0] == 403


@pytest.mark.parametrize("profile", ["photos/../small", "shop.photos", "../photos", "PHOTOS", "photos\u0000", "*"])
def test_profile_of_another_app_can_not_be_named(world, stranger, profile):
    status, _, problem = world.request("POST", "/v1/uploads", {"profile": profile}, key=stranger)
    assert status in (400, 422), problem
