"""The command line: parse, call one operation, show.

Each command lives in a module of its own, named in `COMMANDS` and imported only when it is the one asked
for, so that `tocsin --help` stays instant. This is the only place that turns an error into an exit code.
"""

import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from tocsin.errors import TocsinError, did_you_mean

COMMANDS = {
    "init": "Make a workspace, or a sample one to try things on.",
    "check": "Check the workspace's files and say what is wrong, where.",
    "doctor": "Check this machine: restic, repositories, store, mail, keys.",
    "schema": "Print the JSON Schema of a file, for editors.",
    "status": "Show tonight's picture: backups, drills, incidents, what waits for whom.",
    "watch": "Judge how fresh the backups are and raise alarms.",
    "channel": "See, try and distrust the channels that alarms go by.",
    "metrics": "Print the state of the backups for Prometheus.",
    "backup": "Back up, list and hold snapshots.",
    "drill": "Restore for real into isolation and judge it against the targets.",
    "recover": "Bring data back from a snapshot, verified.",
    "incident": "Declare an incident and follow it to its end.",
    "report": "Report a suspicion or a near miss; it needs no name.",
    "evidence": "Take evidence and keep its chain of custody.",
    "run": "See and advance playbook runs; answer and approve.",
    "assess": "Judge a breach from a facts file.",
    "clock": "Count a legal clock from awareness to deadline.",
    "register": "Show and export the breach register.",
    "practice": "Do what good practice asks, with evidence: reviews, training, updates.",
    "notice": "Read, edit, approve and send notices.",
    "playbook": "List and check playbooks.",
    "action": "See and close prevention actions, each with the check that proves it.",
    "inventory": "Show whose data lives where.",
    "readiness": "Show what would hurt tonight, with the command that fixes each.",
    "journal": "Show, verify and export the journal.",
    "serve": "Run the schedules: Prefect's server and our flows.",
}


class LazyCommands(click.Group):
    """A group that knows its commands' names and imports a command only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order a person meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"tocsin.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command asked for; a misspelt one is answered with the nearest."""
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in COMMANDS:
            raise click.UsageError(f"There is no command {name!r}.{did_you_mean(name, COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="tocsin", message="tocsin %(version)s")
def tocsin() -> None:
    """Breach response and disaster recovery for a firm that holds other people's data.

    \b
    Something is wrong tonight:  tocsin incident declare
    What is going on:            tocsin status

    Every command takes --json and --workspace DIR (else TOCSIN_WORKSPACE, else the nearest tocsin.yaml).
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with the documented code."""
    # Prefect reads these before anything else does; a breach tool reports to nobody.
    os.environ.setdefault("DO_NOT_TRACK", "1")
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    # pydantic would look through every installed package for plugins; we have none, and it takes a while.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # Modules being loaded hold no garbage: looking for it every 700 objects takes a fifth of a short command.
    gc.set_threshold(100_000, 20, 20)
    code = carry_out(list(sys.argv[1:] if arguments is None else arguments))
    # On its way out Python looks for cycles in everything that was loaded: a sixth of `status`, for a process that
    # ends anyway.
    gc.freeze()
    sys.exit(code)


def carry_out(arguments: list[str]) -> int:
    """Run one command line and return its exit code; every fault becomes one clear sentence."""
    exercise = _exercise(arguments)
    if exercise and "--json" not in arguments:
        click.echo(f"EXERCISE {exercise}. Nothing here is real: nothing is sent, contained or alarmed.")
    try:
        result = tocsin.main(args=arguments, prog_name="tocsin", standalone_mode=False, obj=exercise)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as wrong:
        return _explain(f"{wrong.format_message()}{_see_help(wrong)}", 2, arguments)
    except (click.Abort, KeyboardInterrupt):
        return _explain("Stopped. Nothing further was done.", 130, arguments)
    except TocsinError as error:
        return _explain(str(error), error.exit_code, arguments)
    except BrokenPipeError:
        sys.stdout = None  # the reader has left: nothing is left to flush
        return 0
    except Exception as fault:
        if os.environ.get("TOCSIN_DEBUG"):
            raise
        return _explain(_our_fault(fault), 1, arguments)
    return result if isinstance(result, int) else 0


def _exercise(arguments: list[str]) -> str | None:
    """Return the exercise in whose room a command is given, None in an ordinary workspace. Two looks at most."""
    from pathlib import Path

    from tocsin.exercises.room import room_at
    from tocsin.workspace.finding import find

    named = next(
        (
            following if word == "--workspace" else word.partition("=")[2]
            for word, following in zip(arguments, [*arguments[1:], ""], strict=True)
            if word == "--workspace" or word.startswith("--workspace=")
        ),
        None,
    )
    try:
        room = room_at(find(Path(named) if named else None, os.environ, Path.cwd()))
    except (TocsinError, OSError):
        return None  # the command itself says what is wrong
    return room.exercise if room else None


def _see_help(wrong: click.ClickException) -> str:
    ctx = getattr(wrong, "ctx", None)
    return f" See '{ctx.command_path} --help'." if ctx else ""


def _our_fault(fault: Exception) -> str:
    return (
        f"Tocsin itself is at fault ({type(fault).__name__}: {fault}). What was journalled before stands. "
        "Run it again with TOCSIN_DEBUG=1 to see where, and report it."
    )


def _explain(sentence: str, code: int, arguments: list[str]) -> int:
    if "--json" in arguments:
        import json

        click.echo(json.dumps({"error": sentence, "exit_code": code}, indent=2, ensure_ascii=False))
    else:
        click.echo(f"tocsin: {sentence}", err=True)
    return code
