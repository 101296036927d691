"""Every sender of store events besides MinIO, whose events the other tests have: each is believed by its own proof alone, and brings an
upload to its end without a look at the store's list."""
import json

import pytest

from tests.contract.stores import Versitygw
from tests.rig import event_senders as senders
from tests.rig import pictures, sinks
from tests.rig import stack as parts
from tests.rig.events import key_of
from tests.rig.world import worlds

WORD = senders.WORD


@pytest.fixture(scope="module")
def issuer(tmp_path_factory):
    made = senders.Issuer(sinks.Authority(tmp_path_factory.mktemp("authority")))
    yield made
    made.close()


@pytest.fixture(scope="module")
def queue():
    made = senders.Queue()
    yield made
    made.close()


@pytest.fixture(scope="module")
def world(build_dir, tmp_path_factory, issuer, queue):
    making = worlds(build_dir, tmp_path_factory.mktemp("senders"))
    make = next(making)
    world = make(start=False, extra=senders.configuration(issuer, queue))
    world.stack.minio.set_events("http://127.0.0.1:9/nobody", world.stack.events_token)
    world.gateway.start()
    yield world
    making.close()


def post(world, source, body, headers=None, query=""):
    text = body if isinstance(body, str) else json.dumps(body)
    return world.gateway.request("POST", f"/v1/events/{source}{query}", text.encode(), {"Content-Type": "application/json", **(headers or {})})


def figure(world, series):
    """A counter of the gateway's metrics."""
    page = world.gateway.request("GET", "/metrics", port=world.metrics_port)[2].decode()
    return sum(float(line.rsplit(" ", 1)[1]) for line in page.splitlines() if line.startswith(series + " "))


def stored(world, seed):
    """An upload whose file is in the store, of which the gateway does not know."""
    return world.upload(pictures.photo(160, 120, seed=seed))


def of(world, created, body):
    return senders.about(body, world.stack.minio.incoming, key_of(created))


def state(world, created):
    return world.request("GET", f"/v1/uploads/{created['id']}")[2]["state"]


def published(world, created):
    return world.gateway.wait_for(created)["state"] == "published"


BEARER = {"Authorization": f"Bearer {WORD}"}
BASIC = {"Authorization": senders.basic(WORD)}
B = senders.bodies
SIMPLE = {
    "eventbridge": (B.eventbridge(), {"x-api-key": WORD}, ""),
    "lambda": ({"Records": [B.sqs_record(B.s3())]}, BEARER, ""),
    "sqs": ({"Messages": [{"MessageId": "1", "Body": B.text(B.sns(B.s3()))}]}, BEARER, ""),
    "s3": (B.s3(), BASIC, ""),
    "ceph": (B.s3(B.ceph()), BASIC, ""),
    "versitygw": (B.versitygw(), BASIC, ""),
    "seaweedfs": (B.seaweed(), BEARER, ""),
    "rustfs": (B.minio("rustfs:s3"), BEARER, ""),
    "gcs-shared": (B.gcs(), {}, f"?token={WORD}"),
}


def nested(world, created, name, body):
    """Messages within messages are texts: what they are about is changed before they are put there."""
    if name == "lambda":
        return {"Records": [B.sqs_record(of(world, created, B.s3()))]}
    if name == "sqs":
        return {"Messages": [{"MessageId": "1", "Body": B.text(B.sns(of(world, created, B.s3())))}]}
    return of(world, created, body)


@pytest.mark.parametrize("name", list(SIMPLE))
def test_sender_with_a_token_brings_an_upload_to_its_end(world, name):
    body, headers, query = SIMPLE[name]
    created = stored(world, seed=600 + list(SIMPLE).index(name))
    body = nested(world, created, name, body)
    for wrong, wrong_query in (({}, ""), ({header: value[:-4] + "AAAA" for header, value in headers.items()}, query and query[:-4] + "AAAA")):
        assert post(world, name, body, wrong, wrong_query)[0] == 401, "another token, or none"
    others = {"Authorization": BEARER["Authorization"]} if "Authorization" not in headers else {"x-api-key": WORD}
    assert post(world, name, body, others)[0] == 401, "the right token in another place"
    assert state(world, created) == "created"
    status, _, answer = post(world, name, body, headers, query)
    assert status == 200 and answer["received"] == 1, answer
    assert published(world, created)
    status, _, answer = post(world, name, body, headers, query)
    assert status == 200 and answer["received"] == 0, "the same again"


