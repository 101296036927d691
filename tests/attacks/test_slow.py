"""Clients that send or read a byte at a time, many at once."""
import concurrent.futures
import contextlib
import socket
import time

import pytest

SLOW = 300  # connections of each kind


def connections(port, first, number=SLOW):
    made = []
    for _ in range(number):
        client = socket.create_connection(("127.0.0.1", port), timeout=10)
        with contextlib.suppress(OSError):
            client.sendall(first)
        made.append(client)
    return made


def timed(world):
    began = time.monotonic()
    assert world.request("GET", "/livez")[0] == 200
    assert world.request("GET", "/v1/uploads?limit=1")[0] == 200
    return time.monotonic() - began


KINDS = {
    "nothing sent": b"",
    "half a request line": b"GET /liv",
    "half a head": b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ",
    "half a body": b"POST /v1/uploads HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{",
    "half a chunk": b"POST /v1/uploads HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{",
    "pipelined and unread": b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 16,
}


@pytest.mark.parametrize("kind", list(KINDS), ids=list(KINDS))
def test_slow_clients_delay_nobody(world, kind):
    first = KINDS[kind]
    clients = connections(world.gateway.port, first % world.app.key.encode() if b"%s" in first else first)
    try:
        for _ in range(3):
            for client in clients[::10]:
                with contextlib.suppress(OSError):
                    client.sendall(b"a")
            assert timed(world) < 3
    finally:
        for client in clients:
            client.close()


def test_resets_in_the_middle_of_requests_delay_nobody(world):
    linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
    for client in connections(world.gateway.port, b"GET /v1/uploads HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " + world.app.key.encode() + b"\r\n\r\n"):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        client.close()
    assert timed(world) < 3


@pytest.mark.parametrize("port", ["metrics", "store"])
def test_slow_clients_of_another_listener_delay_nobody(builtin, port):
    number = builtin.gateway.metrics_port if port == "metrics" else builtin.stack.minio.port
    clients = connections(number, b"GET / HTTP/1.1\r\nHost: 127")
    try:
        assert timed(builtin) < 3
    finally:
        for client in clients:
            client.close()


def test_aborted_waits_of_one_token_leave_service_for_others(world, victim):
    token = world.request("POST", "/v1/tokens", {"profile": "photos"})[2]["token"]
    mine = world.request("POST", "/v1/uploads", {"size": 5}, key=token)[2]
    wait = f"GET /v1/uploads/{mine['id']}?wait=60 HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n".encode()

    def attack(_):
        for client in connections(world.gateway.port, wait, 100):
            client.close()

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(attack, range(20)))
    assert timed(world) < 3
