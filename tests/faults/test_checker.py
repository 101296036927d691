"""Tests the checker: bugs are planted in the recording of a genuine run, and each is caught by the invariant it breaks.

The recording is tests/data/histories/genuine.json (tests/faults/record_run.py made it): six uploads, one of them processed twice
because a gateway was killed with it in its hands, a rejection, a cancellation, a deletion, repeated creations.
"""
import copy
import hashlib
import json
import pathlib

import pytest

from tests.rig import checker

GENUINE = pathlib.Path(__file__).resolve().parent.parent / "data" / "histories" / "genuine.json"
BUGS = {}

pytestmark = pytest.mark.fast


def caught_by(invariant):
    def keep(plant):
        BUGS[plant.__name__] = (invariant, plant)
        return plant

    return keep


@pytest.fixture(scope="module")
def genuine():
    return json.loads(GENUINE.read_text())


class Run:
    """A copy of the evidence, with functions to falsify it."""

    def __init__(self, evidence):
        self.evidence = copy.deepcopy(evidence)
        self.facts = self.evidence["facts"]
        self.database = self.evidence["database"]
        self.changes = self.database["changes"]

    def fact(self, kind, **wanted):
        return next(f for f in self.facts if f["fact"] == kind and all(f.get(name) == value for name, value in wanted.items()))

    def row(self, state):
        return next(row for row in self.database["uploads"] if row["state"] == state)

    def move(self, upload, state):
        return next(c for c in self.changes if c["of"] == "uploads" and c["becomes"] and c["becomes"]["id"] == upload
                    and c["becomes"]["state"] == state and (c["was"] or {}).get("state") != state)

    def twice(self):
        """The upload that two gateways processed, one after the other."""
        claims = {}
        for change in self.changes:
            after = change["becomes"] or {}
            if change["of"] == "jobs" and after.get("lease_token") and after["kind"] == "process":
                claims.setdefault(after["subject_id"], []).append(change)
        return next((upload, each) for upload, each in claims.items() if len(each) > 1)

    def add(self, kind, **fields):
        last = self.facts[-1]
        self.facts.append({"n": last["n"] + 1, "at": last["at"] + 1, "who": "planted", "fact": kind, **fields})

    def change(self, at, of, was, becomes, actor="gateway0.1", txid=None):
        """One more change; returns its transaction."""
        n = max(c["n"] for c in self.changes) + 1
        self.changes.append({"n": n, "at": at, "txid": txid or 10_000_000 + n, "actor": actor, "of": of, "was": was, "becomes": becomes})
        return self.changes[-1]["txid"]


# ---- what may go wrong, one function each -----------------------------------------------------------------------------------------

@caught_by("I8")
def fence_skipped(run):
    """The killed gateway comes back and publishes under its lease, which another has by now."""
    upload, claims = run.twice()
    run.move(upload, "published")["actor"] = claims[0]["actor"]


@caught_by("I8")
def lease_not_given_back(run):
    """A job is claimed while another gateway's lease is valid."""
    upload, claims = run.twice()
    claims[1]["was"] = dict(claims[0]["becomes"])


@caught_by("I8")
def reaped_too_early(run):
    """A lease is taken from a living worker."""
    upload, claims = run.twice()
    reap = next(c for c in run.changes if c["of"] == "jobs" and c["was"] and c["was"]["lease_token"] == claims[0]["becomes"]["lease_token"])
    reap["was"]["lease_until"] = "2099-01-01T00:00:00+00:00"


@caught_by("I8")
def published_without_lease(run):
    row = run.row("published")
    transaction = run.move(row["id"], "published")["txid"]
    run.changes[:] = [c for c in run.changes if not (c["of"] == "jobs" and c["txid"] == transaction and c["was"])]


@caught_by("T1")
def acknowledged_before_commit(run):
    """The 201 goes out, and the row only follows."""
    row = run.row("published")
    created = run.fact("created", upload=row["id"])
    run.move(row["id"], "created")["at"] = created["at"] + 0.5


@caught_by("T1")
def acknowledged_and_never_committed(run):
    row = run.row("cancelled")
    run.database["uploads"].remove(row)
    run.changes[:] = [c for c in run.changes if c["of"] != "uploads" or (c["becomes"] or {}).get("id") != row["id"]]


