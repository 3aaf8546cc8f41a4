"""Makes text of a snapshot, for people: what matters most comes first, and it fits the screen."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from interlane.cli.progress import sized, timed
from interlane.cli.table import Cell, Look, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from interlane.cli.top.reaching import Snapshot

# Whoever waits for longer than that is shown in colour.
_LONG = 10.0
_NAME = 28

type Row = Sequence[str | Cell]


class _Section(NamedTuple):
    title: str
    heads: tuple[str, ...]
    rows: list[Row]
    right: tuple[int, ...]


class View:
    """Shows one snapshot after the other, with what changed in between as rates."""

    def __init__(self) -> None:
        self._last: Snapshot | None = None
        self._now: Snapshot | None = None

    def add(self, snapshot: Snapshot) -> None:
        """Takes the newest snapshot."""
        self._last, self._now = self._now, snapshot

    def lines(self, look: Look, height: int | None = None, note: str = "") -> list[str]:
        """Returns what to show, if there is a snapshot; of long tables only the first rows, for a height."""
        if self._now is None:
            return []
        head = [*self._head(self._now, look, note), *self._deadlocks(self._now, look)]
        sections = [section for section in self._sections(self._now) if section.rows]
        # Two lines for the title and the heads, one in between.
        room = None if height is None else height - len(head) - 3 * len(sections)
        limits = _limits([len(section.rows) for section in sections], room)
        for section, limit in zip(sections, limits, strict=True):
            left = len(section.rows) - limit
            more = f", {left} more" if left > 0 else ""
            head += ["", look.paint(f"{section.title} ({len(section.rows)}{more})", "head")]
            head += table(section.heads, section.rows[:limit], look, right=section.right, dense=True)
        cut = head if height is None else head[:height]
        return [_fit(line, look.width) for line in cut]

    def _head(self, now: Snapshot, look: Look, note: str) -> Iterable[str]:
        clock = time.strftime("%H:%M:%S", time.localtime(now["time"]))
        command = " ".join(" ".join(now["argv"]).split())
        yield look.paint(f"interlane top  {clock}  process {now['pid']}, Python {now['python']}", "head") + (
            "" if not note else "  " + look.paint(note, "odd")
        )
        yield f"  {command}"
        stats = now["stats"]
        parts = [f"{stats['live']} live", f"{sized(stats['nbytes'])}"]
        pending = f"{stats['pending']} pending"
        if stats["oldest_pending"] is not None:
            pending += f" (oldest {timed(stats['oldest_pending'])})"
        parts += [pending, f"{stats['orphaned']} orphaned"]
        parts += [f"{stats['created']} made{self._rate('stats', 'created')}"]
        yield f"  shares: {', '.join(parts)}"

    def _deadlocks(self, now: Snapshot, look: Look) -> Iterable[str]:
        for cycle in now["cycles"]:
            yield ""
            yield look.paint("DEADLOCK", "bad")
            waits = cycle["waits"]
            for wait, after in zip(waits, [*waits[1:], waits[0]], strict=True):
                what, _ = _subject(wait, now)
                may_end = ", with a timeout" if wait["timed"] else ""
                text = f"  {_place(wait, now)} waits for {what}, held by {_place(after, now)}{may_end}"
                yield look.paint(text, "bad")

    def _sections(self, now: Snapshot) -> Iterable[_Section]:
        yield _Section(
            "Who waits for whom",
            ("interpreter", "thread or task", "for", "", "since"),
            [_waiting(wait, now) for wait in sorted(now["waits"], key=lambda wait: -wait["seconds"])],
            (0, 4),
        )
        waiting = [wait["interpreter"] for wait in now["waits"]]
        yield _Section(
            "Interpreters",
            ("id", "shares", "memory", "inbox", "oldest", "waiting"),
            [
                [
                    "main" if it["id"] == 0 else str(it["id"]),
                    str(it["shares"]),
                    sized(it["nbytes"]),
                    _odd(it["inbox"]),
                    "" if it["oldest"] is None else timed(it["oldest"]),
                    str(waiting.count(it["id"])),
                ]
                for it in now["interpreters"]
            ],
            (0, 1, 2, 3, 4, 5),
        )
        yield _Section(
            "Channels",
            ("id", "items", "senders", "wait", "receivers", "wait", "sent", "received"),
            [self._channel(it) for it in now["channels"]],
            (0, 1, 2, 3, 4, 5, 6, 7),
        )
        yield _Section(
            "Locks",
            ("id", "kind", "state", "wait", "held by"),
            [
                [
                    str(it["id"]),
                    it["kind"],
                    Cell(it["state"], {"locked": "odd", "lost": "bad"}.get(it["state"], "")),
                    _odd(it["waiting"]),
                    "" if it["holder"] is None else _who(it["holder"], now),
                ]
                for it in now["locks"]
            ],
            (0, 3),
        )
        yield _Section(
            "Shares, the largest first",
            ("id", "owner", "memory", "age", "state", "in channels", "type", "held by"),
            [
                [
                    str(it["id"]),
                    {None: "process", 0: "main"}.get(it["owner"], str(it["owner"])),
                    sized(it["nbytes"]),
                    timed(it["age"]),
                    Cell(it["state"], {"pending": "odd", "orphaned": "bad"}.get(it["state"], "")),
                    str(it["in_transit"] or ""),
                    it["type"][:_NAME],
                    ", ".join(f"{'main' if who == '0' else who} ({n})" for who, n in it["holders"].items()),
                ]
                for it in now["shares"]
            ],
            (0, 1, 2, 3, 5),
        )

    def _channel(self, it: dict[str, Any]) -> Row:
        room = "" if it["capacity"] is None else f"/{it['capacity']}"
        is_full = it["capacity"] and it["buffered"] >= it["capacity"]
        return [
            str(it["id"]),
            Cell(f"{it['buffered']}{room}", "odd" if is_full else ""),
            str(it["open_senders"]),
            _odd(it["waiting_senders"]),
            str(it["open_receivers"]),
            str(it["waiting_receivers"] or ""),
            f"{it['sent']}{self._rate('channels', 'sent', it['id'])}",
            f"{it['received']}{self._rate('channels', 'received', it['id'])}",
        ]

    def _rate(self, part: str, name: str, number: int | None = None) -> str:
        """Returns what a counter gained a second since the last look, if it did."""
        if self._last is None or self._now is None:
            return ""
        passed = self._now["time"] - self._last["time"]
        values = [_counter(it[part], name, number) for it in (self._last, self._now)]
        if passed <= 0 or values[0] is None or values[1] is None or values[0] == values[1]:
            return ""
        return f" ({(values[1] - values[0]) / passed:,.0f}/s)"


def _counter(part: Any, name: str, number: int | None) -> int | None:
    if number is not None:
        part = next((it for it in part if it["id"] == number), {})
    value: int | None = part.get(name)
    return value


def _waiting(wait: dict[str, Any], now: Snapshot) -> Row:
    seconds = timed(wait["seconds"]) + (", timed" if wait["timed"] else "")
    since = Cell(seconds, "odd" if wait["seconds"] > _LONG and not wait["timed"] else "")
    what, whom = _subject(wait, now)
    return [_interpreter(wait["interpreter"]), _waiter(wait, now), what, whom, since]


def _subject(wait: dict[str, Any], now: Snapshot) -> tuple[str, str]:
    """Returns what somebody waits for, and who could end that."""
    number = wait["id"]
    if wait["kind"] == "lock":
        lock = next((it for it in now["locks"] if it["id"] == number), None)
        if lock is None:
            return f"lock {number}", ""
        held = "" if lock["holder"] is None else f"held by {_who(lock['holder'], now)}"
        return f"{lock['kind']} {number}", held
    if wait["kind"] == "other":
        return "something else", ""
    channel = next((it for it in now["channels"] if it["id"] == number), None)
    what = "room in channel" if wait["kind"] == "send" else "an item of channel"
    if channel is None:
        return f"{what} {number}", ""
    side = "receiver" if wait["kind"] == "send" else "sender"
    ends = channel[f"open_{side}s"]
    return f"{what} {number}", f"{ends} {side}{'' if ends == 1 else 's'}"


def _place(wait: dict[str, Any], now: Snapshot) -> str:
    return f"{_interpreter(wait['interpreter'])}, {_waiter(wait, now)}"


def _waiter(wait: dict[str, Any], now: Snapshot) -> str:
    # A program that serves by an older interlane says nothing of tasks.
    task: str | None = wait.get("task")
    return _thread(wait["thread"], now) if task is None else task[:_NAME] or "a task"


def _who(place: Sequence[int], now: Snapshot) -> str:
    interpreter, thread = place
    return f"{_interpreter(interpreter)}, {_thread(thread, now)}"


def _interpreter(number: int) -> str:
    return "main" if number == 0 else f"interpreter {number}"


def _thread(ident: int, now: Snapshot) -> str:
    if ident % 2:  # which the address that identifies a thread never is
        return f"task {ident}"
    name: str | None = now["threads"].get(str(ident))
    return f"thread {ident:x}" if name is None else name[:_NAME]


def _odd(number: int) -> str | Cell:
    return Cell(str(number), "odd") if number else ""


def _limits(lengths: list[int], room: int | None) -> list[int]:
    """Divides the rows of a screen among tables: short ones are shown whole, long ones share the rest."""
    if room is None:
        return lengths
    limits = [0] * len(lengths)
    while room > 0 and limits != lengths:
        for n, length in enumerate(lengths):
            if limits[n] < length and room > 0:
                limits[n] += 1
                room -= 1
    return limits


def _fit(line: str, width: int | None) -> str:
    """Cuts a line at the edge of the screen; codes for colours take no room."""
    if width is None or len(line) < width:
        return line
    shown: list[str] = []
    left = width - 1
    place = 0
    while place < len(line) and left > 0:
        if line[place] == "\x1b":
            end = line.index("m", place) + 1
            shown.append(line[place:end])
            place = end
        else:
            shown.append(line[place])
            place += 1
            left -= 1
    return "".join(shown) + ("\x1b[0m" if "\x1b" in line else "")
