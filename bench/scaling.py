#!/usr/bin/env python3
"""How far photogate grows, by measurement and by simulation. Prints the tables of docs/scaling.md; not part of bench/run.

    bench/scaling.py [--build build/release] [--seconds 4] [--json FILE] [measure] [predict] [records]

measure: with one gateway: what an upload's creation costs the gateway, PostgreSQL and the clients in processor time, and how long a flush
         takes; what a whole upload (created, stored, published, both callbacks delivered) costs PostgreSQL in processor time, WAL, rows and
         bytes that stay. Then 2, 4 and 8 gateways on the same two cores, beside what the simulation predicts of them.
records: creations, events and claims a second of the records alone, without HTTP, by the build's bench/records_bench (-DPHOTOGATE_BENCH=ON).
predict: the same simulation with a machine for PostgreSQL and one for each gateway, from the figures of --json or of docs/scaling.md.

The simulation is of queues alone: cores that serve in the order of arrival, one committer a gateway, and one flush of the log at a time that
takes all commits that wait for it. It knows no locks within PostgreSQL, no cache misses and no network but a fixed delay.
"""
import argparse
import collections
import concurrent.futures
import contextlib
import dataclasses
import heapq
import itertools
import json
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

import creating  # noqa: E402
import harness  # noqa: E402

from tests.rig import pictures  # noqa: E402
from tests.rig.world import World  # noqa: E402

CONNECTIONS = 256
GATEWAYS = (1, 2, 4, 8)
COMMITS = "select xact_commit from pg_stat_database where datname = current_database()"
# Of a group of rows, beside its rows: a share of what a row was measured to take.
TRANSACTION = 150.0
DISK = 500.0  # bytes a microsecond: what a plain SSD writes


@dataclasses.dataclass
class Costs:
    """Microseconds of a core, and of waiting."""

    client: float = 15.0    # of a request
    gateway: float = 41.0
    database: float = 27.0  # of a row
    transaction: float = 150.0  # of a group of rows, beside its rows
    flush: float = 1_000.0  # waiting
    network: float = 0.0    # one way, between machines
    wal_bytes: float = 0.0  # of a row
    bandwidth: float = 0.0  # of the log's disk, bytes a microsecond; 0: without bound

    # Of the gateway's time, what lies before its commit.
    BEFORE = 0.75


class Cores:
    """Serve tasks in the order of their arrival."""

    def __init__(self, simulation, count):
        self.simulation, self.free, self.waiting, self.busy = simulation, count, collections.deque(), 0.0

    def run(self, microseconds, then):
        self.waiting.append((microseconds, then))
        self.serve()

    def serve(self):
        while self.free and self.waiting:
            microseconds, then = self.waiting.popleft()
            self.free -= 1
            self.busy += microseconds
            self.simulation.after(microseconds, self.done, then)

    def done(self, then):
        self.free += 1
        then()
        self.serve()


class Simulation:
    def __init__(self):
        self.now, self.events, self.number = 0.0, [], itertools.count()

    def after(self, microseconds, call, *arguments):
        heapq.heappush(self.events, (self.now + microseconds, next(self.number), call, arguments))

    def until(self, end):
        while self.events and self.events[0][0] <= end:
            self.now, _, call, arguments = heapq.heappop(self.events)
            call(*arguments)


class Log:
    """PostgreSQL's write-ahead log: one flush at a time, and whoever came during it waits for the next."""

    def __init__(self, simulation, costs):
        self.simulation, self.costs, self.waiting, self.bytes, self.flushing = simulation, costs, [], 0.0, False

    def flush(self, size, then):
        self.waiting.append(then)
        self.bytes += size
        if not self.flushing:
            self.begin()

    def begin(self):
        taken, size, self.waiting, self.bytes, self.flushing = self.waiting, self.bytes, [], 0.0, True
        written = size / self.costs.bandwidth if self.costs.bandwidth else 0.0
        self.simulation.after(self.costs.flush + written, self.end, taken)

    def end(self, taken):
        self.flushing = False
        if self.waiting:
            self.begin()
        for then in taken:
            then()


class Committer:
    """One of a gateway: what arrives during a transaction shares the next; a second one begins beside it once enough wait."""

    LIMIT, LANES, WORTH_ANOTHER = 256, 2, 16

    def __init__(self, simulation, costs, database, log):
        self.simulation, self.costs, self.database, self.log = simulation, costs, database, log
        self.waiting, self.under_way = [], 0

    def submit(self, then):
        self.waiting.append(then)
        self.begin()

    def begin(self):
        if not self.waiting or self.under_way >= (self.LANES if len(self.waiting) >= self.WORTH_ANOTHER else 1):
            return
        group, self.waiting = self.waiting[:self.LIMIT], self.waiting[self.LIMIT:]
        self.under_way += 1
        work = self.costs.transaction + self.costs.database * len(group)
        self.simulation.after(self.costs.network, self.database.run, work, lambda: self.log.flush(
            len(group) * self.costs.wal_bytes, lambda: self.simulation.after(self.costs.network, self.end, group)))

    def end(self, group):
        self.under_way -= 1
        self.begin()
        for then in group:
            then()


