"""The phones' network does what the tests that stand on it say: it is slow, it cuts, it counts, and a seed repeats it."""
import asyncio

import pytest

from tests.rig.phone_network import SEGMENT, Clock, Conditions, Network

CALM = Conditions(cut_every=0, lost_answers=0)


class Server(asyncio.Protocol):
    """Answers each 10,000 bytes with "ok"."""

    def __init__(self, seen):
        self.seen, self.got, self.answered = seen, 0, 0
        seen.append(self)
        self.ended = None

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.got += len(data)
        while self.got >= 10_000 * (self.answered + 1):
            self.answered += 1
            self.transport.write(b"ok")

    def connection_lost(self, error):
        self.ended = error or "end"


def on_network(conditions, use, seed=1):
    """Runs `use(link, port, seen)`; its result."""
    async def run():
        loop, seen = asyncio.get_running_loop(), []
        server = await loop.create_server(lambda: Server(seen), "127.0.0.1", 0)
        async with Clock(scale=20) as clock:
            network = Network(conditions, clock)
            try:
                return await use(network.link("phone", seed), server.sockets[0].getsockname()[1], seen)
            finally:
                network.close()
                server.close()

    return asyncio.run(asyncio.wait_for(run(), 60))


def test_takes_the_time_that_rate_and_distance_ask_for():
    async def use(link, port, _seen):
        clock = link.network.clock
        connection = await link.connect("127.0.0.1", port)
        await connection.send(b"x" * 10_000, counted=True)
        assert await connection.receive() == b"ok"
        assert clock.now >= 0.8 + 10_000 / 5_000 + 0.8 - clock.STEP * clock.scale, "a round trip to connect, the bytes, a round trip"
        assert (link.sent, link.arrived) == (10_000, 10_000)

    on_network(CALM, use)


@pytest.mark.parametrize("number, kind", list(enumerate(("end", "reset", "silence"))))
def test_cut_leaves_the_server_with_what_has_crossed_the_radio(number, kind):
    async def use(link, port, seen):
        connection = await link.connect("127.0.0.1", port)
        with pytest.raises((ConnectionResetError, ConnectionAbortedError)):
            await connection.send(b"x" * 100_000, counted=True)
        await link.network.clock.sleep(2)
        assert link.cuts == 1 and link.network.cuts[kind] == 1
        assert link.arrived == seen[0].got and link.arrived % SEGMENT == 0
        assert 0 < link.sent - link.arrived < SEGMENT, "a segment that was not wholly across is lost, and what was sent of it counts"
        assert (seen[0].ended is None) == (kind == "silence"), "of silence the server hears nothing"

    shares = tuple(float(other == number) for other in range(3))
    on_network(Conditions(cut_every=0, cut_between=(5.03, 5.03), kinds=shares, lost_answers=0), use)


def test_cut_that_takes_what_is_under_way_costs_half_a_round_trip():
    async def use(link, port, seen):
        connection = await link.connect("127.0.0.1", port)
        with pytest.raises(OSError):
            await connection.send(b"x" * 100_000, counted=True)
        await link.network.clock.sleep(2)
        assert 0.4 * 5_000 - SEGMENT <= link.sent - seen[0].got <= 0.4 * 5_000 + 2 * SEGMENT

    on_network(Conditions(cut_every=0, cut_between=(5, 5), lost_answers=0, takes_in_flight=True), use)


def test_lost_answer_is_of_a_request_that_has_arrived():
    async def use(link, port, seen):
        connection = await link.connect("127.0.0.1", port)
        await connection.send(b"x" * 10_000, counted=True)
        with pytest.raises(OSError):
            while True:
                assert await connection.receive() == b""
                raise ConnectionResetError
        assert seen[0].answered == 1 and link.arrived == 10_000

    on_network(Conditions(cut_every=0, lost_answers=1), use)


def test_seed_repeats_the_lives_of_connections():
    def lives(seed):
        async def use(link, _port, _seen):
            return [link._life() for _ in range(20)]

        return on_network(Conditions(), use, seed)

    assert lives(3) == lives(3) != lives(4)
    assert 3 < sum(lives(3)) / 20 < 30, "ten seconds each"
