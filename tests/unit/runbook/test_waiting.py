"""The step that waits: for a time, or until something is so. Nothing sleeps."""

from datetime import timedelta

import pytest

from simulators.chance import PowerCut
from simulators.house import House
from tocsin.errors import ConfigurationError
from tocsin.incidents import Declaration, declare
from tocsin.runbook.engine import advance, prepare, start
from tocsin.runbook.readiness import Outlook
from tocsin.situation import state_fact

DEAD = f"{__import__('socket').gethostname()}|999999999:1"
HEAD = "playbook: p\ntitle: P\nsteps:\n"


def begin(house: House, step: str, incident: str | None = None) -> str:
    return start(house.ctx, prepare(house.ctx, f"{HEAD}- {{id: a, {step}}}\n", "p.yaml"), incident=incident).id


def test_it_waits_for_its_time_and_no_person_is_asked(house: House) -> None:
    run = begin(house, "uses: wait, with: {for: 45m}")
    found = advance(house.ctx, run)
    assert (found.waiting, found.looks[0].outlook) == ((), Outlook.TIME)
    assert found.looks[0].why == "waits until 2026-11-20 18:25:00 UTC"
    assert found.next_moment == house.clock.now() + timedelta(minutes=45)
    house.clock.advance(timedelta(minutes=44))
    assert advance(house.ctx, run).state == "open"
    house.clock.advance(timedelta(minutes=1))
    found = advance(house.ctx, run)
    assert (found.state, found.looks[0].row.output) == ("done", {"waited_seconds": 2700})


def test_a_crash_does_not_begin_the_wait_anew(house: House) -> None:
    run = begin(house, "uses: wait, with: {for: 45m}")
    advance(house.ctx, run)
    house.clock.advance(timedelta(minutes=45))
    with pytest.raises(PowerCut):
        advance(house.crashing_at("step:acted"), run, worker=DEAD)
    assert advance(house.ctx, run).state == "done"


def test_it_waits_until_a_fact_is_known(house: House) -> None:
    incident = declare(house.ctx, Declaration("Locked files", ("file-share",), cause="ransomware")).incident
    run = begin(house, "uses: wait, with: {until: 'facts.logs != \"unknown\"'}", incident)
    found = advance(house.ctx, run)
    assert found.looks[0].why == 'waits until facts.logs != "unknown"'
    advance(house.ctx, run)
    state_fact(house.ctx, incident, "logs", "missing")
    assert advance(house.ctx, run).state == "done"


def test_what_is_so_already_is_not_waited_for(house: House) -> None:
    incident = declare(house.ctx, Declaration("Locked files", ("file-share",), cause="ransomware")).incident
    run = begin(house, "uses: wait, with: {until: 'incident.cause == \"ransomware\"'}", incident)
    assert advance(house.ctx, run).state == "done"


def test_a_wait_that_lasts_too_long_fails(house: House) -> None:
    run = begin(house, "uses: wait, timeout: 1h, on_failure: continue, with: {until: 'inputs.size() > 0'}")
    advance(house.ctx, run)
    house.clock.advance(timedelta(hours=1))
    assert advance(house.ctx, run).state == "failed"


@pytest.mark.parametrize(
    ("step", "sentence"),
    [
        ("with: {}", "Write one of `for:` and `until:`"),
        ("with: {for: 5m, until: 'true'}", "Write one of `for:` and `until:`"),
        ("with: {for: soon}", "'soon' is not a duration"),
        ("with: {until: 'fact.logs == 1'}", "There is no value 'fact'. Did you mean 'facts'?"),
        ("with: {until: 'facts.logs =='}", "is not an expression"),
    ],
)
def test_a_wait_that_can_never_end_well_is_told_before_anything_runs(
    house: House, step: str, sentence: str
) -> None:
    with pytest.raises(ConfigurationError) as wrong:
        begin(house, f"uses: wait, {step}")
    assert sentence in str(wrong.value)
