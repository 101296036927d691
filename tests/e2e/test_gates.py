"""Before a grant and before a publication the app's hook is asked, and before anything is decoded the malware scanner: nothing passes
without a verdict, and nothing is lost while one of them is away."""
import contextlib
import json
import socket
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import zlib

import pytest
from test_alerts import figure
from test_crash_points import run_until_killed
from test_images import s3
from test_reload import change, reload

from tests.rig import pictures, traffic
from tests.rig import stack as parts
from tests.rig.hooks import EICAR, Clamd, Hook, Icap, allow, refuse
from tests.rig.world import QUICK_ROUNDS, SHORT_LEASES

OPEN = {"on_failure": "open"}
BOTH = ("before_grant", "before_publish")


def hooks(hook, which=BOTH, table="apps.shop.hooks", **more):
    lines = {name: hook.url(f"/{name}") for name in which} | more
    return f"\n[{table}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in lines.items())


def scanner(clamd, **more):
    lines = {"kind": "clamd", "address": clamd.address} | more
    return "\n[scanner]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in lines.items())


@pytest.fixture
def hook_world(own_world):
    """hook_world(answer, **options): a world whose app is asked, and its hook."""
    made = []

    def make(answer=None, which=BOTH, extra="", **options):
        hook = Hook("", answer)
        made.append(hook)
        world = own_world(start=False, extra=QUICK_ROUNDS + extra + hooks(hook, which, **options))
        hook.secret = world.app.secret
        world.gateway.start()
        return world, hook

    yield make
    for each in made:
        each.close()


@pytest.fixture(scope="module")
def photo():
    return pictures.photo(320, 240, seed=7)


def asked(world, size=1000, headers=None, **body):
    return world.request("POST", "/v1/uploads", {"profile": "photos", "size": size, **body}, headers)


def timeline(world, upload):
    return world.request("GET", f"/v1/uploads/{upload['id']}/timeline")[2]["data"]


def events(world, upload):
    return [each["event"] for each in timeline(world, upload)]


def held(world, gate="hook"):
    return figure(world, f'photogate_jobs_held{{gate="{gate}"}}')


def publications(hook):
    return [question for question in hook.questions if question.body["type"] == "before_publish"]


def rows(world):
    return int(world.sql("select count(*) from uploads"))


# ---- hooks

def test_hooks_are_asked_in_signed_words_and_their_yes_is_enough(hook_world, photo):
    world, hook = hook_world()
    upload = world.publish(photo, {"filename": "a.jpg", "content_type": "image/jpeg", "metadata": {"order": "A-1"}})
    assert upload["state"] == "published"
    grant, publication = hook.questions
    assert not hook.problems
    assert (grant.path, grant.body["type"], grant.body["app"]) == ("/before_grant", "before_grant", "shop")
    assert grant.body["declared"] == {"size": len(photo), "content_type": "image/jpeg", "sha256": None}
    assert grant.body["data"]["metadata"] == {"order": "A-1"} and grant.body["data"]["id"] == upload["id"]
    assert grant.headers["webhook-id"] == grant.body["id"] == f"grant_{upload['id']}"
    assert (publication.path, publication.body["type"]) == ("/before_publish", "before_publish")
    assert publication.body["data"]["state"] == "processing" and publication.body["data"]["sha256"] == upload["sha256"]
    assert publication.body["data"]["image"] is None, "nothing is published yet"
    picture = publication.body["picture"]
    assert {name: picture[name] for name in ("width", "height", "format", "size")} == {
        name: upload["image"][name] for name in ("width", "height", "format", "size")}
    assert publication.headers["webhook-id"].startswith(f"publish_{upload['id']}_")
    assert figure(world, 'photogate_hook_calls_total{hook="before_grant",result="allowed"}') == 1


