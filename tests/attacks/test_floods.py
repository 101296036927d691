"""Many valid requests of one client at once: others are still served, and what is kept stays bounded."""
import concurrent.futures
import time

import pytest

from tests.rig import pictures


def token(world, body=None):
    return world.request("POST", "/v1/tokens", {"profile": "photos", **(body or {})})[2]["token"]


def flood(number, act, threads=32):
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        return list(pool.map(act, range(number)))


def timed(world):
    began = time.monotonic()
    assert world.request("GET", "/v1/uploads?limit=1")[0] == 200
    return time.monotonic() - began


def test_token_creates_no_more_than_it_may(world):
    key = token(world, {"max_uploads": 20})
    statuses = flood(200, lambda _: world.request("POST", "/v1/uploads", {"size": 1}, key=key)[0])
    assert statuses.count(201) == 20 and set(statuses) <= {201, 403, 429, 503}
    assert timed(world) < 3


@pytest.mark.parametrize("path", ["/v1/uploads", "/i/0123456789abcdefghjkmnpqrs", "/nowhere", "/openapi.json"])
def test_requests_without_a_key_delay_nobody(world, path):
    statuses = flood(500, lambda _: world.gateway.request("GET", path)[0])
    assert set(statuses) <= {200, 401, 404, 429, 503}
    assert timed(world) < 3


def test_waits_of_one_token_are_bounded(world):
    key = token(world)
    mine = world.request("POST", "/v1/uploads", {"size": 5}, key=key)[2]
    statuses = flood(150, lambda _: world.request("GET", f"/v1/uploads/{mine['id']}?wait=2", key=key)[0], threads=150)
    assert set(statuses) <= {200, 429, 503}
    assert timed(world) < 3


def test_hostile_files_of_one_token_do_not_delay_another(world):
    """The last honest photo may wait for the one picture that each worker process has under way."""
    key = token(world, {"max_uploads": 100})
    bad = pictures.photo(seed=930)[:20_000]

    def send(_):
        created = world.request("POST", "/v1/uploads", {"size": len(bad)}, key=key)[2]
        return world.send(created, bad)[0]

    flood(30, send, threads=8)
    photo = pictures.photo(seed=931)
    began = time.monotonic()
    assert world.publish(photo)["state"] == "published"
    assert time.monotonic() - began < 15


def test_series_of_metrics_do_not_grow_with_strangers(world):
    def series():
        return len(world.gateway.request("GET", "/metrics", port=world.gateway.metrics_port)[2].splitlines())

    for method in ("GET", "DELETE"):
        world.gateway.request(method, "/nowhere")
    before = series()
    flood(300, lambda n: world.gateway.request("GET" if n % 2 else "DELETE", f"/x{n}/{n}", headers={"User-Agent": f"a{n}", "Host": f"h{n}"})[0])
    assert series() <= before + 20