@caught_by("T1")
def lost_idempotency(run):
    """A repeated creation makes a second upload."""
    first = next(f for f in run.facts if f["fact"] == "created" and f["idempotency_key"])
    other = next(f for f in run.facts if f["fact"] == "created" and f["upload"] != first["upload"])
    run.add("created", **{**{k: v for k, v in other.items() if k not in ("n", "at", "who", "fact")},
                          "idempotency_key": first["idempotency_key"], "request": first["request"]})


@caught_by("T1")
def idempotency_key_forgotten(run):
    run.database["idempotency_keys"].pop()


@caught_by("T1")
def idempotency_key_serves_another_request(run):
    first = next(f for f in run.facts if f["fact"] == "created" and f["idempotency_key"])
    again = [f for f in run.facts if f["fact"] == "created" and f["idempotency_key"] == first["idempotency_key"]][1]
    again["request"] = "0" * 64


@caught_by("I1")
def original_published_as_it_was(run):
    """Private bytes in the public bucket."""
    row = run.row("published")
    sent = run.fact("put_acknowledged", upload=row["id"])
    run.evidence["public"].append({"key": f"p/{row['public_id']}/{sent['sha256'][:16]}.jpg", "modified": "2026-11-21T07:00:00.000Z",
                                   "size": sent["size"], "sha256": sent["sha256"], "canaries": []})


@caught_by("I1")
def metadata_left_in_the_image(run):
    run.evidence["public"][0]["canaries"] = ["SECRET-SERIAL"]


@caught_by("I1")
def published_object_overwritten(run):
    item = run.evidence["public"][0]
    item["sha256"] = item["sha256"][:16] + "f" * 48


@caught_by("I1")
def loser_never_swept(run):
    row = run.row("published")
    run.evidence["public"].append({"key": f"p/{row['public_id']}/{'ab' * 8}.jpg", "modified": "2026-11-18T07:00:00.000Z", "size": 5,
                                   "sha256": "ab" * 32, "canaries": []})


@caught_by("I1")
def stranger_in_the_public_bucket(run):
    run.evidence["public"].append({"key": "index.html", "modified": "2026-11-21T07:00:00.000Z", "size": 5, "sha256": "ab" * 32, "canaries": []})


@caught_by("I2")
def event_lost_and_never_reconciled(run):
    """The object is there, its upload stays created for ever."""
    row = run.row("rejected")
    row["state"] = "created"
    first = run.move(row["id"], "uploaded")["n"]
    run.changes[:] = [c for c in run.changes if c["of"] != "uploads" or (c["becomes"] or {}).get("id") != row["id"] or c["n"] < first]


@caught_by("I2")
def job_lost(run):
    """Received, and its job is gone: it stays uploaded."""
    row = run.row("rejected")
    row["state"] = "uploaded"


@caught_by("I2")
def original_removed_too_early(run):
    row = run.row("published")
    removal = run.fact("store_request", method="DELETE", key=row["key"])
    removal["asked_at"] = run.move(row["id"], "processing")["at"]


@caught_by("I2")
def good_photo_rejected_as_gone(run):
    row = run.row("published")
    row["state"], row["rejection_code"] = "rejected", "gone"


@caught_by("I2")
def public_object_lost(run):
    row = run.row("published")
    run.evidence["public"][:] = [item for item in run.evidence["public"] if item["key"] != row["image_key"]]


@caught_by("I2")
def cancelled_by_nobody(run):
    run.row("published")["state"] = "cancelled"


@caught_by("I3")
def published_twice_differently(run):
    """Two workers, two encodings, both published."""
    row = run.row("published")
    move = run.move(row["id"], "published")
    other = hashlib.sha256(b"other pixels").hexdigest()
    run.change(move["at"] + 0.1, "uploads", dict(move["becomes"]),
               {**move["becomes"], "image_key": f"p/{row['public_id']}/{other[:16]}.jpg", "image_sha256": other})


@caught_by("I3")
def told_as_another_image(run):
    told = run.fact("callback", type="upload.published")
    run.add("callback", **{**{k: v for k, v in told.items() if k not in ("n", "at", "who", "fact")}, "image": {**told["image"], "width": 1}})


