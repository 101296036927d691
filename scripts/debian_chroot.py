"""Clean chroots of Debian releases, made by mmdebstrap from the mirrors that this machine's apt is configured with.

    with debian_chroot.Base("trixie", "drill", ["curl"]).copy() as chroot:
        chroot.run("apt-get install -y jq")

A base is made once and kept in build/chroots for a week; each copy is an overlay over it, gone at its end. Every run() has mounts and
processes of its own, which end with it. For root only. Standard library only.
"""
import contextlib
import ctypes
import fcntl
import functools
import hashlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import typing

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build" / "chroots"
KEPT = 7 * 86400  # then a base has missed too many updates

EMULATED = ROOT / "scripts" / "emulated.py"

# $1 lower, $2 folder of the copy, $3 what is bound ("FROM:TO FROM:TO"), the rest is run inside.
ENTER = r"""
mount --make-rprivate /
lower=$1; copy=$2; binds=$3; shift 3
root=$copy/root
mount -t overlay overlay -o "lowerdir=$lower,upperdir=$copy/upper,workdir=$copy/work" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
for bind in $binds; do mkdir -p "$root${bind#*:}"; mount --bind "${bind%%:*}" "$root${bind#*:}"; done
if [ "$OWN_NETWORK" = yes ]; then ip link set lo up; else cp --dereference /etc/resolv.conf "$root/etc/resolv.conf"; fi
exec $EMULATED chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
"""


# $1 lower, $2 folder of the copy, $3 the archive, the rest is left out.
ARCHIVE = r"""
mount --make-rprivate /
lower=$1; copy=$2; archive=$3; shift 3
mount -t overlay overlay -o "lowerdir=$lower,upperdir=$copy/upper,workdir=$copy/work" "$copy/root"
cd "$copy/root"
for pattern do set -- "$@" --exclude "./$pattern/*"; shift; done
exec bsdtar --create --format newc --one-file-system "$@" --file "$archive" .
"""


def _with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG; unshare's --kill-child then ends what is inside


class ChrootError(Exception):
    """What is missing or went wrong, in one line and what the program said."""


class Release(typing.NamedTuple):
    name: str
    number: int
    backports: tuple = ()  # packages that come from there


RELEASES = {each.name: each for each in (
    # Debian 12's libheif can't read the HEIC of current phones.
    Release("bookworm", 12, ("libheif1", "libheif-dev", "libheif-plugin-libde265", "libheif-plugin-dav1d", "libheif-plugin-aomenc")),
    Release("trixie", 13),
)}
# Where packages are built unless another release is named, and drilled.
TRIED = ("bookworm", "trixie")


@functools.cache
def architecture():
    """This machine's, as Debian calls it."""
    return subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout.strip()


def emulation(emulated):
    """The words before a command whose programs are of that architecture; none for None."""
    return [sys.executable, str(EMULATED), emulated] if emulated else []


@functools.cache
def mirrors():
    """(archive, security) as apt is configured here: where it gets a release's updates and its security updates from."""
    done = subprocess.run(["apt-get", "indextargets", "--no-release-info", "--format", "$(RELEASE)|$(COMPONENT)|$(REPO_URI)", "Created-By: Packages"],
                          capture_output=True, text=True, check=True)
    found = {}
    for line in done.stdout.splitlines():
        suite, component, uri = line.split("|")
        if component == "main":
            found.setdefault(suite.rpartition("-")[2], uri)
    missing = [kind for kind in ("updates", "security") if kind not in found]
    if missing:
        raise ChrootError(f"apt is configured with no mirror of Debian's {' and '.join(missing)}")
    return found["updates"], found["security"]


def sources(release):
    archive, security = mirrors()
    lines = [f"deb {archive} {release} main", f"deb {archive} {release}-updates main", f"deb {security} {release}-security main"]
    if RELEASES[release].backports:
        lines.append(f"deb {archive} {release}-backports main")
    return lines


