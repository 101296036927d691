"""F31 to F47: events that are lost, doubled, shuffled, late or forged; objects that change or go; requests that race."""
import concurrent.futures
import hashlib
import http.client
import json
import pathlib
import random
import socket
import threading
import time
import urllib.parse

import pytest

from scripts import local_gateway
from tests.rig import fault_proxy as faults
from tests.rig import pictures, traffic
from tests.rig import stack as parts
from tests.rig.events import event, post
from tests.rig.witness import object_key
from tests.rig.world import QUICK_ROUNDS, SHORT_LEASES

NO_RECONCILER = "[worker]\nreconcile_interval = 3600\nreap_interval = 1\n"


@pytest.fixture
def photo():
    return pictures.photo(320, 240, seed=73)


@pytest.fixture
def other_photo():
    return pictures.photo(320, 240, seed=74)


def at_once(calls, hands=16):
    """Makes the calls side by side; their results in order."""
    with concurrent.futures.ThreadPoolExecutor(hands) as pool:
        return [each.result() for each in [pool.submit(call) for call in calls]]


def silence(world):
    """No event of the store arrives."""
    return world.witness.events.rule(lambda exchange: True, faults.reset("before"))


def jobs_made(world, upload):
    return int(world.sql("select count(*) from witness.changes where of = 'jobs' and was is null and becomes->>'kind' = 'process' "
                         f"and becomes->>'subject_id' = '{upload['id']}'"))


def etag_of(world, upload):
    return next(f["etag"] for f in reversed(world.witness.history.of("put_acknowledged")) if f["upload"] == upload["id"])


def test_f31_minio_killed_under_load(row, witnessed, request):
    world = witnessed(extra=SHORT_LEASES)
    kills = request.config.getoption("--store-kills")
    row.scaled(f"{kills} instead of 50 kills" if kills < 50 else "")
    with traffic.Shop(world, row.seed, customers=4) as shop:
        shop.wait_for(5)
        for _ in range(kills):
            world.stack.minio.kill()
            world.stack.minio.start()
            shop.wait_for(5)
        last = time.monotonic()
    shop.settle()
    seconds = time.monotonic() - last
    evidence = world.witness.judge()
    found = sum(1 for c in json.loads(world.sql("select coalesce(json_agg(detail), '[]') from timeline where event = 'received'")) if "reconciler" in c)
    row.figure(f"{kills} kills, {len(shop.acknowledged)} objects acknowledged, all ended {seconds:.0f} s after the last restart; "
               f"{found} of {len(evidence['database']['uploads'])} had lost their event")
    row.hold(seconds <= 150, "2.5 min")


def test_f32_minio_accepts_files_before_it_knows_its_event_rules(row, witnessed, photo):
    world = witnessed()
    minio, sent = world.stack.minio, []
    for _ in range(3):
        grants = [world.create({"size": len(photo)}) for _ in range(25)]
        minio.kill()
        minio._launch()
        started = time.monotonic()
        for created in grants:
            while time.monotonic() < started + 30:
                try:
                    if world.send(created, photo)[0] == 200:
                        sent.append(created["id"])
                        break
                except OSError:
                    time.sleep(0.005)
        parts.wait_until(minio.ready, 30, "MinIO")
    last = time.monotonic()
    traffic.settle(world, sent)
    seconds = time.monotonic() - last
    world.witness.judge()
    lost = int(world.sql("select count(*) from timeline where event = 'received' and detail like '%reconciler%'"))
    row.figure(f"{len(sent)} objects accepted immediately after 3 restarts, {lost} of them without a timely event; all ended within {seconds:.1f} s")
    row.hold(len(sent) >= 60 and seconds <= 150, "2.5 min")


def test_f33_minio_event_queue_is_full(row, witnessed, photo):
    world = witnessed(start=False)
    world.stack.minio.more_environment["MINIO_NOTIFY_WEBHOOK_QUEUE_LIMIT_queued"] = "10"
    world.stack.minio.restart()
    world.gateway.start()
    count = 150
    row.scaled(f"{count} instead of 1,000 objects")
    grants = [world.create({"size": len(photo)}) for _ in range(count)]
    world.gateway.kill()
    statuses = at_once([lambda created=created: world.send(created, photo)[0] for created in grants])
    world.gateway.restart()
    started = time.monotonic()
    traffic.settle(world, [each["id"] for each in grants])
    lost = int(world.sql("select count(*) from timeline where event = 'received' and detail like '%reconciler%'"))
    row.figure(f"{statuses.count(200)} objects while the gateway was away, {lost} found by the reconciler, all ended within {time.monotonic() - started:.1f} s")
    row.hold(statuses.count(200) == count and lost >= count - 60, "events were lost, objects were not")
    world.witness.judge()


