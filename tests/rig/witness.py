"""Records what happens in a world: clients' answers, the store's requests, events, callbacks, the database's changes.

    witness = Witness(folder, seed=7)
    world = World(…, witness=witness)
    …
    evidence = witness.judge()                  # once everything has ended
"""
import collections
import contextlib
import hashlib
import io
import json
import pathlib
import re
import signal
import subprocess
import threading
import time
import urllib.parse
import zipfile

from scripts import local_gateway
from tests.rig import checker, fault_proxy, history

HERE = pathlib.Path(__file__).resolve().parent
CANARIES = (b"CANARY", b"SECRET-SERIAL", b"SECRET-PERSON", b"Photogate")  # in the metadata of every picture that tests send
SIGNED = re.compile(rb"X-Amz-Signature=[0-9A-Fa-f]{16}|X-Amz-Credential=\w|\bv1,[A-Za-z0-9+/]{43}=|whsec_[A-Za-z0-9+/]{8}")
# Of a package that is ready: in JSON, and in a row's text, where each quotation mark stands twice.
STORE_LINK = re.compile(rb'"+store_url"+: ?"+http[^"]+"')
COUNTS = ("Put", "Post", "CompleteMultipartUpload")
# Transactions that are idle for longer are noted; the promise is about network and decode work, which takes longer still.
IDLE_TRANSACTIONS = r"""
select 'idle|' || application_name || '|' || round(extract(epoch from clock_timestamp() - state_change) * 1000) || '|' ||
       left(regexp_replace(query, '\s+', ' ', 'g'), 80)
from pg_stat_activity
where datname = 'photogate' and application_name not in ('psql', '') and state like 'idle in transaction%'
  and clock_timestamp() - state_change > interval '300 ms' \watch 0.2
"""


def event_id(source, record):
    """The gateway's identity of an event: the hash of its defining fields."""
    subject = record["s3"]["object"]
    key = urllib.parse.unquote_plus(subject["key"])
    name = record["eventName"].removeprefix("s3:")
    parts = [source, record["s3"]["bucket"]["name"], key, subject.get("versionId") or subject.get("eTag") or "",
             subject.get("sequencer", ""), name]
    return hashlib.sha256("".join(f"{len(part.encode())}:{part}" for part in parts).encode()).hexdigest()


