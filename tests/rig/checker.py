#!/usr/bin/env python3
"""Judges a run: a pure function from evidence to violations.

    python3 -m tests.rig.checker EVIDENCE.json            prints each violation; exit 1 where there are any

What is proved, by the name that a violation bears:

    I1      no byte in the public bucket that was not made here: each object there is some upload's image or a version of it, or is younger
            than a day, and none is a client's bytes or holds a client's metadata; nothing is shown as a version, or told as a variant,
            but what was recorded as one before
    I2      what the store acknowledged ends, and ends as its content deserves; an original is not removed before that
    I3      of one upload one image at most is ever told, stored or shown
    I4      what was judged is what was published: fetched by the pinned ETag, put by us, never copied
    I5      strangers get nothing out of the buckets
    I6      each end of an upload has one message, written with it; each message arrives, always the same; that variants are ready is
            told of published uploads alone, by the job that made them
    I7      no transaction is open while something else is waited for
    I8      only who holds a job's lease changes anything by it
    I9      no secret and no signature in logs, metrics, messages or tables, but that of a stored package's `store_url`, which is for the app
    I10     an event is answered 2xx only once it is stored, once the store has said that its object is not there, or once there is a job
            that looks again; and otherwise so that the store repeats it
    C1      of a resumable upload no byte that was acknowledged is asked for again: the offset that clients are told never falls, is never
            ahead of the committed one, and each byte before it is in a chunk; chunks are kept until the upload has its object or has
            ended, and not for long after that; its object is put once; nothing of it is in the store that no row would find, and no
            multipart upload either
    P1      a stored package, and one whose versions were made first, ends once, and its app is told of it once: `package.ready` in the
            transaction that makes it ready, or `package.failed`; the object of one that is ready has the recorded size, and each entry
            its sum; nothing else is left of packages in the store
    T1      an upload is committed before it is told; one idempotency key is one upload
    t11     what was cancelled, or deleted, is gone
    states  an upload's states follow one another as the table of transitions has it, and no client sees them go back

`witness.py` gathers the evidence, and documents it by doing so.
"""
import collections
import dataclasses
import json
import re
import sys

TRANSITIONS = {
    (None, "created"), ("created", "uploaded"), ("expired", "uploaded"), ("uploaded", "processing"), ("processing", "published"),
    ("processing", "rejected"), ("processing", "uploaded"), ("processing", "failed"), ("created", "expired"), ("expired", "created"),
    ("created", "cancelled"), ("expired", "cancelled"), ("uploaded", "cancelled"), ("published", "deleted"), ("rejected", "deleted"),
    ("failed", "deleted"), ("failed", "uploaded"), ("rejected", "uploaded")}
PACKAGE_TRANSITIONS = {(None, "preparing"), ("preparing", "queued"), ("preparing", "ready"), ("preparing", "failed"), ("preparing", "deleted"),
                       (None, "queued"), (None, "ready"), ("queued", "building"), ("building", "ready"), ("queued", "failed"), ("building", "failed"),
                       ("ready", "failed"), ("queued", "deleted"), ("building", "deleted"), ("ready", "deleted"), ("failed", "deleted")}
FINAL = {"published", "rejected", "failed", "cancelled", "deleted"}
READY = "variant.ready"
TOLD = {"uploaded": "upload.received", "published": "upload.published", "rejected": "upload.rejected", "failed": "upload.failed",
        "expired": "upload.expired", "deleted": "upload.deleted"}
DAY = 24 * 3600
LONGEST_IDLE_TRANSACTION = 1000  # ms
# A killed gateway's reservation of an assembly and of the collector's round, each a minute; then the next round.
CHUNKS_STAY = 150
WAITING = ("created", "expired")  # for their object
IMAGE_KEY = re.compile(r"p/([0-9a-z]+)/([0-9a-f]{16})\.\w+|v/([0-9a-z]+)/[0-9a-f]{16}-([0-9a-f]{16})\.\w+")


@dataclasses.dataclass(frozen=True)
class Violation:
    invariant: str
    what: str
    upload: str | None = None

    def __str__(self):
        return f"{self.invariant}: {self.what}" + (f" ({self.upload})" if self.upload else "")


