"""docs/backup.md, command by command: copies under traffic, everything lost, everything restored; what came after the backup is counted."""
import collections
import hashlib
import itertools
import json
import os
import pathlib
import re
import shutil
import subprocess
import time
import types

import pytest
from test_packages import download, pack
from test_stored_packages import wait_for

from scripts import local_gateway
from tests.rig import parts as large
from tests.rig import pictures
from tests.rig import published as planted
from tests.rig import resumable as wire
from tests.rig import stack as parts
from tests.rig.losses import Traffic
from tests.rig.published import store_of
from tests.rig.stack.minio import Minio

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs" / "backup.md").read_text()
ROUNDS = "\n[worker]\nreconcile_interval = 1\nreap_interval = 1\nsweep_interval = 1\n"
HELD, AT_ONCE = {"PHOTOGATE_WORKER_SWEEP_AGE": "30d"}, {"PHOTOGATE_WORKER_SWEEP_AGE": "1s"}
BUCKETS = ("incoming", "public", "originals")


def blocks(heading):
    """The commands below a heading, a fence each."""
    section = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", re.sub(r"(?m)^# .*", "", PAGE), re.S | re.M)[1]
    return [re.sub(r"(?m)^   ", "", each) for each in re.findall(r"```sh\n(.*?)```", section, re.S)]


class Operator:
    """A shell with the page's variables; its buckets' names are those of the rig."""

    def __init__(self, folder, minio, **variables):
        self.folder = folder
        tools = pathlib.Path(minio.binary).parent if isinstance(minio, Minio) else pathlib.Path.home() / ".cache/photogate/bin"
        tools = pathlib.Path(os.environ.get("PHOTOGATE_TOOLS", tools))
        if not (tools / "mc").exists():
            pytest.skip("mc is not installed: scripts/install-stores")
        self.environment = {"PATH": f"{tools}:/usr/lib/postgresql/15/bin:/usr/bin:/bin", "HOME": str(folder), "BACKUP": str(folder / "backup"), **variables}
        (folder / "backup").mkdir(exist_ok=True)
        self.store(minio)

    def store(self, minio):
        self.buckets = {f"store/photogate-{name}": f"store/{getattr(minio, name)}" for name in BUCKETS}
        self.sh(f"mc alias set store {minio.endpoint} {minio.root.access} {minio.root.secret}")

    def sh(self, script, **variables):
        for said, real in self.buckets.items():
            script = script.replace(said, real)
        done = subprocess.run(["sh", "-ec", script], capture_output=True, text=True, timeout=180, env={**self.environment, **variables}, cwd=self.folder)
        assert done.returncode == 0, f"{script}\n{done.stdout[-500:]}{done.stderr[-2000:]}"
        return done.stdout


@pytest.fixture
def place():
    """A folder that PostgreSQL's user can enter too."""
    made = pathlib.Path(f"/tmp/photogate-backup-{os.getpid()}-{time.monotonic_ns()}")
    made.mkdir(mode=0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="module")
def photos():
    return [pictures.photo(320, 240, seed=500 + number) for number in range(6)]


@pytest.fixture
def next_photo(photos):
    return itertools.cycle(photos).__next__


def operator_of(world, place):
    postgres = world.stack.postgres
    return Operator(place, world.stack.minio, DATABASE_URL=postgres.url, ADMIN_URL=postgres.url_of("postgres"))


def image(world, identity):
    """Of a published upload: its bytes, or the status."""
    found = world.request("GET", f"/v1/uploads/{identity}")[2]
    status, _, body = world.gateway.request("GET", "/i/" + found["image"]["url"].rsplit("/", 1)[1])
    return body if status == 200 else status


def ended(world, identities, seconds=90):
    """{id: state}; `unknown`: 404."""
    states, until = {}, time.monotonic() + seconds
    for identity in identities:
        if world.request("GET", f"/v1/uploads/{identity}")[0] == 404:
            states[identity] = "unknown"
        else:
            states[identity] = world.gateway.wait_for(identity, max(1, until - time.monotonic()))["state"]
    return states


def sweep(gateway, *flags, environment):
    done = subprocess.run([gateway.program, "sweep", *flags, "--config", gateway.config], capture_output=True, text=True, timeout=60,
                          env={**os.environ, **gateway.environment, **environment})
    assert done.returncode == 0, done.stderr
    found = collections.defaultdict(set)
    for kind, _, key in re.findall(r"(?m)^(lost|unwanted|left_behind|unreferenced|unknown) +(\S+) (\S+)$", done.stdout):
        found[kind].add(key)
    return found


