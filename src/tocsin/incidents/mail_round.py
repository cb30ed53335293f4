"""The mail's part of a round: send what was put off, let duties follow, forget lists of readers in time."""

from dataclasses import dataclass

from tocsin.context import Context
from tocsin.notices import Retried, retry_due
from tocsin.notices.forgetting import Forgotten, forget_due
from tocsin.situation import reconcile_duties


@dataclass(frozen=True, slots=True)
class MailRound:
    """What was tried again, and which lists of readers were forgotten."""

    retried: tuple[Retried, ...] = ()
    forgotten: tuple[Forgotten, ...] = ()

    @property
    def sentences(self) -> tuple[str, ...]:
        """Return it in sentences."""
        tried = (
            f"Notice {each.notice.id[:8]} is {each.notice.state}. {each.trouble}".strip() for each in self.retried
        )
        gone = (
            f"Whom notice {each.notice[:8]} went to was forgotten, as planned: {each.readers:,} people."
            for each in self.forgotten
        )
        return (*tried, *gone)


NO_MAIL = MailRound()


def go_mail_round(ctx: Context) -> MailRound:
    """Try again what was ordered, approved and put off; and forget lists whose time is up."""
    retried = retry_due(ctx)
    for incident in dict.fromkeys(each.notice.incident for each in retried):
        reconcile_duties(ctx, incident)
    return MailRound(retried, forget_due(ctx))
