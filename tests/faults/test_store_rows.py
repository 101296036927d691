"""F18 to F28, F63, F64: misbehaviour of stores. The proxy is between the program and a real MinIO; clients go to MinIO itself."""
import concurrent.futures
import email.utils
import http.client
import json
import time
import urllib.parse

import boto3
import botocore.config
import botocore.exceptions
import pytest

from tests.rig import fault_proxy as faults
from tests.rig import pictures, traffic
from tests.rig import stack as parts
from tests.rig.witness import object_key
from tests.rig.world import QUICK_ROUNDS


@pytest.fixture
def photo():
    return pictures.photo(320, 240, seed=72)


def attempts_burned(world):
    return int(world.sql("select coalesce(max(attempt), 0) from jobs"))


def test_f18_a_third_of_the_answers_are_slow_down(row, witnessed, photo):
    world = witnessed()
    store = world.witness.store
    rule = store.rule(faults.anything, faults.slow_down(), chance=0.3)
    count = 60
    uploads = [world.upload(photo) for _ in range(count)]
    traffic.settle(world, [each["id"] for each in uploads])
    asked = store.count(lambda e: e.method in ("GET", "PUT", "DELETE") and e.key and "probe/" not in e.key)
    answered = store.count(lambda e: e.method in ("GET", "PUT", "DELETE") and e.key and "probe/" not in e.key and e.fault is None)
    row.figure(f"{count} of {count} published; {rule.hits} answers were 503; {asked / (3 * count):.2f} requests per operation")
    row.hold(answered >= 3 * count and asked / (3 * count) <= 3.5, "3.5 requests per operation")
    world.witness.judge()


def test_f19_store_is_away_for_a_while(row, witnessed, photo):
    world = witnessed()
    outage = 45
    row.scaled(f"{outage} s instead of 10 min")
    rule = world.witness.store.rule(faults.anything, faults.slow_down())
    uploads = [world.upload(photo) for _ in range(30)]
    time.sleep(outage)  # the outage itself
    burned = int(world.sql("select coalesce(max(attempt), 0) from jobs where lease_token is null"))
    failed = world.sql("select count(*) from uploads where state = 'failed'")
    requests = rule.hits
    world.witness.store.heal()
    started = time.monotonic()
    traffic.settle(world, [each["id"] for each in uploads])
    seconds = time.monotonic() - started
    row.figure(f"{failed} failed, {burned} attempts used up, {requests} requests in {outage} s for 30 uploads; done {seconds:.1f} s after the end")
    row.hold(failed == "0" and seconds <= 120, "none failed, done in 2 min")
    row.hold(burned <= 1, "no attempts burned")
    world.witness.judge()


def test_f20_store_is_silent(row, witnessed, photo):
    world = witnessed()
    store = world.witness.store
    store.rule(faults.gets("incoming"), faults.hanging(60), times=4)  # all slots of a small worker
    store.rule(faults.gets("incoming"), faults.stalled(1000, 60), times=4)
    started = time.monotonic()
    uploads = [world.upload(photo) for _ in range(12)]
    traffic.settle(world, [each["id"] for each in uploads], 150)
    seconds = time.monotonic() - started
    row.figure(f"12 of 12 published after {seconds:.1f} s, with 8 fetches that hung or stalled for 60 s")
    row.hold(seconds <= 75, "a hand is free within 30 s, twice over")
    world.witness.judge()


