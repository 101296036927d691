"""Customers that continue under faults and do everything that customers do: repeat unanswered requests, poll, cancel, delete.

    with Shop(world, seed=7) as shop:
        …                                # break things
    shop.settle()                        # until everything that can end has ended
    assert not checker.check(world.witness.evidence())

The seed determines each customer's actions, but not their interleaving.
"""
import hashlib
import http.client
import random
import time

from scripts import local_gateway
from tests.rig import pictures
from tests.rig import resumable as wire
from tests.rig import stack as parts
from tests.rig.crowd import Crowd

JUNK = b"\xff\xd8\xff\xe0 no picture at all, CANARY " * 40
ENDS = ("published", "rejected", "failed", "cancelled", "deleted")


class Customers(Crowd):
    def __init__(self, world, seed=1, customers=3, pause=0.05, edge=(320, 240), photos=4, junk=0.15):
        super().__init__(self._customer, customers)
        self.world, self.seed, self.pause, self.junk = world, seed, pause, junk
        self.photos = [pictures.photo(*edge, seed=900 + number) for number in range(photos)]
        self.acknowledged, self.errors, self.answered = [], 0, 0

    def wait_for(self, more, seconds=60):
        """Waits until the store has acknowledged this many more."""
        before = len(self.acknowledged)
        parts.wait_until(lambda: len(self.acknowledged) >= before + more, seconds, f"{more} more uploads")

    def _customer(self, number):
        dice = random.Random(f"{self.seed}/{number}")
        while not self._stop.is_set():
            try:
                self._shop(dice)
            except (OSError, http.client.HTTPException, RuntimeError, ValueError, KeyError):
                self.errors += 1
            self._stop.wait(self.pause)

    def _shop(self, dice):
        """One upload, from its creation on."""
        raise NotImplementedError

    def _again(self, call, good):
        """Repeats until an answer is good, like a patient client; None if the shop closes first."""
        while True:
            try:
                answer = call()
                if good(answer[0]):
                    self.answered += 1
                    return answer
                self.errors += 1
                if answer[0] < 500 and answer[0] not in (409, 429):
                    return answer
            except OSError:
                self.errors += 1
            if self._stop.wait(0.1):
                return None

    def settle(self, seconds=150):
        """Waits until all acknowledged uploads have ended, all work is done and all messages are delivered."""
        settle(self.world, self.acknowledged, seconds)


class Shop(Customers):
    """Customers who send to the store, and do everything else that customers do."""

    def __init__(self, world, seed=1, customers=3, calm=False, **options):
        super().__init__(world, seed, customers, **options)
        self.calm = calm
        self.sent = []  # the uploads as they were created, once the store has them

    def _shop(self, dice):
        good = dice.random() >= self.junk
        data = self.photos[dice.randrange(len(self.photos))] if good else JUNK
        plan = dice.random()
        body = {"profile": next(iter(self.world.app.profiles)), "size": len(data), "metadata": {"n": str(dice.randrange(1000))}}
        if dice.random() < 0.25:
            body["method"] = "post"
        headers = {"Idempotency-Key": f"{self.seed}-{dice.getrandbits(64):016x}"}
        create = self._again(lambda: self.world.request("POST", "/v1/uploads", body, headers), lambda status: status == 201)
        if create is None or create[0] != 201:
            return
        created = create[2]
        if dice.random() < 0.15:
            self._again(lambda: self.world.request("POST", "/v1/uploads", body, headers), lambda status: status == 201)
        if not self.calm and plan < 0.04:
            return self._ask("DELETE", created)
        status = self._put(created, data, "published" if good else "rejected")
        if status not in (200, 201, 204):
            return
        self.acknowledged.append(created["id"])
        self.sent.append(created)
        if dice.random() < 0.1:
            self._ask("POST", created, "/complete")
        for _ in range(dice.randrange(3)):
            self._ask("GET", created)
        if self.calm:
            return
        if plan < 0.08:
            self._ask("DELETE", created)  # whatever its state is by now
        elif plan > 0.9 and good:
            upload = self._ask("GET", created, "?wait=5")
            if upload and upload["state"] == "published":
                self.world.image(created)
                if plan > 0.95:
                    self._ask("DELETE", created)

    def _ask(self, method, created, what=""):
        answer = self._again(lambda: self.world.request(method, f"/v1/uploads/{created['id']}{what}"), lambda status: status < 300)
        return answer[2] if answer and answer[0] < 300 else None

    def _put(self, created, data, expect):
        """A phone repeats an unanswered PUT; 412 then means that it had arrived."""
        unanswered = False
        while True:
            try:
                status, _ = self.world.witness.send(created, data, expect) if self.world.witness else self.world.send(created, data)
                if status == 412 and unanswered:
                    return 200
                if status < 500:
                    return status
            except OSError:
                unanswered = True
            self.errors += 1
            if self._stop.wait(0.1):
                return None


