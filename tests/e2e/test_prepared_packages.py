"""Packages of versions that are not there yet: made first, once, as ordinary versions; then the archive is as fixed as any other."""
import http.client
import io
import itertools
import subprocess
import zipfile

import conftest
import pytest
from test_packages import code, download, pack, path_of
from test_stored_packages import state_of, wait_for
from test_waits import metric
from test_watermarks import profiles, share_of_red

from tests.rig import pictures
from tests.rig import stack as parts
from tests.rig.published import noise, publish
from tests.rig.world import QUICK_ROUNDS, SHORT_LEASES

world = conftest.on_every_store(conftest.MINIO_FIRST)
SMALL = {"width": 320, "format": "webp"}
SEEDS = itertools.count(70_000)


def pictures_of(world, count, width=800, height=600, **options):
    """Published as quickly as rows are written; each can be scaled."""
    files = [(f"IMG_{number}.jpg", pictures.photo(width, height, seed=next(SEEDS))) for number in range(count)]
    made = publish(world, files, **options)
    claim_size(world, made, width, height)
    return made


def claim_size(world, made, width=800, height=600):
    ids = ", ".join(f"'{each.id}'" for each in made)
    world.sql(f"update uploads set image_width = {width}, image_height = {height} where id in ({ids})")
    world.sql(f"update images set width = {width}, height = {height} where upload_id in ({ids}) and role = 'main'")


def entries(world, package):
    archive = zipfile.ZipFile(io.BytesIO(download(world, package)[2]))
    assert archive.testzip() is None
    return {name: archive.read(name) for name in archive.namelist()}


def image(world, upload, query):
    public = world.sql(f"select public_id from uploads where id = '{upload.id}'").strip()
    status, _, data = world.gateway.request("GET", f"/i/{public}?{query}")
    assert status == 200
    return data


def versions(world, made):
    ids = ", ".join(f"'{each.id}'" for each in made)
    return int(world.sql(f"select count(*) from images where role = 'version' and upload_id in ({ids})"))


def asked_rows(world, package):
    return int(world.sql(f"select count(*) from package_asked where package_id = '{package['id']}'"))


def told(world, package):
    """The types of the callbacks about it."""
    return [each["type"] for each in world.request("GET", f"/v1/callbacks?package={package['id']}")[2]["data"]]


def test_versions_are_made_first_and_the_next_package_of_them_is_ready_at_once(world):
    made = pictures_of(world, 5)
    before = metric(world.gateway, 'photogate_package_items_prepared_total{result="there"}')
    body = {"items": [{"upload": each.id, "name": f"small/{number}"} for number, each in enumerate(made)], "image": {"width": 300, "format": "webp"}}
    package = pack(world, body)
    assert (package["state"], package["items"], package["prepared"], package["url"], package["size"]) == ("preparing", 5, 0, None, 0)
    ready = wait_for(world, package, "ready")
    assert ready["items"] == 5 and ready["missing"] == 0 and "prepared" not in ready
    assert metric(world.gateway, 'photogate_package_items_prepared_total{result="there"}') == before + 5
    found = entries(world, ready)
    assert list(found) == [f"small/{number}" for number in range(5)]
    # Sizes are those of URLs: 300 is 320.
    assert list(found.values()) == [image(world, each, "width=320&format=webp") for each in made]
    assert all(data[8:12] == b"WEBP" for data in found.values())
    assert versions(world, made) == 5 and asked_rows(world, package) == 0
    assert told(world, package) == ["package.ready"]
    again = pack(world, body)
    assert (again["state"], again["items"]) == ("ready", 5) and entries(world, again) == found
    assert told(world, again) == [], "the answer was its link"
    names = entries(world, pack(world, {"items": [made[0].id], "image": SMALL}))
    assert list(names) == ["IMG_0.webp"], "a file is called as what it is"


def test_stored_package_of_versions_is_built_when_they_are_there(world):
    made = pictures_of(world, 3)
    package = pack(world, {"items": [each.id for each in made], "image": SMALL, "mode": "store", "manifest": "json", "path": "{profile}/{filename}"})
    assert package["state"] == "preparing"
    stored = wait_for(world, package, "ready")
    streamed = pack(world, {"items": [each.id for each in made], "image": SMALL, "path": "{profile}/{filename}"})
    assert streamed["state"] == "ready"
    found = entries(world, stored)
    assert "manifest.json" in found and {name: data for name, data in found.items() if name != "manifest.json"} == entries(world, streamed)
    assert stored["built_bytes"] == stored["size"]


def test_picture_as_it_is_needs_no_version(world):
    made = pictures_of(world, 2)
    for asked in ({}, {"width": 5000}, {"height": 600, "fit": "inside"}):
        package = pack(world, {"items": [each.id for each in made], "image": asked})
        assert package["state"] == "ready" and list(entries(world, package).values()) == [each.data for each in made], asked


