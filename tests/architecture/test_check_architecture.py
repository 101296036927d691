"""Each rule of check_architecture.py notices what it forbids, and nothing in a clean tree."""
import pathlib
import subprocess
import sys

import check_architecture
import class_size
import module_list
import pytest

PROGRAM = pathlib.Path(check_architecture.__file__).resolve()
ROOT = PROGRAM.parents[2]
HEADER = "// A word.\n#pragma once\n\n{}namespace photogate{} {{\n}}\n"
BASE = 'photogate_module(base DESCRIPTION "words" PUBLIC_LIBRARIES tl::expected)\n'
SIGNER = 'photogate_module(signer\n  DESCRIPTION "signs; verifies"  # both\n  DEPENDS base)\n'
OBJECTS = 'photogate_module(storage/objects DESCRIPTION "stores" DEPENDS base signer LIBRARIES pugixml::pugixml)\n'


@pytest.fixture
def tree(tmp_path):
    def write(path, text):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)

    write("CMakeLists.txt", "add_subdirectory(base)\nadd_subdirectory(signer)\nadd_subdirectory(storage)\nadd_subdirectory(tool)\n")
    write("storage/CMakeLists.txt", "add_subdirectory(objects)\n")
    write("tool/CMakeLists.txt", "photogate_program(tool DEPENDS signer)\n")
    write("tool/main.cpp", '#include "signer/word.hpp"\n')
    for module, declaration in (("base", BASE), ("signer", SIGNER), ("storage/objects", OBJECTS)):
        write(f"{module}/README.md", "# module\n")
        write(f"{module}/CMakeLists.txt", declaration)
        includes = {"base": "#include <tl/expected.hpp>\n", "signer": '#include "base/word.hpp"\n'}.get(module, "")
        inner = "" if module == "base" else "::" + module.replace("/", "::")
        write(f"{module}/word.hpp", HEADER.format(includes, inner))
    write("storage/objects/store.cpp", '#include "storage/objects/word.hpp"\n#include <pugixml.hpp>\n#include <tl/expected.hpp>\n'
          '#include "base/word.hpp"\n#include "signer/word.hpp"\n\nnamespace photogate::storage::objects {\n}\n')
    write("ARCHITECTURE.md", "# It\n\n<!-- modules -->\n<!-- /modules -->\nend\n")
    assert check(tmp_path, "--write")[0] == 0
    return tmp_path


