"""Shared by all measurements: the programs, the load generator, the gateway on a real stack, medians, and rows of the table."""
import contextlib
import dataclasses
import json
import os
import pathlib
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts import local_gateway, webhook_receiver  # noqa: E402
from tests.rig import stack as parts  # noqa: E402

PROGRAMS = ["photogate", "photogate-imager", "presign_bench", "http_baseline", "imaging_bench", "vips_versions"]


class NotMeasured(Exception):
    """The reason why a row has no figure."""


@dataclasses.dataclass
class Row:
    """One line of the table. `met` is None if the row has no target, or was not measured."""

    name: str
    what: str
    figure: str
    target: str = "–"
    met: bool | None = None
    spread: str = "–"
    values: dict = dataclasses.field(default_factory=dict)

    @property
    def verdict(self):
        if self.met is None:
            return "–" if self.target == "–" else "not measured"
        return "met" if self.met else "**missed**"


class Bench:
    """One run: its paths, durations, results and commands."""

    def __init__(self, build_dir, scale=1.0):
        self.build_dir = pathlib.Path(build_dir).resolve()
        self.scale = scale
        self.rows = []
        self.commands = []
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="photogate-bench-"))

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def program(self, name):
        for path in (self.build_dir / "bench" / name, self.build_dir / name):
            if path.exists():
                return path
        raise NotMeasured(f"{name} is not built")

    def times(self, count, least=1):
        return max(least, round(count * self.scale))

    def add(self, row):
        self.rows.append(row)
        say(f"   {row.what}: {row.figure} (target {row.target}: {row.verdict}; {row.spread})")

    def run(self, command, shown=None, **options):
        """The command's output; `shown` is how it stands in the README (once), without this machine's paths and keys; "" is not at all."""
        if shown != "":
            self.show(shown or command)
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **{"timeout": 300, **options})
        if done.returncode != 0:
            raise NotMeasured(f"{pathlib.Path(str(command[0])).name} ended with {done.returncode}: {done.stderr.strip()[-300:]}")
        return done.stdout

    def show(self, command):
        text = command if isinstance(command, str) else shlex.join(map(str, command))
        text = text.replace(str(self.build_dir), "$BUILD").replace(str(self.folder), "$TMP").replace(str(ROOT) + "/", "")
        if text not in self.commands:
            self.commands.append(text)

    @contextlib.contextmanager
    def server(self, command, env=None, cwd=None):
        """A child process that is stopped at the end; its output is kept in the run's folder."""
        log = self.folder / (pathlib.Path(str(command[0])).name + ".log")
        with open(log, "wb") as out:
            child = parts.spawn([str(word) for word in command], signal.SIGKILL, stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=env,
                                cwd=cwd, start_new_session=True)
        try:
            yield child, log
        finally:
            child.terminate()
            try:
                child.wait(5)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    @contextlib.contextmanager
    def world(self, role="all", arguments=(), store="minio", profile=None):
        """(stack, gateway, app, receiver), started; PostgreSQL with fsync on, the store, the app server's receiver of callbacks."""
        port, metrics_port = parts.free_port(), parts.free_port()
        with parts.Stack(events_url=f"http://127.0.0.1:{port}/v1/events/minio", store=store) as stack:
            secret = local_gateway.new_callback_secret()
            with webhook_receiver.Receiver(secret) as receiver:
                app = local_gateway.App("shop", receiver.url, {"photos": profile or {}}, secret=secret)
                gateway = local_gateway.Gateway(self.build_dir, self.folder / f"gateway-{port}", stack, port, metrics_port, [app],
                                                role=role)
                gateway.migrate()
                gateway.launch(*arguments)
                try:
                    gateway.wait_until_ready()
                    yield stack, gateway, app, receiver
                finally:
                    gateway.__exit__()

    def wrk(self, url, seconds, method, authorization="", body=None, connections=64):
        """One round of load by wrk; refuses a round in which an answer failed."""
        words = ["wrk", "-t2", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "--latency", "-s", str(ROOT / "bench" / "request.lua"), url, "--",
                 method, authorization, *([body] if body else [])]
        shown = (f"wrk -t2 -c{connections} -d{seconds}s --timeout 20s --latency -s bench/request.lua URL -- {method} "
                 + ("'Bearer KEY' " if authorization else "") + (f"'{body}'" if body else "''"))
        out = self.run(words, "" if seconds == 1 else shown)  # one second warms up
        result = json.loads(out.strip().splitlines()[-1])
        if result["failed"] or not result["requests"]:
            raise NotMeasured(f"{result['failed']} of {result['requests']} requests to {url} failed")
        result["rate"] = result["requests"] / result["seconds"]
        return result


