"""The fifth rung: does what was restored answer? A program, a page or a file says so, on the restored copy."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tocsin.context import Context
from tocsin.drills.loading import LoadedDatabase
from tocsin.errors import OperationFailed, OutcomeUnknown, Temporary, UsageError
from tocsin.model.drill import ApplicationCheck
from tocsin.ports import HttpRequest
from tocsin.recovery.answering import answers
from tocsin.recovery.isolation import Cell, cell

RESTORED = "{restored}"
_CHUNK = 1 << 20
_MOST_SEARCHED = 16 * 1024 * 1024
_NOTHING = timedelta(0)


@dataclass(frozen=True, slots=True)
class Answered:
    """What one check came to. `problem` is a sentence when it did not hold; `start` is what starting took."""

    name: str
    problem: str | None
    took: timedelta
    start: timedelta = _NOTHING

    @property
    def ok(self) -> bool:
        """Whether it held."""
        return self.problem is None


def ask_application(
    ctx: Context,
    checks: Sequence[ApplicationCheck],
    restored: Path,
    area: Path,
    databases: Sequence[LoadedDatabase] = (),
) -> tuple[Answered, ...]:
    """Carry out each check on the restored copy in `area` and return what it came to.

    Programs run in isolation and find the loaded databases by their usual environment variables. Raises UsageError
    for a program that this machine does not have: that says nothing about the backup.
    """
    found = []
    with cell(area) as here:
        if any(check.command or check.start for check in checks):
            here.own(restored)
        environment = _environment(here, area, databases)
        for check in checks:
            began = ctx.clock.monotonic()
            problem = _problem(ctx, check, restored, here, environment)
            took = timedelta(seconds=ctx.clock.monotonic() - began)
            # Where the application was started for it, waiting for its first answer is what starting takes.
            found.append(Answered(check.name, problem, took, took if check.start else _NOTHING))
    return tuple(found)


def _environment(here: Cell, area: Path, databases: Sequence[LoadedDatabase]) -> dict[str, str]:
    """Return what finds the databases from inside the cell of the whole area."""
    merged: dict[str, str] = {}
    for number, database in enumerate(databases):
        own = area / f"database-{number}"
        seen = here.inside / own.relative_to(area)
        for name, value in database.environment.items():
            for prefix in (str(own), "/mnt/area"):
                if value.startswith(prefix):
                    merged.setdefault(name, f"{seen}{value.removeprefix(prefix)}")
                    break
            else:
                merged.setdefault(name, value)
    return merged


def _problem(
    ctx: Context, check: ApplicationCheck, restored: Path, here: Cell, environment: Mapping[str, str]
) -> str | None:
    if check.file:
        return _wrong_with_file(restored / ctx.workspace.resolve(check.file).relative_to("/"), check)
    if check.command:
        return _wrong_with_command(check, here, restored, environment)
    return _wrong_with_page(ctx, check, here, restored, environment)


def _wrong_with_command(
    check: ApplicationCheck, here: Cell, restored: Path, environment: Mapping[str, str]
) -> str | None:
    argv = _words(check.command or (), here, restored)
    try:
        said = here.run(argv, timeout=check.timeout, environment=environment)
    except OSError as missing:
        raise UsageError(
            f"{argv[0]} cannot be run here: {missing.strerror}. Nothing was proved by it."
        ) from missing
    if said.code == _NO_PROGRAM:
        raise UsageError(f"There is no program {argv[0]!r} on this machine. Nothing was proved by it.")
    if said.code is None:
        return f"{check.name} had not ended after {check.timeout.total_seconds():.0f} s."
    if said.code != 0:
        last = (said.stderr.strip() or said.stdout.strip()).splitlines()[-1:]
        return f"{check.name} ended with {said.code}{': ' + last[0].rstrip('.') if last else ''}."
    if check.contains is not None and check.contains not in said.stdout:
        return f"{check.name} does not say {check.contains!r}."
    return None


# What `setpriv` and `env` end with when there is no such program.
_NO_PROGRAM = 127


def _words(words: Sequence[str], here: Cell, restored: Path) -> list[str]:
    """Return a program's words with the restored copy as it is seen from inside."""
    seen = here.inside / restored.relative_to(here.folder) if restored.is_relative_to(here.folder) else restored
    return [word.replace(RESTORED, str(seen)) for word in words]


def _wrong_with_page(
    ctx: Context, check: ApplicationCheck, here: Cell, restored: Path, environment: Mapping[str, str]
) -> str | None:
    url = check.http or ""
    try:
        if check.start:
            start = _words(check.start, here, restored)
            answer = answers(here, start, url, timeout=check.timeout, environment=environment)
        else:
            answer = ctx.http.request(HttpRequest("GET", url, check.timeout))
    except (Temporary, OutcomeUnknown, OperationFailed) as silent:
        return f"{url} did not answer: {silent}"
    if answer.status != check.status:
        return f"{check.http} answered {answer.status}, not {check.status}."
    if check.contains is not None and check.contains not in answer.body:
        return f"{check.http} does not say {check.contains!r}."
    return None


def _wrong_with_file(path: Path, check: ApplicationCheck) -> str | None:
    digest, size, searched = hashlib.sha256(), 0, bytearray()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
                if len(searched) < _MOST_SEARCHED:
                    searched += chunk
    except OSError:
        return f"{check.file} did not come back, or cannot be read."
    if size < check.at_least_bytes:
        return f"{check.file} came back with {size} bytes, less than {check.at_least_bytes}."
    if check.sha256 is not None and digest.hexdigest() != check.sha256:
        return f"{check.file} came back with other content than the drill asks for."
    if check.contains is not None and check.contains.encode() not in searched:
        return f"{check.file} does not hold {check.contains!r}."
    return None
