"""delivery: cached versions beside nginx's static files, new versions beside imgproxy, imagor and thumbor, one size that many ask for at once,
and what readers cost in memory."""
import concurrent.futures
import contextlib
import http.client
import itertools
import json
import pathlib
import re
import shutil
import socket
import struct
import threading
import time

import peers
import storing
from harness import NotMeasured, Row, database_of, median, processor_time, span

from scripts import local_gateway
from tests.rig import pictures

NGINX_SHARE, FIRST_BYTE_MS, OF_LIBVIPS = 0.9, 1.0, 0.9
CONNECTIONS = (1, 64, 256)
SOURCES = ((4032, 3024), (3000, 2000), (1600, 1200), (2400, 3200))
COPIES = 6  # of each: so many sizes are asked for that one picture would come to the end of those that it may have
CROWD, READERS, REQUESTS = 500, 200, 100_000
FLAT = 0.05
AS_GOOD = 1.05  # of another's distance from the exact reduction, and of its bytes
COMPARED = (320, 640, 1280)  # pixels, of each picture: how near a version is to the exact reduction


def size_of(jpeg):
    """(width, height), from the frame header."""
    at = 2
    while at + 9 < len(jpeg):
        marker, length = jpeg[at + 1], struct.unpack(">H", jpeg[at + 2:at + 4])[0]
        if marker in (0xc0, 0xc1, 0xc2):
            height, width = struct.unpack(">HH", jpeg[at + 5:at + 9])
            return width, height
        at += 2 + length
    raise NotMeasured("an answer is no JPEG")


def resident(gateway):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{gateway.process.pid}/status").read_text()).group(1)) / 1024


def published(gateway, app, data):
    created = gateway.create({"filename": "p.jpg", "size": len(data)}, app)
    local_gateway.send_fully(created["upload"], data)
    upload = gateway.wait_for(created, app=app)
    return "/i/" + upload["links"]["image"].rsplit("/", 1)[1]


def delivery(bench):
    seconds, rounds = (3, 3) if bench.scale >= 1 else (1, 1)
    photos = [pictures.photo(width, height, seed=40 + n) for n, (width, height) in enumerate(SOURCES)]
    with bench.world(store="builtin", profile={"free_sizes": "true"}) as (stack, gateway, app, _):
        bench.show("photogate all --config photogate.toml   # delivery: the built-in store, free_sizes = true")
        paths = [published(gateway, app, photo) for photo in photos * COPIES]
        cached(bench, gateway, paths[:len(photos)], seconds, rounds)
        made(bench, stack, gateway, paths, 6 * bench.scale, rounds + 2)
        crowd(bench, gateway, paths[0])
        flat(bench, gateway, paths[:len(photos)])
        stalled(bench, gateway, paths[0])


def cached(bench, gateway, paths, seconds, rounds):
    folder = bench.folder / "versions"
    folder.mkdir()
    targets = [f"{path}?width=640" for path in paths]
    for number, target in enumerate(targets):
        status, _, data = gateway.request("GET", target)
        if status != 200 or 640 not in size_of(data):
            raise NotMeasured(f"{target} answered {status}")
        (folder / str(number)).write_bytes(data)
    load, ours = storing.Load(bench), f"http://127.0.0.1:{gateway.port}"
    with storing.static_nginx(bench, folder) as theirs:
        for connections in CONNECTIONS:
            shares, mine, other = [], [], []
            for _ in range(rounds):
                other.append(load.run(theirs, "GET", [f"/{n}" for n in range(len(paths))], connections, seconds))
                mine.append(load.run(ours, "GET", targets, connections, seconds))
                shares.append(mine[-1]["rate"] / other[-1]["rate"])
            bench.add(Row("delivery", f"cached versions, 640 pixels wide, as a share of nginx's static files, {connections} connection{'s' * (connections > 1)}",
                          f"{median(shares):.0%}", f"≥ {NGINX_SHARE:.0%}", median(shares) >= NGINX_SHARE,
                          f"{span(shares, '{:.0%}')}; {median([each['rate'] for each in mine]):,.0f} and {median([each['rate'] for each in other]):,.0f} /s", {"shares": shares}))
            if connections == 1:
                took = median([each["p50_ms"] for each in mine])
                bench.add(Row("delivery", "… the whole answer, one connection, median", f"{took:.2f} ms", f"first byte < {FIRST_BYTE_MS:.0f} ms", took < FIRST_BYTE_MS,
                              f"nginx: {median([each['p50_ms'] for each in other]):.2f} ms"))


