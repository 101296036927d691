"""Profiles made through the API and the command line, with two gateways on one database."""
import json
import signal
import subprocess
import time
import types

import pytest

from tests.rig import pictures
from tests.rig import stack as parts
from tests.rig.world import World

PROFILES = {"photos": {}, "galleries": {"private": "true"}}


@pytest.fixture(scope="module")
def pair(build_dir, tmp_path_factory):
    """A world with two gateways that serve and work."""
    world = World(build_dir, tmp_path_factory.mktemp("profiles") / "gateway", PROFILES)
    try:
        world.gateway.start()
        second = world.another().start()
        yield types.SimpleNamespace(world=world, first=world.gateway, second=second)
    finally:
        world.close()


def operate(world, method, path, body=None, gateway=None, headers=None):
    return (gateway or world.gateway).request(method, path, body, headers, key=world.operator.key)


def put(world, name, settings, app="shop", **options):
    return operate(world, "PUT", f"/v1/apps/{app}/profiles/{name}", settings, **options)


def create(world, gateway, profile, key=None, **body):
    return gateway.request("POST", "/v1/uploads", {"profile": profile, "size": 1000, **body}, key=key or world.app.key)


def within_a_second(condition, what):
    """A gateway that is told takes it over at once; one second is the promise, twice that a busy machine's."""
    began = time.monotonic()
    parts.wait_until(condition, 20, what)
    assert time.monotonic() - began < 2, what


def known_at(world, gateway, profile, key=None):
    return lambda: create(world, gateway, profile, key)[0] == 201


def unknown_at(world, gateway, profile, key=None):
    return lambda: create(world, gateway, profile, key)[2].get("code") == "unknown_profile"


def size_of(jpeg):
    """From its frame header."""
    at = 2
    while not 0xC0 <= jpeg[at + 1] <= 0xC2:
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
    return int.from_bytes(jpeg[at + 7 : at + 9], "big"), int.from_bytes(jpeg[at + 5 : at + 7], "big")


def code_of(answer):
    return answer[0], answer[2]["code"]


def test_profile_rules_uploads_at_every_gateway_within_a_second(pair):
    world = pair.world
    settings = {"max_size": "200KB", "max_edge": 100, "variants": {"thumb": {"width": 40}}, "hdr": None}
    status, headers, made = put(world, "thumbs", settings)
    assert status == 201 and headers["location"] == "/v1/apps/shop/profiles/thumbs" and headers["cache-control"] == "no-store"
    assert (made["source"], made["state"], made["created_by"]) == ("api", "active", "operator:ops")
    assert made["settings"] == {key: value for key, value in settings.items() if value is not None}
    assert headers["etag"] == f'"{made["version"]}"'
    assert create(world, pair.first, "thumbs")[0] == 201, "at once, where it was made"
    within_a_second(known_at(world, pair.second, "thumbs"), "the profile at the other gateway")
    assert create(world, pair.second, "thumbs", size=300_000)[2]["code"] == "size_over_limit"
    photo = pictures.photo(320, 240)
    status, _, upload = create(world, pair.second, "thumbs", size=len(photo))
    assert status == 201 and world.send(upload, photo)[0] == 200
    published = pair.first.wait_for(upload)
    assert published["state"] == "published", published
    assert size_of(world.image(upload)[2]) == (100, 75)
    path = "/i/" + upload["links"]["image"].rsplit("/", 1)[1]
    assert size_of(pair.second.request("GET", path + "?variant=thumb")[2]) == (40, 30)
    assert "thumbs" in operate(world, "GET", "/v1/apps/shop", gateway=pair.second)[2]["profiles"]
    assert operate(world, "GET", "/v1/apps/shop/profiles/thumbs", gateway=pair.second)[2] == made
    listed = {each["name"]: each for each in operate(world, "GET", "/v1/apps/shop/profiles")[2]["data"]}
    assert listed["thumbs"] == made
    assert listed["photos"]["source"] == "configuration" and listed["photos"]["settings"] is None
    entry = operate(world, "GET", "/v1/audit?app=shop&limit=1")[2]["data"][0]
    assert (entry["action"], entry["subject"], entry["detail"]) == ("profile.created", "thumbs", {"version": made["version"]})


