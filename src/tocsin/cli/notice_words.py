"""What the notice commands share: a notice and its deliveries as plain data, and the duty that follows."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tocsin.context import Context
    from tocsin.notices import Delivery, Notice


def let_its_duty_follow(ctx: "Context", incident: str) -> None:
    """Move the duty that a notice of this incident answers: drafted, approved, told."""
    from tocsin.situation import reconcile_duties

    reconcile_duties(ctx, incident)


def notice_data(notice: "Notice") -> dict[str, object]:
    """Return a notice as plain data."""
    return {
        "id": notice.id,
        "incident": notice.incident,
        "template": notice.template,
        "duty": notice.duty,
        "addressee": notice.addressee,
        "state": notice.state,
        "version": notice.version,
        "edited_by": notice.edited_by,
        "subject": notice.subject,
    }


def delivery_data(delivery: "Delivery") -> dict[str, object]:
    """Return a delivery as plain data."""
    return {
        "id": delivery.id,
        "notice": delivery.notice,
        "channel": delivery.channel,
        "address": delivery.address,
        "message_id": delivery.message_id,
        "state": delivery.state,
        "detail": delivery.detail,
    }
