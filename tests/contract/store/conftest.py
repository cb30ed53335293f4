"""The store's contract runs on both databases: each test that asks for `store` or `backend` runs twice."""

from simulators.postgres import postgres, postgres_url
from simulators.stores import backend, store

__all__ = ["backend", "postgres", "postgres_url", "store"]
