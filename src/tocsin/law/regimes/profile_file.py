"""The organisation as a file of its own, for `tocsin assess --profile`: no workspace, no store.

    regulated_as: [sra]
    small: yes
    clients: {acme: {name: Acme Ltd, notice_hours: 24}}
    policies: [{insurer: Aegis, policy: CY-1, notice_hours: 48}]

Whatever is left out is not known, and a regime that turns on it says so.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tocsin.errors import ConfigurationError
from tocsin.law.regimes.profile import ClientTerms, Policy, Profile, Regulated
from tocsin.model.document import Document
from tocsin.model.fields import Id, Line, TrueFalse
from tocsin.model.wording import problems_of

Hours = Annotated[int, Field(strict=True, ge=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ClientEntry(_Part):
    """One client's contract terms."""

    name: Line | None = None
    notice_hours: Hours | None = None


class PolicyEntry(_Part):
    """One insurance policy."""

    insurer: Line
    policy: Line
    notice_hours: Hours | None = None


class ProfileFile(_Part):
    """The whole file."""

    regulated_as: tuple[Regulated, ...] | None = None
    small: TrueFalse | None = None
    clients: dict[Id, ClientEntry] | None = None
    policies: tuple[PolicyEntry, ...] | None = None


def parse_profile(document: Document) -> Profile:
    """Return the profile in a YAML document. Raises ConfigurationError with every problem and its place."""
    try:
        found = ProfileFile.model_validate({} if document.data is None else document.data)
    except ValidationError as error:
        raise ConfigurationError(problems_of(error, document, ProfileFile)) from None
    clients, policies = found.clients, found.policies
    return Profile(
        regulated_as=None if found.regulated_as is None else frozenset(found.regulated_as),
        small=found.small,
        clients=None
        if clients is None
        else tuple(ClientTerms(key, each.name or key, each.notice_hours) for key, each in clients.items()),
        policies=None
        if policies is None
        else tuple(Policy(each.insurer, each.policy, each.notice_hours) for each in policies),
    )