def test_messages_of_sns_are_proven_by_their_signatures(world, issuer):
    created = stored(world, seed=620)
    message = of(world, created, B.s3())
    headers, text = issuer.sns(message)
    forged = [(headers, text.replace(key_of(created), key_of(created) + "x")), issuer.sns(message, age=5000), issuer.sns(message, version="3"),
              issuer.sns(message, SigningCertURL="https://example.com/SimpleNotificationService-1.pem"), issuer.sns(message, Signature="AAAA"),
              issuer.sns(message, TopicArn=senders.TOPIC + "2"), ({**headers, "x-amz-sns-rawdelivery": "true"}, json.dumps(message)), ({}, text),
              ({**headers, "x-amz-sns-message-type": "SubscriptionConfirmation"}, text), ({**headers, "x-amz-sns-topic-arn": senders.TOPIC + "2"}, text)]
    for wrong_headers, wrong in forged:
        assert post(world, "sns", wrong, wrong_headers)[0] == 401, wrong
    assert state(world, created) == "created"
    for version in ("1", "2"):
        status, _, answer = post(world, "sns", issuer.sns(message, version=version)[1], headers)
        assert status == 200, answer
    assert published(world, created)


def test_subscription_of_sns_is_confirmed_where_it_is_proven(world, issuer):
    headers, text = issuer.sns("You have chosen to subscribe", "SubscriptionConfirmation")
    before = len(issuer.confirmed)
    assert post(world, "sns", text.replace("You have", "They have"), headers)[0] == 401
    assert len(issuer.confirmed) == before
    issuer.status = 500
    assert post(world, "sns", text, headers)[0] == 503, "SNS is to ask again"
    issuer.status = 200
    parts.wait_until(lambda: post(world, "sns", text, headers)[0] == 200, 90, "the confirmation")
    assert len(issuer.confirmed) == before + 1
    end_headers, end = issuer.sns("You have chosen to deactivate", "UnsubscribeConfirmation")
    assert post(world, "sns", end, end_headers)[0] == 200
    assert len(issuer.confirmed) == before + 1, "the URL of an end would subscribe again"


def test_keys_are_fetched_from_no_private_address_unless_it_is_allowed(world, issuer):
    before = len(issuer.fetched)
    headers, text = issuer.sns({"Records": []})
    status, _, _ = post(world, "guarded", text, headers)
    assert status == 503 and len(issuer.fetched) == before


def test_pushes_of_google_cloud_are_proven_by_their_tokens(world, issuer):
    created = stored(world, seed=621)
    body = of(world, created, B.gcs())
    for wrong in (issuer.token(aud="another"), issuer.token(email="x@example.com"), issuer.token(exp=1), issuer.token(iss="https://example.com"),
                  issuer.token()[:-8] + "AAAAAAAA", WORD, ""):
        assert post(world, "gcs", body, {"Authorization": f"Bearer {wrong}"})[0] == 401, wrong
    assert state(world, created) == "created"
    for _ in range(2):
        assert post(world, "gcs", body, {"Authorization": f"Bearer {issuer.token()}"})[0] == 200
    assert published(world, created)
    assert issuer.fetched.count("/keys") == 1


def test_notifications_of_b2_are_proven_by_their_signature(world):
    created = stored(world, seed=622)
    body = of(world, created, {"events": [B.b2_event()]})
    text = json.dumps(body)
    signature = "X-Bz-Event-Notification-Signature"
    for wrong in ({}, {signature: senders.b2_signature(text + " ")}, {signature: senders.b2_signature(text, "v" * 40)}, {signature: "v1="}, BEARER):
        assert post(world, "b2", text, wrong)[0] == 401, wrong
    assert state(world, created) == "created"
    assert post(world, "b2", text, {signature: senders.b2_signature(text)})[0] == 200
    assert published(world, created)


def test_queue_of_r2_is_asked_and_told_what_was_kept(world, queue):
    created = stored(world, seed=623)
    queue.put(json.dumps(of(world, created, B.r2())))
    queue.put("<no event/>")
    assert published(world, created)
    parts.wait_until(lambda: queue.left() == 0, 60, "the acknowledgement")
    assert post(world, "r2", B.r2(), BEARER)[0] == 401, "nobody posts for a queue"
    parts.wait_until(lambda: figure(world, 'photogate_events_received_total{result="quarantined",source="r2"}') == 1, 60, "the quarantine")
    parts.wait_until(lambda: figure(world, 'photogate_event_queue_acknowledged_total{source="r2"}') >= 2, 60, "the counter of the queue")


