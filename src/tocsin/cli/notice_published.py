"""`tocsin notice card | published`: the staff card, and which published papers still say what is so."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tocsin.cli.output import common_options, emit, table

if TYPE_CHECKING:
    from tocsin.model.workspace import Workspace
    from tocsin.notices.publishing import Playbooks, Publication


@click.command(epilog="Example: tocsin notice card --publish")
@click.option("--publish", is_flag=True, help="Keep it as the next version, in every form, in published/.")
@common_options
def card(publish: bool, workspace_folder: Path | None, as_json: bool) -> None:
    """Show the staff card: whom to call, what to say, what to leave alone, and that nobody is blamed.

    It is drawn from the people, their phones, the rota and the playbooks, and names no client. With --publish it
    is numbered and kept as page, text and (with the package typst) PDF, to print and hang up; where nothing has
    changed since, the last version stands.
    """
    from tocsin.notices.card import card_for
    from tocsin.notices.papers import as_paper
    from tocsin.notices.publishing import publish_card
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        playbooks = _playbooks(ctx.workspace)
        if publish:
            tell_published(*publish_card(ctx, playbooks), as_json=as_json)
            return
        text = as_paper(card_for(ctx.workspace, playbooks.answers, ctx.clock.now()), "txt").decode()
    emit({"text": text}, text.rstrip("\n"), as_json=as_json)


@click.command("published", epilog="Example: tocsin notice published")
@common_options
def papers(workspace_folder: Path | None, as_json: bool) -> int:
    """List the staff card and each client's statement: which version, since when; exit 1 when one is stale.

    One is stale when nobody ever published it, or when what it is drawn from has changed since.
    """
    from tocsin.notices.publishing import published, stale_papers
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx, ctx.store.read() as connection:
        kept = published(connection)
        stale = stale_papers(connection, ctx.workspace, _playbooks(ctx.workspace))
    rows = [
        (
            each.kind,
            each.audience or "our own people",
            str(each.version),
            f"{each.published_at:%Y-%m-%d}",
            each.sha256[:8],
            f"{each.path}.html",
        )
        for each in kept
    ]
    parts = [table(("paper", "for", "version", "published", "hash", "where"), rows)] if rows else []
    parts += ["\n".join(f"STALE: {each.sentence}\n  -> {each.fix}" for each in stale)] if stale else []
    data = {
        "published": [_plain(each) for each in kept],
        "stale": [
            {"kind": each.kind, "audience": each.audience or None, "sentence": each.sentence, "fix": each.fix}
            for each in stale
        ],
    }
    emit(data, "\n\n".join(parts) or "No papers are wanted here.", as_json=as_json)
    return 1 if stale else 0


def tell_published(paper: "Publication", new: bool, *, as_json: bool) -> None:
    """Say which version stands now, and where its files lie."""
    from importlib.util import find_spec

    forms = f"{paper.path}.html, .txt and .md" + (", .pdf" if find_spec("typst") else "")
    since = f"{paper.published_at:%Y-%m-%d}"
    said = (
        f"Published as version {paper.version}: {forms}. Read it, then hand it out; nothing was sent."
        if new
        else f"Nothing has changed since version {paper.version} of {since}; it stands: {forms}."
    )
    emit({**_plain(paper), "new": new}, said, as_json=as_json)


def _plain(paper: "Publication") -> dict[str, object]:
    return {
        "kind": paper.kind,
        "audience": paper.audience or None,
        "version": paper.version,
        "sha256": paper.sha256,
        "path": paper.path,
        "published_at": paper.published_at.isoformat(),
        "published_by": paper.published_by,
    }


def _playbooks(workspace: "Workspace") -> "Playbooks":
    from tocsin.notices.publishing import Playbooks
    from tocsin.runbook.library import playbook_files

    return Playbooks({Path(each.name).name: each.text for each in playbook_files(workspace)})
