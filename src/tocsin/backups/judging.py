"""Was it a backup? A pure judgement of what was seen before, during and after one restic call.

`ok` means: restic saved everything it was asked to, every source was there and held something, and restic
counted at least the files that our own manifest counts. Files that changed under restic's hands do not spoil
a verdict, for live systems change all day; they are named, because nothing proves what was saved of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tocsin.manifest import SourceFault
from tocsin.ports import BackupSummary, DumpFault

# manifest.sha256 and manifest.jsonl travel in the same call.
MANIFEST_FILES = 2
NAMED_AT_MOST = 5


class Verdict(StrEnum):
    """What a backup was worth."""

    OK = "ok"
    INCOMPLETE = "incomplete"
    FAILED = "failed"


class Reason(StrEnum):
    """Why a backup is not ok; the journal keeps these and counts, for the sentences name files."""

    SOURCE_MISSING = "source-missing"
    SOURCE_EMPTY = "source-empty"
    SOURCE_LINK = "source-link"
    SOURCE_UNREADABLE = "source-unreadable"
    UNREAD = "unread"
    RESTIC_INCOMPLETE = "restic-incomplete"
    FEWER_FILES = "fewer-files"
    NO_SNAPSHOT = "no-snapshot"
    DUMP_MISSING = "dump-missing"
    DUMP_FAILED = "dump-failed"
    DUMP_TIMEOUT = "dump-timeout"
    DUMP_EMPTY = "dump-empty"
    DUMP_SMALL = "dump-small"
    DUMP_STRANGE = "dump-strange"


_FAULTS = {
    SourceFault.MISSING: (
        Reason.SOURCE_MISSING,
        "The source {path} is not there. Mount it, or correct its path in the backup plan.",
    ),
    SourceFault.EMPTY: (
        Reason.SOURCE_EMPTY,
        "The source {path} holds nothing. If a disk belongs there, mount it; else take it out of the backup plan.",
    ),
    SourceFault.LINK: (
        Reason.SOURCE_LINK,
        (
            "The source {path} is a symbolic link, of which restic saves nothing but the link. "
            "Name the folder it leads to in the backup plan."
        ),
    ),
    SourceFault.UNREADABLE: (
        Reason.SOURCE_UNREADABLE,
        "The source {path} may not be read by this user. Give it the right to, or run the backup as another.",
    ),
}


_DUMP_FAULTS = {
    "missing": (Reason.DUMP_MISSING, "there is nothing to make it with or of: {said}."),
    "failed": (Reason.DUMP_FAILED, "its command failed. {said}"),
    "timeout": (Reason.DUMP_TIMEOUT, "it was not done in its time and has been stopped."),
    "empty": (Reason.DUMP_EMPTY, "it was empty."),
    "small": (
        Reason.DUMP_SMALL,
        (
            "it has only {bytes} bytes, far less than the last good one. If the database really shrank, lower "
            "`smallest:` in the workspace for one run."
        ),
    ),
    "strange": (Reason.DUMP_STRANGE, "it does not begin as such a dump must."),
}


@dataclass(frozen=True, slots=True)
class BackupFacts:
    """What is known when restic has ended. `summary` is None when restic was not called for files at all.

    `has_files` says whether the plan has any; `dumps` pairs each dump's name with its fault, None if it is saved.
    """

    faults: Mapping[str, SourceFault] = field(default_factory=dict)
    manifest_files: int = 0
    unread: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    summary: BackupSummary | None = None
    has_files: bool = True
    dumps: tuple[tuple[str, DumpFault | None], ...] = ()


@dataclass(frozen=True, slots=True)
class BackupVerdict:
    """The verdict, each reason as a code and as a sentence, and what is worth knowing beside it."""

    verdict: Verdict
    codes: tuple[Reason, ...] = ()
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_ok(self) -> bool:
        """Whether it counts as a backup."""
        return self.verdict is Verdict.OK


def judge_backup(facts: BackupFacts) -> BackupVerdict:
    """Judge one backup whole: its files and its dumps."""
    files = judge_files(facts) if facts.has_files else None
    failed = [_dump_reason(name, fault) for name, fault in facts.dumps if fault is not None]
    if not facts.dumps and files is not None:
        return files
    nothing = len(failed) == len(facts.dumps) and (files is None or files.verdict is Verdict.FAILED)
    is_ok = not failed and (files is None or files.is_ok)
    codes = (*(files.codes if files else ()), *(code for code, _ in failed))
    return BackupVerdict(
        Verdict.OK if is_ok else Verdict.FAILED if nothing else Verdict.INCOMPLETE,
        tuple(dict.fromkeys(codes)),
        (*(files.reasons if files else ()), *(sentence for _, sentence in failed)),
        files.notes if files else (),
    )


def _dump_reason(name: str, fault: DumpFault) -> tuple[Reason, str]:
    code, why = _DUMP_FAULTS[fault.code]
    told = why.format(said=fault.said, bytes=fault.bytes).strip()
    return code, f"The dump {name} has no new snapshot: {told}"


def judge_files(facts: BackupFacts) -> BackupVerdict:
    """Judge what became of the files alone."""
    found = [(_FAULTS[fault][0], _FAULTS[fault][1].format(path=path)) for path, fault in facts.faults.items()]
    summary = facts.summary
    if summary is None or summary.snapshot_id is None:
        why = "Nothing was left to back up." if summary is None else "restic ended without saving a snapshot."
        return _verdict(Verdict.FAILED, [*found, (Reason.NO_SNAPSHOT, why)], ())
    if facts.unread:
        found.append((Reason.UNREAD, f"{named(facts.unread)} could not be read."))
    if summary.incomplete:
        what = named(summary.unreadable) if summary.unreadable else "Something"
        found.append(
            (Reason.RESTIC_INCOMPLETE, f"restic could not read everything: {what} is not in the snapshot.")
        )
    expected = facts.manifest_files + MANIFEST_FILES - len(facts.changed)
    if summary.total_files < expected and not summary.incomplete:
        found.append(
            (
                Reason.FEWER_FILES,
                f"restic saved {summary.total_files} files where at least {expected} were expected.",
            )
        )
    notes: tuple[str, ...] = ()
    if facts.changed:
        notes = (
            f"Changed while it was backed up, so nothing proves what was saved of it: {named(facts.changed)}.",
        )
    return _verdict(Verdict.INCOMPLETE if found else Verdict.OK, found, notes)


def named(paths: tuple[str, ...]) -> str:
    """Return the first few paths, and how many more there are."""
    shown = ", ".join(paths[:NAMED_AT_MOST])
    more = len(paths) - NAMED_AT_MOST
    return f"{shown} and {more} more" if more > 0 else shown


def _verdict(verdict: Verdict, found: list[tuple[Reason, str]], notes: tuple[str, ...]) -> BackupVerdict:
    codes = tuple(dict.fromkeys(code for code, _ in found))
    return BackupVerdict(verdict, codes, tuple(sentence for _, sentence in found), notes)