@caught_by("I3")
def shown_with_other_bytes(run):
    shown = run.fact("image_read", status=200)
    run.add("image_read", **{**{k: v for k, v in shown.items() if k not in ("n", "at", "who", "fact")}, "sha256": "cd" * 32})


@caught_by("I4")
def copied_instead_of_put(run):
    row = run.row("published")
    run.fact("store_request", method="PUT", key=row["image_key"])["copy_source"] = f"incoming/{row['key']}"


@caught_by("I4")
def fetched_unpinned(run):
    row = run.row("published")
    run.fact("store_request", method="GET", key=row["key"])["if_match"] = None


@caught_by("I4")
def judged_other_bytes_than_were_sent(run):
    run.row("published")["found_sha256"] = "12" * 32


@caught_by("I4")
def pinned_another_object_than_judged(run):
    run.row("published")["pinned_etag"] = "0" * 32


@caught_by("I4")
def published_before_the_put(run):
    row = run.row("published")
    for fact in run.facts:
        if fact["fact"] == "store_request" and fact["key"] == row["image_key"]:
            fact["asked_at"] = run.move(row["id"], "published")["at"] + 1


@caught_by("I5")
def originals_listed_by_strangers(run):
    next(asked for asked in run.evidence["anonymous"] if asked["bucket"] == "originals")["status"] = 200


@caught_by("I5")
def strangers_not_tried(run):
    run.evidence["anonymous"].clear()


@caught_by("I6")
def outbox_outside_the_transaction(run):
    row = run.row("published")
    transaction = run.move(row["id"], "published")["txid"]
    next(c for c in run.changes if c["of"] == "callbacks" and c["txid"] == transaction)["txid"] += 1_000_000


@caught_by("I6")
def two_messages_for_one_end(run):
    row = run.row("published")
    transaction = run.move(row["id"], "published")["txid"]
    written = next(c for c in run.changes if c["of"] == "callbacks" and c["txid"] == transaction)
    run.change(written["at"], "callbacks", None, {**written["becomes"], "id": "msg_second", "sequence": 9}, txid=transaction)


@caught_by("I6")
def message_never_sent(run):
    message = run.fact("callback", type="upload.published")["message"]
    run.facts[:] = [f for f in run.facts if f.get("message") != message]


@caught_by("I6")
def told_of_a_state_it_never_had(run):
    told = run.fact("callback", type="upload.rejected")
    other = run.fact("callback", type="upload.published")
    told["upload"] = other["upload"]


@caught_by("I6")
def body_rebuilt_for_the_second_attempt(run):
    told = run.fact("callback", type="upload.received")
    run.add("callback", **{**{k: v for k, v in told.items() if k not in ("n", "at", "who", "fact")}, "sha256": "34" * 32})


@caught_by("I6")
def signed_with_the_wrong_key(run):
    told = run.fact("callback", type="upload.published")
    told["verified"], told["problem"] = False, "no signature matches"


@caught_by("I6")
def told_before_it_was_true(run):
    told = run.fact("callback", type="upload.published")
    told["at"] = run.move(told["upload"], "published")["at"] - 0.2


@caught_by("I7")
def transaction_open_while_decoding(run):
    run.add("idle_transaction", actor="gateway0.1", milliseconds=2300.0, query="select * from jobs for update")


@caught_by("I9")
def signed_url_in_the_log(run):
    run.evidence["leaks"].append({"where": "the log", "what": "X-Amz-Signature=0123456789abcdef"})


@caught_by("I10")
def event_acknowledged_before_it_is_stored(run):
    event = next(f for f in run.facts if f["fact"] == "event" and f["status"] == 200 and "probe/" not in f["records"][0][0])
    identity = event["records"][0][1]
    next(c for c in run.changes if c["of"] == "inbox" and c["becomes"]["event_id"] == identity)["at"] = event["at"] + 60


