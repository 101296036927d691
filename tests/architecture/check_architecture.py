#!/usr/bin/env python3
"""Holds the modules to what their CMakeLists.txt files declare: who includes whom and which third-party library, in order and without
a cycle; and the habits that every module keeps.

    check_architecture.py [--build-dir DIR] [--root DIR] [--write]

Prints each violation as FILE:LINE: what, then a count; exit 1 where there are any. With --write it first renders ARCHITECTURE.md's
table of modules. Standard library only.
"""
import argparse
import pathlib
import re
import subprocess
import sys

import class_size
import module_list

# Narrower than the declarations: where inside a module a library's headers may be included.
PLACES = {
    "nlohmann_json::nlohmann_json": ("a *_wire.cpp", lambda path: path.name.endswith(("_wire.cpp", "_wire.hpp"))),
    "spdlog::spdlog": ("base/log.cpp", lambda path: path.as_posix() in ("base/log.cpp", "base/redact.cpp")),
}
HEADERS = {library: re.compile(pattern) for library, (_, pattern) in module_list.LIBRARIES.items()}
# Third-party headers that a header may include although other modules include it: vocabulary types.
HEADER_VOCABULARY = re.compile(r"tl/expected\.hpp$")
# Libraries that belong to the modules under one folder. Their types may show in headers that those modules share, and in none that
# a module elsewhere reaches, be it through other headers.
FOLDERS = {"PkgConfig::PQXX": "storage/"}
# Names by which a third-party type would show in a header.
FOREIGN_NAMES = re.compile(r"\b(pqxx|boost|nlohmann|pugi|spdlog|toml|CLI|prometheus|fmt)::|\bCURL\b|\bEVP_\w+|\bVips[A-Z]\w*")

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')
USING_NAMESPACE = re.compile(r"^\s*using\s+namespace\b")
LEFTOVER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
SQL = re.compile(r'"[^"]*\b(SELECT\s+.+\s+FROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|CREATE\s+(TABLE|INDEX)|ALTER\s+TABLE)\b', re.I)
MAKER = re.compile(r"add_executable\s*\(\s*(\S+)([^)]*)\)", re.S)
NAMED_FUNCTION = re.compile(r"`(?:\w+::)*(\w+)\(\)`")
NAMED_FILE = re.compile(r"`([\w./-]+\.(?:cpp|hpp|sql|py|md|txt|cmake|js|json|html))`")
DECLARED_CODE = re.compile(r"\s+X\((\w+), \w+, (?:yes|no), ")
PRODUCED_CODE = re.compile(r"(?<!case )(?<!== )(?<!!= )\bErrorCode::(\w+)")
LONGEST_FILE = 450
LARGEST_MODULE = 7000
MOST_PUBLIC_FUNCTIONS = 20
# Modules and classes that are larger than that, and how large they may be until they are split. Figures here only fall.
LARGE_MODULES = {}
LARGE_CLASSES = {}
SOURCES = {".cpp", ".hpp"}

ROOT = pathlib.Path(__file__).resolve().parents[2]


def namespace_of(module):
    return "photogate" if module == "base" else "photogate::" + module.removeprefix("base/").replace("/", "::")


def accepted_namespaces(module):
    # imaging and model share their name with the modules inside them: the jail's parts are one subject.
    names = {namespace_of(module)}
    for outer in ("imaging", "model"):
        if module.startswith(outer + "/"):
            names.add("photogate::" + outer)
    return names


