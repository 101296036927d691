"""What Ceph's s3-tests check, written anew from the S3 API reference: the same requests to the built-in store and to MinIO, with the answer
that the reference documents. Ceph's suite itself is not published as a package. Where MinIO differs in
wording the case says so."""
import concurrent.futures
import datetime
import hashlib
import http.client
import urllib.parse

import boto3
import botocore.exceptions
import pytest
import requests
from botocore.config import Config

from tests.suites.runner import empty


@pytest.fixture(params=["builtin", "minio"])
def store(request, stores):
    return stores[request.param]


@pytest.fixture
def s3(store):
    return store.client()


@pytest.fixture
def bucket(s3, store, request):
    name = "documented-" + hashlib.sha1(request.node.name.encode()).hexdigest()[:12]
    s3.create_bucket(Bucket=name)
    yield name
    empty(store)


def refused(call, **arguments):
    """(status, code)"""
    with pytest.raises(botocore.exceptions.ClientError) as error:
        call(**arguments)
    answer = error.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


def put(s3, bucket, *keys):
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())


def keys(page):
    return [each["Key"] for each in page.get("Contents", [])]


def prefixes(page):
    return [each["Prefix"] for each in page.get("CommonPrefixes", [])]


# --- listing ---

LISTINGS = [
    ("delimiter", ["foo/bar", "foo/bar/xyzzy", "quux/thud", "asdf"], {"Delimiter": "/"}, ["asdf"], ["foo/", "quux/"]),
    ("prefix and delimiter", ["asdf", "boo/bar", "boo/baz/xyzzy", "cquux/thud", "cquux/bla"], {"Delimiter": "/", "Prefix": "boo/"}, ["boo/bar"], ["boo/baz/"]),
    ("alternative delimiter", ["bar", "baz", "cab", "foo"], {"Delimiter": "a"}, ["foo"], ["ba", "ca"]),
    ("percent as delimiter", ["b%ar", "b%az", "c%ab", "foo"], {"Delimiter": "%"}, ["foo"], ["b%", "c%"]),
    ("space as delimiter", ["b ar", "b az", "c ab", "foo"], {"Delimiter": " "}, ["foo"], ["b ", "c "]),
    ("dot as delimiter", ["b.ar", "b.az", "c.ab", "foo"], {"Delimiter": "."}, ["foo"], ["b.", "c."]),
    ("delimiter that no key has", ["bar", "baz", "cab", "foo"], {"Delimiter": "/"}, ["bar", "baz", "cab", "foo"], []),
    ("delimiter that ends a key", ["asdf/"], {"Delimiter": "/"}, [], ["asdf/"]),
    ("prefix", ["foo/bar", "foo/baz", "quux"], {"Prefix": "foo/"}, ["foo/bar", "foo/baz"], []),
    ("prefix that is a key's beginning", ["bar", "baz", "foo"], {"Prefix": "ba"}, ["bar", "baz"], []),
    ("empty prefix", ["foo/bar", "foo/baz", "quux"], {"Prefix": ""}, ["foo/bar", "foo/baz", "quux"], []),
    ("prefix that no key has", ["foo/bar"], {"Prefix": "d"}, [], []),
    ("prefix with a line break", ["foo/bar"], {"Prefix": "\x0a"}, [], []),
    ("prefix and delimiter, nothing left", ["b/a/c", "b/a/g", "g"], {"Delimiter": "d", "Prefix": "/"}, [], []),
    ("order of bytes", ["a", "B", "\u00e4", "Z", "z", "\U0001f600", "\uff5a"], {}, ["B", "Z", "a", "z", "\u00e4", "\uff5a", "\U0001f600"], []),
]


@pytest.mark.parametrize("objects, query, expected_keys, expected_prefixes", [each[1:] for each in LISTINGS], ids=[each[0] for each in LISTINGS])
@pytest.mark.parametrize("version", [1, 2])
def test_lists(s3, bucket, version, objects, query, expected_keys, expected_prefixes):
    put(s3, bucket, *objects)
    page = (s3.list_objects if version == 1 else s3.list_objects_v2)(Bucket=bucket, **query)
    assert (keys(page), prefixes(page)) == (expected_keys, expected_prefixes)
    assert not page["IsTruncated"]


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_lists_everything_once_in_pages(s3, bucket, size):
    names = ["asdf", "boo/bar", "boo/baz/xyzzy", "cquux/thud", "cquux/bla", "boo/" + "x" * 200]
    put(s3, bucket, *names)
    found, shared = [], []
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": size}):
        assert len(keys(page)) + len(prefixes(page)) == page["KeyCount"] <= size
        found += keys(page)
        shared += prefixes(page)
    assert (found, shared) == (["asdf"], ["boo/", "cquux/"])


