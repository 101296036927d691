"""packages: zips of published photos, beside the two servers that a team would write itself, beside `aws s3 cp` and `zip`, and beside plain GETs of the same objects."""
import concurrent.futures
import contextlib
import http.client
import itertools
import os
import pathlib
import re
import shutil
import sys
import threading
import time
import urllib.parse

import peers
import storing
from harness import ROOT, NotMeasured, Row, median, say, span

from scripts import local_gateway
from tests.rig import pictures
from tests.rig import stack as parts

LINK_MS, FIRST_BYTE_MS, OF_PLAIN_GETS, OF_COPYING = 50, 20, 0.9, 1.3
PHOTOS, LINKED, MANY, MOST = 100, 1_000, 10_000, 50_000
AT_ONCE, ABOVE_IDLE_MIB, EVEN = 50, 64, 0.5
ZIPSTREAM = "1.9.0"


def resident(gateway):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{gateway.process.pid}/status").read_text()).group(1)) / 1024


def packages(bench):
    rounds = 5 if bench.scale >= 1 else 2
    with bench.world(arguments=("--server-max-body", "8MiB"), profile={"publish": '"strip"'}) as (stack, gateway, app, _):
        bench.show("photogate all --config photogate.toml --server-max-body 8MiB   # packages: MinIO, publish = \"strip\", photos of 5 MB")
        ids = published(bench, gateway, app)
        linked(bench, gateway, app, ids, rounds)
        with peers_of(bench, stack.minio, [f"{number:05}.jpg" for number in range(MANY)]) as others:
            first_byte(bench, gateway, app, ids, others, rounds)
        with peers_of(bench, stack.minio, [f"{number:05}.jpg" for number in range(len(ids))]) as others:
            throughput(bench, gateway, app, ids, stack.minio, others, rounds)
        stored(bench, gateway, app, ids, stack.minio)
        together(bench, gateway, app, ids)
        grows(bench, gateway, app, ids)


def published(bench, gateway, app):
    """The ids of photos of about 5 MB whose published images have the upload's size. A few pictures, again and again: a zip doesn't mind."""
    photos = [pictures.noise(1800, 1400, seed) for seed in range(4)]

    def one(number):
        data = photos[number % len(photos)]
        created = gateway.create({"filename": f"{number:05}.jpg", "size": len(data)}, app)
        local_gateway.send_fully(created["upload"], data)
        return gateway.wait_for(created, app=app, seconds=300)["id"]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        return list(pool.map(one, range(bench.times(PHOTOS, least=8))))


def package(gateway, app, ids, count):
    """(the path of the link, ms from the request to the answer)."""
    items = [{"upload": upload, "name": f"{number:05}.jpg"} for number, upload in zip(range(count), itertools.cycle(ids))]
    started = time.monotonic()
    status, _, answer = gateway.request("POST", "/v1/packages", {"name": "photos.zip", "mode": "stream", "items": items}, key=app.key)
    took = (time.monotonic() - started) * 1000
    if status != 202:
        raise NotMeasured(f"POST /v1/packages answered {status}: {answer[:300]}")
    url = urllib.parse.urlsplit(answer["url"])
    return f"{url.path}?{url.query}", took


def size_of(gateway, path):
    return int(gateway.request("HEAD", path)[1]["content-length"])


def linked(bench, gateway, app, ids, rounds):
    took = [package(gateway, app, ids, LINKED)[1] for _ in range(2 * rounds)]
    bench.add(Row("packages", f"request to link, {LINKED:,} photos", f"{median(took):.0f} ms", f"< {LINK_MS} ms", median(took) < LINK_MS,
                  f"{span(took)}; ShootProof: \"an hour, then minutes\"", {"ms": took}))


def first_byte_ms(url):
    target = urllib.parse.urlsplit(url)
    with contextlib.closing(http.client.HTTPConnection(target.netloc, timeout=60)) as connection:
        started = time.monotonic()
        connection.request("GET", f"{target.path}?{target.query}")
        answer = connection.getresponse()
        if answer.status != 200 or answer.read(4) != b"PK\x03\x04":
            raise NotMeasured(f"{url} answered {answer.status}, not a zip")
        return (time.monotonic() - started) * 1000


