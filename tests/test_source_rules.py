"""Rules about the sources that no compiler and no linter enforces."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BINDING_LAYER = Path("crates/python/src/py")
RUNNING = BINDING_LAYER / "running.rs"
# Functions of CPython, by family, that may run Python code; those that running.rs declares are added to them.
MAY_RUN_PYTHON = re.compile(
    r"Py(?:Number|Sequence|Mapping|Iter|Eval|Run|Codec|File|Weakref)_[A-Z]\w*"
    r"|PyObject_(?:Call|Vectorcall|Get|Set|Del|Has|Str|Repr|ASCII|Bytes|Format|Hash|RichCompare|Is|Not|Dir|Length)\w*"
    r"|PyImport_(?:Import|Exec|Reload|Get)\w*|PyErr_(?:Write|Print|Display|Warn|Clear|Set|Restore|Normalize)\w*"
    r"|Py(?:Dict_(?:Get|Set|Del|Contains|Merge|Update|Pop)|Set_(?:Add|Contains|Discard|Pop))\w*"
    r"|Py(?:Object_GetBuffer|Buffer_Release)|Py_(?:X?DECREF|DecRef|CLEAR|SETREF)|_Py_DECREF\w*"
)
# Of these families, what runs none as it is used: with an exact str for a key, on an exact int, or ever.
RUNS_NONE = {
    "PyDict_GetItemString",
    "PyDict_SetItemString",
    "PyErr_SetString",
    "PyEval_RestoreThread",
    "PyEval_SaveThread",
    "PyImport_GetModuleDict",
    "PyNumber_ToBase",
}
BANNED = (
    "PyGILState_",
    "PyDateTime_IMPORT",
    "PyUnstable_AtExit",
    "_Py_AtExit",
    "Py_AddPendingCall",
)
STATIC = re.compile(
    r"^\s*(?:pub(?:\([^)]*\))?\s+)?static\s+(?:mut\s+|ref\s+)?([A-Za-z_]\w*)\s*:", re.MULTILINE
)
# `item` and the file under crates/ that it is in, the first two cells of a row.
ROW = re.compile(r"^\|\s*`(\w+)`\s*\|\s*`([^`]+)`\s*\|", re.MULTILINE)
# Written so that this file does not break its own rule.
MACHINE_PATH = re.compile(
    r"/work/(?:main|shared)\b|/ro{2}t/|/home/[a-z]\w*/|~/\.(?:cache|pyenv|cargo)\b|/tmp/(?:tools|PLAN)\b"
)
REGISTRY_HOST = re.compile(
    r"\b(?:pypi|pythonhosted|npmjs|debian)\.(?:org|com)\b|\b(?:static|index)\.crates\.io\b|://crates\.io\b"
)


def _rust(under: str) -> Iterator[tuple[Path, str]]:
    """Yields the Rust files of a folder, with what is commented out blanked."""
    for path in sorted((ROOT / under).rglob("*.rs")):
        if "target" not in path.parts:
            code = re.sub(r"//.*", "", path.read_text(encoding="utf-8"))
            code = re.sub(r"/\*.*?\*/", lambda match: "\n" * match[0].count("\n"), code, flags=re.DOTALL)
            yield path.relative_to(ROOT), code


def _lines(code: str, pattern: str | re.Pattern[str]) -> list[int]:
    return [code.count("\n", 0, match.start()) + 1 for match in re.finditer(pattern, code)]


def _committed() -> list[Path]:
    """Lists the files that are, or would be, committed."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git work tree")
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [ROOT / name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_only_the_binding_layer_uses_pyo3_ffi() -> None:
    offenders = [
        f"{path}:{line}"
        for path, code in _rust("crates")
        if not path.is_relative_to(BINDING_LAYER)
        for line in _lines(code, r"\bpyo3_ffi\b")
    ]
    assert not offenders, f"pyo3_ffi outside {BINDING_LAYER}: {offenders}"


@pytest.mark.parametrize("name", BANNED)
def test_calls_that_mean_the_main_interpreter_are_not_used(name: str) -> None:
    offenders = [
        f"{path}:{line}"
        for path, code in _rust("crates")
        for line in _lines(code, rf"(?<!\w){re.escape(name)}")
    ]
    assert not offenders, f"{name} is used: {offenders}"


def test_what_may_run_python_code_is_called_through_running() -> None:
    sources = dict(_rust(str(BINDING_LAYER)))
    declared = set(re.findall(r"pub\(super\) fn (\w*Py\w+)\s*\(", sources.pop(RUNNING)))
    assert len(declared) > 20, f"the declarations in {RUNNING} are not found any more"
    offenders = [
        f"{path}:{code.count(chr(10), 0, match.start()) + 1} {match[1]}"
        for path, code in sources.items()
        for match in re.finditer(r"\bffi::(?:\w+::)?(\w+)(?=\s*\()", code)
        if match[1] in declared or (MAY_RUN_PYTHON.fullmatch(match[1]) and match[1] not in RUNS_NONE)
    ]
    assert not offenders, f"calls that may run Python code, outside of {RUNNING}: {offenders}"


def _shared_state() -> set[tuple[str, str]]:
    found = set()
    for path, code in _rust("crates"):
        if path.parts[2] == "src":
            found |= {(match[1], path.relative_to("crates").as_posix()) for match in STATIC.finditer(code)}
    return found


def _documented_state() -> set[tuple[str, str]]:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    section = re.search(r"^## Shared state$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert section, "ARCHITECTURE.md has no section 'Shared state'"
    return {(match[1], match[2]) for match in ROW.finditer(section[1])}


def test_every_static_has_its_row_in_the_table_of_shared_state() -> None:
    missing = _shared_state() - _documented_state()
    assert not missing, f"not in ARCHITECTURE.md's table of shared state: {sorted(missing)}"


def test_every_row_of_the_table_of_shared_state_has_its_static() -> None:
    stale = _documented_state() - _shared_state()
    assert not stale, f"in ARCHITECTURE.md's table of shared state, but nowhere else: {sorted(stale)}"


def test_every_thread_local_is_seen_by_the_rule_above() -> None:
    for path, code in _rust("crates"):
        if path.parts[2] != "src":
            continue
        for match in re.finditer(r"\bthread_local!\s*[{(]", code):
            assert STATIC.match(code[match.end() :].lstrip("\n")), (
                f"{path}: put the static of thread_local! on a line of its own"
            )


@pytest.mark.parametrize(
    ("pattern", "what"),
    [(MACHINE_PATH, "a path of one machine"), (REGISTRY_HOST, "a package registry's host")],
)
def test_no_file_names(pattern: re.Pattern[str], what: str) -> None:
    offenders = []
    for path in _committed():
        if path.name == "Cargo.lock" or path == Path(__file__).resolve():
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):  # the latter: another test's, and gone
            continue
        offenders += [f"{path.relative_to(ROOT)}:{line}" for line in _lines(text, pattern)]
    assert not offenders, f"{what} in {offenders}"
