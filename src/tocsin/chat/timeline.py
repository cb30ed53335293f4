"""The timeline in an incident's thread: what the journal tells of it, in order, nothing left out.

One message tells all that happened since the last one. While Slack is away there is a single row that grows; an
hour's outage so ends with a few messages and no event lost.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Row, select, update

from tocsin.chat.blocks import Content, content, section, small
from tocsin.chat.outbox import Wanted, hash_of, put
from tocsin.context import Context
from tocsin.incidents.telling import Line, line_of
from tocsin.model.slack_text import SECTION, escaped
from tocsin.runbook.ledger import load_runs
from tocsin.runbook.pinned import pinned_playbook
from tocsin.store import journal
from tocsin.store.database import Transaction
from tocsin.store.tables import chat_message as messages
from tocsin.store.tables import notice

PREFIX = "timeline"
MOST_SECTIONS = 8
_LINE = 600


@dataclass(frozen=True, slots=True)
class Told:
    """One line, and the journal entry it tells of with its hash."""

    seq: int
    written: str
    hash: str


def tell(ctx: Context, tx: Transaction, incident: str, *, is_public: bool, about: str, after: int = 0) -> int:
    """Write what has happened since the last message of the thread; return how far the journal was read.

    `about` is the incident's own message, `after` how far it was read before.
    """
    last = _last(tx.connection, incident)
    grows = last is not None and last.state == "intended"
    if last is not None and last.state not in ("intended", "posted", "refused"):
        return after  # first it has to be known what became of that one
    told_upto = (_start_of(last) - 1 if grows else last.upto) if last is not None else 0
    lines, upto = events_of(
        ctx, tx.connection, incident, after=max(told_upto, 0 if grows else after), is_public=is_public
    )
    if not lines:
        return upto
    page, last_seq = one_message(lines)
    start = _start_of(last) if grows and last is not None else lines[0].seq
    put(tx, Wanted(f"{PREFIX}:{incident}:{start}", page, thread_of=about, upto=last_seq))
    return upto if last_seq == lines[-1].seq else last_seq


def withhold(tx: Transaction) -> None:
    """Take the words out of what waits to be posted: it was written for other readers."""
    waits = messages.c.about.startswith(f"{PREFIX}:", autoescape=True) & (messages.c.state != "posted")
    said = "Something happened. This channel has other readers by now: `tocsin incident show` tells it."
    kept = {"text": said, "blocks": [section(said)]}
    tx.execute(update(messages).where(waits).values(content=kept, sha256=hash_of(content(said, [section(said)]))))


def events_of(
    ctx: Context, connection: Connection, incident: str, *, after: int, is_public: bool
) -> tuple[list[Told], int]:
    """Return the lines of an incident after a journal entry, and the last entry that was looked at."""
    subjects, titles = _known(ctx, connection, incident)
    entries = journal.entries(connection, after=after)
    found = []
    for each in entries:
        if _owner(each.entry.subject) not in subjects:
            continue
        line = line_of(each, titles)
        if line is not None:
            written = _written(line, each.entry.kind, is_public=is_public)
            found.append(Told(each.entry.seq, written, each.entry.hash))
    return found, entries[-1].entry.seq if entries else after


def _known(ctx: Context, connection: Connection, incident: str) -> tuple[frozenset[str], dict[str, str]]:
    """Return the journal's subjects that belong to an incident, and the names a reader knows by id."""
    runs = load_runs(connection, incident=incident)
    drafts = connection.execute(select(notice.c.id, notice.c.addressee).where(notice.c.incident == incident)).all()
    titles = {person.id: person.name for person in ctx.workspace.people.values()}
    titles |= {client.id: client.name for client in ctx.workspace.clients.values()}
    titles |= {f"notice:{row.id}": titles.get(row.addressee, row.addressee) for row in drafts}
    for run in runs:
        titles |= {step.id: step.heading for step in pinned_playbook(run.text, run.playbook).steps}
    subjects = {
        f"incident:{incident}",
        *(f"run:{run.id}" for run in runs),
        *(f"notice:{row.id}" for row in drafts),
    }
    return frozenset(subjects), titles


def _owner(subject: str) -> str:
    """Return what an entry belongs to: an approval of a step, `step:RUN:KEY`, to its run."""
    kind, _, name = subject.partition(":")
    return f"run:{name.partition(':')[0]}" if kind == "step" else subject


def _written(line: Line, kind: str, *, is_public: bool) -> str:
    at = line.at[11:16]
    who = "Tocsin" if line.who.startswith("service:") else line.who
    # Where others read along, only what kind of thing happened, and who of ours did it.
    said = f"{kind.replace('.', ' ').replace('_', ' ')}" if is_public else line.text
    return f"`{at}Z` {escaped(said, _LINE)} ({escaped(who, 80)})"


def one_message(lines: Sequence[Told]) -> tuple[Content, int]:
    """Return one message with as many lines as it may have, and the last entry that it tells of."""
    sections: list[list[str]] = [[]]
    told: list[Told] = []
    for line in lines:
        if len("\n".join([*sections[-1], line.written])) > SECTION:
            if len(sections) == MOST_SECTIONS:
                break
            sections.append([])
        sections[-1].append(line.written)
        told.append(line)
    text = "1 thing happened" if len(told) == 1 else f"{len(told)} things happened"
    # Kept outside the house, the hash shows a history that was rewritten.
    proof = small(f"Journal entry {told[-1].seq}: {told[-1].hash}")
    return content(f"{text}.", [*(section("\n".join(each)) for each in sections), proof]), told[-1].seq


def _last(connection: Connection, incident: str) -> Row[tuple[object, ...]] | None:
    query = select(messages).where(messages.c.about.startswith(f"{PREFIX}:{incident}:", autoescape=True))
    return connection.execute(query.order_by(messages.c.upto.desc()).limit(1)).one_or_none()


def _start_of(row: Row[tuple[object, ...]]) -> int:
    return int(str(row.about).rpartition(":")[2])
