"""Judge a drill. Pure: what was seen goes in, the verdict and its reasons come out.

- **failed**: something proves that recovering today would not give back what was backed up, or not in time.
  A repository that its own password, keys and config cannot open is that, too: nobody could restore from it.
- **could not run**: nothing was proved either way; the repository was locked or out of reach, or there was
  no room to restore into. It is never shown as failed or passed.
- **passed**: every object was read, every file came back as it was, within the targets.

Proof of damage outweighs what could not be run: a damaged pack stays damaged when the disk fills up later.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from tocsin.manifest import Comparison
from tocsin.ports import CheckSummary, RestoreSummary
from tocsin.recovery import DamagedObject, spell_span

MOST_NAMED = 50


class Verdict(StrEnum):
    """What a drill says about the backup."""

    PASSED = "passed"
    FAILED = "failed"
    COULD_NOT_RUN = "could-not-run"


class Code(StrEnum):
    """The kinds of findings, as the journal and the JSON report name them."""

    NO_SNAPSHOT = "no-snapshot"
    WILL_NOT_OPEN = "repository-will-not-open"
    DAMAGED_OBJECT = "damaged-object"
    SNAPSHOT_GONE = "snapshot-gone"
    LEDGER_ALTERED = "ledger-altered"
    RESTORE_FAILED = "restore-failed"
    DAMAGED_FILE = "damaged-file"
    MANIFEST = "manifest"
    MISSING_FILE = "missing-file"
    CHANGED_FILE = "changed-file"
    NOT_COMPARED = "not-compared"
    RTO_MISSED = "rto-missed"
    RPO_MISSED = "rpo-missed"
    OTHERS_GONE = "other-snapshots-gone"
    FOREIGN_SNAPSHOT = "foreign-snapshot"


_OF_FILES = frozenset(
    {Code.DAMAGED_FILE, Code.MISSING_FILE, Code.CHANGED_FILE, Code.MANIFEST, Code.RESTORE_FAILED}
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing seen. `thing` names the object of the repository, or the restored file."""

    code: Code
    sentence: str
    thing: str = ""
    fails: bool = True


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What kept the drill from proving anything, and the exit code that fits it."""

    sentence: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class Targets:
    """How long recovery may take, and how much work may be lost."""

    rto: timedelta
    rpo: timedelta


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything a drill saw; what it did not come to is None or empty.

    `broken` holds what was learnt before the restore (no snapshot, will not open, snapshot gone, ledger
    altered) and the notes that fail nothing. `rto` is fetching and verifying together, what a recovery takes.
    """

    targets: Targets
    broken: tuple[Finding, ...] = ()
    damaged: tuple[DamagedObject, ...] = ()
    check: CheckSummary | None = None
    restore: RestoreSummary | None = None
    comparison: Comparison | None = None
    manifest_problem: str | None = None
    rpo: timedelta | None = None
    rto: timedelta | None = None
    obstacle: Obstacle | None = None


@dataclass(frozen=True, slots=True)
class DrillVerdict:
    """The verdict and its reasons, the failing ones first. `compared`: every file was held to the manifest."""

    verdict: Verdict
    findings: tuple[Finding, ...]
    obstacle: Obstacle | None = None
    compared: bool = False

    @property
    def files_are_right(self) -> bool:
        """Whether what fails is not this plan's own files: they came back as they were backed up."""
        return self.compared and not any(finding.code in _OF_FILES for finding in self.failing)

    @property
    def failing(self) -> tuple[Finding, ...]:
        """The findings that fail the drill."""
        return tuple(finding for finding in self.findings if finding.fails)


def judge_drill(seen: Seen) -> DrillVerdict:
    """Return the verdict on what a drill saw."""
    damage = (*seen.broken, *_files(seen), *_objects(seen))
    findings = sorted((*damage, *_targets(seen)), key=lambda finding: not finding.fails)
    compared = seen.comparison is not None
    if any(finding.fails for finding in damage):
        return DrillVerdict(Verdict.FAILED, tuple(findings), compared=compared)
    if seen.obstacle:
        notes = tuple(finding for finding in findings if not finding.fails)
        return DrillVerdict(Verdict.COULD_NOT_RUN, notes, seen.obstacle)
    if any(finding.fails for finding in findings):
        return DrillVerdict(Verdict.FAILED, tuple(findings), compared=compared)
    if not _complete(seen):
        unfinished = Obstacle("The drill ended before everything was checked. Run it again.", 1)
        return DrillVerdict(Verdict.COULD_NOT_RUN, tuple(findings), unfinished)
    return DrillVerdict(Verdict.PASSED, tuple(findings), compared=compared)