@pytest.mark.parametrize("query, expected", [({"Marker": "bar"}, ["baz", "foo"]), ({"Marker": "aaa"}, ["bar", "baz", "foo"]), ({"Marker": "zzz"}, []), ({"Marker": ""}, ["bar", "baz", "foo"]),
                                             ({"MaxKeys": 1}, ["bar"]), ({"MaxKeys": 0}, [])])
def test_lists_from_a_marker(s3, bucket, query, expected):
    put(s3, bucket, "bar", "baz", "foo")
    page = s3.list_objects(Bucket=bucket, **query)
    assert keys(page) == expected
    assert page["IsTruncated"] == (query.get("MaxKeys") == 1)


def test_lists_after_a_key_and_tells_the_owner_when_asked(s3, bucket):
    put(s3, bucket, "bar", "baz", "foo")
    page = s3.list_objects_v2(Bucket=bucket, StartAfter="bar", FetchOwner=True)
    assert keys(page) == ["baz", "foo"] and page["StartAfter"] == "bar" and "Owner" in page["Contents"][0]
    assert "Owner" not in s3.list_objects_v2(Bucket=bucket)["Contents"][0]


def test_lists_url_encoded_keys(s3, bucket):
    put(s3, bucket, "foo+1/bar", "foo/bar/xyzzy", "quux ab/thud", "asdf+b")
    page = s3.list_objects_v2(Bucket=bucket, Delimiter="/", EncodingType="url")
    assert keys(page) in (["asdf+b"], ["asdf%2Bb"])
    # MinIO writes a space as a plus.
    assert [urllib.parse.unquote(each) for each in prefixes(page)] in (["foo+1/", "foo/", "quux ab/"], ["foo+1/", "foo/", "quux+ab/"])


# --- objects ---

@pytest.mark.parametrize("key", ["_", "a b", "a+b", "a%b", "a%2Fb", "a&b=c", "a?b", "a#b", "a;b", "a:b@c", "a'b\"c", "a<b>c", "a\\b", "a..b", "\u00e9", "\u4e2d\u6587",
                                 "\U0001f600", "a\tb", "/".join(["x" * 204] * 5), " a", "a ", "-", "~", "$", "!"])
def test_key_comes_back_as_it_was(s3, bucket, key):
    s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == b"x"
    assert keys(s3.list_objects_v2(Bucket=bucket)) == [key]
    s3.delete_object(Bucket=bucket, Key=key)
    assert keys(s3.list_objects_v2(Bucket=bucket)) == []


def test_key_of_1025_bytes_is_too_long(s3, bucket):
    assert refused(s3.put_object, Bucket=bucket, Key="x" * 1025, Body=b"")[0] == 400


def test_missing_things_have_their_own_codes(s3, bucket):
    assert refused(s3.get_object, Bucket=bucket, Key="none") == (404, "NoSuchKey")
    assert refused(s3.head_object, Bucket=bucket, Key="none")[0] == 404
    assert refused(s3.get_object, Bucket=bucket + "x", Key="none") == (404, "NoSuchBucket")
    assert refused(s3.put_object, Bucket=bucket + "x", Key="a", Body=b"") == (404, "NoSuchBucket")
    assert refused(s3.list_objects_v2, Bucket=bucket + "x") == (404, "NoSuchBucket")
    assert refused(s3.delete_bucket, Bucket=bucket + "x") == (404, "NoSuchBucket")
    s3.delete_object(Bucket=bucket, Key="none")  # 204


@pytest.mark.parametrize("name", ["a", "ab", "A" * 5, "a_b", "a..b", "-ab", "ab-", "a" * 64, "a b", "a.-b", "192.168.5.123"])
def test_bad_bucket_name_is_refused(store, name):
    s3 = store.client()
    try:
        s3.create_bucket(Bucket=name)
    except botocore.exceptions.ParamValidationError:
        return
    except botocore.exceptions.ClientError as error:
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403)
        return
    s3.delete_bucket(Bucket=name)
    pytest.fail(f"a bucket {name!r} was created")


def test_bucket_with_objects_stays(s3, bucket):
    put(s3, bucket, "a")
    assert refused(s3.delete_bucket, Bucket=bucket) == (409, "BucketNotEmpty")
    assert refused(s3.create_bucket, Bucket=bucket)[0] in (409,)


