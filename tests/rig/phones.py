"""Phones that send pictures over a bad network, each as an app does it: what the app knows is on the phone's disk, and nothing else
survives when the app is killed.

    python3 -m tests.rig.phones PLAN.json RESULT.json

A plan says who sends what, in which way, over which network; tests/e2e/test_phone_network.py makes them. The result has a line for each
phone. It is a program, so that many phones don't take their time from the test that watches them.

The ways: `put` (the presigned PUT, begun anew after each cut), `multipart`, `tus`, `draft` (the IETF draft as URLSession speaks it),
`put, then tus` (after the first cut through the gateway: what docs/clients recommends), and `tusd`, to a server of that name.

A phone's clock may be wrong: it stamps its requests with it, and believes what it says of a grant's end.
"""
import asyncio
import datetime
import email.utils
import hashlib
import itertools
import json
import pathlib
import random
import sys
import time
import urllib.parse

from tests.rig import resumable as wire
from tests.rig.phone_network import KINDS, Clock, Conditions, Network

ANSWER_SECONDS = 60  # of the clock: nothing of it is scaled at the server


class Answer(wire.Reply):
    def json(self):
        return json.loads(self.body)


class Host:
    """One server as the phone's HTTP library knows it: a connection that is kept."""

    def __init__(self, link, netloc):
        self.link, self.netloc = link, netloc
        self._connection, self._buffer = None, b""

    async def ask(self, method, target, headers=None, body=b"", counted=False, interim=lambda answer: None):
        """The final answer; OSError where there is none. `counted`: the body is of a picture. `interim` is given those before it."""
        try:
            async with asyncio.timeout(None if counted else ANSWER_SECONDS):
                return await self._ask(method, target, headers or {}, body, counted, interim)
        except BaseException:
            self.close()
            raise

    def close(self):
        if self._connection:
            self._connection.close()
        self._connection, self._buffer = None, b""

    async def _ask(self, method, target, headers, body, counted, interim):
        if self._connection is None:
            host, port = self.netloc.split(":")
            self._connection = await self.link.connect(host, int(port))
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self.netloc}", *(f"{name}: {value}" for name, value in headers.items())]
        if method not in ("GET", "HEAD"):
            lines.append(f"Content-Length: {len(body)}")
        await self._connection.send("\r\n".join([*lines, "", ""]).encode())
        sent = 0
        while sent < len(body):
            sent += await self._connection.send(memoryview(body)[sent:], counted, until_answered=True)
            while self._connection.has_answered:
                self._buffer += await self._connection.receive()
                if (answer := await self._answer(method, interim, waits=False)) is not None:
                    self.close()  # the server did not want the rest
                    return answer
        async with asyncio.timeout(ANSWER_SECONDS):
            answer = await self._answer(method, interim)
        if answer.headers.get("connection", "").lower() == "close":
            self.close()
        return answer

    async def _answer(self, method, interim, waits=True):
        while True:
            while b"\r\n\r\n" not in self._buffer:
                if not waits:
                    return None
                await self._more()
            head, self._buffer = self._buffer.split(b"\r\n\r\n", 1)
            first, *lines = head.decode("latin-1").split("\r\n")
            status = int(first.split(" ")[1])
            fields = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
            if status >= 200:
                return Answer(status, fields, await self._body(method, status, fields))
            interim(Answer(status, fields, b""))

    async def _body(self, method, status, fields):
        if method == "HEAD" or status in (204, 304):
            return b""
        if fields.get("transfer-encoding") == "chunked":
            body = b""
            while True:
                while b"\r\n" not in self._buffer:
                    await self._more()
                line, self._buffer = self._buffer.split(b"\r\n", 1)
                size = int(line, 16)
                body += (await self._exactly(size + 2))[:size]
                if size == 0:
                    return body
        return await self._exactly(int(fields.get("content-length", 0)))

    async def _exactly(self, size):
        while len(self._buffer) < size:
            await self._more()
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data

    async def _more(self):
        data = await self._connection.receive()
        if not data:
            raise ConnectionResetError("the connection ended before the answer")
        self._buffer += data


class Wrong(Exception):
    """What must not happen, whatever the network does."""


class Again(Exception):
    """A good client tries again later."""


