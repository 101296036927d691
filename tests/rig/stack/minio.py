"""A private MinIO with the buckets, users, policies and webhook targets that photogate wants."""
import contextlib
import http.client
import io
import json
import os
import pathlib
import re
import shutil
import signal
import time
import urllib.parse
import zipfile

from tests.rig.stack.keys import AccessKey, signed_headers
from tests.rig.stack.process import ROOT, Child, StackError, free_port, tail, wait_until

POLICIES = ROOT / "etc" / "minio"


def _minio_binary():
    tools = os.environ.get("PHOTOGATE_TOOLS") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "photogate", "bin")
    for candidate in (os.environ.get("PHOTOGATE_MINIO"), os.path.join(tools, "minio"), shutil.which("minio"),
                      os.path.expanduser("~/go/bin/minio")):
        if candidate and os.access(candidate, os.X_OK):
            return candidate
    raise StackError("MinIO is not installed: run scripts/install-stores")


class Minio(Child):
    """One MinIO on one drive. Keys: `root`, `signer` (etc/minio/signer-policy.json), `worker` (worker-policy.json)."""

    name = "MinIO"
    death_signal = signal.SIGTERM

    incoming, public, originals = "incoming", "public", "originals"

    def __init__(self, folder, log, keep, events_url, events_token, signer_policy="photogate-signer", port=None):
        super().__init__(log)
        self.binary = _minio_binary()
        self.folder = pathlib.Path(folder)
        self.keep = keep
        self.events_url = events_url
        self.events_token = events_token
        self.signer_policy = signer_policy
        self.more_environment = {}  # for a test's own settings
        self.administered = False  # other users, policies or settings than it was set up with
        self._port_given = port is not None
        self.port = port
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.root, self.signer, self.worker = self._keys()

    def _keys(self):
        file = self.folder / "keys.json"
        roles = ("root", "signer", "worker")
        if file.exists():
            kept = json.loads(file.read_text())
            return [AccessKey(**kept[role]) for role in roles]
        made = [AccessKey.make(role) for role in roles]
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            json.dump({role: vars(key) for role, key in zip(roles, made)}, out)
        return made

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        if self.running:
            return
        for attempt in range(5):
            if self.port is None:
                self.port = free_port()
            self._launch()
            try:
                wait_until(self.ready, 60, "MinIO", lambda: self.running)
                break
            except StackError as error:
                died = not self.running
                self.stop()
                # Another process took the free port between asking for it and binding it.
                if died and not self._port_given and attempt < 4 and "address already in use" in tail(self.log):
                    self.port = None
                    continue
                raise StackError(f"{error}\n{tail(self.log)}") from None
        self._port_given = True  # from here on it is the address that others know
        self._set_up()

    def _launch(self):
        queue = self.folder / "events"
        queue.mkdir(mode=0o700, exist_ok=True)
        env = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": str(self.folder),
            "MINIO_ROOT_USER": self.root.access, "MINIO_ROOT_PASSWORD": self.root.secret,
            "MINIO_BROWSER": "off", "MINIO_UPDATE": "off",
        }
        for target in ("direct", "queued"):
            env |= {f"MINIO_NOTIFY_WEBHOOK_ENABLE_{target}": "on",
                    f"MINIO_NOTIFY_WEBHOOK_ENDPOINT_{target}": self.events_url,
                    f"MINIO_NOTIFY_WEBHOOK_AUTH_TOKEN_{target}": self.events_token}
        env["MINIO_NOTIFY_WEBHOOK_QUEUE_DIR_queued"] = str(queue)
        env |= self.more_environment
        self._spawn([self.binary, "server", "--quiet", "--address", f"127.0.0.1:{self.port}",
                     "--certs-dir", str(self.folder / "certs"), str(self.folder / "drive")], env=env)

    def ready(self):
        """/minio/health/cluster: live and ready say yes before the notification rules are loaded."""
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
            try:
                connection.request("GET", "/minio/health/cluster")
                return connection.getresponse().status == 200
            finally:
                connection.close()
        return False

    def call(self, method, path, query=None, body=b"", headers=None, key=None, accept=(200, 204)):
        """One signed request, as root unless `key` says otherwise: (status, body)."""
        headers, query = headers or {}, query or {}
        self.administered |= path.startswith("/minio/admin")
        target = urllib.parse.quote(path, safe="/-_.~")
        if query:
            target += "?" + urllib.parse.urlencode(query, quote_via=urllib.parse.quote, safe="-_.~")
        signed = signed_headers(key or self.root, method, self.endpoint + target, headers, body)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, target, body=body, headers=signed)
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        if accept is not None and response.status not in accept:
            raise StackError(f"MinIO: {method} {path}: {response.status} {answer[:400].decode(errors='replace')}")
        return response.status, answer

    def empty(self):
        """As it was when it had been started: no objects, no settings of buckets, the events' rules."""
        _, answer = self.call("GET", "/")
        for bucket in re.findall(r"<Name>([^<]+)</Name>", answer.decode()):
            self.call("DELETE", f"/{bucket}", headers={"x-minio-force-delete": "true"}, accept=(204,))
        # Events of the queued target that nobody took.
        for event in (self.folder / "events").rglob("*.event*"):
            event.unlink(missing_ok=True)
        self._set_up()

    def _set_up(self):
        for bucket in (self.incoming, self.public, self.originals):
            self.create_bucket(bucket)
        self.set_policies(self.signer_policy)
        self.administered = False
        rules = "".join(
            f"<QueueConfiguration><Id>{target}</Id><Queue>arn:minio:sqs::{target}:webhook</Queue>"
            "<Event>s3:ObjectCreated:*</Event><Filter><S3Key><FilterRule><Name>prefix</Name><Value>u/</Value></FilterRule>"
            "</S3Key></Filter></QueueConfiguration>" for target in ("direct", "queued"))
        self.call("PUT", f"/{self.incoming}", {"notification": ""},
                  f"<NotificationConfiguration>{rules}</NotificationConfiguration>".encode())

    def create_bucket(self, name):
        status, answer = self.call("PUT", f"/{name}", accept=None)
        if status != 200 and b"BucketAlreadyOwnedByYou" not in answer:
            raise StackError(f"MinIO: bucket {name}: {status} {answer[:400].decode(errors='replace')}")

    def policy(self, role):
        """The role's policy from etc/minio, over this MinIO's buckets."""
        text = (POLICIES / f"{role}-policy.json").read_text()
        for name, bucket in (("incoming", self.incoming), ("public", self.public), ("originals", self.originals)):
            text = text.replace(f"photogate-{name}", bucket)
        return json.loads(text)

    def set_policies(self, signer_policy="photogate-signer"):
        """Users and their policies, in one import. A test of the start-up proof gives the signer another policy, such as
        MinIO's own `readwrite`."""
        policies = {f"photogate-{role}": self.policy(role) for role in ("signer", "worker")}
        users = {key.access: {"secretKey": key.secret, "status": "enabled"} for key in (self.signer, self.worker)}
        mappings = {user: {"version": 1, "policy": policy, "updatedAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
                    for user, policy in ((self.signer.access, signer_policy), (self.worker.access, "photogate-worker"))}
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for name, content in (("policies", policies), ("users", users), ("user_mappings", mappings)):
                archive.writestr(f"iam-assets/{name}.json", json.dumps(content))
        self.call("PUT", "/minio/admin/v3/import-iam", body=packed.getvalue())

    def set_events(self, url, token):
        """Points both webhook targets elsewhere; they take effect at a restart, which this makes where it runs."""
        self.events_url, self.events_token = url, token
        if self.running:
            self.restart()

    def stop(self):
        self._end(signal.SIGTERM, 10)

    def kill(self):
        self._end(signal.SIGKILL, 5)

    def remove(self):
        if not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)
