"""Store events of every sender: forged signatures and tokens, keys from elsewhere, messages within messages, keys in another spelling, floods and replays.

The file of each upload is in the store and the gateway does not know it: an event that is believed would be seen at once.
"""
import concurrent.futures
import hashlib
import hmac
import json
import time
import urllib.parse

import pytest

from tests.attacks.conftest import honest
from tests.rig import event_senders as senders
from tests.rig import pictures, raw_http, sinks
from tests.rig import stack as services
from tests.rig.events import key_of
from tests.rig.world import PROFILES, World, release_build

B = senders.bodies
AWS = "arn:aws:sns:eu-west-1:123456789012:photogate-incoming"
assert AWS == senders.TOPIC


def word_of(source):
    """Of each source another."""
    return hashlib.sha256(source.encode()).hexdigest()[:40]


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
def senders_world(tmp_path_factory, issuer, queue):
    more = f"""
[events.aws]
dialect = "sns"
sns_topics = ["{AWS}"]
[events.flooded]
dialect = "sns"
sns_topics = ["{AWS}"]
sns_hosts = ["{issuer.host}"]
allowed_networks = ["127.0.0.0/8", "::1/128"]
ca_file = "{issuer.authority.ca}"
[events.r2-worker]
dialect = "r2"
tokens = ["{word_of("r2-worker")}"]
"""
    made = World(release_build(), tmp_path_factory.mktemp("senders"), PROFILES, extra=senders.configuration(issuer, queue, word_of) + more, store="minio")
    try:
        made.stack.minio.set_events("http://127.0.0.1:9/nobody", made.stack.events_token)
        made.gateway.start()
        yield made
    finally:
        made.close()


@pytest.fixture
def world(senders_world):
    yield senders_world
    honest(senders_world)


@pytest.fixture(scope="module")
def waiting(senders_world):
    """An upload whose file is in the store."""
    return senders_world.upload(pictures.photo(160, 120, seed=2301))


@pytest.fixture
def unseen(world, waiting):
    """Still waiting after the attack."""
    yield waiting
    assert world.request("GET", f"/v1/uploads/{waiting['id']}")[2]["state"] == "created"
    assert world.image(waiting)[0] == 404


def post(world, source, body, headers=None, query=""):
    data = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    return world.gateway.request("POST", f"/v1/events/{source}{query}", data, {"Content-Type": "application/json", **(headers or {})})


def of(world, created, body):
    return senders.about(body, world.stack.minio.incoming, key_of(created))


def refused(answer):
    assert (answer[0], answer[2]["code"]) == (401, "unauthenticated"), answer


def undecided(answer):
    assert (answer[0], answer[2]["code"]) == (503, "unavailable") and int(answer[1]["retry-after"]) > 0, answer


def taken_but_nothing(answer):
    assert answer[0] == 200 and answer[2]["received"] == 0, answer


def bearer(word):
    return {"Authorization": f"Bearer {word}"}


# ---- SNS ----

FOREIGN_URLS = {
    "host behind ours": "https://{host}.evil.example/x.pem", "host before ours": "https://evil-{host}/x.pem", "host of a stranger": "https://evil.example/x.pem",
    "user before a stranger": "https://{host}@evil.example/x.pem",
    "user before ours": "https://user@{host}/x.pem", "fragment": "https://evil.example#{host}/x.pem", "another scheme": "http://{host}/x.pem", "no scheme": "//{host}/x.pem",
    "file": "file:///etc/ssl/x.pem",
    "another port": "https://localhost:1/x.pem", "no port": "https://localhost/x.pem", "the same machine": "https://127.0.0.1/x.pem",
    "metadata service": "https://169.254.169.254/x.pem", "backslash": "https://{host}\\@evil.example/x.pem",
    "escaped": "https://{host}%2eevil.example/x.pem", "path upwards": "https://{host}/../x.pem", "query": "https://{host}/x?a=.pem", "another file": "https://{host}/x.txt",
    "line break": "https://{host}/x\r\nX: y.pem",
    "space": "https://{host}/ x.pem", "empty": "", "long": "https://{host}/" + "x" * 3_000 + ".pem",
}