def test_refusals_are_answered_and_rejected_with_the_words_of_the_hook(hook_world, photo):
    said = {"before_grant": allow(), "before_publish": refuse("not_ours", "not a <b>door</b>\nof ours")}
    world, hook = hook_world(lambda question: said[question.body["type"]])
    upload = world.publish(photo)
    assert (upload["state"], upload["rejection"]) == ("rejected", {"code": "not_ours", "detail": "not a <b>door</b> of ours"})
    told = world.receiver.wait_for_upload(upload["id"], "upload.rejected").body
    assert told["data"]["rejection"]["code"] == "not_ours" and told["data"]["size"] == len(photo)
    assert s3(world).list_objects_v2(Bucket=world.stack.minio.public).get("KeyCount") == 0, "no byte of it was public"
    said["before_grant"] = refuse("quota", "no pictures on Sundays")
    before = rows(world)
    status, _, problem = asked(world)
    assert (status, problem["code"], problem["detail"]) == (403, "refused_by_hook", "no pictures on Sundays (quota)")
    # With client tokens, in a batch, by tus and by Uppy it is the same.
    token = world.request("POST", "/v1/tokens", {"profile": "photos"})[2]["token"]
    status, _, problem = world.gateway.request("POST", "/v1/uploads", {"size": 1000}, key=token)
    assert (status, problem["code"]) == (403, "refused_by_hook")
    assert hook.questions[-1].body["client_token"]
    status, _, batch = world.request("POST", "/v1/uploads/batch", {"uploads": [{"profile": "photos", "size": 1000 + n} for n in range(30)]})
    assert status == 200 and [each["code"] for each in batch["data"]] == ["refused_by_hook"] * 30
    status, _, answer = world.gateway.request("POST", f"/u/{token}/r", b"", {"Tus-Resumable": "1.0.0", "Upload-Length": "1000"})
    assert status == 403, answer
    status, _, _ = world.gateway.request("GET", f"/u/{token}/s3/params?filename=a.jpg&type=image%2Fjpeg")
    assert status == 403
    assert rows(world) == before, "nothing was stored"
    said["before_grant"] = allow()
    status, _, batch = world.request("POST", "/v1/uploads/batch", {"uploads": [{"profile": "photos", "size": 1000 + n} for n in range(30)]})
    assert status == 200 and batch["created"] == 30, batch


@pytest.mark.large
def test_hook_that_is_away_closes_and_is_found_again(hook_world, photo):
    answers = {"now": lambda: (500, {}, b"")}
    world, hook = hook_world(lambda _: answers["now"](), timeout="500ms")

    def hang():
        time.sleep(2)
        return allow()

    for what in (lambda: (500, {}, b""), lambda: (200, {}, b"<html>"), lambda: (200, {}, b'{"allow": 1}'), lambda: (200, {}, b" " * 200_000), hang,
                 lambda: (302, {"Location": hook.url("/elsewhere")}, b"")):
        answers["now"] = what
        began = time.monotonic()
        status, headers, problem = asked(world)
        assert (status, problem["code"]) == (503, "unavailable") and int(headers["retry-after"]) >= 1, problem
        assert "127.0.0.1" not in problem["detail"] and time.monotonic() - began < 1.9
    assert all(question.path == "/before_grant" for question in hook.questions), "no redirect is followed"
    assert figure(world, 'photogate_hook_calls_total{hook="before_grant",result="away"}') >= 1, "it is left alone"
    assert rows(world) == 0
    answers["now"] = allow
    parts.wait_until(lambda: asked(world)[0] == 201, 40, "the hook is found again")


@pytest.mark.large
def test_pictures_wait_for_a_hook_that_is_away_and_say_so_once(hook_world, photo):
    said = {"before_publish": (500, {}, b"")}
    world, hook = hook_world(lambda question: said.get(question.body["type"], allow()), extra="max_attempts = 2\n")
    created = [world.upload(pictures.photo(64, 48, seed=n)) for n in range(8)]
    parts.wait_until(lambda: len(publications(hook)) >= 7, 60, "several tries")
    parts.wait_until(lambda: held(world) >= 7, 30, "pictures that are not tried")
    for each in created:
        found = world.request("GET", f"/v1/uploads/{each['id']}")[2]
        assert found["state"] in ("uploaded", "processing") and found["image"] is None
        told = [entry for entry in timeline(world, each) if entry["event"] == "postponed"]
        assert len(told) == 1 and "hook_unavailable" in json.dumps(told), timeline(world, each)
        assert events(world, each).count("claimed") == 1
    before = int(world.sql("select count(*) from timeline")), len(publications(hook))
    parts.wait_until(lambda: len(publications(hook)) >= before[1] + 2, 90, "further tries")
    assert int(world.sql("select count(*) from timeline")) == before[0], "waiting writes nothing"
    assert len(publications(hook)) <= before[1] + 4, "one picture asks, not all of them"
    said["before_publish"] = allow()
    for each in created:
        assert world.gateway.wait_for(each, 90)["state"] == "published"
        assert events(world, each).count("resumed") == 1 and events(world, each).count("postponed") == 1
    assert held(world) == 0 and figure(world, "photogate_jobs_released_total") >= 8
    assert len({question.headers["webhook-id"] for question in publications(hook)}) == 8, "one question each"


