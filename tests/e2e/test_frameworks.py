"""Rails and Laravel themselves, with the code of their pages and their own JavaScript, unmodified, in Chromium: the site signs by photogate, the
browser sends to the store, the callback becomes a job."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import time
import urllib.request

import bundles
import pytest
from test_snippets import signed, snippet

from scripts import local_gateway
from tests.rig import pictures
from tests.rig import stack as services
from tests.rig.world import World

pytestmark = pytest.mark.large  # packages of Debian and npm: ./test --suites

SITES = pathlib.Path(__file__).parent / "sites"
PAGES = pathlib.Path(bundles.ROOT) / "docs" / "clients"
# What the pages leave to the reader: imports of the files that `rails new` and `laravel new` make.
LARAVEL_USES = """<?php
use Illuminate\\Foundation\\Http\\Middleware\\VerifyCsrfToken;
use Illuminate\\Http\\Request;
use Illuminate\\Support\\Facades\\Route;
"""
LARAVEL_CONFIG = {
    "app": {"name": "shop", "env": "production", "debug": True, "url": "http://127.0.0.1", "timezone": "UTC", "locale": "en", "fallback_locale": "en",
            "key": "base64:" + "A" * 43 + "=", "cipher": "AES-256-CBC", "aliases": {}, "providers": [
                *(f"Illuminate\\{name}ServiceProvider" for name in (
                    "Auth\\Auth", "Bus\\Bus", "Cache\\Cache", "Cookie\\Cookie", "Encryption\\Encryption", "Filesystem\\Filesystem", "Foundation\\Providers\\Foundation",
                    "Queue\\Queue", "Session\\Session", "Translation\\Translation", "Validation\\Validation", "View\\View")), "Site"]},
    "auth": {"defaults": {"guard": "web"}, "guards": {"web": {"driver": "visitor"}}, "providers": {}},
    "cache": {"default": "array", "stores": {"array": {"driver": "array"}}, "prefix": "shop"},
    "filesystems": {"default": "local", "disks": {}},
    "logging": {"default": "errorlog", "channels": {"errorlog": {"driver": "errorlog"}}},
    "queue": {"default": "sync", "connections": {"sync": {"driver": "sync"}}},
    "session": {"driver": "cookie", "lifetime": 120, "expire_on_close": False, "encrypt": False, "cookie": "shop", "path": "/", "domain": None, "secure": False,
                "http_only": True, "same_site": "lax", "lottery": [0, 100]},
    "view": {"paths": [], "compiled": "/tmp"},
}


def page(name):
    return (PAGES / name).read_text()


def rails(folder):
    """The command that serves the site."""
    text = page("rails.md")
    (folder / "lib").mkdir()
    (folder / "config").mkdir()
    (folder / "lib" / "photogate.rb").write_text(snippet(text, "The client", "ruby"))
    controllers, routes = re.findall(r"```ruby\n(.*?)```", text.split("## The controllers", 1)[1], re.S)
    (folder / "controllers.rb").write_text(controllers)
    (folder / "config" / "routes.rb").write_text(f"Rails.application.routes.draw do\n{routes}\n  root 'pages#index'\n  post '/pictures', to: 'pages#create'\nend\n")
    shutil.copy(SITES / "rails.rb", folder)
    return lambda _: ["ruby", "rails.rb"]


def laravel(folder):
    text = page("laravel.md")
    (folder / "Photogate.php").write_text(snippet(text, "The client", "php"))
    (folder / "routes.php").write_text(LARAVEL_USES + snippet(text, "The routes", "php"))
    for path in ("config", "bootstrap/cache", "storage/framework/views", "storage/logs"):
        (folder / path).mkdir(parents=True)
    for name, values in LARAVEL_CONFIG.items():
        (folder / "config" / f"{name}.php").write_text(f"<?php return json_decode({json.dumps(json.dumps(values)).replace('$', chr(92) + '$')}, true);")
    shutil.copy(SITES / "laravel.php", folder)
    return lambda port: ["php", "-d", "display_errors=stderr", "-S", f"127.0.0.1:{port}", "laravel.php"]


class Site:
    """A framework's app server, which a world's app `site` calls back; in `saved` the jobs that it did."""

    def __init__(self, build_dir, folder, write):
        self.port, self.folder = services.free_port(), folder / "site"
        self.folder.mkdir()
        self.log = self.folder / "site.log"
        command = write(self.folder)(self.port)
        self.app = local_gateway.App("site", f"http://127.0.0.1:{self.port}/hooks/photogate", {"photos": {"max_size": 2_000_000, "write_once": "false"}})
        self.world = World(build_dir, folder / "gateway", apps=[self.app])
        self.process = None
        try:
            self.world.gateway.start()
            gateway, app = self.world.gateway, self.world.gateway.apps["site"]
            self.saved_in = self.folder / "saved"
            environment = {**os.environ, "GATEWAY": gateway.url, "KEY": app.key, "SECRET": app.secret, "PORT": str(self.port), "SAVED": str(self.saved_in),
                           "RAILS_ENV": "production", "DATABASE_URL": "sqlite3::memory:", "SECRET_KEY_BASE": "0" * 64, "PHP_CLI_SERVER_WORKERS": "4"}
            with self.log.open("wb") as log:
                self.process = subprocess.Popen(command, cwd=self.folder, env=environment, stdout=log, stderr=log, start_new_session=True)
            services.wait_until(lambda: self.ask("/")[0] == 200, 60, "the site", lambda: self.process.poll() is None)
        except BaseException:
            print(self.log.read_text() if self.log.exists() else "")
            self.close()
            raise

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def ask(self, path, body=None, headers=None):
        """(status, body)"""
        with contextlib.suppress(ConnectionError, urllib.error.URLError):
            request = urllib.request.Request(self.url + path, body, headers or {})
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    return answer.status, answer.read()
            except urllib.error.HTTPError as refused:
                return refused.code, refused.read()
        return 0, b""

    def saved(self):
        return [json.loads(line) for line in self.saved_in.read_text().splitlines()] if self.saved_in.exists() else []

    def is_published(self, identity):
        assert self.world.gateway.wait_for(identity, app=self.world.gateway.apps["site"])["state"] == "published"
        services.wait_until(lambda: ["upload.published", identity] in [each[:2] for each in self.saved()], 60, "the job of the callback")
        assert {each[2]["user"] for each in self.saved() if each[1] == identity} == {"7"}

    def close(self):
        if self.process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, 15)  # its own group
            self.process.wait(20)
        self.world.close()


@contextlib.contextmanager
def site(build_dir, folder, write):
    made = Site(build_dir, folder, write)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def rails_site(build_dir, tmp_path_factory):
    with site(build_dir, tmp_path_factory.mktemp("rails"), rails) as made:
        yield made


@pytest.fixture(scope="module")
def laravel_site(build_dir, tmp_path_factory):
    with site(build_dir, tmp_path_factory.mktemp("laravel"), laravel) as made:
        yield made


@pytest.fixture
def photo(tmp_path):
    def make(seed):
        path = tmp_path / f"{seed}.jpg"
        path.write_bytes(pictures.photo(400, 300, seed=seed))
        return path

    return make


def too_large(tmp_path):
    path = tmp_path / "large.jpg"
    path.write_bytes(bytes(2_000_001))
    return path


def opened(visit, site, code, tmp_path, path="/"):
    """A page of the site with its framework's JavaScript."""
    found = visit(permissions=["local-network-access"]).page
    found.goto(site.url + path)
    found.add_script_tag(content=bundles.bundle(code, tmp_path))
    return found


