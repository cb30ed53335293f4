"""Every check, in the order a person mends things: the machine, the people, the store, then the outside."""

from collections.abc import Iterator
from dataclasses import dataclass

from tocsin.context import Context
from tocsin.doctor.dumps import check_dumps
from tocsin.doctor.finding import Finding
from tocsin.doctor.journal import check_journal
from tocsin.doctor.machine import check_disk, check_machine, check_prefect
from tocsin.doctor.outside import check_mail, check_repositories, check_restic
from tocsin.doctor.people import check_people
from tocsin.doctor.private import check_private_files
from tocsin.doctor.slack import check_slack


@dataclass(frozen=True, slots=True)
class Examination:
    """How far to look: `offline` asks nothing outside this machine, `thorough` starts Prefect too."""

    offline: bool = False
    thorough: bool = False


def examine(ctx: Context, how: Examination = Examination()) -> Iterator[Finding]:
    """Return the findings as they come; the slow ones, which ask the outside, are last."""
    yield from check_machine(ctx.workspace)
    yield from check_people(ctx.workspace, ctx.actor)
    # Before the store is opened, which closes its folder to others by itself.
    yield from check_private_files(ctx.workspace)
    yield from check_journal(ctx)
    yield from check_disk(ctx)
    if how.thorough:
        yield check_prefect()
    yield check_restic(ctx)
    yield from check_dumps(ctx)
    if how.offline:
        return
    yield from check_repositories(ctx)
    yield check_mail(ctx.workspace.channels.mail)
    yield from check_slack(ctx)