@pytest.mark.parametrize("how", list(FOREIGN_URLS))
def test_certificate_from_elsewhere_is_not_even_fetched(world, unseen, issuer, how):
    before = len(issuer.fetched)
    headers, text = issuer.sns(of(world, unseen, B.s3()), SigningCertURL=FOREIGN_URLS[how].format(host=issuer.host))
    refused(post(world, "sns", text, headers))
    assert len(issuer.fetched) == before


LIKE_AWS = ["sns.us-east-1.amazonaws.com", "sns.eu-west-1.amazonaws.com.evil.example", "xsns.eu-west-1.amazonaws.com", "sns-eu-west-1.amazonaws.com", "sns.eu-west-1.amazonaws.co",
            "s3.eu-west-1.amazonaws.com/bucket", "sns.eu-west-1.amazonaws.com:8443", "sns.eu-west-1.amazonaws.com.", "evil@sns.eu-west-1.amazonaws.com", "sns.eu-west-1.amazonaws.com%2fevil",
            "sns.eu-west-1.amazonaws.com@evil.example", "sns.eu-west-1.vpce.amazonaws.com", "sns.%65u-west-1.amazonaws.com", "[::1]", "localhost"]


@pytest.mark.parametrize("host", LIKE_AWS)
def test_host_that_looks_like_the_clouds_is_not_trusted(world, unseen, issuer, host):
    headers, text = issuer.sns(of(world, unseen, B.s3()), SigningCertURL=f"https://{host}/SimpleNotificationService-1.pem")
    began = time.monotonic()
    refused(post(world, "aws", text, headers))
    assert time.monotonic() - began < 2, "nobody is asked"


class Genuine:
    """A message as SNS signs it, about an upload."""

    def __init__(self, world, unseen, issuer):
        self.issuer, self.message = issuer, of(world, unseen, B.s3())
        self.headers, self.text = issuer.sns(self.message)
        self.body = json.loads(self.text)

    def altered(self, **changes):
        return self.headers, json.dumps({**self.body, **changes})

    def headed(self, **changes):
        return {**self.headers, **{name.replace("_", "-"): value for name, value in changes.items()}}, self.text

    def signed(self, **changes):
        return self.issuer.sns(self.message, signed=changes)


FORGERIES = {
    "altered message": lambda g: g.altered(Message=g.body["Message"] + " "),
    "no signature": lambda g: g.altered(Signature=""),
    "signature of another message": lambda g: g.altered(Signature=json.loads(g.issuer.sns({"Records": []})[1])["Signature"]),
    "signature that is no base64": lambda g: g.altered(Signature="%%%"),
    "signature that is a number": lambda g: g.altered(Signature=1),
    "SHA-1 said to be SHA-256": lambda g: (g.headers, json.dumps({**json.loads(g.issuer.sns(g.message, version="1")[1]), "SignatureVersion": "2"})),
    "SHA-256 said to be SHA-1": lambda g: g.altered(SignatureVersion="1"),
    **{f"version {version!r}": lambda g, version=version: g.altered(SignatureVersion=version) for version in ("3", "0", "", "02", "2 ", "1,2", 2)},
    "old": lambda g: g.issuer.sns(g.message, age=80 * 60),
    "of the future": lambda g: g.issuer.sns(g.message, age=-20 * 60),
    "no time": lambda g: (g.headers, json.dumps({name: value for name, value in g.body.items() if name != "Timestamp"})),
    "time that is none": lambda g: g.signed(Timestamp="yesterday"),
    "another topic": lambda g: g.signed(TopicArn=AWS + "2"),
    "another topic in both": lambda g: ({**g.headers, "x-amz-sns-topic-arn": AWS + "2"}, g.signed(TopicArn=AWS + "2")[1]),
    "another topic in the head": lambda g: g.headed(x_amz_sns_topic_arn=AWS + "2"),
    "two topics in the body": lambda g: (g.headers, g.text[:-1] + f', "TopicArn": "{AWS}2"}}'),
    "two messages in the body": lambda g: (g.headers, g.text[:-1] + ', "Message": "{}"}'),
    "another type in the head": lambda g: g.headed(x_amz_sns_message_type="SubscriptionConfirmation"),
    "type of no kind": lambda g: g.headed(x_amz_sns_message_type="Notice"),
    "raw delivery": lambda g: g.headed(x_amz_sns_rawdelivery="true"),
    "raw delivery unsaid": lambda g: (g.headers, json.dumps(g.message)),
    "no head": lambda g: ({}, g.text),
    "a token in place of the head": lambda g: (bearer(word_of("sns")), g.text),
    "no JSON": lambda g: (g.headers, "<xml/>"),
    "deep JSON": lambda g: (g.headers, '{"Message":' * 50_000),
    "nothing": lambda g: (g.headers, ""),
}


