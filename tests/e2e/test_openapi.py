"""/openapi.json, the routes in the code and the server say the same; and the server holds to it under thousands of odd requests."""
import json
import os
import re
import subprocess
import sys

import browser as browsers
import jsonschema_rs
import pytest

ROOT = browsers.ROOT
DOCUMENT = json.loads((ROOT / "web" / "openapi.json").read_text())
# Routes of the metrics listener and files of the pages are not part of the interface.
ELSEWHERE = {"/metrics", "/operate", "/assets/{name}"}


def routes_of_the_code():
    """Patterns as they stand in gateway/routes, with the two bases that are put together there."""
    patterns = set()
    for path in (ROOT / "gateway" / "routes").glob("*.cpp"):
        patterns |= set(re.findall(r'"(/(?:(?:v1|u|i|p|livez|readyz|version|metrics|docs|upload|packages|openapi\.json|operate)(?:/[^"\s?]*)?)?)"', path.read_text()))
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


@pytest.mark.parametrize("seconds", [12, pytest.param(90, marks=pytest.mark.large)])
def test_server_conforms_to_the_document(world, tmp_path, seconds):
    """Requests made from the document, good and bad: no 5xx, and every answer is one that it describes."""
    command = [os.path.join(os.path.dirname(sys.executable), "schemathesis"), "run", f"{world.gateway.url}/openapi.json", "--max-time", str(seconds), "--request-timeout", "65",
               "--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
               "--phases", "examples,coverage,fuzzing", "--seed", "4", "--generation-database", "none", "--warnings", "off",
               "--header", f"Authorization: Bearer {world.app.key}", "--no-color"]
    # 501 is what RFC 9110 has for a method that the server does not know.
    (tmp_path / "schemathesis.toml").write_text('[checks.not_a_server_error]\nexpected-statuses = ["2xx", "3xx", "4xx", 501]\n')
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 110, cwd=tmp_path)
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


def json_schemas(operation):
    """The schemas of its JSON body and of its first answer."""
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    answer = next(iter(operation["responses"].values())).get("content", {}).get("application/json", {}).get("schema")
    return [schema for schema in (body, answer) if schema]


def test_every_operation_has_valid_examples_of_body_and_answer(world):
    for methods in DOCUMENT["paths"].values():
        for operation in methods.values():
            if operation["tags"] in (["Service"], ["Pages"]):
                continue
            for schema in json_schemas(operation):
                whole = DOCUMENT["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema
                assert whole.get("examples"), operation["operationId"]
    for name, schema in DOCUMENT["components"]["schemas"].items():
        validator = jsonschema_rs.Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]})
        for example in schema.get("examples", []):
            validator.validate(example)
    # They have what real answers have.
    created = world.create({"filename": "photo.jpg", "content_type": "image/jpeg", "size": 5})
    example = DOCUMENT["components"]["schemas"]["GrantedUpload"]["examples"][0]
    assert set(example) == set(created) and set(example["upload"]) == set(created["upload"])
    assert set(example["upload"]["headers"]) == set(created["upload"]["headers"])
    profile = world.request("GET", "/v1/profile?profile=small")[2]
    assert set(DOCUMENT["components"]["schemas"]["Profile"]["examples"][0]) == set(profile) and profile["max_size"] == 100_000
    token = world.request("POST", "/v1/tokens", {"profile": "small"})[2]
    for path, key in (("/v1/profile", token["token"]), (f"/u/{token['token']}/v1/profile", "")):
        assert world.request("GET", path, key=key)[2] == profile
        assert world.request("GET", path + "?profile=photos", key=key)[2]["code"] == "unknown_profile"


def test_page_has_base_url_authentication_and_commands_that_run(world):
    with browsers.chromium() as chromium:
        seen = browsers.Visit(chromium)
        page = seen.page
        page.goto(world.gateway.url + "/docs#createUpload")
        page.wait_for_selector("#createUpload[open]")
        text = page.inner_text("main")
        assert f"Base URL: {world.gateway.url}" in text and "Authorization: Bearer pg_" in text and "Authorization: Bearer pgt_" in text
        command = page.inner_text("#createUpload pre[aria-label='command of createUpload']")
        done = subprocess.run(["bash", "-euc", command], capture_output=True, text=True, timeout=30, env={**os.environ, "KEY": world.app.key})
        assert json.loads(done.stdout)["upload"]["method"] == "PUT", done
        for name in ("body", "answer"):
            assert json.loads(page.inner_text(f"#createUpload pre[aria-label='example {name} of createUpload']"))
        seen.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.click("#createUpload button[aria-label='Copy the command of createUpload']")
        page.wait_for_function("() => document.querySelector('#createUpload button').textContent === 'Copied'")
        assert page.evaluate("() => navigator.clipboard.readText()") == command
        for width in (390, 1280, 2560):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), width
            seen.picture(f"docs-{width}")
        assert seen.complaints == []
        seen.close()


@pytest.mark.large
def test_type_of_every_problem_leads_to_its_explanation(world, gateways):
    codes = json.loads((ROOT / "web" / "words.json").read_text())
    for port in (world.port, world.metrics_port):
        for method, path, body, key in (("GET", "/v1/nothing", None, ""), ("GET", "/v1/uploads", None, ""), ("POST", "/v1/uploads", {"size": 0}, None), ("DELETE", "/docs", None, "")):
            status, _, problem = world.gateway.request(method, path, body, key=world.app.key if key is None else key, port=port)
            page, _, anchor = problem["type"].removeprefix(world.gateway.url).partition("#")  # its public_url
            assert status >= 400 and (page, anchor) == ("/docs/errors", problem["code"])
            status, headers, html = world.gateway.request("GET", page, key="", port=port)
            assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
            assert f'id="{anchor}"' in str(html), anchor
    public = gateways(public_url="https://photos.example")
    assert public.request("GET", "/v1/nothing", key="")[2]["type"] == "https://photos.example/docs/errors#not_found"
    for table, prefix in (("errors", ""), ("rejections", "rejection-")):
        for code in codes[table]:
            assert f'id="{prefix}{code}"' in str(html), code
    with browsers.chromium() as chromium:
        seen = browsers.Visit(chromium)
        seen.page.goto(world.gateway.url + "/docs/errors#rate_limited")
        section = seen.page.inner_text("#rate_limited")
        assert "429" in section and "may succeed later" in section and codes["errors"]["rate_limited"]["say"] in section
        browsers.check_rules(seen.page)
        seen.picture("docs-errors")
        assert seen.complaints == []
        seen.close()
