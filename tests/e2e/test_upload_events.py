"""GET /v1/uploads/{id}/events of the real program: each state once and in order, also for who comes back, and what a stream holds."""
import http.client
import json
import re
import resource
import select
import socket
import time

import pytest

from tests.rig import pictures
from tests.rig import stack as parts
from tests.rig.world import World


@pytest.fixture(scope="module")
def world(build_dir, tmp_path_factory):
    made = World(build_dir, tmp_path_factory.mktemp("upload-events") / "gateway", {"photos": {}})
    made.gateway.environment["PHOTOGATE_SERVER_CORS_ORIGINS"] = "*"
    try:
        made.gateway.start()
        yield made
    finally:
        made.close()


def metric(gateway, name):
    text = gateway.request("GET", "/metrics", port=gateway.metrics_port)[2].decode()
    return sum(float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.M))


class Stream:
    """Events of one upload, by a key, or with a token in the path."""

    def __init__(self, world, upload, last=None, key=None, token=None, gateway=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", (gateway or world.gateway).port, timeout=60)
        headers = {"Last-Event-ID": str(last)} if last is not None else {}
        if token is None:
            headers["Authorization"] = f"Bearer {key or world.app.key}"
        self.connection.request("GET", (f"/u/{token}" if token else "") + f"/v1/uploads/{upload['id']}/events", headers=headers)
        self.answer = self.connection.getresponse()
        self.comments = 0

    def next(self):
        """(id, event, data); None at the end."""
        fields = {}
        for line in iter(self.answer.readline, b""):
            line = line.decode().rstrip("\n")
            self.comments += line.startswith(":")
            if not line and "data" in fields:
                return int(fields["id"]), fields["event"], json.loads(fields["data"])
            name, _, value = line.partition(": ")
            fields[name] = value
        return None

    def rest(self):
        return list(iter(self.next, None))

    def close(self):
        self.answer.close()
        self.connection.close()


def create(world, key=None, data=None):
    """An upload, and a file for it."""
    data = data or pictures.photo(320, 240, seed=time.time_ns() % 100_000)
    status, _, upload = world.request("POST", "/v1/uploads", {"profile": "photos", "size": len(data)}, key=key)
    assert status == 201, upload
    return upload, data


def send(world, upload, data):
    status, answer = world.send(upload, data)
    assert status in (200, 204), answer


def test_states_come_as_events_until_the_final_one(world):
    upload, picture = create(world)
    stream = Stream(world, upload)
    assert stream.answer.status == 200 and stream.answer.getheader("Content-Type") == "text/event-stream"
    assert stream.answer.getheader("Cache-Control") == "no-store"
    first = stream.next()
    assert first[:2] == (0, "created") and first[2]["upload"]["id"] == upload["id"] and first[2]["at"] == upload["created_at"]
    send(world, upload, picture)
    seen = [first, *stream.rest()]
    assert [each[1] for each in seen] == ["created", "uploaded", "processing", "published"]
    assert [each[0] for each in seen] == sorted({each[0] for each in seen})
    last = seen[-1][2]
    assert last["state"] == "published" and last["upload"] == world.request("GET", f"/v1/uploads/{upload['id']}")[2]
    assert [each[1:] for each in Stream(world, upload).rest()][0][0] == "created", "who comes late is told all"
    for place, (identity, _, _) in enumerate(seen[:-1]):
        again = Stream(world, upload, last=identity).rest()
        assert [each[:2] for each in again] == [each[:2] for each in seen[place + 1:]], "no event twice, and none left out"
    over = Stream(world, upload, last=seen[-1][0])
    assert over.answer.status == 204, "a browser's EventSource does not come back after that"
    parts.wait_until(lambda: metric(world.gateway, "photogate_waits") == 0, 60, "no stream")


def test_stream_is_told_what_another_gateway_did(world):
    other = world.another(role="serve")
    other.start()
    try:
        upload, picture = create(world)
        stream = Stream(world, upload, gateway=other)
        assert stream.next()[1] == "created"
        send(world, upload, picture)
        assert [each[1] for each in stream.rest()] == ["uploaded", "processing", "published"]
    finally:
        other.stop()


def test_retried_upload_goes_on_behind_its_final_state(world):
    upload, text = create(world, data=b"no picture at all" * 10)
    send(world, upload, text)
    seen = Stream(world, upload).rest()
    assert seen[-1][1] == "rejected" and seen[-1][2]["upload"]["rejection"]["code"]
    assert world.request("POST", f"/v1/uploads/{upload['id']}/retry")[0] == 200
    again = Stream(world, upload, last=seen[-1][0]).rest()
    assert [each[1] for each in again] == ["uploaded", "processing", "rejected"]
    assert again[0][0] > seen[-1][0]


def test_token_follows_its_own_uploads_alone(world):
    status, _, made = world.request("POST", "/v1/tokens", {"profile": "photos"})
    assert status == 201
    token = made["token"]
    mine, picture = create(world, key=token)
    others, _ = create(world)
    by_path = Stream(world, mine, token=token)
    assert by_path.next()[1] == "created"
    by_header = Stream(world, mine, key=token)
    send(world, mine, picture)
    assert [each[1] for each in by_path.rest()] == ["uploaded", "processing", "published"]
    assert [each[1] for each in by_header.rest()][-1] == "published"
    for stream in (Stream(world, others, token=token), Stream(world, others, key=token), Stream(world, mine, key=world.other.key)):
        assert (stream.answer.status, json.load(stream.answer)["code"]) == (404, "upload_not_found")
    assert Stream(world, mine, token=token[:-4] + "AAAA").answer.status == 401


def test_cancelled_upload_ends_its_streams(world):
    upload, _ = create(world)
    stream = Stream(world, upload)
    assert stream.next()[1] == "created"
    assert world.request("DELETE", f"/v1/uploads/{upload['id']}")[0] in (200, 202)
    assert [each[1] for each in stream.rest()] == ["cancelled"]


def test_streams_of_clients_that_went_hold_nothing(world):
    upload, _ = create(world)
    streams = [Stream(world, upload) for _ in range(20)]
    for each in streams:
        assert each.next()[1] == "created"
    assert metric(world.gateway, "photogate_waits") == 20
    for each in streams:
        each.close()
    parts.wait_until(lambda: metric(world.gateway, "photogate_waits") == 0, 60, "no stream")
    parts.wait_until(lambda: metric(world.gateway, "photogate_http_connections") < 5, 60, "the connections to be given back")


def test_streams_are_bounded_with_those_who_wait(gateways, minio_world):
    gateway = gateways(max_waits_per_app=3)
    upload = minio_world.create({"size": 10})
    streams = [Stream(minio_world, upload, gateway=gateway) for _ in range(3)]
    assert all(each.next()[1] == "created" for each in streams)
    refused = Stream(minio_world, upload, gateway=gateway)
    assert (refused.answer.status, json.load(refused.answer)["code"]) == (429, "rate_limited")
    assert int(refused.answer.getheader("Retry-After")) > 0
    streams.pop().close()
    parts.wait_until(lambda: metric(gateway, "photogate_waits") == 2, 60, "a place")
    assert Stream(minio_world, upload, gateway=gateway).next()[1] == "created"


def test_stopping_gateway_ends_its_streams(gateways, minio_world):
    gateway = gateways()
    stream = Stream(minio_world, minio_world.create({"size": 10}), gateway=gateway)
    assert stream.next()[1] == "created"
    began = time.monotonic()
    gateway.stop()
    assert stream.next() is None and time.monotonic() - began < 30


def resident(gateway):
    status = open(f"/proc/{gateway.process.pid}/status").read()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024


@pytest.mark.large
def test_ten_thousand_streams_take_little_memory_and_nobody_else_s_time(gateways, minio_world):
    """Each with its heartbeats, over two rounds of them; all are told of one change each, and others keep their time."""
    count = 10_000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < count + 1000:  # of this process, and of the gateway, each
        pytest.skip(f"{hard} open files are not enough")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    gateway = gateways(max_connections=count + 500, max_waits=count, max_waits_per_app=count, max_waits_per_address=count, max_connections_per_address=0)
    upload = minio_world.create({"size": 10})
    key = minio_world.app.key
    ask = f"GET /v1/uploads/{upload['id']}/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n\r\n".encode()
    before = resident(gateway)
    poll, clients, heard = select.epoll(), {}, {}

    def listen(until):
        while time.monotonic() < until:
            for descriptor, _ in poll.poll(0.2):
                heard[descriptor] = heard[descriptor] + clients[descriptor].recv(65536)

    try:
        for number in range(count):
            client = socket.create_connection(("127.0.0.1", gateway.port), timeout=30, source_address=(f"127.0.0.{2 + number % 50}", 0))
            client.sendall(ask)
            clients[client.fileno()], heard[client.fileno()] = client, b""
            poll.register(client, select.EPOLLIN)
            if number % 500 == 499:
                listen(time.monotonic() + 0.2)
        parts.wait_until(lambda: (listen(time.monotonic() + 0.5), all(b"event: created" in each for each in heard.values()))[1], 120, "all streams to begin")
        assert metric(gateway, "photogate_waits") == count
        took = []
        until = time.monotonic() + 32
        while time.monotonic() < until:
            began = time.monotonic()
            assert gateway.request("GET", f"/v1/uploads/{upload['id']}", key=key, timeout=20)[0] == 200
            took.append(time.monotonic() - began)
            listen(time.monotonic() + 0.1)
        grown = (resident(gateway) - before) / 2**20
        print(f"{count} streams: {grown:.0f} MiB; others: median {sorted(took)[len(took) // 2] * 1000:.1f} ms, longest {max(took) * 1000:.0f} ms")
        assert grown < 200
        assert sorted(took)[len(took) // 2] < 0.25 and max(took) < 5.0
        assert all(each.count(b":\n\n") >= 1 for each in heard.values()), "heartbeats"
        assert minio_world.request("DELETE", f"/v1/uploads/{upload['id']}")[0] in (200, 202)
        parts.wait_until(lambda: (listen(time.monotonic() + 0.5), all(b"event: cancelled" in each for each in heard.values()))[1], 120, "all to be told")
        assert all(each.count(b"event: cancelled") == 1 for each in heard.values())
    finally:
        for client in clients.values():
            client.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