def say(text=""):
    print(text, flush=True)


def median(values):
    return statistics.median(values)


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def span(values, form="{:,.0f}"):
    return f"{form.format(min(values))} – {form.format(max(values))}"


def processor_time(roots):
    """Milliseconds that these processes have taken, with their children, also those that have ended."""
    parents, taken = {}, {}
    for folder in pathlib.Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            number, words = int(folder.name), (folder / "stat").read_text().rpartition(")")[2].split()
            parents[number], taken[number] = int(words[1]), sum(map(int, words[11:15])) * 1000 / os.sysconf("SC_CLK_TCK")
    own, size = set(roots), 0
    while len(own) > size:
        size = len(own)
        own |= {number for number, parent in parents.items() if parent in own}
    return sum(taken.get(number, 0) for number in own)


def database_of(stack):
    """The process of PostgreSQL, whose children serve the connections."""
    return int((stack.postgres.data / "postmaster.pid").read_text().split()[0])


def build(build_dir):
    """Configures and builds the programs. A folder without a cache becomes a release build."""
    build_dir = pathlib.Path(build_dir).resolve()
    started = time.monotonic()
    say(f"== build {os.path.relpath(build_dir, ROOT)}")
    options = ["-DPHOTOGATE_BENCH=ON"]
    if not (build_dir / "CMakeCache.txt").exists():
        options += ["-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_CXX_COMPILER_LAUNCHER=ccache", "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON"]
    subprocess.run(["cmake", "-S", str(ROOT), "-B", str(build_dir), "--log-level=WARNING", *options], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", str(build_dir), "--target", *PROGRAMS, "--", "--quiet"], check=True)
    kind = next((line.split("=", 1)[1] for line in (build_dir / "CMakeCache.txt").read_text().splitlines()
                 if line.startswith("CMAKE_BUILD_TYPE:")), "")
    if kind != "Release":
        raise SystemExit(f"bench/run: {build_dir} is a {kind or 'plain'} build; figures come from a Release build")
    say(f"   took {time.monotonic() - started:.0f} s")


def bind_to_two_cores():
    """The targets are for two cores, including the load generator; child processes inherit it."""
    cores = sorted(os.sched_getaffinity(0))[:2]
    os.sched_setaffinity(0, cores)
    return len(cores)


def machine():
    """The machine of the measurement, in one line."""
    def line(path, name):
        with contextlib.suppress(OSError):
            for each in pathlib.Path(path).read_text().splitlines():
                if each.startswith(name):
                    return each.split(":", 1)[1].strip()
        return "?"

    memory = int(line("/proc/meminfo", "MemTotal").split()[0]) / 1024 / 1024
    system = next((each.split("=", 1)[1].strip('"') for each in pathlib.Path("/etc/os-release").read_text().splitlines()
                   if each.startswith("PRETTY_NAME=")), "?")
    return (f"{line('/proc/cpuinfo', 'model name')}, {len(os.sched_getaffinity(0))} cores used of {os.cpu_count()}, "
            f"{memory:.0f} GiB, {system}, Linux {'.'.join(os.uname().release.split('.')[:2])}")
