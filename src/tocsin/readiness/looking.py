"""What would hurt tonight, read from the workspace and the store alone. Each part says what it sees as lines.

For one client only that client's datasets, systems and backup plans are looked at, and every line that bears a
mark of another client is taken out and counted: nothing of anybody else's is on a client's page.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache

from sqlalchemy import Connection, select

from tocsin.actions import Action, overdue, today
from tocsin.backups.freshness import Freshness, freshness
from tocsin.context import Context
from tocsin.drills.history import drill_history
from tocsin.errors import ConfigurationError, UsageError, did_you_mean
from tocsin.findings import open_findings
from tocsin.inventory import Severity, findings, narrowed
from tocsin.model.workspace import Workspace
from tocsin.notices.strangers import strangers_named
from tocsin.practices import State, standing
from tocsin.readiness.row import Row, worst_first
from tocsin.runbook.checks import parse_playbook
from tocsin.runbook.library import playbook_files
from tocsin.store.need_to_know import hidden_incidents
from tocsin.store.tables import exercise, incident, incident_system, practice_done, review

TEST_LASTS = timedelta(days=92)
REVIEW_WITHIN = timedelta(days=30)
TRAINING = "staff-training"
_SHOWN = 4
_CHECK = "tocsin inventory check"
_SAID = {
    "no-backup": "No backup plan covers",
    "no-contact": "Nobody to call is written down for",
    "notice-terms-missing": "No hours are written down within which to tell",
    "contract-missing": "No contract is written down for",
    "owner-missing": "Nobody answers for",
    "unencrypted": "Not encrypted",
    "shared-login": "A login is shared on",
    "no-second-factor": "No second factor on",
    "unnamed-access": "Access without a named person on",
    "forbidden-medium": "On something it must not be on",
    "no-access-log": "Nothing records who looked, on",
    "copies-missing": "Too few copies for its data",
    "not-offsite": "No copy in another place",
    "not-append-only": "No copy that an attacker could not delete",
    "rpo-too-long": "Backed up too rarely for its data",
    "past-retention": "Kept longer than it should be",
    "purpose-missing": "Nobody wrote down what it is held for",
    "basis-missing": "Nobody wrote down the lawful basis of",
    "retention-missing": "Nobody wrote down how long it is kept",
    "field-purpose-missing": "What each field is for, of",
    "access-unlisted": "Who may use it",
    "access-log-unknown": "Whether it records who looked",
    "encryption-unknown": "Whether it is encrypted",
    "second-factor-unknown": "Whether it asks for a second factor",
    "shared-login-unknown": "Whether logins are shared",
    "oldest-unknown": "How old the oldest of it is",
}
_CODES = {
    "no-backup": "not-backed-up",
    "no-contact": "contact-missing",
    "notice-terms-missing": "no-terms",
    "contract-missing": "no-terms",
    "owner-missing": "no-owner",
    "unencrypted": "open-door",
    "shared-login": "open-door",
    "no-second-factor": "open-door",
    "unnamed-access": "open-door",
    "forbidden-medium": "open-door",
    "no-access-log": "open-door",
    "copies-missing": "backup-exposed",
    "not-offsite": "backup-exposed",
    "not-append-only": "backup-exposed",
    "rpo-too-long": "backup-exposed",
    "past-retention": "data-unclear",
}


@dataclass(frozen=True, slots=True)
class Readiness:
    """The lines, the worst first; `client` is whose page it is, '' the firm's. `left_out` bore others' marks."""

    client: str
    at: datetime
    rows: tuple[Row, ...]
    left_out: int = 0

    def counts(self) -> dict[str, int]:
        """Return how many lines there are of each kind."""
        counted: dict[str, int] = {}
        for row in self.rows:
            counted[row.code] = counted.get(row.code, 0) + 1
        return counted


def readiness(ctx: Context, *, client: str | None = None, examined: Iterable[tuple[str, str]] = ()) -> Readiness:
    """Return what would hurt tonight. Raises UsageError for an unknown client.

    `examined` are the doctor's warnings that matter, as (what, advice): on the firm's page alone.
    """
    workspace = ctx.workspace
    if client is not None and client not in workspace.clients:
        raise UsageError(f"There is no client {client!r}.{did_you_mean(client, workspace.clients)}")
    now = ctx.clock.now()
    seen = workspace if client is None else _of_client(workspace, client)
    with ctx.store.read() as connection:
        rows = (
            *_backups(connection, seen, now),
            *_inventory(seen, today(workspace, now), client),
            *_actions(connection, workspace, now, client),
            *_practices(connection, workspace, now, client),
            *_playbooks(connection, workspace, client),
            *_training(connection, workspace, client),
            *_open_findings(connection, seen, client),
            *(_reviews(connection, now) if client is None else ()),
        )
    if client is None:
        rows = (*rows, *(Row("doctor", what, advice or "tocsin doctor") for what, advice in examined))
        return Readiness("", now, worst_first(rows))
    clean = tuple(row for row in rows if not strangers_named(row.sentence, workspace, client))
    return Readiness(
        client, now, worst_first(tuple(replace(row, fix="") for row in clean)), len(rows) - len(clean)
    )


def _of_client(workspace: Workspace, client: str) -> Workspace:
    """Return the workspace with that client's part alone: datasets, and the systems and plans they are on."""
    small = narrowed(workspace, client)
    systems = {system for dataset in small.datasets.values() for system in dataset.systems}
    plans = {plan.id for plan in small.plans_for(systems)}
    return replace(
        small,
        systems={key: each for key, each in workspace.systems.items() if key in systems},
        backup_plans={key: each for key, each in workspace.backup_plans.items() if key in plans},
        drills={key: each for key, each in workspace.drills.items() if each.backup_plan in plans},
    )


