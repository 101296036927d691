"""store: the built-in store beside MinIO on the same disk, beside nginx for what is cached, its listings as it grows, and one large object.
start: `./run` from the command to ready, and what all of its processes hold in memory."""
import contextlib
import hashlib
import hmac
import itertools
import json
import pathlib
import random
import re
import shutil
import subprocess
import tempfile
import time
import typing
import urllib.parse

from harness import ROOT, NotMeasured, Row, median, span

from scripts import nginx
from tests.rig import stack as parts

SIZES = {"300 KB": 300_000, "5 MB": 5_000_000}
CLIENTS = (1, 8, 32)
KEPT = 32  # objects that GET reads repeatedly
SMALL = 10_000
NGINX_SHARE = 0.5
FEW_KEYS, MANY_KEYS = 1_000, 100_000
LARGE, LARGE_MIB = 5 << 30, 16
READY_SECONDS, IDLE_MIB = 3.0, 150


def presigner(method, endpoint, key, bucket):
    """A function from an object's key to the presigned target, for an hour. One signing key serves them all."""
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    scope = f"{moment[:8]}/us-east-1/s3/aws4_request"
    signing = ("AWS4" + key.secret).encode()
    for word in scope.split("/"):
        signing = hmac.new(signing, word.encode(), hashlib.sha256).digest()
    host = urllib.parse.urlsplit(endpoint).netloc
    query = (f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={urllib.parse.quote(f'{key.access}/{scope}', safe='')}"
             f"&X-Amz-Date={moment}&X-Amz-Expires=3600&X-Amz-SignedHeaders=host")

    def presign(name, extra=""):
        path = f"/{bucket}/{name}" if name else f"/{bucket}"
        asked = "&".join(sorted(filter(None, (query + extra).split("&"))))
        canonical = f"{method}\n{path}\n{asked}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD"
        text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        return f"{path}?{asked}&X-Amz-Signature={hmac.new(signing, text.encode(), hashlib.sha256).hexdigest()}"

    return presign


class Load:
    """Rounds of wrk over targets of one store."""

    def __init__(self, bench):
        self.bench = bench
        self.files = itertools.count()

    def file(self, content):
        path = self.bench.folder / f"load-{next(self.files)}"
        path.write_bytes(content)
        return path

    def run(self, endpoint, method, targets, clients, seconds, body=None):
        # Two threads, so that wrk is not the bottleneck; but each has all the targets, and a PUT needs a new key.
        threads = 2 if method == "GET" and clients > 1 else 1
        words = ["wrk", f"-t{threads}", f"-c{clients}", f"-d{seconds}s", "--timeout", "30s", "--latency", "-s", str(pathlib.Path(__file__).parent / "objects.lua"),
                 endpoint, "--", method, str(self.file("\n".join(targets).encode() + b"\n")), *([str(body)] if body else [])]
        shown = f"wrk -t{threads} -c{clients} -d{seconds}s --latency -s bench/objects.lua URL -- {method} TARGETS{' BODY' if body else ''}"
        result = json.loads(self.bench.run(words, shown).strip().splitlines()[-1])
        if result["failed"] or not result["requests"]:
            raise NotMeasured(f"{result['failed']} of {result['requests']} {method}s at {endpoint} failed")
        result["rate"] = result["requests"] / result["seconds"]
        return result


@contextlib.contextmanager
def static_nginx(bench, folder):
    """Debian's nginx over the same files."""
    port, place = parts.free_port(), bench.folder / "nginx"
    body = (f"http {{ access_log off; sendfile on; open_file_cache max=1000; keepalive_requests 1000000;\n{nginx.temporary_paths(place)}"
            f"  server {{ listen 127.0.0.1:{port}; root {folder}; }} }}")
    with nginx.Nginx(place, body, [port], workers=2):
        bench.show("nginx   # worker_processes 2; sendfile on; open_file_cache max=1000; access_log off")
        yield f"http://127.0.0.1:{port}"


