"""The journal's entries in plain English: one sentence for each kind that belongs in an incident's story.

Kinds that are only machinery (a step claimed, a head signed) have no sentence and are left out.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tocsin.situation import FROM_INVENTORY
from tocsin.store.journal import Told

Sentence = Callable[[Mapping[str, object], Mapping[str, str]], str]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the story. `lane` says which part of the night it belongs to."""

    seq: int
    at: str
    who: str
    door: str
    lane: str
    text: str


def line_of(told: Told, titles: Mapping[str, str]) -> Line | None:
    """Return the entry as a line, or None. `titles` gives steps, people and notices their names by id."""
    known = _SENTENCES.get(told.entry.kind)
    # What the inventory gave by itself stands among the facts; a story tells what people did.
    if known is None or told.private.get("evidence") == FROM_INVENTORY:
        return None
    lane, sentence = known
    named = {key: titles.get(str(value), value) for key, value in told.payload.items()}
    named["subject"] = titles.get(told.entry.subject, told.entry.subject.partition(":")[2])
    return Line(
        seq=told.entry.seq,
        at=told.entry.at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        who=titles.get(told.entry.actor, told.entry.actor),
        door=told.entry.door,
        lane=lane,
        text=sentence(named, told.private),
    )


def _backup(payload: Mapping[str, object], _: Mapping[str, str]) -> str:
    files = payload.get("files")
    return f"Backup of {payload['subject']}: {payload['verdict']}{f', {files} files' if files else ''}."


def _drill(payload: Mapping[str, object], _: Mapping[str, str]) -> str:
    return f"Drill {payload['subject']}: {str(payload['verdict']).replace('-', ' ')}."


def _fact(payload: Mapping[str, object], private: Mapping[str, str]) -> str:
    whose = f" for {payload['controller']}" if payload.get("controller") else ""
    value = payload["value"]
    shown = ", ".join(str(member) for member in value) if isinstance(value, list) else str(value).replace("_", " ")
    why = f" ({private['evidence']})" if private.get("evidence") else ""
    return f"Stated{whose}: {payload['path']} is {shown}{why}."


def _decided(payload: Mapping[str, object], private: Mapping[str, str]) -> str:
    why = f" Reason: {private['reason']}" if private.get("reason") else ""
    return f"Decided: duty to the {payload['duty']}: {payload['decided']} (proposed: {payload['proposed']}).{why}"


def _certain(payload: Mapping[str, object], private: Mapping[str, str]) -> str:
    why = f" ({private['reason']})" if private.get("reason") else ""
    if payload.get("moved"):
        return f"MOVED: since when it was certain; the legal clock runs from {payload['aware_at']} now{why}."
    return f"It is certain that personal data was hit: the legal clock runs{why}."


def _below(payload: Mapping[str, object], private: Mapping[str, str]) -> str:
    return f"{_decided(payload, private)} Below the proposal: it waits for a second person."


def _told(payload: Mapping[str, object], private: Mapping[str, str]) -> str:
    how = f" ({private['how']})" if private.get("how") else ""
    late = f" Why late: {private['late_reasons']}." if private.get("late_reasons") else ""
    return f"Told: {payload['duty']}{', more will follow' if payload.get('first_report') else ''}{how}.{late}"


def _alarm(payload: Mapping[str, object], _: Mapping[str, str]) -> str:
    if "share" not in payload:
        return f"Alarm: {payload['kind']} ({payload['subject']})."
    return f"Alarm to {payload['level']}: {payload['share']} % of the time for {payload['duty']} was gone."


def _widened(payload: Mapping[str, object], private: Mapping[str, str]) -> str:
    systems = payload.get("systems")
    named = ", ".join(str(each) for each in systems) if isinstance(systems, list) else ""
    return f"It is wider than it seemed: {named} too ({private.get('reason', 'no reason kept')})."


def _paged(payload: Mapping[str, object], _: Mapping[str, str]) -> str:
    people = payload.get("people")
    named = ", ".join(str(each) for each in people) if isinstance(people, list) else ""
    return f"Paged for {payload['role']}: {named}."


def _role(payload: Mapping[str, object], private: Mapping[str, str]) -> str:
    before = f", from {payload['from']}" if payload.get("from") else ""
    note = f" ({private['note']})" if private.get("note") else ""
    return f"{payload['to']} has the role {payload['role']} now{before}{note}."


def _evidence(payload: Mapping[str, object], _: Mapping[str, str]) -> str:
    if payload.get("verdict") != "ok":
        return f"Evidence {payload['subject']} could not be taken."
    return f"Evidence {payload['subject']} was taken: SHA-256 {str(payload.get('sha256'))[:12]}…, on hold."