@pytest.mark.fast
def test_f34_event_arrives_ten_times_at_once_at_three_gateways(row, witnessed, photo):
    world = witnessed(extra=NO_RECONCILER)
    gateways = [world.gateway, world.another().start(), world.another().start()]
    silence(world)
    answers, uploads = [], []
    for number in range(10):
        created = traffic.put(world, world.create({"size": len(photo)}), photo)
        body = event(world, object_key(created), etag_of(world, created), size=len(photo), sequencer=f"18E9DE676AC6A{number:03X}")
        answers += at_once([lambda n=n: post(world, body, gateway=gateways[n % 3])[0] for n in range(10)])
        uploads.append(created)
    traffic.settle(world, [each["id"] for each in uploads])
    jobs = [jobs_made(world, each) for each in uploads]
    world.witness.judge()
    row.figure(f"{answers.count(200)} of {len(answers)} answered 200; jobs {sum(jobs)} for {len(uploads)} uploads; each published once")
    row.hold(answers.count(200) == len(answers) and jobs == [1] * len(uploads), "one job each")


@pytest.mark.fast
def test_f35_events_arrive_in_any_order(row, witnessed, photo):
    world = witnessed()
    count = 60
    row.scaled(f"{count} instead of 1,000 histories")

    def one(number):
        created = traffic.put(world, world.create({"size": len(photo)}), photo)
        key, etag = object_key(created), etag_of(world, created)
        heard = [event(world, key, etag, sequencer="18E9DE676AC6A95E"), event(world, key, etag, sequencer="18E9DE676AC6A95E"),
                 event(world, key, "f" * 32, sequencer="18E9DE676AC00000"), event(world, key, name="s3:ObjectRemoved:Delete", sequencer="18E9DE676AC6A960"),
                 event(world, key, etag, name="s3:ObjectCreated:PutTagging", sequencer="18E9DE676AC6A961")]
        random.Random(f"{row.seed}/{number}").shuffle(heard)
        return created["id"], [post(world, each)[0] for each in heard]

    results = at_once([lambda n=n: one(n) for n in range(count)], 6)
    traffic.settle(world, [identity for identity, _ in results])
    world.witness.judge()
    statuses = [status for _, each in results for status in each]
    row.figure(f"{count} histories of 5 events, {statuses.count(200)} of {len(statuses)} answered 200, all published")
    row.hold(statuses.count(200) == len(statuses), "2xx")


def test_f36_event_arrives_after_its_upload_expired(row, witnessed, photo):
    world = witnessed(extra=QUICK_ROUNDS + "expiry_grace = 1\n")
    uploads = [world.create({"expires_in": 1}) for _ in range(5)]
    for each in uploads:
        assert world.gateway.wait_for(each, 30)["state"] == "expired"
    for each in uploads:  # as a store does whose clock is behind
        minio = world.stack.minio
        minio.call("PUT", f"/{minio.incoming}/{object_key(each)}", body=photo, headers={"Content-Type": "image/jpeg"})
    parts.wait_until(lambda: world.sql("select count(*) from uploads where state = 'published'") == "5", 40, "publication")
    traffic.settle(world)
    events = [f["status"] for f in world.witness.history.of("event")]
    found = checker_but_unsent(world)
    row.figure(f"5 of 5 expired uploads published when their object arrived; events answered {sorted(set(events), key=str)}")
    row.hold(not found and set(events) <= {200, None}, f"never 4xx: {found}")


def checker_but_unsent(world):
    """Violations, but for those that follow from objects that this test put as the store's root."""
    from tests.rig import checker
    return [each for each in checker.check(world.witness.evidence()) if each.invariant != "I4"]


