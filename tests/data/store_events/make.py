"""Writes cases.json and signed.json of this folder: what each kind of sender posts, as its vendor documents it, and what is to be read
from it. Bodies are made here and are nobody's; so are the keys, which are thrown away once they have signed.

    python3 tests/data/store_events/make.py

Needs the program `openssl`.
"""
import base64
import datetime
import json
import pathlib
import subprocess
import tempfile
import urllib.parse

HERE = pathlib.Path(__file__).parent
KEY = "u/202611291504/größe 1+1=2 & 100%.jpg"
PLAIN = "u/202611291504/k3j2h1.jpg"
MD5 = "5eb63bbbe01eeed093cb22bb8f5acdc3"
TIME = "2027-01-29T15:04:05.678Z"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:photogate-incoming"
CERTIFICATE_URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
SUBSCRIBE_URL = f"https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=" + "2336412f37" * 12


def text(value):
    return json.dumps(value, ensure_ascii=False)


def in_base64(value):
    return base64.b64encode(value.encode()).decode()


def s3_record(key=KEY, name="ObjectCreated:Put", **changes):
    record = {"eventVersion": "2.6", "eventSource": "aws:s3", "awsRegion": "eu-west-1", "eventTime": TIME, "eventName": name,
              "userIdentity": {"principalId": "AWS:AIDAEXAMPLE"}, "requestParameters": {"sourceIPAddress": "192.0.2.7"},
              "responseElements": {"x-amz-request-id": "C3D13FE58DE4C810", "x-amz-id-2": "FMyUVURIY8"},
              "s3": {"s3SchemaVersion": "1.0", "configurationId": "photogate", "bucket": {"name": "incoming", "arn": "arn:aws:s3:::incoming"},
                     "object": {"key": urllib.parse.quote_plus(key, safe="/"), "size": 1024, "eTag": MD5, "versionId": "096fKKXTRTtl3on89fVO",
                                "sequencer": "0055AED6DCD90281E5"}}}
    record["s3"]["object"].update(changes)
    return record


def s3(*records):
    return {"Records": list(records or [s3_record()])}


S3_TEST = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": TIME, "Bucket": "incoming", "RequestId": "5582815E1AEA5ADF", "HostId": "8cLeGA"}
READ_S3 = {"operation": "put", "name": "ObjectCreated:Put", "bucket": "incoming", "key": KEY, "size": 1024, "etag": MD5,
           "version": "096fKKXTRTtl3on89fVO", "sequencer": "0055AED6DCD90281E5", "occurred_at": TIME, "request_id": "C3D13FE58DE4C810"}


def sns(message, kind="Notification", **changes):
    body = {"Type": kind, "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324", "TopicArn": TOPIC, "Subject": "Amazon S3 Notification",
            "Message": message if isinstance(message, str) else text(message), "Timestamp": TIME, "SignatureVersion": "1",
            "Signature": "", "SigningCertURL": CERTIFICATE_URL}
    if kind != "Notification":
        del body["Subject"]
        body.update({"Token": "2336412f37" * 12, "SubscribeURL": SUBSCRIBE_URL})
    return {name: value for name, value in {**body, **changes}.items() if value is not None}


def eventbridge(reason="PutObject", kind="Object Created", **changes):
    return {"version": "0", "id": "17793124-05d4-b198-2fde-7ededc63b103", "detail-type": kind, "source": "aws.s3", "account": "123456789012",
            "time": TIME, "region": "eu-west-1", "resources": ["arn:aws:s3:::incoming"],
            "detail": {"version": "0", "bucket": {"name": "incoming"},
                       "object": {"key": KEY, "size": 1024, "etag": MD5, "version-id": "IYV3p45BT0ac8hjHg1houSdS1a", "sequencer": "617f08299329d189", **changes},
                       "request-id": "N4N7GDK58NMKJ12R", "requester": "123456789012", "source-ip-address": "192.0.2.7", "reason": reason}}


READ_EVENTBRIDGE = {"operation": "put", "name": "Object Created:PutObject", "bucket": "incoming", "key": KEY, "size": 1024, "etag": MD5,
                    "version": "IYV3p45BT0ac8hjHg1houSdS1a", "sequencer": "617f08299329d189", "occurred_at": TIME, "request_id": "N4N7GDK58NMKJ12R"}


