"""Large files sent in parts, as a client of the interface sends them: with nothing but HTTP."""
import hashlib
import http.client
import random
import struct
import urllib.parse
import zlib

import boto3
import botocore.config


def large_png(seed=1, width=1500, height=1300):
    """A picture that can't be compressed: 5.9 MB, two parts."""
    noise = random.Random(seed)
    rows = b"".join(b"\0" + noise.randbytes(width * 3) for _ in range(height))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b"")


def create(world, data, **more):
    return world.create({"method": "multipart", "size": len(data), "content_type": "image/png", **more})


def put(part, data, headers=None):
    """One part to the store: (status, ETag, answer)."""
    target = urllib.parse.urlsplit(part["url"])
    connection = http.client.HTTPConnection(target.netloc, timeout=60)
    try:
        connection.request(part["method"], f"{target.path}?{target.query}", data, {**part["headers"], **(headers or {})})
        answer = connection.getresponse()
        return answer.status, answer.headers.get("ETag"), answer.read()
    finally:
        connection.close()


def slice_of(created, number, data):
    size = created["upload"]["parts"]["part_size"]
    return data[(number - 1) * size:number * size]


def send(world, created, data, numbers=None):
    """Those of the first parts that are wanted, all of them unless told otherwise; their ETags by number."""
    tags = {}
    for part in created["upload"]["parts"]["data"]:
        if numbers is not None and part["number"] not in numbers:
            continue
        status, tags[part["number"]], answer = put(part, slice_of(created, part["number"], data))
        assert status == 200, answer
    return tags


def complete(world, created, body=None, expect="published", **options):
    """Completes it; what the store then has is acknowledged, for a witness."""
    answer = world.request("POST", f"/v1/uploads/{created['id']}/complete", body, **options)
    return answer


def acknowledged(world, created, data, etag, expect="published"):
    """For the checker: the store has the whole file."""
    if world.witness:
        world.witness.note("client", "put_acknowledged", upload=created["id"], key=key_of(world, created), status=200,
                           sha256=hashlib.sha256(data).hexdigest(), size=len(data), etag=etag, expect=expect)


def key_of(world, created):
    return world.sql(f"select key from uploads where id = '{created['id']}'").strip()


def administrator(world):
    """The store's own client, with every right."""
    key = world.stack.minio.root
    return boto3.client("s3", endpoint_url=world.stack.minio.endpoint, aws_access_key_id=key.access, aws_secret_access_key=key.secret, region_name="us-east-1",
                        config=botocore.config.Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}))


def at_the_store(world, created):
    """The ids of the store's multipart uploads of this upload."""
    found = administrator(world).list_multipart_uploads(Bucket=world.stack.minio.incoming, Prefix=key_of(world, created))
    return [each["UploadId"] for each in found.get("Uploads", [])]