@pytest.mark.fast
def test_f37_event_arrives_for_a_removed_object(row, witnessed, photo):
    world = witnessed()
    silence(world)
    created = world.create({"size": len(photo)})
    assert local_gateway.send(created["upload"], photo)[0] == 200
    etag = hashlib.md5(photo).hexdigest()
    minio = world.stack.minio
    minio.call("DELETE", f"/{minio.incoming}/{object_key(created)}")
    before = world.witness.store.count(lambda e: e.key == object_key(created))
    assert post(world, event(world, object_key(created), etag))[0] == 200
    state = world.request("GET", f"/v1/uploads/{created['id']}")[2]["state"]
    asked = world.witness.store.count(lambda e: e.key == object_key(created)) - before
    assert world.request("DELETE", f"/v1/uploads/{created['id']}")[0] in (200, 202)
    traffic.settle(world)
    row.figure(f"answered 200 after {asked} request to the store; still {state}, nobody notified")
    row.hold(state == "created" and asked == 1, "nothing follows from it")
    world.witness.judge()


def test_f38_overwritten_between_judging_and_publishing(row, witnessed, photo, other_photo):
    world = witnessed()
    races = 30
    row.scaled(f"{races} instead of 1,000 races")
    uploads = []

    def overwrite(created):
        for _ in range(4):
            world.witness.send(created, other_photo, "published|rejected")
            world.witness.send(created, photo, "published|rejected")

    def one():
        created = world.create({"method": "post"})
        world.witness.send(created, photo, "published|rejected")
        overwrite(created)
        return created["id"]

    world.witness.store.rule(faults.puts("public"), faults.Fault("a pause before publishing", delay=0.05))
    uploads = at_once([one] * races, 4)
    traffic.settle(world, uploads)
    evidence = world.witness.judge()
    states = [u["state"] for u in evidence["database"]["uploads"]]
    repinned = world.sql("select count(*) from uploads where generation > 1")
    row.figure(f"{races} races of 9 writes: {states.count('published')} published as one judged version, {states.count('rejected')} rejected; {repinned} pinned anew")
    row.hold(set(states) <= {"published", "rejected"}, f"states {set(states)}")


def test_f39_overwritten_during_fetch(row, witnessed):
    world = witnessed()
    first, second = pictures.photo(1600, 1200, seed=75), pictures.photo(1600, 1200, seed=76)
    store = world.witness.store
    by_key = {}

    def overwrite(exchange):
        if by_key.get(exchange.key):
            world.witness.send(by_key[exchange.key], second, "published|rejected")

    swaps = [store.rule(faults.gets("incoming"), faults.Fault("overwritten while it is read", meanwhile=overwrite), times=8),
             store.rule(faults.gets("incoming"), faults.Fault("overwritten and cut", meanwhile=overwrite, cut_at=150_000), times=12)]
    uploads = []
    for _ in range(12):
        created = world.create({"method": "post"})
        by_key[object_key(created)] = created
        world.witness.send(created, first, "published|rejected")
        uploads.append(created["id"])
    traffic.settle(world, uploads)
    evidence = world.witness.judge()
    images = {u["image_sha256"] for u in evidence["database"]["uploads"] if u["image_sha256"]}
    states = [u["state"] for u in evidence["database"]["uploads"]]
    row.figure(f"{sum(each.hits for each in swaps)} fetches were swapped in progress: {states.count('published')} published, {states.count('rejected')} rejected, "
               f"{len(images)} distinct images of two photos")
    row.hold(len(images) <= 2, "no mixture")


@pytest.mark.fast
def test_f40_unrelated_events(row, witnessed):
    world = witnessed()
    created = world.create()
    before = world.sql("select count(*) from uploads")
    bodies = [event(world, "u/202601010000/nobody"), event(world, "u/"), event(world, "u/202601010000/"), event(world, "elsewhere/x"),
              event(world, object_key(created), bucket="another-bucket"), event(world, object_key(created) + "/"),
              event(world, "u/" + "x" * 1000), event(world, "u/../" + object_key(created)), event(world, object_key(created).upper())]
    statuses = [post(world, body)[0] for body in bodies * 3]
    row.figure(f"{len(statuses)} events, all answered {sorted(set(statuses))}; rows before and after: {before} and {world.sql('select count(*) from uploads')}")
    row.hold(set(statuses) == {200} and world.sql("select count(*) from uploads") == before, "0 rows")
    row.hold(world.request("GET", f"/v1/uploads/{created['id']}")[2]["state"] == "created", "no transition")
    world.witness.judge()


