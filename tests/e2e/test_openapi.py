"""/openapi.json, the routes in the code and the server say the same; and the server holds to it under thousands of odd requests."""
import json
import os
import re
import subprocess
import sys

import browser as browsers

ROOT = browsers.ROOT
DOCUMENT = json.loads((ROOT / "web" / "openapi.json").read_text())
# Routes of the metrics listener and files of the pages are not part of the interface.
ELSEWHERE = {"/metrics", "/operate", "/assets/{name}"}


def routes_of_the_code():
    """Patterns as they stand in gateway/routes, with the two bases that are put together there."""
    patterns = set()
    for path in (ROOT / "gateway" / "routes").glob("*.cpp"):
        patterns |= set(re.findall(r'"(/(?:(?:v1|u|i|livez|readyz|version|metrics|docs|upload|openapi\.json|operate)(?:/[^"\s?]*)?)?)"', path.read_text()))
    # Beginnings of links and of paths of one upload, not routes of their own.
    return {pattern for pattern in patterns if not pattern.endswith("/") or pattern == "/"}


def test_documents_every_route():
    assert routes_of_the_code() - ELSEWHERE <= set(DOCUMENT["paths"])


def test_serves_exactly_the_documented_operations(world):
    for path, methods in DOCUMENT["paths"].items():
        concrete = re.sub(r"\{\w+\}", "x", path)
        status, headers, _ = world.gateway.request("OPTIONS", concrete)
        allowed = set(headers["allow"].split(", ")) - {"OPTIONS", "HEAD"}
        assert (status, allowed) == (204, {method.upper() for method in methods}), path


def test_serves_document_unchanged_with_resolvable_references(world):
    status, _, served = world.gateway.request("GET", "/openapi.json")
    assert (status, served) == (200, DOCUMENT)

    def references(node):
        if isinstance(node, dict):
            for key, value in node.items():
                if key == "$ref":
                    yield value
                else:
                    yield from references(value)
        elif isinstance(node, list):
            for value in node:
                yield from references(value)

    for reference in set(references(DOCUMENT)):
        at = DOCUMENT
        for name in reference.removeprefix("#/").split("/"):
            at = at[name]
    operations = [operation["operationId"] for methods in DOCUMENT["paths"].values() for operation in methods.values()]
    assert len(operations) == len(set(operations))


def test_server_conforms_to_the_document(world, tmp_path):
    """Requests made from the document, good and bad: no 5xx, and every answer is one that it describes."""
    command = [os.path.join(os.path.dirname(sys.executable), "schemathesis"), "run", f"{world.gateway.url}/openapi.json", "--max-time", "40", "--request-timeout", "65",
               "--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
               "--phases", "examples,coverage,fuzzing", "--seed", "4", "--generation-database", "none", "--warnings", "off",
               "--header", f"Authorization: Bearer {world.app.key}", "--no-color"]
    # 501 is what RFC 9110 has for a method that the server does not know.
    (tmp_path / "schemathesis.toml").write_text('[checks.not_a_server_error]\nexpected-statuses = ["2xx", "3xx", "4xx", 501]\n')
    done = subprocess.run(command, capture_output=True, text=True, timeout=150, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_page_shows_every_operation_and_loads_nothing_foreign(world):
    with browsers.chromium() as chromium:
        seen = browsers.Visit(chromium)
        page = seen.page
        page.goto(world.gateway.url + "/docs#createUpload")
        page.wait_for_selector("#createUpload[open]")
        assert page.locator("main section .operation summary .method").count() == sum(len(each) for each in DOCUMENT["paths"].values())
        assert "client_fields" in page.inner_text("#createUpload")
        browsers.check_rules(page)
        seen.picture("docs")
        assert seen.complaints == [] and seen.hosts == {f"127.0.0.1:{world.port}"}
        seen.close()
