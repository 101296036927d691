"""The shared libraries that a program loads, also one that was cross-compiled and can't be run here. Standard library only."""
import os
import pathlib
import re
import subprocess
import sys

# By the number of the ELF header: what Debian calls the architecture, and the folder of its libraries.
CROSS = {183: ("arm64", "aarch64-linux-gnu")}
NUMBERS = {name: number for number, (name, _) in CROSS.items()}


class Unknown(Exception):
    """A library that is not here, or a program of an architecture that is not known."""


def machine(file):
    """The architecture's number in the ELF header; both bytes are in the order of a little-endian machine."""
    with open(file, "rb") as program:
        header = program.read(20)
    if header[:4] != b"\x7fELF":
        raise Unknown(f"{file} is no program")
    return int.from_bytes(header[18:20], "little")


def is_foreign(program):
    return machine(program) != machine(sys.executable)


def _cross(program):
    try:
        return CROSS[machine(program)]
    except KeyError:
        raise Unknown(f"{program} is for an architecture that nothing is known of here") from None


def architecture(program):
    """As Debian calls it."""
    if is_foreign(program):
        return _cross(program)[0]
    return subprocess.run(["dpkg", "--print-architecture"], check=True, capture_output=True, text=True).stdout.strip()


def named(file):
    """What a program or library asks for: (names, the folders that it has them looked for in first)."""
    said = subprocess.run(["readelf", "--dynamic", "--wide", file], check=True, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C.UTF-8"}).stdout
    folders = [folder.replace("$ORIGIN", str(pathlib.Path(file).parent)) for path in re.findall(r"\((?:RUNPATH|RPATH)\).*\[(.*)\]", said)
               for folder in path.split(":")]
    return re.findall(r"\(NEEDED\).*\[(.*)\]", said), folders


def _resolved(program):
    """What the loader of this machine finds for a program of its architecture: {name: path}."""
    said = subprocess.run(["ldd", program], check=True, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C.UTF-8"}).stdout
    return dict(re.findall(r"(\S+) => (/\S+)", said))


def asked_for(program):
    """The files that a program or library itself names, their links resolved."""
    names, folders = named(program)
    if is_foreign(program):
        folder = _cross(program)[1]
        places = [*folders, f"/usr/lib/{folder}", f"/lib/{folder}"]
        found = {name: next((path for path in (os.path.join(each, name) for each in places) if os.path.exists(path)), None) for name in names}
    else:
        resolved = _resolved(program)
        found = {name: resolved.get(name) for name in names if not name.startswith("ld-linux")}  # the loader, which comes with libc
    for name, path in found.items():
        if not path:
            raise Unknown(f"{program} asks for {name}, which is not here")
    return {os.path.realpath(path) for path in found.values()}


def loaded(program):
    """The files, their links resolved."""
    if not is_foreign(program):
        return {os.path.realpath(path) for path in _resolved(program).values()}
    found, waiting = set(), [os.path.realpath(program)]
    while waiting:
        new = asked_for(waiting.pop()) - found
        found |= new
        waiting += new
    return found


def packages_of(files):
    """The Debian packages that they came with. Debian's folders are merged: /lib is /usr/lib, and dpkg may know either name."""
    names = sorted({name for file in files for name in (file, file.removeprefix("/usr"), "/usr" + file.removeprefix("/usr"))})
    done = subprocess.run(["dpkg-query", "-S", *names], capture_output=True, text=True)
    found = {}
    for line in done.stdout.splitlines():
        who, _, file = line.rpartition(": ")
        found[os.path.realpath(file)] = who.split(",")[0].split(":")[0]
    for file in files:
        if file not in found:
            raise Unknown(f"no package has {file}")
    return set(found.values())
