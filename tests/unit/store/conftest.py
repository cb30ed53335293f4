"""`small`: an empty store on SQLite."""

from simulators.stores import small

__all__ = ["small"]
