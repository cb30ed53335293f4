"""Doors for other programs: those that are told of events, and those that may report a suspicion. All signed."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from tocsin.model.fields import Id, Line, SecretReference, WebAddress
from tocsin.model.parts import Named
from tocsin.model.vocabulary import Cause

_EVENT = re.compile(r"[a-z][a-z_-]*(\.[a-z_*-]+)*|\*")


def _check_event(text: str) -> str:
    if not _EVENT.fullmatch(text):
        raise ValueError(
            f"{text!r} is no kind of event. Write one of the journal's kinds, such as 'incident.declared', or "
            "several at once, such as 'incident.*'."
        )
    return text


EventPattern = Annotated[str, AfterValidator(_check_event)]


class Webhook(Named):
    """A web server that is told of events, signed. It gets ids, codes and times, never a name or a text."""

    url: WebAddress
    secret: SecretReference
    """What it knows us by: `whsec_` and base64, or any text of 24 to 64 bytes."""
    events: tuple[EventPattern, ...] = Field(min_length=1)
    """Kinds of journal entries, such as `incident.*`, `backup.finished`, `alarm.raised`."""


class Reporter(Named):
    """A program, such as monitoring or an EDR, that may open a suspected incident with a signed message."""

    title: Line
    secret: SecretReference
    """What we know it by: `whsec_` and base64, or any text of 24 to 64 bytes."""
    systems: tuple[Id, ...] = ()
    """The systems it watches: it may report on no other, and reports on all of them when it names none."""
    cause: Cause | None = None
    """What is suspected when it does not say."""
    per_hour: Annotated[int, Field(strict=True, ge=1, le=600)] = 20
    """How many reports are taken in an hour; more are turned away."""
