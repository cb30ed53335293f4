"""Steps that draft and send notices. Nothing is sent that a named person has not approved, word for word."""

from typing import Annotated, ClassVar

from pydantic import AfterValidator

from tocsin.context import Context
from tocsin.errors import OutcomeUnknown, UsageError
from tocsin.model.document import Data
from tocsin.notices import (
    Case,
    IncidentView,
    Notice,
    addressed,
    client_of,
    draft_notice,
    is_about_all,
    notice_for,
    notice_of,
    send_notice,
    unknown_deliveries,
)
from tocsin.notices.pace import Followed
from tocsin.notices.posting import Posted, posted
from tocsin.notices.sending import A_ROUND
from tocsin.notices.templates import duty_of
from tocsin.runbook.kinds import Done, Parameters, Place, Waits
from tocsin.runbook.measures import measures_taken
from tocsin.situation import OURSELVES, Situation, situation_of


def _known_template(template: str) -> str:
    try:
        duty_of(template)
    except UsageError as unknown:
        raise ValueError(str(unknown)) from None
    return template


class NoticeParameters(Parameters):
    """Which text, and to whom: `ico`, a client's id, `people`, `people:CLIENT`, `insurer`, `police`, `staff`…"""

    template: Annotated[str, AfterValidator(_known_template)]
    addressee: str


class Draft:
    """Draft one notice from what is known now. It waits for a person to read, edit and approve it."""

    name: ClassVar[str] = "notice.draft"
    is_on_paper: ClassVar[bool] = True
    parameters: ClassVar[type[Parameters]] = NoticeParameters
    idempotent: ClassVar[bool] = True
    destructive: ClassVar[bool] = False

    def run(self, ctx: Context, place: Place, parameters: NoticeParameters) -> Done | Waits:
        """Draft it once: a second try finds the first draft by the step that made it."""
        situation = _situation(ctx, place)
        case = case_of(ctx, situation, parameters.addressee)
        drafted = draft_notice(
            ctx, case, template=parameters.template, addressee=parameters.addressee, made_by=place.name
        )
        return Done({"notice": drafted.id, "addressee": drafted.addressee})

    def simulate(self, parameters: NoticeParameters) -> str:
        """Say what would be drafted."""
        return f"draft {parameters.template} to {parameters.addressee}"


class Send:
    """Wait until the notice is approved, then send it; what cannot be mailed waits for proof that it was sent."""

    name: ClassVar[str] = "notice.send"
    is_on_paper: ClassVar[bool] = True
    parameters: ClassVar[type[Parameters]] = NoticeParameters
    # The outbox keeps an interrupted mail from going twice; running the step again only looks.
    idempotent: ClassVar[bool] = True
    destructive: ClassVar[bool] = False

    def run(self, ctx: Context, place: Place, parameters: NoticeParameters) -> Done | Waits:
        """Send what is approved, or say what it waits for."""
        notice = _drafted(ctx, place, parameters)
        if notice.state == "approved":
            try:
                sent = send_notice(ctx, notice.id, Followed(for_at_most=A_ROUND))
            except OutcomeUnknown as unknown:
                return _waits(notice, "unknown", str(unknown))
            notice = notice_of(ctx, notice.id)
            if sent.to_many is not None and notice.state == "approved":
                return _waits(notice, notice.state, _to_many_still(sent.to_many))
        short = notice.id[:8]
        if notice.state in ("sent", "recorded"):
            return Done({"notice": notice.id, "state": notice.state})
        if notice.state == "approved":
            question = (
                f"Send it by hand from the outbox, then say so: tocsin notice record {short} --reference NUMBER"
            )
            return _waits(notice, notice.state, question)
        question = f"Read and approve it: tocsin notice show {short}, then tocsin notice approve {short}"
        return _waits(notice, notice.state, question)

    def has_settled(self, ctx: Context, place: Place, asked: dict[str, Data]) -> bool:
        """Tell whether the notice has moved on since the step began to wait."""
        notice = notice_of(ctx, str(asked["notice"]))
        if asked["state"] == "unknown":
            many = posted(ctx, notice)
            letters = many.counts.get("unknown", 0) if many else 0
            return not letters and not any(each.notice == notice.id for each in unknown_deliveries(ctx))
        return notice.state != asked["state"]

    def simulate(self, parameters: NoticeParameters) -> str:
        """Say what would be sent."""
        return f"send {parameters.template} to {parameters.addressee}, once a named person has approved its text"


def _to_many_still(found: Posted) -> str:
    short = found.notice.id[:8]
    mails = found.counts.get("intended", 0) - found.on_paper_to_go
    waits = []
    if mails:
        waits.append(f"Still to go by mail: {mails:,}. Rounds send them, or at once: tocsin notice send {short}.")
    if found.on_paper_to_go:
        waits.append(
            f"Still to go by post: {found.on_paper_to_go:,}. Write: tocsin notice letters {short} --to FOLDER, "
            f"then: tocsin notice record {short} --proof FILE."
        )
    return " ".join(waits) or f"Nobody could be reached. See: tocsin notice recipients {short}"


def _waits(notice: Notice, state: str, question: str) -> Waits:
    return Waits({"kind": "notice", "question": question, "notice": notice.id, "state": state})


def _situation(ctx: Context, place: Place) -> Situation:
    if place.incident is None:
        raise UsageError("A notice belongs to an incident; this run has none.")
    with ctx.store.read() as connection:
        return situation_of(connection, ctx.workspace, place.incident)


def case_of(ctx: Context, situation: Situation, addressee: str) -> Case:
    """Draw the case as its addressee may know it: one controller's facts, or those that hold for everybody's data.

    Raises UsageError for somebody unknown, and when no data of theirs was on the systems that were hit.
    """
    addressed(ctx.workspace, addressee)  # somebody unknown is named as that, not as somebody without data
    if is_about_all(addressee):
        facts, controllers = situation.facts(), tuple(situation.assessments)
        controller = OURSELVES if OURSELVES in controllers else controllers[0]
    else:
        controller = client_of(addressee) or OURSELVES
        if controller not in situation.assessments:
            whose = "our own" if controller == OURSELVES else f"the client {controller}"
            raise UsageError(
                f"No data of {whose} was on the systems that were hit: there is nothing to tell them here."
            )
        facts = situation.facts(controller)
    return Case(
        incident=IncidentView(
            id=situation.incident,
            title=situation.title,
            cause=situation.cause,
            systems=tuple(system.id for system in situation.radius.systems),
            declared_at=situation.declared_at,
            first_alert_at=situation.first_alert_at,
            aware_at=situation.aware_at,
        ),
        facts=facts,
        assessment=situation.assessments[controller],
        measures=measures_taken(ctx, situation.incident),
    )


def _drafted(ctx: Context, place: Place, parameters: NoticeParameters) -> Notice:
    """Return the newest notice of this template and addressee in the incident."""
    if place.incident is None:
        raise UsageError("A notice belongs to an incident; this run has none.")
    found = notice_for(ctx, incident=place.incident, template=parameters.template, addressee=parameters.addressee)
    if found is None:
        raise UsageError(
            f"No notice {parameters.template} to {parameters.addressee} has been drafted in this incident."
        )
    return found
