"""Stacks that are used again by the next test: to start a MinIO and a PostgreSQL takes longer than most tests do with them.

A stack is emptied and kept if both processes are those that were started and nobody changed what emptying does not undo: MinIO's
settings and users, PostgreSQL's settings and roles. Otherwise it is closed, and the next one begins anew.
"""
import contextlib
import pathlib
import socket

from tests.rig.stack.process import StackError, free_port
from tests.rig.stack.whole import Stack, blank_cluster

_kept = []


class Lent:
    """A stack on MinIO, started, and the port to which its store posts events: of the gateway that is to be."""

    def __init__(self):
        self.port = free_port()
        self.stack = Stack(events_url=f"http://127.0.0.1:{self.port}/v1/events/minio", blank=blank_cluster())
        self.stack.start()
        self._events_url = self.stack.minio.events_url
        self._pids = self._running()
        self._place = None

    def _running(self):
        return self.stack.minio.pid, self.stack.postgres.pid

    def _as_it_was(self):
        minio, postgres = self.stack.minio, self.stack.postgres
        return (self._running() == self._pids and None not in self._pids and not any(map(_stopped, self._pids))
                and minio.events_url == self._events_url and not minio.more_environment and not minio.administered
                and postgres.is_plain())

    def empty(self):
        """Whether it may be used again."""
        with contextlib.suppress(StackError, OSError):
            if not self._as_it_was():
                return False
            self.stack.postgres.empty()
            self.stack.minio.empty()
            # Nobody else gets the port meanwhile.
            self._place = socket.socket()
            self._place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._place.bind(("127.0.0.1", self.port))
            return True
        return False

    def use(self):
        self._place.close()
        return self


def _stopped(pid):
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] in "TtZ"


def take():
    return _kept.pop().use() if _kept else Lent()


def give_back(lent):
    if lent.empty():
        _kept.append(lent)
    else:
        lent.stack.close()
