"""Code on its way to another interpreter: checked and compiled here, marshalled, run there."""

import dis
import marshal
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, FunctionType

_REMOTE = "_interlane_remote"

_equip: list[str] = []


def marshalled(script: object) -> bytes:
    """Returns the script (source, code object or plain function) as marshalled code.

    Raises SyntaxError, TypeError or ValueError for what cannot run without arguments, cells and result.
    """
    if isinstance(script, str | bytes | bytearray):
        code = compile(script, "<script>", "exec", dont_inherit=True)
    elif isinstance(script, FunctionType):
        code = script.__code__
    elif isinstance(script, CodeType):
        code = script
    else:
        raise TypeError(f"unsupported script {script!r}")
    if code.co_freevars:
        raise ValueError("closures not supported")
    if code.co_argcount or code.co_kwonlyargcount or code.co_flags & (0x04 | 0x08):
        raise ValueError("code with args not supported")
    if _returns_a_value(code):
        raise ValueError("code that returns a value is not a script")
    return marshal.dumps(code)


def global_names(code: CodeType) -> set[str]:
    """Returns the names that the code, or code nested in it, looks up outside of itself."""
    names = {
        instruction.argval
        for instruction in dis.get_instructions(code)
        if instruction.opname.endswith(("_GLOBAL", "_GLOBALS", "_NAME"))
        and not instruction.opname.startswith("IMPORT")
    }
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= global_names(constant)
    return names


def equip() -> str:
    """Returns the script that loads `remote` into an interpreter where interlane is not imported."""
    if not _equip:
        path = Path(__file__).with_name("remote.py")
        code = SourceFileLoader(_REMOTE, str(path)).get_code(_REMOTE)
        source = (
            f"import sys, marshal\n"
            f"module = type(sys)({_REMOTE!r})\n"
            f"exec(marshal.loads({marshal.dumps(code)!r}), module.__dict__)\n"
            f"sys.modules.setdefault({_REMOTE!r}, module)\n"
        )
        # In a namespace of its own: `__main__` belongs to the user.
        _equip.append(f"exec({source!r}, {{}})")
    return _equip[0]


def invoke(function: str, *arguments: object) -> str:
    """Returns the script that calls a function of `remote`; the arguments have to be literals."""
    return f'__import__("sys").modules[{_REMOTE!r}].{function}(*{arguments!a})'


def _returns_a_value(code: CodeType) -> bool:
    previous = None
    for instruction in dis.get_instructions(code):
        if instruction.opname == "RETURN_CONST" and instruction.argval is not None:
            return True
        if instruction.opname == "RETURN_VALUE":
            constant = previous is not None and previous.opname == "LOAD_CONST"
            if not (constant and previous is not None and previous.argval is None):
                return True
        previous = instruction
    return False
