"""published, received and memory: complete uploads, through a real store and a real database, to a callback receiver."""
import concurrent.futures
import datetime
import http.client
import json
import queue
import re
import shutil
import subprocess
import threading
import time
import urllib.parse

from harness import NotMeasured, Row, database_of, median, percentile, processor_time, say, span

from tests.rig import pictures

EVERYTHING_ELSE_MS = 50
PROCESSING_RATIO = 1.25
RECEIVED_SECONDS = 1.0
A_MINUTE = 1_000
AHEAD_A_MINUTE, AHEAD_WIDTHS = 2_000, (1280, 960, 640, 480, 320)
RESIDENT_UPLOADS = 10_000
RESIDENT_FROM = 2_000
RESIDENT_GROWTH = 0.05


class Phone:
    """An app server's create and a phone's PUT, over connections that are kept; one thread's."""

    def __init__(self, gateway, app):
        self.gateway, self.app = gateway, app
        self.api = self.store = None

    def upload(self, data):
        """(id, time of the store's answer to the PUT)."""
        created = self.create(len(data))
        grant = created["upload"]
        target = urllib.parse.urlsplit(grant["url"])
        if self.store is None:
            self.store = http.client.HTTPConnection(target.netloc, timeout=60)
        status, answer = self._exchange(self.store, "PUT", f"{target.path}?{target.query}", data, grant["headers"])
        at = time.time()
        if status != 200:
            raise NotMeasured(f"the store answered {status}: {answer[:200]}")
        return created["id"], at

    def create(self, size):
        if self.api is None:
            self.api = http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=60)
        status, answer = self._exchange(self.api, "POST", "/v1/uploads", json.dumps({"filename": "p.jpg", "size": size}).encode(),
                                        {"Authorization": f"Bearer {self.app.key}", "Content-Type": "application/json"})
        if status != 201:
            raise NotMeasured(f"POST /v1/uploads answered {status}: {answer[:200]}")
        return json.loads(answer)

    @staticmethod
    def _exchange(connection, *request):
        connection.request(*request)
        response = connection.getresponse()
        return response.status, response.read()


