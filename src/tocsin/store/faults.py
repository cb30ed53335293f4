"""What a database complains of, said so that a person knows what to do next.

Integrity errors pass through: they are answers (somebody was faster), not faults.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from tocsin.errors import OperationFailed, Temporary, TocsinError, UsageError

_UNCHANGED = "Nothing was recorded just now; what was recorded before stands."


@contextmanager
def explained(url: URL) -> Iterator[None]:
    """Turn the database's own errors into ours, naming the database and never its password."""
    name = _named(url)
    try:
        yield
    except IntegrityError:
        raise
    except PoolExhausted as fault:
        raise Temporary(
            f"Too many things use the store {name} at once. {_UNCHANGED} Try again shortly."
        ) from fault
    except DBAPIError as fault:
        raise _translated(fault, name) from fault
    except sqlite3.Error as fault:
        raise _from_sqlite(fault, name) from fault


def _named(url: URL) -> str:
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    return f"{url.database!r} on {url.host or url.query.get('host', 'this machine')}"


def _translated(fault: DBAPIError, name: str) -> TocsinError:
    if isinstance(fault.orig, sqlite3.Error):
        return _from_sqlite(fault.orig, name)
    return _from_postgres(fault, name)


def _from_sqlite(fault: sqlite3.Error, name: str) -> TocsinError:
    primary = getattr(fault, "sqlite_errorcode", 0) & 0xFF  # the upper bytes only refine the lower one
    match primary:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return Temporary(
                f"The store {name} is being written to by another process and stayed busy for ten seconds. "
                f"{_UNCHANGED} Try again; if it stays so, look for a hanging tocsin or sqlite3 process."
            )
        case sqlite3.SQLITE_NOTADB:
            return UsageError(
                f"{name} is not a database, so it cannot be the store. Nothing was changed. "
                "Correct `store` in tocsin.yaml, or put the right file there from a backup."
            )
        case sqlite3.SQLITE_FULL:
            return OperationFailed(f"The disk that holds the store {name} is full. {_UNCHANGED} Free some space.")
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return OperationFailed(
                f"The store {name} may not be written to: the file, its folder or the disk is read-only for this "
                f"user. {_UNCHANGED} Run Tocsin as the user who owns it, or make it writable."
            )
        case sqlite3.SQLITE_CANTOPEN:
            return OperationFailed(
                f"The store {name} cannot be opened. {_UNCHANGED} See that its folder exists and that this user "
                "may read and write there."
            )
        case sqlite3.SQLITE_CORRUPT:
            return OperationFailed(
                f"The store {name} is damaged. Copy the file aside, with its -wal and -shm, before anything else; "
                "then bring it back from a backup. An exported journal can be read without it."
            )
    return OperationFailed(f"The store {name} failed: {fault}. {_UNCHANGED}")


_POSTGRES_BUSY = ("55P03", "40001", "40P01", "57014", "57P01", "57P02", "57P03", "53300")
_POSTGRES_CONNECTION = "08"
_POSTGRES_DENIED = ("28", "3D", "42501")
# libpq gives no code for a connection that was refused by the server, only its sentence.
_POSTGRES_DENIED_WORDS = (
    "authentication failed",
    "does not exist",
    "no pg_hba.conf entry",
    "no password supplied",
)


def _from_postgres(fault: DBAPIError, name: str) -> TocsinError:
    code = getattr(fault.orig, "sqlstate", None) or ""
    said = " ".join(str(fault.orig).split())
    if code in _POSTGRES_BUSY:
        return Temporary(f"The store {name} is busy ({said}). {_UNCHANGED} Try again.")
    if code.startswith(_POSTGRES_DENIED) or (not code and any(word in said for word in _POSTGRES_DENIED_WORDS)):
        return UsageError(
            f"The store {name} does not let us in ({said}). Nothing was changed. Correct `store` in tocsin.yaml, "
            "or the user, password and database on the server."
        )
    if fault.connection_invalidated or not code or code.startswith(_POSTGRES_CONNECTION):
        return Temporary(
            f"The store {name} is out of reach ({said}). {_UNCHANGED} Try again when the server is up."
        )
    if code == "53100":
        return OperationFailed(
            f"The disk of the store {name} is full. {_UNCHANGED} Free some space on the server."
        )
    return OperationFailed(f"The store {name} failed: {said}. {_UNCHANGED}")
