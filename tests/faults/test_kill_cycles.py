"""F1: the gateway is killed at each named step, repeatedly, while customers continue; then everything is judged.

    ./test --faults --kill-cycles 50 -k test_killed       50 at each step

Each cycle is a start with a failpoint armed for the first, second or third time that its step is reached, and the kill there.
"""
import contextlib
import http.client
import json
import random
import threading
import time

import pytest
import table

from tests.rig import event_senders, events, pictures, traffic
from tests.rig import fault_proxy as faults
from tests.rig import parts as large
from tests.rig import stack as parts
from tests.rig.world import failpoint_build

OF_VERSIONS = ("CP19", "CP20", "CP21", "CP22", "CP23")
OF_PACKAGES = ("CP24", "CP25", "CP26", "CP27", "CP28", "CP29", "CP30", "CP31")
OF_RESUMABLE = ("CP32", "CP33", "CP34", "CP35", "CP36")
OF_PARTS = ("CP37", "CP38", "CP39")
OF_PREPARED = ("CP40", "CP41", "CP42", "CP43")
ALONE = ("CP11c", "CP13", "CP17", "CP18", "CP44")  # each has a test of its own
POINTS = {name: point for name, point in table.STEPS.items() if name not in (*ALONE, *OF_PACKAGES, *OF_RESUMABLE, *OF_PARTS, *OF_PREPARED)}
# Short leases, and more attempts than there are cycles: this counts losses, not exhausted attempts.
SETTINGS = "[worker]\nreconcile_interval = 2\nreap_interval = 1\nlease = 5\nmax_attempts = 100\n[imaging]\nwall_clock = 4\n"
UNANSWERED = (OSError, http.client.HTTPException)
PROFILES = {"photos": {"original": '"keep"', "rejected": '"quarantine"'}}

pytestmark = pytest.mark.skipif(not (failpoint_build() / "photogate").exists(), reason="needs a build with failpoints")


@pytest.fixture
def cycles(request):
    return request.config.getoption("--kill-cycles")


@pytest.fixture
def shop_floor(on_failpoints):
    world = on_failpoints(start=False, profiles=PROFILES, extra=SETTINGS)
    world.gateway.environment["PHOTOGATE_CALLBACKS_TIMEOUT"] = "1s"
    world.gateway.migrate()
    return world


def run_until_killed(world, order, seconds=90):
    world.gateway.log.write_text("")
    world.gateway.launch(environment={"PHOTOGATE_FAILPOINTS": order})
    parts.wait_until(lambda: not world.gateway.running(), seconds, f"the kill at {order}")
    said = world.gateway.log_tail(400)
    assert f"failpoint {order.split('=')[0]}: killed" in said, said[-3000:]


def fast_one(names, fast):
    """One of a kind belongs to ./test."""
    return [pytest.param(name, marks=pytest.mark.fast) if name == fast else name for name in names]


def nothing_is_reserved(world):
    """What a dead gateway holds is free after a minute; the next one need not wait for that here. No gateway runs."""
    world.sql("update rounds set lease_token = null, lease_until = null, due_at = now()")
    world.sql("update resumables set look_at = now() where state <> 'open'")
    world.sql("update part_uploads p set look_at = now() from uploads u where u.id = p.upload_id and u.expires_at < now()")


def account(row, world, shop, kills):
    evidence = world.witness.judge()
    arrived = [f["message"] for f in evidence["facts"] if f["fact"] == "callback" and f["status"] < 300]
    repeated = len(arrived) - len(set(arrived))
    row.figure(f"{kills} kills, {len(shop.acknowledged)} objects acknowledged: 0 lost, 0 unvalidated public bytes among {len(evidence['public'])} objects, "
               f"0 differing publications; {repeated} callbacks repeated")
    return repeated


