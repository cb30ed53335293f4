"""What a label asks of an access list: people with names, reasons and roles, looked at from time to time. Pure."""

from collections.abc import Iterator, Sequence
from datetime import date

from tocsin.model.access import Access
from tocsin.model.fields import spell_duration
from tocsin.model.finding import Severity
from tocsin.model.handling import Rule, Rules
from tocsin.model.owed import Owed
from tocsin.model.workspace import Workspace


def access_owed(
    workspace: Workspace, entries: Sequence[Access] | None, rules: Rules, today: date
) -> Iterator[Owed]:
    """Yield what a list lacks; none at all is for the caller to judge."""
    entries = entries or ()
    if rules.access == "named" and (unnamed := [each.spoken for each in entries if not each.is_named]):
        words = f"a person's name for every way in, and does not say who {_listed(unnamed)} is"
        fix = "write who: PERSON beside the login, or take the access away"
        yield Owed(Rule.ACCESS, "unnamed-access", words, fix, "P12")
    if rules.reasons and (unexplained := [each.spoken for each in entries if not each.why]):
        words = f"a reason for every access, and has none for {_listed(unexplained)}"
        yield Owed(Rule.REASONS, "access-unexplained", words, "write why: REASON", "P11", Severity.ASK)
    if rules.roles and (others := [each.spoken for each in entries if not _has_role(workspace, each, rules)]):
        words = f"people with one of the roles {', '.join(rules.roles)}, and lets in {_listed(others)}"
        yield Owed(Rule.ROLES, "wrong-role", words, "take the access away, or agree a departure", "P11")
    if rules.access_review:
        yield from _review_owed(entries, rules, today)


def _review_owed(entries: Sequence[Access], rules: Rules, today: date) -> Iterator[Owed]:
    wanted = rules.access_review
    if wanted is None:
        return
    every = f"each access looked at every {spell_duration(wanted)}"
    last = [(each.spoken, each.reviewed or each.since) for each in entries]
    if late := [whom for whom, day in last if day and day + wanted < today]:
        fix = "ask whether they still need it, then write reviewed: DAY or take the line out"
        yield Owed(
            Rule.ACCESS_REVIEW,
            "access-review-late",
            f"{every}, and nobody has for {_listed(late)}",
            fix,
            "P18",
            Severity.SHOULD,
        )
    if unsaid := [whom for whom, day in last if day is None]:
        words = f"{every}, and nobody has said when that was last done for {_listed(unsaid)}"
        yield Owed(
            Rule.ACCESS_REVIEW,
            "access-review-unknown",
            words,
            "ask them, and write reviewed: DAY",
            "P18",
            Severity.ASK,
        )


def _has_role(workspace: Workspace, entry: Access, rules: Rules) -> bool:
    person = workspace.people.get(entry.who or "")
    return person is not None and bool(set(person.roles) & set(rules.roles))


def _listed(words: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(words))
