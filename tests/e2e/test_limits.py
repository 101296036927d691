"""Limits of an app, of a client token and of an address, and that one app's flood is not another's trouble."""
import http.client
import json
import re
import statistics
import time

from tests.rig import resumable
from tests.rig import stack as parts
from tests.rig.crowd import Crowd


def with_limits(lines):
    """Options of [apps.shop], as Gateway's configuration has the table."""
    return lambda text: text.replace("[apps.shop]\n", f"[apps.shop]\n{lines}\n", 1)


def limited_world(own_world, lines, **options):
    world = own_world(start=False, **options)
    world.gateway.config.write_text(with_limits(lines)(world.gateway.config.read_text()))
    world.gateway.start()
    return world


def create(world, key, body=None, gateway=None):
    return (gateway or world.gateway).request("POST", "/v1/uploads", {"profile": "photos", "size": 1000, **(body or {})}, key=key)


def fields(value):
    """`"app";q=5;w=3` as {"app": {"q": 5, "w": 3}}."""
    return {name: {key: int(number) for key, number in re.findall(r";(\w)=(\d+)", rest)} for name, rest in re.findall(r'"(\w+)"([^,]*)', value)}


def test_app_over_its_rate_is_told_when_to_come_again(own_world):
    world = limited_world(own_world, "requests_per_second = 2\nrequests_burst = 5")
    answers = [world.request("GET", "/v1/uploads?limit=1") for _ in range(9)]
    assert [status for status, _, _ in answers[:5]] == [200] * 5
    assert fields(answers[0][1]["ratelimit-policy"]) == {"app": {"q": 5, "w": 3}}
    assert fields(answers[0][1]["ratelimit"])["app"]["r"] == 4
    status, headers, problem = next(answer for answer in answers if answer[0] != 200)
    assert (status, problem["code"]) == (429, "rate_limited") and "Retry-After" in problem["detail"]
    assert headers["retry-after"] == "1" and fields(headers["ratelimit"])["app"]["r"] == 0
    time.sleep(int(headers["retry-after"]))
    assert world.request("GET", "/v1/uploads?limit=1")[0] == 200
    # Another app, an operator and readers are not touched, and are told nothing.
    for _ in range(20):
        status, headers, _ = world.gateway.request("GET", "/v1/uploads?limit=1", key=world.other.key)
        assert status == 200 and "ratelimit" not in headers
        assert world.gateway.request("GET", "/v1/uploads?limit=1", key=world.operator.key)[0] == 200
        assert world.gateway.request("GET", "/i/none")[0] != 429
    text = world.gateway.request("GET", "/metrics", port=world.metrics_port)[2].decode()
    assert float(re.search(r'photogate_requests_limited_total\{limit="app"\} (\S+)', text).group(1)) >= 1


def test_client_token_has_a_rate_of_its_own(own_world):
    world = limited_world(own_world, "requests_per_second_token = 2")
    tokens = [world.request("POST", "/v1/tokens", {"profile": "photos", "max_uploads": 100})[2]["token"] for _ in range(2)]
    first = [create(world, tokens[0])[0] for _ in range(8)]
    assert first[:4] == [201] * 4 and 429 in first
    assert create(world, tokens[1])[0] == 201 and create(world, world.app.key)[0] == 201
    status, headers, _ = create(world, tokens[0])
    if status == 429:
        assert fields(headers["ratelimit-policy"])["token"]["q"] == 4


def test_rates_of_a_client_token_count_what_it_sends_through_the_gateway(own_world):
    world = limited_world(own_world, "requests_per_second_token = 1")
    token = world.request("POST", "/v1/tokens", {"profile": "photos", "max_uploads": 100})[2]["token"]
    begun = [resumable.call("POST", f"{world.gateway.url}/u/{token}/r", {**resumable.TUS, "Upload-Length": "1000"}) for _ in range(10)]
    assert [each.status for each in begun[:2]] == [201] * 2
    refused = next(each for each in begun if each.status != 201)
    assert refused.status == 429 and int(refused.headers["retry-after"]) >= 1
    granted = resumable.url_of(world, create(world, world.app.key)[2])
    assert [resumable.head(granted).status for _ in range(8)] == [200] * 8, "by a grant's own URL"