class Phones(Customers):
    """Customers on bad networks: each file goes through the gateway in pieces (tus), is cut off, and continues from the offset that it is told."""
    CUT, PRESIGNED = 0.15, 0.05  # of a piece; the rest of the file by the other way
    PATIENCE = 120

    def __init__(self, world, seed=1, customers=3, **options):
        super().__init__(world, seed, customers, **options)
        self.stuck = []  # what could not be sent

    def _shop(self, dice):
        good = dice.random() >= self.junk
        data = self.photos[dice.randrange(len(self.photos))] if good else JUNK
        body = {"profile": next(iter(self.world.app.profiles)), "size": len(data)}
        headers = {"Idempotency-Key": f"phone-{self.seed}-{dice.getrandbits(64):016x}"}
        create = self._again(lambda: self.world.request("POST", "/v1/uploads", body, headers), lambda status: status == 201)
        if create is None or create[0] != 201:
            return
        self._send(create[2], data, "published" if good else "rejected", dice)

    def _send(self, created, data, expect, dice):
        """To its end, also when the others have stopped: no file is left half sent."""
        world, url = self.world, wire.url_of(self.world, created)
        size = len(data) // dice.randrange(2, 6) + 1
        facts = {"upload": created["id"], "sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "expect": expect}
        world.witness.note("phone", "put_asked", **facts)
        offset, until = None, time.monotonic() + self.PATIENCE
        while time.monotonic() < until:
            try:
                if offset is None:
                    offset = self._told(created, url, "HEAD", lambda: wire.head(url))
                elif dice.random() < self.CUT:
                    wire.cut(url, offset, data[offset:], dice.randrange(min(size, len(data) - offset)))
                    offset = None
                elif dice.random() < self.PRESIGNED:
                    world.witness.send(created, data, expect)
                    offset = None
                else:
                    offset = self._told(created, url, "PATCH", lambda at=offset: wire.patch(url, at, data[at:at + size]))
            except (OSError, http.client.HTTPException):
                offset = None
                self.errors += 1
                time.sleep(0.1)
            if offset == len(data):
                world.witness.note("phone", "put_acknowledged", key=world.sql(f"select key from uploads where id = '{created['id']}'"), status=204, etag=None,
                                   way="resumable", **facts)
                self.acknowledged.append(created["id"])
                return
        self.stuck.append(created["id"])

    def _told(self, created, url, method, call):
        """The offset of a good answer; None: it has to be asked for."""
        witness = self.world.witness
        asked = witness.note("phone", "offset_asked", upload=created["id"], method=method)
        reply = call()
        if reply.offset is not None:
            witness.note("phone", "offset_told", call=asked["n"], upload=created["id"], resource=url, method=method, status=reply.status, offset=reply.offset)
        if reply.status in (200, 204):
            self.answered += 1
            return reply.offset
        self.errors += 1
        time.sleep(0.1)
        return None


class Audience(Crowd):
    """Strangers who look at a shop's images, in sizes and shapes of which most must be made first."""
    SHAPES = ("width=160", "height=160", "width=160&height=160&fit=cover", "width=240&height=160&fit=cover&gravity=attention", "width=160&height=240&fit=fill")

    def __init__(self, shop, seed=1, strangers=3, pause=0.05):
        super().__init__(self._look, strangers)
        self.shop, self.seed, self.pause = shop, seed, pause
        self.shown, self.answers = 0, {}

    def wait_for(self, more, seconds=60):
        before = self.shown
        parts.wait_until(lambda: self.shown >= before + more, seconds, f"{more} more versions that are shown")

    def _look(self, number):
        dice = random.Random(f"{self.seed}/audience/{number}")
        while not self._stop.wait(self.pause):
            if not self.shop.sent:
                continue
            created = dice.choice(self.shop.sent[-8:])
            path = "/i/" + created["links"]["image"].rsplit("/", 1)[1]
            query = f"{dice.choice(self.SHAPES)}&format={dice.choice(('jpeg', 'webp', 'png'))}&quality={dice.choice((40, 60, 75))}"
            try:
                status = self.shop.world.gateway.request("GET", f"{path}?{query}")[0]
            except (OSError, ValueError):
                continue
            self.answers[status] = self.answers.get(status, 0) + 1
            self.shown += status == 200


def settle(world, acknowledged=(), seconds=150):
    deadline = time.monotonic() + seconds
    for identity in acknowledged:
        world.gateway.wait_for(identity, max(1, deadline - time.monotonic()))
    # Query the records, not the gateway: no unfinished upload may be overlooked.
    open_work = ("select j.* from jobs j join uploads u on u.id = j.subject_id where j.generation <= u.generation", "select * from callbacks where state = 'waiting'",
                 "select * from uploads where state in ('uploaded', 'processing')")
    try:
        parts.wait_until(lambda: all(world.sql(f"select count(*) from ({each}) as open") == "0" for each in open_work), max(5, deadline - time.monotonic()),
                         "the end of all work")
    except parts.StackError as error:
        left = "\n".join(world.sql(f"select to_jsonb(open) - 'body' from ({each} limit 3) as open") for each in open_work)
        raise parts.StackError(f"{error}; it is now {world.sql('select now()')}, and open are\n{left}") from None


def put(world, created, data, expect="published"):
    """Sends one file to the store, which must accept it."""
    status, answer = world.witness.send(created, data, expect) if world.witness else local_gateway.send(created["upload"], data)
    assert status in (200, 201, 204), answer
    return created
