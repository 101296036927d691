"""Clients that do something again and again while a test does something else."""
import threading


class Crowd:
    """Threads inside `with`; `work` is given each one's number, and ends when `_stop` is set."""

    def __init__(self, work, size):
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(size)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(120)
