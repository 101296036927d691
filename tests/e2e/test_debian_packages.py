"""The Debian packages, in a clean chroot of each release: built, installed by apt with PostgreSQL, a photo published by the service,
upgraded, removed and purged.

There is no systemd in a chroot: the unit is verified by systemd-analyze, and its command is run as its user, without privileges.
"""
import email.utils
import hashlib
import importlib.machinery
import importlib.util
import json
import os
import pathlib
import re
import shutil
import subprocess
import types

import pytest
from test_another_postgresql import commands as commands_of_the_move

from scripts import debian_chroot
from tests.rig import pictures, releases

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
loader = importlib.machinery.SourceFileLoader("build_packages", str(ROOT / "scripts" / "build-packages"))
packages = importlib.util.module_from_spec(importlib.util.spec_from_loader("build_packages", loader))
loader.exec_module(packages)

pytestmark = [pytest.mark.drills,
              pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("mmdebstrap"), reason="chroots are made by root, with mmdebstrap")]

EARLIER = "0.0.9"
# docs/install.md: from backports by name.
FROM_BACKPORTS = " ".join(f"{name}/bookworm-backports" for name in debian_chroot.RELEASES["bookworm"].backports if not name.endswith("-dev"))

# $1: folder of this run's results. The unit's command, as the unit would run it.
SERVICE = r"""
run=$1; shift
unit=$(find /usr/lib/systemd/system /lib/systemd/system -name photogate.service | head -n 1)
user=$(sed -n 's/^User=//p' "$unit")
command=$(sed -n 's/^ExecStart=//p' "$unit")
systemd-tmpfiles --create /usr/lib/tmpfiles.d/photogate.conf
start() {
    env -i PATH=/usr/bin:/bin setpriv --reuid "$user" --regid "$user" --clear-groups --no-new-privs --bounding-set=-all $command > "$run/log" 2>&1 &
    service=$!
    for _ in $(seq 1200); do
        curl -sf http://127.0.0.1:8080/readyz > /dev/null && return
        kill -0 "$service" || break
        sleep 0.1
    done
    cat "$run/log"; exit 1
}
stop() { kill -TERM "$service"; wait "$service"; }
"""

# As README.md has it for app servers.
PUBLISH = SERVICE + r"""
photogate key new --app shop > "$run/key"
hash=$(grep -o 'sha256:[0-9a-f]*' "$run/key"); KEY=$(grep -o 'pg_shop_[0-9a-z]*' "$run/key" | head -n 1)
sed -i "s/sha256:0\{64\}/$hash/" /etc/photogate/photogate.toml
start
curl -sf http://127.0.0.1:8080/v1/uploads -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' \
    -d '{"filename": "photo.jpg", "content_type": "image/jpeg", "size": '"$(wc -c < "$run/photo.jpg")"'}' > "$run/upload.json"
cd "$run"
eval "$(jq -r .upload.curl upload.json)"
for _ in $(seq 10); do
    curl -sf "http://127.0.0.1:8080/v1/uploads/$(jq -r .id upload.json)?wait=20" -H "Authorization: Bearer $KEY" > result.json
    [ "$(jq -r .state result.json)" = published ] && break
done
jq -r .image.url result.json > url
curl -sf "$(cat url)" > image
ps -o user:32= -o comm= -e | sort -u > processes
stop
"""

AGAIN = SERVICE + r"""
start
curl -sf "$(cat "$run/url")" > "$run/image.again"
photogate version > "$run/version"
stop
"""

# For the commands of docs/upgrading.md.
WITHOUT_SYSTEMD = r"""
sudo() {
    if [ "$1" = -u ]; then user=$2; shift 2; setpriv --reuid "$user" --regid "$user" --clear-groups "$@"; else "$@"; fi
}
systemctl() { :; }
"""

# A gateway of root's, with nothing of the service's.
ROOTS = f"""
[database]
url = "postgresql://nobody@/none?host=/nowhere"
[regions.default]
endpoint = "http://127.0.0.1:9"
signer_access_key = "signer"
signer_secret_key = "signer-secret"
worker_access_key = "worker"
worker_secret_key = "worker-secret"
[apps.shop]
keys = ["sha256:{64 * 'a'}"]
[apps.shop.profiles.photos]
""".encode()


