"""Programs that drive the client libraries (tests/clients): each is asked by a line of JSON, and answers with one."""
import base64
import contextlib
import json
import os
import pathlib
import subprocess
import sys

import bundles
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLIENTS, DRIVERS = ROOT / "clients", ROOT / "tests" / "clients"
NODE_FOLDER = pathlib.Path(os.environ.get("PHOTOGATE_NODE_DIR", ROOT / ".node"))
DEBIAN_GO = pathlib.Path("/usr/lib/go-1.19/bin/go")  # what Debian 12 has, and must be enough, even where a newer one stands before it


def done(command, **options):
    """Runs it; a failure is the test's."""
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=300, **options)
    assert result.returncode == 0, f"{command}\n{result.stdout}{result.stderr}"
    return result.stdout


def node_tool(name):
    return NODE_FOLDER / "node_modules" / ".bin" / name


def go_environment(folder):
    """Go finds nothing of a workspace, a proxy or a newer toolchain: the library needs the standard library alone."""
    return {**os.environ, "GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOTOOLCHAIN": "local", "GOWORK": "off", "GOCACHE": str(folder / "cache"), "GOPATH": str(folder / "path"),
            "GO111MODULE": "on"}


def go():
    return DEBIAN_GO if DEBIAN_GO.exists() else "go"


def go_tool(name):
    return DEBIAN_GO.parent / name if DEBIAN_GO.exists() else name


def build_typescript(folder):
    """The package as it is published: what `npm run build` makes, in the folder."""
    done([node_tool("tsc"), "--project", CLIENTS / "typescript", "--outDir", folder, "--typeRoots", NODE_FOLDER / "node_modules" / "@types"])
    return folder


def python_command(_folder):
    return [sys.executable, DRIVERS / "driver.py"], {**os.environ, "PYTHONPATH": str(CLIENTS / "python" / "src")}


def node_command(folder):
    build_typescript(folder / "dist")
    (folder / "package.json").write_text('{"type": "module"}')
    return ["node", DRIVERS / "driver.mjs", (folder / "dist" / "index.js").as_uri()], dict(os.environ)


def go_command(folder):
    environment = go_environment(folder)
    done([go(), "build", "-o", folder / "driver", "."], cwd=DRIVERS / "go", env=environment)
    return [folder / "driver"], environment


def php_command(_folder):
    return ["php", "-d", "error_reporting=-1", "-d", "display_errors=stderr", DRIVERS / "driver.php", CLIENTS / "php"], dict(os.environ)


COMMANDS = {"python": python_command, "node": node_command, "go": go_command, "php": php_command}


class Program:
    """A library in a program of its own language."""

    def __init__(self, language, folder):
        command, environment = COMMANDS[language](folder)
        self.process = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)

    def ask(self, **asked):
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"the program has ended: {self.process.wait()}"
        return json.loads(line)

    def close(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait(20)


class Page:
    """The TypeScript library in Chromium: what a page imports, in one script."""

    def __init__(self, visit, folder):
        build_typescript(folder / "dist")
        source = (DRIVERS / "answer.mjs").read_text()
        code = f'import * as photogate from "{folder}/dist/browser.js";\n{source}\nwindow.ask = (asked) => answered(photogate, asked);\n'
        self.visit = bundles.open_page(visit, bundles.bundle(code, folder), {})

    def ask(self, **asked):
        if "file" in asked:
            path = pathlib.Path(asked["file"])
            asked |= {"file": None, "bytes": base64.b64encode(path.read_bytes()).decode(), "name": path.name}
        return self.visit.page.evaluate("asked => window.ask(asked)", asked)


class Library:
    """One library, whatever it is asked with: answers are values, and errors a Refused."""

    def __init__(self, program, **settings):
        self.program, self.settings = program, settings

    def __call__(self, op, **words):
        answer = self.program.ask(op=op, **{**self.settings, **words})
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["ok"]

    def refusal(self, op, **words):
        with pytest.raises(Refused) as caught:
            self(op, **words)
        return caught.value.error


class Refused(Exception):
    """What a library raised: `type`, and what else it says."""

    def __init__(self, error):
        super().__init__(str(error))
        self.error = error