@pytest.mark.parametrize("how", list(FORGERIES))
def test_message_that_sns_did_not_sign_so_is_refused(world, unseen, issuer, how):
    headers, text = FORGERIES[how](Genuine(world, unseen, issuer))
    refused(post(world, "sns", text, headers))


def test_field_pushed_into_the_message_is_no_event(world, unseen, issuer):
    """The signed text is the same where a field's name and value stand at the end of the one before it."""
    headers, text = issuer.sns(of(world, unseen, B.s3()))
    body = json.loads(text)
    body["Message"] += f"\nMessageId\n{body.pop('MessageId')}"
    taken_but_nothing(post(world, "sns", json.dumps(body), headers))


def test_certificate_is_not_fetched_by_a_redirect(world, unseen, issuer):
    before = len(issuer.fetched)
    headers, text = issuer.sns(of(world, unseen, B.s3()), SigningCertURL=f"{issuer.url}/moved.pem")
    issuer.status, issuer.fields = 302, {"Location": f"{issuer.url}/SimpleNotificationService-1.pem"}
    try:
        undecided(post(world, "sns", text, headers))
    finally:
        issuer.status, issuer.fields = 200, {}
    assert issuer.fetched[before:] == ["/moved.pem"]


CONFIRMATIONS = {
    "metadata service": "http://169.254.169.254/latest/meta-data/", "metadata service over TLS": "https://169.254.169.254/?Action=ConfirmSubscription&TopicArn={topic}",
    "file": "file:///etc/passwd",
    "another scheme": "http://{host}/?Action=ConfirmSubscription&TopicArn={topic}&Token=t",
    "the same machine by its number": "https://127.0.0.1:{port}/?Action=ConfirmSubscription&TopicArn={topic}&Token=t",
    "the gateway's own port": "https://localhost:{own}/v1/uploads?Action=ConfirmSubscription&TopicArn={topic}",
    "user": "https://{host}@169.254.169.254/?Action=ConfirmSubscription&TopicArn={topic}",
    "another action": "https://{host}/?Action=DeleteTopic&TopicArn={topic}&Token=t", "another topic": "https://{host}/?Action=ConfirmSubscription&TopicArn={topic}2&Token=t",
    "no topic": "https://{host}/?Action=ConfirmSubscription&Token=t", "two actions": "https://{host}/?Action=DeleteTopic&Action=ConfirmSubscription&TopicArn={topic}&Token=t",
    "line break": "https://{host}/?Action=ConfirmSubscription&TopicArn={topic}&Token=t\r\nX: y", "gopher": "gopher://127.0.0.1:6379/_FLUSHALL",
}


@pytest.mark.parametrize("how", list(CONFIRMATIONS))
def test_subscription_is_confirmed_nowhere_else(world, unseen, issuer, how):
    """Signed as it should be: whoever owns the topic may try as well."""
    url = CONFIRMATIONS[how].format(host=issuer.host, topic=AWS, port=issuer.sink.port, own=world.gateway.port)
    headers, text = issuer.sns("subscribe", "SubscriptionConfirmation", signed={"SubscribeURL": url})
    before = [each for each in issuer.fetched if not each.endswith(".pem")]
    undecided(post(world, "sns", text, headers))
    assert [each for each in issuer.fetched if not each.endswith(".pem")] == before


def test_keys_at_a_private_address_are_not_fetched(world, unseen, issuer):
    before = len(issuer.fetched)
    headers, text = issuer.sns(of(world, unseen, B.s3()))
    undecided(post(world, "guarded", text, headers))
    assert len(issuer.fetched) == before


def test_flood_of_certificates_is_bounded(world, unseen, issuer):
    headers, text = issuer.sns(of(world, unseen, B.s3()), Signature="AAAA")
    assert post(world, "flooded", text, headers)[0] == 401, "the certificate is known now"
    before = len(issuer.fetched)

    def send(number):
        return post(world, "flooded", text.replace("Service-1.pem", f"Service-f{number}.pem"), headers)[0]

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(send, range(60)))
    assert set(statuses) <= {401, 503} and len(issuer.fetched) - before <= 12, statuses
    assert post(world, "flooded", text, headers)[0] == 401, "what is known is still decided"


