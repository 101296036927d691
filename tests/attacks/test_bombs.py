"""Small files that unfold: each gets a verdict in time, and the next honest photo is published."""
import struct
import time
import zlib

import pytest

from tests.rig import pictures


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, *between, rows=b"", depth=8, colour=2):
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)) + b"".join(between) \
        + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def itxt(text):
    return chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(text, 9))


SMALL = b"\0" + b"\x80" * 24  # a row of 8 RGB pixels
BOMBS = {
    "a billion pixels": lambda: png(30_000, 30_000, rows=b"\0" * 1_000_000),
    "the widest PNG": lambda: png(2 ** 31 - 1, 1, rows=b"\0" * 100),
    "a gigabyte of IDAT": lambda: png(8, 8, rows=b"\0" * (200 << 20)),
    "a gigabyte of text": lambda: png(8, 8, itxt(b"a" * (100 << 20)), rows=SMALL * 8),
    "tags without end": lambda: png(8, 8, itxt(b"<dc:title>" + b"<" * (10 << 20)), rows=SMALL * 8),
    "nested tags": lambda: png(8, 8, itxt(b"<x:xmpmeta>" + b"<a>" * 2_000_000), rows=SMALL * 8),
    "entities": lambda: png(8, 8, itxt(b'<!DOCTYPE x [<!ENTITY a "' + b"a" * 1000 + b'">' + b"<!ENTITY b \"" + b"&a;" * 1000 + b'">]><x>&b;</x>'), rows=SMALL * 8),
    "a hundred thousand chunks": lambda: png(8, 8, *[chunk(b"tEXt", b"a\0b")] * 100_000, rows=SMALL * 8),
    "a profile that unfolds": lambda: png(8, 8, chunk(b"iCCP", b"x\0\0" + zlib.compress(b"\0" * (100 << 20), 9)), rows=SMALL * 8),
    "a million GIF frames": lambda: b"GIF89a\x01\x00\x01\x00\x80\x00\x00\0\0\0\xff\xff\xff" + b"\x21\xf9\x04\x00\x00\x00\x00\x00\x2c\0\0\0\0\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00" * 40_000 + b";",
    "a GIF of 65535 squared": lambda: b"GIF89a\xff\xff\xff\xff\x80\x00\x00\0\0\0\xff\xff\xff\x2c\0\0\0\0\xff\xff\xff\xff\x00\x02\x02\x44\x01\x00;",
    "a TIFF whose folders go round": lambda: b"II*\0\x08\0\0\0\0\0\x08\0\0\0",
    "a TIFF of a million tags": lambda: b"II*\0\x08\0\0\0\xff\xff" + b"\x00\x01\x03\0\xff\xff\xff\x7f\0\0\0\0" * 65_535 + b"\x08\0\0\0",
    "a JPEG of 65500 squared": lambda: b"\xff\xd8\xff\xc0\x00\x11\x08\xff\xdc\xff\xdc\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01\xff\xda\x00\x0c\x03\x01\x00\x02\x11\x03\x11\x00\x3f\x00" + b"\0" * 1000,
    "a JPEG of comments": lambda: b"\xff\xd8" + b"\xff\xfe\x00\x03x" * 200_000 + pictures.photo(64, 64, seed=950)[2:],
    "an SVG": lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
    "a WebP whose size lies": lambda: b"RIFF\xff\xff\xff\xffWEBPVP8X\x0a\0\0\0\x10\0\0\0\xff\xff\xff\xff\xff\xff",
    "an HEIC of boxes": lambda: b"\0\0\0\x18ftypheic\0\0\0\0heicmif1" + b"\0\0\0\x08free" * 100_000,
    "a zip": lambda: b"PK\x03\x04" + b"\0" * 1000,
    "nothing but zeros": lambda: b"\0" * 1_000_000,
}


@pytest.mark.parametrize("what", list(BOMBS), ids=list(BOMBS))
def test_bomb_is_judged_in_time(world, what):
    data = BOMBS[what]()
    began = time.monotonic()
    upload = world.publish(data)
    seconds = time.monotonic() - began
    assert upload["state"] in ("rejected", "published"), upload
    if upload["state"] == "rejected":
        assert upload["rejection"]["code"] not in ("internal", "timeout"), upload
    assert seconds < 15


def test_honest_photo_passes_beside_bombs(world):
    bombs = [world.create({"size": len(data)}) | {"data": data} for data in (BOMBS["tags without end"](), BOMBS["a gigabyte of text"](), BOMBS["a billion pixels"]())]
    for each in bombs:
        world.send(each, each["data"])
    began = time.monotonic()
    assert world.publish(pictures.photo(seed=951))["state"] == "published"
    assert time.monotonic() - began < 15
