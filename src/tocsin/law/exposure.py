"""The likelihood of harm: who can have read the data.

Two views meet. `reach` says how far the data can have got, given how it came about and what the logs show;
`held_by` says who holds it, given the recipient. For a thing sent to the wrong place the recipient decides
alone; for an intruder the logs do; for everything else the recipient, no further than the logs allow.
"""

from functools import lru_cache
from typing import NamedTuple

from tocsin.law.levels import Exposure
from tocsin.model.vocabulary import Cause, Deletion, Exfiltration, Intent, Logs, RecipientType, YesNo

SMALL_GROUP = 100
"""Fewer recipients than this are a circle one can still write to one by one."""

INTRUSIONS = frozenset(
    {
        Cause.RANSOMWARE,
        Cause.MALWARE,
        Cause.PHISHING,
        Cause.MAILBOX_TAKEOVER,
        Cause.CREDENTIAL_ATTACK,
        Cause.IMPERSONATION,
    }
)
MISDIRECTIONS = frozenset(
    {
        Cause.MISDIRECTED_EMAIL,
        Cause.OPEN_RECIPIENTS,
        Cause.MISDIRECTED_POST,
        Cause.FAILED_REDACTION,
        Cause.VERBAL_DISCLOSURE,
    }
)
LOSSES = frozenset({Cause.LOST_DEVICE, Cause.STOLEN_DEVICE, Cause.LOST_PAPER, Cause.STOLEN_PAPER})
MALICE = frozenset({Intent.MALICIOUS_EXTERNAL, Intent.MALICIOUS_INTERNAL})
SIGNS_OF_ACCESS = frozenset({Exfiltration.POSSIBLE, Exfiltration.CONFIRMED, Exfiltration.PUBLISHED})

_BY_LOGS = {
    Exfiltration.RULED_OUT: (Exposure.NOBODY, "left-ruled-out"),
    Exfiltration.UNLIKELY: (Exposure.LIMITED, "left-unlikely"),
    Exfiltration.POSSIBLE: (Exposure.OPEN, "cannot-be-excluded"),
    Exfiltration.CONFIRMED: (Exposure.HOSTILE, "data-left"),
    Exfiltration.PUBLISHED: (Exposure.PUBLISHED, "data-published"),
    Exfiltration.NOT_APPLICABLE: (Exposure.PUBLISHED, ""),
}


class Reach(NamedTuple):
    """How far the data has certainly got (`floor`) and can have got at most (`cap`), and by which rule."""

    floor: Exposure
    cap: Exposure
    rule: str


class Held(NamedTuple):
    """Who holds the data, and by which rule."""

    exposure: Exposure
    rule: str


_HOLDER_DECIDES = Reach(Exposure.NOBODY, Exposure.PUBLISHED, "")


@lru_cache(maxsize=4096)
def reach(
    cause: Cause,
    intent: Intent,
    disclosed: bool,  # noqa: FBT001 - whether confidentiality is among the kinds
    exfiltration: Exfiltration,
    logs: Logs,
) -> Reach | None:
    """Return how far the data can have got, or None for facts that contradict one another."""
    if cause is Cause.VULNERABILITY and exfiltration not in SIGNS_OF_ACCESS:
        return Reach(Exposure.NOBODY, Exposure.NOBODY, "near-miss")
    if cause in MISDIRECTIONS:
        return _HOLDER_DECIDES
    if cause in LOSSES:
        return _lost(exfiltration)
    believed = believe(exfiltration, logs)
    if believed is None:
        return None
    if is_intruder(cause, intent):
        cap, rule = _BY_LOGS[believed]
        return None if believed is Exfiltration.NOT_APPLICABLE else Reach(cap, cap, rule)
    if not disclosed and believed not in {Exfiltration.CONFIRMED, Exfiltration.PUBLISHED}:
        return Reach(Exposure.NOBODY, Exposure.NOBODY, "not-disclosed")
    return _received(believed, on_purpose=cause is Cause.INSIDER and intent in MALICE)


