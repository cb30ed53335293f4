"""Where evidence is kept."""

from tocsin.model.fields import Id
from tocsin.model.parts import Part


class Evidence(Part):
    """The repository that evidence goes into: one of its own, best append-only and out of the hosts' reach."""

    repository: Id
