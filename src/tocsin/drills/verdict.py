"""Judge a drill. Pure: what was seen goes in, the verdict and its reasons come out.

- **failed**: something proves that recovering today would not give back what was backed up, or not in time.
  A repository that its own password, keys and config cannot open is that, too: nobody could restore from it.
- **could not run**: nothing was proved either way; the repository was locked or out of reach, there was no room
  to restore into, or no server to load a dump into. It is never shown as failed or passed.
- **passed**: everything up to the rung that the drill must reach was proven, within the targets.

Proof of damage outweighs what could not be run: a damaged pack stays damaged when the disk fills up later.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from tocsin.drills.climbing import climb
from tocsin.drills.seen import Code, Finding, Obstacle, Seen, Targets
from tocsin.manifest import Comparison
from tocsin.model.ladder import Rung
from tocsin.recovery import spell_span

__all__ = ["Code", "DrillVerdict", "Finding", "Obstacle", "Seen", "Targets", "Verdict", "judge_drill"]

MOST_NAMED = 50
_NOTHING = timedelta(0)
_OF_FILES = frozenset(
    {Code.DAMAGED_FILE, Code.MISSING_FILE, Code.CHANGED_FILE, Code.MANIFEST, Code.RESTORE_FAILED}
)


class Verdict(StrEnum):
    """What a drill says about the backup."""

    PASSED = "passed"
    FAILED = "failed"
    COULD_NOT_RUN = "could-not-run"


@dataclass(frozen=True, slots=True)
class DrillVerdict:
    """The verdict and its reasons, the failing ones first. `compared`: every file was held to the manifest.

    `reached` and `broken` are the ladder's: the highest rung that held, the lowest that did not.
    """

    verdict: Verdict
    findings: tuple[Finding, ...]
    obstacle: Obstacle | None = None
    compared: bool = False
    reached: Rung | None = None
    broken: Rung | None = None

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
    damage = (*seen.broken, *_files(seen), *_objects(seen), *_contents(seen))
    findings = tuple(sorted((*damage, *_targets(seen)), key=lambda finding: not finding.fails))
    climbed, broken = climb(seen)
    compared = (seen.comparison or seen.streamed) is not None
    if any(finding.fails for finding in damage):
        return DrillVerdict(Verdict.FAILED, findings, None, compared, climbed, broken)
    if seen.obstacle:
        notes = tuple(finding for finding in findings if not finding.fails)
        return DrillVerdict(Verdict.COULD_NOT_RUN, notes, seen.obstacle, False, climbed, broken)
    if any(finding.fails for finding in findings):
        return DrillVerdict(Verdict.FAILED, findings, None, compared, climbed, broken)
    if not _complete(seen, climbed):
        unfinished = Obstacle("The drill ended before everything was checked. Run it again.", 1)
        return DrillVerdict(Verdict.COULD_NOT_RUN, findings, unfinished, False, climbed, broken)
    return DrillVerdict(Verdict.PASSED, findings, None, compared, climbed, broken)


def _complete(seen: Seen, climbed: Rung | None) -> bool:
    """Tell whether every proof that a pass needs is there: a pass is never what is left over."""
    wanted = seen.targets.integrity
    return (
        climbed is not None
        and climbed.height >= wanted.height
        and seen.check is not None
        and seen.check.ok
        and seen.rpo is not None
        and (seen.rto is not None or wanted.height < Rung.L3.height)
    )


def _contents(seen: Seen) -> list[Finding]:
    """Name what was loaded or started and is not as it must be."""
    findings = []
    for database in seen.databases:
        if database.problem:
            findings.append(Finding(Code.DUMP_REFUSED, database.problem, database.dump))
        findings += [
            Finding(
                Code.DATABASE_DAMAGED, f"{database.dump} is damaged inside: {fault.rstrip('.')}.", database.dump
            )
            for fault in database.faults[:MOST_NAMED]
        ]
        findings += [
            Finding(Code.ASSERTION, f"{database.dump}: {each.problem}", f"{database.dump}: {each.query}")
            for each in database.asserted
            if each.problem
        ]
    findings += [Finding(Code.CHECK, each.problem, each.name) for each in seen.checks or () if each.problem]
    findings += [Finding(Code.PLAN_STEP, each.problem, each.name) for each in seen.steps or () if each.problem]
    return findings


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
    comparison = seen.comparison or seen.streamed
    if seen.restore and not seen.restore.ok:
        for path, why in seen.restore.errors or (("", "it ended with errors and named none"),):
            findings.setdefault(path, _not_restored(seen, path, why))
    if seen.manifest_problem and (seen.restore or seen.opened):
        if comparison is None:
            findings.setdefault("manifest", Finding(Code.MANIFEST, seen.manifest_problem, "manifest"))
        elif not any(found.code is Code.MANIFEST_DAMAGED for found in findings.values()):
            findings["manifest"] = Finding(Code.MANIFEST_DAMAGED, seen.manifest_problem, "manifest")
    if comparison:
        for code, paths, words in (
            (Code.MISSING_FILE, comparison.missing, "was not restored"),
            (Code.CHANGED_FILE, comparison.changed, "came back with other content than was backed up"),
        ):
            for path in paths:
                findings.setdefault(path, Finding(code, f"{path} {words}.", path))
    return [*_shortened(list(findings.values()), "files"), *_notes(comparison)]


def _not_restored(seen: Seen, path: str, why: str) -> Finding:
    if seen.home and path.startswith(f"{seen.home}/"):
        sentence = f"The manifest in the snapshot did not come back: {why}."
        if seen.comparison:
            sentence += " Every file was compared with our own copy of it instead."
        return Finding(Code.MANIFEST_DAMAGED, sentence, path)
    return Finding(Code.DAMAGED_FILE, f"Could not restore {path}: {why}.", path)


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
    rto, rpo = seen.targets.rto, seen.targets.rpo
    if seen.forecast is not None and seen.forecast > rto:
        sentence = (
            f"At this rate the full restore takes {spell_span(seen.forecast)}; the target is {spell_span(rto)}."
        )
        findings.append(Finding(Code.RTO_MISSED, sentence))
    elif seen.rto is not None and seen.rto > rto:
        sentence = f"Recovery took {spell_span(seen.rto)}; the target is {spell_span(rto)}."
        findings.append(Finding(Code.RTO_MISSED, sentence))
    if seen.rpo is not None and seen.rpo > rpo:
        sentence = f"The newest good snapshot was {spell_span(seen.rpo)} old; the target is {spell_span(rpo)}."
        findings.append(Finding(Code.RPO_MISSED, sentence))
    elif seen.records_age is not None and seen.records_age > rpo:
        sentence = (
            f"The newest record inside the data was {spell_span(seen.records_age)} old, although the snapshot was "
            f"only {spell_span(seen.rpo or _NOTHING)} old; the target is {spell_span(rpo)}. Is an old dump backed "
            "up again and again?"
        )
        findings.append(Finding(Code.RECORDS_OLD, sentence))
    return findings
