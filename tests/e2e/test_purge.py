"""A deleted image is gone under every URL that ever worked, on every gateway, and the caches in front are told to forget it."""
import contextlib
import json
import threading
import xml.etree.ElementTree

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
from test_images import path_of, s3

from tests.rig import pictures
from tests.rig import stack as parts
from tests.rig.sinks import Sink, respond

BROWSER = {"Accept": "image/avif,image/webp,image/*,*/*;q=0.8"}
CLOUDFLARE = respond(200, {"Content-Type": "application/json"}, b'{"success": true, "errors": [], "result": {"id": "1"}}')


def hook(name, kind, sink, **more):
    lines = {"kind": kind, **more}
    if kind != "http":
        lines |= {"api": sink.url(path=""), "id": "resource-1"}
    if kind in ("cloudflare", "fastly"):
        lines["token"] = f"{kind}-token-canary"
    return f"\n[purges.{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in lines.items())


def requests(sink):
    """(method, path, headers in lower case, body) of each request so far."""
    found = []
    for _, head, body in list(sink.requests):
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        method, path, _ = first.split(" ")
        found.append((method, path, headers, body))
    return found


def delete(world, upload):
    status, _, answer = world.request("DELETE", f"/v1/uploads/{upload['id']}")
    assert (status, answer["state"]) == (200, "deleted"), answer


def purges(world, state=None):
    rows = json.loads(world.sql("select coalesce(json_agg(c), '[]') from callbacks c where type = 'image.purge'"))
    return [each for each in rows if state is None or each["state"] == state]


def signature_by_botocore(url, headers, body):
    request = botocore.awsrequest.AWSRequest(method="POST", url=url, data=body, headers={
        name: headers[name] for name in ("content-type", "host", "x-amz-content-sha256", "x-amz-date")})
    request.context["timestamp"] = headers["x-amz-date"]
    auth = botocore.auth.SigV4Auth(botocore.credentials.Credentials("AKIDEXAMPLE", "cloudfront-secret-canary"), "cloudfront", "us-east-1")
    return auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)


