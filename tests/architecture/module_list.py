"""The modules as the CMakeLists.txt files declare them: photogate_module() and photogate_program() (cmake/Module.cmake).

The files are followed from the root through add_subdirectory(), so the list is in CMake's own order, in which each module comes
after everything that it depends on. Only literal arguments are understood; CMake's own view of the list (modules.txt in the build
folder) is compared by check_architecture.py. Standard library only.
"""
import dataclasses
import re

CALL = re.compile(r"^[ \t]*(photogate_module|photogate_program|add_subdirectory)\s*\(", re.M)
ARGUMENT = re.compile(r'\s+|#[^\n]*|"([^"]*)"|([^\s()"#]+)|(\))')
KEYWORDS = {"DESCRIPTION", "DEPENDS", "LIBRARIES", "PUBLIC_LIBRARIES"}
# CMake's name of each third-party library: what it is called in the table, and its headers.
LIBRARIES = {
    "Boost::headers": ("Boost", r"boost/"),
    "CLI11::CLI11": ("CLI11", r"CLI/|CLI11"),
    "CURL::libcurl": ("libcurl", r"curl/"),
    "OpenSSL::Crypto": ("OpenSSL", r"openssl/"),
    "OpenTelemetry::otlp": ("OpenTelemetry C++", r"opentelemetry/|absl/"),
    "PkgConfig::GMODULE": ("GLib", r"gmodule\.h"),
    "PkgConfig::HEIF": ("libheif", r"libheif/"),
    "PkgConfig::PANGO": ("Pango and fontconfig", r"pango/|fontconfig/"),
    "PkgConfig::PQXX": ("libpqxx", r"pqxx(/|$)|libpq"),
    "PkgConfig::SECCOMP": ("libseccomp", r"seccomp\.h"),
    "PkgConfig::UTF8PROC": ("utf8proc", r"utf8proc\.h"),
    "PkgConfig::LIBDEFLATE": ("libdeflate", r"libdeflate\.h"),
    "PkgConfig::MAXMINDDB": ("libmaxminddb", r"maxminddb\.h"),
    "PkgConfig::VIPS": ("libvips", r"vips/|glib"),
    "SQLite::SQLite3": ("SQLite", r"sqlite3"),
    "ZLIB::ZLIB": ("zlib", r"zlib\.h"),
    "fmt::fmt": ("fmt", r"fmt/"),
    "nlohmann_json::nlohmann_json": ("nlohmann-json", r"nlohmann/"),
    "prometheus-cpp::core": ("prometheus-cpp", r"prometheus/"),
    "pugixml::pugixml": ("pugixml", r"pugixml"),
    "spdlog::spdlog": ("spdlog", r"spdlog/"),
    "tl::expected": ("tl-expected", r"tl/"),
    "tomlplusplus::headers": ("toml++", r"toml\+\+/|toml\.hpp"),
}
MARKERS = ("<!-- modules -->", "<!-- /modules -->")


@dataclasses.dataclass
class Module:
    name: str
    description: str
    depends: list
    libraries: list
    public_libraries: list
    file: str  # the CMakeLists.txt, from the root
    line: int


@dataclasses.dataclass
class Program:
    name: str
    folder: str  # where its main.cpp is, from the root
    depends: list


@dataclasses.dataclass
class ModuleList:
    modules: dict  # name: Module, in the order of declaration
    programs: list
    files: list  # every CMakeLists.txt that was read, from the root

    def __contains__(self, name):
        return name in self.modules

    def module_of(self, path):
        """The innermost module that holds a path given from the root, or None."""
        for parent in path.parents:
            if parent.as_posix() in self.modules:
                return self.modules[parent.as_posix()]
        return None

    def program_of(self, path):
        """The program whose main.cpp this is, or None."""
        if path.name != "main.cpp":
            return None
        return next((program for program in self.programs if program.folder == path.parent.as_posix()), None)


def arguments_of(text, start):
    words = []
    while match := ARGUMENT.match(text, start):
        start = match.end()
        if match[3]:
            break
        if match[1] is not None or match[2] is not None:
            words.append(match[1] if match[1] is not None else match[2])
    return words


def by_keyword(words):
    values, keyword = {}, None
    for word in words:
        if word in KEYWORDS:
            keyword = word
            values[keyword] = []
        elif keyword:
            values[keyword].append(word)
    return values


def read_modules(root):
    found = ModuleList({}, [], [])

    def read(folder):
        path = root / folder / "CMakeLists.txt"
        if not path.exists():
            return
        file = path.relative_to(root).as_posix()
        found.files.append(file)
        text = path.read_text(encoding="utf-8")
        for call in CALL.finditer(text):
            words = arguments_of(text, call.end())
            if not words:
                continue
            values = by_keyword(words[1:])
            if call[1] == "photogate_module":
                found.modules[words[0]] = Module(
                    words[0], " ".join(values.get("DESCRIPTION", [])), values.get("DEPENDS", []), values.get("LIBRARIES", []),
                    values.get("PUBLIC_LIBRARIES", []), file, text[: call.start()].count("\n") + 1)
            elif call[1] == "photogate_program":
                found.programs.append(Program(words[0], path.parent.relative_to(root).as_posix(), values.get("DEPENDS", [])))
            elif "$" not in words[0]:
                read(f"{folder}/{words[0]}")

    read(".")
    return found


def table(found):
    """ARCHITECTURE.md's table of modules, in the order of dependency."""
    lines = ["| module | what it is for | depends on | libraries |", "| --- | --- | --- | --- |"]
    for module in found.modules.values():
        depends = ", ".join(module.depends) or "nothing"
        libraries = ", ".join(sorted((LIBRARIES.get(library, (library,))[0] for library in module.public_libraries + module.libraries),
                                     key=str.casefold))
        lines.append(f"| `{module.name}` | {module.description} | {depends} | {libraries} |")
    return "\n".join(lines)


def page_with_table(page, found):
    """The page with the table between its markers; None where it has no markers."""
    begin, end = MARKERS
    if begin not in page or end not in page:
        return None
    before, rest = page.split(begin, 1)
    return f"{before}{begin}\n{table(found)}\n{end}{rest.split(end, 1)[1]}"
