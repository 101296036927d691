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


@caught_by("I10")
def poison_event_refused(run):
    """One 4xx, and the store repeats this event for ever before any other."""
    next(f for f in run.facts if f["fact"] == "event")["status"] = 400


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


# ---- the tests --------------------------------------------------------------------------------------------------------------------

def test_genuine_run_has_no_violation(genuine):
    assert checker.check(genuine) == []


def test_plants_at_least_twenty_bugs_and_covers_every_invariant():
    assert len(BUGS) >= 20
    assert {invariant for invariant, _ in BUGS.values()} == {*(f"I{n}" for n in range(1, 11)), "T1", "t11", "states"}


@pytest.mark.parametrize("name", BUGS)
def test_catches_planted_bug(genuine, name):
    invariant, plant = BUGS[name]
    run = Run(genuine)
    plant(run)
    assert run.evidence != genuine, "nothing was planted"
    found = checker.check(run.evidence)
    assert invariant in {violation.invariant for violation in found}, [str(each) for each in found]
