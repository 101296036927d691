"""debian/ says the same as the build, the installer and the page; what the packages do is in tests/e2e/test_debian_packages.py."""
import importlib.machinery
import importlib.util
import pathlib
import re

import pytest

from scripts import debian_chroot

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEBIAN = ROOT / "debian"
PAGE = (ROOT / "docs" / "install.md").read_text()
loader = importlib.machinery.SourceFileLoader("build_packages", str(ROOT / "scripts" / "build-packages"))
packages = importlib.util.module_from_spec(importlib.util.spec_from_loader("build_packages", loader))
loader.exec_module(packages)


def test_package_has_the_version_of_the_project():
    version = re.match(r"photogate \((\S+)\) ", (DEBIAN / "changelog").read_text()).group(1)
    assert version == packages.project_version()
    assert f"photogate_{packages.package_version('bookworm')}_amd64.deb" in PAGE


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
