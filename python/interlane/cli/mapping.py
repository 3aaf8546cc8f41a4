"""`interlane map`: from arguments to exit code."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from typing import TYPE_CHECKING

from interlane.cli import function, pools
from interlane.cli.inputs import Finder
from interlane.cli.journal import Journal, JournalError
from interlane.cli.output import OutputClosedError, OutputError, forget_standard_output, open_output, part_of
from interlane.cli.pieces import Cutting, batch_size
from interlane.cli.report import Report, Tally
from interlane.cli.schedule import IN_FLIGHT, Schedule
from interlane.cli.source import Feed, Ready

if TYPE_CHECKING:
    from interlane.cli.inputs import Input
    from interlane.cli.options import Options
    from interlane.cli.output import Output
    from interlane.cli.source import Source
    from interlane.cli.worker import Answer, Setup

_INTERRUPTED = 130

# Files that a message lists by name.
_NAMED = 8


def run(options: Options) -> int:
    """Does what `interlane map` was asked to do and returns the exit code; exits with 2 for wrong usage."""
    output: Output | None = None
    try:
        module, name, takes = function.find(options.function)
        takes = options.takes or takes or ("json" if options.json else "str")
        inputs = _find(options)
        cutting, journal = _prepare(options, takes, inputs)
        output = _open_output(options)
        setup = (
            module,
            name,
            takes,
            options.by,
            options.delimiter,
            options.format,
            options.keep_going,
        )
        return Mapping(options, inputs, setup=setup, cutting=cutting, output=output, journal=journal).run()
    except (function.FunctionError, OutputError, JournalError) as error:
        options.fail(str(error))
    except KeyboardInterrupt:
        sys.stderr.write("interlane: interrupted before anything was done\n")
        return _INTERRUPTED
    finally:
        if output is not None:
            output.discard()


def _find(options: Options) -> list[Input]:
    leave_out = [os.path.realpath(path) for path in (options.output, options.resume) if path is not None]
    if options.resume is not None and options.output is not None:
        leave_out.append(part_of(options.output))
    found = list(Finder(options.patterns, leave_out, decompress=options.decompress).find(options.paths))
    if not options.ordered:
        # The longest first: then the workers end at about the same time.
        found.sort(key=lambda given: given.size, reverse=True)
    return found


def _prepare(options: Options, takes: str, inputs: list[Input]) -> tuple[Cutting, Journal | None]:
    """Returns how the inputs are cut, which is as it was before when a run goes on."""
    size = batch_size(sum(given.size for given in inputs), _worker_count(options, inputs))
    journal = None
    if options.resume is not None:
        if any(given.is_pipe for given in inputs):
            raise JournalError("--resume cannot go on with a pipe: it cannot be read again")
        journal = Journal(options.resume, _identity(options, takes, inputs, size))
        size = int(str(journal.identity["batch_size"]))
    return Cutting(options.by, options.block_size, size, options.delimiter, options.json), journal


def _identity(options: Options, takes: str, inputs: list[Input], size: int) -> dict[str, object]:
    files = hashlib.sha256()
    for given in inputs:
        files.update(repr((given.path, given.size, given.changed, given.packing, given.problem)).encode())
    return {
        "function": options.function,
        "argument": takes,
        "by": options.by,
        "delimiter": options.delimiter.hex(),
        "json": options.json,
        "block_size": options.block_size,
        "format": options.format,
        "ordered": options.ordered,
        "inputs": files.hexdigest(),
        "batch_size": size,
    }


def _open_output(options: Options) -> Output:
    resumed = options.resume is not None and options.output is not None and options.output != "-"
    return open_output(options.output, part_of(str(options.output)) if resumed else "")


class Mapping:
    """One run, with what it has counted so far."""

    def __init__(
        self,
        options: Options,
        inputs: list[Input],
        *,
        setup: Setup,
        cutting: Cutting,
        output: Output,
        journal: Journal | None,
    ) -> None:
        self._options = options
        self._setup = setup
        self._output = output
        self._journal = journal
        self._workers = _worker_count(options, inputs)
        pieces = cutting.pieces_of(inputs)
        has_streams = any(cutting.is_stream(given) for given in inputs)
        self._source: Source = Feed(pieces, self._workers) if has_streams else Ready(pieces)
        self._report = Report(
            options.by,
            len(inputs) if options.by == "file" else 0,
            0 if any(given.is_pipe for given in inputs) else sum(given.size for given in inputs),
            is_numbered=options.by == "record" and options.delimiter != b"\n",
            quiet=options.quiet,
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
        except (OutputError, JournalError) as error:
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
        return 0 if complete and not self._done.failures else 1

    def _run(self) -> bool:
        options = self._options
        self._pool = pools.create(options.backend, self._setup, self._workers, self._workers * IN_FLIGHT)
        self._schedule = Schedule(
            pool=self._pool,
            source=self._source,
            workers=self._workers,
            ordered=options.ordered,
            keep_going=options.keep_going,
            find=self._known,
            arrived=self._count,
            deliver=self._deliver,
            idle=self._idle,
        )
        complete = self._schedule.run()
        self._report.make_room()
        self._pool.close()
        if complete:
            self._output.complete()
            self._end_journal()
        elif self._output.discard():
            self._report.error(f"stopped at the first failure: {options.output!r} was not written")
        return complete

    def _end_journal(self) -> None:
        if self._journal is None:
            return
        if self._done.failures:
            self._report.error(f"run again with --resume {self._journal.path!r} to try again what failed")
        else:
            self._journal.remove()

    def _known(self, number: int) -> Answer | None:
        return self._journal.find(number) if self._journal is not None else None

    def _count(self, answer: Answer, weight: int) -> None:
        self._arrived.add(answer, weight)
        if self._journal is not None and not self._journal.has(answer[0]):
            self._journal.add(answer)

    def _deliver(self, path: str, answer: Answer) -> None:
        self._done.add(answer)
        if answer[3]:
            if self._output.is_terminal:
                self._report.make_room()
            self._output.write(answer[3])
        for failure in answer[4]:
            self._report.failure(path, failure)

    def _not_done(self) -> str:
        paths = list(dict.fromkeys(path for path, _ in self._schedule.out.values())) if self._schedule else []
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


def _worker_count(options: Options, inputs: list[Input]) -> int:
    """Starts no worker that would have nothing to do."""
    if options.backend == "serial":
        return 1
    files, nbytes = len(inputs), sum(given.size for given in inputs)
    if options.by == "file":
        pieces = files
    elif any(given.is_pipe or given.packing for given in inputs):
        return options.jobs
    elif options.by == "block":
        pieces = files + nbytes // options.block_size
    else:
        pieces = max(files, nbytes)
    return max(1, min(options.jobs, pieces))