# ---- B2 ----

B2 = "X-Bz-Event-Notification-Signature"


def b2_forgeries(text):
    right = senders.b2_signature(text, word_of("b2"))
    yield "none", []
    yield "empty", [f"{B2}: "]
    yield "version alone", [f"{B2}: v1="]
    yield "another version", [f"{B2}: v2={right[3:]}"]
    yield "another secret", [f"{B2}: {senders.b2_signature(text, 'x' * 40)}"]
    yield "empty secret", [f"{B2}: {senders.b2_signature(text, '')}"]
    yield "another body", [f"{B2}: {senders.b2_signature(text + ' ', word_of('b2'))}"]
    yield "of nothing", [f"{B2}: {senders.b2_signature('', word_of('b2'))}"]
    yield "cut", [f"{B2}: {right[:-2]}"]
    yield "longer", [f"{B2}: {right}00"]
    yield "zeros", [f"{B2}: v1={'0' * 64}"]
    yield "no hexadecimal", [f"{B2}: v1={'z' * 64}"]
    yield "SHA-512", [f"{B2}: v1={hmac.new(word_of('b2').encode(), text.encode(), hashlib.sha512).hexdigest()[:64]}"]
    yield "twice", [f"{B2}: {right}", f"{B2}: v1={'0' * 64}"]
    yield "the secret itself", [f"Authorization: Bearer {word_of('b2')}"]


@pytest.mark.parametrize("how", [each[0] for each in b2_forgeries("")])
def test_body_that_b2_did_not_sign_is_refused(world, unseen, how):
    text = json.dumps(of(world, unseen, {"events": [B.b2_event()]}))
    fields = dict(b2_forgeries(text))[how]
    with raw_http.Raw(world.gateway.port) as connection:
        connection.send("\r\n".join(["POST /v1/events/b2 HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(text)}", *fields, "", text]).encode())
        answer = connection.receive("POST")
    assert (answer.status, answer.code) == (401, "unauthenticated")


# ---- OpenID Connect ----

def jwt(issuer, header=None, signature=None, **claims):
    """A token of the issuer's form; whatever is given stands instead."""
    now = int(time.time())
    said = {"iss": "https://accounts.google.com", "aud": "photogate", "email": "push@shop.iam.gserviceaccount.com", "email_verified": True, "iat": now, "exp": now + 3600, **claims}
    parts = {"alg": "RS256", "kid": "key-1", **(header or {})}, {name: value for name, value in said.items() if value is not None}
    content = ".".join(B.url64(json.dumps(part).encode()) for part in parts)
    made = issuer.raw_signature(content) if signature is None else signature(content)
    return content + "." + B.url64(made)


