"""Each alert of etc/prometheus can fire: what its rule reads is exported, and the fault that it is for moves it.

That the rules fire on such figures, and keep quiet in a calm hour, is `promtool test rules` (etc/prometheus/photogate.rules.test.yml).
"""
import json
import pathlib
import re
import secrets
import signal
import socket
import subprocess
import time

import pytest

from tests.rig import fault_proxy as faults
from tests.rig import pictures
from tests.rig import stack as parts
from tests.rig.imagers import to_imagers
from tests.rig.prometheus import Prometheus, program, some_of_everything
from tests.rig.second_store import close_store, region_toml, second_store

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
RULES = ROOT / "etc" / "prometheus" / "photogate.rules.yml"
EVERY_SECOND = """
[worker]
reconcile_interval = 1
reap_interval = 1
"""
SWEPT = EVERY_SECOND + "sweep_interval = 1\nsweep_age = 1\n"
PROVED = EVERY_SECOND + "proof_interval = 1\n"


@pytest.fixture(scope="module")
def photo():
    return pictures.photo(320, 240, seed=81)


def samples(world, gateway=None):
    """{'name{label="value",…}': figure}, labels in the order of their names."""
    gateway = gateway or world.gateway
    text = gateway.request("GET", "/metrics", port=gateway.metrics_port)[2].decode()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))}


def figure(world, series, gateway=None):
    return samples(world, gateway).get(series, 0.0)


def await_figure(world, series, condition, seconds=30):
    parts.wait_until(lambda: condition(figure(world, series)), seconds, series)


def moves(world, series, fault, by=1, seconds=30):
    """The fault, and the series at least so much above what it was."""
    before = figure(world, series)
    fault()
    await_figure(world, series, lambda now: now >= before + by, seconds)


def another_region(world, store=None):
    """A second region; without a store of its own, one whose store is not there."""
    region = region_toml("far", store or world.stack.minio)
    if not store:
        region = re.sub(r'_bucket = "', '_bucket = "far-', region.replace(world.stack.minio.endpoint, "http://127.0.0.1:9"))
    config = world.gateway.config
    config.write_text(config.read_text() + "\n" + region + '[placement]\ndefault_region = "default"\nprobe_interval = "300ms"\n')


# ---- the rules

def rules():
    """(alert, id, expression): by the layout of the file, so that no YAML reader is needed."""
    for block in RULES.read_text().split("- alert: ")[1:]:
        alert, rest = block.split("\n", 1)
        yield alert, re.search(r"\bid: (A\d+)", rest).group(1), re.search(r"expr:(.*?)\n        (?:for|labels):", rest, re.S).group(1)


def test_every_alert_has_a_rule_and_a_runbook_entry():
    found = list(rules())
    assert {identity for _, identity, _ in found} == {f"A{number}" for number in range(1, 20)}
    pages = (ROOT / "docs" / "operations.md").read_text()
    for alert, identity, _ in found:
        assert f'<a id="{identity.lower()}"></a>{identity} ' in pages and alert in pages, alert
    assert set(re.findall(r"operations\.md#(a\d+)", RULES.read_text())) == {f"a{number}" for number in range(1, 20)}


