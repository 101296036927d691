"""Pages with other people's clients in them: npm packages, unmodified, bundled with the code of the documentation that uses them."""
import json
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
NODE_FOLDER = pathlib.Path(os.environ.get("PHOTOGATE_NODE_DIR", ROOT / ".node"))
ORIGIN = "http://localhost:3999"  # nothing listens there: the browser is answered by the test
HTML = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A client</title></head>
<body><main><h1>A client</h1><label>Files <input id="files" type="file" multiple></label><p id="problem"></p></main>
<script src="/client.js"></script></body></html>"""


def version_of(package):
    return json.loads((NODE_FOLDER / "node_modules" / package / "package.json").read_text())["version"]


def bundle(code, folder, aliases=()):
    """One script of the code with all that it imports."""
    source, target = folder / "client.mjs", folder / "client.js"
    source.write_text(code)
    command = [NODE_FOLDER / "node_modules" / ".bin" / "esbuild", source, "--bundle", "--format=iife", "--log-level=warning", f"--outfile={target}",
               '--define:process.env.NODE_ENV="production"', *(f"--alias:{name}={package}" for name, package in dict(aliases).items())]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env={**os.environ, "NODE_PATH": str(NODE_FOLDER / "node_modules")})
    assert done.returncode == 0, done.stderr
    return target.read_text()


def open_page(visit, script, settings, origin=ORIGIN):
    """A visit of a page of that origin that runs the script, with `window.SETTINGS`."""
    seen = visit(permissions=["local-network-access"])  # the browser knows no address of a page that a test answers
    page = seen.page
    page.route(f"{origin}/client.html", lambda route: route.fulfill(content_type="text/html; charset=utf-8", body=HTML))
    page.route(f"{origin}/client.js", lambda route: route.fulfill(content_type="text/javascript; charset=utf-8", body=script))
    page.add_init_script(f"window.SETTINGS = {json.dumps(settings)};")
    page.goto(f"{origin}/client.html")
    return seen
