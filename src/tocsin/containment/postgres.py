"""A role of a PostgreSQL: no login, its sessions ended, a new password, and login again as before.

A password never goes to the server: it is given the verifier that it would keep of it.
"""

from dataclasses import dataclass
from datetime import timedelta

from tocsin.context import Context
from tocsin.errors import OperationFailed, Refused, UsageError

LIMIT = timedelta(seconds=60)
_SESSIONS = "FROM pg_stat_activity WHERE usename = {role} AND pid <> pg_backend_pid()"
_PATIENCE = 50


@dataclass(frozen=True, slots=True)
class Role:
    """How a role stands: may it log in, how many sessions it has."""

    can_login: bool
    sessions: int


@dataclass(frozen=True, slots=True)
class RoleOf:
    """A role, and the address of the database to reach it by; the address may hold a password."""

    ctx: Context
    address: str
    role: str
    limit: timedelta = LIMIT

    def look(self) -> Role:
        """Return how it stands. Raises UsageError when there is none, Refused when it is the one we are."""
        role = _literal(self.role)
        sessions = f"(SELECT count(*) {_SESSIONS.format(role=role)})"
        rows = self._rows(
            f"SELECT rolcanlogin, current_user = rolname, {sessions} FROM pg_roles WHERE rolname = {role}"  # noqa: S608 - quoted
        )
        if not rows:
            raise UsageError(f"There is no role {self.role!r} in this PostgreSQL; nothing was changed.")
        can_login, is_ours, many = rows[0]
        if is_ours:
            raise Refused(f"{self.role} is the role we ask as: locking it would lock us out. Nothing was changed.")
        return Role(bool(can_login), int(str(many)))

    def allow_login(self, *, allowed: bool) -> None:
        """Let it log in, or not."""
        self._change(f"ALTER ROLE {_name(self.role)} {'LOGIN' if allowed else 'NOLOGIN'}")

    def set_verifier(self, verifier: str) -> None:
        """Give it another password, by its verifier."""
        self._change(f"ALTER ROLE {_name(self.role)} PASSWORD {_literal(verifier)}")

    def end_sessions(self) -> int:
        """End its sessions and wait until they are gone; returns how many there were."""
        sessions = _SESSIONS.format(role=_literal(self.role))
        ended = int(str(self._change(f"SELECT count(pg_terminate_backend(pid)) {sessions}")[0][0]))
        for _ in range(_PATIENCE):
            if not self._change(f"SELECT pg_sleep(0.1) {sessions} LIMIT 1"):
                return ended
        raise OperationFailed(f"Sessions of {self.role} do not end. Look at pg_stat_activity.")

    def _rows(self, query: str) -> tuple[tuple[object, ...], ...]:
        return self.ctx.sql.rows(self.address, query, self.limit)

    def _change(self, statement: str) -> tuple[tuple[object, ...], ...]:
        return self.ctx.sql.change(self.address, statement, self.limit)


def _name(name: str) -> str:
    return '"{}"'.format(name.replace('"', '""'))


def _literal(text: str) -> str:
    # `E''` reads the same whatever standard_conforming_strings says.
    return "E'{}'".format(text.replace("\\", "\\\\").replace("'", "\\'"))
