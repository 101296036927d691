"""docs/dependencies.md lists exactly what CMake links and scripts/install-dependencies installs; the bill of materials says the same."""
import importlib.machinery
import importlib.util
import json
import os
import pathlib
import re
import subprocess

import pytest
from module_list import LIBRARIES, read_modules

ROOT = pathlib.Path(__file__).resolve().parents[2]
WHEN = "1700000000"  # when the commit of the bill was made
PAGE = (ROOT / "docs" / "dependencies.md").read_text()
INSTALLER = (ROOT / "scripts" / "install-dependencies").read_text()
loader = importlib.machinery.SourceFileLoader("render_sbom", str(ROOT / "scripts" / "render-sbom"))
sbom = importlib.util.module_from_spec(importlib.util.spec_from_loader("render_sbom", loader))
loader.exec_module(sbom)


def linked():
    """CMake's names of all third-party libraries that modules link."""
    return {library for module in read_modules(ROOT).modules.values() for library in module.libraries + module.public_libraries}


def packages_installed():
    """What the script installs, in any of its modes."""
    lists = re.findall(r'^(?:packages|for_\w+|backports)="([^"]*)"', INSTALLER, re.M)
    lists += re.findall(r'for_tests="\$for_tests ([^"]*)"', INSTALLER)
    assert len(lists) == 7
    return {word for each in lists for word in each.split()}


def test_table_has_every_library_that_cmake_links_and_no_other():
    assert {row[0] for row in sbom.table("libraries")} == {LIBRARIES[each][0] for each in linked()}


def test_tables_have_every_package_that_is_installed_and_no_other():
    listed = {package for row in sbom.table("libraries") for package in sbom.packages_in(row[1])}
    others = [package for row in sbom.table("packages") for package in sbom.packages_in(row[0])]
    assert len(others) == len(set(others)) and not listed & set(others)
    assert listed | set(others) == packages_installed()


def test_every_library_has_a_licence_a_keeper_and_a_reason():
    for name, packages, licence, keeper, reason in sbom.table("libraries"):
        assert packages and licence and keeper and len(reason) > 15, name
    for package, licence, purpose, _ in sbom.table("packages"):
        assert licence and purpose, package


@pytest.fixture(scope="module")
def bill():
    build = pathlib.Path(os.environ.get("PHOTOGATE_BUILD_DIR", ROOT / "build" / "release"))
    if not (build / "photogate").exists():
        pytest.skip(f"{build} holds no program: build it first")
    done = subprocess.run([ROOT / "scripts" / "render-sbom", build], capture_output=True, text=True, timeout=120, env={**os.environ, "SOURCE_DATE_EPOCH": WHEN})
    assert done.returncode == 0, done.stderr
    return build, json.loads(done.stdout)


def test_bill_of_materials_names_every_row_with_version_and_licence(bill):
    _, made = bill
    assert (made["bomFormat"], made["specVersion"]) == ("CycloneDX", "1.5")
    by_reference = {each["bom-ref"]: each for each in made["components"]}
    assert len(by_reference) == len(made["components"])
    for name, packages, licences, *_ in sbom.table("libraries"):
        component = by_reference[f"photogate:{name}"]
        package = sbom.packages_in(packages)[0]
        assert component["version"] == subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True).stdout
        assert component["purl"].startswith(f"pkg:deb/debian/{package}@")
        assert [next(iter(each["license"].values())) for each in component["licenses"]] == licences.split(", ")
    assert set(made["dependencies"][0]["dependsOn"]) == set(by_reference)


def test_bill_of_materials_has_the_package_of_every_shared_library(bill):
    build, made = bill
    names = {each["name"]: each for each in made["components"]}
    for program, some in (("photogate", ("libpqxx-6.4", "libc6", "libssl3")), ("photogate-imager", ("libvips42", "libheif1", "libjpeg62-turbo"))):
        for package in some:
            assert program in names[package]["properties"][0]["value"], package
    assert names["libvips42"]["properties"][0]["value"] == "photogate-imager", "the gateway links no decoder"
    assert sum("licenses" in each for each in made["components"]) > 0.8 * len(made["components"])


def test_bill_of_materials_of_a_folder_without_a_program_is_refused(tmp_path):
    done = subprocess.run([ROOT / "scripts" / "render-sbom", tmp_path], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "build it first" in done.stderr and not done.stdout


def test_bill_of_materials_of_one_build_and_commit_is_the_same_each_time(bill):
    build, made = bill
    again = subprocess.run([ROOT / "scripts" / "render-sbom", build], capture_output=True, text=True, timeout=120, check=True, env={**os.environ, "SOURCE_DATE_EPOCH": WHEN}).stdout
    assert json.loads(again) == made and made["metadata"]["timestamp"] == "2023-11-14T22:13:20Z"
