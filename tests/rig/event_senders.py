"""Stores and clouds that tell of objects, as far as a gateway can see them: what they post and how they sign it, and a queue that is asked.

The bodies are those of tests/data/store_events.
"""
import base64
import datetime
import hashlib
import hmac
import http.server
import json
import subprocess
import threading
import time
import urllib.parse

from tests.data.store_events import make as bodies
from tests.rig.sinks import Sink, respond

TOPIC = bodies.TOPIC
WORD = "w" * 40  # of every sender that has a token


def about(body, bucket, key):
    """A body of tests/data/store_events, about this object instead. `key` has nothing that would have to be encoded."""
    text = bodies.text(body)
    for old in (bodies.KEY, urllib.parse.quote_plus(bodies.KEY, safe="/"), urllib.parse.quote(bodies.PLAIN, safe=""), bodies.PLAIN):
        text = text.replace(old, key)
    return json.loads(text.replace('"incoming"', f'"{bucket}"').replace("/buckets/incoming/", f"/buckets/{bucket}/"))


def basic(password):
    return "Basic " + base64.b64encode(f"photogate:{password}".encode()).decode()


def b2_signature(text, secret=WORD):
    return "v1=" + hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def configuration(issuer, queue, word_of=lambda _: WORD):
    """Sources of every kind; and no round that would find what an event was lost of. `word_of`: the token of a source."""
    simple = "".join(f'[events.{name}]\ndialect = "{name}"\nauthentication = "{how}"\ntokens = ["{word_of(name)}"]\n' for name, how in (
        ("eventbridge", "header"), ("lambda", "bearer"), ("sqs", "bearer"), ("s3", "basic"), ("ceph", "basic"), ("versitygw", "basic"), ("seaweedfs", "bearer"),
        ("rustfs", "bearer"), ("b2", "b2")))
    return f"""
[worker]
reconcile_interval = 3600
{simple}
[events.sns]
dialect = "sns"
sns_topics = ["{TOPIC}"]
sns_hosts = ["{issuer.host}"]
allowed_networks = ["127.0.0.0/8", "::1/128"]
ca_file = "{issuer.authority.ca}"
[events.guarded]
dialect = "sns"
sns_topics = ["{TOPIC}"]
sns_hosts = ["{issuer.host}"]
ca_file = "{issuer.authority.ca}"
[events.gcs]
dialect = "gcs"
oidc_audience = "photogate"
oidc_email = "push@shop.iam.gserviceaccount.com"
oidc_keys_url = "{issuer.url}/keys"
allowed_networks = ["127.0.0.0/8", "::1/128"]
ca_file = "{issuer.authority.ca}"
[events.gcs-shared]
dialect = "gcs"
authentication = "query"
tokens = ["{word_of("gcs-shared")}"]
[events.r2]
dialect = "r2"
queue_url = "{queue.url}"
queue_token = "{WORD}"
queue_interval = "100ms"
"""


