"""Readers of zip archives of other origin open what the packager makes, and find the same bytes.

The archives are written by `make_archive` (tests/unit/packager/make_archive.cpp). PHOTOGATE_BUILD_DIR names the build folder.

`./test --suites` runs all of these, and makes the matrix in docs/packages.md of what they found (scripts/render-readers): a row for each
test that takes a `reader`, with its docstring.
"""
import collections
import hashlib
import os
import pathlib
import random
import re
import shutil
import subprocess
import zipfile

import pytest

from tests.rig.world import release_build

ROOT = pathlib.Path(__file__).resolve().parents[2]
NODE_FOLDER = pathlib.Path(os.environ.get("PHOTOGATE_NODE_DIR", ROOT / ".node"))
UTF8 = {**os.environ, "LC_ALL": "C.UTF-8"}
PIECE = 1 << 20
MADE_AT = 1_780_000_000

pytestmark = pytest.mark.readers

Item = collections.namedtuple("Item", "name path modified", defaults=[MADE_AT])


# ---- readers: each gives {name: (size, SHA-256)} of an archive ----


def of_stream(stream):
    hash_, size = hashlib.sha256(), 0
    while piece := stream.read(PIECE):
        hash_.update(piece)
        size += len(piece)
    return size, hash_.hexdigest()


def of_file(path):
    with open(path, "rb") as file:
        return of_stream(file)


def of_tree(folder):
    return {path.relative_to(folder).as_posix(): of_file(path) for path in sorted(folder.rglob("*")) if path.is_file()}


def of_lines(text):
    rows = [line.split() for line in text.splitlines()]
    found = {bytes.fromhex(name).decode(): (int(size), sum_) for name, size, sum_ in rows}
    assert len(found) == len(rows), "a name is there twice"
    return found


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, env=UTF8, **more)
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}: {done.stdout[-500:]}{done.stderr[-2000:]}"
    return done.stdout


def is_empty(archive):
    return archive.stat().st_size == 22


def read_with_unzip(archive, folder):
    if is_empty(archive):  # "zipfile is empty", a warning
        assert subprocess.run(["unzip", "-t", archive], capture_output=True).returncode == 1
        return {}
    run("unzip", "-t", "-qq", archive)
    run("unzip", "-q", archive, "-d", folder)
    return of_tree(folder)


def read_with_7z(archive, folder):
    said = run("7z", "t", "-bd", archive)
    assert "Everything is Ok" in said and "Warning" not in said, said
    run("7z", "x", "-bd", "-y", f"-o{folder}", archive)
    return of_tree(folder)


def read_with_bsdtar(archive, folder):
    """From a pipe: it sees the local headers before the directory."""
    folder.mkdir(exist_ok=True)
    with subprocess.Popen(["cat", archive], stdout=subprocess.PIPE) as cat:
        run("bsdtar", "-xf", "-", "-C", str(folder), stdin=cat.stdout)
    return of_tree(folder)


def read_with_python(archive, _):
    with zipfile.ZipFile(archive) as opened:
        assert opened.testzip() is None
        names = opened.namelist()
        assert len(set(names)) == len(names)
        found = {}
        for name in names:
            with opened.open(name) as stream:
                found[name] = of_stream(stream)
        return found


@pytest.fixture(scope="session")
def java_class(tmp_path_factory):
    if not shutil.which("javac"):
        pytest.fail("there is no javac; ./test installs it")
    folder = tmp_path_factory.mktemp("java")
    run("javac", "-d", str(folder), str(ROOT / "tests" / "support" / "Unzip.java"))
    return folder


def read_with_java_stream(archive, _, java_class):
    with open(archive, "rb") as file:
        return of_lines(run("java", "-cp", str(java_class), "Unzip", stdin=file))


def read_with_java_file(archive, _, java_class):
    return of_lines(run("java", "-cp", str(java_class), "Unzip", str(archive)))


def read_with_unzipper(archive, _):
    with open(archive, "rb") as file:
        return of_lines(run("node", str(ROOT / "tests" / "node" / "unzip.mjs"), str(NODE_FOLDER), "unzipper", stdin=file))


def read_with_yauzl(archive, _):
    return of_lines(run("node", str(ROOT / "tests" / "node" / "unzip.mjs"), str(NODE_FOLDER), "yauzl", str(archive)))


READERS = {
    "unzip": read_with_unzip,
    "7z": read_with_7z,
    "bsdtar": read_with_bsdtar,
    "python-zipfile": read_with_python,
    "java-ZipInputStream": read_with_java_stream,
    "java-ZipFile": read_with_java_file,
    "node-unzipper": read_with_unzipper,
    "node-yauzl": read_with_yauzl,
}