@pytest.mark.parametrize("name", POINTS)
def test_killed_at(name, row, shop_floor, cycles, seed):
    world, dice, point = shop_floor, random.Random(f"{seed}/{name}"), POINTS[name]
    row.scaled(f"{cycles} instead of 50 cycles" if cycles < 50 else "")
    if point == "mid_reconcile":
        world.witness.events.rule(lambda exchange: True, faults.reset("before"), chance=0.6)
    of_versions = name in OF_VERSIONS
    with traffic.Shop(world, seed, customers=3, junk=0.3) as shop, \
            traffic.Audience(shop, seed) if of_versions else contextlib.nullcontext() as audience:
        for _ in range(cycles):
            run_until_killed(world, f"{point}=kill@{dice.randrange(1, 4)}")
        world.gateway.restart()
        shop.wait_for(3)
        if of_versions:
            audience.wait_for(5)
    shop.settle()
    repeated = account(row, world, shop, cycles)
    if of_versions:
        versions = world.sql("select count(*) from images where role = 'version'")
        row.figure(f"{audience.shown} versions shown, {versions} stored in the end")
        row.hold(world.sql("select count(*) from version_claims where lease_until > now()") == "0", "no claim outlives who made it")
    if name == "CP14":
        row.hold(repeated <= 16 * cycles, "what was under way is repeated, nothing else")


@pytest.mark.parametrize("name", OF_PACKAGES)
def test_killed_while_a_package_is_built(name, row, shop_floor, cycles, seed):
    """CP24 to CP31: the next gateway finishes it, or removes it, and its app is told once."""
    world, point = shop_floor, table.STEPS[name]
    row.scaled(f"{cycles} instead of 50 cycles" if cycles < 50 else "")

    def state(package):
        return world.request("GET", f"/v1/packages/{package}")[2]["state"]

    world.gateway.start()
    items = [world.publish(pictures.photo(320, 240, seed=90 + number))["id"] for number in range(3)]
    traffic.settle(world, items)
    made = []
    for _ in range(cycles):
        world.gateway.stop()
        world.gateway.log.write_text("")
        world.gateway.launch(environment={"PHOTOGATE_FAILPOINTS": f"{point}=kill@1"})
        world.gateway.wait_until_ready()
        status, _, package = world.request("POST", "/v1/packages", {"items": items, "mode": "store"})
        row.hold(status == 202, f"the answer is {status}")
        made.append(package["id"])
        if point == "after_package_removed":
            parts.wait_until(lambda: state(made[-1]) == "ready", 60, "the package")
            row.hold(world.request("DELETE", f"/v1/packages/{made[-1]}")[0] == 200, "it is deleted")
        parts.wait_until(lambda: not world.gateway.running(), 60, f"the kill at {point}")
        world.gateway.restart()
        parts.wait_until(lambda: state(made[-1]) == ("deleted" if point == "after_package_removed" else "ready"), 60, "the package's end")
        parts.wait_until(lambda: world.sql("select count(*) from jobs where kind = 'build_package'") == "0", 60, "the job's end")
    parts.wait_until(lambda: world.sql("select count(*) from callbacks where type like 'package.%' and state = 'delivered'") == str(cycles), 60,
                     "the callbacks")
    world.witness.judge()
    row.figure(f"{cycles} kills: {len(made)} packages ended once and were told once, nothing left in the store that no row names")


@pytest.mark.parametrize("name", fast_one(OF_RESUMABLE, "CP34"))
def test_killed_while_a_file_arrives_piece_by_piece(name, row, shop_floor, cycles, seed):
    """CP32 to CP36: phones go on through the next gateway from the offset that it tells. That none was asked for what it had been told to have, and
    that each file was assembled, published and told once, is the checker's."""
    world, dice, point = shop_floor, random.Random(f"{seed}/{name}"), table.STEPS[name]
    row.scaled(f"{cycles} instead of 50 cycles" if cycles < 50 else "")
    with traffic.Phones(world, seed, customers=3, junk=0.2) as phones:
        for _ in range(cycles):
            run_until_killed(world, f"{point}=kill@{dice.randrange(1, 4)}")
            nothing_is_reserved(world)
        world.gateway.restart()
        phones.wait_for(3)
    row.hold(not phones.stuck, f"every file arrives: {phones.stuck}")
    phones.settle()
    # The chunks go at once, or when the lease of whoever was killed while it joined them has ended; their row goes at the second look,
    # an hour after the end.
    parts.wait_until(lambda: world.sql("select count(*) from chunks") == "0", 150, "the removal of all chunks")
    world.gateway.stop()
    nothing_is_reserved(world)
    world.gateway.restart()
    parts.wait_until(lambda: world.sql("select count(*) from resumables") == "0", 150, "the end of all rows")
    row.hold(not [key for key in world.witness._keys(world.stack.minio.incoming) if key.startswith("r/")], "no chunk is left in the store")
    account(row, world, phones, cycles)
    told = [fact["offset"] for fact in world.witness.history.of("offset_told")]
    row.figure(f"{len(told)} offsets told, none fell; 0 chunks left")


