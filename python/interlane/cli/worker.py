"""What runs inside a worker: reads one piece of input, calls the function on it, renders what comes back.

It is the same for every backend. Jobs and answers are plain data, so that they pass through channels and
pickles alike, and failures travel as text. Each interpreter and each process pays for what is imported here:
almost nothing.
"""

from __future__ import annotations

import sys

from interlane.cli.content import Unreadable, items_of, line_of, read_piece

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from interlane.cli.content import Item

# Module, dotted name of the function, what it takes ("str", "bytes", "memoryview", "json"), "file" / "line" /
# "block" / "record", what ends a line or a record, "text" / "jsonl", and whether to go on with the next line
# or record after a failure.
type Setup = tuple[str, str, str, str, bytes, str, bool]

# Number, path, offset, length (-1: the whole file), number of its first line or record (0: not known), what
# to expect (compressed data: the module that unpacks it; JSON: `content.LINES` or `VALUES`; else ""), and the
# data, unless it is to be read from the file.
type Job = tuple[int, str, int, int, int, str, bytes | None]

# Number of the line or record (0: none), what happened, traceback ("" when the function was not to blame).
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

    __slots__ = (
        "_by",
        "_delimiter",
        "_dumps",
        "_function",
        "_interruptible",
        "_keep_going",
        "_takes",
        "_unit",
    )

    def __init__(self, setup: Setup, *, interruptible: bool = False) -> None:
        self._interruptible = interruptible
        module, name, self._takes, self._by, self._delimiter, form, self._keep_going = setup
        # What the numbers of items are: a JSON value has a line of its own.
        self._unit = "line" if self._delimiter == b"\n" else "record"
        function = load(module, name)
        if not callable(function):
            raise TypeError(f"{module}:{name} is not callable")
        self._function: Callable[[Item], object] = function
        self._dumps: Callable[[object], str] | None = json_writer() if form == "jsonl" else None

    def do(self, job: Job) -> Answer:
        """Reads a piece of input, calls the function on it, and returns what came of it, whatever that is."""
        number, path, offset, length, _, _, _ = job
        try:
            if self._by in {"line", "record"}:
                return self._do_items(job)
            content, nbytes = read_piece(job, self._takes)
        except Unreadable as error:
            return number, 1, 0, "", [(error.line, str(error), "")]
        text, failure = self._call(
            content, {"file": path} if length < 0 else {"file": path, "offset": offset}
        )
        if failure is None:
            return number, 1, nbytes, text, []
        line = line_of(job) if length >= 0 else 0
        return number, 1, nbytes, "", [(line, *failure)]

    def _do_items(self, job: Job) -> Answer:
        path = job[1]
        rendered: list[str] = []
        failures: list[Failure] = []
        items = 0
        try:
            for place, content in items_of(job, self._takes, self._delimiter):
                items += 1
                if isinstance(content, Unreadable):
                    failures.append((place, str(content), ""))
                else:
                    text, failure = self._call(content, {"file": path, self._unit: place})
                    if failure is None:
                        rendered.append(text)
                    else:
                        failures.append((place, *failure))
                if failures and not self._keep_going:
                    break
        except Unreadable as error:
            return job[0], 1, 0, "", [(0, str(error), "")]
        return job[0], items, job[3], "".join(rendered), failures

    def _call(self, content: Item, place: dict[str, object]) -> tuple[str, tuple[str, str] | None]:
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
            results: Iterator[object] = outcome  # type: ignore[assignment]  # has __next__
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
