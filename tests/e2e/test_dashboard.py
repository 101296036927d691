"""The dashboard of etc/grafana: every query is parsed by a real Prometheus, and returns series of a real gateway after some traffic."""
import itertools
import json
import pathlib
import re
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest
from test_alerts import another_region

from scripts import unpacked
from tests.rig import pictures
from tests.rig import stack as parts

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "etc" / "grafana"
DASHBOARD = json.loads((FOLDER / "photogate.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [(f"{panel['title']} {target['refId']}", target["expr"]) for panel in PANELS for target in panel["targets"]]
NAME = re.compile(r"\b((?:photogate|http_server|process)_[a-z_]+)\b")


def test_dashboard_and_page_are_those_that_the_script_writes():
    done = subprocess.run([ROOT / "scripts" / "render-dashboard", "--check"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_panels_have_a_place_of_their_own_a_unit_and_an_explanation():
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    taken = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = set(itertools.product(range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])))
        assert not cells & taken and max(x for x, _ in cells) < 24, panel["title"]
        taken |= cells
    for panel in PANELS:
        assert panel["description"] and panel["fieldConfig"]["defaults"]["unit"] and panel["targets"]
        for each in (panel, *panel["targets"]):
            assert each["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert [each["name"] for each in DASHBOARD["templating"]["list"]] == ["datasource", "job"]
    assert all('job=~"$job"' in query for _, query in QUERIES)


def test_queries_name_metrics_that_exist():
    sources = subprocess.run(["git", "grep", "-hoE", '"(photogate|http_server|process)_[a-z_]+', "--", "*.cpp", ":!tests"], cwd=ROOT, check=True,
                             capture_output=True, text=True).stdout
    exported = {line.strip('"') for line in sources.split()}
    for title, query in QUERIES:
        for name in NAME.findall(query):
            assert name in exported or re.sub(r"_(bucket|count|sum)$", "", name) in exported, f"{title}: {name}"


def test_alerts_of_the_panels_are_those_of_the_runbooks():
    runbooks = set(re.findall(r"</a>(A\d+) ", (ROOT / "docs" / "operations.md").read_text()))
    named = {alert for panel in PANELS for alert in re.findall(r"\bA\d+\b", panel["description"])}
    assert len(named) > 8 and named <= runbooks


class Prometheus(parts.Child):
    name = "Prometheus"

    def __init__(self, folder, targets):
        super().__init__(folder / "prometheus.log")
        self.folder, self.port = folder, parts.free_port()
        (folder / "prometheus.yml").write_text(json.dumps({
            "global": {"scrape_interval": "1s"}, "scrape_configs": [{"job_name": "photogate", "static_configs": [{"targets": targets}]}]}))

    def __enter__(self):
        self._spawn([str(unpacked.program("prometheus", "usr/bin/prometheus")), f"--config.file={self.folder / 'prometheus.yml'}",
                     f"--storage.tsdb.path={self.folder / 'data'}", f"--web.listen-address=127.0.0.1:{self.port}"], env={"PATH": "/usr/bin:/bin"}, cwd=self.folder)
        parts.wait_until(lambda: self.query("vector(1)") is not None, 60, "Prometheus", lambda: self.running)
        return self

    def __exit__(self, *_):
        self._end(15, 10)

    def query(self, expression):
        """The series that it gives now; None while there is no answer. What can't be parsed fails."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/query?{urllib.parse.urlencode({'query': expression})}", timeout=10) as answer:
                return json.load(answer)["data"]["result"]
        except urllib.error.HTTPError as error:
            if error.code == 503:
                return None
            raise AssertionError(f"{expression}: {error.read().decode()}") from None
        except OSError:
            return None


def some_of_everything(world, photo):
    """Traffic that moves every figure once."""
    upload = world.publish(photo)
    junk = b"\xff\xd8\xff\xe0 no picture at all " * 40
    assert world.gateway.wait_for(world.upload(junk))["state"] == "rejected"
    path = "/i/" + upload["links"]["image"].rsplit("/", 1)[1]
    for query in ("", "?width=160", "?width=160"):
        assert world.gateway.request("GET", path + query)[0] == 200
    status, _, package = world.request("POST", "/v1/packages", {"items": [upload["id"]]})
    assert status == 202, package
    assert world.gateway.request("GET", "/" + package["url"].split("/", 3)[3])[0] == 200
    world.receiver.wait_for_upload(upload["id"], "upload.published")


@pytest.mark.drills
def test_every_query_returns_series_of_a_gateway_with_traffic(own_world, tmp_path):
    world = own_world(extra="\n[worker]\nreconcile_interval = 1\nreap_interval = 1\nsweep_interval = 1\nproof_interval = 1\n", start=False)
    another_region(world)
    world.gateway.start()
    photo = pictures.photo(320, 240, seed=91)
    some_of_everything(world, photo)
    with Prometheus(tmp_path, [f"127.0.0.1:{world.metrics_port}"]) as prometheus:
        parts.wait_until(lambda: prometheus.query("photogate_build_info"), 60, "the first scrape")
        some_of_everything(world, photo)
        left, until = dict(QUERIES), time.monotonic() + 60
        while left and time.monotonic() < until:
            # As Grafana fills them in.
            left = {title: query for title, query in left.items()
                    if not prometheus.query(query.replace("$__rate_interval", "20s").replace("$job", ".*"))}
            time.sleep(1)
        assert not left, "no series"
        assert prometheus.query("photogate_build_info")[0]["metric"]["job"] == "photogate", "what the variable Job asks for"


@pytest.mark.drills
def test_provisioning_examples_are_yaml_that_leads_to_the_dashboard():
    yaml = pytest.importorskip("yaml")
    provider = yaml.safe_load((FOLDER / "provisioning" / "dashboards" / "photogate.yml").read_text())["providers"][0]
    assert (provider["type"], provider["options"]["path"]) == ("file", "/var/lib/grafana/dashboards/photogate")
    assert f"{provider['options']['path']}/photogate.json" in (FOLDER / "README.md").read_text()
    source = yaml.safe_load((FOLDER / "provisioning" / "datasources" / "photogate.yml").read_text())["datasources"][0]
    assert source["type"] == "prometheus"