@pytest.mark.large
def test_hook_that_comes_back_is_not_met_by_all_at_once(hook_world):
    open_door, now, most = threading.Event(), [0], [0]
    lock = threading.Lock()

    def answer(question):
        if question.body["type"] == "before_grant":
            return allow()
        if not open_door.is_set():
            return 500, {}, b""
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.05)
        with lock:
            now[0] -= 1
        return allow()

    world, hook = hook_world(answer, extra="concurrency = 3\n")
    created = [world.upload(pictures.photo(64, 48, seed=n)) for n in range(40)]
    parts.wait_until(lambda: held(world) >= 37, 60, "pictures that are not tried")
    open_door.set()
    for each in created:
        assert world.gateway.wait_for(each, 120)["state"] == "published"
    assert 1 <= most[0] <= 3, "as many at once as the worker has places"


@pytest.mark.large
def test_pictures_of_a_hook_that_is_taken_away_go_on(hook_world, photo):
    world, hook = hook_world(lambda _: (500, {}, b""), which=("before_publish",))
    created = [world.upload(pictures.photo(64, 48, seed=n)) for n in range(5)]
    parts.wait_until(lambda: held(world) >= 4, 60, "pictures that are not tried")
    change(world.gateway, (f'before_publish = "{hook.url("/before_publish")}"', ""))
    reload(world.gateway)
    for each in created:
        assert world.gateway.wait_for(each, 60)["state"] == "published"


def test_hook_fetches_the_original_by_a_link_that_ends(hook_world, photo):
    fetched = []

    def answer(question):
        if link := question.body.get("original"):
            with urllib.request.urlopen(link["url"], timeout=10) as response:
                fetched.append((link, response.read(), dict(response.headers)))
        return allow()

    world, hook = hook_world(answer, include_original_url=True, timeout="5s")
    upload = world.publish(photo)
    assert upload["state"] == "published"
    ((link, body, headers),) = fetched
    assert body == photo, "the file as it came"
    assert headers["Content-Type"] == "application/octet-stream" and headers["Content-Disposition"] == "attachment"
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(link["url"]).query)
    assert query["X-Amz-Expires"] == ["35"], "the call's time, and half a minute"
    assert set(publications(hook)[0].body["original"]) == {"url", "expires_at"}
    # It is in the question, and nowhere else.
    secret = query["X-Amz-Signature"][0]
    assert secret not in world.gateway.log.read_text()
    assert "X-Amz-Signature" not in json.dumps(timeline(world, upload))
    for table in ("timeline", "callbacks", "jobs", "uploads"):
        assert int(world.sql(f"select count(*) from {table} t where t::text like '%{secret}%'")) == 0, table
    # That link gives this one object: no other key, no list, nothing may be written.
    for changed in (link["url"].replace("/u/", "/v/"), link["url"].replace(secret, "0" * 64)):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(changed, timeout=10)
        assert refused.value.code in (400, 403)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(urllib.request.Request(link["url"], data=b"x", method="PUT"), timeout=10)
    assert refused.value.code in (400, 403)


def test_hook_is_given_no_link_that_it_was_not_promised(hook_world, photo):
    world, hook = hook_world()
    assert world.publish(photo)["state"] == "published"
    assert publications(hook)[0].body["original"] is None
    assert "X-Amz-Signature" not in json.dumps(publications(hook)[0].body)