def versions_a_second(host, port, target_of, seconds):
    """(rate, bytes of one): eight connections, each answer looked at."""
    numbers, sizes, end = itertools.count(), [], time.monotonic() + seconds
    lock = threading.Lock()

    def ask():
        connection = http.client.HTTPConnection(host, port, timeout=60)
        with contextlib.closing(connection):
            while time.monotonic() < end:
                with lock:
                    number = next(numbers)
                target, width = target_of(number)
                connection.request("GET", target)
                answer = connection.getresponse()
                data = answer.read()
                if answer.status != 200 or width not in size_of(data):
                    raise NotMeasured(f"{target} answered {answer.status}, not a picture of {width} pixels")
                sizes.append(len(data))

    started = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(ask) for _ in range(8)]:
            future.result()
    return len(sizes) / (time.monotonic() - started), sum(sizes) / max(1, len(sizes))


def made(bench, stack, gateway, paths, seconds, rounds):
    """Of the same bytes for all: the published images. The longer edge is what is asked for: of a portrait the height."""
    folder = bench.folder / "pictures"
    folder.mkdir()
    for number, path in enumerate(paths):
        (folder / f"{number}.jpg").write_bytes(gateway.request("GET", path)[2])
    serial = itertools.count()

    def of_next(path):
        """A size that nobody has asked for, of each picture in turn."""
        def target(_):
            number = next(serial)
            edge = 300 + number // len(paths)
            return path(number % len(paths), edge), edge
        return target

    rates, sizes, costs, missing, alone, edge = {}, {}, {}, {}, [], 300
    with contextlib.ExitStack() as running:
        processes = {"photogate": (gateway.process.pid, database_of(stack))}
        served = {"photogate": ("127.0.0.1", gateway.port, lambda number, edge: f"{paths[number]}?width={edge}&height={edge}&quality={peers.QUALITY}&format=jpeg")}
        for name in ("imgproxy", "imagor", "thumbor"):
            try:
                peer = running.enter_context(peers.started(bench, name, folder))
            except NotMeasured as reason:
                missing[name] = reason
                continue
            processes[name] = (peer.process,)
            served[name] = ("127.0.0.1", int(peer.url.rsplit(":", 1)[1]), lambda number, edge, path=peer.path: path(f"{number}.jpg", edge))
        for _ in range(rounds):
            found = json.loads(bench.run([bench.program("vips_versions"), peers.QUALITY, edge, seconds, *sorted(folder.iterdir())],
                                         f"$BUILD/bench/vips_versions {peers.QUALITY} 300 {seconds} $TMP/pictures/*").splitlines()[-1])
            edge = found["next_edge"]
            alone.append(found["rate"])
            for name, (host, port, path) in served.items():
                before, started = processor_time(processes[name]), time.monotonic()
                rate, size = versions_a_second(host, port, of_next(path), seconds)
                versions = rate * (time.monotonic() - started)
                costs.setdefault(name, []).append((processor_time(processes[name]) - before) / max(1, versions))
                rates.setdefault(name, []).append(rate)
                sizes.setdefault(name, []).append(size)
        compare(bench, folder, served)
    ours = rates.pop("photogate")
    bench.add(Row("delivery", "new versions a second, 8 clients, each stored and recorded", f"{median(ours):.1f} /s",
                  spread=f"{span(ours, '{:.1f}')}; {median(sizes['photogate']) / 1000:.0f} KB each", values={"rates": ours}))
    for name, theirs in rates.items():
        shares = [a / b for a, b in zip(ours, theirs)]
        bench.add(Row("delivery", f"… beside {name}, which stores nothing", f"{median(shares):.2f} ×", "> 1 ×", median(shares) > 1,
                      f"{span(shares, '{:.2f}')}; {name}: {median(theirs):.1f} /s, {median(sizes[name]) / 1000:.0f} KB each", {"shares": shares}))
    shares = [a / b for a, b in zip(ours, alone)]
    bench.add(Row("delivery", "… as a share of libvips alone on both cores, of files in memory, nothing stored or sent", f"{median(shares):.0%}",
                  f"≥ {OF_LIBVIPS:.0%}", median(shares) >= OF_LIBVIPS, f"{span(shares, '{:.0%}')}; libvips: {median(alone):.1f} /s", {"shares": shares}))
    mine = costs.pop("photogate")
    bench.add(Row("delivery", "processor time of a new version, with PostgreSQL's", f"{median(mine):.1f} ms", spread=span(mine, "{:.1f}"),
                  values={"costs": mine}))
    for name, theirs in costs.items():
        shares = [a / b for a, b in zip(mine, theirs)]
        bench.add(Row("delivery", f"… beside {name}'s", f"{median(shares):.2f} ×", "< 1 ×", median(shares) < 1,
                      f"{span(shares, '{:.2f}')}; {name}: {median(theirs):.1f} ms", {"shares": shares}))
    for name, reason in missing.items():
        bench.add(Row("delivery", f"… beside {name}, which stores nothing", f"not measured: {reason}", "> 1 ×"))