def test_parameters_that_can_not_be_are_refused_and_change_nothing(world):
    made = pictures_of(world, 1)
    count = world.sql("select count(*) from packages")
    for asked, pointer in ([{"width": 0}, "/image/width"], [{"width": "9"}, "/image/width"], [{"fit": "round"}, "/image"], [{"format": "auto"}, "/image/format"],
                           [{"quality": 101}, "/image"], [{"colour": "red"}, "/image/colour"], [{"watermark": False}, "/image/watermark"],
                           [{"watermark": ""}, "/image/watermark"], [{"watermark": 5}, "/image/watermark"], [{"gravity": "up"}, "/image"]):
        status, _, answer = world.request("POST", "/v1/packages", {"items": [made[0].id], "image": asked})
        assert status == 422 and [each["pointer"] for each in answer["errors"]] == [pointer], (asked, answer)
    for other in ({"variant": "x"}, {"content": "image"}, {"content": "original"}):
        assert code(world.request("POST", "/v1/packages", {"items": [made[0].id], "image": {}, **other}))[0] == 422
    # What the profile does not have is an item's: on_missing decides.
    for watermark in (True, "proof"):
        asked = {"items": [made[0].id], "image": {"watermark": watermark}}
        assert code(world.request("POST", "/v1/packages", asked)) == (409, "state_conflict")
        assert world.sql("select count(*) from packages") == count
    listed = [pack(world, {"items": [made[0].id], "image": {"watermark": watermark}, "on_missing": "list"}) for watermark in (True, "proof")]
    for each in listed:
        assert each["state"] == "ready" and [missing["code"] for missing in each["missing_items"]] == ["watermark_not_found"]


def test_item_whose_version_can_not_be_made_follows_on_missing(world):
    made = pictures_of(world, 2)
    broken = publish(world, [("broken.jpg", noise(5_000, 1))])
    claim_size(world, broken)
    items = [made[0].id, broken[0].id, made[1].id]
    failed = wait_for(world, pack(world, {"items": items, "image": SMALL}), "failed")
    assert failed["failure"] == "version_not_made" and failed["missing"] == 1
    assert [(each["item"], each["upload"], each["code"]) for each in failed["missing_items"]] == [(1, broken[0].id, "version_not_made")]
    assert code(world.request("POST", f"/v1/packages/{failed['id']}/url")) == (410, "gone")
    listed = wait_for(world, pack(world, {"items": items, "image": SMALL, "on_missing": "list"}), "ready")
    assert listed["items"] == 2 and [(each["item"], each["code"]) for each in listed["missing_items"]] == [(1, "version_not_made")]
    assert len(entries(world, listed)) == 2
    skipped = wait_for(world, pack(world, {"items": items, "image": SMALL, "on_missing": "skip"}), "ready")
    assert (skipped["items"], skipped["missing"], skipped["missing_items"]) == (2, 1, [])


def test_variants_that_lack_are_made(own_world):
    world = own_world(profiles={"photos": {"variants.thumb.width": 320, "variants.thumb.format": '"webp"'}})
    made = pictures_of(world, 3)
    answer = world.request("POST", "/v1/packages", {"items": [made[0].id], "variant": "none"})
    assert code(answer) == (404, "variant_not_found")
    package = pack(world, {"items": [each.id for each in made], "variant": "thumb"})
    assert package["state"] == "preparing"
    ready = wait_for(world, package, "ready")
    assert list(entries(world, ready).values()) == [image(world, each, "variant=thumb") for each in made]


def red_picture(folder):
    subprocess.run(["vips", "black", folder / "black.v", "60", "30", "--bands", "3"], check=True)
    subprocess.run(["vips", "linear", folder / "black.v", folder / "red.png", "1 1 1", "255 0 0", "--uchar"], check=True)
    return folder / "red.png"


def test_files_carry_the_watermark_of_their_profile(own_world, tmp_path):
    world = own_world(profiles={"photos": profiles(red_picture(tmp_path))["clean"]})
    upload = world.publish(pictures.photo(800, 600, seed=next(SEEDS)))
    assert code(world.request("POST", "/v1/packages", {"items": [upload["id"]]})) == (409, "state_conflict")
    for asked in ({}, {"width": 640, "watermark": True}):
        data, = entries(world, wait_for(world, pack(world, {"items": [upload["id"]], "image": asked}), "ready")).values()
        assert share_of_red(data, tmp_path) > 0.005, asked


