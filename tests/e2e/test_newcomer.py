"""A newcomer's three ways to a first photo (README.md), each by the README's own lines, from a clean Debian 12 that has none of it.

Debian package and source are followed in chroots, by a user who may use sudo. The container is followed with this machine's podman, in a
network of its own: podman's images need a file system that a chroot over an overlay does not have. Images come from no registry here, so
Debian's is one that mmdebstrap makes.

What this machine has compiled, in build/release and build/packages, is not compiled again. With PHOTOGATE_NEWCOMER=cold everything but the
package is, and how long each way took goes into the table of docs/install.md; that is for a machine that does nothing else.
"""
import contextlib
import importlib.machinery
import importlib.util
import json
import os
import pathlib
import shutil
import subprocess
import time

import pytest
from test_debian_packages import SERVICE

from scripts import debian_chroot
from tests.rig import containers, first_photo, pictures
from tests.rig.world import release_build

ROOT = pathlib.Path(__file__).resolve().parents[2]
COLD = os.environ.get("PHOTOGATE_NEWCOMER") == "cold"
HOURS = 3  # for a machine that others share; no figure
loader = importlib.machinery.SourceFileLoader("build_packages", str(ROOT / "scripts" / "build-packages"))
packages = importlib.util.module_from_spec(importlib.util.spec_from_loader("build_packages", loader))
loader.exec_module(packages)

pytestmark = [pytest.mark.drills,
              pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("mmdebstrap"), reason="chroots are made by root, with mmdebstrap")]

# $1: whose. apt asks whether to go on, and the newcomer says yes; backports are not among the sources of a new machine.
NEWCOMER = r"""
useradd --create-home --shell /bin/bash "$1"
echo "$1 ALL=(ALL) NOPASSWD: ALL" > "/etc/sudoers.d/$1"
echo 'APT::Get::Assume-Yes "true";' > /etc/apt/apt.conf.d/90yes
sed -i /backports/d /etc/apt/sources.list
rm -f /var/lib/apt/lists/*backports*
chown -R "$1:$1" "/home/$1"
"""
# $1: the folder, $2: lines of the README. As the newcomer, who copies them into bash.
AS_NEWCOMER = r"""
cd "$1"
exec setpriv --reuid newcomer --regid newcomer --init-groups env HOME=/home/newcomer USER=newcomer bash -euo pipefail -c "$2" newcomer
"""
# What the README's last line shows, until it is published; then the picture.
FETCH = r"""
for _ in $(seq 20); do
    [ "$(jq -r .state result.json)" = published ] && break
    curl -s "http://127.0.0.1:8080/v1/uploads/$(jq -r .id upload.json)?wait=20" -H "Authorization: Bearer $KEY" > result.json
done
curl -sf "$(jq -r .image.url result.json)" > image
"""


def publishing(key_lines):
    """bash that has the key of those lines, takes photo.jpg through as the README has it, and fetches what was published."""
    return f"{key_lines}\n{{\n{first_photo.publishing()}\n}} > result.json\n{FETCH}"


def check_published(folder):
    upload = json.loads((folder / "result.json").read_text())
    assert upload["state"] == "published" and upload["filename"] == "photo.jpg", upload
    image = (folder / "image").read_bytes()
    assert image.startswith(b"\xff\xd8") and b"Exif" not in image and len(image) == upload["image"]["size"]


class Watch:
    """How long a way takes; what is not the newcomer's is left out."""

    def __init__(self, name):
        self.name, self.minutes = name, 0.0

    @contextlib.contextmanager
    def running(self):
        started = time.monotonic()
        yield
        self.minutes += (time.monotonic() - started) / 60

    def tell(self):
        print(f"{self.name}: {self.minutes:.1f} minutes, {'from nothing' if COLD else 'with what this machine has compiled'}")
        if COLD:
            first_photo.record(self.name, f"{self.minutes:.1f}", "in one go", f"{os.getloadavg()[2]:.0f}")


@contextlib.contextmanager
def newcomers_machine(*names):
    """A clean Debian 12 with these packages, and a newcomer with a photo."""
    with debian_chroot.Base("bookworm", f"newcomer-{names[0]}", ["ca-certificates", "sudo", *names]).copy() as chroot:
        home = chroot.path("/home/newcomer")
        home.mkdir(parents=True)
        (home / "photo.jpg").write_bytes(pictures.photo(800, 600, orientation=6))
        yield chroot, home


def follow(chroot, folder, lines, **options):
    return chroot.run(AS_NEWCOMER, folder, lines, seconds=HOURS * 3600, **options)


def test_package_is_installed_by_apt_and_publishes_a_photo():
    way, watch = first_photo.ways()["Debian package"], Watch("Debian package")
    given = os.environ.get("PHOTOGATE_PACKAGES")
    if not given:
        packages.build("bookworm", quick=True)
    package = packages.package("bookworm", pathlib.Path(given) if given else packages.PACKAGES)
    with newcomers_machine("curl", "jq") as (chroot, home):
        shutil.copy2(package, home)
        chroot.run(NEWCOMER, "newcomer", network=False)
        install, key = first_photo.split(way.lines, "KEY=")
        with watch.running():
            follow(chroot, "/home/newcomer", install)
            # systemd would have started it.
            chroot.path("/root/run").mkdir(parents=True)
            chroot.run(f"set -- /root/run \"$@\"\n{SERVICE}\nstart\ncd /home/newcomer\nsetpriv --reuid newcomer --regid newcomer --init-groups "
                       "env HOME=/home/newcomer bash -euo pipefail -c \"$1\"\nstop", publishing(key), network=False, seconds=900)
        check_published(home)
    watch.tell()


