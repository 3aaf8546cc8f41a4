"""Records that are JSON values: one per line, or else the elements of one array, or values in a row.

For the latter the main thread has to parse in order to know where a value ends. It sends on the text, which
the workers parse again: a value costs more to send than its text.
"""

from __future__ import annotations

from json import JSONDecodeError, JSONDecoder, loads

from interlane.cli.content import Unreadable, split

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from interlane.cli.content import Item

# How much of a file may be looked at to tell which of the two it is.
_SNIFF = 1 << 16

# An error so near to the end of the text may be one because the rest is missing.
_NEAR = 16

_BLANK = " \t\r\n"
_BETWEEN = _BLANK + ","

_decode = JSONDecoder().raw_decode


def line_values(data: bytes | memoryview, first: int, takes: str) -> Iterator[tuple[int, Item | Unreadable]]:
    """Yields what is in each line, numbered from `first` on; blank lines are none."""
    for number, line in enumerate(split(bytes(data), b"\n"), first):
        if line and not line.isspace():
            yield number, _as(line, takes)


def _as(line: bytes, takes: str) -> Item | Unreadable:
    if takes == "memoryview":
        return memoryview(line)
    if takes == "bytes":
        return line
    try:
        text = str(line, "utf-8")
    except UnicodeDecodeError as error:
        return Unreadable(f"not valid UTF-8: byte 0x{line[error.start]:02x} in column {error.start + 1}")
    if takes == "str":
        return text
    try:
        value: object = loads(text)
    except JSONDecodeError as error:
        return Unreadable(_why(error))
    except RecursionError:
        return Unreadable("not valid JSON: nested too deeply")
    return value


def values(data: bytes | memoryview, first: int, takes: str) -> Iterator[tuple[int, Item]]:
    """Yields the values of a text that `cut` has cut, each with the number of the line that it begins in."""
    text = str(data, "utf-8")
    line, counted = first, 0
    start = _skip(text, 0)
    while start < len(text):
        value, end = _decode(text, start)
        line, counted = line + text.count("\n", counted, start), start
        raw = text[start:end]
        if takes == "json":
            yield line, value
        elif takes == "str":
            yield line, raw
        else:
            yield line, raw.encode() if takes == "bytes" else memoryview(raw.encode())
        start = _skip(text, end)


def is_value_per_line(head: bytes, *, complete: bool) -> bool:
    """Tells from its first bytes (`complete`: from all) whether a file has a value per line.

    It has not when the first line is the beginning of a value only, or when all that there is is one array.
    """
    head = head.lstrip()
    line, newline, rest = head.partition(b"\n")
    is_array = line.startswith(b"[")
    if is_array and not newline:
        return False
    try:
        loads(line)
    except JSONDecodeError as error:
        # Broken in the middle: an error of this line alone.
        return not (newline and line.startswith((b"[", b"{"))) or error.pos < len(line.rstrip()) - 1
    except (UnicodeDecodeError, RecursionError):
        return True
    return not (is_array and complete and not rest.strip())


class Cutter:
    """Cuts the text of a file into pieces of whole values."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self._text = ""
        self._bytes = b""
        self._line = 1
        self._ended = False
        self._begun = False
        self._in_array = False
        self._is_over = False

    def pieces(self, sizes: Iterator[int]) -> Iterator[tuple[bytes, int]]:
        """Yields pieces of about so many bytes, and the number of the line that each starts in.

        Raises `Unreadable` for what is not JSON.
        """
        for size in sizes:
            piece, line = self._next(size)
            if not piece:
                return
            yield piece.encode(), line

    def _next(self, size: int) -> tuple[str, int]:
        line = self._line
        start = end = 0
        while end - start < size:
            beginning = self._beginning(end)
            if beginning < 0:
                break
            if not end:
                start = beginning
                line += self._text.count("\n", 0, start)
            end = self._end(beginning)
        piece = self._text[start:end]
        self._drop(end)
        return piece, line

    def _beginning(self, position: int) -> int:
        """Returns where the next value begins; -1 at the end."""
        if self._is_over:
            return -1
        # What is between values is not checked: this is no validator.
        while (position := _skip(self._text, position)) == len(self._text):
            if not self._more():
                if self._in_array:
                    raise Unreadable("not valid JSON: the array has no end", self._line_at(position))
                return -1
        if not self._begun:
            self._begun = True
            if self._text[position] == "[":
                self._in_array = True
                return self._beginning(position + 1)
        elif self._in_array and self._text[position] == "]":
            self._end_array(position + 1)
            return -1
        return position

    def _end_array(self, position: int) -> None:
        self._is_over = True
        while (position := _skip(self._text, position)) == len(self._text):
            if not self._more():
                return
        raise Unreadable("not valid JSON: something follows the array", self._line_at(position))

    def _end(self, position: int) -> int:
        """Returns where the value that begins there ends."""
        while True:
            try:
                _, end = _decode(self._text, position)
            except JSONDecodeError as error:
                is_cut = error.msg.startswith("Unterminated") or error.pos >= len(self._text) - _NEAR
                if not is_cut or not self._more():
                    raise Unreadable(_why(error, with_column=False), self._line_at(error.pos)) from None
            except RecursionError:
                raise Unreadable("not valid JSON: nested too deeply", self._line_at(position)) from None
            else:
                # A number may go on, "1." as well.
                if end < len(self._text) - _NEAR or not self._more():
                    return end

    def _more(self) -> bool:
        """Reads on, as much again as there is: a long value is parsed a few times only."""
        if self._ended:
            return False
        data = self._bytes + self._read(max(_SNIFF, len(self._text)))
        self._ended = len(data) == len(self._bytes)
        text, self._bytes = _whole_characters(data, ended=self._ended, line=self._line)
        self._text += text
        return bool(text) or not self._ended

    def _drop(self, position: int) -> None:
        self._line = self._line_at(position)
        self._text = self._text[position:]

    def _line_at(self, position: int) -> int:
        return self._line + self._text.count("\n", 0, position)


def _whole_characters(data: bytes, *, ended: bool, line: int) -> tuple[str, bytes]:
    """Decodes, and returns what is left of a character that is not complete."""
    try:
        return str(data, "utf-8"), b""
    except UnicodeDecodeError as error:
        if not ended and error.end == len(data) and len(data) - error.start < 4:
            return str(data[: error.start], "utf-8"), data[error.start :]
        raise Unreadable(f"not valid UTF-8: byte 0x{data[error.start]:02x}", line) from None


def _skip(text: str, position: int) -> int:
    while position < len(text) and text[position] in _BETWEEN:
        position += 1
    return position


def _why(error: JSONDecodeError, *, with_column: bool = True) -> str:
    what = error.msg[0].lower() + error.msg[1:]
    return f"not valid JSON: {what} in column {error.colno}" if with_column else f"not valid JSON: {what}"