@pytest.mark.large
def test_open_hook_that_is_away_lets_everything_pass(hook_world, photo):
    world, hook = hook_world(lambda _: (500, {}, b""), **OPEN)
    assert world.publish(photo)["state"] == "published"
    hook.close()
    assert world.publish(photo)["state"] == "published"
    assert figure(world, 'photogate_hook_passed_open_total{hook="before_grant"}') == 2
    assert figure(world, 'photogate_hook_passed_open_total{hook="before_publish"}') == 2


@pytest.mark.large
def test_hook_that_hangs_delays_no_other_request(hook_world):
    def hang(_):
        time.sleep(4)
        return allow()

    world, hook = hook_world(hang, which=("before_grant",), timeout="5s")
    waiting = [threading.Thread(target=asked, args=(world,)) for _ in range(40)]
    for each in waiting:
        each.start()
    parts.wait_until(lambda: figure(world, "photogate_hook_waiting") >= 30, 20, "the requests")
    slowest = 0
    for _ in range(20):
        began = time.monotonic()
        status, _, _ = world.gateway.request("POST", "/v1/uploads", {"profile": "photos", "size": 1000}, key=world.other.key)
        assert status == 201
        slowest = max(slowest, time.monotonic() - began)
    assert slowest < 2
    assert figure(world, "photogate_hook_waiting") >= 20, "they still wait"
    assert int(world.sql("select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'")) == 0, \
        "and hold no transaction"
    for each in waiting:
        each.join()


