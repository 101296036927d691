"""Hand-made store events in MinIO's format."""
import urllib.parse


def event(world, key, etag="0123456789abcdef0123456789abcdef", name="s3:ObjectCreated:Put", size=100, sequencer="18E9DE676AC6A95E", bucket=None):
    return {"EventName": name, "Key": f"{bucket or world.stack.minio.incoming}/{key}", "Records": [{
        "eventVersion": "2.0", "eventSource": "minio:s3", "eventTime": "2026-11-20T21:34:22.242Z", "eventName": name,
        "s3": {"bucket": {"name": bucket or world.stack.minio.incoming},
               "object": {"key": urllib.parse.quote_plus(key), "size": size, "eTag": etag, "sequencer": sequencer}}}]}


def post(world, body, token=None, source="minio", headers=None, gateway=None):
    return (gateway or world.gateway).request("POST", f"/v1/events/{source}", body,
                                              {"Authorization": f"Bearer {token or world.stack.events_token}", **(headers or {})})


def key_of(created):
    return urllib.parse.unquote(urllib.parse.urlsplit(created["upload"]["url"]).path.split("/", 2)[2])
