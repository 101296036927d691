"""What an app on Android sends files with, on a JVM: OkHttp and tus-java-client, with the Java and the Kotlin of docs/clients/android.md."""
import os
import pathlib
import re
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

STAND_INS = ROOT / "tests" / "java"
# What the page leaves to the app: its database, and its calls of the gateway.
KOTLIN = """
import android.content.Context
import androidx.work.*
import java.io.File
import java.io.IOException
import java.util.concurrent.TimeUnit
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import okhttp3.OkHttpClient
import okhttp3.Request
import okhttp3.RequestBody.Companion.asRequestBody
import okhttp3.RequestBody.Companion.toRequestBody

class PresignedUpload(val method: String, val url: String, val headers: Map<String, String>)
class Kept(val id: String, val file: File, val presigned: PresignedUpload, val resumableUrl: String)
class Uploads(private val kept: Kept) {{ fun get(id: String) = kept.also {{ check(it.id == id) }} }}
class Database(private val uploads: Uploads) {{ fun uploads() = uploads }}
class Gateway(private val url: String, private val token: String) {{
    fun complete(id: String) {{
        val request = Request.Builder().url("$url/v1/uploads/$id/complete").header("Authorization", "Bearer $token").post(ByteArray(0).toRequestBody()).build()
        client.newCall(request).execute().use {{ println("complete: ${{it.code}}") }}
    }}
}}
val client = OkHttpClient.Builder().retryOnConnectionFailure(false).build()
lateinit var database: Database
lateinit var gateway: Gateway
fun sendResumable(file: File, url: String) = Resumable.send(file, url)

{send}
{worker}
fun enqueue(context: Context, id: String) {{
{enqueue}
}}

fun main(words: Array<String>) {{
    val (path, id, gatewayUrl, token, resumableUrl) = words
    val (method, url) = words.drop(5)
    val headers = words.drop(7).chunked(2).associate {{ it[0] to it[1] }}
    database = Database(Uploads(Kept(id, File(path), PresignedUpload(method, url, headers), resumableUrl)))
    gateway = Gateway(gatewayUrl, token)
    enqueue(Context(), id)
    System.exit(0)  // OkHttp's threads would stay a minute
}}
"""

pytestmark = pytest.mark.large


@pytest.fixture(scope="module")
def packages():
    """The folder with those of tests/java/pom.xml, and what they need."""
    wanted = dict(re.findall(r"<artifactId>(.+?)</artifactId>\s*<version>(.+?)</version>", (STAND_INS / "pom.xml").read_text()))
    if not all((FOLDER / f"{name}-{version}.jar").exists() for name, version in wanted.items() if name != "clients"):
        for old in FOLDER.glob("*.jar"):  # not two versions of one
            old.unlink()
        done = subprocess.run(["mvn", "-q", "-B", "--strict-checksums", "-f", STAND_INS / "pom.xml", "dependency:copy-dependencies",
                               f"-DoutputDirectory={FOLDER}"],
                              capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stdout
    return FOLDER


@pytest.fixture(scope="module")
def java(packages, tmp_path_factory):
    """java(words…): the program of the page's code."""
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


@pytest.fixture(scope="module")
def kotlin(packages, tmp_path_factory):
    """kotlin(words…): the page's Kotlin, with stand-ins for Android's classes."""
    folder = tmp_path_factory.mktemp("kotlin")
    worker, enqueue = snippet(PAGE, "WorkManager", "kotlin").split("\nWorkManager.", 1)
    (folder / "Main.kt").write_text(KOTLIN.format(send=snippet(PAGE, "OkHttp", "kotlin"), worker=worker, enqueue=f"WorkManager.{enqueue}"))
    (folder / "Resumable.java").write_text(snippet(PAGE, "tus", "java"))
    classes = f"{packages}/*:{folder}"
    done = subprocess.run(["javac", "-cp", classes, "-d", folder, folder / "Resumable.java", *STAND_INS.rglob("*.java")], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    done = subprocess.run(["java", "-cp", classes, "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler", "-no-stdlib", "-no-reflect", "-cp", ":".join([*map(str, packages.glob("*.jar")), str(folder)]),
                           "-d", folder, *STAND_INS.rglob("*.kt"), folder / "Main.kt"], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr

    def run(*words):
        return subprocess.run(["java", "-cp", classes, "MainKt", *map(str, words)], capture_output=True, text=True, timeout=120)

    return run


def kotlin_words(world, photo, created, grant, relayed=None):
    token = world.request("POST", "/v1/tokens", {"profile": "photos"})[2]["token"]
    return [photo, created["id"], world.gateway.url, token, relayed or wire.url_of(world, created), *words_of(grant)]


@pytest.mark.client("OkHttp, Kotlin", "PUT")
def test_worker_of_the_page_sends_a_put(world, kotlin, photo):
    created = world.create({"size": photo.stat().st_size, "content_type": "image/jpeg"})
    for _ in range(2):  # a worker that was killed before it could say so does it again; the second may be answered 412
        done = kotlin(*kotlin_words(world, photo, created, created["upload"]))
        assert done.returncode == 0 and "attempt 0: Success" in done.stdout, done
    wire.is_published(world, created, photo.read_bytes())


@pytest.mark.client("OkHttp, Kotlin", "resumable")
def test_worker_of_the_page_continues_through_the_gateway_what_was_cut(world, kotlin, photo):
    created = world.create({"size": photo.stat().st_size, "content_type": "image/jpeg"})
    with wire.CuttingRelay(world.port, [60_000]) as relay:
        nobody = {**created["upload"], "url": "http://127.0.0.1:9/nobody"}
        done = kotlin(*kotlin_words(world, photo, created, nobody, relay.url(wire.url_of(world, created))))
        assert relay.cuts == 1
    assert done.returncode == 0, done.stderr
    assert re.findall(r"attempt \d: \w+", done.stdout) == ["attempt 0: Retry", "attempt 1: Retry", "attempt 2: Success"], done.stdout
    wire.is_published(world, created, photo.read_bytes())
