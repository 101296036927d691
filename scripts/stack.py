#!/usr/bin/env python3
"""`scripts/stack.py exec -- COMMAND …`, from any folder: a command with a PostgreSQL and a MinIO of its own (tests/rig/stack)."""
import pathlib
import runpy
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
runpy.run_module("tests.rig.stack", run_name="__main__", alter_sys=True)
