"""An HTTP proxy that understands S3: it records the traffic, and injects faults by rules.

    with FaultProxy("127.0.0.1", minio.port) as proxy:
        proxy.rule(gets("incoming"), short(1000), times=1)
        ...                                          # the program talks to proxy.url
        proxy.exchanges                              # what it asked and what it was answered

Requests go on with their Host and their signature untouched, so what is signed for the proxy's address is not valid at the
store's, nor the other way round: clients that hold presigned URLs for the store go to the store. Bodies are streamed, so that
a request which its sender abandons half-way is abandoned at the store as well.

Standard library only. One thread with an event loop of its own; rules may be added and dropped from any thread.
"""
import asyncio
import dataclasses
import random
import socket
import struct
import threading
import time
import urllib.parse

CHUNK = 64 * 1024
KEPT_BODY = 256 * 1024
SLOW_DOWN = (b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message>'
             b"<Resource>/</Resource><RequestId>0</RequestId></Error>")
INTERNAL = SLOW_DOWN.replace(b"SlowDown", b"InternalError").replace(b"Please reduce your request rate.", b"We encountered an error.")
SKEWED = SLOW_DOWN.replace(b"SlowDown", b"RequestTimeTooSkewed").replace(b"Please reduce your request rate.", b"The difference is too large.")
DENIED = SLOW_DOWN.replace(b"SlowDown", b"AccessDenied").replace(b"Please reduce your request rate.", b"Access Denied.")


@dataclasses.dataclass
class Exchange:
    method: str
    target: str
    headers: dict
    at: float
    body: bytes = b""
    sent: int = 0             # bytes of the request's body that passed
    status: int | None = None  # None: no answer reached the client
    answered: dict = dataclasses.field(default_factory=dict)
    returned: int = 0         # bytes of the answer's body that passed
    ended: float | None = None
    fault: str | None = None

    @property
    def path(self):
        return urllib.parse.unquote(self.target.split("?", 1)[0])

    @property
    def bucket(self):
        return self.path.split("/", 2)[1]

    @property
    def key(self):
        pieces = self.path.split("/", 2)
        return pieces[2] if len(pieces) > 2 else ""

    @property
    def query(self):
        return dict(urllib.parse.parse_qsl(self.target.partition("?")[2], keep_blank_values=True))


@dataclasses.dataclass
class Fault:
    """The fault of one exchange. Nothing set: no fault."""
    name: str
    instead: tuple | None = None      # (status, headers, body): the store is not asked
    afterwards: tuple | None = None   # (status, headers, body): the store is asked, its answer dropped
    replace: dict = dataclasses.field(default_factory=dict)  # headers of the answer; None drops one
    cut_at: int | None = None         # bytes of the answer's body, then the connection ends
    garble_at: int | None = None      # the byte of the answer's body that is another
    append: bytes = b""               # behind the answer's body, its length raised
    stall: tuple | None = None        # (after so many bytes of the answer's body, for so many seconds)
    hang: float = 0                   # seconds of silence, then the connection ends; the store is not asked
    reset: str = ""                   # "before" or "after" the store was asked: RST
    delay: float = 0                  # before the store is asked
    meanwhile: object = None          # called (in a thread) once the answer's first part has passed


def slow_down(retry_after=None):
    headers = {"Content-Type": "application/xml"}
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    return Fault("503 SlowDown", instead=(503, headers, SLOW_DOWN))


def error_before(status=500, body=INTERNAL):
    return Fault(f"{status} without asking the store", instead=(status, {"Content-Type": "application/xml"}, body))


def error_after_commit():
    return Fault("500 after commit", afterwards=(500, {"Content-Type": "application/xml"}, INTERNAL))


def ok_with_error_body():
    return Fault("200 with an error body", instead=(200, {"Content-Type": "application/xml"}, INTERNAL))


def short(at):
    return Fault(f"the answer ends after {at} bytes", cut_at=at)


def long(extra):
    return Fault(f"{len(extra)} bytes more", append=extra)


def wrong_etag(etag='"00000000000000000000000000000000"'):
    return Fault("another ETag", replace={"ETag": etag})


def garbled(at):
    return Fault(f"another byte at {at}", garble_at=at)


def stalled(after, seconds):
    return Fault(f"stalls after {after} bytes", stall=(after, seconds))


