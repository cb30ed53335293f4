"""Codes as a careful person would say them to somebody outside: plain, no blame, no more certain than known."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TypeVar

from tocsin.model.vocabulary import BackupState, Cause, DataCode, Exfiltration, Kind, PeopleGroup

E = TypeVar("E", bound=StrEnum)

NOT_YET_KNOWN = "not yet known"

DATA: dict[DataCode, str] = {
    DataCode.NAME: "names",
    DataCode.CONTACT: "contact details",
    DataCode.ADDRESS: "postal addresses",
    DataCode.DATE_OF_BIRTH: "dates of birth",
    DataCode.EMPLOYMENT: "details of employment",
    DataCode.EDUCATION: "details of education",
    DataCode.ORDER_HISTORY: "orders and purchases",
    DataCode.VEHICLE: "vehicle details",
    DataCode.PHOTO: "photographs",
    DataCode.COMMUNICATIONS: "letters and messages",
    DataCode.OTHER: "other personal details",
    DataCode.LOCATION: "location data",
    DataCode.USAGE_PROFILE: "records of how people used a service",
    DataCode.PURCHASE_PROFILE: "profiles of what people buy",
    DataCode.BANK_ACCOUNT: "bank account details",
    DataCode.PAYMENT_CARD: "payment card details",
    DataCode.SALARY: "pay details",
    DataCode.FINANCIAL_DETAIL: "other financial details",
    DataCode.INSURANCE: "insurance details",
    DataCode.NATIONAL_ID: "National Insurance or other national identity numbers",
    DataCode.ID_DOCUMENT: "identity documents",
    DataCode.CREDENTIALS: "user names and passwords",
    DataCode.HEALTH: "health data",
    DataCode.ETHNICITY: "racial or ethnic origin",
    DataCode.POLITICS: "political opinions",
    DataCode.RELIGION: "religious or philosophical beliefs",
    DataCode.TRADE_UNION: "trade union membership",
    DataCode.SEX_LIFE: "sex life or sexual orientation",
    DataCode.GENETIC: "genetic data",
    DataCode.BIOMETRIC: "biometric data",
    DataCode.CRIMINAL: "criminal convictions or offences",
}

COUNTRIES: dict[str, str] = {
    "AT": "Austria",
    "AU": "Australia",
    "BE": "Belgium",
    "BG": "Bulgaria",
    "CA": "Canada",
    "CH": "Switzerland",
    "CY": "Cyprus",
    "CZ": "Czechia",
    "DE": "Germany",
    "DK": "Denmark",
    "EE": "Estonia",
    "ES": "Spain",
    "FI": "Finland",
    "FR": "France",
    "GG": "Guernsey",
    "GI": "Gibraltar",
    "GR": "Greece",
    "HR": "Croatia",
    "HU": "Hungary",
    "IE": "Ireland",
    "IM": "Isle of Man",
    "IN": "India",
    "IS": "Iceland",
    "IT": "Italy",
    "JE": "Jersey",
    "LI": "Liechtenstein",
    "LT": "Lithuania",
    "LU": "Luxembourg",
    "LV": "Latvia",
    "MT": "Malta",
    "NL": "the Netherlands",
    "NO": "Norway",
    "NZ": "New Zealand",
    "PL": "Poland",
    "PT": "Portugal",
    "RO": "Romania",
    "SE": "Sweden",
    "SI": "Slovenia",
    "SK": "Slovakia",
    "US": "the United States",
}
"""Countries by code; one that is not here is given by its code."""

PEOPLE: dict[PeopleGroup, str] = {
    PeopleGroup.CUSTOMER: "customers",
    PeopleGroup.EMPLOYEE: "employees",
    PeopleGroup.APPLICANT: "job applicants",
    PeopleGroup.PATIENT: "patients",
    PeopleGroup.STUDENT: "students",
    PeopleGroup.CHILD: "children",
    PeopleGroup.VULNERABLE_ADULT: "vulnerable adults",
    PeopleGroup.USER: "users of a service",
    PeopleGroup.CLIENT_CONTACT: "business contacts",
    PeopleGroup.OTHER: "other people",
}

WHAT_HAPPENED: dict[Cause, str] = {
    Cause.RANSOMWARE: "Files on our systems were made unreadable by ransomware.",
    Cause.MALWARE: "Malicious software ran on our systems.",
    Cause.PHISHING: "A phishing message reached us and led to unauthorised access.",
    Cause.MAILBOX_TAKEOVER: "Somebody gained access to a mailbox of ours without permission.",
    Cause.CREDENTIAL_ATTACK: "Somebody used login details to get into our systems without permission.",
    Cause.EXPLOITED_VULNERABILITY: "A weakness in software that we use was exploited to get into our systems.",
    Cause.VULNERABILITY: "A weakness was found in software that we use.",
    Cause.MISCONFIGURATION: "A system was set up in a way that left data open to people who should not see it.",
    Cause.INSIDER: "Data was used inside our organisation in a way that was not permitted.",
    Cause.IMPERSONATION: "Somebody obtained information from us by posing as another person.",
    Cause.MISDIRECTED_EMAIL: "An e-mail went to the wrong recipient.",
    Cause.OPEN_RECIPIENTS: "An e-mail went out in which the recipients could see each other's addresses.",
    Cause.MISDIRECTED_POST: "A letter or parcel went to the wrong address.",
    Cause.FAILED_REDACTION: "A document was released from which personal data had not been fully removed.",
    Cause.VERBAL_DISCLOSURE: "Personal data was spoken of to somebody who should not have heard it.",
    Cause.LOST_DEVICE: "A device was lost.",
    Cause.STOLEN_DEVICE: "A device was stolen.",
    Cause.LOST_PAPER: "Papers were lost.",
    Cause.STOLEN_PAPER: "Papers were stolen.",
    Cause.DELETION: "Data that should have been kept was deleted.",
    Cause.OUTAGE: "A system that holds personal data stopped being available.",
    Cause.OTHER: "An incident affected personal data that we hold.",
}

CYBER: frozenset[Cause] = frozenset(
    {
        Cause.RANSOMWARE,
        Cause.MALWARE,
        Cause.PHISHING,
        Cause.MAILBOX_TAKEOVER,
        Cause.CREDENTIAL_ATTACK,
        Cause.EXPLOITED_VULNERABILITY,
        Cause.VULNERABILITY,
        Cause.MISCONFIGURATION,
    }
)
"""Causes for which the ICO's form asks its questions about cyber incidents."""

