"""What clients ask of the built-in store beside the bytes: tags, classes, CORS rules, attributes, limits, TLS, another region."""
import http.client
import http.server
import json
import socket
import ssl
import sys
import threading
import urllib.parse

import boto3
import botocore.exceptions
import pytest
from botocore.config import Config
from test_builtin_store import aws_environment, bucket, client, code, run, s3, tool  # noqa: F401
from test_waits import metric

from scripts import nginx as front
from tests.rig import pictures
from tests.rig import stack as parts


@pytest.fixture
def world(builtin_world):
    return builtin_world


def test_boto3_tags_objects_and_buckets(s3, bucket):
    s3.put_object(Bucket=bucket, Key="t", Body=b"1", Tagging="album=lake%20side&year=2026")
    assert s3.head_object(Bucket=bucket, Key="t")["TagCount"] == 2
    assert s3.get_object_tagging(Bucket=bucket, Key="t")["TagSet"] == [{"Key": "album", "Value": "lake side"}, {"Key": "year", "Value": "2026"}]
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "t"}, TaggingDirective="REPLACE", Tagging="a=b")
    assert s3.get_object_tagging(Bucket=bucket, Key="copy")["TagSet"] == [{"Key": "a", "Value": "b"}]
    s3.put_object_tagging(Bucket=bucket, Key="t", Tagging={"TagSet": [{"Key": "ünï", "Value": "=+@"}]})
    assert s3.get_object_tagging(Bucket=bucket, Key="t")["TagSet"] == [{"Key": "ünï", "Value": "=+@"}]
    s3.delete_object_tagging(Bucket=bucket, Key="t")
    assert s3.get_object_tagging(Bucket=bucket, Key="t")["TagSet"] == []
    with pytest.raises(botocore.exceptions.ClientError) as error:
        s3.put_object(Bucket=bucket, Key="t", Body=b"2", Tagging="&".join(f"k{number}=v" for number in range(11)))
    assert code(error) == "BadRequest" and s3.get_object(Bucket=bucket, Key="t")["Body"].read() == b"1"
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "team", "Value": "photos"}]})
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == [{"Key": "team", "Value": "photos"}]


