"""minio-go's own functional tests, built from its published module into a program that runs them one by one.

    minio-go-functional --list
    minio-go-functional testPutObject0ByteV2      with SERVER_ENDPOINT, ACCESS_KEY and SECRET_KEY
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from tests.suites.runner import SECONDS, Outcome, tool

MODULE, VERSION = "github.com/minio/minio-go/v7", "v7.0.91"
SUM = "h1:tWLZnEfo3OZl5PoXQwcwTAPNNrjyWwOh6cbZitW5JQc="  # Go's hash of its files
NAME = f"minio-go-functional-{VERSION}"

# What the store does not claim to be: versions, notifications to foreign targets, KMS, objects inside a zip, signature version 2.
OUT_OF_SCOPE = re.compile("Versioning|ObjectVersions|Notification|KMS|SSE|Encrypt|Decrypt|S3Zip|Retention|LegalHold|V2$")
# They make ten thousand objects, or need another region's endpoint.
LEFT_OUT = {"testCompose10KSources", "testMakeBucketRegions"}

MAIN = """
func main() {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stdout, nil)))
	tests := map[string]func(){
%s
	}
	if os.Args[1] == "--list" {
		for name := range tests {
			fmt.Println(name)
		}
		return
	}
	tests[os.Args[1]]()
}
"""


def go():
    for candidate in ("go", "/usr/local/go/bin/go", "/usr/lib/go/bin/go"):
        if found := shutil.which(candidate):
            return found
    raise SystemExit("Go is not installed: run scripts/install-stores")


def program():
    """The program's path; built once, which takes about a minute."""
    built = tool("versitygw").parent / NAME
    if built.exists():
        return built
    described = subprocess.run([go(), "mod", "download", "-json", f"{MODULE}@{VERSION}"], check=True, capture_output=True, text=True).stdout
    described = json.loads(described)
    if described["Sum"] != SUM:
        raise SystemExit(f"{MODULE} {VERSION} has the hash {described['Sum']}, not {SUM}: it is not what the suite was chosen from")
    source = pathlib.Path(described["Dir"]) / "functional_tests.go"
    text = re.sub(r"^//go:build .*\n(// \+build .*\n)?", "", source.read_text(), flags=re.MULTILINE)
    names = re.findall(r"^func (test\w+)\(\) ", text, re.MULTILINE)
    start = text.index("\nfunc main() {")
    end = text.index("\n}\n", start) + 3
    text = text[:start] + MAIN % "\n".join(f'\t\t"{name}": {name},' for name in names) + text[end:]
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "main.go").write_text(text)
        run = {"cwd": folder, "check": True, "env": {**os.environ, "GOFLAGS": "-mod=mod -trimpath"}}
        subprocess.run([go(), "mod", "init", "functional"], **run, stderr=subprocess.DEVNULL)
        subprocess.run([go(), "get", f"{MODULE}@{VERSION}"], **run, stderr=subprocess.DEVNULL)
        subprocess.run([go(), "mod", "tidy"], **run, stderr=subprocess.DEVNULL)
        subprocess.run([go(), "build", "-o", str(built) + ".new", "."], **run)
    os.replace(str(built) + ".new", built)
    return built


def names():
    listed = subprocess.run([program(), "--list"], check=True, capture_output=True, text=True).stdout.split()
    if len(listed) < 80:
        raise RuntimeError(f"minio-go has {len(listed)} tests: its source has another form than expected")
    return sorted(name for name in listed if not OUT_OF_SCOPE.search(name) and name not in LEFT_OUT)


def run(store, name):
    environment = {**os.environ, "SERVER_ENDPOINT": store.endpoint.removeprefix("http://"), "ACCESS_KEY": store.access,
                   "SECRET_KEY": store.secret, "ENABLE_HTTPS": "0", "MINT_MODE": "full", "ENABLE_KMS": "0"}
    try:
        with tempfile.TemporaryDirectory() as folder:  # its tests leave files where they run
            done = subprocess.run([program(), name], cwd=folder, env=environment, capture_output=True, text=True, timeout=3 * SECONDS)
    except subprocess.TimeoutExpired:
        return Outcome(name, "timed out")
    failures = [line for line in done.stdout.splitlines() if '"FAIL"' in line or '"NA"' in line]  # NA: it was not implemented
    if done.returncode == 0 and not failures:
        return Outcome(name, "passed")
    said = done.stderr.strip().splitlines()[-1:] or [""]
    if failures:
        try:
            told = json.loads(failures[-1])
            said = [f"{told.get('message') or told.get('alert', '')}: {told.get('error', '')}"]
        except ValueError:
            said = failures[-1:]
    return Outcome(name, "failed", said[0])