def leave_to_a_job(run, seconds):
    """The store refuses to show an event's object: a job is written so many seconds after the answer, and the event is not."""
    event = next(f for f in run.facts if f["fact"] == "event" and f["status"] == 200 and "probe/" not in f["records"][0][0])
    key, identity = event["records"][0]
    run.changes[:] = [c for c in run.changes if c["of"] != "inbox" or c["becomes"]["event_id"] != identity]
    run.change(event["at"] + seconds, "jobs", None, {"id": 1_000, "subject_id": key.rsplit("/", 1)[1], "generation": 0, "kind": "find_object",
                                                     "attempt": 0, "crashes": 0, "lease_token": None, "lease_until": None})


@caught_by("I10")
def job_that_looks_again_written_after_the_answer(run):
    leave_to_a_job(run, 1)


@caught_by("I10")
def poison_event_refused(run):
    """One 4xx, and the store repeats this event for ever before any other."""
    next(f for f in run.facts if f["fact"] == "event")["status"] = 400


def add_version(run, state="published", at=None):
    """A version of an upload's image, made and shown; returns the row of its upload and what the bucket has."""
    row = run.row(state)
    digest = hashlib.sha256(b"a version").hexdigest()
    key = f"v/{row['public_id']}/{'0' * 16}-{digest[:16]}.webp"
    version = {"upload_id": row["id"], "role": "version", "spec_key": "2.reencode.160", "key": key, "sha256": digest, "state": "live"}
    at = at or run.move(row["id"], "published")["at"] + 0.1
    run.change(at, "images", None, version)
    run.add("store_request", method="PUT", bucket="public", key=key, status=200, if_match=None, copy_source=None, asked_at=at - 0.1, fault=None)
    run.facts[-1]["at"] = at - 0.05
    item = {"key": key, "modified": run.evidence["public"][0]["modified"], "sha256": digest, "size": 9, "canaries": []}
    run.evidence["public"].append(item)
    if state == "published":
        run.database.setdefault("images", []).append(version)
        run.add("image_read", call=0, public_id=row["public_id"], path=f"/i/{row['public_id']}?width=160", status=200, sha256=digest, content_type="image/webp")
    return row, item


@caught_by("I1")
def version_of_nobodys_image(run):
    run.evidence["public"].append({**add_version(run)[1], "key": f"v/{'z' * 26}/{'0' * 16}-{'0' * 16}.webp"})


@caught_by("I1")
def version_that_is_a_clients_bytes(run):
    add_version(run)[1]["sha256"] = run.fact("put_acknowledged")["sha256"]


@caught_by("I1")
def version_shown_before_it_was_recorded(run):
    add_version(run)
    run.changes[-1]["at"] = run.facts[-1]["at"] + 1


@caught_by("I1")
def version_shown_that_was_never_recorded(run):
    row, _ = add_version(run)
    run.add("image_read", call=0, public_id=row["public_id"], path=f"/i/{row['public_id']}?width=240", status=200, sha256="0" * 64, content_type="image/webp")


@caught_by("I2")
def version_recorded_whose_object_is_gone(run):
    run.evidence["public"].remove(add_version(run)[1])


@caught_by("t11")
def version_that_outlives_its_upload(run):
    add_version(run, "deleted")


@caught_by("t11")
def row_of_a_version_that_outlives_its_upload(run):
    row, item = add_version(run, "deleted")
    run.evidence["public"].remove(item)
    run.database.setdefault("images", []).append({"upload_id": row["id"], "role": "version", "spec_key": "k", "key": item["key"], "sha256": "x", "state": "removing"})


@caught_by("t11")
def published_after_its_cancellation(run):
    row = run.row("cancelled")
    last = run.move(row["id"], "cancelled")
    run.change(last["at"] + 30, "uploads", {**last["becomes"]}, {**last["becomes"], "state": "published", "image_key": "p/x", "image_sha256": "x"})


@caught_by("t11")
def deleted_and_still_there(run):
    row = run.row("deleted")
    run.evidence["originals"].append(f"o/{row['id']}")


@caught_by("t11")
def shown_after_its_deletion(run):
    row = run.row("deleted")
    run.add("image_read", call=10_000_000, public_id=row["public_id"], path=f"/i/{row['public_id']}", status=200, sha256=None, content_type="image/jpeg")


