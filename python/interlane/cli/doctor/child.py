"""Imports one module in some interpreter, and says how that went.

Run as a script in a process of its own: `child.py HOW MODULE PATH`, HOW being `isolated`, `legacy` (an
interpreter that shares the main one's GIL) or `main`. Each line that it writes to standard output is a JSON
object; what is missing at the end tells how far it came.
"""

import contextlib
import json
import os
import sys

# Runs in the interpreter that is tried. `refused` are the extension modules that were not let in, also where
# that made whoever imported them go on without.
IMPORT = """
import sys
sys.path[:] = path
import json, os, time
from importlib import import_module
from importlib.machinery import ExtensionFileLoader
from traceback import format_exception_only

refused = {}

def watched(load):
    def watch(loader, module):
        try:
            return load(loader, module)
        except ImportError as error:
            refused[loader.name] = str(error)
            raise
    return watch

for name in ("create_module", "exec_module"):
    setattr(ExtensionFileLoader, name, watched(getattr(ExtensionFileLoader, name)))

error = None
start = time.perf_counter()
try:
    import_module(module)
except BaseException as caught:
    error = "".join(format_exception_only(caught)).strip()
answer = {"error": error, "refused": refused, "seconds": time.perf_counter() - start}
os.write(descriptor, json.dumps(answer).encode() + b"\\n")
"""


def main() -> None:
    """Does what the arguments say."""
    how, module, path = sys.argv[1:]
    # What the module prints goes nowhere, and what it starts does not get hold of the answer's descriptor.
    descriptor = os.dup(1)
    with open(os.devnull, "wb") as null:  # noqa: PTH123
        os.dup2(null.fileno(), 1)
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    source = f"module = {module!r}\ndescriptor = {descriptor}\npath = {json.loads(path)!r}\n{IMPORT}"
    if how == "main":
        exec(source, {"__name__": "__main__"})
    elif how == "legacy":
        run_legacy(source)
    else:
        sys.path[:] = json.loads(path)
        from interlane import interpreters

        interp = interpreters.create()
        interp.exec(source)
        interp.close()
    # Not reached if the interpreter's end brings the process down.
    os.write(descriptor, b"{}\n")


def run_legacy(source: str) -> None:
    """Runs it in an interpreter that only CPython's private modules can make."""
    if sys.version_info >= (3, 13):
        import _interpreters

        interp = _interpreters.create("legacy")
        _interpreters.exec(interp, source)
        _interpreters.destroy(interp)
    else:
        import _xxsubinterpreters

        interp = _xxsubinterpreters.create(isolated=False)
        _xxsubinterpreters.run_string(interp, source)
        _xxsubinterpreters.destroy(interp)


if __name__ == "__main__":
    main()
