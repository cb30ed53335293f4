"""How practices are shown: for people, and as plain data."""

from collections.abc import Sequence
from textwrap import fill, indent
from typing import TYPE_CHECKING

from tocsin.model.fields import spell_duration
from tocsin.model.workspace import Workspace

if TYPE_CHECKING:
    from tocsin.practices import Check, Done, Practice, Recorded, Signed, Standing

MOST_WAITING = 10
_WIDTH = 96


def shown_standing(found: "Sequence[Standing]") -> list[tuple[str, ...]]:
    """Return a line for each practice; of one that asks each person, how many have done it."""
    lines: list[tuple[str, ...]] = []
    for practice in dict.fromkeys(one.practice.name for one in found):
        mine = [one for one in found if one.practice.name == practice]
        worst = max(
            mine, key=lambda one: (("settled", "due", "overdue").index(one.state), -one.due_on.toordinal())
        )
        state = worst.state if worst.state != "settled" else "done" if not worst.never_done else "not due yet"
        if worst.settled and worst.settled.is_skipped and worst.state == "settled":
            state = "skipped"
        if worst.about:
            waiting = sum(one.state != "settled" for one in mine)
            state += f" ({waiting} of {len(mine)} open)" if waiting else ""
        kept = worst.practice
        lines.append((kept.name, kept.owner, kept.deputy, str(kept.every), worst.due_on.isoformat(), str(state)))
    return lines


def shown_practice(workspace: Workspace, practice: "Practice", found: "Sequence[Standing]") -> str:
    """Return all there is to know of a practice."""
    from tocsin.practices import as_of, sources_of

    people = workspace.people
    owner = people[practice.owner].name if practice.owner in people else "nobody"
    deputy = people[practice.deputy].name if practice.deputy in people else "nobody"
    lines = [practice.title]
    lines += [indent(fill(practice.asks, _WIDTH), "  ")] if practice.asks else []
    lines += [
        f"  {practice.every.each.capitalize()}; overdue {spell_duration(practice.grace)} after its day.",
        f"  {owner} answers for it; {deputy} is told when it is overdue.",
        f"  Proven by: {', '.join(_PROOF[word] for word in practice.proof)}.",
    ]
    if practice.causes:
        causes = ", ".join(str(cause).replace("_", " ") for cause in practice.causes)
        lines.append(indent(fill(f"Helps against: {causes}.", _WIDTH), "  "))
    if practice.entry:
        lines += ["", "What is custom and what is law:", indent(fill(practice.entry.wording, _WIDTH), "  ")]
        lines += [f"What backs it (as of {as_of()}):"]
        for source in sources_of(practice.entry):
            lines.append(f"  - {source.sentence}")
            lines += [f"    {source.address}"] if source.address else []
    lines += ["", "How it stands:"]
    lines += [f"  {_stands(one)}" for one in found]
    return "\n".join(lines)


_PROOF = {
    "sheet": "a worksheet signed off",
    "file": "a file attached",
    "drill": "a drill that passed",
    "check": "a machine check that found everything up to date",
}


def _stands(one: "Standing") -> str:
    who = f"{one.about.replace('/', ', ')}: " if one.about else ""
    last = f"last done {one.last.done_at:%Y-%m-%d} ({one.last.proof})" if one.last else "never done"
    state = "next" if one.state == "settled" else str(one.state)
    return (
        f"{who}{state} on {one.due_on}; {last}."
        if state == "next"
        else f"{who}{state} since {one.due_on}; {last}."
    )


def shown_check(check: "Check") -> str:
    """Return what the last look at the machines found."""
    lines = [f"Machines, looked at {check.at:%Y-%m-%d %H:%M} UTC:"]
    for one in check.machines:
        lines.append(f"  {one.system}: {one.sentence}")
        urgent = [each for each in one.waiting if each.is_security]
        lines += [f"    {each.name} {each.version}, since {each.since:%Y-%m-%d}" for each in urgent[:MOST_WAITING]]
        if len(urgent) > MOST_WAITING:
            lines.append(f"    and {len(urgent) - MOST_WAITING} more about security")
    return "\n".join(lines)


def shown_recorded(done: "Sequence[Recorded]", verb: str) -> str:
    """Return a line for each obligation that was settled."""
    return "\n".join(f"{verb}: {one.practice} {one.about}".rstrip() + f", for {one.due_on}." for one in done)


def shown_signed(signed: "Signed") -> str:
    """Return what signing a worksheet came to."""
    sheet = signed.sheet
    lines = [f"Signed by {sheet.signed_by}: {sheet.practice}, {len(sheet.rows)} rows, sha256 {sheet.sha256}."]
    if signed.changes:
        lines.append("Different from last time:")
        lines += [f"  {one.key}: {one.before} -> {one.now}" for one in signed.changes]
    if signed.findings:
        lines.append(f"{len(signed.findings)} to be seen to ('tocsin practice findings' lists them):")
        lines += [f"  - {row.asks} {row.note}".rstrip() for row in sheet.rows if row.wants and row.code]
    return "\n".join([*lines, shown_recorded(signed.done, "Done")])


def plain_standing(one: "Standing") -> dict[str, object]:
    """Return how an obligation stands as plain data."""
    return {
        "practice": one.practice.name,
        "about": one.about or None,
        "asked": one.practice.asked(one.about),
        "owner": one.practice.owner,
        "deputy": one.practice.deputy or None,
        "every": str(one.practice.every),
        "due_on": one.due_on.isoformat(),
        "state": str(one.state),
        "missed": one.day.missed,
        "last_done_at": one.last.done_at.isoformat() if one.last else None,
        "skipped": bool(one.settled and one.settled.is_skipped),
    }


def plain_done(one: "Done") -> dict[str, object]:
    """Return one time a practice was done as plain data."""
    return {
        "id": one.id,
        "practice": one.practice,
        "about": one.about or None,
        "due_on": one.due_on.isoformat(),
        "done_at": one.done_at.isoformat(),
        "signed_by": one.signed_by,
        "proof": one.proof,
        "sheet": one.sheet,
        "sha256": one.sha256,
        "path": one.path,
        "participants": list(one.participants),
        "reason": one.reason,
    }


def plain_recorded(one: "Recorded") -> dict[str, object]:
    """Return what was settled as plain data."""
    return {
        "practice": one.practice,
        "about": one.about or None,
        "due_on": one.due_on.isoformat(),
        "proof": one.proof,
    }


def plain_check(check: "Check") -> dict[str, object]:
    """Return a look at the machines as plain data."""
    return {
        "check": check.id,
        "at": check.at.isoformat(),
        "verdict": str(check.verdict),
        "machines": [{**one.kept(), "sentence": one.sentence} for one in check.machines],
    }