def await_rounds(world, gateway, rounds=2):
    """Until the orphan collection has gone through the public bucket so many times more."""
    def seen():
        return len(re.findall(r"sweep\.finished.*sweep-public", gateway.log.read_text()))
    before = seen()
    parts.wait_until(lambda: seen() >= before + rounds, 60, "rounds of the orphan collection")


def drop_database(world):
    world.stack.postgres.sql('drop database "photogate" with (force)', "postgres")


def assert_heard_no_more_than_at_least_once(world, since, delivered, again=()):
    """One body for each id; what the restored database knows as delivered is not sent again; a second id of the same news only of `again`."""
    heard = [each for each in world.receiver.callbacks if each.body]
    bodies, ids = collections.defaultdict(set), collections.defaultdict(set)
    for each in heard:
        bodies[each.body["id"]].add(each.raw)
        ids[each.body["data"]["id"], each.body["type"]].add(each.body["id"])
    assert all(len(each) == 1 for each in bodies.values()), "a repeated callback is the same bytes"
    repeated = [each.body["id"] for each in heard if each.at >= since and each.body["id"] in delivered]
    assert not repeated, "delivered before the backup, and sent again"
    assert {upload for (upload, _), each in ids.items() if len(each) > 1} <= set(again), "news of other uploads came twice"


def delivered_in(world):
    return set(world.sql("select id from callbacks where state = 'delivered'").split())


@pytest.mark.drills
def test_dump_and_copies_bring_back_every_upload_acknowledged_before_them(own_world, place, photos, next_photo):
    world = own_world(role="serve", extra=ROUNDS, start=False)
    world.gateway.start()
    worker = world.another("work")
    worker.start()
    operator = operator_of(world, place)
    # Larger than what tools copy in parts: its ETag must survive.
    large = planted.publish(world, [("large.jpg", planted.noise(70 << 20, "large"))])[0]
    first, second = blocks("A dump and copies of the buckets")
    with Traffic(world, next_photo) as traffic:
        parts.wait_until(lambda: len(traffic.acknowledged) >= 20, 60, "uploads")
        worker.stop()
        parts.wait_until(lambda: world.sql("select count(*) from uploads where state = 'uploaded'") != "0", 30, "uploads that wait for a worker")
        before = list(traffic.acknowledged)
        operator.sh(first)
        at_dump = set(traffic.acknowledged)
        worker.start()
        parts.wait_until(lambda: len(traffic.acknowledged) >= len(at_dump) + 20, 60, "uploads after the dump")
        operator.sh(second)
    after = [each for each in traffic.acknowledged if each not in before]
    was = {identity: image(world, identity) for identity, state in ended(world, before).items() if state == "published"}
    assert len(was) == len(before) and all(isinstance(each, bytes) for each in was.values())

    worker.stop()
    world.gateway.stop()
    drop_database(world)
    world.stack.minio.empty()
    create, copy_back = blocks("Restore it")
    operator.sh(create)
    operator.sh(copy_back)
    delivered, waiting = delivered_in(world), set(world.sql("select id from uploads where state in ('created', 'uploaded', 'processing')").split())
    assert waiting & set(before), "uploads that had been received, and not published"
    restored_at = time.time()
    for each in (world.gateway, worker):
        each.environment |= HELD
        each.start()

    states = ended(world, before)
    assert set(states.values()) == {"published"}, states
    assert {identity: image(world, identity) for identity in before} == was
    assert world.gateway.request("GET", "/i/" + world.sql(f"select public_id from uploads where id = '{large.id}'"))[2] == large.data
    parts.wait_until(lambda: world.sql("select count(*) from callbacks where state = 'waiting'") == "0", 60, "all callbacks")
    assert_heard_no_more_than_at_least_once(world, restored_at, delivered, waiting | set(after))
    # What came after: unknown, or created before the dump and its file in the copy, or its file gone.
    kinds = collections.Counter(world.request("GET", f"/v1/uploads/{each}")[2].get("state", "unknown") for each in after)
    assert set(kinds) <= {"unknown", "published", "created", "uploaded", "processing"} and kinds["unknown"] > 0, kinds
    print(f"{len(before)} before the dump, {len(waiting & set(before))} of them unfinished in it; after it {dict(kinds)}")
    fresh = world.publish(photos[0])
    assert fresh["state"] == "published"


