"""The built-in store, spoken to by the clients that people have, as they come: boto3, aws, mc, rclone, curl's form."""
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import threading
import time
import zlib

import boto3
import botocore.exceptions
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.config import Config

from tests.rig import pictures
from tests.rig import stack as parts


@pytest.fixture
def world(builtin_world):
    return builtin_world


def client(store, key=None, **config):
    key = key or store.root
    return boto3.client("s3", endpoint_url=store.endpoint, aws_access_key_id=key.access, aws_secret_access_key=key.secret,
                        region_name="us-east-1", config=Config(signature_version="s3v4", s3={"addressing_style": "path"}, retries={"max_attempts": 1}, **config))


@pytest.fixture
def s3(world):
    return client(world.stack.minio)


@pytest.fixture
def bucket(s3, request):
    name = "t" + hashlib.sha1(request.node.name.encode()).hexdigest()[:12]
    s3.create_bucket(Bucket=name)
    yield name
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=name):
        for each in page.get("Contents", []):
            s3.delete_object(Bucket=name, Key=each["Key"])
    for each in s3.list_multipart_uploads(Bucket=name).get("Uploads", []):
        s3.abort_multipart_upload(Bucket=name, Key=each["Key"], UploadId=each["UploadId"])
    s3.delete_bucket(Bucket=name)


def code(error):
    return error.value.response["Error"]["Code"]


def tool(name):
    """The program, or a failure: a test that is skipped where it counts is no test."""
    ours = [os.path.dirname(sys.executable), os.environ.get("PHOTOGATE_TOOLS", os.path.expanduser("~/.cache/photogate/bin"))]
    found = shutil.which(name, path=os.pathsep.join(ours)) or shutil.which(name)
    assert found, f"{name} is not installed (scripts/install-stores, tests/requirements.txt)"
    return found


def run(command, env=None, text=None, cwd=None):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, input=text, timeout=120, cwd=cwd, env={**os.environ, **(env or {})})
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


# ---- the gateway on it


