"""Watermarks of profiles: everything that is shown carries them, whatever a URL asks for, and nothing twice."""
import pathlib
import subprocess

import pytest
from test_images import path_of

from tests.rig import pictures

FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"


@pytest.fixture(scope="module")
def red(tmp_path_factory):
    folder = tmp_path_factory.mktemp("marks")
    subprocess.run(["vips", "black", folder / "black.v", "60", "30", "--bands", "3"], check=True)
    subprocess.run(["vips", "linear", folder / "black.v", folder / "red.png", "1 1 1", "255 0 0", "--uchar"], check=True)
    return folder / "red.png"


def profiles(red):
    rows = {"marked": f'watermark = {{image = "{red}", opacity = 100}}', "clean": f'watermark = {{image = "{red}", opacity = 100, published = "clean"}}',
            "text": f'watermark = {{text = "© {{app}} {{taken_at:%Y}}", font = "{FONT}", size = 60}}'}
    return {name: dict([row.split(" = ", 1)]) for name, row in rows.items()}


def share_of_red(data, tmp_path):
    """Of the picture's pixels, those that are red: the photos are grey."""
    (tmp_path / "picture").write_bytes(data)
    subprocess.run(["vips", "copy", tmp_path / "picture", tmp_path / "picture.ppm"], check=True)
    dots = (tmp_path / "picture.ppm").read_bytes()
    body = dots[dots.index(b"255\n") + 4:]
    return sum(body[i] > 200 and body[i + 1] < 60 for i in range(0, len(body), 3)) / (len(body) / 3)


def get(world, path):
    status, headers, body = world.gateway.request("GET", path)
    assert status == 200, (path, body)
    return headers, body


QUERIES = ("", "?width=320", "?width=320&height=320&fit=cover", "?width=320&height=160&fit=cover&gravity=north", "?width=320&height=320&fit=fill",
           "?format=png", "?quality=90", "/w320.webp", "/any-name.jpg", "?v=2")


def test_whatever_is_asked_for_is_marked_once(own_world, red, tmp_path):
    world = own_world(profiles=profiles(red))
    for profile in ("marked", "clean"):
        upload = world.publish(pictures.photo(1600, 1200, seed=140), {"profile": profile})
        for query in QUERIES:
            share = share_of_red(get(world, path_of(upload) + query)[1], tmp_path)
            assert 0.005 < share < 0.04, (profile, query, share)
        kept = world.sql(f"select image_watermark from uploads where id = '{upload['id']}'").strip()
        assert (kept == "clean") == (profile == "clean") and kept


def test_a_text_is_drawn_and_is_no_image_without_its_profile(own_world, red, tmp_path):
    world = own_world(profiles=profiles(red))
    text = world.publish(pictures.photo(800, 600, seed=141), {"profile": "text"})
    clean = world.publish(pictures.photo(800, 600, seed=142), {"profile": "clean"})
    get(world, path_of(text) + "?width=320")
    world.gateway.stop()
    config = pathlib.Path(world.gateway.config)
    config.write_text(config.read_text().replace("[apps.shop.profiles.clean]", "[apps.shop.profiles.renamed]"))
    world.gateway.start()
    status, _, problem = world.gateway.request("GET", path_of(clean))
    assert (status, problem["code"]) == (503, "unavailable")


def test_a_watermark_that_is_no_picture_stops_the_start(own_world, red, tmp_path):
    (tmp_path / "torn.png").write_bytes(red.read_bytes()[:40])
    world = own_world(start=False, profiles=profiles(tmp_path / "torn.png"))
    world.gateway.migrate()
    world.gateway.launch()
    assert world.gateway.process.wait(60) == 78
    log = world.gateway.log.read_text(errors="replace")
    assert "watermark.image is" in log and "which no decoder takes: name a sound PNG" in log
