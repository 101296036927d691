"""`photogate setup aws|ceph|r2` on a store that knows nothing of photogate: what it makes, that a second run changes nothing, and what it heals.

AWS is moto's server (its answers, no permissions and no posts to https), R2 the fake of `tests/rig/cloudflare.py` in front of a real MinIO,
Ceph a real RADOS Gateway. None of it was run against AWS or Cloudflare themselves.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys

import boto3
import botocore.exceptions
import pytest
from test_minio_guide import Bare

from scripts import local_gateway
from tests.rig import cloudflare, pictures
from tests.rig import stack as services
from tests.rig.stack import ceph as rgw

ACCOUNT = "4793d734c0b8e484dfc37ec392b5fa8a"
ORIGIN = "https://app.example"


class Place(local_gateway.Process):
    """What setup made in a folder, run."""

    def __init__(self, build_dir, folder, store, environment, *arguments):
        super().__init__(build_dir, folder / "data", services.free_port(), services.free_port())
        self.store, self.given = store, [*map(str, arguments)]
        self.keys = environment
        self.environment = {name: "" for name in os.environ if name.startswith("PHOTOGATE_")}

    def command(self):
        return [self.program, "all", "--data", self.folder]

    def raw(self, *arguments, code=0, environment=None, answer=""):
        done = subprocess.run(
            [self.program, "setup", self.store, "--data", self.folder, "--server-listen", f"127.0.0.1:{self.port}", "--server-metrics-listen",
             f"127.0.0.1:{self.metrics_port}", "--server-cors-origins", ORIGIN, *self.given, *map(str, arguments)],
            input=answer, capture_output=True, text=True, timeout=300, env={"PATH": "/usr/bin:/bin", **self.keys, **(environment or {})})
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        for name in ("signer_secret", "worker_secret", "event_tokens", "queue_token", "key"):
            if (self.folder / name).exists():
                assert (self.folder / name).stat().st_mode & 0o777 == 0o600
                assert (self.folder / name).read_text().strip() not in done.stdout + done.stderr, f"{name} was printed"
        return done

    def setup(self, *arguments, **options):
        """{step: standing}, and {step: "done"} of what was done."""
        done = self.raw("--json", *arguments, **options)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        plan = {line["step"]: line["standing"] for line in lines if line.get("standing") not in (None, "done")}
        return plan, {line["step"] for line in lines if line.get("standing") == "done"}, done

    def config(self):
        return (self.folder / "photogate.toml").read_text()

    def secret(self, name):
        return (self.folder / name).read_text().strip()

    def send_a_photo(self, seconds):
        photo, key = pictures.photo(320, 240, seed=9511), self.secret("key")
        created = self.request("POST", "/v1/uploads", {"size": len(photo)}, key=key)[2]
        assert local_gateway.send(created["upload"], photo)[0] == 200
        services.wait_until(lambda: self.request("GET", f"/v1/uploads/{created['id']}", key=key)[2]["state"] == "published", seconds, "the photo")


def to_do(plan):
    return {step for step, standing in plan.items() if standing == "to do"}


# ---- AWS ----

class Moto(services.Child):
    name = "moto"

    def __init__(self, folder):
        super().__init__(folder / "moto.log")
        self.port = services.free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self):
        self._spawn([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)], env=dict(os.environ))
        services.wait_until(self.answers, 60, "moto", lambda: self.running)

    def answers(self):
        try:
            return self.client("sts").get_caller_identity()["Account"] == "123456789012"
        except botocore.exceptions.BotoCoreError:
            return False

    def client(self, service):
        return boto3.client(service, endpoint_url=self.url, region_name="eu-central-1", aws_access_key_id="a", aws_secret_access_key="b")

    def stop(self):
        self._end(15, 5)


@pytest.fixture(scope="module")
def moto(tmp_path_factory):
    pytest.importorskip("moto")
    made = Moto(tmp_path_factory.mktemp("moto"))
    made.start()
    yield made
    made.stop()


def aws_place(build_dir, folder, moto, name="myshop"):
    return Place(build_dir, folder, "aws", {"AWS_ACCESS_KEY_ID": "AKIAADMIN", "AWS_SECRET_ACCESS_KEY": "the-administrators-own-secret",
                                            "AWS_ENDPOINT_URL": moto.url, "AWS_REGION": "eu-central-1"}, "--name", name)


def test_aws_gets_buckets_users_and_a_topic_and_a_second_run_changes_nothing(build_dir, tmp_path, moto):
    place = aws_place(build_dir, tmp_path, moto)
    plan, done, _ = place.setup("--dry-run")
    assert "bucket myshop-incoming" in to_do(plan) and not done
    assert place.setup(code=1, answer="n\n")[1] == set()
    assert moto.client("s3").list_buckets()["Buckets"] == [] and not (place.folder / "photogate.toml").exists(), "nothing was changed"

    plan, done, said = place.setup("--yes")
    assert done == to_do(plan) and plan["SNS posts to the gateway"] == "later"
    assert "the-administrators-own-secret" not in said.stdout + said.stderr
    s3, iam, sns = moto.client("s3"), moto.client("iam"), moto.client("sns")
    for bucket in ("myshop-incoming", "myshop-public", "myshop-originals"):
        assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] == "eu-central-1"
        assert set(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values()) == {True}
    assert s3.get_bucket_cors(Bucket="myshop-incoming")["CORSRules"][0]["AllowedOrigins"] == [ORIGIN]
    rule, = s3.get_bucket_lifecycle_configuration(Bucket="myshop-incoming")["Rules"]
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 8} and rule["Status"] == "Enabled"
    topic = "arn:aws:sns:eu-central-1:123456789012:myshop-incoming"
    notification, = s3.get_bucket_notification_configuration(Bucket="myshop-incoming")["TopicConfigurations"]
    assert notification["TopicArn"] == topic and notification["Events"] == ["s3:ObjectCreated:*"]
    assert notification["Filter"]["Key"]["FilterRules"][0]["Value"] == "u/"
    attributes = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert '"aws:SourceAccount":"123456789012"' in attributes["Policy"]
    for role in ("signer", "worker"):
        policy = iam.get_user_policy(UserName=f"myshop-{role}", PolicyName="photogate")["PolicyDocument"]
        printed = subprocess.run([place.program, "policy", role, "--data", place.folder], capture_output=True, text=True, check=True, timeout=60)
        assert policy == json.loads(printed.stdout)
        key, = iam.list_access_keys(UserName=f"myshop-{role}")["AccessKeyMetadata"]
        assert f'{role}_access_key = "{key["AccessKeyId"]}"' in place.config()
        assert len(place.secret(f"{role}_secret")) == 40
    assert f'[events.aws]\ndialect = "sns"\nsns_topics = ["{topic}"]' in place.config()
    subprocess.run([place.program, "config", "check", "--data", place.folder], check=True, capture_output=True, timeout=60)

    before = place.config()
    plan, done, _ = place.setup("--yes")
    assert set(plan.values()) == {"already so", "later"} and not done and place.config() == before


def test_aws_heals_what_was_changed_and_keeps_what_is_not_its_own(build_dir, tmp_path, moto):
    place = aws_place(build_dir, tmp_path, moto, "repaired")
    place.setup("--yes")
    s3, iam, sns = moto.client("s3"), moto.client("iam"), moto.client("sns")
    s3.put_public_access_block(Bucket="repaired-public", PublicAccessBlockConfiguration={"BlockPublicAcls": True, "IgnorePublicAcls": False,
                               "BlockPublicPolicy": True, "RestrictPublicBuckets": True})
    s3.put_bucket_cors(Bucket="repaired-incoming", CORSConfiguration={"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["https://other.example"]}]})
    s3.put_bucket_lifecycle_configuration(Bucket="repaired-incoming", LifecycleConfiguration={"Rules": [
        {"ID": "logs", "Filter": {"Prefix": "logs/"}, "Status": "Enabled", "Expiration": {"Days": 3}}]})
    other = sns.create_topic(Name="other")["TopicArn"]
    sns.set_topic_attributes(TopicArn=other, AttributeName="Policy", AttributeValue='{"Version":"2012-10-17","Statement":[]}')
    s3.put_bucket_notification_configuration(Bucket="repaired-incoming", NotificationConfiguration={"TopicConfigurations": [
        {"Id": "other", "TopicArn": other, "Events": ["s3:ObjectRemoved:*"]}]})
    everything = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}'
    wide = iam.create_policy(PolicyName="wide", PolicyDocument=everything)["Policy"]["Arn"]
    iam.attach_user_policy(UserName="repaired-signer", PolicyArn=wide)
    iam.create_group(GroupName="people")
    iam.add_user_to_group(GroupName="people", UserName="repaired-signer")
    iam.put_user_policy(UserName="repaired-signer", PolicyName="more", PolicyDocument=everything)
    plan, done, _ = place.setup("--yes")
    assert done == to_do(plan) == {
        "public access to repaired-public blocked", f"pages of {ORIGIN} may upload to repaired-incoming",
        "unfinished multipart uploads of repaired-incoming end after 8 days", "uploads to repaired-incoming announced to the topic",
        "IAM user repaired-signer with its policy alone"}, plan
    assert [rule["AllowedOrigins"] for rule in s3.get_bucket_cors(Bucket="repaired-incoming")["CORSRules"]] == [["https://other.example"], [ORIGIN]]
    assert {rule["ID"] for rule in s3.get_bucket_lifecycle_configuration(Bucket="repaired-incoming")["Rules"]} == {"logs", "photogate-multipart"}
    topics = s3.get_bucket_notification_configuration(Bucket="repaired-incoming")["TopicConfigurations"]
    assert {topic["Id"] for topic in topics} == {"other", "repaired"}
    assert iam.list_user_policies(UserName="repaired-signer")["PolicyNames"] == ["photogate"]
    assert iam.list_attached_user_policies(UserName="repaired-signer")["AttachedPolicies"] == iam.list_groups_for_user(UserName="repaired-signer")["Groups"] == []
    assert to_do(place.setup("--dry-run")[0]) == set()


def test_aws_subscribes_the_gateway_once_it_answers(build_dir, tmp_path, moto):
    place = aws_place(build_dir, tmp_path, moto, "subscribed")
    nobody = f"https://127.0.0.1:{services.free_port()}/v1/events/aws"
    plan, _, _ = place.setup("--yes", "--events-url", nobody)
    assert plan[f"SNS posts to {nobody}"] == "later"
    assert moto.client("sns").list_subscriptions()["Subscriptions"] == []


def test_aws_says_what_is_in_its_way(build_dir, tmp_path, moto):
    place = aws_place(build_dir, tmp_path, moto, "inthewayof")
    assert "AWS_ACCESS_KEY_ID" in place.raw("--dry-run", code=2, environment={"AWS_ACCESS_KEY_ID": ""}).stderr
    assert "--region or AWS_REGION" in place.raw("--dry-run", code=2, environment={"AWS_ENDPOINT_URL": "", "AWS_REGION": ""}).stderr
    place.raw("--dry-run", code=4, environment={"AWS_ENDPOINT_URL": f"http://127.0.0.1:{services.free_port()}"})
    iam = moto.client("iam")
    iam.create_user(UserName="inthewayof-signer")
    for _ in range(2):
        iam.create_access_key(UserName="inthewayof-signer")
    said = place.raw("--yes", code=1).stderr
    assert "inthewayof-signer has 2 access keys" in said and "delete-access-key" in said
    assert not (place.folder / "photogate.toml").exists() and "inthewayof-incoming" not in str(moto.client("s3").list_buckets()), "nothing was changed"


# ---- R2 ----

@pytest.fixture
def r2(build_dir, tmp_path):
    minio = Bare(tmp_path / "minio", tmp_path / "minio.log", True, "", "")
    minio.start()
    tools = pathlib.Path(minio.binary).parent

    def mc(*command):
        subprocess.run([tools / "mc", "--quiet", *command], text=True, check=True, capture_output=True, timeout=60,
                       env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)})

    mc("alias", "set", "STORE", minio.endpoint, minio.root.access, minio.root.secret)

    def users(access, secret):
        mc("admin", "user", "add", "STORE", access, secret)
        mc("admin", "policy", "attach", "STORE", "readwrite", "--user", access)

    api = cloudflare.Cloudflare(ACCOUNT, "the-token-that-makes-tokens", lambda bucket: mc("mb", f"STORE/{bucket}"), users)
    place = Place(build_dir, tmp_path, "r2", {"CLOUDFLARE_API_TOKEN": "the-token-that-makes-tokens", "CLOUDFLARE_BASE_URL": api.base},
                  "--account", ACCOUNT, "--endpoint", minio.endpoint)
    place.api = api
    yield place
    place.__exit__()
    api.close()
    minio.stop()
    shutil.rmtree(tmp_path / "minio", ignore_errors=True)


@pytest.mark.drills
def test_r2_gets_buckets_tokens_and_a_queue_up_to_a_published_photo(r2):
    refused = r2.raw("--dry-run", code=78)
    assert "--unsafe" in refused.stderr and not r2.api.changes
    plan, _, _ = r2.setup("--dry-run", "--unsafe")
    assert {"bucket photogate-incoming", "queue photogate", "token photogate-signer: Workers R2 Storage Bucket Item Write"} <= to_do(plan)
    assert not r2.api.changes

    plan, done, said = r2.setup("--yes", "--unsafe")
    assert done == to_do(plan) and "the-token-that-makes-tokens" not in said.stdout + said.stderr
    tokens = {token["name"]: token for token in r2.api.tokens.values()}
    on = {name: set(token["policies"][0]["resources"]) for name, token in tokens.items()}
    bucket = f"com.cloudflare.edge.r2.bucket.{ACCOUNT}_default_photogate-"
    assert on == {"photogate-signer": {bucket + "incoming"}, "photogate-worker": {bucket + "incoming", bucket + "public", bucket + "originals"},
                  "photogate-queue": {f"com.cloudflare.api.account.{ACCOUNT}"}}
    queue, = r2.api.queues
    assert [consumer["type"] for consumer in r2.api.consumers[queue]] == ["http_pull"]
    assert r2.api.rules["photogate-incoming"][0]["rules"] == [{"actions": ["PutObject", "CopyObject", "CompleteMultipartUpload"], "prefix": "u/"}]
    assert r2.api.cors["photogate-incoming"]["rules"][0]["allowed"] == {"origins": [ORIGIN], "methods": ["PUT"], "headers": ["*"]}
    assert f'queue_url = "{r2.api.base}/accounts/{ACCOUNT}/queues/{queue}"' in r2.config() and 'methods = ["put", "multipart"]' in r2.config()
    assert f'signer_access_key = "{tokens["photogate-signer"]["id"]}"' in r2.config() and "unsafe = true" in r2.config()
    assert r2.secret("queue_token") == tokens["photogate-queue"]["secret"]

    changes = len(r2.api.changes)
    plan, done, _ = r2.setup("--yes")
    assert set(plan.values()) == {"already so"} and not done and len(r2.api.changes) == changes
    r2.start(seconds=90)
    r2.send_a_photo(100)  # found by listing: the queue of the fake has no events


@pytest.mark.drills
def test_r2_heals_what_was_changed(r2):
    r2.setup("--yes", "--unsafe")
    api = r2.api
    signer = next(token for token in api.tokens.values() if token["name"] == "photogate-signer")
    signer["policies"][0]["resources"][f"com.cloudflare.edge.r2.bucket.{ACCOUNT}_default_photogate-originals"] = "*"
    api.public.add("photogate-originals")
    api.rules.clear()
    plan, done, _ = r2.setup("--yes")
    assert done == to_do(plan) == {"token photogate-signer: Workers R2 Storage Bucket Item Write", "bucket photogate-originals closed to strangers",
                                   "uploads to photogate-incoming announced to the queue"}
    assert set(r2.setup("--dry-run")[0].values()) == {"already so"}
    wrong = r2.raw("--dry-run", code=1, environment={"CLOUDFLARE_API_TOKEN": "another"}).stderr
    assert "Authentication error" in wrong and "Account API Tokens Write" in wrong


# ---- Ceph ----

@pytest.fixture(scope="module")
def ceph():
    if not rgw.is_installed():
        pytest.skip("needs Debian's ceph-mon, ceph-osd, ceph-common and radosgw: scripts/install-dependencies drills")
    folder = pathlib.Path(f"/tmp/photogate-ceph-{os.getpid()}")
    made = rgw.Ceph(folder)
    try:
        made.start()
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def ceph_place(build_dir, tmp_path_factory, ceph):
    place = Place(build_dir, tmp_path_factory.mktemp("place"), "ceph", {"AWS_ACCESS_KEY_ID": ceph.admin.access, "AWS_SECRET_ACCESS_KEY": ceph.admin.secret},
                  "--endpoint", ceph.endpoint)
    yield place
    place.__exit__()


@pytest.mark.drills
def test_ceph_from_nothing_to_a_photo_that_an_event_announced(ceph_place):
    plan, done, _ = ceph_place.setup("--dry-run")
    assert {"user photogate-signer with a key", "bucket photogate-incoming", "policy of bucket photogate-incoming"} <= to_do(plan) and not done
    plan, done, said = ceph_place.setup("--yes")
    assert done == to_do(plan), said.stderr
    assert "FAILED" not in said.stderr
    before = ceph_place.config()
    assert 'authentication = "query"' in before and ceph_place.secret("event_tokens") not in before
    assert set(ceph_place.setup("--dry-run")[0].values()) == {"already so"}
    ceph_place.start(seconds=90)
    proven = ceph_place.setup("--yes")[2]
    assert json.loads(proven.stdout.splitlines()[-1]) == {"doctor": "passed"}
    assert "an event came from the store to the gateway" in proven.stderr, proven.stderr
    assert ceph_place.config() == before
    ceph_place.send_a_photo(60)


@pytest.mark.drills
def test_ceph_heals_what_was_changed(ceph, ceph_place):
    assert ceph_place.running(), "the test before has set it up"
    worker = boto3.client("s3", endpoint_url=ceph.endpoint, region_name="us-east-1", aws_secret_access_key=ceph_place.secret("worker_secret"),
                          aws_access_key_id=ceph_place.config().split('worker_access_key = "')[1].split('"')[0])
    worker.delete_bucket_policy(Bucket="photogate-incoming")
    worker.put_bucket_acl(Bucket="photogate-originals", ACL="public-read")
    worker.put_bucket_notification_configuration(Bucket="photogate-incoming", NotificationConfiguration={"TopicConfigurations": [
        {"Id": "photogate", "TopicArn": "arn:aws:sns:default::photogate", "Events": ["s3:ObjectRemoved:*"]}]})
    plan, done, _ = ceph_place.setup("--yes")
    assert done == to_do(plan) == {"policy of bucket photogate-incoming", "bucket photogate-originals closed to strangers",
                                   "uploads to photogate-incoming announced to the topic"}
    assert set(ceph_place.setup("--dry-run")[0].values()) == {"already so"}
    wrong = ceph_place.raw("--dry-run", code=1, environment={"AWS_SECRET_ACCESS_KEY": "wrong"}).stderr
    assert "administrator's key is refused" in wrong and "users=*" in wrong