class Case:
    """The evidence, sorted by what it is about."""

    def __init__(self, evidence):
        self.evidence = evidence
        self.facts = sorted(evidence["facts"], key=lambda fact: fact["n"])
        self.by_kind = collections.defaultdict(list)
        for fact in self.facts:
            self.by_kind[fact["fact"]].append(fact)
        database = evidence["database"]
        self.uploads = {row["id"]: row for row in database["uploads"]}
        self.resumables = {row["upload_id"]: row for row in database.get("resumables", ())}
        self.versions = [row for row in database.get("images", ()) if row["role"] == "version"]
        self.callbacks = database["callbacks"]
        self.keys = database["idempotency_keys"]
        self.changes = sorted(database["changes"], key=lambda change: change["n"])
        self.moves = collections.defaultdict(list)      # upload: its changes of state
        self.images = collections.defaultdict(set)      # upload: (key, digest) that a transaction gave it
        self.recorded = collections.defaultdict(dict)   # upload: digest of a version, and when its first row was written
        self.in_transaction = collections.defaultdict(list)
        for change in self.changes:
            self.in_transaction[change["txid"]].append(change)
            if change["of"] == "images" and change["was"] is None and change["becomes"]["role"] == "version":
                self.recorded[change["becomes"]["upload_id"]].setdefault(change["becomes"]["sha256"], change["at"])
            if change["of"] == "uploads" and change["becomes"]:
                before, after = change["was"] or {}, change["becomes"]
                if before.get("state") != after["state"]:
                    self.moves[after["id"]].append(change)
                if after.get("image_key"):
                    self.images[after["id"]].add((after["image_key"], after["image_sha256"]))

    def state_before(self, upload, change):
        """The upload's state when the change was made."""
        return next((move["becomes"]["state"] for move in reversed(self.moves.get(upload, ())) if move["n"] < change["n"]), None)

    def has_object_since(self, upload):
        """When the upload ceased to wait: it has its object, or is over."""
        return next((move["at"] for move in self.moves.get(upload, ()) if move["becomes"]["state"] not in WAITING), float("inf"))

    def put(self, upload):
        """What the store acknowledged of an upload, in order."""
        return [fact for fact in self.by_kind["put_acknowledged"] if fact["upload"] == upload]

    def was_gone(self, key, event):
        """While the event was being answered, the store told the gateway that there is no such object."""
        return any(fact["method"] == "HEAD" and fact["key"] == key and fact["status"] == 404 and event["asked_at"] <= fact["asked_at"] <= event["at"]
                   for fact in self.by_kind["store_request"])

    def last_put(self, key):
        """When the store was last asked to put an object; never, as far as is known, is before all."""
        return max((fact["at"] for fact in self.by_kind["store_request"] if fact["method"] == "PUT" and fact["key"] == key), default=0)

    def is_looked_for(self, key, event):
        """When the event was answered, a job was there that looks for its object again."""
        found = False
        for change in self.changes:
            if change["of"] != "jobs" or change["at"] > event["at"]:
                continue
            row = change["becomes"] or change["was"]
            if row["kind"] == "find_object" and key.endswith(f"/{row['subject_id']}"):
                # One that has ended while the event was being answered was there.
                found = change["becomes"] is not None or change["at"] >= event["asked_at"]
        return found

    def asked_away(self, upload):
        return any(fact["upload"] == upload for fact in self.by_kind["delete_answered"] if fact["status"] < 500) or any(
            fact["method"] == "DELETE" and upload in fact["path"] for fact in self.by_kind["asked"])


def check(evidence):
    case = Case(evidence)
    found = []
    for rule in (created_is_kept, public_is_ours, nothing_is_lost, one_image, judged_is_published, strangers_get_nothing, ends_are_told,
                 resumed_bytes_are_kept, packages_end_once, transactions_are_short, leases_hold, nothing_leaks, events_are_kept, gone_is_gone, states_follow):
        found += rule(case)
    return found


def created_is_kept(case):
    """T1."""
    inserted = {change["becomes"]["id"]: change["at"] for change in case.changes
                if change["of"] == "uploads" and change["was"] is None}
    by_key = {}
    for fact in case.by_kind["created"]:
        upload = fact["upload"]
        if upload not in case.uploads:
            yield Violation("T1", "was answered 201 and is in no table", upload)
            continue
        if inserted.get(upload, float("inf")) > fact["at"]:
            yield Violation("T1", "was answered 201 before it was committed", upload)
        if case.uploads[upload]["key"] != fact["key"]:
            yield Violation("T1", "was granted another key than its row has", upload)
        if fact["idempotency_key"]:
            first = by_key.setdefault(fact["idempotency_key"], fact)
            if first["upload"] != upload:
                yield Violation("T1", f"one idempotency key made it and {first['upload']}", upload)
            elif first["request"] != fact["request"]:
                yield Violation("T1", "one idempotency key served two requests", upload)
    kept = {row["key"]: row["upload_id"] for row in case.keys}
    for key, fact in by_key.items():
        if kept.get(key) != fact["upload"]:
            yield Violation("T1", "its idempotency key is not kept", fact["upload"])