def store(bench):
    seconds, rounds = (3, 2) if bench.scale >= 1 else (1, 1)
    load = Load(bench)
    with contextlib.ExitStack() as running:
        minio = running.enter_context(bench.world("serve"))[0].minio
        ours_stack, gateway, _, _ = running.enter_context(bench.world("serve", store="builtin"))
        ours = ours_stack.minio
        bench.show("photogate serve --config photogate.toml   # [store]; and MinIO on one drive, both on the same file system")
        serial = itertools.count()

        def puts(who, count):
            sign = presigner("PUT", who.endpoint, who.worker, who.incoming)
            return [sign(f"bench/{next(serial):08d}") for _ in range(count)]

        for label, size in SIZES.items():
            body = load.file(random.Random(size).randbytes(size))
            kept = {}
            for who in (minio, ours):
                targets = puts(who, KEPT)
                load.run(who.endpoint, "PUT", targets, 1, 1 if size < 1_000_000 else 2, body)
                names = [target.split("?")[0].split("/", 2)[2] for target in targets]
                sign = presigner("GET", who.endpoint, who.worker, who.incoming)
                kept[who] = [sign(name) for name in names[:8]]
            for method in ("PUT", "GET"):
                for clients in CLIENTS:
                    found = {minio: [], ours: []}
                    for _ in range(rounds):
                        for who in found:
                            targets = puts(who, 12_000 if size < 1_000_000 else 2_000) if method == "PUT" else kept[who]
                            found[who].append(load.run(who.endpoint, method, targets, clients, seconds, body if method == "PUT" else None))
                    times = [mine["rate"] / other["rate"] for mine, other in zip(found[ours], found[minio])]
                    rates = {who: median([each["rate"] for each in found[who]]) for who in found}
                    bench.add(Row("store", f"built-in store beside MinIO: {method} of {label}, {clients} client{'s' if clients > 1 else ''}",
                                  f"{median(times):.2f} ×", "≥ 1 ×", median(times) >= 1,
                                  f"{span(times, '{:.2f}')}; {rates[ours]:,.0f} and {rates[minio]:,.0f} /s ({rates[ours] * size / 1e6:,.0f} and {rates[minio] * size / 1e6:,.0f} MB/s)",
                                  {"ours": found[ours], "minio": found[minio]}))
        small(bench, load, ours, seconds, rounds)
        listing(bench, load, ours)
        large(bench, gateway, ours)


def small(bench, load, ours, seconds, rounds):
    body = random.Random(1).randbytes(SMALL)
    sign = presigner("PUT", ours.endpoint, ours.worker, ours.incoming)
    load.run(ours.endpoint, "PUT", [sign(f"small/{n}") for n in range(KEPT)], 1, 1, load.file(body))
    sign = presigner("GET", ours.endpoint, ours.worker, ours.incoming)
    targets = [sign(f"small/{n}") for n in range(8)]
    files = bench.folder / "static"
    files.mkdir()
    files.chmod(0o755)
    bench.folder.chmod(0o755)
    for n in range(8):
        (files / str(n)).write_bytes(body)
    what = f"built-in store: GET of cached {SMALL // 1000} KB objects, as a share of nginx's static files"
    try:
        with static_nginx(bench, files) as other:
            mine, theirs = [], []
            for _ in range(rounds + 1):
                theirs.append(load.run(other, "GET", [f"/{n}" for n in range(8)], 32, seconds)["rate"])
                mine.append(load.run(ours.endpoint, "GET", targets, 32, seconds)["rate"])
    except NotMeasured as reason:
        return bench.add(Row("store", what, f"not measured: {reason}", f"≥ {NGINX_SHARE:.0%}"))
    shares = [a / b for a, b in zip(mine, theirs)]
    bench.add(Row("store", what, f"{median(shares):.0%}", f"≥ {NGINX_SHARE:.0%}", median(shares) >= NGINX_SHARE,
                  f"{span(shares, '{:.0%}')}; {median(mine):,.0f} and {median(theirs):,.0f} /s, each of ours with its signature verified", {"shares": shares}))


class Bucket:
    """A bucket to list: `o/0000/000` and so on."""

    def __init__(self, load, store):
        self.load, self.store, self.filled = load, store, 0
        ask = presigner("GET", store.endpoint, store.worker, store.originals)
        self.page = [ask("", "&list-type=2&max-keys=100&prefix=o%2F0000%2F")]

    def fill(self, keys):
        sign = presigner("PUT", self.store.endpoint, self.store.worker, self.store.originals)
        targets = [sign(f"o/{n // 500:04d}/{n % 500:03d}") for n in range(keys)]
        body = self.load.file(b"x")
        while self.filled < keys:
            # wrk stops by the clock: a round is as long as its targets need, measured by the number of requests.
            self.filled += self.load.run(self.store.endpoint, "PUT", targets[self.filled:], 64, 5 if keys > 10_000 else 2, body)["requests"]

    def page_ms(self):
        return self.load.run(self.store.endpoint, "GET", self.page, 1, 2)["p50_ms"]


