"""scripts/release makes the same archive wherever it runs and signs it and the tag; scripts/verify-release notices whatever was changed."""
import os
import pathlib
import shutil
import subprocess
import tarfile
import tempfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2026-11-30\n\n### Added\n- Something.\n\n## [1.2.2] - 2026-01-01\n\n### Added\n- Older.\n"
# In place of the one that asks Debian about a build, which has its own tests.
SBOM = '#!/bin/sh\necho "{\\"bomFormat\\": \\"CycloneDX\\", \\"made\\": $SOURCE_DATE_EPOCH, \\"of\\": \\"$1\\"}"\n'


class Maker:
    """A repository in the state of a release, and throwaway keys."""

    def __init__(self, folder, home):
        self.folder, self.home = folder, home
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(home), "GNUPGHOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_DATE": "2026-11-30T12:00:00Z",
                            "GIT_COMMITTER_DATE": "2026-11-30T12:00:00Z", "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "A",
                            "GIT_COMMITTER_EMAIL": "a@example.org", "LC_ALL": "C.UTF-8"}
        self.gpg_key = home / "public.asc"
        self.ssh_key, self.signers = home / "ssh", home / "allowed_signers"

    def make_keys(self):
        self.sh("gpg --batch --quiet --passphrase '' --quick-generate-key 'Release <release@example.org>' ed25519 sign")
        self.sh(f"gpg --batch --armor --export release@example.org > {self.gpg_key}")
        self.sh(f"ssh-keygen -q -t ed25519 -N '' -f {self.ssh_key} && printf 'photogate %s\\n' \"$(cut -d' ' -f1,2 {self.ssh_key}.pub)\" > {self.signers}")

    def sh(self, command, fails=False, cwd=None, **environment):
        done = subprocess.run(["bash", "-euc", command], cwd=cwd or self.home, capture_output=True, text=True, timeout=120, env={**self.environment, **environment})
        assert (done.returncode != 0) == fails, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def repository(self, name):
        made = self.folder / name
        (made / "scripts").mkdir(parents=True)
        for script in ("release", "verify-release"):
            shutil.copy(ROOT / "scripts" / script, made / "scripts" / script)
        (made / "scripts" / "render-sbom").write_text(SBOM)
        (made / "scripts" / "render-sbom").chmod(0o755)
        (made / "CMakeLists.txt").write_text("project(photogate VERSION 1.2.3 LANGUAGES CXX)\n")
        (made / "CHANGELOG.md").write_text(CHANGELOG)
        (made / "link").symlink_to("CHANGELOG.md")
        self.sh("git init -q && git add -A && git commit -q -m one", cwd=made)
        return made

    def release(self, repository, words, fails=False):
        return self.sh(f"scripts/release {words}", fails, repository)

    def verify(self, folder, words, fails=False):
        return self.sh(f"{ROOT}/scripts/verify-release {folder} {words}", fails)


def remove_home(folder):
    """Of GnuPG. The agent that has been told to end removes its sockets meanwhile."""
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def maker(tmp_path_factory):
    home = pathlib.Path(tempfile.mkdtemp(prefix="photogate-release-", dir="/tmp"))  # short, because gpg-agent's socket is in it
    made = Maker(tmp_path_factory.mktemp("release"), home)
    made.make_keys()
    yield made
    made.sh("gpgconf --kill all")
    remove_home(home)


@pytest.fixture(scope="module", params=["gpg", "ssh"])
def released(request, maker):
    """(the repository, the folder of its release, the words that verify it)"""
    repository = maker.repository(request.param)
    key, public = {"gpg": ("--gpg-key release@example.org", f"--gpg-key {maker.gpg_key}"), "ssh": (f"--ssh-key {maker.ssh_key}", f"--ssh-signers {maker.signers}")}[request.param]
    output = maker.folder / f"{request.param}-dist"
    said = maker.release(repository, f"{key} --build build/release --output {output}")
    assert "nothing is pushed" in said
    return repository, output / "photogate-1.2.3", public


@pytest.fixture
def copy(released, tmp_path):
    return shutil.copytree(released[1], tmp_path / "photogate-1.2.3")


def test_release_is_complete_and_verifies_against_its_tag(maker, released):
    repository, folder, public = released
    names = {path.name for path in folder.iterdir()}
    assert {"photogate-1.2.3.tar.gz", "photogate-1.2.3.cdx.json", "photogate-1.2.3.md", "SHA256SUMS"} < names and len(names) == 5
    assert (folder / "photogate-1.2.3.md").read_text() == "# photogate 1.2.3\n\n### Added\n- Something.\n"
    said = maker.verify(folder, f"{public} --repository {repository}")
    assert "gives the same archive" in said
    maker.sh("sha256sum --check --strict SHA256SUMS", cwd=folder)
    with tarfile.open(folder / "photogate-1.2.3.tar.gz") as tar:
        assert {member.name for member in tar} >= {"photogate-1.2.3/CMakeLists.txt", "photogate-1.2.3/link"}


def test_archive_and_bill_are_the_same_bytes_in_another_clone_later(maker, released, tmp_path):
    repository, folder, _ = released
    maker.sh(f"umask 077 && git clone -q {repository} {tmp_path}/clone && touch -d 2030-01-01 {tmp_path}/clone/*")
    said = maker.sh(f"umask 077 && scripts/release --dry-run --build build/release --output {tmp_path}/again", cwd=tmp_path / "clone",
                    TZ="Asia/Tokyo", GZIP="-1", LC_ALL="C")
    assert "would be refused" not in said
    for name in ("photogate-1.2.3.tar.gz", "photogate-1.2.3.cdx.json", "photogate-1.2.3.md", "SHA256SUMS"):
        assert (tmp_path / "again" / "photogate-1.2.3" / name).read_bytes() == (folder / name).read_bytes(), name