def first_byte(bench, gateway, app, ids, others, rounds):
    path, _ = package(gateway, app, ids, MANY)
    took = {"photogate": []} | {name: [] for name in others}
    for _ in range(2 * rounds):
        for name, url in {"photogate": gateway.url + path, **others}.items():
            took[name].append(first_byte_ms(url))
    ours = took.pop("photogate")
    bench.add(Row("packages", f"time to the first byte, {MANY:,} items, length and ETag known", f"{median(ours):.1f} ms", f"< {FIRST_BYTE_MS} ms", median(ours) < FIRST_BYTE_MS,
                  f"{span(ours, '{:.1f}')}; " + ", ".join(f"{name}: {median(each):.1f} ms" for name, each in took.items()) + ", without either", {"ms": ours}))


def curl(bench, *arguments):
    """Seconds of a whole download."""
    started = time.monotonic()
    bench.run(["curl", "--silent", "--show-error", "--fail", *arguments], "")
    return time.monotonic() - started


def throughput(bench, gateway, app, ids, minio, others, rounds):
    path, _ = package(gateway, app, ids, len(ids))
    plain = bench.folder / "plain.curl"
    urls = urls_of(minio, len(ids))
    plain.write_text("".join(f'url = "{url}"\noutput = "/dev/null"\n' for url in urls))
    bench.show("curl --output /dev/null ZIP   # and of the same objects one after the other over one connection: curl --config plain.curl")
    size = size_of(gateway, path)
    times = {"plain": [], "photogate": []} | {name: [] for name in others}
    for _ in range(rounds):
        times["plain"].append(curl(bench, "--config", plain))
        for name, url in {"photogate": gateway.url + path, **others}.items():
            times[name].append(curl(bench, "--output", "/dev/null", url))
    shares = [plain / ours for plain, ours in zip(times["plain"], times["photogate"])]
    bench.add(Row("packages", f"one download of {len(ids)} photos ({size / 1e6:,.0f} MB), as a share of plain GETs of the same objects", f"{median(shares):.0%}", f"≥ {OF_PLAIN_GETS:.0%}",
                  median(shares) >= OF_PLAIN_GETS, f"{span(shares, '{:.0%}')}; {size / 1e6 / median(times['photogate']):,.0f} MB/s", {"shares": shares}))
    for name in others:
        ratios = [theirs / ours for theirs, ours in zip(times[name], times["photogate"])]
        bench.add(Row("packages", f"… beside {name}", f"{median(ratios):.2f} ×", spread=f"{span(ratios, '{:.2f}')}; {size / 1e6 / median(times[name]):,.0f} MB/s"))
    by_hand(bench, minio, len(ids), median(times["photogate"]))


def by_hand(bench, minio, count, ours):
    """`aws s3 cp` of all objects, then `zip -0`: the way of a script."""
    aws = ROOT / ".venv" / "bin" / "aws"
    if not (aws.exists() and shutil.which("zip")):
        bench.add(Row("packages", "… beside `aws s3 cp` and `zip -0`", "not measured: awscli or zip is missing"))
        return
    folder, key = bench.folder / "copied", minio.worker
    started = time.monotonic()
    bench.run([aws, "s3", "cp", "--recursive", "--quiet", "--endpoint-url", minio.endpoint, f"s3://{minio.public}/", folder],
              "aws s3 cp --recursive --quiet s3://public/ copied && zip -0 -q -r photos.zip copied",
              env=os.environ | {"AWS_ACCESS_KEY_ID": key.access, "AWS_SECRET_ACCESS_KEY": key.secret, "AWS_DEFAULT_REGION": "us-east-1"})
    bench.run(["zip", "-0", "-q", "-r", bench.folder / "photos.zip", folder], "")
    took = time.monotonic() - started
    bench.add(Row("packages", f"… beside `aws s3 cp` and `zip -0` of the {count} objects", f"{took / ours:.1f} ×",
                  spread=f"{took:.1f} s before there is a file to send, {ours:.1f} s until it is there"))


