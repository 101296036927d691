"""A callback receiver like an app server's: it verifies Standard Webhooks signatures and records the callbacks.

    with Receiver(secret) as receiver:
        ...                                     # point callbacks at receiver.url
        receiver.wait_for(lambda c: c.body["type"] == "upload.published")

Standard library only. For ./run and the tests; an app server would take the `standardwebhooks` package.
"""
import base64
import dataclasses
import hashlib
import hmac
import http.server
import json
import sys
import threading
import time

TOLERANCE = 300  # seconds, as in the specification's libraries


def verify(secret, headers, body, now=None):
    """The parsed body; ValueError if it can't be trusted."""
    identity, sent_at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not identity or not sent_at.isdigit():
        raise ValueError("webhook-id or webhook-timestamp is missing")
    if abs((now or time.time()) - int(sent_at)) > TOLERANCE:
        raise ValueError("the timestamp is too far from now")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{identity}.{sent_at}.".encode() + body, hashlib.sha256).digest()
    expected = "v1," + base64.b64encode(digest).decode()
    if not any(hmac.compare_digest(expected, each) for each in headers.get("webhook-signature", "").split(" ")):
        raise ValueError("no signature matches")
    return json.loads(body)


@dataclasses.dataclass
class Callback:
    at: float
    path: str
    headers: dict
    raw: bytes
    body: dict | None  # None where it could not be verified
    problem: str
    status: int = 0  # the answer to it


class _Server(http.server.ThreadingHTTPServer):
    # A gateway opens as many connections at once as it has senders. Beyond this many the kernel drops them, and each is tried
    # again a second later: the library's own 5 is less than the share of one URL.
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """Ignore a sender that was killed midway."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Receiver:
    """`answer(callback)` may return (status, headers, body) for a test's fault; None is 204."""

    def __init__(self, secret, port=0, answer=None, on_callback=None):
        self.secret = secret
        self.answer = answer or (lambda callback: None)
        self.on_callback = on_callback or (lambda callback: None)
        self.callbacks = []
        self._changed = threading.Condition()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                length = int(self.headers.get("content-length", 0))
                raw = self.rfile.read(length)
                if len(raw) < length:  # its sender died midway: no answer was sent
                    self.close_connection = True
                    return
                headers = {name.lower(): value for name, value in self.headers.items()}
                try:
                    body, problem = verify(receiver.secret, headers, raw), ""
                except ValueError as error:
                    body, problem = None, str(error)
                callback = Callback(time.time(), self.path, headers, raw, body, problem)
                status, extra, answer = receiver.answer(callback) or (204 if body else 401, {}, b"")
                callback.status = status
                with receiver._changed:
                    receiver.callbacks.append(callback)
                    receiver._changed.notify_all()
                receiver.on_callback(callback)
                self.send_response(status)
                for name, value in extra.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self._server = _Server(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @property
    def port(self):
        return self._server.server_address[1]

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/hooks"

    def of(self, upload, kind=None):
        """The verified callbacks about one upload, in order of arrival."""
        with self._changed:
            return [c for c in self.callbacks
                    if c.body and c.body["data"]["id"] == upload and (kind is None or c.body["type"] == kind)]

    def wait_for(self, wanted, seconds=60):
        deadline = time.monotonic() + seconds
        with self._changed:
            while True:
                for callback in self.callbacks:
                    if wanted(callback):
                        return callback
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    raise TimeoutError(f"no such callback in {seconds} s; there were "
                                       f"{[c.body['type'] if c.body else c.problem for c in self.callbacks]}")

    def wait_for_upload(self, upload, kind, seconds=60):
        return self.wait_for(lambda c: c.body and c.body["data"]["id"] == upload and c.body["type"] == kind, seconds)

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
