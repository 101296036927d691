"""What docs/scaling.md tells operators to do, done: the uploads divided by time under traffic, and a replica that follows."""
import datetime
import itertools
import os
import pathlib
import re
import statistics
import subprocess
import time

import pytest

from tests.rig import losses, pictures
from tests.rig import stack as parts
from tests.rig.losses import Traffic, public_keys
from tests.rig.published import publish_rows
from tests.rig.standby import Standby

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SCRIPT = ROOT / "etc" / "postgresql" / "partition-uploads.sql"
PAGE = (ROOT / "docs" / "scaling.md").read_text()
COMMAND = re.search(r"```sh\n(psql [^`]*partition-uploads.sql)\n```", PAGE)[1]


def divide(url, cut, years=3):
    """The page's command, with another moment."""
    command = re.sub(r"--set=cut=\S+", f"--set=cut='{cut}'", re.sub(r"--set=years=\d+", f"--set=years={years}", COMMAND))
    return subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=120, env={**os.environ, "DATABASE_URL": url})


def in_seconds(seconds):
    return (datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)).isoformat()


def partitions(world, table):
    """{partition: rows}"""
    names = world.sql(f"select inhrelid::regclass from pg_inherits where inhparent = '{table}'::regclass order by 1").split()
    return {name: int(world.sql(f"select count(*) from {name}")) for name in names}


def blocks_read(world, query):
    """That a plan touches, read or found in memory: of its top node, which counts those below it."""
    plan = world.sql(f"explain (analyze, buffers, costs off, timing off, summary off) {query}")
    found = re.search(r"Buffers: shared(?: hit=(\d+))?(?: read=(\d+))?", plan)
    return sum(int(each or 0) for each in found.groups())


def columns_and_checks(sql):
    """Of every table, whatever it is divided into."""
    return sql("""select c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull from pg_attribute a join pg_class c on c.oid = a.attrelid
                        where c.relkind in ('r', 'p') and not c.relispartition and a.attnum > 0 and c.relnamespace = 'public'::regnamespace
                        order by 1, 2""") + sql("""select conrelid::regclass::text, conname, contype from pg_constraint
                        where connamespace = 'public'::regnamespace and contype in ('f', 'c') and conparentid = 0
                        and not exists (select from pg_class c where c.oid = conrelid and c.relispartition) order by 1, 2""")


@pytest.fixture
def next_photo():
    photos = [pictures.photo(320, 240, seed=700 + number) for number in range(6)]
    return itertools.cycle(photos).__next__


@pytest.mark.drills
def test_uploads_are_divided_by_time_under_traffic_and_none_is_lost(own_world, next_photo):
    world = own_world()
    before = columns_and_checks(world.sql)
    with Traffic(world, next_photo, clients=1) as traffic:
        losses.until(lambda: len(traffic.acknowledged) >= 20, 60)
        refused = divide(world.stack.postgres.url, in_seconds(10))
        assert refused.returncode != 0 and "cut has to be in the future" in refused.stderr
        assert columns_and_checks(world.sql) == before, "nothing was changed"
        cut, began = in_seconds(125), time.monotonic()
        done = divide(world.stack.postgres.url, cut)
        took = time.monotonic() - began
        assert done.returncode == 0, done.stderr
        assert columns_and_checks(world.sql) == before, "as programs and migrations see it, it is the same"
        early = len(traffic.acknowledged)
        losses.until(lambda: datetime.datetime.now(datetime.UTC).isoformat() > cut, 150)
        over = len(traffic.acknowledged)
        losses.until(lambda: len(traffic.acknowledged) >= over + 30, 60)
    assert traffic.errors == traffic.refused == 0 and over > early
    wanted = set(traffic.acknowledged)
    losses.until(lambda: set(world.sql("select id from uploads where state = 'published'").split()) >= wanted, 120)
    losses.until(lambda: world.sql("select count(*) from callbacks where state = 'waiting'") == "0", 120)
    heard = [(each.body["data"]["id"], each.body["type"]) for each in world.receiver.callbacks if each.body]
    assert {identity for identity, kind in heard if kind == "upload.published"} >= wanted and len(set(heard)) == len(heard), "each is told of, once"
    assert sorted(public_keys(world)) == sorted(world.sql("select image_key from uploads where image_key is not null").split())
    rows = partitions(world, "uploads")
    assert rows.pop("uploads_before") >= early and sum(rows.values()) >= 30 and sum(1 for each in rows.values() if each) == 1, rows
    assert sum(1 for each in partitions(world, "timeline").values() if each) == 2
    again = divide(world.stack.postgres.url, in_seconds(200))
    assert again.returncode != 0 and "divided already" in again.stderr

    # On both sides of the cut: lists in order, versions, packages, repeated requests, duplicates, deletion, the collection.
    sides = (traffic.acknowledged[0], traffic.acknowledged[-1])
    listed, cursor = [], ""
    while cursor is not None:
        page = world.request("GET", f"/v1/uploads?limit=50{cursor}")[2]
        listed += [each["id"] for each in page["data"]]
        cursor = f"&cursor={page['next']}" if page["next"] else None
    assert set(listed) >= set(traffic.acknowledged) and listed == sorted(listed, reverse=True)
    status, _, package = world.request("POST", "/v1/packages", {"items": list(sides)})
    assert status == 202
    assert world.gateway.request("GET", "/" + package["url"].split("/", 3)[3])[0] == 200
    for identity in sides:
        upload = world.request("GET", f"/v1/uploads/{identity}")[2]
        path = "/i/" + upload["links"]["image"].rsplit("/", 1)[1]
        assert world.gateway.request("GET", path + "?width=160")[0] == 200
        assert len(world.request("GET", f"/v1/uploads/{identity}/timeline")[2]["data"]) >= 3
        assert world.request("DELETE", f"/v1/uploads/{identity}")[0] == 200
        assert world.gateway.request("GET", path)[0] == 410
    world.gateway.restart()
    fresh = world.publish(next_photo())
    assert fresh["state"] == "published"
    print(f"{len(traffic.acknowledged)} uploads under way over {took:.1f} s of dividing and over the cut, 0 lost, 0 refused; rows: {partitions(world, 'uploads')}")


