"""The record of custody on paper: what was taken, how, its hash, and everybody who had it, as HTML or PDF."""

from datetime import datetime

from tocsin.context import Context
from tocsin.errors import UsageError, did_you_mean
from tocsin.evidence.items import CustodyAct, Item, custody_of, item_of
from tocsin.law.clocks import show_both, show_utc
from tocsin.pages import render_page, render_pdf

FORMATS = ("html", "pdf")
_WORDS = {"handed_to": "handed to", "returned": "returned by"}


def custody_record(ctx: Context, identity: str, form: str) -> bytes:
    """Return one item's record. Raises UsageError for an unknown form, or where typst is missing."""
    if form not in FORMATS:
        raise UsageError(f"A record cannot be written as {form!r}.{did_you_mean(form, FORMATS)}")
    facts = custody_facts(ctx, identity)
    if form == "pdf":
        return render_pdf("reports/custody.typ", facts)
    return render_page(ctx.workspace, "reports/custody.html.j2", facts).encode()


def custody_facts(ctx: Context, identity: str) -> dict[str, object]:
    """Return everything the record shows, as plain data: times in UTC, and as both clocks show them."""
    with ctx.store.read() as connection:
        found = item_of(connection, identity)
        chain = custody_of(connection, identity)
    zone = ctx.workspace.organisation.timezone
    return {
        "organisation": ctx.workspace.organisation.name,
        "written_at": show_both(ctx.clock.now(), zone),
        "written_by": _name(ctx, ctx.actor.person),
        "item": item_data(found)
        | {"collector_name": _name(ctx, found.collector), "collected_at": _seconds(found.collected_at)},
        "chain": [
            act_data(each) | {"at": _seconds(each.at), "by_name": _name(ctx, each.by), "word": _word(each)}
            for each in chain
        ],
    }


def item_data(found: Item) -> dict[str, object]:
    """Return one item as plain data."""
    return {
        "id": found.id,
        "incident": found.incident,
        "kind": found.kind,
        "source": found.source,
        "host": found.host,
        "method": list(found.method),
        "title": found.title,
        "collector": found.collector,
        "collected_at": show_utc(found.collected_at),
        "finished_at": show_utc(found.finished_at) if found.finished_at else None,
        "state": found.state,
        "problem": found.problem,
        "sha256": found.sha256,
        "bytes": found.bytes,
        "files": found.files,
        "repository": found.repository,
        "snapshot": found.snapshot,
        "changed": list(found.changed),
    }


def act_data(each: CustodyAct) -> dict[str, object]:
    """Return one line of the chain as plain data."""
    return {
        "seq": each.seq,
        "act": each.act,
        "at": show_utc(each.at),
        "by": each.by,
        "other": each.other,
        "note": each.note,
    }


def _seconds(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _word(each: CustodyAct) -> str:
    return _WORDS.get(each.act, each.act)


def _name(ctx: Context, person: str) -> str:
    known = ctx.workspace.people.get(person)
    return known.name if known else person
