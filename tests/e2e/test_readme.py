"""The README's blocks, run as they stand."""
import json
import os
import re
import subprocess

import browser as browsers

from tests.rig import pictures

README = (browsers.ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```sh\n(.*?)^```", README, re.S | re.M)


def test_first_block_names_the_two_commands():
    commands = re.findall(r"^\./(\w+)", BLOCKS[0], re.M)
    assert commands == ["run", "test"]
    for command in commands:
        done = subprocess.run([browsers.ROOT / command, "--help"], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and "usage" in done.stdout


def test_three_lines_take_a_photo_through(world, tmp_path):
    (tmp_path / "photo.jpg").write_bytes(pictures.photo(800, 600))
    lines = BLOCKS[1].replace("http://127.0.0.1:8080", world.gateway.url)
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", lines], cwd=tmp_path, capture_output=True, text=True, timeout=90,
                          env={**os.environ, "KEY": world.app.key})
    assert done.returncode == 0, done.stderr
    upload = json.loads(done.stdout[done.stdout.index("{"):])
    assert upload["state"] == "published" and upload["filename"] == "photo.jpg"


def test_links_point_to_existing_files():
    for target in re.findall(r'(?:\]\(|src=")([^)"#]+)[)"]', README):
        if not target.startswith("http"):
            assert (browsers.ROOT / target).exists(), target
