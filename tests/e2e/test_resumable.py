"""Resumable uploads through the gateway: tus 1.0.0, the IETF draft and plain HTTP, on MinIO and on the built-in store."""
import base64
import contextlib
import hashlib
import random
import select
import socket
import subprocess
import threading
import time
import urllib.parse

import conftest
import pytest

from tests.rig import fault_proxy, pictures
from tests.rig import resumable as wire
from tests.rig import stack as services
from tests.rig.world import PROFILES, SHORT_LEASES, World

world = conftest.on_every_store()


@pytest.fixture(scope="module")
def photo():
    return pictures.photo(800, 600, seed=2101)


def create(world, data, **more):
    return world.create({"size": len(data), "content_type": "image/jpeg", **more})


def token_of(world, **more):
    return world.request("POST", "/v1/tokens", {"profile": "photos", "max_uploads": 50, **more})[2]["token"]


def place_of(world, token):
    return wire.absolute(world, f"/u/{token}/r")


def tus_create(world, token, length, headers=None, data=None):
    content = {"Content-Type": "application/offset+octet-stream"} if data is not None else {}
    return wire.call("POST", place_of(world, token), {**wire.TUS, "Upload-Length": str(length), **content, **(headers or {})}, data)


def metric(world, name):
    text = world.gateway.request("GET", "/metrics", port=world.metrics_port)[2].decode()
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name + " "))


def sending(world, connections):
    """Waits until so many connections hold an upload: whoever comes then gets what they have."""
    services.wait_until(lambda: metric(world, "photogate_resumable_connections") == connections, 60, f"{connections} connections")


# ---- the grant ----

def test_grant_has_a_resumable_url_beside_the_presigned_one(world, photo):
    grant = create(world, photo)["upload"]
    assert grant["method"] == "PUT" and "X-Amz-Signature" in grant["url"]
    assert grant["resumable"]["protocols"] == ["tus", "rufh"] and "/r/upl_" in grant["resumable"]["url"]
    assert grant["resumable"]["expires_at"] > grant["expires_at"], "a phone may be offline for hours"


