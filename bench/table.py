"""The table that bench/run prints, and its place in bench/README.md."""
import dataclasses
import time

START, END = "<!-- bench/run --write: from here -->", "<!-- bench/run --write: to here -->"


@dataclasses.dataclass
class Found:
    rows: list
    commands: list
    machine: str
    started: float
    load: float

    def as_json(self):
        return {"machine": self.machine, "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.started)), "load_average_15": self.load,
                "commands": self.commands, "rows": [dataclasses.asdict(row) for row in self.rows]}


def cell(text):
    return " ".join(str(text).replace("|", "\\|").split())


def markdown(rows):
    lines = ["| | figure | target | | spread |", "| --- | --- | --- | --- | --- |"]
    lines += [f"| {cell(row.what)} | {cell(row.figure)} | {cell(row.target)} | {row.verdict} | {cell(row.spread)} |" for row in rows]
    return "\n".join(lines)


def summary(rows):
    judged = [row for row in rows if row.target != "–"]
    return (f"{sum(row.met is True for row in judged)} targets met, {sum(row.met is False for row in judged)} missed, "
            f"{sum(row.met is None for row in judged)} not measured")


def misses(rows):
    missed = [f"- {row.what}: {row.figure}, target {row.target}." for row in rows if row.met is False]
    open_ones = [f"- Not measured: {row.what}: {row.figure}." for row in rows if row.met is None and row.target != "–"]
    return "\n".join([*missed, *open_ones]) or "None in this run."


def section(found):
    day = time.strftime("%Y-%m-%d", time.gmtime(found.started))
    commands = "\n".join(found.commands)
    return (f"Measured {day} on {found.machine}: {summary(found.rows)}.\n\n{markdown(found.rows)}\n\n### Misses\n\n{misses(found.rows)}\n\n"
            f"### The commands of that run\n\n```\n{commands}\n```\n")


def write(path, found):
    text = path.read_text()
    before, rest = text.split(START, 1)
    _, after = rest.split(END, 1)
    path.write_text(f"{before}{START}\n\n{section(found)}\n{END}{after}")
