"""Variants: versions that the profile names, there before the first visitor; and versions that nobody asks for, gone."""
import pytest
from test_crash_points import run_until_killed
from test_images import path_of, s3
from test_versions import facts, rows

from scripts import local_gateway
from tests.rig import pictures
from tests.rig import stack as parts
from tests.rig.world import QUICK_ROUNDS, SHORT_LEASES

THUMB = {"variants.thumb.width": 320, "variants.thumb.height": 320, "variants.thumb.fit": '"cover"', "variants.thumb.format": '"webp"'}
PAGE = {"variants.page.width": 640}
NOW = {"PHOTOGATE_WORKER_SWEEP_INTERVAL": "1s", "PHOTOGATE_WORKER_SWEEP_AGE": "1d"}


def named(upload):
    return {variant["name"]: variant for variant in upload["variants"]}


def seen(world, upload):
    return world.request("GET", "/v1/uploads/" + upload["id"])[2]


def get(world, url):
    status, headers, body = world.gateway.request("GET", url[url.index("/i/"):])
    assert status == 200, (url, body)
    return headers, body


def made(world, upload):
    return sum("version.made" in line and upload["id"] in line for line in world.gateway.log.read_text(errors="replace").splitlines())


def stored(world, upload):
    prefix = "v/" + path_of(upload).rsplit("/", 1)[1] + "/"
    return s3(world).list_objects_v2(Bucket=world.stack.minio.public, Prefix=prefix).get("KeyCount")


def reconfigure(world, profile):
    world.app.profiles["photos"] = profile
    world.gateway.config.write_text(local_gateway.configuration(world.stack, world.port, world.metrics_port,
                                                                list(world.gateway.apps.values()), world.extra))


@pytest.fixture(scope="module")
def photo():
    return pictures.photo(1600, 1200, seed=150)


def test_variants_are_announced_with_the_upload_and_there_before_the_first_visitor(own_world, photo, tmp_path):
    world = own_world(profiles={"photos": THUMB | PAGE})
    upload = world.publish(photo)
    told = world.receiver.wait_for_upload(upload["id"], "upload.published").body["data"]
    assert named(told) == named(upload) == named(seen(world, upload)) and list(named(upload)) == ["page", "thumb"]
    for name, shape in (("page", ("jpeg", 640, 480)), ("thumb", ("webp", 320, 320))):
        variant = named(upload)[name]
        headers, body = get(world, variant["url"])
        assert facts(body, tmp_path) == shape == (variant["format"], variant["width"], variant["height"])
        assert len(body) == variant["size"] and headers["cache-control"] == "public, max-age=31536000, immutable"
    # A URL with the same parameters is the same version.
    assert get(world, path_of(upload) + "?width=640")[0]["etag"] == get(world, named(upload)["page"]["url"])[0]["etag"]
    assert get(world, path_of(upload) + "?variant=page")[0]["cache-control"] == "public, max-age=3600"
    assert (rows(world, upload), made(world, upload)) == (2, 0)
    listed = world.request("GET", "/v1/uploads")[2]["data"][0]
    assert named(listed) == named(upload)

    for query, status, code in (("?variant=poster", 404, "variant_not_found"), ("?variant=thumb&width=320", 400, "invalid_query"),
                                ("?variant=", 400, "invalid_query"), ("?variant=thumb&variant=page", 400, "invalid_query")):
        answer, _, problem = world.gateway.request("GET", path_of(upload) + query)
        assert (answer, problem["code"]) == (status, code), query
    small = world.publish(pictures.photo(300, 200, seed=151))
    assert get(world, named(small)["page"]["url"])[0]["etag"] == get(world, path_of(small))[0]["etag"]
    assert world.request("DELETE", "/v1/uploads/" + upload["id"])[0] in (200, 202)
    parts.wait_until(lambda: stored(world, upload) == 0, 30, "the variants to be removed")
    assert world.gateway.request("GET", path_of(upload) + "?variant=thumb")[0] == 410


def test_what_does_not_fit_the_budget_is_announced_later(own_world, photo):
    world = own_world(start=False, profiles={"photos": THUMB | {"variants.art.width": 1500, "variants.art.format": '"avif"'}})
    world.gateway.environment["PHOTOGATE_DELIVERY_VARIANTS_BUDGET"] = "100ms"
    world.gateway.start()
    upload = world.publish(photo)
    assert named(world.receiver.wait_for_upload(upload["id"], "upload.published").body["data"]) == {}
    told = world.receiver.wait_for_upload(upload["id"], "variant.ready", 60).body["data"]
    assert list(named(told)) == ["art", "thumb"] and named(told) == named(seen(world, upload))


