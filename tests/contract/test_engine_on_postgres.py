"""The whole response on a real PostgreSQL, and many doors at once: what one has claimed the others leave alone."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from simulators.house import House
from simulators.postgres import postgres, postgres_url  # noqa: F401 - fixtures
from simulators.probe import Probe
from tocsin.incidents import Declaration, clocks_of, declare, write_story
from tocsin.notices import approve_notice, notices, shown
from tocsin.runbook import decisions
from tocsin.runbook.engine import advance, prepare, stand, start
from tocsin.runbook.registry import KINDS
from tocsin.situation import situation_of
from tocsin.store import journal
from tocsin.store.keys import trusted_keys
from tocsin.store.verification import verify

pytestmark = [pytest.mark.postgres, pytest.mark.xdist_group("postgres")]


@pytest.fixture
def grand_house(tmp_path: Path, postgres_url: str) -> Iterator[House]:  # noqa: F811
    house = House(tmp_path, store_url=postgres_url)
    yield house
    house.close()


def test_a_breach_is_answered_from_declaration_to_sent_notices(grand_house: House) -> None:
    house = grand_house
    declared = declare(house.ctx, Declaration("Locked files", ("file-share",), cause="ransomware"))
    run = declared.run.id
    advance(house.ctx, run)
    for step, answer in {
        "isolate": "done", "ask-kinds": "availability,confidentiality", "ask-exfiltration": "confirmed",
        "ask-logs": "complete", "ask-backup": "intact", "ask-protection": "none", "ask-impact": "major",
    }.items():  # fmt: skip
        decisions.answer(house.ctx, run, step, answer)
        advance(house.ctx, run)
    decisions.answer(house.acting("priya"), run, "decide-regulator", "yes")
    advance(house.ctx, run)
    for notice in notices(house.ctx):
        approve_notice(house.acting("priya"), notice.id, shown(house.ctx, notice.id).sha256, reason="Read")
    advance(house.ctx, run)
    assert {message["To"] for message in house.postbox.sent} == {
        "anneka@harbourdental.example", "callum@northgatehomes.example",
    }  # fmt: skip
    with house.store.read() as connection:
        assert len(clocks_of(situation_of(connection, house.workspace, declared.incident))) == 3
        keys = trusted_keys(house.store.keys_folder)
        assert verify(journal.lines(connection), journal.heads(connection), keys).ok
    assert b"Larkfield" in write_story(house.ctx, declared.incident).page.read_bytes()


def test_eight_doors_at_once_run_every_step_exactly_once(
    grand_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    probe = Probe(idempotent=False)
    monkeypatch.setitem(KINDS, "test.probe", probe)
    steps = "".join(
        f"- {{id: s{n}, uses: test.probe, needs: [{f's{n - 1}' if n % 5 else ''}]}}\n" for n in range(20)
    )
    text = f"playbook: many\ntitle: Many\nsteps:\n{steps}"
    run = start(grand_house.ctx, prepare(grand_house.ctx, text, "many.yaml")).id
    with ThreadPoolExecutor(8) as doors:
        for _ in range(3):
            list(doors.map(lambda _: advance(grand_house.ctx, run), range(8)))
    advance(grand_house.ctx, run)
    assert Counter(probe.ran) == Counter({f"s{n}": 1 for n in range(20)})
    assert stand(grand_house.ctx, run).state == "done"
