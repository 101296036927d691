"""scripts/stack.py, for the tests: `from support.stack import Stack` with tests/ on the path."""
import importlib.util
import pathlib

_file = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "stack.py"
_spec = importlib.util.spec_from_file_location("photogate_stack", _file)
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)
globals().update({name: value for name, value in vars(_module).items() if not name.startswith("_")})
