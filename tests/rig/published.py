"""Published images without the time that publishing takes: an object in the public bucket and the rows that a publication leaves.

    ids = publish(world, [("IMG_1.jpg", b"…"), …], metadata={"album": "smith"})

What the bytes are makes no difference: nothing looks at them again.
"""
import dataclasses
import hashlib
import json
import secrets
import zlib

import boto3
import botocore.config

CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"


@dataclasses.dataclass(frozen=True)
class Published:
    id: str
    name: str
    data: bytes
    key: str

    @property
    def etag(self):
        return hashlib.md5(self.data).hexdigest()


def store_of(world):
    store = world.stack.minio
    return boto3.client("s3", endpoint_url=store.endpoint, aws_access_key_id=store.root.access, aws_secret_access_key=store.root.secret,
                        region_name="us-east-1", config=botocore.config.Config(s3={"addressing_style": "path"}, max_pool_connections=16))


def random_word(length):
    return "".join(secrets.choice(CROCKFORD) for _ in range(length))


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def publish(world, files, app="shop", profile="photos", metadata=None, exif=None, crc=True, since=0):
    """`files`: pairs of a file name (or None) and bytes; `since`: how many ids were made before, since they are in order."""
    client, bucket = store_of(world), world.stack.minio.public
    made, uploads, images = [], [], []
    for number, (name, data) in enumerate(files):
        identity = f"{since + number:010d}".translate(str.maketrans("ilou", "0000")) + random_word(16)
        upload = Published("upl_" + identity, name, data, f"x/{identity}/{hashlib.sha256(data).hexdigest()[:16]}.jpg")
        # botocore breaks a connection with an empty body, to which MinIO does not say to go on.
        (client if data else store_of(world)).put_object(Bucket=bucket, Key=upload.key, Body=data)
        sha256 = hashlib.sha256(data).hexdigest()
        made.append(upload)
        uploads.append(f"('{upload.id}', '{random_word(26)}', '{app}', '{profile}', 'published', 'put', 'default', 'in', 'u/{upload.id}', "
                       f"{'null' if name is None else quoted(name)}, {quoted(json.dumps(metadata or {}))}, '{{}}', 'r', now(), now(), now(), now(), 'x', "
                       f"{'null' if exif is None else quoted(json.dumps(exif))}, '{upload.key}', '{upload.etag}', '{sha256}', 'jpeg', 1, 1, {len(data)})")
        images.append(f"('{upload.id}', 'main', 'default', '{bucket}', '{upload.key}', '{upload.etag}', '{sha256}', "
                      f"{zlib.crc32(data) if crc else 'null'}, 'jpeg', 1, 1, {len(data)}, now())")
    for start in range(0, len(made), 500):
        world.sql("insert into uploads (id, public_id, app, profile, state, method, region, bucket, key, filename, metadata, client_fields, request_id, "
                  "created_at, expires_at, updated_at, finished_at, pinned_etag, exif, image_key, image_etag, image_sha256, image_format, image_width, "
                  "image_height, image_size) values " + ", ".join(uploads[start:start + 500]))
        world.sql("insert into images (upload_id, role, region, bucket, key, etag, sha256, crc32, format, width, height, size, made_at) values "
                  + ", ".join(images[start:start + 500]))
    return made


def publish_rows(world, count, app="shop", profile="photos"):
    """The rows of so many, whose objects nobody may read; their ids, in order."""
    world.sql(f"""
        with made as (select n, 'upl_' || lpad(n::text, 26, '0') as id, md5(n::text) as sum from generate_series(1, {count}) n),
        uploads_made as (
            insert into uploads (id, public_id, app, profile, state, method, region, bucket, key, filename, metadata, client_fields, request_id, created_at,
                expires_at, updated_at, finished_at, pinned_etag, image_key, image_etag, image_sha256, image_format, image_width, image_height, image_size)
            select id, lpad(n::text, 26, 'z'), '{app}', '{profile}', 'published', 'put', 'default', 'in', 'u/' || id, 'IMG_' || n || '.jpg', '{{}}', '{{}}',
                'r', now(), now(), now(), now(), 'x', 'x/' || id, sum, sum || sum, 'jpeg', 1, 1, 1000 from made)
        insert into images (upload_id, role, region, bucket, key, etag, sha256, crc32, format, width, height, size, made_at)
        select id, 'main', 'default', '{world.stack.minio.public}', 'x/' || id, sum, sum || sum, n, 'jpeg', 1, 1, 1000, now() from made""")
    return [f"upl_{number:026d}" for number in range(1, count + 1)]


def noise(size, seed):
    """Bytes that do not repeat."""
    return hashlib.shake_128(str(seed).encode()).digest(size)