def test_files_carry_the_watermark_that_is_asked_for_by_its_name(own_world, tmp_path):
    mark = red_picture(tmp_path)
    world = own_world(profiles={"photos": {"watermarks.proof.image": f'"{mark}"', "watermarks.proof.opacity": "100"}, "plain": {}})
    upload = world.publish(pictures.photo(800, 600, seed=next(SEEDS)), {"profile": "photos"})
    body = {"items": [upload["id"]], "image": {"width": 640, "watermark": "proof"}}
    package = pack(world, body)
    assert package["state"] == "preparing"
    marked, = entries(world, wait_for(world, package, "ready")).values()
    assert share_of_red(marked, tmp_path) > 0.005
    clean, = entries(world, wait_for(world, pack(world, {"items": [upload["id"]], "image": {"width": 640}}), "ready")).values()
    assert share_of_red(clean, tmp_path) < 0.001, "without the name it has none"
    again = pack(world, body)
    assert again["state"] == "ready" and list(entries(world, again).values()) == [marked], "recorded as any version"
    # No URL gives it out.
    public = world.sql(f"select public_id from uploads where id = '{upload['id']}'").strip()
    assert share_of_red(world.gateway.request("GET", f"/i/{public}?width=640")[2], tmp_path) < 0.001
    other = world.publish(pictures.photo(800, 600, seed=next(SEEDS)), {"profile": "plain"})
    listed = pack(world, {"items": [upload["id"], other["id"]], "image": body["image"], "on_missing": "list"})
    assert listed["items"] == 1 and [each["code"] for each in listed["missing_items"]] == ["watermark_not_found"]


@pytest.fixture
def serving(own_world):
    """A gateway that serves alone, so that packages stay in preparation until a worker is started."""
    return own_world(role="serve", extra=QUICK_ROUNDS)


def test_package_in_preparation_can_not_be_had_yet(serving):
    made = pictures_of(serving, 3, metadata={"album": "smith"})
    package = pack(serving, {"select": {"metadata": {"album": "smith"}}, "image": SMALL})
    later = pictures_of(serving, 1, metadata={"album": "smith"}, since=10)
    link = serving.request("POST", f"/v1/packages/{package['id']}/url")[2]
    status, headers, _ = download(serving, link)
    assert status == 503 and int(headers["retry-after"]) >= 1
    worker = serving.another("work")
    with worker.start():
        ready = wait_for(serving, package, "ready")
        assert ready["items"] == 3, "the selection was fixed when the package was made"
        assert len(entries(serving, link)) == 3 and versions(serving, later) == 0 and len(made) == 3


def test_deletion_of_an_upload_ends_a_package_in_preparation(serving):
    made = pictures_of(serving, 3)
    package = pack(serving, {"items": [{"upload": each.id, "name": f"Smith {n}.jpg"} for n, each in enumerate(made)], "image": SMALL})
    link = serving.request("POST", f"/v1/packages/{package['id']}/url")[2]
    assert serving.request("DELETE", f"/v1/uploads/{made[1].id}")[0] in (200, 202)
    ended = state_of(serving, package)
    assert (ended["state"], ended["failure"], ended["url"]) == ("failed", "gone", None)
    assert code(download(serving, link)) == (410, "gone")
    assert serving.sql(f"select count(*) from package_asked where package_id = '{package['id']}' and name = 'Smith 1.jpg'").strip() == "0"
    worker = serving.another("work")
    with worker.start():
        parts.wait_until(lambda: serving.sql("select count(*) from jobs where subject_kind = 'package'").strip() == "0", 60, "the job's end")
        parts.wait_until(lambda: asked_rows(serving, package) == 0, 90, "its rows to go")
        parts.wait_until(lambda: serving.receiver.of(package["id"]), 60, "the callback")
    assert state_of(serving, package)["state"] == "failed" and versions(serving, made) == 0
    assert told(serving, package) == ["package.failed"]
    body = serving.receiver.of(package["id"])[0].body
    assert (body["type"], body["data"]["failure"], body["data"]["url"]) == ("package.failed", "gone", None) and "Smith" not in str(body)


def test_packages_in_preparation_are_bounded_and_cancelling_makes_place(serving):
    made = pictures_of(serving, 1)
    first, second, *_ = [pack(serving, {"items": [made[0].id], "image": {"width": 160}}) for _ in range(20)]
    status, headers, answer = serving.request("POST", "/v1/packages", {"items": [made[0].id], "image": SMALL})
    assert (status, answer["code"]) == (429, "rate_limited") and int(headers["retry-after"]) >= 1
    assert serving.request("DELETE", f"/v1/packages/{first['id']}")[2]["state"] == "deleted"
    third = pack(serving, {"items": [made[0].id], "image": SMALL})
    serving.sql(f"update packages set expires_at = now() - interval '1 minute' where id = '{third['id']}'")
    assert state_of(serving, third)["state"] == "expired"
    worker = serving.another("work")
    with worker.start():
        wait_for(serving, second, "ready")
        parts.wait_until(lambda: serving.sql("select count(*) from jobs where subject_kind = 'package'").strip() == "0", 60, "the jobs' end")
    assert state_of(serving, first)["state"] == "deleted" and told(serving, first) == [], "whoever deletes a package knows it"
    overdue = state_of(serving, third)
    assert (overdue["state"], overdue["failure"]) == ("failed", "unavailable") and told(serving, third) == ["package.failed"]
    assert versions(serving, made) == 1


