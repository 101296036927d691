"""Traces: one upload is one trace from its grant to its callbacks, at a receiver of OTLP and at OpenTelemetry's own collector; who decides on
sampling; a collector that is away costs spans and nothing else; exemplars lead from the metrics to a trace."""
import json
import os
import re
import secrets
import shutil
import subprocess
import time

import pytest
from prometheus_client.openmetrics import parser

from tests.rig import pictures
from tests.rig import stack as parts
from tests.rig.collector import Collector
from tests.rig.hooks import Hook, refuse
from tests.rig.otelcol import PROGRAM as OTELCOL
from tests.rig.otelcol import OpenTelemetryCollector
from tests.rig.sinks import Authority
from tests.rig.world import QUICK_ROUNDS, release_build

pytestmark = pytest.mark.skipif(not (release_build() / "photogate-otlp.so").exists(), reason="photogate-otlp.so is not built: opentelemetry-cpp is not installed")

OPEN_METRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
# What an upload that is published and keeps no original does, besides its callbacks.
STAGES = ["POST /v1/uploads", "upload.received", "process", "fetch", "image", "put", "commit", "settle_original"]


def tracing(collector, **more):
    lines = "".join(f"{key} = {value}\n" for key, value in more.items())
    return f'{QUICK_ROUNDS}\n[tracing]\nendpoint = "{collector.url}"\ninterval = "100ms"\ntimeout = "1s"\n{lines}'


@pytest.fixture(scope="module")
def photo():
    return pictures.photo(320, 240, seed=91)


@pytest.fixture
def collector():
    with Collector() as made:
        yield made


def new_parent(flags="01"):
    trace, span = secrets.token_hex(16), secrets.token_hex(8)
    return trace, span, f"00-{trace}-{span}-{flags}"


def callbacks_of(world, upload, count=2):
    def there():
        return [each for each in world.receiver.callbacks if each.body and each.body["data"]["id"] == upload["id"]]

    parts.wait_until(lambda: len(there()) >= count, 60, f"{count} callbacks")
    return there()


def published(world, photo, headers=None, **body):
    """An upload that is published and announced: (upload, callbacks)."""
    created = world.create({"size": len(photo), **body}, headers)
    status, answer = world.send(created, photo)
    assert status in (200, 201, 204), answer
    assert world.gateway.wait_for(created)["state"] == "published"
    return created, callbacks_of(world, created)


def metrics(world, accept="text/plain"):
    status, headers, text = world.gateway.request("GET", "/metrics", port=world.gateway.metrics_port, headers={"Accept": accept})
    assert status == 200
    return headers, text.decode()