class Machine:
    """A chroot on which an operator works."""

    def __init__(self, release, chroot):
        self.release, self.chroot = release, chroot
        self.cache = debian_chroot.FOLDER / f"{release}-apt"
        (self.cache / "partial").mkdir(parents=True, exist_ok=True)

    def apt(self, *words):
        return self.chroot.run('apt-get -y -o Dpkg::Options::=--force-confold -o Dpkg::Options::=--force-unsafe-io "$@"', *words,
                               binds={self.cache: "/var/cache/apt/archives"}).stdout

    def put(self, path, data):
        target = self.chroot.path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)

    def run(self, script, *arguments, **options):
        return self.chroot.run(script, *arguments, **{"network": False, "seconds": 600, **options}).stdout

    def read(self, path):
        return self.run('cat "$1"', path)

    def exists(self, path):
        return self.chroot.run('[ -e "$1" ]', path, network=False, check=False).returncode == 0


def earlier(package, folder):
    """The same package as an earlier release would have been: a lower version, another configuration file, a page that is no more."""
    opened, made = folder / "opened", folder / f"photogate_{EARLIER}_amd64.deb"
    subprocess.run(["dpkg-deb", "--raw-extract", package, opened], check=True)
    control = opened / "DEBIAN" / "control"
    control.write_text(re.sub(r"(?m)^Version: .*", f"Version: {EARLIER}", control.read_text()))
    sample = opened / "etc" / "photogate" / "photogate.toml"
    sample.write_text("# The sample of an earlier release.\n" + sample.read_text())
    (opened / "usr" / "share" / "doc" / "photogate" / "docs" / "former.md").write_text("# A page\n")
    subprocess.run(["dpkg-deb", "--build", opened, made], check=True, capture_output=True)
    shutil.rmtree(opened)
    return made


def former(release, package, folder):
    """The package of the release before; where that had none for this Debian, or this clone lacks it, earlier()."""
    try:
        return releases.package(release)
    except releases.Unavailable as reason:
        print(f"upgraded from an edited package: {reason}")
        return earlier(package, folder)


def package_of(release):
    given = os.environ.get("PHOTOGATE_PACKAGES")  # packages that were built elsewhere: a folder for each release
    if not given:
        packages.build(release, quick=True)
    return packages.package(release, pathlib.Path(given) if given else packages.PACKAGES)


def base_of(release):
    return debian_chroot.Base(release, "machine", ["ca-certificates", "curl", "jq", "procps", "iproute2"])


@pytest.fixture(scope="module", params=debian_chroot.TRIED)
def machine(request, tmp_path_factory):
    """One machine through all of it, in the order of the tests."""
    release = request.param
    package = package_of(release)
    with base_of(release).copy() as chroot:
        made = Machine(release, chroot)
        made.package = package
        before = former(release, made.package, tmp_path_factory.mktemp(release))
        made.seen = types.SimpleNamespace(before=releases.Deb(before), now=releases.Deb(made.package))
        made.put("/root/earlier.deb", before.read_bytes())
        made.put("/root/photogate.deb", made.package.read_bytes())
        made.put("/root/run/photo.jpg", pictures.photo(800, 600, orientation=6))
        yield made


def test_package_is_installed_by_apt_with_postgresql(machine):
    machine.apt("update")
    backports = FROM_BACKPORTS.split() if machine.release == "bookworm" else []
    machine.apt("install", "/root/earlier.deb", *backports)
    assert machine.run("dpkg-query -W -f '${Version}' photogate") == machine.seen.before.version
    assert machine.run("ls -d /usr/lib/postgresql/*/bin/initdb").count("\n") == 1
    assert machine.run("dpkg --audit") == ""


def test_every_part_is_where_debian_keeps_it(machine):
    for path in ("/usr/bin/photogate", "/usr/libexec/photogate/photogate-imager", "/etc/photogate/photogate.toml", "/usr/share/man/man1/photogate.1.gz",
                 "/usr/share/bash-completion/completions/photogate", "/usr/share/zsh/vendor-completions/_photogate",
                 "/usr/share/fish/vendor_completions.d/photogate.fish", "/etc/apparmor.d/usr.bin.photogate", "/usr/lib/sysusers.d/photogate.conf",
                 "/usr/lib/tmpfiles.d/photogate.conf", "/usr/share/doc/photogate/README.md", "/usr/share/doc/photogate/docs/configuration.md"):
        assert machine.exists(path), path
    said = machine.run("stat -c '%a %U:%G' /etc/photogate/photogate.toml /etc/photogate/secrets /var/lib/photogate").splitlines()
    assert said == ["640 root:photogate", "700 root:root", "711 photogate:photogate"]


