"""The imager's sandbox on arm64: the probe of tests/integration/imaging/jail_test.cpp, cross-compiled, tries each forbidden thing on an emulated
machine under Debian's arm64 kernel. What it needs of the sandbox is the same source that the imager has; there is no decoder in it.
"""
import importlib.machinery
import importlib.util
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from scripts import debian_chroot
from tests.rig import arm64_machine

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
loader = importlib.machinery.SourceFileLoader("build_packages", str(ROOT / "scripts" / "build-packages"))
packages = importlib.util.module_from_spec(importlib.util.spec_from_loader("build_packages", loader))
loader.exec_module(packages)

pytestmark = [pytest.mark.drills,
              pytest.mark.skipif(debian_chroot.architecture() == "arm64", reason="on arm64, jail_test tries it without emulation"),
              pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("mmdebstrap"), reason="chroots are made by root, with mmdebstrap"),
              pytest.mark.skipif(bool(arm64_machine.missing()), reason=arm64_machine.missing() or "-")]

WALLS, THREADS = ("none", "landlock", "calls", "all"), ("first", "old", "young")
# As in jail_test.cpp: what is refused, what Landlock alone refuses, and what ends the process.
REFUSED = ("read_file", "list_folder", "make_file", "look_at_file", "remove_file", "tcp_socket", "udp_socket", "unix_socket", "connect", "fork", "program")
BY_LANDLOCK = ("read_file", "list_folder", "make_file", "program")
DEADLY = ("signal_parent", "signal_parents_thread", "trace", "read_memory_of_parent", "raise_limit", "unshare", "io_uring", "watch_parent",
          "become_traceable", "outlive_parent")
ALLOWED = ("work", "make_code")
KILLED = "killed"
LIBRARIES = ("ld-linux-aarch64.so.1", "libc.so.6", "libfmt.so.9", "libgcc_s.so.1", "libm.so.6", "libseccomp.so.2", "libstdc++.so.6")

# Of base/ a few functions are used: the linker leaves out the others, with what they would need.
BUILD = r"""
cd /sources
aarch64-linux-gnu-g++ -std=c++20 -O1 -Wall -Wextra -Werror -ffunction-sections -fdata-sections -Wl,--gc-sections -DFMT_SHARED -I. \
    tests/integration/imaging/jail_probe.cpp imaging/jail/*.cpp imaging/jail_report.cpp base/file.cpp base/owned_folder.cpp base/privileges.cpp \
    -lseccomp -lfmt -o /root/probe
cd /root
apt-get -q update
apt-get -q download busybox-static:arm64
dpkg-deb --extract busybox-static_*.deb /root/busybox
mkdir libraries
cd /usr/lib/aarch64-linux-gnu
cp --dereference "$@" /root/libraries
"""
FIRST_PROCESS = r"""#!/bin/sh
export PATH=/bin
mount -t proc proc /proc
mount -t devtmpfs dev /dev
mount -t tmpfs -o mode=1777 tmpfs /tmp
ifconfig lo 127.0.0.1 up
for attempt in ATTEMPTS; do
    for walls in WALLS; do
        for who in THREADS; do
            words=$(/root/probe $walls $who $attempt /tmp/plain 2>&1)
            echo "try $attempt $walls $who $?: $words"
        done
    done
done > /dev/console
echo "=== the end" > /dev/console
echo o > /proc/sysrq-trigger
sleep 60
"""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """{(attempt, walls, thread): the probe's words} of one run of the machine."""
    folder = tmp_path_factory.mktemp("sandbox")
    root = folder / "root"
    for name in ("bin", "dev", "etc", "lib/aarch64-linux-gnu", "proc", "root", "tmp"):
        (root / name).mkdir(parents=True)
    with packages.base_of("bookworm", "arm64").copy() as chroot:
        chroot.run(BUILD, *LIBRARIES, binds={ROOT: "/sources"})
        shutil.copy(chroot.path(arm64_machine.get_kernel(chroot)), folder / "kernel")
        shutil.copy(chroot.path("/root/probe"), root / "root" / "probe")
        shutil.copy(chroot.path("/root/busybox/bin/busybox"), root / "bin" / "busybox")
        for name in LIBRARIES:
            shutil.copy(chroot.path("/root/libraries") / name, root / "lib" / "aarch64-linux-gnu" / name)
    shutil.copy(root / "lib" / "aarch64-linux-gnu" / LIBRARIES[0], root / "lib" / LIBRARIES[0])
    for name in ("sh", "echo", "ifconfig", "mount", "sleep"):
        (root / "bin" / name).symlink_to("busybox")
    (root / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    first = FIRST_PROCESS
    for word, values in (("ATTEMPTS", (*ALLOWED, *REFUSED, *DEADLY, "write_file", "ask_for_nothing", "self_test")), ("WALLS", WALLS), ("THREADS", THREADS)):
        first = first.replace(word, " ".join(values))
    (root / "init").write_text(first)
    (root / "init").chmod(0o755)
    archive = folder / "root.cpio"
    subprocess.run(["bsdtar", "--create", "--format", "newc", "--file", archive, "--directory", root, "."], check=True)
    said = arm64_machine.boot(folder / "kernel", archive, folder, seconds=1800, memory=512)
    found = {}
    for attempt, walls, who, code, words in re.findall(r"^try (\S+) (\S+) (\S+) (\d+): (.*)$", said, re.M):
        # 128 and SIGSYS.
        found[attempt, walls, who] = KILLED if code == "159" else words if code == "0" else f"ended {code} {words}"
    return found


def of(outcomes, attempt, walls):
    """What each thread came to."""
    return {outcomes[attempt, walls, who] for who in THREADS}


def test_attempts_are_refused_on_every_thread_only_inside_the_jail(outcomes):
    for attempt in REFUSED:
        assert of(outcomes, attempt, "none") == {"done"}, "the attempt is no proof"
        assert of(outcomes, attempt, "all") == of(outcomes, attempt, "calls") == {"refused EACCES"}, attempt


def test_attempts_kill_the_process_on_every_thread(outcomes):
    for attempt in DEADLY:
        assert KILLED not in of(outcomes, attempt, "none"), "the attempt is no proof"
        assert of(outcomes, attempt, "all") == {KILLED}, attempt


def test_landlock_alone_keeps_files_and_programs(outcomes):
    for attempt in BY_LANDLOCK:
        assert of(outcomes, attempt, "landlock") == {"refused EACCES"}, attempt


def test_memory_threads_and_generated_code_are_left(outcomes):
    for attempt in ALLOWED:
        for walls in WALLS:
            assert of(outcomes, attempt, walls) == {"done"}, (attempt, walls)
    assert of(outcomes, "write_file", "all") == {"refused EFBIG"}


def test_access_is_answered_yes_without_a_look_at_the_file(outcomes):
    """There is no such call on arm64: the C library asks by another."""
    assert of(outcomes, "ask_for_nothing", "none") == {"refused ENOENT"}
    assert of(outcomes, "ask_for_nothing", "all") == of(outcomes, "ask_for_nothing", "calls") == {"done"}


def test_self_test_finds_each_hole(outcomes):
    assert of(outcomes, "self_test", "none") == {"not tight: files can be opened, sockets can be made, programs can be started"}
    assert of(outcomes, "self_test", "landlock") == {"not tight: sockets can be made, programs can be started"}
    for walls in ("calls", "all"):
        assert all(words.startswith("tight: ") for words in of(outcomes, "self_test", walls)), walls