@caught_by("states")
def state_moved_backwards(run):
    row = run.row("published")
    last = run.move(row["id"], "published")
    run.change(last["at"] + 1, "uploads", {**last["becomes"]}, {**last["becomes"], "state": "uploaded"})


def add_ready(run, state="published"):
    """A variant made by a job, and told; returns the row of its upload, the change of its message and what was told."""
    row, _ = add_version(run, state)
    made = next(c for c in run.changes if c["of"] == "images")
    at = made["at"] + 0.1
    job = {"id": 999, "subject_id": row["id"], "generation": 1, "kind": "make_variants", "attempt": 1, "lease_token": "t" * 32,
           "lease_until": "2099-01-01T00:00:00+00:00"}
    run.change(at - 0.05, "jobs", None, {**job, "lease_token": None, "attempt": 0})
    run.change(at - 0.04, "jobs", {**job, "lease_token": None, "attempt": 0}, job)
    sequence = max(c["sequence"] for c in run.database["callbacks"] if c["subject_id"] == row["id"]) + 1
    message = {"id": "msg_ready", "subject_id": row["id"], "type": "variant.ready", "sequence": sequence, "state": "delivered", "attempts": 1,
               "sha256": "5" * 64, "erased": False}
    transaction = run.change(at, "jobs", job, None)
    run.change(at, "callbacks", None, message, txid=transaction)
    run.database["callbacks"].append(message)
    variant = {"name": "thumb", "url": f"http://x/i/{row['public_id']}?variant=thumb&v={made['becomes']['sha256'][:8]}"}
    told = {"message": "msg_ready", "verified": True, "problem": "", "sha256": "5" * 64, "status": 204, "id": "msg_ready", "type": "variant.ready",
            "upload": row["id"], "state": "published", "sequence": sequence, "image": None, "variants": [variant]}
    run.add("callback", **told)
    run.facts[-1]["at"] = max(run.facts[-1]["at"], at + 0.1)
    return row, next(c for c in run.changes if c["of"] == "callbacks" and c["becomes"] is message), run.facts[-1]


@caught_by("I1")
def variant_told_that_nobody_recorded(run):
    add_ready(run)[2]["variants"][0]["url"] = "http://x/i/y?variant=thumb&v=00000000"


@caught_by("I1")
def variant_told_before_it_was_recorded(run):
    _, _, told = add_ready(run)
    made = next(c for c in run.changes if c["of"] == "images")
    made["at"] = told["at"] + 1


@caught_by("I6")
def variants_told_without_their_job(run):
    add_ready(run)[1]["txid"] += 1_000_000


@caught_by("I6")
def variants_told_of_a_deleted_upload(run):
    add_ready(run, "deleted")


@caught_by("states")
def a_client_sees_it_go_back(run):
    read = next(f for f in run.facts if f["fact"] == "read" and f["state"] == "published")
    run.add("read", call=run.facts[-1]["n"], upload=read["upload"], state="uploaded", sha256=None)


@caught_by("states")
def committed_state_lost(run):
    """The database came back from its crash without the last commit."""
    row = run.row("published")
    move = run.move(row["id"], "published")
    run.changes[:] = [c for c in run.changes if c["txid"] != move["txid"]]


# ---- resumable uploads

