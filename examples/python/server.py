"""An app server with uploads: it asks photogate for each upload, hears of the result by a signed callback, and shows the pictures.

Python's standard library alone. PHOTOGATE_URL, PHOTOGATE_KEY and CALLBACK_SECRET say which photogate; PORT, where this listens.
"""
import base64
import hashlib
import hmac
import http.server
import json
import os
import pathlib
import re
import threading
import time
import urllib.error
import urllib.request

URL, KEY, SECRET = (os.environ[name] for name in ("PHOTOGATE_URL", "PHOTOGATE_KEY", "CALLBACK_SECRET"))
PROFILE = os.environ.get("PHOTOGATE_PROFILE", "photos")
PORT = int(os.environ.get("PORT", "3000"))
PAGE = (pathlib.Path(__file__).parent.parent / "page.html").read_bytes()
LARGEST_BODY = 1_000_000

pictures = {}  # by upload id; an app has a table for them
lock = threading.Lock()


# ---- photogate


def photogate(method, path, body=None, idempotency_key=None):
    """(status, answer): a refusal is an answer too."""
    request = urllib.request.Request(URL + path, json.dumps(body).encode() if body is not None else None, method=method)
    request.add_header("Authorization", f"Bearer {KEY}")
    if body is not None:
        request.add_header("Content-Type", "application/json")
    if idempotency_key:
        request.add_header("Idempotency-Key", idempotency_key)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refusal:
        return refusal.code, json.load(refusal)


def create_upload(name, media_type, size, idempotency_key):
    """Who may ask, for what, and how often, is the app's own matter: here anybody may."""
    wanted = {"profile": PROFILE, "filename": name, "size": size} | ({"content_type": media_type} if media_type else {})
    status, upload = photogate("POST", "/v1/uploads", wanted, idempotency_key)
    if status == 201:
        with lock:
            pictures.setdefault(upload["id"], {"id": upload["id"], "name": name, "state": "created", "sequence": 0})
    return status, upload


def verify(secret, headers, body):
    """Whether the body was signed with the secret in the last five minutes. It never raises."""
    message, stamp, signatures = (headers.get(f"webhook-{name}") or "" for name in ("id", "timestamp", "signature"))
    if not message or not (stamp.isascii() and stamp.isdecimal() and len(stamp) < 12) or abs(time.time() - int(stamp)) > 300:
        return False
    signed = f"{message}.{stamp}.".encode(errors="replace") + body
    expected = base64.b64encode(hmac.new(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256).digest())
    entries = (entry.partition(",") for entry in signatures.split(" "))
    return any(version == "v1" and hmac.compare_digest(signature.encode(errors="replace"), expected) for version, _, signature in entries)


def record(data):
    """Callbacks may come twice and out of order: `sequence` says which is newer."""
    image, rejection = data.get("image") or {}, data.get("rejection") or {}
    with lock:
        known = pictures.get(data["id"])
        if known and data["sequence"] > known["sequence"]:
            known.update(state=data["state"], sequence=data["sequence"], url=image.get("url"), width=image.get("width"),
                         height=image.get("height"), reason=rejection.get("code"))


# ---- this server


class Refused(Exception):
    def __init__(self, status, problem):
        super().__init__(problem)
        self.status = status


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/":
            return self.answer(200, PAGE, "text/html; charset=utf-8")
        if self.path == "/pictures":
            with lock:
                return self.answer(200, list(reversed(pictures.values())))
        self.answer(404, {"problem": "there is no such page"})

    def do_POST(self):
        try:
            body = self.body()
            if self.path == "/hooks":
                genuine = verify(SECRET, self.headers, body)
                if genuine:
                    record(json.loads(body)["data"])
                return self.answer(204 if genuine else 400)
            if self.path == "/uploads":
                wanted = json.loads(body)
                status, upload = create_upload(wanted["name"], wanted.get("type"), wanted["size"], self.headers.get("Idempotency-Key"))
                self.refuse_unless(status == 201, status, upload)
                return self.answer(201, {"id": upload["id"], "upload": upload["upload"]})
            if match := re.fullmatch(r"/uploads/(upl_\w+)/complete", self.path):
                status, upload = photogate("POST", f"/v1/uploads/{match[1]}/complete")
                self.refuse_unless(status == 200, status, upload)
                return self.answer(200, {})
            self.answer(404, {"problem": "there is no such page"})
        except Refused as refused:
            self.answer(refused.status, {"problem": str(refused)})
        except (ValueError, KeyError, TypeError):
            self.answer(400, {"problem": "the request is not what this server expects"})
        except OSError:
            self.answer(502, {"problem": "photogate did not answer"})

    @staticmethod
    def refuse_unless(fine, status, problem):
        if not fine:
            raise Refused(status, problem.get("detail") or problem["title"])

    def body(self):
        length = self.headers.get("Content-Length") or "0"
        if not (length.isascii() and length.isdecimal()) or int(length) > LARGEST_BODY:
            self.close_connection = True
            raise Refused(413, "the body is too large")
        return self.rfile.read(int(length))

    def answer(self, status, body=None, media_type="application/json"):
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        if body is not None:
            self.send_header("Content-Type", media_type)
        if status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    print(f"http://127.0.0.1:{PORT}", flush=True)
    http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