def public_is_ours(case):
    """I1."""
    published = {row["image_key"]: (row["id"], row["image_sha256"]) for row in case.uploads.values() if row["image_key"]}
    published |= {row["key"]: (row["upload_id"], row["sha256"]) for row in case.versions}
    of_clients = {fact["sha256"] for kind in ("put_asked", "put_acknowledged") for fact in case.by_kind[kind]}
    ours = {row["public_id"] for row in case.uploads.values()}
    for item in case.evidence["public"]:
        key = IMAGE_KEY.fullmatch(item["key"])
        public_id, digest = (key[1] or key[3], key[2] or key[4]) if key else (None, None)
        if public_id not in ours:
            yield Violation("I1", f"{item['key']} is in the public bucket, and is no upload's")
            continue
        if item["sha256"] in of_clients:
            yield Violation("I1", f"{item['key']} in the public bucket is what a client sent")
        if item["canaries"]:
            yield Violation("I1", f"{item['key']} in the public bucket holds private metadata: {item['canaries']}")
        if not item["sha256"].startswith(digest):
            yield Violation("I1", f"{item['key']} in the public bucket does not hold what its name says")
        row = published.get(item["key"])
        if row and row[1] != item["sha256"]:
            yield Violation("I1", f"{item['key']} holds other bytes than were published", row[0])
        if not row and case.evidence["now"] - timestamp(item["modified"]) > DAY:
            yield Violation("I1", f"{item['key']} belongs to no image, and is older than a day")
    there = {item["key"] for item in case.evidence["public"]}
    for row in case.uploads.values():
        if row["state"] == "published" and row["image_key"] not in there:
            yield Violation("I2", "is published, and its image is not in the public bucket", row["id"])
    for row in case.versions:
        if row["state"] == "live" and row["key"] not in there:
            yield Violation("I2", f"its version {row['spec_key']} is recorded, and is not in the public bucket", row["upload_id"])
    yield from shown_is_recorded(case)


def shown_is_recorded(case):
    """I1: of what was shown under a URL that asks for a version."""
    by_public_id = {row["public_id"]: row for row in case.uploads.values()}
    for fact in case.by_kind["image_read"]:
        row = by_public_id.get(fact["public_id"])
        if fact["status"] != 200 or fact["sha256"] is None or row is None or "?" not in fact["path"]:
            continue
        recorded = case.recorded[row["id"]].get(fact["sha256"], float("inf"))
        is_image = any(digest == fact["sha256"] for _, digest in case.images[row["id"]])
        if not is_image and recorded > fact["at"]:
            yield Violation("I1", f"{fact['path']} was shown with bytes that were not recorded as a version by then", row["id"])


def nothing_is_lost(case):
    """I2."""
    expected = collections.defaultdict(set)
    for fact in case.by_kind["put_acknowledged"]:
        expected[fact["upload"]].add(fact["expect"])
    for upload, verdicts in expected.items():
        row = case.uploads.get(upload)
        if row is None:
            yield Violation("I2", "the store acknowledged its object, and it is in no table", upload)
        elif row["state"] not in FINAL:
            yield Violation("I2", f"the store acknowledged its object, and it is left {row['state']}", upload)
        elif row["state"] in ("cancelled", "deleted") and not case.asked_away(upload):
            yield Violation("I2", f"is {row['state']}, and nobody asked for that", upload)
        elif row["state"] in ("published", "rejected", "failed") and row["state"] not in set().union(*(v.split("|") for v in verdicts)):
            yield Violation("I2", f"is {row['state']} ({row.get('rejection_code')}), its content was to be {'|'.join(sorted(verdicts))}", upload)
    for job in case.evidence["database"]["jobs"]:
        if job["kind"] == "process" and case.uploads.get(job["subject_id"], {}).get("state") in FINAL - {"cancelled", "deleted"}:
            yield Violation("I2", "has ended, and its work has not", job["subject_id"])
    by_key = {row["key"]: row["id"] for row in case.uploads.values()}
    for fact in case.by_kind["store_request"]:
        upload = by_key.get(fact["key"])
        if fact["method"] != "DELETE" or upload is None:
            continue
        ended = [move["at"] for move in case.moves[upload] if move["becomes"]["state"] in FINAL]
        if not ended or fact["asked_at"] < ended[0]:
            yield Violation("I2", "its original was removed before it had ended", upload)