def _backups(connection: Connection, workspace: Workspace, now: datetime) -> Iterator[Row]:
    for plan in freshness(connection, workspace, now):
        days = (now - plan.last_ok).days if plan.last_ok else 0
        fix = f"tocsin backup run {plan.plan}"
        if plan.state is Freshness.NEVER:
            yield Row("backup-late", f"{plan.named.capitalize()} has never had a good snapshot.", fix, 10_000)
        elif plan.state is Freshness.LATE:
            yield Row("backup-late", f"{plan.named.capitalize()} is late: {days} days old.", fix, days)
    for plan_id in workspace.backup_plans:
        yield from _untested(connection, workspace, plan_id, now)


def _untested(connection: Connection, workspace: Workspace, plan: str, now: datetime) -> Iterator[Row]:
    drills = workspace.drills_of(plan)
    past = [each for drill in drills for each in drill_history(connection, drill.id)]
    passed = max((each.started_at for each in past if each.verdict == "passed"), default=None)
    if passed is not None and now - passed <= TEST_LASTS:
        return
    clients = [client for client in _clients_of(workspace, plan) if client in workspace.clients]
    # Whose data it is counts on the firm's own page; a client's page has that client alone.
    whose = f" It holds the data of {len(clients)} clients." if len(clients) > 1 else ""
    fix = (
        f"tocsin drill run {drills[0].id}" if drills else f"write drills/{plan}.yaml, then tocsin drill run {plan}"
    )
    if passed is None:
        yield Row("untested", f"The backup plan {plan} has never passed a restore drill.{whose}", fix, 10_000)
    else:
        days = (now - passed).days
        yield Row(
            "untested", f"The backup plan {plan} last passed a restore drill {days} days ago.{whose}", fix, days
        )


def _clients_of(workspace: Workspace, plan: str) -> list[str]:
    found = [each.client for each in workspace.datasets.values() if each.backup_plan == plan and each.client]
    return list(dict.fromkeys(found))


