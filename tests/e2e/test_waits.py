"""Clients that ask and go away, of the real program: what they held is free again at once, with nginx in front as well, and what
one of them may hold is bounded. Other requests keep their time throughout."""
import contextlib
import re
import select
import socket
import struct
import subprocess
import time

import pytest

from scripts import nginx as front
from tests.rig import bad_requests
from tests.rig import stack as parts
from tests.rig.raw_http import Raw

HOST = "photos.example"
GENEROUS = 5.0  # seconds for one healthy request, whatever else is going on on this machine
CONNECTIONS = 128


@pytest.fixture(scope="module")
def token(minio_world):
    status, _, made = minio_world.request("POST", "/v1/tokens", {"profile": "photos", "expires_in": 3600})
    assert status == 201, made
    return made["token"]


@pytest.fixture(scope="module")
def awaited(minio_world, token):
    """An upload of that token that never ends."""
    status, _, upload = minio_world.request("POST", "/v1/uploads", {"size": 10}, key=token)
    assert status == 201, upload
    return upload["id"]


def asked(method, path, credential, *more, host="127.0.0.1"):
    return bad_requests.head(f"{method} {path} HTTP/1.1", f"Authorization: Bearer {credential}", *more, host=host)


def wait_for(upload, credential, seconds=60, host="127.0.0.1"):
    return asked("GET", f"/v1/uploads/{upload}?wait={seconds}", credential, host=host)


def metric(gateway, name):
    """The sum over its labels; `name` may hold some of them, in full."""
    text = gateway.request("GET", "/metrics", port=gateway.metrics_port)[2].decode()
    series = re.escape(name) if "{" in name else re.escape(name) + r"(?:{.*})?"
    return sum(float(value) for value in re.findall(rf"^{series} (\S+)$", text, re.M))


def settles(gateway, name, value, seconds=60):
    parts.wait_until(lambda: metric(gateway, name) == value, seconds, f"{name} to be {value}")


