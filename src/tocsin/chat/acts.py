"""What can be done from Slack: each act is the very operation that the command line calls.

An act takes the context in the person's own hands and returns what to answer. What takes long (a run going on, a
drill) is handed back as `later`, and answered when it is done.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tocsin import alarms, incidents, notices
from tocsin.chat import forms
from tocsin.chat.picture import words_for
from tocsin.chat.waiting import NOTICE, Item, item_named
from tocsin.context import Context
from tocsin.drills import drill_named, run_drill
from tocsin.errors import Refused
from tocsin.law.facts import fact_paths
from tocsin.model.document import Data
from tocsin.ports import Actor, Block
from tocsin.runbook import decisions
from tocsin.runbook.engine import advance
from tocsin.runbook.ledger import digest, load_row, load_runs
from tocsin.situation import reconcile_duties
from tocsin.store.need_to_know import must_be_theirs

Answers = Mapping[str, tuple[str, ...]]
Later = Callable[[], str]
GONE = "That does not wait any more: somebody was faster, or it has changed. `tocsin status` shows what waits."
_NOBODY = Actor("anonymous", "report")


@dataclass(frozen=True, slots=True)
class Reply:
    """What the person is answered, they alone: a text, a form, or what is wrong in the form they sent."""

    text: str = ""
    form: Block | None = None
    errors: Mapping[str, str] = field(default_factory=dict)
    later: Later | None = None


def open_item(ctx: Context, name: str) -> Reply:
    """Open the form for what a button stands for: the exact text to decide on, or the question."""
    item = _item(ctx, name)
    if item.kind == NOTICE:
        seen = notices.shown(ctx, item.notice)
        remarks = [f"For your judgement: {finding.text}" for finding in seen.findings]
        return Reply(form=forms.decide_form(name, item.question, seen.text, seen.sha256, remarks))
    asked = _asked(ctx, item)
    if item.kind == "approve":
        text, hashed = str(asked.get("text", "")), str(asked.get("sha256", ""))
        return Reply(form=forms.decide_form(name, item.question, text, hashed))
    question = "\n\n".join(str(asked[part]) for part in ("question", "text") if asked.get(part))
    return Reply(form=forms.answer_form(name, question, digest(asked), _choices(asked), several=_several(asked)))


def ask_again(ctx: Context, kept: Mapping[str, str], said: Answers) -> Reply:
    """Take a decision's first word and ask for confirmation; nothing is decided yet."""
    item = _item(ctx, kept.get("item", ""))
    decision, reason = _one(said, "decision"), _one(said, "reason")
    if decision == forms.REJECT and not reason:
        return Reply(errors={"reason": "A rejection needs a reason: what would have to be different?"})
    carried = {"item": item.name, "sha": kept.get("sha", ""), "decision": decision, "reason": reason}
    return Reply(form=forms.confirm_form(carried, item.question or item.step))


def decide(ctx: Context, kept: Mapping[str, str], _: Answers) -> Reply:
    """Approve or reject exactly the text whose hash was shown. What has changed meanwhile is refused, and why."""
    item, sha, reason = _item(ctx, kept.get("item", "")), kept.get("sha", ""), kept.get("reason", "")
    approves = kept.get("decision") == forms.APPROVE
    if item.kind == NOTICE:
        notice = (
            notices.approve_notice(ctx, item.notice, sha, reason=reason or None)
            if approves
            else notices.reject_notice(ctx, item.notice, sha, reason=reason)
        )
        reconcile_duties(ctx, notice.incident)
        ctx.store.sign_head(ctx.actor)
        second = "" if not approves or notice.state == "approved" else " It needs a second person."
        said = f"{'Approved' if approves else 'Rejected'}: {item.question}, by you, {sha[:12]}….{second}"
        return Reply(said, later=lambda: _go_on(ctx, _runs_of(ctx, item.incident)))
    if approves:
        decisions.approve(ctx, item.run, item.step, sha)
    else:
        decisions.reject(ctx, item.run, item.step, sha, reason)
    word = "Approved" if approves else "Rejected"
    return Reply(f"{word}, by you: {item.step} ({sha[:12]}…).", later=lambda: _go_on(ctx, (item.run,)))


def answer(ctx: Context, kept: Mapping[str, str], said: Answers) -> Reply:
    """Answer what a step asks."""
    item = _item(ctx, kept.get("item", ""))
    asked = _asked(ctx, item)
    if digest(asked) != kept.get("sha"):
        raise Refused(
            "The question has changed since you opened it; nothing was recorded. Open it again and read it."
        )
    given, choices = said.get("answer", ()), _choices(asked)
    words = (
        [choices[int(each)] for each in given if each.isdigit() and int(each) < len(choices)] if choices else given
    )
    if not words:
        return Reply(errors={"answer": "Give an answer. `unknown` is a good one; it never means no."})
    decisions.answer(ctx, item.run, item.step, ", ".join(words), reason=_one(said, "reason") or None)
    return Reply(f"Answered: {item.step}.", later=lambda: _go_on(ctx, (item.run,)))


def acknowledge(ctx: Context, incident: str) -> Reply:
    """Say that one is on it: pages end, alarms are not repeated, the clocks run on."""
    pages, count = incidents.acknowledge_all(ctx, incident)
    ctx.store.sign_head(ctx.actor)
    what = f"{len(pages)} pages and {count} alarms are not repeated" if pages or count else "nothing rang"
    return Reply(f"You are on {incident}: {what}. The clocks run on.", later=lambda: _rung(ctx))


