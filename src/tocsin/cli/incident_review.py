"""`tocsin incident review`: look back without blame, decide what prevents the next one, sign it off."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tocsin.cli.output import common_options, emit, table
from tocsin.errors import UsageError

if TYPE_CHECKING:
    from tocsin.context import Context
    from tocsin.reviews import Review


@click.command()
@click.argument("incident_id", metavar="INCIDENT")
@click.option("--open", "opening", is_flag=True, help="Open the review, or bring its proposals up to date.")
@click.option(
    "--cause", "causes", multiple=True, metavar="CAUSE", help="The cause, then what contributed; all anew."
)
@click.option("--say", "said", multiple=True, metavar="WORD=TEXT", help="helped, hard, surprised or next_time.")
@click.option("--accept", type=int, metavar="N", help="Make proposal N an action; with --owner.")
@click.option("--owner", metavar="PERSON", help="With --accept: who answers for it.")
@click.option("--due", metavar="DAY", help="With --accept: by when, else as proposed.")
@click.option("--title", default="", metavar="TEXT", help="With --accept: in other words.")
@click.option(
    "--refuse", multiple=True, type=int, metavar="N", help="Refuse proposal N; repeatable, with --reason."
)
@click.option("--refuse-rest", is_flag=True, help="Refuse all that is undecided; with --reason.")
@click.option("--reason", default="", metavar="TEXT", help="Why it is refused.")
@click.option("--sign", "signing", is_flag=True, help="Sign it off: the incident is reviewed then.")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Write the page there."
)
@click.option("--pdf", is_flag=True, help="With --out: PDF too; needs the package typst.")
@common_options
def review(
    incident_id: str,
    opening: bool,
    causes: tuple[str, ...],
    said: tuple[str, ...],
    accept: int | None,
    owner: str | None,
    due: str | None,
    title: str,
    refuse: tuple[int, ...],
    refuse_rest: bool,
    reason: str,
    signing: bool,
    out: Path | None,
    pdf: bool,
    workspace_folder: Path | None,
    as_json: bool,
) -> None:
    """Look back at an incident without blame: times, waiting, causes, and what prevents the next one.

    \b
    Example:
      tocsin incident review INC-2026-001 --open
      tocsin incident review INC-2026-001 --say helped="The paper card by the telephone"
      tocsin incident review INC-2026-001 --accept 3 --owner maya --due 2027-01-31
      tocsin incident review INC-2026-001 --refuse-rest --reason "Done already, see the audit of March"
      tocsin incident review INC-2026-001 --sign
    """
    from tocsin import reviews
    from tocsin.wiring import open_context

    answers = dict(_answer(each) for each in said)
    with open_context(workspace_folder) as ctx:
        if opening:
            reviews.open_review(ctx, incident_id)
        if causes or answers:
            reviews.say(ctx, incident_id, causes=causes, answers=answers)
        if accept is not None:
            _accept(ctx, incident_id, accept, owner, due, title)
        undecided = [each.number for each in reviews.review_of(ctx, incident_id).undecided] if refuse_rest else []
        if refuse or undecided:
            reviews.refuse(ctx, incident_id, dict.fromkeys([*refuse, *undecided]), reason)
        if signing:
            _sign(ctx, incident_id)
        found = reviews.review_of(ctx, incident_id)
        written = _write(ctx, incident_id, out, pdf=pdf) if out else []
        facts = reviews.review_facts(ctx, incident_id)
    data = {**facts, "missing": list(reviews.missing_for_signing(found)), "files": [str(each) for each in written]}
    emit(data, "\n".join([*_lines(found, facts), *map(str, written)]), as_json=as_json)


def _answer(text: str) -> tuple[str, str]:
    word, equals, said = text.partition("=")
    if not equals or not said.strip():
        raise UsageError(f"{text!r} answers nothing. Write it as helped='The paper card'. Nothing was changed.")
    return word.strip(), said.strip()


def _accept(ctx: "Context", incident_id: str, number: int, owner: str | None, due: str | None, title: str) -> None:
    from tocsin.cli.action import day_named
    from tocsin.reviews import Accepted, accept

    if not owner:
        raise UsageError("Say who answers for it (--owner PERSON). Nothing was changed.")
    accept(ctx, incident_id, number, Accepted(owner, day_named(due) if due else None, title))


def _sign(ctx: "Context", incident_id: str) -> None:
    from tocsin.reviews import review_page, sign

    sign(ctx, incident_id, review_page(ctx, incident_id, signed_by=ctx.actor.person))


def _write(ctx: "Context", incident_id: str, out: Path, *, pdf: bool) -> list[Path]:
    from tocsin.durable import private_folder, write_durably
    from tocsin.reviews import review_page, review_pdf

    pages = {".html": review_page(ctx, incident_id), **({".pdf": review_pdf(ctx, incident_id)} if pdf else {})}
    written = []
    for ending, content in pages.items():
        path = private_folder(out) / f"{incident_id}-review{ending}"
        write_durably(path, content)
        written.append(path)
    return written


def _lines(found: "Review", facts: dict[str, object]) -> list[str]:
    from tocsin.reviews import missing_for_signing

    state = f"signed by {found.signed_by}" if found.signed_by else "open"
    lines = [f"Review of {found.incident}: {facts['title']}  [{state}]", ""]
    lines.append(f"Causes: {', '.join(each.replace('_', ' ') for each in found.causes) or 'not chosen yet'}")
    spans, waited = facts["spans"], facts["waited"]
    if isinstance(spans, list):
        rows = [(each["name"], each["took"], each["target"], _verdict(each["missed"])) for each in spans]
        lines += ["", table(("what", "took", "target", ""), rows)]
    if isinstance(waited, list) and waited:
        held_up = [(each["took"], each["whom"], each["step"]) for each in waited]
        lines += ["", table(("waited", "for", "step"), held_up)]
    for word, name in (
        ("faults", "Failed, in doubt, overridden"),
        ("changed", "Facts that changed"),
        ("unanswered", "Rung and not answered"),
        ("overdue_then", "Practices overdue when it began"),
    ):
        listed = facts[word]
        if isinstance(listed, list) and listed:
            lines += ["", f"{name}:", *(f"  {each}" for each in listed)]
    lines += ["", "Proposals:"]
    for each in found.proposals:
        became = {"accepted": f"-> {each.action}", "refused": f"refused: {each.reason}"}.get(
            each.state, "undecided"
        )
        lines += [f"  {each.number:>2}  {each.title}  [{became}]", f"      {each.why}"]
        lines += [f"      closes once {each.proof.sentence}"]
    missing = missing_for_signing(found)
    if not found.signed_by:
        lines += ["", "Before it can be signed:" if missing else "It can be signed: --sign"]
        lines += [f"- {each}" for each in missing]
    return lines


def _verdict(missed: object) -> str:
    return "" if missed is None else "MISSED" if missed else "met"


COMMANDS = (review,)
