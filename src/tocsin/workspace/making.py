"""Make a new workspace in a folder: all of it or nothing, and never over a file that is there.

1. Gather every file it will hold, without touching the folder.
2. Refuse if any of them exists already.
3. Write them, `tocsin.yaml` last: until then the folder is not a workspace. If the disk fills up or
   anything else fails, what was written is taken away again.
"""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tocsin.durable import explained, private_folder, write_durably
from tocsin.errors import Refused
from tocsin.model.people import SHARED_LOGINS
from tocsin.ports import Randomness
from tocsin.workspace.finding import FILE, STARTER_FOLDERS, starter
from tocsin.workspace.sample import data_files

_HERE = Path(__file__).parent
_SECRET_BYTES = 30
_COPIED = frozenset({".yaml", ".yml", ".j2", ".jinja", ".jinja2", ".md", ".txt", ".html", ".json", ".css"})
PASSWORD = ".tocsin/secrets/local.password"  # noqa: S105 - where it is kept, not what it is


@dataclass(frozen=True, slots=True)
class Made:
    """What was made: the folder, how many files, and whether the maker can act as one of its people."""

    folder: Path
    files: int
    login: str | None


def make_workspace(
    folder: Path, randomness: Randomness, *, login: str, schemas: Mapping[str, bytes], sample: bool = False
) -> Made:
    """Make a workspace in `folder`, with the sample agency's data if asked.

    `schemas` maps a schema's file name to its text. Raises Refused when something is in the way, and
    OperationFailed when it cannot be written; the folder is then as it was.
    """
    # A login that several people share names nobody; the sample works without one.
    login_line = None if login in SHARED_LOGINS else login
    texts = _texts(login_line, schemas, sample=sample)
    _refuse_to_overwrite(folder, [*texts, FILE, PASSWORD])
    main = texts.pop(FILE)
    with _taken_back_on_failure(folder) as made:
        for name in (".tocsin", ".tocsin/secrets"):
            private_folder(made.folder_for(folder / name))
        write_durably(made.file(folder / PASSWORD), _password(randomness))
        count = made.write_all(folder, texts.items())
        if sample:
            count += made.write_all(folder, data_files())
        else:
            made.folder_for(folder / "data/file-share")
        write_durably(made.file(folder / FILE), main, mode=0o644)
    return Made(folder.resolve(), count + 2, login_line)


def _texts(login: str | None, schemas: Mapping[str, bytes], *, sample: bool) -> dict[str, bytes]:
    """Return every small file of the new workspace by its path."""
    texts = dict(_starter_content())
    begin = {".gitignore": "gitignore", "flows/README.md": "flows/README.md", FILE: FILE}
    texts.update({name: (_HERE / "begin" / source).read_bytes() for name, source in begin.items()})
    if sample:
        files = _HERE / "sample" / "files"
        texts.update({str(path.relative_to(files)): path.read_bytes() for path in sorted(files.rglob("*.yaml"))})
    texts.update({f"schemas/{name}": text for name, text in schemas.items()})
    written = json.dumps(login) if login else ""
    for name in (FILE, "people.yaml"):
        if name in texts:
            texts[name] = _with_login(texts[name].decode(), written).encode()
    return texts


def _with_login(text: str, login: str) -> str:
    lines = text.splitlines(keepends=True)
    return "".join(line.replace("@LOGIN@", login) for line in lines if login or "@LOGIN@" not in line)


def _starter_content() -> Iterator[tuple[str, bytes]]:
    """Yield the starter playbooks, drills and templates. Flows are not copied: the installed ones run."""
    root = starter()
    for folder in STARTER_FOLDERS:
        if folder == "flows":
            continue
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and path.suffix in _COPIED:
                yield str(path.relative_to(root)), path.read_bytes()


def _refuse_to_overwrite(folder: Path, names: Iterable[str]) -> None:
    if folder.exists() and not folder.is_dir():
        raise Refused(f"{folder} is a file. Name a folder for the workspace. Nothing was changed.")
    if (folder / FILE).exists():
        raise Refused(f"{folder} is a workspace already: it has a {FILE}. Nothing was changed.")
    in_the_way = sorted({name for name in names if (folder / name).exists()})
    if in_the_way:
        shown = ", ".join(in_the_way[:5]) + (f" and {len(in_the_way) - 5} more" if len(in_the_way) > 5 else "")  # noqa: PLR2004 - a line's worth
        raise Refused(
            f"{folder} already has {shown}, which a new workspace would replace. Nothing was changed. "
            "Choose an empty folder, or move them away first."
        )


def _password(randomness: Randomness) -> bytes:
    return base64.urlsafe_b64encode(randomness.token(_SECRET_BYTES)) + b"\n"


class _Making:
    """What was written so far, so that it can be taken away again."""

    def __init__(self) -> None:
        self.paths: list[Path] = []

    def folder_for(self, folder: Path) -> Path:
        """Make a folder with its parents, noting each that was not there."""
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
        for path in reversed(missing):
            with explained(path):
                path.mkdir()
            self.paths.append(path)
        return folder

    def file(self, path: Path) -> Path:
        """Note a file about to be written."""
        self.folder_for(path.parent)
        self.paths.append(path)
        return path

    def write_all(self, root: Path, files: Iterable[tuple[str, bytes]]) -> int:
        """Write files and return how many; not flushed one by one, for they can all be made again."""
        count = 0
        for name, content in files:
            path = self.file(root / name)
            with explained(path):
                path.write_bytes(content)
            count += 1
        return count

    def take_back(self) -> None:
        """Remove what was made, newest first."""
        for path in reversed(self.paths):
            with suppress(OSError):
                path.rmdir() if path.is_dir() else path.unlink()


@contextmanager
def _taken_back_on_failure(folder: Path) -> Iterator[_Making]:
    made = _Making()
    try:
        made.folder_for(folder)
        yield made
    except BaseException:
        made.take_back()
        raise
