"""The README's ways to a first photo say the same as the pages, and claim no less time than was measured; tests/e2e/test_newcomer.py follows them."""
import pathlib
import re

from tests.rig import first_photo

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONTAINERS = (ROOT / "docs" / "containers.md").read_text(encoding="utf-8")
HARDENED = "--read-only --tmpfs /tmp --cap-drop ALL"


def test_readme_claims_no_less_than_was_measured():
    measured = first_photo.rows()
    ways = first_photo.ways()
    assert list(measured) == list(ways)
    for name, way in ways.items():
        assert float(measured[name][0]) <= way.minutes, f"{name} took {measured[name][0]} minutes"


def test_readme_installs_the_package_as_its_page_does():
    from_backports = set(re.findall(r"(\S+)/bookworm-backports", first_photo.PAGE.read_text(encoding="utf-8")))
    lines = first_photo.ways()["Debian package"].lines
    package, names = re.search(r"apt install \./(\S+) libheif\{1,(\S+)\}/bookworm-backports", lines).groups()
    assert {"libheif1", *(f"libheif{name}" for name in names.split(","))} == from_backports
    assert f"./{package} " in first_photo.PAGE.read_text(encoding="utf-8")


def test_readme_runs_the_container_as_its_page_does():
    build, run = first_photo.ways()["Container"].lines.splitlines()[1:3]
    assert build in CONTAINERS and run in CONTAINERS.replace(" \\\n ", "") and HARDENED in run
    stages = re.findall(r"^FROM \S+ AS (\S+)", (ROOT / "Containerfile").read_text(encoding="utf-8"), re.M)
    assert re.search(r"--target (\S+)", build)[1] in stages


def test_labels_of_the_image_name_the_source_that_the_libraries_name():
    source = re.search(r"^ARG SOURCE_URL=https://(\S+)", (ROOT / "Containerfile").read_text(encoding="utf-8"), re.M)[1]
    assert re.search(rf"^module {re.escape(source)}/", (ROOT / "clients" / "go" / "go.mod").read_text(encoding="utf-8"), re.M)
