"""The staff card and each client's statement, published: dated, numbered, kept, and noticed when they grow stale.

1. Draw the paper from the workspace. A hash of each thing it is drawn from (people, rota, playbooks, inventory …)
   says later what has changed since.
2. Nothing has changed since the last version: that one stands, and nothing is written.
3. Write the next version's files, then its row and the journal's entry. Until then the version does not exist; cut
   off between the two, the same files are written again.

What moves each night without anybody deciding it (the newest backup, the last drill) is in a statement's text and
makes none stale. Handing the paper out is for a person: nothing here sends anything.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, RowMapping, insert, select

from tocsin.context import Context
from tocsin.durable import private_folder, write_durably
from tocsin.errors import ConfigurationError, UsageError, did_you_mean
from tocsin.model.vocabulary import Cause
from tocsin.model.workspace import Workspace
from tocsin.model.yaml_text import parse_yaml
from tocsin.notices.addressees import addressed
from tocsin.notices.card import CARD, card_for, card_sheet
from tocsin.notices.papers import as_paper
from tocsin.notices.register import require_person
from tocsin.notices.sheet import Draft
from tocsin.notices.statement import STATEMENT, Seen, statement_for, statement_sheet
from tocsin.notices.templates import source_of
from tocsin.store.chain import JsonValue
from tocsin.store.tables import publication

STAFF_CARD: Final = "staff-card"
CLIENT_STATEMENT: Final = "statement"
FOLDER: Final = "published"
_WORDS: Final = {STAFF_CARD: "The staff card", CLIENT_STATEMENT: "The statement to {}"}
_ANY_DAY: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""The day is in the text and makes no paper stale."""
Parts = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Publication:
    """One published version. `audience` is a client's id, empty for our own people."""

    kind: str
    audience: str
    version: int
    sha256: str
    parts: Parts
    path: str
    published_at: datetime
    published_by: str


@dataclass(frozen=True, slots=True)
class StalePaper:
    """A paper that was never published, or has changed since; `fix` is the command that publishes it."""

    kind: str
    audience: str
    sentence: str
    fix: str


@dataclass(frozen=True, slots=True)
class Playbooks:
    """Every playbook's text by its file's name, as `runbook.library.playbook_files` reads them."""

    texts: Mapping[str, str]

    @property
    def answers(self) -> tuple[str, ...]:
        """The kinds of breach that have a playbook, in words, each once. A faulty file answers nothing."""
        found = {str(cause) for name, text in self.texts.items() for cause in _causes(name, text)}
        return tuple(cause.value.replace("_", " ") for cause in Cause if cause.value in found)


def _causes(name: str, text: str) -> list[object]:
    try:
        causes = parse_yaml(text, name).at(("for", "cause"))
    except ConfigurationError:
        return []
    return list(causes) if isinstance(causes, list) else []


def publish_card(ctx: Context, playbooks: Playbooks) -> tuple[Publication, bool]:
    """Publish the staff card; return it and whether it is new. Raises Refused for anybody not of the firm."""
    now = ctx.clock.now()
    parts = card_parts(ctx.workspace, playbooks)
    return _published(
        ctx, STAFF_CARD, "", parts, lambda number: card_for(ctx.workspace, playbooks.answers, now, number)
    )


def publish_statement(ctx: Context, client: str, seen: Mapping[str, Seen]) -> tuple[Publication, bool]:
    """Publish one client's statement; return it and whether it is new.

    Raises UsageError for an unknown client, Refused when the guard stops the text.
    """
    now = ctx.clock.now()
    if client not in ctx.workspace.clients:
        raise UsageError(f"There is no client {client!r}.{did_you_mean(client, ctx.workspace.clients)}")
    parts = statement_parts(ctx.workspace, client)
    return _published(
        ctx,
        CLIENT_STATEMENT,
        client,
        parts,
        lambda number: statement_for(ctx.workspace, client, seen, now, number),
    )


def published(connection: Connection) -> tuple[Publication, ...]:
    """Return the newest version of each paper, the staff card first."""
    newest: dict[tuple[str, str], Publication] = {}
    for row in connection.execute(select(publication).order_by(publication.c.version)).mappings():
        newest[row["kind"], row["audience"]] = _kept(row)
    return tuple(newest[key] for key in sorted(newest, key=lambda key: (key[0] != STAFF_CARD, key[1])))


