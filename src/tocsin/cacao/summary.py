"""What a playbook does, in the standard's words: the activity of each step kind, the summary of a workflow."""

from collections.abc import Iterator, Mapping

from tocsin.cacao.vocabulary import ACTION, IF, PARALLEL, PLAYBOOK_ACTION
from tocsin.model.document import Data

_ACTIVITIES: Mapping[str, str] = {
    "human.ask": "analyze-collected-data",
    "human.decide": "identify-audience",
    "evidence.collect": "analyze-collected-data",
    "evidence.add": "analyze-collected-data",
    "contain.isolate_host": "disconnect-system",
    "contain.stop_service": "disconnect-system",
    "contain.holding_page": "configure-systems",
    "process.list": "scan-system",
    "process.start": "restore-capabilities",
    "notice.draft": "compose-content",
    "notice.send": "deliver-content",
}
_FAMILIES: Mapping[str, str] = {
    "backup": "configure-systems",
    "restore": "restore-data",
    "verify": "scan-system",
    "postgres": "scan-system",
    "mysql": "scan-system",
    "contain": "restrict-access",
    "process": "eliminate-risk",
}
_TYPES: Mapping[str, str] = {
    "compose-content": "notification",
    "deliver-content": "notification",
    "identify-audience": "notification",
    "analyze-collected-data": "investigation",
    "scan-system": "investigation",
    "configure-systems": "mitigation",
    "restrict-access": "mitigation",
    "disconnect-system": "mitigation",
    "eliminate-risk": "mitigation",
    "restore-data": "remediation",
    "restore-capabilities": "remediation",
}


def activity_of(kind: str) -> str | None:
    """Return the activity of a step kind; None where the vocabulary has no word for it."""
    return _ACTIVITIES.get(kind) or _FAMILIES.get(kind.partition(".")[0])


def types_of(workflow: Mapping[str, Data]) -> dict[str, Data]:
    """Return `playbook_types` and `playbook_activities`, by what the steps do."""
    activities = sorted(
        {str(one["playbook_activity"]) for one in _commands(workflow) if "playbook_activity" in one}
    )
    types = sorted({_TYPES[activity] for activity in activities})
    return {"playbook_types": [*types], "playbook_activities": [*activities]} if activities else {}


def summary_of(workflow: Mapping[str, Data]) -> dict[str, bool]:
    """Return which features of the standard a workflow uses."""
    steps = [step for step in workflow.values() if isinstance(step, dict)]
    kinds = {step.get("type") for step in steps}
    return {
        "manual_playbook": all(one.get("type") == "manual" for one in _commands(workflow)),
        "external_playbooks": PLAYBOOK_ACTION in kinds,
        "parallel_processing": PARALLEL in kinds,
        "if_logic": IF in kinds,
        "temporal_logic": any({"timeout", "delay"} & step.keys() for step in steps),
        "extensions": True,
    }


def _commands(workflow: Mapping[str, Data]) -> Iterator[dict[str, Data]]:
    for step in workflow.values():
        found = step.get("commands") if isinstance(step, dict) and step.get("type") == ACTION else None
        for command in found if isinstance(found, list) else ():
            if isinstance(command, dict):
                yield command