def seconds_of(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def published_lines(gateway):
    """The gateway's own log lines `upload.published`, by upload."""
    found = {}
    for line in gateway.log.read_text().splitlines():
        if '"msg":"upload.published"' in line:
            fields = json.loads(line)
            found[fields["upload"]] = fields
    return found


def finished(gateway):
    _, _, text = gateway.request("GET", "/metrics", port=gateway.metrics_port)
    return sum(int(float(value)) for value in re.findall(rb'^photogate_uploads_finished_total\{[^}]*result="published"[^}]*\} (\S+)$', text, re.M))


def drained(gateway, wanted, seconds):
    deadline = time.monotonic() + seconds
    while finished(gateway) < wanted:
        if time.monotonic() > deadline:
            raise NotMeasured(f"{finished(gateway)} of {wanted} uploads published\n{gateway.log_tail(5)}")
        time.sleep(0.1)


def twelve_megapixels(bench):
    """4032 × 3024, about 4 MB, with a phone's metadata if exiftool is installed."""
    path = bench.folder / "12mp.jpg"
    if not path.exists():
        bench.run([bench.program("imaging_bench"), "--make", path], shown="imaging_bench --make 12mp.jpg   # then a phone's metadata, by exiftool")
        if shutil.which("exiftool"):
            subprocess.run(["exiftool", "-q", "-overwrite_original", "-n", "-Make=Photogate", "-Model=Bench", "-Orientation=1",
                            "-DateTimeOriginal=2026:11:20 12:34:56", "-SerialNumber=S-1234", "-GPSLatitude=52.5186", "-GPSLatitudeRef=N",
                            "-GPSLongitude=13.3763", "-GPSLongitudeRef=E", path], check=True)
    return path


def published(bench):
    photo = twelve_megapixels(bench)
    count, warm_up = bench.times(24, 5), 3
    data, phone_times = photo.read_bytes(), {}
    with bench.world() as (_, gateway, app, _receiver):
        bench.show(f"photogate all --config photogate.toml   # published: {count} uploads of 12mp.jpg, each when the one before is published")
        phone = Phone(gateway, app)
        for each in range(warm_up + count):
            identity, at = phone.upload(data)
            ended = gateway.wait_for(identity, 60)
            if ended["state"] != "published":
                raise NotMeasured(f"12mp.jpg ended {ended['state']}: {ended['rejection']}")
            if each >= warm_up:
                phone_times[identity] = at
        time.sleep(0.2)
        lines = published_lines(gateway)
        received = {}
        for identity in phone_times:
            _, _, timeline = gateway.request("GET", f"/v1/uploads/{identity}/timeline", key=app.key)
            received[identity] = seconds_of(next(entry["at"] for entry in timeline["data"] if entry["event"] == "received"))
    total = [(seconds_of(lines[i]["ts"]) - at) * 1000 for i, at in phone_times.items()]
    image = [lines[i]["image_ms"] for i in phone_times]
    rest = [whole - part for whole, part in zip(total, image)]
    stages = {"event": median([(received[i] - at) * 1000 for i, at in phone_times.items()]),
              **{name: median([lines[i][f"{name}_ms"] for i in phone_times]) for name in ("fetch", "put", "commit")}}
    stages["queue"] = median([(seconds_of(lines[i]["ts"]) - received[i]) * 1000 - sum(lines[i][f"{name}_ms"] for name in
                              ("fetch", "image", "put", "commit")) for i in phone_times])
    bench.add(Row("published", "12-megapixel JPEG: the store's PUT answered → published, all but the imager", f"{median(rest):.0f} ms",
                  f"≤ {EVERYTHING_ELSE_MS} ms", median(rest) <= EVERYTHING_ELSE_MS, span(rest, "{:.0f}") + f" ms, {count} uploads",
                  {"rest_ms": rest, "stages_ms": stages}))
    bench.add(Row("published", "… of which " + ", ".join(f"{name} {stages[name]:.0f}" for name in ("event", "queue", "fetch", "put", "commit")) +
                  " ms (medians)", f"{sum(stages.values()):.0f} ms"))
    bench.add(Row("published", "… in all, the imager included", f"{median(total):.0f} ms", spread=span(total, "{:.0f}") + " ms",
                  values={"total_ms": total, "image_ms": image}))
    processing(bench, photo, median(image))


def processing(bench, photo, in_service_ms):
    rounds = bench.times(15, 5)
    out = bench.run([bench.program("imaging_bench"), str(rounds), photo])
    found = json.loads(out.strip().splitlines()[-1])
    bench.add(Row("published", "… the imager, beside libvips alone on the same photo and core", f"{found['ratio']:.2f} ×", f"≤ {PROCESSING_RATIO} ×",
                  found["ratio"] <= PROCESSING_RATIO, f"{found['lowest_ratio']:.2f} – {found['highest_ratio']:.2f}, {rounds} rounds", found))
    bench.add(Row("published", "… the imager alone; libvips alone; the imager within the gateway",
                  f"{found['ours_ms']:.0f}; {found['libvips_ms']:.0f}; {in_service_ms:.0f} ms"))


def paced(gateway, app, data, a_minute, seconds):
    """Uploads at a fixed rate, whatever the gateway does: (when each object was stored, by upload; how late each began; seconds taken)."""
    count, gap = round(a_minute / 60 * seconds), 60 / a_minute
    stored, late, problems, lock, slots = {}, [], [], threading.Lock(), queue.Queue()

    def work():
        phone = Phone(gateway, app)
        while (due := slots.get()) is not None:
            late.append(time.monotonic() - due)
            try:
                identity, at = phone.upload(data)
                with lock:
                    stored[identity] = at
            except (NotMeasured, OSError, http.client.HTTPException) as problem:
                problems.append(str(problem))
                phone = Phone(gateway, app)

    hands = [threading.Thread(target=work, daemon=True) for _ in range(24)]
    for hand in hands:
        hand.start()
    start = time.monotonic()
    for each in range(count):
        time.sleep(max(0.0, start + each * gap - time.monotonic()))
        slots.put(start + each * gap)
    for _ in hands:
        slots.put(None)
    for hand in hands:
        hand.join(60)
    took = time.monotonic() - start
    if problems:
        raise NotMeasured(f"{len(problems)} of {count} uploads failed: {problems[0]}")
    return stored, late, took


def received(bench):
    seconds = bench.times(60, 10)
    data = pictures.photo(1600, 1200)
    with bench.world() as (_, gateway, app, receiver):
        bench.show(f"photogate all --config photogate.toml   # received: {A_MINUTE:,} uploads a minute for {seconds} s, {len(data):,} bytes each")
        stored, late, took = paced(gateway, app, data, A_MINUTE, seconds)
        count = len(stored)
        published_meanwhile = finished(gateway)
        drained(gateway, count, 120)
        arrival, deadline = {}, time.monotonic() + 20
        while len(arrival) < count and time.monotonic() < deadline:
            time.sleep(0.1)
            for callback in list(receiver.callbacks):
                if callback.body and callback.body["type"] == "upload.received":
                    arrival.setdefault(callback.body["data"]["id"], callback.at)
    if len(arrival) < count:
        raise NotMeasured(f"{count - len(arrival)} of {count} callbacks never came")
    delays = [max(0.0, arrival[identity] - at) for identity, at in stored.items()]
    p99 = percentile(delays, 0.99)
    bench.add(Row("received", f"object stored → `upload.received` at the receiver, p99 at {count / took * 60:,.0f} uploads a minute, images "
                  "processed meanwhile", f"{p99 * 1000:.0f} ms", f"< {RECEIVED_SECONDS * 1000:,.0f} ms", p99 < RECEIVED_SECONDS,
                  f"p50 {median(delays) * 1000:.0f} ms, worst {max(delays) * 1000:.0f} ms, {count} uploads",
                  {"p50_ms": median(delays) * 1000, "p99_ms": p99 * 1000, "worst_ms": max(delays) * 1000, "uploads": count, "seconds": took,
                   "published_meanwhile": published_meanwhile, "latest_start_ms": max(late) * 1000}))
    bench.add(Row("received", "… published by the time the last was sent", f"{published_meanwhile} of {count}"))


def ahead(bench):
    """Each upload with five versions, offered faster than two cores can do, so that what stops it is seen."""
    seconds = bench.times(60, 10)
    data = pictures.photo(1600, 1200)
    profile = {f"variants.w{width}.width": width for width in AHEAD_WIDTHS}
    with bench.world(profile=profile) as (stack, gateway, app, _):
        bench.show(f"photogate all --config photogate.toml   # ahead: {AHEAD_A_MINUTE:,} uploads a minute for {seconds} s, {len(data):,} bytes each, "
                   f"variants {', '.join(map(str, AHEAD_WIDTHS))} pixels wide")
        whose = {"photogate and its workers": gateway.process.pid, "PostgreSQL": database_of(stack), "MinIO": stack.minio.process.pid}
        before, began = {name: processor_time([pid]) for name, pid in whose.items()}, time.monotonic()
        stored, _, offered = paced(gateway, app, data, AHEAD_A_MINUTE, seconds)
        drained(gateway, len(stored), 600)
        took = time.monotonic() - began
        spent = {name: (processor_time([pid]) - before[name]) / len(stored) for name, pid in whose.items()}
        for identity in list(stored)[::max(1, len(stored) // 20)]:
            _, _, upload = gateway.request("GET", f"/v1/uploads/{identity}", key=app.key)
            widths = sorted((variant["width"] for variant in upload["variants"]), reverse=True)
            if widths != list(AHEAD_WIDTHS):
                raise NotMeasured(f"the versions of {identity} are {widths} pixels wide")
    rate = len(stored) / took * 60
    bench.add(Row("ahead", f"uploads of 1600 × 1200 pixels, each published with {len(AHEAD_WIDTHS)} versions made ahead", f"{rate:,.0f} a minute",
                  f"{AHEAD_A_MINUTE:,} a minute", rate >= AHEAD_A_MINUTE * 0.98,
                  f"{len(stored):,} offered in {offered:.0f} s, all published after {took:.0f} s",
                  {"uploads": len(stored), "offered_seconds": offered, "seconds": took, "processor_ms": spent}))
    bench.add(Row("ahead", "… processor time of an upload: " + "; ".join(spent), "; ".join(f"{value:.0f}" for value in spent.values()) + " ms",
                  spread=f"two cores have {took * 2000 / len(stored):.0f} ms for each at that rate, of which the clients take the rest"))


def resident_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmRSS:\s+(\d+) kB", status.read()).group(1))


def memory(bench):
    wanted, limit, in_flight = bench.times(RESIDENT_UPLOADS, 600), max(30, 150 * bench.scale), 96
    data = pictures.photo(64, 64)
    problems, lock, sent, samples = [], threading.Lock(), [0], []
    with bench.world() as (_, gateway, app, _receiver):
        bench.show(f"photogate all --config photogate.toml   # memory: {wanted:,} uploads of {len(data):,} bytes from 8 clients")
        room = threading.Semaphore(in_flight)
        ended = threading.Event()

        def work():
            phone = Phone(gateway, app)
            while not ended.is_set():
                if not room.acquire(timeout=0.5):
                    continue
                with lock:
                    if sent[0] >= wanted:
                        return
                    sent[0] += 1
                try:
                    phone.upload(data)
                except (NotMeasured, OSError, http.client.HTTPException) as problem:
                    problems.append(str(problem))
                    return

        hands = [threading.Thread(target=work, daemon=True) for _ in range(8)]
        start = time.monotonic()
        for hand in hands:
            hand.start()
        done = 0
        while done < wanted and time.monotonic() - start < limit and not problems:
            time.sleep(0.25)
            now_done = finished(gateway)
            for _ in range(now_done - done):
                room.release()
            done = now_done
            samples.append((done, resident_kib(gateway.process.pid)))
        took = time.monotonic() - start
        ended.set()
        for hand in hands:
            hand.join(30)
        if problems:
            raise NotMeasured(f"an upload failed: {problems[0]}")
        drained(gateway, sent[0], 60)
        done = finished(gateway)
        time.sleep(1)
        samples.append((done, resident_kib(gateway.process.pid)))
        created = top_up_with_grants(gateway, app, wanted - done)
        if created:
            samples.append((done + created, resident_kib(gateway.process.pid)))
    if done < min(RESIDENT_FROM, wanted // 2):
        raise NotMeasured(f"{done} uploads in {took:.0f} s")
    mark = RESIDENT_FROM if wanted > RESIDENT_FROM else wanted // 2
    early, last = next(kib for count, kib in samples if count >= mark) / 1024, samples[-1][1] / 1024
    growth = last / early - 1
    what = f"{done:,} whole uploads" + (f" and {created:,} grants (as many whole ones as {limit:.0f} s allowed)" if created else "")
    bench.add(Row("memory", f"resident memory of the gateway over {what}, from the {mark:,}th to the last",
                  f"{early:.1f} → {last:.1f} MiB ({growth:+.1%})", f"flat: ≤ +{RESIDENT_GROWTH:.0%}", growth <= RESIDENT_GROWTH, f"peak {max(kib for _, kib in samples) / 1024:.1f} MiB",
                  {"samples_kib": samples[::max(1, len(samples) // 60)] + samples[-1:],
                   "whole_uploads": done, "grants": created, "growth": growth}))
    bench.add(Row("memory", "… whole uploads a second meanwhile, store, database, clients and receiver on the same two cores",
                  f"{done / took:.0f} /s"))


def top_up_with_grants(gateway, app, missing):
    """Makes up for uploads that did not fit into the time with creations only."""
    def some(count):
        phone = Phone(gateway, app)
        for _ in range(count):
            phone.create(1234)
        return count

    if missing <= 0:
        return 0
    say(f"   {missing} more as creations alone")
    hands = 8
    with concurrent.futures.ThreadPoolExecutor(hands) as pool:
        return sum(pool.map(some, [missing // hands + (each < missing % hands) for each in range(hands)]))