@pytest.mark.parametrize("name", fast_one(OF_PARTS, "CP37"))
def test_killed_while_parts_are_sent(name, row, shop_floor, cycles, seed):
    """CP37 to CP39: the next gateway begins, joins or gives up, and no multipart upload is left in the store."""
    world, dice, point = shop_floor, random.Random(f"{seed}/{name}"), table.STEPS[name]
    row.scaled(f"{cycles} instead of 50 cycles" if cycles < 50 else "")
    world.gateway.environment |= {"PHOTOGATE_WORKER_KEEP_PARTS": "2s", "PHOTOGATE_WORKER_EXPIRY_GRACE": "1s"}
    picture = large.large_png(seed=37)
    made = []

    def launch():
        world.gateway.log.write_text("")
        world.gateway.launch(environment={"PHOTOGATE_FAILPOINTS": f"{point}=kill@1"})
        world.gateway.wait_until_ready()

    def killed():
        parts.wait_until(lambda: not world.gateway.running(), 60, f"the kill at {point}")
        row.hold(f"failpoint {point}: killed" in world.gateway.log_tail(400), "it died there")
        nothing_is_reserved(world)

    def begun(number):
        body = {"profile": "photos", "method": "multipart", "size": len(picture), "content_type": "image/png"}
        key = {"Idempotency-Key": f"parts-{number}"}
        launch()
        if point == "after_parts_begun":
            with pytest.raises(UNANSWERED):
                world.request("POST", "/v1/uploads", body, key)
            killed()
            world.gateway.restart()
        status, _, created = world.request("POST", "/v1/uploads", body, key)
        row.hold(status == 201, f"the answer is {status}")
        return created

    def joined(created):
        large.send(world, created, picture)
        if point == "after_parts_completed":
            with pytest.raises(UNANSWERED):
                large.complete(world, created)
            killed()
            world.gateway.restart()
        large.acknowledged(world, created, picture, None)
        # The store's event, or the reconciler, takes the place of a client that does not come back.
        if point == "after_parts_begun" or dice.random() < 0.5:
            row.hold(large.complete(world, created)[0] == 200, "a repeated completion is answered")
        row.hold(world.gateway.wait_for(created)["state"] == "published", "it is published")

    def given_up():
        launch()
        created = large.create(world, picture, expires_in=2)
        large.send(world, created, picture, [1])
        killed()
        row.hold(len(large.at_the_store(world, created)) == 1, "its parts are still in the store")
        world.gateway.restart()
        return created

    for number in range(cycles):
        if point == "after_parts_given_up":
            made.append(given_up())
        else:
            made.append(begun(number))
            joined(made[-1])
        left = lambda: large.at_the_store(world, made[-1])  # noqa: E731
        parts.wait_until(lambda: not left(), 60, "the end of its multipart uploads")
        world.gateway.stop()
    nothing_is_reserved(world)
    world.gateway.restart()
    traffic.settle(world)
    parts.wait_until(lambda: world.sql("select count(*) from part_uploads") == "0" or point != "after_parts_given_up", 60, "the end of all rows")
    world.witness.judge()
    state = "expired, their parts gone" if point == "after_parts_given_up" else "published once"
    row.figure(f"{cycles} kills: {len(made)} uploads {state}; 0 multipart uploads left in the store")