def one_image(case):
    """I3."""
    by_public_id = {row["public_id"]: row["id"] for row in case.uploads.values()}
    shown = collections.defaultdict(set)
    for fact in case.by_kind["image_read"]:
        if fact["status"] == 200 and "?" not in fact["path"] and fact["public_id"] in by_public_id:
            shown[by_public_id[fact["public_id"]]].add(fact["sha256"])
    told = collections.defaultdict(set)
    for fact in case.by_kind["callback"]:
        if fact["verified"] and fact["type"] == "upload.published":
            told[fact["upload"]].add(json.dumps(fact["image"], sort_keys=True))
    for upload, row in case.uploads.items():
        images = case.images[upload] | ({(row["image_key"], row["image_sha256"])} if row["image_key"] else set())
        if len(images) > 1:
            yield Violation("I3", f"was published as {sorted(images)}", upload)
        if len(told[upload]) > 1:
            yield Violation("I3", "was told as two different images", upload)
        if len(shown[upload] | {digest for _, digest in images}) > max(1, len(images)):
            yield Violation("I3", "was shown with other bytes than were published", upload)
        objects = [item for item in case.evidence["public"] if item["key"].startswith(f"p/{row['public_id']}/")]
        if len({item["sha256"] for item in objects if any(item["key"] == key for key, _ in images)}) > 1:
            yield Violation("I3", "has two published objects", upload)


def judged_is_published(case):
    """I4."""
    incoming = {row["key"]: row for row in case.uploads.values()}
    put_here = collections.defaultdict(list)
    for fact in case.by_kind["store_request"]:
        if fact["method"] == "PUT" and fact["bucket"] == "public":
            put_here[fact["key"]].append(fact)
            if fact["copy_source"]:
                yield Violation("I4", f"{fact['key']} was copied into the public bucket")
        if fact["method"] == "GET" and fact["key"] in incoming and not fact["if_match"]:
            yield Violation("I4", "its original was fetched without being held to the pinned ETag", incoming[fact["key"]]["id"])
    for upload, row in case.uploads.items():
        ends = [move for move in case.moves[upload] if move["becomes"]["state"] == "published"]
        if not ends:
            continue
        if case.by_kind["store_request"] and not any(
                fact["asked_at"] <= ends[0]["at"] and not fact["copy_source"] for fact in put_here[ends[0]["becomes"]["image_key"]]):
            yield Violation("I4", "was published before its image was put", upload)
        sent = {fact["sha256"]: fact for kind in ("put_asked", "put_acknowledged") for fact in case.by_kind[kind] if fact["upload"] == upload}
        if sent and row["state"] == "published" and row["found_sha256"] not in sent:
            yield Violation("I4", "was judged by bytes that no client sent for it", upload)
        acknowledged = sent.get(row["found_sha256"], {})
        if row["state"] == "published" and acknowledged.get("etag") and acknowledged["etag"] != row["pinned_etag"].strip('"'):
            yield Violation("I4", "was judged by other bytes than the pinned object's", upload)


def strangers_get_nothing(case):
    """I5."""
    for asked in case.evidence["anonymous"]:
        if asked["status"] < 400:
            yield Violation("I5", f"{asked['method']} {asked['target']} by a stranger was answered {asked['status']}")
    asked_of = {asked["bucket"] for asked in case.evidence["anonymous"]}
    if not {"incoming", "originals", "public"} <= asked_of:
        yield Violation("I5", f"strangers were let try {sorted(asked_of)} alone")


def ends_are_told(case):
    """I6."""
    rows = {row["id"]: row for row in case.callbacks}
    for upload, moves in case.moves.items():
        for move in moves:
            kind = TOLD.get(move["becomes"]["state"])
            returned = move["becomes"]["state"] == "uploaded" and (move["was"] or {}).get("state") not in ("created", "expired")
            if kind is None or returned or kind in case.evidence["silent"]:
                continue
            written = [change for change in case.in_transaction[move["txid"]] if change["of"] == "callbacks" and change["was"] is None
                       and change["becomes"]["subject_id"] == upload and change["becomes"]["type"] == kind]
            if len(written) != 1:
                yield Violation("I6", f"became {move['becomes']['state']} with {len(written)} messages in the same transaction", upload)
    moved = {upload: {move["becomes"]["state"] for move in moves} for upload, moves in case.moves.items()}
    state_of = {kind: state for state, kind in TOLD.items()} | {READY: "published"}
    sequences = collections.Counter((row["subject_id"], row["sequence"]) for row in case.callbacks)
    for (upload, sequence), count in sequences.items():
        if count > 1:
            yield Violation("I6", f"has {count} messages of sequence {sequence}", upload)
    arrived, bodies = collections.Counter(), collections.defaultdict(set)
    for fact in case.by_kind["callback"]:
        if not fact["verified"]:
            yield Violation("I6", f"a callback's signature did not hold: {fact['problem']}")
            continue
        upload, message = fact["upload"], fact["message"]
        bodies[message].add(fact["sha256"])
        if fact["id"] != message or message not in rows:
            yield Violation("I6", f"the message {message} is in no table", upload)
        elif rows[message]["subject_id"] != upload or rows[message]["sequence"] != fact["sequence"]:
            yield Violation("I6", f"the message {message} says something else than its row", upload)
        elif not rows[message]["erased"] and rows[message]["sha256"] != fact["sha256"]:
            yield Violation("I6", f"the message {message} has other bytes than its row", upload)
        if fact["type"].startswith("package."):
            if 200 <= fact["status"] < 300:
                arrived[message] += 1
            continue
        if state_of[fact["type"]] not in moved.get(upload, ()):
            yield Violation("I6", f"was told to be {state_of[fact['type']]}, which it never was", upload)
        first = next((move["at"] for move in case.moves.get(upload, ()) if move["becomes"]["state"] == state_of[fact["type"]]), None)
        if first is not None and fact["at"] < first:
            yield Violation("I6", f"was told to be {state_of[fact['type']]} before it was", upload)
        if 200 <= fact["status"] < 300:
            arrived[message] += 1
    for message, digests in bodies.items():
        if len(digests) > 1:
            yield Violation("I6", f"the message {message} arrived with {len(digests)} different bodies", rows.get(message, {}).get("subject_id"))
    yield from variants_are_told(case)
    for row in case.callbacks:
        if row["state"] == "delivered" and not arrived[row["id"]]:
            yield Violation("I6", f"the message {row['id']} counts as delivered, and was never acknowledged", row["subject_id"])
        if row["state"] == "waiting":
            yield Violation("I6", f"the message {row['id']} has not been delivered", row["subject_id"])


