"""The examples run and print what they should."""

from pathlib import Path

EXAMPLES = Path(__file__).parent.parent / "examples"
README = EXAMPLES.parent / "README.md"


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
