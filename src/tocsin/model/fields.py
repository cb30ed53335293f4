"""Values a person writes in a workspace file: ids, durations, schedules, secret references and the like.

Each is an annotated type that pydantic checks, with the pattern editors need in its JSON Schema. What is
wrong is said in a sentence; a secret's reference is never shown, for it may be the secret itself.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice, pairwise
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, StringConstraints, WithJsonSchema

from tocsin.errors import did_you_mean

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_DURATION = re.compile(r"([0-9]{1,6}) ?([a-z]+)")
_UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
    # The calendar's mean, so that twelve months are a year and four years are 1461 days.
    "month": timedelta(days=30.4375),
    "y": timedelta(days=365.25),
}
_SPELLINGS = {
    **{unit: unit for unit in _UNITS},
    "sec": "s",
    "second": "s",
    "min": "m",
    "minute": "m",
    "hour": "h",
    "day": "d",
    "week": "w",
    "year": "y",
}
_DURATION_PATTERN = r"^[0-9]{1,6} ?(s|m|h|d|w|y|sec|min|seconds?|minutes?|hours?|days?|weeks?|months?|years?)$"
_REFERENCE_PATTERN = r"^(file:.+|env:[A-Za-z_][A-Za-z0-9_]*|command:.+|credential:[A-Za-z0-9_.@-]+)$"
_MAIL = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+\.[^@\s<>,;.]+")
_CRON_FIELDS = 5
_NICKNAMES = {
    "@hourly": "0 * * * *",
    "@daily": "30 2 * * *",
    "@midnight": "30 2 * * *",
    "@weekly": "30 2 * * 0",
    "@monthly": "30 2 1 * *",
    "@yearly": "30 2 1 1 *",
    "@annually": "30 2 1 1 *",
}
_CRON_START = datetime(2024, 1, 1, tzinfo=UTC)
_CRON_HORIZON = timedelta(days=5 * 366)


def parse_duration(text: object) -> timedelta:
    """Return `90m`, `24h`, `7d`, `6 years` as a timedelta. Raises ValueError with a sentence."""
    if isinstance(text, timedelta):
        return text
    matched = _DURATION.fullmatch(text.strip().lower()) if isinstance(text, str) else None
    unit = _unit(matched[2]) if matched else None
    if not matched or unit is None:
        raise ValueError(
            f"{text!r} is not a duration. Write a number and a unit, such as 90m, 24h, 7d or 6 years."
        )
    if int(matched[1]) == 0:
        raise ValueError("a duration of nothing cannot be kept. Write one such as 90m, 24h, 7d or 6 years.")
    return int(matched[1]) * _UNITS[unit]


def _unit(word: str) -> str | None:
    return _SPELLINGS.get(word) or _SPELLINGS.get(word.removesuffix("s"))


def spell_duration(duration: timedelta) -> str:
    """Return a duration as a person writes it, in the largest unit that fits it whole."""
    for unit, name in (("y", " years"), ("month", " months"), ("d", "d"), ("h", "h"), ("m", "m")):
        count, rest = divmod(duration, _UNITS[unit])
        if count and not rest:
            return f"{count}{name}" if count > 1 or len(name) == 1 else f"{count}{name[:-1]}"
    return f"{round(duration.total_seconds())}s"


def check_cron(text: str) -> str:
    """Return a five-field cron expression that fires at least once in five years, or raise ValueError."""
    if text in _NICKNAMES:
        raise ValueError(f"write {text} out: {_NICKNAMES[text]!r}.")
    fields = text.split()
    if len(fields) != _CRON_FIELDS:
        raise ValueError(
            f"{text!r} is not a schedule: it needs five fields (minute hour day month weekday), "
            "such as '30 2 * * *' for 02:30 each night."
        )
    try:
        first = next(CronSim(text, _CRON_START), None)
    except (CronSimError, ValueError) as fault:
        wrong = str(fault).removeprefix("Bad ") or "fields"
        if _is_wrong_only_together(fields):
            raise ValueError(f"{text!r} would never run: there is no such day. {_EXAMPLE}") from None
        raise ValueError(f"{text!r} is not a schedule: its {wrong} cannot be. {_EXAMPLE}") from None
    if first is None or first - _CRON_START > _CRON_HORIZON:
        raise ValueError(f"{text!r} would never run: there is no such day. {_EXAMPLE}")
    return text


def _is_wrong_only_together(fields: list[str]) -> bool:
    try:
        CronSim(" ".join([*fields[:3], "*", fields[4]]), _CRON_START)
        CronSim(" ".join([*fields[:2], "*", *fields[3:]]), _CRON_START)
    except (CronSimError, ValueError):
        return False
    return True


_EXAMPLE = "'30 2 * * *' runs at 02:30 each night, '0 9 1 */3 *' at 09:00 on the first of each quarter."


@lru_cache
def is_hourly(cron: str) -> bool:
    """Tell whether a schedule runs hourly or finer around the hour that a clock change takes or repeats."""
    return {0, 1, 2} <= CronSim(cron, _CRON_START).hours


@lru_cache
def longest_gap(cron: str) -> timedelta:
    """Return the longest wait between two of the schedule's next runs (fifty of them, in UTC)."""
    times = islice(CronSim(cron, _CRON_START), 50)
    return max((later - earlier for earlier, later in pairwise(times)), default=timedelta(0))