def variants_are_told(case):
    """I6, and I1 of what is told."""
    for change in case.changes:
        if change["of"] != "callbacks" or change["was"] is not None or change["becomes"]["type"] != READY:
            continue
        upload = change["becomes"]["subject_id"]
        states = [move["becomes"]["state"] for move in case.moves.get(upload, ()) if move["n"] < change["n"]]
        if not states or states[-1] != "published":
            yield Violation("I6", f"its variants were told while it was {states[-1] if states else 'nothing'}", upload)
        if not any(each["of"] == "jobs" and each["was"] and each["becomes"] is None and each["was"]["kind"] == "make_variants"
                   and each["was"]["subject_id"] == upload for each in case.in_transaction[change["txid"]]):
            yield Violation("I6", "its variants were told by nobody who held their job", upload)
    for fact in case.by_kind["callback"]:
        for variant in (fact.get("variants") or ()) if fact["verified"] else ():
            upload, digits = fact["upload"], variant["url"].rsplit("&v=", 1)[-1]
            is_image = any(digest.startswith(digits) for _, digest in case.images[upload])
            if not is_image and not any(digest.startswith(digits) and at <= fact["at"] for digest, at in case.recorded[upload].items()):
                yield Violation("I1", f"its variant {variant['name']} was told and is not recorded", upload)


def resumed_bytes_are_kept(case):
    """C1."""
    yield from told_offsets_hold(case)
    yield from committed_offsets_hold(case)
    yield from chunks_are_kept_and_go(case)
    yield from object_is_put_once(case)
    found = set(case.resumables) | {row["upload_id"] for row in case.evidence["database"].get("part_uploads", ())}
    for upload in case.evidence.get("unfinished", ()):
        if upload not in found:
            yield Violation("C1", "the store has an unfinished multipart upload of it, and no row tells of that", upload)


def told_offsets_hold(case):
    """C1, of what clients were told. A URL is one file from its first byte on; one that is begun anew has another."""
    told, committed = collections.defaultdict(list), collections.defaultdict(list)
    for change in case.changes:
        if change["of"] == "resumables" and change["becomes"]:
            committed[change["becomes"]["upload_id"]].append((change["at"], change["becomes"]["received"]))
    for fact in case.by_kind["offset_told"]:
        upload, offset = fact["upload"], fact["offset"]
        earlier = told[upload, fact["resource"]]
        # An answer may be older than one to a later request.
        promised = max((before for n, before in earlier if n < fact["call"]), default=0)
        if offset < promised:
            yield Violation("C1", f"was asked for bytes from {offset} on after {promised} had been acknowledged", upload)
        earlier.append((fact["n"], offset))
        durable = max((received for at, received in committed[upload] if at <= fact["at"]), default=0)
        if offset > durable and case.has_object_since(upload) > fact["at"]:
            yield Violation("C1", f"{offset} bytes were acknowledged, and {durable} were committed by then", upload)


