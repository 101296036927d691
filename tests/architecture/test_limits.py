"""docs/limits.md names options and metrics that exist, and every option that is a limit."""
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "limits.md").read_text()
# Limits of what an operator configures or runs, which no client can start.
NOT_STARTED_BY_CLIENTS = {"database.connect_timeout", "server.drain_timeout", "apps.*.profiles.*.max_edge", "scanner.on_limit"}


def options():
    found, table = set(), ""
    for line in (ROOT / "docs" / "configuration.md").read_text().splitlines():
        if line.startswith("## "):
            table = line.removeprefix("## ").strip("[]").replace("NAME", "*")
        elif row := re.match(r"\| `(\w+)`", line):
            found.add(row.group(1) if table == "Top" else f"{table}.{row.group(1)}")
    return found


def named():
    return set(re.findall(r"`((?:server|database|delivery|packages|callbacks|retention|imaging|worker|store|apps|scanner)\.[\w.*]+)`", PAGE))


def test_names_options_that_exist():
    assert named() - options() == set()


def test_names_every_option_that_is_a_limit():
    limits = {each for each in options() if re.match(r"(max_|per_|.*_limit$|.*_timeout$)", each.rsplit(".", 1)[-1])}
    assert len(limits) > 20
    assert limits - named() - NOT_STARTED_BY_CLIENTS == set()


def test_names_metrics_that_exist():
    sources = subprocess.run(["git", "grep", "-hoE", '"photogate_[a-z_]+', "--", "*.cpp"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    exported = {line.strip('"') for line in sources.split()}
    assert set(re.findall(r"`(photogate_[a-z_]+)`", PAGE)) - exported == set()
