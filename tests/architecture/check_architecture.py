#!/usr/bin/env python3
"""Holds the table of rooms against the code: who may include whom, whose library is whose, and the habits that every room keeps.

    check_architecture.py [--build-dir DIR] [--root DIR]

Prints each violation as FILE:LINE: what, then a count; exit 1 where there are any. Standard library only.
"""
import argparse
import pathlib
import re
import subprocess
import sys

# room: rooms whose headers it may include. The arrows go down and never up.
STORAGE = {"storage/http", "storage/objects", "storage/records"}
MODEL = {"model", "model/policy"}
BELOW_PIPELINE = {"base", "signer", "imaging", "notifier"} | MODEL | STORAGE
EVERYTHING = BELOW_PIPELINE | {"pipeline", "delivery", "web"}
ROOMS = {
    "base": set(),
    "signer": {"base"},
    "storage/http": {"base", "signer"},
    "storage/objects": {"base", "signer", "storage/http"},
    "storage/records": {"base", "model"},
    "imaging": {"base"},
    "model": {"base"},
    "model/policy": {"base", "signer", "imaging", "model"},
    "imaging/containers": {"base", "imaging"},
    "imaging/jail": {"base", "imaging"},
    "imaging/imager": {"base", "imaging", "imaging/containers", "imaging/jail"},
    "notifier": {"base", "signer", "model"} | STORAGE,
    "pipeline": BELOW_PIPELINE,
    "delivery": {"base", "signer", "imaging", "pipeline"} | MODEL | STORAGE,
    "web": {"base"},
    "gateway/http": {"base"},
    "gateway/s3": {"base", "signer", "storage/http", "storage/objects", "gateway/http"},
    "gateway/config": EVERYTHING,
    "gateway/cli": EVERYTHING | {"gateway/config"},
    "gateway/routes": EVERYTHING | {"gateway/http", "gateway/config"},
    "gateway/local": {"base"},
    "gateway/system": EVERYTHING | {"gateway/http", "gateway/config", "gateway/s3", "gateway/routes", "gateway/local"},
    "gateway": EVERYTHING
    | {"gateway/http", "gateway/config", "gateway/cli", "gateway/s3", "gateway/routes", "gateway/local", "gateway/system"},
}

# Third-party headers: where they may stand. A predicate over the file's path from the root.
def in_room(*rooms):
    return lambda path: room_of(path) in rooms


def wire(path):
    return path.name.endswith("_wire.cpp")


def spdlog(path):
    return path.parent == pathlib.Path("base") and path.name in ("log.cpp", "redact.cpp")


OWNERS = [
    (re.compile(r"openssl/"), "signer", in_room("signer")),
    (re.compile(r"curl/"), "storage/http", in_room("storage/http")),
    (re.compile(r"pugixml"), "storage/objects", in_room("storage/objects")),
    (re.compile(r"sqlite3"), "storage/objects", in_room("storage/objects")),
    (re.compile(r"pqxx(/|$)|libpq"), "storage/records", in_room("storage/records")),
    (re.compile(r"vips/|glib|libheif/|libexif/|exiv2/"), "imaging/imager", in_room("imaging/imager")),
    (re.compile(r"seccomp\.h"), "imaging/jail", in_room("imaging/jail")),
    (re.compile(r"boost/"), "gateway/http", in_room("gateway/http", "gateway/routes", "gateway/system", "gateway")),
    (re.compile(r"nlohmann/"), "*_wire.cpp", wire),
    (re.compile(r"toml\+\+/|toml\.hpp"), "gateway/config", in_room("gateway/config", "gateway/cli")),
    (re.compile(r"CLI/|CLI11"), "gateway/cli", in_room("gateway/config", "gateway/cli")),
    (re.compile(r"prometheus/"), "gateway/http", in_room("gateway/http", "gateway/routes", "gateway/system")),
    (re.compile(r"zlib\.h|libdeflate"), "imaging/containers", in_room("imaging/containers", "packager")),
    (re.compile(r"spdlog/"), "base/log.cpp", spdlog),
]
# What a header may include besides the house's and the standard's: vocabulary types that the design gives to everyone.
HEADER_VOCABULARY = re.compile(r"tl/expected\.hpp$")
# Names by which a third-party type would show in a header.
FOREIGN_NAMES = re.compile(r"\b(pqxx|boost|nlohmann|pugi|spdlog|toml|CLI|prometheus|fmt)::|\bCURL\b|\bEVP_\w+|\bVips[A-Z]\w*")

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')
USING_NAMESPACE = re.compile(r"^\s*using\s+namespace\b")
LEFTOVER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
SQL = re.compile(r'"[^"]*\b(SELECT\s+.+\s+FROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|CREATE\s+(TABLE|INDEX)|ALTER\s+TABLE)\b', re.I)
MAKER = re.compile(r"add_executable\s*\(\s*(\S+)([^)]*)\)", re.S)
LONGEST = 450
SOURCES = {".cpp", ".hpp"}

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOP = sorted({room.split("/")[0] for room in ROOMS})


def room_of(path):
    """The innermost room that holds a path given from the root; '' for what is in none."""
    for parent in path.parents:
        if parent.as_posix() in ROOMS:
            return parent.as_posix()
    return ""


def namespace_of(room):
    return "photogate" if room in ("base", "gateway") else "photogate::" + room.replace("/", "::")


def accepted_namespaces(room):
    # imaging and model share their name with the modules inside them: the jail's parts are one subject.
    names = {namespace_of(room)}
    for outer in ("imaging", "model"):
        if room.startswith(outer + "/"):
            names.add("photogate::" + outer)
    return names


