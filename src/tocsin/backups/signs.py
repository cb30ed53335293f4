"""From what changed between two manifests to the few numbers that plausibility is judged by. Pure.

A file counts as encrypted when it has turned into noise, or has lost the beginning that its kind must have. New
files that are noise count only as far as others vanished for them: a photo shoot removes nothing.
"""

import os
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

from tocsin.backups.ransom_names import RansomNames, extension_of
from tocsin.manifest import BINARY, NOISE, SEALED, SMALL, TEXT, Change, Delta, shown_path

_HIDDEN = {NOISE, SEALED}


@dataclass(frozen=True, slots=True)
class Signs:
    """What one backup's delta looks like, in numbers of files unless named bytes.

    `rewritten_noise` were noise before and are other noise now. `appended` are files whose name is a vanished
    one's with a single strange ending after it. `added_bytes` and `packed_bytes` are restic's, 0 before it ran.
    """

    is_first: bool = False
    files_before: int = 0
    files_now: int = 0
    bytes_before: int = 0
    bytes_now: int = 0
    added: int = 0
    changed: int = 0
    removed: int = 0
    moved: int = 0
    encrypted_in_place: int = 0
    encrypted_renamed: int = 0
    rewritten_noise: int = 0
    misfits: int = 0
    strange_extension: str = ""
    strange: int = 0
    appended: int = 0
    ransom_named: int = 0
    ransom_extension: str = ""
    notes: int = 0
    note: str = ""
    canaries: tuple[str, ...] = field(default=())
    added_bytes: int = 0
    packed_bytes: int = 0

    @property
    def encrypted(self) -> int:
        """Files that look encrypted and did not before."""
        return self.encrypted_in_place + self.encrypted_renamed

    @property
    def churn(self) -> float:
        """The share of files that came, went or changed."""
        return (self.added + self.changed + self.removed) / max(self.files_before, 1)


def signs_of(delta: Delta, names: RansomNames, canaries: Collection[bytes] = ()) -> Signs:
    """Return the signs of a delta; `canaries` are the paths that must never change."""
    arrivals = [change.path for change in delta.added] + [new for _, new in delta.moved]
    departures = {*delta.removed, *(old for old, _ in delta.moved)}
    strange_extension, strange = _strangest(arrivals, names) if departures else ("", 0)
    ransom = Counter(extension for path in arrivals if (extension := extension_of(path)) in names.extensions)
    notes = [change.path for change in delta.added if names.is_note(change.path)]
    hidden = sum(_is_hidden(change, names) for change in delta.added)
    return Signs(
        is_first=delta.is_first,
        files_before=delta.files_before,
        files_now=delta.files_now,
        bytes_before=delta.bytes_before,
        bytes_now=delta.bytes_now,
        added=0 if delta.is_first else len(delta.added),
        changed=len(delta.changed),
        removed=len(delta.removed),
        moved=len(delta.moved),
        encrypted_in_place=sum(_was_encrypted(change, names) for change in delta.changed),
        encrypted_renamed=min(hidden, len(delta.removed)),
        rewritten_noise=sum(_is_rewritten_noise(change, names) for change in delta.changed),
        misfits=sum(_is_misfit(change, names) for change in delta.added) if delta.is_first else 0,
        strange_extension=strange_extension,
        strange=strange,
        appended=_appended(arrivals, departures, strange_extension),
        ransom_named=sum(ransom.values()),
        ransom_extension=ransom.most_common(1)[0][0] if ransom else "",
        notes=len(notes),
        note=shown_path(notes[0].rpartition(b"/")[2]) if notes else "",
        canaries=_touched(delta, canaries),
    )


def _was_encrypted(change: Change, names: RansomNames) -> bool:
    """Tell whether a changed file is hidden now and was not before."""
    family = names.family_of.get(extension_of(change.path))
    if change.look in _HIDDEN:
        return change.before not in {"", *_HIDDEN} or (change.before == "" and family is not None)
    if change.look == BINARY:
        return family is not None and change.before == family
    return change.look == SMALL and change.size > 0 and change.before == TEXT


def _is_rewritten_noise(change: Change, names: RansomNames) -> bool:
    if change.look not in _HIDDEN:
        return False
    return change.before in _HIDDEN or (change.before == "" and extension_of(change.path) not in names.family_of)


def _is_hidden(change: Change, names: RansomNames) -> bool:
    """Tell whether a new file hides what it holds; too short a one does when it is not what it is named."""
    if change.look in _HIDDEN:
        return True
    return change.look in {BINARY, SMALL} and change.size > 0 and extension_of(change.path) in names.extensions


def _is_misfit(change: Change, names: RansomNames) -> bool:
    return change.look in _HIDDEN and extension_of(change.path) in names.family_of


def _strangest(arrivals: list[bytes], names: RansomNames) -> tuple[str, int]:
    """Return the commonest extension among new names that no ordinary file has."""
    found = Counter(
        extension for path in arrivals if not names.is_known(extension := extension_of(path))
    ).most_common(1)
    return found[0] if found else ("", 0)


def _appended(arrivals: list[bytes], departures: set[bytes], extension: str) -> int:
    if not extension:
        return 0
    ending = len(os.fsencode(extension)) + 1
    return sum(extension_of(path) == extension and path[:-ending] in departures for path in arrivals)


def _touched(delta: Delta, canaries: Collection[bytes]) -> tuple[str, ...]:
    """Return the canaries that are not what they were; on the first day there is nothing to compare with."""
    if delta.is_first or not canaries:
        return ()
    moved = {*delta.removed, *(old for old, _ in delta.moved), *(change.path for change in delta.changed)}
    return tuple(shown_path(path) for path in sorted(canaries) if path in moved)