def test_users_cannot_log_in_and_decoder_owns_nothing(machine):
    for user in ("photogate", "photogate-imager"):
        assert machine.run("getent passwd $1 | cut -d: -f7", user).strip().endswith("nologin")
        assert machine.run("id -Gn $1", user).strip() == user
    assert machine.run("find / -xdev -path /proc -prune -o -user photogate-imager -print") == ""


def test_unit_is_valid_and_runs_as_the_user_of_the_package(machine):
    unit = machine.run("find /usr/lib/systemd /lib/systemd -name photogate.service | head -n 1").strip()
    said = machine.run('systemd-analyze verify --man=no "$1" 2>&1 || true', unit)
    assert not [line for line in said.splitlines() if "photogate" in line], said
    text = machine.read(unit)
    assert "User=photogate\nGroup=photogate\n" in text and "DynamicUser" not in text and "NoNewPrivileges=yes" in text


def test_apparmor_profile_is_read_by_its_parser(machine):
    machine.apt("install", "--no-install-recommends", "apparmor")
    machine.run("apparmor_parser --skip-kernel-load --skip-cache --quiet /etc/apparmor.d/usr.bin.photogate")


def test_service_publishes_a_photo(machine):
    machine.run(PUBLISH, "/root/run")
    assert machine.run("jq -r .state /root/run/result.json") == "published\n"
    image = machine.chroot.path("/root/run/image").read_bytes()
    assert image.startswith(b"\xff\xd8") and b"Exif" not in image
    processes = machine.read("/root/run/processes")
    users = {line.split()[0] for line in processes.splitlines() if "photogate" in line.split()[1] or "postgres" in line.split()[1]}
    assert users == {"photogate"} and "photogate-imager"[:15] in processes, processes
    machine.seen.image = hashlib.sha256(image).hexdigest()


def test_decoder_of_a_gateway_that_root_starts_is_the_user_that_owns_nothing(machine):
    """`doctor` starts one: without a database and a store it fails, but not for the decoder."""
    machine.put("/root/run/root.toml", ROOTS)
    said = machine.run("""photogate doctor --config /root/run/root.toml > /root/run/doctor 2>&1 &
        while kill -0 $! 2> /dev/null; do ps -o user:32= -C photogate-imager >> /root/run/imager || true; sleep 0.02; done
        sort -u /root/run/imager""")
    # Root until it has read who to become.
    assert "photogate-imager" in said.split() and set(said.split()) <= {"root", "photogate-imager"}, machine.read("/root/run/doctor")


def test_upgrade_keeps_the_configuration_and_what_was_published(machine):
    before = machine.read("/etc/photogate/photogate.toml")
    said = machine.apt("install", "/root/photogate.deb")
    assert machine.run("dpkg-query -W -f '${Version}' photogate") == packages.package_version(machine.release), said
    assert machine.read("/etc/photogate/photogate.toml") == before
    samples = [deb.read("/etc/photogate/photogate.toml") for deb in (machine.seen.before, machine.seen.now)]
    assert machine.exists("/etc/photogate/photogate.toml.dpkg-dist") == (samples[0] != samples[1])
    if samples[0] != samples[1]:
        assert machine.read("/etc/photogate/photogate.toml.dpkg-dist") == samples[1]
    for path in machine.seen.before.files() - machine.seen.now.files():
        assert not machine.exists(path), path
    machine.run(AGAIN, "/root/run")
    assert hashlib.sha256(machine.chroot.path("/root/run/image.again").read_bytes()).hexdigest() == machine.seen.image
    assert machine.read("/root/run/version") == f"photogate {packages.project_version()}\n"


