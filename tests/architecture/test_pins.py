"""Whatever is fetched to build and test photogate is pinned: by exact version, and by the hash of what arrives wherever its tool can check one."""
import json
import pathlib
import re
import xml.etree.ElementTree as ElementTree

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LOCKS = sorted(path.relative_to(ROOT).as_posix() for folder in ("tests", "docs/site") for path in (ROOT / folder).glob("requirements.txt"))
NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(text):
    """({name: {version}}, [complaint]) of a file that pip installs from."""
    found, complaints = {}, []
    for entry in re.sub(r"\\\n\s*", " ", text).splitlines():
        entry = entry.split("#")[0].strip()
        if not entry:
            continue
        pin = re.match(rf"({NAME})(?:\[[^\]]*\])?==([^\s;]+)(?:\s*;[^#]*?)?((?:\s+--hash=sha256:[0-9a-f]{{64}})*)$", entry)
        if not pin:
            complaints.append(f"{entry[:60]}: no exact version")
        elif not pin[3]:
            complaints.append(f"{pin[1]}: no hash")
        else:
            found.setdefault(canonical(pin[1]), set()).add(pin[2])
    return found, complaints


def test_both_locks_are_looked_at():
    assert LOCKS == ["docs/site/requirements.txt", "tests/requirements.txt"]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_python_package_has_a_version_and_hashes(lock):
    found, complaints = locked((ROOT / lock).read_text())
    assert not complaints
    asked = re.findall(rf"^({NAME})(.*)$", (ROOT / lock).with_suffix(".in").read_text(), re.M)
    assert asked and all(re.fullmatch(r"==[\w.]+", rest) for _, rest in asked), "requirements.in names exact versions"
    assert {canonical(name): rest[2:] for name, rest in asked}.items() <= {name: min(versions) for name, versions in found.items()}.items(), \
        "run scripts/lock-requirements"
    assert "://" not in (ROOT / lock).read_text(), "no package from elsewhere than the index"


def test_a_package_without_a_hash_or_an_exact_version_is_noticed():
    hashed = f" \\\n    --hash=sha256:{64 * 'a'}\n"
    assert locked(f"one==1.0{hashed}    # via two\nTwo.x==2 ; python_version < '3.12'{hashed}") == ({"one": {"1.0"}, "two-x": {"2"}}, [])
    assert locked("one==1.0\n")[1] == ["one: no hash"]
    assert locked(f"one>=1.0{hashed}")[1] and locked("one @ https://example.com/one.whl\n")[1]


def test_setups_install_python_packages_by_hash_alone():
    for script in ("test", "scripts/build-site"):
        for line in re.findall(r"^.*pip\S* install.*$", (ROOT / script).read_text(), re.M):
            assert "--require-hashes" in line, f"{script}: {line.strip()}"


@pytest.mark.parametrize("folder, installs", [("tests/node", "test"), ("scripts/dashboard", "scripts/draw-dashboard")])
def test_every_node_package_has_an_exact_version_and_its_integrity(folder, installs):
    package = json.loads((ROOT / folder / "package.json").read_text())
    for name, version in package["dependencies"].items():
        assert re.fullmatch(r"(npm:@?[\w./-]+@)?\d+\.\d+\.\d+(-[\w.]+)?", version), name
    packages = json.loads((ROOT / folder / "package-lock.json").read_text())["packages"]
    for path, entry in packages.items():
        assert not path or entry["integrity"].startswith("sha512-"), path
    assert re.search(r"npm\W+ci\b.*--ignore-scripts", (ROOT / installs).read_text()), "no package runs a program when it is installed"


def test_every_go_module_has_a_version_and_the_hash_of_its_files():
    script = (ROOT / "scripts" / "install-stores").read_text()
    modules = re.findall(r"^readonly (\w+)=\S+@v\d\S+$", script, re.M)
    assert modules == ["MINIO", "MC", "VERSITYGW"]
    for name in modules:
        assert re.search(rf"^readonly {name}_SUM=h1:[A-Za-z0-9+/]{{43}}=$", script, re.M), name
        assert re.search(rf'install_tool \w+ "\${name}" "\${name}_SUM"', script), name
    assert re.search(r'^SUM = "h1:[A-Za-z0-9+/]{43}="', (ROOT / "tests" / "suites" / "minio_go.py").read_text(), re.M)


def test_every_module_of_the_collector_has_the_hash_of_its_files():
    folder = ROOT / "tests" / "otelcol"
    modules = re.findall(r"^\t(\S+) (v\S+)", (folder / "go.mod").read_text(), re.M)
    hashes = (folder / "go.sum").read_text()
    assert len(modules) > 100 and "replace" not in (folder / "go.mod").read_text()
    # go.mod may name a module that is only looked at; what is built without its hash is refused.
    for name, version in modules:
        assert re.search(rf"^{re.escape(name)} {re.escape(version)}(/go\.mod)? h1:[A-Za-z0-9+/]{{43}}=$", hashes, re.M), name
    assert "-mod=readonly" in (ROOT / "scripts" / "install-collector").read_text()


def test_every_java_library_has_an_exact_version_and_its_checksum_is_checked():
    namespace = {"m": "http://maven.apache.org/POM/4.0.0"}
    libraries = ElementTree.parse(ROOT / "tests" / "java" / "pom.xml").findall(".//m:dependency", namespace)
    assert libraries and all(re.fullmatch(r"\d+(\.\d+)+", library.findtext("m:version", "", namespace)) for library in libraries)
    assert '"--strict-checksums"' in (ROOT / "tests" / "e2e" / "test_java_clients.py").read_text()
