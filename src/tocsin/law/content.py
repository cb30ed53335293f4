"""What a report must tell (UK GDPR Art 33(3)), and what of it is not known yet (Art 33(4): in phases).

Pure. A first report leaves with holes; each hole stays owed until it is known and told.
"""

from collections.abc import Mapping

from tocsin.law.facts.paths import fact_paths
from tocsin.law.facts.versions import value_at
from tocsin.model.document import Data

CONTENT: Mapping[str, str] = {
    "cause": "what happened (Art 33(3)(a))",
    "kinds": "whether data was seen, altered or lost (Art 33(3)(a))",
    "occurred.from": "since when (Art 33(3)(a))",
    "data": "which data (Art 33(3)(a))",
    "people.groups": "which people (Art 33(3)(a))",
    "people.count": "about how many people (Art 33(3)(a))",
    "exfiltration": "whether data left the house (Art 33(3)(c))",
    "service_impact": "what the people concerned suffer by it (Art 33(3)(c))",
}
"""Facts that a report tells, and in which words they are owed while they are not known."""


def still_owed(facts: Mapping[str, Data]) -> tuple[str, ...]:
    """Return the facts of `CONTENT` that this document does not hold, or holds as an open list."""
    return tuple(path for path in CONTENT if _is_open(value_at(facts, path)))


def owed_words(paths: tuple[str, ...] | list[str]) -> tuple[str, ...]:
    """Return what is owed in words, for a person."""
    return tuple(
        CONTENT.get(path, fact_paths()[path].question if path in fact_paths() else path) for path in paths
    )


def _is_open(value: Data) -> bool:
    return value is None or (isinstance(value, list) and "unknown" in value)