def sqs_record(body):
    return {"messageId": "19dd0b57-b21e-4ac1-bd88-01bbb068cb78", "receiptHandle": "MessageReceiptHandle", "body": text(body),
            "attributes": {"ApproximateReceiveCount": "1"}, "messageAttributes": {}, "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:incoming", "awsRegion": "eu-west-1"}


def sns_record(body):
    return {"EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": TOPIC + ":c9135db0", "Sns": sns(body)}


def r2(action="PutObject", **changes):
    return {"account": "3f4b7e3dcab231cbfdaa90a6a28bd548", "action": action, "bucket": "incoming",
            "object": {"key": KEY, "size": 1024, "eTag": MD5, **changes}, "eventTime": TIME}


READ_R2 = {"operation": "put", "name": "PutObject", "bucket": "incoming", "key": KEY, "size": 1024, "etag": MD5, "sequencer": TIME, "occurred_at": TIME}


def pulled(*bodies):
    return {"success": True, "errors": [], "messages": [],
            "result": {"messages": [{"body": in_base64(text(body)), "id": str(index), "timestamp_ms": 1801235045678, "attempts": 1,
                                     "metadata": {"CF-Content-Type": "json"}, "lease_id": f"lease-{index}"} for index, body in enumerate(bodies)]}}


def gcs(kind="OBJECT_FINALIZE", **changes):
    attributes = {"notificationConfig": "projects/_/buckets/incoming/notificationConfigs/1", "eventType": kind, "payloadFormat": "NONE",
                  "bucketId": "incoming", "objectId": KEY, "objectGeneration": "1801235045678057", "eventTime": "2027-01-29T15:04:05.678000Z", **changes}
    return {"message": {"attributes": attributes, "messageId": "2070443601311540", "message_id": "2070443601311540", "publishTime": TIME},
            "subscription": "projects/shop/subscriptions/photogate"}


READ_GCS = {"operation": "put", "name": "OBJECT_FINALIZE", "bucket": "incoming", "key": KEY, "version": "1801235045678057", "occurred_at": TIME,
            "request_id": "2070443601311540"}


def b2_event(kind="b2:ObjectCreated:Upload", **changes):
    return {"accountId": "15f935cf4dcb", "bucketId": "21a5bf29a395fc7f84dd0c1b", "bucketName": "incoming", "eventId": "19f154fa574c68f6",
            "eventTimestamp": 1801235045678, "eventType": kind, "eventVersion": 1, "matchedRuleName": "photogate", "objectName": KEY,
            "objectSize": 1024, "objectVersionId": "4_z21a5bf29a395fc7f84dd0c1b_f102737ab", **changes}


READ_B2 = {"operation": "put", "name": "ObjectCreated:Upload", "bucket": "incoming", "key": KEY, "size": 1024,
           "version": "4_z21a5bf29a395fc7f84dd0c1b_f102737ab", "occurred_at": TIME, "request_id": "19f154fa574c68f6"}


def seaweed(kind="create", path=f"/buckets/incoming/{KEY}", **changes):
    entry = {"name": path.rsplit("/", 1)[-1], "attributes": {"file_size": 1024, "mtime": 1801235045, "mime": "image/jpeg", "md5": "XrY7u+Ae7tCTyyK7j1rNww=="},
             "extended": {"X-Amz-Meta-User": "NDI="}, **changes}
    return {"key": path, "event_type": kind, "message": {"new_entry": entry, "new_parent_path": "/buckets/incoming", "signatures": [123456]}}


READ_SEAWEED = {"operation": "put", "name": "create", "bucket": "incoming", "key": KEY, "size": 1024, "etag": MD5, "sequencer": "1801235045",
                "occurred_at": "2027-01-29T15:04:05.000Z", "content_type": "image/jpeg"}


def minio(source="minio:s3"):
    record = s3_record(name="s3:ObjectCreated:Put", key=PLAIN, versionId=None, contentType="image/jpeg",
                       userMetadata={"X-Amz-Meta-Order": "7", "content-type": "image/jpeg"})
    record["eventSource"] = source
    record["s3"]["object"]["key"] = urllib.parse.quote(PLAIN, safe="")
    return {"EventName": "s3:ObjectCreated:Put", "Key": f"incoming/{PLAIN}", **s3(record)}


READ_MINIO = {**READ_S3, "key": PLAIN, "version": None, "content_type": "image/jpeg", "metadata": {"order": "7"}}


