"""A phone's mobile network, in user space: slow, distant, and cut again and again.

    async with Clock(scale=20) as clock:
        link = Network(Conditions(cut_every=10), clock).link("phone 7", seed)
        connection = await link.connect("127.0.0.1", port)
        await connection.send(body, counted=True)

Time is scaled: twenty seconds of the network pass in one. On a machine that is busy they pass more slowly, and nothing else changes: the
clock stands still while this process waits for the processor.

What is modelled: the radio carries one segment after the other at the link's rate, of all the phone's connections together. A segment
that has crossed it reaches the server half a round trip later, whatever becomes of the connection meanwhile; with `takes_in_flight` a cut
takes what is under way as well. A segment that was not wholly across when the connection was cut is lost, and what of it had crossed
counts as sent. Bytes that the radio has not begun with are still in the phone: they don't count. There is no buffer between: `send`
returns when the radio has carried its bytes. A connection costs a round trip before its first byte. Not modelled: TLS, TCP's slow start,
single segments that get lost.

A cut is of one of three kinds: an orderly end (FIN) to both sides, a reset of both, or silence: nothing passes any more, the server is
told nothing, and the phone notices after a while. An answer may be lost: its request has arrived, and what the server says is cut off.

`sent` of a link: bytes of bodies that the radio has carried; `arrived`: those that the server's socket was given.
All chance follows from a link's seed and name. Not thread safe: everything runs in the loop's thread.
"""
import asyncio
import contextlib
import dataclasses
import heapq
import itertools
import random
import socket
import struct

SEGMENT = 1_400
KINDS = ("end", "reset", "silence")


@dataclasses.dataclass(frozen=True)
class Conditions:
    """Seconds and bytes of the network. As they stand: Edge, on a train."""
    rate: float = 5_000          # bytes a second, each way: 40 kbit/s
    round_trip: float = 0.8
    cut_every: float = 10        # mean of a connection's life, by chance (exponential); 0: never
    cut_between: tuple = ()      # instead: a life of at least and at most so long
    kinds: tuple = (0.4, 0.3, 0.3)  # shares of KINDS
    notices: float = 4           # mean, until the phone notices silence
    lost_answers: float = 0.03   # share of answers
    takes_in_flight: bool = False
    gap: float = 2               # mean, until there is a network again
    half_open: float = 120       # how long the server's side of a silent connection stays


class Clock:
    """Seconds of the network, from 0."""
    STEP = 0.003  # the most that passes at once, in seconds of the machine

    def __init__(self, scale):
        self.scale, self.now = scale, 0.0
        self._due, self._order = [], itertools.count()

    def call_at(self, when, call, *arguments):
        """What cancel() takes. The calls are made in the order of their times."""
        entry = [when, next(self._order), call, arguments]
        heapq.heappush(self._due, entry)
        return entry

    @staticmethod
    def cancel(entry):
        entry[2] = None

    async def until(self, when):
        woken = asyncio.get_running_loop().create_future()
        entry = self.call_at(when, lambda: woken.done() or woken.set_result(None))
        try:
            await woken
        finally:
            self.cancel(entry)

    async def sleep(self, seconds):
        await self.until(self.now + seconds)

    async def _run(self):
        loop = asyncio.get_running_loop()
        before = loop.time()
        while True:
            await asyncio.sleep(0.001)
            passed, before = loop.time() - before, loop.time()
            until = self.now + min(passed, self.STEP) * self.scale
            while self._due and self._due[0][0] <= until:
                when, _, call, arguments = heapq.heappop(self._due)
                self.now = max(self.now, when)
                if call:
                    call(*arguments)
            self.now = until

    async def __aenter__(self):
        self._running = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_):
        self._running.cancel()


class Network:
    def __init__(self, conditions, clock):
        self.conditions, self.clock = conditions, clock
        self.half_open = set()
        self.cuts = dict.fromkeys([*KINDS, "answer"], 0)

    def link(self, name, seed):
        return Link(self, f"{seed}/{name}")

    def close(self):
        for each in list(self.half_open):
            each.abort()


class Link:
    """One phone's."""

    def __init__(self, network, seed):
        self.network, self.dice = network, random.Random(seed)
        self._lives = random.Random(f"{seed}/lives")  # the same, whatever is sent
        self.sent = self.arrived = self.cuts = 0
        self.open = set()
        self._radio_free = 0.0

    async def connect(self, host, port):
        """A connection; OSError where it is cut before it is open."""
        made = Connection(self)
        self.open.add(made)
        try:
            await made.open(host, port)
        except BaseException:
            made.close()
            raise
        return made

    async def reconnect(self):
        """Waits for the network to return."""
        await self.network.clock.sleep(self.dice.expovariate(1 / self.network.conditions.gap))

    def cut_all(self):
        """As when the app is killed: the kernel ends its connections, if anybody hears it."""
        for each in list(self.open):
            each.cut(self._kind())
            each.close()

    def reserve(self, size):
        """When the radio begins with these bytes, and when it has carried them."""
        # A task that is woken late makes up for it: the radio did not rest.
        clock = self.network.clock
        begins = max(self._radio_free, clock.now - clock.STEP * clock.scale)
        self._radio_free = begins + size / self.network.conditions.rate
        return begins, self._radio_free

    def _kind(self):
        return self.dice.choices(KINDS, self.network.conditions.kinds)[0]

    def _life(self):
        conditions = self.network.conditions
        if conditions.cut_between:
            return self._lives.uniform(*conditions.cut_between)
        return self._lives.expovariate(1 / conditions.cut_every) if conditions.cut_every else float("inf")


