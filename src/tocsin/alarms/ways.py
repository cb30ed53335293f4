"""The ways an alarm may take: slack, mail, webhook, command, outbox. Each does it, or raises a TocsinError."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from tocsin.alarms.wording import Batch
from tocsin.context import Context
from tocsin.durable import private_folder, write_durably
from tocsin.errors import OperationFailed, UsageError
from tocsin.model.people import Person
from tocsin.model.workspace import Workspace
from tocsin.ports import Command, HttpRequest, Post
from tocsin.signatures import signed_headers, signing_key

LAST = "outbox"
_DEFAULT = ("mail",)
_ANSWER_WITHIN = timedelta(seconds=15)
_GOOD = range(200, 300)


@dataclass(frozen=True, slots=True)
class Message:
    """One message: its batch, the text with a word on its way, and the people it is for."""

    batch: Batch
    text: str
    people: tuple[Person, ...]

    @property
    def addresses(self) -> tuple[str, ...]:
        """The people's mail addresses, each once."""
        return tuple(dict.fromkeys(person.email for person in self.people if person.email))


Way = Callable[[Context, Message], None]


def channels_of(workspace: Workspace) -> Iterator[str]:
    """Yield the channels that are set up, in the workspace's order; the outbox is always the last."""
    for name in dict.fromkeys(workspace.alarms or _DEFAULT):
        if name != LAST and getattr(workspace.channels, name, None) is not None:
            yield name
        if name == LAST:
            break
    yield LAST


def by_slack(ctx: Context, message: Message) -> None:
    """Post it in our people's channel."""
    mention = tuple(person.slack for person in message.people if person.slack)
    ctx.messenger.post(Post(f"alarm-{message.batch.id}", message.text, mention))


def by_mail(ctx: Context, message: Message) -> None:
    """Mail it to all of them at once."""
    mail = ctx.workspace.channels.mail
    if mail is None or not message.addresses:
        raise UsageError("There is no mail channel, or nobody with an address.")
    sender = str(mail.sender)
    out = EmailMessage(policy=SMTP)
    out["From"] = sender
    out["To"] = ", ".join(message.addresses)
    out["Subject"] = message.batch.subject
    out["Date"] = format_datetime(message.batch.lines[0].raised_at)
    out["Message-ID"] = f"<alarm-{message.batch.id}@{parseaddr(sender)[1].rpartition('@')[2]}>"
    out["Auto-Submitted"] = "auto-generated"
    out.set_content(f"{message.text}\n", cte="quoted-printable")
    ctx.mailer.send(out)


def by_webhook(ctx: Context, message: Message) -> None:
    """Post it, signed, to our own pager."""
    hook = ctx.workspace.channels.webhook
    if hook is None:
        raise UsageError("There is no webhook channel.")
    now = ctx.clock.now()
    secret = ctx.secrets.read(hook.secret)
    data = {
        "text": message.text,
        "people": [person.id for person in message.people],
        "alarms": [{"id": one.alarm, "kind": one.kind, "subject": one.subject} for one in message.batch.lines],
    }
    body = json.dumps({"type": f"alarm.{message.batch.what}", "timestamp": now.isoformat(), "data": data})
    headers = signed_headers(signing_key(secret, "channels.webhook"), f"alarm-{message.batch.id}", body, now)
    answer = ctx.http.request(HttpRequest("POST", hook.url, _ANSWER_WITHIN, headers, body, hide=(secret,)))
    if answer.status not in _GOOD:
        raise OperationFailed(f"The webhook of channels.webhook answered {answer.status}.")


def by_command(ctx: Context, message: Message) -> None:
    """Run the firm's own program with the text on its standard input."""
    program = ctx.workspace.channels.command
    if program is None:
        raise UsageError("There is no command channel.")
    said = ctx.shell.run(Command(program.run, program.timeout, ctx.workspace.root, stdin=f"{message.text}\n"))
    if said.code != 0:
        how = "took too long" if said.code is None else f"ended with {said.code}"
        raise OperationFailed(f"The program of channels.command {how}.")


def by_outbox(ctx: Context, message: Message) -> None:
    """Lay it as a file into the outbox."""
    folder = private_folder(ctx.workspace.outbox / "alarms")
    first = message.batch.lines[0]
    about = f"{first.incident}-{first.share}" if first.share is not None else f"{first.kind}-{message.batch.what}"
    text = f"To: {_to(message.people)}\n\n{message.text}\n"
    write_durably(folder / f"{about}-{message.batch.id[:8]}.txt", text.encode())


def _to(people: Sequence[Person]) -> str:
    return ", ".join(dict.fromkeys(person.email or person.name for person in people))


WAYS: dict[str, Way] = {
    "slack": by_slack,
    "mail": by_mail,
    "webhook": by_webhook,
    "command": by_command,
    LAST: by_outbox,
}