@pytest.mark.drills
def test_later_migrations_are_applied_over_divided_uploads(own_world):
    """As a whole since migration 9: what an operator who divided them long ago sees at each upgrade."""
    postgres = own_world(start=False).stack.postgres
    files = sorted((ROOT / "storage" / "records" / "migrations").glob("*.sql"))

    def apply(database, some):
        for file in some:
            done = subprocess.run(["psql", "-Xq", "-1", "-v", "ON_ERROR_STOP=1", f"--file={file}", postgres.url_of(database)], capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, f"{file.name}: {done.stderr}"
    for name in ("whole", "divided"):
        postgres.sql(f"create database {name}", "postgres")
    apply("whole", files)
    apply("divided", files[:9])
    done = divide(postgres.url_of("divided"), in_seconds(200))
    assert done.returncode == 0, done.stderr
    apply("divided", files[9:])
    whole, divided = (columns_and_checks(lambda query, name=name: postgres.sql(query, name)) for name in ("whole", "divided"))
    assert whole == divided


@pytest.mark.drills
def test_divided_uploads_are_found_in_one_partition_by_id_and_in_each_by_link(own_world):
    """Figures for the page: blocks that a look-up touches among 100,000 rows."""
    world = own_world(start=False)
    world.gateway.migrate()
    ids = publish_rows(world, 100_000)
    world.sql("vacuum analyze uploads")
    link = world.sql(f"select public_id from uploads where id = '{ids[50_000]}'")
    queries = {"by id": f"select * from uploads where id = '{ids[50_000]}'", "by link": f"select id from uploads where public_id = '{link}' and image_key is not null",
               "by object": f"select id from uploads where key = 'u/{ids[50_000]}' and bucket = 'in'"}
    for query in queries.values():
        world.sql(query)
    undivided = {name: blocks_read(world, query) for name, query in queries.items()}
    began = time.monotonic()
    done = divide(world.stack.postgres.url, in_seconds(200), years=10)
    took = time.monotonic() - began
    assert done.returncode == 0, done.stderr
    world.sql("analyze uploads")
    for query in queries.values():
        world.sql(query)
    divided = {name: blocks_read(world, query) for name, query in queries.items()}
    assert undivided["by id"] == divided["by id"] > 0, "one partition"
    assert divided["by link"] <= undivided["by link"] + 11 * 2 and divided["by object"] <= undivided["by object"] + 11 * 2
    print(f"divided in {took:.1f} s; blocks before {undivided}, after among 12 partitions {divided}")


@pytest.mark.drills
def test_replica_may_say_published_after_a_deletion_so_no_gateway_reads_one(own_world):
    world = own_world()
    photo = pictures.photo(320, 240, seed=77)
    primary = world.stack.postgres
    with Standby(primary) as replica:
        replica.start()
        parts.wait_until(lambda: primary.sql("select count(*) from pg_stat_replication where state = 'streaming'") == "1", 60, "the stream")
        late = []
        for _ in range(15):
            identity = world.publish(photo)["id"]
            began = time.monotonic()
            parts.wait_until(lambda identity=identity: replica.sql(f"select state from uploads where id = '{identity}'") == "published", 30, "the replica")
            late.append(time.monotonic() - began)
        # As a long query of an analyst, a cut or a busy disk holds it up.
        replica.sql("select pg_wal_replay_pause()")
        upload = world.request("GET", f"/v1/uploads/{identity}")[2]
        assert world.request("DELETE", f"/v1/uploads/{identity}")[0] == 200
        path = "/i/" + upload["links"]["image"].rsplit("/", 1)[1]
        assert world.gateway.request("GET", path)[0] == 410
        assert replica.sql(f"select state, image_key is not null from uploads where id = '{identity}'") == "published|t", "whoever reads here shows it"
        # Nobody does: the program wants a server that can be written to.
        done = subprocess.run([world.gateway.program, "migrate", "--config", world.gateway.config], capture_output=True, text=True, timeout=60,
                              env={**os.environ, **world.gateway.environment, "PHOTOGATE_DATABASE_URL": replica.url})
        assert done.returncode != 0 and "read-only" in (done.stdout + done.stderr), done
        # What it is for: questions that take long, beside the traffic.
        assert int(replica.sql("select count(*) from uploads where app = 'shop' and state = 'published'")) == 15
        replica.sql("select pg_wal_replay_resume()")
        parts.wait_until(lambda: replica.sql(f"select state from uploads where id = '{identity}'") == "deleted", 30, "the replica")
    print(f"15 publications at the replica {1000 * statistics.median(late):.0f} ms after they were told of at the median, {1000 * max(late):.0f} ms at most, psql included")