def committed_offsets_hold(case):
    """C1, of the rows."""
    for change in case.changes:
        if change["of"] != "resumables" or not change["becomes"]:
            continue
        was, becomes = change["was"] or {"beginning": 0, "received": 0, "epoch": 0, "state": "open"}, change["becomes"]
        upload, anew = becomes["upload_id"], becomes["beginning"] > was["beginning"]
        if becomes["epoch"] < was["epoch"]:
            yield Violation("C1", f"a connection of epoch {becomes['epoch']} changed it after one of epoch {was['epoch']}", upload)
        if becomes["beginning"] < was["beginning"] or (becomes["received"] < was["received"] and not anew):
            yield Violation("C1", f"its committed offset went from {was['received']} to {becomes['received']}", upload)
        if becomes["received"] > (0 if anew else was["received"]):
            at = 0 if anew else was["received"]
            added = sorted((row["first"], row["size"]) for row in (
                each["becomes"] for each in case.in_transaction[change["txid"]] if each["of"] == "chunks" and each["was"] is None)
                if row["upload_id"] == upload and row["beginning"] == becomes["beginning"])
            for first, size in added:
                at = at + size if first == at else float("nan")
            if at != becomes["received"]:
                yield Violation("C1", f"its offset was committed as {becomes['received']} without the chunks up to there", upload)
        state = case.state_before(upload, change)
        if becomes["state"] == "over" and (was["state"], state) in (("open", "created"), ("received", "created"), ("received", "expired")):
            yield Violation("C1", f"what had arrived was given up while it was {state}", upload)


def chunks_are_kept_and_go(case):
    """C1, of the chunks' rows and objects."""
    beginning = {}
    for change in case.changes:
        if change["of"] == "resumables" and change["becomes"]:
            beginning[change["becomes"]["upload_id"]] = change["becomes"]["beginning"]
        if change["of"] != "chunks" or change["becomes"]:
            continue
        upload = change["was"]["upload_id"]
        if case.state_before(upload, change) == "created" and change["was"]["beginning"] == beginning.get(upload):
            yield Violation("C1", "a chunk was removed while it waits for the rest", upload)
        if change["at"] > case.has_object_since(upload) + CHUNKS_STAY:
            yield Violation("C1", f"a chunk was kept {change['at'] - case.has_object_since(upload):.0f} s longer than it was needed", upload)
    for upload in {row["upload_id"] for row in case.evidence["database"].get("chunks", ())}:
        if case.evidence["now"] > case.has_object_since(upload) + CHUNKS_STAY:
            yield Violation("C1", f"a chunk is kept {case.evidence['now'] - case.has_object_since(upload):.0f} s longer than it was needed", upload)
    for key in case.evidence["incoming"]:
        if key.startswith("r/") and key.split("/")[1] not in case.resumables:
            yield Violation("C1", f"{key} is in the store, and no row tells of it", key.split("/")[1])


def object_is_put_once(case):
    """C1. Somebody who comes second is answered 412, or finds no such multipart upload."""
    received = {change["becomes"]["upload_id"] for change in case.changes
                if change["of"] == "resumables" and change["becomes"] and change["becomes"]["state"] == "received"}
    puts = collections.defaultdict(list)
    for fact in case.by_kind["store_request"]:
        if fact["bucket"] == "incoming" and (fact["method"] == "PUT" or fact.get("multipart") == "join"):
            puts[fact["key"]].append(fact["status"])
    for upload in received & set(case.uploads):
        answers = puts[case.uploads[upload]["key"]]
        if answers.count(200) > 1:
            yield Violation("C1", f"its object was put {answers.count(200)} times", upload)
        has_object = any(move["becomes"]["state"] == "uploaded" for move in case.moves[upload])
        # One that was not answered may have been done.
        by_client = any(fact.get("way") != "resumable" for kind in ("put_acknowledged", "put_unanswered") for fact in case.by_kind[kind]
                        if fact["upload"] == upload)
        if has_object and not by_client and not {200, None} & set(answers):
            yield Violation("C1", "it has an object that nobody put", upload)


def packages_end_once(case):
    """P1."""
    rows = {row["id"]: row for row in case.evidence["database"].get("packages", ())}
    moves, told = collections.defaultdict(list), collections.defaultdict(list)
    for change in case.changes:
        after = change["becomes"]
        if change["of"] == "packages" and after and (change["was"] or {}).get("state") != after["state"]:
            before = moves[after["id"]]
            if before and before[-1]["txid"] == change["txid"]:  # what others see is how the transaction leaves it
                change = {**change, "was": before.pop()["was"]}
            before.append(change)
        if change["of"] == "callbacks" and change["was"] is None and after["type"].startswith("package."):
            told[after["subject_id"]].append(change)
    for package, changes in moves.items():
        for change in changes:
            step = ((change["was"] or {}).get("state"), change["becomes"]["state"])
            if step not in PACKAGE_TRANSITIONS:
                yield Violation("P1", f"went from {step[0]} to {step[1]}", package)
        yield from package_is_told(package, changes, told.pop(package, []))
    for package in told:
        yield Violation("P1", "was told and is no package that was made", package)
    stored = {item["key"]: item for item in case.evidence.get("packages", ())}
    for row in rows.values():
        item = stored.pop(row["object_key"], None) if row["object_key"] else None
        if row["state"] != "ready" or row["mode"] != "store" or not row["object_key"]:
            continue
        if item is None:
            yield Violation("P1", "is ready, and its object is not in the store", row["id"])
        elif item["size"] != row["size"] or not item["sound"]:
            yield Violation("P1", f"its object has {item['size']} bytes of {row['size']}, or an entry whose sum does not hold", row["id"])
    for key in stored:
        yield Violation("P1", f"{key} is in the store, and no package's row names it")


