"""The ways out of the house, and how many people must agree before something takes one."""

import re
from datetime import timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from tocsin.model.fields import Duration, Id, Line, MailAddress, SecretReference, TrueFalse, WebAddress
from tocsin.model.parts import Part
from tocsin.model.vocabulary import MailSecurity

_THIS_MACHINE = frozenset({"127.0.0.1", "::1", "localhost"})


class MailChannel(Part):
    """The mail server that notices and alarms go out by."""

    host: Line
    port: Annotated[int, Field(strict=True, ge=1, le=65535)] = 587
    security: MailSecurity = MailSecurity.STARTTLS
    username: Line | None = None
    password: SecretReference | None = None
    sender: MailAddress

    @model_validator(mode="after")
    def _keep_the_password_private(self) -> Self:
        if bool(self.username) != bool(self.password):
            raise ValueError("username and password go together: give both or neither.")
        if self.password and self.security is MailSecurity.NONE and self.host not in _THIS_MACHINE:
            raise ValueError("with security: none the password would cross the network in clear. Use starttls.")
        return self


_HOUR = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


def _check_hours(text: str) -> str:
    if not (found := _HOURS.fullmatch(text)) or found.group(1, 2) == found.group(3, 4):
        raise ValueError(f"{text!r} are no hours of a day. Write them such as '22:00-07:00'.")
    return text


def _check_hour(text: str) -> str:
    if not _HOUR.fullmatch(text):
        raise ValueError(f"{text!r} is no time of day. Write it such as '08:30'.")
    return text


Hour = Annotated[
    str,
    AfterValidator(_check_hour),
    Field(json_schema_extra={"pattern": f"^{_HOUR.pattern}$", "examples": ["08:30"]}),
]
Hours = Annotated[
    str,
    AfterValidator(_check_hours),
    Field(json_schema_extra={"pattern": f"^{_HOURS.pattern}$", "examples": ["22:00-07:00"]}),
]


class Mailbox(Part):
    """A mailbox read over IMAP with TLS: where mails that could not be delivered come back to."""

    host: Line
    port: Annotated[int, Field(strict=True, ge=1, le=65535)] = 993
    username: Line
    password: SecretReference
    folder: Line = "INBOX"


class BulkChannel(Part):
    """How letters to many people are sent, and how long the list of them is kept."""

    per_minute: Annotated[int, Field(strict=True, ge=1, le=100_000)] = 120
    """Mails a minute, at most."""
    per_connection: Annotated[int, Field(strict=True, ge=1, le=10_000)] = 100
    """Mails in one session with the mail server; then a new one is opened."""
    keep_recipients: Duration = timedelta(days=90)
    """How long names and addresses are kept after the last letter left; counts and hashes stay."""
    bounces: MailAddress | None = None
    """Where undeliverable mails come back to, if not to the mail channel's sender."""
    mailbox: Mailbox | None = None
    """That mailbox, for `tocsin notice bounces NOTICE --from imap`."""
    databases: dict[Id, SecretReference] = Field(default_factory=dict)
    """PostgreSQL addresses, by name, that `tocsin notice recipients NOTICE --query` may read lists from."""


class SlackChannel(Part):
    """Where our own people are told in Slack, and act: by an app of ours, or posts only by a webhook."""

    channel: Line
    """Its id (such as C0123456789), or its name."""
    token: SecretReference | None = None
    """The bot's token (`xoxb-…`)."""
    app_token: SecretReference | None = None
    """The app's token for Socket Mode (`xapp-…`); without it nothing can be done from Slack."""
    webhook: SecretReference | None = None
    """Instead of the tokens: an incoming webhook, by which things can be posted and nothing else."""
    public: TrueFalse | None = None
    """Whether people beyond the response team read the channel: no client is named there then. Left out, Slack
    is asked, and a channel that is not private counts as public; so does a webhook's."""
    quiet: Hours | None = None
    """The hours, by the organisation's clock, in which results wait. An incident never does."""
    digest: Hour = "08:30"
    """When the good results of a day are told in one message."""

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if self.webhook and (self.token or self.app_token):
            raise ValueError("webhook is for firms without an app: give the tokens or the webhook, not both.")
        if self.app_token and not self.token:
            raise ValueError("app_token only listens; the bot's token is needed too.")
        return self


class WebhookChannel(Part):
    """A web server of ours, such as a pager's, that alarms are posted to, signed."""

    url: WebAddress
    secret: SecretReference
    """What it knows us by: `whsec_` and base64, or any text of 24 to 64 bytes."""


class CommandChannel(Part):
    """A program of ours that alarms are handed to, as text on its standard input; never through a shell."""

    run: tuple[Line, ...] = Field(min_length=1)
    timeout: Duration = Field(default="30s", validate_default=True)


PersonsNeeded = Annotated[int, Field(strict=True, ge=1, le=2)]


class Approvals(Part):
    """How many people have to approve the same text before it may leave, by whom it is for: one or two."""

    regulator: PersonsNeeded = 1
    controllers: PersonsNeeded = 1
    """Notices to clients."""
    people: PersonsNeeded = 1
    """Letters to the people concerned."""
    insurer: PersonsNeeded = 1
    police: PersonsNeeded = 1
    ncsc: PersonsNeeded = 1
    bank: PersonsNeeded = 1
    staff: PersonsNeeded = 1
    press: PersonsNeeded = 1
    supplier: PersonsNeeded = 1
    sector: PersonsNeeded = 1
    """Reports to other regulators."""

    def needed(self, kind: str) -> int:
        """Return how many people a notice of this kind needs."""
        needed: int = getattr(self, kind, 1)
        return needed


class Channels(Part):
    """The ways out of the house. `outbox` is a folder that always works."""

    mail: MailChannel | None = None
    slack: SlackChannel | None = None
    webhook: WebhookChannel | None = None
    command: CommandChannel | None = None
    bulk: BulkChannel = BulkChannel.model_construct()
    outbox: Line = "outbox"
