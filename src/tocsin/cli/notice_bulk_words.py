"""How a letter to many is shown: the plan before it is loaded, how far it has come, and who came back."""

from typing import TYPE_CHECKING

from tocsin.cli.output import table

if TYPE_CHECKING:
    from tocsin.notices.posting import Posted
    from tocsin.notices.recipient_rows import Reader, RecipientList
    from tocsin.notices.recipients import PlannedList
    from tocsin.notices.unreached import CameBack

_MOST = 20
_LINES = 6
_WORDS = {
    "intended": "to be sent",
    "trying": "in hand now",
    "sent": "sent",
    "failed": "refused by the mail server",
    "unknown": "of unknown outcome",
    "bounced": "came back",
    "held": "held back",
}


def plan_text(planned: "PlannedList", kept: "RecipientList | None") -> str:
    """Return what loading a list would do, or did."""
    total = len(planned.letters)
    ways = f"{planned.count('mail'):,} by mail, {planned.count('paper'):,} on paper"
    lines = [f"{total:,} in the list: {ways}, {planned.count('held'):,} held back."]
    lines += [f"! {each}" for each in planned.said]
    lines += [
        f"{'STOPS' if each.blocking else 'JUDGE'} the letter itself: {each.text}" for each in planned.findings
    ]
    lines += _some([f"HELD  line {each.entry.line}, {_who(each.entry.name)}: {each.why}" for each in planned.held])
    lines += _some(
        [f"LOOK  line {each.entry.line}, {_who(each.entry.name)}: {each.why}" for each in planned.to_look_at]
    )
    lines += _some([f"SHARED {email}: {count} people, a mail to each" for email, count in planned.shared])
    for line, letter in planned.samples:
        body = letter.body.splitlines()
        more = [f"  … and {len(body) - _LINES} more lines"] if len(body) > _LINES else []
        lines += ["", f"--- Line {line} would read:", *(f"  {each}" for each in body[:_LINES]), *more]
    name = planned.notice.id[:8]
    lines.append("")
    if kept is None:
        lines.append("Nothing is kept yet. With --load it is, and waits for an approval with this list.")
    else:
        lines.append(f"The list is kept, SHA-256 {kept.sha256}.")
        lines.append(f"Somebody else approves the letter with it: tocsin notice show {name}")
    return "\n".join(lines)


def plan_data(planned: "PlannedList") -> dict[str, object]:
    """Return the plan as plain data."""
    return {
        "notice": planned.notice.id,
        "by_mail": planned.count("mail"),
        "on_paper": planned.count("paper"),
        "held_back": [
            {"line": each.entry.line, "name": each.entry.name, "code": each.code, "why": each.why}
            for each in planned.held
        ],
        "look_at": [
            {"line": each.entry.line, "name": each.entry.name, "why": each.why} for each in planned.to_look_at
        ],
        "shared": [{"email": email, "people": count} for email, count in planned.shared],
        "said": list(planned.said),
        "findings": [
            {"rule": each.rule, "blocking": each.blocking, "text": each.text} for each in planned.findings
        ],
        "samples": [{"line": line, "text": letter.body} for line, letter in planned.samples],
    }


def posted_text(found: "Posted") -> str:
    """Return how far a letter to many has come, and what it waits for."""
    name = found.notice.id[:8]
    lines = [f"Notice {name} is {found.notice.state}; it goes to {found.recipients.in_words}."]
    lines += [f"- {found.counts[state]:,} {words}" for state, words in _WORDS.items() if found.counts.get(state)]
    if found.duplicates:
        lines.append(f"  {found.duplicates:,} of those held back stand in the list twice")
    if found.on_paper_to_go:
        go = number_of(found.on_paper_to_go, "letter goes", "letters go")
        lines.append(f"{go} by post: tocsin notice letters {name} --to FOLDER")
    if found.next_at is not None:
        lines.append(f"The next that was put off is tried from {found.next_at:%Y-%m-%d %H:%M} UTC.")
    if found.recipients.forgotten_at is not None:
        lines.append(f"Names and addresses were forgotten on {found.recipients.forgotten_at:%Y-%m-%d}.")
    if found.recipients.root:
        lines.append(f"Root over the letters that left: {found.recipients.root}")
    return "\n".join([*lines, *_unreached(found)])