def compare(bench, folder, served):
    """How far each one's versions are from the exact reduction of the same image (vips resize, Lanczos 3, without loss), by SSIMULACRA: 0 is the
    same. And their bytes."""
    judge, vips = shutil.which("ssimulacra_main"), shutil.which("vips")
    if not (judge and vips):
        bench.add(Row("delivery", "how near to the exact reduction", "not measured: ssimulacra_main (libjxl-devtools) or vips (libvips-tools) is missing", f"≤ {AS_GOOD} × each of them"))
        return
    bench.show("vips resize PICTURE exact.png SCALE && ssimulacra_main exact.png version.png   # of each picture, at " + ", ".join(map(str, COMPARED)) + " pixels")
    work, far, size = bench.folder / "compared", {}, {}
    work.mkdir()
    for number in range(len(SOURCES)):
        picture = folder / f"{number}.jpg"
        longest = max(size_of(picture.read_bytes()))
        for edge in COMPARED:
            for name, (host, port, path) in served.items():
                with contextlib.closing(http.client.HTTPConnection(host, port, timeout=60)) as connection:
                    connection.request("GET", path(number, edge))
                    data = connection.getresponse().read()
                width, height = size_of(data)
                (work / "version.jpg").write_bytes(data)
                whole = size_of(picture.read_bytes())
                bench.run([vips, "resize", picture, work / "exact.png", width / whole[0], "--vscale", height / whole[1], "--gap", 0], "")
                bench.run([vips, "copy", work / "version.jpg", work / "version.png"], "")
                if max(width, height) != min(edge, longest):
                    raise NotMeasured(f"{name} answered {width} × {height} for {edge}")
                far.setdefault(name, []).append(float(bench.run([judge, work / "exact.png", work / "version.png"], "").split()[0]))
                size.setdefault(name, []).append(len(data))
    mean = {name: sum(each) / len(each) for name, each in far.items()}
    mine, ours, bytes_of = sum(size["photogate"]), mean.pop("photogate"), {name: sum(each) / 1000 for name, each in size.items()}
    bench.add(Row("delivery", f"how far versions are from the exact reduction (SSIMULACRA, 0 is the same), quality {peers.QUALITY}, mean of {len(far['photogate'])}", f"{ours:.4f}",
                  f"≤ {AS_GOOD} × each of them", all(ours <= AS_GOOD * each for each in mean.values()),
                  "; ".join([f"{bytes_of['photogate']:.0f} KB in all"] + [f"{name}: {each:.4f}, {bytes_of[name]:.0f} KB" for name, each in mean.items()]), {"far": far}))
    least = min(sum(each) for name, each in size.items() if name != "photogate")
    bench.add(Row("delivery", "… their bytes, beside the smallest of the others'", f"{mine / least:.2f} ×", f"≤ {AS_GOOD} ×", mine <= AS_GOOD * least))


def crowd(bench, gateway, path):
    target = f"{path}?width=1801"  # beyond those that were asked for
    before = gateway.log.read_text(errors="replace").count('"version.made"')
    with concurrent.futures.ThreadPoolExecutor(CROWD) as pool:
        answers = list(pool.map(lambda _: gateway.request("GET", target)[0], range(CROWD)))
    made_now = gateway.log.read_text(errors="replace").count('"version.made"') - before
    bench.add(Row("delivery", f"{CROWD} requests at once for one new size: versions made", str(made_now), "1, all answered 200",
                  made_now == 1 and set(answers) == {200}, f"{answers.count(200)} answered 200"))


def flat(bench, gateway, paths):
    load, targets = storing.Load(bench), [f"{path}?width={width}" for path in paths for width in (640, 777)]
    for target in targets:
        gateway.request("GET", target)
    asked, at = 0, []
    while asked < bench.times(REQUESTS):
        asked += load.run(f"http://127.0.0.1:{gateway.port}", "GET", targets, 64, 1)["requests"]
        at.append(resident(gateway))
    growth = at[-1] / at[0] - 1
    bench.add(Row("delivery", f"resident memory of the gateway over {asked:,} requests for versions", f"{at[0]:.1f} → {at[-1]:.1f} MiB ({growth:+.1%})",
                  f"flat: ≤ +{FLAT:.0%}", growth <= FLAT))


def stalled(bench, gateway, path):
    before = resident(gateway)
    sockets = []
    try:
        for _ in range(READERS):
            reader = socket.create_connection(("127.0.0.1", gateway.port))
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            reader.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            sockets.append(reader)
        time.sleep(3)
        grown = resident(gateway) - before
    finally:
        for each in sockets:
            each.close()
    bench.add(Row("delivery", f"memory that {READERS} readers cost that stop reading", f"{grown:+.1f} MiB", "flat: ≤ 16 MiB", grown <= 16))