@pytest.mark.drills
def test_every_rule_fires_and_none_in_a_calm_hour():
    done = subprocess.run([program("promtool"), "test", "rules", "photogate.rules.test.yml"], cwd=RULES.parent, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_has_its_tests_and_each_test_says_what_it_expects():
    """Whether they pass is a drill; that none was cut in half, as a merge once did, is told here."""
    cases = (RULES.parent / "photogate.rules.test.yml").read_text().split("\n  - name: ")[1:]
    assert {case.split("\n")[0].split(" ")[-1] for case in cases} == {alert for alert, _, _ in rules()} | {"calm"}
    for case in cases:
        name = case.split("\n")[0]
        assert "\n    interval: 1m\n    input_series:\n" in case and "\n    promql_expr_test:\n" in case, name
        for first, rest in (("series:", "values:"), ("expr:", "eval_time:"), ("expr:", "exp_samples:")):
            assert case.count(f"- {first}") == case.count(f"        {rest}") > 0, f"{name}: {rest}"


# A metric, and the labels that are asked for; a value may contain braces.
SELECTOR = re.compile(r'\b((?:photogate|http_server)_[a-z_]+(?:\{(?:"[^"]*"|[^"}])*\})?)')
# Series that are there once a decoder has died of a picture three times, which tests/faults does.
AFTER_WORSE = {'photogate_uploads_finished_total{result="failed",reason="imager_crashed"}'}


@pytest.mark.drills
def test_real_prometheus_evaluates_every_rule_over_a_gateway_and_its_faults_fire(own_world, photo, tmp_path):
    world = own_world(extra=SWEPT + "proof_interval = 1\n", start=False)
    another_region(world)
    world.gateway.start()
    minio = world.stack.minio
    expressions = {alert: expression for alert, _, expression in rules()}
    with Prometheus(tmp_path / "prometheus", [f"127.0.0.1:{world.metrics_port}"], RULES) as prometheus:
        some_of_everything(world, photo)
        parts.wait_until(lambda: all(each["health"] == "ok" for each in prometheus.rules().values()), 60, "every rule's evaluation")
        # What fires at once, without a wait of minutes in the rule.
        minio.call("PUT", f"/{minio.public}/index.html", body=b"<script>")
        minio.call("PUT", f"/{minio.originals}", query={"policy": ""}, body=json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": ["s3:GetObject"], "Resource": [f"arn:aws:s3:::{minio.originals}/*"]}]}).encode())
        minio.set_policies("readwrite")
        world.gateway.request("POST", "/v1/uploads", {}, key="pg_shop_" + "0" * 52)
        world.gateway.request("POST", "/v1/events/minio", {}, {"Authorization": "Bearer wrong"})
        with socket.create_connection(("127.0.0.1", world.port), timeout=10) as connection:
            connection.sendall((f"POST /v1/events/minio HTTP/1.1\r\nHost: 127.0.0.1:{world.port}\r\n"
                                f"Authorization: Bearer {world.stack.events_token}\r\nContent-Length: {2 << 20}\r\n\r\n").encode())
            assert connection.recv(100).startswith(b"HTTP/1.1 413")
        immediate = {"PhotogateUnknownPublicObject", "PhotogateOriginalsReadable", "PhotogateSignerCanRead", "PhotogateEventRefused"}

        def firing():
            return {name for name, rule in prometheus.rules().items() if rule["state"] == "firing"}
        try:
            parts.wait_until(lambda: immediate <= firing(), 120, "the alerts")
        except parts.StackError:
            raise AssertionError(f"not firing: {immediate - firing()}") from None
        parts.wait_until(lambda: prometheus.rules()["PhotogateRegionDown"]["state"] in ("pending", "firing"), 60, "the region whose store is not there")
        world.stack.postgres.stop("immediate")
        assert world.request("POST", "/v1/uploads", {"profile": "photos"})[0] == 503
        # Every series that a rule asks for, with its labels.
        asked = {selector for expression in expressions.values() for selector in SELECTOR.findall(expression)}
        assert len(asked) > 25, asked

        def missing():
            return {selector for selector in asked - AFTER_WORSE if not prometheus.query(f"last_over_time({selector}[10m])")}
        try:
            parts.wait_until(lambda: not missing(), 60, "the series")
        except parts.StackError:
            raise AssertionError(f"no series: {missing()}") from None
        rules_now = prometheus.rules()
        assert set(rules_now) == set(expressions) and not [each["lastError"] for each in rules_now.values() if each.get("lastError")]
        print(f"{len(rules_now)} rules evaluated, {len(asked)} selectors, {len(AFTER_WORSE)} of them without a series here; fired: {sorted(firing())}")
        world.stack.postgres.start()


def test_gateway_exports_every_metric_used_by_rules(own_world, photo):
    world = own_world(extra=PROVED, start=False)
    another_region(world)
    world.gateway.start()
    world.publish(photo)
    parts.wait_until(lambda: figure(world, 'photogate_clock_offset_seconds{of="store"}') != 0, 60, "the store's clock")
    names = {re.split(r"[{ ]", series, maxsplit=1)[0] for series in samples(world)}
    for alert, _, expression in rules():
        read = re.findall(r"\b(?:photogate|http_server)_[a-z_]+\b(?=[{)\[ ]|$)", expression)
        assert read or "minio_" in expression, alert
        for name in read:
            assert name in names, f"{alert} reads {name}"


def test_no_label_contains_an_upload_or_a_key(own_world, photo):
    world = own_world(extra=EVERY_SECOND)
    upload = world.publish(photo)
    text = "\n".join(samples(world))
    assert upload["id"] not in text and "u/20" not in text and "127.0.0.1" not in text


# ---- the faults

@pytest.mark.drills
def test_a1_object_not_made_by_photogate(own_world):
    world = own_world(extra=SWEPT)
    minio = world.stack.minio
    series = 'photogate_unknown_objects{bucket="public"}'
    minio.call("PUT", f"/{minio.public}/index.html", body=b"<script>")
    await_figure(world, series, lambda now: now == 1)
    minio.call("DELETE", f"/{minio.public}/index.html")
    await_figure(world, series, lambda now: now == 0)


@pytest.mark.drills
def test_a2_publicly_readable_bucket(own_world):
    world = own_world(extra=PROVED)
    minio = world.stack.minio
    series = 'photogate_store_proof_failed{check="stranger.get.originals"}'
    assert figure(world, series) == 0 and series in samples(world)
    minio.call("PUT", f"/{minio.originals}", query={"policy": ""}, body=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": ["s3:GetObject"], "Resource": [f"arn:aws:s3:::{minio.originals}/*"]}]}).encode())
    await_figure(world, series, lambda now: now == 1)
    minio.call("DELETE", f"/{minio.originals}", query={"policy": ""})
    await_figure(world, series, lambda now: now == 0)


@pytest.mark.drills
def test_a3_signer_that_can_read(own_world):
    world = own_world(extra=PROVED)
    series = 'photogate_store_proof_failed{check="signer.get.originals"}'
    world.stack.minio.set_policies("readwrite")
    await_figure(world, series, lambda now: now == 1)
    world.stack.minio.set_policies()
    await_figure(world, series, lambda now: now == 0)


@pytest.mark.drills
def test_a3_store_that_fails_during_the_proof_changes_no_finding(own_world):
    """A page that says that keys leak, because a store was restarted, would be believed once."""
    world = own_world(extra=PROVED, witnessed=True)
    series, access = 'photogate_store_proof_failed{check="signer.get.originals"}', world.stack.minio.signer.access

    def fails():
        world.witness.store.rule(lambda e: e.method == "GET" and access in e.target + str(e.headers), faults.error_before(500))
    for found in (0, 1):
        if found:
            world.stack.minio.set_policies("readwrite")
        await_figure(world, series, lambda now, found=found: now == found)
        moves(world, "photogate_store_proofs_failed_total", fails, by=2, seconds=120)
        assert figure(world, series) == found
        world.witness.store.heal()


@pytest.mark.drills
def test_a4_a5_no_worker_and_no_sender(own_world, photo):
    world = own_world(role="serve")
    created = world.upload(photo)
    parts.wait_until(lambda: world.request("GET", f"/v1/uploads/{created['id']}")[2]["state"] == "uploaded", 60, "the event")
    for queue in ("jobs", "callbacks"):
        await_figure(world, f'photogate_queue_oldest_seconds{{queue="{queue}"}}', lambda now: now > 1)


@pytest.mark.drills
def test_a6_dead_callback(own_world, photo):
    world = own_world()
    world.receiver.answer = lambda _: (500, {}, b"")
    world.publish(photo)
    parts.wait_until(lambda: world.sql("select count(*) from callbacks where attempts >= 1 and lease_token is null") == "2", 30, "both attempts")
    moves(world, "photogate_callbacks_dead_total", lambda: world.sql("update callbacks set attempts = 9, next_attempt_at = now()"), by=2)


@pytest.mark.drills
def test_a7_missing_events(own_world, photo):
    world = own_world(extra=EVERY_SECOND)
    world.stack.minio.set_events("http://127.0.0.1:9/nobody", world.stack.events_token)
    moves(world, "photogate_reconciler_found_total", lambda: world.publish(photo))


@pytest.mark.drills
def test_a8_event_answered_with_neither_2xx_nor_503(own_world):
    world = own_world()

    def too_large():
        with socket.create_connection(("127.0.0.1", world.port), timeout=10) as connection:
            connection.sendall((f"POST /v1/events/minio HTTP/1.1\r\nHost: 127.0.0.1:{world.port}\r\n"
                                f"Authorization: Bearer {world.stack.events_token}\r\nContent-Length: {2 << 20}\r\n\r\n").encode())
            assert connection.recv(100).startswith(b"HTTP/1.1 413")

    moves(world, 'http_server_request_duration_seconds_count{http_request_method="POST",http_response_status_code="413",http_route="/v1/events/{source}"}',
          too_large)


@pytest.mark.drills
def test_a9_failing_creation(own_world):
    world = own_world()
    world.stack.postgres.stop("immediate")
    try:
        moves(world, 'http_server_request_duration_seconds_count{http_request_method="POST",http_response_status_code="503",http_route="/v1/uploads"}',
              lambda: world.request("POST", "/v1/uploads", {"profile": "photos"}))
    finally:
        world.stack.postgres.start()


@pytest.mark.drills
def test_a9_upload_duration_is_measured(own_world, photo):
    world = own_world()
    moves(world, "photogate_upload_finish_seconds_count", lambda: world.publish(photo))


@pytest.mark.drills
def test_a10_transaction_that_holds_back_vacuum(own_world):
    world = own_world(extra=EVERY_SECOND)
    holding = subprocess.Popen(["psql", world.stack.postgres.url, "-c", "begin isolation level repeatable read; select 1; select pg_sleep(60)"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        await_figure(world, "photogate_database_oldest_snapshot_seconds", lambda now: now > 3)
    finally:
        holding.kill()
        holding.wait()
    world.sql("select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep(60)%' and pid <> pg_backend_pid()")
    await_figure(world, "photogate_database_oldest_snapshot_seconds", lambda now: now < 3)


@pytest.mark.drills
def test_a11_picture_is_rejected_after_timing_out_twice(own_world):
    world = own_world(extra=EVERY_SECOND + "[imaging]\nwall_clock = \"100ms\"\n")
    upload = world.gateway.wait_for(world.upload(pictures.photo(6000, 4000, seed=82, suffix=".png")), 60)
    assert (upload["state"], upload["rejection"]["code"]) == ("rejected", "timeout"), upload
    assert figure(world, 'photogate_uploads_finished_total{reason="timeout",result="rejected"}') == 1
    assert figure(world, "photogate_imager_timed_out_total") == 2
    parts.wait_until(lambda: "upload.rejected" in [each.body["type"] for each in world.receiver.callbacks], 60, "the callback")


@pytest.mark.drills
def test_a12_skewed_store_clock(own_world):
    world = own_world(extra=PROVED, witnessed=True)
    ahead = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 600))
    series = 'photogate_clock_offset_seconds{of="store"}'
    await_figure(world, series, lambda now: 0 < abs(now) < 5)
    world.witness.store.rule(faults.anything, faults.Fault("clock ahead", replace={"Date": ahead}))
    await_figure(world, series, lambda now: now > 500)
    world.witness.store.heal()
    await_figure(world, series, lambda now: abs(now) < 5)
    assert abs(figure(world, 'photogate_clock_offset_seconds{of="database"}')) < 5


@pytest.mark.drills
def test_a13_unknown_client_addresses(own_world):
    world = own_world()
    moves(world, 'http_server_request_duration_seconds_count{http_request_method="POST",http_response_status_code="401",http_route="/v1/uploads"}',
          lambda: world.gateway.request("POST", "/v1/uploads", {}, key="pg_shop_" + "0" * 52))
    moves(world, 'photogate_events_received_total{result="unauthenticated",source="minio"}',
          lambda: world.gateway.request("POST", "/v1/events/minio", {}, {"Authorization": "Bearer wrong"}))


@pytest.mark.drills
def test_a14_full_file_system(own_world, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", small], capture_output=True).returncode != 0:
        pytest.skip("no file system may be mounted here")
    try:
        world = own_world(start=False)
        world.gateway.environment["TMPDIR"] = str(small)
        world.gateway.start()
        series = 'photogate_disk_used_ratio{place="temporary"}'
        assert figure(world, series) < 0.5
        (small / "much").write_bytes(secrets.token_bytes(3_600_000))
        await_figure(world, series, lambda now: now > 0.8)
        world.gateway.stop()
    finally:
        subprocess.run(["umount", "-l", small])


@pytest.mark.drills
def test_a15_silent_worker(own_world, photo):
    world = own_world(extra=EVERY_SECOND)
    series = 'photogate_leases_reaped_total{result="requeued"}'

    def taken_back():
        to_imagers(world.gateway, signal.SIGSTOP)
        world.upload(photo)
        until = time.monotonic() + 20
        while figure(world, series) == 0 and time.monotonic() < until:
            world.sql("update jobs set lease_until = now() - interval '1 s' where lease_token is not null")
        to_imagers(world.gateway, signal.SIGCONT)

    moves(world, series, taken_back)


@pytest.mark.drills
def test_a17_scanner_that_is_away(own_world, photo):
    world = own_world(extra=EVERY_SECOND + '[scanner]\nkind = "clamd"\naddress = "/nowhere/clamd.ctl"\n')
    assert figure(world, "photogate_scanner_up") == 1
    moves(world, 'photogate_scanner_scans_total{result="failed"}', lambda: world.upload(photo))
    await_figure(world, "photogate_scanner_up", lambda now: now == 0)


@pytest.mark.drills
def test_a18_hook_that_fails(own_world, photo):
    world = own_world(extra=EVERY_SECOND + '[apps.shop.hooks]\nbefore_publish = "http://127.0.0.1:9/hook"\n')
    moves(world, 'photogate_hook_calls_total{hook="before_publish",result="failed"}', lambda: world.upload(photo), by=3)
    await_figure(world, 'photogate_hook_calls_total{hook="before_publish",result="away"}', lambda now: now >= 1)


@pytest.mark.drills
def test_a19_region_that_is_down(own_world, tmp_path):
    world = own_world(start=False)
    far = second_store(world, tmp_path)
    try:
        another_region(world, far)
        world.gateway.start()
        series = 'photogate_region_up{region="far"}'
        await_figure(world, series, lambda now: now == 1)
        far.kill()
        await_figure(world, series, lambda now: now == 0)
        assert figure(world, 'photogate_region_up{region="default"}') == 1
        far.start()
        await_figure(world, series, lambda now: now == 1, 60)
    finally:
        close_store(far)