@pytest.mark.parametrize("headers", [{"ContentType": "text/plain"}, {"CacheControl": "public, max-age=14400"}, {"ContentDisposition": "bla"}, {"ContentEncoding": "gzip"},
                                     {"ContentLanguage": "de"}, {"Metadata": {"meta1": "bar", "x-y": "a b"}}, {"Metadata": {"empty": ""}}],
                         ids=lambda each: next(iter(each)))
def test_what_was_said_of_an_object_comes_back(s3, bucket, headers):
    s3.put_object(Bucket=bucket, Key="a", Body=b"x", **headers)
    for answer in (s3.head_object(Bucket=bucket, Key="a"), s3.get_object(Bucket=bucket, Key="a")):
        for name, value in headers.items():
            assert answer[name] == value


def test_metadata_is_replaced_as_a_whole(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a", Body=b"x", Metadata={"one": "1"})
    s3.put_object(Bucket=bucket, Key="a", Body=b"x", Metadata={"two": "2"})
    assert s3.head_object(Bucket=bucket, Key="a")["Metadata"] == {"two": "2"}


RANGES = [("bytes=4-7", b"4567", "4-7"), ("bytes=-7", b"3456789", "3-9"), ("bytes=7-", b"789", "7-9"), ("bytes=0-0", b"0", "0-0"), ("bytes=5-500", b"56789", "5-9"),
          ("bytes=-500", b"0123456789", "0-9")]


@pytest.mark.parametrize("said, body, place", RANGES, ids=[each[0] for each in RANGES])
def test_range_is_served(s3, bucket, said, body, place):
    s3.put_object(Bucket=bucket, Key="a", Body=b"0123456789")
    answer = s3.get_object(Bucket=bucket, Key="a", Range=said)
    assert answer["Body"].read() == body and answer["ContentRange"] == f"bytes {place}/10"
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206


@pytest.mark.parametrize("said", ["bytes=10-", "bytes=40-50", "bytes=-0"])
def test_range_behind_the_end_is_416(s3, bucket, said):
    s3.put_object(Bucket=bucket, Key="a", Body=b"0123456789")
    assert refused(s3.get_object, Bucket=bucket, Key="a", Range=said) == (416, "InvalidRange")


@pytest.mark.parametrize("condition, status", [({"IfMatch": "ETAG"}, 200), ({"IfMatch": '"ABCORZ"'}, 412), ({"IfNoneMatch": "ETAG"}, 304), ({"IfNoneMatch": '"ABCORZ"'}, 200),
                                               ({"IfModifiedSince": -86400}, 200), ({"IfModifiedSince": 5}, 304), ({"IfUnmodifiedSince": -86400}, 412), ({"IfUnmodifiedSince": 86400}, 200),
                                               ({"IfMatch": "ETAG", "IfUnmodifiedSince": -86400}, 200), ({"IfNoneMatch": "ETAG", "IfModifiedSince": -86400}, 304), ({"IfMatch": "*"}, 200),
                                               ({"IfNoneMatch": "*"}, 304)],
                         ids=str)
def test_condition_of_get(s3, bucket, condition, status):
    etag = s3.put_object(Bucket=bucket, Key="a", Body=b"bar")["ETag"]
    now = datetime.datetime.now(datetime.UTC)
    asked = {name: etag if value == "ETAG" else now + datetime.timedelta(seconds=value) if isinstance(value, int) else value for name, value in condition.items()}
    if condition == {"IfModifiedSince": 5}:
        asked = {"IfModifiedSince": s3.head_object(Bucket=bucket, Key="a")["LastModified"]}
    if status == 200:
        assert s3.get_object(Bucket=bucket, Key="a", **asked)["Body"].read() == b"bar"
    else:
        assert refused(s3.get_object, Bucket=bucket, Key="a", **asked)[0] == status


@pytest.mark.parametrize("condition, there, status", [({"IfNoneMatch": "*"}, True, 412), ({"IfNoneMatch": "*"}, False, 200), ({"IfMatch": "ETAG"}, True, 200), ({"IfMatch": '"x"'}, True, 412),
                                                      ({"IfMatch": '"x"'}, False, 404)], ids=str)
def test_condition_of_put(s3, bucket, condition, there, status):
    etag = s3.put_object(Bucket=bucket, Key="a", Body=b"bar")["ETag"] if there else ""
    asked = {name: etag if value == "ETAG" else value for name, value in condition.items()}
    if status == 200:
        s3.put_object(Bucket=bucket, Key="a", Body=b"zar", **asked)
    else:
        assert refused(s3.put_object, Bucket=bucket, Key="a", Body=b"zar", **asked)[0] == status
        assert not there or s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"bar"


def test_one_of_many_conditional_puts_wins(s3, bucket):
    def attempt(number):
        try:
            s3.put_object(Bucket=bucket, Key="a", Body=str(number).encode(), IfNoneMatch="*")
            return number
        except botocore.exceptions.ClientError as error:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] in (409, 412)
            return None

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        won = [each for each in pool.map(attempt, range(16)) if each is not None]
    assert len(won) == 1 and s3.get_object(Bucket=bucket, Key="a")["Body"].read() == str(won[0]).encode()