def test_profile_is_of_one_app_alone(pair):
    world = pair.world
    made = operate(world, "POST", "/v1/apps", {"name": "branch", "profiles_of": "shop"})[2]
    key = made["key"]["key"]
    assert put(world, "own", {"formats": ["jpeg"]}, app="branch")[0] == 201
    assert put(world, "of-shop", {})[0] == 201
    within_a_second(known_at(world, pair.second, "own", key), "the profile of an app of the API")
    assert create(world, pair.first, "photos", key)[0] == 201, "beside those of its model"
    assert code_of(create(world, pair.first, "own")) == (422, "unknown_profile")
    assert code_of(create(world, pair.first, "of-shop", key)) == (422, "unknown_profile")
    assert code_of(put(world, "photos", {}, app="branch")) == (403, "forbidden")
    assert code_of(put(world, "own", {}, app="nobody")) == (404, "app_not_found")


def test_each_wrong_field_is_named_and_nothing_is_changed(pair):
    world = pair.world
    version = put(world, "held", {"quality": 71})[2]["version"]
    status, _, problem = put(world, "held", {"max_sise": 5, "quality": 0, "formats": [], "variants": {"big": {"width": 99_999}}})
    assert (status, problem["code"]) == (422, "invalid_fields")
    # What one value says comes before what several say together.
    assert {error["pointer"]: error["code"] for error in problem["errors"]} == {
        "/max_sise": "unknown_member", "/quality": "invalid_field", "/formats": "invalid_field", "/variants/big/width": "invalid_field",
        "/variants/big": "invalid_field"}
    assert any("did you mean 'max_size'?" in error["detail"] for error in problem["errors"])
    found = operate(world, "GET", "/v1/apps/shop/profiles/held")[2]
    assert (found["version"], found["settings"]) == (version, {"quality": 71})
    for name, settings, code in (
            ("held", {"watermark": {"image": "/etc/passwd"}}, (422, "invalid_field")),
            ("held", {"watermarks": {"mine": {"text": "x", "font": "/etc/shadow"}}}, (422, "invalid_field")),
            ("held", {"incoming_bucket": "theirs"}, (422, "unknown_member")),
            ("held", b"[]", (422, "unknown_member")),
            ("held", b"{", (400, "invalid_json")),
            ("held", b'{"quality": 70, "quality": 71}', (400, "duplicate_member")),
            ("held", {"form_redirect": "https://a.example/" + "x" * 17_000}, (413, "body_too_large")),
            ("Held!", {}, (422, "invalid_field")),
            ("photos", {}, (403, "forbidden"))):
        assert code_of(put(world, name, settings, headers={"Content-Type": "application/json"})) == code, settings
    assert operate(world, "GET", "/v1/apps/shop/profiles/held")[2] == found
    assert code_of(operate(world, "GET", "/v1/apps/shop/profiles/none")) == (404, "profile_not_found")
    assert code_of(operate(world, "DELETE", "/v1/apps/shop/profiles/none")) == (404, "profile_not_found")
    assert code_of(operate(world, "DELETE", "/v1/apps/shop/profiles/photos")) == (403, "forbidden")
    path = "/v1/apps/shop/profiles/held"
    for method in ("GET", "PUT", "DELETE"):
        body = {} if method == "PUT" else None
        assert pair.first.request(method, path, body, key=world.app.key)[0] == 403
        assert pair.first.request(method, path, body)[0] == 401


def test_private_profile_needs_gateways_that_proved_the_bucket(pair):
    status, _, problem = put(pair.world, "secret", {"private": True}, app="other")
    assert status == 201, problem
    # The configuration of that world has a private profile; of one that has none it is refused.
    lone = subprocess.run([pair.first.program, "config", "check", "--config", pair.first.config], capture_output=True, text=True, timeout=60)
    assert lone.returncode == 0, lone.stderr
    config = pair.first.folder / "open.toml"
    config.write_text(pair.first.config.read_text().replace("private = true\n", ""))
    settings = pair.first.folder / "private.json"
    settings.write_text('{"private": true}')
    refused = subprocess.run([pair.first.program, "profile", "set", "shop", "secret", settings, "--config", config], capture_output=True, text=True, timeout=60)
    assert refused.returncode != 0 and "private needs a private profile in the configuration" in refused.stderr


def test_change_is_held_to_the_version_that_is_meant(pair):
    world = pair.world
    any_new = {"If-None-Match": "*"}
    status, headers, made = put(world, "versioned", {"quality": 70}, headers=any_new)
    assert status == 201
    assert code_of(put(world, "versioned", {"quality": 71}, headers=any_new)) == (412, "precondition_failed")
    first = headers["etag"]
    status, headers, changed = put(world, "versioned", {"quality": 72}, headers={"If-Match": f'"1", {first}'})
    assert status == 200 and changed["version"] > made["version"] and changed["created_at"] == made["created_at"]
    for stale in (first, f"W/{headers['etag']}", "nonsense"):
        assert code_of(put(world, "versioned", {"quality": 73}, headers={"If-Match": stale})) == (412, "precondition_failed"), stale
        assert code_of(operate(world, "DELETE", "/v1/apps/shop/profiles/versioned", headers={"If-Match": stale}))[0] == 412, stale
    assert put(world, "versioned", {"quality": 72})[2]["version"] == changed["version"], "the same again changes nothing"
    assert put(world, "versioned", {"quality": 74})[2]["settings"] == {"quality": 74}, "the later one wins"
    assert code_of(put(world, "versioned", {}, headers={"If-None-Match": first})) == (400, "bad_header")


