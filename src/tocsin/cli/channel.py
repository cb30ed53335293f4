"""`tocsin channel`: the ways our own people are told: which there are, do they work, which may be trusted."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tocsin.cli.output import common_options, emit, table

if TYPE_CHECKING:
    from tocsin.alarms import Compromised

reason_option = click.option(
    "--reason", required=True, metavar="TEXT", help="Why, in a sentence; it is journalled."
)


@click.group()
def command() -> None:
    """See, try and distrust the channels that alarms to our own people go by.

    \b
    Example:
      tocsin channel list
      tocsin channel test mail
      tocsin channel compromised slack --reason "The intruder reads along"
    """


@command.command("list", epilog="Example: tocsin channel list")
@common_options
def list_channels(workspace_folder: Path | None, as_json: bool) -> None:
    """List the channels in the order they are tried, and which are passed over."""
    from tocsin.alarms import channels_of, compromised
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx, ctx.store.read() as connection:
        marked = compromised(connection)
        order = tuple(channels_of(ctx.workspace))
    names = [*order, *(name for name in marked if name not in order)]
    rows = [
        (str(order.index(name) + 1) if name in order else "-", name, _state(marked.get(name))) for name in names
    ]
    data = [
        {
            "channel": name,
            "tried_as": order.index(name) + 1 if name in order else None,
            "compromised": _mark(marked[name]) if name in marked else None,
        }
        for name in names
    ]
    emit(data, table(("tried", "channel", "state"), rows), as_json=as_json)


@command.command("compromised", epilog='Example: tocsin channel compromised slack --reason "They read along"')
@click.argument("channel")
@reason_option
@common_options
def mark(channel: str, reason: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Pass CHANNEL over from now on: an attacker may read or write it. The next one says so with each alarm."""
    from tocsin.alarms import mark_compromised
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        marked = mark_compromised(ctx, channel, reason)
    text = f"{channel} is not used any more. When it is safe again: tocsin channel trusted {channel} --reason TEXT"
    emit({"channel": channel, "compromised": _mark(marked)}, text, as_json=as_json)


@command.command("trusted", epilog='Example: tocsin channel trusted slack --reason "New tokens, sessions ended"')
@click.argument("channel")
@reason_option
@common_options
def trust(channel: str, reason: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Use CHANNEL again."""
    from tocsin.alarms import trust_again
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        stood = trust_again(ctx, channel, reason)
    data = {"channel": channel, "compromised": None, "stood_since": stood.since.isoformat()}
    emit(data, f"{channel} is used again.", as_json=as_json)


@command.command("test", epilog="Example: tocsin channel test mail")
@click.argument("channel")
@common_options
def try_it(channel: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Send a test alarm by CHANNEL alone to the technical people, and say whether it went out."""
    from tocsin.alarms import try_channel
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        people = try_channel(ctx, channel)
    text = f"It went out by {channel}, for {', '.join(people)}. Ask them whether it came."
    emit({"channel": channel, "people": list(people)}, text, as_json=as_json)


def _state(marked: "Compromised | None") -> str:
    if marked is None:
        return "used"
    return f"COMPROMISED since {marked.since:%Y-%m-%d %H:%M} UTC, says {marked.by}: {marked.reason}"


def _mark(marked: "Compromised") -> dict[str, str]:
    return {"by": marked.by, "since": marked.since.isoformat(), "reason": marked.reason}