class Check:
    def __init__(self, root):
        self.root = root
        self.violations = []
        self.files = 0

    def say(self, path, line, what):
        self.violations.append(f"{path.as_posix()}:{line}: {what}")

    def run(self, build_dir):
        files = [path.relative_to(self.root) for top in TOP for path in sorted((self.root / top).rglob("*")) if path.suffix in SOURCES]
        for path in files:
            self.files += 1
            self.check_file(path, (self.root / path).read_text(encoding="utf-8"))
        self.check_rooms(files)
        self.check_programs()
        if build_dir:
            self.check_linked(pathlib.Path(build_dir))

    # ---- one file ----

    def check_file(self, path, text):
        lines = text.splitlines()
        room = room_of(path)
        if not room:
            self.say(path, 1, "is in no room of the table (tests/architecture/check_architecture.py)")
            return
        if len(lines) > LONGEST:
            self.say(path, len(lines), f"has {len(lines)} lines, at most {LONGEST}: one concept a file")
        if path.suffix == ".hpp":
            self.check_header(path, lines)
        for number, line in enumerate(lines, 1):
            include = INCLUDE.match(line)
            if include:
                self.check_include(path, room, number, include.group(1), include.group(2))
            if LEFTOVER.search(line):
                self.say(path, number, f"leaves '{LEFTOVER.search(line).group(1)}' behind")
            if SQL.search(line):
                self.say(path, number, "has SQL outside a .sql file")
        self.check_namespace(path, room, text)

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
            if foreign and not code.strip().startswith("#") and self.included_elsewhere(path):
                self.say(path, number, f"shows the third-party '{foreign.group(0)}' to other rooms")

    def check_include(self, path, room, number, form, name):
        if form == '"':
            self.check_own_include(path, room, number, name)
            return
        for pattern, owner, allowed in OWNERS:
            if not pattern.match(name):
                continue
            if not allowed(path):
                self.say(path, number, f"includes <{name}>, which belongs to {owner}")
            elif path.suffix == ".hpp" and self.included_elsewhere(path):
                self.say(path, number, f"includes <{name}> in a header that other rooms include")
        # Anything with a folder that is neither the system's nor known vocabulary is a library nobody owns.
        first = name.split("/")[0]
        if first in TOP and (self.root / name).exists():
            self.say(path, number, f"includes our own {name} with <>")

    def check_own_include(self, path, room, number, name):
        target = pathlib.Path(name)
        if not (self.root / target).exists():
            if (self.root / path.parent / name).exists():
                self.say(path, number, f'includes "{name}" from its folder, not from the root')
            return  # made at build time
        other = room_of(target)
        if other and other != room and other not in ROOMS[room]:
            self.say(path, number, f"{room} may not include {other} ({name})")

    def check_namespace(self, path, room, text):
        if path.name == "main.cpp":
            return
        opened = re.findall(r"^namespace\s+([\w:]+)\s*\{", text, re.M)
        if not opened:
            return
        accepted = accepted_namespaces(room)
        if not any(name in accepted or any(name.startswith(a + "::") for a in accepted) for name in opened):
            line = text[: text.index("namespace " + opened[0])].count("\n") + 1
            self.say(path, line, f"is in namespace {opened[0]}, not {namespace_of(room)}")

    def included_elsewhere(self, header):
        if not hasattr(self, "includers"):
            self.includers = {}
            for top in TOP:
                for path in (self.root / top).rglob("*"):
                    if path.suffix not in SOURCES:
                        continue
                    for line in path.read_text(encoding="utf-8").splitlines():
                        include = INCLUDE.match(line)
                        if include and include.group(1) == '"':
                            self.includers.setdefault(include.group(2), set()).add(room_of(path.relative_to(self.root)))
        return bool(self.includers.get(header.as_posix(), set()) - {room_of(header)})

    # ---- the house ----

    def check_rooms(self, files):
        inhabited = {room_of(path) for path in files}
        for room in sorted(ROOMS):
            if room not in inhabited or room == "gateway":
                continue
            folder = pathlib.Path(room)
            if not (self.root / folder / "README.md").exists():
                self.say(folder / "README.md", 1, "is missing: a room says what it promises")
            lists = self.root / folder / "CMakeLists.txt"
            if not lists.exists():
                self.say(folder / "CMakeLists.txt", 1, "is missing: a room is a library")
                continue
            if not re.search(r"photogate_room\(\s*" + re.escape(room) + r"\b", lists.read_text()):
                self.say(folder / "CMakeLists.txt", 1, f"does not declare photogate_room({room} …)")
            self.check_leans(folder / "CMakeLists.txt", room, lists.read_text())

    def check_leans(self, path, room, text):
        declared = re.search(r"photogate_room\(\s*\S+\s+LEANS_ON\s+([^)]*?)(\bOWNS\b|\))", text)
        for other in declared.group(1).split() if declared else []:
            if other not in ROOMS[room]:
                self.say(path, text[: text.index(other)].count("\n") + 1, f"{room} may not lean on {other}")

    def check_programs(self):
        """Everything but main.cpp is in a library."""
        for top in TOP:
            for lists in sorted((self.root / top).rglob("CMakeLists.txt")):
                text = lists.read_text()
                for made in MAKER.finditer(text):
                    extra = [word for word in made.group(2).split() if word.endswith(".cpp") and pathlib.Path(word).name != "main.cpp"]
                    if extra:
                        line = text[: made.start()].count("\n") + 1
                        self.say(lists.relative_to(self.root), line, f"{made.group(1)} has {', '.join(extra)} outside a library")

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
    arguments = parser.parse_args()
    check = Check(arguments.root.resolve())
    check.run(arguments.build_dir)
    for violation in check.violations:
        print(violation)
    print(f"architecture: {check.files} files, {len(check.violations)} violations")
    return 1 if check.violations else 0


if __name__ == "__main__":
    sys.exit(main())