@pytest.mark.parametrize("query, name", [("ResponseContentType", "ContentType"), ("ResponseContentLanguage", "ContentLanguage"), ("ResponseCacheControl", "CacheControl"),
                                         ("ResponseContentDisposition", "ContentDisposition"), ("ResponseContentEncoding", "ContentEncoding")])
def test_signed_reader_chooses_headers_of_the_answer(s3, bucket, query, name):
    put(s3, bucket, "a")
    assert s3.get_object(Bucket=bucket, Key="a", **{query: "aaa"})[name] == "aaa"


def test_anonymous_reader_gets_nothing(store, s3, bucket):
    put(s3, bucket, "a")
    for path in (f"/{bucket}", f"/{bucket}/a", f"/{bucket}/none", "/"):
        assert requests.get(store.endpoint + path, timeout=20).status_code == 403


# --- copies ---

def test_copy_keeps_or_replaces_metadata(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a", Body=b"foo", ContentType="text/bla", Metadata={"k": "v"})
    s3.copy_object(Bucket=bucket, Key="b", CopySource={"Bucket": bucket, "Key": "a"})
    kept = s3.get_object(Bucket=bucket, Key="b")
    assert (kept["Body"].read(), kept["Metadata"], kept["ContentType"]) == (b"foo", {"k": "v"}, "text/bla")
    s3.copy_object(Bucket=bucket, Key="c", CopySource={"Bucket": bucket, "Key": "a"}, MetadataDirective="REPLACE", Metadata={"n": "w"}, ContentType="x/y")
    replaced = s3.head_object(Bucket=bucket, Key="c")
    assert (replaced["Metadata"], replaced["ContentType"]) == ({"n": "w"}, "x/y")


def test_copy_to_itself_needs_a_change(s3, bucket):
    put(s3, bucket, "a")
    source = {"Bucket": bucket, "Key": "a"}
    assert refused(s3.copy_object, Bucket=bucket, Key="a", CopySource=source) == (400, "InvalidRequest")
    s3.copy_object(Bucket=bucket, Key="a", CopySource=source, MetadataDirective="REPLACE", Metadata={"a": "b"})
    assert s3.head_object(Bucket=bucket, Key="a")["Metadata"] == {"a": "b"}


@pytest.mark.parametrize("condition, status", [({"CopySourceIfMatch": "ETAG"}, 200), ({"CopySourceIfMatch": '"x"'}, 412), ({"CopySourceIfNoneMatch": "ETAG"}, 412),
                                               ({"CopySourceIfNoneMatch": '"x"'}, 200)], ids=str)
def test_condition_of_copy(s3, bucket, condition, status):
    etag = s3.put_object(Bucket=bucket, Key="a", Body=b"bar")["ETag"]
    asked = {name: etag if value == "ETAG" else value for name, value in condition.items()}
    asked.update(Bucket=bucket, Key="b", CopySource={"Bucket": bucket, "Key": "a"})
    if status == 200:
        s3.copy_object(**asked)
    else:
        assert refused(s3.copy_object, **asked)[0] == status


@pytest.mark.parametrize("key", ["a b", "a+b", "a%b", "\u00e9", "a?b", "a/b/c"])
def test_copy_of_an_odd_key(s3, bucket, key):
    s3.put_object(Bucket=bucket, Key=key, Body=b"foo")
    s3.copy_object(Bucket=bucket, Key=key + "2", CopySource={"Bucket": bucket, "Key": key})
    assert s3.get_object(Bucket=bucket, Key=key + "2")["Body"].read() == b"foo"


def test_copy_of_what_is_not_there(s3, bucket):
    assert refused(s3.copy_object, Bucket=bucket, Key="b", CopySource={"Bucket": bucket, "Key": "none"}) == (404, "NoSuchKey")
    assert refused(s3.copy_object, Bucket=bucket, Key="b", CopySource={"Bucket": bucket + "x", "Key": "none"}) == (404, "NoSuchBucket")


# --- removing many ---

def test_removes_many_and_those_that_are_not_there(s3, bucket):
    put(s3, bucket, "a", "b", "c")
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": name} for name in ("a", "b", "none")]})
    assert sorted(each["Key"] for each in answer["Deleted"]) == ["a", "b", "none"] and "Errors" not in answer
    quiet = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "c"}], "Quiet": True})
    assert "Deleted" not in quiet and keys(s3.list_objects_v2(Bucket=bucket)) == []


