"""Traffic that continues under faults, and the proof that none of it was lost."""
import time

import boto3

from scripts import local_gateway
from tests.rig import stack as parts
from tests.rig.crowd import Crowd


class Traffic(Crowd):
    """Clients that keep uploading; acknowledged uploads must end."""

    def __init__(self, world, next_file, clients=3):
        super().__init__(self._client, clients)
        self.world, self.next_file = world, next_file
        self.acknowledged, self.errors, self.refused = [], 0, 0

    def _client(self, _number):
        while not self._stop.is_set():
            file = self.next_file()
            try:
                created = self.world.create({"size": len(file)})
                if local_gateway.send(created["upload"], file)[0] == 200:
                    self.acknowledged.append(created["id"])
                else:
                    self.refused += 1
            except (OSError, RuntimeError, ValueError):
                self.errors += 1
                time.sleep(0.05)
            time.sleep(0.05)


def assert_none_lost(world, acknowledged, seconds=150, may_be_rejected=False):
    """Each acknowledged upload is in one final state and was reported once, and the public bucket contains only results."""
    deadline = time.monotonic() + seconds
    states = {}
    for identity in acknowledged:
        states[identity] = world.gateway.wait_for(identity, max(1, deadline - time.monotonic()))["state"]
    assert set(states.values()) <= ({"published", "rejected"} if may_be_rejected else {"published"}), states
    for identity, state in states.items():
        kinds = ("upload.received", f"upload.{state}")
        for kind in kinds:
            world.receiver.wait_for_upload(identity, kind, max(1, deadline - time.monotonic()))
        for kind in kinds:
            told = world.receiver.of(identity, kind)
            assert len({c.body["id"] for c in told}) == 1, "one message"
            assert len({c.raw for c in told}) == 1, "the same bytes at each attempt"
        images = {c.body["data"]["image"]["url"] for c in world.receiver.of(identity, "upload.published")}
        assert len(images) == (1 if state == "published" else 0)
    # Nothing private in the public bucket: every object there is a published image of an upload.
    known = set(world.sql("select image_key from uploads where image_key is not null").split())
    unknown = {key: world.sql(f"select id, state, image_key, generation from uploads where public_id = '{key.split('/')[1]}'")
               for key in public_keys(world) if key not in known}
    assert not unknown


def public_keys(world):
    minio = world.stack.minio
    client = boto3.client("s3", endpoint_url=minio.endpoint, aws_access_key_id=minio.root.access, aws_secret_access_key=minio.root.secret,
                          region_name="us-east-1")
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=minio.public)
    return [each["Key"] for page in pages for each in page.get("Contents", [])]


def until(condition, seconds=30):
    parts.wait_until(condition, seconds, "traffic")