NOBODIES = {
    "another audience": lambda issuer: jwt(issuer, aud="another"),
    "several audiences": lambda issuer: jwt(issuer, aud=["photogate", "another"]),
    "no audience": lambda issuer: jwt(issuer, aud=None),
    "another account": lambda issuer: jwt(issuer, email="evil@shop.iam.gserviceaccount.com"),
    "account in capitals": lambda issuer: jwt(issuer, email="PUSH@shop.iam.gserviceaccount.com"),
    "unverified account": lambda issuer: jwt(issuer, email_verified=False),
    "verified in words": lambda issuer: jwt(issuer, email_verified="true"),
    "expired": lambda issuer: jwt(issuer, exp=int(time.time()) - 120),
    "without end": lambda issuer: jwt(issuer, exp=None),
    "end in words": lambda issuer: jwt(issuer, exp=str(int(time.time()) + 3600)),
    "end beyond all times": lambda issuer: jwt(issuer, exp=10 ** 18),
    "of the future": lambda issuer: jwt(issuer, iat=int(time.time()) + 600),
    "without beginning": lambda issuer: jwt(issuer, iat=None),
    "alg none": lambda issuer: jwt(issuer, {"alg": "none"}, signature=lambda _: b""),
    "alg None": lambda issuer: jwt(issuer, {"alg": "nOnE"}, signature=lambda _: b""),
    "alg HS256 with the public key": lambda issuer: jwt(issuer, {"alg": "HS256"}, signature=lambda text: hmac.new(issuer.keys(), text.encode(), hashlib.sha256).digest()),
    "alg in small letters": lambda issuer: jwt(issuer, {"alg": "rs256"}),
    "alg ES256": lambda issuer: jwt(issuer, {"alg": "ES256"}),
    "key of nowhere": lambda issuer: jwt(issuer, {"kid": "key-2"}),
    "key that is a path": lambda issuer: jwt(issuer, {"kid": "../../../../dev/null"}),
    "key that is an order": lambda issuer: jwt(issuer, {"kid": "x' union select 'key-1"}),
    "no key": lambda issuer: jwt(issuer, {"kid": ""}),
    "key from a URL": lambda issuer: jwt(issuer, {"kid": "key-2", "jku": f"{issuer.url}/keys", "x5u": f"{issuer.url}/x.pem"}),
    "signature of zeros": lambda issuer: jwt(issuer, signature=lambda _: bytes(256)),
    "no signature": lambda issuer: jwt(issuer, signature=lambda _: b""),
    "four parts": lambda issuer: jwt(issuer) + ".AAAA",
    "padded": lambda issuer: jwt(issuer) + "=",
    "altered claims": lambda issuer: jwt(issuer).replace(".", "." + B.url64(b"{}")[:4], 1),
    "9 kB": lambda issuer: jwt(issuer, note="x" * 7_000),
    "a shared token": lambda issuer: word_of("gcs-shared"),
    **{f"issuer {name!r}": lambda issuer, name=name: jwt(issuer, iss=name)
       for name in ("accounts.google.com", "https://accounts.google.com/", "https://accounts.google.com.evil.example", "http://accounts.google.com", "")},
}


@pytest.mark.parametrize("how", list(NOBODIES))
def test_push_without_the_providers_token_is_refused(world, unseen, issuer, how):
    before = [each for each in issuer.fetched if each != "/keys"]
    refused(post(world, "gcs", of(world, unseen, B.gcs()), bearer(NOBODIES[how](issuer))))
    assert [each for each in issuer.fetched if each != "/keys"] == before
    assert issuer.fetched.count("/keys") <= 3, "keys are asked for once, and seldom again"


# ---- whose credential ----

PLACES = {"eventbridge": "x-api-key", "lambda": "bearer", "sqs": "bearer", "s3": "basic", "ceph": "basic", "versitygw": "basic", "seaweedfs": "bearer",
          "rustfs": "bearer", "r2-worker": "bearer", "gcs-shared": "query"}
BODIES = {"eventbridge": B.eventbridge(), "lambda": B.s3(), "sqs": B.s3(), "s3": B.s3(), "ceph": B.s3(B.ceph()), "versitygw": B.versitygw(), "seaweedfs": B.seaweed(),
          "rustfs": B.minio("rustfs:s3"), "r2-worker": {"messages": [{"id": "1", "body": B.r2()}]}, "gcs-shared": B.gcs()}
SHAPES = ["lambda", "ceph", "eventbridge", "seaweedfs", "r2-worker", "gcs-shared"]  # one source of each
BODIES = {"eventbridge": B.eventbridge(), "lambda": B.s3(), "sqs": B.s3(), "s3": B.s3(), "ceph": B.s3(B.ceph()), "versitygw": B.versitygw(), "seaweedfs": B.seaweed(),
        "rustfs": B.minio("rustfs:s3"),
          "r2-worker": {"messages": [{"id": "1", "body": B.r2()}]}, "gcs-shared": B.gcs()}


def credential(place, word):
    """(headers, query) with a token in this place."""
    return {"bearer": (bearer(word), ""), "basic": ({"Authorization": senders.basic(word)}, ""), "x-api-key": ({"x-api-key": word}, ""), "query": ({}, f"?token={word}")}[place]


def proven(source):
    return credential(PLACES[source], word_of(source))


@pytest.mark.parametrize("source", list(PLACES))
def test_credential_of_one_source_is_none_of_another(world, unseen, source):
    body = of(world, unseen, BODIES[source])
    for other in [*(each for each in PLACES if each != source), "b2", "sns", "gcs", "r2"]:
        refused(post(world, source, body, *credential(PLACES[source], word_of(other))))
    for place in ("bearer", "basic", "x-api-key", "query"):
        # A bearer's token is also taken as the whole value, which no other place has.
        if place != PLACES[source]:
            refused(post(world, source, body, *credential(place, word_of(source))))
    for foreign in (world.app.key, world.operator.key, world.app.secret, world.stack.events_token, senders.WORD):
        refused(post(world, source, body, *credential(PLACES[source], foreign)))


