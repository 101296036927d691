"""A proxy between the program and PostgreSQL: slow, unresponsive, or disconnected at the worst moment, after COMMIT and before its answer.

    with PostgresProxy(world.stack.postgres) as proxy:
        world.gateway.environment["PHOTOGATE_DATABASE_URL"] = proxy.url
        proxy.lose_commits = 0.2

Standard library only. It knows only a part of the protocol: simple queries, and ends of COPY, are recognised in the client's messages.
"""
import asyncio
import pathlib
import random
import shutil
import tempfile
import threading
import urllib.parse

COPY_DONE = b"c\0\0\0\x04"  # CopyDone, a whole message


class PostgresProxy:
    def __init__(self, postgres, seed=1):
        self.upstream = str(postgres.sockets / ".s.PGSQL.5432")
        self.dice = random.Random(seed)
        self.delay = 0.0        # seconds before each of the server's answers
        self.lose_commits = 0.0  # the share of COMMITs, and of ends of COPY, whose answer is lost with the connection
        self.lost = 0
        self.deaf = False       # LISTEN connections receive nothing more, and are not closed
        self.deafened = 0
        self.connections = 0
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="pgproxy-"))
        self._open = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.wait(10)

    @property
    def url(self):
        return f"postgresql://photogate@/photogate?host={urllib.parse.quote(str(self.folder), safe='')}"

    def _run(self):
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_unix_server(self._client, str(self.folder / ".s.PGSQL.5432")))
        self._ready.set()
        self._loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    async def _client(self, reader, writer):
        self.connections += 1
        link = {"listens": False, "committing": False}
        try:
            there, back = await asyncio.open_unix_connection(self.upstream)
        except OSError:
            return writer.close()
        self._open.add(writer)
        try:
            await asyncio.wait([asyncio.ensure_future(self._forth(reader, back, link)), asyncio.ensure_future(self._back(there, writer, link))],
                               return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            pass
        finally:
            self._open.discard(writer)
            writer.close()
            back.close()

    async def _forth(self, reader, back, link):
        try:
            while data := await reader.read(65536):
                if data[:1] == b"Q":
                    said = data[5:].strip(b"\0; \n").upper()
                    link["listens"] |= said.startswith(b"LISTEN")
                    link["committing"] = said.startswith(b"COMMIT") and self.dice.random() < self.lose_commits
                elif data.endswith(COPY_DONE):
                    # Outside of a transaction this commits; inside of one it is lost before its COMMIT.
                    link["committing"] = self.dice.random() < self.lose_commits
                elif b"LISTEN " in data.upper():
                    link["listens"] = True
                if self.deaf and link["listens"]:
                    self.deafened += 1
                    continue
                back.write(data)
                await back.drain()
        except OSError:
            pass

    async def _back(self, there, writer, link):
        try:
            while data := await there.read(65536):
                if link["committing"]:
                    self.lost += 1
                    return writer.transport.abort()
                if self.deaf and link["listens"]:
                    continue
                if self.delay:
                    await asyncio.sleep(self.delay)
                writer.write(data)
                await writer.drain()
        except OSError:
            pass

    def cut(self):
        """Ends every connection."""
        self._loop.call_soon_threadsafe(lambda: [writer.transport.abort() for writer in list(self._open)])

    def close(self):
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
