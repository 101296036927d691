"""Browser clients that ask an app server for a signed upload, unmodified: ActiveStorage's, Laravel Vapor's and better-upload's JavaScript, with
examples/node as the app server; and the Ruby and PHP of the pages."""
import json
import os
import re
import shutil
import subprocess

import app_server
import bundles
import pytest
from test_snippets import snippet

from tests.rig import pictures
from tests.rig import stack as services
from tests.rig.world import World

pytestmark = pytest.mark.large  # packages of npm, gems and more, in Chromium: ./test --suites

ENTRY = """
import { DirectUpload } from "@rails/activestorage";
import { uploadFiles } from "@better-upload/client";
import Vapor from "laravel-vapor";
const chosen = () => [...document.getElementById("files").files];
window.activeStorage = () => new Promise((resolve) => new DirectUpload(chosen()[0], "/rails/active_storage/direct_uploads")
  .create((error, blob) => resolve(error ? { error: String(error) } : { id: blob.signed_id })));
window.vapor = () => Vapor.store(chosen()[0], { data: { content_length: chosen()[0].size } }).then(({ uuid }) => ({ id: uuid }), (error) => ({ error: String(error) }));
window.betterUpload = () => uploadFiles({ route: "photos", files: chosen() })
  .then(({ files, failedFiles }) => ({ ids: files.map((file) => file.objectInfo.key), failed: failedFiles.length }), (error) => ({ error: error.message }));
"""


@pytest.fixture(scope="module")
def world(build_dir, tmp_path_factory):
    port = services.free_port()
    made = World(build_dir, tmp_path_factory.mktemp("signing") / "gateway", apps=[app_server.app(port, max_size=2_000_000)])
    try:
        made.gateway.start()
        with app_server.running("node", made.gateway, made.gateway.apps["example"], port) as url:
            made.app_server = url
            yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    return bundles.bundle(ENTRY, tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def page(world, script, visit):
    return bundles.open_page(visit, script, {}, world.app_server).page


def choose(page, tmp_path, *photos):
    paths = []
    for number, data in enumerate(photos):
        path = tmp_path / f"{number}.jpg"
        path.write_bytes(data)
        paths.append(path)
    page.set_input_files("#files", paths)


def is_published(world, identity):
    assert world.gateway.wait_for(identity, app=world.gateway.apps["example"])["state"] == "published"


@pytest.mark.client("ActiveStorage's JavaScript", "PUT")
def test_active_storage_sends_a_put(world, page, tmp_path):
    choose(page, tmp_path, pictures.photo(400, 300, seed=811))
    sent = page.evaluate("activeStorage()")
    is_published(world, sent["id"])
    choose(page, tmp_path, bytes(2_000_001))
    assert "Status: 422" in page.evaluate("activeStorage()")["error"]


@pytest.mark.client("Laravel Vapor's JavaScript", "PUT")
def test_vapor_sends_a_put(world, page, tmp_path):
    choose(page, tmp_path, pictures.photo(400, 300, seed=812))
    is_published(world, page.evaluate("vapor()")["id"])
    choose(page, tmp_path, bytes(2_000_001))
    assert "422" in page.evaluate("vapor()")["error"]


@pytest.mark.client("better-upload", "PUT")
def test_better_upload_sends_many_puts(world, page, tmp_path):
    choose(page, tmp_path, *(pictures.photo(400, 300, seed=813 + i) for i in range(3)))
    sent = page.evaluate("betterUpload()")
    assert sent.get("failed") == 0 and len(sent["ids"]) == 3, sent
    for identity in sent["ids"]:
        is_published(world, identity)
    choose(page, tmp_path, bytes(2_000_001))
    assert "limit is 2000000" in page.evaluate("betterUpload()")["error"]


RUBY = """
photogate = Photogate.new(ENV["GATEWAY"], ENV["KEY"], ENV["SECRET"])
STDIN.each_line do |line|
  asked = JSON.parse(line)
  answer = asked["wanted"] ? (photogate.create(asked["wanted"]) rescue { "refused" => $!.message }) : { "genuine" => photogate.genuine?(asked["headers"], asked["body"]) }
  puts JSON.generate(answer)
  STDOUT.flush
end
"""
PHP = """
$photogate = new Photogate(getenv('GATEWAY'), getenv('KEY'), getenv('SECRET'));
while ($line = fgets(STDIN)) {
    $asked = json_decode($line, true);
    if (isset($asked['wanted'])) {
        [$status, $body] = $photogate->create($asked['wanted']);
        $answer = $status === 201 ? $body : ['refused' => $body['detail'] ?? $body['title']];
    } else {
        $answer = ['genuine' => $photogate->genuine($asked['headers'], $asked['body'])];
    }
    echo json_encode($answer), "\\n";
}
"""
LANGUAGES = [pytest.param("ruby", "rails.md", "ruby", RUBY, "client.rb", marks=pytest.mark.client("Ruby", "PUT"), id="ruby"),
             pytest.param("php", "laravel.md", "php", PHP, "client.php", marks=pytest.mark.client("PHP", "PUT"), id="php")]


@pytest.mark.large
@pytest.mark.parametrize("program, page_name, language, driver, file_name", LANGUAGES)
def test_class_of_the_page_asks_for_uploads_and_verifies_callbacks(world, tmp_path, program, page_name, language, driver, file_name):
    if not shutil.which(program):
        pytest.fail(f"there is no {program}; ./test --suites installs it")
    (tmp_path / file_name).write_text(snippet((bundles.ROOT / "docs" / "clients" / page_name).read_text(), "The client", language) + driver)
    environment = {**os.environ, "GATEWAY": world.gateway.url, "KEY": world.app.key, "SECRET": world.app.secret}
    with subprocess.Popen([program, tmp_path / file_name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as running:

        def ask(**question):
            running.stdin.write(json.dumps(question) + "\n")
            running.stdin.flush()
            return json.loads(running.stdout.readline())

        photo = pictures.photo(400, 300, seed=820)
        created = ask(wanted={"profile": "photos", "filename": "a.jpg", "content_type": "image/jpeg", "size": len(photo)})
        assert world.send(created, photo)[0] == 200
        assert world.gateway.wait_for(created)["state"] == "published"
        assert re.search("limit", ask(wanted={"profile": "photos", "size": 10 ** 12})["refused"])
        callback = world.receiver.wait_for_upload(created["id"], "upload.published")
        headers = {name: value for name, value in callback.headers.items() if name.startswith("webhook-")}
        body = callback.raw.decode()
        assert ask(headers=headers, body=body) == {"genuine": True}
        assert ask(headers=headers, body=body + " ") == {"genuine": False}
        assert ask(headers={**headers, "webhook-timestamp": "1"}, body=body) == {"genuine": False}
        assert ask(headers={}, body=body) == {"genuine": False}
        running.stdin.close()
