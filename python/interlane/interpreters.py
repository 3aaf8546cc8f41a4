"""Runs isolated interpreters: the `concurrent.interpreters` API on every supported version.

On 3.14 and later this *is* the standard module: `interlane.interpreters is concurrent.interpreters`. On 3.12
and 3.13 it is interlane's own implementation with the same names, semantics and messages, whose `list_all()`
leaves out what others have made. Some things are wider there than in the standard module: `prepare_main`
takes whatever a channel takes (`dict`, `list`, anything that can be pickled), functions may have defaults,
results may be of classes of the script, and interpreters left open are closed when the process ends.

    interp = interpreters.create()
    interp.exec("print('hello')")
    interp.call(pow, 2, 10)         # 1024
    interp.close()

A new interpreter works out its `sys.path` as a new process would (environment, `site`, the script's
directory); what the creator changed at run time is not passed on, by no version. interlane itself is found
from there all the same.
"""

import sys

if sys.version_info >= (3, 14):
    from concurrent import interpreters as _standard
    from concurrent.interpreters import (
        ExecutionFailed,
        Interpreter,
        InterpreterError,
        InterpreterNotFoundError,
        NotShareableError,
        create,
        get_current,
        get_main,
        list_all,
    )

    # The import system looks here for what it hands out and binds in the package.
    sys.modules[__name__] = _standard
else:
    from interlane._interpreters.errors import (
        ExecutionFailed,
        InterpreterError,
        InterpreterNotFoundError,
        NotShareableError,
    )
    from interlane._interpreters.interpreter import (
        Interpreter,
        create,
        get_current,
        get_main,
        list_all,
    )

__all__ = [
    "get_current",
    "get_main",
    "create",
    "list_all",
    "Interpreter",
    "InterpreterError",
    "InterpreterNotFoundError",
    "ExecutionFailed",
    "NotShareableError",
]