@pytest.mark.fast
def test_f21_short_answer_is_never_published(row, witnessed, photo):
    world = witnessed()
    store = world.witness.store
    cuts = [0, 1, 100, 1000, len(photo) // 2, len(photo) - 1]
    rules = [store.rule(faults.gets("incoming"), faults.short(at), times=12, chance=0.6) for at in cuts]
    uploads = [world.upload(photo) for _ in range(40)]
    traffic.settle(world, [each["id"] for each in uploads])
    hits = sum(rule.hits for rule in rules)
    evidence = world.witness.judge()
    images = {each["sha256"] for each in evidence["public"]}
    row.scaled(f"{hits} instead of 1,000 short answers")
    row.figure(f"{hits} short answers, {len(uploads)} of {len(uploads)} published, {len(images)} distinct image of one photo")
    row.hold(len(images) == 1, "each image is made of the whole photo")


def test_f22_more_than_the_pinned_size_is_never_published(row, witnessed, photo):
    world = witnessed()
    store = world.witness.store
    # More than there is, with a declared size and without one: nothing but the pin says then that it is too much.
    for extra in (b"x", b"\xff\xd9", b"y" * 100_000):
        store.rule(faults.gets("incoming"), faults.long(extra), times=4)
    uploads = [world.upload(photo) for _ in range(6)]
    uploads += [traffic.put(world, world.create({"method": "post"}), photo) for _ in range(6)]
    traffic.settle(world, [each["id"] for each in uploads])
    hits = store.count(lambda e: e.fault)
    evidence = world.witness.judge()
    store.rule(faults.gets("incoming"), faults.long(b"x"))
    lasting = world.create({"method": "post"})
    assert world.witness.send(lasting, photo, "failed")[0] == 201
    ended = world.gateway.wait_for(lasting)
    attempts = world.sql(f"select count(*) from timeline where event = 'claimed' and subject_id = '{lasting['id']}'")
    row.figure(f"{hits} long answers, all {len(uploads)} published as they were sent; if the store keeps doing so: {ended['state']}, "
               f"after {attempts} attempts")
    row.hold(len({each["sha256"] for each in evidence["public"]}) == 1 and ended["state"] == "failed", "nothing of them is published")
    traffic.settle(world)
    world.witness.judge()


@pytest.mark.fast
def test_f23_put_that_was_stored_but_answered_500(row, witnessed, photo):
    world = witnessed()
    rule = world.witness.store.rule(faults.puts("public"), faults.error_after_commit(), times=12, chance=0.7)
    reset = world.witness.store.rule(faults.puts("public"), faults.reset("after"), times=6)
    uploads = [world.upload(photo) for _ in range(20)]
    traffic.settle(world, [each["id"] for each in uploads])
    evidence = world.witness.judge()
    told = {}
    for fact in evidence["facts"]:
        if fact["fact"] == "callback" and fact["type"] == "upload.published":
            told.setdefault(fact["upload"], set()).add(fact["message"])
    row.figure(f"{rule.hits} answered 500 and {reset.hits} reset after they were stored: {len(evidence['public'])} public objects and "
               f"{sum(map(len, told.values()))} callbacks for {len(uploads)} uploads")
    row.hold(len(evidence["public"]) == len(uploads) and all(len(each) == 1 for each in told.values()), "one object, one callback")


def test_f24_200_with_an_error_body(row, witnessed, photo):
    world = witnessed(profiles={"photos": {"original": '"keep"'}})
    store = world.witness.store
    rule = store.rule(faults.puts("originals"), faults.ok_with_error_body(), times=20, chance=0.7)
    uploads = [world.upload(photo) for _ in range(15)]
    traffic.settle(world, [each["id"] for each in uploads])
    evidence = world.witness.judge()
    kept = {f"o/{each['id']}" for each in uploads} & set(evidence["originals"])
    row.figure(f"{rule.hits} copies answered 200 with an error inside; {len(kept)} of {len(uploads)} originals kept, {len(evidence['incoming'])} left behind")
    row.hold(rule.hits >= 10 and len(kept) == len(uploads), "each was known as an error: no original was removed before it was copied")


def test_f25_another_etag_is_not_trusted(row, witnessed, photo):
    world = witnessed()
    store = world.witness.store
    puts = store.rule(faults.puts("public"), faults.wrong_etag(), times=10)
    uploads = [world.upload(photo) for _ in range(10)]
    traffic.settle(world, [each["id"] for each in uploads])
    world.witness.judge()
    shown = [world.image(each)[0] for each in uploads]
    gets = store.rule(faults.gets("incoming"), faults.wrong_etag(), times=6)
    more = [world.upload(photo) for _ in range(6)]
    traffic.settle(world, [each["id"] for each in more])
    states = [world.request("GET", f"/v1/uploads/{each['id']}")[2]["state"] for each in more]
    row.figure(f"{puts.hits} PUTs and {gets.hits} GETs answered with another ETag; images served: {shown.count(200)} of {len(shown)}; "
               f"fetched under another ETag: {states.count('published')} of {len(more)} published eventually")
    row.hold(shown.count(200) == len(shown) and states.count("published") == len(more), "published bytes are what was sent")
    world.witness.judge()


def multipart(world):
    """The store's own client, with every right."""
    key = world.stack.minio.root
    return boto3.client("s3", endpoint_url=world.stack.minio.endpoint, aws_access_key_id=key.access, aws_secret_access_key=key.secret, region_name="us-east-1",
                        config=botocore.config.Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}))