@pytest.mark.drills
def test_dump_without_a_pause_loses_at_most_what_was_being_processed(own_world, place, next_photo):
    world = own_world(extra=ROUNDS)
    operator = operator_of(world, place)
    with Traffic(world, next_photo) as traffic:
        parts.wait_until(lambda: len(traffic.acknowledged) >= 20, 60, "uploads")
        before = list(traffic.acknowledged)
        operator.sh(blocks("Without a pause")[0])
        parts.wait_until(lambda: len(traffic.acknowledged) >= len(before) + 20, 60, "uploads after the dump")
    was = {identity: image(world, identity) for identity, state in ended(world, before).items() if state == "published"}
    world.gateway.stop()
    drop_database(world)
    world.stack.minio.empty()
    for each in blocks("Restore it"):
        operator.sh(each)
    world.gateway.environment |= HELD
    world.gateway.start()
    states = ended(world, before)
    assert set(states.values()) <= {"published", "rejected"}, states
    lost = [identity for identity, state in states.items() if state != "published"]
    told = {line.split("|")[0] for line in operator.sh(blocks("What is lost: rows without their object")[1]).splitlines()}
    assert set(lost) <= told and not told & (set(before) - set(lost))
    assert len(lost) <= 3, "those of an instant"
    for identity in lost:
        assert world.request("GET", f"/v1/uploads/{identity}")[2]["rejection"]["code"] == "gone"
    assert all(image(world, identity) == was[identity] for identity in before if identity not in lost)
    print(f"{len(lost)} of {len(before)} were being processed and were lost")


@pytest.mark.drills
def test_deletion_after_the_backup_has_to_be_repeated(own_world, place, photos):
    world = own_world(extra=ROUNDS)
    operator = operator_of(world, place)
    upload = world.publish(photos[0])
    operator.sh(blocks("A dump and copies of the buckets")[0])
    assert world.request("DELETE", f"/v1/uploads/{upload['id']}")[0] == 200
    assert world.image(upload)[0] == 410
    world.gateway.stop()
    drop_database(world)
    operator.sh(blocks("Restore it")[0])
    world.gateway.environment |= HELD
    world.gateway.start()
    assert world.request("GET", f"/v1/uploads/{upload['id']}")[2]["state"] == "published"
    assert world.image(upload)[0] == 410, "its record is there again, and its image is not"
    assert world.request("DELETE", f"/v1/uploads/{upload['id']}")[0] == 200
    assert world.image(upload)[0] == 410


class Archive:
    """A cluster with an archive of its log, and the page's way back to a moment."""

    def __init__(self, world, place, operator):
        self.postgres, self.place, self.operator = world.stack.postgres, place, operator
        self.backup = place / "backup"
        (self.backup / "wal").mkdir()
        for each in (self.backup, self.backup / "wal"):
            self.postgres._hand_over(each)
        settings = re.search(r"```\n(archive_mode.*?)```", PAGE, re.S)[1].replace("/backup/", f"{self.backup}/")
        self.postgres.stop()
        with open(self.postgres.data / "postgresql.conf", "a") as out:
            out.write(settings)
        self.postgres.start()
        base, self.commands = blocks("To a point in time")
        self._as_its_user(base)

    def _as_its_user(self, script, **variables):
        owner = self.postgres.user
        identity = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if owner else {}
        done = subprocess.run(["sh", "-ec", script], capture_output=True, text=True, timeout=120, cwd="/", **identity,
                              env={**self.operator.environment, "PGDATA": str(self.postgres.data), **variables})
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"

    def now(self, world):
        return world.sql("select clock_timestamp()")

    def archived(self, world):
        """Waits until everything up to now is in the archive."""
        last = world.sql("select pg_walfile_name(pg_switch_wal())")
        parts.wait_until(lambda: (self.backup / "wal" / last).exists(), 60, f"the archive of {last}")

    def recover(self, world, moment):
        self.postgres.stop("immediate")
        # The next attempt finds the archive as this one does: histories of other attempts are not in its way.
        shutil.rmtree(self.postgres.data)
        commands = self.commands if moment else self.commands.replace("recovery_target_time = '$MOMENT'\n", "")
        self._as_its_user(commands, MOMENT=moment or "")
        self.postgres.start()
        parts.wait_until(lambda: world.sql("select pg_is_in_recovery()") == "f", 60, "the end of the recovery")