def test_passes_startup_proof_and_doctor_reports_one_machine(world, program):
    done = subprocess.run([program, "doctor", "--config", world.gateway.config], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "signer.copy.originals" in done.stdout and "stranger.get.incoming" in done.stdout
    assert "folder of this machine" in done.stdout
    assert "tight: no file, socket or program can be had" in done.stdout
    assert "one machine only" in world.gateway.log.read_text()
    status, _, ready = world.gateway.request("GET", "/readyz?verbose")
    assert status == 200 and ready["store"]["limit"] == "one machine only", ready
    assert ready["imager"]["jail"] == "tight", ready
    for key in (world.stack.minio.root, world.stack.minio.signer, world.stack.minio.worker):
        assert key.secret not in world.gateway.log.read_text()


def test_rejects_second_gateway_on_the_same_folder_with_clear_message(world, program, tmp_path):
    text = world.gateway.config.read_text()
    for port in (world.port, world.metrics_port, world.stack.minio.port):
        text = text.replace(f":{port}", f":{parts.free_port()}")
    second = tmp_path / "second.toml"
    second.write_text(text)
    second.chmod(0o600)
    done = subprocess.run([program, "all", "--config", second], capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and "in use" in done.stderr, done.stderr


def test_presigned_urls_and_client_tokens_survive_restart_with_kept_keys(own_world):
    world = own_world(store="builtin")
    photo = pictures.photo(320, 240, seed=77)
    created = world.create({"size": len(photo)})
    token = world.request("POST", "/v1/tokens", {"expires_in": 600})[2]["token"]
    world.gateway.stop()
    world.gateway.restart()
    from scripts import local_gateway
    status, answer = local_gateway.send(created["upload"], photo)
    assert status == 200, answer
    assert world.gateway.wait_for(created)["state"] == "published"
    status, _, by_token = world.gateway.request("POST", "/v1/uploads", {"size": len(photo)}, {"Authorization": f"Bearer {token}"})
    assert status == 201, by_token


@pytest.mark.slow
def test_loses_nothing_acknowledged_when_killed_at_random(own_world):
    world = own_world(store="builtin")
    from scripts import local_gateway
    photo = pictures.photo(320, 240, seed=78)
    acknowledged = []
    stop = threading.Event()

    def upload():
        while not stop.is_set():
            try:
                created = world.create({"size": len(photo)})
                if local_gateway.send(created["upload"], photo)[0] == 200:
                    acknowledged.append(created["id"])
            except Exception:  # noqa: BLE001: the gateway is away
                time.sleep(0.05)

    threads = [threading.Thread(target=upload) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(4):
        before = len(acknowledged)
        parts.wait_until(lambda: len(acknowledged) > before + 5, 60, "traffic")
        world.gateway.kill()
        world.gateway.restart()
    stop.set()
    for thread in threads:
        thread.join()
    for each in acknowledged:
        assert world.gateway.wait_for(each, 120)["state"] == "published"


# ---- boto3


@pytest.mark.client("boto3", "S3 API")
def test_boto3_puts_gets_heads_lists_copies_and_deletes(s3, bucket):
    body = os.urandom(1_000_000)
    put = s3.put_object(Bucket=bucket, Key="a/b c+é.bin", Body=body, ContentType="image/x", Metadata={"order": "42"}, CacheControl="max-age=9")
    assert put["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    assert put["ChecksumCRC32"], "boto3 sends one of its own accord, as a trailer"
    got = s3.get_object(Bucket=bucket, Key="a/b c+é.bin")
    assert got["Body"].read() == body and got["ContentType"] == "image/x" and got["Metadata"] == {"order": "42"}
    assert s3.get_object(Bucket=bucket, Key="a/b c+é.bin", Range="bytes=-7")["Body"].read() == body[-7:]
    head = s3.head_object(Bucket=bucket, Key="a/b c+é.bin", ChecksumMode="ENABLED")
    assert head["ContentLength"] == len(body) and head["ChecksumCRC32"] == put["ChecksumCRC32"] and head["CacheControl"] == "max-age=9"
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "a/b c+é.bin"})
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["a/b c+é.bin", "copy"]
    assert [each["Key"] for each in s3.list_objects(Bucket=bucket, Prefix="a/")["Contents"]] == ["a/b c+é.bin"]
    removed = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "copy"}, {"Key": "a/b c+é.bin"}]})
    assert len(removed["Deleted"]) == 2
    with pytest.raises(botocore.exceptions.ClientError) as error:
        s3.get_object(Bucket=bucket, Key="copy")
    assert code(error) == "NoSuchKey"


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
def test_enforces_boto3_checksums(s3, bucket, algorithm):
    put = s3.put_object(Bucket=bucket, Key="c", Body=b"123456789", ChecksumAlgorithm=algorithm)
    head = s3.head_object(Bucket=bucket, Key="c", ChecksumMode="ENABLED")
    assert head[f"Checksum{algorithm}"] == put[f"Checksum{algorithm}"]
    with pytest.raises(botocore.exceptions.ClientError) as error:
        s3.put_object(Bucket=bucket, Key="c", Body=b"123456789", ChecksumCRC32="AAAAAA==")
    assert code(error) == "BadDigest"


@pytest.mark.client("boto3", "S3 API")
def test_boto3_uploads_multipart_and_reads_back(s3, bucket, tmp_path):
    source = tmp_path / "large"
    source.write_bytes(os.urandom(1 << 20) * 23)
    s3.upload_file(str(source), bucket, "large", Config=TransferConfig(multipart_threshold=8 << 20, multipart_chunksize=8 << 20))
    assert s3.head_object(Bucket=bucket, Key="large")["ETag"].endswith('-3"')
    s3.download_file(bucket, "large", str(tmp_path / "back"), Config=TransferConfig(multipart_threshold=8 << 20))
    assert (tmp_path / "back").read_bytes() == source.read_bytes()
    begun = s3.create_multipart_upload(Bucket=bucket, Key="parts")
    part = s3.upload_part_copy(Bucket=bucket, Key="parts", UploadId=begun["UploadId"], PartNumber=1,
                               CopySource={"Bucket": bucket, "Key": "large"}, CopySourceRange="bytes=0-5242879")
    listed = s3.list_parts(Bucket=bucket, Key="parts", UploadId=begun["UploadId"])
    assert listed["Parts"][0]["ETag"] == part["CopyPartResult"]["ETag"]
    s3.complete_multipart_upload(Bucket=bucket, Key="parts", UploadId=begun["UploadId"],
                                 MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["CopyPartResult"]["ETag"]}]})
    assert s3.get_object(Bucket=bucket, Key="parts")["Body"].read() == source.read_bytes()[:5242880]


