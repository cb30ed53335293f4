"""`tocsin recover`: bring systems and data back; keep and open the recovery kit."""

from importlib import import_module

import click

_PLAN = "plan"
COMMANDS = {
    _PLAN: ("tocsin.cli.recover_plan", "Run a recovery plan, or bring a backup plan's files back (the default)."),
    "list": ("tocsin.cli.recover_list", "List the recovery plans and what goes before each."),
    "kit": ("tocsin.cli.recover_kit", "Write, check or open the recovery kit, for when the server is gone."),
}


class _Recover(click.Group):
    """A group whose first word may be a plan's name: then it is `plan` that is meant."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order a person meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(COMMANDS[cmd_name][0]).command
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `plan` before what is no command's name."""
        if args and args[0] not in COMMANDS and args[0] not in ctx.help_option_names:
            args = [_PLAN, *args]
        return super().parse_args(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, said) for name, (_, said) in COMMANDS.items()])


@click.group(cls=_Recover)
def command() -> None:
    """Bring data and systems back from a snapshot, verified; keep the recovery kit.

    \b
    Examples:
      tocsin recover website                          a recovery plan, in isolation: nothing live is touched
      tocsin recover website --live                   what it would do for real, and how to approve it
      tocsin recover files --to /srv/share-restored   the files of a backup plan
      tocsin recover kit --open KIT --into DIR        the server is gone
    """
