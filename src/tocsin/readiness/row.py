"""One line of what would hurt tonight, and where each kind stands. Pure; nothing is added up to a score.

The order is fixed and said: what loses data comes before what loses time, what loses time before what only shows
that nobody looked. Within one kind the longest overdue is first.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of line: its place in the order, and why it would hurt."""

    rank: int
    title: str
    why: str


KINDS = {
    "backup-late": Kind(10, "Late backups", "What was made since the last good backup would be lost."),
    "not-backed-up": Kind(11, "Data without a backup", "What is lost there tonight is lost for good."),
    "untested": Kind(
        20, "Backups nobody has restored", "A backup that was never restored is a hope, not a way back."
    ),
    "backup-exposed": Kind(21, "Backups in an attacker's reach", "Whoever gets in deletes the backups first."),
    "doctor": Kind(30, "Tools that would fail", "Tocsin itself would not do its work tonight."),
    "action-overdue": Kind(40, "Overdue actions", "What was to be fixed after an earlier fault is still open."),
    "contact-missing": Kind(50, "Stale contacts", "On the night nobody knows whom to call."),
    "no-terms": Kind(51, "Clients without notice terms", "Nobody can say by when the client must be told."),
    "finding-open": Kind(60, "Findings nobody settled", "A drill or an exercise showed it would go wrong."),
    "open-door": Kind(61, "Open doors", "It is the way most attackers come in."),
    "practice-overdue": Kind(70, "Overdue practices", "A measure the firm promised itself is not in force."),
    "never-exercised": Kind(80, "Playbooks never exercised", "The first hours go into finding out who does what."),
    "never-trained": Kind(
        81, "People who never trained", "They may not see it for what it is, or say it too late."
    ),
    "review-owed": Kind(82, "Incidents nobody looked back on", "What happened once happens again."),
    "no-owner": Kind(90, "Data without an owner", "Nobody is there to ask what is in it and who needs it."),
    "data-unclear": Kind(91, "Data nobody has explained", "The notice must say what was held, why, how long."),
    "unsaid": Kind(92, "Nobody has said", "Unknown is neither a yes nor a no; on the night it counts as a no."),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line: what, since when or how often, and the command that fixes it."""

    code: str
    sentence: str
    fix: str
    days: int = 0

    @property
    def kind(self) -> Kind:
        """Its kind: the order and the reason."""
        return KINDS[self.code]


def worst_first(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """Return the lines in the order that is promised."""
    return tuple(sorted(rows, key=lambda each: (each.kind.rank, -each.days, each.sentence)))
