"""F2 to F5, F48 to F50, F61, F62, F65: gateways that are killed, stopped or many; decoders that crash; a log without a reader."""
import array
import concurrent.futures
import contextlib
import fcntl
import os
import pathlib
import random
import resource
import signal
import struct
import subprocess
import termios
import time
import zlib

import pytest
from report import p

from tests.rig import fault_proxy as faults
from tests.rig import pictures, traffic
from tests.rig import stack as parts
from tests.rig.imagers import has_a_picture, imagers, to_imagers
from tests.rig.losses import Traffic, assert_none_lost
from tests.rig.world import SHORT_LEASES


@pytest.fixture
def photo():
    return pictures.photo(320, 240, seed=78)


class Balanced:
    """A load balancer before several gateways: a request that one refuses goes to the next. Counts requests that no gateway answered."""

    def __init__(self, world, gateways, tries=6):
        self.world, self.gateways, self.tries = world, gateways, tries
        self.asked = self.failed = self.broken = 0
        self._turn = 0
        world.request = self.request

    def request(self, method, path, body=None, headers=None, key=None):
        self.asked += 1
        self._turn += 1
        first = self._turn
        for attempt in range(self.tries):
            gateway = self.gateways[(first + attempt) % len(self.gateways)]
            try:
                answer = gateway.request(method, path, body, headers, self.world.app.key if key is None else key, timeout=20)
                if answer[0] not in (502, 503):
                    return answer
            except ConnectionRefusedError:
                time.sleep(0.05)
            except OSError:
                self.broken += 1  # begun, and never answered
                time.sleep(0.05)
        self.failed += 1
        raise OSError("no gateway answered")


def memory_of(process):
    return int(pathlib.Path(f"/proc/{process.pid}/status").read_text().split("VmRSS:")[1].split()[0]) * 1024


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def data_bomb(inflated=256 << 20):
    """8 by 8 pixels, and rows that inflate to a thousand times what they need."""
    pixels = zlib.compress(b"".join(b"\0" + b"\x80" * 24 for _ in range(8)) + b"\0" * inflated, 9)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)) + chunk(b"IDAT", pixels)
            + chunk(b"IEND", b""))