class Check:
    def __init__(self, root):
        self.root = root
        self.list = module_list.read_modules(root)
        self.top = sorted({name.split("/")[0] for name in self.list.modules} | {program.folder.split("/")[0] for program in self.list.programs})
        self.violations = []
        self.files = 0
        self.lines = {}  # module: lines in its sources
        self.used = {}  # module: modules whose headers it includes
        self.libraries_used = {}  # module: libraries whose headers it includes

    def say(self, path, line, what):
        self.violations.append(f"{pathlib.Path(path).as_posix()}:{line}: {what}")

    def run(self, build_dir):
        files = [path.relative_to(self.root) for top in self.top for path in sorted((self.root / top).rglob("*")) if path.suffix in SOURCES]
        for path in files:
            self.files += 1
            self.check_file(path, (self.root / path).read_text(encoding="utf-8"))
        for module in self.list.modules.values():
            self.check_module(module)
        self.check_table()
        self.check_pages()
        self.check_functions(files)
        self.check_error_codes(files)
        self.check_programs()
        if build_dir:
            self.check_configured(pathlib.Path(build_dir))
            self.check_linked(pathlib.Path(build_dir))

    # ---- one file ----

    def owner_of(self, path):
        """(name, modules that it declares, libraries that it declares) of the module or program that a file belongs to."""
        program = self.list.program_of(path)
        if program:
            return program.name, set(program.depends), set()
        module = self.list.module_of(path)
        if not module:
            return None
        libraries = set(module.libraries) | set(module.public_libraries)
        for other in module.depends:
            if other in self.list:
                libraries |= set(self.list.modules[other].public_libraries)
        return module.name, set(module.depends), libraries

    def check_file(self, path, text):
        lines = text.splitlines()
        owner = self.owner_of(path)
        if not owner:
            self.say(path, 1, "is in no module: no photogate_module() declares its folder")
            return
        name = owner[0]
        self.lines[name] = self.lines.get(name, 0) + len(lines)
        if len(lines) > LONGEST_FILE:
            self.say(path, len(lines), f"has {len(lines)} lines, at most {LONGEST_FILE}: one concept a file")
        if path.suffix == ".hpp":
            self.check_header(path, lines)
        self.check_classes(path, text)
        for number, line in enumerate(lines, 1):
            include = INCLUDE.match(line)
            if include and include.group(1) == '"':
                self.check_own_include(path, owner, number, include.group(2))
            elif include:
                self.check_library_include(path, owner, number, include.group(2))
            if LEFTOVER.search(line):
                self.say(path, number, f"leaves '{LEFTOVER.search(line).group(1)}' behind")
            if SQL.search(line):
                self.say(path, number, "has SQL outside a .sql file")
        if path.name != "main.cpp":
            self.check_namespace(path, name, text)

    def check_header(self, path, lines):
        if not any(line.strip() == "#pragma once" for line in lines):
            self.say(path, 1, "has no #pragma once")
        if not lines or not lines[0].startswith("//"):
            self.say(path, 1, "does not begin with what it is for")
        for number, line in enumerate(lines, 1):
            if USING_NAMESPACE.match(line):
                self.say(path, number, "has 'using namespace' in a header")
            code = line.split("//")[0]
            foreign = FOREIGN_NAMES.search(code)
            library = "PkgConfig::PQXX" if foreign and foreign.group(1) == "pqxx" else None
            if foreign and not code.strip().startswith("#") and self.is_shown(path, library):
                self.say(path, number, f"shows the third-party '{foreign.group(0)}' to other modules")

    def check_classes(self, path, text):
        for name, line, count in class_size.public_functions(text):
            most = LARGE_CLASSES.get(name, MOST_PUBLIC_FUNCTIONS)
            if count > most:
                self.say(path, line, f"{name} has {count} public member functions, at most {most}")

    def check_library_include(self, path, owner, number, header):
        if header.split("/")[0] in self.top and (self.root / header).exists():
            self.say(path, number, f"includes our own {header} with <>")
        name, _, libraries = owner
        for library, pattern in HEADERS.items():
            if not pattern.match(header):
                continue
            self.libraries_used.setdefault(name, set()).add(library)
            where, allowed = PLACES.get(library, ("", lambda _: True))
            if library not in libraries:
                self.say(path, number, f"includes <{header}>, but {name} does not declare {library}")
            elif not allowed(path):
                self.say(path, number, f"includes <{header}>, which belongs in {where}")
            elif path.suffix == ".hpp" and not HEADER_VOCABULARY.search(header) and self.is_shown(path, library):
                self.say(path, number, f"includes <{header}> in a header that other modules include")

    def check_own_include(self, path, owner, number, header):
        if not (self.root / header).exists():
            if (self.root / path.parent / header).exists():
                self.say(path, number, f'includes "{header}" from its folder, not from the root')
            return  # made at build time
        name, depends, _ = owner
        other = self.list.module_of(pathlib.Path(header))
        if not other or other.name == name:
            return
        self.used.setdefault(name, set()).add(other.name)
        if other.name not in depends:
            self.say(path, number, f"{name} does not declare that it depends on {other.name} ({header})")

    def check_namespace(self, path, module, text):
        opened = re.findall(r"^namespace\s+([\w:]+)\s*\{", text, re.M)
        if not opened:
            return
        accepted = accepted_namespaces(module)
        if not any(name in accepted or any(name.startswith(a + "::") for a in accepted) for name in opened):
            line = text[: text.index("namespace " + opened[0])].count("\n") + 1
            self.say(path, line, f"is in namespace {opened[0]}, not {namespace_of(module)}")

    def includers(self, header):
        """The files that include a header, all given from the root."""
        if not hasattr(self, "including"):
            self.including = {}
            for top in self.top:
                for path in (self.root / top).rglob("*"):
                    if path.suffix not in SOURCES:
                        continue
                    for line in path.read_text(encoding="utf-8").splitlines():
                        include = INCLUDE.match(line)
                        if include and include.group(1) == '"':
                            self.including.setdefault(include.group(2), set()).add(path.relative_to(self.root))
        return self.including.get(header.as_posix(), set())

    def reached_from(self, header):
        """The files that include a header or one that includes it, and so on."""
        reached, left = set(), [header]
        while left:
            for path in self.includers(left.pop()) - reached:
                reached.add(path)
                left.append(path)
        return reached

    def is_shown(self, header, library):
        """Whether what a header shows of a library is seen by modules that are not to see it."""
        def name_of(path):
            owner = self.owner_of(path)
            return owner[0] if owner else ""
        if library in FOLDERS:
            return any(not path.as_posix().startswith(FOLDERS[library]) for path in self.reached_from(header))
        programs = {program.name for program in self.list.programs}
        return bool({name_of(path) for path in self.includers(header)} - programs - {name_of(header)})

    # ---- the modules ----

    def check_module(self, module):
        folder = pathlib.Path(module.name)
        if module.file != f"{module.name}/CMakeLists.txt":
            self.say(module.file, module.line, f"declares {module.name}, whose folder is another")
        if not (self.root / folder / "README.md").exists():
            self.say(folder / "README.md", 1, "is missing: a module says what it promises")
        if not module.description:
            self.say(module.file, module.line, f"{module.name} has no DESCRIPTION")
        earlier = list(self.list.modules)[: list(self.list.modules).index(module.name)]
        for other in module.depends:
            if other not in earlier:
                self.say(module.file, module.line, f"{module.name} depends on {other}, which is not declared before it")
            elif other not in self.used.get(module.name, set()):
                self.say(module.file, module.line, f"{module.name} declares that it depends on {other}, and includes nothing of it")
        for library in module.libraries + module.public_libraries:
            if library not in module_list.LIBRARIES:
                self.say(module.file, module.line, f"{module.name} declares {library}, which tests/architecture/module_list.py does not know")
            elif not module.name.startswith(FOLDERS.get(library, "")):
                self.say(module.file, module.line, f"{module.name} declares {library}, which belongs to the modules under {FOLDERS[library]}")
            elif library not in self.libraries_used.get(module.name, set()):
                self.say(module.file, module.line, f"{module.name} declares {library}, and includes nothing of it")
        lines = self.lines.get(module.name, 0)
        most = LARGE_MODULES.get(module.name, LARGEST_MODULE)
        if lines > most:
            self.say(module.file, module.line, f"{module.name} has {lines} lines, at most {most}")

    def check_table(self):
        page = self.root / "ARCHITECTURE.md"
        text = page.read_text(encoding="utf-8") if page.exists() else ""
        expected = module_list.page_with_table(text, self.list)
        if expected is None:
            self.say("ARCHITECTURE.md", 1, f"has no table of modules between {' and '.join(module_list.MARKERS)}")
        elif expected != text:
            line = next(number for number, (a, b) in enumerate(zip(text.split("\n"), expected.split("\n")), 1) if a != b)
            self.say("ARCHITECTURE.md", line, "the table of modules is not what the CMakeLists.txt files declare (check_architecture.py --write)")

    def check_error_codes(self, files):
        """Each code of base/error_code.hpp is produced somewhere: named otherwise than in a comparison or a case."""
        table = pathlib.Path("base/error_code.hpp")
        if not (self.root / table).exists():
            return
        produced = set()
        for path in files:
            if path.stem != "error_code":
                produced |= set(PRODUCED_CODE.findall((self.root / path).read_text(encoding="utf-8")))
        for number, line in enumerate((self.root / table).read_text(encoding="utf-8").splitlines(), 1):
            declared = DECLARED_CODE.match(line)
            if declared and declared[1] not in produced:
                self.say(table, number, f"{declared[1]} is produced nowhere")

    def check_pages(self):
        """Each file that ARCHITECTURE.md or a README names is there, named from the root or from the page's folder."""
        pages = [self.root / "ARCHITECTURE.md"] + [page for top in self.top for page in sorted((self.root / top).rglob("README.md"))]
        for page in pages:
            if not page.exists():
                continue
            for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
                for name in NAMED_FILE.findall(line):
                    if not (self.root / name).exists() and not (page.parent / name).exists():
                        self.say(page.relative_to(self.root), number, f"names {name}, which is not there")

    def check_functions(self, files):
        """Each function that ARCHITECTURE.md names is in a source file of the same line, or anywhere if the line names none."""
        page = self.root / "ARCHITECTURE.md"
        for number, line in enumerate(page.read_text(encoding="utf-8").splitlines() if page.exists() else [], 1):
            named = [self.root / name for name in NAMED_FILE.findall(line) if (self.root / name).suffix in SOURCES]
            where = [path for path in named if path.exists()] or [self.root / path for path in files]
            for function in NAMED_FUNCTION.findall(line):
                called = re.compile(rf"\b{function}\(")
                if not any(called.search(path.read_text(encoding="utf-8")) for path in where):
                    self.say("ARCHITECTURE.md", number, f"names {function}(), which is not there")

    def check_programs(self):
        """Everything but main.cpp is in a library."""
        for top in self.top:
            for lists in sorted((self.root / top).rglob("CMakeLists.txt")):
                text = lists.read_text()
                for made in MAKER.finditer(text):
                    extra = [word for word in made.group(2).split() if word.endswith(".cpp") and pathlib.Path(word).name != "main.cpp"]
                    if extra:
                        line = text[: made.start()].count("\n") + 1
                        self.say(lists.relative_to(self.root), line, f"{made.group(1)} has {', '.join(extra)} outside a library")

    def check_configured(self, build_dir):
        """CMake and this program read the same declarations."""
        written = build_dir / "modules.txt"
        read = "".join(f"{module.name}: {' '.join(module.depends)}\n" for module in self.list.modules.values())
        if not written.exists() or written.read_text(encoding="utf-8") != read:
            self.say(written, 1, "is not what was read from the CMakeLists.txt files: configure anew, and write arguments out literally")

    def check_linked(self, build_dir):
        program = build_dir / "photogate"
        if not program.exists():
            self.say(program, 1, "was not built")
            return
        linked = subprocess.run(["ldd", str(program)], capture_output=True, text=True, timeout=60, check=True).stdout
        for line in linked.splitlines():
            if re.search(r"vips|heif|exif|glib|libjpeg|libpng|libtiff|libwebp", line):
                self.say(program, 1, f"links {line.split()[0]}: decoders belong to photogate-imager alone")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build-dir")
    parser.add_argument("--root", type=pathlib.Path, default=ROOT)
    parser.add_argument("--write", action="store_true", help="render ARCHITECTURE.md's table of modules first")
    arguments = parser.parse_args()
    root = arguments.root.resolve()
    if arguments.write:
        page = root / "ARCHITECTURE.md"
        page.write_text(module_list.page_with_table(page.read_text(encoding="utf-8"), module_list.read_modules(root)), encoding="utf-8")
    check = Check(root)
    check.run(arguments.build_dir)
    for violation in check.violations:
        print(violation)
    print(f"architecture: {check.files} files, {len(check.violations)} violations")
    return 1 if check.violations else 0


if __name__ == "__main__":
    sys.exit(main())
