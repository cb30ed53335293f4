"""The guard: what no notice may leave without, and what none may leave with. Pure.

It runs when a draft is made, before an approval and again before anything is sent. A blocking finding has to
be mended in the text; another is put before the person who approves, whose judgement it is.
"""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from pydantic import BaseModel, ConfigDict, RootModel

from tocsin.model.workspace import Contact, Person, Workspace
from tocsin.model.yaml_text import load_model, parse_yaml
from tocsin.notices.addressees import HEARS_OF_CLIENTS
from tocsin.notices.folding import squeezed, visible
from tocsin.notices.letter import PHISHING_MAIL
from tocsin.notices.reading import OLDEST, hardest_sentence, reading_age
from tocsin.notices.secrets import bank_or_identity_numbers, secrets_in
from tocsin.notices.sections import whole_sections
from tocsin.notices.sheet import ADDRESS_MARK, CONTROLLERS, INSURER, NAME_MARK, PEOPLE, Addressee, Draft
from tocsin.notices.strangers import strangers_named
from tocsin.notices.words import NOT_YET_KNOWN

_PERSONAL: Final = frozenset({"contact", "mail address", "phone number"})

# Absence of evidence is not evidence: a firm that claimed it is held to it later.
_CLAIMS: Final = (
    r"no (?:current |firm |clear |direct )?(?:evidence|indication|sign|suggestion)s?\b",
    r"no reason to (?:believe|think)",
    r"nothing to (?:suggest|indicate|show)",
    r"(?:not|n't|never) (?:seen|found|have|had|any) (?:any )?(?:evidence|indication|sign)",
    (
        r"no (?:\w+ ){0,3}(?:data|information|records?) (?:was|were|has been|have been) "
        r"(?:taken|stolen|lost|accessed|copied|compromised|seen)"
    ),
    r"your (?:data|information) (?:is|remains|was) (?:safe|secure|not affected)",
)
NOT_TAKEN, NOT_MISUSED = "not_taken", "not_misused"
_ABOUT: Final = {
    NOT_TAKEN: r"\b(?:taken|copied|stolen|exfiltrated|left our|theft|copying)\b",
    NOT_MISUSED: r"\b(?:misus\w*|harm\w*|fraud\w*)\b",
}
"""What a claim of absence is about: it stands only where all it is about has been found out."""
_DECISIONS: Final = (
    (
        r"you (?:do not|don't|need not|are not required to|must|are required to|have to) "
        r"(?:need to |have to )?(?:notify|report|inform|tell)"
    ),
)
_ADMISSIONS: Final = (
    r"\b(?:our|the firm's) (?:own )?(?:fault|negligence|failing|failure)\b",
    r"\bwe (?:accept|admit) (?:full |any )?(?:liability|responsibility|fault)",
    r"\bwe (?:were|are|have been) (?:liable|negligent|careless)",
    r"\bwe will (?:pay|compensate)\b",
)
_NO_ADMISSIONS_TO: Final = frozenset({INSURER, "press", "supplier", "bank"})
_HOLES: Final = (
    r"\{\{|\}\}|\{%|%\}|\{#|\[\[|\]\]",
    r"\bNone\b(?! of\b)",
    r"(?i:\bundefined\b)",
    r"\bNaN\b|\bnull\b|\bTODO\b|\bXXX\b",
)
_HINT: Final = " There is no section about it, or the section does not say it."
_MAIL: Final = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")


@dataclass(frozen=True, slots=True)
class GuardFinding:
    """One thing the guard objects to. `text` is a sentence that never repeats another client's data."""

    rule: str
    blocking: bool
    text: str