@pytest.mark.drills
def test_database_goes_back_to_the_second_before_a_mistake_and_no_later_image_is_collected(own_world, place, next_photo):
    world = own_world(extra=ROUNDS)
    operator = operator_of(world, place)
    world.gateway.stop()
    archive = Archive(world, place, operator)
    world.gateway.start()
    with Traffic(world, next_photo) as traffic:
        parts.wait_until(lambda: len(traffic.acknowledged) >= 10, 60, "uploads")
        early, early_moment = len(traffic.acknowledged), archive.now(world)
        parts.wait_until(lambda: len(traffic.acknowledged) >= early + 15, 60, "uploads")
        parts.wait_until(lambda: world.sql("select count(*) from uploads where state = 'published'") >= "10", 60, "images")
        before = list(traffic.acknowledged)
        # Of which the database knows that their file is there; the others are those of the page's next section.
        waiting = ", ".join(f"'{each}'" for each in before)
        parts.wait_until(lambda: world.sql(f"select count(*) from uploads where state = 'created' and id in ({waiting})") == "0", 60, "the events")
        # The mistake. Nothing is published between the moment and it.
        moment = world.sql("begin; lock table jobs in access exclusive mode; select clock_timestamp(); truncate jobs; commit")
        parts.wait_until(lambda: len(set(world.sql("select id from uploads where state = 'published'").split()) - set(before)) >= 3, 90, "images after it")
    was = {each: image(world, each) for each in world.sql("select id from uploads where state = 'published'").split()}
    archive.archived(world)
    world.gateway.stop()
    published = dict(row.split("|") for row in world.sql("select id, image_key from uploads where state = 'published'").split())
    later = {each: key for each, key in published.items() if each not in before}
    assert later

    # Not the right moment at first, and looked at as the page says: nothing that a better one needs goes meanwhile.
    archive.recover(world, early_moment)
    with world.another("serve") as looking:
        seen = [looking.request("GET", f"/v1/uploads/{each}", key=world.app.key)[0] for each in before]
        assert 200 in seen and 404 in seen, "an earlier state"
    archive.recover(world, moment)
    delivered, restored_at = delivered_in(world), time.time()
    world.gateway.environment |= HELD
    world.gateway.start()
    states = ended(world, before)
    assert set(states.values()) == {"published"}, states
    assert all(image(world, each) == was[each] for each in before if each in was)
    await_rounds(world, world.gateway)
    assert_heard_no_more_than_at_least_once(world, restored_at, delivered, set(traffic.acknowledged))

    # Later ones: of no row, or of one that knows no file.
    def unpublished():
        return {each for each in later if world.request("GET", f"/v1/uploads/{each}")[2].get("state") != "published"}
    unknown = unpublished()
    assert unknown
    time.sleep(1.1)
    dry = sweep(world.gateway, "--dry-run", environment=AT_ONCE)
    assert dry["unreferenced"] == {later[each] for each in unknown & unpublished()}, "kept under the hold, and named by the dry run: exactly these"
    # Released, the collection takes them, and none of a row.
    sweep(world.gateway, environment=AT_ONCE)
    assert not sweep(world.gateway, "--dry-run", environment=AT_ONCE)["unreferenced"]
    assert all(isinstance(image(world, each), bytes) for each in before)
    print(f"{len(before)} before the moment, all published; {len(unknown)} later ones unknown, their images kept until the release")


