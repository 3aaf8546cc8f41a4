"""The examples run and print what they should, and so do those in the documentation."""

import importlib.util
import re
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
README = EXAMPLES.parent / "README.md"
DOCS = EXAMPLES.parent / "docs"
TOLD_ELSEWHERE = {"dask.md", "tutorial.md"}


def _programs(page: Path) -> list[object]:
    """The Python programs of a page: what stands under one heading is one."""
    programs: dict[str, str] = {}
    heading = ""
    pieces = re.findall(r"^##? ([^\n]+)$|^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    for line, code in pieces:
        heading = line or heading
        if code:
            programs[heading] = programs.get(heading, "") + code
    return [pytest.param(code, id=f"{page.stem}: {heading}") for heading, code in programs.items()]


PAGES = [page for page in sorted(DOCS.glob("*.md")) if page.name not in TOLD_ELSEWHERE]


@pytest.mark.parametrize("code", [program for page in PAGES for program in _programs(page)])
def test_the_programs_of_the_documentation_run(run_child, code):
    run_child(code)


@pytest.mark.skipif(importlib.util.find_spec("distributed") is None, reason="distributed is not installed")
@pytest.mark.parametrize("code", _programs(DOCS / "dask.md"))
def test_the_programs_about_dask_run(run_child, code):
    run_child(code)


def test_the_gigabyte_example_counts_in_eight_interpreters(run_child):
    repeats = 100_000
    out = run_child(
        f"import runpy, sys; sys.argv = ['gigabyte.py', '{repeats}']\n"
        f"runpy.run_path({str(EXAMPLES / 'gigabyte.py')!r}, run_name='__main__')"
    )
    counts = dict(line.rsplit(" ", 1) for line in out.splitlines())
    text = "to be or not to be, " * repeats
    assert counts == {
        word: str(text.count(word)) for word in ("to", "be", "or", "not", "or not", "be,", "o", "e")
    }


def test_the_readme_shows_the_example():
    shown = README.read_text().split("```python\n")[1].split("```")[0]
    code = (EXAMPLES / "gigabyte.py").read_text()
    assert shown.split("count = ")[1] == code.split("count = ")[1]