def test_boto3_is_told_what_is_not_done(s3, bucket):
    for name, arguments in (("x-amz-acl", {"ACL": "public-read"}), ("x-amz-storage-class", {"StorageClass": "GLACIER"}),
                            ("x-amz-server-side-encryption", {"ServerSideEncryption": "AES256"}), ("x-amz-website-redirect-location", {"WebsiteRedirectLocation": "/"}),
                            ("x-amz-object-lock", {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": "2030-01-01T00:00:00Z"})):
        with pytest.raises(botocore.exceptions.ClientError) as error:
            s3.put_object(Bucket=bucket, Key="n", Body=b"x", **arguments)
        assert code(error) == "NotImplemented" and name in error.value.response["Error"]["Message"], arguments
    with pytest.raises(botocore.exceptions.ClientError) as error:
        s3.put_object(Bucket=bucket, Key="n", Body=b"x", ExpectedBucketOwner="123456789012")
    assert code(error) == "AccessDenied"
    s3.put_object(Bucket=bucket, Key="n", Body=b"x", ACL="private", StorageClass="REDUCED_REDUNDANCY")
    assert s3.head_object(Bucket=bucket, Key="n")["StorageClass"] == "REDUCED_REDUNDANCY"
    assert s3.list_objects_v2(Bucket=bucket)["Contents"][0]["StorageClass"] == "REDUCED_REDUNDANCY"


def test_boto3_reads_attributes_and_default_checksum(s3, bucket, world):
    plain = client(world.stack.minio, request_checksum_calculation="when_required")
    plain.put_object(Bucket=bucket, Key="a", Body=b"123456789")
    assert s3.head_object(Bucket=bucket, Key="a", ChecksumMode="ENABLED")["ChecksumCRC64NVME"] == "rosUhgp5mIg="
    begun = plain.create_multipart_upload(Bucket=bucket, Key="m")["UploadId"]
    chosen = [{"PartNumber": number, "ETag": plain.upload_part(Bucket=bucket, Key="m", UploadId=begun, PartNumber=number, Body=body)["ETag"]}
              for number, body in ((1, bytes(5 << 20)), (2, b"end"))]
    made = plain.complete_multipart_upload(Bucket=bucket, Key="m", UploadId=begun, MultipartUpload={"Parts": chosen})
    shown = s3.get_object_attributes(Bucket=bucket, Key="m", ObjectAttributes=["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"])
    assert shown["Checksum"]["ChecksumCRC64NVME"] == made["ChecksumCRC64NVME"] and shown["Checksum"]["ChecksumType"] == "FULL_OBJECT"
    assert shown["ObjectSize"] == (5 << 20) + 3 and shown["ObjectParts"]["TotalPartsCount"] == 2
    assert [each["Size"] for each in shown["ObjectParts"]["Parts"]] == [5 << 20, 3]


def test_boto3_corrects_its_region_by_itself(s3, bucket, world):
    root = world.stack.minio.root
    elsewhere = boto3.client("s3", endpoint_url=world.stack.minio.endpoint, aws_access_key_id=root.access, aws_secret_access_key=root.secret,
                             region_name="eu-central-1", config=Config(signature_version="s3v4", s3={"addressing_style": "path"}))
    regions = []
    elsewhere.meta.events.register("before-send.s3", lambda request, **_: regions.append(request.headers["Authorization"].decode().split("/")[2]))
    elsewhere.put_object(Bucket=bucket, Key="r", Body=b"x")
    assert regions[0] == "eu-central-1" and regions[-1] == "us-east-1", regions
    assert elsewhere.get_object(Bucket=bucket, Key="r")["Body"].read() == b"x"


def test_curl_signs_with_the_payload_hash_that_it_sends(world, s3, bucket):
    """Debian 12's curl signs without x-amz-content-sha256 unless it is told the header: the error says so."""
    root, url = world.stack.minio.root, f"{world.stack.minio.endpoint}/{bucket}/c"
    signed = ["curl", "-sS", "-X", "PUT", "--aws-sigv4", "aws:amz:us-east-1:s3", "--user", f"{root.access}:{root.secret}", "-d", "x", url]
    answer = run(signed)
    assert answer == "" or "<Code>InvalidRequest</Code>" in answer and "x-amz-content-sha256" in answer, answer
    # An empty Expect is what people send to keep curl from waiting.
    presigned = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "c"}, ExpiresIn=60)
    assert raw(world, "PUT", presigned, b"x", {"Expect": ""})[0] == 200


def raw(world, method, url, body, headers):
    target = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(target.netloc, timeout=30)
    connection.request(method, f"{target.path}?{target.query}", body, headers)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, dict(answer.getheaders()), text


def test_repeated_put_of_the_same_photo_is_answered_200(world):
    """The answer of the first was lost: a browser sends the request again."""
    photo = pictures.photo(320, 240, seed=91)
    created = world.create({"size": len(photo)})
    upload = created["upload"]
    assert upload["headers"]["If-None-Match"] == "*"
    first = raw(world, "PUT", upload["url"], photo, upload["headers"])
    again = raw(world, "PUT", upload["url"], photo, upload["headers"])
    assert (first[0], again[0]) == (200, 200), again
    assert again[1]["ETag"] == first[1]["ETag"]
    assert raw(world, "PUT", upload["url"], bytes(len(photo)), upload["headers"])[0] == 412
    assert world.gateway.wait_for(created)["state"] == "published"


class BlankPage(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>reader</title>")

    def log_message(self, *_):
        pass


@pytest.fixture
def elsewhere():
    """A server of pages on an origin of its own, at this machine as the store: Chromium lets no other page fetch from it."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), BlankPage) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


READ = """async ([url, method, body]) => {
  try {
    const answer = await fetch(url, { method, body });
    return { status: answer.status, order: answer.headers.get("x-amz-meta-order"), etag: answer.headers.get("etag") };
  } catch (error) { return { error: String(error) }; }
}"""


def test_page_reads_metadata_and_obeys_the_rules_of_the_bucket(s3, bucket, visit, elsewhere):
    s3.put_object(Bucket=bucket, Key="m", Body=b"x", Metadata={"order": "42"})
    get = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "m"}, ExpiresIn=60)
    put = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "p"}, ExpiresIn=60)
    origin = f"http://127.0.0.1:{elsewhere.server_port}"
    page = visit().page
    page.goto(origin)
    assert page.evaluate(READ, [get, "GET", None])["order"] == "42"
    rule = {"AllowedOrigins": [origin], "AllowedMethods": ["GET"], "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 1}
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == [rule]
    read = page.evaluate(READ, [get, "GET", None])
    assert read["etag"] and read["order"] is None, read
    assert "error" in page.evaluate(READ, [put, "PUT", "x"]), "the rule allows GET alone"
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [{**rule, "AllowedMethods": ["PUT"], "AllowedHeaders": ["*"]}]})
    assert page.evaluate(READ, [put, "PUT", "x"])["status"] == 200
    s3.delete_bucket_cors(Bucket=bucket)
    assert page.evaluate(READ, [get, "GET", None])["order"] == "42"


def test_incoming_bucket_takes_nothing_larger_than_a_profile_publishes(own_world):
    world = own_world(store="builtin", profiles={"photos": {"max_size": 100_000}})
    store = client(world.stack.minio)
    with pytest.raises(botocore.exceptions.ClientError) as error:
        store.put_object(Bucket=world.stack.minio.incoming, Key="u/large", Body=bytes(26 << 20))
    assert code(error) == "EntityTooLarge"
    created = world.create({"method": "put"})  # an app's PUT of unknown size
    status, answer = world.send(created, bytes(26 << 20))
    assert status == 400 and "EntityTooLarge" in str(answer), answer


def test_metrics_tell_what_is_quarantined(own_world):
    world = own_world(store="builtin")
    junk = b"this is no photo at all" * 100
    created = world.upload(junk)
    assert world.gateway.wait_for(created)["state"] == "rejected"
    parts.wait_until(lambda: metric(world.gateway, "photogate_store_quarantined_objects") == 1, 60, "the file in quarantine")
    assert metric(world.gateway, "photogate_store_quarantined_bytes") == len(junk)


def test_locations_have_the_public_scheme_behind_tls(own_world, tmp_path):
    world = own_world(store="builtin")
    store, name = world.stack.minio, "s3.photos.example"
    proxy = front.in_front(tmp_path / "nginx", f"127.0.0.1:{world.port}", urllib.parse.urlsplit(store.endpoint).netloc)
    origin = f"https://{name}:{proxy.tls_port}"
    world.gateway.stop()
    world.gateway.environment["PHOTOGATE_STORE_PUBLIC_URL"] = origin
    world.gateway.restart()
    outside = boto3.client("s3", endpoint_url=origin, aws_access_key_id=store.root.access, aws_secret_access_key=store.root.secret,
                           region_name="us-east-1", config=Config(signature_version="s3v4", s3={"addressing_style": "path"}))

    def send(method, url, body, headers=()):
        target = urllib.parse.urlsplit(url)
        context = ssl._create_unverified_context()  # its certificate is made for this test
        connection = http.client.HTTPConnection(name, proxy.tls_port, timeout=30)
        connection.sock = context.wrap_socket(socket.create_connection(("127.0.0.1", proxy.tls_port)), server_hostname=name)
        connection.request(method, f"{target.path}?{target.query}", body, {"Host": target.netloc, **dict(headers)})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read().decode()

    with proxy:
        inside = client(store)
        where = {"Bucket": store.incoming, "Key": "u/m"}
        upload = inside.create_multipart_upload(**where)["UploadId"]
        etag = inside.upload_part(**where, UploadId=upload, PartNumber=1, Body=b"x")["ETag"]
        url = outside.generate_presigned_url("complete_multipart_upload", Params={**where, "UploadId": upload}, ExpiresIn=60)
        status, _, text = send("POST", url, f"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>")
        assert status == 200 and f"<Location>{origin}/{store.incoming}/u/m</Location>" in text, text
        form = outside.generate_presigned_post(store.incoming, "u/f", Fields={"success_action_status": "201"}, Conditions=[{"success_action_status": "201"}])
        body = "".join(f'--b\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n' for field, value in form["fields"].items())
        body += '--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nx\r\n--b--\r\n'
        status, headers, text = send("POST", form["url"], body, {"Content-Type": "multipart/form-data; boundary=b"}.items())
        assert status == 201 and headers["Location"] == f"{origin}/{store.incoming}/u/f", (headers, text)


def test_tools_set_tags_and_storage_classes(world, bucket, tmp_path):
    source = tmp_path / "a.txt"
    source.write_text("a")
    root = world.stack.minio.root
    mc = [tool("mc"), "--config-dir", tmp_path / "mc", "--no-color"]
    run([*mc, "alias", "set", "pg", world.stack.minio.endpoint, root.access, root.secret])
    run([*mc, "cp", "--tags", "album=lake", "--storage-class", "REDUCED_REDUNDANCY", source, f"pg/{bucket}/mc.txt"])
    assert json.loads(run([*mc, "tag", "list", "--json", f"pg/{bucket}/mc.txt"]))["tagset"] == {"album": "lake"}
    run([*mc, "tag", "set", f"pg/{bucket}/mc.txt", "album=sea"])
    assert json.loads(run([*mc, "tag", "list", "--json", f"pg/{bucket}/mc.txt"]))["tagset"] == {"album": "sea"}
    aws, env = [sys.executable, "-m", "awscli"], aws_environment(world)
    run([*aws, "s3", "cp", "--storage-class", "REDUCED_REDUNDANCY", source, f"s3://{bucket}/aws.txt"], env)
    shown = json.loads(run([*aws, "s3api", "get-object-attributes", "--bucket", bucket, "--key", "aws.txt", "--object-attributes", "StorageClass", "ObjectSize"], env))
    assert shown["StorageClass"] == "REDUCED_REDUNDANCY" and shown["ObjectSize"] == 1
