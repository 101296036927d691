"""What we sign is, byte for byte, what boto3 signs: thousands of awkward keys, headers and parameters, each signed by both.

Ours is signed by `sign_batch` (tests/unit/signer/sign_batch.cpp), which reads requests as JSON lines. PHOTOGATE_BUILD_DIR names
the build folder that holds it. Every case comes from a fixed seed, so a failure can be repeated.
"""

import datetime
import json
import os
import pathlib
import random
import subprocess
import urllib.parse
from unittest import mock

import boto3
import botocore.auth
import botocore.config
import botocore.signers
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

ACCESS_KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
SESSION_TOKEN = "IQoJb3JpZ2luX2VjE/+/A==~-_.%25 &"

PLAIN = list("abcXYZ0189-_.~")
AWKWARD = list(" +%~/.&=?#:;,@!$'()*[]{}|\\^`\"<>") + [
    "//", "..", "/../", "/./", "%2F", "%25", "%zz", "+ +", "  ", "ü", "u\u0308", "日本語", "😀", "\t", "\n", "\r\n", "\x01",
    "\x7f", "${filename}", "\u00a0", "\ufeff", "\u202e",
]
# A header's value may hold no control character. botocore's `str.split()` also folds Unicode's spaces, where SigV4 says
# "spaces": those are left out, as nobody sends them in a header.
HEADER_AWKWARD = [c for c in AWKWARD if c not in ("\t", "\n", "\r\n", "\x01", "\x7f", "\u00a0")] + ["   ", "a  b", "\"c   d\""]
REGIONS = ["us-east-1", "eu-central-1", "auto", "garage"]
ENDPOINTS = [
    "http://127.0.0.1:9000", "https://s3.eu-central-1.amazonaws.com", "https://store.example.com:8443", "http://minio",
    "https://store.example.com:443", "http://store.example.com:80", "http://store.example.com:443",
]
NAMED_ENDPOINTS = [e for e in ENDPOINTS if "127.0.0.1" not in e and e != "http://minio"]


def text(rng, most, alphabet=None):
    parts = (alphabet or AWKWARD) + PLAIN
    return "".join(rng.choice(parts) for _ in range(rng.randint(1, most)))


def key(rng):
    made = text(rng, 24)
    while not made.strip() or len(made.encode()) > 1024:
        made = text(rng, 24)
    return made


def when(rng):
    start = datetime.datetime(2013, 5, 24, tzinfo=datetime.UTC)
    return start + datetime.timedelta(seconds=rng.randrange(20 * 365 * 86400))


def at_clock(moment):
    """botocore asks for the time in two modules."""
    return (
        mock.patch.object(botocore.auth, "get_current_datetime", lambda remove_tzinfo=True: moment.replace(tzinfo=None)),
        mock.patch.object(botocore.signers, "get_current_datetime", lambda remove_tzinfo=True: moment.replace(tzinfo=None)),
    )


def under_clock(moment, call):
    first, second = at_clock(moment)
    with first, second:
        return call()


def quoted(raw, safe=""):
    return urllib.parse.quote(raw, safe=safe + "-._~")


@pytest.fixture(scope="session")
def sign_batch():
    build = os.environ.get("PHOTOGATE_BUILD_DIR")
    if not build:
        pytest.fail("PHOTOGATE_BUILD_DIR names no build folder")
    program = pathlib.Path(build) / "tests" / "tools" / "sign_batch"
    if not program.exists():
        pytest.fail(f"{program} is not built")

    def run(requests):
        lines = "".join(json.dumps(request) + "\n" for request in requests)
        done = subprocess.run([program], input=lines.encode(), capture_output=True, timeout=120, check=True)
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(answers) == len(requests)
        return answers

    return run


def base_request(rng, style, moment):
    endpoint = rng.choice(NAMED_ENDPOINTS if style == "virtual" else ENDPOINTS)
    return {
        "access_key": ACCESS_KEY,
        "secret_key": SECRET_KEY,
        "token": SESSION_TOKEN if rng.random() < 0.25 else None,
        "region": rng.choice(REGIONS),
        "endpoint": endpoint,
        "style": style,
        "bucket": rng.choice(["incoming", "a-b-c", "photos2026"]),
        "key": key(rng),
        "at": moment.strftime("%Y%m%dT%H%M%SZ"),
    }


def default_port_dropped(url):
    """The default port is never signed; the SDK keeps it in the URL, photogate omits it."""
    parts = urllib.parse.urlsplit(url)
    default = {"http": ":80", "https": ":443"}[parts.scheme]
    return url.replace(parts.netloc, parts.netloc.removesuffix(default), 1)


def url_of(request):
    parts = urllib.parse.urlsplit(default_port_dropped(request["endpoint"]))
    if request["style"] == "virtual":
        return f"{parts.scheme}://{request['bucket']}.{parts.netloc}/{quoted(request['key'], '/')}"
    return f"{parts.scheme}://{parts.netloc}/{request['bucket']}/{quoted(request['key'], '/')}"