class Resumable:
    """Tells the published upload's story anew: its file came through two connections, in two chunks, and was assembled once."""

    def __init__(self, run):
        self.run, self.row = run, run.row("published")
        self.id, self.size = self.row["id"], self.row["pinned_size"]
        created, self.uploaded = run.move(self.id, "created"), run.move(self.id, "uploaded")
        self.n, self.at, self.step = created["n"], created["at"], (self.uploaded["at"] - created["at"]) / 20
        self.transactions = 0
        self.stands = None
        self.inserted, self.told = [], []
        run.fact("put_acknowledged", upload=self.id)["way"] = "resumable"
        self.became(beginning=0, epoch=1, received=0, length=self.size, state="open")
        self.came(0, 100)
        self.tell(100)
        self.became(epoch=2)
        self.tell(100)
        self.came(100, self.size - 100, state="received")
        self.put = {"method": "PUT", "bucket": "incoming", "key": self.row["key"], "status": 200, "if_match": None, "copy_source": None,
                    "asked_at": self.at, "fault": None}
        run.add("store_request", **self.put)
        self.put = run.facts[-1]
        self.tell(self.size)
        self.n, self.at = self.uploaded["n"], self.uploaded["at"]
        self.ended = self.became(epoch=3, state="over")
        self.removed = [self.change("chunks", change["becomes"], None) for change in self.inserted]
        run.database["resumables"], run.database["chunks"] = [self.stands], []
        run.evidence["unfinished"] = []

    def change(self, of, was, becomes):
        self.n += 0.01
        self.at += self.step / 10
        made = {"n": self.n, "at": self.at, "txid": 20_000_000 + self.transactions, "actor": "gateway0.1", "of": of, "was": was, "becomes": becomes}
        self.run.changes.append(made)
        return made

    def became(self, **changes):
        self.transactions += 1
        was, self.stands = self.stands, {"upload_id": self.id, **(self.stands or {}), **changes}
        return self.change("resumables", was, self.stands)

    def came(self, first, size, **changes):
        moved = self.became(received=self.stands["received"] + size, **changes)
        chunk = {"upload_id": self.id, "beginning": 0, "first": first, "size": size, "epoch": self.stands["epoch"]}
        self.inserted.append(self.change("chunks", None, chunk))
        return moved

    def tell(self, offset, at=None):
        self.at += self.step
        self.run.add("offset_asked", upload=self.id, method="HEAD")
        call = self.run.facts[-1]["n"]
        self.run.add("offset_told", call=call, upload=self.id, resource=f"http://x/u/t/r/{self.id}", method="HEAD", status=200, offset=offset)
        self.run.facts[-1]["at"] = self.at if at is None else at
        self.told.append(self.run.facts[-1])
        return self.run.facts[-1]


@caught_by("C1")
def acknowledged_bytes_asked_for_again(run):
    Resumable(run).told[1]["offset"] = 50


@caught_by("C1")
def offset_told_before_its_commit(run):
    file = Resumable(run)
    file.told[0]["at"] = file.inserted[0]["at"] - file.step


@caught_by("C1")
def committed_offset_falls(run):
    file = Resumable(run)
    file.n, file.at = file.inserted[0]["n"] + 0.001, file.inserted[0]["at"]
    was = dict(file.stands) | {"received": 100, "epoch": 1, "state": "open"}
    file.change("resumables", was, {**was, "received": 50})


@caught_by("C1")
def offset_committed_without_its_chunk(run):
    file = Resumable(run)
    run.changes.remove(file.inserted[0])


@caught_by("C1")
def chunks_with_a_hole_between(run):
    Resumable(run).inserted[1]["becomes"]["first"] = 120


@caught_by("C1")
def chunk_recorded_by_another_transaction(run):
    Resumable(run).inserted[1]["txid"] += 1_000


@caught_by("C1")
def older_connection_appends(run):
    """The fence is skipped: a connection of the first epoch writes after that of the second."""
    Resumable(run)
    moved = next(c for c in run.changes if c["of"] == "resumables" and c["becomes"]["state"] == "received")
    moved["becomes"] = {**moved["becomes"], "epoch": 1}


@caught_by("C1")
def chunk_removed_while_it_waits(run):
    file = Resumable(run)
    file.removed[0]["n"] = file.inserted[1]["n"] + 0.001


@caught_by("C1")
def given_up_while_it_waits(run):
    file = Resumable(run)
    file.ended["n"] = file.inserted[1]["n"] + 0.001


@caught_by("C1")
def chunk_left_in_its_table(run):
    file = Resumable(run)
    run.changes.remove(file.removed[0])
    run.database["chunks"] = [file.inserted[0]["becomes"]]
    run.evidence["now"] = file.uploaded["at"] + 600


@caught_by("C1")
def chunk_removed_much_later(run):
    file = Resumable(run)
    file.removed[0]["at"] = file.uploaded["at"] + 600


@caught_by("C1")
def chunk_in_the_store_that_no_row_finds(run):
    file = Resumable(run)
    run.database["resumables"] = []
    run.evidence["incoming"].append(f"r/{file.id}/0/000000000000-1")


