"""Extension modules for the tests: the examples, and types that break the rules."""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import interlane
import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")


def run(*command: str | Path, **options: Any) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"


def compile_module(source: Path, name: str, folder: Path, *flags: str) -> None:
    """Builds an extension module as an author would: with the platform's compiler and two include folders."""
    compiler = "c++" if source.suffix == ".cpp" or "c++" in flags else "cc"
    if shutil.which(compiler) is None:
        pytest.skip(f"there is no {compiler}")
    python = sysconfig.get_paths()["include"]
    # fmt: off
    run(
        compiler, "-O2", "-Wall", "-Wextra", "-Werror", *flags, "-fPIC", "-shared",
        "-I", python, "-I", interlane.get_include(), source, "-o", folder / f"{name}{SUFFIX}",
    )
    # fmt: on


def build_rust(folder: Path) -> None:
    home = os.environ.get("CARGO_HOME", str(Path.home() / ".cargo"))
    cargo = shutil.which("cargo") or shutil.which("cargo", path=f"{home}/bin")
    if cargo is None:
        pytest.skip("there is no cargo")
    # A folder for each version: in a shared one they would rebuild pyo3-ffi at every turn.
    target = ROOT / "target/examples" / f"{sys.implementation.cache_tag}{sys.abiflags}"
    manifest = ROOT / "examples/rust_type/Cargo.toml"
    environment = {**os.environ, "PYO3_PYTHON": sys.executable, "CARGO_TARGET_DIR": str(target)}
    run(cargo, "build", "--release", "--locked", "--manifest-path", manifest, env=environment)
    shutil.copy(target / "release/librust_type.so", folder / f"rust_type{SUFFIX}")


BUILDERS: dict[str, Callable[[Path], None]] = {
    "c_image": lambda folder: compile_module(
        ROOT / "examples/c_image/c_image.c", "c_image", folder, "-std=c99"
    ),
    "cpp_vector": lambda folder: compile_module(
        ROOT / "examples/cpp_vector/cpp_vector.cpp", "cpp_vector", folder, "-std=c++11"
    ),
    "rust_type": build_rust,
    "hostile": lambda folder: compile_module(HERE / "hostile.c", "hostile", folder, "-std=c99"),
    # What the strictest compiler has to say of the header itself.
    "layout_c": lambda folder: compile_module(HERE / "layout.c", "layout", folder, "-std=c99", "-pedantic"),
    "layout_cpp": lambda folder: compile_module(
        HERE / "layout.c", "layout", folder, "-x", "c++", "-std=c++11", "-pedantic"
    ),
}


@pytest.fixture(scope="session")
def extension(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Tells the folder of an extension module, which has that one only; builds it the first time."""
    folders: dict[str, Path] = {}

    def folder(name: str) -> Path:
        if name not in folders:
            made = tmp_path_factory.mktemp(name)
            BUILDERS[name](made)
            folders[name] = made
        return folders[name]

    return folder
