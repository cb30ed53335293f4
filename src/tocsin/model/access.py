"""Who may use a system or a dataset, and why: one entry of an `access` list."""

from datetime import date
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema

from tocsin.model.fields import Id, Line
from tocsin.model.parts import Part
from tocsin.model.people import SHARED_LOGINS


class Access(Part):
    """One person's way in. Written short, a person's id alone will do: `access: [maya, tom]`."""

    who: Id | None = None
    """One of our people."""
    name: Line | None = None
    """Somebody who is not one of our people, such as a supplier's engineer."""
    login: Line | None = None
    """The account they use, where it has another name than they."""
    why: Line | None = None
    """What they need it for."""
    since: date | None = None
    """Since when they have it."""
    reviewed: date | None = None
    """When somebody last asked whether they still need it."""

    @model_validator(mode="after")
    def _says_somebody(self) -> Self:
        if not (self.who or self.name or self.login):
            raise ValueError("this names nobody. Write who (one of our people), name (somebody else) or login.")
        return self

    @property
    def is_named(self) -> bool:
        """Whether it says which person this is."""
        return bool(self.who or self.name)

    @property
    def is_shared(self) -> bool:
        """Whether the login is one that several people share, by its name."""
        return (self.login or "").lower() in SHARED_LOGINS

    @property
    def spoken(self) -> str:
        """How a sentence calls it: the person, else the login."""
        return self.who or self.name or f"the login {self.login}"


class _OrAnId:
    """Says to editors that an id alone will do in place of the map."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [{"type": "string"}, handler(schema)]}


def _from_id(value: object) -> object:
    return {"who": value} if isinstance(value, str) else value


AccessEntry = Annotated[Access, BeforeValidator(_from_id), _OrAnId()]