def hang_up(port, data, reset=False):
    """Asks, and goes away: by a FIN, or by a RST."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(data)
        if reset:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def healthy(gateway, path="/livez", key=None):
    """One request on a connection of its own, in its time."""
    started = time.monotonic()
    status = gateway.request("GET", path, key=key, timeout=20)[0]
    took = time.monotonic() - started
    assert status == 200 and took < GENEROUS, (path, status, took)
    return took


# ------------------------------------------------------------------------------------------ aborted requests


def test_thousands_of_aborted_waits_of_one_token_leave_service_for_others(gateways, minio_world, token, awaited):
    """Thirty times as many as the gateway has connections; each would hold one for a minute."""
    gateway = gateways(max_connections=CONNECTIONS)
    other = minio_world.create({"size": 10})["id"]
    count, data = 30 * CONNECTIONS, wait_for(awaited, token)
    for number in range(count):
        hang_up(gateway.port, data, reset=number % 2 == 0)
        if number % 100 == 0:
            healthy(gateway)
            healthy(gateway, f"/v1/uploads/{other}", minio_world.app.key)
    settles(gateway, "photogate_waits", 0)
    # Every wait was seen to go, or had no place. A reset may come before the request is read: then there was none.
    assert metric(gateway, "photogate_waits_abandoned_total") + metric(gateway, "photogate_waits_refused_total") >= 0.9 * count / 2
    assert metric(gateway, "photogate_http_connections") < 10
    with Raw(gateway.port) as client:  # and one may wait as before
        assert client.ask(wait_for(awaited, token, 1)).status == 200


@pytest.mark.parametrize("kind", ["reading", "deleting", "completing", "creating", "half a body", "half a head"])
def test_other_requests_that_are_aborted_hold_nothing_either(gateways, minio_world, kind):
    gateway = gateways(max_connections=CONNECTIONS)
    key = minio_world.app.key
    upload = minio_world.create({"size": 10})["id"]
    json_type = "Content-Type: application/json"
    data = {"reading": asked("GET", f"/v1/uploads/{upload}", key), "deleting": asked("DELETE", f"/v1/uploads/{upload}", key),
            "completing": asked("POST", f"/v1/uploads/{upload}/complete", key, "Content-Length: 0"),
            "creating": asked("POST", "/v1/uploads", key, json_type, "Content-Length: 30") + b'{"profile": "photos","size":9}',
            "half a body": asked("POST", "/v1/uploads", key, json_type, "Content-Length: 30") + b'{"profile": "pho',
            "half a head": asked("GET", f"/v1/uploads/{upload}", key)[:-2]}[kind]
    for number in range(5 * CONNECTIONS):
        hang_up(gateway.port, data, reset=number % 2 == 0)
        if number % 50 == 0:
            healthy(gateway)
    parts.wait_until(lambda: metric(gateway, "photogate_http_connections") < 10, 60, "the connections to be given back")


def test_work_that_is_stuck_holds_no_connection_of_a_client_that_went(gateways, minio_world):
    """The database does not answer: reads wait for a thread, a DELETE and a completion too. Their clients go."""
    gateway = gateways(max_connections=CONNECTIONS)
    key, upload = minio_world.app.key, minio_world.create({"size": 10})["id"]
    kinds = [asked("GET", f"/v1/uploads/{upload}", key), asked("GET", "/v1/uploads", key), asked("DELETE", f"/v1/uploads/{upload}", key),
             asked("POST", f"/v1/uploads/{upload}/complete", key, "Content-Length: 0"), wait_for(upload, key)]
    with subprocess.Popen(["psql", "-q", minio_world.stack.postgres.url], stdin=subprocess.PIPE, text=True) as holder:
        try:
            holder.stdin.write("begin; lock table uploads in access exclusive mode;\n")
            holder.stdin.flush()
            parts.wait_until(lambda: minio_world.sql("select count(*) from pg_locks where granted and mode = 'AccessExclusiveLock' "
                                                     "and relation = 'uploads'::regclass") == "1", 60, "the lock")
            for number in range(3 * CONNECTIONS):
                hang_up(gateway.port, kinds[number % len(kinds)])
                if number % 50 == 0:
                    healthy(gateway)
        finally:
            holder.communicate("commit;\n")
    parts.wait_until(lambda: metric(gateway, "photogate_http_connections") < 10, 60, "the connections to be given back")
    assert gateway.request("GET", f"/v1/uploads/{upload}", key=key)[2]["state"] in ("cancelled", "deleted"), "a DELETE is done though its client went"


def test_aborted_waits_are_seen_through_nginx_too(gateways, minio_world, token, awaited, tmp_path):
    gateway = gateways(max_connections=CONNECTIONS, allowed_hosts=f"{HOST},127.0.0.1")
    count, data = 5 * CONNECTIONS, wait_for(awaited, token, host=HOST)
    with front.in_front(tmp_path / "nginx", f"127.0.0.1:{gateway.port}") as nginx:
        for number in range(count):
            with Raw(nginx.tls_port, source="127.0.0.7", tls=HOST) as client:
                client.send(data)
            if number % 50 == 0:
                healthy(gateway)
                with contextlib.closing(Raw(nginx.tls_port, source="127.0.0.5", tls=HOST)) as other:
                    assert other.ask(asked("GET", f"/v1/uploads/{awaited}", minio_world.app.key, host=HOST)).status == 200
        settles(gateway, "photogate_waits", 0)
        # nginx may see the end before it has asked the gateway at all; these have been asked.
        before, rounds, each = metric(gateway, "photogate_waits_abandoned_total"), 3, 40
        for _ in range(rounds):
            clients = [Raw(nginx.tls_port, source="127.0.0.7", tls=HOST) for _ in range(each)]
            for client in clients:
                client.send(data)
            settles(gateway, "photogate_waits", each)
            for client in clients:
                client.close()
            settles(gateway, "photogate_waits", 0)
        assert metric(gateway, "photogate_waits_abandoned_total") == before + rounds * each


# ------------------------------------------------------------------------------------------------- the bounds


def held(port, data, count, source="127.0.0.1"):
    clients = [Raw(port, source=source) for _ in range(count)]
    for client in clients:
        client.send(data)
    return clients


def refused(port, data, source="127.0.0.1"):
    with Raw(port, source=source) as client:
        return client.ask(data)


@pytest.mark.parametrize("limit", ["token", "app", "address", "all"])
def test_what_one_client_may_hold_is_bounded(gateways, minio_world, token, awaited, limit):
    option = {"all": "max_waits"}.get(limit, f"max_waits_per_{limit}")
    gateway = gateways(**{option: 5, "trusted_proxies": "192.0.2.1"})
    mine = minio_world.create({"size": 10})["id"]
    credential, upload = (token, awaited) if limit == "token" else (minio_world.app.key, mine)
    clients = held(gateway.port, wait_for(upload, credential), 5)
    try:
        settles(gateway, "photogate_waits", 5)
        answer = refused(gateway.port, wait_for(upload, credential))
        assert (answer.status, answer.code) == ((503, "overloaded") if limit == "all" else (429, "rate_limited"))
        assert int(answer.headers["retry-after"]) > 0
        assert metric(gateway, f'photogate_waits_refused_total{{limit="{limit}"}}') == 1
        # Reading without waiting goes on, as does waiting by others.
        assert refused(gateway.port, asked("GET", f"/v1/uploads/{upload}", credential)).status == 200
        if limit != "all":
            theirs = gateway.create({"size": 10}, minio_world.other)["id"]
            assert refused(gateway.port, wait_for(theirs, minio_world.other.key, 1), source="127.0.0.2").status == 200
        # A DELETE that has no place to wait is done, and says that it goes on.
        if limit != "token":
            assert refused(gateway.port, asked("DELETE", f"/v1/uploads/{mine}", credential)).status in (200, 202)
        clients.pop().close()
        parts.wait_until(lambda: metric(gateway, "photogate_waits") < 5, 60, "the place to be given back")
    finally:
        for client in clients:
            client.close()
    settles(gateway, "photogate_waits", 0)


def test_waits_give_way_first_where_connections_run_short(gateways, minio_world):
    gateway = gateways(max_connections=20, max_waits=20, max_connections_per_address=0)
    upload = minio_world.create({"size": 10})["id"]
    idle = held(gateway.port, bad_requests.head("GET /livez HTTP/1.1"), 10)
    assert all(client.receive().status == 200 for client in idle)
    waiting = held(gateway.port, wait_for(upload, minio_world.app.key), 10)
    try:
        settles(gateway, "photogate_waits", 10)
        time.sleep(1.2)  # so that idle ones could go too
        with Raw(gateway.port) as client:
            assert client.ask(bad_requests.head("GET /livez HTTP/1.1")).status == 200
        # Each I/O thread may end its longest one, where they notice at the same time.
        ended = select.select([client.socket for client in waiting], [], [], 60)[0]
        evicted = [client for client in waiting if client.socket in ended]
        assert 1 <= len(evicted) <= 4 and evicted[0] in waiting[:4]
        for client in evicted:
            answer = client.receive()
            assert (answer.status, answer.code) == (503, "overloaded") and int(answer.headers["retry-after"]) > 0
            assert client.at_end()
        assert metric(gateway, "photogate_waits_evicted_total") == metric(gateway, "photogate_http_evicted_waits_total") == len(evicted)
        for client in idle:
            assert client.ask(bad_requests.head("GET /livez HTTP/1.1")).status == 200
    finally:
        for client in idle + waiting:
            client.close()


def test_a_client_that_has_finished_sending_is_answered_but_does_not_wait(gateways, minio_world):
    """shutdown(SHUT_WR) after the request: as with nginx, which can't tell it from a client that went."""
    gateway, upload = gateways(), minio_world.create({"size": 10})["id"]
    with Raw(gateway.port) as client:
        client.send(asked("GET", f"/v1/uploads/{upload}", minio_world.app.key))
        client.socket.shutdown(socket.SHUT_WR)
        assert client.receive().status == 200
    with Raw(gateway.port) as client:
        client.send(wait_for(upload, minio_world.app.key))
        client.socket.shutdown(socket.SHUT_WR)
        started = time.monotonic()
        assert client.receive() is None
        assert time.monotonic() - started < GENEROUS
