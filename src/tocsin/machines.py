"""A machine that programs run on: this one, or another through the system's ssh.

A program is a list of words from end to end. ssh may ask nothing, trusts no host whose key nobody wrote down, and
reads nothing of a person's own configuration; the words are quoted for the remote shell, which is the only one
that ever reads them. A small program in Python goes over standard input, so that nothing is left lying there.
"""

import json
import shlex
import sys
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from tocsin.context import Context
from tocsin.errors import OperationFailed, OutcomeUnknown, Temporary, UsageError
from tocsin.model.holdings import Ssh
from tocsin.ports import Command, Said

HERE = "this-machine"
"""What stands for a host where the machine is the one Tocsin runs on."""
LONGEST = timedelta(minutes=3)
SSH_FAILED = 255
_NOT_REACHED = ("connection refused", "timed out", "could not resolve", "no route to host", "unreachable")
_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Machine:
    """Where programs run. `way` is None for this machine; `limit` is how long one program may work."""

    ctx: Context
    way: Ssh | None = None
    limit: timedelta = LONGEST

    @property
    def name(self) -> str:
        """How a person calls it."""
        return self.way.host if self.way else "this machine"

    def within(self, limit: timedelta) -> "Machine":
        """Return the same machine for programs that may take so long."""
        return replace(self, limit=limit)

    def run(self, *argv: str, stdin: str = "", rights: bool = True, hide: tuple[str, ...] = ()) -> Said:
        """Run a program to its end and return what it said; with `rights`, through sudo where the way says so.

        What runs here may run twice: Temporary is raised when the machine was not reached, and also when the line
        broke in the middle; OperationFailed when it does not let us in.
        """
        words = ("sudo", "-n", "--", *argv) if self.way and self.way.sudo and rights else argv
        if self.way is None:
            return self.ctx.shell.run(Command(words, self.limit, stdin=stdin, hide=hide))
        root = self.ctx.workspace.root
        known_hosts = self.ctx.workspace.resolve(self.way.known_hosts)
        must_be_known(known_hosts, self.way.host)
        said = self.ctx.shell.run(
            Command(ssh_words(self.way, words, known_hosts, root), self.limit, stdin=stdin, hide=hide)
        )
        if said.code == SSH_FAILED:
            fault = ssh_fault(self.way.host, said)
            raise Temporary(f"{fault} It may be run again.") if isinstance(fault, OutcomeUnknown) else fault
        return said

    def do(self, *argv: str, stdin: str = "", hide: tuple[str, ...] = ()) -> str:
        """Run a program that must end well, and return its output. Raises OperationFailed with its last words."""
        said = self.run(*argv, stdin=stdin, hide=hide)
        if said.code != 0:
            how = "did not end in time" if said.code is None else f"ended with exit code {said.code}"
            raise OperationFailed(f"{Path(argv[0]).name} on {self.name} {how}.{last_words(said)}")
        return said.stdout

    def python(self, program: str, *arguments: str, hide: tuple[str, ...] = ()) -> dict[str, Any]:
        """Run a small program in the machine's own Python; it answers with one line of JSON.

        It says what it refuses by `{"refused": SENTENCE}`, which becomes an OperationFailed.
        """
        python = sys.executable if self.way is None else "python3"
        said = self.run(python, "-I", "-", *arguments, stdin=program, hide=hide)
        lines = said.stdout.strip().splitlines()
        try:
            found = json.loads(lines[-1]) if lines and said.code == 0 else None
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise OperationFailed(f"A program in {python} on {self.name} went wrong.{last_words(said)}")
        if "refused" in found:
            raise OperationFailed(f"{found['refused']} ({self.name})")
        return found


def machine_at(ctx: Context, *, system: str | None = None, way: Ssh | None = None) -> Machine:
    """Return the machine of a system of the workspace, or the one that `way` leads to; `this-machine` is ours."""
    if system is not None:
        known = ctx.workspace.systems.get(system)
        if known is None:
            raise UsageError(f"There is no system {system!r} in the workspace; nothing was done.")
        if known.ssh is None:
            raise UsageError(
                f"Nobody has written down how {known.title} is reached, so nothing was done. Add "
                f"`ssh: {{host: …}}` to the system {system} in tocsin.yaml, or do it by hand and say so."
            )
        way = known.ssh
    if way is None:
        raise UsageError("The step names no machine: give `system` or `host`.")
    return Machine(ctx, None if way.host == HERE else way)


def ssh_words(way: Ssh, argv: tuple[str, ...], known_hosts: Path, root: Path) -> tuple[str, ...]:
    """Return ssh's own words: no question, no new host, no forwarding, nothing of a person's own configuration."""
    options = {
        "BatchMode": "yes",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": f'"{known_hosts}"',
        "GlobalKnownHostsFile": "/dev/null",
        "ConnectTimeout": "15",
        "ForwardAgent": "no",
        "ServerAliveInterval": "10",
    }
    words = ["ssh", "-F", "none", "-T", "-p", str(way.port)]
    words += [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    if way.identity is not None:
        words += ["-i", str(root / Path(way.identity).expanduser()), "-o", "IdentitiesOnly=yes"]
    if way.user is not None:
        words += ["-l", way.user]
    return (*words, "--", way.host, shlex.join(argv))


def must_be_known(known_hosts: Path, host: str) -> None:
    """Raise UsageError when nobody has written down which key a host has."""
    if not known_hosts.is_file():
        raise UsageError(
            f"There is no {known_hosts} that says which key {host} has, so it was not contacted. "
            f"Write it with `ssh-keyscan {host}`, and compare the key with the machine's own."
        )


def ssh_fault(host: str, said: Said) -> Exception:
    """Return what ssh's own failure means."""
    told = said.stderr.strip().splitlines()
    why = told[-1] if told else "it said nothing"
    lower = said.stderr.casefold()
    if any(sign in lower for sign in _NOT_REACHED) and "closed by" not in lower:
        return Temporary(f"{host} was not reached ({why}); nothing was run there.")
    if "host key verification failed" in lower or "permission denied" in lower:
        return OperationFailed(f"{host} was not logged in to ({why}); nothing was run there.")
    return OutcomeUnknown(f"The line to {host} broke ({why}); nobody knows what was run there.")


def last_words(said: Said) -> str:
    """Return the last line a program said, as the end of a sentence."""
    lines = (said.stderr.strip() or said.stdout.strip()).splitlines()
    return f" It said last: {lines[-1][:_SHOWN]}" if lines else ""
