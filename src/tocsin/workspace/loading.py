"""Read tocsin.yaml, the files it includes and the drills into one checked workspace.

1. Read and parse each file, keeping where everything stands.
2. Merge the included maps; a key given twice is refused, naming both places.
3. Check the whole against the model, then every reference, then each drill: all problems, told together.
4. Add the warnings.
"""

from collections.abc import Iterator
from dataclasses import replace
from glob import has_magic
from pathlib import Path

from pydantic import ValidationError

from tocsin.errors import ConfigurationError, Place, Problem
from tocsin.model.advice import advise
from tocsin.model.document import Data, Document
from tocsin.model.document import Path as DataPath
from tocsin.model.references import (
    DRILL_REFERENCES,
    EXERCISE_REFERENCES,
    WORKSPACE_REFERENCES,
    check_copies,
    check_drill,
    check_logins,
    check_practice_drills,
    check_practices,
    check_references,
    check_rings,
)
from tocsin.model.workspace import Drill, Exercise, Workspace, WorkspaceFile
from tocsin.model.yaml_text import parse_yaml, problems_of
from tocsin.workspace.finding import FILE

DRILLS = "drills"


def load(folder: Path) -> Workspace:
    """Return the checked workspace in `folder`. Raises ConfigurationError with all problems of all its files."""
    root = folder.resolve()
    problems: list[Problem] = []
    main = read_document(root / FILE)
    included = list(_included(root, main, problems))
    # What an unreadable file would have defined is unknown, so a missing id proves nothing.
    complete = not problems
    document = _merge(main, included, problems)
    known = document if complete else None
    file = _validated(WorkspaceFile, document, problems)
    if known:
        problems += check_references(document, known, WORKSPACE_REFERENCES)
        problems += check_rings(document) + check_logins(document) + check_copies(document)
        problems += check_practices(document)
    drills, exercises = _drills(root, known, problems)
    if known and not problems:
        problems += check_practice_drills(document, drills)
    if problems or file is None:
        raise ConfigurationError(_in_order(problems, main.name))
    workspace = Workspace(
        root=root,
        organisation=file.organisation,
        people=file.people,
        clients=file.clients,
        systems=file.systems,
        datasets=file.datasets,
        repositories=file.repositories,
        backup_plans=file.backup_plans,
        drills=drills,
        exercises=exercises,
        channels=file.channels,
        approvals=file.approvals,
        alarms=file.alarms,
        practices=file.practices,
        reminders=file.reminders,
        webhooks=file.webhooks,
        reporters=file.reporters,
        rota=file.rota,
        paging=file.paging,
        evidence=file.evidence,
        backups=file.backups,
        recovery_kit=file.recovery_kit,
        label_rules=file.label_rules,
        handling=file.handling,
        departures=file.departures,
        written=document,
        store=file.store,
        state=file.state,
    )
    return _with_warnings(workspace, document)


def _in_order(problems: list[Problem], first: str) -> list[Problem]:
    """Return the problems file by file, the main one first, each from top to bottom."""

    def order(problem: Problem) -> tuple[bool, str, int, int]:
        place = problem.place
        return place.name != first, place.name, place.line, place.column

    return sorted(problems, key=order)


def read_document(path: Path) -> Document:
    """Read and parse one YAML file. Raises ConfigurationError, also when it cannot be read as text."""
    name = _shown(path)
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise ConfigurationError(Problem(Place(name), "The file does not exist.")) from None
    except OSError as fault:
        raise ConfigurationError(Problem(Place(name), f"The file cannot be read: {fault.strerror}.")) from fault
    except UnicodeDecodeError as fault:
        line = fault.object[: fault.start].count(b"\n") + 1
        raise ConfigurationError(Problem(Place(name, line, 1), "This line is not UTF-8 text.")) from None
    return parse_yaml(text, name)