# How each tells its version, and how the matrix calls it.
NODE_VERSION = "console.log(require(process.argv[1] + '/node_modules/' + process.argv[2] + '/package.json').version)"
VERSIONS = {
    "unzip": (["unzip", "-v"], r"UnZip ([\d.]+)", "unzip {}"),
    "7z": (["7z", "i"], r"7-Zip .*?(\d+\.\d+)", "7z {}"),
    "bsdtar": (["bsdtar", "--version"], r"bsdtar ([\d.]+)", "bsdtar {}, from a pipe"),
    "python-zipfile": (["python3", "--version"], r"([\d.]+)", "Python {} zipfile"),
    "java-ZipInputStream": (["java", "--version"], r"([\d.]+)", "Java {} ZipInputStream"),
    "java-ZipFile": (["java", "--version"], r"([\d.]+)", "Java {} ZipFile"),
    "node-unzipper": (["node", "-e", NODE_VERSION, str(NODE_FOLDER.resolve()), "unzipper"], r"([\d.]+)", "Node unzipper {}"),
    "node-yauzl": (["node", "-e", NODE_VERSION, str(NODE_FOLDER.resolve()), "yauzl"], r"([\d.]+)", "Node yauzl {}"),
}


@pytest.fixture(scope="session", autouse=True)
def versions(record_testsuite_property):
    for name, (command, version, title) in VERSIONS.items():
        record_testsuite_property(f"reader {name}", title.format(re.search(version, run(*command))[1]))


@pytest.fixture(params=READERS)
def reader(request):
    read = READERS[request.param]
    if request.param.startswith("java"):
        java_class = request.getfixturevalue("java_class")
        return lambda archive, folder: read(archive, folder, java_class)
    return read


# ---- archives ----


class Made:
    def __init__(self, program, folder, name, items):
        self.program, self.archive = program, folder / f"{name}.zip"
        self.plan = "".join(f"{item.modified}\t{item.name.encode('utf-8', 'surrogateescape').hex()}\t{item.path}\n" for item in items).encode()
        self.items = items
        with open(self.archive, "wb") as out:
            subprocess.run([program], input=self.plan, stdout=out, check=True)

    def part(self, begin, end):
        return subprocess.run([self.program, str(begin), str(end)], input=self.plan, capture_output=True, check=True).stdout


@pytest.fixture(scope="session")
def make_archive(tmp_path_factory):
    program = release_build() / "tests" / "tools" / "make_archive"
    folder = tmp_path_factory.mktemp("archives")
    made = {}

    def make(name, items):
        if name not in made:
            made[name] = Made(program, folder, name, items)
        return made[name]

    yield make
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def contents(tmp_path_factory):
    """Files of several sizes, empty ones among them."""
    folder = tmp_path_factory.mktemp("contents")
    chance = random.Random(5)
    files = []
    for number, size in enumerate([0, 1, 100, 4_095, 65_536, 300_001]):
        files.append(folder / str(number))
        files[-1].write_bytes(chance.randbytes(size))
    yield files
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def huge(tmp_path_factory):
    """Sparse files: a little over 4 GiB, and 1.5 GiB of which three are more than that."""
    folder = tmp_path_factory.mktemp("huge")
    sizes = {"over": (4 << 30) + 5, "large": 3 << 29}
    for name, size in sizes.items():
        with open(folder / name, "wb") as file:
            file.write(b"begin")
            file.seek(size - 3)
            file.write(b"end")
    yield {name: folder / name for name in sizes}
    shutil.rmtree(folder)


# What people wish, and what it becomes.
NAMES = [
    ("plain.jpg", "plain.jpg"), ("Ceremony/001.jpg", "Ceremony/001.jpg"), ("with space.jpg", "with space.jpg"), ("Größe ß.jpg", "Größe ß.jpg"),
    ("Ελληνικά.jpg", "Ελληνικά.jpg"), ("фото.jpg", "фото.jpg"), ("写真/桜.jpg", "写真/桜.jpg"), ("照片.jpg", "照片.jpg"), ("사진.jpg", "사진.jpg"),
    ("صورة.jpg", "صورة.jpg"), ("תמונה.jpg", "תמונה.jpg"), ("ภาพถ่าย.jpg", "ภาพถ่าย.jpg"), ("फोटो.jpg", "फोटो.jpg"), ("ფოტო.jpg", "ფოტო.jpg"),
    ("ፎቶ.jpg", "ፎቶ.jpg"), ("𝔉𝔬𝔱𝔬.jpg", "𝔉𝔬𝔱𝔬.jpg"), ("📷🏳️‍🌈👨‍👩‍👧.jpg", "📷🏳️‍🌈👨‍👩‍👧.jpg"), ("e\u0301.jpg", "é.jpg"), ("É.jpg", "É (2).jpg"),
    ("twin.jpg", "twin.jpg"), ("twin.jpg", "twin (2).jpg"), ("TWIN.JPG", "TWIN (3).JPG"), ("twin (2).jpg", "twin (2) (2).jpg"),
    ("CON", "_CON"), ("nul.jpg", "_nul.jpg"), ("../x", "x"), ("/etc/passwd", "etc/passwd"), ("a\\..\\b", "a/b"), ("C:y", "C_y"), ("z. ", "z"),
    ("nothing\0here", "nothing_here"), ("gpj.\u202eexe", "gpj.exe"), ("", "unnamed"), ("..", "unnamed (2)"), ("plain.jpg/inside", "plain (2).jpg/inside"),
    ("\udcff.jpg", "_.jpg"), ("n" * 300 + ".jpg", "n" * 250 + ".jpg"),
]


