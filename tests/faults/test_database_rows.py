"""F6 to F17: PostgreSQL stops, forgets its clients, is slow, is full, says yes and is not heard."""
import concurrent.futures
import contextlib
import json
import os
import pathlib
import socket
import struct
import subprocess
import tempfile
import time
import urllib.parse

import pytest
from report import p

from tests.rig import pictures, pooler, traffic
from tests.rig import stack as parts
from tests.rig.events import event, post
from tests.rig.postgres_proxy import PostgresProxy
from tests.rig.standby import Standby, switch_over
from tests.rig.world import QUICK_ROUNDS, SHORT_LEASES


@pytest.fixture
def photo():
    return pictures.photo(320, 240, seed=77)


def published(world):
    return int(world.sql("select count(*) from uploads where state = 'published'"))


def rate(world, seconds):
    """Uploads published a second."""
    before, started = published(world), time.monotonic()
    time.sleep(seconds)
    return (published(world) - before) / (time.monotonic() - started)


def session(postgres):
    """A client that is connected and does nothing; None where PostgreSQL takes no more."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(5)
    try:
        connection.connect(str(postgres.sockets / ".s.PGSQL.5432"))
        words = b"user\0photogate\0database\0photogate\0application_name\0idler\0\0"
        connection.sendall(struct.pack("!ii", len(words) + 8, 196608) + words)
        answer = connection.recv(1)
    except OSError:
        answer = b""
    if answer != b"R":
        connection.close()
        return None
    return connection


def test_f6_postgresql_restarts_immediately(row, witnessed):
    world = witnessed(extra=SHORT_LEASES)
    postgres, outages = world.stack.postgres, 4
    row.scaled(f"{outages} outages of 5 s instead of 20 of 20 s")
    with traffic.Shop(world, row.seed, customers=4, calm=True, junk=0) as shop:
        shop.wait_for(5)
        undisturbed, back = rate(world, 6), []
        for _ in range(outages):
            postgres.stop("immediate")
            time.sleep(5)  # the outage itself
            postgres.start()
            accepts = time.monotonic()
            before = published(world)
            parts.wait_until(lambda: published(world) > before, 30, "publications")
            back.append(time.monotonic() - accepts)
        time.sleep(2)
        recovered = rate(world, 6)
    shop.settle()
    world.witness.judge()
    row.figure(f"{len(shop.acknowledged)} objects, 0 lost; publishing again {max(back):.1f} s after PostgreSQL at most; "
               f"{recovered:.1f}/s after against {undisturbed:.1f}/s before: {100 * recovered / undisturbed:.0f} %")
    row.hold(max(back) <= 5, "back within 5 s")
    row.hold(recovered >= 0.5 * undisturbed, "it recovers")
    row.aim(recovered >= undisturbed, "100 %")


def test_f7_backends_are_terminated(row, witnessed):
    world = witnessed(extra=SHORT_LEASES)
    rounds, seconds, killed = 4, 5, 0
    row.scaled(f"for {rounds} times {seconds} s instead of 60 s")
    befores, durings, afters = [], [], []
    with traffic.Shop(world, row.seed, customers=4, calm=True, junk=0) as shop:
        shop.wait_for(5)
        for _ in range(rounds):
            befores.append(rate(world, 6))
            begun, already = time.monotonic(), published(world)
            while time.monotonic() < begun + seconds:
                killed += int(world.sql("select count(pg_terminate_backend(pid)) from (select pid from pg_stat_activity where application_name like 'gateway%' "
                                        "order by random() limit 1) as one"))
                time.sleep(0.15)
            durings.append((published(world) - already) / (time.monotonic() - begun))
            time.sleep(1)
            afters.append(rate(world, 6))
    shop.settle()
    world.witness.judge()
    undisturbed, during, recovered = (sum(each) / rounds for each in (befores, durings, afters))
    row.figure(f"{killed} backends terminated; {during:.1f}/s meanwhile, {recovered:.1f}/s after, {undisturbed:.1f}/s before: "
               f"{100 * during / undisturbed:.0f} % and {100 * recovered / undisturbed:.0f} %")
    row.hold(recovered >= 0.5 * undisturbed, "it recovers")
    row.aim(recovered >= 0.95 * undisturbed, "95 %")


def test_f8_postgresql_fails_over_to_a_standby(row, witnessed):
    world = witnessed(start=False, extra=SHORT_LEASES)
    first = world.stack.postgres
    world.gateway.migrate()
    with contextlib.ExitStack() as standbys:
        second = standbys.enter_context(Standby(first))
        third = standbys.enter_context(Standby(second))
        hosts = ",".join(urllib.parse.quote(str(each.sockets), safe="") for each in (first, second, third))
        second.follow()
        world.gateway.launch(environment={"PHOTOGATE_DATABASE_URL": f"postgresql://photogate@/photogate?host={hosts}&application_name=gateway0.1"})
        world.gateway.wait_until_ready()
        with traffic.Shop(world, row.seed, customers=4) as shop:
            shop.wait_for(20)
            switch_over(first, second)
            switched, world.stack.postgres = time.monotonic(), second
            parts.wait_until(lambda: first.sql("select count(*) from pg_stat_activity where application_name like 'gateway%'") == "0", 15,
                             "the end of the sessions that can only be read")
            left = time.monotonic() - switched
            shop.wait_for(20)
            third.follow()
            shop.wait_for(5)
            second.kill()
            died, world.stack.postgres = time.monotonic(), third
            third.promote()
            before = published(world)
            parts.wait_until(lambda: published(world) > before, 30, "publications")
            back = time.monotonic() - died
            shop.wait_for(20)
        shop.settle()
        world.witness.judge()
        row.figure(f"{len(shop.acknowledged)} objects over two failovers, 0 lost: every session left a read-only server that stayed up within "
                   f"{left:.1f} s; publishing again {back:.1f} s after another was killed, promotion included")
        row.hold(left <= 10, "10 s")


def test_f9_connections_are_used_up_by_others(row, witnessed, photo):
    world = witnessed()
    world.publish(photo)
    held = []
    while len(held) < 300 and (made := session(world.stack.postgres)):
        held.append(made)
    times, statuses = [], []

    def one(number):
        started = time.monotonic()
        statuses.append(post(world, event(world, f"u/202601010000/{number}"))[0])
        times.append(time.monotonic() - started)

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(one, range(400)))
    uploads = [world.upload(photo) for _ in range(5)]
    for each in uploads:
        assert world.gateway.wait_for(each, 30)["state"] == "published"
    for each in held:
        each.close()
    parts.wait_until(lambda: world.stack.postgres.ready(), 60, "PostgreSQL")
    time.sleep(0.5)
    traffic.settle(world)
    seen = {status: statuses.count(status) for status in sorted(set(statuses))}
    row.figure(f"{len(held)} idle clients hold all of PostgreSQL's connections; events: {seen}, p50 {p(times, .5) * 1000:.0f} ms, p99 {p(times, .99) * 1000:.0f} ms; "
               "uploads continue over the existing connections")
    row.hold(p(times, .99) <= 1 and set(seen) <= {200, 503}, "p99 1 s")
    world.witness.judge()


def test_f10_serialization_failures_and_deadlocks(row, witnessed, photo):
    world = witnessed()
    world.sql("""
        create sequence witness.turn;
        grant usage on sequence witness.turn to public;
        create function witness.fail_now_and_then() returns trigger language plpgsql as $$
        begin
            case nextval('witness.turn') % 7
                when 3 then raise exception 'made' using errcode = 'serialization_failure';
                when 5 then raise exception 'made' using errcode = 'deadlock_detected';
                else null;
            end case;
            return new;
        end $$;
        create trigger now_and_then before insert or update on uploads for each row execute function witness.fail_now_and_then();
    """)
    with traffic.Shop(world, row.seed, customers=3, calm=True, junk=0) as shop:
        shop.wait_for(60, 90)
    world.sql("drop trigger now_and_then on uploads")
    shop.settle()
    world.witness.judge()
    made = int(world.sql("select last_value from witness.turn")) * 2 // 7
    refused = world.witness.history.of("refused")
    row.figure(f"about {made} failures in {len(shop.acknowledged)} uploads; {len(refused)} answers of the {shop.answered + len(refused)} were errors")
    row.hold(len(refused) == 0, f"no client saw one: {[f['status'] for f in refused][:5]}")


def test_f11_commit_is_sent_and_its_answer_lost(row, witnessed):
    world = witnessed(start=False, extra=SHORT_LEASES)
    world.gateway.migrate()
    with PostgresProxy(world.stack.postgres, row.seed) as proxy:
        world.gateway.launch(environment={"PHOTOGATE_DATABASE_URL": proxy.url + "&application_name=gateway0.1"})
        world.gateway.wait_until_ready()
        proxy.lose_commits = 0.15
        with traffic.Shop(world, row.seed, customers=3) as shop:
            parts.wait_until(lambda: proxy.lost >= 150, 90, "lost answers")
        proxy.lose_commits = 0
        row.scaled(f"{proxy.lost} instead of 500 trials")
        shop.settle()
        world.witness.judge()
        row.figure(f"{proxy.lost} answers to COMMIT lost in {len(shop.acknowledged)} uploads: 0 duplicates, 0 losses; "
                   f"{len(world.witness.history.of('refused'))} requests answered with an error and repeated by the client")


def test_f12_postgresql_disk_is_full(row, witnessed):
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a small disk")
    disk = pathlib.Path(tempfile.mkdtemp(prefix="small-disk-"))
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400m,mode=0777", "tmpfs", disk], capture_output=True).returncode != 0:
        pytest.skip("needs the right to mount a small disk")
    world = witnessed(start=False, extra=SHORT_LEASES)
    try:
        postgres = world.stack.postgres
        postgres.stop()
        subprocess.run(["cp", "-a", postgres.data, disk / "data"], check=True)
        postgres.data = disk / "data"
        postgres.start()
        world.gateway.start()
        ballast = disk / "ballast"
        with traffic.Shop(world, row.seed, customers=3) as shop:
            shop.wait_for(10)
            with open(ballast, "wb") as file:
                try:
                    while True:
                        file.write(b"\0" * (1 << 20))
                        file.flush()
                except OSError:
                    pass
            before = shop.answered
            time.sleep(12)  # the time without room
            meanwhile = shop.answered - before
            statuses = sorted({f["status"] for f in world.witness.history.of("refused")})
            ballast.unlink()
            if not postgres.running:
                postgres.process = None
                postgres.start()
            else:
                parts.wait_until(postgres.ready, 60, "PostgreSQL")
            shop.wait_for(10)
        shop.settle()
        world.witness.judge()
        row.figure(f"12 s without disk space: {meanwhile} requests still answered, refusals {statuses}; {len(shop.acknowledged)} uploads, 0 violations afterwards")
        row.hold(set(statuses) <= {503}, "503")
    finally:
        world.close()
        subprocess.run(["umount", "-l", disk], capture_output=True)
        disk.rmdir()


def test_f13_postgresql_answers_late(row, witnessed):
    world = witnessed(start=False, extra=QUICK_ROUNDS)
    world.gateway.migrate()
    with PostgresProxy(world.stack.postgres) as proxy:
        world.gateway.launch(environment={"PHOTOGATE_DATABASE_URL": proxy.url + "&application_name=gateway0.1"})
        world.gateway.wait_until_ready()
        with traffic.Shop(world, row.seed, customers=8, calm=True, junk=0) as shop:
            shop.wait_for(20)
            before, connections = memory_of(world.gateway.process), proxy.connections
            undisturbed = rate(world, 4)
            proxy.delay = 0.2
            highest, leased = before, 0
            for _ in range(40):
                time.sleep(0.25)
                highest = max(highest, memory_of(world.gateway.process))
                leased = max(leased, int(world.sql("select count(*) from jobs where lease_token is not null")))
            slow = rate(world, 4)
            proxy.delay = 0
        shop.settle()
        world.witness.judge()
        row.figure(f"{slow:.1f}/s instead of {undisturbed:.1f}/s; memory + {(highest - before) / (1 << 20):.1f} MiB; {leased} jobs under way at most, "
                   f"{proxy.connections - connections} connections more")
        row.hold(highest - before < 32 << 20 and leased <= 16, "flat and bounded")


def memory_of(process):
    return int(pathlib.Path(f"/proc/{process.pid}/status").read_text().split("VmRSS:")[1].split()[0]) * 1024


def test_f14_snapshot_is_held_open(row, witnessed):
    world = witnessed()
    row.scaled("20 s instead of 10 min; without the alert")
    with traffic.Shop(world, row.seed, customers=4, calm=True, junk=0) as shop:
        shop.wait_for(10)
        undisturbed = rate(world, 6)
        postgres = world.stack.postgres
        identity = {"user": postgres.user.pw_uid, "group": postgres.user.pw_gid, "extra_groups": []} if postgres.user else {}
        holder = subprocess.Popen([postgres.bindir / "psql", "-XAtq", "-h", postgres.sockets, "-U", "photogate", "-d", "photogate", "-c",
                                   "begin isolation level repeatable read; select count(*) from jobs; select pg_sleep(20);"],
                                  stdout=subprocess.DEVNULL, cwd="/", **identity)
        time.sleep(12)
        held = rate(world, 6)
        holder.terminate()
        holder.wait(10)
    shop.settle()
    world.witness.judge()
    dead = world.sql("select n_dead_tup from pg_stat_user_tables where relname = 'jobs'")
    row.figure(f"{held:.1f}/s with a snapshot of 12 to 18 s, {undisturbed:.1f}/s without: {100 * held / undisturbed:.0f} %; {dead} dead rows in jobs")
    row.hold(held >= 0.25 * undisturbed, "25 %")


def test_f15_listening_connection_is_silently_dead(row, witnessed, photo):
    world = witnessed(start=False, extra="[worker]\nreconcile_interval = 60\nreap_interval = 10\n")
    world.gateway.migrate()
    with PostgresProxy(world.stack.postgres) as proxy:
        serve = world.another(role="serve")
        world.gateway.role = "work"  # woken by the other process alone
        world.gateway.launch(environment={"PHOTOGATE_DATABASE_URL": proxy.url + "&application_name=gateway0.1"})
        world.gateway.wait_until_ready()
        serve.start()
        world.witness.events.upstream = ("127.0.0.1", serve.port)

        def one():
            created = serve.create({"size": len(photo)}, world.app)
            traffic.put(world, created, photo)
            started = time.monotonic()
            assert serve.wait_for(created, 30, world.app)["state"] == "published"
            return time.monotonic() - started

        heard = [one() for _ in range(8)]
        proxy.deaf = True
        unheard = [one() for _ in range(8)]
        connections = proxy.connections
        parts.wait_until(lambda: proxy.connections > connections or proxy.deafened > 0, 60, "that it is noticed")
        proxy.deaf = False
        again = [one() for _ in range(4)]
        row.figure(f"{p(heard, .5) * 1000:.0f} ms while it is alive, {max(unheard) * 1000:.0f} ms at most while it is dead, {p(again, .5) * 1000:.0f} ms afterwards")
        row.hold(max(unheard) - p(heard, .5) <= 1.5, "1.5 s later at most")


def test_f16_pgbouncer_in_transaction_mode(row, witnessed, photo):
    if not pooler.program():
        pytest.fail("PgBouncer is not installed; ./test installs it")
    sessions = 4
    world = witnessed(start=False, extra=SHORT_LEASES)
    with pooler.Pooler(world.stack.postgres, sessions) as bouncer:
        for gateway in (world.gateway, world.another()):
            gateway.environment |= {"PHOTOGATE_DATABASE_URL": bouncer.url, "PHOTOGATE_DATABASE_POOLER": "transaction"}
        other = world.others[0]
        world.gateway.migrate()
        for number, gateway in enumerate((world.gateway, other)):
            own = {"PHOTOGATE_DATABASE_URL": f"{bouncer.url}&application_name=gateway{number}.1"}
            gateway.launch(environment=own)
            gateway.wait_until_ready()
        most = 0
        with traffic.Shop(world, row.seed, customers=4) as shop:
            for _ in range(12):
                shop.wait_for(5)
                most = max(most, int(world.sql("select count(*) from pg_stat_activity where backend_type = 'client backend' and application_name <> 'psql'")))
            world.gateway.kill()
            world.gateway.launch(environment={"PHOTOGATE_DATABASE_URL": f"{bouncer.url}&application_name=gateway0.2"})
            world.gateway.wait_until_ready()
            shop.wait_for(20)
        shop.settle()
        world.witness.judge()
        prepared, locks = world.sql("select count(*) from pg_prepared_statements"), world.sql("select count(*) from pg_locks where locktype = 'advisory'")
        clashes = sum(gateway.log_tail(100_000).count(word) for gateway in (world.gateway, other) for word in ("42P05", "26000", "prepared statement"))
        row.figure(f"two gateways, one of them killed once, over {most} sessions at most: {len(shop.acknowledged)} objects ended, 0 violations; migrated through it; "
                   f"{clashes} statements were missing or clashed, {locks} locks left behind")
        row.hold(most <= sessions and clashes == 0 and prepared == "0" and locks == "0", "nothing is left in a session")


@pytest.mark.fast
def test_f17_schema_of_another_version(row, witnessed):
    world = witnessed(start=False)
    world.sql("create table mine (n int)")
    behind = world.gateway.run("all")
    tables = world.sql("select count(*) from pg_tables where schemaname = 'public'")
    world.gateway.migrate()
    world.sql("insert into schema_migrations select version + 1000, '1002_from_the_future', checksum"
              + "".join(f", {name}" for name in rest_of_migrations(world)) + " from schema_migrations order by version desc limit 1")
    before = world.sql("select count(*) from witness.changes")
    ahead, again = world.gateway.run("all"), world.gateway.run("migrate")
    unwritten = world.sql("select count(*) from witness.changes") == before
    world.sql("update schema_migrations set oldest_program = version - 1000 where version > 1000")
    world.gateway.launch()
    world.gateway.wait_until_ready()
    permitted = world.gateway.run("migrate")
    world.gateway.stop()
    row.figure(f"behind: exit {behind.returncode}, “{said(behind)}”; ahead: exit {ahead.returncode}, “{said(ahead)}”; migrate: exit {again.returncode}; "
               f"ahead, and permitted by the migration: it starts; migrate: exit {permitted.returncode}")
    row.hold(behind.returncode not in (0, -9, -11) and "migrat" in behind.stderr + behind.stdout and tables == "1", "behind is refused, nothing is written")
    row.hold(ahead.returncode not in (0, -9, -11) and again.returncode != 0 and "ahead" in ahead.stderr + ahead.stdout, "ahead is refused")
    row.hold(unwritten, "no writes")
    row.hold(permitted.returncode == 0 and "permits it" in permitted.stdout, "what permits it is no obstacle")


def rest_of_migrations(world):
    names = json.loads(world.sql("select json_agg(column_name) from information_schema.columns where table_name = 'schema_migrations'"))
    return [name for name in names if name not in ("version", "name", "checksum", "oldest_program")]


def said(done):
    lines = [line for line in (done.stdout + done.stderr).splitlines() if "photogate:" in line or "schema" in line]
    return lines[-1].strip()[:160] if lines else ""