def ceph(**changes):
    record = s3_record(**{"key": "", "size": "1024", "versionId": "", "metadata": [{"key": "x-amz-meta-order", "val": "7"}], "tags": [], **changes})
    record.update({"eventSource": "ceph:s3", "eventTime": "2027-01-29T15:04:05.678901Z", "eventId": "", "opaqueData": "shop"})
    record["s3"]["object"]["key"] = KEY
    return record


READ_CEPH = {**READ_S3, "version": None, "metadata": {"order": "7"}}


def versitygw():
    record = s3_record(name="s3:ObjectCreated:Put", eTag=f'"{MD5}"', versionId="", sequencer="5")
    record["s3"]["object"]["key"] = KEY
    return s3(record)


def one(dialect, name, body, *events, **rest):
    return {"name": f"{dialect}: {name}", "dialect": dialect, "body": body if isinstance(body, str) else text(body), "events": list(events), **rest}


def without(read, *names, **changes):
    return {name: value for name, value in {**read, **changes}.items() if name not in names}


def cases():
    yield one("minio", "a put", minio(), READ_MINIO)
    yield one("rustfs", "a put", minio("rustfs:s3"), READ_MINIO)
    yield one("s3", "a put", s3(), READ_S3)
    yield one("s3", "a test event", S3_TEST, test_event=True)
    yield one("s3", "two records", s3(s3_record(), s3_record(name="ObjectCreated:CompleteMultipartUpload", eTag=MD5 + "-2")), READ_S3,
              {**READ_S3, "operation": "multipart", "name": "ObjectCreated:CompleteMultipartUpload", "etag": MD5 + "-2"})
    yield one("ceph", "a put", s3(ceph()), READ_CEPH)
    yield one("ceph", "in an envelope of CloudEvents", {"specversion": "1.0", "type": "com.amazonaws.ObjectCreated:Put", "data": s3(ceph())}, READ_CEPH)
    yield one("versitygw", "a put", versitygw(), {**READ_S3, "version": None, "sequencer": "5"})
    yield one("versitygw", "a test event", S3_TEST, test_event=True)

    yield one("sns", "a notification", sns(s3()), READ_S3)
    yield one("sns", "a test event", sns(S3_TEST), test_event=True)
    yield one("sns", "a subscription to confirm", sns("You have chosen to subscribe", "SubscriptionConfirmation"),
              subscription={"topic": TOPIC, "url": SUBSCRIBE_URL})
    yield one("sns", "the end of a subscription", sns("You have chosen to deactivate", "UnsubscribeConfirmation"), test_event=True)
    yield one("sns", "a message that is no event", sns("hello"), refused=True)
    yield one("sns", "raw delivery", s3(), READ_S3)

    yield one("eventbridge", "a put", eventbridge(), READ_EVENTBRIDGE)
    yield one("eventbridge", "a form", eventbridge("POST Object"), {**READ_EVENTBRIDGE, "operation": "post", "name": "Object Created:POST Object"})
    yield one("eventbridge", "an upload in parts", eventbridge("CompleteMultipartUpload"),
              {**READ_EVENTBRIDGE, "operation": "multipart", "name": "Object Created:CompleteMultipartUpload"})
    yield one("eventbridge", "a copy", eventbridge("CopyObject"), {**READ_EVENTBRIDGE, "operation": "copy", "name": "Object Created:CopyObject"})
    yield one("eventbridge", "a removal", eventbridge("DeleteObject", "Object Deleted"),
              {**READ_EVENTBRIDGE, "operation": "removed", "name": "Object Deleted:DeleteObject"})
    yield one("eventbridge", "tags", eventbridge(None, "Object Tags Added"), {**READ_EVENTBRIDGE, "operation": "other", "name": "Object Tags Added"})
    yield one("eventbridge", "through a queue and a function", {"Records": [sqs_record(eventbridge())]}, READ_EVENTBRIDGE)
    yield one("eventbridge", "as a queue returns it", {"Messages": [{"MessageId": "1", "Body": text(eventbridge())}]}, READ_EVENTBRIDGE)

    yield one("lambda", "from S3", s3(), READ_S3)
    yield one("lambda", "from a queue", {"Records": [sqs_record(s3()), sqs_record(S3_TEST), sqs_record(s3())]}, READ_S3, READ_S3)
    yield one("lambda", "from a topic", {"Records": [sns_record(s3())]}, READ_S3)
    yield one("lambda", "from a topic through a queue", {"Records": [sqs_record(sns(s3()))]}, READ_S3)
    yield one("lambda", "an unreadable message beside a good one", {"Records": [sqs_record("text"), sqs_record(s3())]}, READ_S3, unreadable=1)
    yield one("sqs", "as ReceiveMessage returns them", {"Messages": [{"MessageId": "1", "ReceiptHandle": "h", "Body": text(s3())}]}, READ_S3)
    yield one("sqs", "from a topic", {"Messages": [{"MessageId": "1", "Body": text(sns(s3()))}]}, READ_S3)
    yield one("sqs", "the body of one message", s3(), READ_S3)

    yield one("r2", "a put", r2(), READ_R2)
    yield one("r2", "an upload in parts", r2("CompleteMultipartUpload"), {**READ_R2, "operation": "multipart", "name": "CompleteMultipartUpload"})
    yield one("r2", "a copy", r2("CopyObject"), {**READ_R2, "operation": "copy", "name": "CopyObject"})
    yield one("r2", "a removal", {**r2("LifecycleDeletion"), "object": {"key": KEY}}, without(READ_R2, "size", "etag", operation="removed", name="LifecycleDeletion"))
    yield one("r2", "as a pull returns them", pulled(r2(), r2("DeleteObject")), READ_R2, {**READ_R2, "operation": "removed", "name": "DeleteObject"})
    yield one("r2", "as a Worker gets them", {"queue": "photogate", "messages": [{"id": "1", "body": r2()}]}, READ_R2)
    yield one("r2", "a message that is not base64", {"messages": [{"id": "1", "body": "%%%"}, {"id": "2", "body": r2()}]}, READ_R2, unreadable=1)

    yield one("gcs", "a put", gcs(), READ_GCS)
    yield one("gcs", "a removal", gcs("OBJECT_DELETE"), {**READ_GCS, "operation": "removed", "name": "OBJECT_DELETE"})
    yield one("gcs", "metadata", gcs("OBJECT_METADATA_UPDATE"), {**READ_GCS, "operation": "other", "name": "OBJECT_METADATA_UPDATE"})
    yield one("gcs", "a message of something else", {"message": {"data": in_base64("hello"), "messageId": "1"}, "subscription": "s"}, refused=True)

    yield one("b2", "an upload", {"events": [b2_event()]}, READ_B2)
    yield one("b2", "a large file and a copy", {"events": [b2_event("b2:ObjectCreated:MultipartUpload"), b2_event("b2:ObjectCreated:Copy")]},
              {**READ_B2, "operation": "multipart", "name": "ObjectCreated:MultipartUpload"}, {**READ_B2, "operation": "copy", "name": "ObjectCreated:Copy"})
    yield one("b2", "a replica and a removal", {"events": [b2_event("b2:ObjectCreated:Replica"), b2_event("b2:ObjectDeleted:Delete")]},
              {**READ_B2, "operation": "other", "name": "ObjectCreated:Replica"}, {**READ_B2, "operation": "removed", "name": "ObjectDeleted:Delete"})
    yield one("b2", "a test", {"events": [{"accountId": "15f935cf4dcb", "bucketName": "incoming", "eventType": "b2:TestEvent", "eventVersion": 1}]}, test_event=True)

    yield one("seaweedfs", "a new file", seaweed(), READ_SEAWEED)
    yield one("seaweedfs", "a file written over", seaweed("update"), {**READ_SEAWEED, "name": "update"})
    yield one("seaweedfs", "a removal", seaweed("delete"), {**READ_SEAWEED, "operation": "removed", "name": "delete"})
    yield one("seaweedfs", "a rename", seaweed("rename"), {**READ_SEAWEED, "operation": "other", "name": "rename"})
    yield one("seaweedfs", "a folder", seaweed(is_directory=True), {**READ_SEAWEED, "operation": "other"})
    yield one("seaweedfs", "a part", seaweed(path="/buckets/incoming/.uploads/1/0001.part"), {**READ_SEAWEED, "key": ".uploads/1/0001.part"})
    yield one("seaweedfs", "a file of the filer itself", seaweed(path="/topics/.system/log/2026"), test_event=True)
    yield one("seaweedfs", "a bucket", seaweed(path="/buckets/incoming", is_directory=True), test_event=True)


