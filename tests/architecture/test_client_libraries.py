"""The client libraries have the project's version and licence, and types as the OpenAPI document says."""
import json
import pathlib
import re
import subprocess
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLIENTS = ROOT / "clients"


def version():
    return re.search(r"project\(photogate VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text())[1]


def test_types_are_those_of_the_openapi_document():
    done = subprocess.run([ROOT / "scripts" / "render-client-types", "--check"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_each_library_has_the_projects_version():
    found = {"typescript": json.loads((CLIENTS / "typescript" / "package.json").read_text())["version"],
             "php": json.loads((CLIENTS / "php" / "composer.json").read_text())["version"],
             "python": re.search(r'^__version__ = "(.*)"$', (CLIENTS / "python" / "src" / "photogate" / "__init__.py").read_text(), re.M)[1],
             "go": re.search(r'^const Version = "(.*)"$', (CLIENTS / "go" / "version.go").read_text(), re.M)[1]}
    assert found == dict.fromkeys(found, version())


def test_each_library_has_the_licence_and_a_page():
    for name in ("typescript", "python", "go", "php"):
        assert (CLIENTS / name / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
        assert (CLIENTS / name / "README.md").exists()


def test_no_library_needs_another_package_at_run_time():
    assert not json.loads((CLIENTS / "typescript" / "package.json").read_text()).get("dependencies")
    assert "dependencies" not in tomllib.loads((CLIENTS / "python" / "pyproject.toml").read_text())["project"]
    assert "require" not in (CLIENTS / "go" / "go.mod").read_text()
    assert set(json.loads((CLIENTS / "php" / "composer.json").read_text())["require"]) == {"php", "ext-curl", "ext-json"}


def test_the_tools_of_the_typescript_package_are_those_of_the_tests():
    wanted = json.loads((ROOT / "tests" / "node" / "package.json").read_text())["dependencies"]
    for name, pinned in json.loads((CLIENTS / "typescript" / "package.json").read_text())["devDependencies"].items():
        assert wanted[name] == pinned
