"""Uppy Companion, the usual alternative for uploads to S3: installed by npm into the build folder, started as in its documentation, one process."""
import contextlib
import http.client
import json
import os
import shutil
import subprocess
import time

from harness import ROOT, NotMeasured, parts

VERSION = "6.2.2"
FOLDER = ROOT / "build" / "bench" / "companion"
PACKAGE = {
    "name": "companion-under-load", "private": True, "dependencies": {"@uppy/companion": VERSION},
    # 6.2.2 pins 3.986.0, which the registry lacks.
    "overrides": {"@aws-sdk/s3-presigned-post": "3.987.0"},
}
QUERY = "/s3/params?filename=pickup%2042.jpg&type=image%2Fjpeg&metadata%5Border_id%5D=A-1001"


def install():
    if not (shutil.which("npm") and shutil.which("node")):
        raise NotMeasured("npm is not installed")
    installed = FOLDER / "node_modules" / "@uppy" / "companion" / "package.json"
    if installed.exists() and json.loads(installed.read_text())["version"] == VERSION:
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "package.json").write_text(json.dumps(PACKAGE))
    try:
        done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--loglevel=error"], cwd=FOLDER, capture_output=True, text=True,
                              timeout=150)
    except subprocess.TimeoutExpired:
        raise NotMeasured("npm install took longer than 150 s") from None
    if done.returncode != 0:
        raise NotMeasured(f"npm install failed: {done.stderr.strip().splitlines()[-1:]}")


@contextlib.contextmanager
def running(bench, minio):
    """The URL of /s3/params of a Companion that signs for the same MinIO."""
    install()
    port = parts.free_port()
    env = {**os.environ, "NODE_ENV": "production", "COMPANION_PORT": str(port), "COMPANION_DOMAIN": f"127.0.0.1:{port}",
           "COMPANION_SECRET": "a secret of this run alone", "COMPANION_PREAUTH_SECRET": "another secret of this run",
           "COMPANION_DATADIR": str(bench.folder), "COMPANION_CLIENT_ORIGINS": "true", "COMPANION_UPLOAD_URLS": "http://127.0.0.1/",
           "COMPANION_AWS_KEY": minio.signer.access, "COMPANION_AWS_SECRET": minio.signer.secret, "COMPANION_AWS_REGION": parts.REGION,
           "COMPANION_AWS_BUCKET": minio.incoming, "COMPANION_AWS_ENDPOINT": minio.endpoint, "COMPANION_AWS_FORCE_PATH_STYLE": "true"}
    with bench.server(["node", FOLDER / "node_modules" / "@uppy" / "companion" / "bin" / "companion"], env=env) as (child, log):
        deadline = time.monotonic() + 20
        while True:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
                connection.request("GET", QUERY)
                answer = connection.getresponse()
                body = json.loads(answer.read())
                connection.close()
                break
            except OSError:
                if child.poll() is not None or time.monotonic() > deadline:
                    raise NotMeasured(f"it did not start: {log.read_text(errors='replace')[-300:]}") from None
                time.sleep(0.1)
        if answer.status != 200 or not body.get("fields", {}).get("X-Amz-Signature"):
            raise NotMeasured(f"/s3/params answered {answer.status}")
        yield f"http://127.0.0.1:{port}{QUERY}"