def package_is_told(package, changes, told):
    """P1, of one package: what was told of it, by which transaction."""
    if changes[0]["becomes"]["mode"] != "store" and changes[0]["becomes"]["state"] != "preparing":
        if told:
            yield Violation("P1", "is streamed, and was told", package)
        return
    if len(told) > 1:
        yield Violation("P1", f"was told {len(told)} times", package)
    ready = next((change for change in changes if change["becomes"]["state"] == "ready"), None)
    failed = next((change for change in changes if change["becomes"]["state"] == "failed"), None)
    first = ready or failed
    if first is None:
        if told:
            yield Violation("P1", f"was told as {told[0]['becomes']['type']}, and is neither ready nor failed", package)
        return
    kind = "package.ready" if ready else "package.failed"
    is_deleted = changes[-1]["becomes"]["state"] == "deleted"
    if not told and (ready or not is_deleted):
        yield Violation("P1", f"became {first['becomes']['state']}, and nobody was told", package)
    for message in told[:1]:
        if message["becomes"]["type"] != kind:
            yield Violation("P1", f"was told as {message['becomes']['type']}", package)
        elif ready and message["txid"] != first["txid"]:
            yield Violation("P1", "was told to be ready by another transaction", package)
        elif message["n"] < first["n"] and message["txid"] != first["txid"]:
            yield Violation("P1", "was told to have failed before it had", package)


def transactions_are_short(case):
    """I7."""
    for fact in case.by_kind["idle_transaction"]:
        if fact["milliseconds"] > LONGEST_IDLE_TRANSACTION:
            yield Violation("I7", f"{fact['actor']} kept a transaction idle for {fact['milliseconds']:.0f} ms after: {fact['query']}")


def leases_hold(case):
    """I8. A lease is known by its token; it is its gateway's until it runs out."""
    holder = {}
    for change in case.changes:
        if change["of"] != "jobs":
            continue
        before, after = change["was"] or {}, change["becomes"] or {}
        had, has = before.get("lease_token"), after.get("lease_token")
        upload = before.get("subject_id") or after.get("subject_id")
        if has and has != had:
            if had:
                yield Violation("I8", f"a job was claimed by {change['actor']} while {holder.get(had)} held it", upload)
            holder[has] = change["actor"]
        elif had and not has and holder.get(had, change["actor"]) != change["actor"]:
            over = timestamp(before["lease_until"]) <= change["at"]
            reaped = over and change["becomes"] is not None
            spent = over and any(each["of"] == "uploads" and (each["becomes"] or {}).get("state") == "failed"
                                 for each in case.in_transaction[change["txid"]])
            if not (reaped or spent or by_owner(case, change["txid"])):
                yield Violation("I8", f"{change['actor']} ended a job that {holder[had]} held", upload)
    for upload, moves in case.moves.items():
        for move in moves:
            if (move["was"] or {}).get("state") != "processing" or move["becomes"]["state"] not in ("published", "rejected", "failed"):
                continue
            ended = [change for change in case.in_transaction[move["txid"]] if change["of"] == "jobs" and change["was"]
                     and change["was"]["subject_id"] == upload and change["was"]["kind"] == "process" and change["was"]["lease_token"]]
            if not ended:
                yield Violation("I8", f"became {move['becomes']['state']} by somebody who held no lease", upload)
            elif move["becomes"]["state"] != "failed" and holder.get(ended[0]["was"]["lease_token"]) not in (None, move["actor"]):
                yield Violation("I8", f"{move['actor']} made it {move['becomes']['state']} under a lease of {holder[ended[0]['was']['lease_token']]}",
                                upload)


def by_owner(case, txid):
    """A deletion or cancellation overrides the current worker."""
    return any(change["of"] == "uploads" and (change["becomes"] or {}).get("state") in ("deleted", "cancelled")
               for change in case.in_transaction[txid])


def nothing_leaks(case):
    """I9."""
    for leak in case.evidence["leaks"]:
        yield Violation("I9", f"{leak['what']} stands in {leak['where']}")


