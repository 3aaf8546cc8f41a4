"""What runs inside a worker: reads one piece of input, calls the function on it, renders what comes back.

It is the same for every backend. Jobs and answers are plain data, so that they pass through channels and
pickles alike, and failures travel as text. Each interpreter and each process pays for what is imported here:
almost nothing.
"""

from __future__ import annotations

import sys

from interlane.cli.content import Unreadable, line_at, lines_of, read_piece

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from interlane.cli.content import Content

# Module, dotted name of the function, what it takes ("str", "bytes", "memoryview"), "file" / "line" /
# "block", "text" / "jsonl", and whether to go on with the next line after a failure.
type Setup = tuple[str, str, str, str, str, bool]

# Number, path, offset, length (-1: the whole file), number of its first line (0: not known).
type Job = tuple[int, str, int, int, int]

# Line (0: none), what happened, traceback ("" when the function was not to blame).
type Failure = tuple[int, str, str]

# Number of the job, items done (failed ones included), bytes read, what to print, what failed.
type Answer = tuple[int, int, int, str, list[Failure]]


def load(module: str, name: str) -> object:
    """Imports the module and returns what the dotted name means in it."""
    __import__(module)
    found: object = sys.modules[module]
    for part in name.split("."):
        found = getattr(found, part)
    return found


class Worker:
    """Does jobs. Has no state but the function, so threads may share one.

    Where Ctrl-C does not arrive, a KeyboardInterrupt is the function's own, and a failure like any other.
    """

    __slots__ = ("_by", "_dumps", "_function", "_interruptible", "_keep_going", "_takes")

    def __init__(self, setup: Setup, *, interruptible: bool = False) -> None:
        self._interruptible = interruptible
        module, name, self._takes, self._by, form, self._keep_going = setup
        function = load(module, name)
        if not callable(function):
            raise TypeError(f"{module}:{name} is not callable")
        self._function: Callable[[Content], object] = function
        self._dumps: Callable[[object], str] | None = json_writer() if form == "jsonl" else None

    def do(self, job: Job) -> Answer:
        """Reads a piece of input, calls the function on it, and returns what came of it, whatever that is."""
        number, path, offset, length, _ = job
        try:
            if self._by == "line":
                return self._do_lines(job)
            content, nbytes = read_piece(path, offset, length, self._takes)
        except Unreadable as error:
            return number, 1, 0, "", [(error.line, str(error), "")]
        text, failure = self._call(
            content, {"file": path} if length < 0 else {"file": path, "offset": offset}
        )
        if failure is None:
            return number, 1, nbytes, text, []
        line = line_at(path, offset) if length >= 0 else 0
        return number, 1, nbytes, "", [(line, *failure)]

    def _do_lines(self, job: Job) -> Answer:
        number, path, offset, length, first_line = job
        rendered: list[str] = []
        failures: list[Failure] = []
        line = first_line
        try:
            for content in lines_of(path, offset, length, self._takes):
                if isinstance(content, Unreadable):
                    failures.append((line, str(content), ""))
                else:
                    text, failure = self._call(content, {"file": path, "line": line})
                    if failure is None:
                        rendered.append(text)
                    else:
                        failures.append((line, *failure))
                line += 1
                if failures and not self._keep_going:
                    break
        except Unreadable as error:
            return number, 1, 0, "", [(0, str(error), "")]
        return number, line - first_line, length, "".join(rendered), failures

    def _call(self, content: Content, place: dict[str, object]) -> tuple[str, tuple[str, str] | None]:
        try:
            return self._render(self._function(content), place), None
        except BaseException as error:
            # Whatever it is, SystemExit too, it ends this item only.
            if self._interruptible and isinstance(error, KeyboardInterrupt):
                raise
            return "", describe(error)

    def _render(self, outcome: object, place: dict[str, object]) -> str:
        if outcome is None:
            return ""
        if hasattr(type(outcome), "__next__"):
            results: Iterator[object] = outcome  # type: ignore[assignment]
        else:
            results = iter((outcome,))
        dumps = self._dumps
        if dumps is None:
            printed = [str(result) for result in results if result is not None]
        else:
            printed = [dumps({**place, "result": result}) for result in results if result is not None]
        if not printed:
            return ""
        printed.append("")
        return "\n".join(printed)


def json_writer() -> Callable[[object], str]:
    """Returns what renders a record of `--format jsonl`; what JSON has no notion of is rendered by `str`."""
    import json

    return json.JSONEncoder(ensure_ascii=False, default=str).encode


def describe(error: BaseException) -> tuple[str, str]:
    """Returns what happened in one line, and the traceback from the mapped function on."""
    import traceback

    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename == __file__:
        frames = frames.tb_next
    trace = traceback.TracebackException(type(error), error, frames)
    trace_lines = "".join(trace.format())
    if frames is None:
        # Python had no frame of its own in it: a built-in was called, or the result could not be rendered.
        trace_lines = ""
    message = str(trace).strip().partition("\n")[0]
    name = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    return f"{name}: {message}" if message else name, trace_lines


def reason_of(error: BaseException) -> str:
    """Returns the whole traceback of an error that no item is to blame for."""
    import traceback

    return "".join(traceback.format_exception(error)).rstrip()
