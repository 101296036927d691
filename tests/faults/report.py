"""What the cases found, kept in a file that docs/reliability.md is made from (scripts/render-reliability)."""
import fcntl
import json
import os
import pathlib
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def results_file():
    return pathlib.Path(os.environ.get("PHOTOGATE_FAULT_RESULTS", ROOT / "build" / "faults.json"))


def read():
    try:
        return json.loads(results_file().read_text())
    except (OSError, ValueError):
        return {}


def keep(name, **found):
    """Merges into what earlier runs found, so that rows may be run one by one, or side by side."""
    path = results_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.with_suffix(".lock"), "w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        everything = read()
        everything[name] = {**found, "ran_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
        path.write_text(json.dumps(everything, indent=1, sort_keys=True) + "\n")


class Row:
    """One case's account of itself."""

    def __init__(self, name, seed):
        self.name, self.seed = name, seed
        self.figures = []
        self.scale = ""
        self.short_of = []
        self.fault = self.acceptance = None  # where it is no row of table.py
        self.started = time.monotonic()

    def figure(self, text):
        self.figures.append(text)
        print(f"{self.name}: {text}", flush=True)

    def scaled(self, text):
        """Where less is done than the row says."""
        self.scale = text

    def aim(self, condition, what):
        """A part of the acceptance that depends on how busy the machine is: missing it fails no run, and is named."""
        if not condition:
            self.short_of.append(what)

    def timed(self, condition, what):
        """A part of the acceptance that is a short time: beside other tests, missing it says nothing of the gateway."""
        (self.aim if "PYTEST_XDIST_WORKER" in os.environ else self.hold)(condition, what)

    def hold(self, condition, what):
        """One part of the acceptance."""
        assert condition, f"{self.name}: {what}; {'; '.join(self.figures)}"


def p(values, share):
    """The smallest value that `share` of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))]