def hanging(seconds):
    return Fault("accepts and says nothing", hang=seconds)


def reset(when):
    return Fault(f"reset {when} the store is asked", reset=when)


def denied():
    return Fault("403 AccessDenied", instead=(403, {"Content-Type": "application/xml"}, DENIED))


def clock_off(date):
    return Fault("the store's clock", instead=(403, {"Content-Type": "application/xml", "Date": date}, SKEWED))


def while_reading(call):
    return Fault("something happens while it is read", meanwhile=call)


def method_of(bucket, *methods):
    """Matches object requests except those of the start-up proof."""
    return lambda e: e.method in methods and e.bucket == bucket and e.key and "probe/" not in e.key


def gets(bucket):
    return method_of(bucket, "GET")


def puts(bucket):
    return method_of(bucket, "PUT")


def anything(exchange):
    return "probe/" not in exchange.key


@dataclasses.dataclass
class Rule:
    matches: object
    fault: Fault
    times: int | None
    chance: float
    hits: int = 0


class FaultProxy:
    def __init__(self, host, port, seed=1, on_exchange=None, keep_bodies=False):
        self.upstream = (host, port)
        self.dice = random.Random(seed)
        self.on_exchange = on_exchange
        self.keep_bodies = keep_bodies
        self.exchanges = []
        self._rules = []
        self._lock = threading.Lock()
        self._loop = asyncio.new_event_loop()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def rule(self, matches, fault, times=None, chance=1.0):
        made = Rule(matches, fault, times, chance)
        with self._lock:
            self._rules.append(made)
        return made

    def heal(self, rule=None):
        """Drops one rule, or all."""
        with self._lock:
            self._rules = [each for each in self._rules if rule is not None and each is not rule]

    def count(self, matches):
        return sum(1 for each in list(self.exchanges) if matches(each))

    def close(self):
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _run(self):
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._client, sock=self._listener))
        self._loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    def _fault_for(self, exchange):
        with self._lock:
            for rule in self._rules:
                if (rule.times is None or rule.hits < rule.times) and rule.matches(exchange):
                    if rule.chance < 1.0 and self.dice.random() >= rule.chance:
                        continue
                    rule.hits += 1
                    exchange.fault = rule.fault.name
                    return rule.fault
        return Fault("none")

    async def _client(self, reader, writer):
        try:
            while await self._exchange(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError, ValueError):
            pass
        finally:
            writer.close()

    async def _exchange(self, reader, writer):
        """One request and its answer; True if the connection may serve another."""
        start, fields = await _head(reader)
        method, target, _ = start.split(" ", 2)
        exchange = Exchange(method, target, {n.lower(): v for n, v in fields}, time.time())
        fault = self._fault_for(exchange)
        self.exchanges.append(exchange)
        try:
            return await self._serve(exchange, fault, fields, reader, writer)
        finally:
            exchange.ended = time.time()
            if self.on_exchange:
                self.on_exchange(exchange)

    async def _serve(self, exchange, fault, fields, reader, writer):
        body = _body(reader, exchange.headers)
        if fault.hang:
            await asyncio.sleep(fault.hang)
            return False
        if fault.reset == "before":
            return _reset(writer)
        if "100-continue" in exchange.headers.get("expect", "").lower():
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if fault.instead:
            async for piece in body:
                exchange.sent += len(piece)
            return await self._answer(exchange, fault.instead, writer)
        if fault.delay:
            await asyncio.sleep(fault.delay)
        there, back = await asyncio.open_connection(*self.upstream)
        try:
            dropped = ("connection", "expect", "transfer-encoding")
            lines = [f"{exchange.method} {exchange.target} HTTP/1.1"] + [f"{n}: {v}" for n, v in fields if n.lower() not in dropped]
            chunked = "chunked" in exchange.headers.get("transfer-encoding", "").lower()
            lines += ["Connection: close"] + (["Transfer-Encoding: chunked"] if chunked else [])
            back.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n")
            kept = []
            async for piece in body:
                exchange.sent += len(piece)
                if self.keep_bodies and exchange.sent <= KEPT_BODY:
                    kept.append(piece)
                back.write(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
                await back.drain()
            exchange.body = b"".join(kept)
            if chunked:
                back.write(b"0\r\n\r\n")
                await back.drain()
            return await self._return(exchange, fault, there, writer)
        finally:
            back.close()

    async def _return(self, exchange, fault, there, writer):
        start, fields = await _head(there)
        if fault.reset == "after" or fault.afterwards:
            async for _ in _body(there, {n.lower(): v for n, v in fields}, exchange.method, int(start.split(" ")[1])):
                pass
            return _reset(writer) if fault.reset else await self._answer(exchange, fault.afterwards, writer)
        status = int(start.split(" ", 2)[1])
        answered = {n.lower(): v for n, v in fields}
        fields = [(n, v) for n, v in fields if n.lower() != "connection" and n not in fault.replace and n.lower() not in
                  {name.lower() for name in fault.replace}]
        fields += [(n, v) for n, v in fault.replace.items() if v is not None]
        if fault.append and "content-length" in answered:
            fields = [(n, str(int(v) + len(fault.append)) if n.lower() == "content-length" else v) for n, v in fields]
        keep = exchange.method == "HEAD" or "content-length" in answered or "transfer-encoding" in answered or status in (204, 304)
        writer.write("\r\n".join([start, *(f"{n}: {v}" for n, v in fields), *([] if keep else ["Connection: close"]), "", ""])
                     .encode("latin-1"))
        chunked = "chunked" in answered.get("transfer-encoding", "").lower()
        async for piece in _body(there, answered, exchange.method, status):
            if fault.cut_at is not None and exchange.returned + len(piece) > fault.cut_at:
                writer.write(piece[:fault.cut_at - exchange.returned])
                await writer.drain()
                return False
            if fault.garble_at is not None and exchange.returned <= fault.garble_at < exchange.returned + len(piece):
                at = fault.garble_at - exchange.returned
                piece = piece[:at] + bytes([piece[at] ^ 0x55]) + piece[at + 1:]
            if fault.stall and exchange.returned <= fault.stall[0] < exchange.returned + len(piece):
                first = fault.stall[0] - exchange.returned
                writer.write(piece[:first])
                await writer.drain()
                exchange.returned += first
                await asyncio.sleep(fault.stall[1])
                piece = piece[first:]
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
            await writer.drain()
            if fault.meanwhile and exchange.returned == 0:
                await asyncio.get_running_loop().run_in_executor(None, fault.meanwhile, exchange)
            exchange.returned += len(piece)
        if fault.append:
            writer.write(fault.append)
        if chunked:
            writer.write(b"0\r\n\r\n")
        await writer.drain()
        exchange.status, exchange.answered = status, answered
        return keep

    async def _answer(self, exchange, answer, writer):
        status, headers, body = answer
        lines = [f"HTTP/1.1 {status} Made", *(f"{n}: {v}" for n, v in headers.items()), f"Content-Length: {len(body)}", "", ""]
        writer.write("\r\n".join(lines).encode("latin-1") + (b"" if exchange.method == "HEAD" else body))
        await writer.drain()
        exchange.status, exchange.answered = status, {n.lower(): v for n, v in headers.items()}
        return True


async def _head(reader):
    raw = await reader.readuntil(b"\r\n\r\n")
    start, *lines = raw.decode("latin-1").rstrip("\r\n").split("\r\n")
    if start.startswith("HTTP/1.1 100"):
        return await _head(reader)
    return start, [tuple(part.strip() for part in line.split(":", 1)) for line in lines]


async def _body(reader, headers, method=None, status=None):
    """The pieces of a request's body, or (with `status`) of an answer's, without their framing."""
    if status is not None and (method == "HEAD" or status in (204, 304) or status < 200):
        return
    if "chunked" in headers.get("transfer-encoding", "").lower():
        while size := int((await reader.readline()).split(b";")[0], 16):
            yield await reader.readexactly(size)
            await reader.readexactly(2)
        while (await reader.readline()).strip():
            pass
        return
    if "content-length" not in headers:
        while status is not None and (piece := await reader.read(CHUNK)):
            yield piece
        return
    left = int(headers["content-length"])
    while left > 0:
        piece = await reader.read(min(CHUNK, left))
        if not piece:
            raise asyncio.IncompleteReadError(b"", left)
        left -= len(piece)
        yield piece


def _reset(writer):
    """RST instead of FIN: the peer loses what it has not read yet."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    return False