@pytest.mark.parametrize("name", fast_one(OF_PREPARED, "CP41"))
def test_killed_while_a_package_is_prepared(name, row, shop_floor, cycles, seed):
    """CP40 to CP43: the next gateway makes what lacks, one version of each picture, and the app is told once."""
    world, dice, point = shop_floor, random.Random(f"{seed}/{name}"), table.STEPS[name]
    row.scaled(f"{cycles} instead of 50 cycles" if cycles < 50 else "")
    made = []
    for number in range(cycles):
        world.gateway.start()
        items = [world.publish(pictures.photo(320, 240, seed=5_000 + 3 * number + each))["id"] for each in range(3)]
        traffic.settle(world, items)
        world.gateway.stop()
        world.gateway.log.write_text("")
        world.gateway.launch(environment={"PHOTOGATE_FAILPOINTS": f"{point}=kill@{dice.randrange(1, 4) if point == 'after_package_item' else 1}"})
        world.gateway.wait_until_ready()
        body = {"items": items, "image": {"width": 160}, "mode": dice.choice(("stream", "store"))}
        key = {"Idempotency-Key": f"prepared-{number}"}
        with contextlib.suppress(*UNANSWERED):
            row.hold(world.request("POST", "/v1/packages", body, key)[0] == 202 and point != "after_package_asked", "it is prepared")
        parts.wait_until(lambda: not world.gateway.running(), 60, f"the kill at {point}")
        row.hold(f"failpoint {point}: killed" in world.gateway.log_tail(400), "it died there")
        world.gateway.restart()
        package = world.request("POST", "/v1/packages", body, key)[2]
        made.append(package["id"])
        there = lambda: world.request("GET", f"/v1/packages/{made[-1]}")[2]  # noqa: E731
        parts.wait_until(lambda: there()["state"] == "ready", 90, "the package")
        row.hold(there()["items"] == 3, "with all three")
        names = ", ".join(f"'{each}'" for each in items)
        row.hold(world.sql(f"select count(*) from images where role = 'version' and upload_id in ({names})") == "3", "one version of each")
        parts.wait_until(lambda: world.sql("select count(*) from jobs where subject_kind = 'package'") == "0", 60, "the jobs' end")
        world.gateway.stop()
    world.gateway.restart()
    row.hold(world.sql("select count(*) from packages") == str(cycles), "one package for each request")
    row.hold(world.sql("select count(*) from package_asked") == "0", "nothing is kept of what was asked for")
    parts.wait_until(lambda: world.sql("select count(*) from callbacks where type = 'package.ready' and state = 'delivered'") == str(cycles), 60, "the callbacks")
    world.witness.judge()
    row.figure(f"{cycles} kills: {len(made)} packages ready and told once, with one version of each of {3 * cycles} pictures")


