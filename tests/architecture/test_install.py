"""What `cmake --install` makes runs from where it was installed, and finds its parts there."""
import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
VERSION = re.search(r"project\(photogate VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text()).group(1)


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    build = pathlib.Path(os.environ.get("PHOTOGATE_BUILD_DIR", ROOT / "build" / "release"))
    if not (build / "photogate").exists():
        pytest.skip(f"{build} holds no program: build it first")
    made = tmp_path_factory.mktemp("install") / "usr"
    subprocess.run(["cmake", "--install", build, "--prefix", made], check=True, capture_output=True)
    return made


def test_installed_program_tells_its_version(prefix):
    done = subprocess.run([prefix / "bin" / "photogate", "--version"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, f"photogate {VERSION}\n"), done.stderr


def test_installed_program_finds_its_imager(prefix, tmp_path):
    """`doctor` starts it: without a database and a store it fails, but not for the imager."""
    imager = prefix / "libexec" / "photogate" / "photogate-imager"
    assert os.access(imager, os.X_OK)
    environment = {"PATH": os.environ["PATH"], "PHOTOGATE_DATABASE_URL": "postgresql://nobody@/none?host=/nowhere",
                   "PHOTOGATE_S3_ENDPOINT": "http://127.0.0.1:9", "PHOTOGATE_S3_SIGNER_ACCESS_KEY": "signer",
                   "PHOTOGATE_S3_SIGNER_SECRET_KEY": "signer-secret", "PHOTOGATE_S3_WORKER_ACCESS_KEY": "worker",
                   "PHOTOGATE_S3_WORKER_SECRET_KEY": "worker-secret", "PHOTOGATE_APP_KEYS": "sha256:" + 64 * "a"}
    done = subprocess.run([prefix / "bin" / "photogate", "doctor"], capture_output=True, text=True, timeout=120, cwd=tmp_path, env=environment)
    assert re.search(r"^ok +imager ", done.stdout, re.M), done.stdout + done.stderr


def test_unit_starts_the_program_of_its_prefix(prefix):
    unit = (prefix / "lib" / "systemd" / "system" / "photogate.service").read_text()
    assert f"ExecStart={prefix}/bin/photogate all" in unit
    documentation = re.search(r"Documentation=file://(\S+)", unit).group(1)
    assert pathlib.Path(documentation).exists()


def test_samples_and_pages_are_installed_as_documentation(prefix):
    pages = prefix / "share" / "doc" / "photogate"
    for path in ("README.md", "docs/configuration.md", "examples/photogate.toml", "examples/nginx/photogate.conf",
                 "examples/minio/signer-policy.json", "examples/prometheus/photogate.rules.yml"):
        assert (pages / path).is_file(), path
    assert not (prefix / "etc").exists(), "an administrator's files are not overwritten"


def test_completions_and_man_page_are_where_shells_and_man_look(prefix):
    for path in ("man/man1/photogate.1", "bash-completion/completions/photogate", "zsh/site-functions/_photogate", "fish/vendor_completions.d/photogate.fish"):
        assert (prefix / "share" / path).is_file(), path
    assert not (prefix / "share" / "doc" / "photogate" / "examples" / "completions").exists()