class Connection(asyncio.Protocol):
    """The phone's end is send() and receive(); to the server it is a connection of its own."""

    def __init__(self, link):
        self.link, self.network, self.clock = link, link.network, link.network.clock
        self._conditions = self.network.conditions
        self._received = bytearray()
        self._changed = asyncio.Event()
        self._over = None            # what the phone sees of the end: None, or an OSError; EOFError is an orderly end
        self._is_cut = self._closed = False
        self._asks = False           # whether the phone has sent since the server last answered
        self._last_up = self._last_down = 0.0
        self._transport = self._timer = None
        self._cut_at = self.clock.now + link._life()

    # ---- the phone's side ----

    async def open(self, host, port):
        if self._cut_at != float("inf"):
            self._timer = self.clock.call_at(self._cut_at, self.cut)
        await self._until(self.clock.now + self._conditions.round_trip)
        await asyncio.get_running_loop().create_connection(lambda: self, host, port)
        self._say_what_happened()

    async def send(self, data, counted=False, until_answered=False):
        """Returns when the radio has carried it all, or, with `until_answered`, as soon as the server says something; how much it carried."""
        view = memoryview(data)
        while view:
            if until_answered and self._received:
                break
            piece, view = view[:SEGMENT], view[SEGMENT:]
            begins, ends = self.link.reserve(len(piece))
            # Before it is across: whoever is woken late must not find the connection ended in front of it.
            if ends <= self._cut_at:
                self._last_up = max(self._last_up, ends + self._conditions.round_trip / 2)
                self.clock.call_at(self._last_up, self._deliver, bytes(piece), counted, ends)
            is_across = await self._until(ends, raises=False)
            if counted:
                share = 1 if is_across else min(1, max(0, (self._cut_at - begins) / (ends - begins)))
                self.link.sent += round(len(piece) * share)
            self._asks = self._asks or is_across
            self._say_what_happened()
        return len(data) - len(view)

    @property
    def has_answered(self):
        return bool(self._received)

    async def receive(self):
        """What has come; b"" at an orderly end."""
        while not self._received:
            if isinstance(self._over, EOFError):
                return b""
            self._say_what_happened()
            self._changed.clear()
            await self._changed.wait()
        data = bytes(self._received)
        self._received.clear()
        return data

    def close(self):
        """The phone ends it; the server hears of it if the connection is not cut."""
        self.link.open.discard(self)
        self._closed = True
        self._cut_at = min(self._cut_at, self.clock.now)
        if self._timer:
            self.clock.cancel(self._timer)
        if not self._is_cut and self._transport:
            self.clock.call_at(max(self._last_up, self.clock.now + self._conditions.round_trip / 2), self._transport.close)

    # ---- the network ----

    def cut(self, kind=None, why=""):
        if self._is_cut or self._closed:
            return
        kind = kind or self.link._kind()
        self._is_cut = True
        self._cut_at = min(self._cut_at, self.clock.now)
        self.link.cuts += 1
        self.network.cuts[why or kind] += 1
        if self._timer:
            self.clock.cancel(self._timer)
        if self._transport:
            end = {"end": self._transport.close, "reset": self._reset, "silence": self._fall_silent}[kind]
            if kind == "silence" or self._conditions.takes_in_flight:
                end()
            else:
                self.clock.call_at(max(self._last_up, self.clock.now), end)
        if kind == "silence":
            self.clock.call_at(self.clock.now + self.link.dice.expovariate(1 / self._conditions.notices), self._tell, ConnectionAbortedError("the phone's network has changed"))
        else:
            self._tell(EOFError() if kind == "end" else ConnectionResetError("reset by the network"))

    def _fall_silent(self):
        if self._transport.is_closing():
            return
        self.network.half_open.add(self._transport)
        self.clock.call_at(self.clock.now + self._conditions.half_open, self._transport.abort)

    def _reset(self):
        with contextlib.suppress(OSError):
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def _deliver(self, data, counted, across):
        if self._cut_at < across or self._transport.is_closing() or (self._is_cut and self._conditions.takes_in_flight):
            return
        self._transport.write(data)
        if counted:
            self.link.arrived += len(data)

    async def _until(self, when, raises=True):
        """Sleeps; False, or an error, where the connection was cut before."""
        await self.clock.until(min(when, self._cut_at))
        if self._cut_at < when:
            self.cut()
            while self._over is None:  # it was cut in silence
                self._changed.clear()
                await self._changed.wait()
        if raises:
            self._say_what_happened()
        return self._cut_at >= when

    def _tell(self, over):
        if self._over is None:
            self._over = over
        self._changed.set()

    def _say_what_happened(self):
        if isinstance(self._over, EOFError):
            raise ConnectionResetError("ended by the other side")
        if self._over is not None:
            raise self._over

    # ---- the server's side ----

    def connection_made(self, transport):
        self._transport = transport
        if self._is_cut or self._closed:
            transport.abort()

    def data_received(self, data):
        if self._is_cut or self._closed:
            return
        begins = max(self._last_down, self.clock.now)
        self._last_down = begins + len(data) / self._conditions.rate
        is_lost = self._asks and self.link.dice.random() < self._conditions.lost_answers
        self._asks = False
        self.clock.call_at(self._last_down + self._conditions.round_trip / 2, self._hear, data, is_lost)

    def _hear(self, data, is_lost):
        if is_lost:
            return self.cut(why="answer")
        if self._is_cut or self._closed:
            return
        self._received += data
        self._changed.set()

    def connection_lost(self, error):
        self.network.half_open.discard(self._transport)
        if not self._is_cut:
            self.clock.call_at(max(self._last_down, self.clock.now) + self._conditions.round_trip / 2, self._tell, error or EOFError())
