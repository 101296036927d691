"""What an app on Android sends files with, on a JVM: OkHttp and tus-java-client, with the code of docs/clients/android.md."""
import os
import pathlib
import subprocess

import pytest
from test_snippets import snippet

from tests.rig import pictures
from tests.rig import resumable as wire

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "clients" / "android.md").read_text()
FOLDER = pathlib.Path(os.environ.get("PHOTOGATE_JAVA_DIR", ROOT / "build" / "java"))
MAIN = """
import java.io.File;
import java.util.LinkedHashMap;
import java.util.Map;

public class Main {
    public static void main(String[] words) throws Exception {
        if (words[0].equals("resumable")) {
            Resumable.send(new File(words[1]), words[2]);
        } else {
            Map<String, String> headers = new LinkedHashMap<>();
            for (int i = 4; i < words.length; i += 2) headers.put(words[i], words[i + 1]);
            Sender.send(new okhttp3.OkHttpClient(), new File(words[1]), words[2], words[3], headers);
        }
    }
}
"""

pytestmark = pytest.mark.large


@pytest.fixture(scope="module")
def java(tmp_path_factory):
    """java(words…): the program of the page's code."""
    if not list(FOLDER.glob("okhttp-*.jar")):
        done = subprocess.run(["mvn", "-q", "-B", "--strict-checksums", "-f", ROOT / "tests" / "java" / "pom.xml", "dependency:copy-dependencies", f"-DoutputDirectory={FOLDER}"],
                              capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stdout
    folder = tmp_path_factory.mktemp("java")
    sources = {"Sender": snippet(PAGE, "OkHttp", "java"), "Resumable": snippet(PAGE, "tus", "java"), "Main": MAIN}
    for name, text in sources.items():
        (folder / f"{name}.java").write_text(text)
    classes = f"{FOLDER}/*:{folder}"
    done = subprocess.run(["javac", "-cp", classes, "-d", folder, *(folder / f"{name}.java" for name in sources)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr

    def run(*words):
        return subprocess.run(["java", "-cp", classes, "Main", *map(str, words)], capture_output=True, text=True, timeout=120)

    return run


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(pictures.photo(1200, 900, seed=830))
    return path


def words_of(grant):
    return [grant["method"], grant["url"], *(word for pair in grant["headers"].items() for word in pair)]


@pytest.mark.client("OkHttp, JVM", "PUT")
def test_okhttp_sends_a_put_and_counts_412_as_sent(world, java, photo):
    created = world.create({"size": photo.stat().st_size, "content_type": "image/jpeg"})
    for _ in range(2):  # the second may be answered 412
        done = java("put", photo, *words_of(created["upload"]))
        assert done.returncode == 0, done.stderr
    wire.is_published(world, created, photo.read_bytes())


@pytest.mark.client("OkHttp, JVM", "PUT")
def test_okhttp_is_told_what_the_store_refuses(world, java, photo):
    created = world.create({"size": photo.stat().st_size + 1, "content_type": "image/jpeg"})
    done = java("put", photo, *words_of(created["upload"]))
    assert done.returncode != 0 and "the store answered 403" in done.stderr, done.stderr


@pytest.mark.client("`tus-java-client`, JVM", "resumable")
def test_tus_java_client_continues_after_cuts(world, java, photo):
    data = photo.read_bytes()
    created = world.create({"size": len(data), "content_type": "image/jpeg"})
    url = wire.url_of(world, created)
    with wire.CuttingRelay(world.port, [60_000]) as relay:
        assert java("resumable", photo, relay.url(url)).returncode != 0 and relay.cuts == 1
        assert wire.offset_once(url, 1) > 0
        done = java("resumable", photo, relay.url(url))
        assert done.returncode == 0, done.stderr
    wire.is_published(world, created, data)
