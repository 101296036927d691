"""The HTTP edge of the real program: bad input byte by byte on both listeners, deadlines, and many connections."""
import contextlib
import json
import re
import resource
import select
import socket
import statistics
import time

import pytest

from tests.rig import bad_requests
from tests.rig.raw_http import Raw

IDLE_BYTES = 16 * 1024  # the most that an idle connection may keep resident
GENEROUS = 5.0          # seconds for one healthy request, whatever else is going on on this machine
CROWD = 10_000


@pytest.fixture
def gateways(minio_world, tmp_path):
    """gateways(OPTION=value): one more gateway that only serves, started with these options of [server]."""
    made = []

    def start(limits=None, **options):
        gateway = minio_world.another("serve", f"edge-{tmp_path.name}-{len(made)}")
        gateway.environment |= {f"PHOTOGATE_SERVER_{name.upper()}": str(value) for name, value in options.items()}
        made.append(gateway)
        with open_files(*limits) if limits else contextlib.nullcontext():
            gateway.launch()
        gateway.wait_until_ready()
        return gateway

    yield start
    for gateway in made:
        gateway.__exit__()


@contextlib.contextmanager
def open_files(soft, hard=None):
    """What this process may open, and what it starts meanwhile."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def metric(gateway, name):
    text = gateway.request("GET", "/metrics", port=gateway.metrics_port)[2].decode()
    return sum(float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.M))


def logged(gateway, event):
    lines = [json.loads(line) for line in gateway.log.read_text(errors="replace").splitlines() if line.startswith("{")]
    return [line for line in lines if line.get("msg") == event]


# ------------------------------------------------------------------------------------------------ malformed requests


@pytest.fixture(params=["main", "operations"])
def listener(request, minio_world):
    if request.param == "main":
        return minio_world.port, bad_requests.rows("/livez", "/v1/uploads")
    return minio_world.metrics_port, bad_requests.rows("/metrics", "/metrics")


def test_rejects_each_row_on_each_listener_whole_and_split(listener):
    port, rows = listener
    wrong = []
    for row in rows:
        for at in (None, len(row.data) // 2, len(row.data) - 1):
            with Raw(port) as client:
                if at is not None:
                    client.send(row.data[:at])
                    with Raw(port) as other:  # time enough, most often, for the first piece to be read
                        other.ask(bad_requests.head("GET /livez HTTP/1.1"))
                answer = client.ask(row.data[at or 0:] + bad_requests.head("GET /smuggled HTTP/1.1"), row.method)
                if answer is None or (answer.status, answer.code) != (row.status, row.code):
                    wrong.append((row.name, at, answer))
                elif row.ends and (answer.headers.get("connection") != "close" or not client.at_end()):
                    wrong.append((row.name, at, "did not end"))
                elif not row.ends and client.receive().status != 404:
                    wrong.append((row.name, at, "the next request was not answered"))
    assert not wrong


def test_reports_allowed_methods(minio_world):
    with Raw(minio_world.port) as client:
        assert {"GET", "POST"} <= set(client.ask(bad_requests.head("PATCH /v1/uploads HTTP/1.1")).headers["allow"].split(", "))


def test_configured_limits_of_head_and_body_hold(gateways, minio_world):
    gateway = gateways(max_body="2KiB", max_header="1KiB")
    post = ("POST /v1/uploads HTTP/1.1", f"Authorization: Bearer {minio_world.app.key}", "Content-Type: application/json")
    with Raw(gateway.port) as client:
        assert client.ask(bad_requests.head(*post, "Content-Length: 2048") + b" " * 2048).code == "invalid_json"
    with Raw(gateway.port) as client:
        assert client.ask(bad_requests.head(*post, "Content-Length: 2049")).status == 413
    for target, field, status in ((100, 800, 200), (100, 900, 431), (900, 50, 200), (900, 150, 431)):
        with Raw(gateway.port) as client:
            asked = bad_requests.head(f"GET /livez?v={'a' * target} HTTP/1.1", "X: " + "b" * field)
            assert client.ask(asked).status == status, (target, field, len(asked))


@pytest.mark.parametrize("framing,data", [("Content-Length: 70000", b""), ("Transfer-Encoding: chunked", b"11171\r\n")])
def test_rejects_body_over_limit_before_reading_it(minio_world, framing, data):
    with Raw(minio_world.port) as client:
        asked = bad_requests.head("POST /v1/uploads HTTP/1.1", f"Authorization: Bearer {minio_world.app.key}", "Content-Type: application/json", framing)
        answer = client.ask(asked + data)
        assert (answer.status, answer.code, client.at_end()) == (413, "body_too_large", True)


def test_rejects_unserved_host_as_misdirected(gateways):
    gateway = gateways(allowed_hosts="photos.example,127.0.0.1")
    for host, status in (("photos.example", 200), ("PHOTOS.EXAMPLE:443", 200), ("evil.example", 421), ("photos.example.evil.example", 421)):
        with Raw(gateway.port) as client:
            answer = client.ask(bad_requests.head("GET /livez HTTP/1.1", host=host))
            assert answer.status == status, host
            assert status == 200 or (answer.code == "misdirected" and client.at_end())
    with Raw(gateway.metrics_port) as client:
        assert client.ask(bad_requests.head("GET /livez HTTP/1.1", host="127.0.0.1:9180")).status == 200, "Prometheus asks by address"
    with Raw(gateway.metrics_port) as client:
        assert client.ask(bad_requests.head("GET /livez HTTP/1.1", host="evil.example:9180")).status == 421


def test_answers_sixteen_of_a_hundred_pipelined_requests_in_order(minio_world):
    for port in (minio_world.port, minio_world.metrics_port):
        with Raw(port) as client:
            client.send(b"".join(bad_requests.head("GET /livez HTTP/1.1", f"X-Request-Id: n{number}") for number in range(100)))
            assert [client.receive().headers["x-request-id"] for _ in range(16)] == [f"n{number}" for number in range(16)]
            assert client.at_end()


@pytest.mark.slow
def test_answers_408_when_a_request_does_not_arrive_in_time(minio_world):
    """The program's own limits: 10 s for the head, 1 KB/s in any 10 s, 30 s in all. All at once, on both listeners."""
    wrong, keys = [], f"Authorization: Bearer {minio_world.app.key}"
    posted = bad_requests.head("POST /v1/uploads HTTP/1.1", keys, "Content-Type: application/json", "Content-Length: 65000")
    # name, first bytes, what is sent each second after it, the earliest and the latest end in seconds
    cases = [("head stops", minio_world.port, b"GET /livez HTTP/1.1\r\nHo", b"", 9, 12), ("head drips", minio_world.port, b"GET /livez HTTP/1.1\r\nX: ", b"a", 9, 12),
             ("head drips, operations", minio_world.metrics_port, b"GET /metrics HTTP/1.1\r\nX: ", b"a", 9, 12),
             ("body stops", minio_world.port, posted, b"", 9, 13), ("body drips", minio_world.port, posted, b" " * 900, 9, 13),
             ("body flows, too long", minio_world.port, posted, b" " * 2_000, 29, 33)]
    started = time.monotonic()
    clients = {case: Raw(case[1]) for case in cases}
    for case, client in clients.items():
        client.send(case[2])
    while clients and time.monotonic() - started < 60:
        for case, client in list(clients.items()):
            if select.select([client.socket], [], [], 0)[0]:
                took = time.monotonic() - started
                answer = client.receive()
                # Late is this machine's own affair up to a point; early never is.
                if answer is None or (answer.status, answer.code) != (408, "request_timeout") or not case[4] <= took <= case[5] + 5 or not client.at_end():
                    wrong.append((case[0], took, answer))
                clients.pop(case).close()
            elif case[3]:
                client.send(case[3])
        time.sleep(1)
    assert not wrong and not clients