# $1 lines. ./run goes on in its terminal while the newcomer is in another.
RUN = r"""
./run > ../run.log 2>&1 &
run=$!
until grep -q 'photogate is ready' ../run.log; do
    kill -0 $run || { tail -n 40 ../run.log; exit 1; }
    sleep 0.2
done
cp ../photo.jpg .
"""


def test_run_installs_builds_and_publishes_a_photo():
    """Its first step, the only one that needs a network, is done before it: then a network of its own has no port that is taken."""
    way, watch = first_photo.ways()["Source"], Watch("Source")
    command, key = first_photo.split(way.lines, "KEY=")
    assert command.splitlines()[1:] == ["./run"]
    steps = [line for line in (ROOT / "run").read_text().splitlines() if line.startswith("scripts/")]
    assert steps == ["scripts/install-dependencies"]
    with newcomers_machine("git") as (chroot, home):
        # Of a folder that was compiled elsewhere ninja takes nothing.
        folder = pathlib.Path("/home/newcomer/src/photogate") if COLD else ROOT
        clone(chroot.path(folder))
        if not COLD:
            shutil.copytree(release_build(), chroot.path(folder) / "build" / "release", symlinks=True, ignore=shutil.ignore_patterns("tests"))
        chroot.run(NEWCOMER, "newcomer", network=False)
        chroot.run('chown -R newcomer "$1" && cp -a /home/newcomer/photo.jpg "$1/.." && chmod 777 "$1/.."', folder, network=False)
        with watch.running():
            follow(chroot, folder, steps[0])
            follow(chroot, folder, f"{RUN}\n{publishing(key)}\nkill -INT $run\nwait $run", network=False)
        check_published(chroot.path(folder))
        log = chroot.path(folder.parent / "run.log").read_text()
        assert log.rstrip().endswith("stopped") and "/#token=" in log, log
    watch.tell()


def clone(folder):
    """What a clone of the repository has."""
    for path in packages.source_files():
        copied = folder / path
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, copied)


@contextlib.contextmanager
def debians_images(podman):
    """The names in Containerfile, where no registry is."""
    names = [f"docker.io/library/debian:{tag}" for tag in ("bookworm", "bookworm-slim")]
    lent = [name for name in names if not podman.has(name)]
    for name in lent:
        podman("tag", podman.base(), name)
    try:
        yield
    finally:
        for name in lent:
            podman("untag", name, name, check=False)  # with one name it takes them all


@pytest.mark.skipif(bool(containers.missing()), reason=containers.missing() or "-")
def test_image_is_built_and_its_container_publishes_a_photo(tmp_path):
    way, watch = first_photo.ways()["Container"], Watch("Container")
    build, run = first_photo.split(way.lines, "podman run")
    run, key = first_photo.split(run, "KEY=")
    name = f"photogate-newcomer-{os.getpid()}"
    folder = tmp_path / "photogate"
    clone(folder)
    (folder / "photo.jpg").write_bytes(pictures.photo(800, 600, orientation=6))

    def named(lines):
        """Under a name that no container of this machine's owner has."""
        return lines.replace("-t photogate ", f"-t {name} ").replace("--name photogate ", f"--name {name} ").replace("-v photogate:", f"-v {name}:").replace(
            "photogate\n", f"{name}\n").replace("podman exec photogate ", f"podman exec {name} ")

    with contextlib.ExitStack() as stack:
        outside, inside = containers.Podman(), containers.Podman(own_network=True)
        stack.callback(outside.close)
        stack.callback(inside.close)

        def forget():
            inside("rm", "--force", "--ignore", name, check=False)
            outside("volume", "rm", "--force", name, check=False)
            outside("rmi", "--force", name, check=False)

        def follow(podman, lines):
            environment = {**podman.environment, "PATH": f"{podman.path()}:{os.environ['PATH']}"}
            if COLD:  # neither layers nor compilations of another build
                environment |= {"BUILDAH_LAYERS": "false", "TMPDIR": str(tmp_path)}
            done = subprocess.run([*podman.enter(), "bash", "-euo", "pipefail", "-c", f"cd '{folder}'\n{named(lines)}"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  env=environment, timeout=HOURS * 3600)
            assert done.returncode == 0, done.stdout[-4000:]

        stack.enter_context(debians_images(outside))
        stack.callback(forget)
        if not COLD:
            build = build.replace("podman build ", f"podman build {' '.join(stack.enter_context(outside.compiled()))} ")
        with watch.running():
            follow(outside, build)
            follow(inside, run + publishing(key))
        check_published(folder)
        print("image:", outside("image", "inspect", "--format", "{{.Size}}", name).stdout.strip(), "bytes")
        assert inside("exec", name, "/usr/libexec/photogate/healthcheck").returncode == 0
        bill = json.loads(outside("run", "--rm", "--network", "none", "--entrypoint", "cat", name, "/usr/share/doc/photogate/photogate.cdx.json").stdout)
        assert bill["bomFormat"] == "CycloneDX" and len(bill["components"]) > 100
        inside("stop", "--time", "60", name)
    watch.tell()
