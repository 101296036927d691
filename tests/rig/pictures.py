"""Pictures that tests make for themselves: a scene with detail in it, and a camera's metadata written by exiftool."""
import functools
import pathlib
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
        draft = path.with_name("draft-" + path.name)
        noise, blurred = FOLDER / f"noise-{seed}-{width}x{height}.v", FOLDER / f"scene-{seed}-{width}x{height}.v"
        _run("vips", "perlin", noise, width, height, "--cell-size", "64", "--seed", str(seed))
        _run("vips", "linear", noise, blurred, "120", "128", "--uchar")
        _run("vips", "bandjoin", f"{blurred} {blurred} {blurred}", FOLDER / "rgb.v")
        _run("vips", "copy", FOLDER / "rgb.v", f"{draft}[Q=90]" if suffix == ".jpg" else draft, "--interpretation", "srgb")
        _run("exiftool", "-q", "-overwrite_original", "-n", f"-Orientation={orientation}", "-Make=Photogate", "-Model=Test One",
             "-DateTimeOriginal=2026:11:20 12:34:56", "-SerialNumber=SECRET-SERIAL-1234", f"-GPSLatitude={LATITUDE}",
             "-GPSLatitudeRef=N", f"-GPSLongitude={LONGITUDE}", "-GPSLongitudeRef=E", "-XMP:Creator=SECRET-PERSON",
             *(["-IPTC:By-line=SECRET-PERSON"] if suffix == ".jpg" else []), draft)
        draft.rename(path)
        for scratch in (noise, blurred, FOLDER / "rgb.v"):
            scratch.unlink(missing_ok=True)
    return path.read_bytes()


def metadata(data, suffix=".jpg"):
    """exiftool's view, by group, without what it says of the file itself."""
    import json
    with tempfile.NamedTemporaryFile(suffix=suffix) as file:
        file.write(data)
        file.flush()
        text = subprocess.run(["exiftool", "-a", "-u", "-G1", "-ee", "-json", "-n", file.name], capture_output=True, check=True).stdout
    return {name: value for name, value in json.loads(text)[0].items()
            if name.split(":")[0] not in ("System", "SourceFile", "ExifTool", "Composite")}
