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


def loaded(program):
    """The files, their links resolved."""
    if not is_foreign(program):
        said = subprocess.run(["ldd", program], check=True, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C.UTF-8"}).stdout
        return {os.path.realpath(path) for path in re.findall(r"=> (/\S+)", said)}
    folder = _cross(program)[1]
    found, waiting = set(), [os.path.realpath(program)]
    while waiting:
        file = waiting.pop()
        names, folders = named(file)
        for name in names:
            places = (os.path.join(each, name) for each in (*folders, f"/usr/lib/{folder}", f"/lib/{folder}"))
            path = next((each for each in places if os.path.exists(each)), None)
            if not path:
                raise Unknown(f"{file} asks for {name}, which is not here")
            if os.path.realpath(path) not in found:
                found.add(os.path.realpath(path))
                waiting.append(os.path.realpath(path))
    return found
