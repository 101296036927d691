"""docs/delivery.md alone: what its first example sets up, end to end; and that every list of parameters says the same."""
import json
import re
import subprocess

import browser as browsers
from test_images import path_of
from test_versions import facts

from tests.rig import pictures
from tests.rig import stack as parts
from tests.rig.world import QUICK_ROUNDS

PAGE = (browsers.ROOT / "docs" / "delivery.md").read_text()
SECTION = PAGE[PAGE.index("## A profile in ten lines"):PAGE.index("## Parameters")]
(SETUP,) = re.findall(r"```toml\n(.*?)```", SECTION, re.S)
((ASKED, BODY),) = re.findall(r"```\nPOST (\S+)\n(\{.*?\})\n```", SECTION, re.S)
SHAPES = {"thumb": ("webp", 320, 320), "list": ("webp", 640, 427), "page": ("webp", 1280, 853), "large": ("jpeg", 1920, 1280), "preview": ("jpeg", 1200, 630)}


def white(data, folder):
    """Of the picture's lower right quarter, and of its upper left, the pixels that are white."""
    (folder / "picture").write_bytes(data)
    subprocess.run(["vips", "copy", folder / "picture", folder / "picture.ppm"], check=True)
    dots = (folder / "picture.ppm").read_bytes()
    head = re.match(rb"P6\s+(?:#[^\n]*\s+)*(\d+)\s+(\d+)\s+255\s", dots)
    width, height, start = int(head[1]), int(head[2]), head.end()

    def count(columns, lines):
        return sum(min(dots[at:at + 3]) > 225 for y in lines for x in columns for at in [start + 3 * (y * width + x)])

    return count(range(width // 2, width), range(height // 2, height)), count(range(width // 2), range(height // 2))


def test_ten_lines_of_the_page_set_up_variants_a_watermark_and_signed_links(own_world, tmp_path):
    assert len(SETUP.splitlines()) <= 10
    world = own_world(profiles={}, extra=QUICK_ROUNDS + SETUP)
    assert world.request("GET", "/v1/profile")[2]["private"] is True
    upload = world.publish(pictures.photo(2400, 1600, seed=210), {"profile": "photos"})

    def variants():
        return {each["name"]: each for each in world.request("GET", "/v1/uploads/" + upload["id"])[2]["variants"]}

    parts.wait_until(lambda: len(variants()) == 5, 60, "five variants")
    told = world.receiver.wait_for_upload(upload["id"], "upload.published").body["data"]
    assert told["private"] is True and told["image"]
    for name, shape in SHAPES.items():
        variant = variants()[name]
        assert (variant["format"], variant["width"], variant["height"]) == shape
        path = variant["url"].removeprefix(world.gateway.url)
        assert world.gateway.request("GET", path)[0] == 403
        status, _, answer = world.request("POST", ASKED.replace("upl_06f3y8m2c4t6v8x0z2b4d6f8h0", upload["id"]), {**json.loads(BODY), "variant": name})
        assert status == 200 and answer["scope"] == "version"
        status, headers, body = world.gateway.request("GET", answer["url"].removeprefix(world.gateway.url))
        assert status == 200 and headers["cache-control"].startswith("private, max-age=")
        assert facts(body, tmp_path) == shape
        marked, elsewhere = white(body, tmp_path)
        assert marked > 20 + 2 * elsewhere, (name, marked, elsewhere)
        # One signature for all of the image goes behind the announced URL too.
        everything = world.request("POST", f"/v1/uploads/{upload['id']}/url", {"scope": "image"})[2]["url"].split("?")[1]
        assert world.gateway.request("GET", f"{path}&{everything}")[0] == 200
    assert world.gateway.request("GET", path_of(upload))[0] == 403


def parameters_of_the_program():
    source = (browsers.ROOT / "delivery" / "parameters.cpp").read_text()
    table = source[source.index("constexpr std::array kNames = {"):]
    return set(re.findall(r'OwnName\{"(\w+)"', table[:table.index("};")]))


def test_every_list_of_parameters_is_the_programs():
    known = parameters_of_the_program()
    assert len(known) > 15
    table = PAGE[PAGE.index("| parameter | name of | values |"):]
    assert set(re.findall(r"^\| `(\w+)` \|", table[:table.index("\n\n")], re.M)) == known
    cloudfront = re.search(r"Query strings: \*include specified\*: ([^.]*)\.", PAGE)[1]
    assert set(re.findall(r"`(\w+)`", cloudfront)) == known
    nginx = (browsers.ROOT / "etc" / "nginx" / "photogate-cache.conf").read_text()
    assert {name for name, _, _ in re.findall(r'^map \$arg_(\w+) \$photogate_(\w+) \{ "" ""; default "&\1=\$arg_(\1)"; \}$', nginx, re.M)} == known
    (whole,) = re.findall(r'^map "((?:\$photogate_\w+)+)" \$photogate_query', nginx, re.M)
    assert set(re.findall(r"\$photogate_([a-z_]+)", whole)) == known
    varnish = (browsers.ROOT / "etc" / "varnish" / "photogate.vcl").read_text()
    (listed,) = re.findall(r"\(\?!\(([\w|]+)\)=\)", varnish)
    assert listed.split("|") and set(listed.split("|")) == known
