"""A program of a Debian package that should not be installed, because that would start a service.

    unpacked.program("nginx", "usr/sbin/nginx")

An installed program is used; otherwise the package is unpacked once, next to the other tools
(${PHOTOGATE_TOOLS:-~/.cache/photogate/bin}).
"""
import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile

from tests.rig import stack as parts


def program(package, path, *libraries):
    """`libraries`: packages that are unpacked with it. Raises StackError if it is not installed and can't be fetched."""
    name = pathlib.Path(path).name
    if found := shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"):
        return pathlib.Path(found)
    tools = pathlib.Path(os.environ.get("PHOTOGATE_TOOLS") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "photogate", "bin"))
    folder = tools / package
    if not (folder / path).exists():
        tools.mkdir(parents=True, exist_ok=True)
        room = pathlib.Path(tempfile.mkdtemp(prefix=f".{package}.", dir=tools))
        try:
            subprocess.run(["apt-get", "download", package, *libraries], cwd=room, check=True, capture_output=True, timeout=120)
            for archive in room.glob("*.deb"):
                subprocess.run(["dpkg", "-x", str(archive), str(room)], check=True, capture_output=True)
            with contextlib.suppress(OSError):  # another process was first
                room.rename(folder)
        except (OSError, subprocess.SubprocessError) as reason:
            raise parts.StackError(f"{name} is not installed and could not be fetched: {reason}") from None
        finally:
            shutil.rmtree(room, ignore_errors=True)
    return folder / path
