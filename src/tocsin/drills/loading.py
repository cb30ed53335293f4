"""The fourth rung: each dump loaded into a real server in isolation, and asked whether it holds what it must.

What is wrong is returned, not raised: a dump that a server refuses, an answer that is not the expected one. Raised
is what says nothing about the backup: no server on this machine.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from tocsin.context import Context
from tocsin.errors import OperationFailed, Temporary
from tocsin.model.drill import Assertion, DatabaseCheck
from tocsin.ports import Value
from tocsin.recovery.databases import DumpRefused, Engine, ScratchDatabase, scratch_database

_NOTHING = timedelta(0)


@dataclass(frozen=True, slots=True)
class Asserted:
    """One query and its answer. `problem` is a sentence when it is not what it must be."""

    query: str
    value: Value
    wanted: str
    problem: str | None
    key: str


@dataclass
class LoadedDatabase:
    """What became of one dump. `problem` says why it was not loaded; `faults` is what the server finds wrong."""

    dump: str
    engine: str
    version: str = ""
    bytes: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    problem: str | None = None
    faults: tuple[str, ...] = ()
    asserted: tuple[Asserted, ...] = ()
    newest: datetime | None = None
    fetch: timedelta = _NOTHING
    start: timedelta = _NOTHING
    load: timedelta = _NOTHING
    verify: timedelta = _NOTHING
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether it was loaded, is whole, and holds what it must."""
        return self.problem is None and not self.faults and not any(each.problem for each in self.asserted)


@dataclass(frozen=True, slots=True)
class BroughtDump:
    """Where a dump lies now, and what bringing it took where that was apart; `problem` says why there is none."""

    path: Path | None
    fetch: timedelta = _NOTHING
    verify: timedelta = _NOTHING
    problem: str | None = None


@contextmanager
def loaded_databases(
    ctx: Context, wanted: tuple[tuple[DatabaseCheck, BroughtDump], ...], area: Path, before: Mapping[str, int]
) -> Iterator[tuple[LoadedDatabase, ...]]:
    """Load every dump into a server of its own and ask it; the servers run until the block ends.

    Args:
        ctx: the tools.
        wanted: what to load and to ask, each with its dump.
        area: a folder for the servers.
        before: what counts were in the last drill that passed, by `Asserted.key`.

    Raises NoDatabaseServer and what else keeps a server from starting.
    """
    with ExitStack() as servers:
        yield tuple(
            _loaded(ctx, servers, each, area / f"database-{number}", before) for number, each in enumerate(wanted)
        )


def _loaded(
    ctx: Context,
    servers: ExitStack,
    wanted: tuple[DatabaseCheck, BroughtDump],
    folder: Path,
    before: Mapping[str, int],
) -> LoadedDatabase:
    check, dump = wanted
    found = LoadedDatabase(
        check.dump, check.kind.value, fetch=dump.fetch, verify=dump.verify, problem=dump.problem
    )
    if dump.path is None:
        return found
    if not dump.path.exists():
        found.problem = f"The dump {check.dump} is not among what came back."
        return found
    server = servers.enter_context(scratch_database(Engine(check.kind.value), folder))
    found.version, found.start, found.environment = server.version, server.started_in, server.environment
    try:
        loaded = server.load(dump.path)
    except DumpRefused as refused:
        found.problem = str(refused)
        return found
    found.load, found.bytes = loaded.took, loaded.bytes
    began = ctx.clock.monotonic()
    found.faults = server.integrity()
    found.rows = server.row_counts() if not found.faults else {}
    found.asserted = tuple(_asserted(server, check.dump, each, before) for each in check.assertions)
    found.newest = _newest(server, check.newest) if check.newest else None
    if check.newest and found.newest is None:
        found.problem = f"The query for the newest record in {check.dump} gave no time."
    found.verify += timedelta(seconds=ctx.clock.monotonic() - began)
    return found


def _asserted(server: ScratchDatabase, dump: str, wanted: Assertion, before: Mapping[str, int]) -> Asserted:
    key = sha256(f"{dump}\0{wanted.query}".encode()).hexdigest()[:16]
    try:
        rows = server.ask(wanted.query)
    except (OperationFailed, Temporary) as refused:
        return Asserted(wanted.query, None, spelled(wanted), str(refused), key)
    value = rows[0][0] if rows and rows[0] else None
    return Asserted(wanted.query, value, spelled(wanted), judge_answer(value, wanted, before.get(key)), key)


def judge_answer(value: Value, wanted: Assertion, before: int | None) -> str | None:
    """Return what is wrong with an answer, None when it is what it must be; pure. `before` is the last drill's."""
    if value is None:
        return f"The query found nothing; expected was {spelled(wanted)}."
    if wanted.expect is not None and not _is_same(value, wanted.expect):
        return f"The query found {value!r}, not {wanted.expect!r}."
    bounds = (wanted.at_least, wanted.at_most, wanted.share)
    if all(each is None for each in bounds):
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"The query found {value!r}, which is no number to compare."
    if wanted.at_least is not None and value < wanted.at_least:
        return f"The query found {value}, not at least {wanted.at_least}."
    if wanted.at_most is not None and value > wanted.at_most:
        return f"The query found {value}, not at most {wanted.at_most}."
    if wanted.share is not None and before is not None and abs(value - before) * 100 > wanted.share * abs(before):
        return (
            f"The query found {value}; the last drill found {before}, and {wanted.within} more or less is allowed."
        )
    return None


def _is_same(value: Value, wanted: bool | int | str) -> bool:  # noqa: FBT001 - the file may ask for yes or no
    if isinstance(wanted, bool) or isinstance(value, bool):
        # SQLite and MariaDB answer 0 and 1.
        return value in {0, 1} and bool(value) == wanted
    return value == wanted or str(value) == str(wanted)


def spelled(wanted: Assertion) -> str:
    """Return what an assertion asks for, as a person reads it."""
    parts = (
        (wanted.expect is not None, f"{wanted.expect}"),
        (wanted.at_least is not None, f"at least {wanted.at_least}"),
        (wanted.at_most is not None, f"at most {wanted.at_most}"),
        (wanted.within is not None, f"within {wanted.within} of the last drill"),
    )
    return ", ".join(text for applies, text in parts if applies)


def _newest(server: ScratchDatabase, query: str) -> datetime | None:
    """Return the time a query answers with, None when it gives none."""
    try:
        rows = server.ask(query)
    except (OperationFailed, Temporary):
        return None
    return instant_of(rows[0][0] if rows and rows[0] else None)


def instant_of(value: Value) -> datetime | None:
    """Return an answer as a time: ISO text (UTC where it names no zone) or seconds since 1970; pure."""
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value.strip())
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None