def test_a_changed_profile_is_known_and_its_variants_are_made_on_demand(own_world, photo):
    world = own_world(profiles={"photos": THUMB})
    upload = world.publish(photo)
    plain = world.request("POST", f"/v1/uploads/{world.create({'size': 1})['id']}/variants")
    assert (plain[0], plain[2]["code"]) == (409, "state_conflict")
    world.gateway.stop()
    reconfigure(world, {**THUMB, "variants.thumb.quality": 60} | PAGE)
    world.gateway.start()
    assert named(seen(world, upload)) == {}
    status, _, answer = world.request("POST", f"/v1/uploads/{upload['id']}/variants")
    assert (status, answer["variants"]) == (202, [])
    told = world.receiver.wait_for_upload(upload["id"], "variant.ready", 60).body["data"]
    assert list(named(told)) == ["page", "thumb"] and rows(world, upload) == 3
    assert named(told)["thumb"]["url"] != named(upload)["thumb"]["url"]
    assert get(world, named(told)["thumb"]["url"])[0]["etag"] != "" and made(world, upload) == 2
    assert world.request("POST", f"/v1/uploads/{upload['id']}/variants", key=world.other.key)[0] == 404


def backfill(world, wanted, key=None):
    return world.request("POST", "/v1/variants", wanted, **({"key": key} if key else {}))


def backfill_at(world, one, state, timeout=60):
    def look():
        return world.request("GET", "/v1/variants/" + one["id"])[2]

    parts.wait_until(lambda: look()["state"] == state, timeout, f"the backfill to be {state}")
    return look()


def test_a_backfill_makes_the_variants_of_all_uploads_that_lack_them(own_world, photo):
    world = own_world(profiles={"photos": THUMB})
    uploads = [world.publish(pictures.photo(700, 500, seed=160 + number)) for number in range(5)]
    whole = world.publish(pictures.photo(300, 200, seed=170))  # smaller than each variant: nothing of it lacks but the thumbnail
    for wanted, status, code in (({"variant": "poster"}, 404, "variant_not_found"), ({"profile": "none"}, 422, "unknown_profile"), ({"variant": 1}, 422, "invalid_field"),
                                 ({"created_after": "yesterday"}, 422, "invalid_field"), ({"all": True}, 422, "unknown_member"),
                                 ({"created_after": "2026-02-01T00:00:00Z", "created_before": "2026-01-01T00:00:00Z"}, 422, "invalid_field")):
        answer = backfill(world, wanted)
        assert (answer[0], answer[2]["code"]) == (status, code), wanted
    status, headers, nothing = backfill(world, {})
    assert (status, headers["location"]) == (202, "/v1/variants/" + nothing["id"])
    nothing = backfill_at(world, nothing, "finished")
    assert (nothing["total"], nothing["looked_at"], nothing["found"], nothing["made"]) == (6, 6, 0, 0)

    world.gateway.stop()
    reconfigure(world, {**THUMB, "variants.thumb.quality": 60} | PAGE)
    world.gateway.start()
    between = {"created_after": uploads[0]["finished_at"], "created_before": uploads[4]["created_at"]}
    one = backfill_at(world, backfill(world, {"profile": "photos", "variant": "page"} | between)[2], "finished")
    assert (one["total"], one["found"], one["made"], one["failed"]) == (3, 3, 3, 0) and one["expected_at"] is None and one["finished_at"]
    told = world.receiver.wait_for_upload(uploads[1]["id"], "variant.ready", 60).body["data"]
    assert list(named(told)) == ["page"] and named(seen(world, uploads[0])) == {}
    everything = backfill_at(world, backfill(world, {})[2], "finished")
    assert (everything["total"], everything["looked_at"], everything["made"], everything["failed"], everything["waiting"]) == (6, 6, 6, 0, 0)
    for upload in (*uploads, whole):
        assert list(named(seen(world, upload))) == ["page", "thumb"]
        for variant in seen(world, upload)["variants"]:
            get(world, variant["url"])
    assert world.request("GET", "/v1/variants/" + one["id"], key=world.other.key)[0] == 404
    assert world.request("DELETE", "/v1/variants/" + one["id"])[2]["state"] == "finished"
    assert world.request("GET", "/v1/variants/bkf_x")[0] == 404


@pytest.mark.large
def test_a_backfill_is_cancelled_and_gives_way_to_uploads(own_world, photo):
    world = own_world(profiles={"photos": {}}, extra=QUICK_ROUNDS + "concurrency = 1\n")
    for number in range(8):
        world.publish(pictures.photo(1600, 1200, seed=180 + number))
    world.gateway.stop()
    reconfigure(world, {"variants.art.width": 1500, "variants.art.format": '"avif"'} | PAGE)
    world.gateway.start()
    begun = backfill(world, {})[2]
    again = backfill(world, {})
    assert (again[0], again[2]["id"]) == (200, begun["id"])
    fresh = world.publish(photo)
    state = world.request("GET", "/v1/variants/" + begun["id"])[2]
    assert state["state"] == "running" and state["made"] < 8, "the upload did not wait for it"
    cancelled = world.request("DELETE", "/v1/variants/" + begun["id"])[2]
    assert cancelled["state"] == "cancelled" and cancelled["finished_at"]
    parts.wait_until(lambda: world.sql("select count(*) from jobs where kind = 'make_variants' and slot <> ''") == "0", 60, "what was under way to end")
    made = int(world.sql("select count(distinct upload_id) from images where role = 'version'"))
    assert made < 9 and fresh["state"] == "published"
    assert backfill(world, {})[0] == 202, "a new one"