@pytest.mark.large
def test_flood_of_a_client_token_passes_no_open_hook_unasked(hook_world):
    def hang(_):
        time.sleep(1.5)
        return refuse("not_ours")

    world, hook = hook_world(hang, which=("before_grant",), timeout="5s", **OPEN)
    token = world.request("POST", "/v1/tokens", {"profile": "photos", "max_uploads": 10_000})[2]["token"]
    answers = []

    def flood():
        items = {"uploads": [{"size": 1000}] * 500}
        answers.append(world.gateway.request("POST", "/v1/uploads/batch", items, key=token))

    threads = [threading.Thread(target=flood) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert [(status, body["created"], body["refused"]) for status, _, body in answers] == [(200, 0, 500)] * 2
    assert {item["code"] for _, _, body in answers for item in body["data"]} == {"refused_by_hook", "overloaded"}
    assert rows(world) == 0 and len(hook.questions) < 1000


@pytest.mark.large
def test_profile_has_hooks_of_its_own_and_a_reload_changes_them(own_world):
    with Hook("") as hook:
        hook.answer = lambda _: refuse("no")
        world = own_world(start=False, profiles={"photos": {}, "free": {}}, extra=QUICK_ROUNDS + hooks(hook, ("before_grant",))
                          + "\n[apps.shop.profiles.free.hooks]\ntimeout = \"1s\"\n")
        hook.secret = world.app.secret
        world.gateway.start()
        assert asked(world)[0] == 403 and asked(world, profile="free")[0] == 201
        change(world.gateway, (f'before_grant = "{hook.url("/before_grant")}"', ""))
        assert reload(world.gateway)["changed"] == "apps.shop.hooks.before_grant"
        assert asked(world)[0] == 201


@pytest.mark.large
def test_repeated_request_asks_the_same_question(hook_world):
    world, hook = hook_world(which=("before_grant",))
    first, second = (asked(world, headers={"Idempotency-Key": "order-1"})[2]["id"] for _ in range(2))
    assert first == second
    assert len({question.headers["webhook-id"] for question in hook.questions}) == 1 and len(hook.questions) == 2
    asked(world, headers={"Idempotency-Key": "order-2"})
    assert len({question.headers["webhook-id"] for question in hook.questions}) == 2


@pytest.mark.kills
@pytest.mark.parametrize("point", ["after_publish_verdict", "after_scan"])
def test_worker_killed_behind_a_verdict_asks_again_and_publishes_once(failpoint_world, tmp_path, photo, point):
    with Hook("") as hook, Clamd(tmp_path / "clamd") as clamd:
        world = failpoint_world(start=False, extra=SHORT_LEASES + hooks(hook) + scanner(clamd), witnessed=True)
        hook.secret = world.app.secret
        world.gateway.start()
        created = world.create({"size": len(photo)})
        world.gateway.kill()
        world.send(created, photo)
        run_until_killed(world, f"{point}=kill@1")
        world.gateway.restart()
        assert world.gateway.wait_for(created, 60)["state"] == "published"
        questions = [each.headers["webhook-id"] for each in hook.questions if each.body["type"] == "before_publish"]
        assert len(set(questions)) == 1 and len(questions) == (2 if point == "after_publish_verdict" else 1)
        traffic.settle(world, [created["id"]])
        world.witness.judge()


@pytest.mark.kills
def test_gateway_killed_behind_a_verdict_grants_once(failpoint_world):
    with Hook("") as hook:
        world = failpoint_world(start=False, extra=SHORT_LEASES + hooks(hook, ("before_grant",)))
        hook.secret = world.app.secret
        world.gateway.start()
        world.gateway.kill()
        world.gateway.launch(environment={"PHOTOGATE_FAILPOINTS": "after_grant_verdict=kill@1"})
        world.gateway.wait_until_ready()
        with pytest.raises(OSError):
            asked(world, headers={"Idempotency-Key": "once"})
        world.gateway.restart()
        assert asked(world, headers={"Idempotency-Key": "once"})[0] == 201
        assert rows(world) == 1 and len({question.headers["webhook-id"] for question in hook.questions}) == 1


# ---- the scanner

def png_chunk(kind, data):
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


def with_comment(jpeg, text):
    return jpeg[:2] + b"\xff\xfe" + (len(text) + 2).to_bytes(2, "big") + text + jpeg[2:]


def infected(photo):
    """EICAR where pictures have room for it."""
    png = pictures.photo(64, 48, seed=3, suffix=".png")
    end = png.rindex(b"IEND") - 4
    return {"in a comment": with_comment(photo, EICAR), "behind the end": photo + EICAR,
            "in a text chunk": png[:end] + png_chunk(b"tEXt", b"Comment\0" + EICAR) + png[end:], "alone": EICAR}


def test_malware_in_a_picture_is_rejected_before_it_is_decoded(own_world, tmp_path, photo):
    with Clamd(tmp_path / "clamd") as clamd:
        world = own_world(extra=QUICK_ROUNDS + scanner(clamd))
        assert world.publish(photo)["state"] == "published"
        for place, data in infected(photo).items():
            upload = world.publish(data)
            assert (upload["state"], upload["rejection"]["code"]) == ("rejected", "malware_found"), place
            assert "Photogate.Test.EICAR" in upload["rejection"]["detail"], place
        assert figure(world, 'photogate_scanner_scans_total{result="found"}') == 4
        assert figure(world, 'photogate_scanner_scans_total{result="clean"}') == 1
        parts.wait_until(lambda: len([c for c in world.receiver.callbacks if c.body["type"] == "upload.rejected"]) == 4, 30, "the callbacks")


@pytest.mark.large
def test_nothing_is_published_or_lost_while_the_scanner_is_away(own_world, tmp_path, photo):
    clamd = Clamd(tmp_path / "clamd", port=parts.free_port())
    world = own_world(extra=QUICK_ROUNDS + "max_attempts = 2\n" + scanner(clamd))
    clean, bad = world.upload(photo), world.upload(photo + EICAR)
    more = [world.upload(pictures.photo(64, 48, seed=n)) for n in range(4)]
    parts.wait_until(lambda: figure(world, "photogate_scanner_up") == 0, 30, "the scanner's absence")
    parts.wait_until(lambda: figure(world, 'photogate_scanner_scans_total{result="failed"}') >= 6, 60, "several tries")
    parts.wait_until(lambda: held(world, "scanner") >= 5, 30, "files that are not tried")
    for each in (clean, bad, *more):
        assert world.request("GET", f"/v1/uploads/{each['id']}")[2]["state"] in ("uploaded", "processing")
        assert events(world, each).count("postponed") == 1, timeline(world, each)
    with clamd:
        assert world.gateway.wait_for(clean, 60)["state"] == "published"
        assert world.gateway.wait_for(bad, 60)["rejection"]["code"] == "malware_found"
        assert all(world.gateway.wait_for(each, 60)["state"] == "published" for each in more)
        assert figure(world, "photogate_scanner_up") == 1
        assert events(world, bad).count("resumed") == 1


LIMITS = {"StreamMaxLength": {"StreamMaxLength": "1M"},
          "MaxFileSize": {"StreamMaxLength": "30M", "MaxFileSize": "1M", "MaxScanSize": "1M", "AlertExceedsMax": "yes"}}


@pytest.mark.large
@pytest.mark.parametrize("limit", LIMITS)
def test_file_beyond_the_scanners_limits_is_rejected_and_others_pass(own_world, tmp_path, limit):
    large = pictures.noise(900, 900, seed=4)
    assert 1_100_000 < len(large) < 20_000_000
    with Clamd(tmp_path / "clamd", **LIMITS[limit]) as clamd:
        world = own_world(extra=QUICK_ROUNDS + scanner(clamd))
        upload = world.publish(large)
        assert (upload["state"], upload["rejection"]["code"]) == ("rejected", "file_not_scannable")
        assert limit in upload["rejection"]["detail"]
        assert "postponed" not in events(world, upload), "it is not tried again and again"
        assert world.publish(pictures.photo(320, 240, seed=9))["state"] == "published", "others pass"
        assert figure(world, "photogate_scanner_up") == 1
        assert figure(world, 'photogate_scanner_scans_total{result="beyond"}') == 1
        assert figure(world, 'photogate_uploads_finished_total{reason="file_not_scannable",result="rejected"}') == 1


@pytest.mark.large
def test_file_beyond_the_scanners_limits_is_published_where_that_is_configured(own_world, tmp_path):
    with Clamd(tmp_path / "clamd", StreamMaxLength="1M") as clamd:
        world = own_world(extra=QUICK_ROUNDS + scanner(clamd, on_limit="publish"))
        assert world.publish(pictures.noise(900, 900, seed=4))["state"] == "published"
        assert figure(world, "photogate_scanner_passed_total") == 1
        assert world.publish(pictures.photo(64, 48, seed=1) + EICAR)["rejection"]["code"] == "malware_found"


class OneSided:
    """clamd behind a door that hangs on files longer than `most`: the daemon is there, and one file is too much for it."""

    most = 1024

    def __init__(self, clamd):
        self.clamd, self.files = clamd, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection = self.listener.accept()[0]
                threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def too_much(self):
        time.sleep(30)

    def is_away(self):
        return False

    def serve(self, connection):
        with connection, socket.socket(socket.AF_UNIX) as daemon, contextlib.suppress(OSError):
            said = b""
            while not said.endswith(bytes(4)) and (part := connection.recv(65536)):
                said += part
            if self.is_away():
                return
            if len(said) > self.most:
                self.files += 1
                self.too_much()
                return
            daemon.connect(self.clamd.address)
            daemon.sendall(said)
            connection.sendall(daemon.recv(4096))


@pytest.mark.large
def test_file_on_which_the_scanner_runs_out_of_time_is_rejected_after_three_tries(own_world, tmp_path, photo):
    with Clamd(tmp_path / "clamd") as clamd:
        door = OneSided(clamd)
        world = own_world(extra=QUICK_ROUNDS + scanner(door, timeout="1s"))
        upload = world.gateway.wait_for(world.upload(photo), 120)
        assert (upload["state"], upload["rejection"]["code"]) == ("rejected", "file_not_scannable")
        assert "took too long" in upload["rejection"]["detail"] and door.files == 3
        assert figure(world, "photogate_scanner_up") == 1


class Frail(OneSided):
    """A daemon that such a file ends, and that is started again a second and a half later."""

    most = 100_000
    back = 0.0

    def too_much(self):
        self.back = time.monotonic() + 1.5

    def is_away(self):
        return time.monotonic() < self.back


@pytest.mark.large
def test_file_that_ends_the_scanner_is_rejected_after_four_times_and_keeps_it_from_no_other(own_world, tmp_path, photo):
    with Clamd(tmp_path / "clamd") as clamd:
        frail = Frail(clamd)
        world = own_world(extra=QUICK_ROUNDS + scanner(frail, timeout="5s"))
        upload = world.gateway.wait_for(world.upload(pictures.noise(600, 600, seed=4)), 300)
        assert (upload["state"], upload["rejection"]["code"]) == ("rejected", "file_not_scannable")
        assert "went away at it 4 times" in upload["rejection"]["detail"] and frail.files == 4
        assert world.publish(photo)["state"] == "published"


@pytest.mark.large
def test_scanner_that_hangs_holds_nothing_for_long(own_world, tmp_path, photo):
    with socket.create_server(("127.0.0.1", 0)) as hole:  # accepts nothing, says nothing
        class Address:
            address = f"127.0.0.1:{hole.getsockname()[1]}"
        world = own_world(extra=QUICK_ROUNDS + scanner(Address, timeout="1s"))
        created = world.upload(photo)
        parts.wait_until(lambda: "scanner_unavailable" in json.dumps(timeline(world, created)), 30, "the reason")
        assert "took too long" in json.dumps(timeline(world, created))


@pytest.mark.large
def test_icap_service_finds_malware_and_lets_pictures_pass(own_world, tmp_path, photo):
    with Clamd(tmp_path / "clamd") as clamd, Icap(tmp_path / "icap", clamd) as icap:
        world = own_world(extra=QUICK_ROUNDS + scanner(icap, kind="icap"))
        assert world.publish(photo)["state"] == "published"
        assert world.publish(pictures.noise(900, 900, seed=4))["state"] == "published", "longer than a preview"
        for place, data in infected(photo).items():
            upload = world.publish(data)
            assert (upload["state"], upload["rejection"]["code"]) == ("rejected", "malware_found"), place
            assert "Photogate.Test.EICAR" in upload["rejection"]["detail"], place
        assert figure(world, 'photogate_scanner_scans_total{result="found"}') == 4
        assert figure(world, 'photogate_scanner_scans_total{result="clean"}') == 2
        # Its daemon dies: the service is there, and has no verdict on anything.
        clamd.stop()
        waiting = world.upload(pictures.photo(64, 48, seed=1))
        parts.wait_until(lambda: figure(world, "photogate_scanner_up") == 0, 60, "the absence")
        assert world.request("GET", f"/v1/uploads/{waiting['id']}")[2]["state"] in ("uploaded", "processing")
        clamd.start()
        assert world.gateway.wait_for(waiting, 60)["state"] == "published"
        # And then the service itself.
        icap.stop()
        waiting = [world.upload(pictures.photo(64, 48, seed=n)) for n in range(2, 5)]
        parts.wait_until(lambda: figure(world, "photogate_scanner_up") == 0, 60, "the absence")
        icap.start()
        assert all(world.gateway.wait_for(each, 90)["state"] == "published" for each in waiting)


@pytest.mark.kills
@pytest.mark.parametrize("point", ["after_hold", "after_held_released"])
def test_worker_killed_around_a_wait_publishes_once(failpoint_world, point):
    said = {"before_publish": (500, {}, b"")}
    with Hook("", lambda question: said.get(question.body["type"], allow())) as hook:
        world = failpoint_world(start=False, extra=SHORT_LEASES + hooks(hook), witnessed=True)
        hook.secret = world.app.secret
        world.gateway.start()
        data = [pictures.photo(64, 48, seed=n) for n in range(6)]
        created = [world.create({"size": len(each)}) for each in data]
        world.gateway.kill()
        for upload, each in zip(created, data, strict=True):
            world.send(upload, each)
        run_until_killed(world, f"{point}=kill@1")
        said["before_publish"] = allow()
        world.gateway.restart()
        for upload in created:
            assert world.gateway.wait_for(upload, 90)["state"] == "published"
            assert events(world, upload).count("postponed") <= 2 and events(world, upload).count("resumed") <= 1
        traffic.settle(world, [upload["id"] for upload in created])
        world.witness.judge()
