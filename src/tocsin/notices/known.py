"""The facts document of one addressee, read in words; what it leaves open, the inventory may know."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from tocsin.model.vocabulary import (
    FAMILY_CODES,
    BackupState,
    Cause,
    DataCode,
    DataFamily,
    Exfiltration,
    Kind,
    Logs,
    PeopleGroup,
)
from tocsin.model.workspace import Dataset
from tocsin.notices.sheet import Moment, Owed
from tocsin.notices.words import (
    BACKUPS,
    DATA,
    EXFILTRATION,
    KINDS,
    NOT_YET_KNOWN,
    OWED,
    PEOPLE,
    WHAT_HAPPENED,
    listed,
    sentence,
)

E = TypeVar("E", bound=StrEnum)


class KnownFacts:
    """The facts document, read in words. What it does not hold the inventory may: data, groups, counts."""

    def __init__(self, facts: Mapping[str, object], cause: str | None, datasets: tuple[Dataset, ...]) -> None:
        self._facts = facts
        self._cause = read(facts, "cause") or cause
        self._datasets = datasets
        self._data = self._codes("data", DataCode) or tuple(code for each in datasets for code in each.data)
        groups = tuple(group for each in datasets for group in each.people.groups)
        self._groups = self._codes("people.groups", PeopleGroup) or groups
        self._kinds = self._codes("kinds", Kind)
        stated = read(facts, "exfiltration")
        # Without logs nothing can be ruled out: the statement contradicts itself and counts as not known.
        unbelievable = stated == Exfiltration.RULED_OUT and read(facts, "logs") == Logs.MISSING
        self._exfiltration = "" if stated is None or unbelievable else str(stated)

    @property
    def cause(self) -> Cause | None:
        """The cause, where it is known."""
        return Cause(str(self._cause)) if self._cause else None

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What happened to the data, as far as that is known."""
        return self._kinds

    @property
    def codes(self) -> tuple[DataCode, ...]:
        """The kinds of data, each once."""
        return tuple(dict.fromkeys(self._data))

    @property
    def exfiltration(self) -> Exfiltration | None:
        """Whether data was taken, where that is known and can be believed."""
        return Exfiltration(self._exfiltration) if self._exfiltration else None

    def says(self, path: str) -> str:
        """Return `yes` or `no` of a fact that is one; empty where it is not known."""
        value = read(self._facts, path)
        return "yes" if value in ("yes", True) else "no" if value in ("no", False) else ""

    @property
    def cause_words(self) -> str:
        """What happened, in a sentence; empty when the cause is not known."""
        return WHAT_HAPPENED[Cause(str(self._cause))] if self._cause else ""

    @property
    def data_words(self) -> str:
        """The kinds of data."""
        return listed(DATA, self._data) or NOT_YET_KNOWN

    @property
    def people_words(self) -> str:
        """The groups of people."""
        return listed(PEOPLE, self._groups) or NOT_YET_KNOWN

    @property
    def count_words(self) -> str:
        """Return the number of people; sums over datasets may count one person twice, and say so."""
        count = read(self._facts, "people.count")
        if isinstance(count, int):
            exact = read(self._facts, "people.count_basis") == "exact"
            return f"{count:,}" if exact else f"about {count:,} (our best estimate so far)"
        counted = [each.people.count for each in self._datasets if each.people.count]
        if not counted:
            return NOT_YET_KNOWN
        several = "; somebody may be in more than one dataset" if len(counted) > 1 else ""
        return f"up to {sum(counted):,} (from our inventory{several})"

    def occurred(self, zone: str) -> str:
        """Return when it happened, as far as that is known."""
        begun, ended = (_moment(read(self._facts, path), zone) for path in ("occurred.from", "occurred.to"))
        if begun and ended:
            same_day = begun.local.date() == ended.local.date() and begun.clock[5:] == ended.clock[5:]
            return f"between {begun.local:%H:%M} and {ended}" if same_day else f"between {begun} and {ended}"
        if begun or ended:
            return f"from {begun}; when it ended is {NOT_YET_KNOWN}" if begun else f"until {ended}"
        return NOT_YET_KNOWN

    def occurred_days(self, zone: str) -> str:
        """Return the day or days when it happened, as a letter says it: `on Friday 20 November 2026`."""
        begun, ended = (_moment(read(self._facts, path), zone) for path in ("occurred.from", "occurred.to"))
        if begun and ended:
            return f"on {begun.day}" if begun.day == ended.day else f"between {begun.day} and {ended.day}"
        if begun or ended:
            return f"from {begun.day} on" if begun else f"until {ended.day}" if ended else ""
        return NOT_YET_KNOWN

    @property
    def sentences(self) -> tuple[str, ...]:
        """What may be said as known, each a whole sentence."""
        said = [self.cause_words]
        if self._kinds:
            said.append(sentence(f"as far as we know, {', and '.join(KINDS[kind] for kind in self._kinds)}"))
        if self._exfiltration:
            said.append(EXFILTRATION[Exfiltration(self._exfiltration)])
        if (backup := read(self._facts, "backup.state")) and Kind.AVAILABILITY in self._kinds:
            said.append(BACKUPS[BackupState(str(backup))])
        if read(self._facts, "restored.done") in ("yes", True):
            said.append("The data has been restored.")
        return tuple(words for words in said if words)

    @property
    def owed(self) -> tuple[Owed, ...]:
        """What will have to follow. Of backups and restoring only where data may have been lost."""
        known: dict[str, object] = {
            "cause": self._cause,
            "data": self._data,
            "exfiltration": self._exfiltration,
            "people.groups": self._groups,
            "people.count": self.count_words != NOT_YET_KNOWN,
        }
        lost = not self._kinds or Kind.AVAILABILITY in self._kinds
        return tuple(
            Owed(path, words)
            for path, words in OWED.items()
            if not (known[path] if path in known else read(self._facts, path))
            and (lost or path not in {"backup.state", "restored.done"})
        )

    @property
    def consequences(self) -> tuple[str, ...]:
        """What people could face, by what the data is (Art 33(3)(c)); each completes "people could face"."""
        codes, found = set(self._data), list[str]()
        seen = not self._kinds or Kind.CONFIDENTIALITY in self._kinds
        if seen and codes & {DataCode.CONTACT, DataCode.ADDRESS, DataCode.NAME, DataCode.COMMUNICATIONS}:
            found.append("unwanted or fraudulent messages that use what was seen about them")
        if seen and DataCode.CREDENTIALS in codes:
            found.append("misuse of accounts that share the same password")
        if seen and codes & FAMILY_CODES[DataFamily.MONEY]:
            found.append("attempts at fraud or financial loss")
        if seen and codes & {DataCode.NATIONAL_ID, DataCode.ID_DOCUMENT, DataCode.DATE_OF_BIRTH}:
            found.append("misuse of their identity")
        if seen and codes & FAMILY_CODES[DataFamily.SPECIAL]:
            found.append("distress or unfair treatment because private matters became known")
        if Kind.AVAILABILITY in self._kinds:
            found.append("delay or loss of a service while their data cannot be reached")
        if Kind.INTEGRITY in self._kinds:
            found.append("decisions about them that rest on wrong data")
        if read(self._facts, "safety_risk") in ("yes", True):
            found.append("a risk to their physical safety")
        return tuple(found)

    def _codes(self, path: str, words: type[E]) -> tuple[E, ...]:
        listed = read(self._facts, path)
        given = listed if isinstance(listed, list | tuple | set | frozenset) else ()
        return tuple(code for code in words if code in {str(each) for each in given})


def read(facts: Mapping[str, object], path: str) -> object | None:
    """Return one fact, or None where it is absent, null or `unknown`: not yet known."""
    found: object = facts
    for step in path.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return None if found in ("unknown", "", [], ()) else found


def _moment(value: object, zone: str) -> Moment | None:
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return Moment(value, zone) if isinstance(value, datetime) else None
