"""The snippets of the pages: TOML is a configuration that photogate accepts, JSON parses, shell has no syntax error.

What runs them as they stand is tests/e2e/test_snippets.py and the tests of each guide; here nothing is left out.
"""
import base64
import json
import os
import pathlib
import re
import subprocess
import textwrap
import tomllib

import pytest
from test_links import pages

ROOT = pathlib.Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\S*)[^\n]*\n(?P<body>.*?)^(?P=indent)```\s*$", re.M | re.S)
REGION = {"endpoint": "http://127.0.0.1:9000", "signer_access_key": "signer-of-the-test", "signer_secret_key": "signer-secret-0123456789abcdef",
          "worker_access_key": "worker-of-the-test", "worker_secret_key": "worker-secret-0123456789abcdef"}
KEY = f'keys = ["sha256:{64 * "0"}"]'
FILES = {"callback_secrets": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3", "event_tokens": "0123456789abcdef0123456789abcdef", "database_url": "postgresql://photogate@127.0.0.1/photogate",
         "link_secrets": "0123456789abcdef0123456789abcdef", "signer_secret": REGION["signer_secret_key"], "worker_secret": REGION["worker_secret_key"]}
PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=")
# Of other programs.
FOREIGN = {"notification"}
# Secrets of the examples that are words; a real one is as long as this.
WORDS = {'"TOKEN"': f'"{FILES["event_tokens"]}"', '"whsec_…"': f'"{FILES["callback_secrets"]}"', '"TOKEN_OF_CLOUDFLARE"': f'"{FILES["event_tokens"]}"'}


def snippets(language):
    """[(page:line, text)]"""
    found = []
    for page in pages():
        text = (ROOT / page).read_text(encoding="utf-8")
        for fence in FENCE.finditer(text):
            if fence["language"] == language:
                line = text.count("\n", 0, fence.start()) + 1
                found.append(pytest.param(textwrap.dedent(fence["body"]), id=f"{page}:{line}"))
    assert found, f"no page has a snippet of {language}"
    return found


def whole(text):
    """The snippet with what a configuration needs beside it."""
    for word, secret in WORDS.items():
        text = text.replace(word, secret)
    read = tomllib.loads(text)
    for name, region in read.get("regions", {}).items():
        missing = "".join(f'{key} = "{value}"\n' for key, value in REGION.items() if key not in region and f"{key}_file" not in region)
        text = text.replace(f"[regions.{name}]\n", f"[regions.{name}]\n{missing}") if f"[regions.{name}]\n" in text else re.sub(
            rf"^(\[regions\.{name}\][^\n]*\n)", lambda match: match[1] + missing, text, flags=re.M)
    if not {"regions", "store"} & set(read):
        text += "\n[regions.default]\n" + "".join(f'{key} = "{value}"\n' for key, value in REGION.items())
    if not {"url", "url_file", "folder"} & set(read.get("database", {})):
        url = f'url = "{FILES["database_url"]}"\n'
        text = re.sub(r"^\[database\][^\n]*\n", lambda match: match[0] + url, text, flags=re.M) if "database" in read else f"{text}\n[database]\n{url}"
    for app in read.get("apps", {"shop": {}}):
        if "keys" not in read.get("apps", {}).get(app, {}):
            text = re.sub(rf"^\[apps\.{app}\][^\n]*\n", lambda match: f"{match[0]}{KEY}\n", text, flags=re.M) if re.search(rf"^\[apps\.{app}\]", text, re.M) else (
                f"{text}\n[apps.{app}]\n{KEY}\n")
    read = tomllib.loads(text)
    for app, options in read["apps"].items():
        if not options.get("profiles"):
            text += f"\n[apps.{app}.profiles.photos]\n"
    if "purges" in read and "callbacks" not in read:
        text += '\n[callbacks]\nallowed_networks = ["192.0.2.0/24"]\n'
    return text


def write(folder, text):
    """The configuration in a folder that has what it names, instead of in the folders of a machine."""
    text = re.sub(r'^(\w+_file = ")/[^"\n]*/', r"\1", text, flags=re.M)
    text = re.sub(r'^database = "[^"\n]*\.mmdb"', "", text, flags=re.M)  # docs/regions.md: of places
    for name in re.findall(r'^\w+_file = "([^"/\n]+)"', text, re.M):
        (folder / name).write_text(FILES.get(name, FILES["event_tokens"]) + "\n")
        (folder / name).chmod(0o600)
    for name in re.findall(r'\bimage = "([^"\n]+\.png)"', text):
        (folder / name).write_bytes(PIXEL)
    path = folder / "photogate.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def program():
    found = pathlib.Path(os.environ.get("PHOTOGATE_BUILD_DIR", ROOT / "build" / "release")) / "photogate"
    if not found.exists():
        pytest.skip(f"{found} is not there: build it first")
    return found


@pytest.mark.parametrize("text", snippets("toml"))
def test_toml_is_a_configuration(text, program, tmp_path):
    if FOREIGN & set(tomllib.loads(text)):
        return
    done = subprocess.run([program, "config", "check", "--config", write(tmp_path, whole(text))], capture_output=True, text=True, timeout=60,
                          env={"PATH": os.environ["PATH"]})
    assert done.returncode == 0, done.stdout + done.stderr + whole(text)


def test_a_mistake_in_a_snippet_is_noticed(program, tmp_path):
    path = write(tmp_path, whole('[server]\npublic_ulr = "https://photos.example"\n'))
    done = subprocess.run([program, "config", "check", "--config", path], capture_output=True, text=True, timeout=60)
    assert done.returncode == 78 and "public_ulr" in done.stdout + done.stderr


@pytest.mark.parametrize("text", snippets("json"))
def test_json_parses(text):
    shortened = re.sub(r"(,\s*)?…(\s*,)?", "", re.sub(r'"[^"\n]*"', lambda match: match[0].replace("…", "."), text))
    json.loads(f"{{{shortened}}}" if shortened.startswith('"') else shortened)  # members of an object


def test_shell_has_no_syntax_error():
    complaints = []
    for case in snippets("sh"):
        done = subprocess.run(["bash", "-n"], input=case.values[0], capture_output=True, text=True, timeout=60)
        if done.returncode != 0 or done.stderr:
            complaints.append(f"{case.id}: {done.stderr.strip()}")
    assert not complaints
