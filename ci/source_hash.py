"""Prints a hash of everything that goes into the wheel, and of the arguments."""

import hashlib
import sys
from pathlib import Path

FILES = ("Cargo.toml", "Cargo.lock", "pyproject.toml", "README.md")
FOLDERS = ("crates/core", "crates/python", "python", "include")
IGNORED = {"__pycache__", "target", "tests", "benches", "examples"}


def main() -> None:
    """Prints the hash."""
    digest = hashlib.sha256(repr(sys.argv[1:]).encode())
    paths = [Path(name) for name in FILES]
    for folder in FOLDERS:
        paths += Path(folder).rglob("*")
    for path in sorted(paths):
        if path.is_file() and IGNORED.isdisjoint(path.parts) and path.suffix not in {".so", ".pyc"}:
            digest.update(f"{path.as_posix()}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
    print(digest.hexdigest())


if __name__ == "__main__":
    main()
