"""`interlane map`: from arguments to exit code."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

from interlane.cli import function, pools
from interlane.cli.inputs import Finder
from interlane.cli.output import OutputClosedError, OutputError, forget_standard_output, open_output
from interlane.cli.pieces import jobs_of
from interlane.cli.report import Report, Tally
from interlane.cli.schedule import IN_FLIGHT, Schedule

if TYPE_CHECKING:
    from interlane.cli.arguments import Options
    from interlane.cli.inputs import Input
    from interlane.cli.output import Output
    from interlane.cli.worker import Answer, Setup

_INTERRUPTED = 130

# Files that a message lists by name.
_NAMED = 8


def run(options: Options) -> int:
    """Does what `interlane map` was asked to do and returns the exit code; exits with 2 for wrong usage."""
    try:
        module, name, takes = function.find(options.function)
        inputs = _find(options)
        output = open_output(options.output)
    except (function.FunctionError, OutputError) as error:
        options.fail(str(error))
    except KeyboardInterrupt:
        sys.stderr.write("interlane: interrupted before anything was done\n")
        return _INTERRUPTED
    setup = (module, name, options.takes or takes, options.by, options.format, options.keep_going)
    try:
        return Mapping(options, setup, inputs, output).run()
    finally:
        output.discard()


def _find(options: Options) -> list[Input]:
    leave_out = os.path.realpath(options.output) if options.output is not None else None
    found = list(Finder(options.patterns, leave_out).find(options.paths))
    if not options.ordered:
        # The longest first: then the workers end at about the same time.
        found.sort(key=lambda given: given.size, reverse=True)
    return found


class Mapping:
    """One run, with what it has counted so far."""

    def __init__(self, options: Options, setup: Setup, inputs: list[Input], output: Output) -> None:
        self._options = options
        self._setup = setup
        self._output = output
        nbytes = sum(given.size for given in inputs)
        self._workers = _worker_count(options, len(inputs), nbytes)
        self._jobs = jobs_of(inputs, options.by, options.block_size, self._workers)
        self._report = Report(
            options.by, len(inputs) if options.by == "file" else 0, nbytes, quiet=options.quiet
        )
        self._pool: pools.Pool | None = None
        self._schedule: Schedule | None = None
        self._done = Tally()
        self._arrived = Tally()

    def run(self) -> int:
        """Returns the exit code."""
        try:
            complete = self._run()
        except KeyboardInterrupt:
            return self._ended(_INTERRUPTED, "interrupted: ")
        except pools.CannotStartError as error:
            self._report.error(self._cannot_start(str(error)))
            return self._ended(2)
        except pools.WorkerDiedError as error:
            self._done.failures += 1
            self._report.error(f"{error}, not done: {self._not_done()}\n{error.trace}")
            return self._ended(1, "stopped: ")
        except OutputError as error:
            self._report.error(str(error))
            return self._ended(1, "stopped: ")
        except OutputClosedError:
            forget_standard_output()
            return self._ended(1, "output closed: ")
        except Exception:
            # A bug: without this its traceback would wait for the workers.
            self._abandon()
            raise
        self._report.summary(self._done, self._how(), "" if complete else "stopped at the first failure: ")
        return 1 if self._done.failures else 0

    def _run(self) -> bool:
        options = self._options
        self._pool = pools.create(options.backend, self._setup, self._workers, self._workers * IN_FLIGHT)
        self._schedule = Schedule(
            pool=self._pool,
            jobs=self._jobs,
            workers=self._workers,
            ordered=options.ordered,
            keep_going=options.keep_going,
            deliver=self._deliver,
            arrived=self._arrived.add,
            idle=self._idle,
        )
        complete = self._schedule.run()
        self._report.make_room()
        self._pool.close()
        if complete:
            self._output.complete()
        elif self._output.discard():
            self._report.error(f"stopped at the first failure: {options.output!r} was not written")
        return complete

    def _deliver(self, path: str, answer: Answer) -> None:
        self._done.add(answer)
        if answer[3]:
            if self._output.is_terminal:
                self._report.make_room()
            self._output.write(answer[3])
        for failure in answer[4]:
            self._report.failure(path, failure)

    def _not_done(self) -> str:
        paths = list(dict.fromkeys(self._schedule.out.values() if self._schedule is not None else ()))
        return ", ".join(paths[:_NAMED]) + (f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else "")

    def _idle(self) -> float | None:
        self._report.progress(self._arrived)
        return self._report.idle

    def _abandon(self) -> bool:
        try:
            # Without a pool somebody interrupted the making of one, and its threads may be there.
            return self._pool is not None and self._pool.abandon()
        except KeyboardInterrupt:
            return False

    def _ended(self, code: int, note: str = "") -> int:
        """Ends before all is done; at once, if need be."""
        at_rest = self._abandon()
        if self._output.discard() and note:
            note = f"{note}{self._options.output!r} was not written, "
        if note:
            self._report.summary(self._done, self._how(), note)
        if not at_rest:
            # Python code in a thread or an interpreter cannot be stopped, an ordinary exit would wait for it.
            with contextlib.suppress(OSError):
                sys.stdout.flush()
            os._exit(code)
        return code

    def _how(self) -> str:
        backend = self._options.backend
        if backend == "serial":
            return backend
        return f"{backend}, {self._workers} job{'s' if self._workers > 1 else ''}"

    def _cannot_start(self, why: str) -> str:
        hint = ""
        if self._options.backend == "interpreters" and "subinterpreters" in why:
            hint = ": it needs something that isolated interpreters cannot load, try --backend processes"
        return f"the workers cannot start{hint}\n{why}"


def _worker_count(options: Options, files: int, nbytes: int) -> int:
    """Starts no worker that would have nothing to do."""
    if options.backend == "serial":
        return 1
    if options.by == "file":
        pieces = files
    elif options.by == "block":
        pieces = files + nbytes // options.block_size
    else:
        pieces = max(files, nbytes)
    return max(1, min(options.jobs, pieces))
