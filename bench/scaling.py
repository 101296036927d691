#!/usr/bin/env python3
"""How far photogate grows, by measurement and by simulation. Prints the tables of docs/scaling.md; not part of bench/run.

    bench/scaling.py [--build build/release] [--seconds 4] [--json FILE] [measure] [predict]

measure: with one gateway: what an upload's creation costs the gateway, PostgreSQL and the clients in processor time, and how long a flush
         takes; what a whole upload (created, stored, published, both callbacks delivered) costs PostgreSQL in processor time, WAL, rows and
         bytes that stay. Then 2, 4 and 8 gateways on the same two cores, beside what the simulation predicts of them.
predict: the same simulation with a machine for PostgreSQL and one for each gateway, from the figures of --json or of docs/scaling.md.

The simulation is of queues alone: cores that serve in the order of arrival, one committer a gateway, and one flush of the log at a time that
takes all commits that wait for it. It knows no locks within PostgreSQL, no cache misses and no network but a fixed delay.
"""
import argparse
import collections
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

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

import creating  # noqa: E402
import harness  # noqa: E402
from tests.rig import pictures  # noqa: E402
from tests.rig.world import World  # noqa: E402

CONNECTIONS = 256
GATEWAYS = (1, 2, 4, 8)


@dataclasses.dataclass
class Costs:
    """Microseconds of a core, and of waiting."""

    client: float = 15.0    # of a request
    gateway: float = 41.0
    database: float = 27.0  # of a row
    transaction: float = 150.0  # of a group of rows, beside its rows
    flush: float = 1_000.0  # waiting
    network: float = 0.0    # one way, between machines

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

    def __init__(self, simulation, microseconds):
        self.simulation, self.microseconds, self.waiting, self.flushing = simulation, microseconds, [], False

    def flush(self, then):
        self.waiting.append(then)
        if not self.flushing:
            self.begin()

    def begin(self):
        taken, self.waiting, self.flushing = self.waiting, [], True
        self.simulation.after(self.microseconds, self.end, taken)

    def end(self, taken):
        self.flushing = False
        if self.waiting:
            self.begin()
        for then in taken:
            then()


class Committer:
    """One of a gateway: what arrives during a transaction shares the next."""

    LIMIT = 256

    def __init__(self, simulation, costs, database, log):
        self.simulation, self.costs, self.database, self.log = simulation, costs, database, log
        self.waiting, self.committing = [], False

    def submit(self, then):
        self.waiting.append(then)
        if not self.committing:
            self.begin()

    def begin(self):
        group, self.waiting = self.waiting[:self.LIMIT], self.waiting[self.LIMIT:]
        self.committing = True
        work = self.costs.transaction + self.costs.database * len(group)
        self.simulation.after(self.costs.network, self.database.run, work, lambda: self.log.flush(
            lambda: self.simulation.after(self.costs.network, self.end, group)))

    def end(self, group):
        self.committing = False
        if self.waiting:
            self.begin()
        for then in group:
            then()


def simulate(costs, gateways, connections=CONNECTIONS, shared=0, gateway_cores=4, database_cores=8, seconds=1.0):
    """Creations a second and their median in milliseconds. `shared`: so many cores for clients, gateways and PostgreSQL together; 0: the
    gateways and PostgreSQL have machines of their own, and the clients cost nothing."""
    simulation = Simulation()
    common = Cores(simulation, shared) if shared else None
    database, log = common or Cores(simulation, database_cores), Log(simulation, costs.flush)
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
    groups = int(world.sql("select coalesce(sum(xact_commit), 0) from pg_stat_database where datname = current_database()"))
    result = loaded(bench, [world.gateway], world.app.key, seconds)
    taken = {name: (harness.processor_time(each) - before[name]) * 1000 / result["requests"] for name, each in roots.items()}
    groups = int(world.sql("select coalesce(sum(xact_commit), 0) from pg_stat_database where datname = current_database()")) - groups
    return result, taken, result["requests"] / max(1, groups)


def whole_upload(world, count):
    """What `count` whole uploads, one by one, cost PostgreSQL."""
    photo = pictures.photo(seed=5)
    world.publish(photo)

    def size():
        return int(world.sql("select pg_database_size(current_database())"))

    def statements():
        return int(world.sql("select xact_commit from pg_stat_database where datname = current_database()"))

    world.sql("vacuum analyze")
    began = (harness.processor_time([harness.database_of(world.stack)]), world.sql("select pg_current_wal_lsn()"), size(), statements())
    for _ in range(count):
        world.publish(photo)
    wal = float(world.sql(f"select pg_wal_lsn_diff(pg_current_wal_lsn(), '{began[1]}')"))
    return {"milliseconds": (harness.processor_time([harness.database_of(world.stack)]) - began[0]) / count, "wal_bytes": wal / count,
            "kept_bytes": (size() - began[2]) / count, "transactions": (statements() - began[3]) / count}


def measure(bench, build, seconds):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="photogate-scaling-", dir="/var/tmp"))
    found = {"flush": flush_of(folder), "measured": {}, "predicted": {}}
    with contextlib.closing(World(build, folder / "gateway", profiles={"photos": {}}, durable=True)) as world:
        world.gateway.start()
        found["upload"] = whole_upload(world, 200)
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
    share = 150.0 / max(1.0, found["group"])  # of a group's own work in what a row was measured to take
    return Costs(found["client"], found["gateway"], max(1.0, found["database"] - share), 150.0, found["flush"])


def report(found):
    costs = costs_from(found)
    upload = found["upload"]
    print("| figure of one gateway on this machine | |\n| --- | --- |")
    for what, figure in ((f"gateway, of a creation at {CONNECTIONS} connections", f"{found['gateway']:.0f} µs"),
                         ("PostgreSQL, of a creation", f"{found['database']:.0f} µs"), ("rows in a commit", f"{found['group']:.0f}"),
                         ("clients and kernel, of a creation", f"{found['client']:.0f} µs"), ("one flush of the log", f"{found['flush']:.0f} µs"),
                         ("PostgreSQL, of a whole upload", f"{upload['milliseconds']:.2f} ms"),
                         ("… transactions", f"{upload['transactions']:.1f}"), ("… WAL", f"{upload['wal_bytes'] / 1024:.1f} KiB"),
                         ("… bytes that stay in its tables", f"{upload['kept_bytes'] / 1024:.1f} KiB")):
        print(f"| {what} | {figure} |")
    print("\n| gateways on two cores | measured | predicted | predicted ÷ measured |\n| --- | --- | --- | --- |")
    for count, each in sorted((int(name), value) for name, value in found["measured"].items()):
        rate, p50 = simulate(costs, count, shared=2)
        print(f"| {count} | {each['rate']:,.0f} /s, p50 {each['p50_ms']:.1f} ms | {rate:,.0f} /s, p50 {p50:.1f} ms | {rate / each['rate']:.2f} |")


def predict(found):
    costs = dataclasses.replace(costs_from(found), network=100.0)
    print("\n| gateways of 4 cores | PostgreSQL with 8 cores | with 16 cores | with 32 cores |\n| --- | --- | --- | --- |")
    for count in (1, 2, 4, 8):
        cells = []
        for cores in (8, 16, 32):
            rate, p50 = simulate(costs, count, connections=512 * count, database_cores=cores, seconds=0.5)
            cells.append(f"{rate:,.0f} /s, {p50:.1f} ms")
        print(f"| {count} | " + " | ".join(cells) + " |")


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
    if "predict" in options.what:
        if found is None:
            raise SystemExit("predict needs figures: run measure, or name a file of them with --json")
        predict(found)


if __name__ == "__main__":
    main()
