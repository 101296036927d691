"""clang-tidy over the product's sources, each again only when it, a header of ours that it includes, or .clang-tidy changed.

    python3 -m scripts.tidy [--build DIR] [--seconds N] [FILE…]

Flags and headers come from a build that has been made (build/asan). What was found clean is remembered in DIR/tidy, by a hash of all
that it depends on. With --seconds, those that changed last come first, and what is not reached in that time is left to the next run.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOOL = "clang-tidy-14"
MODULES = ("base", "http", "signer", "storage", "imaging", "model", "notifier", "pipeline", "packager", "delivery", "web", "scanner", "client", "gateway")
UNITY = re.compile(r"unity_\d+_cxx\.cxx")
WITH_ARGUMENT = {"-o", "-c", "-include"}
# g++'s alone, or for g++'s precompiled headers and sanitizers.
NOT_FOR_CLANG = ("-fsanitize", "-fno-sanitize", "-Winvalid-pch", "-Wno-", "-Werror", "-O", "-g")


def flags_of(entry):
    words, flags = iter(shlex.split(entry["command"])[1:]), []
    for word in words:
        if word in WITH_ARGUMENT:
            next(words)
        elif not word.startswith(NOT_FOR_CLANG):
            flags.append(word)
    return flags


def headers_of(build):
    """Of each object, the files of this repository that it was made from, as ninja recorded them."""
    listed = subprocess.run(["ninja", "-C", build, "-t", "deps"], capture_output=True, text=True, check=True).stdout
    found = {}
    for block in listed.split("\n\n"):
        lines = block.splitlines()
        if lines:
            paths = (os.path.realpath(os.path.join(build, line.strip())) for line in lines[1:])
            found[lines[0].split(":")[0]] = sorted(path for path in paths if path.startswith(f"{ROOT}{os.sep}"))
    return found


class Files:
    """Contents by their hash, each read once."""

    def __init__(self):
        self.known = {}

    def digest(self, path):
        if path not in self.known:
            try:
                self.known[path] = hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()
            except OSError:
                self.known[path] = "gone"
        return self.known[path]


def sources_of(path):
    """A source, or those that are compiled together in one."""
    if not UNITY.fullmatch(path.name):
        return [path]
    return [pathlib.Path(name) for name in re.findall(r'^#include "(.+\.cpp)"$', path.read_text(), re.MULTILINE)]


def jobs(build, wanted):
    """(file, flags, key): those of the modules, or those that are named."""
    headers, files = headers_of(build), Files()
    settings = files.digest(str(ROOT / ".clang-tidy"))
    for entry in json.loads((build / "compile_commands.json").read_text()):
        flags = flags_of(entry)
        words = shlex.split(entry["command"])
        read = [path for path in headers.get(words[words.index("-o") + 1], ()) if not path.endswith(".cpp")]
        for path in sources_of(pathlib.Path(entry["file"])):
            relative = path.relative_to(ROOT) if path.is_relative_to(ROOT) else None
            if relative is None or relative.parts[0] not in MODULES or (wanted and path not in wanted):
                continue
            parts = [settings, *flags, files.digest(str(path)), *(f"{header} {files.digest(header)}" for header in read)]
            yield path, flags, hashlib.sha256("\0".join(parts).encode()).hexdigest()


def examine(path, flags):
    done = subprocess.run([TOOL, "--quiet", str(path), "--", *flags], capture_output=True, text=True, cwd=ROOT)
    return done.returncode == 0, done.stdout + ("" if done.returncode == 0 else done.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "asan")
    parser.add_argument("--seconds", type=float, help="begin no further file after this time")
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    arguments = parser.parse_args()
    build = arguments.build.resolve()
    if not (build / "compile_commands.json").exists():
        parser.error(f"{build} is no build: cmake --preset asan")
    stamps = build / "tidy"
    stamps.mkdir(exist_ok=True)
    started = time.monotonic()
    wanted = {path.resolve() for path in arguments.files}
    all_of_them = list(jobs(build, wanted))
    if unknown := wanted - {job[0] for job in all_of_them}:
        parser.error(f"no source of a module in {build}: {', '.join(sorted(map(str, unknown)))}")
    todo = [job for job in all_of_them if not (stamps / job[2]).exists()]
    todo.sort(key=lambda job: -job[0].stat().st_mtime)
    bad = skipped = clean = 0

    def one(job):
        if arguments.seconds is not None and time.monotonic() - started > arguments.seconds:
            return None
        return examine(*job[:2])

    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for job, result in zip(todo, pool.map(one, todo)):
            if result is None:
                skipped += 1
            elif result[0]:
                (stamps / job[2]).touch()
                clean += 1
            else:
                bad += 1
                print(result[1], flush=True)
    print(f"clang-tidy: {len(all_of_them) - len(todo)} unchanged, {clean} clean, {bad} with findings, {skipped} left to the next run, "
          f"in {time.monotonic() - started:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