@pytest.mark.fast
def test_f41_poison_event_does_not_delay_the_next(row, witnessed, photo):
    world = witnessed()
    times, statuses = [], []
    for poison in (b"garbage", b"{", b"[" * 5000, b'{"Records":[{"s3":{"object":{"key":"%zz"}}}]}', b"\xff" * 70000, b'{"Records":' + b"[" * 2000):
        statuses.append(post(world, poison)[0])
        created = world.create({"size": len(photo)})
        started = time.monotonic()
        statuses.append(post(world, event(world, object_key(created)[:-1] + "x"))[0])
        times.append(time.monotonic() - started)
        traffic.put(world, created, photo)
        assert world.gateway.wait_for(created)["state"] == "published"
    kept = json.loads(world.sql("select json_agg(length(body)) from event_quarantine"))
    row.figure(f"statuses {sorted(set(statuses))}; the next event within {max(times) * 1000:.1f} ms; {len(kept)} kept, {max(kept)} bytes at most")
    row.hold(set(statuses) == {200} and max(times) <= 0.1 and max(kept) <= 65536, "200, 100 ms, 64 KiB")
    traffic.settle(world)
    world.witness.judge()


def memory_of(process):
    return int(pathlib.Path(f"/proc/{process.pid}/status").read_text().split("VmRSS:")[1].split()[0]) * 1024