class Phone:
    """One app with one picture. `disk` is all that survives a kill: JSON texts."""

    def __init__(self, network, group, number, seed, servers, picture):
        self.network, self.group, self.number, self.servers = network, group, number, servers
        self.way, self.data = group["way"], picture
        self.dice = random.Random(f"{seed}/{group['name']}/{number}")
        # The network is the same for each way, so that the ways can be compared.
        self.link = network.link(f"{group.get('network', group['name'])}/{number}", seed)
        self.clock = self.dice.choice(group["clocks"])
        self.token = self.servers["tokens"][number % len(self.servers["tokens"])] if self.servers["tokens"] else ""
        self.kills = self.uploads_already_there = self.renewals = self.falls = 0
        self.done, self.wrong, self.began, self.ended = False, [], 0.0, 0.0
        self.disk = {}
        self._save(key=f"phone-{number}-{self.dice.getrandbits(64):016x}", forgets=self.dice.random() < group.get("asked_twice", 0))

    # ---- the app, and who kills it ----

    async def live(self):
        clock = self.network.clock
        self.began = clock.now
        lives = asyncio.create_task(self._lives())
        end = clock.call_at(clock.now + self.group["limit"], lives.cancel) if "limit" in self.group else None
        try:
            await lives
            self.done = True
        except asyncio.CancelledError:
            if end is None:
                raise
        except Wrong as error:
            self.wrong.append(str(error))
        finally:
            if end:
                clock.cancel(end)
        self.ended = clock.now
        self.link.cut_all()

    async def _lives(self):
        every = self.group.get("killed_every")
        while True:
            app = asyncio.create_task(self._app())
            killer = asyncio.create_task(self.network.clock.sleep(self.dice.expovariate(1 / every) if every else float("inf")))
            try:
                await asyncio.wait({app, killer}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                is_over = app.done()
                app.cancel()
                killer.cancel()
            if is_over:
                return app.result()
            await asyncio.wait({app})
            self.kills += 1
            self.link.cut_all()
            await self.link.reconnect()

    async def _app(self):
        """From its start until the picture has been sent, as far as the app can tell."""
        self.hosts = {}
        while True:
            try:
                return await {"put": self._put, "multipart": self._multipart, "tus": self._tus, "draft": self._draft, "put, then tus": self._put_then_tus,
                              "tusd": self._tusd}[self.way]()
            except (OSError, Again, TimeoutError):
                await self.link.reconnect()

    @property
    def state(self):
        return json.loads(self.disk["upload"])

    def _save(self, **facts):
        self.disk["upload"] = json.dumps({**(self.state if self.disk else {}), **facts})

    def now(self):
        return time.time() + self.clock

    def _host(self, netloc):
        return self.hosts.setdefault(netloc, Host(self.link, netloc))

    async def _ask_gateway(self, method, path, body=None, headers=None):
        fields = {"Authorization": f"Bearer {self.token}", "Date": email.utils.formatdate(self.now(), usegmt=True), **(headers or {})}
        content = b"" if body is None else json.dumps(body).encode()
        if body is not None:
            fields["Content-Type"] = "application/json"
        answer = await self._host(self.servers["gateway"]).ask(method, path, fields, content)
        if answer.status >= 500 or answer.status in (408, 425, 429):
            raise Again
        return answer

    async def _send(self, method, url, headers, data, **options):
        target = urllib.parse.urlsplit(url)
        place = target.path + ("?" + target.query if target.query else "")
        fields = {"Date": email.utils.formatdate(self.now(), usegmt=True), **headers}
        return await self._host(target.netloc).ask(method, place, fields, data, **options)

    # ---- what every way begins with ----

    async def _created(self):
        state = self.state
        if "created" not in state:
            body = {"profile": "photos", "size": len(self.data), "content_type": "image/jpeg", "filename": f"IMG_{self.number:04}.jpg"}
            if self.way == "multipart":
                body["method"] = "multipart"
            elif lives := self.group.get("grant_lives"):
                body["expires_in"] = lives
            answer = await self._ask_gateway("POST", "/v1/uploads", body, {"Idempotency-Key": state["key"]})
            if answer.status != 201:
                if answer.status == 409:
                    raise Again  # the one before it is still under way
                raise Wrong(f"its creation was answered {answer.status}: {answer.body[:300]}")
            created = answer.json()
            if state.get("first", created["id"]) != created["id"]:
                raise Wrong(f"{created['id']} was made under the key of {state['first']}")
            # Some apps forget, and ask again under the same key.
            if state["forgets"] and "first" not in state:
                self._save(first=created["id"])
                return await self._created()
            self._save(created=created)
        return self.state["created"]

    async def _complete(self):
        created = self.state["created"]
        answer = await self._ask_gateway("POST", f"/v1/uploads/{created['id']}/complete")
        if answer.status not in (200, 202):
            raise Wrong(f"the store has {created['id']}, and to complete it was answered {answer.status}: {answer.body[:300]}")

    # ---- presigned ----

    async def _put(self):
        while not self.state.get("sent"):
            await self._put_once()
        await self._complete()

    async def _put_once(self):
        created = await self._created()
        grant = self.state.get("grant") or created["upload"]
        if wire_time(grant["expires_at"]) < self.now() and not self.state.get("believed"):
            self._save(believed=True)  # a clock that is ahead says so of each grant: ask once
            return await self._renew()
        tried_before = self.state.get("tries", 0)
        self._save(tries=tried_before + 1)
        answer = await self._send(grant["method"], grant["url"], grant["headers"], self.data, counted=True)
        if answer.status == 412:
            if not tried_before:
                raise Wrong("the first PUT of all was answered 412")
            self.uploads_already_there += 1
        elif answer.status == 403:
            return await self._renew()
        elif answer.status >= 500:
            raise Again
        elif answer.status not in (200, 201, 204):
            raise Wrong(f"the PUT was answered {answer.status}: {answer.body[:300]}")
        self._save(sent=True)

    async def _renew(self):
        self.renewals += 1
        answer = await self._ask_gateway("POST", f"/v1/uploads/{self.state['created']['id']}/sign", {"expires_in": 600})
        if answer.status == 409:
            return self._save(sent=True)  # it has arrived: to complete it settles the doubt
        if answer.status != 200:
            raise Wrong(f"to sign again was answered {answer.status}: {answer.body[:300]}")
        self._save(grant=answer.json()["upload"])

    async def _multipart(self):
        created = await self._created()
        while not self.state.get("sent"):
            listed = await self._ask_gateway("GET", f"/v1/uploads/{created['id']}/parts")
            if listed.status != 200:
                raise Wrong(f"the list of parts was answered {listed.status}: {listed.body[:300]}")
            if not (missing := listed.json()["missing"]):
                self._save(sent=True)
                break
            signed = await self._ask_gateway("POST", f"/v1/uploads/{created['id']}/parts/sign", {"numbers": missing[:10]})
            if signed.status != 200:
                raise Wrong(f"to sign parts was answered {signed.status}: {signed.body[:300]}")
            for part in signed.json()["data"]:
                begins = (part["number"] - 1) * listed.json()["part_size"]
                answer = await self._send(part["method"], part["url"], part["headers"], self.data[begins:begins + part["size"]], counted=True)
                if answer.status not in (200, 204):
                    raise Again
        await self._complete()

    async def _put_then_tus(self):
        created = await self._created()
        if not self.state.get("tries"):
            await self._put_once()
        if self.state.get("sent"):
            return await self._complete()
        await self._continue_tus(created["upload"]["resumable"]["url"])

    # ---- resumable ----

    async def _tus(self):
        await self._continue_tus((await self._created())["upload"]["resumable"]["url"])

    async def _continue_tus(self, url):
        while True:
            stands = await self._send("HEAD", url, wire.TUS, b"")
            self._check(stands, "HEAD", (200, 204))
            if stands.offset == len(self.data):
                return
            sent = await self._send("PATCH", url, {**wire.TUS_CONTENT, "Upload-Offset": str(stands.offset)}, self.data[stands.offset:], counted=True)
            if sent.status == 409:
                continue
            self._check(sent, "PATCH", (200, 204))
            if sent.offset == len(self.data):
                return

    def _check(self, answer, what, good):
        if answer.status in good:
            told = self.state.get("told", 0)
            if answer.offset is not None and answer.offset < told:
                self.falls += 1
                if self.way != "tusd":  # which loses what it has of an unfinished part, where a cut comes at the wrong time
                    raise Wrong(f"the offset fell from {told} to {answer.offset}")
            if answer.offset is not None:
                self._save(told=answer.offset)
            return
        # 400 and 423 are tusd's, where another connection has the upload.
        if answer.status >= 500 or answer.status in (408, 429) or (self.way == "tusd" and answer.status in (400, 423)):
            raise Again
        raise Wrong(f"{what} was answered {answer.status}: {answer.body[:300]}")

    async def _draft(self):
        url = (await self._created())["upload"]["resumable"]["url"]
        version = wire.VERSIONS[self.number % len(wire.VERSIONS)]
        fields = {**wire.draft(version), "Content-Type": "application/partial-upload", **wire.completeness(version, True)}
        while True:
            if "location" not in self.state:
                if self.state.get("sent"):
                    return
                answer = await self._send("PUT", url, {**fields, "Content-Type": "image/jpeg"}, self.data, counted=True,
                                          interim=lambda answer: "location" in answer.headers and self._save(location=answer.headers["location"], told=0))
                self._check(answer, "PUT", (200, 201))
                return self._save(sent=True)
            place = urllib.parse.urljoin(url, self.state["location"])
            stands = await self._send("HEAD", place, wire.draft(version), b"")
            if stands.status == 404:
                raise Wrong("the upload is gone")
            self._check(stands, "HEAD", (200, 204))
            if wire.is_complete(version, stands):
                return
            sent = await self._send("PATCH", place, {**fields, "Upload-Offset": str(stands.offset)}, self.data[stands.offset:], counted=True)
            if sent.status == 409:
                continue
            self._check(sent, "PATCH", (200, 201, 204))
            return

    async def _tusd(self):
        if "location" not in self.state:
            made = await self._send("POST", f"http://{self.servers['tusd']}/files/", {**wire.TUS, "Upload-Length": str(len(self.data))}, b"")
            self._check(made, "POST", (201,))
            self._save(location=made.headers["location"])
        await self._continue_tus(self.state["location"])

    # ---- what is known of it ----

    def account(self):
        state = self.state
        return {"way": self.way, "group": self.group["name"], "number": self.number, "size": len(self.data), "sha256": hashlib.sha256(self.data).hexdigest(),
                "id": (state.get("created") or {}).get("id"), "done": self.done, "wrong": self.wrong, "sent": self.link.sent, "arrived": self.link.arrived,
                "cuts": self.link.cuts, "kills": self.kills, "already_there": self.uploads_already_there, "renewals": self.renewals, "falls": self.falls, "clock": self.clock,
                "seconds": round(self.ended - self.began)}


def wire_time(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def picture(base, name):
    """The same picture as a file of its own: a comment tells it from the others."""
    comment = hashlib.sha256(name.encode()).hexdigest().encode()
    return base[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + base[2:]


def crowd(plan, clock):
    """The phones of all groups. `twins` of a group: so many of its phones send another's picture again, as uploads of their own."""
    bases, seed = [pathlib.Path(each).read_bytes() for each in plan["pictures"]], plan["seed"]
    for group in plan["groups"]:
        conditions = {name: tuple(value) if isinstance(value, list) else value for name, value in group["conditions"].items()}
        network, dice, data = Network(Conditions(**conditions), clock), random.Random(f"{seed}/{group['name']}/pictures"), b""
        for number in range(group["count"]):
            base = dice.choices(bases, group.get("weights"))[0]
            data = data if 0 < number <= group.get("twins", 0) else picture(base, f"{seed}/{group['name']}/{number}")
            yield Phone(network, group, number, seed, plan["servers"], data)


async def run(plan, say=print):
    """The accounts of all phones, and the cuts by kind."""
    async with Clock(plan["scale"]) as clock:
        phones = list(crowd(plan, clock))
        order = random.Random(f"{plan['seed']}/order").sample(phones, len(phones))
        places, began, ended = asyncio.Semaphore(plan["parallel"]), time.monotonic(), itertools.count(1)

        async def live(phone):
            async with places:
                await phone.live()
            number = next(ended)
            if number % 100 == 0 or number == len(order):
                say(f"{number} of {len(order)} phones; {time.monotonic() - began:.0f} s, {clock.now:.0f} s of the network", flush=True)

        await asyncio.gather(*(live(phone) for phone in order))
        await asyncio.sleep(0.2)
    networks = {id(phone.network): phone.network for phone in phones}.values()
    for network in networks:
        network.close()
    return {"seed": plan["seed"], "phones": [phone.account() for phone in phones],
            "cuts": {kind: sum(network.cuts[kind] for network in networks) for kind in [*KINDS, "answer"]}}


def main():
    plan_file, result_file = map(pathlib.Path, sys.argv[1:])
    plan = json.loads(plan_file.read_text())
    result_file.write_text(json.dumps(asyncio.run(run(plan))))


if __name__ == "__main__":
    main()