def forged_callbacks_change_nothing(site):
    before = site.saved()
    body = json.dumps({"type": "upload.published", "data": {"id": "upl_forged"}}).encode()
    genuine = signed(body, secret=site.world.gateway.apps["site"].secret)
    fields = {"Content-Type": "application/json"}
    for headers, content in (({}, body), (signed(body), body), (genuine, body + b" "), ({**genuine, "webhook-timestamp": str(int(time.time()) - 400)}, body)):
        assert site.ask("/hooks/photogate", content, {**fields, **headers})[0] == 400
    assert site.saved() == before
    assert site.ask("/hooks/photogate", body, {**fields, **genuine})[0] == 204
    services.wait_until(lambda: ["upload.published", "upl_forged"] in [each[:2] for each in site.saved()], 60, "the job")


# ---- Rails

RAILS = """
import * as ActiveStorage from "@rails/activestorage";
ActiveStorage.start();
window.direct = () => new Promise((resolve) => new ActiveStorage.DirectUpload(document.getElementById("files").files[0], "/rails/active_storage/direct_uploads")
  .create((error, blob) => resolve(error ? { error: String(error) } : blob)));
"""


@pytest.mark.client("Rails", "PUT")
def test_rails_signs_for_direct_upload_and_saves_what_the_callback_says(rails_site, visit, photo, tmp_path):
    found = opened(visit, rails_site, RAILS, tmp_path)
    found.set_input_files("#files", photo(851))
    blob = found.evaluate("direct()")
    assert blob["signed_id"].startswith("upl_") and blob["filename"] == "851.jpg", blob
    rails_site.is_published(blob["signed_id"])
    found.set_input_files("#files", too_large(tmp_path))
    assert "Status: 422" in found.evaluate("direct()")["error"]


