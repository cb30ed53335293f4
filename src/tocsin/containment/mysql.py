"""A MariaDB or MySQL through its own client: asked one thing, or an account of it locked and let in again.

The password goes in the environment of the client and never among its words. A query goes as the digits of its
bytes and is prepared on the server: so it is one statement, and the client, which takes some words for programs to
run, reads nothing of it.
"""

import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated
from urllib.parse import parse_qs, unquote, urlsplit

from pydantic import AfterValidator

from tocsin.context import Context
from tocsin.errors import ConfigurationError, OperationFailed, Place, Problem, Refused, Temporary, UsageError
from tocsin.ports import Command

LIMIT = timedelta(seconds=60)
_CLIENTS = ("mariadb", "mysql")
_AWAY = ("error 2002", "error 2003", "error 2006", "error 2013", "error 2005")
_SETTINGS = {"socket", "ssl_ca"}
_USER = re.compile(r"[A-Za-z0-9_.$-]{1,80}")
_FROM = re.compile(r"[A-Za-z0-9_.:%/-]{0,255}")


def _user(text: str) -> str:
    if not _USER.fullmatch(text):
        raise ValueError(f"{text!r} is no account of ours: letters, digits and . _ $ - only.")
    return text


def _from(text: str) -> str:
    if not _FROM.fullmatch(text):
        raise ValueError(f"{text!r} is no host that an account may come from, such as localhost, 10.0.% or %.")
    return text


UserName = Annotated[str, AfterValidator(_user)]
FromHost = Annotated[str, AfterValidator(_from)]


@dataclass(frozen=True, slots=True)
class Server:
    """How a server is reached: the client's own words, and the password apart from them."""

    ctx: Context
    words: tuple[str, ...]
    password: str = field(repr=False)
    limit: timedelta = LIMIT

    def ask(self, query: str) -> list[list[str]]:
        """Run one statement of somebody else's, in a transaction that can change nothing."""
        digits = query.encode().hex()
        guarded = (
            "SET SESSION TRANSACTION READ ONLY; START TRANSACTION READ ONLY; "
            f"SET @query = CONVERT(X'{digits}' USING utf8mb4); PREPARE asked FROM @query; EXECUTE asked; ROLLBACK;"
        )
        return self._run(guarded)

    def do(self, statements: Iterable[str]) -> list[list[str]]:
        """Run statements of our own."""
        return self._run("; ".join(statements) + ";")

    def _run(self, text: str) -> list[list[str]]:
        client = next((name for name in _CLIENTS if shutil.which(name)), _CLIENTS[0])
        argv = (client, "--no-defaults", "--batch", "--skip-column-names", "--connect-timeout=15", *self.words)
        said = self.ctx.shell.run(
            Command(argv, self.limit, environment={"MYSQL_PWD": self.password}, stdin=text, hide=(self.password,))
        )
        if said.code is None:
            raise Temporary("The database did not answer in time.")
        if said.code != 0:
            lines = said.stderr.strip().splitlines()
            why = next(
                (line for line in lines if line.startswith("ERROR")), lines[-1] if lines else "it says nothing"
            )
            if any(why.casefold().startswith(sign) for sign in _AWAY):
                raise Temporary(f"The database did not answer: {why}")
            raise OperationFailed(f"The database refused it: {why}")
        return [line.split("\t") for line in said.stdout.splitlines()]


def server_at(ctx: Context, address: str, limit: timedelta = LIMIT) -> Server:
    """Return the server of `mysql://user:password@host:port/database?socket=…&ssl_ca=…`; the address is secret.

    Raises ConfigurationError without showing it.
    """
    parts = urlsplit(address)
    settings = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if parts.scheme not in ("mysql", "mariadb") or not parts.username or set(settings) - _SETTINGS:
        raise ConfigurationError(
            Problem(
                Place("the database's address"),
                "it is not like mysql://user:password@host:3306/database or mysql://user:password@/?socket=/PATH "
                "(with ssl_ca=FILE where the server shows a certificate)",
            )
        )
    words = [f"--user={unquote(parts.username)}"]
    if socket := settings.get("socket"):
        words.append(f"--socket={socket}")
    else:
        words += ["--protocol=TCP", f"--host={parts.hostname or 'localhost'}", f"--port={parts.port or 3306}"]
    if ca := settings.get("ssl_ca"):
        words.append(f"--ssl-ca={ca}")
    if database := unquote(parts.path.removeprefix("/")):
        words.append(f"--database={database}")
    return Server(ctx, tuple(words), unquote(parts.password or ""), limit)


@dataclass(frozen=True, slots=True)
class AccountOf:
    """A name that may log in, from some host or from every one it is known with."""

    server: Server
    user: str
    at: str | None = None

    def hosts(self) -> dict[str, bool]:
        """Return each host it may come from, and whether it is locked there.

        Raises UsageError when there is none, Refused when it is the one we are.
        """
        where = f"User = '{self.user}'" + (f" AND Host = '{self.at}'" if self.at is not None else "")
        known = f"SELECT Host FROM mysql.user WHERE {where}"  # noqa: S608 - both are checked by their patterns
        ours, *found = self.server.do(["SELECT CURRENT_USER()", known])
        hosts = [row[0] for row in found]
        if not hosts:
            raise UsageError(f"There is no account {self.spelled} in this database server; nothing was changed.")
        if any(ours[0] == f"{self.user}@{host}" for host in hosts):
            raise Refused(f"{self.user} is who we ask as: locking it would lock us out. Nothing was changed.")
        return {host: self._is_locked(host) for host in hosts}

    def lock(self, hosts: Iterable[str], *, locked: bool) -> None:
        """Lock it or let it in, for each of these hosts."""
        verb = "LOCK" if locked else "UNLOCK"
        self.server.do([f"ALTER USER {self._at(host)} ACCOUNT {verb}" for host in hosts])

    def set_password(self, hosts: Iterable[str], secret: str) -> None:
        """Give it another password; it goes over the client's input."""
        self.server.do([f"ALTER USER {self._at(host)} IDENTIFIED BY '{secret}'" for host in hosts])

    def end_sessions(self) -> int:
        """End its sessions; returns how many there were. Raises OperationFailed when some do not end."""
        ended = self.sessions()
        for session in ended:
            try:
                self.server.do([f"KILL CONNECTION {int(session)}"])
            except OperationFailed as gone:
                if "1094" not in str(gone):  # it ended by itself meanwhile
                    raise
        for _ in range(50):
            if not self.sessions():
                return len(ended)
            self.server.do(["DO SLEEP(0.1)"])
        raise OperationFailed(f"Sessions of {self.spelled} do not end. Look with SHOW PROCESSLIST.")

    def sessions(self) -> list[str]:
        """Return the numbers of its sessions."""
        mine = f"USER = '{self.user}' AND COMMAND <> 'Killed'"
        query = f"SELECT ID FROM information_schema.PROCESSLIST WHERE {mine}"  # noqa: S608 - checked by its pattern
        return [row[0] for row in self.server.do([query])]

    @property
    def spelled(self) -> str:
        """How a person writes it."""
        return f"{self.user}@{self.at}" if self.at is not None else self.user

    def _at(self, host: str) -> str:
        return f"'{self.user}'@'{_from(host)}'"

    def _is_locked(self, host: str) -> bool:
        told = self.server.do([f"SHOW CREATE USER {self._at(host)}"])
        return bool(told) and bool(re.search(r"\bACCOUNT LOCK\b", told[0][0]))
