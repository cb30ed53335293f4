"""The store's contract runs on both databases: each test that asks for `store`, `backend` or `blank` runs twice."""

from simulators.postgres import postgres
from simulators.stores import backend, blank, migrated_database, migrated_file, store

__all__ = ["backend", "blank", "migrated_database", "migrated_file", "postgres", "store"]