def test_boto3_conditional_writes(s3, bucket):
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*")
    with pytest.raises(botocore.exceptions.ClientError) as error:
        s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*")
    assert code(error) == "PreconditionFailed"
    s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfMatch=first["ETag"])
    with pytest.raises(botocore.exceptions.ClientError):
        s3.put_object(Bucket=bucket, Key="k", Body=b"3", IfMatch=first["ETag"])


@pytest.mark.large
def test_lists_a_thousand_and_one_keys_in_pages(s3, bucket):
    keys = [f"p/{number:04}" for number in range(1001)]

    def put(some):
        mine = client_of(s3)
        for key in some:
            mine.put_object(Bucket=bucket, Key=key, Body=b"x")

    def client_of(one):
        return one

    threads = [threading.Thread(target=put, args=(keys[i::4],)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pages = list(s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="p/"))
    assert len(pages) == 2
    assert [each["Key"] for page in pages for each in page["Contents"]] == keys


def test_accepts_boto3_presigned_url_without_extra_headers(world, s3, bucket):
    import requests
    url = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "p"}, ExpiresIn=60)
    assert requests.put(url, data=b"hello", timeout=10).status_code == 200
    stolen = requests.put(url, data=b"", headers={"x-amz-copy-source": f"/{world.stack.minio.originals}/x"}, timeout=10)
    assert stolen.status_code == 403 and "<Code>AccessDenied</Code>" in stolen.text
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "p", "ResponseContentType": "text/x"}, ExpiresIn=60)
    got = requests.get(url, timeout=10)
    assert got.text == "hello" and got.headers["content-type"] == "text/x" and got.headers["x-content-type-options"] == "nosniff"
    assert requests.get(f"{world.stack.minio.endpoint}/{bucket}/p", timeout=10).status_code == 403


def test_memory_stays_flat_while_a_large_object_passes(world, s3, bucket, tmp_path):
    def resident():
        return int(next(line for line in pathlib.Path(f"/proc/{world.gateway.process.pid}/status").read_text().splitlines()
                        if line.startswith("VmRSS")).split()[1])

    size = 400 << 20
    source = tmp_path / "large"
    with open(source, "wb") as out:
        out.truncate(size)
    before = resident()
    import requests
    url = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "large"}, ExpiresIn=600)
    with open(source, "rb") as body:
        assert requests.put(url, data=body, timeout=300).status_code == 200
    got = s3.get_object(Bucket=bucket, Key="large")["Body"]
    crc = 0
    while piece := got.read(1 << 20):
        crc = zlib.crc32(piece, crc)
    assert crc == zlib.crc32(bytes(1 << 20) * 400)
    assert resident() - before < 30_000, f"{before} kB, then {resident()} kB"


# ---- curl's form, aws, mc, rclone


@pytest.mark.client("curl", "S3 API")
def test_curl_sends_form_like_a_browser(world, s3, bucket, tmp_path):
    photo = tmp_path / "my photo.jpg"
    photo.write_bytes(pictures.photo(200, 100, seed=3))
    form = s3.generate_presigned_post(bucket, "forms/${filename}", Conditions=[["content-length-range", 1, 10_000_000], ["starts-with", "$key", "forms/"]])
    fields = [word for name, value in form["fields"].items() for word in ("-F", f"{name}={value}")]
    out = run(["curl", "-sS", "-w", "%{http_code}", *fields, "-F", f"file=@{photo}", form["url"]])
    assert out == "204", out
    assert s3.get_object(Bucket=bucket, Key="forms/my photo.jpg")["Body"].read() == photo.read_bytes()


def aws_environment(world):
    root = world.stack.minio.root
    return {"AWS_ACCESS_KEY_ID": root.access, "AWS_SECRET_ACCESS_KEY": root.secret, "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": world.stack.minio.endpoint, "AWS_CONFIG_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true"}


