"""Two regions, each a MinIO of its own: which one a new upload goes to, and what happens while one is down.

The default region is near 10.0.0.0/8, Germany and Europe, the region `far` near 10.9.0.0/16, the United States and North America.
"""
import http.client
import json
import re
import signal
import time
import urllib.parse

import mmdb_writer
import netaddr
import pytest

from scripts import haproxy, nginx
from tests.rig import resumable as wire
from tests.rig import stack as parts
from tests.rig.bad_requests import head
from tests.rig.pictures import photo
from tests.rig.raw_http import Raw
from tests.rig.second_store import close_store, region_toml, second_store
from tests.rig.world import QUICK_ROUNDS, World

NEAR = 'networks = ["10.0.0.0/8", "2001:db8::/32"]\ncountries = ["DE"]\ncontinents = ["EU"]'
FAR = 'networks = ["10.9.0.0/16", "127.9.0.0/16", "2001:db8:9::/48"]\ncountries = ["US"]\ncontinents = ["NA"]'
IN_GERMANY, IN_CANADA, IN_AMERICA, NOWHERE = "81.2.69.160", "24.1.2.3", "8.8.8.8", "203.0.113.9"
CDN = "127.7.0.0/16"  # as the proxies are configured
AT_HOME, FAR_AWAY, AT_THE_CDN = "127.8.0.1", "127.9.0.1", "127.7.0.1"  # where a connection to a proxy comes from
PLACES = {"81.2.0.0/16": ("DE", "EU"), "24.0.0.0/8": ("CA", "NA"), "8.0.0.0/8": ("US", "NA")}


def write_database(path, places):
    """A database of places in MaxMind's format: CIDR block → (country, continent)."""
    writer = mmdb_writer.MMDBWriter(6, "Photogate-Test", description="places of tests", ipv4_compatible=True)
    for block, (country, continent) in places.items():
        writer.insert_network(netaddr.IPSet([block]), {"country": {"iso_code": country}, "continent": {"code": continent}})
    draft = path.with_suffix(".draft")
    writer.to_db_file(str(draft))
    draft.rename(path)