def _check_id(text: str) -> str:
    if not _ID.fullmatch(text):
        raise ValueError(f"{text!r} cannot be an id. Use lower-case letters, digits and dashes{_better_id(text)}.")
    return text


def _better_id(text: str) -> str:
    better = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return f", such as {better!r}" if _ID.fullmatch(better) else ""


def _check_secret(value: object) -> object:
    # Whatever stands here may be the secret itself, so no message shows it.
    if not isinstance(value, str) or not re.match(_REFERENCE_PATTERN, value):
        raise ValueError(
            "a secret never stands in this file. Write where to find it: file:PATH, env:NAME, command:PROGRAM "
            "or credential:NAME. If a real password stood here, change it."
        )
    return value


def _check_text(text: str) -> str:
    if any(ord(sign) < ord(" ") and sign not in "\n\t" for sign in text):
        raise ValueError("a control character stands in this text. Type it again without.")
    return text


def _check_line(text: str) -> str:
    if "\n" in text:
        raise ValueError("this must stand on one line.")
    return _check_text(text)


def _check_public_key(text: str) -> str:
    # A private key pasted by mistake must not be shown either.
    if not re.fullmatch(r"(ssh-|ecdsa-|sk-)[a-z0-9@.-]+ [A-Za-z0-9+/=]+( .*)?", text):
        raise ValueError("this is not a public key on one line, such as 'ssh-ed25519 AAAA... maya@laptop'.")
    return text


def _check_mail(text: str) -> str:
    if not _MAIL.fullmatch(text):
        raise ValueError(f"{text!r} is not a mail address.")
    return text


def _check_web_address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("this is no web address. Write https:// and where it is.")
    if parts.username or parts.password:
        raise ValueError("a user or password stands in this address. Leave it out, and change it.")
    if parts.scheme == "http" and parts.hostname not in {"127.0.0.1", "::1", "localhost"}:
        raise ValueError("over http:// anybody on the way can read and change it. Write https://.")
    return text


def _check_zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        zones = available_timezones()
        hint = did_you_mean(text, zones) if len(zones) and did_you_mean(text, zones).startswith(" Did") else ""
        raise ValueError(f"{text!r} is not a time zone.{hint} Write one such as Europe/London or UTC.") from None
    return text


def _check_country(text: str) -> str:
    if not re.fullmatch(r"[A-Z]{2}", text) or text == "UK":
        likely = {"UK": "GB"}.get(text.upper(), text.upper())
        hint = f" Did you mean {likely!r}?" if re.fullmatch(r"[A-Z]{2}", likely) else ""
        raise ValueError(f"{text!r} is not a country code of two capital letters, such as GB or IE.{hint}")
    return text


def _yes_or_no(value: object) -> object:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value


def _true_or_false(value: object) -> object:
    return {"yes": True, "no": False}.get(value, value) if isinstance(value, str) else value


_Stripped = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000)]
Text = Annotated[_Stripped, AfterValidator(_check_text)]
Line = Annotated[_Stripped, AfterValidator(_check_line)]
"""Text on one line: it goes into subjects, tables, paths and commands."""
PublicKey = Annotated[_Stripped, AfterValidator(_check_public_key)]
Id = Annotated[str, AfterValidator(_check_id), WithJsonSchema({"type": "string", "pattern": f"^{_ID.pattern}$"})]
Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(spell_duration),
    WithJsonSchema({"type": "string", "pattern": _DURATION_PATTERN, "examples": ["90m", "24h", "7d", "6 years"]}),
]
Cron = Annotated[str, AfterValidator(check_cron), Field(json_schema_extra={"examples": ["30 2 * * *"]})]
SecretReference = Annotated[
    str, BeforeValidator(_check_secret), WithJsonSchema({"type": "string", "pattern": _REFERENCE_PATTERN})
]
MailAddress = Annotated[str, AfterValidator(_check_mail), Field(json_schema_extra={"format": "email"})]
WebAddress = Annotated[_Stripped, AfterValidator(_check_web_address), Field(json_schema_extra={"format": "uri"})]
TimeZone = Annotated[str, AfterValidator(_check_zone)]
Country = Annotated[
    str, AfterValidator(_check_country), WithJsonSchema({"type": "string", "pattern": "^[A-Z]{2}$"})
]
Whole = Annotated[int, Field(strict=True, ge=0)]
YesWord = BeforeValidator(_yes_or_no)
"""Put on an enum with `yes` and `no`: YAML's true and false are taken for them."""
TrueFalse = Annotated[
    bool,
    BeforeValidator(_true_or_false),
    Field(strict=True),
    WithJsonSchema({"enum": [True, False, "yes", "no"]}),
]
