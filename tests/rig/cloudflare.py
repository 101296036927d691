"""Cloudflare's API as far as R2's setup asks it, with the shapes of its API reference: an envelope, lists in pages, tokens whose value is told once.

A token that is for R2's storage becomes a user of the S3 store behind it, with the id as the access key and the SHA-256 of the value as the secret key:
`users(id, secret)` is called with them. It judges no permission: that a token may do what its policy says is Cloudflare's to prove.
"""
import hashlib
import http.server
import json
import re
import secrets
import threading
import urllib.parse

GROUPS = [{"id": secrets.token_hex(16), "name": name, "scopes": ["com.cloudflare.edge.r2.bucket"]} for name in
          ("Workers R2 Storage Bucket Item Write", "Workers R2 Storage Bucket Item Read", "Queues Write", "Queues Read")]
STORAGE = GROUPS[0]["id"]


class Cloudflare:
    def __init__(self, account, token, make_bucket, users):
        self.account, self.token, self.make_bucket, self.users = account, token, make_bucket, users
        self.buckets, self.queues, self.tokens, self.consumers, self.rules, self.cors, self.public = {}, {}, {}, {}, {}, {}, set()
        self.changes = []  # (method, path) of all that was not asked alone
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                url = urllib.parse.urlsplit(self.path)
                if self.headers.get("Authorization") != f"Bearer {outer.token}":
                    return self.send(403, [{"code": 10000, "message": "Authentication error"}], None)
                path = url.path.removeprefix(f"/client/v4/accounts/{outer.account}")
                if path == url.path:
                    return self.send(404, [{"code": 7003, "message": "Could not route"}], None)
                if self.command != "GET":
                    outer.changes.append((self.command, path))
                status, result = outer.handle(self.command, path, json.loads(body) if body else None)
                if status == 200 and isinstance(result, list) and path != "/tokens/permission_groups":
                    query = dict(urllib.parse.parse_qsl(url.query))
                    page, size = int(query.get("page", 1)), int(query.get("per_page", 20))
                    result = result[(page - 1) * size:page * size]
                self.send(status, [] if status == 200 else [{"code": 10006, "message": "not found" if status == 404 else "refused"}], result)

            def send(self, status, errors, result):
                text = json.dumps({"success": not errors, "errors": errors, "messages": [], "result": result}).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PUT = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.base = f"http://127.0.0.1:{self.server.server_address[1]}/client/v4"

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def value(self, token):
        value = secrets.token_urlsafe(30)
        self.tokens[token]["secret"] = value
        if self.tokens[token]["policies"][0]["permission_groups"][0]["id"] == STORAGE:
            self.users(token, hashlib.sha256(value.encode()).hexdigest())
        return value

    def shown(self, token):
        return {name: value for name, value in self.tokens[token].items() if name != "secret"}

    def handle(self, method, path, body):
        match path.strip("/").split("/"), method:
            case ["r2", "buckets"], "POST":
                self.buckets[body["name"]] = {"name": body["name"]}
                self.make_bucket(body["name"])
                return 200, self.buckets[body["name"]]
            case ["r2", "buckets", name, *_], _ if name not in self.buckets:
                return 404, None
            case ["r2", "buckets", name], "GET":
                return 200, self.buckets[name]
            case ["r2", "buckets", name, "domains", "managed"], "GET":
                return 200, {"bucketId": "0", "domain": "pub-0.r2.dev", "enabled": name in self.public}
            case ["r2", "buckets", name, "domains", "managed"], "PUT":
                (self.public.add if body["enabled"] else self.public.discard)(name)
                return 200, body
            case ["r2", "buckets", name, "cors"], "GET":
                return (200, self.cors[name]) if name in self.cors else (404, None)
            case ["r2", "buckets", name, "cors"], "PUT":
                self.cors[name] = body
                return 200, {}
            case ["queues"], "GET":
                return 200, list(self.queues.values())
            case ["queues"], "POST":
                queue = secrets.token_hex(16)
                self.queues[queue] = {"queue_id": queue, "queue_name": body["queue_name"]}
                return 200, self.queues[queue]
            case ["queues", queue, "consumers"], "GET":
                return 200, self.consumers.get(queue, [])
            case ["queues", queue, "consumers"], "POST":
                self.consumers.setdefault(queue, []).append({"consumer_id": "1", "type": body["type"]})
                return 200, {}
            case ["event_notifications", "r2", name, "configuration"], "GET":
                rules = self.rules.get(name)
                return (200, {"bucketName": name, "queues": rules}) if rules else (404, None)
            case ["event_notifications", "r2", name, "configuration", "queues", queue], "PUT":
                self.rules.setdefault(name, []).append({"queueId": queue, "queueName": self.queues[queue]["queue_name"], "rules": body["rules"]})
                return 200, {}
            case ["tokens", "permission_groups"], "GET":
                return 200, GROUPS
            case ["tokens"], "GET":
                return 200, [self.shown(token) for token in self.tokens]
            case ["tokens"], "POST":
                token = secrets.token_hex(16)
                self.tokens[token] = {"id": token, "name": body["name"], "status": "active", "policies": [{"id": "1", **body["policies"][0]}]}
                return 200, {**self.shown(token), "value": self.value(token)}
            case ["tokens", token], "PUT" if token in self.tokens:
                self.tokens[token]["policies"] = body["policies"]
                return 200, self.shown(token)
            case ["tokens", token, "value"], "PUT" if token in self.tokens:
                return 200, self.value(token)
        return (404 if re.match(r"GET|PUT", method) else 400), None
