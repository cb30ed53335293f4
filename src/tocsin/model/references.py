"""Check that every id written in one place is defined in another, on the plain data.

It works on documents rather than models, so that a wrong reference is told together with whatever else is
wrong and a person mends the file once.
"""

from collections.abc import Iterable, Iterator

from tocsin.errors import Problem, did_you_mean
from tocsin.model.document import Data, Document, Path
from tocsin.model.wording import spell

WORKSPACE_REFERENCES: tuple[tuple[tuple[str, ...], str], ...] = (
    (("people", "*", "deputy"), "people"),
    (("systems", "*", "owner"), "people"),
    (("systems", "*", "depends_on", "*"), "systems"),
    (("datasets", "*", "client"), "clients"),
    (("datasets", "*", "systems", "*"), "systems"),
    (("datasets", "*", "backup_plan"), "backup_plans"),
    (("backup_plans", "*", "repositories", "*"), "repositories"),
)
DRILL_REFERENCES: tuple[tuple[tuple[str, ...], str], ...] = (
    (("backup_plan",), "backup_plans"),
    (("owner",), "people"),
    (("deputy",), "people"),
)
_SINGULAR = {
    "people": "person",
    "clients": "client",
    "systems": "system",
    "backup_plans": "backup plan",
    "repositories": "repository",
}


def check_references(
    document: Document, defined: Document, references: tuple[tuple[tuple[str, ...], str], ...]
) -> list[Problem]:
    """Return a problem for every id in `document` that `defined` does not define."""
    return [
        problem
        for pattern, section in references
        for path, word in _words(document, pattern)
        if (problem := _unknown(word, path, section, document, defined))
    ]


def check_rings(document: Document) -> list[Problem]:
    """Return a problem for each person who is their own deputy, and each ring of systems."""
    own = [
        Problem(document.place(path), f"{path[1]} cannot be their own deputy.")
        for path, word in _words(document, ("people", "*", "deputy"))
        if word == path[1]
    ]
    needs = _needs(document)
    rings = [ring for start in needs if (ring := _ring_from(start, needs)) and start == min(ring)]
    return own + [
        Problem(
            document.place(("systems", ring[0], "depends_on")),
            f"These systems wait for each other and can never be brought back: {' > '.join([*ring, ring[0]])}.",
        )
        for ring in rings
    ]


def check_logins(document: Document) -> list[Problem]:
    """Return a problem for each login that two people have."""
    first: dict[str, Path] = {}
    problems = []
    for path, login in _words(document, ("people", "*", "login")):
        if login in first:
            message = f"{first[login][1]} already has the login {login!r} ({document.place(first[login])})."
            problems.append(Problem(document.place(path), message))
        first.setdefault(login, path)
    return problems


def _unknown(word: str, path: Path, section: str, document: Document, defined: Document) -> Problem | None:
    known = defined.at((section,))
    names = list(known) if isinstance(known, dict) else []
    if word in names:
        return None
    none = "" if names else f" There are no {section.replace('_', ' ')} yet."
    message = f"{spell(path)}: there is no {_SINGULAR[section]} {word!r}.{none or did_you_mean(word, names)}"
    return Problem(document.place(path), message)


def _words(document: Document, pattern: tuple[str, ...]) -> Iterator[tuple[Path, str]]:
    for path in _paths(document.data, pattern, ()):
        word = document.at(path)
        if isinstance(word, str):
            yield path, word


def _paths(data: Data, pattern: tuple[str, ...], path: Path) -> Iterator[Path]:
    if not pattern:
        yield path
        return
    steps: Iterable[str | int] = ()
    if pattern[0] != "*":
        steps = [pattern[0]] if isinstance(data, dict) and pattern[0] in data else []
    elif isinstance(data, dict):
        steps = list(data)
    elif isinstance(data, list):
        steps = range(len(data))
    for step in steps:
        inner: Data = data[step]  # type: ignore[index]  # the step comes from this very container
        yield from _paths(inner, pattern[1:], (*path, step))


def _needs(document: Document) -> dict[str, list[str]]:
    needs: dict[str, list[str]] = {}
    for path, word in _words(document, ("systems", "*", "depends_on", "*")):
        needs.setdefault(str(path[1]), []).append(word)
    return needs


def _ring_from(start: str, needs: dict[str, list[str]]) -> list[str] | None:
    """Return the shortest way from `start` back to itself."""
    trails = [[start]]
    seen = set()
    while trails:
        trail = trails.pop(0)
        for system in needs.get(trail[-1], []):
            if system == start:
                return trail
            if system not in seen:
                seen.add(system)
                trails.append([*trail, system])
    return None