class Issuer:
    """Serves what a cloud publishes of its key, over TLS: a certificate as SNS does, and a JWK set; signs with the key; sees who confirms."""

    def __init__(self, authority):
        self.authority = authority
        self.certificate, self.key = authority.issue("cloud", "localhost")
        self.status, self.fields = 200, {}
        self.confirmed = []
        self.fetched = []
        self.sink = Sink(self._answer, certificate=(self.certificate, self.key))
        self.host = f"localhost:{self.sink.port}"
        self.url = f"https://{self.host}"

    def _answer(self, connection, head, _body):
        target = head.split(b" ")[1].decode()
        self.fetched.append(target)
        page = self.certificate.read_bytes() if target.endswith(".pem") else self.keys() if target == "/keys" else b"<ok/>"
        if "ConfirmSubscription" in target and self.status == 200:
            self.confirmed.append(target)
        respond(self.status, self.fields, page)(connection, head, b"")

    def close(self):
        self.sink.close()

    def _openssl(self, *words, data=None):
        return subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, input=data).stdout

    def raw_signature(self, content, digest="sha256"):
        return self._openssl("dgst", f"-{digest}", "-sign", self.key, data=content.encode())

    def sign(self, content, digest="sha256"):
        return base64.b64encode(self.raw_signature(content, digest)).decode()

    def keys(self):
        modulus = self._openssl("rsa", "-in", self.key, "-noout", "-modulus").decode().strip().split("=")[1]
        return json.dumps({"keys": [{"kty": "RSA", "kid": "key-1", "alg": "RS256", "n": bodies.url64(bytes.fromhex(modulus)), "e": "AQAB"}]}).encode()

    def token(self, **changes):
        now = int(time.time())
        claims = {"iss": "https://accounts.google.com", "aud": "photogate", "email": "push@shop.iam.gserviceaccount.com", "email_verified": True,
                  "iat": now, "exp": now + 3600, **changes}
        content = bodies.url64(b'{"alg":"RS256","kid":"key-1"}') + "." + bodies.url64(json.dumps(claims).encode())
        return content + "." + bodies.url64(base64.b64decode(self.sign(content)))

    def sns(self, message, kind="Notification", version="2", age=0, signed=None, **changes):
        """(headers, text) of a message of SNS. `signed`: what it says instead, and is signed; `changes`: what is changed afterwards."""
        at = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=age)
        subscribe = {"SubscribeURL": f"{self.url}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=t"} if kind != "Notification" else {}
        body = bodies.sns(message, kind, Timestamp=at.strftime("%Y-%m-%dT%H:%M:%S.000Z"), SignatureVersion=version, **subscribe,
                          SigningCertURL=f"{self.url}/SimpleNotificationService-1.pem")
        body.update(signed or {})
        names = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
        content = "".join(f"{name}\n{body[name]}\n" for name in names if name in body)
        body["Signature"] = self.sign(content, "sha256" if version == "2" else "sha1")
        return {"x-amz-sns-message-type": kind, "x-amz-sns-topic-arn": TOPIC, "Content-Type": "text/plain; charset=UTF-8"}, json.dumps({**body, **changes})


class Queue:
    """Cloudflare Queues as a pull consumer sees them: what is pulled is hidden for a while, and gone once it is acknowledged."""

    def __init__(self, token=WORD, hidden_for=2.0):
        self.token, self.hidden_for = token, hidden_for
        self.messages = {}  # lease: (body, hidden until)
        self.pulls = self.refused = 0
        self.before_acknowledged = None  # called once, in place of the next acknowledgement, which is lost
        self._lock = threading.Lock()
        queue = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if "acks" in body and queue.before_acknowledged:
                    instead, queue.before_acknowledged = queue.before_acknowledged, None
                    instead()
                    self.close_connection = True
                    return
                status, answer = queue.answer(self.path, self.headers.get("Authorization"), body)
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/client/v4/accounts/a/queues/q"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def put(self, body):
        with self._lock:
            self.messages[f"lease-{len(self.messages)}-{time.monotonic_ns()}"] = (body, 0.0)

    def left(self):
        with self._lock:
            return len(self.messages)

    def answer(self, path, authorization, body):
        with self._lock:
            if authorization != f"Bearer {self.token}":
                self.refused += 1
                return 403, {"success": False}
            if path.endswith("/messages/ack"):
                for each in body["acks"]:
                    self.messages.pop(each["lease_id"], None)
                return 200, {"success": True, "result": {"ackCount": len(body["acks"])}}
            self.pulls += 1
            now, found = time.monotonic(), []
            for lease, (text, hidden_until) in list(self.messages.items())[:body["batch_size"]]:
                if now >= hidden_until:
                    self.messages[lease] = (text, now + self.hidden_for)
                    found.append({"body": base64.b64encode(text.encode()).decode(), "id": lease, "lease_id": lease, "attempts": 1,
                                  "timestamp_ms": 1, "metadata": {"CF-Content-Type": "json"}})
            return 200, {"success": True, "errors": [], "messages": [], "result": {"messages": found}}

    def close(self):
        self._server.shutdown()
        self._server.server_close()