def events_are_kept(case):
    """I10."""
    kept = {change["becomes"]["event_id"]: change["at"] for change in case.changes if change["of"] == "inbox"}
    for fact in case.by_kind["event"]:
        status = fact["status"]
        if status is None or fact["fault"]:
            continue  # nothing was answered, or not by the gateway
        if not 200 <= status < 300 and status != 503:
            yield Violation("I10", f"the store's event was answered {status}")
        for key, identity in fact["records"] if 200 <= status < 300 else ():
            if key.startswith("u/") and "/probe/" not in key and kept.get(identity, float("inf")) > fact["at"] and not case.was_gone(key, fact) \
                    and not case.is_looked_for(key, fact):
                yield Violation("I10", f"the event of {key} was answered {status}, and was not stored by then")


def gone_is_gone(case):
    """t11, t12."""
    there = {item["key"] for item in case.evidence["public"]}
    kept = {row["upload_id"]: row["key"] for row in case.versions}
    private = set(case.evidence["originals"]) | set(case.evidence["incoming"])
    answered = {}
    for fact in case.by_kind["delete_answered"]:
        if fact["status"] in (200, 202):
            answered.setdefault(fact["upload"], fact)
    for upload, fact in answered.items():
        row = case.uploads.get(upload)
        if row is None:
            continue
        if row["state"] not in ("cancelled", "deleted"):
            yield Violation("t11", f"its removal was answered {fact['status']}, and it is {row['state']}", upload)
        if any(move["becomes"]["state"] == "published" and move["at"] > fact["at"] for move in case.moves[upload]):
            yield Violation("t11", "was published after its removal was answered", upload)
        if row["image_key"] in there or row["key"] in private or {f"o/{upload}", f"q/{upload}"} & private:
            yield Violation("t11", "is removed, and something of it is still in a bucket", upload)
        if upload in kept:
            yield Violation("t11", f"is removed, and its version {kept[upload]} is still recorded", upload)
        deleted = next((move["at"] for move in case.moves[upload] if move["becomes"]["state"] == "deleted"), 0)
        if any(key.startswith(f"v/{row['public_id']}/") and case.last_put(key) < deleted for key in there):
            yield Violation("t11", "is removed, and a version of it that was put before is still in a bucket", upload)
        for seen in case.by_kind["image_read"]:
            if seen["public_id"] == row["public_id"] and seen["status"] == 200 and fact["status"] == 200 and (seen["call"] or 0) > fact["n"]:
                yield Violation("t11", "was shown after its removal was answered", upload)


def states_follow(case):
    for upload, moves in case.moves.items():
        state = None
        for move in moves:
            before = (move["was"] or {}).get("state")
            if before != state:
                yield Violation("states", f"went from {before}, and was {state}", upload)
            state = move["becomes"]["state"]
            if (before, state) not in TRANSITIONS:
                yield Violation("states", f"went from {before} to {state}", upload)
        if upload in case.uploads and case.uploads[upload]["state"] != state:
            yield Violation("states", f"is {case.uploads[upload]['state']}, and went last to {state}", upload)
    for upload in case.uploads:
        if upload not in case.moves:
            yield Violation("states", "has a row that no transaction made", upload)
    yield from no_client_sees_it_go_back(case)


def no_client_sees_it_go_back(case):
    """Each state that was read must be found in the upload's moves, at or after the one that was read before."""
    place = {}
    for fact in sorted(case.by_kind["read"] + case.by_kind["created"], key=lambda fact: fact["n"]):
        upload = fact["upload"]
        chain = [move["becomes"]["state"] for move in case.moves.get(upload, ())]
        # A request that was asked before another was answered may have been answered by the earlier state.
        asked = fact.get("call")
        earliest = max((found for answered_at, found in place.get(upload, ()) if asked is None or answered_at < asked), default=0)
        later = [index for index, state in enumerate(chain) if state == fact["state"] and index >= earliest]
        if not later and fact["fact"] != "created":
            yield Violation("states", f"was read as {fact['state']} after {chain[earliest:earliest + 1]}", upload)
        elif later:
            place.setdefault(upload, []).append((fact["n"], later[0]))


def timestamp(text):
    """Seconds since 1970, of what PostgreSQL or the store write."""
    import datetime
    text = text.replace("Z", "+00:00")
    if re.search(r"[+-]\d\d$", text):
        text += ":00"
    return datetime.datetime.fromisoformat(re.sub(r"\.(\d+)", lambda m: "." + (m[1] + "000000")[:6], text)).timestamp()


def main():
    with open(sys.argv[1]) as file:
        found = check(json.load(file))
    for violation in found:
        print(violation)
    print(f"{len(found)} violations")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