@pytest.mark.drills
def test_lost_disk_costs_rows_that_were_not_archived_and_versions_of_the_incoming_bucket_bring_the_files_back(own_world, place, next_photo):
    world = own_world(extra=ROUNDS)
    operator = operator_of(world, place)
    world.gateway.stop()
    keep, undo = blocks("Files that were published since")
    operator.sh(keep)
    archive = Archive(world, place, operator)
    world.gateway.start()
    with Traffic(world, next_photo) as traffic:
        parts.wait_until(lambda: len(traffic.acknowledged) >= 15, 60, "uploads")
        before = list(traffic.acknowledged)
        archive.archived(world)
        parts.wait_until(lambda: len(traffic.acknowledged) >= len(before) + 15, 60, "uploads that no archive has")
        world.stack.postgres.kill()
    world.gateway.stop()
    archive.recover(world, None)
    world.gateway.environment |= HELD
    world.gateway.start()
    states = ended(world, before)
    # A file that was published after the last archived second has left the incoming bucket.
    gone = [each for each, state in states.items() if state == "rejected"]
    assert all(world.request("GET", f"/v1/uploads/{each}")[2]["rejection"]["code"] == "gone" for each in gone)
    was = {each: image(world, each) for each in before if each not in gone}
    world.gateway.stop()

    # Once more, and this time the files of the incoming bucket come back first.
    archive.recover(world, None)
    operator.sh(undo)
    world.gateway.start()
    states = ended(world, before)
    assert set(states.values()) == {"published"}, states
    assert all(image(world, each) == data for each, data in was.items()) and all(isinstance(image(world, each), bytes) for each in gone)
    print(f"{len(before)} before the last archived segment: {len(gone)} of them were being processed then and were gone, none with the versions")


class Elsewhere(Minio):
    """Another store, whose buckets have other names."""
    incoming, public, originals = "two-incoming", "two-public", "two-originals"

    def policy(self, role):
        return json.loads((ROOT / "etc" / "minio" / f"{role}-policy.json").read_text().replace("photogate-", "two-"))


@pytest.mark.drills
def test_restores_into_another_database_store_and_buckets(own_world, place, photos, build_dir):
    world = own_world(extra=ROUNDS)
    operator = operator_of(world, place)
    uploads = [world.publish(photo) for photo in photos[:3]]
    was = [world.image(each)[2] for each in uploads]
    status, _, package = world.request("POST", "/v1/packages", {"items": [each["id"] for each in uploads]})
    assert status == 202, package
    token = world.request("POST", "/v1/tokens", {"profile": "photos"})[2]["token"]
    world.gateway.stop()
    for each in blocks("A dump and copies of the buckets"):
        operator.sh(each)

    port, metrics = parts.free_port(), parts.free_port()
    minio = Elsewhere(place / "minio", place / "minio.log", False, f"http://127.0.0.1:{port}/v1/events/minio", world.stack.events_token)
    minio.start()
    try:
        operator.store(minio)
        database = world.stack.postgres.url_of("two")
        create, copy_back = blocks("Restore it")
        operator.sh(create.replace("create database photogate", "create database two"), DATABASE_URL=database)
        operator.sh(copy_back)
        there = types.SimpleNamespace(minio=minio, postgres=types.SimpleNamespace(url=database), events_token=world.stack.events_token)
        moved = local_gateway.Gateway(build_dir, place / "gateway", there, port, metrics, list(world.gateway.apps.values()), ROUNDS)
        time.sleep(1.1)
        unrenamed = sweep(moved, "--dry-run", environment=AT_ONCE)
        operator.sh(blocks("Another machine, another path, other names")[0], DATABASE_URL=database,
                    **{f"OLD_{name.upper()}": getattr(world.stack.minio, name) for name in BUCKETS}, **{name.upper(): getattr(minio, name) for name in BUCKETS})
        columns = world.stack.postgres.sql("select table_name || '.' || column_name from information_schema.columns where column_name like '%bucket%' "
                                           "and table_schema = 'public'", "two").split()
        assert len(columns) >= 5
        for column in columns:
            table, name = column.split(".")
            left = world.stack.postgres.sql(f"select count(*) from {table} where {name} in ('incoming', 'public', 'originals')", "two")
            assert left == "0", f"{column} still names an old bucket"
        assert not unrenamed["unreferenced"], "images are known by their keys, whatever their bucket is called"
        assert not sweep(moved, "--dry-run", environment=AT_ONCE), "every object is some row's"
        moved.environment |= AT_ONCE
        moved.start()
        try:
            key = world.app.key
            for upload, data in zip(uploads, was):
                assert moved.request("GET", f"/v1/uploads/{upload['id']}", key=key)[2]["state"] == "published"
                assert moved.request("GET", "/i/" + upload["links"]["image"].rsplit("/", 1)[1])[2] == data
            assert moved.request("POST", "/v1/uploads", {"size": 1000}, key=token)[0] == 401, "the worker's credential is another, and server.token_secrets not set"
            link = moved.request("GET", f"/v1/packages/{package['id']}", key=key)[2]
            assert link["state"] == "ready", link
            await_rounds(world, moved)
            assert all(moved.request("GET", "/i/" + each["links"]["image"].rsplit("/", 1)[1])[0] == 200 for each in uploads)
            created = moved.create({"size": len(photos[4])})
            assert local_gateway.send(created["upload"], photos[4])[0] == 200
            assert moved.wait_for(created)["state"] == "published"
        finally:
            moved.__exit__()
        print(f"without the new names in the rows: {dict(unrenamed)}")
    finally:
        minio.stop()
        minio.remove()