@caught_by("C1")
def object_assembled_twice(run):
    file = Resumable(run)
    run.add("store_request", **{name: value for name, value in file.put.items() if name not in ("n", "at", "who", "fact")})


@caught_by("C1")
def object_that_nobody_assembled(run):
    run.facts.remove(Resumable(run).put)


@caught_by("C1")
def multipart_upload_that_no_row_finds(run):
    run.evidence["unfinished"] = [run.row("published")["id"]]


# ---- packages

PACKAGE = "pkg_06gzt28m4s3y75d9tx2cjksrzr"


def add_package(run, *states, told=None, mode="store", **item):
    """One more package with these states, one after the other; its callback is written with the last, or as `told` says."""
    at, was, txid = run.facts[-1]["at"], None, None
    for state in states:
        becomes = {"id": PACKAGE, "mode": mode, "state": state}
        txid = run.change(at, "packages", was, becomes)
        was = becomes
    kind = {"ready": "package.ready", "failed": "package.failed"}.get(states[-1]) if told is None else told
    if kind:
        message = {"id": "msg_06gzt28m6aa7fhxx801nd9sqbh", "subject_id": PACKAGE, "type": kind, "sequence": 1, "state": "delivered", "attempts": 1}
        run.change(at, "callbacks", None, {**message, "state": "waiting", "attempts": 0}, txid=txid)
        run.database["callbacks"].append({**message, "erased": False, "sha256": "5" * 64})
        run.add("callback", id=message["id"], message=message["id"], type=kind, upload=PACKAGE, sequence=1, sha256="5" * 64, status=204, verified=True,
                problem="", state=states[-1], image=None)
    there = states[-1] == "ready" and mode == "store"
    run.database["packages"] = [{"id": PACKAGE, "mode": mode, "state": states[-1], "size": 100, "object_key": f"z/{PACKAGE}.zip" if there else None,
                                 "multipart": None}]
    run.evidence["packages"] = [{"key": f"z/{PACKAGE}.zip", "size": 100, "sound": True, **item}] if there or item else []


BUILT = ("queued", "building", "ready")


@caught_by("P1")
def package_ready_and_nobody_told(run):
    add_package(run, *BUILT, told="")


@caught_by("P1")
def package_told_twice(run):
    add_package(run, *BUILT)
    message = next(c for c in run.changes if c["of"] == "callbacks" and c["becomes"]["subject_id"] == PACKAGE)
    run.change(message["at"], "callbacks", None, {**message["becomes"], "id": "msg_06gzt28m6aa7fhxx801nd9sqbj"}, txid=message["txid"])


@caught_by("P1")
def package_told_as_failed_that_is_ready(run):
    add_package(run, *BUILT, told="package.failed")


@caught_by("P1")
def package_told_beside_its_transaction(run):
    add_package(run, *BUILT)
    next(c for c in run.changes if c["of"] == "callbacks" and c["becomes"]["subject_id"] == PACKAGE)["txid"] += 1


@caught_by("P1")
def package_built_after_it_had_failed(run):
    add_package(run, "queued", "building", "failed", "building", "ready")


@caught_by("P1")
def package_object_shorter_than_recorded(run):
    add_package(run, *BUILT, size=99)


@caught_by("P1")
def package_object_with_other_bytes(run):
    add_package(run, *BUILT, sound=False)


@caught_by("P1")
def package_object_away(run):
    add_package(run, *BUILT)
    run.evidence["packages"] = []


@caught_by("P1")
def package_object_left_over(run):
    add_package(run, "queued", "building", "deleted", size=100)


@caught_by("P1")
def package_streamed_and_told(run):
    add_package(run, "ready", mode="stream", told="package.ready")


@caught_by("P1")
def package_prepared_and_nobody_told(run):
    add_package(run, "preparing", "ready", mode="stream", told="")


@caught_by("P1")
def package_failed_while_it_was_prepared_and_nobody_told(run):
    add_package(run, "preparing", "failed", mode="stream", told="")


@caught_by("P1")
def package_prepared_again_after_it_was_ready(run):
    add_package(run, "preparing", "ready", "preparing", "ready", mode="stream")


# ---- the tests --------------------------------------------------------------------------------------------------------------------