class Witness:
    def __init__(self, folder, seed=1):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.seed = seed
        self.history = history.History(self.folder / "history.jsonl")
        self.world = None
        self.store = None
        self.events = None
        self._gateways = 0
        self._names = {}
        self._suspended = set()  # the names of those whose process is suspended
        self._sampler = None
        self._closed = threading.Event()

    def note(self, who, fact, **fields):
        return self.history.note(who, fact, **fields)

    # ---- what stands between the parts

    def before_events(self, url):
        """The address to which the store sends its events."""
        target = urllib.parse.urlsplit(url)
        self.events = fault_proxy.FaultProxy(target.hostname, target.port, self.seed, self._event, keep_bodies=True)
        return f"{self.events.url}{target.path}"

    def watch(self, world):
        self.world = world
        self.store = fault_proxy.FaultProxy("127.0.0.1", world.stack.minio.port, self.seed, self._store_request)
        world.receiver.on_callback = self._callback
        self.adopt(world.gateway)
        self._sampler = threading.Thread(target=self._sample, daemon=True)
        self._sampler.start()

    def adopt(self, gateway):
        """Another gateway of this world to observe."""
        name = f"gateway{self._gateways}"
        self._gateways += 1
        self._names[gateway] = name
        minio = self.world.stack.minio
        gateway.environment |= {"PHOTOGATE_S3_ENDPOINT": self.store.url, "PHOTOGATE_S3_PUBLIC_ENDPOINT": minio.endpoint,
                                "PHOTOGATE_DATABASE_URL": f"{self.world.stack.postgres.url}&application_name={name}"}
        migrate, launch, request = gateway.migrate, gateway.launch, gateway.request
        gateway.migrate = lambda: (migrate(), self.install())
        lives = iter(range(1, 1_000_000))

        def launched(*arguments, environment=None):
            # Each life under a name of its own: what a dead process held is not its successor's.
            own = f"{self.world.stack.postgres.url}&application_name={name}.{next(lives)}"
            launch(*arguments, environment={"PHOTOGATE_DATABASE_URL": own, **(environment or {})})

        gateway.launch = launched

        def witnessed(method, path, body=None, headers=None, key=None, **rest):
            asked = self._ask(method, path, body, headers)
            try:
                status, answered, found = request(method, path, body, headers, key, **rest)
            except OSError as error:
                if asked:
                    self.note("client", "unanswered", call=asked, method=method, path=path, error=type(error).__name__)
                raise
            self._answered(asked, method, path, body, headers, status, answered, found)
            return status, answered, found

        gateway.request = witnessed
        return gateway

    @contextlib.contextmanager
    def suspended(self, gateway):
        """Stops its process meanwhile. A transaction that was open then stays open, and is not held against it."""
        name = self._names[gateway]
        self._suspended.add(name)
        gateway.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            gateway.process.send_signal(signal.SIGCONT)
            time.sleep(1)
            self._suspended.discard(name)

    def install(self):
        """The database's own record of its changes; does nothing where it is there."""
        self.world.sql((HERE / "witness.sql").read_text())

    def close(self):
        self._closed.set()
        for proxy in (self.store, self.events):
            if proxy:
                proxy.close()
        if self._sampler:
            self._sampler.join(10)
        self.history.close()

    # ---- facts

    def _ask(self, method, path, body, headers):
        interesting = (method in ("POST", "DELETE") and path.startswith("/v1/uploads")) or path.startswith("/i/")
        if not interesting:
            return None
        made = self.note("client", "asked", method=method, path=path, idempotency_key=(headers or {}).get("Idempotency-Key"))
        return made["n"]

    def _answered(self, call, method, path, body, headers, status, answered, found):
        if method == "POST" and path == "/v1/uploads":
            if status == 201:
                request = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.note("client", "created", call=call, upload=found["id"], state=found["state"], key=object_key(found),
                          public_id=found["links"]["image"].rsplit("/", 1)[1], declared_sha256=None,
                          idempotency_key=(headers or {}).get("Idempotency-Key"), request=hashlib.sha256(request).hexdigest())
            else:
                self.note("client", "refused", call=call, status=status, retry_after=answered.get("retry-after"))
            return
        upload = re.match(r"/v1/uploads/(upl_[0-9a-z]+)(/complete)?(\?|$)", path)
        if upload and method == "DELETE":
            self.note("client", "delete_answered", call=call, upload=upload[1], status=status,
                      state=found.get("state") if isinstance(found, dict) else None)
        elif upload and status == 200 and isinstance(found, dict) and "state" in found:
            self.note("client", "read", call=call, upload=upload[1], state=found["state"], sha256=found.get("sha256"))
        elif path.startswith("/i/"):
            digest = hashlib.sha256(found).hexdigest() if isinstance(found, bytes) and status == 200 else None
            self.note("stranger", "image_read", call=call, public_id=re.split(r"[/?.]", path[3:])[0], path=path, status=status, sha256=digest,
                      content_type=answered.get("content-type"))

    def send(self, created, data, expect="published"):
        """Sends the file to the store, and records the answer."""
        digest = hashlib.sha256(data).hexdigest()
        self.note("client", "put_asked", upload=created["id"], sha256=digest, size=len(data), expect=expect)
        try:
            status, headers, body = local_gateway.send_fully(created["upload"], data)
        except OSError as error:
            self.note("client", "put_unanswered", upload=created["id"], sha256=digest, error=type(error).__name__)
            raise
        kind = "put_acknowledged" if status in (200, 201, 204) else "put_refused"
        self.note("client", kind, upload=created["id"], key=object_key(created), status=status, sha256=digest, size=len(data),
                  etag=headers.get("etag", "").strip('"') or None, expect=expect)
        return status, body

    def _store_request(self, exchange):
        minio = self.world.stack.minio
        if exchange.bucket not in (minio.incoming, minio.public, minio.originals) or not exchange.key or "probe/" in exchange.key:
            return
        if "uploadId" in exchange.query and exchange.method != "POST":
            return  # of parts: the object is there when they are joined
        step = {"multipart": "begin" if "uploads" in exchange.query else "join"} if exchange.method == "POST" else {}
        self.note("store", "store_request", **step, method=exchange.method, bucket=exchange.bucket, key=exchange.key, status=exchange.status,
                  if_match=exchange.headers.get("if-match"), copy_source=exchange.headers.get("x-amz-copy-source"),
                  asked_at=exchange.at, fault=exchange.fault)

    def _event(self, exchange):
        if exchange.method != "POST":
            return  # the store probes its target from time to time
        ids = []
        try:
            for record in json.loads(exchange.body)["Records"]:
                key = urllib.parse.unquote_plus(record["s3"]["object"]["key"])
                if record["eventName"].removeprefix("s3:").removeprefix("ObjectCreated:") in COUNTS and not key.endswith("/"):
                    ids.append([key, event_id("minio", record)])
        except (ValueError, KeyError, TypeError):
            pass
        self.note("store", "event", status=exchange.status, records=ids, asked_at=exchange.at, fault=exchange.fault)

    def _callback(self, callback):
        body = callback.body
        self.note("receiver", "callback", message=callback.headers.get("webhook-id"), verified=body is not None,
                  problem=callback.problem, sha256=hashlib.sha256(callback.raw).hexdigest(), status=callback.status,
                  **({"id": body["id"], "type": body["type"], "upload": body["data"]["id"], "state": body["data"]["state"],
                      "sequence": body["data"]["sequence"], "image": body["data"].get("image"), "variants": body["data"].get("variants")} if body else {}))

    def _sample(self):
        postgres = self.world.stack.postgres
        while not self._closed.wait(0.3):
            if not postgres.running:
                continue
            identity = {"user": postgres.user.pw_uid, "group": postgres.user.pw_gid, "extra_groups": []} if postgres.user else {}
            shell = subprocess.Popen([postgres.bindir / "psql", "-XAtq", "-h", postgres.sockets, "-U", "photogate", "-d", "photogate"],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd="/", **identity)
            shell.stdin.write(IDLE_TRANSACTIONS)
            shell.stdin.flush()
            threading.Thread(target=lambda shell=shell: self._closed.wait() and shell.kill(), daemon=True).start()
            for line in shell.stdout:
                if line.startswith("idle|"):
                    _, actor, milliseconds, query = line.rstrip("\n").split("|", 3)
                    if actor.partition(".")[0] in self._suspended:
                        continue
                    self.note("database", "idle_transaction", actor=actor, milliseconds=float(milliseconds), query=query)
            shell.wait()

    # ---- afterwards

    def evidence(self):
        """All evidence as one JSON-able value: the facts, the database, the public bucket, the results of anonymous access, leaks."""
        return {
            "facts": list(self.history.facts), "database": self._database(), "public": self._public(),
            "originals": self._keys(self.world.stack.minio.originals), "incoming": self._keys(self.world.stack.minio.incoming),
            "packages": self._packages(), "unfinished": self._unfinished(), "anonymous": self._anonymous(), "leaks": self._leaks(), "now": time.time(),
            "silent": ["upload.expired"],
        }

    def _database(self):
        columns = {
            "uploads": "id, public_id, app, state, method, bucket, key, generation, pinned_etag, pinned_size, found_sha256, declared_sha256, "
                       "image_key, image_etag, image_sha256, sequence, rejection_code",
            "jobs": "id, subject_id, generation, kind, attempt, lease_token",
            "callbacks": "id, subject_id, type, sequence, state, attempts, encode(sha256(convert_to(body, 'UTF8')), 'hex') as sha256, "
                         "body = '' as erased",
            "packages": "id, mode, state, size, object_key, multipart",
            "images": "upload_id, role, spec_key, key, sha256, state",
            "resumables": "upload_id, beginning, epoch, received, length, state",
            "chunks": "upload_id, beginning, first, size, epoch",
            "part_uploads": "upload_id, store_id is not null as begun",
            "idempotency_keys": "app, key, request_sha256, upload_id",
            "witness.changes": "n, extract(epoch from at) as at, txid, actor, of, was, becomes",
        }
        return {table.rsplit(".")[-1]: json.loads(self.world.sql(
            f"select coalesce(json_agg(t), '[]') from (select {names} from {table} order by 1) t")) for table, names in columns.items()}

    def _keys(self, bucket):
        return [key for key, _ in self._listed(bucket)]

    def _listed(self, bucket):
        minio = self.world.stack.minio
        query, found = {"list-type": "2"}, []
        while True:
            text = minio.call("GET", f"/{bucket}", query)[1].decode()
            found += re.findall(r"<Key>(.*?)</Key><LastModified>(.*?)</LastModified>", text)
            following = re.search(r"<NextContinuationToken>(.*?)</NextContinuationToken>", text)
            if not following:
                return [pair for pair in found if "probe/" not in pair[0]]
            query["continuation-token"] = following[1]

    def _packages(self):
        """The stored packages, and whether each is a zip whose every entry has its sum."""
        minio = self.world.stack.minio
        found = []
        for key in self._keys(minio.originals):
            if not key.startswith("z/"):
                continue
            data = minio.call("GET", f"/{minio.originals}/{key}")[1]
            try:
                sound = zipfile.ZipFile(io.BytesIO(data)).testzip() is None
            except zipfile.BadZipFile:
                sound = False
            found.append({"key": key, "size": len(data), "sound": sound})
        return found

    def _unfinished(self):
        """The uploads of which the store has a multipart upload that is neither joined nor given up."""
        minio = self.world.stack.minio
        # The store lists them by their whole key alone.
        keys = self.world.sql("select u.id || ' ' || u.key from uploads u left join resumables r on r.upload_id = u.id "
                              "where u.method = 'multipart' or r.length > 16 * 1024 * 1024")
        found = []
        for identity, key in (line.split(" ") for line in keys.splitlines()):
            text = minio.call("GET", f"/{minio.incoming}", {"prefix": key, "uploads": ""})[1].decode()
            found += [identity] * text.count("<UploadId>")
        return found

    def _public(self):
        minio = self.world.stack.minio
        found = []
        for key, modified in self._listed(minio.public):
            data = minio.call("GET", f"/{minio.public}/{key}")[1]
            found.append({"key": key, "modified": modified, "size": len(data), "sha256": hashlib.sha256(data).hexdigest(),
                          "canaries": [word.decode() for word in CANARIES if word in data]})
        return found

    def _anonymous(self):
        """The results of anonymous access to the buckets."""
        minio = self.world.stack.minio
        asked = []
        for bucket in (minio.incoming, minio.originals, minio.public):
            targets = [("GET", f"/{bucket}"), ("GET", f"/{bucket}?list-type=2&prefix=u/")]
            targets += [(method, f"/{bucket}/{key}") for key in self._keys(bucket)[:10] for method in ("GET", "HEAD")]
            for method, target in targets:
                status = unsigned(minio.port, method, target)
                asked.append({"bucket": bucket, "method": method, "target": target, "status": status})
        return asked

    def _leaks(self):
        minio, world = self.world.stack.minio, self.world
        secrets = {"the signer's secret": minio.signer.secret, "the worker's secret": minio.worker.secret,
                   "the store's root secret": minio.root.secret, "the callbacks' secret": world.app.secret.removeprefix("whsec_"),
                   "an API key": world.app.key, "the events' token": world.stack.events_token}
        texts = {"the log": world.gateway.log.read_bytes() if world.gateway.log.exists() else b"",
                 "the callbacks received": b"\n".join(c.raw for c in world.receiver.callbacks)}
        try:
            metrics = world.gateway.request("GET", "/metrics", port=world.metrics_port)[2]
            texts["the metrics"] = metrics if isinstance(metrics, bytes) else json.dumps(metrics).encode()
        except OSError:
            pass
        for table in ("timeline", "callbacks", "callback_attempts", "event_quarantine", "jobs"):
            texts[f"the table {table}"] = world.sql(f"select string_agg(t::text, chr(10)) from {table} t").encode()
        found = []
        for where, text in texts.items():
            found += [{"where": where, "what": name} for name, secret in secrets.items() if secret.encode() in text]
            found += [{"where": where, "what": match[0].decode()[:24]} for match in SIGNED.finditer(STORE_LINK.sub(b"", text))][:3]
        return found

    def judge(self):
        """Returns the evidence if the checker finds no violation; otherwise keeps it in a file."""
        evidence = self.evidence()
        found = checker.check(evidence)
        if found:
            path = self.folder / "evidence.json"
            path.write_text(json.dumps(evidence))
            raise AssertionError("\n".join([*map(str, found[:20]), f"{len(found)} violations; evidence: {path}"]))
        return evidence


def object_key(created):
    """The object key of a presigned upload."""
    grant = created["upload"]
    if grant.get("fields"):
        return grant["fields"].get("key")
    if grant.get("parts"):
        parts = grant["parts"]["data"]
        return urllib.parse.unquote(urllib.parse.urlsplit(parts[0]["url"]).path.split("/", 2)[2]) if parts else None
    return urllib.parse.unquote(urllib.parse.urlsplit(grant["url"]).path.split("/", 2)[2])


def unsigned(port, method, target):
    import http.client
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, target)
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


def tally(facts):
    return dict(collections.Counter(each["fact"] for each in facts))