def test_bill_of_materials_names_every_library_that_the_package_depends_on(machine):
    bill = json.loads(machine.read("/usr/share/doc/photogate/photogate.cdx.json"))
    components = {each["name"]: each for each in bill["components"]}
    named = re.findall(r"\blib[a-z0-9.+-]+", machine.run("dpkg-query -W -f '${Depends}' photogate"))
    depends = set(named) & set(machine.run("dpkg-query -W -f '${Package}\n'").split())  # of the others another is what provides them
    assert len(depends) > 10 and depends <= components.keys(), depends - components.keys()
    assert {each["purl"].rpartition("=")[2] for each in components.values()} == {f"debian-{debian_chroot.RELEASES[machine.release].number}"}
    written = re.search(r"^ -- .*>  (.*)$", (ROOT / "debian" / "changelog").read_text(), re.M)[1]
    assert bill["metadata"]["timestamp"] == f"{email.utils.parsedate_to_datetime(written):%Y-%m-%dT%H:%M:%SZ}"


def test_removal_leaves_configuration_pictures_and_users(machine):
    machine.put("/etc/photogate/secrets/database_url", b"postgresql://shop@db/photogate")
    machine.apt("remove", "photogate")
    for path in ("/usr/bin/photogate", "/usr/libexec/photogate", "/usr/share/doc/photogate", "/usr/lib/systemd/system/photogate.service",
                 "/lib/systemd/system/photogate.service"):
        assert not machine.exists(path), path
    for path in ("/etc/photogate/photogate.toml", "/etc/photogate/secrets/database_url", "/var/lib/photogate/store", "/var/lib/photogate/postgres"):
        assert machine.exists(path), path
    assert machine.run("getent passwd photogate") != ""


def test_purge_removes_configuration_and_leaves_pictures_alone(machine):
    said = machine.apt("purge", "photogate")
    assert "rm -r /var/lib/photogate" in said
    left = machine.run("find / -xdev \\( -path /proc -o -path /root -o -path /var/cache -o -path /var/log -o -path /var/lib/photogate \\) -prune "
                       "-o -name '*photogate*' -print")
    assert left == "", left
    assert machine.exists("/var/lib/photogate/store") and machine.exists("/var/lib/photogate/postgres")


def test_package_is_installed_again_over_the_pictures_that_were_left(machine):
    machine.apt("install", "/root/photogate.deb")
    machine.run(AGAIN, "/root/run")
    assert hashlib.sha256(machine.chroot.path("/root/run/image.again").read_bytes()).hexdigest() == machine.seen.image


@pytest.mark.skipif("trixie" not in debian_chroot.TRIED, reason="there is no package of Debian 13")
def test_upgrade_of_debian_goes_on_with_the_postgresql_that_made_the_cluster():
    before, after = package_of("bookworm"), package_of("trixie")
    with base_of("bookworm").copy() as chroot:
        machine = Machine("bookworm", chroot)
        machine.put("/root/before.deb", before.read_bytes())
        machine.put("/root/after.deb", after.read_bytes())
        machine.put("/root/run/photo.jpg", pictures.photo(800, 600, orientation=6))
        machine.apt("update")
        machine.apt("install", "/root/before.deb", *FROM_BACKPORTS.split())
        machine.run(PUBLISH, "/root/run")
        machine.put("/etc/apt/sources.list", "".join(f"{line}\n" for line in debian_chroot.sources("trixie")).encode())
        machine.apt("update")
        machine.apt("dist-upgrade")
        machine.apt("install", "/root/after.deb")
        assert machine.read("/etc/debian_version").startswith("13.")
        assert machine.run("dpkg-query -W -f '${Version}' photogate") == packages.package_version("trixie")
        assert machine.run("ls /usr/lib/postgresql").split() == ["15", "17"]
        machine.run(AGAIN, "/root/run")
        assert machine.read("/var/lib/photogate/postgres/data/PG_VERSION") == "15\n"
        machine.run(WITHOUT_SYSTEMD + commands_of_the_move())
        assert machine.read("/var/lib/photogate/postgres/data/PG_VERSION") == "17\n"
        machine.apt("purge", "postgresql-15")
        machine.run(AGAIN, "/root/run")
        published, read_again = (machine.chroot.path(f"/root/run/{name}").read_bytes() for name in ("image", "image.again"))
        assert published == read_again