def test_deleted_profile_takes_nothing_new_and_rules_what_it_has(pair):
    world = pair.world
    photo = pictures.photo(320, 240)
    rules = {"max_edge": 120, "original": "keep", "private": True, "version_sizes": [50, 60], "variants": {"tiny": {"width": 30}}}
    put(world, "season", rules)
    within_a_second(known_at(world, pair.second, "season"), "the profile")
    before = create(world, pair.first, "season", size=len(photo))[2]
    assert world.send(before, photo)[0] == 200 and pair.first.wait_for(before)["state"] == "published"
    sent, open_one = (create(world, pair.second, "season", size=len(photo))[2] for _ in range(2))
    token = pair.first.request("POST", "/v1/tokens", {"profile": "season"}, key=world.app.key)[2]["token"]
    # Removed while a file is on its way: nobody works, and the object lies there.
    assert world.send(sent, photo)[0] == 200
    status, headers, retired = operate(world, "DELETE", "/v1/apps/shop/profiles/season")
    assert (status, retired["state"], retired["settings"]) == (200, "retired", rules) and headers["etag"] == f'"{retired["version"]}"'
    assert operate(world, "DELETE", "/v1/apps/shop/profiles/season")[2] == retired, "it stays so"
    assert unknown_at(world, pair.first, "season")(), "at once, where it was deleted"
    within_a_second(unknown_at(world, pair.second, "season"), "the deletion at the other gateway")
    assert code_of(pair.second.request("POST", "/v1/uploads", {"size": 1000}, key=token)) == (422, "unknown_profile")
    assert code_of(pair.second.request("POST", "/v1/tokens", {"profile": "season"}, key=world.app.key)) == (422, "unknown_profile")
    assert "season" not in operate(world, "GET", "/v1/apps/shop")[2]["profiles"]
    # A URL that ran out is signed again, at either gateway, and what arrives is processed by the profile's rules.
    renewed = pair.second.request("POST", f"/v1/uploads/{open_one['id']}/sign", {}, key=world.app.key)
    assert renewed[0] in (200, 201), renewed
    assert world.send(open_one, photo)[0] == 200
    for upload in (sent, open_one):
        found = pair.second.wait_for(upload)
        assert found["state"] == "published" and (found["image"]["width"], found["image"]["height"]) == (120, 90), found
    # The originals are kept, the images are private, and versions are made on demand as before.
    for upload in (before, sent, open_one):
        assert pair.first.request("GET", "/i/" + upload["links"]["image"].rsplit("/", 1)[1])[0] == 403
        for asked, size in (({"width": 20, "scope": "image"}, (50, 38)), ({"variant": "tiny"}, (30, 22))):
            status, _, link = pair.second.request("POST", f"/v1/uploads/{upload['id']}/url", asked, key=world.app.key)
            assert status in (200, 201), link
            status, _, picture = pair.second.request("GET", link["url"].removeprefix(pair.first.url).removeprefix(pair.second.url))
            got = size_of(picture)
            assert status == 200 and got[0] == size[0] and abs(got[1] - size[1]) <= 1, (asked, got)
    parts.wait_until(lambda: world.sql(f"select count(*) from jobs where app = 'shop' and subject_id in ('{sent['id']}', '{open_one['id']}')").strip() == "0", 60, "no job to be left")
    # Its name is free again, for what does not show its images to everybody.
    status, _, problem = put(world, "season", {"max_edge": 80})
    assert (status, problem["errors"][0]["pointer"]) == (422, "/private") and "would become public" in problem["detail"], problem
    status, _, again = put(world, "season", {"max_edge": 80, "private": True}, headers={"If-None-Match": "*"})
    assert status == 201 and again["version"] > retired["version"]
    within_a_second(known_at(world, pair.second, "season"), "the profile that was made anew")
    actions = [entry["action"] for entry in operate(world, "GET", "/v1/audit?app=shop&limit=3")[2]["data"] if entry["subject"] == "season"]
    assert actions == ["profile.created", "profile.deleted", "profile.created"]