def pixel_bomb(side=30000):
    """A small file that says it is 30,000 by 30,000."""
    row = zlib.compressobj(9)
    pixels = b"".join([*(row.compress(b"\0" * (side // 8 + 1)) for _ in range(side)), row.flush()])
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)) + chunk(b"IDAT", pixels) + chunk(b"IEND", b""))


def slow_picture(wide=6000, high=4000):
    """A PNG has to be decoded in full."""
    line = b"\0" + bytes(range(256)) * (wide * 3 // 256) + bytes(wide * 3 % 256)
    packer = zlib.compressobj(1)
    pixels = b"".join([*(packer.compress(line) for _ in range(high)), packer.flush()])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", wide, high, 8, 2, 0, 0, 0)) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def test_f2_three_gateways_killed_at_random(row, witnessed):
    world = witnessed(extra=SHORT_LEASES)
    world.gateway.environment["PHOTOGATE_CALLBACKS_TIMEOUT"] = "1s"
    gateways = [world.gateway, world.another().start(), world.another().start()]
    balanced = Balanced(world, gateways)
    dice, kills, seconds = random.Random(row.seed), 0, 40
    row.scaled(f"{seconds} s instead of 10 min")
    with traffic.Shop(world, row.seed, customers=4) as shop:
        shop.wait_for(5)
        ended = time.monotonic() + seconds
        while time.monotonic() < ended:
            time.sleep(2)
            victim = dice.choice(gateways)
            victim.kill()
            victim.launch()
            kills += 1
        for each in gateways:
            each.wait_until_ready()
    shop.settle()
    world.witness.judge()
    share = 1 - balanced.failed / balanced.asked
    row.figure(f"{kills} kills, {len(shop.acknowledged)} objects, 0 lost; {100 * share:.2f} % of {balanced.asked} requests answered, with retries")
    row.hold(share >= 0.999, "99.9 %")


def test_f3_gateways_are_stopped_one_after_the_other(row, witnessed):
    world = witnessed()
    gateways = [world.gateway, world.another().start()]
    balanced = Balanced(world, gateways)
    rounds, times, codes = 6, [], []
    row.scaled(f"{rounds} instead of 50 restarts")
    with traffic.Shop(world, row.seed, customers=4) as shop:
        shop.wait_for(5)
        for number in range(rounds):
            gateway = gateways[number % 2]
            started = time.monotonic()
            codes.append(gateway.stop())
            times.append(time.monotonic() - started)
            gateway.restart()
            shop.wait_for(3)
    shop.settle()
    world.witness.judge()
    row.figure(f"{rounds} restarts: exit {sorted(set(codes))} within {max(times):.1f} s; of {balanced.asked} requests {balanced.failed} failed, "
               f"{balanced.broken} were started and not answered")
    row.hold(set(codes) == {0} and max(times) <= 10 and balanced.failed == 0 and balanced.broken == 0, "0 failed, 10 s")


def test_f4_worker_is_suspended_for_longer_than_its_lease(row, witnessed, photo):
    world = witnessed(extra=SHORT_LEASES)
    row.scaled("14 s with a lease of 6 s, instead of 90 s with one of 60 s")
    held = world.witness.store.rule(faults.puts("public"), faults.Fault("held back", delay=1.5), times=3)
    uploads = [world.upload(photo) for _ in range(3)]
    parts.wait_until(lambda: held.hits, 60, "work in its hands")
    with world.witness.suspended(world.gateway):
        other = world.another().start()
        stopped = time.monotonic()
        parts.wait_until(lambda: world.sql("select count(*) from uploads where state = 'published'") == "3", 40, "the other gateway")
        taken_over = time.monotonic() - stopped
        time.sleep(max(0.0, 14 - taken_over))  # the rest of the pause
    traffic.settle(world, [each["id"] for each in uploads])
    time.sleep(2)
    evidence = world.witness.judge()
    row.figure(f"the other gateway published all 3 {taken_over:.1f} s into the pause; the suspended worker changed no row; {len(evidence['public'])} public objects")
    row.hold(len(evidence["public"]) == 3 and other.running(), "one publication each")


@pytest.mark.fast
def test_f5_picture_that_needs_too_much_memory(row, witnessed, photo):
    world = witnessed()
    world.publish(photo)
    before, highest, verdicts = memory_of(world.gateway.process), 0, []
    for bomb in (data_bomb(), pixel_bomb()):
        created = world.create({"size": len(bomb)})
        assert world.witness.send(created, bomb, "rejected|failed")[0] == 200
        while (upload := world.request("GET", f"/v1/uploads/{created['id']}")[2])["state"] not in traffic.ENDS:
            highest = max(highest, memory_of(world.gateway.process))
            time.sleep(0.05)
        tries = world.sql(f"select count(*) from timeline where event = 'claimed' and subject_id = '{created['id']}'")
        verdicts.append((len(bomb), upload["state"], upload["rejection"]["code"], int(tries)))
    row.figure("; ".join(f"{size:,} bytes: {state} ({code}) at attempt {tries}" for size, state, code, tries in verdicts)
               + f"; the gateway's memory + {max(0, highest - before) / (1 << 20):.1f} MiB")
    row.hold(all(tries <= 3 for *_, tries in verdicts) and highest - before < 64 << 20, "64 MB, 3 tries")
    traffic.settle(world)
    world.witness.judge()


def test_f48_decoder_crashes_or_hangs(row, witnessed, photo):
    if os.geteuid() != 0:
        pytest.skip("needs root, to see which worker process has the picture")
    world = witnessed(extra=SHORT_LEASES)
    world.publish(photo)
    row.hold(not any(map(has_a_picture, imagers(world.gateway))), "an idle worker process has no picture")
    big = slow_picture()
    verdicts = []
    for name, number in (("crash", signal.SIGSEGV), ("hang", signal.SIGSTOP)):
        created, sent = world.create({"size": len(big)}), 0
        assert world.witness.send(created, big, "failed|rejected")[0] == 200
        ends = time.monotonic() + 90
        while (state := world.sql(f"select state from uploads where id = '{created['id']}'")) not in traffic.ENDS and time.monotonic() < ends:
            # Each is struck as soon as it has the picture, and while it is at it.
            until = time.monotonic() + 0.5
            while time.monotonic() < until:
                sent += to_imagers(world.gateway, number, has_a_picture)
                time.sleep(0.005)
        rejection = world.request("GET", f"/v1/uploads/{created['id']}")[2]["rejection"]
        tries = int(world.sql(f"select count(*) from timeline where event = 'claimed' and subject_id = '{created['id']}'"))
        verdicts.append((name, state, rejection["code"] if rejection else None, tries))
    running = world.gateway.running()
    good = world.publish(photo)["state"]
    row.figure("; ".join(f"{name}: {state} ({code}) after {tries} tries" for name, state, code, tries in verdicts) + f"; the next photo is {good}")
    row.hold(running and good == "published" and all(state in ("failed", "rejected") and tries <= 3 for _, state, _, tries in verdicts), "3 tries, the parent lives")
    traffic.settle(world)
    world.witness.judge()


def test_f49_poison_among_good_pictures(row, witnessed, request):
    world = witnessed()
    good = [pictures.photo(640, 480, seed=950 + number) for number in range(3)]
    poison = [data_bomb(), pixel_bomb(), good[0][:len(good[0]) // 2], traffic.JUNK]
    count = request.config.getoption("--good-pictures")
    bad = max(12, count // 100)
    row.scaled(f"{bad} among {count:,}{' instead of 50 among 5,000' if count < 5_000 else ''}; poison that is rejected, since none is known that crashes the decoder")

    def one(data, expect):
        created = world.create({"size": len(data)})
        started = time.monotonic()
        world.witness.send(created, data, expect)
        ended = world.gateway.wait_for(created, 120)
        return time.monotonic() - started, ended["state"]

    def run(files):
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            return list(pool.map(lambda each: one(*each), files))

    clean = [(good[n % 3], "published") for n in range(count)]
    mixed = list(clean)
    for n in range(bad):
        mixed.insert(n * count // bad, (poison[n % len(poison)], "rejected"))
    run(clean[:20])
    alone = [seconds for seconds, _ in run(clean)]
    beside = [(seconds, state) for (data, expect), (seconds, state) in zip(mixed, run(mixed)) if expect == "published"]
    traffic.settle(world)
    world.witness.judge()
    before, after = p(alone, .95), p([seconds for seconds, _ in beside], .95)
    row.figure(f"good pictures' p95 {after * 1000:.0f} ms beside poison, {before * 1000:.0f} ms without: {after / before:.2f} times; {len(beside)} of {count} published")
    row.hold(all(state == "published" for _, state in beside), "all good ones are published")
    row.aim(after <= 1.5 * before, "1.5 times")


# Then the program named behind the folder, for which no file system can be written to, and the temporary folder is full.
NOWHERE_TO_WRITE = """
mount -t tmpfs -o size=4k,mode=1777 tmpfs "$1" || exit 77
head -c 8192 /dev/zero > "$1/ballast" 2>/dev/null
for at in $(findmnt -rno TARGET | grep -E '^/(|tmp|var|var/tmp|dev/shm|run|home)$'); do mount -o remount,bind,ro "$at" || exit 77; done
export TMPDIR="$1"
shift
exec "$@"
"""


def test_f50_no_space_for_temporary_files(row, witnessed, unwitnessed, tmp_path):
    full = tmp_path / "full"
    full.mkdir()
    inside = ["unshare", "--mount", "--propagation", "private", "sh", "-c", NOWHERE_TO_WRITE, "sh", full]
    if os.geteuid() != 0 or subprocess.run([*inside, "true"], capture_output=True).returncode != 0:
        pytest.skip("needs root, to mount file systems")
    photos = [pictures.photo(1600, 1200, seed=970 + number) for number in range(4)]
    limit = min(map(len, photos)) // 2

    # Nowhere to write to.
    world = witnessed(start=False, extra=SHORT_LEASES)
    world.gateway.migrate()
    plain = world.gateway.command
    world.gateway.command = lambda: [*inside, *plain()]
    world.gateway.launch()
    world.gateway.wait_until_ready()
    for place in ("/tmp", "/var/tmp", "/dev/shm", full, world.gateway.folder):
        touched = subprocess.run(["nsenter", f"--mount=/proc/{world.gateway.process.pid}/ns/mnt", "sh", "-c", f"echo x > {place}/written"], capture_output=True)
        row.hold(touched.returncode != 0, f"nothing can be written in {place}")
    uploads = [world.upload(photo) for photo in photos * 2]
    traffic.settle(world, [each["id"] for each in uploads])

    # And no memory for what stands in their place: an original's file may not grow beyond half of it.
    resource.prlimit(world.gateway.process.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    more = [world.upload(photo) for photo in photos]
    time.sleep(6)  # the time without room
    states = world.sql("select string_agg(distinct state, ', ') from uploads where id in (" + ", ".join(f"'{each['id']}'" for each in more) + ")")
    running = world.gateway.running()
    row.figure(f"no file system writable: {len(uploads)} of {len(uploads)} published; memory files limited to half a picture: meanwhile {states}")
    row.hold(running, "the gateway lives")
    row.hold(not {"published", "rejected", "failed"} & set(states.split(", ")), "nothing of half a picture is published, or the client's fault")
    resource.prlimit(world.gateway.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    traffic.settle(world, [each["id"] for each in more])
    world.witness.judge()

    # The built-in store's own disk.
    world = unwitnessed(store="builtin", extra=SHORT_LEASES, start=False)
    disk = world.stack.minio.folder
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=0755", "tmpfs", disk], check=True)
    try:
        world.gateway.start()
        turn, taken = iter(range(10**9)), []
        with Traffic(world, lambda: photos[next(turn) % 4], clients=3) as clients:
            parts.wait_until(lambda: len(clients.acknowledged) >= 5, 60, "uploads")
            with open(disk / "ballast", "wb") as file, contextlib.suppress(OSError):
                while True:
                    file.write(b"\0" * (1 << 16))
                    file.flush()
            before, refused = len(clients.acknowledged), clients.refused
            time.sleep(6)  # the time without room
            taken = len(clients.acknowledged) - before
            refused = clients.refused - refused
            (disk / "ballast").unlink()
            already = len(clients.acknowledged)
            parts.wait_until(lambda: len(clients.acknowledged) >= already + 5, 60, "uploads")
        assert_none_lost(world, clients.acknowledged)
        checked = {world.image(world.request("GET", f"/v1/uploads/{each}")[2])[0] for each in clients.acknowledged}
        row.figure(f"the built-in store's disk full for 6 s: {refused} uploads refused, {taken} accepted, {len(clients.acknowledged)} of {len(clients.acknowledged)} "
                   "acknowledged ones published completely")
        row.hold(refused > 0 and checked == {200}, "what does not fit is refused, what is acknowledged is whole")
        world.close()
    finally:
        subprocess.run(["umount", "-l", disk], capture_output=True)


SEED = """
insert into uploads (id, public_id, app, profile, state, method, region, bucket, key, metadata, client_fields, request_id, created_at, expires_at,
                     received_at, pinned_etag, generation, updated_at)
select 'upl_' || lpad(n::text, 26, '0'), lpad(n::text, 26, '0'), 'shop', 'photos', '{state}', 'put', 'default', 'incoming',
       'u/' || to_char(now() at time zone 'UTC' + (n % 15) * interval '1 minute', 'YYYYMMDDHH24MI') || '/upl_' || lpad(n::text, 26, '0'), '{{}}', '{{}}', 'seeded',
       now(), now() + interval '15 minutes', {received}, {etag}, {generation}, now()
from generate_series(1, {count}) n
"""


def test_f61_three_gateways_start_on_a_long_queue(row, unwitnessed):
    world = unwitnessed(start=False)
    count = 50_000
    row.scaled(f"{count:,} instead of 1,000,000 jobs")
    world.gateway.migrate()
    world.sql(SEED.format(state="uploaded", received="now()", etag="'abc'", generation=1, count=count))
    world.sql("insert into jobs (subject_id, generation, app, kind) select id, 1, app, 'process' from uploads")
    world.sql("analyze")
    gateways = [world.gateway, world.another(), world.another()]
    for each in gateways:
        each.launch()
    for each in gateways:
        each.wait_until_ready(30)
    ready, first, most = time.monotonic(), None, 0
    while time.monotonic() < ready + 6:
        if first is None and int(world.sql("select count(*) from timeline where event = 'claimed'")) > 0:
            first = time.monotonic() - ready
        most = max(most, int(world.sql("select count(*) from pg_stat_activity where application_name = 'photogate'")))
        time.sleep(0.05)
    workers = world.sql("select count(distinct detail::json->>'worker') from timeline where event = 'claimed'")
    row.figure(f"first work {max(0.0, first or 99):.2f} s after the last was ready, by {workers} gateways; {most} sessions at most, of 3 × (8 + 1)")
    row.hold(first is not None and first <= 2 and most <= 27, "2 s, no more than the pools")


def test_f62_reconciler_meets_very_many_unused_grants(row, unwitnessed, photo):
    world = unwitnessed()
    count = 200_000
    row.scaled(f"{count:,} instead of 1,000,000 rows")

    def latencies(calls):
        times = []
        for _ in range(calls):
            started = time.monotonic()
            world.create()
            times.append(time.monotonic() - started)
        return times

    latencies(50)
    before = latencies(400)
    world.sql(SEED.format(state="created", received="null", etag="null", generation=0, count=count))
    world.sql("analyze uploads")
    with faults.FaultProxy("127.0.0.1", world.stack.minio.port) as proxy:
        world.gateway.stop()
        world.gateway.environment |= {"PHOTOGATE_S3_ENDPOINT": proxy.url, "PHOTOGATE_S3_PUBLIC_ENDPOINT": world.stack.minio.endpoint}
        world.gateway.restart()
        latencies(50)
        begun = len(proxy.exchanges)
        started = time.monotonic()
        after = latencies(400)
        seconds = time.monotonic() - started
        requests = len(proxy.exchanges) - begun
        published = world.publish(photo)["state"]
    row.figure(f"{requests / max(seconds, .1):.0f} requests a second to the store; REST p50 {p(after, .5) * 1000:.1f} ms and p99 {p(after, .99) * 1000:.1f} ms "
               f"with them, {p(before, .5) * 1000:.1f} and {p(before, .99) * 1000:.1f} ms without; a photo is {published} meanwhile")
    row.hold(requests / max(seconds, .1) <= 200 and published == "published", "200 requests a second")
    row.aim(p(after, .99) <= 1.1 * p(before, .99), "10 % at p99")


def test_f65_log_reader_has_stopped(row, unwitnessed, photo):
    world = unwitnessed()

    def pace(count=60):
        started = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            uploads = list(pool.map(lambda _: world.upload(photo), range(count)))
        for each in uploads:
            world.gateway.wait_for(each, 60)
        return count / (time.monotonic() - started)

    pace(20)
    undisturbed = pace()
    world.gateway.stop()
    world.gateway.log.unlink()
    os.mkfifo(world.gateway.log)
    reader = os.open(world.gateway.log, os.O_RDONLY | os.O_NONBLOCK)
    try:
        fcntl.fcntl(reader, 1031, 4096)  # F_SETPIPE_SZ: a few lines fill it
        world.gateway.log_tail = lambda lines=25: "(nobody reads it)"
        world.gateway.restart()
        pace(20)
        full = waiting(reader)
        blocked = pace()
        metrics = world.gateway.request("GET", "/metrics", port=world.metrics_port)[2].decode()
        dropped = float(next(line for line in metrics.splitlines() if line.startswith("photogate_log_lines_dropped_total ")).split()[1])
    finally:
        os.close(reader)
    row.figure(f"{full:,} bytes wait in the log's full pipe; {dropped:.0f} lines dropped and counted; {blocked:.1f}/s then, "
               f"{undisturbed:.1f}/s before: {100 * blocked / undisturbed:.0f} %")
    row.hold(full > 0 and dropped >= 50 and blocked >= 0.5 * undisturbed, "it goes on")
    row.aim(blocked >= 0.95 * undisturbed, "95 %")


def waiting(descriptor):
    size = array.array("i", [0])
    fcntl.ioctl(descriptor, termios.FIONREAD, size)
    return size[0]
