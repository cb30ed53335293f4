"""Check that every id written in one place is defined in another, on the plain data.

It works on documents rather than models, so that a wrong reference is told together with whatever else is
wrong and a person mends the file once.
"""

from collections.abc import Iterable, Iterator, Sequence

from tocsin.errors import Problem, did_you_mean
from tocsin.model.document import Data, Document, Path
from tocsin.model.practice import PracticeName
from tocsin.model.wording import spell

WORKSPACE_REFERENCES: tuple[tuple[tuple[str, ...], str], ...] = (
    (("people", "*", "deputy"), "people"),
    (("systems", "*", "owner"), "people"),
    (("systems", "*", "access", "*"), "people"),
    (("systems", "*", "access", "*", "who"), "people"),
    (("systems", "*", "backed_up_by"), "backup_plans"),
    (("reporters", "*", "systems", "*"), "systems"),
    (("systems", "*", "depends_on", "*"), "systems"),
    (("datasets", "*", "client"), "clients"),
    (("datasets", "*", "systems", "*"), "systems"),
    (("datasets", "*", "backup_plan"), "backup_plans"),
    (("datasets", "*", "owner"), "people"),
    (("datasets", "*", "access", "*"), "people"),
    (("datasets", "*", "access", "*", "who"), "people"),
    (("departures", "*", "owner"), "people"),
    (("departures", "*", "system"), "systems"),
    (("departures", "*", "dataset"), "datasets"),
    (("departures", "*", "backup_plan"), "backup_plans"),
    (("backup_plans", "*", "repositories", "*"), "repositories"),
    (("repositories", "*", "from"), "repositories"),
    (("rota", "*", "people", "*"), "people"),
    (("evidence", "repository"), "repositories"),
    (("practices", "*", "owner"), "people"),
    (("practices", "*", "deputy"), "people"),
    (("practices", "*", "people", "*"), "people"),
    (("practices", "*", "systems", "*"), "systems"),
    (("practices", "*", "this_machine"), "systems"),
)
DRILL_REFERENCES: tuple[tuple[tuple[str, ...], str], ...] = (
    (("backup_plan",), "backup_plans"),
    (("owner",), "people"),
    (("deputy",), "people"),
    (("participants", "*"), "people"),
    (("databases", "*", "system"), "systems"),
    (("checks", "*", "system"), "systems"),
)
EXERCISE_REFERENCES: tuple[tuple[tuple[str, ...], str], ...] = ((("owner",), "people"), (("deputy",), "people"))
_SINGULAR = {
    "people": "person",
    "clients": "client",
    "systems": "system",
    "datasets": "dataset",
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


def check_drill(document: Document, defined: Document | None, plans: Sequence[str]) -> list[Problem]:
    """Return a problem for a drill's recovery plan that is none of `plans`, and for each dump its plan has not.

    A dump with a slash or a dot in it is a file among what the plan reads, which only a backup can tell.
    """
    problems = []
    for path, word in _words(document, ("recovery_plan",)):
        if word not in plans:
            none = "" if plans else " There are no recovery plans in drills/ yet."
            message = f"{spell(path)}: there is no recovery plan {word!r}.{none or did_you_mean(word, plans)}"
            problems.append(Problem(document.place(path), message))
    plan = next((word for _, word in _words(document, ("backup_plan",))), "")
    names = [
        word
        for _, word in (_words(defined, ("backup_plans", plan, "sources", "*", "dump", "name")) if defined else ())
    ]
    names += [f"{name}-globals" for name in names]
    for path, word in _words(document, ("databases", "*", "dump")):
        if defined and not set("/.") & set(word) and word not in names:
            none = "" if names else f" {plan} makes no dumps: write the path of a file that it reads."
            message = f"{spell(path)}: {plan} makes no dump {word!r}.{none or did_you_mean(word, names)}"
            problems.append(Problem(document.place(path), message))
    return problems


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


def check_copies(document: Document) -> list[Problem]:
    """Return a problem for each repository that cannot be filled from the one it names.

    That one must be another, be filled by backups itself, and be served by each plan that uses the copy.
    """
    filled = {str(path[1]): (path, word) for path, word in _words(document, ("repositories", "*", "from"))}
    problems = []
    for name, (path, source) in filled.items():
        if source == name or source in filled:
            said = "itself" if source == name else f"{source}, which is a copy as well"
            problems.append(Problem(document.place(path), f"{name} cannot be filled from {said}."))
    for path, word in _words(document, ("backup_plans", "*", "repositories", "*")):
        used = document.at(path[:-1])
        if word in filled and isinstance(used, list) and filled[word][1] not in used:
            message = f"{word} is filled from {filled[word][1]}, so this plan must use that one too."
            problems.append(Problem(document.place(path), message))
    return problems


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


def check_practice_drills(document: Document, drills: Iterable[str]) -> list[Problem]:
    """Return a problem for each drill that a practice names and no file of `drills/` defines."""
    known = list(drills)
    return [
        Problem(document.place(path), f"{spell(path)}: there is no drill {word!r}.{did_you_mean(word, known)}")
        for path, word in _words(document, ("practices", "*", "drills", "*"))
        if word not in known
    ]


def check_practices(document: Document) -> list[Problem]:
    """Return a problem for each practice of the firm's own that lacks its title or rhythm."""
    practices = document.at(("practices",))
    ours = [str(one) for one in PracticeName]
    problems = []
    for name, written in practices.items() if isinstance(practices, dict) else ():
        problems += _unknown_keys(document, ("practices", name, "pip"))
        if name in ours:
            continue
        lacks = [key for key in ("title", "every") if not isinstance(written, dict) or not written.get(key)]
        if lacks:
            known = did_you_mean(str(name), ours)
            message = f"practices.{name}: it is none of ours, so it needs {' and '.join(lacks)}.{known}"
            problems.append(Problem(document.key_place(("practices", name)), message))
    return problems


def _unknown_keys(document: Document, path: Path) -> list[Problem]:
    """Return a problem for each key of the map at `path` that is no system."""
    found, known = document.at(path), document.at(("systems",))
    names = list(known) if isinstance(known, dict) else []
    return [
        Problem(document.key_place((*path, key)), f"{spell((*path, key))}: there is no system {key!r}.{hint}")
        for key in (found if isinstance(found, dict) else ())
        if key not in names and (hint := did_you_mean(str(key), names)) is not None
    ]


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
