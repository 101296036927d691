"""What differs between two Debian packages, down to the file and the place in it.

    python3 -m scripts.package_differences FIRST.deb SECOND.deb

Standard library and dpkg-deb. The packages are held in memory, unpacked.
"""
import io
import pathlib
import struct
import subprocess
import sys
import tarfile

PARTS = {"control": "--ctrl-tarfile", "files": "--fsys-tarfile"}
ATTRIBUTES = ("type", "mode", "uname", "gname", "mtime", "linkname")


def members(package, option):
    """{name: (TarInfo, bytes)} in the order of the archive."""
    opened = tarfile.open(fileobj=io.BytesIO(subprocess.run(["dpkg-deb", option, package], check=True, capture_output=True).stdout))
    return {each.name: (each, opened.extractfile(each).read() if each.isfile() else b"") for each in opened}


def sections(data):
    """{name: bytes} of a 64-bit little-endian ELF file; of any other file {}."""
    if not data.startswith(b"\x7fELF\x02\x01"):
        return {}
    table, = struct.unpack_from("<Q", data, 0x28)
    size, count, of_names = struct.unpack_from("<HHH", data, 0x3A)
    headers = [struct.unpack_from("<IIQQQQ", data, table + index * size) for index in range(count)]
    names = headers[of_names][4]
    found = {}
    for name, kind, _, _, offset, length in headers:
        end = data.index(b"\0", names + name)
        found[data[names + name:end].decode()] = b"" if kind == 8 else data[offset:offset + length]  # SHT_NOBITS
    return found


def place(first, second):
    """Where two contents part."""
    at = next((index for index, (one, other) in enumerate(zip(first, second)) if one != other), min(len(first), len(second)))
    ours, theirs = sections(first), sections(second)
    if ours and theirs:
        differ = [name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)]
        return f"sections {', '.join(differ)}; from byte {at} on"
    if b"\0" in first or b"\0" in second:
        return f"{len(first)} and {len(second)} bytes; from byte {at} on"
    line = first[:at].count(b"\n")
    shown = [(each.splitlines()[line:line + 1] or [b""])[0][:120].decode(errors="replace") for each in (first, second)]
    return f"line {line + 1}: `{shown[0]}` and `{shown[1]}`"


def differences(first, second):
    """Lines; [] where the two are equal, byte for byte."""
    if pathlib.Path(first).read_bytes() == pathlib.Path(second).read_bytes():
        return []
    found = []
    for part, option in PARTS.items():
        ours, theirs = members(first, option), members(second, option)
        found += [f"{part}: {name} is in the first alone" for name in ours if name not in theirs]
        found += [f"{part}: {name} is in the second alone" for name in theirs if name not in ours]
        both = [name for name in ours if name in theirs]
        if not found and both != list(theirs):
            found.append(f"{part}: the same names in another order")
        for name in both:
            (info, data), (other_info, other_data) = ours[name], theirs[name]
            found += [f"{part}: {name}: {each} {getattr(info, each)!r} and {getattr(other_info, each)!r}"
                      for each in ATTRIBUTES if getattr(info, each) != getattr(other_info, each)]
            if data != other_data:
                found.append(f"{part}: {name}: {place(data, other_data)}")
    return found or ["the contents are the same, and the archives are not: their own headers or compression"]


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: python3 -m scripts.package_differences FIRST.deb SECOND.deb")
    found = differences(*sys.argv[1:])
    print("\n".join(found) or "equal, byte for byte")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
