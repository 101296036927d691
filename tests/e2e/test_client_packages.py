"""The client libraries as packages: strict checks of types, and what a registry would be given, installed and used."""
import json
import re
import shutil
import subprocess
import sys
import zipfile

import client_programs as programs
import pytest
from client_programs import CLIENTS, DRIVERS, done

pytestmark = pytest.mark.large  # compilers and package managers of four languages: ./test --suites


def test_python_library_passes_mypy_strictly():
    assert "no issues" in done([sys.executable, "-m", "mypy", "--strict", "--cache-dir", "/dev/null", CLIENTS / "python" / "src"])


def test_a_wrong_use_of_the_python_library_is_a_type_error(tmp_path):
    program = tmp_path / "wrong.py"
    program.write_text('import photogate\nclient = photogate.Client("http://localhost", "pg_x")\nclient.create_upload(sise=1)\nclient.get_upload("upl_1")["stat"]\n')
    result = subprocess.run([sys.executable, "-m", "mypy", "--strict", "--cache-dir", "/dev/null", program], capture_output=True, text=True, timeout=300,
                            env={"MYPYPATH": str(CLIENTS / "python" / "src"), "PATH": "/usr/bin"})
    assert {int(line) for line in re.findall(r"wrong\.py:(\d+): error", result.stdout)} == {3, 4}, result.stdout


def test_python_package_is_built_and_imported(tmp_path):
    copy = tmp_path / "source"
    shutil.copytree(CLIENTS / "python", copy, ignore=shutil.ignore_patterns("__pycache__"))
    done([sys.executable, "-m", "build", "--no-isolation", "--outdir", tmp_path / "made", copy])
    (wheel,) = (tmp_path / "made").glob("photogate-*-py3-none-any.whl")
    assert len(list((tmp_path / "made").glob("photogate-*.tar.gz"))) == 1
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "photogate/py.typed" in names and any(name.endswith("licenses/LICENSE") for name in names), names
    code = "import photogate; print(photogate.__version__, photogate.Client('http://localhost', 'pg_secret'))"
    said = done([sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(wheel)!r}); {code}"])
    assert said.startswith("0.") and "secret" not in said


def snippets(page, language):
    """The examples of a library's page."""
    found = re.findall(rf"```{language}\n(.*?)```", (CLIENTS / page / "README.md").read_text(), re.S)
    assert found
    return found


def test_examples_of_the_python_page_pass_mypy(tmp_path):
    program = tmp_path / "examples.py"
    program.write_text("from typing import Any\n\n\ndef handle_once(*words: Any) -> None: ...\n\n\n" + "\n".join(snippets("python", "python")))
    done([sys.executable, "-m", "mypy", "--cache-dir", "/dev/null", program], env={"MYPYPATH": str(CLIENTS / "python" / "src"), "PATH": "/usr/bin"})


def test_examples_of_the_php_page_are_read(tmp_path):
    for number, text in enumerate(snippets("php", "php")):
        (tmp_path / f"{number}.php").write_text(f"<?php\n{text}")
        done(["php", "-l", tmp_path / f"{number}.php"])


def test_examples_of_the_go_page_are_compiled(tmp_path):
    client, callbacks = snippets("go", "go")
    line, body = client.split("\n", 1)
    # What an example does not use is no mistake in a page.
    used = " ".join(f"_ = {name};" for name in ("client", "upload", "token"))
    (tmp_path / "main.go").write_text(f"""package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	{line.removeprefix("import ")}
)

func handleOnce(...any) {{}}

func client(ctx context.Context) {{
{body}
{used}
}}

func callbacks() {{
{callbacks}
_ = err
}}

func main() {{ client(context.Background()); callbacks() }}
""")
    text = (DRIVERS / "go" / "go.mod").read_text().replace("../../../clients/go", str(CLIENTS / "go"))
    (tmp_path / "go.mod").write_text(text)
    done([programs.go(), "build", "-o", tmp_path / "examples", "."], cwd=tmp_path, env=programs.go_environment(tmp_path))


@pytest.fixture(scope="module")
def npm_package(tmp_path_factory):
    """The package's folder, built and unpacked as npm would install it."""
    folder = tmp_path_factory.mktemp("npm")
    source = folder / "source"
    shutil.copytree(CLIENTS / "typescript", source, ignore=shutil.ignore_patterns("dist", "node_modules"))
    programs.build_typescript(source / "dist")
    (packed,) = json.loads(done(["npm", "pack", "--json", "--ignore-scripts", "--pack-destination", folder], cwd=source))
    names = {each["path"] for each in packed["files"]}
    assert {"LICENSE", "README.md", "package.json", "dist/index.js", "dist/index.d.ts", "dist/browser.js", "dist/browser.d.ts"} <= names
    assert not any(name.startswith(("src/", "node_modules/")) for name in names), names
    modules = folder / "user" / "node_modules"
    modules.mkdir(parents=True)
    done(["tar", "-xzf", folder / packed["filename"], "-C", modules])
    (modules / "package").rename(modules / "photogate")
    return folder / "user"


