"""The tools an operation is given: nothing but tools, all of them replaceable, none of them results."""

from dataclasses import dataclass, replace
from typing import Self

from tocsin.model.workspace import Workspace
from tocsin.ports import Actor, Clock, CrashPoints, Mailer, Randomness, Restic, Secrets
from tocsin.store.database import Store


@dataclass(frozen=True, slots=True)
class Context:
    """What every operation may use. Built by `tocsin.wiring`, or by a test."""

    workspace: Workspace
    store: Store
    restic: Restic
    mailer: Mailer
    secrets: Secrets
    clock: Clock
    randomness: Randomness
    crash: CrashPoints
    actor: Actor

    def acting_as(self, actor: Actor) -> Self:
        """Return the same tools in another person's hands."""
        return replace(self, actor=actor)