def counted(world, name):
    return sum(float(value) for value in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", metrics(world)[1], re.M))


def check_one_upload_is_one_trace(world, collector, photo, others=()):
    """Publishes one, and judges the spans that this collector has of it. `others`: the names of spans that it has besides."""
    trace, caller, parent = new_parent()
    upload, callbacks = published(world, photo, {"traceparent": parent, "tracestate": "rojo=00f067aa0ba902b7"}, filename="grandmother.jpg")
    expected = sorted([*STAGES, "POST", "POST", *others])
    spans = collector.wait_for(trace, expected)
    assert sorted(span.name for span in spans) == expected
    by_id, by_name = {span.id: span for span in spans}, {span.name: span for span in spans}
    assert len(by_id) == len(spans)

    grant, process = by_name["POST /v1/uploads"], by_name["process"]
    assert (grant.parent, grant.kind, grant.state) == (caller, "server", "rojo=00f067aa0ba902b7")
    for name, kind in {"upload.received": "consumer", "process": "consumer", "settle_original": "consumer", "POST": "client"}.items():
        assert (by_name[name].parent, by_name[name].kind) == (grant.id, kind), name
    for name in ("fetch", "image", "put", "commit"):
        inner = by_name[name]
        assert inner.parent == process.id, name
        assert process.start <= inner.start <= inner.end <= process.end + 1_000_000, name
    assert grant.start <= by_name["upload.received"].start <= process.start <= by_name["settle_original"].start
    assert not any(span.failed for span in spans)

    assert grant.attributes["http.request.method"] == "POST" and grant.attributes["http.route"] == grant.attributes["url.path"] == "/v1/uploads"
    assert grant.attributes["http.response.status_code"] == 201
    assert (grant.attributes["server.address"], grant.attributes["server.port"]) == ("127.0.0.1", world.port)
    assert {span.attributes["photogate.upload.id"] for span in spans if "photogate.upload.id" in span.attributes} == {upload["id"]}
    assert all(span.resource["service.name"] == "photogate" and span.resource["service.version"] and len(span.resource["service.instance.id"]) == 36
               and span.scope == "photogate" for span in spans)

    # Each callback carries the span of its own delivery.
    sent = [each for each in spans if each.name == "POST"]
    assert {each.headers["traceparent"] for each in callbacks} == {f"00-{trace}-{span.id}-01" for span in sent}
    assert {each.headers["tracestate"] for each in callbacks} == {"rojo=00f067aa0ba902b7"}
    assert {span.attributes["photogate.callback.type"] for span in sent} == {"upload.received", "upload.published"}
    assert all(span.attributes["http.response.status_code"] == 204 and span.attributes["url.full"] == world.receiver.url for span in sent)

    # Nothing that opens or names something of somebody's.
    told = json.dumps([span.attributes for span in collector.spans])
    for secret in (world.app.key, world.app.secret, "grandmother", "X-Amz", "Signature", world.stack.postgres.url_of("photogate")):
        assert secret not in told, secret
    lines = [json.loads(line) for line in (world.gateway.folder / "photogate.log").read_text().splitlines() if line.startswith("{")]
    assert {line["msg"] for line in lines if line.get("trace_id") == trace} >= {"upload.published", "callback.delivered"}
    parts.wait_until(lambda: counted(world, "photogate_spans_exported_total") >= len(spans), 10, "spans to be counted as taken")
    assert counted(world, "photogate_spans_dropped_total") == 0
    return spans


def test_one_upload_is_one_trace_from_its_grant_to_its_callbacks(own_world, collector, photo):
    check_one_upload_is_one_trace(own_world(extra=tracing(collector)), collector, photo)


@pytest.fixture
def hook_world(own_world):
    """hook_world(extra, answer): a world whose app is asked before a grant and before a publication, and its hook."""
    made = []

    def make(extra, answer=None):
        hook = Hook("", answer)
        made.append(hook)
        asked = "".join(f'{name} = "{hook.url(f"/{name}?key=1")}"\n' for name in ("before_grant", "before_publish"))
        world = own_world(start=False, extra=f"{extra}\n[apps.shop.hooks]\n{asked}")
        hook.secret = world.app.secret
        world.gateway.start()
        return world, hook

    yield make
    for each in made:
        each.close()


def check_hooks(spans, hook):
    """Each was asked under the span of its call: before the grant by the request, before the publication by the job."""
    by_name = {span.name: span for span in spans}
    calls = {span.attributes["photogate.hook"]: span for span in spans if span.name == "hook"}
    assert {name: span.parent for name, span in calls.items()} == {"before_grant": by_name["POST /v1/uploads"].id, "before_publish": by_name["process"].id}
    for name, span in calls.items():
        (question,) = (each for each in hook.questions if each.body["type"] == name)
        assert (question.headers["traceparent"], question.headers["tracestate"]) == (f"00-{span.trace}-{span.id}-01", "rojo=00f067aa0ba902b7")
        assert (span.kind, span.failed) == ("client", False)
        about = {"http.request.method": "POST", "url.full": hook.url(f"/{name}"), "server.address": "127.0.0.1", "server.port": hook.port,
                 "http.response.status_code": 200, "photogate.hook.verdict": "allowed", "photogate.app": "shop",
                 "photogate.upload.id": question.body["data"]["id"]}
        assert {key: span.attributes.get(key) for key in about} == about


def test_hooks_are_asked_within_the_upload_s_trace(hook_world, collector, photo):
    said = {}
    world, hook = hook_world(tracing(collector), lambda question: said.get(question.body["type"], {"allow": True}))
    check_hooks(check_one_upload_is_one_trace(world, collector, photo, ["hook", "hook"]), hook)

    def asked(answer):
        said["before_grant"] = answer
        trace, _, parent = new_parent()
        status, _, _ = world.request("POST", "/v1/uploads", {"profile": "photos", "size": len(photo)}, {"traceparent": parent})
        (span,) = (each for each in collector.wait_for(trace, ["POST /v1/uploads", "hook"]) if each.name == "hook")
        return status, span.failed, {key: span.attributes.get(key) for key in ("photogate.hook.verdict", "error.type", "http.response.status_code")}

    assert asked(refuse("quota")) == (403, False, {"photogate.hook.verdict": "refused", "error.type": None, "http.response.status_code": 200})
    assert asked((500, {}, b"")) == (503, True, {"photogate.hook.verdict": None, "error.type": "500", "http.response.status_code": 500})
    assert asked((200, {}, b"yes")) == (503, True, {"photogate.hook.verdict": None, "error.type": "hook_unavailable", "http.response.status_code": 200})


def test_without_a_collector_a_hook_is_told_the_trace_as_it_came(hook_world, photo):
    world, hook = hook_world(QUICK_ROUNDS)
    _, _, parent = new_parent()
    published(world, photo, {"traceparent": parent, "tracestate": "rojo=1"})
    assert [(each.headers["traceparent"], each.headers["tracestate"]) for each in hook.questions] == [(parent, "rojo=1")] * 2
    published(world, photo)
    assert len(hook.questions) == 4 and not any("traceparent" in each.headers or "tracestate" in each.headers for each in hook.questions[2:])


@pytest.fixture
def otelcol(tmp_path):
    """otelcol(**receiver): OpenTelemetry's own collector, that runs."""
    if not os.access(OTELCOL, os.X_OK):
        pytest.skip("otelcol is not installed (scripts/install-collector)")
    made = []

    def make(**receiver):
        made.append(OpenTelemetryCollector(tmp_path / f"otelcol-{len(made)}", **receiver))
        return made[-1].start()

    yield make
    for each in made:
        each.stop()


@pytest.mark.drills
def test_opentelemetry_s_collector_has_one_upload_as_one_trace(hook_world, otelcol, photo):
    collector = otelcol()
    world, hook = hook_world(tracing(collector))
    check_hooks(check_one_upload_is_one_trace(world, collector, photo, ["hook", "hook"]), hook)
    world.gateway.stop()
    collector.stop()
    assert not [line for line in collector.words().splitlines() if '"level":"error"' in line or '"level":"warn"' in line]


@pytest.mark.drills
def test_a_restart_of_opentelemetry_s_collector_costs_the_spans_that_are_counted(own_world, otelcol, photo):
    collector = otelcol()
    world = own_world(extra=tracing(collector))
    expected = [*STAGES, "POST", "POST"]

    def one():
        trace, _, parent = new_parent()
        published(world, photo, {"traceparent": parent})
        return trace

    before = one()
    collector.wait_for(before, expected)
    collector.stop()
    lost = [one(), one()]  # published, and announced
    parts.wait_until(lambda: counted(world, "photogate_spans_dropped_total") >= 2 * len(expected), 30, "spans that were not taken to be counted")
    collector.start()
    after = one()
    collector.wait_for(after, expected)
    assert not any(collector.of(trace) for trace in lost)
    # What photogate counts as taken is there, once, and nothing else is.
    parts.wait_until(lambda: counted(world, "photogate_spans_waiting") == 0 and counted(world, "photogate_spans_exported_total") == len(collector.spans), 30,
                     "as many spans in the file as were taken")
    assert len({span.id for span in collector.spans}) == len(collector.spans)
    assert all(sorted(span.name for span in collector.of(trace)) == sorted(expected) for trace in (before, after))


@pytest.mark.drills
def test_what_opentelemetry_s_collector_finds_too_large_is_counted_and_no_upload_waits(own_world, otelcol, photo):
    collector = otelcol(max_request_body_size=256)
    world = own_world(extra=tracing(collector))
    trace, _, parent = new_parent()
    published(world, photo, {"traceparent": parent})
    parts.wait_until(lambda: counted(world, "photogate_spans_dropped_total") >= len(STAGES) + 2, 30, "spans that were not taken to be counted")
    assert not collector.of(trace) and counted(world, "photogate_spans_exported_total") == 0
    said = [line for line in (world.gateway.folder / "photogate.log").read_text().splitlines() if '"msg":"tracing.not_sent"' in line]
    assert said and all("request body too large" in line for line in said)


@pytest.mark.drills
def test_opentelemetry_s_collector_is_reached_over_tls_with_a_certificate_of_ours(own_world, otelcol, photo, tmp_path):
    authority = Authority(tmp_path / "ca")
    certificate, key = authority.issue("collector", "localhost")
    ours, our_key = authority.issue("photogate", "photogate")
    collector = otelcol(host="localhost", tls={"cert_file": str(certificate), "key_file": str(key), "client_ca_file": str(authority.ca)})
    world = own_world(start=False, extra=tracing(collector))
    trusting = {"OTEL_EXPORTER_OTLP_CERTIFICATE": str(authority.ca)}
    with_key = {"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": str(ours), "OTEL_EXPORTER_OTLP_CLIENT_KEY": str(our_key)}
    for environment, taken in (({}, False), (trusting, False), (trusting | with_key, True)):
        world.gateway.environment |= environment
        world.gateway.start()
        trace, _, parent = new_parent()
        published(world, photo, {"traceparent": parent})
        if taken:
            collector.wait_for(trace, [*STAGES, "POST", "POST"])
        else:
            parts.wait_until(lambda: counted(world, "photogate_spans_dropped_total") >= len(STAGES) + 2, 30, "spans that were not taken to be counted")
            assert not collector.of(trace)
        world.gateway.stop()


def test_variables_that_the_sdk_reads_by_itself_hold(own_world, collector, photo):
    world = own_world(start=False, extra=tracing(collector))
    world.gateway.environment |= {"OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20abc,x-scope-orgid=shop", "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
                                  "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test,service.name=another"}
    world.gateway.start()
    spans = check_one_upload_is_one_trace(world, collector, photo)
    assert {span.resource["deployment.environment.name"] for span in spans} == {"test"}
    for path, headers in collector.requests:
        sent = {name.lower(): value for name, value in headers.items()}
        assert (path, sent["authorization"], sent["x-scope-orgid"]) == ("/v1/traces", "Bearer abc", "shop"), sent
        assert "content-encoding" not in sent, "Debian's SDK can't, and would complain of each batch that was taken"


def test_an_upload_without_a_traceparent_has_a_trace_of_its_own(own_world, collector, photo):
    world = own_world(extra=tracing(collector))
    # What is no traceparent is none, and no error.
    for headers in ({}, {"traceparent": "00-nonsense"}, {"traceparent": f"00-{'0' * 32}-{'1' * 16}-01", "tracestate": "a=1"}):
        upload, callbacks = published(world, photo, headers)
        kept = world.sql(f"select traceparent, coalesce(tracestate, 'none') from uploads where id = '{upload['id']}'").split("|")
        spans = collector.wait_for(kept[0].split("-")[1], [*STAGES, "POST", "POST"])
        roots = [span for span in spans if not span.parent]
        assert [span.name for span in roots] == ["POST /v1/uploads"] and kept[1].strip() == "none"
        assert {each.headers["traceparent"].split("-")[1] for each in callbacks} == {spans[0].trace}
        assert all("tracestate" not in each.headers for each in callbacks)
    assert not any(span.name.endswith(("/metrics", "/livez", "/readyz")) for span in collector.spans)


def test_the_caller_s_own_word_on_sampling_is_followed_and_a_token_s_is_not(own_world, collector, photo):
    world = own_world(extra=tracing(collector, sample_ratio='"0"'))
    mine, _, mine_parent = new_parent()
    silent, _, silent_parent = new_parent("00")
    stranger, _, stranger_parent = new_parent()
    upload, callbacks = published(world, photo, {"traceparent": silent_parent, "tracestate": "a=1"})
    assert {each.headers["traceparent"][:36] for each in callbacks} == {f"00-{silent}-"} and {each.headers["traceparent"][-2:] for each in callbacks} == {"00"}
    assert {each.headers["tracestate"] for each in callbacks} == {"a=1"}
    status, _, token = world.request("POST", "/v1/tokens", {"profile": "photos"})
    assert status in (200, 201), token
    created = world.gateway.request("POST", "/v1/uploads", {"size": len(photo)}, {"traceparent": stranger_parent}, token["token"])
    assert created[0] == 201, created
    kept = world.sql(f"select traceparent from uploads where id = '{created[2]['id']}'").strip()
    assert kept.startswith(f"00-{stranger}-") and kept.endswith("-00")
    plain, _ = published(world, photo)
    assert world.sql(f"select count(*) from uploads where id = '{plain['id']}' and traceparent is null and tracestate is null").strip() == "1"
    published(world, photo, {"traceparent": mine_parent})
    collector.wait_for(mine, [*STAGES, "POST", "POST"])
    assert {span.trace for span in collector.spans} == {mine}


def test_without_a_collector_a_trace_is_kept_and_sent_on_as_it_came(own_world, photo):
    world = own_world()
    _, _, parent = new_parent()
    _, callbacks = published(world, photo, {"traceparent": parent, "tracestate": "rojo=1,congo=2"})
    assert {(each.headers["traceparent"], each.headers["tracestate"]) for each in callbacks} == {(parent, "rojo=1,congo=2")}
    plain, callbacks = published(world, photo, {"tracestate": "rojo=1"})
    assert all("traceparent" not in each.headers and "tracestate" not in each.headers for each in callbacks)
    assert world.sql(f"select count(*) from uploads where id = '{plain['id']}' and traceparent is null and tracestate is null").strip() == "1"
    too_long, callbacks = published(world, photo, {"traceparent": parent, "tracestate": f"a={'x' * 250},b={'y' * 259}"})
    assert all(each.headers["traceparent"] == parent and "tracestate" not in each.headers for each in callbacks)
    _, text = metrics(world)
    assert "photogate_spans" not in text
    maps = open(f"/proc/{world.gateway.process.pid}/maps").read()
    assert "opentelemetry" not in maps and "protobuf" not in maps


def test_a_collector_that_hangs_or_refuses_costs_spans_and_nothing_else(own_world, photo):
    hold = [True]

    def answer(_):
        deadline = time.monotonic() + 20
        while hold[0] and time.monotonic() < deadline:
            time.sleep(0.05)
        return 503

    with Collector(answer) as collector:
        world = own_world(extra=tracing(collector, queue=64))
        began = time.monotonic()
        for _ in range(300):
            assert world.request("GET", "/v1/uploads?limit=1")[0] == 200
        assert time.monotonic() - began < 60  # each that waited for the collector would take a second
        upload, _ = published(world, photo)
        assert counted(world, "photogate_spans_dropped_total") >= 100
        assert counted(world, "photogate_spans_waiting") <= 64
        began = time.monotonic()
        world.gateway.stop()
        assert time.monotonic() - began < 20  # twice the timeout, and what a stop takes
        hold[0] = False
        assert not collector.spans
        world.gateway.start()
        assert published(world, photo)[0]
        parts.wait_until(lambda: "not_taken\"} 0" not in metrics(world)[1], 20, "spans that were not taken to be counted")


def test_metrics_lead_to_a_trace_in_open_metrics_alone(own_world, collector, photo):
    world = own_world(extra=tracing(collector))
    trace, _, parent = new_parent()
    published(world, photo, {"traceparent": parent})
    headers, text = metrics(world, OPEN_METRICS)
    assert headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    families = {family.name: family for family in parser.text_string_to_metric_families(text)}
    assert len(families) > 50
    for name in ("http_server_request_duration_seconds", "photogate_upload_finish_seconds", "photogate_upload_stage_seconds"):
        shown = [sample.exemplar for sample in families[name].samples if sample.exemplar]
        assert shown and all(re.fullmatch("[0-9a-f]{32}", each.labels["trace_id"]) and abs(float(each.timestamp) - time.time()) < 120 for each in shown), name
    finished = [sample.exemplar for sample in families["photogate_upload_finish_seconds"].samples if sample.exemplar]
    assert {each.labels["trace_id"] for each in finished} == {trace}
    # Both formats have the same samples, but for the one that would be a family's second of its name.
    plain_headers, plain = metrics(world)
    assert plain_headers["content-type"].startswith("text/plain") and "trace_id" not in plain and "# EOF" not in plain
    names = {sample.name for family in families.values() for sample in family.samples}
    assert names | {"photogate_package_downloads"} == set(re.findall(r"^([a-zA-Z_:][\w:]*)[{ ]", plain, re.M))


PROMTOOL = shutil.which("promtool")


@pytest.mark.skipif(not PROMTOOL, reason="promtool is not installed (scripts/install-dependencies tests)")
def test_metric_names_follow_the_conventions_but_for_those_that_are_listed(world):
    _, text = metrics(world)
    done = subprocess.run([PROMTOOL, "check", "metrics"], input=text, capture_output=True, text=True, timeout=60)
    assert done.returncode in (0, 3), done.stderr  # 3: lint
    assert sorted(set(done.stderr.splitlines())) == [], done.stderr


def test_a_missing_exporter_is_reported_and_done_without(own_world, photo, tmp_path):
    for name in ("photogate", "photogate-imager"):
        shutil.copy(release_build() / name, tmp_path / name)
    world = own_world(build=tmp_path, extra=f'{QUICK_ROUNDS}\n[tracing]\nendpoint = "http://127.0.0.1:9"\n')
    assert published(world, photo)[0]
    assert '"msg":"tracing.unavailable"' in (world.gateway.folder / "photogate.log").read_text()