def test_f42_flood_of_events(row, witnessed, photo):
    world = witnessed()
    before = memory_of(world.gateway.process)
    statuses, stop = [], threading.Event()

    def flood(number):
        connection = http.client.HTTPConnection("127.0.0.1", world.port, timeout=30)
        counter = 0
        while not stop.is_set():
            counter += 1
            body = json.dumps(event(world, f"u/202601010000/upl_{number:03d}{counter:08d}"))
            try:
                connection.request("POST", "/v1/events/minio", body, {"Authorization": f"Bearer {world.stack.events_token}"})
                response = connection.getresponse()
                response.read()
                statuses.append(response.status)
            except (OSError, http.client.HTTPException):
                connection.close()

    threads = [threading.Thread(target=flood, args=(number,), daemon=True) for number in range(32)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    uploads, highest = [], before
    while time.monotonic() < started + 10:
        uploads.append(traffic.put(world, world.create({"size": len(photo)}), photo)["id"])
        highest = max(highest, memory_of(world.gateway.process))
        time.sleep(0.2)
    stop.set()
    for thread in threads:
        thread.join(40)
    traffic.settle(world, uploads)
    seen = {status: statuses.count(status) for status in sorted(set(statuses))}
    row.scaled(f"{len(statuses) / 10:.0f} events a second from 32 senders on this machine, instead of ten times what the database takes")
    row.figure(f"answers {seen}; memory + {(highest - before) / (1 << 20):.0f} MiB; {len(uploads)} of {len(uploads)} uploads under it ended")
    row.hold(set(seen) <= {200, 503} and highest - before < 64 << 20, "200 or 503, memory flat")
    world.witness.judge()


def test_f43_clients_request_and_never_upload(row, witnessed):
    world = witnessed(extra=QUICK_ROUNDS + "expiry_grace = 1\n")
    count = 500
    row.scaled(f"{count} instead of 10,000 grants")
    listed = world.witness.store.count(lambda e: "list-type" in e.target)
    started = time.monotonic()
    at_once([lambda: world.create({"expires_in": 2})] * count, 8)
    parts.wait_until(lambda: world.sql("select count(*) from uploads where state <> 'expired'") == "0", 90, "the expiry")
    seconds = time.monotonic() - started
    heads = [e.key for e in world.witness.store.exchanges if e.method == "HEAD" and e.key.startswith("u/2")]
    lists = world.witness.store.count(lambda e: "list-type" in e.target) - listed
    most = max((heads.count(key) for key in set(heads)), default=0)
    rounds = seconds / 2 + 1
    row.figure(f"{count} of {count} expired within {seconds:.0f} s; {len(heads)} HEADs, {most} for one at most; {lists} lists in {rounds:.0f} rounds")
    row.hold(most <= 2 and lists <= 4 * rounds, "2 HEADs each, a list for each open minute and round")
    world.witness.judge()


def put_and_hang_up(created, data):
    """Sends the whole request without waiting for the answer."""
    target = urllib.parse.urlsplit(created["upload"]["url"])
    lines = [f"PUT {target.path}?{target.query} HTTP/1.1", f"Host: {target.netloc}", f"Content-Length: {len(data)}",
             *(f"{n}: {v}" for n, v in created["upload"]["headers"].items()), "Connection: close", "", ""]
    with socket.create_connection((target.hostname, target.port), timeout=10) as connection:
        connection.sendall("\r\n".join(lines).encode() + data)
        time.sleep(0.05)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")


@pytest.mark.fast
def test_f44_put_whose_answer_was_lost(row, witnessed, photo):
    world = witnessed()
    silence(world)
    uploads = [world.create({"size": len(photo)}) for _ in range(15)]
    for each in uploads:
        world.witness.note("client", "put_asked", upload=each["id"], sha256=hashlib.sha256(photo).hexdigest(), size=len(photo), expect="published")
        put_and_hang_up(each, photo)
    stored = [each for each in uploads if world.stack.minio.call("HEAD", f"/incoming/{object_key(each)}", accept=None)[0] == 200
              or world.sql(f"select state from uploads where id = '{each['id']}'") != "created"]
    started = time.monotonic()
    traffic.settle(world, [each["id"] for each in stored])
    states = [world.sql(f"select state from uploads where id = '{each['id']}'") for each in stored]
    row.figure(f"{len(stored)} of 15 were stored; {states.count('published')} published without any event or call from the client, within {time.monotonic() - started:.1f} s")
    row.hold(len(stored) >= 10 and states.count("published") == len(stored), "published")
    world.witness.judge()


@pytest.mark.fast
def test_f45_two_completions_and_the_event_at_once(row, witnessed, photo):
    world = witnessed()
    races = 60
    row.scaled(f"{races} instead of 1,000 races")
    uploads, statuses = [], []
    for number in range(races):
        created = traffic.put(world, world.create({"size": len(photo)}), photo)
        complete = lambda: world.request("POST", f"/v1/uploads/{created['id']}/complete")[0]  # noqa: E731
        told = lambda: post(world, event(world, object_key(created), etag_of(world, created), sequencer=f"{number:016X}"))[0]  # noqa: E731
        statuses += at_once([complete, complete, told], 3)
        uploads.append(created)
    traffic.settle(world, [each["id"] for each in uploads])
    jobs = [jobs_made(world, each) for each in uploads]
    world.witness.judge()
    row.figure(f"{races} races, {statuses.count(200)} of {len(statuses)} answered 200, {sum(jobs)} jobs")
    row.hold(jobs == [1] * races and statuses.count(200) == len(statuses), "one job each")


@pytest.mark.fast
def test_f46_cancellation_races_with_a_worker(row, witnessed, photo):
    world = witnessed()
    dice = random.Random(row.seed)
    races = 80
    row.scaled(f"{races} instead of 1,000 races")
    pauses = [dice.random() * 0.04 for _ in range(races)]

    def one(pause):
        created = traffic.put(world, world.create({"size": len(photo)}), photo)
        time.sleep(pause)  # anywhere in the upload's way
        status, _, body = world.request("DELETE", f"/v1/uploads/{created['id']}")
        return created["id"], status, body.get("state") if isinstance(body, dict) else None

    results = at_once([lambda each=each: one(each) for each in pauses], 4)
    traffic.settle(world)
    world.witness.judge()
    seen = {}
    for _, status, state in results:
        seen[f"{status} {state or ''}".strip()] = seen.get(f"{status} {state or ''}".strip(), 0) + 1
    row.figure(f"{races} races: {seen}; nothing served or published after its deletion was answered")
    row.hold({status for _, status, _ in results} <= {200, 202, 409}, "an answer for each")


def test_f47_two_workers_on_one_job(row, witnessed, photo):
    world = witnessed(extra=SHORT_LEASES)
    second = world.another(role="work")
    store, stale = world.witness.store, 0
    second.start()
    uploads = []
    for _ in range(5):
        held = store.rule(faults.puts("public"), faults.Fault("held back", delay=4), times=1)
        created = traffic.put(world, world.create({"size": len(photo)}), photo)
        parts.wait_until(lambda: held.hits, 60, "a worker")
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline and world.sql(f"select state from uploads where id = '{created['id']}'") != "published":
            world.sql("update jobs set lease_until = now() - interval '1 second' where lease_until is not null and kind = 'process' "
                      f"and subject_id = '{created['id']}' and attempt = 1")
            time.sleep(0.1)
        uploads.append(created["id"])
    traffic.settle(world, uploads)
    time.sleep(4.5)  # the held workers come back with what they have
    evidence = world.witness.judge()
    stale = (world.gateway.log_tail(1000) + second.log_tail(1000)).count("lease_lost")
    row.figure(f"5 jobs claimed by two workers each: {len(evidence['public'])} public objects, one publication each; {stale} late results refused by their stale lease")
    row.hold(stale >= 3, "the late ones are refused")
