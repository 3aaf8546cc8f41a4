"""`interlane.inspect()`: what is shared and who waits for whom, at one moment."""

from dataclasses import dataclass

from interlane import _core

__all__ = ["Channel", "Cycle", "Inspection", "Interpreter", "Lock", "Wait", "inspect"]


@dataclass(frozen=True, slots=True)
class Interpreter:
    """One interpreter that has imported interlane."""

    id: int
    shares: int
    """Shares that it owns and that somebody holds."""
    inbox: int
    """Of these, those that were given back and wait to be released."""
    oldest: float | None
    """For how many seconds the first of those has waited."""


@dataclass(frozen=True, slots=True)
class Wait:
    """One thread that sleeps in a call of interlane's, or one task of an event loop that awaits one."""

    interpreter: int
    thread: int
    """`threading.get_ident()` of the thread; of a task, of the one that runs its event loop."""
    kind: str
    """What it waits in: 'lock', 'send', 'receive', or 'other', which is one of several operations."""
    id: int | None
    """The lock or channel that it waits for."""
    seconds: float
    """For how long it has slept. A call that goes on after a look for signals sleeps anew."""
    timed: bool
    """Whether it has a deadline. A task's is its event loop's business, so of that it is False."""
    task: str | None
    """The name of the task that awaits; None of a thread that sleeps."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel."""

    id: int
    capacity: int | None
    buffered: int
    open_senders: int
    open_receivers: int
    waiting_senders: int
    waiting_receivers: int
    sent: int
    received: int
    waits: tuple[Wait, ...]
    """The threads that sleep in it, and the tasks that await."""


@dataclass(frozen=True, slots=True)
class Lock:
    """One lock, or another of its kin."""

    id: int
    kind: str
    """The name of its class."""
    state: str
    """'locked', 'unlocked' or 'lost'; of others what their `repr` says.

    Of the guards of a `SharedBuffer` 'writing', or how many read."""
    holder: tuple[int, int] | None
    """Interpreter and thread that hold it. A `Condition` has its lock's. An odd number is that of a task."""
    waiting: int
    waits: tuple[Wait, ...]
    """The threads that sleep in it, and the tasks that await."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """Threads or tasks that each wait for a lock that the next one holds, the last for the first one's."""

    waits: tuple[Wait, ...]

    def __str__(self) -> str:
        return " -> ".join(f"{_place(wait)} waits for lock {wait.id}" for wait in self.waits)


@dataclass(frozen=True, slots=True)
class Inspection:
    """The process at one moment. Parts of it are read one after the other, while others go on."""

    interpreters: tuple[Interpreter, ...]
    channels: tuple[Channel, ...]
    locks: tuple[Lock, ...]
    waits: tuple[Wait, ...]
    cycles: tuple[Cycle, ...]
    """Deadlocks of locks; a wait with a deadline may still get out of one."""

    def __str__(self) -> str:
        return render(self)


def inspect() -> Inspection:
    """Returns what there is of interpreters, channels and locks in this process, and who waits for whom."""
    interpreters, channels, locks, sleepers, awaits = _core._inspect()  # noqa: SLF001 - ours
    # By who waits. A task is that only where it may hold a lock as itself: what it holds as its thread,
    # another task may give back while this one waits.
    by_place: dict[tuple[int, int], Wait] = {}
    waits: list[Wait] = []
    for interpreter, thread, kind, number, seconds, unlimited in sleepers:
        waits.append(Wait(interpreter, thread, kind, number, seconds, not unlimited, None))
        by_place[interpreter, thread] = waits[-1]
    for interpreter, thread, kind, number, seconds, task, who in awaits:
        waits.append(Wait(interpreter, thread, kind, number, seconds, False, task))
        if who is not None:
            by_place[interpreter, who] = waits[-1]
    return Inspection(
        tuple(Interpreter(*row) for row in interpreters),
        tuple(Channel(*row, waits=_at(waits, ("send", "receive"), row[0])) for row in channels),
        tuple(
            Lock(
                number,
                kind,
                state,
                None if interpreter is None or thread is None else (interpreter, thread),
                waiting,
                _at(waits, ("lock",), number),
            )
            for number, kind, state, interpreter, thread, waiting in locks
        ),
        tuple(waits),
        _cycles(by_place, {row[0]: row[3:5] for row in locks if row[1] in ("Lock", "RLock", "SharedBuffer")}),
    )


def _at(waits: list[Wait], kinds: tuple[str, ...], number: int) -> tuple[Wait, ...]:
    return tuple(wait for wait in waits if wait.kind in kinds and wait.id == number)


def _cycles(
    waits: dict[tuple[int, int], Wait], holders: dict[int, tuple[int | None, int | None]]
) -> tuple[Cycle, ...]:
    """Follows each thread or task to the holder of the one lock that it waits for."""
    by_place: dict[tuple[int | None, int | None], Wait] = {
        place: wait for place, wait in waits.items() if wait.kind == "lock" and wait.id in holders
    }
    found: list[Cycle] = []
    seen: set[tuple[int | None, int | None]] = set()
    for start in by_place:
        path: list[tuple[int | None, int | None]] = []
        place = start
        while place in by_place and place not in seen:
            seen.add(place)
            path.append(place)
            number = by_place[place].id
            place = (None, None) if number is None else holders.get(number, (None, None))
        if place in path:
            found.append(Cycle(tuple(by_place[it] for it in path[path.index(place) :])))
    return tuple(found)


def _place(wait: Wait) -> str:
    task = "" if wait.task is None else f", task {wait.task!r}"
    return f"interpreter {wait.interpreter}, thread {wait.thread}{task}"


def render(now: Inspection) -> str:
    """Returns the inspection as text for people."""
    lines = [f"{len(now.interpreters)} interpreters, {len(now.channels)} channels, {len(now.locks)} locks"]
    for it in now.interpreters:
        oldest = "" if it.oldest is None else f", the oldest for {it.oldest:.3f} s"
        lines.append(f"  interpreter {it.id}: {it.shares} shares, {it.inbox} in its inbox{oldest}")
    for channel in now.channels:
        room = "" if channel.capacity is None else f"/{channel.capacity}"
        lines.append(
            f"  channel {channel.id}: {channel.buffered}{room} items, {channel.open_senders} senders"
            f" ({channel.waiting_senders} wait), {channel.open_receivers} receivers"
            f" ({channel.waiting_receivers} wait)"
        )
        lines += [f"    {_place(wait)}: in {wait.kind} for {wait.seconds:.1f} s" for wait in channel.waits]
    for lock in now.locks:
        held = ""
        if lock.holder is not None:
            kind = "task" if lock.holder[1] % 2 else "thread"
            held = f", held by interpreter {lock.holder[0]}, {kind} {lock.holder[1]}"
        lines.append(f"  {lock.kind} {lock.id}: {lock.state}{held}, {lock.waiting} wait")
        lines += [f"    {_place(wait)}: for {wait.seconds:.1f} s" for wait in lock.waits]
    lines += [f"  DEADLOCK: {cycle}" for cycle in now.cycles]
    return "\n".join(lines)