@pytest.mark.large
@pytest.mark.client("`aws`", "S3 API")
def test_aws_cli(world, bucket, tmp_path):
    aws, env = [sys.executable, "-m", "awscli"], aws_environment(world)
    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    (tree / "a.txt").write_text("a")
    (tree / "sub" / "large.bin").write_bytes(os.urandom(10 << 20))
    run([*aws, "s3", "sync", tree, f"s3://{bucket}/t"], env)
    assert "sub/large.bin" in run([*aws, "s3", "ls", "--recursive", f"s3://{bucket}/t/"], env)
    run([*aws, "s3", "sync", f"s3://{bucket}/t", tmp_path / "back"], env)
    assert (tmp_path / "back/sub/large.bin").read_bytes() == (tree / "sub/large.bin").read_bytes()
    assert run([*aws, "s3", "sync", tree, f"s3://{bucket}/t"], env) == "", "nothing has changed"
    run([*aws, "s3", "mv", f"s3://{bucket}/t/a.txt", f"s3://{bucket}/moved.txt"], env)
    assert json.loads(run([*aws, "s3api", "head-object", "--bucket", bucket, "--key", "moved.txt"], env))["ContentLength"] == 1
    run([*aws, "s3", "rm", "--recursive", f"s3://{bucket}/"], env)
    assert run([*aws, "s3", "ls", "--recursive", f"s3://{bucket}/"], env) == ""


@pytest.mark.client("`mc`", "S3 API")
def test_mc(world, bucket, tmp_path):
    root = world.stack.minio.root
    mc = [tool("mc"), "--config-dir", tmp_path / "mc", "--no-color"]
    run([*mc, "alias", "set", "pg", world.stack.minio.endpoint, root.access, root.secret])
    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    (tree / "a b.txt").write_text("a")
    (tree / "sub" / "large.bin").write_bytes(os.urandom(20 << 20))
    run([*mc, "mirror", tree, f"pg/{bucket}/t"])
    assert "large.bin" in run([*mc, "ls", "--recursive", f"pg/{bucket}"])
    run([*mc, "stat", f"pg/{bucket}/t/a b.txt"])
    assert run([*mc, "cat", f"pg/{bucket}/t/a b.txt"]) == "a"
    run([*mc, "cp", "--recursive", f"pg/{bucket}/t/", tmp_path / "back"])
    assert (tmp_path / "back/sub/large.bin").read_bytes() == (tree / "sub/large.bin").read_bytes()
    run([*mc, "cp", f"pg/{bucket}/t/a b.txt", f"pg/{bucket}/copied.txt"])
    run([*mc, "pipe", f"pg/{bucket}/piped.txt"], text="through a pipe")
    assert run([*mc, "cat", f"pg/{bucket}/piped.txt"]) == "through a pipe"
    url = run([*mc, "share", "download", "--json", f"pg/{bucket}/copied.txt"])
    import requests
    assert requests.get(json.loads(url)["share"], timeout=10).text == "a"
    run([*mc, "rm", "--recursive", "--force", f"pg/{bucket}/"])
    assert run([*mc, "ls", "--recursive", f"pg/{bucket}"]) == ""


@pytest.mark.client("`rclone`", "S3 API")
def test_rclone(world, bucket, tmp_path):
    root = world.stack.minio.root
    env = {"RCLONE_CONFIG": str(tmp_path / "rclone.conf"), "RCLONE_CONFIG_PG_TYPE": "s3", "RCLONE_CONFIG_PG_PROVIDER": "Other",
           "RCLONE_CONFIG_PG_ENDPOINT": world.stack.minio.endpoint, "RCLONE_CONFIG_PG_ACCESS_KEY_ID": root.access,
           "RCLONE_CONFIG_PG_SECRET_ACCESS_KEY": root.secret, "RCLONE_CONFIG_PG_REGION": "us-east-1"}
    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    (tree / "a é.txt").write_text("a")
    (tree / "sub" / "large.bin").write_bytes(os.urandom(12 << 20))
    rclone = [tool("rclone"), "--s3-upload-cutoff", "6M", "--s3-chunk-size", "5M", "--retries", "1"]
    run([*rclone, "sync", tree, f"pg:{bucket}/t"], env)
    run([*rclone, "check", "--download", tree, f"pg:{bucket}/t"], env)
    run([*rclone, "copyto", f"pg:{bucket}/t/a é.txt", f"pg:{bucket}/copied"], env)
    assert run([*rclone, "cat", f"pg:{bucket}/copied"], env) == "a"
    run([*rclone, "purge", f"pg:{bucket}/t"], env)
    assert run([*rclone, "lsf", "-R", f"pg:{bucket}"], env).split() == ["copied"]