def _custody(payload: Mapping[str, object], private: Mapping[str, str]) -> str:
    whom = f" {private['other']}" if private.get("other") else ""
    return f"Evidence {payload['subject']}: {str(payload['act']).replace('_', ' ')}{whom}."


def _with_reason(text: str) -> Sentence:
    def sentence(payload: Mapping[str, object], private: Mapping[str, str]) -> str:
        why = private.get("reason") or private.get("reference") or private.get("title") or private.get("error")
        return text.format(**payload) + (f" ({why})" if why else "") + "."

    return sentence


_SENTENCES: Mapping[str, tuple[str, Sentence]] = {
    "backup.finished": ("prepared", _backup),
    "backup.unknown": ("prepared", _with_reason("A backup of {subject} was interrupted; its outcome is unknown")),
    "backups.paused": ("contain", _with_reason("Scheduled backups were stopped")),
    "backups.resumed": ("recover", _with_reason("Scheduled backups run again")),
    "hold.placed": ("contain", _with_reason("A snapshot was put on hold")),
    "drill.finished": ("prepared", _drill),
    "incident.declared": ("declare", _with_reason("The incident was declared")),
    "incident.confirmed": ("declare", _certain),
    "incident.restricted": ("declare", _with_reason("Need to know: only its own people see it")),
    "incident.opened_to_all": ("declare", _with_reason("Everybody may see it again")),
    "incident.widened": ("assess", _widened),
    "incident.took_in": ("assess", _with_reason("{from} turned out to be the same and was merged into this")),
    "incident.merged": ("assess", _with_reason("Merged into {into}")),
    "incident.paged": ("declare", _paged),
    "page.acknowledged": ("declare", _with_reason("{person} acknowledged the page for {role}")),
    "incident.role_taken": ("decide", _role),
    "incident.handed_over": ("decide", _role),
    "evidence.finished": ("contain", _evidence),
    "evidence.unknown": ("contain", _with_reason("It is unknown what was kept of the evidence {subject}")),
    "evidence.custody": ("contain", _custody),
    "fact.stated": ("assess", _fact),
    "run.started": ("contain", _with_reason("The playbook {playbook} began")),
    "run.ended": ("recover", _with_reason("The playbook ended: {state}")),
    "step.done": ("contain", _with_reason("Done: {step}")),
    "step.failed": ("contain", _with_reason("Failed: {step}")),
    "step.skipped": ("contain", _with_reason("Skipped: {step}")),
    "step.unknown": ("contain", _with_reason("Unknown outcome: {step}")),
    "approval.approved": ("decide", _with_reason("Approved: {subject}")),
    "approval.rejected": ("decide", _with_reason("Rejected: {subject}")),
    "duty.decided": ("decide", _decided),
    "duty.proposed_below": ("decide", _below),
    "duty.agreed": ("decide", _with_reason("A second person agreed: duty to the {duty}: {decided}")),
    "duty.decision_fell": ("decide", _with_reason("Facts that came later undid the decision on {duty}")),
    "duty.reopened": ("decide", _with_reason("REOPENED: the duty {duty} is owed again, or more of it")),
    "duty.told": ("notify", _told),
    "alarm.raised": ("notify", _alarm),
    "alarm.acknowledged": ("notify", _with_reason("The deadline's alarm was acknowledged")),
    "incident.contained": ("contain", _with_reason("It was contained at {at}")),
    "incident.recovered": ("recover", _with_reason("Data and service were back at {at}")),
    "incident.reviewed": ("recover", _with_reason("It was looked back on")),
    "incident.near_miss": ("decide", _with_reason("It was a near miss")),
    "incident.not_a_breach": ("decide", _with_reason("It was no breach")),
    "incident.reopened": ("decide", _with_reason("REOPENED: the facts ask for more than they did")),
    "incident.closed": ("recover", _with_reason("The incident was closed")),
    "notice.drafted": ("notify", _with_reason("Drafted the notice to {addressee}")),
    "notice.edited": ("notify", _with_reason("Edited the notice to {subject}")),
    "notice.approved": ("notify", _with_reason("Approved the notice to {subject}, word for word")),
    "notice.rejected": ("notify", _with_reason("Rejected the notice to {subject}")),
    "notice.sent": ("notify", _with_reason("A mail server took the notice to {subject}")),
    "notice.unknown": ("notify", _with_reason("It is unknown whether the notice to {subject} arrived")),
    "notice.recorded": ("notify", _with_reason("Recorded that the notice to {subject} was sent by hand")),
    "recovery.finished": (
        "recover",
        _with_reason("Brought {subject} back: {verdict}, {files} files, each verified"),
    ),
}
