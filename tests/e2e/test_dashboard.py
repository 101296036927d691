"""The dashboard of etc/grafana: every query is parsed by a real Prometheus, and returns series of a real gateway after some traffic."""
import itertools
import json
import pathlib
import re
import subprocess
import time

import pytest
from test_alerts import another_region

from tests.rig import pictures
from tests.rig import stack as parts
from tests.rig.hooks import Clamd, Hook
from tests.rig.prometheus import Prometheus, program, some_of_everything

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


@pytest.mark.drills
def test_every_query_returns_figures_of_a_gateway_with_traffic(own_world, tmp_path):
    photo = pictures.photo(320, 240, seed=91)
    with Hook("") as hook, Clamd(tmp_path / "clamd") as scanner:
        asked = "".join(f'before_{event} = "{hook.url()}"\n' for event in ("grant", "publish"))
        world = own_world(extra="\n[worker]\nreconcile_interval = 1\nreap_interval = 1\nsweep_interval = 1\nproof_interval = 1\n"
                          f'[apps.shop.hooks]\n{asked}[scanner]\nkind = "clamd"\naddress = "{scanner.address}"\n', start=False)
        hook.secret = world.app.secret
        another_region(world)
        world.gateway.start()
        some_of_everything(world, photo)
        with Prometheus(tmp_path / "prometheus", [f"127.0.0.1:{world.metrics_port}"]) as prometheus:
            parts.wait_until(lambda: prometheus.query("photogate_build_info"), 60, "the first scrape")
            left, until = dict(QUERIES), time.monotonic() + 120
            while left and time.monotonic() < until:
                some_of_everything(world, photo)
                # As Grafana fills them in. A quantile of nothing is a series too, of NaN.
                left = {title: query for title, query in left.items()
                        if not any(each["value"][1] != "NaN" for each in prometheus.query(query.replace("$__rate_interval", "60s").replace("$job", ".*")) or [])}
            assert not left, "no figures"
            assert prometheus.query("photogate_build_info")[0]["metric"]["job"] == "photogate", "what the variable Job asks for"
        text = world.gateway.request("GET", "/metrics", port=world.metrics_port)[2]
        checked = subprocess.run([program("promtool"), "check", "metrics"], input=text, capture_output=True, timeout=60)
        assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.drills
def test_provisioning_examples_are_yaml_that_leads_to_the_dashboard():
    yaml = pytest.importorskip("yaml")
    provider = yaml.safe_load((FOLDER / "provisioning" / "dashboards" / "photogate.yml").read_text())["providers"][0]
    assert (provider["type"], provider["options"]["path"]) == ("file", "/var/lib/grafana/dashboards/photogate")
    assert f"{provider['options']['path']}/photogate.json" in (FOLDER / "README.md").read_text()
    source = yaml.safe_load((FOLDER / "provisioning" / "datasources" / "photogate.yml").read_text())["datasources"][0]
    assert source["type"] == "prometheus"
