"""The Debian package for arm64, cross-compiled: its programs and dependencies; installed by apt in a Debian of arm64 that qemu-user runs; and a photo
published on a whole emulated machine, where Debian's arm64 kernel keeps the sandbox. And the container image for arm64."""
import functools
import importlib.machinery
import importlib.util
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from scripts import debian_chroot, emulated, shared_libraries
from tests.rig import arm64_machine, containers, pictures

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
loader = importlib.machinery.SourceFileLoader("build_packages", str(ROOT / "scripts" / "build-packages"))
packages = importlib.util.module_from_spec(importlib.util.spec_from_loader("build_packages", loader))
loader.exec_module(packages)

pytestmark = [pytest.mark.drills,
              pytest.mark.skipif(debian_chroot.architecture() == "arm64", reason="what is cross-compiled here is this machine's own architecture"),
              pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("mmdebstrap"), reason="chroots are made by root, with mmdebstrap")]

RELEASE = "bookworm"
MARKED = """
[apps.shop.profiles.marked]
max_edge = 2048
[apps.shop.profiles.marked.watermark]
text = "photogate"
font = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
size = 60
opacity = 100
"""
# Which the tests' own vips can write.
SAMPLES = ("photo.jpg", "photo.png", "photo.webp")
INSTALL = r"""
apt-get -q update
apt-get -q -y -o Dpkg::Options::=--force-confold -o Dpkg::Options::=--force-unsafe-io install --no-install-recommends /root/photogate.deb \
    {libheif1,libheif-plugin-libde265,libheif-plugin-dav1d,libheif-plugin-aomenc}/bookworm-backports postgresql-15 fonts-dejavu-core
"""
# The unit's command as its user, on a machine whose only other process is this script. Emulated, everything takes minutes.
STORY = r"""
out=/root/out
systemd-tmpfiles --create /usr/lib/tmpfiles.d/photogate.conf
photogate key new --app shop > /root/key
hash=$(grep -o 'sha256:[0-9a-f]*' /root/key); KEY=$(grep -o 'pg_shop_[0-9a-z]*' /root/key | head -n 1)
sed -i "s/sha256:0\{64\}/$hash/" /etc/photogate/photogate.toml
as_service() { env -i PATH=/usr/bin:/bin setpriv --reuid photogate --regid photogate --clear-groups --no-new-privs --bounding-set=-all "$@"; }
as_service /usr/bin/photogate all --config /etc/photogate/photogate.toml > $out/photogate.log 2>&1 &
service=$!
for _ in $(seq 900); do
    curl -sf http://127.0.0.1:8080/readyz > /dev/null && break
    kill -0 "$service"
    sleep 1
done
curl -s 'http://127.0.0.1:9180/readyz?verbose' > $out/ready.json
file_type() { case "$1" in *.jpg) echo image/jpeg ;; *) echo "image/${1##*.}" ;; esac; }
publish() {
    curl -sf http://127.0.0.1:8080/v1/uploads -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' \
        -d '{"filename": "'"$1"'", "content_type": "'"$(file_type "$1")"'", "size": '"$(wc -c < "$1")"', "profile": "'"$2"'"}' > /root/upload.json
    eval "$(jq -r .upload.curl /root/upload.json)"
    for _ in $(seq 20); do
        curl -sf "http://127.0.0.1:8080/v1/uploads/$(jq -r .id /root/upload.json)?wait=20" -H "Authorization: Bearer $KEY" > "$out/$3.json"
        case "$(jq -r .state "$out/$3.json")" in published|failed|rejected) break ;; esac
    done
    curl -sf "$(jq -r .image.url "$out/$3.json")" > "$out/$3"
}
cd /root/pictures
for picture in *; do
    publish "$picture" doorstep "plain-$picture"
done
publish photo.jpg marked marked-photo.jpg
for process in $(pgrep -f photogate-imager); do
    grep -E '^(Uid|Seccomp|NoNewPrivs|CapEff):' /proc/$process/status || true
done > $out/imagers
as_service /usr/bin/photogate doctor --config /etc/photogate/photogate.toml > $out/doctor 2>&1 || true
kill -TERM "$service"
wait "$service"
"""


