#!/usr/bin/env python3
"""photogate with everything it needs, on this machine, until Ctrl-C. Called by ./run, which installs and builds.

    ./run                   starts PostgreSQL, MinIO and the gateway; prints one line that uploads a photo and one that shows it
    ./run --demo [PHOTO]    takes a photo through, and prints each step as it happens

Data and keys stay in ./var over runs; nothing is left running.
"""
import argparse
import http.client
import json
import os
import pathlib
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse

import local_gateway
import stack as parts
import webhook_receiver

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "release"
BOLD, DIM, PLAIN = ("\033[1m", "\033[2m", "\033[0m") if sys.stdout.isatty() else ("", "", "")


class Settings:
    """Ports, keys and secrets, made once and kept: a second run is the same gateway."""

    def __init__(self, var):
        self.path = var / "settings.json"
        known = json.loads(self.path.read_text()) if self.path.exists() else {}
        self.values = {
            "port": known.get("port") or 8080, "metrics_port": known.get("metrics_port") or 9180,
            "receiver_port": known.get("receiver_port") or 8081,
            "events_token": known.get("events_token") or secrets.token_hex(32),
            "key": known.get("key") or local_gateway.new_api_key("demo"),
            "operator_key": known.get("operator_key") or local_gateway.new_api_key("ops"),
            "secret": known.get("secret") or local_gateway.new_callback_secret(),
        }

    def take_port(self, name, wanted):
        """The wanted one where it is given; else the known one, or a free one where that is taken."""
        port = wanted or self.values[name]
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                if wanted:
                    raise parts.StackError(f"port {port} is taken: choose another with --port") from None
                port = parts.free_port()
        self.values[name] = port
        return port

    def save(self):
        self.path.write_text(json.dumps(self.values, indent=2))
        os.chmod(self.path, 0o600)


def say(text=""):
    print(text, flush=True)


def step(started, text):
    say(f"{DIM}{(time.monotonic() - started) * 1000:7.0f} ms{PLAIN}  {text}")


def lines_for_people(gateway, app, receiver):
    created = gateway.create({"filename": "photo.jpg", "expires_in": 3600}, app)
    status, _, token = gateway.request("POST", "/v1/tokens", {"profile": "photos", "max_uploads": 1000, "expires_in": 7 * 86400}, key=app.key)
    if status != 201:
        raise parts.StackError(f"POST /v1/tokens answered {status}: {token}")
    # Behind the `#`, a browser keeps what stands there to itself, and the pages take it out of the address at once.
    say(f"\n{BOLD}photogate is ready.{PLAIN} Open this page and drop a photo on it:\n\n  {BOLD}{gateway.url}{token['links']['page']}{PLAIN}\n")
    say(f"Watch it happen: http://127.0.0.1:{gateway.metrics_port}/operate#key={gateway.apps['ops'].key}\n")
    say(f"API documentation: {gateway.url}/docs   metrics: http://127.0.0.1:{gateway.metrics_port}/metrics   "
        f"callbacks go to {receiver.url} and are printed here\n")
    say(f"Your app server's key:\n\n  KEY={app.key}\n")
    say(f"Upload photo.jpg of the folder you are in (the grant is for one file, within the hour):\n\n  {created['upload']['curl']}\n")
    say(f"Show what became of it:\n\n  curl -s '{gateway.url}/v1/uploads/{created['id']}?wait=20' -H 'Authorization: Bearer {app.key}'\n")
    say(f"Ask for another grant:\n\n  curl -s {gateway.url}/v1/uploads -H 'Authorization: Bearer {app.key}' "
        "-H 'Content-Type: application/json' -d '{\"filename\":\"photo.jpg\"}'\n")
    say(f"{DIM}Data is kept in ./var. Ctrl-C stops everything.{PLAIN}")


def on_callback(callback):
    if callback.body is None:
        return say(f"  callback refused: {callback.problem}")
    data = callback.body["data"]
    image = (data.get("image") or {}).get("url", "")
    reason = (data.get("rejection") or {}).get("code", "")
    say(f"  callback {BOLD}{callback.body['type']}{PLAIN} {data['id']} {image or reason}")


def facts_of(path):
    """What exiftool sees in a file, if it is there; the demo is only clearer with it."""
    if not shutil.which("exiftool"):
        return []
    done = subprocess.run(["exiftool", "-a", "-G1", "-s", "-Make", "-Model", "-SerialNumber", "-DateTimeOriginal", "-GPSLatitude",
                           "-GPSLongitude", "-XMP:all", "-IPTC:all", "-ThumbnailImage", str(path)], capture_output=True, text=True)
    return [line.strip() for line in done.stdout.splitlines() if line.strip()]


