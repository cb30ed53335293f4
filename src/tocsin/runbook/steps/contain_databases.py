"""Steps that take a database account away from whoever has it: no login, no session, another password."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, StringConstraints, model_validator

from tocsin.containment import mysql
from tocsin.containment.passwords import SafePlace, fingerprint, fresh_verifier, new_secret, put_away
from tocsin.containment.postgres import RoleOf
from tocsin.context import Context
from tocsin.errors import OperationFailed
from tocsin.model.document import Data
from tocsin.model.fields import Line, SecretReference, TrueFalse
from tocsin.runbook.kinds import Done, Parameters, Place, Waits
from tocsin.runbook.steps.on_machines import noted
from tocsin.runbook.steps.programs import Argv

LONGEST = timedelta(seconds=60)
RoleName = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f]{1,63}$")]


class NewPassword(Parameters):
    """Where the new password goes: a `file` of the workspace, or a `command` that reads it from its input.

    It is shown nowhere. `environment` names where each secret is found that the command itself needs.
    """

    file: Line | None = None
    command: Argv | None = None
    environment: dict[str, SecretReference] = Field(default_factory=dict)
    length: Annotated[int, Field(ge=20, le=128)] = 40

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.file is None) == (self.command is None):
            raise ValueError("say where the new password goes: `file` or `command`.")
        return self

    def made(self, ctx: Context) -> str:
        """Return a new password that lies where it belongs already."""
        secret = new_secret(ctx.randomness, self.length)
        path: Path | None = ctx.workspace.resolve(self.file) if self.file else None
        environment = {name: ctx.secrets.read(reference) for name, reference in self.environment.items()}
        put_away(ctx, SafePlace(path, self.command or (), environment), secret)
        return secret


class DatabaseAccountParameters(Parameters):
    """What is done to it. `database` names where the address of an administrator is found."""

    database: SecretReference
    no_login: TrueFalse = True
    end_sessions: TrueFalse = True
    new_password: NewPassword | None = None

    @model_validator(mode="after")
    def _something_to_do(self) -> Self:
        if not (self.no_login or self.end_sessions or self.new_password):
            raise ValueError(
                "nothing would be done. Leave `no_login` or `end_sessions` on, or add `new_password`."
            )
        return self

    def doing(self, who: str) -> str:
        """Say what would be done."""
        parts = (
            "forbid it to log in" if self.no_login else "",
            "end its sessions" if self.end_sessions else "",
            f"give it a new password, put into {self.kept_in}" if self.new_password else "",
        )
        return f"{who}: {', '.join(filter(None, parts))}"

    @property
    def kept_in(self) -> str:
        """Where the new password goes, for a person."""
        new = self.new_password
        return "" if new is None else new.file or (new.command or ("",))[0]


class PostgresRoleParameters(DatabaseAccountParameters):
    """Which role, and what is done to it.

    `database` names where the address of an administrator is found: a libpq URL. A new password is handed to where
    it is kept before the server has it; the server is given its verifier only.
    """

    role: RoleName


class LockPostgresRole:
    """Take a PostgreSQL role away from whoever has it. Undone, it may log in as before."""

    name: ClassVar[str] = "contain.postgres_role"
    parameters: ClassVar[type[Parameters]] = PostgresRoleParameters
    idempotent: ClassVar[bool] = True
    destructive: ClassVar[bool] = False
    keeps_time: ClassVar[bool] = True

    def run(self, ctx: Context, place: Place, parameters: PostgresRoleParameters) -> Done | Waits:
        """Do what is asked, and look."""
        role = self._role(ctx, place, parameters)
        before = noted(place, lambda: {"could_login": role.look().can_login})
        output: dict[str, Data] = {**before}
        if parameters.no_login:
            role.allow_login(allowed=False)
        if parameters.new_password:
            secret = parameters.new_password.made(ctx)
            role.set_verifier(fresh_verifier(ctx.randomness, secret))
            output["fingerprint"] = fingerprint(secret)
        if parameters.end_sessions:
            output["sessions_ended"] = role.end_sessions()
        now = role.look()
        if parameters.no_login and now.can_login:
            raise OperationFailed(f"{parameters.role} may still log in; somebody else changes it at this moment.")
        return Done(output)

    def undo(
        self, ctx: Context, place: Place, parameters: PostgresRoleParameters, output: dict[str, Data]
    ) -> Done | Waits:
        """Let it log in again if it could before. An old password never comes back."""
        role = self._role(ctx, place, parameters)
        if parameters.no_login and (place.kept or output)["could_login"]:
            role.allow_login(allowed=True)
        return Done({"can_login": role.look().can_login})

    def simulate(self, parameters: PostgresRoleParameters) -> str:
        """Say what would be done."""
        return parameters.doing(f"PostgreSQL role {parameters.role}")

    def simulate_undo(self, parameters: PostgresRoleParameters) -> str:
        """Say what undoing would do."""
        return f"let the PostgreSQL role {parameters.role} log in again if it could before{_stays(parameters)}"

    @staticmethod
    def _role(ctx: Context, place: Place, parameters: PostgresRoleParameters) -> RoleOf:
        address = ctx.secrets.read(parameters.database)
        return RoleOf(ctx, address, parameters.role, place.step.timeout or LONGEST)


class MysqlAccountParameters(DatabaseAccountParameters):
    """Which account, and what is done to it.

    `database` names where the address of an administrator is found, `mysql://user:password@host:3306` or
    `mysql://user:password@/?socket=/PATH`. Without `at`, the account is meant from every host it is known with.
    """

    account: mysql.UserName
    at: mysql.FromHost | None = None


class LockMysqlAccount:
    """Take a MariaDB or MySQL account away from whoever has it. Undone, it may log in as before."""

    name: ClassVar[str] = "contain.mysql_account"
    parameters: ClassVar[type[Parameters]] = MysqlAccountParameters
    idempotent: ClassVar[bool] = True
    destructive: ClassVar[bool] = False
    keeps_time: ClassVar[bool] = True

    def run(self, ctx: Context, place: Place, parameters: MysqlAccountParameters) -> Done | Waits:
        """Do what is asked, and look."""
        account = self._account(ctx, place, parameters)
        before: dict[str, Any] = noted(place, lambda: {"was_locked": {**account.hosts()}})
        hosts = list(before["was_locked"])
        output: dict[str, Data] = {**before}
        if parameters.no_login:
            account.lock(hosts, locked=True)
        if parameters.new_password:
            secret = parameters.new_password.made(ctx)
            account.set_password(hosts, secret)
            output["fingerprint"] = fingerprint(secret)
        if parameters.end_sessions:
            output["sessions_ended"] = account.end_sessions()
        if parameters.no_login and (still := [host for host, locked in account.hosts().items() if not locked]):
            raise OperationFailed(f"{parameters.account} may still log in from {', '.join(still)}.")
        return Done(output)

    def undo(
        self, ctx: Context, place: Place, parameters: MysqlAccountParameters, output: dict[str, Data]
    ) -> Done | Waits:
        """Let it log in again from where it could before. An old password never comes back."""
        account = self._account(ctx, place, parameters)
        before: dict[str, Any] = place.kept or output
        open_before = [host for host, locked in before["was_locked"].items() if not locked]
        if parameters.no_login and open_before:
            account.lock(open_before, locked=False)
        return Done({"is_locked": {**account.hosts()}})

    def simulate(self, parameters: MysqlAccountParameters) -> str:
        """Say what would be done."""
        return parameters.doing(f"MariaDB or MySQL account {_spelled(parameters)}")

    def simulate_undo(self, parameters: MysqlAccountParameters) -> str:
        """Say what undoing would do."""
        return f"unlock the account {_spelled(parameters)} where it was not locked before{_stays(parameters)}"

    @staticmethod
    def _account(ctx: Context, place: Place, parameters: MysqlAccountParameters) -> mysql.AccountOf:
        address = ctx.secrets.read(parameters.database)
        server = mysql.server_at(ctx, address, place.step.timeout or LONGEST)
        return mysql.AccountOf(server, parameters.account, parameters.at)


def _spelled(parameters: MysqlAccountParameters) -> str:
    return f"{parameters.account}@{parameters.at}" if parameters.at is not None else parameters.account


def _stays(parameters: DatabaseAccountParameters) -> str:
    return "; the new password stays" if parameters.new_password else ""
