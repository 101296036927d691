"""Packages that are built into the store: an object, made once whoever is killed, byte for byte the archive that is streamed."""
import datetime
import time
import urllib.error
import urllib.request

import pytest
from test_packages import download, pack, photos

from tests.rig.published import noise, publish, store_of

KIB = 1024
MIB = KIB * KIB
QUICK = "[worker]\nreconcile_interval = 1\nreap_interval = 1\n"


def state_of(world, package):
    return world.request("GET", f"/v1/packages/{package['id']}")[2]


def wait_for(world, package, *states, seconds=60):
    deadline = time.monotonic() + seconds
    while (now := state_of(world, package))["state"] not in states:
        assert time.monotonic() < deadline, now
        time.sleep(0.1)
    return now


def objects_of(world, package):
    return [(each["Key"], each["Size"]) for each in
            store_of(world).list_objects_v2(Bucket=world.stack.minio.originals, Prefix=f"z/{package['id']}").get("Contents", [])]


def unfinished(world, package):
    return store_of(world).list_multipart_uploads(Bucket=world.stack.minio.originals, Prefix=f"z/{package['id']}.zip").get("Uploads", [])


def wait_until_nothing_is_left(world, package, seconds=30):
    deadline = time.monotonic() + seconds
    while objects_of(world, package) or unfinished(world, package):
        assert time.monotonic() < deadline, (objects_of(world, package), unfinished(world, package))
        time.sleep(0.2)


@pytest.fixture
def stored(own_world):
    return own_world(extra=QUICK)


def test_package_is_built_into_the_store_and_is_what_would_be_streamed(stored):
    made = publish(stored, photos(30, 300 * KIB, seed=40))
    items = [each.id for each in made]
    streamed = download(stored, pack(stored, {"items": items}))[2]
    package = pack(stored, {"items": items, "mode": "store"})
    assert package["mode"] == "store" and package["state"] in ("queued", "building", "ready") and package["size"] == len(streamed)
    ready = wait_for(stored, package, "ready")
    assert ready["built_bytes"] == len(streamed)
    assert objects_of(stored, package) == [(f"z/{package['id']}.zip", len(streamed))] and not unfinished(stored, package)
    body = store_of(stored).get_object(Bucket=stored.stack.minio.originals, Key=f"z/{package['id']}.zip")["Body"].read()
    assert body == streamed and download(stored, ready)[2] == streamed


def test_download_is_read_from_the_object_and_composed_where_the_object_is_away(stored):
    made = publish(stored, photos(5, 100 * KIB, seed=41))
    package = wait_for(stored, pack(stored, {"items": [each.id for each in made], "mode": "store"}), "ready")
    client, key = store_of(stored), f"z/{package['id']}.zip"
    whole = download(stored, package)[2]
    for upload in made[:1]:
        client.delete_object(Bucket=stored.stack.minio.public, Key=upload.key)
    assert download(stored, package)[2] == whole, "the pictures are not needed"
    for upload in made[:1]:
        client.put_object(Bucket=stored.stack.minio.public, Key=upload.key, Body=upload.data)
    client.delete_object(Bucket=stored.stack.minio.originals, Key=key)
    assert download(stored, package)[2] == whole
    assert download(stored, package, Range="bytes=1000-1999")[2] == whole[1000:2000]


def test_package_of_nothing_is_built(stored):
    package = wait_for(stored, pack(stored, {"items": ["upl_00000000000000000000000000"], "on_missing": "skip", "mode": "store"}), "ready")
    assert objects_of(stored, package) == [(f"z/{package['id']}.zip", 22)]


def test_package_that_is_deleted_leaves_nothing_in_the_store(stored):
    made = publish(stored, photos(5, 100 * KIB, seed=42))
    package = wait_for(stored, pack(stored, {"items": [each.id for each in made], "mode": "store"}), "ready")
    assert stored.request("DELETE", f"/v1/packages/{package['id']}")[0] == 200
    assert download(stored, package)[0] == 410
    wait_until_nothing_is_left(stored, package)


def test_package_that_is_cancelled_while_it_is_built_leaves_nothing_in_the_store(stored):
    made = publish(stored, [(f"{number}.jpg", noise(30 * MIB, number)) for number in range(6)])
    package = pack(stored, {"items": [each.id for each in made], "mode": "store"})
    wait_for(stored, package, "building", "ready")
    assert stored.request("DELETE", f"/v1/packages/{package['id']}")[0] == 200
    wait_until_nothing_is_left(stored, package, 60)
    assert state_of(stored, package)["state"] == "deleted"


@pytest.mark.large
def test_package_that_expires_is_removed_from_the_store(stored):
    made = publish(stored, photos(5, 100 * KIB, seed=43))
    package = wait_for(stored, pack(stored, {"items": [each.id for each in made], "mode": "store"}), "ready")
    stored.sql(f"update packages set expires_at = now() - interval '1 minute' where id = '{package['id']}'")
    wait_until_nothing_is_left(stored, package, 90)


def test_package_whose_picture_was_overwritten_fails_and_leaves_nothing(stored):
    made = publish(stored, photos(5, 100 * KIB, seed=44))
    store_of(stored).put_object(Bucket=stored.stack.minio.public, Key=made[2].key, Body=b"others")
    package = pack(stored, {"items": [each.id for each in made], "mode": "store"})
    failed = wait_for(stored, package, "failed")
    assert failed["failure"] == "store_precondition_failed" and failed["url"] is None
    wait_until_nothing_is_left(stored, package)