class Regions:
    """A world whose gateway has two regions, and questions to it."""

    def __init__(self, world, far, database):
        self.world, self.far, self.database = world, far, database
        self.gateway = world.gateway
        status, _, made = world.request("POST", "/v1/tokens", {"profile": "photos", "max_uploads": 1000})
        assert status == 201
        self.token = made["token"]

    def ask(self, key, body=None, headers=None, source=None):
        """POST /v1/uploads: (status, headers, answer)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.world.port, timeout=30, source_address=(source, 0) if source else None)
        try:
            connection.request("POST", "/v1/uploads", json.dumps({"size": len(photo()), **(body or {})}),
                               {"Authorization": f"Bearer {key}", "Content-Type": "application/json", **(headers or {})})
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), json.loads(response.read())
        finally:
            connection.close()

    def region_of(self, created):
        """By the store that its URL leads to."""
        port = urllib.parse.urlsplit(created["upload"]["url"]).port
        return {self.world.stack.minio.port: "default", self.far.port: "far"}[port]

    def chosen(self, key, *arguments, **options):
        status, _, created = self.ask(key, *arguments, **options)
        assert status == 201, created
        return self.region_of(created)

    def of_client(self, address, headers=None, source=None):
        """Of a phone with a client token, seen at this address by the proxy."""
        return self.chosen(self.token, {}, {**({"X-Forwarded-For": address} if address else {}), **(headers or {})}, source)

    def of_app(self, body=None):
        return self.chosen(self.world.app.key, {"profile": "photos", **(body or {})})

    def up(self, region):
        text = self.gateway.request("GET", "/metrics", port=self.world.metrics_port)[2].decode()
        return float(re.search(rf'photogate_region_up{{region="{region}"}} (\S+)', text).group(1)) == 1

    def send(self, body=None):
        """Granted and sent; the upload as created."""
        return self.world.upload(photo(), {"profile": "photos", **(body or {})})

    def seconds_to_publish(self, body=None):
        started = time.monotonic()
        found = self.gateway.wait_for(self.send(body))
        assert found["state"] == "published"
        return time.monotonic() - started

    def timeline(self, upload):
        return [entry["event"] for entry in self.world.request("GET", f"/v1/uploads/{upload['id']}/timeline")[2]["data"]]


@pytest.fixture(scope="module")
def regions(build_dir, tmp_path_factory):
    folder = tmp_path_factory.mktemp("regions")
    world = World(build_dir, folder / "gateway", {"photos": {"default_expiry": "3600"}}, extra=QUICK_ROUNDS)
    far = second_store(world, folder)
    database = folder / "places.mmdb"
    write_database(database, PLACES)
    try:
        config = world.gateway.config
        text = config.read_text().replace("[regions.default]\n", f"[regions.default]\n{NEAR}\n", 1)
        placement = f'[placement]\nheader = "CF-IPCountry"\ndatabase = "{database}"\nprobe_interval = "300ms"\n'
        config.write_text(text + "\n" + region_toml("far", far, FAR) + placement)
        world.gateway.environment["PHOTOGATE_SERVER_TRUSTED_PROXIES"] = "127.0.0.1"
        world.gateway.start()
        yield Regions(world, far, database)
    finally:
        world.close()
        close_store(far)


def test_uploads_to_either_region_are_published_and_served(regions):
    for region in ("default", "far"):
        created = regions.send({"region": region})
        assert regions.region_of(created) == region
        published = regions.gateway.wait_for(created)
        assert published["state"] == "published"
        status, headers, body = regions.world.image(published)
        assert (status, headers["content-type"]) == (200, "image/jpeg") and len(body) > 1000


def test_grant_lists_the_regions_that_stand_in_for_its_own(regions):
    for region, others in {"default": ["far"], "far": ["default"]}.items():
        status, _, created = regions.ask(regions.world.app.key, {"profile": "photos", "region": region})
        assert status == 201 and created["upload"]["fallbacks"] == others
        # A client that can't reach the store asks for another upload there.
        assert regions.of_client(IN_GERMANY if region == "default" else IN_AMERICA) == region
        assert regions.chosen(regions.token, {"region": others[0]}) == others[0]


def test_longest_network_that_contains_the_client_decides(regions):
    for address, region in {"10.1.2.3": "default", "10.9.2.3": "far", "2001:db8::7": "default", "2001:db8:9::7": "far"}.items():
        assert regions.of_client(address) == region, address
        assert regions.of_app({"client_address": address}) == region, address


def test_own_address_of_an_app_server_says_nothing_of_its_client(regions):
    status, _, created = regions.ask(regions.world.app.key, {"profile": "photos"}, {"X-Forwarded-For": "10.9.2.3"})
    assert status == 201 and regions.region_of(created) == "default"


def test_a_region_that_is_named_is_taken_wherever_the_client_is(regions):
    assert regions.of_app({"client_address": "10.1.2.3", "region": "far"}) == "far"
    status, _, problem = regions.ask(regions.world.app.key, {"profile": "photos", "region": "nowhere"})
    assert (status, problem["code"]) == (422, "unknown_region")


def test_header_of_the_cdn_is_believed_from_a_trusted_proxy_alone(regions):
    for country, region in {"US": "far", "us": "far", "DE": "default", "XX": "default"}.items():
        assert regions.of_client("203.0.113.9", {"CF-IPCountry": country}) == region, country
    # It is asked before the networks, and what it does not know they may.
    assert regions.of_client("10.1.2.3", {"CF-IPCountry": "US"}) == "far"
    assert regions.of_client("10.9.2.3", {"CF-IPCountry": "T1"}) == "far"
    # The client itself, from an address that is no proxy's.
    assert regions.of_client(None, {"CF-IPCountry": "US"}, source="127.0.0.2") == "default"


def test_database_of_places_knows_country_and_continent(regions):
    for address, region in {IN_GERMANY: "default", IN_CANADA: "far", IN_AMERICA: "far", NOWHERE: "default"}.items():
        assert regions.of_client(address) == region, address
        assert regions.of_app({"client_address": address}) == region, address


def test_address_that_is_none_or_not_the_callers_to_tell_is_refused(regions):
    status, _, problem = regions.ask(regions.world.app.key, {"profile": "photos", "client_address": "10.9.2.3:80"})
    assert status == 422 and [each["pointer"] for each in problem["errors"]] == ["/client_address"]
    status, _, problem = regions.ask(regions.token, {"client_address": "10.9.2.3"})
    assert status == 422 and [each["pointer"] for each in problem["errors"]] == ["/client_address"]


def test_batches_and_tus_choose_a_region_as_single_uploads_do(regions):
    status, _, answer = regions.world.request("POST", "/v1/uploads/batch", {"uploads": [
        {"profile": "photos", "client_address": address} for address in (IN_GERMANY, IN_AMERICA)]})
    assert status == 200
    assert [regions.region_of(item) for item in answer["data"]] == ["default", "far"]
    status, headers, _ = regions.world.request("POST", f"/u/{regions.token}/r", None, {
        "Tus-Resumable": "1.0.0", "Upload-Length": "1000", "X-Forwarded-For": IN_AMERICA})
    assert status == 201, headers
    identity = headers["location"].rsplit("/", 1)[1]
    assert regions.world.sql(f"select region from uploads where id = '{identity}'").strip() == "far"


# ---- behind nginx and HAProxy, as etc/ configures them

@pytest.fixture(scope="module", params=["nginx", "haproxy"])
def front(request, regions, tmp_path_factory):
    with {"nginx": nginx, "haproxy": haproxy}[request.param].in_front(tmp_path_factory.mktemp(request.param), f"127.0.0.1:{regions.world.port}", cdn=CDN) as made:
        yield made


def behind(regions, front, source, headers=None, connection=None):
    """The region of an upload of a phone that connects to the proxy from this address."""
    body = json.dumps({"size": len(photo())}).encode()
    fields = {"Authorization": f"Bearer {regions.token}", "Content-Type": "application/json", **(headers or {})}
    with connection or Raw(front.tls_port, source=source, tls="photos.example") as client:
        answer = client.ask(head("POST /v1/uploads HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), f"Content-Length: {len(body)}",
                                 host="photos.example") + body)
    assert answer.status == 201, answer
    return regions.region_of(json.loads(answer.body))


def test_proxy_tells_the_address_of_its_client_and_nothing_that_the_client_says(regions, front):
    assert behind(regions, front, AT_HOME) == "default" and behind(regions, front, FAR_AWAY) == "far"
    for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "CF-Connecting-IP", "True-Client-IP"):
        for said in (lambda address: address, lambda address: f"{address}, 127.0.0.1", lambda address: f"for={address}"):
            assert behind(regions, front, AT_HOME, {name: said("10.9.2.3")}) == "default", name
            assert behind(regions, front, FAR_AWAY, {name: said("10.1.2.3")}) == "far", name


def test_proxy_lets_no_client_say_where_it_is(regions, front):
    for spelling in ("CF-IPCountry", "cf-ipcountry"):
        assert behind(regions, front, AT_HOME, {spelling: "US"}) == "default"
        assert behind(regions, front, FAR_AWAY, {spelling: "DE"}) == "far"
    assert behind(regions, front, AT_HOME, {"CF-IPCountry": "US", "Connection": "CF-IPCountry", "X-Forwarded-For": AT_THE_CDN}) == "default"


def test_proxy_passes_on_what_the_cdn_says(regions, front):
    assert behind(regions, front, AT_THE_CDN, {"X-Forwarded-For": "10.9.2.3"}) == "far"
    assert behind(regions, front, AT_THE_CDN, {"X-Forwarded-For": "10.9.2.3, 10.1.2.3"}) == "default", "the last is the one that the CDN saw"
    assert behind(regions, front, AT_THE_CDN, {"X-Forwarded-For": "10.1.2.3", "CF-IPCountry": "US"}) == "far"
    assert behind(regions, front, AT_THE_CDN, {"X-Forwarded-For": IN_AMERICA}) == "far", "by the database of places"
    assert behind(regions, front, AT_THE_CDN) == behind(regions, front, AT_THE_CDN, {"X-Forwarded-For": "nonsense"}) == "default"


def test_tus_behind_a_proxy_chooses_a_region_too(regions, front):
    for source, region in ((AT_HOME, "default"), (FAR_AWAY, "far")):
        made = wire.call("POST", f"https://127.0.0.1:{front.tls_port}/u/{regions.token}/r", {**wire.TUS, "Upload-Length": "1000", "X-Forwarded-For": "10.9.2.3"}, source=source)
        assert made.status == 201, made
        identity = made.headers["location"].rsplit("/", 1)[1]
        assert regions.world.sql(f"select region from uploads where id = '{identity}'").strip() == region


def test_haproxy_believes_the_proxy_protocol_of_its_balancer_alone(regions, tmp_path):
    with haproxy.in_front(tmp_path / "haproxy", f"127.0.0.1:{regions.world.port}", balancer="127.6.0.1") as front:

        def through(source, address):
            line = f"PROXY TCP4 {address} 127.0.0.1 40000 443\r\n".encode()
            return behind(regions, front, None, connection=Raw(front.tls_port, source=source, tls="photos.example", first=line))

        assert through("127.6.0.1", "10.9.2.3") == "far" and through("127.6.0.1", "10.1.2.3") == "default"
        with pytest.raises(OSError):
            through(AT_HOME, "10.9.2.3")
        assert behind(regions, front, FAR_AWAY) == "far"


def test_replaced_database_of_places_is_opened_again_at_sighup(regions):
    assert regions.of_client(NOWHERE) == "default"
    write_database(regions.database, {**PLACES, "203.0.113.0/24": ("US", "NA")})
    regions.gateway.process.send_signal(signal.SIGHUP)
    parts.wait_until(lambda: regions.of_client(NOWHERE) == "far", 30, "the new database")


def test_region_that_is_killed_leaves_the_other_alone_and_loses_nothing(regions):
    world, gateway = regions.world, regions.gateway
    usual = min(regions.seconds_to_publish({"region": "default"}) for _ in range(3))
    waiting = world.create({"size": len(photo()), "region": "far"})  # granted, and not sent yet
    sent = [regions.send({"region": "far"}) for _ in range(6)]
    regions.far.kill()
    parts.wait_until(lambda: not regions.up("far"), 30, "the region to be found down")

    assert "fallbacks" not in world.create({"region": "default"})["upload"]
    # New uploads avoid it; who insists is told when to come again.
    assert regions.of_client(IN_AMERICA) == "default" and regions.of_app({"client_address": "10.9.2.3"}) == "default"
    status, headers, problem = regions.ask(world.app.key, {"profile": "photos", "region": "far"})
    assert (status, problem["code"]) == (503, "store_unavailable") and int(headers["Retry-After"]) > 0
    assert "far" in problem["detail"]

    # The other region goes on as ever, and so does the gateway.
    slowest = max(regions.seconds_to_publish({"region": "default"}) for _ in range(8))
    assert slowest < 3 * usual + 1
    status, _, ready = gateway.request("GET", "/readyz?verbose", port=world.metrics_port)
    assert status == 200 and ready["regions"] == {"default": "up", "far": "down"}
    doctor = gateway.run("doctor")
    assert doctor.returncode != 0 and re.search(r"FAILED\s+far: store", doctor.stdout) and "default: " in doctor.stdout, doctor.stdout

    regions.far.start()
    parts.wait_until(lambda: regions.up("far"), 60, "the region to come back")
    assert regions.of_client(IN_AMERICA) == "far"
    status, answer = world.send(waiting, photo())
    assert status == 200, answer
    for created in [waiting, *sent]:
        assert gateway.wait_for(created)["state"] == "published"
        assert regions.timeline(created).count("postponed") < 5
    log = gateway.log.read_text()
    assert len(re.findall(r"region\.down.*far", log)) == 1 and len(re.findall(r"region\.up.*far", log)) == 1


def test_gateway_starts_while_a_region_is_down_and_proves_it_before_it_gets_uploads(regions):
    regions.gateway.stop()
    regions.far.kill()
    regions.gateway.start()
    assert not regions.up("far") and regions.up("default")
    assert regions.of_client(IN_AMERICA) == "default"
    assert regions.gateway.wait_for(regions.send())["state"] == "published"
    regions.far.start()
    parts.wait_until(lambda: regions.up("far"), 60, "the region to come back")
    assert "region.proved" in regions.gateway.log.read_text()
    assert regions.gateway.wait_for(regions.send({"region": "far"}))["state"] == "published"
