"""What a label asks of the systems, datasets and backup plans that hold the data, and where it is not so. Pure.

The matrix (`model.handling`) says what each label asks. Each thing is measured by the most careful label it holds.
What is known to be otherwise is MUST or SHOULD; what nobody has said is ASK, and is never taken for a no or a yes.
A departure that still holds is carried by the finding it excuses.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from tocsin.errors import Problem
from tocsin.model.document import Path
from tocsin.model.fields import longest_gap, spell_duration
from tocsin.model.finding import Finding, Severity
from tocsin.model.handling import Departure, Rule, Rules, rules_of
from tocsin.model.holdings import Dataset, System, careful_label
from tocsin.model.label_access import access_owed
from tocsin.model.owed import Owed
from tocsin.model.protection import BackupPlan
from tocsin.model.vocabulary import Label, SystemKind, YesNoUnknown
from tocsin.model.workspace import Workspace

_QUARTER = (timedelta(days=90), timedelta(days=93))
_MEDIA = {
    SystemKind.REMOVABLE: "a USB stick or the like",
    SystemKind.PAPER: "paper",
    SystemKind.SAAS: "a cloud service",
}
_SECTIONS = {"system": "systems", "dataset": "datasets", "backup_plan": "backup_plans"}


@dataclass(frozen=True, slots=True)
class _Thing:
    """Something that holds data: its kind and id, the datasets on it, and their most careful label."""

    kind: str
    id: str
    held: tuple[Dataset, ...]
    label: Label

    @property
    def subject(self) -> str:
        return f"{self.kind}:{self.id}"

    @property
    def head(self) -> str:
        if self.kind == "dataset":
            return f"{self.id} is {self.label} data"
        asking = next(each for each in self.held if each.label is self.label)
        return f"{self.id} holds {self.label} data ({asking.id})"


def label_findings(workspace: Workspace, today: date) -> tuple[Finding, ...]:
    """Return what the labels ask and do not have: systems, then datasets, then backup plans."""
    return tuple(
        _finding(workspace, thing, owed, today)
        for thing, rules in _things(workspace)
        for owed in _owed(workspace, thing, rules, today)
    )


def label_problems(workspace: Workspace, today: date) -> tuple[Problem, ...]:
    """Return one problem for each thing that is known to owe its label something, all that it owes in a sentence.

    What is only unsaid, and what a departure excuses, is left to `tocsin inventory check`.
    """
    found = []
    for thing, rules in _things(workspace):
        owed = [
            each
            for each in _owed(workspace, thing, rules, today)
            if each.severity is not Severity.ASK and not departure_for(workspace, thing.subject, each.rule, today)
        ]
        if owed:
            said = f"{thing.head}, so it needs {'; '.join(each.words for each in owed)}."
            found.append(Problem(workspace.written.key_place((_SECTIONS[thing.kind], thing.id)), said))
    return tuple(found)


def departure_for(workspace: Workspace, subject: str, rule: Rule, today: date) -> Departure | None:
    """Return the departure that excuses a thing from a rule today."""
    return next(
        (
            each
            for each in workspace.departures
            if each.rule is rule and each.subject == subject and each.holds(today)
        ),
        None,
    )


def _things(workspace: Workspace) -> Iterator[tuple[_Thing, Rules]]:
    datasets = tuple(workspace.datasets.values())
    by_system: dict[str, list[Dataset]] = {}
    by_plan: dict[str, list[Dataset]] = {}
    for dataset in datasets:
        for system in dataset.systems:
            by_system.setdefault(system, []).append(dataset)
        by_plan.setdefault(dataset.backup_plan or "", []).append(dataset)
    things = [_Thing("system", key, held, label) for key, held, label in _in_order(workspace.systems, by_system)]
    things += [_Thing("dataset", each.id, (each,), each.label) for each in datasets]
    things += [
        _Thing("backup_plan", key, held, label) for key, held, label in _in_order(workspace.backup_plans, by_plan)
    ]
    rules = {label: rules_of(workspace, label) for label in Label}
    yield from ((thing, rules[thing.label]) for thing in things)


def _in_order(
    keys: Sequence[str] | dict[str, System] | dict[str, BackupPlan], held: dict[str, list[Dataset]]
) -> Iterator[tuple[str, tuple[Dataset, ...], Label]]:
    for key in keys:
        if key in held and (label := careful_label(each.label for each in held[key])):
            yield key, tuple(held[key]), label


def _owed(workspace: Workspace, thing: _Thing, rules: Rules, today: date) -> Iterator[Owed]:
    if thing.kind == "system":
        system = workspace.systems[thing.id]
        yield from _by_system(system, rules)
        yield from access_owed(workspace, system.access, rules, today)
    elif thing.kind == "dataset":
        yield from _by_dataset(workspace, thing.held[0], rules, today)
    else:
        yield from _by_plan(workspace, workspace.backup_plans[thing.id], rules)


def _by_system(system: System, rules: Rules) -> Iterator[Owed]:
    if system.kind in rules.never_on:
        kind = _MEDIA.get(system.kind) or f"a {system.kind.value.replace('_', ' ')}"
        words = f"another home: such data is never kept on {kind}"
        yield Owed(Rule.NEVER_ON, "forbidden-medium", words, "move the data elsewhere and wipe it there", "P14")
    if system.shared and not rules.shared_logins:
        words = f"a login for each person, and has shared ones ({', '.join(system.shared)})"
        fix = "give each person a login of their own, close the shared one, and write shared_logins: []"
        yield Owed(Rule.SHARED_LOGINS, "shared-login", words, fix, "P12")
    elif system.shared_logins is None and not rules.shared_logins and system.access is None:
        words = "a login for each person, and nobody has said whether some are shared"
        yield Owed(
            Rule.SHARED_LOGINS,
            "shared-login-unknown",
            words,
            "write shared_logins: [], or name them",
            "P12",
            Severity.ASK,
        )
    if rules.encrypted and system.encrypted is not YesNoUnknown.YES:
        fix = "encrypt it, keep the proof, and write encrypted: yes"
        yield _answered(Rule.ENCRYPTED, "encryption", system.encrypted, "encryption", fix, "P14")
    if rules.second_factor and system.second_factor is not YesNoUnknown.YES:
        fix = "switch it on for every login, and write second_factor: yes"
        yield _answered(Rule.SECOND_FACTOR, "second-factor", system.second_factor, "a second factor", fix, "P13")
    yield from _log_owed(system, rules)


def _answered(rule: Rule, code: str, answer: YesNoUnknown, what: str, fix: str, practice: str) -> Owed:
    if answer is YesNoUnknown.NO:
        return Owed(rule, f"no-{code}", f"{what}, and has none", fix, practice)
    words = f"{what}, and nobody has said whether it has one"
    if what == "encryption":
        words = "encryption, and nobody has said whether it is encrypted"
    return Owed(
        rule, f"{code}-unknown", words, f"find out, and {fix.rpartition('and ')[2]}", practice, Severity.ASK
    )


def _log_owed(system: System, rules: Rules) -> Iterator[Owed]:
    if rules.access_log is None:
        return
    wanted = f"a log of who looked at what, kept {spell_duration(rules.access_log)}"
    line = f"access_log_kept: {spell_duration(rules.access_log)}"
    if system.logs_access is YesNoUnknown.NO:
        yield Owed(
            Rule.ACCESS_LOG, "no-access-log", f"{wanted}, and keeps none", f"switch it on and write {line}", "P13"
        )
    elif system.logs_access is YesNoUnknown.UNKNOWN or system.access_log_kept is None:
        words = f"{wanted}, and nobody has said how long it keeps one"
        fix = f"find out and write {line}, or access_log: no"
        yield Owed(Rule.ACCESS_LOG, "access-log-unknown", words, fix, "P13", Severity.ASK)
    elif system.access_log_kept < rules.access_log:
        words = f"{wanted}, and keeps it {spell_duration(system.access_log_kept)}"
        yield Owed(
            Rule.ACCESS_LOG,
            "access-log-short",
            words,
            f"keep it longer and write {line}",
            "P13",
            Severity.SHOULD,
        )


def _by_dataset(workspace: Workspace, dataset: Dataset, rules: Rules, today: date) -> Iterator[Owed]:
    homes = [workspace.systems[key] for key in dataset.systems if key in workspace.systems]
    listed = bool(homes) and all(home.access is not None for home in homes)
    if rules.access == "named" and dataset.access is None and not listed:
        fix = "write access: [PERSON, ...] here, or on each of its systems"
        words = "a list of who may use it, and has none"
        yield Owed(Rule.ACCESS, "access-unlisted", words, fix, "P11", Severity.ASK)
    yield from access_owed(workspace, dataset.access, rules, today)
    if rules.retention and dataset.retention and dataset.retention > rules.retention:
        most, kept = spell_duration(rules.retention), spell_duration(dataset.retention)
        words = f"to be let go after {most} at most, and is kept {kept}"
        fix = f"write retention: {most}, or a departure that names the duty to keep it longer"
        yield Owed(Rule.RETENTION, "retention-too-long", words, fix, "P05", Severity.SHOULD)


def _by_plan(workspace: Workspace, plan: BackupPlan, rules: Rules) -> Iterator[Owed]:
    places = [workspace.repositories[name] for name in plan.repositories]
    if len(places) < rules.copies:
        words = (
            "a second repository, for a fire or a thief takes one"
            if rules.copies == 2  # noqa: PLR2004 - a pair is said in its own words
            else f"{rules.copies} repositories, and has {len(places)}"
        )
        yield Owed(Rule.COPIES, "copies-missing", words, "add a repository to the plan's repositories", "P15")
    if rules.offsite and not any(place.offsite for place in places):
        fix = "add a repository in another place, with offsite: true"
        yield Owed(Rule.OFFSITE, "not-offsite", "an off-site repository (offsite: true)", fix, "P15")
    if rules.append_only and not any(place.append_only for place in places):
        words = (
            "an append-only repository (append_only: true), "
            "or whoever takes over the server deletes the backups too"
        )
        fix = "add a repository that only grows, with append_only: true"
        yield Owed(Rule.APPEND_ONLY, "not-append-only", words, fix, "P15")
    if rules.rpo and plan.rpo > rules.rpo:
        most, lost = spell_duration(rules.rpo), spell_duration(plan.rpo)
        words = f"an rpo of {most} at most, and may lose {lost}"
        yield Owed(
            Rule.RPO, "rpo-too-long", words, f"run it more often and write rpo: {most}", "P15", Severity.SHOULD
        )
    if rules.drill_every:
        yield from _drill_owed(workspace, plan, rules.drill_every)


def _drill_owed(workspace: Workspace, plan: BackupPlan, wanted: timedelta) -> Iterator[Owed]:
    quarter = _QUARTER[0] <= wanted <= _QUARTER[1]
    every = f"a drill at least every {'quarter' if quarter else spell_duration(wanted)}"
    gaps = [longest_gap(drill.schedule) for drill in workspace.drills.values() if drill.backup_plan == plan.id]
    fix = f"write drills/{plan.id}.yaml with a schedule, then tocsin drill run"
    if not gaps:
        yield Owed(Rule.DRILL_EVERY, "drill-too-rare", f"{every}, and has none", fix, "P15")
    elif min(gaps) > wanted:
        words = f"{every}, where up to {spell_duration(min(gaps))} pass"
        yield Owed(Rule.DRILL_EVERY, "drill-too-rare", words, "drill it more often: its schedule", "P15")


def _finding(workspace: Workspace, thing: _Thing, owed: Owed, today: date) -> Finding:
    systems = (thing.id,) if thing.kind == "system" else tuple(key for each in thing.held for key in each.systems)
    path: Path = (_SECTIONS[thing.kind], thing.id)
    return Finding(
        code=owed.code,
        severity=owed.severity,
        subject=thing.subject,
        sentence=f"{thing.head}, so it needs {owed.words}.",
        fix=owed.fix,
        place=workspace.written.key_place(path),
        clients=tuple(dict.fromkeys(each.client or "" for each in thing.held)),
        systems=tuple(dict.fromkeys(systems)),
        practice=owed.practice,
        rule=owed.rule,
        departure=departure_for(workspace, thing.subject, owed.rule, today),
    )
