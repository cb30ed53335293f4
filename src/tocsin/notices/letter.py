"""What the people concerned are told: the same facts in plain words that speak to "you". Pure.

Words and advice are data (`data/letter.yaml`), dated, each piece of advice with its source. Nothing here names
a person: the reader's own name and address are put in when a letter is delivered.
"""

from datetime import date
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict

from tocsin.law.authority import BRAND, authority
from tocsin.model.vocabulary import FAMILY_CODES, Cause, DataCode, DataFamily, Exfiltration, Kind
from tocsin.model.yaml_text import load_model, parse_yaml
from tocsin.notices.known import KnownFacts
from tocsin.notices.sheet import Advice, FactSheet, Letter
from tocsin.notices.words import NOT_YET_KNOWN, listed

PHISHING_MAIL = "report@phishing.gov.uk"
_REACHES_US = frozenset({DataCode.NAME, DataCode.CONTACT, DataCode.ADDRESS, DataCode.COMMUNICATIONS})
_WHO_THEY_ARE = frozenset({DataCode.NATIONAL_ID, DataCode.ID_DOCUMENT, DataCode.DATE_OF_BIRTH})


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AdviceFor(_Part):
    """Advice by kind of data; `danger` for that which comes first where somebody may come to harm."""

    title: str
    codes: tuple[DataCode, ...] = ()
    danger: bool = False
    lines: tuple[str, ...]
    status: Literal["seen", "reported", "recalled"]
    source: str


class LetterWords(_Part):
    """Every word of a letter that depends on facts."""

    version: date
    yours: dict[DataCode, str]
    happened: dict[Cause, str]
    kinds: dict[Kind, str]
    copied: dict[Exfiltration, str]
    could_mean: dict[str, str]
    advice: tuple[AdviceFor, ...]


@cache
def letter_words() -> LetterWords:
    """Return the words."""
    name = "data/letter.yaml"
    return load_model(LetterWords, parse_yaml(files("tocsin.notices").joinpath(name).read_text("utf-8"), name))


def letter_to_people(known: KnownFacts, sheet: FactSheet, zone: str) -> Letter:
    """Return what the people concerned are told of a case whose sheet has been drawn."""
    words, seen = letter_words(), may_have_been_seen(known)
    danger = known.says("safety_risk") == "yes"
    found = (sheet.incident.aware or sheet.incident.first_alert).day
    when = known.occurred_days(zone)
    return Letter(
        happened=_happened(known, words),
        yours=listed(words.yours, known.codes),
        could_mean=tuple(words.could_mean[each] for each in _could_mean(known, seen, danger=danger)),
        advice=tuple(
            Advice(each.title, each.lines)
            for each in words.advice
            if (each.danger and danger) or (seen and set(each.codes) & set(known.codes))
        ),
        found=found,
        when=when,
        open=_open(known, when),
        in_danger=danger,
        regulator=f"{BRAND} (the {authority(sheet.next_update.utc)})",
    )


def may_have_been_seen(known: KnownFacts) -> bool:
    """Tell whether anybody may have seen the data; not knowing is no denial."""
    return not known.kinds or Kind.CONFIDENTIALITY in known.kinds


def _happened(known: KnownFacts, words: LetterWords) -> tuple[str, ...]:
    said = [words.happened[known.cause]] if known.cause else []
    said += [words.kinds[kind] for kind in known.kinds]
    if known.exfiltration in words.copied and may_have_been_seen(known):
        said.append(words.copied[known.exfiltration])
    return tuple(said)


def _could_mean(known: KnownFacts, seen: bool, *, danger: bool) -> list[str]:  # noqa: FBT001 - read beside `known`
    codes = set(known.codes)
    could = {
        "danger": danger,
        "messages": seen and codes & _REACHES_US,
        "accounts": seen and DataCode.CREDENTIALS in codes,
        "fraud": seen and codes & FAMILY_CODES[DataFamily.MONEY],
        "identity": seen and codes & _WHO_THEY_ARE,
        "private": seen and codes & FAMILY_CODES[DataFamily.SPECIAL],
        "service": Kind.AVAILABILITY in known.kinds,
        "wrong": Kind.INTEGRITY in known.kinds,
    }
    return [name for name, holds in could.items() if holds]


def _open(known: KnownFacts, when: str) -> tuple[str, ...]:
    """Return what we cannot tell people yet; each follows "We do not know yet"."""
    still = {
        "how this happened": known.cause is None,
        "when it happened": when == NOT_YET_KNOWN,
        "which details about you are affected": not known.codes,
        "whether your data was copied": known.exfiltration is None and may_have_been_seen(known),
    }
    return tuple(words for words, is_open in still.items() if is_open)
