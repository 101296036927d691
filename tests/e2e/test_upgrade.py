"""docs/upgrading.md: gateways of two releases beside each other under load, in both directions, and not one request lost.

The release before is built from its commit (tests/rig/releases.py), or is the build that PHOTOGATE_PREVIOUS_BUILD_DIR names. The same
procedure runs with this build twice.
"""
import re

import pytest

from scripts import local_gateway
from tests.rig import pictures, releases
from tests.rig import stack as parts
from tests.rig.balanced import Balanced, readiness

# Those that requests and workers read all the time.
TABLES = ("jobs", "callbacks", "uploads", "images", "packages", "package_items", "resumables", "app_profiles", "idempotency_keys")
ROUNDS = "\n[worker]\nreconcile_interval = 1\nreap_interval = 1\n"


@pytest.fixture(params=["this", "before"])
def previous(request, build_dir):
    """The build that is upgraded from."""
    if request.param == "this":
        return build_dir
    try:
        return releases.programs()
    except releases.Unavailable as reason:
        pytest.skip(str(reason))


def published_by(gateway):
    text = gateway.request("GET", "/metrics", port=gateway.metrics_port)[2].decode()
    return sum(float(value) for value in re.findall(r'^photogate_uploads_finished_total\{[^}]*result="published"[^}]*\} (\S+)$', text, re.M))


@pytest.fixture(scope="module")
def photos():
    return [pictures.photo(160, 120, seed=700 + number) for number in range(4)]


def beside(world, build, name):
    """A gateway of a build, on the world's database and store."""
    made = local_gateway.Gateway(build, world.gateway.folder.parent / name, world.stack, parts.free_port(), parts.free_port(),
                                 list(world.gateway.apps.values()), world.extra)
    world.others.append(made)
    return made


def assert_all_published_and_told_once(world, gateway, acknowledged):
    for identity in acknowledged:
        assert gateway.wait_for(identity, 90)["state"] == "published"
    for identity in acknowledged:
        world.receiver.wait_for_upload(identity, "upload.published", 60)
        assert len({each.body["id"] for each in world.receiver.of(identity, "upload.published")}) == 1


def join(clients, gateway):
    gateway.launch()
    gateway.wait_until_ready()
    clients.serving.append(gateway)


def both_publish(one, other):
    before = published_by(one), published_by(other)
    parts.wait_until(lambda: published_by(one) > before[0] and published_by(other) > before[1], 90, "both publish")


@pytest.mark.drills
def test_gateways_are_replaced_one_by_one_without_losing_a_request(own_world, previous, build_dir, photos):
    world = own_world(build=previous, extra=ROUNDS)
    old = world.gateway
    with Balanced(world, [old], photos) as clients:
        clients.wait_for(10)
        # Forward: the schema first, under the old gateway, then the new one beside it.
        new = beside(world, build_dir, "new")
        new.migrate()
        clients.wait_for_all_kinds()
        join(clients, new)
        both_publish(old, new)
        clients.wait_for_all_kinds()
        # Back, while a gateway of before still runs.
        clients.leave(new)
        clients.wait_for_all_kinds()
        # And forward to the end.
        last = beside(world, build_dir, "last")
        join(clients, last)
        clients.wait_for(10)
        clients.leave(old)
        clients.wait_for_all_kinds()
        # Back, once none of before runs: the old program on the schema as it is now.
        again = beside(world, previous, "again")
        if may_start(previous, build_dir):
            join(clients, again)
            both_publish(last, again)
            clients.leave(last)
            clients.wait_for_all_kinds()
        else:
            checked = again.run("serve")
            assert checked.returncode == 78 and "ahead of this program" in checked.stderr, checked.stderr
    assert not clients.lost, clients.lost[:5]
    assert_all_published_and_told_once(world, clients.serving[-1], clients.acknowledged)
    print(clients.said())