def numbered(count, contents):
    return [Item(f"folder {number // 1000}/photo {number:05}.jpg", contents[number % min(4, len(contents))]) for number in range(count)]


def expected_of(items, names=None):
    sums = {path: of_file(path) for path in {item.path for item in items}}
    return {name: sums[item.path] for name, item in zip(names or [item.name for item in items], items, strict=True)}


def check(made, reader, folder, names=None):
    assert reader(made.archive, folder / "out") == expected_of(made.items, names)
    shutil.rmtree(folder)


def test_archive_of_nothing(make_archive, reader, tmp_path):
    """No entry."""
    check(make_archive("nothing", []), reader, tmp_path)


def test_archive_of_one_empty_entry(make_archive, contents, reader, tmp_path):
    """One entry of zero bytes."""
    check(make_archive("empty", [Item("empty.jpg", contents[0])]), reader, tmp_path)


def test_archive_of_names_in_all_scripts_and_of_hostile_ones(make_archive, contents, reader, tmp_path):
    """Names in every script, emoji, twins by case, `CON`, `../x`, names of 300 bytes."""
    items = [Item(wished, contents[number % len(contents)]) for number, (wished, _) in enumerate(NAMES)]
    check(make_archive("names", items), reader, tmp_path, [name for _, name in NAMES])


@pytest.mark.large
def test_archive_of_70000_entries(make_archive, contents, reader, tmp_path):
    """70,000 entries."""
    check(make_archive("many", numbered(70_000, contents)), reader, tmp_path)


@pytest.mark.large
@pytest.mark.parametrize("count", [65_534, 65_535, 65_536])
def test_number_of_entries_around_the_old_limit(make_archive, contents, count):
    """Where ZIP64 records begin; the other readers see 70,000."""
    made = make_archive(f"limit{count}", numbered(count, contents[:2]))
    with zipfile.ZipFile(made.archive) as opened:
        assert len(opened.namelist()) == count
    assert run("unzip", "-Z1", str(made.archive)).count("\n") == count
    made.archive.unlink()


@pytest.mark.large
def test_archive_with_one_entry_over_4_gib(make_archive, contents, huge, reader, tmp_path):
    """One entry over 4 GiB among small ones."""
    items = [Item("before.jpg", contents[3]), Item("over.bin", huge["over"]), Item("after.jpg", contents[4])]
    check(make_archive("over", items), reader, tmp_path)


@pytest.mark.large
def test_archive_over_4_gib_of_smaller_entries(make_archive, contents, huge, reader, tmp_path):
    """Smaller entries, over 4 GiB together."""
    items = [Item(f"{number}.bin", huge["large"]) for number in range(3)] + [Item("behind.jpg", contents[5])]
    check(make_archive("large", items), reader, tmp_path)


def test_parts_of_an_archive_are_the_whole(make_archive, contents):
    made = make_archive("parts", numbered(500, contents))
    whole = made.archive.read_bytes()
    chance = random.Random(3)
    for _ in range(20):
        begin, end = sorted(chance.randrange(len(whole) + 1) for _ in range(2))
        assert made.part(begin, end) == whole[begin:end]
    assert make_archive("parts again", made.items).archive.read_bytes() == whole, "the same entries give the same bytes"


def test_times_are_those_of_the_photos(make_archive, contents, tmp_path):
    moments = [0, 315_532_799, 1_000_000_001, 1_779_021_297, 2_147_483_647]
    made = make_archive("times", [Item(f"{moment}.jpg", contents[2], moment) for moment in moments])
    run("unzip", "-q", str(made.archive), "-d", str(tmp_path))
    assert {path.name: int(path.stat().st_mtime) for path in tmp_path.iterdir()} == {f"{moment}.jpg": moment for moment in moments}
    with zipfile.ZipFile(made.archive) as opened:
        assert opened.getinfo("1779021297.jpg").date_time == (2026, 5, 17, 12, 34, 56), "in UTC, to two seconds"
        assert opened.getinfo("0.jpg").date_time == (1980, 1, 1, 0, 0, 0)
