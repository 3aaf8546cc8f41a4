"""Picks what CPython offers below `interlane.interpreters`; both modules have the same names.

`run(id, script)` returns None or the text of the exception that the script raised. A `Reference` keeps an
interpreter alive; when the last one is dropped, anywhere in the process, the interpreter ends.
"""

import sys

if sys.version_info >= (3, 13):
    from interlane._interpreters import primitives_313 as _primitives
else:
    from interlane._interpreters import primitives_312 as _primitives

InterpreterError = _primitives.InterpreterError
InterpreterNotFoundError = _primitives.InterpreterNotFoundError
NotShareableError = _primitives.NotShareableError
Reference = _primitives.Reference
create = _primitives.create
current = _primitives.current
destroy = _primitives.destroy
ids = _primitives.ids
is_running = _primitives.is_running
origin = _primitives.origin
run = _primitives.run

RUNTIME = "runtime init"
MODULE = "_interpreters module"
