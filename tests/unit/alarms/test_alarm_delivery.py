"""Alarms on a real store: raised once, sent by the first channel that works, said again, over and said so."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from sqlalchemy import select

from simulators.chance import PowerCut
from simulators.house import FIRM, House, Unreachable
from tocsin import alarms
from tocsin.adapters.shell import SystemShell
from tocsin.alarms import Alarm, Audience
from tocsin.errors import OperationFailed, OutcomeUnknown, Refused, Temporary, UsageError
from tocsin.ports import HttpAnswer, HttpRequest, Post
from tocsin.signatures import signing_key, verified_id
from tocsin.store.tables import alarm_message

SECRET = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo0NTY3"
EVERY_WAY = FIRM.replace(
    "channels:\n",
    "alarms: [slack, mail, webhook, command, outbox]\n"
    "channels:\n"
    "  slack: {channel: C0123456789, token: 'env:NONE'}\n"
    "  webhook: {url: 'https://pager.larkfield.example/alarm', secret: 'file:secrets/pager'}\n"
    "  command: {run: [/bin/sh, -c, 'cat > paged.txt']}\n",
)
LATE = Alarm("backup.late", "plan:file-share", "The backup plan file-share is late.")
MISSING = Alarm("snapshot.missing", "snapshot:local/aa", "Snapshot aa is gone from the repository local.")


@dataclass
class Board:
    """Implements `ports.Messenger`: keeps what it is handed."""

    posts: list[Post] = field(default_factory=list)
    fault: Exception | None = None

    def post(self, post: Post) -> str:
        if self.fault:
            raise self.fault
        self.posts.append(post)
        return str(len(self.posts))


@dataclass
class Pager:
    """Implements `ports.Http`: answers each request alike and keeps it."""

    status: int = 204
    asked: list[HttpRequest] = field(default_factory=list)

    def request(self, request: HttpRequest) -> HttpAnswer:
        self.asked.append(request)
        return HttpAnswer(self.status, "")


class Safe:
    """Implements `ports.Secrets` with the one secret."""

    def read(self, reference: str) -> str:
        assert reference == "file:secrets/pager"
        return SECRET


@pytest.fixture
def firm(tmp_path: Path):
    house = House(tmp_path, firm=EVERY_WAY)
    yield house
    house.close()


def wrong(house: House, *found: Alarm) -> None:
    with house.store.write(house.ctx.actor) as tx:
        for one in found:
            alarms.raise_alarm(tx, one)


def over(house: House, one: Alarm) -> int:
    with house.store.write(house.ctx.actor) as tx:
        return alarms.clear(tx, kind=one.kind, subject=one.subject)


def sent(house: House) -> list[tuple[str, str]]:
    return [(str(mail["Subject"]), mail.get_content().strip()) for mail in house.postbox.sent]


def test_an_alarm_is_raised_once_and_told_once(house):
    wrong(house, LATE)
    wrong(house, LATE)
    (said,) = alarms.deliver(house.ctx)
    assert (said.channel, said.people, said.text) == ("mail", ("maya",), LATE.text)
    assert sent(house) == [("[Tocsin] Alarm: backup.late plan:file-share", LATE.text)]
    before = house.journal_kinds()
    assert alarms.deliver(house.ctx) == ()
    assert house.journal_kinds() == before
    assert before.count("alarm.raised") == before.count("alarm.sent") == 1


def test_several_for_the_same_people_are_one_message(house):
    wrong(house, LATE, MISSING, *(replace(LATE, subject=f"plan:{number}") for number in range(30)))
    (said,) = alarms.deliver(house.ctx)
    assert len(said.alarms) == 32
    assert said.text.startswith(f"32 alarms:\n- {LATE.text}\n- {MISSING.text}\n- ")
    assert said.text.endswith("- and 12 more. See: tocsin status")


def test_it_is_said_again_each_day_until_it_is_over_and_then_that_it_is(house):
    wrong(house, LATE)
    alarms.deliver(house.ctx)
    house.clock.advance(timedelta(hours=23))
    assert alarms.deliver(house.ctx) == ()
    house.clock.advance(timedelta(hours=1))
    assert [one.what for one in alarms.deliver(house.ctx)] == ["reminder"]
    house.clock.advance(timedelta(hours=5))
    assert over(house, LATE) == 1
    assert [one.what for one in alarms.deliver(house.ctx)] == ["over"]
    subjects = [subject for subject, _ in sent(house)]
    assert [subject.split(":")[0] for subject in subjects] == ["[Tocsin] Alarm", "[Tocsin] Still", "[Tocsin] Over"]
    house.clock.advance(timedelta(days=3))
    assert alarms.deliver(house.ctx) == ()
    wrong(house, LATE)
    assert [one.what for one in alarms.deliver(house.ctx)] == ["raised"]


def test_what_was_over_before_anybody_heard_of_it_is_not_told(house):
    wrong(house, LATE)
    over(house, LATE)
    assert alarms.deliver(house.ctx) == ()
    assert house.postbox.sent == []


def test_days_without_a_round_are_one_reminder(house):
    wrong(house, LATE)
    alarms.deliver(house.ctx)
    house.clock.advance(timedelta(days=9))
    assert len(alarms.deliver(house.ctx)) == 1
    assert alarms.deliver(house.ctx) == ()


def test_nobody_having_heard_of_it_the_first_message_is_no_reminder(house):
    wrong(house, LATE)
    house.clock.advance(timedelta(days=2))
    assert [one.what for one in alarms.deliver(house.ctx)] == ["raised"]


class CutAfterSending:
    """A mail server that takes the mail, and then the power goes."""

    def __init__(self, house: House) -> None:
        self._house = house

    def send(self, message: EmailMessage) -> None:
        self._house.postbox.send(message)
        raise PowerCut


@pytest.mark.parametrize(("cut", "mails"), [("before", 1), ("after", 2)])
def test_a_power_cut_sends_it_again_under_the_same_identity(house, cut, mails):
    wrong(house, LATE, MISSING)
    ctx = (
        house.crashing_at("alarms:claimed")
        if cut == "before"
        else replace(house.ctx, mailer=CutAfterSending(house))
    )
    with pytest.raises(PowerCut):
        alarms.deliver(ctx)
    wrong(house, replace(LATE, subject="plan:other"))
    assert [one.text for one in alarms.deliver(house.ctx)] == [LATE.text], "the first two may be on their way"
    house.clock.advance(timedelta(minutes=5))
    assert len(alarms.deliver(house.ctx)) == 1
    identities = [str(mail["Message-ID"]) for mail in house.postbox.sent if "2 alarms" in str(mail["Subject"])]
    assert len(identities) == mails
    assert len(set(identities)) == 1
    assert alarms.deliver(house.ctx) == ()


def test_what_a_dead_process_claimed_is_taken_at_once(house):
    wrong(house, LATE)
    with pytest.raises(PowerCut):
        alarms.deliver(house.crashing_at("alarms:claimed"))
    with house.store.write(house.ctx.actor) as tx:
        (by,) = tx.execute(select(alarm_message.c.claimed_by)).scalars()
        tx.execute(alarm_message.update().values(claimed_by=f"{by.split()[0]} 999999999:1:none"))
    assert len(alarms.deliver(house.ctx)) == 1


def test_each_channel_fails_to_the_next_and_the_message_says_so(firm):
    board, pager = Board(fault=OutcomeUnknown("Slack gave no answer.")), Pager(status=503)
    ctx = replace(
        firm.ctx, messenger=board, mailer=Unreachable("mail"), http=pager, secrets=Safe(), shell=SystemShell({})
    )
    wrong(firm, LATE)
    assert [one.channel for one in alarms.deliver(ctx)] == ["command"]
    text = (firm.folder / "paged.txt").read_text()
    assert text.startswith(LATE.text)
    assert [name for name in ("slack", "mail", "webhook") if f"{name} did not work just now." not in text] == []
    assert "So this comes by command." in text


def test_slack_gets_a_fixed_key_and_whom_it_is_for(firm):
    board = Board()
    wrong(firm, replace(LATE, audience=Audience(("tom",), ())))
    assert [one.channel for one in alarms.deliver(replace(firm.ctx, messenger=board))] == ["slack"]
    (post,) = board.posts
    assert post.key.startswith("alarm-")
    assert post.text == LATE.text
    assert firm.postbox.sent == []


def test_the_webhook_is_signed_and_names_ids_alone(firm):
    pager = Pager()
    ctx = replace(firm.ctx, messenger=Unreachable("Slack"), mailer=Unreachable("mail"), http=pager, secrets=Safe())
    wrong(firm, LATE)
    assert [one.channel for one in alarms.deliver(ctx)] == ["webhook"]
    (asked,) = pager.asked
    headers = {name.lower(): value for name, value in asked.headers.items()}
    body = asked.body.encode()
    assert verified_id(signing_key(SECRET, "it"), headers, body, firm.clock.now()).startswith("alarm-")
    assert SECRET in asked.hide


def test_an_outage_is_waited_for_once_a_round(firm):
    tries: list[str] = []

    class Away:
        def post(self, post: Post) -> str:
            tries.append(post.key)
            raise OutcomeUnknown("Slack gave no answer.")

    wrong(firm, LATE, replace(MISSING, audience=Audience(("tom",), ())))
    assert [one.channel for one in alarms.deliver(replace(firm.ctx, messenger=Away()))] == ["mail", "mail"]
    assert len(tries) == 1


def test_what_is_refused_for_one_message_is_tried_for_the_next(firm):
    board = Board(fault=OperationFailed("Slack refused it."))
    wrong(firm, LATE, replace(MISSING, audience=Audience(("tom",), ())))
    alarms.deliver(replace(firm.ctx, messenger=board))
    board.fault = None
    wrong(firm, replace(LATE, subject="plan:other"))
    assert [one.channel for one in alarms.deliver(replace(firm.ctx, messenger=board))] == ["slack"]


def test_a_compromised_channel_is_passed_over_and_the_next_says_so(firm):
    board = Board()
    ctx = replace(firm.ctx, messenger=board)
    alarms.mark_compromised(ctx, "slack", "The intruder reads along")
    wrong(firm, LATE)
    assert [one.channel for one in alarms.deliver(ctx)] == ["mail"]
    assert board.posts == []
    ((_, text),) = sent(firm)
    assert "slack is marked compromised since 20" in text
    assert "do not trust or answer what comes by it. So this comes by mail." in text
    assert "intruder" not in text, "the reason stays in the house"
    alarms.trust_again(ctx, "slack", "New tokens")
    wrong(firm, MISSING)
    assert [one.channel for one in alarms.deliver(ctx)] == ["slack"]
    kinds = firm.journal_kinds()
    assert "channel.compromised" in kinds
    assert "channel.trusted" in kinds


def test_marks_are_refused_for_what_is_no_channel_and_where_none_stands(firm):
    with pytest.raises(UsageError, match="Did you mean 'slack'"):
        alarms.mark_compromised(firm.ctx, "slak", "?")
    with pytest.raises(UsageError, match="mail is not marked compromised; nothing was changed"):
        alarms.trust_again(firm.ctx, "mail", "?")
    first = alarms.mark_compromised(firm.ctx, "mail", "one")
    assert alarms.mark_compromised(firm.acting("tom"), "mail", "two") == first


def test_where_nothing_at_all_works_nothing_is_lost(firm):
    (firm.folder / "outbox").write_text("a file is in the way")
    wrong(firm, LATE)
    shut = replace(firm.ctx, messenger=Unreachable("Slack"), mailer=Unreachable("mail"))
    assert [one.channel for one in alarms.deliver(shut)] == [""]
    assert [one.channel for one in alarms.deliver(firm.ctx)] == ["mail"]


@pytest.mark.parametrize(
    ("audience", "whom"),
    [
        (Audience(("tom",)), ("tom", "maya")),
        (Audience(("tom",), ("dpo",)), ("tom", "priya")),
        (Audience((), ("dpo",), "deputy"), ("priya", "maya")),
        (Audience((), ("dpo",), "everyone"), ("priya", "maya", "tom", "sam")),
        (Audience(("gone",), ()), ("maya", "tom", "priya", "sam")),
    ],
)
def test_an_audience_is_people_then_roles_then_the_ladder(house, audience, whom):
    found = alarms.people_for(house.workspace, audience)
    assert tuple(person.id for person in found) == whom


def test_settling_raises_what_is_new_and_ends_what_is_over_but_not_what_could_not_be_seen(house):
    kinds = ("backup.late", "snapshot.missing")
    other = Alarm("drill.overdue", "drill:files", "The drill files is overdue.")
    wrong(house, LATE, MISSING, other)
    with house.store.write(house.ctx.actor) as tx:
        raised, ended = alarms.settle(tx, [], kinds, stays=lambda kind, _: kind == "snapshot.missing")
        assert (raised, ended) == ((), (LATE,))
        standing = [row.kind for row in alarms.standing(tx.connection)]
    assert sorted(standing) == ["drill.overdue", "snapshot.missing"]


def test_a_channel_is_tried_before_it_is_needed(firm):
    board = Board()
    ctx = replace(firm.ctx, messenger=board, mailer=Unreachable("mail"))
    assert alarms.try_channel(ctx, "slack") == ("maya",)
    assert board.posts[0].text.startswith("A test of Tocsin's alarms by slack. Nothing has happened")
    with pytest.raises(Temporary):
        alarms.try_channel(ctx, "mail")
    alarms.mark_compromised(ctx, "slack", "?")
    with pytest.raises(Refused, match="marked compromised; nothing was sent"):
        alarms.try_channel(ctx, "slack")
    with pytest.raises(UsageError, match="Did you mean 'mail'"):
        alarms.try_channel(ctx, "mial")
    assert firm.journal_kinds().count("channel.tried") == 2