def test_places_of_packages_in_preparation_are_those_of_the_configuration(own_world):
    world = own_world(role="serve", extra=QUICK_ROUNDS + "[packages]\nmax_preparing = 2\n")
    made = pictures_of(world, 1)
    body = {"items": [made[0].id], "image": SMALL}
    first, _ = pack(world, body), pack(world, body)
    assert code(world.request("POST", "/v1/packages", body)) == (429, "rate_limited")
    theirs = publish(world, [("theirs.jpg", pictures.photo(800, 600, seed=next(SEEDS)))], app="other", since=10)
    claim_size(world, theirs)
    assert pack(world, {"items": [theirs[0].id], "image": SMALL}, key=world.other.key)["state"] == "preparing", "each app has its own"
    assert pack(world, {"items": [made[0].id]})["state"] == "ready", "what needs no version is not counted"
    assert world.request("DELETE", f"/v1/packages/{first['id']}")[0] == 200
    assert pack(world, body)["state"] == "preparing"


@pytest.mark.kills
def test_package_is_finished_once_when_its_workers_are_killed_at_each_step(failpoint_world):
    world = failpoint_world(role="serve", extra=SHORT_LEASES)
    made = pictures_of(world, 2, 400, 300, since=900)
    world.gateway.stop()
    world.gateway.launch(environment={"PHOTOGATE_FAILPOINTS": "after_package_asked=kill"})
    body, key = {"items": [each.id for each in made], "image": SMALL}, {"Idempotency-Key": "kill-1"}
    with pytest.raises((OSError, http.client.HTTPException)):
        world.gateway.wait_until_ready()
        world.request("POST", "/v1/packages", body, key)
    parts.wait_until(lambda: not world.gateway.running(), 60, "the kill at after_package_asked")
    world.gateway.restart()
    package = pack(world, body, headers=key)
    assert package["state"] == "preparing" and world.sql("select count(*) from packages").strip() == "1"
    worker = world.another("work")
    with worker.start():
        wait_for(world, package, "ready")
    points = ["after_version_claim", "after_version_put", "after_version_commit", "after_package_item", "before_package_plan", "after_package_plan"]
    for number, point in enumerate(points):
        made = pictures_of(world, 3, 400, 300, since=10 * number)
        package = pack(world, {"items": [each.id for each in made], "image": SMALL})
        worker = world.another("work")
        worker.launch(environment={"PHOTOGATE_FAILPOINTS": f"{point}=kill"})
        parts.wait_until(lambda worker=worker: not worker.running(), 60, f"the kill at {point}")
        assert f"failpoint {point}: killed" in worker.log_tail(400)
        workers = [world.another("work") for _ in range(2)]
        with workers[0].start(), workers[1].start():
            ready = wait_for(world, package, "ready", seconds=120)
            assert (ready["items"], len(entries(world, ready)), versions(world, made)) == (3, 3, 3), point
            parts.wait_until(lambda: world.sql("select count(*) from jobs where subject_kind = 'package'").strip() == "0", 60, "the job's end")
        assert path_of(ready) and asked_rows(world, package) == 0


@pytest.mark.kills
@pytest.mark.parametrize("step", ["before_package_commit", "after_package_commit"])
def test_app_is_told_once_of_a_package_that_lost_a_picture_while_it_was_prepared(failpoint_world, step):
    world = failpoint_world(role="serve", extra=SHORT_LEASES)
    made = pictures_of(world, 2, 400, 300)
    package = pack(world, {"items": [each.id for each in made], "image": SMALL})
    assert world.request("DELETE", f"/v1/uploads/{made[0].id}")[0] in (200, 202)
    worker = world.another("work")
    worker.launch(environment={"PHOTOGATE_FAILPOINTS": f"{step}=kill"})
    parts.wait_until(lambda: not worker.running(), 60, f"the kill at {step}")
    assert f"failpoint {step}: killed" in worker.log_tail(400)
    assert told(world, package) == ([] if step == "before_package_commit" else ["package.failed"])
    with world.another("work").start():
        parts.wait_until(lambda: world.receiver.of(package["id"]), 60, "the callback")
        parts.wait_until(lambda: world.sql("select count(*) from jobs where subject_kind = 'package'").strip() == "0", 60, "the job's end")
    assert told(world, package) == ["package.failed"] and asked_rows(world, package) == 0
    assert len({each.headers["webhook-id"] for each in world.receiver.of(package["id"])}) == 1