def operate(gateway, world, method, path, body=None):
    status, _, answer = gateway.request(method, path, body, key=world.operator.key)
    assert status in (200, 201), answer
    return answer


@pytest.mark.drills
def test_what_is_under_way_and_what_was_made_by_api_is_at_the_new_machine(own_world, place, photos, build_dir):
    """Everything that a row names beside a plain photo, restored into an emptied store, for a gateway with a folder and a configuration of its own."""
    world = own_world(extra=ROUNDS, profiles={"photos": {}, "keep": {"original": '"keep"'}})
    operator, gateway = operator_of(world, place), world.gateway
    made = operate(gateway, world, "POST", "/v1/apps", {"name": "second", "profiles_of": "shop", "callback_url": world.receiver.url})
    second = local_gateway.App("second", key=made["key"]["key"], secret=made["callback_secret"]["secret"])
    operate(gateway, world, "PUT", "/v1/apps/shop/profiles/small", {"max_edge": 100})
    small = world.publish(photos[0], {"profile": "small"})
    token = world.request("POST", "/v1/tokens", {"profile": "photos"})[2]["token"]

    upload, kept = world.publish(photos[1]), world.publish(photos[2], {"profile": "keep"})
    path = "/i/" + upload["links"]["image"].rsplit("/", 1)[1]
    version = gateway.request("GET", path + "?width=160")[2]
    assert store_of(world).list_objects_v2(Bucket=world.stack.minio.public, Prefix="v/").get("KeyCount", 0) >= 1, "kept, not made for each reader"
    originals = {"items": [kept["id"]], "content": "original"}
    packages = {name: pack(world, body) for name, body in (("streamed", {"items": [upload["id"], kept["id"]]}), ("of originals", originals),
                                                           ("stored", {"items": [upload["id"], kept["id"]], "mode": "store"}))}
    packages["stored"] = wait_for(world, packages["stored"], "ready")
    archives = {name: download(world, each)[2] for name, each in packages.items()}

    half = len(photos[3]) // 2
    resumable = world.create({"size": len(photos[3])})
    assert wire.patch(wire.url_of(world, resumable), 0, photos[3][:half]).offset == half
    picture = large.large_png(seed=12)
    parted = large.create(world, picture)
    large.send(world, parted, picture, [1])
    world.receiver.answer = lambda _: (500, {}, b"")
    unheard = world.publish(photos[4])
    waiting = dict(row.split("|") for row in world.sql("select id, md5(body) from callbacks where state = 'waiting'").split())
    assert len(waiting) == 2

    gateway.stop()
    for each in blocks("A dump and copies of the buckets"):
        operator.sh(each)
    key, multipart = world.sql(f"select u.key, p.store_id from uploads u join part_uploads p on p.upload_id = u.id where u.id = '{parted['id']}'").split("|")
    drop_database(world)
    world.stack.minio.empty()
    store_of(world).abort_multipart_upload(Bucket=world.stack.minio.incoming, Key=key, UploadId=multipart)  # which another store does not have
    for each in blocks("Restore it"):
        operator.sh(each)
    world.receiver.answer = lambda _: None
    restored_at, delivered = time.time(), delivered_in(world)
    moved = local_gateway.Gateway(build_dir, place / "moved", world.stack, world.port, world.metrics_port, list(gateway.apps.values()), ROUNDS)
    moved.environment |= HELD
    with moved:
        assert not sweep(moved, "--dry-run", environment=AT_ONCE), "every object is some row's"
        # Pictures, versions, packages.
        assert moved.request("GET", path)[2] == image(world, upload["id"]) and moved.request("GET", path + "?width=160")[2] == version
        assert {name: download(world, each)[2] for name, each in packages.items()} == archives
        # Under way: what was acknowledged of a resumable file is not sent again; the store's own parts are in no copy.
        assert wire.head(wire.url_of(world, resumable, moved)).offset == half
        assert wire.patch(wire.url_of(world, resumable, moved), half, photos[3][half:]).status == 204
        assert moved.wait_for(resumable)["state"] == "published"
        assert large.put(parted["upload"]["parts"]["data"][1], large.slice_of(parted, 2, picture))[0] == 404
        listed = world.request("GET", f"/v1/uploads/{parted['id']}/parts")[2]
        assert (listed["missing"], listed["received"]) == ([1, 2], 0), "and the client is told so"
        signed = world.request("POST", f"/v1/uploads/{parted['id']}/parts/sign", {"numbers": listed["missing"]})[2]["data"]
        for each in signed:
            assert large.put(each, large.slice_of(parted, each["number"], picture))[0] == 200
        assert large.complete(world, parted)[0] == 200
        assert moved.wait_for(parted)["state"] == "published"
        # The outbox: what waited is sent as it was, what was delivered is not.
        parts.wait_until(lambda: world.sql("select count(*) from callbacks where state = 'waiting'") == "0", 60, "all callbacks")
        heard = {each.body["id"]: hashlib.md5(each.raw).hexdigest() for each in world.receiver.callbacks if each.body and each.at >= restored_at}
        assert waiting.items() <= heard.items()
        assert_heard_no_more_than_at_least_once(world, restored_at, delivered)
        # Made by API: the app, its key and secret, the profile, and a token that was signed before.
        created = moved.create({"size": len(photos[5])}, second)
        assert local_gateway.send(created["upload"], photos[5])[0] == 200
        assert moved.wait_for(created, app=second)["state"] == "published"
        assert moved.request("GET", f"/v1/uploads/{small['id']}", key=world.app.key)[2]["profile"] == "small"
        again = moved.create({"size": len(photos[5]), "profile": "small"}, world.app)
        assert local_gateway.send(again["upload"], photos[5])[0] == 200 and moved.wait_for(again)["image"]["width"] == 100
        assert moved.request("POST", "/v1/uploads", {"size": 1000}, key=token)[0] == 201
        assert moved.request("GET", f"/v1/uploads/{unheard['id']}", key=world.app.key)[2]["state"] == "published"
        print(f"resumable: {half} of {half} bytes that had come; multipart: 0 of 1 part; {len(archives)} of {len(archives)} packages; "
              f"{len(waiting)} of {len(waiting)} waiting callbacks sent, 0 of {len(delivered)} delivered ones")