@pytest.mark.parametrize("source", ["sns", "guarded", "aws", "gcs", "b2", "r2"])
def test_source_that_proves_itself_otherwise_takes_no_token(world, unseen, source):
    for place in ("bearer", "basic", "x-api-key", "query"):
        refused(post(world, source, of(world, unseen, B.s3()), *credential(place, word_of(source))))
        refused(post(world, source, of(world, unseen, B.s3()), *credential(place, senders.WORD)))


# ---- bodies of senders that are proven ----

def in_queues(body, times):
    """Messages within messages, of SQS and SNS by turns."""
    for level in range(times):
        body = {"Records": [B.sqs_record(body)]} if level % 2 == 0 else B.sns(body)
    return body


def escaped(body, most):
    """Texts within texts: each level has twice the backslashes."""
    text = json.dumps(body)
    while True:
        wrapped = json.dumps({"Records": [{**B.sqs_record({}), "body": text}]})
        if len(wrapped) > most:
            return text
        text = wrapped


BOMBS = {
    "four messages deep": lambda body: in_queues(body, 4),
    "ten messages deep": lambda body: in_queues(body, 10),
    "texts within texts": lambda body: escaped(body, 1_000_000),
    "deep list in a message": lambda _: {"Records": [{**B.sqs_record({}), "body": "[" * 100_000}]},
    "deep object in a message": lambda _: {"Messages": [{"Body": '{"a":' * 100_000}]},
    "deep body": lambda _: '{"Records":' * 80_000,
    "17 levels": lambda body: json.loads('{"a":' * 16 + json.dumps(body) + "}" * 16),
    "thousand messages of a thousand": lambda _: {"Records": [{**B.sqs_record({}), "body": '{"Records":[' + ",".join(["{}"] * 200) + "]}"} for _ in range(1_000)]},
    "100,000 records": lambda _: '{"Records":[' + ",".join(["{}"] * 100_000) + "]}",
    "100,000 messages": lambda _: '{"Messages":[' + ",".join(["{}"] * 100_000) + "]}",
    "1,001 records": lambda body: {"Records": (body.get("Records") or [{}]) * 1_001},
    "100,000 members": lambda _: json.dumps({f"m{number}": 0 for number in range(60_000)}),
    "members twice": lambda _: '{"Records":[],"Records":[{}],"Messages":[],"Messages":[{}]}',
    "not UTF-8": lambda _: b'{"Records":[{"s3":"\xff\xfe"}]}',
    "unpaired surrogates": lambda _: '{"Records":"\\ud800"}',
    "number beyond all": lambda _: '{"Records":[1e999,-1e999,' + "9" * 4_000 + "]}",
    "nothing": lambda _: b"",
}


@pytest.mark.parametrize("source", ["lambda", "sqs", "eventbridge", "r2-worker"])
@pytest.mark.parametrize("bomb", list(BOMBS))
def test_body_that_is_a_bomb_is_put_aside_as_one(world, unseen, source, bomb):
    body = BOMBS[bomb](of(world, unseen, BODIES[source]))
    rows, began = int(world.sql("select count(*) from event_quarantine")), time.monotonic()
    answer = post(world, source, body, *proven(source))
    assert time.monotonic() - began < 5
    if answer[0] == 413:
        assert answer[2]["code"] == "body_too_large"
    else:
        taken_but_nothing(answer)
        assert answer[2]["quarantined"] >= 1, answer
        assert int(world.sql("select count(*) from event_quarantine")) == rows + 1, "one row, whatever it has"


@pytest.mark.parametrize("source", list(PLACES))
def test_body_over_the_limit_is_not_read(world, unseen, source):
    headers, query = proven(source)
    with raw_http.Raw(world.gateway.port) as connection:
        fields = [f"{name}: {value}" for name, value in headers.items()]
        connection.send("\r\n".join([f"POST /v1/events/{source}{query} HTTP/1.1", "Host: 127.0.0.1", "Content-Length: 1048577", *fields, "", ""]).encode())
        answer = connection.receive("POST")
    assert (answer.status, answer.code) == (413, "body_too_large")


