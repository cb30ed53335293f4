"""The outbox and the desk on a real PostgreSQL: what one door has claimed the others leave alone."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chat_ground import chat_with, firm_with_slack, machine, sent, typed
from simulators.house import House
from simulators.postgres import postgres, postgres_url  # noqa: F401 - fixtures
from simulators.slack import Slack
from simulators.slack_server import slack_at_work
from tocsin.chat.desk import Desk
from tocsin.chat.rounds import Rounds
from tocsin.incidents import all_incidents

pytestmark = [pytest.mark.postgres, pytest.mark.xdist_group("postgres")]


@pytest.fixture
def slack() -> Iterator[Slack]:
    with slack_at_work() as slack:
        yield slack


def test_two_processes_that_serve_one_slack_post_and_act_once(tmp_path: Path, postgres_url: str, slack: Slack):  # noqa: F811
    house = House(tmp_path, firm=firm_with_slack(), store_url=postgres_url)
    contexts = [machine(house, chat_with(slack)) for _ in range(2)]
    form = Desk(contexts[0]).take(typed(slack, "declare", "U0MAYA")).form
    envelope = sent(slack, form, "U0MAYA", title="Strange logins", system=["crm"])
    with ThreadPoolExecutor() as pool:
        replies = list(pool.map(lambda ctx: Desk(ctx).take(envelope).text, contexts))
        nothing, declared = sorted(replies)
        assert nothing == ""
        assert "INC-" in declared
        rounds = [Rounds(ctx) for ctx in contexts]
        for _ in range(4):
            list(pool.map(Rounds.go, rounds))
    incidents = len(all_incidents(house.ctx))
    house.close()
    assert incidents == 1
    assert len(slack.posted) == 2
    assert len(slack.room.messages) == 3
