#!/usr/bin/env python3
"""photogate with everything it needs, on this machine, until Ctrl-C. Called by ./run, which installs and builds.

    ./run                   starts `photogate all`; prints the address of a page to drop a photo on, and lines to copy
    ./run --demo [PHOTO]    takes a photo through, and prints each step as it happens

Data and keys stay in ./var over runs; nothing is left running.
"""
import argparse
import contextlib
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse

from scripts import local_gateway, webhook_receiver
from tests.rig import stack as parts

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "release"
BOLD, DIM, PLAIN = ("\033[1m", "\033[2m", "\033[0m") if sys.stdout.isatty() else ("", "", "")


def say(text=""):
    print(text, flush=True)


def step(started, text):
    say(f"{DIM}{(time.monotonic() - started) * 1000:7.0f} ms{PLAIN}  {text}")


def lines_for_people(gateway, receiver):
    app = gateway.app
    if app is None:
        say(f"\n{BOLD}photogate is ready{PLAIN} at {gateway.url}, with the apps of {gateway.folder}/photogate.toml. Ctrl-C stops everything.")
        return
    created = gateway.create({"filename": "photo.jpg", "expires_in": 3600})
    status, _, token = gateway.request("POST", "/v1/tokens", {"profile": next(iter(app.profiles)), "max_uploads": 1000, "expires_in": 7 * 86400}, key=app.key)
    if status != 201:
        raise parts.StackError(f"POST /v1/tokens answered {status}: {token}")
    # Browsers never send the part after the `#`, and the pages remove it from the URL immediately.
    say(f"\n{BOLD}photogate is ready.{PLAIN} Open this page and drop a photo on it:\n\n  {BOLD}{urllib.parse.urljoin(gateway.url, token['links']['page'])}{PLAIN}\n")
    say(f"Watch it happen: http://127.0.0.1:{gateway.metrics_port}/operate#key={gateway.operator_key}\n")
    callbacks = f"callbacks go to {app.callback_url}" + (" and are printed here" if receiver else "") if app.callback_url else "no callbacks"
    say(f"API documentation: {gateway.url}/docs   metrics: http://127.0.0.1:{gateway.metrics_port}/metrics   {callbacks}\n")
    say(f"Your app server's key:\n\n  KEY={app.key}\n")
    say(f"Upload photo.jpg of the folder you are in (the URL is for one file, within the hour):\n\n  {created['upload']['curl']}\n")
    say(f"Show the result:\n\n  curl -s '{gateway.url}/v1/uploads/{created['id']}?wait=20' -H 'Authorization: Bearer {app.key}'\n")
    say(f"Request another upload:\n\n  curl -s {gateway.url}/v1/uploads -H 'Authorization: Bearer {app.key}' "
        "-H 'Content-Type: application/json' -d '{\"filename\":\"photo.jpg\"}'\n")
    say(f"{DIM}Everything is kept in {gateway.folder}, and configured by its photogate.toml. Ctrl-C stops everything.{PLAIN}")


def on_callback(callback):
    if callback.body is None:
        return say(f"  callback refused: {callback.problem}")
    data = callback.body["data"]
    image = (data.get("image") or {}).get("url", "")
    reason = (data.get("rejection") or {}).get("code", "")
    say(f"  callback {BOLD}{callback.body['type']}{PLAIN} {data['id']} {image or reason}")


def facts_of(path):
    """exiftool's view of a file, if it is installed; the demo works without it."""
    if not shutil.which("exiftool"):
        return []
    done = subprocess.run(["exiftool", "-a", "-G1", "-s", "-Make", "-Model", "-SerialNumber", "-DateTimeOriginal", "-GPSLatitude",
                           "-GPSLongitude", "-XMP:all", "-IPTC:all", "-ThumbnailImage", str(path)], capture_output=True, text=True)
    return [line.strip() for line in done.stdout.splitlines() if line.strip()]


def demo_photo(folder):
    """A photo like a phone's, if none is given."""
    from tests.rig import pictures
    path = folder / "demo.jpg"
    path.write_bytes(pictures.photo(4000, 3000, orientation=6))
    return path


