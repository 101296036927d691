"""Runs other projects' functional tests against a store, one test at a time, and empties the store between two of them.

    python3 -m tests.suites.runner versitygw http://127.0.0.1:9000 ACCESS SECRET [PART_OF_A_NAME]

A run prints a line for each test: `passed`, `failed` or `timed out`, the name, and what the test said.
"""
import concurrent.futures
import contextlib
import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import boto3
import botocore.exceptions
from botocore.config import Config

SECONDS = 60  # for one test
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclasses.dataclass(frozen=True)
class Store:
    """Where a suite runs: an endpoint, and the key that may do everything there."""
    endpoint: str
    access: str
    secret: str

    def client(self):
        return boto3.client("s3", endpoint_url=self.endpoint, aws_access_key_id=self.access, aws_secret_access_key=self.secret,
                            region_name="us-east-1", config=Config(signature_version="s3v4", s3={"addressing_style": "path"},
                                                                   retries={"max_attempts": 1}, request_checksum_calculation="when_required"))


@dataclasses.dataclass(frozen=True)
class Outcome:
    name: str
    verdict: str  # passed, failed, timed out
    said: str = ""


def tool(name):
    folders = [os.environ.get("PHOTOGATE_TOOLS") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "photogate", "bin")]
    found = shutil.which(name, path=os.pathsep.join(folders)) or shutil.which(name)
    if not found:
        raise SystemExit(f"{name} is not installed: run scripts/install-stores")
    return pathlib.Path(found)


def empty(store, keep=()):
    """Removes every bucket but those of `keep`, whatever a test left in them."""
    s3 = store.client()
    for bucket in (each["Name"] for each in s3.list_buckets()["Buckets"] if each["Name"] not in keep):
        with contextlib.suppress(botocore.exceptions.ClientError):  # a policy that denies us too
            s3.delete_bucket_policy(Bucket=bucket)
        with contextlib.suppress(botocore.exceptions.ClientError):
            for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
                for each in page.get("Versions", []) + page.get("DeleteMarkers", []):
                    s3.delete_object(Bucket=bucket, Key=each["Key"], VersionId=each["VersionId"], BypassGovernanceRetention=True)
        with contextlib.suppress(botocore.exceptions.ClientError):
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
                for each in page.get("Contents", []):
                    s3.delete_object(Bucket=bucket, Key=each["Key"])
        with contextlib.suppress(botocore.exceptions.ClientError):
            for each in s3.list_multipart_uploads(Bucket=bucket).get("Uploads", []):
                s3.abort_multipart_upload(Bucket=bucket, Key=each["Key"], UploadId=each["UploadId"])
        with contextlib.suppress(botocore.exceptions.ClientError):
            s3.delete_bucket(Bucket=bucket)


# What the store does not claim to be: IAM, versions, websites, retention, grants to other accounts.
VERSITYGW_OUT_OF_SCOPE = re.compile(
    "^(IAM|S3IAM|Versioning_|WebsiteHosting|AccessControl_|WORM|NoAcl|ListObjectVersions|PublicBucket"
    "|.*(legal_hold|retention|_lock|object_lock)"
    "|(Put|Get|Delete)(Bucket(Website|OwnershipControls|Acl|Versioning)|Object(Retention|LegalHold|LockConfiguration|Acl)))")


def versitygw_names():
    """The names of its tests that are in scope, in alphabetical order."""
    text = subprocess.run([tool("versitygw"), "test", "--help"], check=True, capture_output=True, text=True).stdout
    names = re.findall(r"^   ([A-Z]\w+_\w+)\s", text, re.MULTILINE)
    if len(names) < 500:
        raise RuntimeError(f"versitygw lists {len(names)} tests: its help has another form than expected")
    return sorted(name for name in names if not VERSITYGW_OUT_OF_SCOPE.match(name))


def run_versitygw(store, name):
    command = [tool("versitygw"), "test", "--access", store.access, "--secret", store.secret, "--endpoint", store.endpoint, name]
    # Its SDK refuses to start where this variable is set.
    environment = {key: value for key, value in os.environ.items() if key != "AWS_CA_BUNDLE"}
    try:
        with tempfile.TemporaryDirectory() as folder:
            # Some of its tests sign with the program that they expect in the current folder.
            (pathlib.Path(folder) / "versitygw").symlink_to(tool("versitygw"))
            done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return Outcome(name, "timed out")
    lines = COLOURS.sub("", done.stdout + done.stderr).splitlines()
    said = next((line.removeprefix("FAIL ").removeprefix(f"{name}: ") for line in lines if line.startswith("FAIL")), "")
    return Outcome(name, "passed" if done.returncode == 0 else "failed", said or (lines[-1] if done.returncode and lines else ""))


def run_all(store, names, run, keep=()):
    """Yields an Outcome for each name. One at a time: the suites name their buckets alike in each process."""
    for name in names:
        empty(store, keep)
        yield run(store, name)
    empty(store, keep)


def side_by_side(stores, names, run, keep=()):
    """{label: {name: Outcome}}; the stores beside each other, each with one test at a time."""
    with concurrent.futures.ThreadPoolExecutor(len(stores)) as pool:
        futures = {label: pool.submit(lambda store=store: {each.name: each for each in run_all(store, names, run, keep)})
                   for label, store in stores.items()}
        return {label: future.result() for label, future in futures.items()}


if __name__ == "__main__":
    suite, endpoint, access, secret, *rest = sys.argv[1:]
    chosen = [name for name in versitygw_names() if not rest or rest[0] in name]
    for outcome in run_all(Store(endpoint, access, secret), chosen, run_versitygw):
        print(f"{outcome.verdict:<9} {outcome.name} {outcome.said}", flush=True)
