"""Parts of a package that are imported when they are first asked for.

Some packages offer a few light reading functions beside heavy operations. `tocsin status` reads the former at
three in the morning and must not wait for the latter. Such a package names its parts under `TYPE_CHECKING`, for
people and type checkers, and hands them out through the `__getattr__` made here (PEP 562).
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def handed_out(package: str, homes: Mapping[str, tuple[str, ...]]) -> Callable[[str], Any]:
    """Return a package's `__getattr__`; `homes` maps each of its modules to the names that live there.

    A name must not be that of one of the package's modules: once that is imported, the module would be found.
    """
    home_of = {name: home for home, names in homes.items() for name in names}

    def __getattr__(name: str) -> Any:  # noqa: ANN401, N807 - what a module's own attribute access is called
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{home_of[name]}"), name)

    return __getattr__
