"""Client tokens and API keys: forged, altered, used for what they do not allow."""
import base64
import json

import pytest


def make(world, body=None, key=None):
    status, _, token = world.request("POST", "/v1/tokens", {"profile": "photos", **(body or {})}, key=key)
    assert status == 201, token
    return token


def claims_of(token):
    text = token.removeprefix("pgt_").split(".")[0]
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def forgeries(token):
    claims, signature = token.removeprefix("pgt_").split(".")

    def text(raw):
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    raw = claims_of(token)
    yield "signature cut", f"pgt_{claims}.{signature[:-1]}"
    yield "signature missing", f"pgt_{claims}."
    yield "no dot", f"pgt_{claims}"
    yield "three parts", f"pgt_{claims}.{signature}.{signature}"
    yield "signature of zeros", f"pgt_{claims}.{'A' * len(signature)}"
    yield "claims of another app", f"pgt_{text(raw.replace(b'shop', b'evil'))}.{signature}"
    yield "claims without end", f"pgt_{text(raw[:-1] + b',' + raw[1:])}.{signature}"
    yield "padding", f"pgt_{claims}=.{signature}"
    yield "standard alphabet", f"pgt_{claims}.{signature.replace('-', '+').replace('_', '/')}A"
    yield "JWT with alg none", "eyJhbGciOiJub25lIn0.eyJhcHAiOiJzaG9wIn0."
    yield "prefix alone", "pgt_"
    yield "upper case", token.upper()
    yield "64 KiB", "pgt_" + "A" * 4000 + "." + signature
    yield "NUL", f"pgt_{claims}\x00.{signature}"
    for at in range(0, len(signature), 7):
        other = "A" if signature[at] != "A" else "B"
        yield f"signature altered at {at}", f"pgt_{claims}.{signature[:at]}{other}{signature[at + 1:]}"
    for at in range(0, len(claims), 11):
        other = "A" if claims[at] != "A" else "B"
        yield f"claims altered at {at}", f"pgt_{claims[:at]}{other}{claims[at + 1:]}.{signature}"


def test_forged_token_is_refused(world):
    token = make(world)["token"]
    for name, forged in forgeries(token):
        if "\x00" in forged:
            continue
        status, _, problem = world.request("POST", "/v1/uploads", {"size": 1}, key=forged)
        assert (status, problem["code"]) in ((401, "unauthenticated"), (431, "headers_too_large")), (name, status, problem)


@pytest.mark.parametrize("body, code", [({"profile": "small"}, "unknown_profile"), ({"callback_url": "http://127.0.0.1:1/"}, "invalid_callback_url"),
                                        ({"metadata": {"owner": "other"}}, "invalid_metadata"), ({"app": "other"}, "unknown_member"), ({"key": "u/x"}, "unknown_member"),
                                        ({"bucket": "public"}, "unknown_member"), ({"expires_in": 10 ** 9}, "invalid_expiry"), ({"size": 10 ** 15}, None)])
def test_token_can_not_ask_for_more(world, body, code):
    status, _, problem = world.request("POST", "/v1/uploads", {"size": 1, **body}, key=make(world)["token"])
    assert status in (413, 422), problem
    assert code is None or problem["code"] == code


@pytest.mark.parametrize("method, path", [("GET", "/v1/uploads"), ("GET", "/v1/callbacks"), ("POST", "/v1/tokens"), ("GET", "/v1/events"), ("GET", "/v1/endpoints"),
                                          ("POST", "/v1/endpoints/pause"), ("POST", "/v1/endpoints/resume"), ("POST", "/v1/callbacks/replay"),
                                          ("GET", "/v1/uploads/{id}/timeline"), ("POST", "/v1/uploads/{id}/retry"), ("GET", "/v1/callbacks/evt_x"),
                                          ("POST", "/v1/callbacks/evt_x/replay")])
def test_token_opens_no_other_route(world, victim, method, path):
    token = make(world)["token"]
    assert world.request(method, path.format(id=victim["id"]), {} if method == "POST" else None, key=token)[0] == 401


@pytest.mark.parametrize("method, path", [("GET", ""), ("DELETE", ""), ("POST", "/sign"), ("POST", "/complete"), ("GET", "/callbacks")])
@pytest.mark.parametrize("whose", ["the app's", "another token's", "another app's token"])
def test_token_reaches_no_upload_of_others(world, victim, method, path, whose):
    mine = make(world, key=world.other.key if whose == "another app's token" else None)
    target = victim if whose != "another token's" else world.request("POST", "/v1/uploads", {"size": 1}, key=make(world)["token"])[2]
    status, _, problem = world.request(method, f"/v1/uploads/{target['id']}{path}", {} if method == "POST" else None, key=mine["token"])
    assert status == 404, problem
    assert world.request("GET", f"/v1/uploads/{target['id']}")[2]["state"] == "created"


@pytest.mark.parametrize("key", ["", " ", "pg_shop_", "pg_shop_" + "0" * 52, "pg_other_" + "0" * 52, "pg_ops_" + "z" * 52, "PG_SHOP_x", "null", "sha256:" + "a" * 64, "' or 1=1 --"])
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "Basic", "Token", ""])
def test_wrong_key_is_refused(world, key, scheme):
    status, headers, problem = world.request("GET", "/v1/uploads", headers={"Authorization": f"{scheme} {key}"}, key="")
    assert (status, problem["code"]) == (401, "unauthenticated") and "www-authenticate" in headers


def test_claims_hold_no_secret(world):
    text = claims_of(make(world)["token"]).decode("latin-1")
    assert world.app.key not in text and world.app.secret not in text and "postgresql" not in text


def test_hash_of_a_key_is_no_key(world):
    import hashlib
    for key in (hashlib.sha256(world.app.key.encode()).hexdigest(), "sha256:" + hashlib.sha256(world.app.key.encode()).hexdigest()):
        assert world.request("GET", "/v1/uploads", key=key)[0] == 401


def test_token_in_path_and_key_in_header_are_not_mixed(world, victim):
    token = make(world)["token"]
    status, _, _ = world.request("GET", f"/u/{token}/v1/uploads/{victim['id']}", key=world.app.key)
    assert status in (401, 404), "the path's token decides"
    assert json.dumps(world.request("GET", f"/v1/uploads/{victim['id']}")[2]).count(token) == 0
