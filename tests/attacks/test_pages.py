"""Scripts, frames and types: what a browser could be made to do with what the gateway and the built-in store answer."""
import pytest

from tests.rig import pictures
from tests.rig.raw_http import Raw

PAGES = ["/", "/upload", "/docs", "/operate"]
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


@pytest.mark.parametrize("page", PAGES)
def test_page_forbids_inline_script_and_frames(world, page):
    port = world.gateway.metrics_port if page == "/operate" else None
    status, headers, _ = world.gateway.request("GET", page, port=port)
    if status in (301, 302, 303, 307, 308):
        return
    assert status == 200
    policy = headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy and "unsafe-eval" not in policy
    scripts = next((each for each in policy.split(";") if each.strip().startswith(("script-src", "default-src"))), "")
    assert "unsafe-inline" not in scripts and "*" not in scripts
    assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"]


@pytest.mark.parametrize("path", ["/v1/uploads/{}", "/i/{}", "/docs/{}", "/upload?{}", "/u/{}/v1/uploads", "/errors/{}"])
def test_text_of_a_stranger_is_never_markup(world, path):
    import urllib.parse
    for text in (urllib.parse.quote(HOSTILE), urllib.parse.quote(HOSTILE, safe="<>'\"()/=")):
        with Raw(world.gateway.port) as connection:
            connection.send(f"GET {path.format(text)} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            answer = connection.receive()
            assert answer.status >= 200
            kind = answer.headers.get("content-type", "")
            assert "html" not in kind or b"<script>alert(1)" not in answer.body


@pytest.mark.parametrize("store", ["minio", "builtin"])
def test_polyglot_is_published_as_nothing_but_a_picture(minio_world, builtin_world, store):
    world = minio_world if store == "minio" else builtin_world
    photo = pictures.photo(seed=920) + b"<html><script>alert(1)</script>"
    upload = world.publish(photo)
    if upload["state"] != "published":
        assert upload["state"] == "rejected"
        return
    status, headers, body = world.image(upload)
    assert status == 200 and headers["content-type"].startswith("image/") and headers["x-content-type-options"] == "nosniff"
    assert b"<script>" not in body and "default-src 'none'" in headers.get("content-security-policy", "")


@pytest.mark.parametrize("name", [HOSTILE, "a.html", "../../etc/passwd", "a\r\nContent-Type: text/html", "con", ".htaccess", "a" * 5000, "\u202egpj.exe", "a;b\"c"])
def test_file_name_of_a_stranger_is_harmless(world, name):
    status, _, created = world.request("POST", "/v1/uploads", {"profile": "photos", "size": 10, "filename": name})
    if status != 201:
        assert status in (400, 422)
        return
    status, _, shown = world.request("GET", f"/v1/uploads/{created['id']}")
    assert "\r" not in str(shown) and "\u202e" not in str(shown)
    assert "/../" not in created["upload"]["url"]


@pytest.mark.parametrize("query", ["response-content-type=text/html", "response-content-disposition=attachment", "response-cache-control=x"])
def test_public_image_takes_no_type_from_its_reader(world, query):
    upload = world.publish(pictures.photo(seed=921))
    identity = upload["links"]["image"].rsplit("/", 1)[1]
    _, headers, _ = world.request("GET", f"/i/{identity}?{query}")
    assert "html" not in headers["content-type"]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example"])
@pytest.mark.parametrize("path", ["/v1/uploads", "/v1/endpoints", "/v1/tokens"])
def test_foreign_origin_gets_no_credentials(world, origin, path):
    _, headers, _ = world.request("OPTIONS", path, headers={"Origin": origin, "Access-Control-Request-Method": "POST"}, key="")
    assert headers.get("access-control-allow-credentials") != "true" or headers.get("access-control-allow-origin") != origin