@pytest.mark.parametrize("name", ["photogate-1.2.3.tar.gz", "photogate-1.2.3.cdx.json", "photogate-1.2.3.md"])
def test_a_changed_file_is_noticed(maker, released, copy, name):
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    assert f"{name} is not the file that was signed" in maker.verify(copy, released[2], fails=True)


def test_missing_and_additional_files_are_noticed(maker, released, copy):
    (copy / "install.sh").write_text("true\n")
    assert "install.sh is not in SHA256SUMS" in maker.verify(copy, released[2], fails=True)
    (copy / "install.sh").unlink()
    (copy / "photogate-1.2.3.md").unlink()
    assert "photogate-1.2.3.md is missing" in maker.verify(copy, released[2], fails=True)


def test_changed_sums_are_noticed(maker, released, copy):
    (copy / "photogate-1.2.3.md").write_text("other\n")
    maker.sh("sha256sum photogate-* > SHA256SUMS", cwd=copy)
    assert "not a valid signature" in maker.verify(copy, released[2], fails=True)


def test_another_key_is_noticed(maker, released, copy, tmp_path):
    maker.sh(f"ssh-keygen -q -t ed25519 -N '' -f {tmp_path}/other && printf 'photogate %s\\n' \"$(cat {tmp_path}/other.pub)\" > {tmp_path}/signers")
    other = pathlib.Path(tempfile.mkdtemp(prefix="photogate-other-", dir="/tmp"))
    try:
        maker.sh(f"gpg --batch --quiet --passphrase '' --quick-generate-key 'Other <other@example.org>' ed25519 sign; gpg --armor --export > {tmp_path}/other.asc; "
                 "gpgconf --kill all", GNUPGHOME=str(other))
    finally:
        remove_home(other)
    words = f"--gpg-key {tmp_path}/other.asc" if "--gpg-key" in released[2] else f"--ssh-signers {tmp_path}/signers"
    assert "not a valid signature" in maker.verify(copy, words, fails=True)


def test_a_signature_of_something_else_by_the_same_ssh_key_is_none_of_a_release(maker, released, copy):
    if "--ssh-signers" not in released[2]:
        pytest.skip("signatures of GnuPG have no namespace")
    maker.sh(f"rm SHA256SUMS.sig && ssh-keygen -Y sign -q -f {maker.ssh_key} -n file SHA256SUMS", cwd=copy)
    assert "not a valid signature" in maker.verify(copy, released[2], fails=True)


def test_an_archive_that_is_not_the_tags_is_noticed_though_it_is_signed(maker, released, tmp_path):
    repository, _, public = released
    changed = maker.folder / f"{tmp_path.name}-{repository.name}"
    maker.sh(f"git clone -q {repository} {changed} && cd {changed} && echo '# evil' >> CMakeLists.txt && git commit -qam evil && git tag -d v1.2.3")
    key = "--gpg-key release@example.org" if repository.name == "gpg" else f"--ssh-key {maker.ssh_key}"
    maker.release(changed, f"{key} --build b --output {tmp_path}/dist")
    maker.verify(tmp_path / "dist" / "photogate-1.2.3", public)
    assert "not what the tag v1.2.3 gives" in maker.verify(tmp_path / "dist" / "photogate-1.2.3", f"{public} --repository {repository}", fails=True)


def test_an_unsigned_tag_is_noticed(maker, released, tmp_path):
    repository, folder, public = released
    maker.sh(f"git clone -q {repository} {tmp_path}/clone && cd {tmp_path}/clone && git tag -f v1.2.3 -m x HEAD")
    assert "has no valid signature" in maker.verify(folder, f"{public} --repository {tmp_path}/clone", fails=True)


def test_dry_run_needs_no_key_and_signs_nothing(maker, tmp_path):
    repository = maker.repository("dry")
    maker.release(repository, f"--dry-run --output {tmp_path}")
    assert {path.name for path in (tmp_path / "photogate-1.2.3").iterdir()} == {"photogate-1.2.3.tar.gz", "photogate-1.2.3.md", "SHA256SUMS"}
    assert not maker.sh("git tag", cwd=repository)


def test_what_stands_in_the_way_is_said_and_nothing_is_left(maker, tmp_path):
    repository = maker.repository("refused")
    words = f"--gpg-key release@example.org --build b --output {tmp_path}/out"
    assert "no key" in maker.release(repository, f"--build b --output {tmp_path}/out", fails=True)
    assert "no bill of materials" in maker.release(repository, f"--gpg-key release@example.org --output {tmp_path}/out", fails=True)
    (repository / "CMakeLists.txt").write_text("project(photogate VERSION 1.2.4 LANGUAGES CXX)\n")
    said = maker.release(repository, words, fails=True)
    assert "not committed" in said and "[1.2.4]" in said
    assert "would be refused" in maker.release(repository, f"--dry-run --output {tmp_path}/dry", fails=True)
    maker.sh("git checkout -q . && git commit -q --allow-empty -m two && git tag v1.2.3 HEAD~", cwd=repository)
    assert "of another commit" in maker.release(repository, words, fails=True)
    maker.sh("git tag -d v1.2.3", cwd=repository)
    assert "gpg failed" in maker.release(repository, words.replace("release@", "nobody@"), fails=True)
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())
    assert not maker.sh("git tag", cwd=repository)