def _inventory(workspace: Workspace, day: date, client: str | None) -> Iterator[Row]:
    """Yield the inventory's findings, those of one code as one line."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for each in findings(workspace, day):
        if each.waived or each.code == "drill-too-rare":
            continue
        code = _CODES.get(each.code) or ("unsaid" if each.severity is Severity.ASK else "data-unclear")
        grouped.setdefault((code, each.code), []).append(each.subject.partition(":")[2])
    for (code, word), subjects in grouped.items():
        names = list(dict.fromkeys(subjects))
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        listed = f"{', '.join(names[:_SHOWN])}{more}" if client is None or code != "no-terms" else "your agreement"
        yield Row(code, f"{_SAID.get(word, word.replace('-', ' ').capitalize())}: {listed}.", _CHECK, len(names))


def _actions(connection: Connection, workspace: Workspace, now: datetime, client: str | None) -> Iterator[Row]:
    day = today(workspace, now)
    found = overdue(connection, workspace, now)
    if client is None:
        for each in found:
            days = (day - each.due_on).days
            said = f"{each.id} is {days} days overdue (from {each.came_from}, owner {each.owner}): {each.title}."
            yield Row("action-overdue", said, f"tocsin action show {each.id}", days)
        return
    theirs = [each for each in found if _concerns(connection, workspace, each, client)]
    if theirs:
        longest = max((day - each.due_on).days for each in theirs)
        said = f"{_counted(len(theirs), 'prevention action')} overdue, the longest by {longest} days."
        yield Row("action-overdue", said, "", longest)


def _concerns(connection: Connection, workspace: Workspace, one: Action, client: str) -> bool:
    """Tell whether a client may hear of it: it came from no incident, or from one that hit their data."""
    if one.incident is None:
        return True
    query = select(incident_system.c.system).where(incident_system.c.incident == one.incident)
    hit = workspace.datasets_on(connection.execute(query).scalars())
    return client in {dataset.client for dataset in hit}


def _practices(connection: Connection, workspace: Workspace, now: datetime, client: str | None) -> Iterator[Row]:
    late: dict[str, tuple[str, int, int]] = {}
    day = today(workspace, now)
    for each in standing(connection, workspace, now):
        if each.state is State.OVERDUE:
            name, days = each.practice.name, (day - each.due_on).days
            title, longest, count = late.get(name, (each.practice.title, 0, 0))
            late[name] = (title, max(longest, days), count + 1)
    for name, (title, days, count) in late.items():
        code = "contact-missing" if name == "contact-test" else "practice-overdue"
        people = f", for {count} people" if count > 1 and client is None else ""
        fix = f"tocsin practice worksheet {name}"
        yield Row(code, f"{title} is {days} days overdue{people}.", fix, days)


def _playbooks(connection: Connection, workspace: Workspace, client: str | None) -> Iterator[Row]:
    played = set(connection.execute(select(exercise.c.scenario).where(exercise.c.state == "ended")).scalars())
    done = {each.playbook for key, each in workspace.exercises.items() if key in played}
    named = (_answers_a_cause(file.text, file.name) for file in playbook_files(workspace))
    answering = {name for name in named if name}
    if not (never := sorted(answering - done)):
        return
    more = f" and {len(never) - _SHOWN} more" if len(never) > _SHOWN else ""
    listed = "" if client else f": {', '.join(never[:_SHOWN])}{more}"
    said = f"{len(never)} of {len(answering)} playbooks were never exercised{listed}."
    playable = sorted(key for key, each in workspace.exercises.items() if each.playbook in never)
    fix = f"tocsin exercise start {playable[0]}" if playable else "tocsin exercise list"
    yield Row("never-exercised", said, fix, len(never))


@lru_cache(maxsize=256)
def _answers_a_cause(text: str, name: str) -> str:
    """Return a playbook's id where it answers a cause, else ''; a faulty file is the workspace check's matter."""
    try:
        playbook = parse_playbook(text, name)
    except ConfigurationError:
        return ""
    return playbook.playbook if playbook.for_.cause else ""


def _training(connection: Connection, workspace: Workspace, client: str | None) -> Iterator[Row]:
    query = select(practice_done.c.about).where(
        practice_done.c.practice == TRAINING, practice_done.c.proof != "skipped"
    )
    trained = {about.partition("/")[0] for about in connection.execute(query).scalars()}
    if never := [person for person in workspace.people if person not in trained]:
        named = "" if client else f": {', '.join(never)}"
        said = f"{len(never)} of {len(workspace.people)} people have no training on record{named}."
        yield Row("never-trained", said, f"tocsin practice worksheet {TRAINING}", len(never))


def _open_findings(connection: Connection, workspace: Workspace, client: str | None) -> Iterator[Row]:
    for each in open_findings(connection):
        name = each.subject.removeprefix("drill:")
        if client is not None and (each.source != "drill" or name not in workspace.drills):
            continue
        what = f"{each.subject}: {each.sentence}" if client is None else f"The restore drill {name} found a fault."
        fix = f"tocsin action add --finding {each.id[:8]}"
        yield Row("finding-open", f"{what} Found on {each.found_at:%Y-%m-%d}, not settled.", fix, each.times)


def _reviews(connection: Connection, now: datetime) -> Iterator[Row]:
    query = (
        select(incident.c.id, incident.c.recovered_at)
        .outerjoin(review, review.c.incident == incident.c.id)
        .where(
            incident.c.recovered_at.is_not(None), review.c.signed_at.is_(None), incident.c.merged_into.is_(None)
        )
    )
    hidden = hidden_incidents(connection)
    for row in connection.execute(query):
        if row.id not in hidden and now - row.recovered_at >= REVIEW_WITHIN:
            days = (now - row.recovered_at).days
            said = f"{row.id} is over since {days} days and has no signed review."
            yield Row("review-owed", said, f"tocsin incident review {row.id} --open", days)


def _counted(count: int, what: str) -> str:
    return f"1 {what} is" if count == 1 else f"{count} {what}s are"