class Base:
    """A release with some packages, in a folder of its own. `variant` is mmdebstrap's. Packages NAME:ARCHITECTURE are of another than this
    machine's; it is then `foreign`. Where the whole release is, it is `emulated`: qemu runs its programs (scripts/emulated.py)."""

    def __init__(self, release, purpose, packages, variant="minbase", foreign=None, emulated=None):
        self.release = release
        self.packages = sorted(self._from_backports({*packages}))
        self.variant = variant
        self.foreign, self.emulated = foreign, emulated
        self.sources = sources(release)
        what = "\n".join([variant, *self.packages, *self.sources, *(each for each in (foreign, emulated) if each)])
        self.folder = FOLDER / f"{release}-{purpose}-{hashlib.sha256(what.encode()).hexdigest()[:12]}"
        self.prefix = f"{release}-{purpose}-"

    def _from_backports(self, packages):
        """Each of those that come from there needs the others from there, of its own architecture."""
        backported = RELEASES[self.release].backports
        for each in list(packages):
            name, colon, architecture = each.partition(":")
            if name in backported:
                packages |= {f"{other}{colon}{architecture}" for other in backported}
        return {f"{each}/{self.release}-backports" if each.partition(":")[0] in backported else each for each in packages}

    def _architectures(self):
        if self.emulated:
            return [f"--architectures={self.emulated}", "--skip=check/qemu"]  # its test asks for a program of its own
        return [f"--architectures={architecture()},{self.foreign}"] if self.foreign else []

    def make(self):
        if os.geteuid() != 0:
            raise ChrootError("chroots are made by root alone")
        if not shutil.which("mmdebstrap"):
            raise ChrootError("mmdebstrap is missing (scripts/install-dependencies drills)")
        FOLDER.mkdir(parents=True, exist_ok=True)
        with open(FOLDER / f"{self.prefix}lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self.folder.exists() and time.time() - self.folder.stat().st_mtime < KEPT:
                return self
            for former in FOLDER.glob(f"{self.prefix}*"):
                if former.is_dir():
                    shutil.rmtree(former)
            making = FOLDER / f"{self.prefix}making"
            command = [*emulation(self.emulated), "mmdebstrap", "--mode=root", f"--variant={self.variant}", "--dpkgopt=force-unsafe-io",
                       "--skip=cleanup/apt/lists", *self._architectures(),
                       f"--include={','.join(self.packages)}", self.release, making, *self.sources]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode != 0:
                shutil.rmtree(making, ignore_errors=True)
                raise ChrootError(f"mmdebstrap could not make {self.release}:\n{done.stderr[-2000:]}")
            # No package starts anything, as on a machine without systemd.
            policy = making / "usr" / "sbin" / "policy-rc.d"
            policy.write_text("#!/bin/sh\nexit 101\n")
            policy.chmod(0o755)
            os.utime(making)
            making.rename(self.folder)
        return self

    @contextlib.contextmanager
    def copy(self):
        self.make()
        with tempfile.TemporaryDirectory(prefix=f"copy-{self.prefix}", dir=FOLDER) as folder:
            os.chmod(folder, 0o755)  # users other than root pass through it
            yield Chroot(self.folder, pathlib.Path(folder), self.emulated)


class Chroot:
    def __init__(self, lower, folder, emulated=None):
        self.lower, self.folder, self.emulated = lower, folder, emulated
        for name in ("root", "upper", "work"):
            (folder / name).mkdir()

    def path(self, inside):
        """Where a file that was made inside lies outside."""
        return self.folder / "upper" / str(inside).lstrip("/")

    def run(self, script, *arguments, network=True, binds=None, environment=None, seconds=1800, check=True, output=None):
        """Runs bash with `script` inside; gives what subprocess.run() gives, output as one text unless it goes to the file `output`. Without
        `network` it has a loopback of its own alone. Raises ChrootError where it fails."""
        bound = " ".join(f"{source}:{target}" for source, target in (binds or {}).items())
        command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", *([] if network else ["--net"]),
                   "sh", "-ec", ENTER, "sh", str(self.lower), str(self.folder), bound,
                   *(f"{name}={value}" for name, value in (environment or {}).items()), "bash", "-ec", script, "bash", *map(str, arguments)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output or subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=seconds,
                              preexec_fn=_with_parent, env={**os.environ, "OWN_NETWORK": "no" if network else "yes", "EMULATED": " ".join(emulation(self.emulated))})
        if check and done.returncode != 0:
            said = f":\n{done.stdout[-4000:]}" if done.stdout else ""
            raise ChrootError(f"exit code {done.returncode} of `{script.strip().splitlines()[0]}` in {self.lower.name}{said}")
        return done

    def archive(self, file, left_out=()):
        """All of it as a cpio archive, which a kernel takes as its first file system; of the folders `left_out` (patterns) nothing."""
        command = ["unshare", "--mount", "sh", "-ec", ARCHIVE, "sh", str(self.lower), str(self.folder), str(file), *left_out]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            raise ChrootError(f"{self.lower.name} can't be archived:\n{done.stderr[-2000:]}")