class _Required(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    law: str
    headings: tuple[str, ...]
    missing: str
    known: bool = False
    pattern: str | None = None
    """What a section about it must hold, as a regular expression; case does not matter."""
    judged: bool = False
    """Whether a named person may let it pass with a reason."""

    def met_by(self, title: str, text: str) -> bool:
        """Tell whether a section is about this and says something."""
        if not any(squeezed(word) in squeezed(title) for word in self.headings):
            return False
        said = squeezed(text)
        if not said or (self.known and said == squeezed(NOT_YET_KNOWN)):
            return False
        return self.pattern is None or re.search(self.pattern, visible(text), re.IGNORECASE) is not None


class _RequiredByDuty(RootModel[dict[str, tuple[_Required, ...]]]):
    pass


def check_notice(
    draft: Draft, addressee: Addressee, workspace: Workspace, carried: frozenset[str] = frozenset()
) -> tuple[GuardFinding, ...]:
    """Return what is wrong with a text meant for `addressee`: what blocks it first.

    `carried` are the claims of absence that the facts in force bear out (`tocsin.notices.carried`).
    """
    text = f"{draft.subject}\n\n{draft.body}"
    seen = visible(text)
    findings = (
        *_missing(draft, addressee, workspace),
        *_strangers(text, addressee, workspace),
        *_secrets(seen),
        *_holes(seen, addressee),
        *_hard_to_read(draft, addressee),
        *_claims(seen, addressee, carried),
        *_other_mail(seen, addressee, workspace),
    )
    return tuple(sorted(findings, key=lambda finding: not finding.blocking))


def blocks(findings: tuple[GuardFinding, ...]) -> tuple[GuardFinding, ...]:
    """Return the findings that stop a notice."""
    return tuple(finding for finding in findings if finding.blocking)


@cache
def _required() -> dict[str, tuple[_Required, ...]]:
    name = "data/required.yaml"
    return load_model(
        _RequiredByDuty, parse_yaml(files("tocsin.notices").joinpath(name).read_text("utf-8"), name)
    ).root


def _missing(draft: Draft, addressee: Addressee, workspace: Workspace) -> list[GuardFinding]:
    sections = whole_sections(draft.body)
    found = [
        GuardFinding("required", not item.judged, f"It does not say {item.missing} ({item.law}).{_HINT}")
        for item in _required().get(addressee.kind, ())
        if not any(item.met_by(title, text) for title, text in sections)
    ]
    if not _reachable(draft.body, workspace):
        found.append(
            GuardFinding(
                "contact", True, "It gives no mail address or phone number of ours (UK GDPR Art 33(3)(b)). "
                "Give the data protection lead one in tocsin.yaml, or write it into the text."
            )
        )  # fmt: skip
    if addressee.kind == CONTROLLERS and squeezed(addressee.name) not in squeezed(
        f"{draft.subject}\n{draft.body}"
    ):
        found.append(GuardFinding("addressee", True, f"It does not name whom it is for: {addressee.name}."))
    return found


def _reachable(body: str, workspace: Workspace) -> bool:
    contact = workspace.organisation.contact
    ours: list[Person | Contact] = [*workspace.people.values(), *([contact] if contact else [])]
    folded = squeezed(body)
    ways = [way for each in ours for way in (each.email, each.phone) if way]
    return any(squeezed(way) in folded for way in ways)


def _strangers(text: str, addressee: Addressee, workspace: Workspace) -> list[GuardFinding]:
    found = []
    for mark in strangers_named(text, workspace, addressee.client or addressee.id):
        # An authority may have to hear whose data it is; a client, or anybody else, never hears of another.
        judged = addressee.kind in HEARS_OF_CLIENTS and mark.what not in _PERSONAL
        advice = f"Leave it out unless {addressee.name} needs it." if judged else "Take it out."
        found.append(
            GuardFinding(
                "other-client", not judged, f"It holds the {mark.what} of another client ({mark.client}). {advice}"
            )
        )
    return found


def _secrets(seen: str) -> list[GuardFinding]:
    found = [
        GuardFinding("secret", True, f"It holds {what}. Take it out, and change it.") for what in secrets_in(seen)
    ]
    numbers = bank_or_identity_numbers(seen)
    return found + [
        GuardFinding("personal-data", True, f"It holds {what}: a notice never carries the data itself.")
        for what in numbers
    ]


def _holes(seen: str, addressee: Addressee) -> list[GuardFinding]:
    marks = (NAME_MARK, ADDRESS_MARK) if addressee.kind == PEOPLE else ()
    for mark in marks:
        seen = seen.replace(mark, "")
    return [
        GuardFinding("hole", True, f"It has a hole where a value should be: {match[0]!r}.")
        for pattern in _HOLES
        if (match := re.search(pattern, seen))
    ]


def _claims(seen: str, addressee: Addressee, carried: frozenset[str]) -> list[GuardFinding]:
    line = " ".join(re.sub(r"[*_`~]", "", seen).replace("\u2019", "'").split())
    found = [
        GuardFinding(
            "claim",
            True,
            f"It says “{match[0]}”. Say what is known and what is not yet known instead: "
            "that nothing was found does not mean that nothing happened.",
        )
        for pattern in _CLAIMS
        if (match := _uncarried(pattern, line, carried))
    ]
    if addressee.kind in _NO_ADMISSIONS_TO:
        found += [
            GuardFinding("admission", False, f"It says “{match[0]}”. Ask the insurer before anything is admitted.")
            for pattern in _ADMISSIONS
            if (match := re.search(pattern, line, re.IGNORECASE))
        ]
    if addressee.kind == CONTROLLERS:
        found += [
            GuardFinding("decision", False, f"It says “{match[0]}”. Whether to report is the client's decision.")
            for pattern in _DECISIONS
            if (match := re.search(pattern, line, re.IGNORECASE))
        ]
    return found


def _uncarried(pattern: str, line: str, carried: frozenset[str]) -> re.Match[str] | None:
    """Return the first claim of this shape that the facts do not bear out."""
    for match in re.finditer(pattern, line, re.IGNORECASE):
        sentence = f"{line[: match.start()].rpartition('. ')[2]}{line[match.start() :].partition('. ')[0]}"
        about = {name for name, words in _ABOUT.items() if re.search(words, sentence, re.IGNORECASE)}
        if not about or not about <= carried:
            return match
    return None


def _hard_to_read(draft: Draft, addressee: Addressee) -> list[GuardFinding]:
    age = reading_age(draft.body) if addressee.kind == PEOPLE else None
    if age is None or age <= OLDEST:
        return []
    return [
        GuardFinding(
            "reading", False, f"It reads as for age {age:.0f}; most adults are at ease up to {OLDEST}. "
            f"Use shorter words and sentences. The longest begins: “{hardest_sentence(draft.body)}”."
        )
    ]  # fmt: skip


def _other_mail(seen: str, addressee: Addressee, workspace: Workspace) -> list[GuardFinding]:
    ours = [person.email for person in workspace.people.values()]
    if workspace.organisation.contact:
        ours.append(workspace.organisation.contact.email)
    if workspace.channels.mail:
        ours.append(workspace.channels.mail.sender)
    if client := workspace.clients.get(addressee.client):
        ours += [contact.email for contact in client.contacts]
    if addressee.kind == PEOPLE:
        ours.append(PHISHING_MAIL)
    allowed = {mail.casefold() for mail in (*ours, *addressee.addresses) if mail}
    strange = sorted({mail for mail in _MAIL.findall(seen) if mail.rstrip(".").casefold() not in allowed})
    if not strange:
        return []
    many = "a mail address that is" if len(strange) == 1 else f"{len(strange)} mail addresses that are"
    return [
        GuardFinding("mail", False, f"It holds {many} neither ours nor the addressee's: make sure that is meant.")
    ]
