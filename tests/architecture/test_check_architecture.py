"""Each rule of check_architecture.py notices what it forbids, and nothing in a clean house."""
import pathlib
import subprocess
import sys

import pytest

PROGRAM = pathlib.Path(__file__).resolve().parent / "check_architecture.py"
HEADER = "// A word.\n#pragma once\n\n{}namespace photogate{} {{\n}}\n"


@pytest.fixture
def house(tmp_path):
    for room, leans in (("base", ""), ("signer", "LEANS_ON base"), ("storage/objects", "LEANS_ON base signer")):
        folder = tmp_path / room
        folder.mkdir(parents=True)
        (folder / "README.md").write_text("# room\n")
        (folder / "CMakeLists.txt").write_text(f"photogate_room({room} {leans})\n")
        inner = "" if room == "base" else "::" + room.replace("/", "::")
        (folder / "word.hpp").write_text(HEADER.format("", inner))
    (tmp_path / "storage/objects/store.cpp").write_text(
        '#include "storage/objects/word.hpp"\n#include <pugixml.hpp>\n#include "signer/word.hpp"\n\nnamespace photogate::storage::objects {\n}\n')
    return tmp_path


def check(house):
    done = subprocess.run([sys.executable, PROGRAM, "--root", house], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout


def test_accepts_clean_tree(house):
    assert check(house) == (0, "architecture: 4 files, 0 violations\n")


@pytest.mark.parametrize("path, text, said", [
    ("base/a.cpp", '#include "signer/word.hpp"\nnamespace photogate {}\n', "base/a.cpp:1: base may not include signer"),
    ("signer/a.cpp", "#include <pqxx/pqxx>\n", "signer/a.cpp:1: includes <pqxx/pqxx>, which belongs to storage/records"),
    ("storage/objects/a.cpp", "#include <vips/vips.h>\n", "which belongs to imaging/imager"),
    ("storage/objects/a.cpp", "#include <nlohmann/json.hpp>\n", "which belongs to *_wire.cpp"),
    ("base/a.cpp", "#include <spdlog/spdlog.h>\n", "which belongs to base/log.cpp"),
    ("signer/word.hpp", HEADER.format("#include <openssl/evp.h>\n", "::signer"), "in a header that other rooms include"),
    ("signer/word.hpp", HEADER.format("struct A { EVP_MD* md; };\n", "::signer"), "shows the third-party 'EVP_MD'"),
    ("signer/b.hpp", "// A word.\nnamespace photogate::signer {\n}\n", "signer/b.hpp:1: has no #pragma once"),
    ("signer/b.hpp", HEADER.format("using namespace std;\n", "::signer"), "signer/b.hpp:4: has 'using namespace'"),
    ("signer/b.cpp", "namespace photogate::other {\n}\n", "is in namespace photogate::other, not photogate::signer"),
    ("signer/b.cpp", "// TO" + "DO: later\n", "signer/b.cpp:1: leaves 'TO" + "DO' behind"),
    ("signer/b.cpp", 'auto q = "SELECT a FROM b";\n', "has SQL outside a .sql file"),
    ("signer/b.cpp", "\n" * 451, "at most 450"),
    ("signer/README.md", None, "signer/README.md:1: is missing"),
    ("signer/CMakeLists.txt", "photogate_room(signer LEANS_ON base storage/objects)\n", "signer may not lean on storage/objects"),
    ("signer/CMakeLists.txt", "photogate_room(signer LEANS_ON base)\nadd_executable(tool main.cpp rest.cpp)\n", "tool has rest.cpp outside a library"),
    ("storage/new.cpp", "", "is in no room of the table"),
])
def test_detects_violation_of_each_rule(house, path, text, said):
    target = house / path
    target.parent.mkdir(parents=True, exist_ok=True)
    if text is None:
        target.unlink()
    else:
        target.write_text(text)
    code, out = check(house)
    assert code == 1 and said in out, out
