#!/usr/bin/env python3
"""Runs a command with the programs of another architecture at hand: qemu-user runs them.

    python3 scripts/emulated.py arm64 chroot /var/tmp/an-arm64-debian apt-get update

The registration (binfmt_misc) is one of a user namespace that ends with the command, so that the machine's own stays as it is; Linux has
had such since 6.7. In the namespace root is root of the machine's files, and can make no device. For root only. Standard library only.
"""
import contextlib
import ctypes
import os
import pathlib
import re
import shutil
import subprocess
import sys

# What the ELF header of a program begins with, and which of its bits are looked at: as in qemu's own scripts/qemu-binfmt-conf.sh.
PROGRAMS = {
    "arm64": ("aarch64", rb"\x7f\x45\x4c\x46\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00",
              rb"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"),
}
REGISTERED = pathlib.Path("/proc/sys/fs/binfmt_misc")
CLONE_NEWNS, CLONE_NEWUSER = 0x0002_0000, 0x1000_0000
MS_REC, MS_PRIVATE = 0x4000, 0x4_0000
EVERY_NUMBER = "0 0 4294967295"


class Unavailable(Exception):
    """Why programs of that architecture can't be run here, in one sentence."""


def _demand(answer, what):
    if answer != 0:
        raise Unavailable(f"{what}: {os.strerror(ctypes.get_errno())}")


def interpreter(architecture):
    path = shutil.which(f"qemu-{PROGRAMS[architecture][0]}-static")
    if not path:
        raise Unavailable("qemu-user-static is missing (scripts/install-dependencies drills)")
    return path


def unshare(c):
    """A user namespace of this process's own, whose numbers are the machine's: its parent may write them down, a process in it may not."""
    inside, mapped = os.pipe(), os.pipe()
    parent = os.readlink("/proc/self")  # its number there: /proc may be of another namespace than this process
    writer = os.fork()
    if writer == 0:
        os.close(inside[1])
        if os.read(inside[0], 1):
            for name in ("uid_map", "gid_map"):
                pathlib.Path(f"/proc/{parent}/{name}").write_text(EVERY_NUMBER)
            os.write(mapped[1], b".")
        os._exit(0)
    os.close(mapped[1])
    _demand(c.unshare(CLONE_NEWUSER | CLONE_NEWNS), "no user namespace can be made")
    os.write(inside[1], b".")
    done = os.read(mapped[0], 1)
    os.waitpid(writer, 0)
    if not done:
        raise Unavailable("the numbers of users can't be mapped")
    os.setgid(0)
    os.setuid(0)


def register(architecture):
    """In a user namespace of its own. Raises Unavailable."""
    path = interpreter(architecture)
    c = ctypes.CDLL(None, use_errno=True)
    unshare(c)
    _demand(c.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None), "mounts can't be made private")
    _demand(c.mount(b"binfmt_misc", os.fsencode(REGISTERED), b"binfmt_misc", 0, None), "no binfmt_misc of its own can be mounted")
    name, magic, mask = PROGRAMS[architecture]
    # F: the interpreter is opened now, and needs to be in no chroot. OC: set-user-ID programs keep their rights.
    (REGISTERED / "register").write_bytes(b":qemu-%s:M::%s:%s:%s:OCF" % (name.encode(), magic, mask, os.fsencode(path)))


def is_registered(architecture):
    """Whether this machine itself runs such programs, everywhere: as qemu-user-static and systemd-binfmt have it."""
    entry = REGISTERED / f"qemu-{PROGRAMS[architecture][0]}"
    with contextlib.suppress(OSError):
        said = entry.read_text().splitlines()
        return "enabled" in said and any(re.fullmatch(r"flags: \w*F\w*", line) for line in said)
    return False


def missing(architecture):
    """Why programs of that architecture can't be run here; empty if they can."""
    done = subprocess.run([sys.executable, __file__, architecture, "true"], capture_output=True, text=True)
    return done.stderr.strip() if done.returncode else ""


def main():
    if len(sys.argv) < 3 or sys.argv[1] not in PROGRAMS:
        sys.exit(f"usage: emulated.py {'|'.join(PROGRAMS)} COMMAND…")
    try:
        register(sys.argv[1])
    except (Unavailable, OSError) as error:
        sys.exit(f"emulated.py: {error}")
    os.execvp(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
