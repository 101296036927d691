"""The facts of a run in order of observation: one JSON object per line, each with its time, observer and content.

    history = History(path)
    history.note("client", "created", upload="upl_…", call="…")

Every fact is written before its consequences, so that a run which ends abruptly leaves its observations. checker.py
says what the facts mean; the kinds are listed there.
"""
import json
import threading
import time


class History:
    def __init__(self, path):
        self.path = path
        self.facts = []
        self._lock = threading.Lock()
        self._file = open(path, "w")

    def note(self, who, fact, **fields):
        with self._lock:
            made = {"n": len(self.facts), "at": time.time(), "who": who, "fact": fact, **fields}
            self.facts.append(made)
            if not self._file.closed:
                self._file.write(json.dumps(made) + "\n")
                self._file.flush()
        return made

    def of(self, fact):
        with self._lock:
            return [each for each in self.facts if each["fact"] == fact]

    def close(self):
        self._file.close()


def read(path):
    with open(path) as lines:
        return [json.loads(line) for line in lines if line.strip()]