# ---- signatures

def openssl(*arguments, data=None):
    return subprocess.run(["openssl", *arguments], input=data, check=True, capture_output=True).stdout


class Signer:
    """A new RSA key and a certificate of it."""

    def __init__(self, folder, name, days=3650, bits=2048):
        self.key = folder / f"{name}.key"
        openssl("genrsa", "-out", str(self.key), str(bits))
        self.certificate = openssl("req", "-x509", "-new", "-key", str(self.key), "-subj", "/CN=sns.amazonaws.com", "-days", str(days)).decode()

    def sign(self, content, digest):
        return base64.b64encode(openssl("dgst", f"-{digest}", "-sign", str(self.key), data=content.encode())).decode()

    def jwk(self, kid):
        modulus = bytes.fromhex(openssl("rsa", "-in", str(self.key), "-noout", "-modulus").decode().strip().split("=")[1])
        return {"kty": "RSA", "kid": kid, "use": "sig", "alg": "RS256", "n": url64(modulus), "e": "AQAB"}


def url64(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def signed_sns(signer, body, version):
    names = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    content = "".join(f"{name}\n{body[name]}\n" for name in names if name in body)
    return text({**body, "SignatureVersion": version, "Signature": signer.sign(content, "sha256" if version == "2" else "sha1")})


def noon():
    return int(datetime.datetime(2027, 1, 29, 15, 0, tzinfo=datetime.UTC).timestamp())


def token(signer, kid="key-1", header=None, **changes):
    claims = {"iss": "https://accounts.google.com", "aud": "https://photos.example.com/v1/events/gcs", "azp": "1", "sub": "1",
              "email": "push@shop.iam.gserviceaccount.com", "email_verified": True, "iat": noon(), "exp": noon() + 3600, **changes}
    content = url64(text(header or {"alg": "RS256", "kid": kid, "typ": "JWT"}).encode()) + "." + url64(text(claims).encode())
    return content + "." + url64(base64.b64decode(signer.sign(content, "sha256")))


def signed():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        signer, other, small = Signer(folder, "sns"), Signer(folder, "other"), Signer(folder, "small", bits=1024)
        subscription = sns("You have chosen to subscribe", "SubscriptionConfirmation")
        moved = "https://sns.eu-west-1.amazonaws.com.example.com/SimpleNotificationService-1.pem"
        messages = {
            "notification 1": signed_sns(signer, sns(s3()), "1"), "notification 2": signed_sns(signer, sns(s3()), "2"),
            "without a subject": signed_sns(signer, sns(s3(), Subject=None), "2"),
            "subscription": signed_sns(signer, subscription, "2"),
            "end of subscription": signed_sns(signer, sns("You have chosen to deactivate", "UnsubscribeConfirmation"), "1"),
            "by another key": signed_sns(other, sns(s3()), "2"),
            "old": signed_sns(signer, sns(s3(), Timestamp="2027-01-29T13:00:00.000Z"), "2"),
            "of tomorrow": signed_sns(signer, sns(s3(), Timestamp="2027-01-30T15:04:05.000Z"), "2"),
            "of another topic": signed_sns(signer, sns(s3(), TopicArn=TOPIC + "2"), "2"),
            "with a certificate from elsewhere": signed_sns(signer, sns(s3(), SigningCertURL=moved), "2"),
            "version 3": signed_sns(signer, sns(s3()), "3"),
            "subscription elsewhere": signed_sns(signer, {**subscription, "SubscribeURL": "https://example.com/?Action=ConfirmSubscription"}, "2"),
        }
        tokens = {
            "right": token(signer), "of another audience": token(signer, aud="https://other.example.com"), "of another account": token(signer, email="x@example.com"),
            "of an unverified account": token(signer, email_verified=False), "of another issuer": token(signer, iss="https://accounts.example.com"),
            "expired": token(signer, exp=noon() - 4000), "of tomorrow": token(signer, iat=noon() + 86400, exp=noon() + 90000), "by another key": token(other),
            "of an unknown key": token(other, kid="key-9"), "without algorithm": token(signer, header={"alg": "none", "kid": "key-1"}),
            "by a shared secret": token(signer, header={"alg": "HS256", "kid": "key-1"}),
        }
        return {"topic": TOPIC, "certificate_url": CERTIFICATE_URL, "certificate": signer.certificate, "other_certificate": other.certificate,
                "small_certificate": small.certificate, "messages": messages, "tokens": tokens,
                "keys": text({"keys": [signer.jwk("key-1"), {"kty": "EC", "kid": "ec", "crv": "P-256", "x": "x", "y": "y"}]}),
                "later_keys": text({"keys": [signer.jwk("key-1"), other.jwk("key-9")]})}


def write(name, value):
    (HERE / name).write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    write("cases.json", list(cases()))
    write("signed.json", signed())