@pytest.mark.kills
def test_gateways_that_are_killed_while_building_are_followed_by_one_that_goes_on(stored):
    made = publish(stored, [(f"{number}.jpg", noise(30 * MIB, 50 + number)) for number in range(8)])
    items = [each.id for each in made]
    package = pack(stored, {"items": items, "mode": "store"})
    uploads = set()
    for _ in range(3):
        deadline = time.monotonic() + 60
        before = state_of(stored, package)["built_bytes"]
        while (now := state_of(stored, package))["state"] in ("queued", "building") and now["built_bytes"] <= before:
            assert time.monotonic() < deadline, now
            time.sleep(0.05)
        uploads.add(stored.sql(f"select coalesce(multipart, 'none') from packages where id = '{package['id']}'").strip())
        stored.gateway.kill()
        stored.gateway.start()
    ready = wait_for(stored, package, "ready", seconds=120)
    assert objects_of(stored, package) == [(f"z/{package['id']}.zip", package["size"])] and not unfinished(stored, package)
    assert download(stored, ready)[2] == download(stored, pack(stored, {"items": items}))[2]
    assert len(uploads - {"none"}) == 1, "each went on with the parts that were there"


# ---- links of the store


def fetch(url, method="GET", **headers):
    """As a browser, which knows nothing of the gateway: (status, headers, body)."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method, headers=headers), timeout=60) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.headers, refused.read()


def seconds_until(moment):
    return (datetime.datetime.fromisoformat(moment) - datetime.datetime.now(datetime.UTC)).total_seconds()


@pytest.mark.parametrize("store", ["minio", "builtin"])
def test_link_of_the_store_gives_the_zip_under_its_name_and_nothing_else(own_world, store):
    world = own_world(extra=QUICK, store=store)
    made = publish(world, photos(5, 100 * KIB, seed=46))
    asked = {"name": "smith's \u00fc.zip", "items": [each.id for each in made], "mode": "store", "expires_in": 30 * 86_400}
    package = wait_for(world, pack(world, asked), "ready")
    link, whole = package["store_url"], download(world, package)[2]
    assert link.startswith(world.stack.minio.endpoint + "/")
    status, headers, body = fetch(link)
    assert (status, body, headers["Content-Type"], headers["Cache-Control"]) == (200, whole, "application/zip", "private, no-store")
    assert headers["Content-Disposition"] == "attachment; filename=\"smith's _.zip\"; filename*=UTF-8''smith%27s%20%C3%BC.zip"
    assert fetch(link, Range="bytes=1000-1999")[::2] == (206, whole[1000:2000])
    for method in ("PUT", "DELETE", "HEAD"):
        assert fetch(link, method)[0] == 403, method
    assert fetch(link.replace(package["id"], "pkg_" + "0" * 26))[0] == 403
    assert fetch(link.replace("smith", "other"))[0] == 403, "the name is signed"
    assert fetch(link.split("?")[0])[0] == 403
    assert 6 * 86_400 < seconds_until(package["store_url_expires_at"]) <= 7 * 86_400, "as long as a store takes"
    told = world.receiver.wait_for(lambda each: each.body and each.body["data"]["id"] == package["id"], 60).body["data"]
    assert fetch(told["store_url"])[2] == whole
    brief = wait_for(world, pack(world, {**asked, "expires_in": 600}), "ready")
    assert brief["store_url_expires_at"] == brief["expires_at"], "not longer than the package"
    assert world.request("GET", f"/v1/packages/{package['id']}", key=world.operator.key)[2]["store_url"] is None
    assert world.request("DELETE", f"/v1/packages/{package['id']}")[2]["store_url"] is None
    wait_until_nothing_is_left(world, package)
    assert fetch(link)[0] == 404


def test_only_a_package_that_is_in_the_store_has_a_link_of_it(own_world):
    world = own_world(extra=QUICK, start=False)
    world.gateway.role = "serve"
    world.gateway.start()
    made = publish(world, photos(2, 10 * KIB, seed=47))
    items = [each.id for each in made]
    streamed, queued = pack(world, {"items": items}), pack(world, {"items": items, "mode": "store"})
    assert streamed["url"] and not queued["url"]
    assert [each[name] for each in (streamed, queued) for name in ("store_url", "store_url_expires_at")] == [None] * 4


def test_links_of_the_store_can_be_withheld(own_world):
    world = own_world(extra=QUICK + "[packages]\nstore_links = false\n")
    made = publish(world, photos(2, 10 * KIB, seed=48))
    package = wait_for(world, pack(world, {"items": [each.id for each in made], "mode": "store"}), "ready")
    assert package["url"] and package["store_url"] is None
    told = world.receiver.wait_for(lambda each: each.body and each.body["data"]["id"] == package["id"], 60).body["data"]
    assert told["url"] and told["store_url"] is None


def test_deleted_picture_takes_the_zip_from_the_store_at_once(own_world):
    """Not when the next round looks: the store's own link would give it until then."""
    world = own_world(extra="[worker]\nreap_interval = 300\nreconcile_interval = 300\n")
    made = publish(world, photos(3, 10 * KIB, seed=49))
    package = wait_for(world, pack(world, {"items": [each.id for each in made], "mode": "store"}), "ready")
    assert fetch(package["store_url"])[0] == 200
    assert world.request("DELETE", f"/v1/uploads/{made[1].id}")[0] in (200, 202)
    wait_until_nothing_is_left(world, package)
    assert fetch(package["store_url"])[0] == 404 and state_of(world, package)["failure"] == "gone"