def test_typescript_package_is_used_with_its_types(npm_package):
    (npm_package / "right.ts").write_text("""
import { Photogate, ProblemError, verifyCallback, type Upload } from "photogate";
const client = new Photogate("http://localhost", "pg_x");
export async function first(): Promise<Upload | undefined> {
  for await (const each of client.listUploads({ state: "published" })) return each;
  return undefined;
}
export const code = (error: unknown) => (error instanceof ProblemError ? error.code : undefined);
export const kind = (body: Uint8Array): string => verifyCallback("whsec_AAAA", {}, body).type;
""")
    (npm_package / "wrong.ts").write_text("""
import { Photogate } from "photogate";
const client = new Photogate("http://localhost", "pg_x");
client.createUpload({ sise: 1 });
client.listUploads({ state: "publishd" });
""")
    options = ["--noEmit", "--strict", "--target", "ES2022", "--module", "NodeNext", "--lib", "ES2022,DOM,DOM.Iterable", "--types", "node", "--typeRoots",
               programs.NODE_FOLDER / "node_modules" / "@types"]
    (npm_package / "package.json").write_text('{"type": "module"}')
    done([programs.node_tool("tsc"), *options, "right.ts"], cwd=npm_package)
    wrong = subprocess.run([str(word) for word in [programs.node_tool("tsc"), *options, "wrong.ts"]], cwd=npm_package, capture_output=True, text=True, timeout=300)
    assert set(re.findall(r"wrong\.ts\((\d+),", wrong.stdout)) == {"4", "5"}, wrong.stdout


def test_examples_of_the_typescript_page_are_compiled(npm_package):
    server, callbacks, page = snippets("typescript", "ts")
    (npm_package / "server.ts").write_text(server)
    (npm_package / "callbacks.ts").write_text("declare function handleOnce(...words: unknown[]): void;\n" + callbacks)
    (npm_package / "page.ts").write_text("declare const token: string, input: { files: File[] }, bar: HTMLProgressElement;\n" + page)
    (npm_package / "package.json").write_text('{"type": "module"}')
    done([programs.node_tool("tsc"), "--noEmit", "--strict", "--target", "ES2022", "--module", "NodeNext", "--lib", "ES2022,DOM,DOM.Iterable", "--types", "node",
          "--typeRoots", programs.NODE_FOLDER / "node_modules" / "@types", "server.ts", "callbacks.ts", "page.ts"], cwd=npm_package)


def test_a_bundler_for_browsers_takes_the_part_that_has_no_node_in_it(npm_package):
    (npm_package / "page.mjs").write_text('import { Photogate } from "photogate";\nconsole.log(Photogate);\n')
    bundled = done([programs.node_tool("esbuild"), "page.mjs", "--bundle", "--platform=browser", "--format=esm"], cwd=npm_package)
    assert "XMLHttpRequest" in bundled and "node:" not in bundled
    code = 'import("photogate").then((all) => console.log(Object.keys(all).sort().join(" ")))'
    assert "verifyCallback" in done(["node", "-e", code], cwd=npm_package)


def test_go_library_is_vetted_and_formatted(tmp_path):
    for folder in (CLIENTS / "go", DRIVERS / "go"):
        done([programs.go(), "vet", "./..."], cwd=folder, env=programs.go_environment(tmp_path))
        assert done([programs.go_tool("gofmt"), "-l", "."], cwd=folder) == ""


def test_go_library_is_built_by_the_version_that_it_names():
    named = re.search(r"^go (\S+)$", (CLIENTS / "go" / "go.mod").read_text(), re.M)[1]
    assert f"go{named}" in done([programs.go(), "version"]), "install golang-go: Debian's Go has to be enough"


def test_php_library_is_valid(tmp_path):
    for path in sorted((CLIENTS / "php" / "src").rglob("*.php")):
        done(["php", "-l", path])
    copy = tmp_path / "php"
    shutil.copytree(CLIENTS / "php", copy)
    environment = {"PATH": "/usr/bin:/bin", "COMPOSER_HOME": str(tmp_path / "home"), "COMPOSER_ALLOW_SUPERUSER": "1", "COMPOSER_DISABLE_NETWORK": "1"}
    done(["composer", "validate", "--no-check-publish", "--no-check-version"], cwd=copy, env=environment)
    done(["composer", "install", "--no-interaction", "--no-progress"], cwd=copy, env=environment)
    code = 'require "vendor/autoload.php"; new Photogate\\Client("http://localhost", "pg_x"); echo (new Photogate\\Types\\NewUpload(size: 3))->size;'
    assert done(["php", "-r", code], cwd=copy) == "3"


def test_php_library_loads_every_class():
    """A property's type that does not exist, or a class that breaks its parent's contract, shows only when it is loaded."""
    code = """
spl_autoload_register(fn ($class) => require $argv[1] . '/src/' . strtr(substr($class, 10), '\\\\', '/') . '.php');
foreach (new RecursiveIteratorIterator(new RecursiveDirectoryIterator($argv[1] . '/src')) as $file) {
    if ($file->getExtension() !== 'php') continue;
    $class = 'Photogate\\\\' . strtr(substr($file->getPathname(), strlen($argv[1]) + 5, -4), '/', '\\\\');
    foreach ((new ReflectionClass($class))->getProperties() as $property) {
        foreach (explode('|', ltrim((string) $property->getType(), '?')) as $type) {
            if (str_starts_with($type, 'Photogate') && !class_exists($type) && !enum_exists($type)) echo "$class: $type\\n";
        }
    }
}
"""
    assert done(["php", "-d", "error_reporting=-1", "-r", code, "--", CLIENTS / "php"]) == ""