@pytest.mark.fast
def test_killed_before_a_queue_is_told(row, on_failpoints, cycles, seed):
    """CP44: the events that were pulled are durable, the queue has not been told, and gives them out again."""
    row.name = "CP44"
    row.scaled(f"{cycles} instead of 50 cycles" if cycles < 50 else "")
    queue = event_senders.Queue(hidden_for=1.0)
    # No round that would find what the queue has lost.
    settings = f"[worker]\nreconcile_interval = 3600\nreap_interval = 1\nlease = 5\n[imaging]\nwall_clock = 4\n" \
               f'[events.r2]\ndialect = "r2"\nqueue_url = "{queue.url}"\nqueue_token = "{event_senders.WORD}"\nqueue_interval = "100ms"\n'
    try:
        world = on_failpoints(start=False, profiles=PROFILES, extra=settings)
        world.stack.minio.set_events("http://127.0.0.1:9/nobody", world.stack.events_token)
        world.gateway.migrate()
        made = []
        for number in range(cycles):
            world.gateway.log.write_text("")
            world.gateway.launch(environment={"PHOTOGATE_FAILPOINTS": "before_queue_ack=kill@1"})
            world.gateway.wait_until_ready()
            photo = pictures.photo(320, 240, seed=6_000 + number)
            made.append(traffic.put(world, world.create({"size": len(photo)}), photo))
            event = event_senders.about(event_senders.bodies.r2(), world.stack.minio.incoming, events.key_of(made[-1]))
            queue.put(json.dumps(event))
            parts.wait_until(lambda: not world.gateway.running(), 60, "the kill")
            row.hold("failpoint before_queue_ack: killed" in world.gateway.log_tail(400), "it died there")
            row.hold(queue.left() == 1, "the queue keeps what nobody has acknowledged")
            row.hold(world.sql(f"select state <> 'created' from uploads where id = '{made[-1]['id']}'") == "t", "what was pulled is durable")
            world.gateway.restart()
            row.hold(world.gateway.wait_for(made[-1])["state"] == "published", "it is published")
            parts.wait_until(lambda: queue.left() == 0, 60, "the acknowledgement")
            world.gateway.stop()
        world.gateway.restart()
        traffic.settle(world, [each["id"] for each in made])
        world.witness.judge()
    finally:
        queue.close()
    row.figure(f"{cycles} kills: {len(made)} events given out twice, each upload published once; 0 messages left in the queue")


def test_killed_in_the_removal_of_a_file_put_again(row, shop_floor, cycles, seed):
    """CP11c: a client has put its file again after the end; the object is removed, its job is still open."""
    world, photo = shop_floor, pictures.photo(320, 240, seed=65)
    row.name = "CP11c"
    row.scaled(f"{cycles} instead of 50 cycles" if cycles < 50 else "")
    for _ in range(cycles):
        world.gateway.log.write_text("")
        world.gateway.launch(environment={"PHOTOGATE_FAILPOINTS": "after_late_removed=kill"})
        world.gateway.wait_until_ready()
        created = world.upload(photo)
        assert world.gateway.wait_for(created)["state"] == "published"
        traffic.settle(world)
        assert world.send(created, photo)[0] == 200, "the URL is good until it ends"
        parts.wait_until(lambda: not world.gateway.running(), 60, "the kill")
        world.gateway.restart()
        traffic.settle(world)
        parts.wait_until(lambda: world.sql("select count(*) from jobs") == "0", 60, "the removal's job")
        row.hold(not world.witness._keys(world.stack.minio.incoming), "nothing is left of what was put again")
        world.gateway.stop()
    world.gateway.restart()
    world.witness.judge()
    row.figure(f"{cycles} kills: each file that was put again is gone, and its job with it")


def test_killed_with_callbacks_on_the_wire(row, shop_floor, cycles, seed):
    """CP13: sent, and not yet answered."""
    world, dice = shop_floor, random.Random(f"{seed}/CP13")
    row.name = "CP13"
    row.scaled(f"{cycles} instead of 50 cycles" if cycles < 50 else "")
    left = threading.Semaphore(0)

    def kill_now_and_then(_):
        if left.acquire(blocking=False):
            world.gateway.process.kill()

    world.receiver.answer = kill_now_and_then
    with traffic.Shop(world, seed, customers=3, junk=0.3) as shop:
        for _ in range(cycles):
            world.gateway.restart()
            shop.wait_for(dice.randrange(1, 4))
            left.release()
            parts.wait_until(lambda: not world.gateway.running(), 60, "the kill")
        world.gateway.restart()
        shop.wait_for(3)
    shop.settle()
    repeated = account(row, world, shop, cycles)
    row.hold(repeated <= 16 * cycles, "what was under way is repeated, nothing else")


