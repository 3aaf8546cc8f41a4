"""What data frames of others do not tell when they give their memory away."""

import sys
from typing import Any


def refusal(frame: Any) -> str | None:
    """Returns why a frame, a table or a column cannot be shared, or None."""
    if has_objects(frame):
        return "has a column of references to objects of its own interpreter"
    return None


def has_objects(frame: Any) -> bool:
    """Tells whether something of Polars has objects of Python, of which it would give away the addresses."""
    polars: Any = sys.modules.get("polars")
    if not hasattr(polars, "Object") or not type(frame).__module__.startswith("polars."):
        return False
    return polars.Object in (frame.dtypes if isinstance(frame, polars.DataFrame) else [frame.dtype])