KINDS: dict[Kind, str] = {
    Kind.CONFIDENTIALITY: "people without permission saw or may have seen personal data",
    Kind.INTEGRITY: "personal data was changed without permission",
    Kind.AVAILABILITY: "personal data was lost or could not be reached",
}

EXFILTRATION: dict[Exfiltration, str] = {
    Exfiltration.RULED_OUT: "We have looked into whether data was copied or taken, and have ruled it out.",
    Exfiltration.UNLIKELY: "We think it unlikely that data was copied or taken, but cannot rule it out.",
    Exfiltration.POSSIBLE: "Data may have been copied or taken. We cannot yet say whether it was.",
    Exfiltration.CONFIRMED: "Data was copied or taken.",
    Exfiltration.PUBLISHED: "Data was taken, and some or all of it has been published.",
    Exfiltration.NOT_APPLICABLE: "The question whether data was copied from our systems does not arise here.",
}

BACKUPS: dict[BackupState, str] = {
    BackupState.INTACT: "Our backups of the data are intact.",
    BackupState.PARTIAL: "Our backups cover part of the data.",
    BackupState.PAPER_ONLY: "Paper copies exist; there is no electronic backup that we can use.",
    BackupState.LOST: "The backups of the data were lost as well.",
    BackupState.NONE: "There was no backup of the data.",
}

OWED: dict[str, str] = {
    "cause": "how it happened",
    "kinds": "whether data was seen, changed or lost",
    "occurred.from": "when it happened",
    "data": "which kinds of data are concerned",
    "people.groups": "which groups of people are concerned",
    "people.count": "how many people are concerned",
    "records": "how many records are concerned",
    "exfiltration": "whether data was copied or taken",
    "backup.state": "whether the data can be brought back from backups",
    "restored.done": "when the data will be available again",
}
"""What a notice needs, in words that follow "we do not yet know". `records` is no fact we keep: always owed."""


def joined(words: tuple[str, ...]) -> str:
    """Return `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def sentence(words: str) -> str:
    """Return the words with a capital at the start and a full stop at the end, on one line."""
    line = " ".join(words.split())
    return f"{line[:1].upper()}{line[1:]}{'' if line.endswith(('.', '!', '?')) else '.'}" if line else ""


def listed(words: Mapping[E, str], codes: Iterable[E]) -> str:
    """Return codes in words, each once, as `a, b and c`."""
    return joined(tuple(words[code] for code in dict.fromkeys(codes)))