def simulate(costs, gateways, connections=CONNECTIONS, shared=0, gateway_cores=4, database_cores=8, seconds=1.0):
    """Creations a second and their median in milliseconds. `shared`: so many cores for clients, gateways and PostgreSQL together; 0: the
    gateways and PostgreSQL have machines of their own, and the clients cost nothing."""
    simulation = Simulation()
    common = Cores(simulation, shared) if shared else None
    database, log = common or Cores(simulation, database_cores), Log(simulation, costs)
    took = []

    def client(cores, committer):
        began = simulation.now

        def answered():
            if simulation.now > seconds * 0.2e6:
                took.append(simulation.now - began)
            client(cores, committer)

        def committed():
            cores.run(costs.gateway * (1 - costs.BEFORE), lambda: simulation.after(costs.network, answered))

        def sent():
            simulation.after(costs.network, cores.run, costs.gateway * costs.BEFORE, lambda: committer.submit(committed))

        if common:
            common.run(costs.client, sent)
        else:
            sent()

    for _ in range(gateways):
        cores, committer = common or Cores(simulation, gateway_cores), Committer(simulation, costs, database, log)
        for _ in range(max(1, connections // gateways)):
            client(cores, committer)
    simulation.until(seconds * 1e6)
    return len(took) / (0.8 * seconds), statistics.median(took) / 1000 if took else float("nan")


# ------------------------------------------------------------------------------------------- measured


def flush_of(folder):
    """Microseconds of one flush of 8 KiB, by PostgreSQL's own tool."""
    tool = next(iter(sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/pg_test_fsync"), reverse=True)))
    out = subprocess.run([tool, "-s", "1", "-f", str(folder / "flush")], capture_output=True, text=True, check=True).stdout
    return float(re.search(r"fdatasync\s+[\d.]+ ops/sec\s+([\d.]+) usecs", out)[1])


def loaded(bench, gateways, key, seconds):
    """Creations a second through all of them, by as many load generators."""
    results, errors = [], []

    def load(gateway):
        try:
            results.append(bench.wrk(gateway.url + "/v1/uploads", seconds, "POST", f"Bearer {key}", creating.BODY,
                                     CONNECTIONS // len(gateways)))
        except harness.NotMeasured as error:
            errors.append(str(error))

    threads = [threading.Thread(target=load, args=(each,)) for each in gateways]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    if errors:
        raise harness.NotMeasured("; ".join(errors))
    return {"rate": sum(each["rate"] for each in results), "p50_ms": statistics.median(each["p50_ms"] for each in results),
            "requests": sum(each["requests"] for each in results)}


def costs_of(bench, world, seconds):
    """Of one gateway, beside the cores that a second has."""
    roots = {"gateway": [world.gateway.process.pid], "database": [harness.database_of(world.stack)]}
    before = {name: harness.processor_time(each) for name, each in roots.items()}
    groups = int(world.sql(COMMITS))
    lsn = world.sql("select pg_current_wal_lsn()")
    result = loaded(bench, [world.gateway], world.app.key, seconds)
    taken = {name: (harness.processor_time(each) - before[name]) * 1000 / result["requests"] for name, each in roots.items()}
    taken["wal_bytes"] = float(world.sql(f"select pg_wal_lsn_diff(pg_current_wal_lsn(), '{lsn}')")) / result["requests"]
    groups = int(world.sql(COMMITS)) - groups
    return result, taken, result["requests"] / max(1, groups)


def whole_uploads(world, count, at_once=16):
    """What `count` whole uploads, so many at once, cost PostgreSQL."""
    photo = pictures.photo(seed=5)
    world.publish(photo)

    def size():
        return int(world.sql("select pg_database_size(current_database())"))

    def statements():
        return int(world.sql("select xact_commit from pg_stat_database where datname = current_database()"))

    world.sql("vacuum analyze")
    began, lsn = time.monotonic(), world.sql("select pg_current_wal_lsn()")
    taken, kept, transactions = harness.processor_time([harness.database_of(world.stack)]), size(), statements()
    with concurrent.futures.ThreadPoolExecutor(at_once) as clients:
        list(clients.map(lambda _: world.publish(photo), range(count)))
    wal = float(world.sql(f"select pg_wal_lsn_diff(pg_current_wal_lsn(), '{lsn}')"))
    return {"milliseconds": (harness.processor_time([harness.database_of(world.stack)]) - taken) / count, "wal_bytes": wal / count,
            "kept_bytes": (size() - kept) / count, "transactions": (statements() - transactions) / count,
            "per_second": count / (time.monotonic() - began)}


def measure(bench, build, seconds):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="photogate-scaling-", dir="/var/tmp"))
    found = {"flush": flush_of(folder), "measured": {}, "predicted": {}}
    with contextlib.closing(World(build, folder / "gateway", profiles={"photos": {}})) as world:
        world.gateway.start()
        found["upload"] = whole_uploads(world, 600)
        loaded(bench, [world.gateway], world.app.key, 1)
        alone, taken, group = costs_of(bench, world, seconds)
        found.update(taken, group=group)
        # What two cores have in the time of a request, less what the others of it took.
        found["client"] = max(1.0, 2e6 / alone["rate"] - taken["gateway"] - taken["database"])
        found["measured"][1] = alone
        gateways = [world.gateway]
        for count in GATEWAYS[1:]:
            while len(gateways) < count:
                gateways.append(world.another("serve"))
                gateways[-1].start()
            loaded(bench, gateways, world.app.key, 1)
            found["measured"][count] = loaded(bench, gateways, world.app.key, seconds)
    return found


def costs_from(found):
    return Costs(found["client"], found["gateway"], max(1.0, found["database"] - TRANSACTION / max(1.0, found["group"])), TRANSACTION,
                 found["flush"], wal_bytes=found["wal_bytes"])


def report(found):
    costs = costs_from(found)
    upload = found["upload"]
    print("| figure of one gateway on this machine | |\n| --- | --- |")
    for what, figure in ((f"gateway, of a creation at {CONNECTIONS} connections", f"{found['gateway']:.0f} µs"),
                         ("PostgreSQL, of a creation", f"{found['database']:.0f} µs"), ("rows in a commit", f"{found['group']:.0f}"),
                         ("clients and kernel, of a creation", f"{found['client']:.0f} µs"), ("one flush of the log", f"{found['flush']:.0f} µs"),
                         ("PostgreSQL, of a whole upload", f"{upload['milliseconds']:.2f} ms"),
                         ("… transactions", f"{upload['transactions']:.1f}"), ("… WAL", f"{upload['wal_bytes'] / 1024:.1f} KiB"),
                         ("WAL of a creation", f"{found['wal_bytes'] / 1024:.1f} KiB"),
                         ("… bytes that stay in its tables", f"{upload['kept_bytes'] / 1024:.1f} KiB")):
        print(f"| {what} | {figure} |")
    print("\n| gateways on two cores | measured | predicted | predicted ÷ measured |\n| --- | --- | --- | --- |")
    for count, each in sorted((int(name), value) for name, value in found["measured"].items()):
        rate, p50 = simulate(costs, count, shared=2)
        print(f"| {count} | {each['rate']:,.0f} /s, p50 {each['p50_ms']:.1f} ms | {rate:,.0f} /s, p50 {p50:.1f} ms | {rate / each['rate']:.2f} |")


def predict(found):
    costs = dataclasses.replace(costs_from(found), network=100.0, flush=max(found["flush"], 500.0), bandwidth=DISK)
    print("\n| gateways of 4 cores | PostgreSQL with 4 cores | with 8 cores | with 16 cores |\n| --- | --- | --- | --- |")
    for count in (1, 2, 4, 8):
        cells = []
        for cores in (4, 8, 16):
            rate, p50 = simulate(costs, count, connections=512 * count, database_cores=cores, seconds=0.5)
            cells.append(f"{rate:,.0f} /s, {p50:.1f} ms")
        print(f"| {count} | " + " | ".join(cells) + " |")


RECORDED = (("create", "creations"), ("observe (job, callback, timeline)", "events: the upload, its job, its callback and its timeline"),
            ("claim 1", "jobs claimed one at a time"), ("claim 50", "jobs claimed 50 at a time"), ("claim 100 callbacks", "callbacks claimed 100 at a time"))


def records(build, seconds):
    out = subprocess.run([ROOT / "scripts" / "stack.py", "exec", "--", build / "bench" / "records_bench", "--seconds", str(seconds)],
                         capture_output=True, text=True, check=True, timeout=600).stdout
    rates = dict(re.findall(r"(?m)^(.+?) +(\d+) /s", out))
    print("\n| one PostgreSQL, without HTTP | a second |\n| --- | --- |")
    for name, words in RECORDED:
        print(f"| {words} | {int(rates[name]):,} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=ROOT / "build" / "release", type=pathlib.Path)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--json", type=pathlib.Path, help="where the figures are kept, and predict takes them from")
    parser.add_argument("what", nargs="*", default=["measure", "predict"])
    options = parser.parse_args()
    found = json.loads(options.json.read_text()) if options.json and options.json.exists() and "measure" not in options.what else None
    if "measure" in options.what:
        bench = harness.Bench(options.build)
        try:
            harness.bind_to_two_cores()
            found = measure(bench, options.build, options.seconds)
        finally:
            bench.close()
        if options.json:
            options.json.write_text(json.dumps(found, indent=1))
        report(found)
    if "records" in options.what:
        records(options.build, options.seconds)
    if "predict" in options.what:
        if found is None:
            raise SystemExit("predict needs figures: run measure, or name a file of them with --json")
        predict(found)


if __name__ == "__main__":
    main()
