"""Form POSTs with a signed policy, altered or repeated, on MinIO and on the built-in store."""
import base64
import json
import secrets
import socket
import urllib.parse

import pytest

from scripts import local_gateway
from tests.attacks.conftest import unchanged
from tests.rig import pictures
from tests.rig.raw_http import Raw
from tests.rig.stack import Builtin


@pytest.fixture(params=["minio_world", "builtin_world"])
def on(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def photo():
    return pictures.photo(seed=910)


def form(world, photo):
    return world.create({"method": "post", "size": len(photo), "content_type": "image/jpeg"})


def widened(fields):
    policy = json.loads(base64.b64decode(fields["policy"]))
    policy["expiration"] = "2099-01-01T00:00:00.000Z"
    policy["conditions"] = [["starts-with", "$key", ""]]
    return base64.b64encode(json.dumps(policy).encode()).decode()


ALTERED = {
    "another key": lambda f: {**f, "key": f["key"].replace("u/", "public/")},
    "key with file name": lambda f: {**f, "key": f["key"] + "${filename}"},
    "key climbs": lambda f: {**f, "key": "u/../" + f["key"]},
    "wider policy": lambda f: {**f, "policy": widened(f)},
    "no policy": lambda f: {name: value for name, value in f.items() if name != "policy"},
    "empty policy": lambda f: {**f, "policy": ""},
    "policy that is no base64": lambda f: {**f, "policy": "{" + f["policy"]},
    "no signature": lambda f: {name: value for name, value in f.items() if name.lower() != "x-amz-signature"},
    "signature of zeros": lambda f: {**f, "x-amz-signature": "0" * 64},
    "another type": lambda f: {**f, "Content-Type": "text/html"},
    "public access list": lambda f: {**f, "acl": "public-read"},
    "redirect elsewhere": lambda f: {**f, "success_action_redirect": "https://evil.example/"},
    "metadata that was not allowed": lambda f: {**f, "x-amz-meta-evil": "1"},
    "another algorithm": lambda f: {**f, "x-amz-algorithm": "AWS4-HMAC-MD5"},
    "version-2 fields": lambda f: {"key": f["key"], "AWSAccessKeyId": "x", "policy": f["policy"], "signature": "y"},
}


@pytest.mark.parametrize("how", list(ALTERED), ids=list(ALTERED))
def test_altered_form_is_refused(on, photo, how):
    created = form(on, photo)
    fields = ALTERED[how](created["upload"]["fields"])
    status, _ = local_gateway.send({**created["upload"], "fields": fields}, photo)
    assert status >= 400
    unchanged(on, created)


def multipart(fields, photo, extra=b"", boundary="b"):
    pieces = [f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode() for name, value in fields]
    return b"".join(pieces) + extra + f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'.encode() + photo + f"\r\n--{boundary}--\r\n".encode()


def posted(created, body, boundary="b"):
    target = urllib.parse.urlsplit(created["upload"]["url"])
    with Raw(target.port) as connection:
        connection.send(f"POST {target.path} HTTP/1.1\r\nHost: {target.netloc}\r\nContent-Type: multipart/form-data; boundary={boundary}\r\n"
                        f"Content-Length: {len(body)}\r\n\r\n".encode())
        connection.send(body)
        answer = connection.receive("POST")
        return answer.status if answer else 0


@pytest.mark.parametrize("name", ["key", "policy", "x-amz-signature", "Content-Type"])
def test_field_given_twice_gains_nothing(on, photo, name):
    created = form(on, photo)
    fields = list(created["upload"]["fields"].items())
    evil = {"key": "public/evil", "Content-Type": "text/html"}.get(name, "x")
    for order in ([*fields, (name, evil)], [(name, evil), *fields]):
        status = posted(created, multipart(order, photo))
        assert status >= 400 or on.request("GET", f"/v1/uploads/{created['id']}")[0] == 200
    assert on.request("GET", "/i/evil")[0] in (400, 404)


@pytest.mark.parametrize("what", ["quote in a name", "line break in a name", "header without end", "part without name", "ten thousand parts", "boundary in the file"])
def test_odd_form_reaches_no_other_key(on, photo, what):
    created = form(on, photo)
    fields = list(created["upload"]["fields"].items())
    body = {
        "quote in a name": lambda: multipart([*fields, ('k"ey', "x")], photo),
        "line break in a name": lambda: multipart([*fields, ("a\r\nX: y", "x")], photo),
        "header without end": lambda: multipart(fields, photo, b"--b\r\nContent-Disposition: form-data" + b"; a=b" * 30_000),
        "part without name": lambda: multipart(fields, photo, b"--b\r\n\r\nx\r\n"),
        "ten thousand parts": lambda: multipart([*fields, *[(f"x-{n}", "y") for n in range(10_000)]], photo),
        "boundary in the file": lambda: multipart(fields, photo[:100] + b"\r\n--b--\r\n" + photo[100:]),
    }[what]()
    status = posted(created, body)
    # MinIO ignores what it does not know; nothing but the signed key is ever written.
    assert status in (200, 201, 204) or status >= 400
    if isinstance(on.stack.minio, Builtin) and what in ("header without end", "ten thousand parts"):
        assert status >= 400
    assert on.request("GET", f"/v1/uploads/{created['id']}")[0] == 200


def test_form_without_signature_takes_no_time(builtin_world, photo):
    """Fields that drip in, without any that could be right."""
    target = urllib.parse.urlsplit(form(builtin_world, photo)["upload"]["url"])
    with socket.create_connection((target.hostname, target.port), timeout=90) as connection:
        boundary = secrets.token_hex(8)
        connection.sendall(f"POST {target.path} HTTP/1.1\r\nHost: {target.netloc}\r\nContent-Type: multipart/form-data; boundary={boundary}\r\n"
                           "Content-Length: 5000000\r\n\r\n".encode())
        connection.sendall(f'--{boundary}\r\nContent-Disposition: form-data; name="a"\r\n\r\n'.encode())
        try:
            while True:
                connection.sendall(b"x" * 70_000)
                if connection.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK):
                    break
        except BlockingIOError:
            connection.settimeout(60)
        except OSError:
            return
        assert connection.recv(100).startswith(b"HTTP/1.1 4")