def stored(bench, gateway, app, ids, minio):
    """A zip built into the store, beside one client that copies the same bytes: each object read, and written again, as one stream."""
    count, times = bench.times(LINKED, least=len(ids)), {"copied": [], "built": []}
    bench.show("curl GET_URL | curl --upload-file - PUT_URL   # over kept connections, here in Python: 1 MiB at a time, object after object")
    for number in range(2):
        times["copied"].append(copy_all(minio, urls_of(minio, count), f"copy-{number}/"))
        started = time.monotonic()
        items = [{"upload": upload, "name": f"{place:05}.jpg"} for place, upload in zip(range(count), itertools.cycle(ids))]
        status, _, answer = gateway.request("POST", "/v1/packages", {"name": "photos.zip", "mode": "store", "items": items}, key=app.key)
        while status in (200, 202) and answer["state"] not in ("ready", "failed"):
            status, _, answer = gateway.request("GET", f"/v1/packages/{answer['id']}?wait=60", key=app.key)
        if answer.get("state") != "ready":
            raise NotMeasured(f"a stored package ended so: {answer}")
        times["built"].append(time.monotonic() - started)
        say(f"   {count} photos: copied in {times['copied'][-1]:.1f} s, built in {times['built'][-1]:.1f} s")
        size = int(answer["size"])
        gateway.request("DELETE", f"/v1/packages/{answer['id']}", key=app.key)
    ratios = [built / copied for built, copied in zip(times["built"], times["copied"])]
    bench.add(Row("packages", f"a zip of {count:,} photos ({size / 1e9:.1f} GB) built into the store, beside copying the same bytes by one GET + PUT stream",
                  f"{median(ratios):.2f} ×", f"≤ {OF_COPYING} ×", median(ratios) <= OF_COPYING,
                  f"{span(ratios, '{:.2f}')}; {median(times['built']):.0f} and {median(times['copied']):.0f} s", {"seconds": times}))


def copy_all(minio, urls, prefix):
    """Seconds for each object to be read and written again, one after the other."""
    presign = storing.presigner("PUT", minio.endpoint, minio.worker, minio.originals)
    host = urllib.parse.urlsplit(minio.endpoint).netloc
    started = time.monotonic()
    with contextlib.closing(http.client.HTTPConnection(host, timeout=60)) as source, contextlib.closing(http.client.HTTPConnection(host, timeout=60)) as target:
        for number, url in enumerate(urls):
            parsed = urllib.parse.urlsplit(url)
            source.request("GET", f"{parsed.path}?{parsed.query}")
            answer = source.getresponse()
            target.request("PUT", presign(f"{prefix}{number}"), Pieces(answer), {"Content-Length": answer.headers["Content-Length"]})
            done = target.getresponse()
            done.read()
            if (answer.status, done.status) != (200, 200):
                raise NotMeasured(f"copying answered {answer.status} and {done.status}")
    return time.monotonic() - started


class Pieces:
    """An answer as http.client reads a body: in pieces that don't wait for the whole."""

    def __init__(self, answer):
        self.answer = answer

    def __iter__(self):
        while data := self.answer.read(1 << 20):
            yield data


def together(bench, gateway, app, ids):
    """Fifty packages downloaded for ten seconds: what each got, and the gateway's memory meanwhile."""
    paths = [package(gateway, app, ids, LINKED)[0] for _ in range(AT_ONCE)]
    got, end, peak, before = [0] * AT_ONCE, time.monotonic() + max(2, 10 * bench.scale), 0, resident(gateway)

    def read(number):
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=60)) as connection:
            connection.request("GET", paths[number])
            answer = connection.getresponse()
            while answer.status == 200 and time.monotonic() < end and (data := answer.read(64 * 1024)):
                got[number] += len(data)

    threads = [threading.Thread(target=read, args=(number,)) for number in range(AT_ONCE)]
    for each in threads:
        each.start()
    while time.monotonic() < end:
        peak = max(peak, resident(gateway))
        time.sleep(0.1)
    for each in threads:
        each.join()
    share = min(got) / (sum(got) / AT_ONCE)
    bench.add(Row("packages", f"{AT_ONCE} packages downloaded at once: memory above idle", f"{peak - before:+.1f} MiB", f"≤ {ABOVE_IDLE_MIB} MiB", peak - before <= ABOVE_IDLE_MIB))
    bench.add(Row("packages", "… the least that one of them got, of the mean", f"{share:.0%}", f"≥ {EVEN:.0%}", share >= EVEN, f"{sum(got) / 1e6:,.0f} MB in all"))