def demo_photo(folder):
    """A photo as a phone makes one, for who gives none."""
    sys.path.insert(0, str(ROOT / "tests" / "e2e"))
    import pictures
    path = folder / "demo.jpg"
    path.write_bytes(pictures.photo(4000, 3000, orientation=6))
    return path


def demo(gateway, app, receiver, photo):
    data = photo.read_bytes()
    say(f"\n{BOLD}{photo.name}{PLAIN}, {len(data):,} bytes. What is in it:")
    for line in facts_of(photo) or ["(install exiftool to see it here)"]:
        say(f"      {line[:110]}")
    say()
    started = time.monotonic()
    created = gateway.create({"filename": photo.name, "size": len(data), "metadata": {"order_id": "A-1001"}}, app)
    step(started, f"POST /v1/uploads → {created['id']}, a URL for {urllib.parse.urlsplit(created['upload']['url']).netloc}")
    status, answer = local_gateway.send(created["upload"], data)
    step(started, f"{created['upload']['method']} to the store → {status}")
    if status not in (200, 201, 204):
        raise parts.StackError(f"the store refused: {answer.decode(errors='replace')}")
    sent = time.monotonic()
    received = receiver.wait_for_upload(created["id"], "upload.received", 30)
    step(started, f"callback upload.received, verified: {received.body['data']['filename']}, {received.body['data']['size']:,} bytes, "
                  f"bucket {received.body['data']['bucket']}, metadata {json.dumps(received.body['data']['metadata'])}")
    ended = receiver.wait_for(lambda c: c.body and c.body["data"]["id"] == created["id"]
                              and c.body["type"] in ("upload.published", "upload.rejected", "upload.failed"), 60)
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
        say("\n  What came out, as an independent reader sees it: " + (", ".join(facts_of(file.name)) or "nothing private"))
    say(f"  and as the callback says: {json.dumps(upload['privacy'])}")
    _, _, timeline = gateway.request("GET", f"/v1/uploads/{created['id']}/timeline", key=app.key)
    say("\n  timeline: " + " → ".join(entry["event"] for entry in timeline["data"]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--demo", nargs="?", const="", metavar="PHOTO", help="take this photo (or one made here) through, then stop")
    parser.add_argument("--port", type=int, help="where the gateway listens (8080)")
    parser.add_argument("--var", default=str(ROOT / "var"), help="where data is kept")
    arguments = parser.parse_args()
    photo = None
    if arguments.demo:
        photo = pathlib.Path(arguments.demo)
        if not photo.is_file():
            parser.error(f"there is no file {photo}")
    var = pathlib.Path(arguments.var)
    var.mkdir(parents=True, exist_ok=True)
    settings = Settings(var)
    try:
        with parts.interrupts():
            return serve(settings, var, arguments, photo)
    except parts.Interrupted:
        say("\nstopped")
        return 0
    except parts.StackError as error:
        print(f"run: {error}", file=sys.stderr)
        return 1


def serve(settings, var, arguments, photo):
    port = settings.take_port("port", arguments.port)
    metrics_port, receiver_port = settings.take_port("metrics_port", None), settings.take_port("receiver_port", None)
    settings.save()
    values = settings.values
    say("starting PostgreSQL and MinIO …")
    with parts.Stack(var_dir=var / "stack", events_url=f"http://127.0.0.1:{port}/v1/events/minio", events_token=values["events_token"]) as stack, \
            webhook_receiver.Receiver(values["secret"], receiver_port, on_callback=lambda c: arguments.demo is None and on_callback(c)) as receiver:
        app = local_gateway.App("demo", receiver.url, {"photos": {}}, key=values["key"], secret=values["secret"])
        operator = local_gateway.App("ops", role="operator", key=values["operator_key"])
        with local_gateway.Gateway(BUILD, var, stack, port, metrics_port, [app, operator]) as gateway:
            if arguments.demo is not None:
                demo(gateway, app, receiver, photo or demo_photo(var))
                return 0
            lines_for_people(gateway, app, receiver)
            code = gateway.process.wait()
            raise parts.StackError(f"photogate ended with {code}:\n{gateway.log_tail()}")


if __name__ == "__main__":
    sys.exit(main())
