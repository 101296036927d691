"""Multipart uploads: other parts than were signed, other uploads' parts, the store's own operations by a part's URL."""
import urllib.parse

import pytest

from tests.rig import parts as large

MIB = 1 << 20


@pytest.fixture(scope="module")
def picture():
    return large.large_png(seed=12)


@pytest.fixture
def created(world, picture):
    return large.create(world, picture)


def altered(part, **query):
    """The part's URL with other parameters; None removes one."""
    url = urllib.parse.urlsplit(part["url"])
    pairs = {**dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True)), **query}
    return {**part, "url": url._replace(query=urllib.parse.urlencode({key: value for key, value in pairs.items() if value is not None})).geturl()}


@pytest.mark.parametrize("query", [{"partNumber": "2"}, {"partNumber": "1 "}, {"partNumber": "01"}, {"partNumber": None}, {"uploadId": "x"}, {"uploadId": None}, {"uploads": ""}, {"acl": ""},
                                   {"tagging": ""}, {"X-Amz-Expires": "604800"}, {"X-Amz-Date": "20300101T000000Z"}, {"versionId": "null"}, {"response-content-type": "text/html"}])
def test_parts_url_is_for_that_part_alone(world, created, picture, query):
    status, _, answer = large.put(altered(created["upload"]["parts"]["data"][0], **query), picture[:5 * MIB])
    assert status in (400, 403), answer
    assert world.request("GET", f"/v1/uploads/{created['id']}/parts")[2]["received"] == 0


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
def test_parts_url_does_nothing_but_put(world, created, method):
    assert large.put({**created["upload"]["parts"]["data"][0], "method": method}, b"")[0] in (400, 403, 405)


@pytest.mark.parametrize("header", ["x-amz-copy-source", "x-amz-acl", "x-amz-tagging", "x-amz-storage-class", "x-amz-website-redirect-location", "x-amz-server-side-encryption-customer-key"])
def test_header_that_was_not_signed_has_no_effect(world, created, picture, header):
    value = f"/{world.stack.minio.public}/anything" if header == "x-amz-copy-source" else "public-read"
    status, _, _ = large.put(created["upload"]["parts"]["data"][0], picture[:5 * MIB], {header: value})
    listed = world.request("GET", f"/v1/uploads/{created['id']}/parts")[2]
    assert status in (200, 400, 403, 501) and listed["received"] in (0, 5 * MIB)


@pytest.mark.parametrize("method, rest, body", [("GET", "/parts", None), ("POST", "/parts/sign", {"numbers": [1]}), ("POST", "/complete", {"parts": []}), ("DELETE", "", None)])
@pytest.mark.parametrize("who", ["app", "token", "nobody"])
def test_parts_of_somebody_else_do_not_exist(world, created, method, rest, body, who):
    key = {"app": world.other.key, "token": world.request("POST", "/v1/tokens", {"profile": "photos", "expires_in": 60})[2]["token"], "nobody": "nonsense"}[who]
    status, _, problem = world.request(method, f"/v1/uploads/{created['id']}{rest}", body, key=key)
    assert status in (401, 403, 404), problem
    assert world.request("GET", f"/v1/uploads/{created['id']}")[2]["state"] == "created"


@pytest.mark.parametrize("parts", [[{"number": 1, "etag": "\0"}], [{"number": 1, "etag": "x" * 100_000}], [{"number": 1, "etag": "<x/>"}], [{"number": 1, "etag": "]]>"}],
                                   [{"number": 1, "etag": "&e;"}],
                                   [{"number": 2**63, "etag": "x"}], [{"number": 1, "etag": "x", "url": "http://169.254.169.254/"}], [[]], [None]])
def test_list_of_parts_is_never_put_into_the_stores_xml(world, created, parts):
    status, _, problem = world.request("POST", f"/v1/uploads/{created['id']}/complete", {"parts": parts})
    assert status in (400, 413, 422), problem
    assert world.request("GET", f"/v1/uploads/{created['id']}")[2]["state"] == "created"


def test_parts_of_one_upload_complete_no_other(world, created, picture):
    tags = large.send(world, created, picture)
    other = large.create(world, picture)
    status, _, problem = world.request("POST", f"/v1/uploads/{other['id']}/complete", {"parts": [{"number": number, "etag": tag} for number, tag in sorted(tags.items())]})
    assert status == 422 and problem["code"] == "invalid_parts", problem


@pytest.mark.parametrize("size", [0, -1, 2**63, 10**30, 1.5, "10", None])
def test_size_that_is_none_begins_nothing(world, size):
    before = world.sql("select count(*) from uploads")
    status, _, problem = world.request("POST", "/v1/uploads", {"profile": "photos", "method": "multipart", "size": size})
    assert status in (400, 422), problem
    assert world.sql("select count(*) from uploads") == before


def test_parts_beyond_the_profiles_limit_are_signed_for_nobody(world):
    status, _, problem = world.request("POST", "/v1/uploads", {"profile": "photos", "method": "multipart", "size": 5 * 2**40})
    assert status == 422 and problem["code"] in ("size_over_limit", "invalid_size", "invalid_fields"), problem