@pytest.fixture(scope="module")
def package():
    given = os.environ.get("PHOTOGATE_PACKAGES")  # packages that were built elsewhere: a folder for each release and foreign architecture
    if not given:
        packages.build(RELEASE, quick=True, foreign="arm64")
    return packages.package(RELEASE, pathlib.Path(given) if given else packages.PACKAGES, "arm64")


@pytest.fixture(scope="module")
def opened(package, tmp_path_factory):
    folder = tmp_path_factory.mktemp("arm64")
    subprocess.run(["dpkg-deb", "--raw-extract", package, folder], check=True)
    return folder


def programs(folder):
    found = {}
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            try:
                found[path.relative_to(folder).as_posix()] = shared_libraries.machine(path)
            except shared_libraries.Unknown:
                continue
    return found


def test_every_program_is_of_arm64(package, opened):
    assert subprocess.run(["dpkg-deb", "--field", package, "Architecture"], capture_output=True, text=True, check=True).stdout == "arm64\n"
    expected = ("usr/bin/photogate", "usr/libexec/photogate/photogate-imager", "usr/libexec/photogate/photogate-otlp.so")
    assert programs(opened) == dict.fromkeys(expected, shared_libraries.NUMBERS["arm64"])


def test_libraries_are_depended_on_and_in_the_bill_of_materials(package, opened):
    depends = subprocess.run(["dpkg-deb", "--field", package, "Depends"], capture_output=True, text=True, check=True).stdout
    named = {re.match(r"[a-z0-9.+-]+", each.strip())[0] for each in depends.split(",")}
    assert {"libc6", "libcurl4", "libpqxx-6.4", "libseccomp2", "libssl3", "libstdc++6", "libvips42"} <= named
    bill = json.loads((opened / "usr/share/doc/photogate/photogate.cdx.json").read_text())
    architectures = {re.search(r"[?]arch=(\w+)", each["purl"])[1] for each in bill["components"]}
    assert architectures <= {"arm64", "all"} and "arm64" in architectures
    components = {each["name"] for each in bill["components"]}
    assert {"libc6", "libpqxx-6.4", "libvips42", "libheif1"} <= components


def emulated_debian():
    return debian_chroot.Base(RELEASE, "arm64", ["ca-certificates", "curl", "iproute2", "jq", "procps"], emulated="arm64")


@pytest.fixture(scope="module")
def machine(package):
    """A Debian of arm64 with the package, whose programs qemu-user runs."""
    reason = emulated.missing("arm64")
    if reason:
        pytest.skip(reason)
    cache = debian_chroot.FOLDER / f"{RELEASE}-apt-arm64"
    (cache / "partial").mkdir(parents=True, exist_ok=True)
    with emulated_debian().copy() as chroot:
        put(chroot, "/root/photogate.deb", package.read_bytes())
        put(chroot, "/etc/postgresql-common/createcluster.d/none.conf", b"create_main_cluster = false\n")
        chroot.run(INSTALL, binds={cache: "/var/cache/apt/archives"}, seconds=2 * 3600)
        yield chroot


def put(chroot, path, data):
    chroot.path(path).parent.mkdir(parents=True, exist_ok=True)
    chroot.path(path).write_bytes(data)


def test_package_is_installed_by_apt_and_its_programs_start(machine):
    run = functools.partial(machine.run, network=False)
    assert run("dpkg-query -W -f '${Architecture} ${Version}' photogate").stdout == f"arm64 {packages.package_version(RELEASE)}"
    assert run("dpkg --audit").stdout == "" and run("dpkg --print-architecture").stdout == "arm64\n"
    assert packages.project_version() in run("photogate version").stdout
    assert re.search(r"pg_shop_[0-9a-z]+", run("photogate key new --app shop").stdout)
    run("photogate config check --config /etc/photogate/photogate.toml")
    assert run("photogate config docs").stdout == (ROOT / "docs" / "configuration.md").read_text()
    # Each says what it is for, and with which libraries it can't.
    assert "not found" not in run("ldd /usr/bin/photogate /usr/libexec/photogate/photogate-imager").stdout