def test_nothing_of_a_deleted_image_can_be_fetched_under_any_url_that_ever_worked(own_world):
    with Sink(respond(200)) as cache:
        world = own_world(extra=hook("cache", "http", cache, url=cache.url(path="/i/{id}"), repeat_after=1))
        second = world.another()
        with second:
            gateways = (world.gateway, second)
            upload = world.publish(pictures.photo(1600, 1200, seed=140))
            path = path_of(upload)
            public_id = path.rsplit("/", 1)[1]
            urls = [path + rest for rest in (
                "", "/photo.jpg", f"/{public_id}.jpg", "?v=2", "?placeholder=1", "?utm_source=mail", "?width=320", "?width=321&utm_source=mail", "?w=400&dpr=2",
                "?width=640&height=480&fit=cover&gravity=attention", "?format=webp", "?width=320&format=avif", "?quality=50&width=640",
                "?width=640&format=auto", "/w320.webp", "/w640h480@2x.webp", "/w640.jpg?v=7")]
            validators = {}
            for url in urls:
                for gateway in gateways:
                    status, headers, body = gateway.request("GET", url, headers=BROWSER)
                    assert status == 200 and body, url
                    assert headers["xkey"] == public_id, "a cache can know it by its tag"
                    validators[url] = headers["etag"]
            assert gateways[1].request("GET", urls[5], headers={"If-None-Match": validators[urls[5]]})[0] == 304
            delete(world, upload)
            for url in urls:
                for gateway in gateways:
                    for method, headers in (("GET", BROWSER), ("HEAD", BROWSER), ("GET", {"If-None-Match": validators[url]}),
                                            ("GET", {"Range": "bytes=0-9"}), ("GET", {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"})):
                        status, answered, body = gateway.request(method, url, headers={**BROWSER, **headers})
                        assert (status, answered["cache-control"]) == (410, "no-store"), (method, url, headers)
                        assert method == "HEAD" or body["code"] == "gone", "no byte of it"
            # Nor under one that nobody has asked for yet.
            assert all(gateway.request("GET", path + "?width=960")[0] == 410 for gateway in gateways)
            for prefix in ("p", "v"):
                listed = s3(world).list_objects_v2(Bucket=world.stack.minio.public, Prefix=f"{prefix}/{public_id}/")
                assert listed.get("KeyCount") == 0, listed
            parts.wait_until(lambda: world.sql(f"select count(*) from images where upload_id = '{upload['id']}'") == "0", 30, "no row names it")
            assert world.sql("select count(*) from version_claims") == "0"
            parts.wait_until(lambda: len(purges(world, "delivered")) == 2, 60, "both purges")
            assert {(method, where) for method, where, _, _ in requests(cache)} == {("PURGE", f"/i/{public_id}")}


def test_who_reads_while_it_is_deleted_gets_it_whole_or_not_at_all(own_world):
    world = own_world()
    second = world.another()
    with second:
        upload = world.publish(pictures.photo(1600, 1200, seed=141))
        path, gone, wrong = path_of(upload), threading.Event(), []

        def read(gateway, first):
            width = first
            while True:
                was_gone = gone.is_set()
                width += 2
                # One that exists, and one that may have to be made just now.
                for url in (path, f"{path}?width=320", f"{path}?height={width % 1500 + 1}&quality={width % 100 + 1}"):
                    status, _, body = gateway.request("GET", url)
                    if status not in (200, 410, 429, 503) or (was_gone and status != 410):
                        wrong.append((url, status, body))
                if was_gone:
                    return

        readers = [threading.Thread(target=read, args=(gateway, first)) for gateway in (world.gateway, second) for first in (1, 2)]
        for each in readers:
            each.start()
        parts.wait_until(lambda: int(world.sql(f"select count(*) from images where upload_id = '{upload['id']}'")) >= 4, 30, "some versions")
        delete(world, upload)
        gone.set()
        for each in readers:
            each.join(60)
        assert wrong == []
        prefix = path.rsplit("/", 1)[1]

        def left():
            return [each["Key"] for kind in "pv"
                    for each in s3(world).list_objects_v2(Bucket=world.stack.minio.public, Prefix=f"{kind}/{prefix}/").get("Contents", [])]

        parts.wait_until(lambda: left() == [], 30, "what was being made to go as well")
        parts.wait_until(lambda: world.sql(f"select count(*) from images where upload_id = '{upload['id']}'") == "0", 30, "no row names it")


def test_each_kind_of_cache_is_told_in_its_own_way(own_world):
    with Sink(CLOUDFLARE) as cloudflare, Sink(respond(200)) as fastly, Sink(respond(201)) as cloudfront, Sink(respond(404)) as nginx:
        world = own_world(extra=hook("edge", "cloudflare", cloudflare, hosts=["img.example"], repeat_after=1)
                          + hook("fast", "fastly", fastly, repeat_after=0)
                          + hook("front", "cloudfront", cloudfront, access_key="AKIDEXAMPLE", secret_key="cloudfront-secret-canary", repeat_after=0)
                          + hook("nginx", "http", nginx, url=nginx.url(path="/purge/{id}"), method="GET", token="nginx-token-canary", repeat_after=0))
        upload = world.publish(pictures.photo(400, 300, seed=142))
        public_id = path_of(upload).rsplit("/", 1)[1]
        _, headers, _ = world.image(upload)
        assert [headers[name] for name in ("cache-tag", "surrogate-key", "xkey")] == [public_id] * 3
        assert purges(world) == []
        delete(world, upload)
        parts.wait_until(lambda: len(purges(world, "delivered")) == 5, 60, "the purges")
        assert [(method, path) for method, path, _, _ in requests(cloudflare)] == [("POST", "/client/v4/zones/resource-1/purge_cache")] * 2
        for _, _, headers, body in requests(cloudflare):
            assert headers["authorization"] == "Bearer cloudflare-token-canary"
            assert json.loads(body) == {"prefixes": [f"img.example/i/{public_id}"]}
        (method, path, headers, body), = requests(fastly)
        assert (method, path, body) == ("POST", "/service/resource-1/purge", b"")
        assert (headers["fastly-key"], headers["surrogate-key"]) == ("fastly-token-canary", public_id)
        (method, path, headers, body), = requests(cloudfront)
        assert (method, path) == ("POST", "/2020-05-31/distribution/resource-1/invalidation")
        assert headers["authorization"].rsplit("=", 1)[1] == signature_by_botocore(cloudfront.url(path=path), headers, body)
        spaces = {"": "http://cloudfront.amazonaws.com/doc/2020-05-31/"}
        assert [each.text for each in xml.etree.ElementTree.fromstring(body).findall("Paths/Items/Path", spaces)] == [f"/i/{public_id}*"]
        (method, path, headers, _), = requests(nginx)
        assert (method, path, headers["authorization"], headers["xkey"]) == ("GET", f"/purge/{public_id}", "Bearer nginx-token-canary", public_id)
        # An operator sees them; the app does not, and its own sequence has no gap.
        kinds = [each["type"] for each in world.request("GET", f"/v1/callbacks?upload={upload['id']}", key=world.operator.key)[2]["data"]]
        assert kinds.count("image.purge") == 5
        mine = world.request("GET", f"/v1/callbacks?upload={upload['id']}")[2]["data"]
        assert [(each["sequence"], each["type"]) for each in reversed(mine)] == [(1, "upload.received"), (2, "upload.published"), (3, "upload.deleted")]
        assert "image.purge" not in json.dumps(world.request("GET", "/v1/events")[2])
        told = world.gateway.request("GET", "/metrics", port=world.gateway.metrics_port)[2].decode()
        assert 'photogate_purge_attempts_total{hook="edge",result="delivered"} 2' in told
        assert "canary" not in world.gateway.log.read_text() + json.dumps(purges(world))


def test_what_was_never_published_is_not_purged(own_world):
    with Sink(respond(200)) as cache:
        world = own_world(extra=hook("cache", "http", cache, url=cache.url(path="/i/{id}")))
        rejected = world.publish(b"\xff\xd8\xff not a picture" + bytes(2000))
        assert rejected["state"] == "rejected"
        delete(world, rejected)
        created = world.create({"size": 1000})
        assert world.request("DELETE", f"/v1/uploads/{created['id']}")[2]["state"] == "cancelled"
        assert purges(world) == [] and cache.requests == []


def test_a_cache_that_refuses_is_asked_again_and_many_images_go_in_one_request(own_world):
    with Sink(respond(500)) as cloudflare:
        world = own_world(extra=hook("edge", "cloudflare", cloudflare, hosts=["img.example"], repeat_after=0))
        uploads = [world.publish(pictures.photo(320, 240, seed=150 + n)) for n in range(5)]
        ids = {path_of(each).rsplit("/", 1)[1] for each in uploads}
        delete(world, uploads[0])
        parts.wait_until(lambda: [each["attempts"] for each in purges(world)] == [1], 60, "the first attempt")
        row, = purges(world)
        assert row["state"] == "waiting"
        url = {"url": cloudflare.url(path="/client/v4/zones/resource-1/purge_cache")}
        assert world.request("POST", "/v1/endpoints/pause", url, key=world.operator.key)[0] == 204
        assert world.request("POST", "/v1/endpoints/pause", url)[0] == 404, "an app has nothing to do with it"
        for each in uploads[1:]:
            delete(world, each)
        # Cloudflare says no in a 200 as well.
        cloudflare.handle = respond(200, {}, b'{"success": false, "errors": [{"code": 10000}]}')
        assert world.request("POST", "/v1/endpoints/resume", url, key=world.operator.key)[0] == 202
        parts.wait_until(lambda: {each["attempts"] for each in purges(world)} <= {1, 2} and len(purges(world)) == 5
                         and min(each["attempts"] for each in purges(world)) == 1, 20, "their first attempts")
        assert {each["state"] for each in purges(world)} == {"waiting"}
        cloudflare.handle = CLOUDFLARE
        before = len(cloudflare.requests)
        world.sql("update callbacks set next_attempt_at = now() where type = 'image.purge'")
        parts.wait_until(lambda: len(purges(world, "delivered")) == 5, 30, "all")
        asked = [{each.rsplit("/", 1)[1] for each in json.loads(body)["prefixes"]} for _, _, _, body in requests(cloudflare)[before:]]
        assert set().union(*asked) == ids
        assert sum(len(each) for each in asked) == 5
        assert len(asked) < 5, "one request has several images"


def test_a_hook_that_is_no_longer_configured_is_said_so_and_nothing_is_sent(own_world):
    with Sink(respond(500)) as cache:
        world = own_world(extra=hook("cache", "http", cache, url=cache.url(path="/i/{id}"), repeat_after=0))
        upload = world.publish(pictures.photo(320, 240, seed=160))
        delete(world, upload)
        parts.wait_until(lambda: [each["attempts"] for each in purges(world)] == [1], 60, "the first attempt")
        world.gateway.stop()
        without = world.gateway.config.read_text().replace("[purges.cache]", "[purges.renamed]")
        world.gateway.config.write_text(without)
        world.gateway.start()
        sent = len(cache.requests)
        world.sql("update callbacks set next_attempt_at = now() where type = 'image.purge'")
        parts.wait_until(lambda: [each["attempts"] for each in purges(world)] == [2], 60, "the second attempt")
        assert len(cache.requests) == sent
        row, = purges(world)
        assert world.sql(f"select error from callback_attempts where callback_id = '{row['id']}' order by at desc limit 1") == "no_hook"
        assert world.image(upload)[0] == 410


@pytest.mark.kills
def test_a_purge_survives_a_gateway_that_is_killed_at_any_step(failpoint_world):
    with Sink(respond(200)) as cache:
        world = failpoint_world(start=False, extra=hook("cache", "http", cache, url=cache.url(path="/i/{id}"), repeat_after=0))
        for point in ("after_callback_claim", "after_callback_answer"):
            world.gateway.environment.pop("PHOTOGATE_FAILPOINTS", None)
            world.gateway.start()
            photo = pictures.photo(320, 240, seed=170)
            made = world.gateway.create({"size": len(photo)}, world.other)
            assert world.send(made, photo)[0] in (200, 201)
            upload = world.gateway.wait_for(made, app=world.other)
            assert upload["state"] == "published"
            world.gateway.stop()
            # This app pulls its events: the purge is the only thing that is sent.
            world.gateway.environment["PHOTOGATE_FAILPOINTS"] = f"{point}=kill"
            world.gateway.start()
            with contextlib.suppress(OSError, ConnectionError):
                world.gateway.request("DELETE", f"/v1/uploads/{upload['id']}", key=world.other.key)
            parts.wait_until(lambda: not world.gateway.running(), 30, f"the kill at {point}")
            del world.gateway.environment["PHOTOGATE_FAILPOINTS"]
            world.gateway.start()
            public_id = path_of(upload).rsplit("/", 1)[1]
            parts.wait_until(lambda upload=upload: world.sql(f"select string_agg(state, ' ') from callbacks where type = 'image.purge' "
                                                             f"and subject_id = '{upload['id']}'") == "delivered", 60, f"the purge after {point}")
            assert f"/i/{public_id}" in [path for _, path, _, _ in requests(cache)]
            assert world.image(upload)[0] == 410
            world.gateway.stop()