def test_genuine_run_has_no_violation(genuine):
    assert checker.check(genuine) == []


@pytest.mark.parametrize("states", [BUILT, (*BUILT, "deleted"), ("queued", "building", "failed"), ("queued", "failed"), ("queued", "deleted"),
                                    (*BUILT, "failed")])
def test_package_that_ended_once_and_was_told_is_no_violation(genuine, states):
    run = Run(genuine)
    told = next((f"package.{state}" for state in states if state in ("ready", "failed")), "")
    if "ready" in states:
        add_package(run, *BUILT)
        was = {"id": PACKAGE, "mode": "store", "state": "ready"}
        for state in states[3:]:
            run.change(run.facts[-1]["at"], "packages", was, {**was, "state": state})
            run.database["packages"][0] |= {"state": state, "object_key": None}
            run.evidence["packages"] = []
    else:
        add_package(run, *states, told=told)
    assert checker.check(run.evidence) == []


@pytest.mark.parametrize(("mode", "states"), [("stream", ("preparing", "ready")), ("store", ("preparing", *BUILT)), ("stream", ("preparing", "failed")),
                                              ("stream", ("preparing", "deleted"))])
def test_package_whose_versions_were_made_first_is_no_violation(genuine, mode, states):
    run = Run(genuine)
    add_package(run, *states, mode=mode)
    assert checker.check(run.evidence) == []


def test_package_is_as_its_transaction_leaves_it(genuine):
    """One that is to be prepared is inserted as if it were ready."""
    run = Run(genuine)
    add_package(run, "ready", "preparing", "ready", mode="stream")
    first, second = [change for change in run.changes if change["of"] == "packages"][:2]
    second["txid"] = first["txid"]
    assert checker.check(run.evidence) == []


def test_a_file_that_came_piece_by_piece_is_no_violation(genuine):
    run = Run(genuine)
    Resumable(run)
    assert checker.check(run.evidence) == []


def test_a_file_that_was_begun_anew_is_no_violation(genuine):
    run = Run(genuine)
    file = Resumable(run)
    anew = {**file.stands, "beginning": 1, "epoch": 4, "received": 0, "state": "open"}
    file.change("resumables", file.stands, anew)
    run.database["resumables"] = [anew]
    assert checker.check(run.evidence) == []


def test_an_answer_that_is_overtaken_by_a_newer_one_is_no_violation(genuine):
    run = Run(genuine)
    file = Resumable(run)
    late = file.tell(0, at=file.at)
    late["call"] = file.told[0]["call"]
    assert checker.check(run.evidence) == []


def test_an_event_that_was_left_to_a_job_is_no_violation(genuine):
    run = Run(genuine)
    leave_to_a_job(run, -0.0001)
    assert checker.check(run.evidence) == []


def test_a_version_that_was_made_and_shown_is_no_violation(genuine):
    run = Run(genuine)
    add_version(run)
    assert checker.check(run.evidence) == []


def test_variants_that_a_job_made_and_told_are_no_violation(genuine):
    run = Run(genuine)
    add_ready(run)
    assert checker.check(run.evidence) == []


def test_a_version_that_a_dying_gateway_put_after_the_deletion_is_the_orphan_collectors(genuine):
    run = Run(genuine)
    row = run.row("deleted")
    _, item = add_version(run, "deleted", run.move(row["id"], "deleted")["at"] + 0.5)
    run.changes.pop()  # it was never recorded
    run.evidence["now"] = checker.timestamp(item["modified"]) + 60
    assert checker.check(run.evidence) == []


def test_plants_at_least_twenty_bugs_and_covers_every_invariant():
    assert len(BUGS) >= 20
    assert {invariant for invariant, _ in BUGS.values()} == {*(f"I{n}" for n in range(1, 11)), "C1", "P1", "T1", "t11", "states"}


@pytest.mark.parametrize("name", BUGS)
def test_catches_planted_bug(genuine, name):
    invariant, plant = BUGS[name]
    run = Run(genuine)
    plant(run)
    assert run.evidence != genuine, "nothing was planted"
    found = checker.check(run.evidence)
    assert invariant in {violation.invariant for violation in found}, [str(each) for each in found]
