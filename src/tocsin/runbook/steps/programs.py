"""Steps that run a program, here or on another machine. Never through a shell: a list of words, as given."""

import shlex
from datetime import timedelta
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from tocsin.context import Context
from tocsin.errors import OperationFailed
from tocsin.machines import SSH_FAILED, last_words, must_be_known, ssh_fault, ssh_words
from tocsin.model.document import Data
from tocsin.model.fields import Line, SecretReference
from tocsin.model.holdings import HostName, Ssh
from tocsin.ports import Command, Said
from tocsin.runbook.kinds import Done, Parameters, Place, Waits

LONGEST = timedelta(minutes=10)
"""How long a program may work where the step names no `timeout`."""
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "fish", "busybox", "cmd.exe", "powershell", "pwsh"})


def _words(argv: tuple[str, ...]) -> tuple[str, ...]:
    if not argv:
        raise ValueError("there is no program in it. Write a list such as [systemctl, restart, nginx].")
    if Path(argv[0]).name in _SHELLS and any(word.startswith("-") and "c" in word for word in argv[1:2]):
        raise ValueError(
            "a text is never run through a shell, for a value inside it could run anything. Write the program and "
            "each of its words as a list, or put the text into a script of its own."
        )
    return argv


Argv = Annotated[tuple[str, ...], AfterValidator(_words)]


class CommandParameters(Parameters):
    """The program and its words; `folder` is where it works, `environment` names where each secret is found."""

    argv: Argv
    folder: Line | None = None
    environment: dict[str, SecretReference] = Field(default_factory=dict)
    exit_codes: tuple[int, ...] = (0,)


class RunCommand:
    """Run a program of this machine. It fails with any exit code that was not expected."""

    name: ClassVar[str] = "command"
    parameters: ClassVar[type[Parameters]] = CommandParameters
    idempotent: ClassVar[bool] = False
    destructive: ClassVar[bool] = False
    keeps_time: ClassVar[bool] = True

    def run(self, ctx: Context, place: Place, parameters: CommandParameters) -> Done | Waits:
        """Run it; its output, bounded and without the secrets, is kept."""
        return Done(output_of(judged(carried_out(ctx, place, parameters), parameters)))

    def simulate(self, parameters: CommandParameters) -> str:
        """Say what would be run."""
        return f"run {shlex.join(parameters.argv)}"


class SshParameters(Parameters):
    """The host and the words of the remote program.

    The host's key must stand in `known_hosts` (in the workspace): an unknown host is never trusted. `identity` is
    the file of the key to log in with; without it the agent's or the user's own is taken.
    """

    host: HostName
    argv: Argv
    user: Line | None = None
    port: Annotated[int, Field(ge=1, le=65535)] = 22
    known_hosts: Line = "known_hosts"
    identity: Line | None = None
    exit_codes: tuple[int, ...] = (0,)


class SshCommand:
    """Run a program on another machine through the system's ssh, which may ask nothing and trust nobody new."""

    name: ClassVar[str] = "ssh.command"
    parameters: ClassVar[type[Parameters]] = SshParameters
    idempotent: ClassVar[bool] = False
    destructive: ClassVar[bool] = False
    keeps_time: ClassVar[bool] = True

    def run(self, ctx: Context, place: Place, parameters: SshParameters) -> Done | Waits:
        """Run it there. Where the line broke in the middle nobody knows what happened, and a person is asked."""
        known_hosts = ctx.workspace.resolve(parameters.known_hosts)
        must_be_known(known_hosts, parameters.host)
        way = Ssh(host=parameters.host, user=parameters.user, port=parameters.port, identity=parameters.identity)
        argv = ssh_words(way, parameters.argv, known_hosts, ctx.workspace.root)
        said = ctx.shell.run(Command(argv, place.step.timeout or LONGEST))
        if said.code == SSH_FAILED:
            raise ssh_fault(parameters.host, said)
        return Done(output_of(_checked(said, parameters.argv, parameters.exit_codes)))

    def simulate(self, parameters: SshParameters) -> str:
        """Say what would be run, and where."""
        where = f"{parameters.user}@{parameters.host}" if parameters.user else parameters.host
        return f"run {shlex.join(parameters.argv)} on {where}"


def carried_out(ctx: Context, place: Place, parameters: CommandParameters) -> Said:
    """Run a program of this machine with its secrets."""
    environment = {name: ctx.secrets.read(reference) for name, reference in parameters.environment.items()}
    folder = ctx.workspace.resolve(parameters.folder) if parameters.folder else ctx.workspace.root
    limit = place.step.timeout or LONGEST
    hide = tuple(environment.values())
    return ctx.shell.run(Command(parameters.argv, limit, folder, environment, hide=hide))


def judged(said: Said, parameters: CommandParameters) -> Said:
    """Return what was said if the exit code was one of those expected. Raises OperationFailed otherwise."""
    return _checked(said, parameters.argv, parameters.exit_codes)


def _checked(said: Said, argv: tuple[str, ...], exit_codes: tuple[int, ...]) -> Said:
    program = Path(argv[0]).name
    if said.code is None:
        raise OperationFailed(
            f"{program} was stopped because its time was over; what it had done until then stands."
            f"{last_words(said)}"
        )
    if said.code not in exit_codes:
        raise OperationFailed(f"{program} ended with exit code {said.code}.{last_words(said)}")
    return said


def output_of(said: Said) -> dict[str, Data]:
    """Return what later steps may read."""
    return {"code": said.code, "stdout": said.stdout, "stderr": said.stderr, "is_cut": said.is_cut}
