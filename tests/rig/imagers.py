"""The helpers of a gateway that runs, and signals to them."""
import contextlib
import os
import pathlib


def imagers(gateway):
    """The gateway's children; each belongs to the thread that keeps it."""
    found = []
    for thread in pathlib.Path(f"/proc/{gateway.process.pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += map(int, thread.read_text().split())
    return found


def has_a_picture(imager):
    """A helper that was given one holds its memory file."""
    with contextlib.suppress(OSError):
        return any("memfd:" in os.readlink(each) for each in pathlib.Path(f"/proc/{imager}/fd").iterdir())
    return False


def to_imagers(gateway, number, condition=lambda imager: True):
    """A signal to each of the gateway's helpers that is so; how many."""
    sent = 0
    for imager in filter(condition, imagers(gateway)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(imager, number)
            sent += 1
    return sent
