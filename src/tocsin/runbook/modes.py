"""What a run's mode keeps out of reach: tools that touch the outside are taken from a step's hands.

A step cannot ignore it: in a simulation or an exercise whatever asks restic, the mail server, a shell, a web
server or the safe for something is told that it may not. A drill may restore and check, and sends nothing.
"""

from dataclasses import replace
from typing import Any, NoReturn, cast

from tocsin.context import Context
from tocsin.errors import Refused
from tocsin.ports import Http, Mailer, Messenger, Restic, Secrets, Shell, Sql
from tocsin.runbook.language import Mode


class OutOfReach:
    """Stands for a tool that this mode does not give: whatever is asked of it is refused."""

    def __init__(self, what: str, mode: Mode) -> None:
        self._sentence = f"This run is in {mode.value} mode: {what} is out of reach. Nothing outside was touched."

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - every method of every port
        def refuse(*_arguments: object, **_named: object) -> NoReturn:
            raise Refused(self._sentence)

        return refuse


def confined(ctx: Context, mode: Mode) -> Context:
    """Return the tools that a step may have in this mode."""
    if mode is Mode.LIVE:
        return ctx
    mailer = cast("Mailer", OutOfReach("the mail server", mode))
    if ctx.workspace.exercise and getattr(type(ctx.mailer), "never_sends", False):
        mailer = ctx.mailer  # the one of an exercise's room: it lays mails down
    if mode is Mode.DRILL:
        return replace(ctx, mailer=mailer)
    return replace(
        ctx,
        mailer=mailer,
        restic=cast("Restic", OutOfReach("restic", mode)),
        secrets=cast("Secrets", OutOfReach("the safe", mode)),
        shell=cast("Shell", OutOfReach("the shell", mode)),
        http=cast("Http", OutOfReach("the network", mode)),
        sql=cast("Sql", OutOfReach("every database", mode)),
        messenger=cast("Messenger", OutOfReach("every chat", mode)),
        chat=None,
    )