def _complete(seen: Seen) -> bool:
    """Tell whether every proof that a pass needs is there: a pass is never what is left over."""
    return (
        seen.check is not None
        and seen.check.ok
        and seen.restore is not None
        and seen.restore.ok
        and seen.comparison is not None
        and seen.comparison.is_whole
        and seen.rto is not None
        and seen.rpo is not None
    )


def _objects(seen: Seen) -> list[Finding]:
    """Name the damaged objects: by their own hash, by the packs restic lists, by its words for the rest."""
    named = {found.what: found.problem for found in seen.damaged}
    if seen.check and not seen.check.ok:
        for pack in seen.check.broken_packs:
            named.setdefault(f"pack {pack}", "reading it does not give back what was stored")
    findings = [
        Finding(Code.DAMAGED_OBJECT, f"The repository is damaged, {what}: {why}.", what)
        for what, why in named.items()
    ]
    findings += [
        Finding(Code.DAMAGED_OBJECT, f"restic check says: {error.strip().rstrip('.')}.", "repository")
        for error in (seen.check.errors if seen.check and not seen.check.ok else ())
        if not any(what.partition(" ")[2] in error for what in named)
    ]
    if seen.check and not seen.check.ok and not findings:
        findings.append(Finding(Code.DAMAGED_OBJECT, "restic check found errors and named none.", "repository"))
    return _shortened(findings, "damaged objects")


def _files(seen: Seen) -> list[Finding]:
    """Name the files that did not come back as they were, each once, by the first that told."""
    findings: dict[str, Finding] = {}
    if seen.restore and not seen.restore.ok:
        for path, why in seen.restore.errors or (("", "it ended with errors and named none"),):
            findings.setdefault(path, Finding(Code.DAMAGED_FILE, f"Could not restore {path}: {why}.", path))
    if seen.restore and seen.manifest_problem:
        findings.setdefault("manifest", Finding(Code.MANIFEST, seen.manifest_problem, "manifest"))
    if seen.comparison:
        for code, paths, words in (
            (Code.MISSING_FILE, seen.comparison.missing, "was not restored"),
            (Code.CHANGED_FILE, seen.comparison.changed, "came back with other content than was backed up"),
        ):
            for path in paths:
                findings.setdefault(path, Finding(code, f"{path} {words}.", path))
    return [*_shortened(list(findings.values()), "files"), *_notes(seen.comparison)]


def _notes(comparison: Comparison | None) -> list[Finding]:
    """Tell what fails nothing: the tree was bound to our ledger, so these were stored as they came back."""
    if comparison is None:
        return []
    counted = (
        (comparison.extra, "came back and stand in no manifest: they were made while the backup ran"),
        (comparison.changed_during_backup, "changed while the backup ran and could not be compared"),
        (comparison.unvouched, "could not be read when the backup was taken"),
    )
    return [
        Finding(Code.NOT_COMPARED, f"{len(paths)} files {words}, such as {paths[0]}.", paths[0], fails=False)
        for paths, words in counted
        if paths
    ]


def _shortened(findings: list[Finding], what: str) -> list[Finding]:
    """Keep the first of many: a lost pack may hold a hundred thousand files, and a person reads fifty."""
    if len(findings) <= MOST_NAMED:
        return findings
    rest = Finding(findings[-1].code, f"And {len(findings) - MOST_NAMED} more {what}.", "")
    return [*findings[:MOST_NAMED], rest]


def _targets(seen: Seen) -> list[Finding]:
    findings = []
    if seen.rto is not None and seen.rto > seen.targets.rto:
        sentence = f"Recovery took {spell_span(seen.rto)}; the target is {spell_span(seen.targets.rto)}."
        findings.append(Finding(Code.RTO_MISSED, sentence))
    if seen.rpo is not None and seen.rpo > seen.targets.rpo:
        old, target = spell_span(seen.rpo), spell_span(seen.targets.rpo)
        sentence = f"The newest good snapshot was {old} old; the target is {target}."
        findings.append(Finding(Code.RPO_MISSED, sentence))
    return findings
