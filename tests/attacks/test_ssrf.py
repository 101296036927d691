"""Callback URLs that lead where the gateway can go and the app cannot."""
import pytest

ADDRESSES = ["169.254.169.254", "10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.2.1",
             "[::1]", "[::]", "[fe80::1]", "[fc00::1]", "[::ffff:10.0.0.1]", "[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]", "[2002:a9fe:a9fe::]", "[ff02::1]"]
SPELLINGS = ["2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518", "0xa9.0xfe.0xa9.0xfe", "169.254.169.254.", "%31%36%39.254.169.254", "①⑥⑨.254.169.254",
             "127.1", "0", "localhost", "localhost.", "LOCALHOST", "ip6-localhost", "metadata.google.internal"]
FORMS = ["ftp://127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1:6379/_x", "dict://127.0.0.1:11211/", "http:///x", "http:127.0.0.1", "//127.0.0.1/", "javascript:alert(1)",
         "http://user:pass@127.0.0.1/", "http://evil.example#@127.0.0.1/", "http://127.0.0.1\\@evil.example/", "http://evil.example:80:80/", "http://127.0.0.1:0/", "http://127.0.0.1:99999/",
         "http://127.0.0.1/\r\nX: y", "http://127.0.0.1/ x", "", "x" * 3000]


def refused(world, url):
    status, _, problem = world.request("POST", "/v1/uploads", {"profile": "photos", "callback_url": url})
    assert status in (400, 422), f"{url} was taken"
    assert "/callback_url" in [each["pointer"] for each in problem.get("errors", [{"pointer": "/callback_url"}])], problem


@pytest.mark.parametrize("host", ADDRESSES + SPELLINGS)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_address_that_is_not_public_is_refused(world, scheme, host):
    refused(world, f"{scheme}://{host}/hook")


@pytest.mark.parametrize("url", FORMS)
def test_odd_url_is_refused(world, url):
    refused(world, url)