def credentials_of(request):
    return Credentials(request["access_key"], request["secret_key"], request["token"])


def headers(rng, most):
    names = ["Content-Type", "content-length", "Cache-Control", "X-Amz-Meta-Note",
             "x-amz-tagging", "If-None-Match", "Content-MD5", "X-AMZ-CHECKSUM-SHA256", "range", "x-amz-acl", "x-amz-meta-a-b",
             "x-amz-meta-a.b", "x-amz-meta-a_b", "x-amz-meta-a"]
    chosen = rng.sample(names, rng.randint(0, most))
    return [[name, text(rng, 12, HEADER_AWKWARD)] for name in chosen]


def parameters(rng, most):
    known = ["versionId", "response-content-type", "response-content-disposition", "partNumber", "uploadId", "acl", "tagging",
             "uploads", "prefix", "list-type", "delimiter", "continuation-token", "x-id", "X-Custom", "Y", "a", "A"]
    names = set(rng.sample(known, rng.randint(0, most)))
    if rng.random() < 0.4:
        names.add(text(rng, 6))
    names = sorted(names)
    rng.shuffle(names)
    return [[name, "" if rng.random() < 0.2 else text(rng, 12)] for name in names]


def test_presigned_urls_match_botocore(sign_batch):
    rng = random.Random(20261120)
    requests, expected = [], []
    for _ in range(2500):
        moment = when(rng)
        request = base_request(rng, rng.choice(["path", "virtual"]), moment)
        request |= {
            "op": "presign", "method": rng.choice(["GET", "PUT", "HEAD", "DELETE", "POST"]), "query": parameters(rng, 4),
            "headers": headers(rng, 5), "expires": rng.choice([1, 60, 900, 86400, 604800, rng.randint(1, 604800)]),
        }
        theirs = AWSRequest(method=request["method"], url=url_of(request), params=dict(request["query"]))
        for name, value in request["headers"]:
            theirs.headers[name] = value
        signer = botocore.auth.S3SigV4QueryAuth(credentials_of(request), "s3", request["region"], expires=request["expires"])
        under_clock(moment, lambda: signer.add_auth(theirs))
        requests.append(request)
        expected.append(theirs.url)
    for request, theirs, ours in zip(requests, expected, sign_batch(requests)):
        assert ours.get("url") == theirs, (request, ours)
        assert ours["headers"] == request["headers"]


def test_signed_headers_match_botocore(sign_batch):
    rng = random.Random(4711)
    requests, expected = [], []
    for _ in range(1500):
        moment = when(rng)
        body = rng.randbytes(rng.randint(0, 40))
        request = base_request(rng, rng.choice(["path", "virtual"]), moment)
        request |= {"op": "headers", "method": rng.choice(["GET", "PUT", "HEAD", "DELETE", "POST"]),
                    "query": parameters(rng, 4), "headers": headers(rng, 5)}
        query = "&".join(f"{quoted(name)}={quoted(value)}" for name, value in request["query"])
        url = url_of(request) + ("?" + query if query else "")
        theirs = AWSRequest(method=request["method"], url=url, data=body)
        for name, value in request["headers"]:
            theirs.headers[name] = value
        if rng.random() < 0.2:
            theirs.headers["User-Agent"] = "camera/1.0"  # sent, and signed by nobody
            request["headers"].append(["User-Agent", "camera/1.0"])
        theirs.context["payload_signing_enabled"] = sign_payload = rng.random() < 0.8
        theirs.context["client_config"] = botocore.config.Config(s3={"payload_signing_enabled": sign_payload})
        signer = botocore.auth.S3SigV4Auth(credentials_of(request), "s3", request["region"])
        under_clock(moment, lambda: signer.add_auth(theirs))
        request["payload_sha256"] = theirs.headers["X-Amz-Content-SHA256"]
        requests.append(request)
        expected.append((url, {name.lower(): value for name, value in theirs.headers.items()}))
    for request, (url, theirs), ours in zip(requests, expected, sign_batch(requests)):
        assert ours.get("url") == url, (request, ours)
        assert {name.lower(): value for name, value in ours["headers"]} == theirs, request


@pytest.fixture(scope="session")
def client_of():
    made = {}

    def client(request):
        name = (request["endpoint"], request["region"], request["style"], request["token"])
        if name not in made:
            made[name] = boto3.client(
                "s3", endpoint_url=request["endpoint"], region_name=request["region"], aws_access_key_id=ACCESS_KEY,
                aws_secret_access_key=SECRET_KEY, aws_session_token=request["token"],
                config=botocore.config.Config(signature_version="s3v4", s3={"addressing_style": request["style"]}))
        return made[name]

    return client


