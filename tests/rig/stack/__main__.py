"""`python3 -m tests.rig.stack exec -- COMMAND …`: a command with a stack of its own."""
import argparse
import os
import signal
import subprocess
import sys

from tests.rig.stack.process import Interrupted, StackError, interrupts, spawn
from tests.rig.stack.whole import Stack


def _execute(arguments):
    """Runs the command with the stack's environment; its exit code, or 128 + the signal that ended it."""
    child = None
    try:
        with interrupts(), Stack(arguments.var, arguments.events_url, arguments.events_token, arguments.signer_policy) as stack:
            child = spawn(arguments.command, signal.SIGTERM, env={**os.environ, **stack.environment()})
            try:
                code = child.wait()
            except Interrupted as interrupted:
                child.send_signal(interrupted.number)
                try:
                    child.wait(10)
                except subprocess.TimeoutExpired:
                    child.kill()
                    child.wait()
                raise
            return code if code >= 0 else 128 - code
    except Interrupted as interrupted:
        return 128 + interrupted.number


def main():
    parser = argparse.ArgumentParser(description="A private PostgreSQL and MinIO for the time of one command.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    execute = verbs.add_parser("exec", help="run a command against a fresh stack and pass on its exit code")
    execute.add_argument("--var", help="keep the data in this folder")
    execute.add_argument("--events-url", help="where MinIO posts its events")
    execute.add_argument("--events-token", help="the bearer token that MinIO shows there")
    execute.add_argument("--signer-policy", default="photogate-signer", help="the signer's policy on MinIO")
    execute.add_argument("command", nargs=argparse.REMAINDER, help="-- COMMAND …")
    arguments = parser.parse_args()
    if arguments.command[:1] == ["--"]:
        del arguments.command[0]
    if not arguments.command:
        parser.error("no command given")
    try:
        return _execute(arguments)
    except FileNotFoundError as error:
        print(f"stack: {error}", file=sys.stderr)
        return 127
    except StackError as error:
        print(f"stack: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
