"""No private byte of an upload is in any version of it, whatever its format: exiftool, which shares no code with photogate, reads them all."""
import json
import subprocess

import conftest
import pytest
from test_images import path_of

world = conftest.on_every_store()
FORMATS = ("jpeg", "webp", "png", "avif")
QUERIES = ("?width=240", "?width=240&height=240&fit=cover")
# What exiftool says of a file without metadata: of the file itself, and of what draws the picture.
GROUPS = {"SourceFile", "ExifTool", "System", "File", "JFIF", "Composite"}
TAGS = {"RIFF:ImageWidth", "RIFF:ImageHeight", "RIFF:VP8Version", "RIFF:HorizontalScale", "RIFF:VerticalScale", "RIFF:WebP_Flags", "RIFF:AlphaIsUsed",
        "RIFF:AlphaPreprocessing", "RIFF:AlphaFiltering", "RIFF:AlphaCompression", "RIFF:BackgroundColor", "RIFF:AnimationLoopCount",
        "RIFF:FrameCount", "RIFF:Duration", "PNG:ImageWidth", "PNG:ImageHeight", "PNG:BitDepth", "PNG:ColorType", "PNG:Compression", "PNG:Filter",
        "PNG:Interlace", "PNG:BackgroundColor", "PNG-pHYs:PixelsPerUnitX", "PNG-pHYs:PixelsPerUnitY", "PNG-pHYs:PixelUnits"}
# AVIF's boxes: of these groups, what describes the coding of the picture.
BOXES = {"QuickTime", "Meta"}
CODING = {"MajorBrand", "MinorVersion", "CompatibleBrands", "HandlerType", "PrimaryItemReference", "MetaImageSize", "ImageSpatialExtent", "ImagePixelDepth",
          "ColorProfiles", "ColorPrimaries", "TransferCharacteristics", "MatrixCoefficients", "VideoFullRangeFlag", "MediaDataSize", "MediaDataOffset",
          "AV1ConfigurationVersion", "ChromaFormat", "ChromaSamplePosition", "AuxiliaryImageType", "HighBitDepth", "InitialDelaySamples", "MediaData",
          "SeqLevelIdx0", "SeqProfile", "SeqTier0", "TwelveBit", "Monochrome"}


def is_technical(tag):
    group, _, name = tag.partition(":")
    return group in GROUPS or tag in TAGS or (group in BOXES and name in CODING)


def check(world, corpus, names, formats, tmp_path):
    expected = json.loads((corpus / "photos" / "dev" / "expected.json").read_text())
    waiting = {name: world.upload((corpus / "photos" / "dev" / name).read_bytes()) for name in names(expected)
               if expected[name]["expected_verdict"] == "accept"}
    assert waiting
    for name, created in waiting.items():
        path = path_of(world.gateway.wait_for(created, 300))
        for query in QUERIES:
            for kind in formats:
                status, _, data = world.gateway.request("GET", f"{path}{query}&format={kind}")
                assert status == 200, (name, query, kind, data)
                assert b"CANARYDEV" not in data, (name, query, kind)
                (tmp_path / f"{name}.{QUERIES.index(query)}.{kind}").write_bytes(data)
    told = subprocess.run(["exiftool", "-a", "-u", "-G1", "-ee", "-j", "-n", tmp_path], capture_output=True, check=True, text=True).stdout
    seen = json.loads(told)
    assert len(seen) == len(waiting) * len(QUERIES) * len(formats)
    private = [(picture["SourceFile"], tag, value) for picture in seen for tag, value in picture.items() if not is_technical(tag)]
    assert not private, private


def test_no_private_byte_of_files_that_are_full_of_them_is_in_a_version(world, corpus, tmp_path):
    check(world, corpus, lambda expected: [name for name in sorted(expected) if name.startswith("canary")], FORMATS, tmp_path)


@pytest.mark.large
def test_no_private_byte_of_any_photo_is_in_a_version_of_any_format(builtin_world, corpus, tmp_path):
    check(builtin_world, corpus, sorted, FORMATS, tmp_path)