def test_removes_at_most_a_thousand_at_once(s3, bucket):
    assert refused(s3.delete_objects, Bucket=bucket, Delete={"Objects": [{"Key": f"k{n}"} for n in range(1001)]})[0] == 400


# --- multipart ---

PART = 5 * 1024 * 1024


def begin(s3, bucket, key="m", **arguments):
    return s3.create_multipart_upload(Bucket=bucket, Key=key, **arguments)["UploadId"]


def part(s3, bucket, upload, number, body, key="m"):
    return {"PartNumber": number, "ETag": s3.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=number, Body=body)["ETag"]}


def complete(s3, bucket, upload, parts, key="m", **arguments):
    return s3.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": parts}, **arguments)


def test_multipart_object_is_its_parts_in_order(s3, bucket):
    upload = begin(s3, bucket, Metadata={"foo": "bar"}, ContentType="x/y")
    parts = [part(s3, bucket, upload, 2, b"end"), part(s3, bucket, upload, 1, b"a" * PART)]
    done = complete(s3, bucket, upload, sorted(parts, key=lambda each: each["PartNumber"]))
    assert done["ETag"].strip('"').endswith("-2")
    found = s3.get_object(Bucket=bucket, Key="m")
    assert found["Body"].read() == b"a" * PART + b"end" and found["Metadata"] == {"foo": "bar"} and found["ContentType"] == "x/y"


def test_part_sent_again_replaces_the_first(s3, bucket):
    upload = begin(s3, bucket)
    part(s3, bucket, upload, 1, b"a" * PART)
    parts = [part(s3, bucket, upload, 1, b"b" * PART)]
    complete(s3, bucket, upload, parts)
    assert s3.get_object(Bucket=bucket, Key="m")["Body"].read(3) == b"bbb"


@pytest.mark.parametrize("what, expected", [("small", (400, "EntityTooSmall")), ("missing", (400, "InvalidPart")), ("etag", (400, "InvalidPart")), ("order", (400, "InvalidPartOrder")),
                                            ("none", None), ("upload", (404, "NoSuchUpload"))])
def test_completion_is_held_to_the_parts(s3, bucket, what, expected):
    upload = begin(s3, bucket)
    one, two = part(s3, bucket, upload, 1, b"a" * (10 if what == "small" else PART)), part(s3, bucket, upload, 2, b"b" * PART)
    parts = {"small": [one, two], "missing": [one, {**two, "PartNumber": 3}], "etag": [one, {**two, "ETag": '"' + "0" * 32 + '"'}], "order": [two, one], "none": [], "upload": [one, two]}[what]
    found = refused(complete, s3=s3, bucket=bucket, upload=upload if what != "upload" else "unknown", parts=parts)
    assert found == expected if expected else found[0] == 400
    assert refused(s3.head_object, Bucket=bucket, Key="m")[0] == 404


def test_abort_forgets_the_parts(s3, bucket):
    upload = begin(s3, bucket)
    part(s3, bucket, upload, 1, b"a")
    s3.abort_multipart_upload(Bucket=bucket, Key="m", UploadId=upload)
    assert refused(s3.list_parts, Bucket=bucket, Key="m", UploadId=upload) == (404, "NoSuchUpload")
    assert refused(s3.upload_part, Bucket=bucket, Key="m", UploadId=upload, PartNumber=1, Body=b"a") == (404, "NoSuchUpload")


@pytest.mark.parametrize("number", [0, 10_001])
def test_part_number_is_1_to_10000(s3, bucket, number):
    upload = begin(s3, bucket)
    assert refused(s3.upload_part, Bucket=bucket, Key="m", UploadId=upload, PartNumber=number, Body=b"a") in ((400, "InvalidArgument"), (400, "InvalidPart"))