def test_f26_multipart_upload_is_completed_twice(row, unwitnessed, photo):
    for store in ("minio", "builtin"):
        world, uploads, answers = unwitnessed(store=store), [], []
        s3 = multipart(world)

        def complete(bucket, key, upload, etag):
            try:
                s3.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})
                return "200"
            except botocore.exceptions.ClientError as error:
                return error.response["Error"]["Code"]

        for number in range(12):
            created = world.create({"size": len(photo)})
            uploads.append(created["id"])
            bucket, key = world.stack.minio.incoming, object_key(created)
            upload = s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
            etag = s3.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=1, Body=photo)["ETag"]
            # Every other one at once, the others when the first has been answered.
            with concurrent.futures.ThreadPoolExecutor(2 if number % 2 else 1) as pool:
                answers += [sorted(pool.map(lambda _: complete(bucket, key, upload, etag), range(2)))]
        traffic.settle(world, uploads)
        states = [world.request("GET", f"/v1/uploads/{each}")[2]["state"] for each in uploads]
        listed = ", ".join(f"'{each}'" for each in uploads)
        jobs = int(world.sql(f"select count(*) from timeline where event = 'claimed' and subject_id in ({listed})"))
        told = int(world.sql(f"select count(*) from callbacks where type = 'upload.published' and subject_id in ({listed})"))
        second = {" and ".join(pair): answers.count(pair) for pair in answers}
        row.figure(f"{store}: answers {second}; {states.count('published')} of {len(uploads)} published, by {jobs} jobs, with {told} callbacks")
        row.hold(set(states) == {"published"} and jobs == told == len(uploads), "one job, one publication")
        row.hold(all("200" in pair for pair in answers), "one of the two is answered 200")
        world.close()


def test_f27_no_grant_begins_a_multipart_upload(row, unwitnessed, photo):
    """The gateway neither presigns nor creates any: an abandoned multipart upload could only come from a presigned upload that permits too much."""
    for store in ("minio", "builtin"):
        world, refused = unwitnessed(store=store), []
        s3 = multipart(world)
        for number in range(40):
            grant = world.create({"size": len(photo), "method": "post" if number % 4 == 3 else "put"})["upload"]
            target = urllib.parse.urlsplit(grant["url"])
            joined = target.query + "&" if target.query else ""
            for method, query in (("POST", "uploads="), ("PUT", "partNumber=1&uploadId=none"), ("POST", "uploadId=none")):
                connection = http.client.HTTPConnection(target.netloc, timeout=20)
                connection.request(method, f"{target.path}?{joined}{query}", photo if method == "PUT" else b"", grant["headers"] or {})
                refused.append(connection.getresponse().status)
                connection.close()
        uploads = [world.upload(photo) for _ in range(5)]
        traffic.settle(world, [each["id"] for each in uploads])
        begun = sum(len(s3.list_multipart_uploads(Bucket=bucket).get("Uploads", []))
                    for bucket in (world.stack.minio.incoming, world.stack.minio.public, world.stack.minio.originals))
        row.figure(f"{store}: {len(refused)} attempts with presigned URLs and forms, answered {sorted(set(refused))}; {begun} multipart uploads afterwards")
        row.hold(begun == 0 and all(400 <= status < 500 for status in refused), "0 left")
        world.close()


