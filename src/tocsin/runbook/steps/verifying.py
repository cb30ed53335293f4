"""Steps that prove something: a program says so, a file is there and holds it, a database answers with it."""

import hashlib
import shlex
from datetime import timedelta
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints, model_validator

from tocsin.context import Context
from tocsin.errors import OperationFailed
from tocsin.model.document import Data
from tocsin.model.fields import Line, SecretReference, Whole
from tocsin.ports import Value
from tocsin.runbook.kinds import Done, Parameters, Place, Waits
from tocsin.runbook.steps.programs import CommandParameters, carried_out, judged, output_of

LONGEST = timedelta(seconds=60)
_MOST_SEARCHED = 16 * 1024 * 1024
_CHUNK = 1 << 20


class VerifyCommandParameters(CommandParameters):
    """As for `command`, and a text that the program's output must hold."""

    contains: str | None = None


class VerifyCommand:
    """Prove something with a program that only looks: its exit code, and what it says."""

    name: ClassVar[str] = "verify.command"
    parameters: ClassVar[type[Parameters]] = VerifyCommandParameters
    idempotent: ClassVar[bool] = True
    destructive: ClassVar[bool] = False
    keeps_time: ClassVar[bool] = True
    is_isolated: ClassVar[bool] = True

    def run(self, ctx: Context, place: Place, parameters: VerifyCommandParameters) -> Done | Waits:
        """Run it and look."""
        said = judged(carried_out(ctx, place, parameters), parameters)
        if parameters.contains is not None and parameters.contains not in said.stdout:
            raise OperationFailed(f"{Path(parameters.argv[0]).name} does not say {parameters.contains!r}.")
        return Done({"passed": True, **output_of(said)})

    def simulate(self, parameters: VerifyCommandParameters) -> str:
        """Say what would be run."""
        return f"check with {shlex.join(parameters.argv)}"


class VerifyFileParameters(Parameters):
    """A file (a relative path starts at the workspace), and what must be so of it."""

    path: Line
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None
    contains: str | None = None
    at_least_bytes: Whole = 0
    absent: bool = False

    @model_validator(mode="after")
    def _there_or_not(self) -> "VerifyFileParameters":
        if self.absent and (self.sha256 or self.contains or self.at_least_bytes):
            raise ValueError("a file that must be absent can hold nothing. Leave out `absent`, or the rest.")
        return self


class VerifyFile:
    """Prove that a file is there and holds what it should, or is gone."""

    name: ClassVar[str] = "verify.file"
    parameters: ClassVar[type[Parameters]] = VerifyFileParameters
    idempotent: ClassVar[bool] = True
    destructive: ClassVar[bool] = False
    is_isolated: ClassVar[bool] = True

    def run(self, ctx: Context, place: Place, parameters: VerifyFileParameters) -> Done | Waits:
        """Look at it."""
        path = ctx.workspace.resolve(parameters.path)
        if parameters.absent:
            if path.exists():
                raise OperationFailed(f"{path} is still there.")
            return Done({"passed": True})
        try:
            size, sha256, found = _read(path, parameters.contains)
        except FileNotFoundError:
            raise OperationFailed(f"{path} is not there.") from None
        except OSError as fault:
            raise OperationFailed(f"{path} cannot be read: {fault.strerror}.") from fault
        if size < parameters.at_least_bytes:
            raise OperationFailed(f"{path} has {size} bytes, less than {parameters.at_least_bytes}.")
        if parameters.sha256 is not None and sha256 != parameters.sha256:
            raise OperationFailed(f"{path} has other content than expected: its SHA-256 is {sha256}.")
        if not found:
            raise OperationFailed(f"{path} does not hold {parameters.contains!r}.")
        return Done({"passed": True, "bytes": size, "sha256": sha256})

    def simulate(self, parameters: VerifyFileParameters) -> str:
        """Say what would be looked at."""
        return f"check that {parameters.path} is {'gone' if parameters.absent else 'there and right'}"


class PostgresParameters(Parameters):
    """Where the database's address is found, one query, and the value its first row must begin with.

    `at_least` and `at_most` are for counts, which are never the same twice.
    """

    database: SecretReference
    query: Annotated[str, Field(min_length=1)]
    expect: bool | int | str | None = None
    at_least: int | None = None
    at_most: int | None = None

    @model_validator(mode="after")
    def _something_expected(self) -> "PostgresParameters":
        if self.expect is None and self.at_least is None and self.at_most is None:
            raise ValueError("says not what is expected. Add `expect:`, `at_least:` or `at_most:`.")
        return self


class QueryPostgres:
    """Ask a PostgreSQL one thing, read-only, and prove that the answer is the expected one."""

    name: ClassVar[str] = "postgres.query"
    parameters: ClassVar[type[Parameters]] = PostgresParameters
    idempotent: ClassVar[bool] = True
    destructive: ClassVar[bool] = False
    keeps_time: ClassVar[bool] = True

    def run(self, ctx: Context, place: Place, parameters: PostgresParameters) -> Done | Waits:
        """Ask it. The answer's first value is what is judged and kept."""
        address = ctx.secrets.read(parameters.database)
        rows = ctx.sql.rows(address, parameters.query, place.step.timeout or LONGEST)
        if not rows or not rows[0]:
            raise OperationFailed("The query found no row, so there is nothing to compare.")
        value = rows[0][0]
        if parameters.expect is not None and value != parameters.expect:
            raise OperationFailed(f"The query found {value!r}, not {parameters.expect!r}.")
        within(value, parameters.at_least, parameters.at_most)
        kept: Data = value
        return Done({"passed": True, "value": kept, "rows": len(rows)})

    def simulate(self, parameters: PostgresParameters) -> str:
        """Say what would be asked."""
        return f"ask the database: {parameters.query}"


def within(value: Value, least: int | None, most: int | None) -> None:
    """Raise OperationFailed unless a value is a number between the two, where they are given."""
    if least is None and most is None:
        return
    if not isinstance(value, int | float):
        raise OperationFailed(f"The query found {value!r}, which is no number to compare.")
    if least is not None and value < least:
        raise OperationFailed(f"The query found {value}, not at least {least}.")
    if most is not None and value > most:
        raise OperationFailed(f"The query found {value}, not at most {most}.")


def _read(path: Path, contains: str | None) -> tuple[int, str, bool]:
    """Return a file's size, its SHA-256, and whether its beginning (16 MB) holds the text."""
    digest, size, searched = hashlib.sha256(), 0, bytearray()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
            if contains is not None and len(searched) < _MOST_SEARCHED:
                searched += chunk
    return size, digest.hexdigest(), contains is None or contains.encode() in searched
