"""The releases that this one is upgraded from: their commits, and their programs and packages, built from nothing but them.

    releases.programs()            the folder with photogate and photogate-imager of the release before, built once
    releases.package("bookworm")   its Debian package, built by its own scripts

In build/previous/VERSION. A release is named by its commit, since tags do not come with every clone; docs/releases.md says when a line
is added. `python3 -m tests.rig.releases` builds the programs.
"""
import contextlib
import fcntl
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "build" / "previous"

# In their order.
COMMITS = {
    "0.1.0": "4aec5c6e7ae25db0c53ba8bb83dbb21707ebb967",
}
# The Debian releases for which each was packaged.
DEBIANS = {"0.1.0": ("bookworm",)}


class Unavailable(Exception):
    """Why a release can't be had here, in one sentence."""


def number(version):
    return tuple(int(part) for part in version.split("."))


def this_version(text=None):
    return re.search(r"project\(photogate VERSION (\S+)", text or (ROOT / "CMakeLists.txt").read_text())[1]


def before():
    """The version of the release before this one."""
    former = [version for version in COMMITS if number(version) < number(this_version())]
    if not former:
        raise Unavailable(f"there is no release before {this_version()}")
    return max(former, key=number)


def has_commit(version):
    done = subprocess.run(["git", "-C", ROOT, "cat-file", "-e", f"{COMMITS[version]}^{{commit}}"], capture_output=True)
    return done.returncode == 0


def text_of(version, path):
    """A file as it was in a release."""
    return subprocess.run(["git", "-C", ROOT, "show", f"{COMMITS[version]}:{path}"], check=True, capture_output=True, text=True).stdout


def _demand(version):
    if not shutil.which("git") or not (ROOT / ".git").exists():
        raise Unavailable(f"the commit of release {version} is in the repository, and this folder is no clone of it")
    if not has_commit(version):
        raise Unavailable(f"this clone lacks commit {COMMITS[version][:12]}, which is release {version}: git fetch --unshallow")


@contextlib.contextmanager
def _alone(version):
    """One process at a time: several may want the same release."""
    folder = FOLDER / version
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def _sources(version, folder):
    """The release's files and no other, unpacked once."""
    source = folder / "source"
    stamp = folder / "commit"
    if source.is_dir() and stamp.is_file() and stamp.read_text() == COMMITS[version]:
        return source
    _demand(version)
    for former in (source, folder / "programs"):
        shutil.rmtree(former, ignore_errors=True)
    source.mkdir()
    archive = subprocess.run(["git", "-C", ROOT, "archive", "--format=tar", COMMITS[version]], check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", source], input=archive, check=True)
    stamp.write_text(COMMITS[version])
    return source


def _run(command, log, **options):
    done = subprocess.run([str(word) for word in command], stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, **options)
    if done.returncode != 0:
        raise RuntimeError(f"`{' '.join(map(str, command[:3]))} …` ended with {done.returncode}; see {log.name}")


def jobs():
    return os.environ.get("PHOTOGATE_BUILD_JOBS") or str(os.cpu_count())


def programs(version=None):
    """PHOTOGATE_PREVIOUS_BUILD_DIR, where it names a build of the release before; else one that is made here. Raises Unavailable."""
    given = os.environ.get("PHOTOGATE_PREVIOUS_BUILD_DIR")
    if given and version is None:
        return pathlib.Path(given)
    version = version or before()
    with _alone(version) as folder:
        build = folder / "programs"
        stamp = folder / "built"
        if stamp.is_file() and stamp.read_text() == COMMITS[version] and (build / "photogate").is_file():
            return build
        source = _sources(version, folder)
        with open(folder / "build.log", "w") as log:
            _run(["cmake", "-S", source, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", "-DPHOTOGATE_UNITY=ON", "-DPHOTOGATE_TESTS=OFF"], log)
            _run(["cmake", "--build", build, "-j", jobs(), "--target", "photogate", "photogate-imager"], log)
        said = subprocess.run([build / "photogate", "version"], capture_output=True, text=True, check=True).stdout
        if said.strip() != f"photogate {version}":
            raise RuntimeError(f"what was built of release {version} says that it is {said.strip()}")
        stamp.write_text(COMMITS[version])
        return build


def package(debian, version=None):
    """The release's .deb for a Debian release. Raises Unavailable, where it did not support that Debian too."""
    version = version or before()
    if debian not in DEBIANS[version]:
        raise Unavailable(f"release {version} had no package for {debian}")
    with _alone(version) as folder:
        kept = folder / "packages" / debian
        stamp = kept / "commit"
        if not (stamp.is_file() and stamp.read_text() == COMMITS[version] and any(kept.glob("photogate_*.deb"))):
            source = _sources(version, folder)
            # Its own scripts/build-packages asks git for the files of the package.
            if not (source / ".git").exists():
                for words in (["init", "--quiet"], ["add", "--all"]):
                    subprocess.run(["git", "-C", source, *words], check=True, capture_output=True)
            shutil.rmtree(kept, ignore_errors=True)
            kept.mkdir(parents=True)
            with open(folder / f"package-{debian}.log", "w") as log:
                _run([sys.executable, source / "scripts" / "build-packages", "--release", debian, "--quick"], log, cwd=source)
            for made in (source / "build" / "packages" / debian).glob("photogate_*.deb"):
                shutil.copy(made, kept)
            shutil.rmtree(source / "build" / "chroots", ignore_errors=True)
            stamp.write_text(COMMITS[version])
        return next(kept.glob("photogate_*.deb"))


class Deb:
    """What is in a package."""

    def __init__(self, path):
        self.path = path
        self.version = subprocess.run(["dpkg-deb", "--field", path, "Version"], check=True, capture_output=True, text=True).stdout.strip()

    def _tar(self, *words):
        data = subprocess.run(["dpkg-deb", "--fsys-tarfile", self.path], check=True, capture_output=True).stdout
        return subprocess.run(["tar", *words], input=data, check=True, capture_output=True).stdout.decode()

    def files(self):
        """Their paths, without the folders."""
        return {line[1:] for line in self._tar("-t").splitlines() if not line.endswith("/")}

    def read(self, path):
        return self._tar("-x", "-O", f".{path}")


if __name__ == "__main__":
    try:
        print(programs())
    except (Unavailable, RuntimeError) as reason:
        sys.exit(f"releases: {reason}")
