"""The command line: exit codes, help, signing as boto3 signs, and a reference page that is the program's own table."""
import base64
import datetime
import json
import os
import pathlib
import re
import subprocess
import urllib.parse

import boto3
import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.client import Config
from botocore.credentials import Credentials

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ACCESS, SECRET, TOKEN = "AKIDEXAMPLE", "canary/secret+key0123456789", "canary-session-token=="
AT = "20261120T123456Z"
NOW = datetime.datetime(2026, 11, 20, 12, 34, 56)


@pytest.fixture
def photogate(program, tmp_path):
    def run(*arguments, **variables):
        environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), **variables}
        return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=60, env=environment, cwd=tmp_path)
    return run


@pytest.fixture
def sign(photogate):
    def run(method, *arguments, token=None, **variables):
        keys = {"AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET, **({"AWS_SESSION_TOKEN": token} if token else {})}
        return photogate("sign", method, *arguments, "--at", AT, **keys, **variables)
    return run


class Frozen(datetime.datetime):
    @classmethod
    def utcnow(cls):
        return NOW

    @classmethod
    def now(cls, tz=None):
        return NOW.replace(tzinfo=tz)


@pytest.fixture
def frozen(monkeypatch):
    """boto3 signs at AT."""
    import botocore.auth
    import botocore.signers
    if hasattr(botocore.auth, "get_current_datetime"):
        def current(remove_tzinfo=True):
            return NOW if remove_tzinfo else NOW.replace(tzinfo=datetime.UTC)
        monkeypatch.setattr(botocore.auth, "get_current_datetime", current)
        monkeypatch.setattr(botocore.signers, "get_current_datetime", current, raising=False)
    module = type("Clock", (), {"datetime": Frozen, "timedelta": datetime.timedelta, "timezone": datetime.timezone})
    monkeypatch.setattr(botocore.auth, "datetime", module, raising=False)
    monkeypatch.setattr(botocore.signers, "datetime", module, raising=False)


VALID = """
[database]
url = "postgresql://gw:canary-password@db/photogate"
[regions.default]
endpoint = "http://127.0.0.1:9000"
signer_access_key = "s"
signer_secret_key = "canary-signer"
worker_access_key = "w"
worker_secret_key = "canary-worker"
[events.minio]
tokens = ["canary-token-0123456789abcdef0123456789"]
[apps.shop]
keys = ["sha256:{}"]
callback_secrets = ["whsec_{}"]
[apps.shop.profiles.doorstep]
""".format("a" * 64, base64.b64encode(b"canary-callback-secret-000").decode())


# ---- exit codes ----

@pytest.mark.parametrize("arguments, code", [
    (["version"], 0), (["--version"], 0), (["--help"], 0), (["sign", "put", "--help"], 0), (["config", "docs"], 0),
    ([], 2), (["fly"], 2), (["sign"], 2), (["sign", "put"], 2), (["config", "check", "--no-such-flag"], 2), (["key", "new"], 2),
    (["config", "check"], 78), (["config", "check", "--config", "/nowhere"], 78), (["--check-config", "--config", "/nowhere"], 78)])
def test_exit_codes(photogate, arguments, code):
    done = photogate(*arguments)
    assert done.returncode == code, done.stderr
    assert code == 0 or not done.stdout, "what is wrong is said on stderr"


def test_a_full_disk_is_a_failure(program):
    with open("/dev/full", "w") as full:
        assert subprocess.run([program, "version"], stdout=full, stderr=subprocess.DEVNULL, timeout=60).returncode == 1


# ---- configuration ----

def test_reports_every_mistake_at_once_with_its_line(photogate, tmp_path):
    (tmp_path / "photogate.toml").write_text("[server]\nlisen = 1\nio_threads = 0\n" + VALID)
    done = photogate("config", "check", "--config", "photogate.toml", "--log-level", "loud", PHOTOGATE_SERVER_MAX_BODY="big")
    assert done.returncode == 78
    for said in ("photogate.toml:2: unknown key 'server.lisen', did you mean 'listen'?", "photogate.toml:3: server.io_threads is 0",
                 "flag --log-level: ", "environment PHOTOGATE_SERVER_MAX_BODY: ", "4 mistakes"):
        assert said in done.stderr


def test_show_hides_secrets_and_shows_every_origin(photogate, tmp_path):
    (tmp_path / "photogate.toml").write_text(VALID)
    done = photogate("config", "show", "--origin", "--config", "photogate.toml", "--log-level", "warn", PHOTOGATE_LOG_FORMAT="json")
    assert done.returncode == 0, done.stderr
    assert "canary" not in done.stdout + done.stderr
    assert 'level = "warn"  # flag --log-level' in done.stdout
    assert 'format = "json"  # environment PHOTOGATE_LOG_FORMAT' in done.stdout
    assert re.search(r"endpoint = \"http://127.0.0.1:9000\"  # photogate.toml:5\n", done.stdout)


def test_sample_is_valid_as_it_is_and_with_a_database_and_a_store_elsewhere(photogate, tmp_path):
    sample = (ROOT / "etc" / "photogate.toml").read_text()
    done = photogate("config", "check", "--config", ROOT / "etc" / "photogate.toml")
    assert done.returncode == 0, done.stderr
    # What an operator does: other tables, and the secrets in files that the unit's variables name.
    before, store = sample.split("[store]\n")
    store, region = store.split("# [regions.default]")
    elsewhere = before.replace('folder = "/var/lib/photogate/postgres"\n', "") + re.sub(r"^# (\[|\w+ = )", r"\1", "# [regions.default]" + region, flags=re.M)
    elsewhere = re.sub(r"^\w+_file = .*$", "", elsewhere.replace("sha256:…", "sha256:" + "a" * 64), flags=re.M)
    assert 'folder = "/var/lib/photogate/store"' in store and 'endpoint = "http' in elsewhere
    (tmp_path / "elsewhere.toml").write_text(elsewhere)
    secrets = {"database_url": "postgresql://photogate:word@127.0.0.1/photogate", "signer_secret": "s" * 40,
               "worker_secret": "w" * 40, "event_tokens": "t" * 40,
               "callback_secrets": "whsec_" + base64.b64encode(b"k" * 32).decode()}
    for name, text in secrets.items():
        (tmp_path / name).write_text(text + "\n")
        (tmp_path / name).chmod(0o600)
    unit = (ROOT / "etc" / "systemd" / "photogate.service").read_text()
    variables = {name: str(tmp_path / file) for name, file in re.findall(r"^#Environment=(\w+)=%d/(\w+)$", unit, re.M)}
    assert {pathlib.Path(path).name for path in variables.values()} == set(secrets)
    missing = photogate("config", "check", "--config", "elsewhere.toml")
    assert missing.returncode == 78 and "PHOTOGATE_S3_SIGNER_SECRET_KEY" in missing.stderr and "unknown" not in missing.stderr
    done = photogate("config", "check", "--config", "elsewhere.toml", **variables)
    assert done.returncode == 0, done.stderr


def test_reference_page_matches_the_option_table(photogate):
    assert photogate("config", "docs").stdout == (ROOT / "docs" / "configuration.md").read_text()


def test_help_all_shows_each_option_of_the_reference(photogate):
    page = (ROOT / "docs" / "configuration.md").read_text()
    flags = set(re.findall(r"\| `(--[a-z0-9-]+)` \|", page))
    assert len(flags) > 60
    words = set(photogate("config", "check", "--help-all").stdout.split())
    assert not {flag for flag in flags if not any(word.startswith(flag) for word in words)}


def test_new_key_matches_its_line(photogate):
    import hashlib
    done = photogate("key", "new", "--app", "shop")
    key = re.search(r"pg_shop_[0-9a-z]{52}", done.stdout).group(0)
    assert "sha256:" + hashlib.sha256(key.encode()).hexdigest() in done.stdout


# ---- signing ----

ENDPOINT = "http://127.0.0.1:9000"


def presigned_by_boto3(method, key, expires, headers, query, token, region):
    url = f"{ENDPOINT}/photos/" + urllib.parse.quote(key, safe="/-._~")
    if query:
        url += "?" + "&".join(f"{urllib.parse.quote(n, safe='-._~')}={urllib.parse.quote(v, safe='-._~')}" for n, v in query)
    request = AWSRequest(method=method.upper(), url=url, headers=dict(headers))
    S3SigV4QueryAuth(Credentials(ACCESS, SECRET, token), "s3", region, expires=expires).add_auth(request)
    return request.url


def parts(url):
    split = urllib.parse.urlsplit(url.strip())
    return split.scheme, split.netloc, split.path, sorted(split.query.split("&"))


CASES = [
    ("put", "u/202611201234/a.jpg", 900, [], [], None, "us-east-1"),
    ("put", "u/pickup 42.jpg", 900, [("Content-Type", "image/jpeg")], [], None, "us-east-1"),
    ("put", "u/a.jpg", 60, [("Content-Length", "345678"), ("Content-Type", "image/jpeg"), ("If-None-Match", "*")], [], None, "eu-west-1"),
    ("put", "u/a.jpg", 900, [("x-amz-meta-order", "A-1001"), ("x-amz-checksum-sha256", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")], [], None, "us-east-1"),
    ("get", "ü/ö ä+b%2F&=?#.png", 604800, [], [], None, "us-east-1"),
    ("get", "a//b/../c/./d", 1, [], [], None, "us-east-1"),
    ("get", "plain", 900, [], [("response-content-disposition", 'attachment; filename="a b.jpg"'), ("versionId", "3/L4=")], None, "us-east-1"),
    ("get", "plain", 900, [], [], TOKEN, "ap-south-1"),
    ("head", "plain", 900, [], [], None, "us-east-1"),
    ("delete", "~tilde*star'(quote)!", 900, [], [], None, "us-east-1"),
    ("delete", "plain", 900, [], [("uploadId", "VXBsb2Fk+/=")], TOKEN, "us-east-1"),
    ("put", "parts", 900, [], [("partNumber", "7"), ("uploadId", "abc"), ("Z", "1"), ("a", "2")], None, "us-east-1"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{case[1][:12]}-{case[2]}")
def test_signs_like_boto3(sign, frozen, case):
    method, key, expires, headers, query, token, region = case
    done = sign(method, "--endpoint", ENDPOINT, "--region", region, "--bucket", "photos", f"--key={key}", "--expires", expires,
                *[part for name, value in headers for part in ("--header", f"{name}: {value}")],
                *[part for name, value in query for part in ("--query", f"{name}={value}")], token=token)
    assert done.returncode == 0, done.stderr
    assert parts(done.stdout) == parts(presigned_by_boto3(*case))


def test_signs_form_that_boto3_verifies(sign):
    done = sign("post", "--endpoint", ENDPOINT, "--bucket", "photos", "--key", "u/a.jpg", "--header", "Content-Type: image/jpeg",
                "--content-length-range", "1,1000", "--expires", 600, token=TOKEN)
    assert done.returncode == 0, done.stderr
    form = json.loads(done.stdout)
    assert form["url"].rstrip("/") == f"{ENDPOINT}/photos"
    fields = {name.lower(): value for name, value in form["fields"].items()}
    assert fields["key"] == "u/a.jpg" and fields["content-type"] == "image/jpeg" and fields["x-amz-security-token"] == TOKEN
    policy = json.loads(base64.b64decode(fields["policy"]))
    assert ["content-length-range", 1, 1000] in policy["conditions"]
    assert policy["expiration"].startswith("2026-11-20T12:44:56")
    auth = S3SigV4QueryAuth(Credentials(ACCESS, SECRET, TOKEN), "s3", "us-east-1")
    request = AWSRequest(method="POST", url=form["url"])
    request.context["timestamp"] = AT
    assert fields["x-amz-signature"] == auth.signature(fields["policy"], request)


def test_json_has_method_url_and_headers(sign):
    done = sign("put", "--endpoint", ENDPOINT, "--bucket", "photos", "--key", "k", "--header", "Content-Type: image/jpeg", "--json")
    told = json.loads(done.stdout)
    assert told["method"] == "PUT" and told["url"].startswith(f"{ENDPOINT}/photos/k?")
    assert {name.lower(): value for name, value in told["headers"].items()} == {"content-type": "image/jpeg"}


def test_virtual_host_style_puts_bucket_in_host(sign):
    client = boto3.client("s3", "us-east-1", aws_access_key_id=ACCESS, aws_secret_access_key=SECRET,
                          config=Config(signature_version="s3v4", s3={"addressing_style": "virtual"}))
    theirs = client.generate_presigned_url("get_object", {"Bucket": "photos", "Key": "k"})
    done = sign("get", "--endpoint", "https://s3.amazonaws.com", "--bucket", "photos", "--key", "k", "--style", "virtual-host")
    assert urllib.parse.urlsplit(done.stdout).netloc == urllib.parse.urlsplit(theirs).netloc


@pytest.mark.parametrize("arguments, named", [
    (["--expires", "604801"], "--expires"), (["--expires", "x"], "--expires"), (["--at", "yesterday"], "--at"),
    (["--header", "none"], "--header"), (["--endpoint", "ftp://a"], "--endpoint"), (["--bucket", "No"], "--bucket")])
def test_names_wrong_arguments_on_stderr(photogate, arguments, named):
    done = photogate("sign", "put", "--endpoint", ENDPOINT, "--bucket", "photos", "--key", "k", *arguments,
                     AWS_ACCESS_KEY_ID=ACCESS, AWS_SECRET_ACCESS_KEY=SECRET)
    assert done.returncode == 2 and named in done.stderr and not done.stdout
    assert SECRET not in done.stderr


def test_signs_nothing_without_credentials(photogate):
    done = photogate("sign", "get", "--endpoint", ENDPOINT, "--bucket", "photos", "--key", "k")
    assert done.returncode == 2 and "AWS_ACCESS_KEY_ID" in done.stderr