@pytest.mark.drills
def test_comparison_names_images_that_are_missing_or_other_and_no_more(own_world, place, photos):
    world = own_world(extra=ROUNDS)
    operator = operator_of(world, place)
    uploads = [world.publish(photos[number % len(photos)]) for number in range(12)]
    path = "/i/" + uploads[0]["links"]["image"].rsplit("/", 1)[1]
    assert world.gateway.request("GET", path + "?width=160")[0] == 200
    compare, gone = blocks("What is lost: rows without their object")
    assert operator.sh(compare) == operator.sh(gone) == ""
    client, public = store_of(world), world.stack.minio.public
    keys = {each["id"]: world.sql(f"select image_key from uploads where id = '{each['id']}'") for each in uploads}
    lost, other = list(keys.values())[1:4], list(keys.values())[5]
    for key in lost:
        client.delete_object(Bucket=public, Key=key)
    client.put_object(Bucket=public, Key=other, Body=photos[0])
    version = world.sql("select key from images where role = 'version'")
    client.delete_object(Bucket=public, Key=version)
    told = [line.split(" ") for line in operator.sh(compare).splitlines()]
    assert {key for _, key, _ in told} == {*lost, other, version}
    identities = {identity for identity, key in keys.items() if key in (*lost, other)} | {uploads[0]["id"]}
    assert {upload for upload, _, _ in told} == identities, "and their uploads"
    world.gateway.restart()  # what it keeps in memory is not asked of the store
    states = collections.Counter(200 if isinstance(seen, bytes) else seen for seen in (image(world, each) for each in keys))
    print(f"of {len(uploads)}, {len(lost)} removed and 1 overwritten: {dict(states)}; a lost version: {world.gateway.request('GET', path + '?width=160')[0]}")
    assert states[200] == len(uploads) - 4 and states[503] >= 1
    assert world.gateway.request("GET", path + "?width=160")[0] == 200, "made again"