def test_lists_parts_in_pages(s3, bucket):
    upload = begin(s3, bucket)
    for number in (1, 2, 5):
        part(s3, bucket, upload, number, b"x" * number)
    first = s3.list_parts(Bucket=bucket, Key="m", UploadId=upload, MaxParts=2)
    assert [each["PartNumber"] for each in first["Parts"]] == [1, 2] and first["IsTruncated"]
    rest = s3.list_parts(Bucket=bucket, Key="m", UploadId=upload, PartNumberMarker=first["NextPartNumberMarker"])
    assert [(each["PartNumber"], each["Size"]) for each in rest["Parts"]] == [(5, 5)]


def test_copies_a_part_from_an_object(s3, bucket):
    s3.put_object(Bucket=bucket, Key="source", Body=b"0123456789" * (PART // 10))
    upload = begin(s3, bucket)
    copied = s3.upload_part_copy(Bucket=bucket, Key="m", UploadId=upload, PartNumber=1, CopySource={"Bucket": bucket, "Key": "source"}, CopySourceRange="bytes=2-21")
    complete(s3, bucket, upload, [{"PartNumber": 1, "ETag": copied["CopyPartResult"]["ETag"]}])
    assert s3.get_object(Bucket=bucket, Key="m")["Body"].read() == b"23456789012345678901"


# --- presigned ---

def test_presigned_url_runs_out(store, s3, bucket):
    put(s3, bucket, "a")
    assert requests.get(s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a"}, ExpiresIn=100), timeout=20).content == b"a"
    for seconds in (0, 604_801, 609_901, -1):
        assert requests.get(s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a"}, ExpiresIn=seconds), timeout=20).status_code in (400, 403)


def test_wrong_secret_is_a_signature_that_does_not_match(store, bucket):
    wrong = boto3.client("s3", endpoint_url=store.endpoint, aws_access_key_id=store.access, aws_secret_access_key="wrong" * 8, region_name="us-east-1",
                         config=Config(signature_version="s3v4", s3={"addressing_style": "path"}, retries={"max_attempts": 1}))
    assert refused(wrong.list_objects_v2, Bucket=bucket) == (403, "SignatureDoesNotMatch")
    unknown = boto3.client("s3", endpoint_url=store.endpoint, aws_access_key_id="nobody", aws_secret_access_key="wrong" * 8, region_name="us-east-1",
                           config=Config(signature_version="s3v4", s3={"addressing_style": "path"}, retries={"max_attempts": 1}))
    assert refused(unknown.list_objects_v2, Bucket=bucket) == (403, "InvalidAccessKeyId")


@pytest.mark.parametrize("header, value, status", [("Content-MD5", "", 400), ("Content-MD5", "YWJyYWNhZGFicmE=", 400), ("Content-MD5", "rL0Y20zC+Fzt72VPzMSk2A==", 400)])
def test_digest_is_held(store, s3, bucket, header, value, status):
    signed = store.client()
    signed.meta.events.register("before-sign.s3.PutObject", lambda request, **_: request.headers.__setitem__(header, value))
    found = refused(signed.put_object, Bucket=bucket, Key="a", Body=b"bar")
    assert found[0] in (status, 403), found
    assert refused(s3.head_object, Bucket=bucket, Key="a")[0] == 404


def test_length_must_be_known(store, s3, bucket):
    url = urllib.parse.urlsplit(s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "a"}))
    connection = http.client.HTTPConnection(url.netloc, timeout=20)
    connection.putrequest("PUT", f"{url.path}?{url.query}")
    connection.endheaders()
    assert connection.getresponse().status in (200, 411)
    connection.close()


# --- policies and tags ---

def test_bucket_has_no_policy_and_no_tags_at_first(s3, bucket):
    assert refused(s3.get_bucket_policy, Bucket=bucket) == (404, "NoSuchBucketPolicy")
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] in (None, "us-east-1")
    assert bucket in [each["Name"] for each in s3.list_buckets()["Buckets"]]


def test_tags_of_an_object_come_back(s3, bucket):
    put(s3, bucket, "a")
    tags = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}]
    s3.put_object_tagging(Bucket=bucket, Key="a", Tagging={"TagSet": tags})
    assert sorted(s3.get_object_tagging(Bucket=bucket, Key="a")["TagSet"], key=lambda each: each["Key"]) == tags
    s3.delete_object_tagging(Bucket=bucket, Key="a")
    assert s3.get_object_tagging(Bucket=bucket, Key="a")["TagSet"] == []
