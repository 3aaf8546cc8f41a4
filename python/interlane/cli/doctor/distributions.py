"""What is installed: distributions and their top-level modules."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class Distribution(NamedTuple):
    """What there is to try, under the name by which people know it."""

    name: str
    version: str | None
    modules: tuple[str, ...]


def installed() -> list[Distribution]:
    """Returns all that has modules, by name, without interlane itself."""
    modules = _modules_by_distribution()
    modules.pop("interlane", None)
    return [
        Distribution(name, _version(name), tuple(sorted(names)))
        for name, names in sorted(modules.items(), key=lambda item: item[0].lower())
    ]


def named(names: Iterable[str]) -> list[Distribution]:
    """Returns what the names mean: modules, or distributions where there is no such module."""
    modules = _modules_by_distribution()
    by_module = {module: name for name, found in modules.items() for module in found}
    by_name = {_normal(name): name for name in modules}
    wanted = []
    for given in dict.fromkeys(names):
        distribution = by_name.get(_normal(given))
        if given.partition(".")[0] not in by_module and distribution is not None and not _is_module(given):
            wanted.append(
                Distribution(distribution, _version(distribution), tuple(sorted(modules[distribution])))
            )
        else:
            owner = by_module.get(given.partition(".")[0])
            wanted.append(Distribution(given, None if owner is None else _version(owner), (given,)))
    return wanted


def owner_of(module: str) -> str | None:
    """Returns the name of the distribution that a module belongs to."""
    found = importlib.metadata.packages_distributions().get(module.partition(".")[0])
    return found[0] if found else None


def _modules_by_distribution() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for module, names in importlib.metadata.packages_distributions().items():
        if module.isidentifier() and not module.startswith("__"):
            for name in names:
                found.setdefault(name, set()).add(module)
    return found


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _is_module(name: str) -> bool:
    try:
        return name.isidentifier() and importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False
