"""debian/ says the same as the build, the installer and the page; what the packages do is in tests/e2e/test_debian_packages.py."""
import importlib.machinery
import importlib.util
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from scripts import debian_chroot, package_differences

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEBIAN = ROOT / "debian"
PAGE = (ROOT / "docs" / "install.md").read_text()
loader = importlib.machinery.SourceFileLoader("build_packages", str(ROOT / "scripts" / "build-packages"))
packages = importlib.util.module_from_spec(importlib.util.spec_from_loader("build_packages", loader))
loader.exec_module(packages)


def test_package_has_the_version_of_the_project():
    version = re.match(r"photogate \((\S+)\) ", (DEBIAN / "changelog").read_text()).group(1)
    assert version == packages.project_version()
    for release in debian_chroot.RELEASES:
        assert f"photogate_{packages.package_version(release)}_amd64.deb" in PAGE


@pytest.mark.parametrize("release", debian_chroot.RELEASES)
def test_package_is_built_with_every_library_that_is_linked(release):
    wanted = set()
    for row in re.search(r"<!-- libraries -->(.*?)<!-- /libraries -->", (ROOT / "docs" / "dependencies.md").read_text(), re.S).group(1).splitlines()[3:]:
        wanted.update(re.findall(r"`([a-z0-9.+-]+-dev)`", row.split("|")[2]) if row.startswith("|") else [])
    if release != "bookworm":
        wanted = {re.sub(r"^libboost1\.81-dev$", "libboost-dev", name) for name in wanted}
    assert wanted <= set(packages.build_dependencies(release)), wanted - set(packages.build_dependencies(release))


def test_debian_12_gets_the_same_packages_from_backports_everywhere():
    installer = re.search(r'^backports="(.*)"$', (ROOT / "scripts" / "install-dependencies").read_text(), re.M).group(1).split()
    assert sorted(debian_chroot.RELEASES["bookworm"].backports) == sorted(installer)
    named = set(re.findall(r"(\S+)/bookworm-backports", PAGE))
    assert named == {name for name in installer if not name.endswith("-dev")}


def test_users_of_the_package_are_those_of_its_unit_and_of_the_decoder():
    users = re.findall(r"^u (\S+)", (DEBIAN / "photogate.sysusers").read_text(), re.M)
    assert users == ["photogate", "photogate-imager"]
    assert 'find_user({"photogate-imager"' in (ROOT / "imaging" / "jail" / "confine.cpp").read_text()
    replaced = re.search(r"s/\^(DynamicUser=yes)\$\$/User=(\S+)\\nGroup=(\S+)/", (DEBIAN / "rules").read_text())
    assert replaced.group(2) == replaced.group(3) == users[0]
    assert f"\n{replaced.group(1)}\n" in (ROOT / "etc" / "systemd" / "photogate.service").read_text()


@pytest.fixture
def made(tmp_path):
    """made(name, {path: bytes}, …) gives a package with these files."""
    if not shutil.which("dpkg-deb"):
        pytest.skip("dpkg-deb is missing")

    def make(name, files, mode=0o644, time=1_000_000_000):
        root = tmp_path / name
        for path, data in {"DEBIAN/control": b"Package: some\nVersion: 1\nArchitecture: all\nMaintainer: a <a@example>\nDescription: b\n", **files}.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(data)
            (root / path).chmod(mode if path in files else 0o644)
        for folder, _, names in os.walk(root):
            for each in (folder, *(os.path.join(folder, each) for each in names)):
                os.utime(each, (time, time))
        subprocess.run(["dpkg-deb", "--root-owner-group", "--build", root, tmp_path / f"{name}.deb"], check=True, capture_output=True,
                       env={**os.environ, "SOURCE_DATE_EPOCH": "2000000000"})
        return tmp_path / f"{name}.deb"

    return make


def test_packages_that_are_equal_have_no_difference(made):
    assert package_differences.differences(made("one", {"usr/a": b"a\n"}), made("other", {"usr/a": b"a\n"})) == []


def test_difference_of_packages_names_the_file_and_the_place(made):
    one = made("one", {"usr/text": b"same\nours\n", "usr/data": b"\0\1\2", "usr/gone": b""})
    other = made("other", {"usr/text": b"same\ntheirs\n", "usr/data": b"\0\1\3", "usr/new": b""})
    assert package_differences.differences(one, other) == [
        "files: ./usr/gone is in the first alone", "files: ./usr/new is in the second alone",
        "files: ./usr/data: 3 and 3 bytes; from byte 2 on", "files: ./usr/text: line 2: `ours` and `theirs`"]


def test_difference_of_packages_names_mode_and_time(made):
    files = {"usr/a": b"a"}
    found = package_differences.differences(made("one", files), made("other", files, mode=0o600, time=1_000_000_001))
    assert "files: ./usr/a: mode 420 and 384" in found and "files: ./usr/a: mtime 1000000000 and 1000000001" in found


def test_difference_of_programs_names_the_section(made):
    program = pathlib.Path("/bin/true").read_bytes()
    changed = bytearray(program)
    changed[program.index(package_differences.sections(program)[".rodata"]) + 3] ^= 1
    said = package_differences.differences(made("one", {"usr/true": program}), made("other", {"usr/true": bytes(changed)}))
    assert len(said) == 1 and said[0].startswith("files: ./usr/true: sections .rodata; from byte "), said