def demo(gateway, receiver, photo):
    data = photo.read_bytes()
    say(f"\n{BOLD}{photo.name}{PLAIN}, {len(data):,} bytes. Its metadata:")
    for line in facts_of(photo) or ["(install exiftool to see it here)"]:
        say(f"      {line[:110]}")
    say()
    started = time.monotonic()
    created = gateway.create({"filename": photo.name, "size": len(data), "metadata": {"order_id": "A-1001"}})
    step(started, f"POST /v1/uploads → {created['id']}, a URL for {urllib.parse.urlsplit(created['upload']['url']).netloc}")
    status, answer = local_gateway.send(created["upload"], data)
    step(started, f"{created['upload']['method']} to the store → {status}")
    if status not in (200, 201, 204):
        raise parts.StackError(f"the store refused: {answer.decode(errors='replace')}")
    sent = time.monotonic()
    received = receiver.wait_for_upload(created["id"], "upload.received")
    step(started, f"callback upload.received, verified: {received.body['data']['filename']}, {received.body['data']['size']:,} bytes, "
                  f"bucket {received.body['data']['bucket']}, metadata {json.dumps(received.body['data']['metadata'])}")
    ended = receiver.wait_for(lambda c: c.body and c.body["data"]["id"] == created["id"]
                              and c.body["type"] in ("upload.published", "upload.rejected", "upload.failed"), 120)
    upload = ended.body["data"]
    step(started, f"callback {ended.body['type']}, verified, {(time.monotonic() - sent) * 1000:.0f} ms after the bytes were stored")
    if upload["state"] != "published":
        say(f"\n  {upload['state']}: {upload['rejection']['code']}: {upload['rejection']['detail']}")
        return
    exif = dict(upload["exif"] or {})
    exif.pop("raw", None)
    say(f"\n  read from it:  {json.dumps(exif, ensure_ascii=False)}")
    say(f"  published:     {upload['image']['url']}  {upload['image']['width']}×{upload['image']['height']} "
        f"{upload['image']['format']}, {upload['image']['size']:,} bytes")
    status, _, image = gateway.request("GET", urllib.parse.urlsplit(upload["image"]["url"]).path)
    step(started, f"GET {urllib.parse.urlsplit(upload['image']['url']).path} → {status}, {len(image):,} bytes")
    with tempfile.NamedTemporaryFile(suffix="." + upload["image"]["format"]) as file:
        file.write(image)
        file.flush()
        say("\n  The published picture, as an independent reader sees it: " + (", ".join(facts_of(file.name)) or "nothing private"))
    say(f"  and as the callback reports it: {json.dumps(upload['privacy'])}")
    _, _, timeline = gateway.request("GET", f"/v1/uploads/{created['id']}/timeline", key=gateway.app.key)
    say("\n  timeline: " + " → ".join(entry["event"] for entry in timeline["data"]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--demo", nargs="?", const="", metavar="PHOTO", help="process this photo (or a generated one), then stop")
    parser.add_argument("--port", type=int, help="for the first start: where the gateway listens, and on the next three ports its store, "
                                                 "its metrics and the receiver of callbacks (8080, 9000, 9180, 8081)")
    parser.add_argument("--var", default=str(ROOT / "var"), help="where data is kept")
    arguments = parser.parse_args()
    photo = None
    if arguments.demo:
        photo = pathlib.Path(arguments.demo)
        if not photo.is_file():
            parser.error(f"there is no file {photo}")
    ports = local_gateway.Ports(*range(arguments.port, arguments.port + 3)) if arguments.port else local_gateway.Ports()
    receiver_port = arguments.port + 3 if arguments.port else 8081
    try:
        with parts.interrupts():
            gateway = local_gateway.OneMachine(BUILD, arguments.var, ports, f"http://127.0.0.1:{receiver_port}/hooks")
            if arguments.port and gateway.ports != ports:
                parser.error(f"the ports are configured in {gateway.folder}/photogate.toml: change them there, or choose another --var")
            return serve(gateway, arguments, photo)
    except parts.Interrupted:
        say("\nstopped")
        return 0
    except (parts.StackError, OSError) as error:
        print(f"run: {error}", file=sys.stderr)
        return 1


def receiver_of(gateway, on_callback):
    """Our own receiver, if the app's callback URL is where it would listen; else nothing."""
    app = gateway.app
    url = urllib.parse.urlsplit(app.callback_url or "") if app else None
    if not url or url.scheme != "http" or url.hostname != "127.0.0.1" or url.path != "/hooks":
        return contextlib.nullcontext()
    return webhook_receiver.Receiver(app.secret, url.port or 80, on_callback=on_callback)


def serve(gateway, arguments, photo):
    # A first start makes a database, which takes minutes on a busy machine; one that fails is noticed at once.
    with gateway.start(seconds=300), receiver_of(gateway, lambda c: arguments.demo is None and on_callback(c)) as receiver:
        if arguments.demo is not None:
            if receiver is None:
                raise parts.StackError(f"--demo shows callbacks to a receiver of its own, and {gateway.folder}/photogate.toml names "
                                       "another: choose an empty folder with --var")
            demo(gateway, receiver, photo or demo_photo(gateway.folder))
            return 0
        lines_for_people(gateway, receiver)
        code = gateway.process.wait()
        raise parts.StackError(f"photogate ended with {code}:\n{gateway.log_tail()}")


if __name__ == "__main__":
    sys.exit(main())