@pytest.mark.client("Rails", "PUT")
def test_form_with_a_direct_upload_field_submits_the_id_of_its_upload(rails_site, visit, photo, tmp_path):
    found = opened(visit, rails_site, RAILS, tmp_path)
    found.set_input_files("#files", photo(852))
    with found.expect_navigation(url="**/pictures"):
        found.click("button")
    identity = found.inner_text("body")
    assert re.fullmatch(r"upl_\w+", identity)
    rails_site.is_published(identity)


def test_rails_refuses_requests_without_its_token(rails_site):
    body = json.dumps({"blob": {"filename": "a.jpg", "content_type": "image/jpeg", "byte_size": 1000, "checksum": "x"}}).encode()
    assert rails_site.ask("/rails/active_storage/direct_uploads", body, {"Content-Type": "application/json"})[0] == 422


@pytest.mark.client("Rails", "PUT")
def test_rails_takes_genuine_callbacks_alone(rails_site):
    forged_callbacks_change_nothing(rails_site)


# ---- Laravel

LARAVEL = """
import Vapor from "laravel-vapor";
window.vapor = () => Vapor.store(document.getElementById("files").files[0], { data: { content_length: document.getElementById("files").files[0].size } })
  .then((found) => found, (error) => ({ error: String(error), message: error.response?.data?.message }));
"""


@pytest.mark.client("Laravel", "PUT")
def test_laravel_signs_for_vapor_and_saves_what_the_callback_says(laravel_site, visit, photo, tmp_path):
    found = opened(visit, laravel_site, LARAVEL, tmp_path, "/sign-in")
    found.set_input_files("#files", photo(853))
    sent = found.evaluate("vapor()")
    assert sent.get("uuid", "").startswith("upl_"), sent
    laravel_site.is_published(sent["uuid"])
    found.set_input_files("#files", too_large(tmp_path))
    refused = found.evaluate("vapor()")
    assert "422" in refused["error"] and "limit" in refused["message"]


def test_laravel_signs_for_nobody_else(laravel_site, visit, photo, tmp_path):
    found = opened(visit, laravel_site, LARAVEL, tmp_path)
    found.set_input_files("#files", photo(854))
    assert "401" in found.evaluate("vapor()")["error"], "not signed in"
    assert laravel_site.ask("/vapor/signed-storage-url", b"{}", {"Content-Type": "application/json"})[0] == 419, "without Laravel's token"


@pytest.mark.client("Laravel", "PUT")
def test_laravel_takes_genuine_callbacks_alone(laravel_site):
    forged_callbacks_change_nothing(laravel_site)