def test_takes_a_plain_put_of_any_client(world, photo, tmp_path):
    created = create(world, photo, filename="a b.jpg")
    (tmp_path / "a b.jpg").write_bytes(photo)
    done = subprocess.run(["curl", "-fsS", "-i", "-T", tmp_path / "a b.jpg", wire.url_of(world, created)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "201 Created" in done.stdout, done
    wire.is_published(world, created, photo)


def test_parts_have_no_resumable_url(world, photo):
    created = create(world, photo, method="multipart")
    assert "resumable" not in created["upload"]


# ---- tus ----

def test_tus_continues_where_the_connection_was_cut(world, photo):
    created = create(world, photo)
    url = wire.url_of(world, created)
    first = wire.head(url)
    assert (first.status, first.offset, first.headers["upload-length"]) == (200, 0, str(len(photo)))
    assert first.headers["cache-control"] == "no-store" and first.headers["tus-resumable"] == "1.0.0"
    offset = 0
    for size in (1, 4_095, 20_000):
        wire.cut(url, offset, photo[offset:], size)
        offset += size
        assert wire.offset_once(url, offset) == offset, "all that has arrived, and no more"
    last = wire.patch(url, offset, photo[offset:])
    assert (last.status, last.offset) == (204, len(photo))
    wire.is_published(world, created, photo)
    after = wire.head(url)
    assert (after.status, after.offset, after.headers["upload-length"]) == (200, len(photo), str(len(photo)))
    again = wire.patch(url, len(photo), b"")
    assert (again.status, again.offset) == (204, len(photo)), "the last answer may have been lost"
    services.wait_until(lambda: wire.chunks_at_the_store(world, created) == [], 60, "the chunks to go")


@pytest.mark.parametrize("where", ["first", "byte 1", "last but one", "last"])
def test_tus_cut_at_the_edges(world, photo, where):
    size = {"first": 0, "byte 1": 1, "last but one": len(photo) - 1, "last": len(photo)}[where]
    created = create(world, photo)
    url = wire.url_of(world, created)
    wire.cut(url, 0, photo, size)
    assert wire.offset_once(url, size) == size
    if size < len(photo):
        assert wire.patch(url, size, photo[size:]).status == 204
    wire.is_published(world, created, photo)


def test_tus_creates_with_a_client_token(world, photo):
    token = token_of(world)
    metadata = "filename " + base64.b64encode("größe.jpg".encode()).decode() + ",filetype " + base64.b64encode(b"image/jpeg").decode() + ",empty "
    made = tus_create(world, token, len(photo), {"Upload-Metadata": metadata})
    assert made.status == 201 and made.headers["tus-resumable"] == "1.0.0" and "upload-expires" in made.headers, made
    url = wire.absolute(world, made.headers["location"])
    seen = wire.head(url)
    assert (seen.offset, seen.headers["upload-length"], seen.headers["upload-metadata"]) == (0, str(len(photo)), metadata.strip())
    middle = wire.patch(url, 0, photo[:5_000])
    assert (middle.status, middle.offset) == (204, 5_000) and "upload-expires" in middle.headers
    assert wire.patch(url, 5_000, photo[5_000:], chunked=True).status == 204
    upload = {"id": url.rsplit("/", 1)[1]}
    assert wire.is_published(world, upload, photo)["filename"] == "größe.jpg"


def test_tus_creates_with_content(world, photo):
    token = token_of(world)
    half = tus_create(world, token, len(photo), data=photo[:1_000])
    assert (half.status, half.offset) == (201, 1_000)
    assert wire.head(wire.absolute(world, half.headers["location"])).offset == 1_000
    whole = tus_create(world, token, len(photo), data=photo)
    assert (whole.status, whole.offset) == (201, len(photo))
    wire.is_published(world, {"id": whole.headers["location"].rsplit("/", 1)[1]}, photo)
    other = tus_create(world, token, len(photo), {"Content-Type": "text/plain"}, None)
    assert other.offset == 0


def test_tus_says_what_it_is(world, photo):
    created = create(world, photo)
    for url in (wire.url_of(world, created), place_of(world, token_of(world))):
        options = wire.call("OPTIONS", url)
        assert options.status == 204 and options.headers["tus-version"] == "1.0.0" and int(options.headers["tus-max-size"]) > 0
        assert options.headers["tus-extension"] == "creation,creation-with-upload,expiration,termination,checksum"
        assert "sha1" in options.headers["tus-checksum-algorithm"] and "max-size" in options.headers["upload-limit"]


def test_tus_refuses_what_is_wrong_and_changes_nothing(world, photo):
    token = token_of(world)
    for fields, status in (({"Upload-Length": "-1"}, 400), ({"Upload-Length": "x"}, 400), ({"Upload-Length": str(10 ** 12)}, 413), ({"Upload-Length": "0"}, 400),
                           ({"Upload-Metadata": "a b c"}, 400), ({"Tus-Resumable": "0.2.2"}, 412)):
        refused = wire.call("POST", place_of(world, token), {**wire.TUS, "Upload-Length": "10", **fields})
        assert refused.status == status and "location" not in refused.headers, (fields, refused)
    assert wire.call("POST", place_of(world, token), {"Upload-Length": "10"}).headers["tus-version"] == "1.0.0"
    created = create(world, photo)
    url = wire.url_of(world, created)
    assert wire.patch(url, 0, photo[:100]).offset == 100
    for offset in (0, 99, 101, 10 ** 9):
        wrong = wire.patch(url, offset, photo[:10])
        assert (wrong.status, wrong.offset) == (409, 100), offset
    assert wire.patch(url, -1, b"x").status == 400
    assert wire.patch(url, 100, b"x", {**wire.TUS, "Content-Type": "image/jpeg"}).status == 415
    assert wire.patch(url, 100, b"x", {"Content-Type": "application/offset+octet-stream"}).status == 412
    too_long = photo[100:] + b"x"
    for chunked in (False, True):
        assert wire.patch(url, 100, too_long, chunked=chunked).status == 413
    assert wire.patch(url, 100, b"").offset == 100
    assert wire.head(url).offset == 100, "nothing of all that was kept"
    assert wire.call("POST", url, {**wire.TUS_CONTENT, "X-HTTP-Method-Override": "PATCH", "Upload-Offset": "100"}, photo[100:]).status == 204
    wire.is_published(world, created, photo)


def test_tus_checksum_of_the_content_is_held_to(world, photo):
    created = create(world, photo)
    url = wire.url_of(world, created)
    right = base64.b64encode(hashlib.sha1(photo[:3_000]).digest()).decode()

    def checked(text, data=photo[:3_000]):
        return {**wire.TUS_CONTENT, "Upload-Checksum": text}, data

    for text, status in (("sha1 " + base64.b64encode(b"0" * 20).decode(), 460), ("crc32 AAAAAA==", 400), ("sha1 AAAA", 400)):
        headers, data = checked(text)
        assert wire.patch(url, 0, data, headers).status == status, text
    headers, data = checked("sha1 " + right)
    interrupted = metric(world, "photogate_resumable_interrupted_total")
    wire.cut(url, 0, data, 1_000, headers)
    services.wait_until(lambda: metric(world, "photogate_resumable_interrupted_total") > interrupted, 60, "the cut")
    assert wire.head(url).offset == 0, "of content that was cut nothing can be verified"
    assert wire.patch(url, 0, data, headers).offset == 3_000
    assert wire.patch(url, 3_000, photo[3_000:]).status == 204
    wire.is_published(world, created, photo)


def test_tus_ends_an_upload(world, photo):
    created = create(world, photo)
    url = wire.url_of(world, created)
    wire.patch(url, 0, photo[:9_000])
    assert len(wire.chunks_at_the_store(world, created)) == 1
    ended = wire.call("DELETE", url, wire.TUS)
    assert (ended.status, ended.body) == (204, b"")
    for reply in (wire.head(url), wire.patch(url, 9_000, b"x"), wire.call("DELETE", url, wire.TUS)):
        assert reply.status == 404 and reply.offset is None, reply
    assert world.request("GET", f"/v1/uploads/{created['id']}")[2]["state"] == "cancelled"
    services.wait_until(lambda: wire.chunks_at_the_store(world, created) == [], 60, "the chunks to go")


def test_url_is_of_its_upload_and_its_time_alone(world, photo):
    created, another = create(world, photo), create(world, photo)
    url, other = (wire.url_of(world, each) for each in (created, another))
    ticket = url.split("/")[4]
    crossed = url.replace(created["id"], another["id"])
    forged = url.replace(ticket, ticket[:-2] + ("AA" if not ticket.endswith("AA") else "BB"))
    later = url.replace(ticket, "pgt_u" + str(int(ticket[5:].split(".")[0]) + 1) + "." + ticket.split(".")[1])
    for wrong in (crossed, forged, later):
        refused = wire.head(wrong)
        assert refused.status == 401 and refused.offset is None, wrong
    assert wire.head(other).status == 200
    mine, not_mine = token_of(world), token_of(world)
    made = wire.absolute(world, tus_create(world, mine, 10).headers["location"])
    assert wire.head(made).status == 200
    assert wire.head(made.replace(mine, not_mine)).status == 404
    assert wire.head(wire.absolute(world, f"/u/{mine}/r/{created['id']}")).status == 404, "made with an app's key"
    assert wire.head(wire.absolute(world, f"/u/{mine}/r/upl_0")).status == 404


def test_upload_that_has_ended_is_not_found(world, photo):
    created = create(world, photo, expires_in=60)
    url = wire.url_of(world, created)
    wire.patch(url, 0, photo[:100])
    assert world.request("DELETE", f"/v1/uploads/{created['id']}")[0] == 200
    assert wire.head(url).status == 404 and wire.patch(url, 100, photo[100:]).status == 404
    services.wait_until(lambda: wire.chunks_at_the_store(world, created) == [], 90, "the chunks to go")


def test_upload_whose_presigned_grant_ran_out_can_still_be_resumed(world, photo):
    created = create(world, photo, expires_in=60)
    url = wire.url_of(world, created)
    world.sql(f"update uploads set expires_at = now() - interval '2 hours', state = 'expired' where id = '{created['id']}'")
    assert wire.head(url).offset == 0
    assert world.request("GET", f"/v1/uploads/{created['id']}")[2]["state"] == "created"
    assert wire.patch(url, 0, photo).status == 204
    wire.is_published(world, created, photo)


def test_presigned_put_and_resumable_make_one_object(world, photo):
    created = create(world, photo)
    url = wire.url_of(world, created)
    assert wire.patch(url, 0, photo[:7_000]).status == 204
    assert world.send(created, photo)[0] in (200, 204)
    wire.is_published(world, created, photo)
    assert wire.head(url).offset == len(photo), "its client need not send the rest"
    services.wait_until(lambda: wire.chunks_at_the_store(world, created) == [], 90, "the chunks to go")


def test_object_that_comes_while_its_upload_is_looked_up_is_not_a_conflict(world, photo):
    """A phone whose PUT was cut asks where it stands, in the moment in which the store's event tells that all has arrived."""
    created = create(world, photo)
    url, found = wire.url_of(world, created), []
    sending(world, 0)

    def waiting(count):
        query = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
        services.wait_until(lambda: int(world.sql(query)) >= count, 60, f"{count} that wait for the row")

    with subprocess.Popen(["psql", "-q", world.stack.postgres.url], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as holder:
        holder.stdin.write(f"begin; select 1 from uploads where id = '{created['id']}' for update;\n")
        holder.stdin.flush()
        services.wait_until(lambda: int(world.sql("select count(*) from pg_stat_activity where state = 'idle in transaction' and query like '%for update%'")) == 1,
                            60, "the row to be held")
        sender = threading.Thread(target=lambda: found.append(world.send(created, photo)[0]))  # the built-in store tells of it before it answers
        sender.start()
        waiting(1)
        looker = threading.Thread(target=lambda: found.append(wire.head(url)))
        looker.start()
        waiting(2)
        holder.stdin.write("commit;\n")
        holder.stdin.close()
        holder.wait()
    looker.join()
    sender.join()
    replies = [each for each in found if isinstance(each, wire.Reply)]
    assert [(each.status, each.offset) for each in replies] == [(200, len(photo))], replies
    wire.is_published(world, created, photo)


def test_declared_checksum_is_held_to_once(world, photo):
    created = create(world, photo, checksum={"algorithm": "sha256", "value": "0" * 64})
    assert wire.patch(wire.url_of(world, created), 0, photo).status == 204
    assert world.gateway.wait_for(created)["state"] == "rejected"


# ---- connections that take over from another ----

def test_new_connection_takes_over_what_the_old_one_has(world, photo):
    created = create(world, photo)
    url = wire.url_of(world, created)
    sending(world, 0)
    with wire.Open("PATCH", url, {**wire.TUS_CONTENT, "Upload-Offset": "0"}, len(photo)) as silent:
        silent.send(photo[:12_345])
        sending(world, 1)
        began = time.monotonic()
        assert wire.head(url).offset == 12_345
        assert time.monotonic() - began < 30, "it does not wait for the old connection's timeout"
        assert wire.patch(url, 12_345, photo[12_345:]).status == 204
        old = silent.answer()
        assert old is None or (old.status == 409 and old.offset is None), old
    wire.is_published(world, created, photo)


def test_old_connection_can_add_nothing_once_it_was_passed_over(world, photo):
    """Also where the newer one came to another gateway, which asks the one before to store what it has."""
    if isinstance(world.stack.minio, services.Builtin):
        pytest.skip("the built-in store has one gateway")
    created = create(world, photo)
    second = world.another()
    second.start()
    here, there = wire.url_of(world, created), wire.url_of(world, created, second)
    sending(world, 0)
    with wire.Open("PATCH", here, {**wire.TUS_CONTENT, "Upload-Offset": "0"}, len(photo)) as old:
        old.send(photo[:5_000])
        sending(world, 1)
        began = time.monotonic()
        offset = wire.head(there).offset
        assert offset == 5_000, "what had come to the other gateway need not be sent again"
        assert time.monotonic() - began < 2, "the other gateway answered before it was passed over"
        assert wire.patch(there, offset, photo[offset:offset + 2_000]).status == 204
        old.send(photo[5_000:])
        answer = old.answer()
        assert answer.status == 409 and answer.offset is None, answer
    assert wire.head(here).offset == offset + 2_000
    assert wire.patch(here, offset + 2_000, photo[offset + 2_000:]).status == 204
    wire.is_published(world, created, photo)
    second.stop()


def test_stopping_gateway_keeps_what_has_come(own_world, photo):
    world = own_world()
    created = create(world, photo)
    url = wire.url_of(world, created)
    with wire.Open("PATCH", url, {**wire.TUS_CONTENT, "Upload-Offset": "0"}, len(photo)) as open_one:
        open_one.send(photo[:9_999])
        sending(world, 1)
        world.gateway.stop()
    world.gateway.start()
    assert wire.head(url).offset == 9_999
    assert wire.patch(url, 9_999, photo[9_999:]).status == 204
    wire.is_published(world, created, photo)


# ---- the draft ----

@pytest.fixture(scope="module")
def direct(build_dir, tmp_path_factory):
    """A gateway that trusts no proxy on this machine: its clients come to it themselves."""
    made = World(build_dir, tmp_path_factory.mktemp("direct"), PROFILES, store="builtin")
    try:
        made.gateway.environment["PHOTOGATE_SERVER_TRUSTED_PROXIES"] = "192.0.2.0/24"
        made.gateway.start()
        yield made
    finally:
        made.close()


@pytest.mark.parametrize("version", wire.VERSIONS)
def test_draft_resumes_an_upload_that_was_sent_whole(direct, photo, version):
    world = direct
    created = create(world, photo)
    fields = {**wire.draft(version), **wire.completeness(version, True), "Content-Type": "image/jpeg"}
    with wire.Open("PUT", wire.url_of(world, created), fields, len(photo)) as whole:
        status, interim = whole.interim()
        assert status == 104 and interim["upload-draft-interop-version"] == str(version)
        url = wire.absolute(world, interim["location"])
        whole.send(photo[:10_000])
    assert wire.offset_once(url, 10_000, wire.draft(version)) == 10_000
    seen = wire.call("HEAD", url, wire.draft(version))
    assert seen.status == 204 and not wire.is_complete(version, seen) and seen.headers["cache-control"] == "no-store"
    last = wire.draft_patch(version, url, 10_000, photo[10_000:], True)
    assert (last.status, last.offset) == (200, len(photo)) and wire.is_complete(version, last)
    wire.is_published(world, created, photo)
    again = wire.draft_patch(version, url, len(photo), b"", True)
    assert again.status == 200 and wire.is_complete(version, again)


@pytest.mark.parametrize("version", wire.VERSIONS)
def test_draft_creates_carefully_and_completes_by_a_flag(world, photo, version):
    created = create(world, photo)
    empty = wire.call("POST", wire.url_of(world, created), {**wire.draft(version), **wire.completeness(version, False)}, b"")
    assert empty.status == 201 and empty.offset == 0 and not wire.is_complete(version, empty)
    url = wire.absolute(world, empty.headers["location"])
    first = wire.draft_patch(version, url, 0, photo[:6_000], False)
    assert first.status in (201, 204) and first.offset == 6_000 and not wire.is_complete(version, first)
    rest = wire.draft_patch(version, url, 6_000, photo[6_000:], False)
    assert rest.offset == len(photo) and not wire.is_complete(version, rest), "the flag completes, not the length"
    done = wire.draft_patch(version, url, len(photo), b"", True)
    assert done.status == 200 and wire.is_complete(version, done)
    wire.is_published(world, created, photo)


@pytest.mark.parametrize("version", wire.VERSIONS)
def test_draft_refuses_what_is_wrong(world, photo, version):
    created = create(world, photo)
    base = wire.url_of(world, created)
    url = wire.absolute(world, wire.call("POST", base, {**wire.draft(version), **wire.completeness(version, False)}, photo[:50]).headers["location"])
    wrong = wire.draft_patch(version, url, 40, b"x", False)
    assert (wrong.status, wrong.offset) == (409, 50) and not wire.is_complete(version, wrong)
    assert b'"expected-offset":50' in wrong.body and b'"provided-offset":40' in wrong.body
    length = {**wire.draft(version), **wire.completeness(version, True), "Upload-Length": str(len(photo) + 1)}
    assert wire.call("PUT", base, length, photo).status in (400, 413)
    assert wire.draft_patch(version, url, 50, photo[50:] + b"x", True).status == 413
    media = wire.call("PATCH", url, {**wire.draft(version), **wire.completeness(version, True), "Upload-Offset": "50", "Content-Type": "image/jpeg"}, b"x" if version >= 6 else photo[50:])
    assert media.status == (415 if version >= 6 else 200)
    if version <= 6:
        assert wire.call("HEAD", url, {**wire.draft(version), "Upload-Offset": "0"}).status == 400
    if version >= 6:
        ended = wire.call("DELETE", url, wire.draft(version))
        assert ended.status == 204 and wire.call("HEAD", url, wire.draft(version)).status == 404


def test_draft_begins_anew_and_the_old_url_is_gone(world, photo):
    created = create(world, photo)
    fields = {**wire.draft(6), **wire.completeness(6, False)}
    first = wire.call("POST", wire.url_of(world, created), fields, photo[:500])
    second = wire.call("POST", wire.url_of(world, created), fields, photo[:700])
    old, new = (wire.absolute(world, each.headers["location"]) for each in (first, second))
    assert old != new and second.offset == 700
    assert wire.call("HEAD", old, wire.draft(6)).status == 404
    assert wire.draft_patch(6, new, 700, photo[700:], True).status == 200
    wire.is_published(world, created, photo)


def test_104_is_sent_to_no_proxy_and_to_no_other_protocol(direct, photo):
    world = direct
    whole = {**wire.draft(6), **wire.completeness(6, True)}
    for fields in ({**whole, "X-Forwarded-For": "192.0.2.1"}, {**whole, "Via": "1.1 proxy"}, {**whole, "Upload-Draft-Interop-Version": "7"}, {}):
        created = create(world, photo)
        with wire.Open("PUT", wire.url_of(world, created), fields, len(photo)) as connection:
            answer = connection.send(photo).answer()
            assert answer.status in (200, 201) and answer.interim == (), fields
        wire.is_published(world, created, photo)


def test_both_headers_together_mean_tus(world, photo):
    created = create(world, photo)
    url = wire.url_of(world, created)
    fields = {**wire.TUS_CONTENT, **wire.draft(6), "Upload-Complete": "?0"}
    reply = wire.patch(url, 0, photo, fields)
    assert reply.status == 204 and "upload-complete" not in reply.headers
    wire.is_published(world, created, photo)


def test_content_digest_is_held_to(world, photo):
    created = create(world, photo)
    url = wire.url_of(world, created)

    def append(digest, data):
        encoded = base64.b64encode(digest).decode()
        return wire.call("PATCH", url, {**wire.draft(6), "Upload-Complete": "?1", "Content-Type": "application/partial-upload", "Upload-Offset": "0",
                                        "Content-Digest": f"sha-256=:{encoded}:"}, data)
    assert append(bytes(32), photo).status == 400
    assert wire.head(url).offset == 0
    assert append(hashlib.sha256(photo).digest(), photo).status == 200
    wire.is_published(world, created, photo)


@pytest.mark.parametrize("algorithm, size", [("sha-256", 32), ("sha-512", 64)])
def test_content_digest_of_each_algorithm_keeps_nothing_of_other_content(world, photo, algorithm, size):
    created = create(world, photo)
    url = wire.url_of(world, created)
    right = hashlib.new(algorithm.replace("-", ""), photo[:5_000]).digest()

    def append(digest, data, offset=0, complete=False):
        encoded = base64.b64encode(digest).decode()
        fields = {**wire.draft(8), **wire.completeness(8, complete), "Content-Type": "application/partial-upload", "Upload-Offset": str(offset),
                  "Content-Digest": f"{algorithm}=:{encoded}:"}
        return wire.call("PATCH", url, fields, data)

    assert append(bytes(size), photo[:5_000]).status == 400 and wire.head(url).offset == 0
    assert append(right, photo[:4_999]).status == 400 and wire.head(url).offset == 0
    assert append(right, photo[:5_000]).status == 204 and wire.head(url).offset == 5_000
    assert wire.draft_patch(8, url, 5_000, photo[5_000:], True).status == 200
    wire.is_published(world, created, photo)


def repr_digest(data):
    return {"Repr-Digest": f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"}


@pytest.mark.parametrize("version", wire.VERSIONS)
def test_repr_digest_is_held_to_at_the_end(world, photo, version):
    good, bad = create(world, photo), create(world, photo)
    for created, digest in ((good, repr_digest(photo)), (bad, repr_digest(photo + b"x"))):
        first = wire.call("PUT", wire.url_of(world, created), {**wire.draft(version), **wire.completeness(version, False), **digest}, photo[:3_000])
        assert first.status == 201, first
        url = wire.absolute(world, first.headers["location"])
        last = wire.draft_patch(version, url, 3_000, photo[3_000:], True)
        assert last.status == (200 if created is good else 400) and wire.is_complete(version, last), last
    wire.is_published(world, good, photo)
    assert world.gateway.wait_for(bad)["state"] == "rejected"
    assert wire.call("HEAD", wire.url_of(world, bad), wire.draft(version)).status in (204, 404)


def test_repr_digest_can_not_contradict_what_was_said_before(world, photo):
    declared = create(world, photo, checksum={"algorithm": "sha256", "value": base64.b64encode(hashlib.sha256(photo).digest()).decode()})
    begin = {**wire.draft(8), **wire.completeness(8, False)}
    assert wire.call("PUT", wire.url_of(world, declared), {**begin, **repr_digest(b"other")}, photo[:100]).status == 400
    assert wire.call("PUT", wire.url_of(world, declared), {**begin, **repr_digest(photo)}, photo[:100]).status == 201
    free = create(world, photo)
    first = wire.call("PUT", wire.url_of(world, free), {**begin, **repr_digest(photo)}, photo[:100])
    url = wire.absolute(world, first.headers["location"])
    wrong = wire.call("PATCH", url, {**wire.draft(8), **wire.completeness(8, True), "Content-Type": "application/partial-upload", "Upload-Offset": "100", **repr_digest(b"other")}, photo[100:])
    assert wrong.status == 400
    again = wire.call("PUT", wire.url_of(world, free), {**wire.draft(8), **wire.completeness(8, True), **repr_digest(photo)}, photo)
    assert again.status == 200, "begun anew it may be said anew"
    wire.is_published(world, free, photo)


# ---- interim answers ----

@pytest.mark.parametrize("version", wire.VERSIONS)
def test_interim_answers_tell_how_much_is_kept(direct, version):
    """What was told is never asked for again, also where the connection is cut right behind it."""
    world, photo = direct, pictures.noise(1400, 1000, seed=2200 + version)
    created = create(world, photo)
    fields = {**wire.draft(version), **wire.completeness(version, True)}
    with wire.Open("PUT", wire.url_of(world, created), fields, len(photo)) as whole:
        status, located = whole.interim()
        assert status == 104 and "upload-offset" not in located
        url = wire.absolute(world, located["location"])
        if version < 5:
            reply = whole.send(photo).answer()
            assert reply.status == 200 and reply.interim == ()
            wire.is_published(world, created, photo)
            return
        sent, told = 0, []
        while len(told) < 2:
            whole.send(photo[sent:sent + 300_000])
            sent += 300_000
            time.sleep(2.2)
            while select.select([whole.socket], [], [], 0)[0] and len(told) < 2:
                status, seen = whole.interim()
                assert status == 104 and "location" not in seen and seen["upload-draft-interop-version"] == str(version)
                told.append(int(seen["upload-offset"]))
            assert sent < len(photo), "no progress was told"
    assert told == sorted(set(told)) and 0 < told[-1] <= sent
    assert wire.call("HEAD", url, wire.draft(version)).offset >= told[-1]
    offset = wire.call("HEAD", url, wire.draft(version)).offset
    assert wire.draft_patch(version, url, offset, photo[offset:], True).status == 200
    wire.is_published(world, created, photo)


@pytest.mark.parametrize("setting, fields, told", [
    ("auto", {}, True), ("auto", {"Via": "1.1 proxy"}, False), ("auto", {"Forwarded": "for=192.0.2.1"}, False),
    ("always", {"Via": "1.1 proxy"}, True), ("always", {"X-Forwarded-For": "192.0.2.1"}, True), ("always", {"Tus-Resumable": "1.0.0"}, False),
    ("always", {"Upload-Draft-Interop-Version": "9"}, False), ("never", {}, False)])
def test_whom_interim_answers_are_sent_to_is_configured(own_world, photo, setting, fields, told):
    world = own_world(start=False)
    world.gateway.environment["PHOTOGATE_SERVER_TRUSTED_PROXIES"] = "192.0.2.0/24"
    world.gateway.environment["PHOTOGATE_SERVER_INTERIM_RESPONSES"] = setting
    world.gateway.start()
    created = create(world, photo)
    with wire.Open("PUT", wire.url_of(world, created), {**wire.draft(8), **wire.completeness(8, True), **fields}, len(photo)) as whole:
        reply = whole.send(photo).answer()
    assert [status for status, _ in reply.interim][:1] == ([104] if told else []), reply
    assert (reply.status == 200) == ("Tus-Resumable" not in fields and "9" not in fields.values()) or reply.status in (201, 405)


def test_http_1_0_is_sent_no_interim_answer(direct, photo):
    created = create(direct, photo)
    target = urllib.parse.urlsplit(wire.url_of(direct, created))
    with socket.create_connection((target.hostname, target.port), timeout=60) as raw:
        head = [f"PUT {target.path} HTTP/1.0", f"Host: {target.netloc}", "Upload-Draft-Interop-Version: 8", "Upload-Complete: ?1", f"Content-Length: {len(photo)}"]
        raw.sendall("\r\n".join([*head, "", ""]).encode() + photo)
        answer = b"".join(iter(lambda: raw.recv(65_536), b""))
    assert b" 104 " not in answer and answer.startswith((b"HTTP/1.1 200", b"HTTP/1.0 200")), answer[:300]
    wire.is_published(direct, created, photo)


# ---- size, pages, failures ----

@pytest.mark.slow
def test_large_file_is_assembled_in_parts(world):
    from tests.rig import parts as large
    picture = large.large_png(seed=21, width=3_000, height=2_600)
    created = world.create({"size": len(picture), "content_type": "image/png"})
    url = wire.url_of(world, created)
    wire.cut(url, 0, picture, 9_000_000)
    offset = wire.offset_once(url, 1)
    assert offset <= 9_000_000, "what lay in the network when the newer connection came may be lost"
    assert wire.patch(url, offset, picture[offset:]).status == 204
    wire.is_published(world, created, picture, 120)


def test_page_of_another_origin_may_send(own_world, photo):
    world = own_world(start=False)
    world.gateway.environment["PHOTOGATE_SERVER_CORS_ORIGINS"] = "https://app.example"
    world.gateway.start()
    url = wire.url_of(world, create(world, photo))
    origin = {"Origin": "https://app.example"}
    asked = wire.call("OPTIONS", url, {**origin, "Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "content-type,tus-resumable,upload-offset"})
    assert asked.status == 204 and "PATCH" in asked.headers["access-control-allow-methods"], asked
    assert asked.headers["access-control-allow-headers"] == "content-type,tus-resumable,upload-offset"
    seen = wire.head(url, {**wire.TUS, **origin})
    assert seen.headers["access-control-allow-origin"] == "https://app.example" and "Upload-Offset" in seen.headers["access-control-expose-headers"]


@pytest.mark.kills
def test_loses_nothing_when_killed_at_each_step(failpoint_world, photo):
    world = failpoint_world(extra=SHORT_LEASES)
    for point in ("after_chunk_put", "after_chunk_commit", "after_received", "after_assembled", "before_chunks_removed"):
        created = world.create({"profile": next(iter(world.app.profiles)), "size": len(photo), "content_type": "image/jpeg"})
        url = wire.url_of(world, created)
        assert wire.patch(url, 0, photo[:1_000]).offset == 1_000
        world.gateway.kill()
        world.gateway.launch(environment={"PHOTOGATE_FAILPOINTS": f"{point}=kill@1"})
        world.gateway.wait_until_ready()
        ends = 2_000 if point in ("after_chunk_put", "after_chunk_commit") else len(photo)
        with pytest.raises(OSError):
            wire.patch(url, 1_000, photo[1_000:ends])
        services.wait_until(lambda: not world.gateway.running(), 60, f"the kill at {point}")
        world.gateway.restart()
        offset = wire.head(url).offset
        assert offset == {"after_chunk_put": 1_000, "after_chunk_commit": 2_000}.get(point, len(photo)), point
        if offset < len(photo):
            assert wire.patch(url, offset, photo[offset:]).status == 204
        wire.is_published(world, created, photo, 120)
        assert world.sql(f"select count(*) from jobs where kind = 'process' and subject_id = '{created['id']}'").strip() in ("0", "1")


@pytest.mark.slow
def test_cancelled_file_leaves_no_parts_of_an_assembly_that_was_killed(own_world):
    from tests.rig import parts as large
    world, data = own_world(witnessed=True), random.Random(18).randbytes(18 << 20)
    created = world.create({"size": len(data)})
    url = wire.url_of(world, created)
    held = world.witness.store.rule(lambda exchange: exchange.method == "POST" and "uploadId" in exchange.query, fault_proxy.hanging(60))

    def send():
        with contextlib.suppress(OSError):
            wire.patch(url, 0, data)

    sending = threading.Thread(target=send)
    sending.start()
    services.wait_until(lambda: held.hits, 60, "the last request of the assembly")
    world.gateway.kill()
    sending.join()
    world.witness.store.heal()
    assert len(large.at_the_store(world, created)) == 1 and wire.chunks_at_the_store(world, created)
    world.gateway.restart()
    assert world.request("DELETE", f"/v1/uploads/{created['id']}")[2]["state"] == "cancelled"
    # What the killed gateway held is free after a minute.
    world.sql("update rounds set lease_token = null, lease_until = null, due_at = now()")
    world.sql("update resumables set look_at = now()")
    services.wait_until(lambda: not wire.chunks_at_the_store(world, created), 30, "the end of the chunks")
    services.wait_until(lambda: large.at_the_store(world, created) == [], 30, "the end of the multipart upload")


@pytest.mark.large
def test_five_thousand_slow_uploads_take_little_memory(own_world, photo):
    """Each has sent 20,000 bytes and rests; others are served meanwhile."""
    connections, sent = 5_000, 20_000
    world = own_world(start=False)
    world.gateway.environment |= {"PHOTOGATE_SERVER_MAX_CONNECTIONS": "6000", "PHOTOGATE_SERVER_MAX_CONNECTIONS_PER_ADDRESS": "0"}
    world.gateway.start()
    before = memory_of(world)
    made = [each for _ in range(connections // 500) for each in
            world.request("POST", "/v1/uploads/batch", {"uploads": [{"profile": "photos", "size": 50_000} for _ in range(500)]})[2]["data"]]
    opened = []
    try:
        for created in made:
            opened.append(wire.Open("PATCH", wire.url_of(world, created), {**wire.TUS_CONTENT, "Upload-Offset": "0"}, 50_000).send(b"x" * sent))
        sending(world, connections)
        used = memory_of(world) - before
        assert used < 400 << 20, f"{used >> 20} MiB for {connections} uploads"
        created = create(world, photo)
        assert wire.patch(wire.url_of(world, created), 0, photo).status == 204
        wire.is_published(world, created, photo)
    finally:
        for each in opened:
            each.close()


def memory_of(world):
    with open(f"/proc/{world.gateway.process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) * 1024
