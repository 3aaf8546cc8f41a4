"""The command line. `main` is what the `interlane` script calls, `arguments` names the commands.

In `interlane map`, data goes from `inputs` (files) over `pieces` and `streams` (jobs) and `schedule` (who
gets what when) to a pool of `pools`, where `worker` calls the function, and back to `mapping`, which hands it
to `output`, `journal` and `report`. Workers import this package too, so nothing is imported here before it is
needed.
"""

# Annotations name types that only the type checker imports.
from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code: 0, 1 (an item failed), 2 (usage) or 130 (Ctrl-C)."""
    from interlane.cli.arguments import run

    return run(argv)