def schema(build):
    """The newest migration that a build knows: its text is in the program."""
    data = (build / "photogate").read_bytes()
    return max(re.findall(rb"\b(00\d\d)_[a-z_]+", data), default=b"")


def may_start(previous, build):
    """0.1.0 refuses every schema that is ahead of it; later releases ask the migrations, of which none here forbids it."""
    return schema(previous) == schema(build) or b"oldest_program" in (previous / "photogate").read_bytes()


def expand(world, number, oldest):
    """What `photogate migrate` of a later release records."""
    world.sql(f"insert into schema_migrations (version, name, checksum, oldest_program) values ({number}, '{number}_later', 'x', {oldest})")


@pytest.mark.drills
def test_gateways_start_again_on_a_schema_that_the_next_release_expanded(own_world, build_dir, photos):
    """A crash in the middle of a rolling upgrade, and the way back, with a program that does not know the newest migrations."""
    world = own_world(extra=ROUNDS)
    ours = int(schema(build_dir))
    other = world.another()
    with Balanced(world, [world.gateway], photos) as clients:
        join(clients, other)
        for statement in ("create table of_the_next_release (id text primary key)", "alter table uploads add column of_the_next_release text",
                          "alter table jobs add column of_the_next_release integer not null default 0"):
            world.sql(f"set lock_timeout = '2s'; {statement}")
        expand(world, 8000, ours)
        expand(world, 8001, ours)
        assert readiness(world.gateway)["schema"] == {"program": ours, "database": 8001, "permitted": True}
        clients.wait_for(5)
        # Killed with whatever it was working on; only the requests that it was answering would be lost with it.
        clients.take_out(other, seconds=5)
        other.kill()
        again = world.another()
        join(clients, again)
        clients.leave(world.gateway)
        clients.wait_for_all_kinds()
        assert "database.schema_ahead" in again.log.read_text() and "8001_later" in again.log.read_text()
        migrated = again.run("migrate")
        assert migrated.returncode == 0 and "ahead of this program (newest migration 8001_later), and permits it" in migrated.stdout, migrated
        doctor = again.run("doctor").stdout
        assert re.search(rf"^warning  database\.schema +is ahead of this program \({ours:04}; newest migration 8001_later\)", doctor, re.M), doctor
        # What contracts the schema forbids it, and is said while it still runs.
        expand(world, 8002, 8001)
        found = readiness(again)
        assert found["ready"] and found["schema"] == {"program": ours, "database": 8002, "permitted": False}
        for command in ("serve", "migrate"):
            refused = beside(world, build_dir, "refused").run(command)
            assert refused.returncode == 78, refused
            assert f"ahead of this program ({ours:04}): it has migration 8002_later, beside which no program before schema 8001 can run" in refused.stderr, refused
        assert world.sql("select count(*) from schema_migrations where version > 7999") == "3"
        clients.wait_for(5)
    assert not clients.lost, clients.lost[:5]
    assert_all_published_and_told_once(world, again, clients.acknowledged)
    print(clients.said())


@pytest.mark.drills
def test_gateways_go_on_while_the_next_release_expands_the_schema(own_world, photos):
    """What expand-and-contract permits beside this release: columns that may be null, tables, indexes."""
    world = own_world(extra=ROUNDS)
    with Balanced(world, [world.gateway], photos) as clients:
        clients.wait_for(15)
        for statement in ("create table of_the_next_release (id text primary key)", "create index concurrently next_release on uploads (updated_at)",
                          *(f"alter table {table} add column of_the_next_release text" for table in TABLES)):
            world.sql(f"set lock_timeout = '2s'; {statement}" if "concurrently" not in statement else statement)
            clients.wait_for(5)
        clients.wait_for_all_kinds()
    assert not clients.lost, (len(clients.lost), clients.lost[:5])
    assert_all_published_and_told_once(world, world.gateway, clients.acknowledged)
    print(clients.said())