def waits_for(found: "Posted") -> str:
    """Return in a few words what a letter to many waits for."""
    if found.counts.get("unknown") or found.counts.get("trying"):
        return "somebody to say whether it arrived"
    mails = found.counts.get("intended", 0) - found.on_paper_to_go
    paper = number_of(found.on_paper_to_go, "letter", "letters") + " to be posted" if found.on_paper_to_go else ""
    return ", ".join(filter(None, (f"sending to {mails:,}" if mails else "", paper)))


def posted_data(found: "Posted") -> dict[str, object]:
    """Return it as plain data."""
    return {
        "notice": found.notice.id,
        "state": found.notice.state,
        "list_sha256": found.recipients.sha256,
        "letters": dict(found.counts),
        "on_paper_to_go": found.on_paper_to_go,
        "not_reached": found.unreached,
        "next_at": found.next_at.isoformat() if found.next_at else None,
        "forgotten_at": found.recipients.forgotten_at.isoformat() if found.recipients.forgotten_at else None,
        "root": found.recipients.root,
    }


def came_back_text(found: "CameBack") -> str:
    """Return what a mailbox told."""
    parts = [
        f"{found.bounced:,} came back for good",
        f"{found.known:,} known already" if found.known else "",
        f"{found.delayed:,} only delayed" if found.delayed else "",
        number_of(found.others, "report", "reports") + " on other mails" if found.others else "",
        number_of(found.not_understood, "mail that is", "mails that are") + " no delivery report, for you to read"
        if found.not_understood
        else "",
    ]
    return "\n".join([f"Read: {', '.join(filter(None, parts))}.", posted_text(found.now)])


def readers_text(readers: "tuple[Reader, ...]") -> str:
    """Return readers as a table; it holds names, and is for the person who asked alone."""
    if not readers:
        return "Nobody is in that state."
    rows = [
        (
            str(each.position),
            (each.key or "")[:8],
            _who(each.name),
            each.email or ", ".join(each.address),
            each.state,
            " ".join(filter(None, (each.code, each.detail))),
        )
        for each in readers
    ]
    return table(("NUMBER", "ID", "NAME", "TO", "STATE", "WHY"), rows)


def reader_data(reader: "Reader") -> dict[str, object]:
    """Return one reader as plain data."""
    return {
        "number": reader.position,
        "id": reader.key,
        "name": reader.name,
        "email": reader.email,
        "address": list(reader.address),
        "way": reader.way,
        "state": reader.state,
        "code": reader.code,
        "detail": reader.detail,
        "sha256": reader.sha256,
    }


def _unreached(found: "Posted") -> list[str]:
    if not found.unreached:
        return []
    people = number_of(found.unreached, "person", "people")
    owed = (
        f"{people} could not be reached this way. They still have to be told: by post, by phone, or, where that "
        "would be a disproportionate effort, in public (UK GDPR, Article 34(3)(c))."
    )
    if found.recipients.forgotten_at is not None:
        return [owed]
    return [
        owed,
        f"Who they are: tocsin notice recipients {found.notice.id[:8]} --show failed --show bounced --show held",
    ]


def number_of(count: int, one: str, many: str) -> str:
    """Return a count with its word: `1 letter`, `2 letters`."""
    return f"{count:,} {one if count == 1 else many}"


def _who(name: str) -> str:
    # What a file holds must not steer the terminal it is shown in.
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in name) or "(no name)"


def _some(lines: list[str]) -> list[str]:
    more = len(lines) - _MOST
    return lines if more <= 0 else [*lines[:_MOST], f"      and {more:,} more; --json names them all."]
