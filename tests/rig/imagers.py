"""The worker processes of a running gateway, and signals to them."""
import contextlib
import os
import pathlib


def imagers(gateway):
    """The gateway's children; each belongs to the thread that supervises it."""
    found = []
    for thread in pathlib.Path(f"/proc/{gateway.process.pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += map(int, thread.read_text().split())
    return found


def has_a_picture(imager):
    """A worker process with a picture holds its memory file."""
    with contextlib.suppress(OSError):
        return any("memfd:" in os.readlink(each) for each in pathlib.Path(f"/proc/{imager}/fd").iterdir())
    return False


def to_imagers(gateway, number, condition=lambda imager: True):
    """Signals each matching worker process of the gateway; returns their number."""
    sent = 0
    for imager in filter(condition, imagers(gateway)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(imager, number)
            sent += 1
    return sent