def leaves(value, at=()):
    """The places of a document."""
    if at:
        yield at
    if isinstance(value, dict):
        for name in value:
            yield from leaves(value[name], (*at, name))
    elif isinstance(value, list):
        for index in range(len(value)):
            yield from leaves(value[index], (*at, index))


def replaced(value, at, by):
    made = json.loads(json.dumps(value))
    here = made
    for step in at[:-1]:
        here = here[step]
    here[at[-1]] = by
    return made


WRONG = [None, -1, 2 ** 63, "\0", "x" * 3_000, [], {"x": []}]


@pytest.mark.parametrize("source", [*SHAPES, "versitygw"])
def test_value_of_a_wrong_type_counts_as_nothing(world, waiting, unseen, source):
    """Each value of a body in turn; it is about a file that is not there, so that nothing may be received."""
    body = of(world, waiting, BODIES[source])
    body = json.loads(json.dumps(body).replace(key_of(waiting), "u/202611291504/nothing"))
    attacks = [(at, wrong) for at in leaves(body) for wrong in WRONG]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda each: post(world, source, replaced(body, *each), *proven(source)), attacks))
    for attack, answer in zip(attacks, answers, strict=True):
        assert answer[0] == 200 and answer[2]["received"] == 0, (attack, answer)


FORM = {"lambda", "sqs", "s3", "rustfs"}


def keys_that_are_not(key):
    """Spellings that lead to this key if they are decoded once more, or tidied up."""
    folder, name = key.rsplit("/", 1)
    quoted = urllib.parse.quote(key, safe="")
    return {
        "escaped once more": lambda form: urllib.parse.quote(quoted, safe="") if form else quoted,
        "escaped twice more": lambda _: urllib.parse.quote(urllib.parse.quote(quoted, safe=""), safe=""),
        "letter escaped": lambda form: key.replace("u/", "%2575/" if form else "%75/", 1),
        "dot segments": lambda _: f"{folder}/x/../{name}", "dot": lambda _: f"{folder}/./{name}", "two slashes": lambda _: f"{folder}//{name}", "first slash": lambda _: "/" + key,
        "last slash": lambda _: key + "/", "backslash": lambda _: key.replace("/", "\\"), "in capitals": lambda _: key.upper(), "NUL behind": lambda form: key + ("%00" if form else "\0"),
        "plus": lambda _: key + "+", "space": lambda form: key + ("%20" if form else " "), "line break": lambda form: key + ("%0A" if form else "\n"),
        "overlong slash": lambda _: key.replace("/", "%c0%af"),
        "full-width slash": lambda _: key.replace("/", "\uff0f"), "half an escape": lambda _: key + "%", "bucket in the key": lambda _: "incoming/" + key,
        "query": lambda _: key + "?versionId=null",
        "name of a chunk": lambda _: "r/" + key[2:], "published": lambda _: "i/" + name, "empty": lambda _: "", "very long": lambda _: key + "x" * 2_000,
    }


@pytest.mark.parametrize("source", SHAPES)
@pytest.mark.parametrize("how", list(keys_that_are_not("u/x/y")))
def test_key_in_another_spelling_is_another_key(world, unseen, source, how):
    spelt = keys_that_are_not(key_of(unseen))[how](source in FORM)
    text = json.dumps(of(world, unseen, BODIES[source]), ensure_ascii=False)
    body = text.replace(json.dumps(key_of(unseen))[1:-1], json.dumps(spelt, ensure_ascii=False)[1:-1])
    body = body.replace(urllib.parse.quote(key_of(unseen), safe=""), json.dumps(spelt, ensure_ascii=False)[1:-1])
    assert body != text
    taken_but_nothing(post(world, source, body, *proven(source)))


@pytest.mark.parametrize("source", SHAPES)
@pytest.mark.parametrize("bucket", ["public", "originals", "no-such-bucket", "", "incoming/u", "INCOMING", "../incoming", "incoming\0", "x" * 300])
def test_event_of_another_bucket_counts_as_nothing(world, unseen, source, bucket):
    minio = world.stack.minio
    name = {"public": minio.public, "originals": minio.originals, "incoming/u": minio.incoming + "/u", "INCOMING": minio.incoming.upper(), "../incoming": "../" + minio.incoming,
            "incoming\0": minio.incoming + "\0"}.get(bucket, bucket)
    text = json.dumps(senders.about(BODIES[source], minio.incoming, key_of(unseen)))
    for place in (f'"{minio.incoming}"', f"/buckets/{minio.incoming}/"):
        text = text.replace(place, place.replace(minio.incoming, json.dumps(name)[1:-1]))
    taken_but_nothing(post(world, source, text, *proven(source)))


