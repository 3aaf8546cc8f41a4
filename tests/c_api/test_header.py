"""interlane.h says what interlane was compiled with."""

import ast
from pathlib import Path

import interlane
import pytest
from interlane import _core


def test_get_include_is_the_folder_of_the_header():
    header = Path(interlane.get_include()) / "interlane.h"
    assert "INTERLANE_API_VERSION" in header.read_text()


def test_the_header_needs_nothing_but_python_h():
    text = (Path(interlane.get_include()) / "interlane.h").read_text()
    code = [line for line in text.splitlines() if line.startswith("#")]
    assert [line for line in code if "include" in line] == ["#include <Python.h>"]
    assert "Py_BUILD_CORE" not in "".join(code)


@pytest.mark.parametrize("language", ["c", "cpp"])
def test_the_header_and_the_core_agree_on_every_field(extension, run_child, language):
    out = run_child(
        "import layout; print(layout.layout())", env={"PYTHONPATH": str(extension(f"layout_{language}"))}
    )
    assert ast.literal_eval(out) == _core._c_layout()
