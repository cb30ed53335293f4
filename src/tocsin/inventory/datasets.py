"""What a dataset's own entry lacks: label, purpose, basis, retention, owner, whose it is, where it lives. Pure."""

from collections.abc import Iterator
from datetime import date

from tocsin.inventory.lack import Lack, as_finding
from tocsin.model.fields import spell_duration
from tocsin.model.finding import Finding, Severity
from tocsin.model.holdings import Dataset
from tocsin.model.vocabulary import DataCode, LawfulBasis, OrganisationRole, YesNoUnknown
from tocsin.model.workspace import Workspace


def dataset_findings(workspace: Workspace, today: date) -> Iterator[Finding]:
    """Yield what each dataset's entry lacks, in the file's order."""
    for dataset in workspace.datasets.values():
        lacks = (
            *_labelling(dataset),
            *_purposes(dataset),
            *_keeping(dataset, today),
            *_belonging(workspace, dataset),
        )
        for lack in lacks:
            yield as_finding(workspace, lack, ("datasets", dataset.id), (dataset,))


def _labelling(dataset: Dataset) -> Iterator[Lack]:
    if not dataset.labelled:
        said = f"{dataset.id} has no label; until somebody chooses one it is handled as {dataset.label}."
        yield Lack("unlabelled", Severity.MUST, said, f"write label: {dataset.label}", "P02")
    elif above := dataset.codes_above_label:
        said = f"{dataset.id} is labelled {dataset.label} but holds {_listed(above)}."
        fix = f"write label: {dataset.demanded_label}"
        yield Lack("label-too-low", Severity.MUST, said, fix, "P02", ("label",))
    if not dataset.data:
        said = f"Nobody has said what {dataset.id} says of people."
        yield Lack("data-unknown", Severity.ASK, said, "write data: [name, contact, …]", "P01")


def _purposes(dataset: Dataset) -> Iterator[Lack]:
    if not dataset.purpose and not any(each.purpose for each in dataset.fields.values()):
        said = f"{dataset.id} is held for no purpose that anybody wrote down."
        yield Lack("purpose-missing", Severity.MUST, said, "write purpose: WHY WE HOLD IT, or delete it", "P04")
    for code, use in dataset.fields.items():
        if use.used is YesNoUnknown.NO:
            said = f"{dataset.id} holds {_word(code)}, and nobody uses it."
            fix = "stop collecting it, delete what is there, and take the line out"
            yield Lack("field-unused", Severity.MUST, said, fix, "P04", ("fields", code.value))
    unsaid = [code for code in dataset.data if not _accounted_for(dataset, code)]
    if unsaid:
        said = f"Nobody has said what {dataset.id} needs {_listed(unsaid)} for."
        fix = f"write fields: {{{unsaid[0]}: WHAT IT IS FOR, …}}, or used: no"
        yield Lack("field-purpose-missing", Severity.ASK, said, fix, "P04")


def _accounted_for(dataset: Dataset, code: DataCode) -> bool:
    use = dataset.fields.get(code)
    return use is not None and (bool(use.purpose) or use.used is YesNoUnknown.NO)


def _keeping(dataset: Dataset, today: date) -> Iterator[Lack]:
    if dataset.retention is None:
        said = f"Nobody has said how long {dataset.id} is kept."
        yield Lack("retention-missing", Severity.SHOULD, said, "write retention: 12 months", "P05")
    elif dataset.oldest is None:
        said = (
            f"{dataset.id} is kept {spell_duration(dataset.retention)}, and nobody has said how old the oldest is."
        )
        yield Lack("oldest-unknown", Severity.ASK, said, "look, and write oldest: DAY", "P05")
    elif dataset.oldest + dataset.retention < today:
        kept = spell_duration(dataset.retention)
        since = f", counted from {dataset.retention_from}" if dataset.retention_from else ""
        said = f"{dataset.id} holds records of {dataset.oldest}, and is kept {kept} at most{since}."
        fix = "delete what is past it, then write the new oldest: DAY"
        yield Lack("past-retention", Severity.MUST, said, fix, "P05", ("oldest",))


def _belonging(workspace: Workspace, dataset: Dataset) -> Iterator[Lack]:
    if not dataset.client and dataset.lawful_basis is LawfulBasis.ON_INSTRUCTIONS:
        said = f"{dataset.id} is held on a client's instructions and names no client: nobody knows whom to tell."
        yield Lack("client-unknown", Severity.MUST, said, "write client: ID", "P08")
    elif not dataset.client and workspace.organisation.role is OrganisationRole.PROCESSOR:
        said = f"We hold data for clients only, and {dataset.id} names none: nobody knows whom to tell."
        yield Lack("client-unknown", Severity.MUST, said, "write client: ID", "P08")
    if not dataset.lawful_basis:
        fix = (
            "write lawful_basis: on_instructions" if dataset.client else "write lawful_basis: contract (or which)"
        )
        said = f"Nobody has said on what lawful basis {dataset.id} is held."
        yield Lack("basis-missing", Severity.SHOULD, said, fix, "P06")
    if not dataset.owner:
        said = f"Nobody answers for {dataset.id}: it has no owner."
        yield Lack("owner-missing", Severity.SHOULD, said, "write owner: PERSON", "P01")
    if not dataset.systems:
        said = f"{dataset.id} lives on no system: an incident will not find whose data it is."
        yield Lack("no-system", Severity.MUST, said, "write systems: [SYSTEM]", "P01")
    if not dataset.backup_plan and not workspace.plans_for(dataset.systems):
        said = f"No backup plan covers {dataset.id}."
        yield Lack("no-backup", Severity.MUST, said, "write backup_plan: PLAN", "P15")


def _word(code: DataCode) -> str:
    return code.value.replace("_", " ")


def _listed(codes: list[DataCode] | tuple[DataCode, ...]) -> str:
    return ", ".join(_word(code) for code in codes)