def grows(bench, gateway, app, ids):
    """The central directory of ever larger packages: what making the package costs an item, and what reading its end does."""
    costs = {}
    for count in (1_000, 2_000, 5_000, 10_000, 20_000, MOST):
        path, took = package(gateway, app, ids, count)
        size = size_of(gateway, path)
        started = time.monotonic()
        status, _, end = gateway.request("GET", path, headers={"Range": f"bytes={size - 100 * count}-"})
        if status != 206 or len(end) != 100 * count:
            raise NotMeasured(f"a range of {path} answered {status}, {len(end)} bytes")
        costs[count] = (took, (time.monotonic() - started) * 1000)
        say(f"   {count:,} items: made in {took:.0f} ms, its last {100 * count / 1000:,.0f} KB in {costs[count][1]:.0f} ms")
    per_item = {count: sum(each) / count for count, each in costs.items()}
    ratio = per_item[MOST] / per_item[1_000]
    bench.add(Row("packages", f"what an item costs in a package of {MOST:,}, of what it costs in one of 1,000: made, and its central directory read",
                  f"{ratio:.2f} ×", "≤ 1.5 × (linear)", ratio <= 1.5,
                  "; ".join(f"{count:,}: {made:.0f} + {read:.0f} ms" for count, (made, read) in costs.items()), {"ms": costs}))


def urls_of(minio, count):
    """Presigned URLs of published objects, the same ones again where there are fewer."""
    _, listing = minio.call("GET", f"/{minio.public}", {"list-type": "2"})
    keys = re.findall(r"<Key>([^<]+)</Key>", listing.decode())
    presign = storing.presigner("GET", minio.endpoint, minio.worker, minio.public)
    return [minio.endpoint + presign(key) for key, _ in zip(itertools.cycle(keys), range(count))]


@contextlib.contextmanager
def peers_of(bench, minio, names):
    """{name: URL} of servers that zip these objects; one that can't be had is left out, and said."""
    entries = bench.folder / f"entries-{len(names)}"
    entries.write_text("".join(f"{name}\t{url}\n" for name, url in zip(names, urls_of(minio, len(names)))))
    urls = {}
    with contextlib.ExitStack() as running:
        for name, command in (("Go's archive/zip", go_server), ("zipstream-ng", zipstream_server)):
            try:
                port = parts.free_port()
                child, _ = running.enter_context(bench.server(command(port, entries)))
                parts.wait_until(lambda: peers.listens(port), 30, name, lambda: child.poll() is None)
                urls[name] = f"http://127.0.0.1:{port}/"
            except (NotMeasured, parts.StackError) as reason:
                bench.add(Row("packages", f"… beside {name}", f"not measured: {reason}"))
        yield urls


def go_server(port, entries):
    program = peers.FOLDER / "bin" / "zip_server"
    if not program.exists():
        if not shutil.which("go"):
            raise NotMeasured("go is missing")
        peers.run(["go", "build", "-o", program, "."], "zip_server", cwd=ROOT / "bench" / "zip_server")
    return [program, f"127.0.0.1:{port}", entries]


def zipstream_server(port, entries):
    python = peers.FOLDER / "zipstream" / "bin" / "python"
    if not python.exists():
        peers.run([sys.executable, "-m", "venv", peers.FOLDER / "zipstream"], "zipstream-ng")
        peers.run([peers.FOLDER / "zipstream" / "bin" / "pip", "install", "--quiet", f"zipstream-ng=={ZIPSTREAM}", "requests"], "zipstream-ng")
    return [python, ROOT / "bench" / "zip_server" / "zipstream_server.py", port, entries]
