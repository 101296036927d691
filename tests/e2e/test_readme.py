"""The README's blocks, run as they stand."""
import json
import os
import re
import subprocess

import browser as browsers

from tests.rig import first_photo, pictures

README = (browsers.ROOT / "README.md").read_text()


def test_ways_to_a_first_photo_are_on_the_first_screen():
    ways = first_photo.ways()
    assert list(ways) == ["Debian package", "Container", "Source"]
    assert README.index(ways["Source"].lines) < README.index(first_photo.publishing()) and README[:README.index(ways["Source"].lines)].count("\n") < 35


def test_commands_of_the_source_say_what_can_be_chosen():
    for command in ("run", "test"):
        assert f"`./{command}`" in README
        done = subprocess.run([browsers.ROOT / command, "--help"], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and "usage" in done.stdout


def test_three_lines_take_a_photo_through(world, tmp_path):
    """With the key of an app that has one profile, as after each of the ways."""
    (tmp_path / "photo.jpg").write_bytes(pictures.photo(800, 600))
    lines = first_photo.publishing().replace("http://127.0.0.1:8080", world.gateway.url)
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", lines], cwd=tmp_path, capture_output=True, text=True, timeout=90,
                          env={**os.environ, "KEY": world.other.key})
    assert done.returncode == 0, done.stderr
    upload = json.loads(done.stdout[done.stdout.index("{"):])
    assert upload["state"] == "published" and upload["filename"] == "photo.jpg"


def test_links_point_to_existing_files():
    for target in re.findall(r'(?:\]\(|src=")([^)"#]+)[)"]', README):
        if not target.startswith("http"):
            assert (browsers.ROOT / target).exists(), target