def operations(rng):
    """boto3's name of an operation, its parameters, and what we are asked: method, query, headers."""
    part, upload, version = rng.randint(1, 10000), text(rng, 12), text(rng, 8)
    disposition, kind, note = text(rng, 12), text(rng, 6, HEADER_AWKWARD).strip() or "x", text(rng, 6, HEADER_AWKWARD).strip() or "y"
    return rng.choice([
        ("get_object", {}, "GET", [], []),
        ("get_object", {"ResponseContentDisposition": disposition}, "GET", [["response-content-disposition", disposition]], []),
        ("get_object", {"VersionId": version}, "GET", [["versionId", version]], []),
        ("head_object", {}, "HEAD", [], []),
        ("delete_object", {}, "DELETE", [], []),
        ("get_object_tagging", {}, "GET", [["tagging", ""]], []),
        ("get_object_acl", {}, "GET", [["acl", ""]], []),
        ("create_multipart_upload", {}, "POST", [["uploads", ""]], []),
        ("upload_part", {"PartNumber": part, "UploadId": upload}, "PUT", [["partNumber", str(part)], ["uploadId", upload]], []),
        ("abort_multipart_upload", {"UploadId": upload}, "DELETE", [["uploadId", upload]], []),
        ("put_object", {}, "PUT", [], []),
        ("put_object", {"ContentType": kind, "ContentLength": 4711, "IfNoneMatch": "*"}, "PUT", [],
         [["Content-Length", "4711"], ["Content-Type", kind], ["If-None-Match", "*"]]),
        ("put_object", {"Metadata": {"note": note}, "ChecksumSHA256": "uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek="}, "PUT", [],
         [["x-amz-meta-note", note], ["x-amz-checksum-sha256", "uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek="]]),
    ])


def same_query(one, other):
    """The SDK writes an operation's fixed sub-resource as `?acl`, and its parameters in the order of its model."""
    one, other = urllib.parse.urlsplit(one), urllib.parse.urlsplit(other)
    read = [sorted(urllib.parse.parse_qsl(url.query, keep_blank_values=True)) for url in (one, other)]
    return one[:3] == other[:3] and read[0] == read[1]


def test_presigned_urls_match_the_boto3_client(sign_batch, client_of):
    rng = random.Random(99)
    requests, expected = [], []
    for _ in range(800):
        moment = when(rng)
        request = base_request(rng, rng.choice(["path", "virtual"]), moment)
        request["region"] = rng.choice(REGIONS[:2])  # each pair of region and endpoint costs a client
        operation, arguments, method, query, signed = operations(rng)
        if any(ord(c) > 126 for _, value in signed for c in value):
            signed, arguments, operation = [], {}, "put_object"  # boto3 takes ASCII metadata alone
        request |= {"op": "presign", "method": method, "query": query, "headers": signed, "expires": rng.randint(1, 604800)}
        arguments = {"Bucket": request["bucket"], "Key": request["key"], **arguments}
        expected.append(under_clock(moment, lambda: client_of(request).generate_presigned_url(
            operation, Params=arguments, ExpiresIn=request["expires"])))
        requests.append(request)
    for request, theirs, ours in zip(requests, expected, sign_batch(requests)):
        assert same_query(ours.get("url", ""), default_port_dropped(theirs)), (request, ours, theirs)


def test_post_forms_match_the_boto3_client(sign_batch, client_of):
    rng = random.Random(7)
    requests, expected = [], []
    field_names = ["Content-Type", "acl", "success_action_status", "x-amz-meta-note", "x-amz-storage-class", "tagging",
                   "Cache-Control", "x-amz-server-side-encryption"]
    for _ in range(600):
        moment = when(rng)
        request = base_request(rng, rng.choice(["path", "virtual"]), moment)
        request["region"] = rng.choice(REGIONS[:2])
        request["key"] = text(rng, 16, HEADER_AWKWARD) + (rng.choice(["", "", "${filename}"]))
        fields = [[name, text(rng, 8, HEADER_AWKWARD)] for name in rng.sample(field_names, rng.randint(0, 4))]
        conditions = []
        if rng.random() < 0.7:
            conditions.append(["content-length-range", 1, rng.choice([1, 2**20, 5 * 2**30, 2**63])])
        if rng.random() < 0.5:
            conditions.append(["starts-with", "x-amz-meta-tag", text(rng, 4, HEADER_AWKWARD)])
        if rng.random() < 0.3:
            conditions.append(["eq", "x-amz-acl", text(rng, 4, HEADER_AWKWARD)])
        request |= {"op": "post", "fields": fields, "conditions": conditions, "expires": rng.randint(1, 604800)}
        theirs = [{name: value} for name, value in fields]
        for condition in conditions:
            if condition[0] == "eq":
                theirs.append({condition[1]: condition[2]})
            elif condition[0] == "starts-with":
                theirs.append(["starts-with", "$" + condition[1], condition[2]])
            else:
                theirs.append(condition)
        expected.append(under_clock(moment, lambda: client_of(request).generate_presigned_post(
            request["bucket"], request["key"], Fields=dict(fields), Conditions=theirs, ExpiresIn=request["expires"])))
        requests.append(request)
    for request, theirs, ours in zip(requests, expected, sign_batch(requests)):
        assert ours.get("url") == default_port_dropped(theirs["url"]), (request, ours)
        assert ours["fields"] == [[name, value] for name, value in theirs["fields"].items()], request