@pytest.mark.kills
def test_killed_between_any_two_steps_a_backfill_ends_with_all_variants(failpoint_world):
    world = failpoint_world(profiles={"photos": {}}, extra=SHORT_LEASES)
    uploads = [world.publish(pictures.photo(700, 500, seed=190 + number)) for number in range(3)]
    world.gateway.stop()
    reconfigure(world, PAGE)
    world.gateway.start()
    assert backfill(world, {})[0] == 202
    world.gateway.kill()
    world.sql("delete from jobs where kind = 'make_variants'")
    world.sql("update variant_backfills set looked_to = 'upl_zzzz', counted_to = null, total = 3, found = 0, looked_at = 0, made = 0")
    run_until_killed(world, "mid_backfill=kill")
    assert world.sql("select count(*) from jobs where kind = 'make_variants'") == "0" and world.sql("select found from variant_backfills") == "0"
    run_until_killed(world, "after_backfill=kill")
    run_until_killed(world, "after_variant_made=kill")
    world.gateway.restart()
    parts.wait_until(lambda: world.sql("select state from variant_backfills") == "finished", 60, "the backfill to end")
    assert world.sql("select made || ' ' || failed || ' ' || found from variant_backfills") == "3 0 3"
    for upload in uploads:
        assert list(named(seen(world, upload))) == ["page"] and rows(world, upload) == 1
        world.receiver.wait_for_upload(upload["id"], "variant.ready", 30)


def test_versions_that_nobody_asks_for_are_removed_and_made_anew(own_world, photo):
    world = own_world(start=False, profiles={"photos": THUMB})
    world.gateway.environment |= NOW
    world.gateway.start()
    upload = world.publish(photo)
    first = get(world, path_of(upload) + "?width=320")
    get(world, path_of(upload) + "?width=640")
    assert (rows(world, upload), stored(world, upload)) == (3, 3)
    world.sql("update images set used_at = now() - interval '91 days' where role = 'version' and width <> 640")
    parts.wait_until(lambda: (rows(world, upload), stored(world, upload)) == (2, 2), 30, "the unused version to be removed")
    assert get(world, named(upload)["thumb"]["url"])[1] and made(world, upload) == 2
    parts.wait_until(lambda: world.gateway.request("GET", path_of(upload) + "?width=320")[0] == 200, 30, "the version to be made anew")
    assert get(world, path_of(upload) + "?width=320")[1] == first[1] and rows(world, upload) == 3


@pytest.mark.kills
def test_killed_between_any_two_steps_variants_come_and_unused_versions_go(failpoint_world, photo):
    world = failpoint_world(start=False, profiles={"photos": THUMB | PAGE}, extra=SHORT_LEASES)
    world.gateway.environment |= NOW  # from the beginning: a round that ended is due after the interval of its time
    world.gateway.start()
    first = world.publish(photo)
    created = world.upload(pictures.photo(1200, 900, seed=152))
    world.gateway.kill()
    waiting = world.sql(f"select state from uploads where id = '{created['id']}'")
    if waiting != "published":
        run_until_killed(world, "after_variants_put=kill")
    world.gateway.restart()
    upload = world.gateway.wait_for(created)
    assert list(named(seen(world, upload))) == ["page", "thumb"]
    world.gateway.stop()
    reconfigure(world, THUMB | PAGE | {"variants.thumb.quality": 60, "variants.page.quality": 60})
    world.gateway.start()
    assert world.request("POST", f"/v1/uploads/{upload['id']}/variants")[0] == 202
    world.gateway.kill()
    if rows(world, upload) < 4:
        run_until_killed(world, "after_variant_made=kill")
    world.sql("update images set used_at = now() - interval '91 days' where role = 'version'")
    run_until_killed(world, "after_versions_forgotten=kill")
    world.gateway.environment["PHOTOGATE_WORKER_SWEEP_AGE"] = "1s"
    world.gateway.restart()
    parts.wait_until(lambda: len(named(seen(world, upload))) == 2, 60, "the variants of the new profile")
    for each in (first, upload):
        parts.wait_until(lambda each=each: stored(world, each) == rows(world, each), 60, "objects that no row refers to to be collected")
        for variant in seen(world, each)["variants"]:
            get(world, variant["url"])