def test_results_are_counted_by_source(world):
    created = stored(world, seed=625)
    of_lambda = 'photogate_events_received_total{result="received",source="lambda"}'
    refused = 'photogate_events_received_total{result="unauthenticated",source="lambda"}'
    before = figure(world, of_lambda), figure(world, refused)
    body = of(world, created, B.s3())
    assert post(world, "lambda", body)[0] == 401
    assert post(world, "lambda", body, BEARER)[0] == 200
    parts.wait_until(lambda: (figure(world, of_lambda), figure(world, refused)) == (before[0] + 1, before[1] + 1), 60, "the counters")


def test_message_of_a_queue_is_not_lost_when_its_gateway_is_killed_before_it_acknowledges(own_world):
    queue = senders.Queue()
    try:
        world = own_world(start=False, extra=f"""
[worker]
reconcile_interval = 3600
[events.r2]
dialect = "r2"
queue_url = "{queue.url}"
queue_token = "{WORD}"
queue_interval = "100ms"
""")
        world.stack.minio.set_events("http://127.0.0.1:9/nobody", world.stack.events_token)
        world.gateway.start()
        created = stored(world, seed=626)
        queue.before_acknowledged = world.gateway.kill
        queue.put(json.dumps(of(world, created, B.r2())))
        parts.wait_until(lambda: not world.gateway.running(), 60, "the kill in place of an acknowledgement")
        assert queue.left() == 1
        world.gateway.restart()
        assert published(world, created)
        parts.wait_until(lambda: queue.left() == 0, 60, "the acknowledgement")
    finally:
        queue.close()


# ---- a real sender beside MinIO

class OnVersitygw:
    """A gateway whose store is versitygw, which posts its events to it."""

    def __init__(self, world, folder):
        minio = world.stack.minio
        self.world, self.store = world, Versitygw(folder / "versitygw", folder / "versitygw.log")
        self.store.buckets = (minio.incoming, minio.public, minio.originals)
        text = world.gateway.config.read_text().replace(minio.endpoint, self.store.endpoint)
        for key in (minio.signer, minio.worker):
            text = text.replace(f'"{key.access}"', f'"{self.store.root.access}"').replace(f'"{key.secret}"', f'"{self.store.root.secret}"')
        world.gateway.config.write_text(text)
        world.gateway.environment["PHOTOGATE_UNSAFE"] = "true"  # one account signs and works

    def start(self, word=WORD):
        """Without events first, since each needs the other to start."""
        self.store.start()
        self.world.gateway.start()
        self.store.stop()
        self.store.events_url = f"http://photogate:{word}@127.0.0.1:{self.world.port}/v1/events/versitygw"
        self.store.start()


@pytest.fixture
def on_versitygw(own_world, tmp_path):
    made = OnVersitygw(own_world(start=False, extra=f"""
[worker]
reconcile_interval = 3600
[events.versitygw]
dialect = "versitygw"
authentication = "basic"
tokens = ["{WORD}"]
"""), tmp_path)
    yield made
    made.store.stop()


@pytest.mark.large
def test_versitygw_itself_brings_an_upload_to_its_end(on_versitygw):
    on_versitygw.start()
    world = on_versitygw.world
    received = 'photogate_events_received_total{result="received",source="versitygw"}'
    before = figure(world, received)
    for seed, more in ((640, {}), (641, {"filename": "Zo\u00eb + 1%.jpg"})):
        data = pictures.photo(160, 120, seed=seed)
        created = world.create({"size": len(data), **more})
        assert created["upload"]["url"].startswith(on_versitygw.store.endpoint)
        assert world.send(created, data)[0] == 200
        assert published(world, created)
    parts.wait_until(lambda: figure(world, received) == before + 2, 60, "the counter")
    assert figure(world, 'photogate_events_received_total{result="quarantined",source="versitygw"}') == 0


@pytest.mark.large
def test_versitygw_with_another_password_is_not_believed(on_versitygw):
    on_versitygw.start("v" * 40)
    world = on_versitygw.world
    refused = 'photogate_events_received_total{result="unauthenticated",source="versitygw"}'
    parts.wait_until(lambda: figure(world, refused) == 1, 60, "its first event, a test")
    created = stored(world, seed=642)
    parts.wait_until(lambda: figure(world, refused) == 2, 60, "the upload's event")
    assert state(world, created) == "created"
