"""Generated pictures for tests: a detailed scene with a camera's metadata, written by exiftool."""
import functools
import pathlib
import random
import subprocess
import tempfile

FOLDER = pathlib.Path(tempfile.gettempdir()) / "photogate-test-pictures"
LATITUDE, LONGITUDE = 52.5186, 13.3763


def _run(*command):
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


@functools.cache
def photo(width=1600, height=1200, orientation=1, seed=1, suffix=".jpg"):
    """The bytes of a picture with make, model, date, GPS, a serial number, XMP and IPTC in it (where its format carries them)."""
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{width}x{height}-{orientation}-{seed}{suffix}"
    if not path.exists():
        with tempfile.TemporaryDirectory(dir=FOLDER) as own:  # other processes may make the same picture concurrently
            dots, draft = pathlib.Path(own, "dots.ppm"), pathlib.Path(own, "draft" + suffix)
            across, down = width // 64 + 2, height // 64 + 2
            greys = random.Random(seed).choices(range(40, 216), k=across * down)
            dots.write_bytes(b"P6 %d %d 255\n" % (across, down) + bytes(grey for grey in greys for _ in range(3)))
            _run("vips", "thumbnail", dots, f"{draft}[Q=90]" if suffix == ".jpg" else draft, width, "--height", height, "--size", "force")
            _run("exiftool", "-q", "-overwrite_original", "-n", f"-Orientation={orientation}", "-Make=Photogate", "-Model=Test One",
                 "-DateTimeOriginal=2026:11:20 12:34:56", "-SerialNumber=SECRET-SERIAL-1234", f"-GPSLatitude={LATITUDE}",
                 "-GPSLatitudeRef=N", f"-GPSLongitude={LONGITUDE}", "-GPSLongitudeRef=E", "-XMP:Creator=SECRET-PERSON",
                 *(["-IPTC:By-line=SECRET-PERSON"] if suffix == ".jpg" else []), draft)
            draft.rename(path)
    return path.read_bytes()


@functools.cache
def noise(width, height, seed=1):
    """A JPEG that stays large however it is encoded: about a byte for each pixel."""
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"noise-{width}x{height}-{seed}.jpg"
    if not path.exists():
        with tempfile.TemporaryDirectory(dir=FOLDER) as own:
            dots, draft = pathlib.Path(own, "dots.ppm"), pathlib.Path(own, "draft.jpg")
            dots.write_bytes(b"P6 %d %d 255\n" % (width, height) + random.Random(seed).randbytes(3 * width * height))
            _run("vips", "copy", dots, f"{draft}[Q=92]")
            draft.rename(path)
    return path.read_bytes()


def metadata(data, suffix=".jpg"):
    """exiftool's view, by group, without file-system facts."""
    import json
    with tempfile.NamedTemporaryFile(suffix=suffix) as file:
        file.write(data)
        file.flush()
        text = subprocess.run(["exiftool", "-a", "-u", "-G1", "-ee", "-json", "-n", file.name], capture_output=True, check=True).stdout
    return {name: value for name, value in json.loads(text)[0].items()
            if name.split(":")[0] not in ("System", "SourceFile", "ExifTool", "Composite")}


def film(width, height, frames, seed=1):
    """A GIF whose every frame differs from the one before in each pixel: one drawing in 16 colours that move on."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as own:
        still, single = pathlib.Path(own, "still.jpg"), pathlib.Path(own, "single.gif")
        still.write_bytes(photo(width, height, seed=seed))
        _run("vips", "copy", still, f"{single}[dither=0,bitdepth=4,effort=1]")
        gif = single.read_bytes()
    table = 3 << (gif[10] & 7) + 1
    colours, at = gif[13:13 + table], 13 + table
    while gif[at] == 0x21:  # extensions of this one frame
        at += 2
        while gif[at]:
            at += gif[at] + 1
        at += 1
    assert gif[at] == 0x2c and not gif[at + 9] & 0x80, "a frame with the colours of all"
    descriptor, end = gif[at:at + 9], at + 11
    while gif[end]:
        end += gif[end] + 1
    pixels = gif[at + 10:end + 1]
    size = bytes([0x80 | gif[10] & 7])
    return gif[:10] + b"\x70" + gif[11:13] + b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00" + b"".join(
        b"\x21\xf9\x04\x04\x05\x00\x00\x00" + descriptor + size + colours[3 * (number % 16):] + colours[:3 * (number % 16)] + pixels
        for number in range(frames)) + b";"