def test_wrong_credentials_of_an_address_are_limited_and_right_ones_are_not(own_world):
    world = own_world(start=False)
    world.gateway.environment["PHOTOGATE_SERVER_MAX_FAILED_AUTHENTICATIONS"] = "6"
    world.gateway.start()
    wrong = "pg_shop_" + "0" * 52
    # Loopback is a trusted proxy, which stands for many clients.
    answers = [world.gateway.request("GET", "/v1/uploads", headers={"X-Forwarded-For": "203.0.113.7"}, key=wrong) for _ in range(20)]  # one more is permitted every ten seconds
    assert [status for status, _, _ in answers[:6]] == [401] * 6
    status, headers, problem = next(answer for answer in answers if answer[0] != 401)
    assert (status, problem["code"]) == (429, "rate_limited") and int(headers["retry-after"]) in range(1, 11)
    assert create(world, world.app.key)[0] == 201
    assert world.gateway.request("GET", "/livez")[0] == 200


def test_open_uploads_and_their_bytes_are_held_over_gateways(own_world):
    world = limited_world(own_world, "max_open_uploads = 5\nmax_open_bytes = 1_000_000")
    second = world.another("serve")
    second.config.write_text(with_limits("max_open_uploads = 5\nmax_open_bytes = 1_000_000")(second.config.read_text()))
    with second:
        created = [create(world, world.app.key)[2] for _ in range(3)]
        time.sleep(2.5)  # the other counts every second
        statuses = [create(world, world.app.key, gateway=second)[0] for _ in range(4)]
        assert statuses == [201, 201, 429, 429]
        status, headers, problem = create(world, world.app.key, gateway=second)
        assert problem["code"] == "rate_limited" and int(headers["retry-after"]) > 0
        # One that ends makes room.
        assert world.request("DELETE", f"/v1/uploads/{created[0]['id']}")[0] in (200, 202)
        parts.wait_until(lambda: create(world, world.app.key, {"size": 1})[0] == 201, 20, "room for another")
        world.request("DELETE", f"/v1/uploads/{created[1]['id']}")
        parts.wait_until(lambda: create(world, world.app.key, {"size": 999_000})[2].get("code") == "rate_limited", 5, "too many bytes")
        assert create(world, world.other.key)[0] == 201


def median_of_creates(world, key, count=60):
    times = []
    connection = http.client.HTTPConnection("127.0.0.1", world.gateway.port, timeout=30)
    for _ in range(count):
        began = time.monotonic()
        connection.request("POST", "/v1/uploads", json.dumps({"profile": "photos", "size": 1000}),
                           {"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 201, answer.status
        times.append(time.monotonic() - began)
        time.sleep(0.01)
    connection.close()
    return statistics.median(times)


class Flood(Crowd):
    """One app's requests, from as many connections as it likes, as fast as they are answered."""

    def __init__(self, world, key, connections=8):
        super().__init__(self._send, connections)
        self.world, self.key = world, key
        self.statuses = {}

    def _send(self, _number):
        body = json.dumps({"profile": "photos", "size": 1000})
        connection = http.client.HTTPConnection("127.0.0.1", self.world.gateway.port, timeout=30)
        while not self._stop.is_set():
            try:
                connection.request("POST", "/v1/uploads", body, {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"})
                answer = connection.getresponse()
                answer.read()
                self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
            except (OSError, http.client.HTTPException):
                connection.close()
            time.sleep(0.002)


def test_flood_of_one_app_does_not_slow_the_uploads_of_another(own_world):
    world = limited_world(own_world, "requests_per_second = 20")
    quiet = median_of_creates(world, world.other.key)
    with Flood(world, world.app.key) as flood:
        parts.wait_until(lambda: flood.statuses.get(429, 0) > 200, 30, "a flood")
        created = flood.statuses.get(201, 0)
        began = time.monotonic()
        flooded = median_of_creates(world, world.other.key)
        granted = flood.statuses.get(201, 0) - created
        seconds = time.monotonic() - began
    assert flood.statuses.get(429, 0) > 200 and set(flood.statuses) <= {201, 429}
    assert granted <= 20 * (seconds + 2) + 40, "no more than its rate was granted"
    # The senders of the flood share this machine's processors with the gateway: what is measured is both.
    assert flooded < quiet * 5 + 0.05, (quiet, flooded)