# --------------------------------------------------------------------------------------------------- crowds


class Crowd:
    """Many connections from many addresses of this machine, watched by one epoll."""

    def __init__(self, port, count):
        self.sockets, self.poll = {}, select.epoll()
        for number in range(count):
            made = socket.socket()
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            made.setsockopt(socket.SOL_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT: the port is chosen for the pair
            made.bind((f"127.0.0.{2 + number % 100}", 0))
            made.connect(("127.0.0.1", port))
            made.setblocking(False)
            self.sockets[made.fileno()] = made
            self.poll.register(made.fileno(), select.EPOLLIN)

    def send(self, data, among=None):
        for made in among or self.sockets.values():
            with contextlib.suppress(OSError):
                made.send(data)

    def ready(self, seconds):
        """(socket, bytes) that have come; b"" is the end, which takes the socket out of the crowd."""
        found = []
        for number, _ in self.poll.poll(seconds, 4096):
            made = self.sockets[number]
            try:
                data = made.recv(65_536)
            except ConnectionResetError:
                data = b""
            except BlockingIOError:
                continue
            if not data:
                self.poll.unregister(number)
                del self.sockets[number]
                made.close()
            found.append((made, data))
        return found

    def ask_once(self, seconds=60, among=None):
        """One request on each; how many were answered 200."""
        self.send(bad_requests.head("GET /livez HTTP/1.1"), among)
        answered, until = 0, time.monotonic() + seconds
        while answered < len(among or self.sockets) and time.monotonic() < until:
            answered += sum(data.startswith(b"HTTP/1.1 200") for _, data in self.ready(1))
        return answered

    def close(self):
        for made in self.sockets.values():
            made.close()
        self.poll.close()


def resident(gateway):
    with open(f"/proc/{gateway.process.pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1]) * 1024


def healthy(gateway, count, meanwhile=lambda: None):
    """Seconds of each of so many requests, each on a connection of its own, half of them through the database."""
    took = []
    for number in range(count):
        meanwhile()
        started = time.monotonic()
        assert gateway.request("GET", "/livez" if number % 2 else "/readyz", timeout=20)[0] == 200
        took.append(time.monotonic() - started)
    return sorted(took)


def figures(took):
    return f"p50 {1e3 * statistics.median(took):.1f} ms, p99 {1e3 * took[int(len(took) * 0.99)]:.1f} ms, worst {1e3 * took[-1]:.1f} ms"


@pytest.mark.slow
def test_ten_thousand_idle_then_dripping_connections_do_not_affect_others(gateways, capsys):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < CROWD + 1_000:
        pytest.skip(f"no more than {hard} files may be open here")
    gateway = gateways(limits=(1_024,), max_connections=12_000, idle_timeout="5m")
    with open(f"/proc/{gateway.process.pid}/limits") as limits:
        allowed = int(re.search(r"Max open files\s+(\d+)", limits.read())[1])
    assert allowed >= 12_000, "it has raised its own soft limit"
    alone = healthy(gateway, 200)
    before = resident(gateway)
    with open_files(hard), contextlib.closing(Crowd(gateway.port, CROWD)) as crowd:
        assert crowd.ask_once() == CROWD
        assert metric(gateway, "photogate_http_connections") >= CROWD
        each = (resident(gateway) - before) / CROWD
        among_idle = healthy(gateway, 200)

        started = time.monotonic()
        crowd.send(b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ")
        dripping = time.monotonic()
        timed_out, among_slow = 0, []

        def drip():
            nonlocal dripping, timed_out
            if time.monotonic() - dripping > 1:
                dripping = time.monotonic()
                crowd.send(b"a")
            timed_out += sum(data.startswith(b"HTTP/1.1 408") for _, data in crowd.ready(0))

        while time.monotonic() - started < 8:
            among_slow += healthy(gateway, 10, drip)
            time.sleep(0.1)
        assert len(crowd.sockets) == CROWD, "none has ended early"
        while crowd.sockets and time.monotonic() - started < 60:
            drip()
            time.sleep(0.02)
        gone = time.monotonic() - started
        assert not crowd.sockets and timed_out == CROWD
        among_slow.sort()
    assert metric(gateway, "photogate_http_timeouts_total") >= CROWD
    with capsys.disabled():
        print(f"\n   {CROWD} idle connections: {each:,.0f} bytes each; one request alone: {figures(alone)}; among idle ones: {figures(among_idle)}; "
              f"among dripping ones: {figures(among_slow)}; these were gone after {gone:.1f} s")
    assert each <= IDLE_BYTES
    assert among_idle[-1] < GENEROUS and among_slow[-1] < GENEROUS
    assert 9 < gone < 20


def test_evicts_longest_idle_at_the_limit_and_keeps_operations_listener_open(gateways):
    gateway = gateways(max_connections=100, max_connections_per_address=0)
    with contextlib.closing(Crowd(gateway.port, 100)) as crowd:
        assert crowd.ask_once() == 100
        long_silent = list(crowd.sockets.values())[:50]
        assert crowd.ask_once(among=list(crowd.sockets.values())[50:]) == 50
        for _ in range(5):
            assert gateway.request("GET", "/livez", timeout=20)[0] == 200
        assert metric(gateway, "photogate_http_evicted_total") >= 1
        ended = []
        while not ended:
            ended = [made for made, data in crowd.ready(5) if not data]
        assert set(ended) <= set(long_silent)
        assert len(crowd.sockets) > 50, "only as many as were needed"


def test_limits_connections_of_one_address(gateways):
    gateway = gateways(max_connections_per_address=20, trusted_proxies="192.0.2.1")
    held = [Raw(gateway.port, source="127.0.0.2") for _ in range(20)]
    assert all(client.ask(bad_requests.head("GET /livez HTTP/1.1")).status == 200 for client in held)
    with Raw(gateway.port, source="127.0.0.2") as over:
        answer = over.receive()
        assert (answer.status, answer.code) == (429, "rate_limited") and int(answer.headers["retry-after"]) > 0
        assert over.at_end()
    assert gateway.request("GET", "/livez")[0] == 200
    assert metric(gateway, "photogate_http_rejected_over_limit_total") == 1
    held.pop().close()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:  # until the gateway has seen that
        with Raw(gateway.port, source="127.0.0.2") as again:
            if (answer := again.ask(bad_requests.head("GET /livez HTTP/1.1"))) and answer.status == 200:
                break
    else:
        pytest.fail("the place that was left stays taken")
    for client in held:
        client.close()


def test_reports_too_few_file_descriptors_at_start(gateways, minio_world):
    gateway = minio_world.another("serve", "few-descriptors")
    gateway.command = lambda: ["prlimit", "--nofile=612:612", "--", gateway.program, "serve", "--config", gateway.config]
    with gateway.start():
        told, = logged(gateway, "server.few_descriptors")
        assert (told["open_files"], told["allowed"], told["max_connections"]) == (612, 62, 4096)
        gateway_alive = gateway.request
        with contextlib.closing(Crowd(gateway.port, 100)) as crowd:
            crowd.send(bad_requests.head("GET /livez HTTP/1.1"))
            assert gateway_alive("GET", "/readyz", timeout=20)[0] == 200
            assert metric(gateway, "photogate_http_connections") <= 70