def test_restart_keeps_profiles_and_a_reload_puts_the_configurations_first(own_world):
    world = own_world(profiles={"photos": {}})
    gateway = world.gateway
    assert put(world, "kept", {"max_size": 2_000})[0] == 201
    nameless = {"size": 1_000, "content_type": "image/jpeg"}
    assert gateway.request("POST", "/v1/uploads", nameless, key=world.app.key)[2]["profile"] == "photos", "as before"
    put(world, "gone", {"quality": 5})
    operate(world, "DELETE", "/v1/apps/shop/profiles/gone")
    gateway.stop()
    gateway.restart()
    assert create(world, gateway, "kept")[0] == 201 and create(world, gateway, "kept", size=2_001)[2]["code"] == "size_over_limit"
    assert unknown_at(world, gateway, "gone")()
    # One whose rules this release does not know: nothing new, and the gateway goes on.
    world.sql("""update app_profiles set settings = '{"of_a_later_release": 1}', version = version + 1000 where name = 'gone'""")
    world.sql("update app_changes set version = version + 1000")
    parts.wait_until(lambda: '"profile.not_read"' in gateway.log.read_text(), 10, "the log to say so")
    assert create(world, gateway, "kept")[0] == 201
    # The configuration takes the name, and is meant by it; then it lets it go.
    before = gateway.config.read_text()
    gateway.config.write_text(before.replace("[apps.shop.profiles.photos]", "[apps.shop.profiles.kept]\nmax_size = 3000\n[apps.shop.profiles.photos]"))
    gateway.process.send_signal(signal.SIGHUP)
    parts.wait_until(lambda: create(world, gateway, "kept", size=2_500)[0] == 201, 30, "the configuration's profile")
    states = {each["source"]: each["state"] for each in operate(world, "GET", "/v1/apps/shop/profiles")[2]["data"] if each["name"] == "kept"}
    assert states == {"configuration": "active", "api": "overridden"}
    assert code_of(put(world, "kept", {})) == (403, "forbidden")
    gateway.config.write_text(before)
    gateway.process.send_signal(signal.SIGHUP)
    parts.wait_until(lambda: create(world, gateway, "kept", size=2_500)[2].get("code") == "size_over_limit", 30, "the API's profile again")


def test_command_line_makes_what_the_gateways_take_over(pair, run, tmp_path):
    world = pair.world
    config = ["--config", pair.first.config]
    file = tmp_path / "by-hand.json"
    file.write_text(json.dumps({"max_edge": 90, "formats": ["jpeg"]}, indent=2))
    made = run("profile", "set", "shop", "by-hand", file, *config)
    assert made.returncode == 0 and "created" in made.stdout, made.stderr
    for gateway in (pair.first, pair.second):
        within_a_second(known_at(world, gateway, "by-hand"), "the profile of the command line")
    shown = run("profile", "show", "shop", "by-hand", *config)
    assert json.loads(shown.stdout) == {"max_edge": 90, "formats": ["jpeg"]}
    piped = subprocess.run([pair.first.program, "profile", "set", "shop", "by-hand", "-", *config], input='{"quality": 61}', capture_output=True, text=True, timeout=60)
    assert piped.returncode == 0 and "changed" in piped.stdout, piped.stderr
    assert operate(world, "GET", "/v1/apps/shop/profiles/by-hand")[2]["settings"] == {"quality": 61}
    file.write_text('{"quality": 0, "max_egde": 9}')
    wrong = run("profile", "set", "shop", "by-hand", file, *config)
    assert wrong.returncode == 1 and "quality is 0, but must be 1 to 100" in wrong.stderr and "did you mean 'max_edge'?" in wrong.stderr
    assert "can't be read" in run("profile", "set", "shop", "by-hand", tmp_path / "none.json", *config).stderr
    assert "one of the configuration" in run("profile", "set", "shop", "photos", file, *config).stderr
    assert run("profile", "set", "nobody", "by-hand", file, *config).returncode == 1
    assert run("profile", "set", "shop", "By Hand", file, *config).returncode == 2
    deleted = run("profile", "delete", "shop", "by-hand", *config)
    assert deleted.returncode == 0 and "retired" in deleted.stdout
    within_a_second(unknown_at(world, pair.second, "by-hand"), "the deleted profile")
    listed = run("profile", "list", "shop", *config).stdout
    assert "photos" in listed and "configuration" in listed and "retired" in listed
    assert run("profile", "delete", "shop", "none", *config).returncode == 1
    audit = run("app", "audit", "--app", "shop", *config).stdout
    assert "profile.deleted" in audit and "cli:" in audit