def _shown(path: Path) -> str:
    """Return the path as a person here would write it."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _included(root: Path, main: Document, problems: list[Problem]) -> Iterator[Document]:
    patterns = main.at(("include",))
    seen = {root / FILE}
    for position, pattern in enumerate(patterns if isinstance(patterns, list) else []):
        place = main.place(("include", position))
        if not isinstance(pattern, str):
            continue
        for path in _matches(root, pattern, place, problems):
            if path not in seen:
                seen.add(path)
                yield from _collected(path, problems)


def included_files(root: Path) -> tuple[str, ...]:
    """Return the names of the files that tocsin.yaml includes, below the workspace. Raises ConfigurationError."""
    patterns = read_document(root / FILE).at(("include",))
    found = [
        path
        for pattern in (patterns if isinstance(patterns, list) else [])
        if isinstance(pattern, str)
        for path in _matches(root, pattern, Place(FILE), [])
    ]
    return tuple(dict.fromkeys(str(path.relative_to(root)) for path in found))


def _matches(root: Path, pattern: str, place: Place, problems: list[Problem]) -> list[Path]:
    if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
        problems.append(Problem(place, f"include stays inside the workspace; {pattern!r} leads out of it."))
        return []
    try:
        found = sorted(path for path in root.glob(pattern) if path.is_file() and not path.name.startswith("."))
    except (ValueError, NotImplementedError):
        found = []
    if not found:
        missing = "no file matches" if has_magic(pattern) else "there is no file"
        problems.append(Problem(place, f"include: {missing} {pattern!r} in the workspace."))
    return found


def _collected(path: Path, problems: list[Problem]) -> Iterator[Document]:
    try:
        document = read_document(path)
    except ConfigurationError as error:
        problems += error.problems
        return
    if document.data is None or isinstance(document.data, dict):
        yield document
    else:
        problems.append(
            Problem(document.place(()), "The file must be a map, such as 'clients:' with lines below.")
        )


def _merge(main: Document, others: list[Document], problems: list[Problem]) -> Document:
    """Return one document whose maps hold the entries of all, each with the place it came from."""
    if not isinstance(main.data, dict):
        message = "The file is empty." if main.data is None else "The file must be a map of 'key: value' lines."
        raise ConfigurationError([Problem(main.place(()), message), *problems])
    data: dict[str, Data] = {
        key: dict(value) if isinstance(value, dict) else value for key, value in main.data.items()
    }
    values, keys = dict(main.values), dict(main.keys)
    for other in others:
        added = set(_added(data, other, keys, problems))
        values.update((path, place) for path, place in other.values.items() if _in(path, added))
        keys.update((path, place) for path, place in other.keys.items() if _in(path, added))
    return Document(main.name, data, values, keys)


def _added(
    data: dict[str, Data], other: Document, keys: dict[DataPath, Place], problems: list[Problem]
) -> Iterator[DataPath]:
    """Put the other document's keys into `data` and yield the paths that came from it."""
    for section, found in other.data.items() if isinstance(other.data, dict) else ():
        present = data.get(section)
        if section == "include":
            problems.append(Problem(other.key_place((section,)), f"Only {FILE} may include further files."))
        elif section not in data or present is None:
            data[section] = dict(found) if isinstance(found, dict) else found
            yield (section,)
        elif isinstance(present, dict) and isinstance(found, dict):
            for key, value in found.items():
                if key in present:
                    problems.append(_twice((section, key), other, keys))
                else:
                    present[key] = value
                    yield (section, key)
        elif found is not None:
            problems.append(_twice((section,), other, keys))


def _twice(path: DataPath, other: Document, keys: dict[DataPath, Place]) -> Problem:
    name = ".".join(str(step) for step in path)
    return Problem(other.key_place(path), f"{name} was already given at {keys[path]}.")


def _in(path: DataPath, added: set[DataPath]) -> bool:
    return path[:1] in added or path[:2] in added


def _validated(model: type[WorkspaceFile], document: Document, problems: list[Problem]) -> WorkspaceFile | None:
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        problems += problems_of(error, document, model)
        return None


def _drills(
    root: Path, workspace: Document | None, problems: list[Problem]
) -> tuple[dict[str, Drill], dict[str, Exercise]]:
    """Return what `drills/` holds by its ids: the drills, and the exercises."""
    drills: dict[str, Drill] = {}
    exercises: dict[str, Exercise] = {}
    places: dict[tuple[str, str], Place] = {}
    # Names with a dot before them belong to editors.
    paths = sorted((root / DRILLS).glob("[!.]*.y*ml"))
    documents = [document for path in paths for document in _collected(path, problems)]
    plans = [str(document.at(("recovery_plan",))) for document in documents if is_recovery_plan(document)]
    for document in documents:
        if is_recovery_plan(document):
            continue  # checked with the playbooks, whose language it speaks
        if _is_exercise(document):
            found: Drill | Exercise | None = _exercise(document, workspace, problems)
            what = "exercise"
        else:
            found = _drill(document, workspace, problems)
            problems += check_drill(document, workspace, plans)
            what = "drill"
        if found is None:
            continue
        place = document.place((what,))
        if (what, found.id) in places:
            before = places[what, found.id]
            problems.append(Problem(place, f"The {what} {found.id!r} was already given at {before}."))
            continue
        places[what, found.id] = place
        if isinstance(found, Exercise):
            exercises[found.id] = found
        else:
            drills[found.id] = found
    return drills, exercises


def _is_exercise(document: Document) -> bool:
    return isinstance(document.data, dict) and "exercise" in document.data and "drill" not in document.data


def _exercise(document: Document, workspace: Document | None, problems: list[Problem]) -> Exercise | None:
    if workspace:
        problems += check_references(document, workspace, EXERCISE_REFERENCES)
    try:
        return Exercise.model_validate(document.data)
    except ValidationError as error:
        problems += problems_of(error, document, Exercise)
        return None


def is_recovery_plan(document: Document) -> bool:
    """Tell whether a file of `drills/` is a recovery plan rather than a drill: by the key that names it."""
    return isinstance(document.data, dict) and "recovery_plan" in document.data and "drill" not in document.data


def _drill(document: Document, workspace: Document | None, problems: list[Problem]) -> Drill | None:
    if document.data is None:
        problems.append(Problem(document.place(()), "The file is empty."))
        return None
    if workspace:
        problems += check_references(document, workspace, DRILL_REFERENCES)
    try:
        return Drill.model_validate(document.data)
    except ValidationError as error:
        problems += problems_of(error, document, Drill)
        return None


def _with_warnings(workspace: Workspace, document: Document) -> Workspace:
    return replace(workspace, warnings=advise(workspace, document))
