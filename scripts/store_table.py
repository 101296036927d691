#!/usr/bin/env python3
"""The capabilities of each store, as `photogate doctor` detects them: the table of docs/stores.md.

    python3 -m scripts.store_table            prints it
    python3 -m scripts.store_table --write    writes it into docs/stores.md

Starts the built-in store, MinIO and versitygw, each in a temporary folder. Needs scripts/install-stores and a release build.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from scripts import local_gateway
from tests.rig import stack as parts

ROOT = pathlib.Path(__file__).resolve().parent.parent
from tests.contract import stores  # noqa: E402

PAGE = ROOT / "docs" / "stores.md"
BEGIN, END = "<!-- python3 -m scripts.store_table --write: from here -->", "<!-- python3 -m scripts.store_table --write: to here -->"
LINE = re.compile(r"^(has|lacks)\s+[\w-]+: (\S+)\s+(.*)$", re.M)
# Rows that differ between starts, or that the operator configures.
NOT_IN_THE_TABLE = {"clock.offset", "server", "events"}


def capabilities(build_dir, config):
    """By name: (whether it is as preferred, what was found)."""
    done = subprocess.run([build_dir / "photogate", "doctor", "--config", config], capture_output=True, text=True, timeout=120)
    found = {name: (verdict == "has", detail.split(": ")[0]) for verdict, name, detail in LINE.findall(done.stdout)}
    if not found:
        raise parts.StackError(f"photogate doctor found nothing out:\n{done.stdout}{done.stderr}")
    return found


def of_minio(build_dir, folder):
    with parts.Stack(events_url=f"http://127.0.0.1:{parts.free_port()}/v1/events/minio") as stack:
        port, metrics = parts.free_port(), parts.free_port()
        gateway = local_gateway.Gateway(build_dir, folder, stack, port, metrics, [local_gateway.App("shop")])
        gateway.migrate()
        return capabilities(build_dir, gateway.config)


def of_builtin(build_dir, folder):
    machine = local_gateway.OneMachine(build_dir, folder / "var", local_gateway.Ports(*(parts.free_port() for _ in range(3))))
    with machine.start(seconds=60):
        config = machine.folder / "photogate.toml"
        text = config.read_text().replace("127.0.0.1:9000", f"127.0.0.1:{machine.ports.store}")
        config.write_text(text)
        return capabilities(build_dir, config)


def of_versitygw(build_dir, folder):
    """With one account that signs and works: this detects capabilities, not security."""
    server = stores.Versitygw(folder / "versitygw", folder / "versitygw.log")
    try:
        server.start()
        (server.folder / "public").mkdir()
        config = folder / "photogate.toml"
        config.write_text("\n".join([
            "unsafe = true", "[database]", f'url = "postgresql://nobody@/none?host={folder}"', "[regions.default]", f'endpoint = "{server.endpoint}"',
            'incoming_bucket = "incoming"', 'public_bucket = "public"', 'originals_bucket = "originals"',
            *(f'{who}_access_key = "{server.root.access}"\n{who}_secret_key = "{server.root.secret}"' for who in ("signer", "worker")),
            local_gateway.App("shop").toml(), ""]))
        os.chmod(config, 0o600)
        return capabilities(build_dir, config)
    finally:
        server.stop()


STORES = {"the built-in store": of_builtin, "MinIO": of_minio, "versitygw": of_versitygw}


def find_all(build_dir):
    found = {}
    for name, find in STORES.items():
        with tempfile.TemporaryDirectory(prefix="photogate-table-", dir="/tmp") as folder:
            os.chmod(folder, 0o755)
            found[name] = find(pathlib.Path(build_dir), pathlib.Path(folder))
    return found


def table(found):
    names = [name for name in next(iter(found.values())) if name not in NOT_IN_THE_TABLE]
    lines = ["| | " + " | ".join(found) + " |", "| --- |" + " --- |" * len(found)]
    for name in names:
        cells = [("" if wanted else "**") + what + ("" if wanted else "**") for wanted, what in (store.get(name, (False, "?")) for store in found.values())]
        lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def written():
    """The table as the page has it."""
    text = PAGE.read_text()
    return text[text.index(BEGIN) + len(BEGIN):text.index(END)].strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build-dir", default=ROOT / "build" / "release")
    parser.add_argument("--write", action="store_true", help="write the table into docs/stores.md")
    arguments = parser.parse_args()
    with parts.interrupts():
        text = table(find_all(arguments.build_dir))
    print(text)
    if arguments.write:
        PAGE.write_text(PAGE.read_text().replace(written(), text))
    return 0


if __name__ == "__main__":
    sys.exit(main())