def is_intruder(cause: Cause, intent: Intent | None) -> bool:
    """Tell whether somebody was inside on purpose, so that only the logs say what was taken."""
    weakness = cause in {Cause.EXPLOITED_VULNERABILITY, Cause.VULNERABILITY}
    return cause in INTRUSIONS or (weakness and intent in MALICE)


def believe(exfiltration: Exfiltration, logs: Logs) -> Exfiltration | None:
    """Return what may be believed of the exfiltration, given the logs; None where they contradict it.

    Only complete logs rule anything out (an intruder clears them); missing ones leave everything possible.
    """
    if exfiltration is Exfiltration.RULED_OUT and logs is not Logs.COMPLETE:
        return None if logs is Logs.MISSING else Exfiltration.UNLIKELY
    if exfiltration is Exfiltration.UNLIKELY and logs is Logs.MISSING:
        return Exfiltration.POSSIBLE
    return exfiltration


@lru_cache(maxsize=4096)
def held_by(recipient: RecipientType, count: int, secrecy: YesNo, deletion: Deletion, opened: YesNo) -> Held:
    """Return who holds the data, from nobody to everybody."""
    if recipient is RecipientType.MANY:
        small = count < SMALL_GROUP
        return Held(Exposure.GROUP, "small-circle") if small else Held(Exposure.OPEN, "many-recipients")
    if recipient in _FIXED:
        return _FIXED[recipient]
    if deletion is Deletion.REFUSED:
        return Held(Exposure.KEPT, "recipient-keeps-it")
    bound = recipient is RecipientType.COLLEAGUE or (recipient is RecipientType.TRUSTED and secrecy is YesNo.YES)
    if deletion is Deletion.CONFIRMED:
        if bound:
            return Held(Exposure.CONTAINED, "trusted-and-deleted")
        if opened is YesNo.NO:
            return Held(Exposure.CONTAINED, "returned-unopened")
        return Held(Exposure.LIMITED, "retrieved")
    return Held(Exposure.LIMITED, "trusted-recipient") if bound else Held(Exposure.FEW, "few-known-recipients")


def meet(reached: Reach, held: Held) -> Held:
    """Return the exposure where both views meet: what the holder says, within what the reach allows."""
    if held.exposure < reached.floor:
        return Held(reached.floor, reached.rule)
    return Held(reached.cap, reached.rule) if held.exposure > reached.cap else held


_FIXED = {
    RecipientType.NONE: Held(Exposure.NOBODY, "nobody-received-it"),
    RecipientType.UNIDENTIFIED: Held(Exposure.OPEN, "unknown-hands"),
    RecipientType.ATTACKER: Held(Exposure.HOSTILE, "attacker-has-it"),
    RecipientType.PUBLIC: Held(Exposure.PUBLISHED, "anybody-can-read-it"),
}


def _received(believed: Exfiltration, *, on_purpose: bool) -> Reach:
    cap, rule = _BY_LOGS[believed]
    if on_purpose:
        return Reach(min(cap, Exposure.OPEN), cap, "taken-on-purpose" if cap >= Exposure.OPEN else rule)
    if believed is Exfiltration.CONFIRMED:
        return _HOLDER_DECIDES
    return Reach(cap if believed is Exfiltration.PUBLISHED else Exposure.NOBODY, cap, rule)


def _lost(exfiltration: Exfiltration) -> Reach:
    # No log watches a stolen notebook: short of getting it back unread, its content is out of our hands.
    if exfiltration is Exfiltration.RULED_OUT:
        return Reach(Exposure.NOBODY, Exposure.NOBODY, "left-ruled-out")
    if exfiltration in {Exfiltration.UNLIKELY, Exfiltration.POSSIBLE}:
        return Reach(Exposure.NOBODY, Exposure.OPEN, "out-of-our-hands")
    if exfiltration is Exfiltration.PUBLISHED:
        return Reach(Exposure.PUBLISHED, Exposure.PUBLISHED, "data-published")
    return _HOLDER_DECIDES