@pytest.fixture(scope="module")
def told(machine, tmp_path_factory):
    """What the emulated machine left of STORY."""
    if arm64_machine.missing():
        pytest.skip(arm64_machine.missing())
    for name in SAMPLES:
        put(machine, f"/root/pictures/{name}", pictures.photo(800, 600, orientation=6, suffix=pathlib.Path(name).suffix))
    put(machine, "/root/marked.toml", MARKED.encode())
    machine.run("cat /root/marked.toml >> /etc/photogate/photogate.toml")
    folder = tmp_path_factory.mktemp("machine")
    with packages.base_of(RELEASE, "arm64").copy() as chroot:
        shutil.copy(chroot.path(arm64_machine.get_kernel(chroot)), folder / "kernel")
    results = arm64_machine.run(machine, folder / "kernel", STORY, folder)
    assert results["exit-code"] == b"0\n", (results["log"] + results.get("photogate.log", b"")).decode()[-4000:]
    return results


def test_arm64_kernel_keeps_the_sandbox(told):
    assert b"aarch64" in told["kernel"]
    jail = next(line for line in told["doctor"].decode().splitlines() if "imager.jail" in line)
    assert jail.lstrip().startswith("ok") and re.search(r"Landlock \d", jail), jail
    imagers = told["imagers"].decode().splitlines()
    assert set(imagers) >= {"Seccomp:\t2", "NoNewPrivs:\t1", f"CapEff:\t{16 * '0'}"} and not {"Seccomp:\t0", "NoNewPrivs:\t0"} & set(imagers), imagers


def test_photos_are_published_on_arm64(told):
    for name in SAMPLES:
        answer = json.loads(told[f"plain-{name}.json"])
        assert answer["state"] == "published", answer
        image = told[f"plain-{name}"]
        assert image and b"SECRET" not in image and not [key for key in pictures.metadata(image) if key.startswith(("GPS", "XMP", "ExifIFD"))]


def test_caption_is_drawn_on_arm64(told, tmp_path):
    """Fonts are asked for by a call that only older architectures have: where the filter says no, nothing is drawn."""
    plain, marked = tmp_path / "plain.jpg", tmp_path / "marked.jpg"
    plain.write_bytes(told["plain-photo.jpg"])
    marked.write_bytes(told["marked-photo.jpg"])
    subprocess.run(["vips", "subtract", plain, marked, tmp_path / "change.v"], check=True)
    subprocess.run(["vips", "abs", tmp_path / "change.v", tmp_path / "distance.v"], check=True)
    most = float(subprocess.run(["vips", "max", tmp_path / "distance.v"], check=True, capture_output=True, text=True).stdout)
    assert most > 60, most


@pytest.fixture(scope="module")
def podman():
    if containers.missing():
        pytest.skip(containers.missing())
    if not emulated.is_registered("arm64"):
        pytest.skip("this machine runs no programs of arm64 in containers: qemu-user-static and systemd-binfmt register them")
    made = containers.Podman()
    yield made
    made.close()


@pytest.fixture(scope="module")
def image(podman):
    builder = podman.imported("cross-builder", packages.base_of(RELEASE, "arm64"))
    base = podman.imported("base-arm64", emulated_debian(), "arm64")
    return podman.build("gateway-arm64", "--platform", "linux/arm64", "--pull=never", BUILDPLATFORM=f"linux/{debian_chroot.architecture()}",
                        BUILDER=builder, BASE=base, timeout=3 * 3600)


def test_image_is_of_arm64_and_its_program_starts(podman, image):
    said = json.loads(podman("image", "inspect", image).stdout)[0]
    assert (said["Os"], said["Architecture"]) == ("linux", "arm64")

    def run(*command, entrypoint="/usr/bin/photogate"):
        return podman("run", "--rm", "--platform", "linux/arm64", "--network", "none", *containers.HARDENED, "--entrypoint", entrypoint, image, *command).stdout

    assert run("version") == f"photogate {packages.project_version()}\n"
    assert run("-m", entrypoint="/bin/uname") == "aarch64\n"
    assert re.search(r"pg_shop_[0-9a-z]+", run("key", "new", "--app", "shop"))
    assert "not found" not in run("/usr/bin/photogate", "/usr/libexec/photogate/photogate-imager", "/usr/libexec/photogate/photogate-otlp.so", entrypoint="/usr/bin/ldd")
    bill = json.loads(run("/usr/share/doc/photogate/photogate.cdx.json", entrypoint="/bin/cat"))
    architectures = {re.search(r"[?]arch=(\w+)", each["purl"])[1] for each in bill["components"]}
    assert architectures <= {"arm64", "all"} and "arm64" in architectures
