"""Behind HAProxy with etc/haproxy/haproxy.cfg: what test_nginx.py has of nginx, and what is HAProxy's own."""
import subprocess
import urllib.parse

import pytest
from test_nginx import (
    HOST,
    proxied,
    test_gateway_and_nginx_see_the_same_requests,
    test_limits_connections_of_one_client_through_nginx,
    test_no_log_holds_a_client_token_in_a_path,
    test_presigned_url_works_through_the_store_host_name,
    test_takes_client_address_from_nginx_only,
    test_valid_requests_get_the_same_answers,
    valid,
)

from scripts import haproxy as front
from tests.rig import bad_requests
from tests.rig import stack as parts
from tests.rig.bad_requests import head
from tests.rig.raw_http import Raw

# What pytest collects from here too, with this module's pair.
assert valid and test_gateway_and_nginx_see_the_same_requests and test_limits_connections_of_one_client_through_nginx and test_no_log_holds_a_client_token_in_a_path
assert test_presigned_url_works_through_the_store_host_name and test_takes_client_address_from_nginx_only and test_valid_requests_get_the_same_answers

pytestmark = pytest.mark.large  # as long as nginx's: ./test --suites


@pytest.fixture(scope="module")
def pair(minio_world, tmp_path_factory):
    """A gateway that logs every request, and HAProxy in front of it and of the store."""
    gateway = minio_world.another("serve", "behind-haproxy")
    haproxy = front.in_front(tmp_path_factory.mktemp("haproxy"), f"127.0.0.1:{gateway.port}", urllib.parse.urlsplit(minio_world.stack.minio.endpoint).netloc, requests=True)
    gateway.environment |= {"PHOTOGATE_SERVER_ACCESS_LOG": "all", "PHOTOGATE_SERVER_ALLOWED_HOSTS": f"{HOST},127.0.0.1",
                            "PHOTOGATE_SERVER_CORS_ORIGINS": "https://app.example",
                            "PHOTOGATE_S3_PUBLIC_ENDPOINT": f"https://s3.photos.example:{haproxy.tls_port}"}
    with gateway.start(), haproxy:
        yield gateway, haproxy


def test_rejects_each_row_behind_haproxy(pair):
    """By HAProxy, or by the gateway; or HAProxy makes one well-formed request of it and that one is answered."""
    mended = {}
    for row in bad_requests.rows("/livez", "/v1/uploads", HOST):
        with proxied(pair) as client:
            client.socket.settimeout(2)
            try:
                answer = client.ask(row.data, row.method)
            except OSError:
                answer = None
            if answer and answer.status < 400:
                mended[row.name] = answer.status
    # HAProxy reads these leniently and writes them anew: one request, with the meaning that HAProxy gave it. Two equal Hosts become one.
    assert set(mended) <= {"field: bare LF", "field: bare LF alone", "field: obs-fold", "host: two", "target form: absolute", "unexpected body: chunked"}, mended


def test_plain_requests_are_sent_to_https(pair):
    with Raw(pair[1].plain_port) as client:
        answer = client.ask(head("GET /docs HTTP/1.1", host=HOST))
    assert (answer.status, answer.headers["location"]) == (308, f"https://{HOST}/docs")


def test_no_log_holds_a_client_token_while_the_gateway_is_away(tmp_path):
    secret = "eyJhcHAiOiJzaG9wIn0.c2lnbmF0dXJl"
    with front.in_front(tmp_path, "127.0.0.1:9") as haproxy:
        for spelling in ("/u/pgt_", "/u/%70gt_", "/%75/pgt_", "/u%2Fpgt_"):
            with Raw(haproxy.tls_port, tls=HOST) as client:
                assert client.ask(head(f"GET {spelling}{secret}/v1/uploads HTTP/1.1", host=HOST)).status == 503
        parts.wait_until(lambda: haproxy.log.read_text().count("/u/***/v1/uploads") == 4, 60, "the log")
    assert secret not in haproxy.log.read_text()


def test_configuration_has_no_warning(pair):
    """Beside those of the tests' own ports."""
    done = subprocess.run([front.program(), "-c", "-f", pair[1].configuration], env=front.environment(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "WARNING" not in done.stderr, done.stderr
