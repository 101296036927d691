#!/usr/bin/env python3
"""Builds, runs every test and counts them. Called by ./test, which installs what this needs.

    ./test                    all of it
    ./test unit e2e           these steps alone: style, unit, integration, contract, e2e (and the stack it stands on), faults
    ./test e2e -k idempotency words behind -k choose among the e2e tests, or the faults
    ./test --quick            e2e tests but those marked slow
    ./test --fresh            also the C++ test programs that have passed as they are, which are otherwise counted and not run again
    ./test --faults           every fault of docs/reliability.md, instead of the fast selection, then the e2e tests that kill a gateway
                              at one step after the other, and nothing else; what was found is kept in build/faults.json, for
                              scripts/render-reliability
    ./test --faults --seed 7  chance as in an earlier run, which printed its seed
    ./test --faults --kill-cycles 50 -k Killed     fifty kills at each named step (--store-kills: of MinIO)
    ./test --faults --good-pictures 5000 -k F49_   fifty poisonous pictures among so many good ones
    ./test --sanitizer thread the e2e tests that are not slow and the fast faults, against a program built with it (or: address)
    ./test --attacks          every attack of tests/attacks, and nothing else; writes their counts into docs/security.md
    ./test --drills           what an operator does and sees, as the e2e tests do it: every alert fires, the guides' commands heal what they
                              say, ./run on one machine; and nothing else
    ./test --suites           versitygw's and minio-go's own tests against the built-in store, with MinIO beside it, the tests that take
                              gigabytes or minutes (archives in eight readers, the corpus in every format, a thousand phones on Edge), and
                              nothing else; writes the readers' matrix into docs/packages.md, the table of clients into
                              docs/clients/README.md, and what a cut costs into docs/resumable.md
    ./test --suites --seed 7 -k phone_network      the phones' chance as in an earlier run, which printed its seed
    ./test --fuzz             every target of tests/fuzz for a minute, and nothing else; needs clang, which it installs
    ./test --fuzz --fuzz-seconds 600 -k imaging    those targets alone, ten minutes each

A test that fails beside all the others is run once more, alone, where few did: if it passes then, the run does not fail for it, and its
last lines name it as unstable. A crash, and what a sanitizer reports, is never run again.

Unit and integration tests run under AddressSanitizer and UndefinedBehaviorSanitizer; the e2e tests drive the release build of
the program, and where it is to be killed the sanitizers' build, against a real PostgreSQL and a real MinIO that they start
themselves, one a worker of pytest. They and the faults run beside all the others. What they write stands in memory where there is
plenty, else in $TMPDIR.
"""
import argparse
import contextlib
import functools
import hashlib
import json
import os
import pathlib
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor

ROOT = pathlib.Path(__file__).resolve().parent.parent
ASAN = ROOT / "build" / "asan"
RELEASE = ROOT / "build" / "release"
TSAN = ROOT / "build" / "tsan"
FUZZ = ROOT / "build" / "fuzz"
RESULTS = ROOT / "build" / "results"
PASSED = ASAN / "passed"  # for each C++ test program that passed, of what: as long as that is the same, so is its result
# Tracked files that no C++ test program reads, nor what runs it.
UNREAD = re.compile(r"(tests/(e2e|faults|attacks|suites|architecture|java|node|clients)|bench|clients|examples)/|docs/(?!configuration|delivery|errors)"
                    r"|[^/]+\.md$|.*\.[ch]pp$")