def stale_papers(connection: Connection, workspace: Workspace, playbooks: Playbooks) -> tuple[StalePaper, ...]:
    """Return the papers that nobody published, or whose sources changed since: the staff card, each client's."""
    last = {(each.kind, each.audience): each for each in published(connection)}
    wanted: list[tuple[str, str, Parts]] = [(STAFF_CARD, "", card_parts(workspace, playbooks))]
    wanted += [(CLIENT_STATEMENT, client, statement_parts(workspace, client)) for client in workspace.clients]
    found = []
    for kind, audience, parts in wanted:
        if sentence := _why_stale(workspace, kind, audience, parts, last.get((kind, audience))):
            command = f"notice statement {audience}" if audience else "notice card"
            found.append(StalePaper(kind, audience, sentence, f"tocsin {command} --publish"))
    return tuple(found)


def card_parts(workspace: Workspace, playbooks: Playbooks) -> Parts:
    """Return a hash of each thing the staff card is drawn from."""
    sheet = card_sheet(workspace, (), _ANY_DAY)
    return {
        "who to call": _hash([asdict(each) for each in sheet.callees]),
        "the rota": _hash(list(sheet.turns)),
        "the playbooks": _hash(dict(playbooks.texts)),
        "who we are": _hash(sheet.organisation),
        "its template": _hash(source_of(workspace, CARD)),
    }


def statement_parts(workspace: Workspace, client: str) -> Parts:
    """Return a hash of each thing a client's statement is drawn from, without what moves each night."""
    sheet = statement_sheet(workspace, client, {}, _ANY_DAY)
    return {
        "the inventory": _hash([asdict(each) for each in sheet.datasets]),
        "the backup plans": _hash([[asdict(each) for each in sheet.plans], list(sheet.unprotected)]),
        "contract and contacts": _hash(asdict(addressed(workspace, client))),
        "who we are": _hash(asdict(sheet.organisation)),
        "its template": _hash(source_of(workspace, STATEMENT)),
    }


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def _published(
    ctx: Context, kind: str, audience: str, parts: Parts, drawn: Callable[[int], Draft]
) -> tuple[Publication, bool]:
    by = require_person(ctx.workspace, ctx.actor, "publish a paper")
    with ctx.store.read() as connection:
        last = next(
            (each for each in published(connection) if (each.kind, each.audience) == (kind, audience)), None
        )
    if last and last.parts == dict(parts) and ctx.workspace.resolve(last.path).with_suffix(".html").is_file():
        return last, False
    version = last.version + 1 if last else 1
    draft = drawn(version)
    path = _write_files(ctx, f"{kind}-{audience}" if audience else kind, version, draft)
    ctx.crash.reach("publish:written")
    sha256 = hashlib.sha256(as_paper(draft, "md")).hexdigest()
    with ctx.store.write(ctx.actor) as tx:
        values: dict[str, JsonValue] = {"kind": kind, "audience": audience, "version": version, "sha256": sha256}
        tx.execute(
            insert(publication).values(
                id=tx.new_id(), published_at=tx.now, published_by=by, parts=dict(parts), path=path, **values
            )
        )
        tx.record("paper.published", f"paper:{kind}:{audience}".rstrip(":"), values)
        made = Publication(kind, audience, version, sha256, parts, path, tx.now, by)
    return made, True


def _write_files(ctx: Context, name: str, version: int, draft: Draft) -> str:
    """Write every form of a version and return its path without the ending, as seen from the workspace."""
    folder = private_folder(ctx.workspace.root / FOLDER)
    forms = ("md", "html", "txt", *(["pdf"] if find_spec("typst") else []))
    for form in forms:
        write_durably(folder / f"{name}-v{version}.{form}", as_paper(draft, form))
    return str(Path(FOLDER) / f"{name}-v{version}")


def _why_stale(
    workspace: Workspace, kind: str, audience: str, parts: Parts, last: Publication | None
) -> str | None:
    whom = workspace.clients[audience].name if audience else ""
    paper = _WORDS[kind].format(whom)
    if last is None:
        return f"{paper} was never published."
    changed = [name for name, value in parts.items() if last.parts.get(name) != value]
    if not changed:
        return None
    listed = _and(changed)
    return f"{paper} is version {last.version} of {last.published_at:%d %B %Y}; {listed} changed since."


def _and(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def _kept(row: RowMapping) -> Publication:
    return Publication(**{name: row[name] for name in Publication.__dataclass_fields__})
