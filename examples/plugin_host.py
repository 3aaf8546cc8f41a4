"""A host that plug-ins cannot take down with what they raise.

    python plugin_host.py [FOLDER]

Each plug-in (a file with a function `transform(text)`) is loaded into an interpreter of its own. It has
modules, globals and `sys.path` to itself, and whatever it does to them the others do not notice. What it
raises, `SystemExit` and a `RecursionError` included, fails that one call. (This isolates from mistakes, not
from malice: a plug-in can still end the process, by `os._exit` for one.) Without an argument, the plug-ins
below are used.
"""

import sys
import tempfile
from pathlib import Path

import interlane

PLUGINS = {
    "shout": "def transform(text): return text.upper() + '!'",
    "counter": """
calls = 0
def transform(text):
    global calls
    calls += 1
    return f"{text} ({calls})"
""",
    "faulty": "def transform(text): return text[1000]",
    "quitter": "import sys\ndef transform(text): sys.exit('that was it')",
    "endless": "def transform(text): return transform(text + '.')",
    "broken": "def transform(text) return text",
    "lonely": "import a_module_that_nobody_has\ndef transform(text): return text",
    "vandal": """
import builtins, sys
def transform(text):
    sys.path.clear()
    builtins.sorted = reversed
    return "".join(sorted(text))
""",
}

loaded = {}


def call(path, text):
    """Loads the plug-in, at the first call, and calls it. This runs in the plug-in's interpreter."""
    if path not in loaded:
        import runpy

        loaded[path] = runpy.run_path(path)
    return loaded[path]["transform"](text)


class Host:
    """Plug-ins by name, with a pool of one interpreter for each."""

    def __init__(self, folder):
        self.pools = {
            path: interlane.InterpreterPoolExecutor(1) for path in sorted(Path(folder).glob("*.py"))
        }

    def transform(self, text):
        """Returns what each plug-in makes of a text: all of them at once."""
        futures = {path.stem: pool.submit(call, str(path), text) for path, pool in self.pools.items()}
        results = {}
        for name, future in futures.items():
            error = future.exception()
            results[name] = future.result() if error is None else f"failed, {type(error).__name__}: {error}"
        return results

    def close(self):
        """Ends the interpreters."""
        for pool in self.pools.values():
            pool.shutdown()


def main(folder):
    """Calls each plug-in twice."""
    host = Host(folder)
    for text in ("hello", "hello again"):
        for name, result in host.transform(text).items():
            print(f"{name:8} {result}")
    host.close()
    print("the host is fine:", "".join(sorted("hello")))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(sys.argv[1])
    else:
        with tempfile.TemporaryDirectory() as folder:
            for name, source in PLUGINS.items():
                Path(folder, f"{name}.py").write_text(source)
            main(folder)
