"""Drives the Python library for tests/e2e/test_client_libraries.py: a request a line of JSON, an answer a line."""
import base64
import json
import sys
import threading

import photogate


def client_of(asked):
    return photogate.Client(asked["gateway"], asked["credential"], timeout=asked.get("timeout", 30),
                            retry=photogate.Retry(attempts=asked.get("attempts", 6), base=asked.get("base", 0.05)))


def watched(asked):
    """Options of an upload: its way, and a progress that is recorded, and may abort."""
    seen, abort = [], threading.Event()

    def progress(sent, total):
        seen.append((sent, total))
        if asked.get("abort_after") is not None and sent >= asked["abort_after"]:
            abort.set()

    return seen, {"way": asked.get("way", "auto"), "progress": progress, "abort": abort}


def told(upload, seen):
    return {"upload": upload, "progress": {"calls": len(seen), "last": seen[-1] if seen else None, "lowest": min((each[0] for each in seen), default=None)}}


def answer(asked):
    op = asked["op"]
    if op == "verify":
        options = {"tolerance": asked["tolerance"]} if "tolerance" in asked else {}
        check = photogate.verify_callback if asked.get("parse") else photogate.verify_signature
        return check(asked["secrets"], asked["headers"], base64.b64decode(asked["body"]), now=asked.get("now"), **options)
    client = client_of(asked)
    key = {"idempotency_key": asked["idempotency_key"]} if "idempotency_key" in asked else {}
    if op == "create":
        return client.create_upload(**key, **asked["wanted"])
    if op == "batch":
        return client.create_uploads(asked["uploads"], **key)
    if op == "upload":
        seen, options = watched(asked)
        return told(client.upload(asked["file"], wait=asked.get("wait", 60), **options, **key, **asked["wanted"]), seen)
    if op == "send":
        seen, options = watched(asked)
        return told(client.send(asked["created"], asked["file"], **options), seen)
    if op == "wait":
        return client.wait_for_upload(asked["id"], seconds=asked["seconds"])
    if op == "list":
        return [each["id"] for each in client.list_uploads(page_size=asked["page_size"], metadata=asked.get("metadata"), state=asked.get("state"))]
    if op == "events":
        return [{"page": [event["type"] for event in page["data"]], "next": page["next"]} for page in client.events(asked.get("after"), page_size=asked["page_size"])]
    if op == "list_packages":
        return [each["id"] for each in client.list_packages(page_size=asked["page_size"])]
    if op == "create_package":
        return client.create_package(**key, **asked["wanted"])
    if op == "get_package":
        return client.get_package(asked["id"], wait=asked["wait"])
    if op in ("create_token", "get_profile"):
        return getattr(client, op)(**asked["wanted"])
    if op in ("image_url", "package_url"):
        return getattr(client, op)(asked["id"], **asked.get("wanted", {}))
    return getattr(client, op)(asked["id"])


def main():
    for line in sys.stdin:
        try:
            made = {"ok": answer(json.loads(line))}
        except photogate.ProblemError as error:
            made = {"error": {"type": "problem", **{name: getattr(error, name) for name in ("status", "code", "title", "detail", "request_id", "errors", "retry_after")}}}
        except photogate.StoreError as error:
            made = {"error": {"type": "store", "status": error.status, "code": error.code}}
        except photogate.PhotogateError as error:
            made = {"error": {"type": type(error).__name__.removesuffix("Error").lower(), "message": str(error)}}
        except ValueError as error:
            made = {"error": {"type": "usage", "message": str(error)}}
        print(json.dumps(made), flush=True)


main()