def published(machine, photo):
    created = machine.create({"size": len(photo)})
    assert local_gateway.send(created["upload"], photo)[0] == 200
    return machine.wait_for(created)


def own_ports():
    return local_gateway.Ports(*(parts.free_port() for _ in local_gateway.Ports._fields))


def shown(machine, upload):
    return machine.request("GET", "/i/" + upload["image"]["url"].rsplit("/", 1)[1])[2]


@pytest.mark.drills
def test_folder_of_one_machine_is_restored_at_another_path(build_dir, place, photos):
    machine = local_gateway.OneMachine(build_dir, place / "var", own_ports())
    backup = place / "backup"
    backup.mkdir()
    try:
        machine.start()
        upload = published(machine, photos[0])
        data = shown(machine, upload)
        waiting = machine.create({"size": len(photos[1])})
        assert local_gateway.send(waiting["upload"], photos[1])[0] == 200
        machine.stop()
        save, back = blocks("One machine")
        environment = {"PATH": "/usr/bin:/bin", "BACKUP": str(backup)}
        subprocess.run(["sh", "-ec", save], check=True, env={**environment, "DATA": str(machine.folder)})
        machine.start()
        later = published(machine, photos[2])
        machine.stop()
        shutil.rmtree(machine.folder)
        machine.folder = place / "another" / "place"
        subprocess.run(["sh", "-ec", back], check=True, env={**environment, "DATA": str(machine.folder)})
        machine.log = machine.folder / "photogate.log"
        machine.start()
        assert machine.wait_for(upload["id"])["state"] == "published" and shown(machine, upload) == data
        assert machine.wait_for(waiting["id"])["state"] == "published"
        assert machine.request("GET", f"/v1/uploads/{later['id']}", key=machine.app.key)[0] == 404
    finally:
        if machine.process:
            machine.stop()


@pytest.mark.drills
def test_running_machine_is_dumped_and_mirrored_and_restored_into_a_fresh_folder(build_dir, place, photos):
    machine = local_gateway.OneMachine(build_dir, place / "var", own_ports())
    fresh = local_gateway.OneMachine(build_dir, place / "fresh", own_ports())

    def operator_at(machine):
        host = f"host={machine.folder}/postgres/socket"
        said = re.search(r"`(postgresql://photogate@/photogate\?host=\S+)`", PAGE)[1].replace("$DATA", str(machine.folder))
        access, secret = next(line.split()[1:] for line in (machine.folder / "store" / "keys").read_text().splitlines() if line.startswith("admin"))
        buckets = machine.configuration().get("regions", {}).get("default", {})
        store = types.SimpleNamespace(endpoint=f"http://127.0.0.1:{machine.ports.store}", root=types.SimpleNamespace(access=access, secret=secret),
                                      **{name: buckets.get(f"{name}_bucket", f"photogate-{name}") for name in BUCKETS})
        return Operator(place, store, DATABASE_URL=said, ADMIN_URL=f"postgresql://photogate@/postgres?{host}")

    try:
        machine.start()
        uploads = [published(machine, photo) for photo in photos[:3]]
        was = [shown(machine, each) for each in uploads]
        operator_at(machine).sh(blocks("Without a pause")[0])
        machine.stop()
        fresh.start()
        operator = operator_at(fresh)
        # Its PostgreSQL ends with it: the dump goes into the running one, under a gateway that is stopped at once.
        postgres = parts.Postgres(fresh.folder / "postgres", place / "postgres.log", True)
        operator.sh(blocks("Restore it")[1])
        fresh.stop()
        postgres.start()
        postgres.sql('drop database "photogate" with (force)', "postgres")
        operator.sh(blocks("Restore it")[0])
        postgres.stop()
        fresh.start()
        for upload, data in zip(uploads, was):
            status, _, found = fresh.request("GET", f"/v1/uploads/{upload['id']}", key=fresh.operator_key, port=fresh.ports.metrics)
            assert (status, found["state"]) == (200, "published")
            assert shown(fresh, upload) == data
    finally:
        for each in (machine, fresh):
            if each.process:
                each.stop()