def check(tree, *arguments):
    done = subprocess.run([sys.executable, PROGRAM, "--root", tree, *arguments], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout


def test_accepts_clean_tree(tree):
    assert check(tree) == (0, "architecture: 5 files, 0 violations\n")


@pytest.mark.parametrize("path, text, said", [
    ("base/a.cpp", '#include "signer/word.hpp"\nnamespace photogate {}\n', "base/a.cpp:1: base does not declare that it depends on signer"),
    ("tool/main.cpp", '#include "base/word.hpp"\n', "tool/main.cpp:1: tool does not declare that it depends on base"),
    ("signer/a.cpp", "#include <pqxx/pqxx>\n", "signer/a.cpp:1: includes <pqxx/pqxx>, but signer does not declare PkgConfig::PQXX"),
    ("storage/objects/a.cpp", "#include <vips/vips.h>\n", "does not declare PkgConfig::VIPS"),
    ("signer/CMakeLists.txt", SIGNER.replace("base)", "base LIBRARIES ZLIB::ZLIB)"), "signer/CMakeLists.txt:1: signer declares ZLIB::ZLIB, and includes nothing"),
    ("signer/CMakeLists.txt", SIGNER.replace("base)", "base LIBRARIES New::New)"), "signer declares New::New, which"),
    ("signer/CMakeLists.txt", SIGNER.replace("base)", "storage/objects base)"), "signer depends on storage/objects, which is not declared before it"),
    ("storage/objects/store.cpp", '#include <pugixml.hpp>\n#include "base/word.hpp"\n', "declares that it depends on signer, and includes nothing of it"),
    ("signer/CMakeLists.txt", SIGNER.replace("DESCRIPTION", "LIBRARIES"), "signer has no DESCRIPTION"),
    ("signer/CMakeLists.txt", SIGNER.replace("signs", "speaks"), "ARCHITECTURE.md:7: the table of modules is not what"),
    ("base/error_code.hpp", "// Codes.\n#pragma once\nnamespace photogate {\n    X(never, 400, no, \"Never\") \\\n}\n", "base/error_code.hpp:4: never is produced nowhere"),
    ("signer/README.md", "# signer\n`word.hpp` and `signer/word.hpp`, `gone.hpp`\n", "signer/README.md:2: names gone.hpp, which is not there"),
    ("ARCHITECTURE.md", "# It\n", "ARCHITECTURE.md:1: has no table of modules"),
    ("ARCHITECTURE.md", "# It\n\n`leave()` in `signer/word.hpp`\n", "ARCHITECTURE.md:3: names leave(), which is not there"),
    ("signer/word.hpp", HEADER.format('#include "base/word.hpp"\nstruct A { EVP_MD* md; };\n', "::signer"), "shows the third-party 'EVP_MD'"),
    ("base/word.hpp", HEADER.format("#include <pugixml.hpp>\n", ""), "does not declare pugixml::pugixml"),
    ("signer/b.hpp", "// A word.\nnamespace photogate::signer {\n}\n", "signer/b.hpp:1: has no #pragma once"),
    ("signer/b.hpp", HEADER.format("using namespace std;\n", "::signer"), "signer/b.hpp:4: has 'using namespace'"),
    ("signer/b.hpp", HEADER.format("struct Wide {\n" + "    void f();\n" * 21 + "};\n", "::signer"), "signer/b.hpp:4: Wide has 21 public member functions, at most 20"),
    ("signer/b.cpp", "namespace photogate::other {\n}\n", "is in namespace photogate::other, not photogate::signer"),
    ("signer/b.cpp", "// TO" + "DO: later\n", "signer/b.cpp:1: leaves 'TO" + "DO' behind"),
    ("signer/b.cpp", 'auto q = "SELECT a FROM b";\n', "has SQL outside a .sql file"),
    ("signer/b.cpp", "\n" * 451, "at most 450"),
    ("signer/README.md", None, "signer/README.md:1: is missing"),
    ("signer/CMakeLists.txt", SIGNER + "add_executable(tool main.cpp rest.cpp)\n", "tool has rest.cpp outside a library"),
    ("storage/new.cpp", "", "is in no module"),
])
def test_detects_violation_of_each_rule(tree, path, text, said):
    target = tree / path
    target.parent.mkdir(parents=True, exist_ok=True)
    if text is None:
        target.unlink()
    else:
        target.write_text(text)
    code, out = check(tree)
    assert code == 1 and said in out, out


@pytest.mark.parametrize("library, header, place", [
    ("nlohmann_json::nlohmann_json", "nlohmann/json.hpp", "a *_wire.cpp"),
    ("spdlog::spdlog", "spdlog/spdlog.h", "base/log.cpp"),
])
def test_holds_a_library_to_its_place_inside_a_module(tree, library, header, place):
    (tree / "base/CMakeLists.txt").write_text(BASE.replace("tl::expected", f"tl::expected {library}"))
    (tree / "base/a.cpp").write_text(f"#include <{header}>\n")
    assert f"base/a.cpp:1: includes <{header}>, which belongs in {place}" in check(tree, "--write")[1]


def test_forbids_a_library_in_a_header_that_other_modules_include(tree):
    (tree / "signer/CMakeLists.txt").write_text(SIGNER.replace("base)", "base LIBRARIES OpenSSL::Crypto)"))
    (tree / "signer/word.hpp").write_text(HEADER.format('#include <openssl/evp.h>\n#include "base/word.hpp"\n', "::signer"))
    assert "signer/word.hpp:4: includes <openssl/evp.h> in a header that other modules include" in check(tree, "--write")[1]


def test_keeps_libpqxx_to_the_modules_under_storage(tree):
    (tree / "signer/CMakeLists.txt").write_text(SIGNER.replace("base)", "base LIBRARIES PkgConfig::PQXX)"))
    (tree / "signer/a.cpp").write_text("#include <pqxx/pqxx>\n")
    assert "signer declares PkgConfig::PQXX, which belongs to the modules under storage/" in check(tree, "--write")[1]


def test_shows_libpqxx_to_no_module_elsewhere(tree):
    for module, depends in (("storage/sessions", "base"), ("storage/rows", "base storage/sessions"), ("gateway", "base storage/rows")):
        (tree / module).mkdir()
        (tree / module / "README.md").write_text("# module\n")
        libraries = " LIBRARIES PkgConfig::PQXX" if module.startswith("storage/") else ""
        (tree / module / "CMakeLists.txt").write_text(f'photogate_module({module} DESCRIPTION "it" DEPENDS {depends}{libraries})\n')
    (tree / "storage/CMakeLists.txt").write_text("add_subdirectory(objects)\nadd_subdirectory(sessions)\nadd_subdirectory(rows)\n")
    (tree / "CMakeLists.txt").write_text((tree / "CMakeLists.txt").read_text() + "add_subdirectory(gateway)\n")
    session = HEADER.format('#include <pqxx/pqxx>\n#include "base/word.hpp"\nstruct Session { pqxx::connection* one; };\n', "::storage::sessions")
    (tree / "storage/sessions/session.hpp").write_text(session)
    (tree / "storage/rows/rows.cpp").write_text('#include <pqxx/pqxx>\n#include "base/word.hpp"\n#include "storage/sessions/session.hpp"\n')
    (tree / "storage/rows/store.hpp").write_text(HEADER.format('#include "base/word.hpp"\n', "::storage::rows"))
    (tree / "gateway/a.cpp").write_text('#include "base/word.hpp"\n#include "storage/rows/store.hpp"\n')
    assert check(tree, "--write")[0] == 0
    (tree / "storage/rows/store.hpp").write_text(HEADER.format('#include "storage/sessions/session.hpp"\n', "::storage::rows"))
    out = check(tree, "--write")[1]
    assert "storage/sessions/session.hpp:4: includes <pqxx/pqxx> in a header that other modules include" in out
    assert "storage/sessions/session.hpp:6: shows the third-party 'pqxx::' to other modules" in out


def test_limits_the_lines_of_a_module(tree):
    for number in range(16):
        (tree / f"signer/long{number}.cpp").write_text("\n" * 440)
    assert "signer/CMakeLists.txt:1: signer has 7046 lines, at most 7000" in check(tree)[1]


def test_compares_the_declarations_with_what_cmake_configured(tree):
    build = tree / "build"
    build.mkdir()
    (build / "modules.txt").write_text("base: \nsigner: base\nstorage/objects: base signer\n")
    assert "modules.txt" not in check(tree, "--build-dir", build)[1]
    (build / "modules.txt").write_text("base: \nsigner: base\nstorage/objects: base\n")
    assert "modules.txt:1: is not what was read" in check(tree, "--build-dir", build)[1]


def test_writes_the_table_in_the_order_of_dependency(tree):
    rows = [line for line in (tree / "ARCHITECTURE.md").read_text().splitlines() if line.startswith("| `")]
    assert rows == ["| `base` | words | nothing | tl-expected |", "| `signer` | signs; verifies | base |  |",
                    "| `storage/objects` | stores | base, signer | pugixml |"]


def test_counts_public_member_functions():
    text = """
    // class Comment { public: void no(); };
    class Store : public Base<int> {
        void hidden();
      public:
        explicit Store(int a = f(1));
        ~Store() override;
        Store(const Store&) = delete;
        Store& operator=(const Store&) = delete;
        bool operator==(const Store&) const = default;
        using Done = std::function<void(int)>;
        std::function<void(int)> member;
        int value{0}; int other = f(3);
        struct Inner { int one() const { return 1; } int a = 0; };
        enum class Kind { a, b };
        [[nodiscard]] Result<std::map<int, int>> find(int a, std::function<void(int)> done = {}) const;
        static Result<Store> open(const Options& options = Options{});
        template <typename T> T get() const { if (x) { return T{}; } return T{"};("}; }
        virtual void pure() = 0;
        auto trailing() const -> int;
      private:
        void also_hidden();
    };
    """
    assert {(name, count) for name, _, count in class_size.public_functions(text)} == {("Store", 5), ("Inner", 1)}


def test_allows_no_large_class_that_is_not_large():
    found = module_list.read_modules(ROOT)
    counts = {}
    for module in found.modules:
        for header in (ROOT / module).glob("*.hpp"):
            for name, _, count in class_size.public_functions(header.read_text()):
                counts[name] = max(count, counts.get(name, 0))
    for name in check_architecture.LARGE_CLASSES:
        assert counts.get(name, 0) > check_architecture.MOST_PUBLIC_FUNCTIONS, f"take {name} out of LARGE_CLASSES"