def test_f28_store_reports_clock_skew(row, witnessed, photo):
    world = witnessed()
    store = world.witness.store
    future = email.utils.formatdate(time.time() + 1200, usegmt=True)
    rule = store.rule(faults.anything, faults.clock_off(future))
    created = world.upload(photo)
    parts.wait_until(lambda: rule.hits >= 2, 30, "requests")
    time.sleep(2)
    dates = [e.headers.get("x-amz-date") for e in store.exchanges if e.fault]
    state = world.request("GET", f"/v1/uploads/{created['id']}")[2]["state"]
    log = world.gateway.log_tail(200)
    told = [line for line in log.splitlines() if "skew" in line.lower() or "clock" in line.lower()]
    store.heal()
    traffic.settle(world, [created["id"]])
    ahead = sum(1 for each in dates if each and stamp(each) - time.time() > 900)
    row.figure(f"{rule.hits} refusals; {ahead} of {len(dates)} requests then signed with the store's time; {len(told)} log lines report it; "
               f"state meanwhile {state}; published afterwards")
    row.hold(told and state != "failed", "it is said, and nothing fails")
    row.hold(ahead >= 1, "the store's time is learnt")
    world.witness.judge()


def stamp(text):
    import calendar
    return calendar.timegm(time.strptime(text, "%Y%m%dT%H%M%SZ"))


def test_f63_publishing_is_denied_for_a_while(row, witnessed, photo):
    world = witnessed()
    minio = world.stack.minio
    allowed = minio.policy("worker")
    import io
    import zipfile

    def set_worker_policy(document):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("iam-assets/policies.json", json.dumps({"photogate-worker": document}))
        minio.call("PUT", "/minio/admin/v3/import-iam", body=packed.getvalue())

    denied = {**allowed, "Statement": [*allowed["Statement"], {"Effect": "Deny", "Action": ["s3:PutObject"], "Resource": [f"arn:aws:s3:::{minio.public}/*"]}]}
    set_worker_policy(denied)
    uploads = [world.upload(photo) for _ in range(8)]
    time.sleep(10)  # the time until the fault is detected
    failed = world.sql("select count(*) from uploads where state in ('failed', 'rejected')")
    refused = world.witness.store.count(lambda e: e.status == 403 and e.method == "PUT")
    said = world.gateway.log_tail(400).count('"job.postponed"') or world.gateway.log_tail(400).count("job.postponed")
    set_worker_policy(allowed)
    started = time.monotonic()
    traffic.settle(world, [each["id"] for each in uploads])
    seconds = time.monotonic() - started
    row.figure(f"{refused} PUTs refused in 10 s, {failed} uploads failed, {said} log lines; done {seconds:.1f} s after the repair")
    row.hold(failed == "0" and refused >= 8 and seconds <= 60, "nothing fails, goes on within 60 s")
    world.witness.judge()


def test_f64_worker_credentials_change_during_work(row, witnessed, photo):
    world = witnessed(extra=QUICK_ROUNDS)
    minio = world.stack.minio
    with traffic.Shop(world, row.seed, customers=2, junk=0) as shop:
        shop.wait_for(5)
        old = minio.worker
        minio.worker = parts.AccessKey.make("worker")
        minio.set_policies()  # the new one works from here on; the old one still does
        text = world.gateway.config.read_text()
        world.gateway.config.write_text(text.replace(old.access, minio.worker.access).replace(old.secret, minio.worker.secret))
        world.gateway.stop()
        world.gateway.restart()
        minio.call("DELETE", "/minio/admin/v3/remove-user", {"accessKey": old.access})
        shop.wait_for(5)
    shop.settle()
    refused = [e for e in world.witness.store.exchanges if e.status == 403 and e.key and "probe/" not in e.key]
    denied = len(refused)
    row.figure(f"{denied} operations were denied; {len(shop.acknowledged)} uploads during the change, by a restart with both keys valid")
    row.hold(denied <= 1, "one failed operation at most")
    world.witness.judge()