def take_role(ctx: Context, kept: Mapping[str, str], said: Answers) -> Reply:
    """Take a role over."""
    incident, role = kept.get("incident", ""), _one(said, "role")
    held = incidents.take(ctx, incident, role, _one(said, "note"))
    return Reply(f"You are {held.role} of {incident} now.", later=lambda: _rung(ctx))


def declare(ctx: Context, _: Mapping[str, str], said: Answers) -> Reply:
    """Open an incident and start its playbook."""
    title, systems = _one(said, "title"), tuple(_words(said, "system"))
    if not title:
        return Reply(errors={"title": "Say in a few words what happened."})
    cause = _one(said, "cause")
    declared = incidents.declare(
        ctx, incidents.Declaration(title, systems, cause=None if cause in ("", forms.NO_CAUSE) else cause)
    )

    def go_on() -> str:
        _rung(ctx)
        return _go_on(ctx, (declared.run.id,))

    return Reply(
        f"{declared.incident} is declared. Its clocks run, its playbook has begun; see the channel.", later=go_on
    )


def report(ctx: Context, _: Mapping[str, str], said: Answers) -> Reply:
    """Keep a report without a trace of who made it."""
    system = next(iter(_words(said, "system")), None)
    kind = _one(said, "kind") or "suspicion"
    unnamed = ctx.acting_as(_NOBODY)
    made = incidents.make_report(
        unnamed, incidents.Said(_one(said, "what"), kind=kind, system=system, anonymous=True)
    )
    return Reply(
        f"Thank you. It is kept as {made.id}, without your name; somebody looks at it.",
        later=lambda: _rung(unnamed),
    )


def drill(ctx: Context, _: Mapping[str, str], said: Answers) -> Reply:
    """Run a drill and tell when it is over."""
    chosen = drill_named(ctx, _one(said, "drill")).id

    def run() -> str:
        outcome = run_drill(ctx, chosen)
        ctx.store.sign_head(ctx.actor)
        came_to = outcome.verdict.verdict.value.replace("-", " ")
        return f"The drill {chosen}: {came_to}. See: tocsin drill report {chosen}"

    return Reply(f"The drill {chosen} runs. You are told when it is over.", later=run)


def page(ctx: Context, _: Mapping[str, str], said: Answers) -> Reply:
    """Page somebody about an incident, by every channel their alarms go by."""
    person = _one(said, "person")
    found = incidents.page(
        ctx, _one(said, "incident"), _one(said, "role"), None if person in ("", "-") else person
    )
    names = ", ".join(ctx.workspace.people[each].name for each in found.paged if each in ctx.workspace.people)
    return Reply(f"Paged for {found.role} of {found.about}: {names}.", later=lambda: _rung(ctx))


def status(ctx: Context) -> Reply:
    """Tell what is open, late or waiting."""
    return Reply(words_for(ctx))


FORMS: Mapping[str, Callable[[Context, Mapping[str, str], Answers], Reply]] = {
    forms.DECLARE: declare,
    forms.REPORT: report,
    forms.DRILL: drill,
    forms.PAGE: page,
    forms.ROLE: take_role,
    forms.DECIDE: ask_again,
    forms.CONFIRM: decide,
    forms.ANSWER: answer,
}
"""What each form does when it is sent. A new act is a form in `forms` and a line here."""


def _item(ctx: Context, name: str) -> Item:
    with ctx.store.read() as connection:
        item = item_named(connection, ctx.workspace, name)
        must_be_theirs(connection, item.incident if item else None)
    if item is None:
        raise Refused(GONE)
    return item


def _asked(ctx: Context, item: Item) -> dict[str, Data]:
    with ctx.store.read() as connection:
        return dict(load_row(connection, item.run, item.step).asked or {})


def _choices(asked: Mapping[str, Data]) -> list[str]:
    found = asked.get("choices")
    words = [str(each) for each in found] if isinstance(found, list) else []
    # Of more than a menu holds the answer is written out.
    if not words or len(words) >= 100:  # noqa: PLR2004 - as many as a menu has
        return []
    return words if asked.get("kind") != "ask" or forms.UNKNOWN in words else [*words, forms.UNKNOWN]


def _several(asked: Mapping[str, Data]) -> bool:
    known = fact_paths().get(str(asked.get("fact") or ""))
    return known is not None and known.answer == "choices"


def _one(said: Answers, name: str) -> str:
    return (said.get(name) or ("",))[0].strip()


def _words(said: Answers, name: str) -> list[str]:
    return [word.strip() for each in said.get(name, ()) for word in each.split(",") if word.strip()]


def _runs_of(ctx: Context, incident: str) -> tuple[str, ...]:
    with ctx.store.read() as connection:
        return tuple(run.id for run in load_runs(connection, open_only=True, incident=incident))


def _go_on(ctx: Context, runs: tuple[str, ...]) -> str:
    for run in runs:
        advance(ctx, run)
    ctx.store.sign_head(ctx.actor)
    return ""


def _rung(ctx: Context) -> str:
    alarms.deliver(ctx)
    return ""