# ---- what events may say ----

@pytest.mark.parametrize("source", ["rustfs", "seaweedfs"])
def test_what_an_event_says_of_a_file_is_the_stores_to_say(world, source):
    photo = pictures.photo(160, 120, seed=2310 + list(PLACES).index(source))
    created = world.upload(photo)
    lies = of(world, created, BODIES[source])
    text = json.dumps(lies).replace(B.MD5, "f" * 32).replace("1024", str(2 ** 40))
    assert post(world, source, text, *proven(source))[2]["received"] == 1
    ended = world.gateway.wait_for(created)
    assert (ended["state"], ended["size"], ended["sha256"]) == ("published", len(photo), hashlib.sha256(photo).hexdigest())


@pytest.mark.parametrize("source", ["sqs", "r2-worker"])
def test_replayed_event_counts_once_and_brings_nothing_back(world, source):
    """Sent thirty times at once, and again after the image was deleted."""
    created = world.upload(pictures.photo(120, 90, seed=2320 + list(PLACES).index(source)))
    body = of(world, created, BODIES[source])
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: post(world, source, body, *proven(source)), range(30)))
    assert {answer[0] for answer in answers} == {200} and sum(answer[2]["received"] for answer in answers) == 1
    assert world.gateway.wait_for(created)["state"] == "published"
    assert world.request("DELETE", f"/v1/uploads/{created['id']}")[0] in (200, 202)
    taken_but_nothing(post(world, source, body, *proven(source)))
    assert world.request("GET", f"/v1/uploads/{created['id']}")[2]["state"] == "deleted" and world.image(created)[0] in (404, 410)


def test_replayed_signatures_count_once(world, issuer):
    """Of SNS, of B2 and of a push: a message that was overheard."""
    created = world.upload(pictures.photo(120, 90, seed=2340))
    headers, text = issuer.sns(of(world, created, B.s3()))
    notification = json.dumps(of(world, created, {"events": [B.b2_event()]}))
    token = bearer(issuer.token())
    requests = [("sns", text, headers), ("b2", notification, {B2: senders.b2_signature(notification, word_of("b2"))}), ("gcs", of(world, created, B.gcs()), token)] * 4
    answers = [post(world, *each) for each in requests]
    assert {answer[0] for answer in answers} == {200} and sum(answer[2]["received"] for answer in answers) == 1
    assert world.gateway.wait_for(created)["state"] == "published"


def test_batch_of_a_thousand_keys_that_are_not_there_delays_nobody(world, unseen):
    records = [B.s3_record(key=f"u/202611291504/none-{number}") for number in range(1_000)]
    for record in records:
        record["s3"]["bucket"]["name"] = world.stack.minio.incoming
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        flood = [pool.submit(post, world, "s3", B.s3(*records), *proven("s3")) for _ in range(4)]
        began = time.monotonic()
        assert world.request("GET", "/v1/uploads?limit=1")[0] == 200
        assert time.monotonic() - began < 3
        for each in flood:
            taken_but_nothing(each.result())


def test_messages_in_a_queue_that_are_bombs_hold_up_none_behind_them(world, queue):
    created = world.upload(pictures.photo(120, 90, seed=2341))
    for bomb in ("deep list in a message", "texts within texts", "100,000 records", "number beyond all", "members twice", "nothing"):
        made = BOMBS[bomb](B.r2())
        queue.put(made if isinstance(made, str) else made.decode("latin-1") if isinstance(made, bytes) else json.dumps(made))
    queue.put(json.dumps(of(world, created, B.r2())))
    assert world.gateway.wait_for(created)["state"] == "published"
    services.wait_until(lambda: queue.left() == 0, 30, "the queue to be empty")


@pytest.mark.parametrize("source", list(PLACES))
def test_honest_event_counts_after_all_of_this(world, source):
    """The same way and body as the attacks, which therefore could have succeeded."""
    created = world.upload(pictures.photo(120, 90, seed=2350 + list(PLACES).index(source)))
    assert post(world, source, of(world, created, BODIES[source]), *proven(source))[2]["received"] == 1
