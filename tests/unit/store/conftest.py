"""`small`: an empty store on SQLite."""

from simulators.stores import migrated_file, small

__all__ = ["migrated_file", "small"]
