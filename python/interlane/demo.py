"""The main job on real input: the standard library's own sources, serial against interpreters.

`python -m interlane.demo` (or `make demo`) counts tokens, names and nesting in each file, once in this
interpreter alone and once in isolated ones that get the text through a channel without a copy. `analyse` is
an ordinary function and can be mapped over any sources: `interlane map interlane.demo:analyse --glob '*.py'
DIRECTORY`.
"""

from __future__ import annotations

import ast
import io
import tokenize
import warnings

_NAME = tokenize.NAME


def analyse(text: str) -> dict[str, int]:
    """Counts tokens, names and different names of Python sources, and the levels of their syntax tree.

    Sources with errors count up to the first one, and have depth 0.
    """
    tokens = names = 0
    different = set()
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            tokens += 1
            if token.type == _NAME:
                names += 1
                different.add(token.string)
    except (SyntaxError, tokenize.TokenError):
        # What comes before it counts.
        pass
    return {"tokens": tokens, "names": names, "different": len(different), "depth": _depth(text)}


def _depth(text: str) -> int:
    try:
        with warnings.catch_warnings(action="ignore"):
            level: list[ast.AST] = [ast.parse(text)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return 0
    depth = 0
    while level:
        depth += 1
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    return depth


if __name__ == "__main__":
    import sys

    from interlane._demonstration import main

    sys.exit(main())
