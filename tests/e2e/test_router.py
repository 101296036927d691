"""Two installations, each with its own PostgreSQL and store, behind one address: etc/nginx/photogate-router.conf sends each app to its own."""
import json
import urllib.error
import urllib.request

import pytest

from scripts import local_gateway, nginx
from tests.rig import pictures
from tests.rig import stack as parts

CONFIGURATION = parts.ROOT / "etc" / "nginx" / "photogate-router.conf"


@pytest.fixture
def installations(own_world):
    second = local_gateway.App("second", None, {"photos": {}})
    return own_world(), own_world(apps=[second]), second


@pytest.fixture
def router(installations, tmp_path):
    first, other, _ = installations
    port = parts.free_port()
    text = CONFIGURATION.read_text()
    for theirs, ours in (("127.0.0.1:8080", f"127.0.0.1:{first.port}"), ("127.0.0.1:8081", f"127.0.0.1:{other.port}"),
                         ("listen 8443;", f"listen 127.0.0.1:{port};"), ("$host;", "127.0.0.1;")):
        assert theirs in text, theirs
        text = text.replace(theirs, ours)
    with nginx.Nginx(tmp_path / "router", f"http {{ access_log off; {nginx.temporary_paths(tmp_path / 'router')} {text} }}", [port]):
        yield f"http://127.0.0.1:{port}"


def ask(base, method, path, key, body=None):
    request = urllib.request.Request(base + path, method=method, data=json.dumps(body).encode() if body else None,
                                     headers={**({"Authorization": f"Bearer {key}"} if key else {}), "Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


@pytest.mark.client
def test_each_app_reaches_its_own_database_and_store_through_one_address(installations, router):
    first, other, second = installations
    photo = pictures.photo(seed=3)
    for world, app in ((first, first.app), (other, second)):
        status, created = ask(router, "POST", "/v1/uploads", app.key, {"profile": "photos", "size": len(photo)})
        assert status == 201, created
        assert local_gateway.send(created["upload"], photo)[0] == 200
        for _ in range(5):
            status, upload = ask(router, "GET", f"/v1/uploads/{created['id']}?wait=20", app.key)
            if upload["state"] == "published":
                break
        assert (status, upload["state"]) == (200, "published")
        assert world.sql(f"select count(*) from uploads where id = '{created['id']}'") == "1"
        with urllib.request.urlopen(upload["links"]["image"], timeout=20) as image:
            assert image.status == 200
    assert first.sql("select count(*) from uploads") == other.sql("select count(*) from uploads") == "1"


@pytest.mark.client
def test_key_that_no_installation_knows_is_refused_in_the_same_words_everywhere(installations, router):
    wrong = [local_gateway.new_api_key(name) for name in ("shop", "second", "nobody")]
    answers = [ask(router, "POST", "/v1/uploads", key, {"size": 1}) for key in (*wrong, "", "pgt_x.y")]
    assert {status for status, _ in answers} == {401}
    assert {answer["code"] for _, answer in answers} == {"unauthenticated"}


@pytest.mark.client
def test_an_installation_that_is_down_takes_no_other_app_with_it(installations, router):
    first, other, second = installations
    other.gateway.kill()
    status, created = ask(router, "POST", "/v1/uploads", first.app.key, {"profile": "photos", "size": 10})
    assert status == 201, created
    request = urllib.request.Request(router + "/v1/uploads", method="POST", data=b"{}", headers={"Authorization": f"Bearer {second.key}"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=20)
    assert refused.value.code == 502