def test_killed_in_a_migration(row, on_failpoints, cycles, seed):
    """CP18: from an empty database, killed with a migration's statements run and not committed."""
    world = on_failpoints(start=False)
    row.name = "CP18"
    row.scaled(f"{cycles} instead of 50 cycles" if cycles < 50 else "")
    schema = "select md5(string_agg(table_name || column_name || data_type, ',' order by table_name, column_name)) from information_schema.columns " \
             "where table_schema = 'public'"
    whole = None
    for number in range(cycles):
        database = f"migrated{number}"
        url = world.stack.postgres.create_database(database)
        for attempt in (1, 2):
            half = world.gateway.run("migrate", environment={"PHOTOGATE_DATABASE_URL": url, "PHOTOGATE_FAILPOINTS": f"mid_migration=kill@{attempt}"})
            row.hold(half.returncode == -9, half.stderr[-300:])
        done = world.gateway.run("migrate", environment={"PHOTOGATE_DATABASE_URL": url})
        row.hold(done.returncode == 0, done.stderr[-300:])
        made = world.stack.postgres.sql(schema, database)
        whole = whole or made
        row.hold(made == whole, "the same schema each time")
    world.gateway.start()
    row.hold(world.sql(schema) == whole, "the schema that an undisturbed migration makes")
    assert world.publish(pictures.photo(320, 240, seed=64))["state"] == "published"
    traffic.settle(world)
    world.witness.judge()
    row.figure(f"{2 * cycles} kills in {cycles} migrations: each ended with the schema of an undisturbed migration")


SWEPT = ("after_sweep_opened", "mid_sweeper")  # between the guard and the removal; between the removal and the guard's end
ORPHANS = 4


def plant(world, dice):
    """An image in the public bucket that no row knows: a worker's that died before its commit."""
    name = f"p/{dice.getrandbits(104):026x}/{dice.getrandbits(64):016x}.jpg"
    world.stack.minio.call("PUT", f"/{world.stack.minio.public}/{name}", body=b"nobody's picture")
    return name


def test_killed_in_a_sweep(row, shop_floor, cycles, seed):
    """CP17: objects count as old after a second here, and each publication waits for longer than that between its PUT and its commit: what is swept
    are orphans, and images that are about to be published."""
    world, dice = shop_floor, random.Random(f"{seed}/CP17")
    row.name = "CP17"
    row.scaled(f"{cycles} instead of 50 cycles" if cycles < 50 else "")
    world.gateway.environment |= {"PHOTOGATE_WORKER_SWEEP_INTERVAL": "1s", "PHOTOGATE_WORKER_SWEEP_AGE": "1s"}
    orphans, guarded = [], 0
    with traffic.Shop(world, seed, customers=3, junk=0.3) as shop:
        for number in range(cycles):
            planted = time.monotonic()
            orphans += [plant(world, dice) for _ in range(ORPHANS)]
            parts.wait_until(lambda: time.monotonic() > planted + 1.2, 60, "that they are old")
            # A dead sweeper's round is free after 30 s; and what it guarded, after 5 min.
            world.sql("update rounds set lease_token = null, lease_until = null, due_at = now()")
            world.sql("update sweeps set opened_at = opened_at - interval '5 minutes' where removed_at is null")
            point = SWEPT[(number + seed) % 2]
            run_until_killed(world, f"{point}=kill@{dice.randrange(1, ORPHANS)};after_public_put=pause:1.5")
            guarded += int(world.sql("select count(*) from sweeps where removed_at is null"))
        row.hold(guarded >= cycles, "each kill left a guard behind")
        world.sql("update rounds set lease_token = null, lease_until = null, due_at = now()")
        world.sql("update sweeps set opened_at = opened_at - interval '5 minutes' where removed_at is null")
        world.gateway.restart()
        shop.wait_for(3)
    shop.settle()
    there = lambda: set(orphans) & set(world.witness._keys(world.stack.minio.public))  # noqa: E731
    parts.wait_until(lambda: not there(), 60, "the sweep of the rest")
    met = int(world.sql("select count(*) from timeline where event = 'postponed' and detail::text like '%being swept%'"))
    account(row, world, shop, cycles)
    row.figure(f"{len(orphans)} orphans removed over {cycles} killed sweepers, which left {guarded} guards; {met} publications met the deletion of their own image and put it again")