def listing(bench, load, ours):
    """The same page of the same prefix, in a store of a thousand keys and in one of a hundred thousand, alternately."""
    keys = max(FEW_KEYS * 2, int(MANY_KEYS * bench.scale))
    with bench.world("serve", store="builtin") as (other, *_):
        few, many = Bucket(load, other.minio), Bucket(load, ours)
        few.fill(FEW_KEYS)
        started = time.monotonic()
        many.fill(keys)
        filled = time.monotonic() - started
        took = [(few.page_ms(), many.page_ms()) for _ in range(bench.times(6, 2))]
    times = [of_many / of_few for of_few, of_many in took]
    of_few, of_many = (median(each) for each in zip(*took))
    bench.add(Row("store", f"built-in store: a page of 100 keys by prefix among {keys:,} keys, beside one among {FEW_KEYS:,}", f"{median(times):.2f} ×", "≤ 1.25 ×",
                  median(times) <= 1.25, f"{span(times, '{:.2f}')}; {of_many:.2f} and {of_few:.2f} ms; filled in {filled:.0f} s", {"times": times}))


def large(bench, gateway, ours):
    """One object of 5 GiB, written and read: the gateway's peak memory."""
    size = int(LARGE * bench.scale)
    source = bench.folder / "large"
    with open(source, "wb") as file:
        file.truncate(size)
    process = pathlib.Path(f"/proc/{gateway.process.pid}")
    peaks = []
    for method, words in (("PUT", ["--upload-file", str(source)]), ("GET", ["--output", "/dev/null"])):
        target = ours.endpoint + presigner(method, ours.endpoint, ours.worker, ours.originals)("large")
        (process / "clear_refs").write_text("5")  # the peak begins anew
        before = resident_mib(process, "VmRSS")
        started = time.monotonic()
        bench.run(["curl", "--silent", "--fail", *words, target], f"curl --fail {' '.join(words[:1])} … URL   # {method} of 5 GiB")
        peaks.append((resident_mib(process, "VmHWM") - before, size / 1e6 / (time.monotonic() - started)))
    most = max(grown for grown, _ in peaks)
    bench.add(Row("store", f"built-in store: memory that the gateway takes for one object of {size / 2**30:.1f} GiB, at its peak", f"{most:.1f} MiB", f"flat: ≤ {LARGE_MIB} MiB",
                  most <= LARGE_MIB, "; ".join(f"{method} {grown:.1f} MiB, {speed:,.0f} MB/s" for method, (grown, speed) in zip(("PUT", "GET"), peaks)), {"peaks": peaks}))


def resident_mib(process, field):
    return int(re.search(rf"^{field}:\s+(\d+) kB", (process / "status").read_text(), re.M)[1]) / 1024


def children_of(pid):
    return [int(each) for each in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def tree_of(pid):
    return [pid] + [each for child in children_of(pid) for each in tree_of(child)]


def start(bench):
    if bench.build_dir != (ROOT / "build" / "release").resolve():
        raise NotMeasured("./run builds and runs build/release")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="photogate-bench-", dir="/tmp"))
    folder.chmod(0o755)
    bench.show("./run   # until it says that it is ready; then the memory of all that it started, itself included")
    try:
        first, again, memory = run_once(folder, ["--port", str(parts.free_port())]), [], []
        for _ in range(bench.times(5, 2)):
            found = run_once(folder)
            again.append(found.seconds)
            memory.append(found.mib)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    bench.add(Row("start", "`./run` with all built: from the command to ready", f"{median(again):.2f} s", f"< {READY_SECONDS:.0f} s", median(again) < READY_SECONDS,
                  f"{span(again, '{:.2f}')}; the first time, with a new PostgreSQL: {first.seconds:.2f} s", {"seconds": again, "first": first.seconds}))
    bench.add(Row("start", "… memory of everything together, idle", f"{median(memory):.0f} MiB", f"< {IDLE_MIB} MiB", median(memory) < IDLE_MIB,
                  f"{span(memory)}; {found.processes} processes, PSS", {"mib": memory}))


class Ran(typing.NamedTuple):
    seconds: float
    mib: float
    processes: int


def run_once(folder, options=()):
    started = time.monotonic()
    child = subprocess.Popen([ROOT / "run", "--var", folder / "var", *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                             start_new_session=True)
    try:
        said = ""
        for line in child.stdout:
            said += line
            if "photogate is ready" in line:
                break
        else:
            raise NotMeasured(f"./run ended: {said[-300:]}")
        seconds = time.monotonic() - started
        time.sleep(3)
        pids = tree_of(child.pid)
        kib = [int(re.search(r"^Pss:\s+(\d+)", pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M).group(1)) for pid in pids]
        return Ran(seconds, sum(kib) / 1024, len(pids))
    finally:
        child.terminate()
        child.wait(30)
