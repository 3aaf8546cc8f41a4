"""What to do about what does not load."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interlane.cli.doctor.probing import Verdict

_BY_STATUS = {
    "refuses": "keep it in the main interpreter and share what it makes: memory arrives without copies, "
    "other objects as interlane.proxy(obj), whose calls run there. Functions that need it in parallel: "
    "interlane map --backend processes, or a ProcessPoolExecutor.",
    "crashes": "import it in the main interpreter only, or in processes, and tell its authors: an extension "
    "that cannot be loaded in isolated interpreters should refuse.",
    "slow": "try again with a longer --timeout; if it never ends, import it in the main interpreter only.",
    "fails": "this is not about interpreters: it cannot be imported in the main one either.",
}
_PARTIAL = (
    "it loads, but without extension modules that refuse: it may be slower or not work, so try what you need."
)
_BY_NAME = {
    "numpy": "arrays arrive in isolated interpreters as interlane.SharedBuffer over the same memory, with "
    "data type, shape and strides, and as arrays again in the main one; make them there, or use processes.",
    "pyarrow": "arrays and tables cross as capsules over the same memory; keep the library in the main one.",
}


_LEGACY = (
    " In an interpreter that shares the main one's GIL (legacy configuration) it loads: apart from others, "
    "but not in parallel."
)


def for_one(verdict: Verdict) -> str | None:
    """Returns what to do about a distribution; None when it loads."""
    if verdict.is_partial:
        return _PARTIAL
    if verdict.status != "refuses":
        return _BY_STATUS.get(verdict.status)
    if verdict.because_of:
        return f"see {' and '.join(verdict.because_of)}, whose extension modules are what refuses."
    text = _BY_NAME.get(verdict.distribution.lower(), _BY_STATUS["refuses"])
    return text + (_LEGACY if verdict.loads_legacy else "")
