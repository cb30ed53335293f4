"""Read the law's own data files, which ship inside this package. The only reading the law does."""

from functools import lru_cache
from importlib.resources import files
from typing import Any

import yaml

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@lru_cache
def read_data(name: str) -> Any:  # noqa: ANN401 - callers check it against their own schema
    """Return the content of `data/NAME.yaml`. Do not change what it returns: it is kept."""
    text = files("tocsin.law").joinpath("data", f"{name}.yaml").read_text(encoding="utf-8")
    return yaml.load(text, Loader=_LOADER)  # noqa: S506 - a safe loader, chosen above for its speed