STEPS = ["style", "unit", "integration", "contract", "e2e", "faults"]
PROGRAM_TIMEOUT = 900
# A source takes ten seconds of a core. Here are the modules that are known to be clean as a whole, what changed last first; the others
# are for scripts/lint, which takes 23 minutes of two cores for all of them.
TIDY_MODULES = ("notifier/events", "pipeline/jobs", "storage/records", "http/semantics", "model", "model/policy", "base/json")
TIDY_SECONDS = 30
CORES = len(os.sched_getaffinity(0))
MOST_AGAIN = 5  # more failures than this are no accident
WORKERS = min(12, 3 * CORES)  # of pytest, each with its own stack; they wait more than they work
MEMORY = pathlib.Path("/dev/shm")
PLENTY = 8 << 30  # of memory; a run takes 1.5 GiB of it for its files
SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "abort_on_error=1:detect_stack_use_after_return=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "LSAN_OPTIONS": f"suppressions={ROOT / 'tests' / 'rig' / 'lsan.supp'}:print_suppressions=0",
}
SANITIZER_REPORT = "sanitizer"
SANITIZER_LOGS = {name: f"{SANITIZER_OPTIONS.get(name, 'second_deadlock_stack=1')}:log_path={RESULTS / SANITIZER_REPORT}"
                  for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS")}
SANITIZER_LOGS["LSAN_OPTIONS"] = SANITIZER_OPTIONS["LSAN_OPTIONS"]
# What each kind of GoogleTest program needs; the unit tests need nothing.
WRAPPERS = {
    "unit": (),
    "integration": (sys.executable, "-m", "tests.rig.stack", "exec", "--"),
    "contract": (sys.executable, "-m", "tests.contract.stores", "exec", "--"),
}
LONGEST = ["imaging_integration_test", "storage_builtin_faults", "storage_records_integration"]
# Those that take minutes run as so many processes, each with its share of the tests, so that none is left over at the end.
SHARDS = {"imaging_integration_test": 6, "storage_builtin_faults": 2, "storage_records_integration": 3}
# Their cases that take seconds of a core each, over every photo or among many thousands of rows, run with --suites.
LONG_CASES = {
    "imaging_integration_test": ("Quality.*", "Corpus.publishes_every_photo_in_every_format_without_metadata", "Corpus.reports_same_facts_as_exiftool",
                                 "Corpus.publishes_no_photo_with_more_bytes_than_it_came_with",
                                 "StackTraps.decodes_more_than_a_hundred_megabytes_without_a_file"),
    "storage_records_integration": ("ManyPicturesTest.*", "ManyRowsTest.*",
                                    "SimilarTest.of_a_heap_of_near_pictures_the_nearest_are_found_and_no_farther_ones_read"),
}
# The imager has no threads of photogate's, and libvips is not built for this sanitizer: it comes from the release.
DRIVEN_BY = {"thread": (TSAN, RELEASE), "address": (ASAN, ASAN)}


class Count:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.failures = []
        self.unstable = []
        self.again = []  # (title, (the command that runs this test alone, its environment, what it prints if the test ran and passed))

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.failures += other.failures
        self.again += other.again

    def fail(self, name):
        self.failed += 1
        self.failures.append(name)

    def read_junit(self, path, name, alone=None, ending="it crashed"):
        """A program that died before it wrote its report counts as one failure. `alone`: the command that runs a test case again."""
        try:
            cases = list(ElementTree.parse(path).getroot().iter("testcase"))
        except (OSError, ElementTree.ParseError):
            return self.fail(f"{name} (no report: {ending})")
        for case in cases:
            title = f"{case.get('classname')}.{case.get('name')}"
            if case.find("failure") is not None or case.find("error") is not None:
                self.fail(title)
                if alone:
                    self.again.append((title, alone(case)))
            elif case.find("skipped") is not None or case.get("status") == "notrun" or case.get("result") == "skipped":
                self.skipped += 1
            else:
                self.passed += 1


def say(text):
    print(f"== {text}", flush=True)


def build(preset, *targets):
    say(f"build {preset}: {' '.join(targets)}")
    started = time.monotonic()
    # A warning is an error here; in a build that somebody makes to use the program, with a compiler of their own, it is not.
    strict = ["-DCMAKE_COMPILE_WARNING_AS_ERROR=ON"] if preset == "release" else []
    subprocess.run(["cmake", "--preset", preset, "--log-level=WARNING", *strict], cwd=ROOT, check=True)
    subprocess.run(["cmake", "--build", "--preset", preset, "--target", *targets, "--", "--quiet"], cwd=ROOT, check=True)
    say(f"build {preset} took {time.monotonic() - started:.0f} s")


def check(count, name, command):
    done = subprocess.run(command, cwd=ROOT)
    if done.returncode == 0:
        count.passed += 1
    else:
        count.fail(name)


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@functools.cache
def surroundings():
    """What the C++ test programs depend on besides themselves: the programs that they start, the files of the project that they and the
    rig read, and the names, sizes and times of the corpus."""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    read = [ROOT / name for name in tracked if name and not UNREAD.match(name)]
    driven = [ASAN / name for name in ("photogate", "photogate-imager")]
    seen = [(str(path), digest(path)) for path in [*read, *driven] if path.is_file()]
    if corpus := os.environ.get("PHOTOGATE_CORPUS"):
        facts = ((path, path.stat()) for path in sorted(pathlib.Path(corpus).rglob("*")) if path.is_file())
        seen += [(str(path), fact.st_size, fact.st_mtime_ns) for path, fact in facts]
    return hashlib.sha256(json.dumps(seen).encode()).hexdigest()


def passed_before(count, record, name, subject):
    """Whether this very program has passed in these surroundings; then its tests are counted as they were."""
    with contextlib.suppress(OSError, ValueError):
        known = json.loads(record.read_text())
        if known["of"] == subject:
            count.passed += known["passed"]
            count.skipped += known["skipped"]
            print(f"   {name}: unchanged since it passed", flush=True)
            return True
    return False


def run_program(count, program, wrapper, shard, cases="", fresh=True):
    """Runs one GoogleTest program, or one of its shards; its output is shown only if it failed. `cases`: GoogleTest's filter, in one process.
    Unless `fresh`, not one that has passed as it is."""
    shards = 1 if cases else SHARDS.get(program.name, 1)
    name = f"{program.parent.name} {program.name}" + (f" {shard + 1}/{shards}" if shards > 1 else "")
    report = RESULTS / f"{name.replace(' ', '-').replace('/', '-of-')}.xml"
    log = report.with_suffix(".log")
    cases = cases or "-" + ":".join(LONG_CASES.get(program.name, ()))
    record = PASSED / f"{report.stem}.json"
    subject = None if fresh else [digest(program), surroundings(), cases]
    if subject and passed_before(count, record, name, subject):
        return
    command = [*wrapper, str(program), f"--gtest_output=xml:{report}", "--gtest_brief=1", f"--gtest_filter={cases}"]
    environment = {**os.environ, **SANITIZER_OPTIONS, "GTEST_TOTAL_SHARDS": str(shards), "GTEST_SHARD_INDEX": str(shard)}
    started = time.monotonic()
    ending = "it crashed"
    with open(log, "wb") as output:
        try:
            code = subprocess.run(command, cwd=ROOT, env=environment, stdout=output,
                                  stderr=subprocess.STDOUT, timeout=PROGRAM_TIMEOUT).returncode
        except subprocess.TimeoutExpired:
            code, ending = -1, f"stopped after {PROGRAM_TIMEOUT} s"
    verdict = "ok" if code == 0 else f"FAILED ({ending})" if code == -1 else f"FAILED (exit {code})"
    print(f"   {name}: {verdict} in {time.monotonic() - started:.1f} s", flush=True)
    if code != 0:
        sys.stdout.write(log.read_text(errors="replace")[-8000:])
    failed_before, passed_so_far, skipped_so_far = count.failed, count.passed, count.skipped
    count.read_junit(report, program.name, lambda case: (
        [*wrapper, str(program), "--gtest_brief=1", f"--gtest_filter={case.get('classname')}.{case.get('name')}"], SANITIZER_OPTIONS,
        "[  PASSED  ] 1 test."), ending)
    if code != 0 and count.failed == failed_before:
        count.fail(f"{name} (exit {code} though its tests passed)")
    if subject and code == 0 and count.failed == failed_before:
        PASSED.mkdir(exist_ok=True)
        record.write_text(json.dumps({"of": subject, "passed": count.passed - passed_so_far, "skipped": count.skipped - skipped_so_far}))


def programs_of(steps):
    """(program, wrapper, shard) of every GoogleTest program, the longest first."""
    found = []
    for label in filter(steps.__contains__, WRAPPERS):
        programs = sorted(p for p in (ASAN / "tests" / label).glob("*") if os.access(p, os.X_OK) and p.is_file())
        if not programs:
            raise SystemExit(f"{label}: no test program was built")
        found += [(program, WRAPPERS[label], shard) for program in programs for shard in range(SHARDS.get(program.name, 1))]
    return sorted(found, key=lambda each: LONGEST.index(each[0].name) if each[0].name in LONGEST else len(LONGEST))


def run_pytest(count, name, choice=(), built_in=None, workers=0, share="load"):
    """The pytest suite of tests/NAME; selecting none of its tests is not a failure. `built_in`: in place of the release's folder."""
    report = RESULTS / f"{name}.xml"
    command = [sys.executable, "-m", "pytest", f"tests/{name}", "-q", f"--junitxml={report}", "-p", "no:cacheprovider",
               "-o", "tmp_path_retention_policy=failed", *choice]
    if workers:
        command += ["-n", str(workers), "--dist", share, *(["--no-loadscope-reorder"] if share == "loadfile" else [])]
    environment = {**os.environ, "PHOTOGATE_BUILD_DIR": str(built_in or RELEASE)}
    if workers:
        environment["PHOTOGATE_FAULT_RESULTS"] = str(RESULTS / "faults.json")
    if built_in:
        environment |= {"PHOTOGATE_FAILPOINT_BUILD_DIR": str(built_in), **SANITIZER_LOGS}
    code = subprocess.run(command, cwd=ROOT, env=environment).returncode
    failed_before = count.failed
    # With a sanitizer's build a failure may be a race's, which a second run need not show.
    count.read_junit(report, name, None if built_in or not workers else lambda case: (
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", node_of(case)], {"PHOTOGATE_BUILD_DIR": str(RELEASE)}, "1 passed"))
    if code not in (0, 5) and count.failed == failed_before:
        count.fail(f"{name} (pytest exit {code})")


def node_of(case):
    """A test case of pytest's report as pytest's command line names it."""
    path = pathlib.PurePath(*case.get("classname").split("."))
    inside = []
    while not (ROOT / path).with_suffix(".py").exists() and path.name:
        inside.insert(0, path.name)
        path = path.parent
    return "::".join([str(path.with_suffix(".py")), *inside, case.get("name")])


def run_again(count):
    """Failures among many tests that ran at once, each alone; what passes now is unstable, and no failure."""
    if not count.again or count.failed > MOST_AGAIN:
        return
    say(f"again, alone: {', '.join(title for title, _ in count.again)}")
    for title, (command, environment, proof) in count.again:
        try:
            done = subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, timeout=PROGRAM_TIMEOUT,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        except subprocess.TimeoutExpired:
            continue
        sys.stdout.write(done.stdout[-8000:])
        # One that was skipped, or not found, has not passed.
        if done.returncode == 0 and proof in done.stdout:
            count.failures.remove(title)
            count.failed -= 1
            count.passed += 1
            count.unstable.append(title)


def run_e2e(count, arguments):
    say("end-to-end tests on real PostgreSQL and MinIO")
    choice = ["tests/support", "-m", "not large and not kills and not drills" + (" and not slow" if arguments.quick else "")]
    if arguments.k:
        choice += ["-k", arguments.k]
    run_pytest(count, "e2e", choice, workers=WORKERS, share="loadfile")


def run_faults(count, arguments):
    say("every fault" if arguments.faults else "faults, the fast ones")
    choice = ["-s"] if arguments.faults else ["-m", "fast"]
    for name in ("seed", "kill_cycles", "store_kills", "good_pictures", "k"):
        if (value := getattr(arguments, name)) is not None:
            choice += ["-k" if name == "k" else f"--{name.replace('_', '-')}", str(value)]
    # All of them: one by one, since they measure, and their figures are kept.
    run_pytest(count, "faults", choice, workers=0 if arguments.faults else WORKERS)
    if arguments.faults:
        say("the end-to-end tests that kill")
        run_pytest(count, "e2e", ["-m", "kills", *(["-k", arguments.k] if arguments.k else [])])


def run_attacks(count, arguments):
    """One by one, since some measure. A whole run's counts are kept in the page."""
    build("release", "photogate", "photogate-imager")
    say("attacks")
    run_pytest(count, "attacks", ["-k", arguments.k] if arguments.k else [])
    if not arguments.k:
        check(count, "render-attacks", [sys.executable, "scripts/render-attacks", str(RESULTS / "attacks.xml")])


def run_drills(count, arguments):
    build("release", "photogate", "photogate-imager")
    say("the release before, once")  # where it can't be had, the drills that need it say so
    subprocess.run([sys.executable, "-m", "tests.rig.releases"], cwd=ROOT)
    say("drills")
    run_pytest(count, "e2e", ["-m", "drills", *(["-k", arguments.k] if arguments.k else [])], workers=CORES, share="loadfile")


def run_suites(count, arguments):
    build("asan", *LONG_CASES)
    build("release", "photogate", "photogate-imager", "make_archive")
    choice = ["-k", arguments.k] if arguments.k else []
    say("other projects' suites")
    run_pytest(count, "suites", choice)
    if not arguments.k:
        say("the long cases of the integration tests")
        for name, cases in LONG_CASES.items():
            run_program(count, ASAN / "tests" / "integration" / name, WRAPPERS["integration"], 0, ":".join(cases))
    say("end-to-end tests of gigabytes and of minutes, and readers of zips")
    run_pytest(count, "e2e", ["-m", "large or readers or client", *choice])
    if not arguments.k:
        check(count, "render-readers", [sys.executable, "scripts/render-readers", str(RESULTS / "e2e.xml")])
        check(count, "render-clients", [sys.executable, "scripts/render-clients", str(RESULTS / "e2e.xml")])
        check(count, "render-phones", [sys.executable, "scripts/render-phones", str(RESULTS / "e2e.xml")])


def run_sanitized(count, arguments):
    """A sanitizer's report of any process, even of one that is killed afterwards, is in a separate file."""
    program, imager = DRIVEN_BY[arguments.sanitizer]
    build(program.name, "photogate")
    build(imager.name, "photogate-imager")
    driven = program / "driven"
    driven.mkdir(exist_ok=True)
    for source in (program / "photogate", imager / "photogate-imager"):
        shutil.copy(source, driven)
    choice = ["-k", arguments.k] if arguments.k else []
    say(f"end-to-end tests, the program built with -fsanitize={arguments.sanitizer}")
    # Except tests that need a release or measure memory, and those that only drive the signer.
    releases = ("test_crash_points.py::test_release_build_ignores_failpoints", "test_builtin_store.py::test_memory_stays_flat_while_a_large_object_passes")
    others = [*(word for name in releases for word in ("--deselect", f"tests/e2e/{name}")), "--ignore", "tests/e2e/test_sigv4_against_boto3.py"]
    run_pytest(count, "e2e", ["-m", "not large and not kills and not drills and not slow", *others, *choice], driven, workers=CORES, share="loadfile")
    say("the fast faults, likewise")
    run_pytest(count, "faults", ["-m", "fast", *choice], driven, workers=CORES)
    for report in sorted(RESULTS.glob(f"{SANITIZER_REPORT}.*")):
        count.fail(f"sanitizer: {report}")
        sys.stdout.write(report.read_text(errors="replace")[:4000])


def fuzz_command(target, seconds, crashes):
    """Continues from the findings of earlier runs; the kept corpora come first. An input may take 10 s and 2 GiB."""
    found = FUZZ / "found" / target.name
    for folder in (found, crashes):
        folder.mkdir(parents=True, exist_ok=True)
    own = ROOT / "tests" / "fuzz" / target.name
    lent = list(filter(None, (FUZZ / "tests" / "fuzz" / "seeds" / target.name).read_text().splitlines()))
    command = [str(target), str(found), str(own / "corpus"), *lent, f"-artifact_prefix={crashes}/", f"-max_total_time={seconds}"]
    command += ["-max_len=16384", "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1"]
    return command + ([f"-dict={own / 'dictionary'}"] if (own / "dictionary").exists() else [])


def fuzz_target(target, seconds):
    """Returns whether nothing was found. An input that violates a property is kept, with instructions."""
    crashes = FUZZ / "crashes" / target.name
    with open(RESULTS / f"fuzz-{target.name}.log", "w+b") as log:
        code = subprocess.run(fuzz_command(target, seconds, crashes), cwd=ROOT, env={**os.environ, **SANITIZER_OPTIONS},
                              stdout=log, stderr=subprocess.STDOUT).returncode
        log.seek(0)
        text = log.read().decode(errors="replace")
    stats = dict(line.removeprefix("stat::").split(":") for line in text.splitlines() if line.startswith("stat::"))
    runs, speed = (int(stats.get(name, 0)) for name in ("number_of_executed_units", "average_exec_per_sec"))
    verdict = "ok" if code == 0 else f"FAILED (exit {code})"
    print(f"   {target.name}: {verdict}, {runs:,} inputs, {speed:,} a second", flush=True)
    if code == 0:
        return True
    sys.stdout.write(text[-8000:])
    for path in re.findall(r"Test unit written to (\S+)", text):
        print(f"   the input:    {path}\n   to see again: {target} {path}\n"
              f"   once fixed:   keep it in tests/fuzz/{target.name}/corpus/, and add a unit test of the property", flush=True)
    return False


def run_fuzz(count, arguments):
    build("fuzz", "fuzz_targets")
    targets = sorted(p for p in (FUZZ / "fuzz").glob("*") if os.access(p, os.X_OK) and p.is_file())
    targets = [p for p in targets if (arguments.k or "") in p.name]
    say(f"{len(targets)} fuzz targets, {arguments.fuzz_seconds} s each")
    with ThreadPoolExecutor(CORES) as pool:
        for target, held in zip(targets, pool.map(lambda target: fuzz_target(target, arguments.fuzz_seconds), targets)):
            if held:
                count.passed += 1
            else:
                count.fail(f"fuzz.{target.name}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("steps", nargs="*", metavar="step", help=", ".join(STEPS))
    parser.add_argument("--quick", action="store_true", help="skip the e2e tests marked slow")
    parser.add_argument("--fresh", action="store_true", help="run also the C++ test programs that have passed as they are")
    parser.add_argument("-k", help="pytest's expression, for e2e and faults; a part of the name, for fuzz targets")
    parser.add_argument("--faults", action="store_true", help="only the faults, all of them")
    parser.add_argument("--seed", type=int, help="of the faults' chance, and of the phones'")
    parser.add_argument("--kill-cycles", type=int, metavar="N", help="kills at each named step")
    parser.add_argument("--store-kills", type=int, metavar="N", help="kills of MinIO")
    parser.add_argument("--good-pictures", type=int, metavar="N", help="good pictures among which the poison ones are mixed")
    parser.add_argument("--sanitizer", choices=sorted(DRIVEN_BY), help="the e2e tests and the fast faults against such a build, and nothing else")
    parser.add_argument("--attacks", action="store_true", help="only the attacks")
    parser.add_argument("--drills", action="store_true", help="only what an operator does and sees")
    parser.add_argument("--suites", action="store_true", help="only other projects' suites")
    parser.add_argument("--fuzz", action="store_true", help="only the fuzz targets")
    parser.add_argument("--fuzz-seconds", type=int, default=60, metavar="N", help="for each target")
    arguments = parser.parse_args()
    if unknown := set(arguments.steps) - set(STEPS):
        parser.error(f"no such step: {', '.join(sorted(unknown))}")
    alone = [name for name in ("faults", "fuzz", "sanitizer", "attacks", "drills", "suites") if getattr(arguments, name)]
    steps = arguments.steps or alone or STEPS
    if arguments.seed is not None:
        os.environ["PHOTOGATE_PHONE_SEED"] = str(arguments.seed)
    phones = os.environ.setdefault("PHOTOGATE_PHONE_SEED", str(int.from_bytes(os.urandom(4), "big")))
    if {"e2e", "suites"} & set(steps):
        say(f"the phones' seed: {phones}; --seed {phones} repeats it")
    shutil.rmtree(RESULTS, ignore_errors=True)
    RESULTS.mkdir(parents=True)
    # All faults measure, and therefore use a disk.
    with contextlib.nullcontext() if arguments.faults else roomy_temporary_folder():
        count = run(steps, arguments)
    for name in count.unstable:
        print(f"UNSTABLE {name}: failed beside the others, passed alone")
    for name in count.failures:
        print(f"FAILED {name}")
    print(f"{count.passed} passed, {count.failed} failed, {count.skipped} skipped")
    return 1 if count.failed or not count.passed else 0


@contextlib.contextmanager
def roomy_temporary_folder():
    """Each stack has a thousand files: on a disk their creation and removal costs more than many tests."""
    available = next(int(line.split()[1]) << 10 for line in open("/proc/meminfo") if line.startswith("MemAvailable:"))
    room = os.statvfs(MEMORY) if MEMORY.is_dir() else None
    if "TMPDIR" in os.environ or not room or min(available, room.f_bavail * room.f_frsize) < PLENTY:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="photogate-test-", dir=MEMORY, ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o1777)  # PostgreSQL never runs as root
        os.environ["TMPDIR"] = folder
        yield


def side_by_side(steps, arguments):
    """One lane runs the pytest suites in order, and then programs like the others; returns the counts."""
    programs = queue.SimpleQueue()
    for each in programs_of(steps):
        programs.put(each)
    suites = [suite for step, suite in (
        ("e2e", lambda own: run_e2e(own, arguments)),
        ("faults", lambda own: run_faults(own, arguments))) if step in steps]

    def run_lane(suites):
        own = Count()
        for suite in suites:
            suite(own)
        with contextlib.suppress(queue.Empty):
            while True:
                run_program(own, *programs.get_nowait(), fresh=arguments.fresh)
        return own

    with ThreadPoolExecutor() as pool:
        return list(pool.map(run_lane, [suites] + [[]] * max(1, CORES - 1)))


def run(steps, arguments):
    count = Count()
    if "style" in steps:
        say("style")
        for name, command in (("format", ["scripts/format", "--check"]), ("shell", ["scripts/lint", "shell"]), ("python", ["scripts/lint", "python"])):
            check(count, name, command)
    sanitized = [f"{label}_tests" for label in ("unit", "integration", "contract") if label in steps]
    driven = {"e2e", "faults"} & set(steps)
    if driven:
        sanitized += ["photogate", "photogate-imager"]
    if sanitized:
        build("asan", *sanitized)
    if driven or "style" in steps:
        build("release", "photogate", "photogate-imager", "sign_batch", "make_archive")
    if "style" in steps:
        if sanitized:  # from whose build it has its flags
            sources = [str(source) for module in TIDY_MODULES for source in sorted((ROOT / module).glob("*.cpp"))]
            check(count, "clang-tidy", ["scripts/lint", "cpp", "--seconds", str(TIDY_SECONDS), *sources])
        check(count, "architecture", [sys.executable, "tests/architecture/check_architecture.py", "--build-dir", str(RELEASE)])
        run_pytest(count, "architecture")
    for own in side_by_side(steps, arguments):
        count.add(own)
    run_again(count)
    if arguments.sanitizer:
        run_sanitized(count, arguments)
    if arguments.fuzz:
        run_fuzz(count, arguments)
    if arguments.attacks:
        run_attacks(count, arguments)
    if arguments.drills:
        run_drills(count, arguments)
    if arguments.suites:
        run_suites(count, arguments)
    return count


if __name__ == "__main__":
    sys.exit(main())
