"""The life of one incident: `tocsin incident contained`, `recovered`, `reviewed`, `near-miss`, `close`…"""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tocsin.cli.output import common_options, emit

if TYPE_CHECKING:
    from tocsin.situation import Decided

_incident = click.argument("incident_id", metavar="INCIDENT")
_at = click.option("--at", "moment", metavar="TIME", help="Since when, with its offset; else now.")
_seen = click.option("--reason", default="", metavar="TEXT", help="How you know; the journal keeps it.")


def _reached(
    word: str, incident_id: str, moment: str | None, reason: str, folder: Path | None, *, as_json: bool
) -> None:
    from tocsin.incidents import reach
    from tocsin.law.clocks import parse_time
    from tocsin.wiring import open_context

    with open_context(folder) as ctx:
        reach(ctx, incident_id, word, parse_time(moment) if moment else None, reason)
        ctx.store.sign_head(ctx.actor)
    emit({"incident": incident_id, "reached": word}, f"{incident_id} is {word}.", as_json=as_json)


@click.command(epilog="Example: tocsin incident contained INC-2026-001 --at 2026-11-20T18:30+00:00")
@_incident
@_at
@_seen
@common_options
def contained(
    incident_id: str, moment: str | None, reason: str, workspace_folder: Path | None, as_json: bool
) -> None:
    """Say that it goes no further."""
    _reached("contained", incident_id, moment, reason, workspace_folder, as_json=as_json)


@click.command(epilog="Example: tocsin incident recovered INC-2026-001")
@_incident
@_at
@_seen
@common_options
def recovered(
    incident_id: str, moment: str | None, reason: str, workspace_folder: Path | None, as_json: bool
) -> None:
    """Say that data and service are back."""
    _reached("recovered", incident_id, moment, reason, workspace_folder, as_json=as_json)


@click.command(epilog="Example: tocsin incident reviewed INC-2026-001")
@_incident
@_at
@_seen
@common_options
def reviewed(
    incident_id: str, moment: str | None, reason: str, workspace_folder: Path | None, as_json: bool
) -> None:
    """Say that it was looked back on: what happened, and what is done so that it does not again."""
    _reached("reviewed", incident_id, moment, reason, workspace_folder, as_json=as_json)


def _called(
    outcome: str, incident_id: str, reason: str, folder: Path | None, *, second: bool, as_json: bool
) -> None:
    from tocsin.incidents import call_it
    from tocsin.situation import agree
    from tocsin.wiring import open_context

    with open_context(folder) as ctx:
        taken = agree(ctx, incident_id, outcome) if second else call_it(ctx, incident_id, outcome, reason)
        ctx.store.sign_head(ctx.actor)
    data = {"incident": incident_id, "outcome": taken.duty, "stands": taken.stands, "seconds": list(taken.seconds)}
    emit(data, _said(incident_id, taken), as_json=as_json)


def _said(incident_id: str, taken: "Decided") -> str:
    words = taken.duty.replace("_", " ")
    if taken.stands:
        return f"{incident_id} was {'a ' if words == 'near miss' else ''}{words}. It stays in the register."
    return (
        f"The facts leave open that something is owed ({taken.proposed}), so a second person has to agree: "
        f"{' or '.join(taken.seconds)}, with `tocsin incident {words.replace(' ', '-')} {incident_id} --second`."
    )


_reason = click.option("--reason", default="", metavar="TEXT", help="Why; the register keeps it.")
_second = click.option("--second", is_flag=True, help="Agree to it as the second person.")


@click.command("near-miss", epilog="Example: tocsin incident near-miss INC-2026-001 --reason 'Not used'")
@_incident
@_reason
@_second
@common_options
def near_miss(incident_id: str, reason: str, second: bool, workspace_folder: Path | None, as_json: bool) -> None:
    """Decide that nothing happened to personal data, though it could have."""
    _called("near_miss", incident_id, reason, workspace_folder, second=second, as_json=as_json)


@click.command("not-a-breach", epilog="Example: tocsin incident not-a-breach INC-2026-001 --reason 'A test'")
@_incident
@_reason
@_second
@common_options
def not_a_breach(
    incident_id: str, reason: str, second: bool, workspace_folder: Path | None, as_json: bool
) -> None:
    """Decide that it was no breach of personal data."""
    _called("not_a_breach", incident_id, reason, workspace_folder, second=second, as_json=as_json)


@click.command("close", epilog="Example: tocsin incident close INC-2026-001 --effects 'None known' --remedy 'MFA'")
@_incident
@click.option("--effects", default="", metavar="TEXT", help="What it did to people: the register keeps it.")
@click.option("--remedy", default="", metavar="TEXT", help="What was put right, and against a next time.")
@common_options
def close_incident(
    incident_id: str, effects: str, remedy: str, workspace_folder: Path | None, as_json: bool
) -> None:
    """Close an incident: no duty open, no outcome unknown, no run open.

    Exit code 3 names everything that stands in the way; nothing is changed then.
    """
    from tocsin.incidents import Closing, close
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        close(ctx, incident_id, Closing(effects, remedy))
    emit({"incident": incident_id, "state": "closed"}, f"{incident_id} is closed.", as_json=as_json)


COMMANDS = (contained, recovered, reviewed, near_miss, not_a_breach, close_incident)
