"""Findings: counted while they are open, settled once, by a person who says how."""

import pytest

from simulators.house import House
from tocsin.errors import Refused, UsageError
from tocsin.findings import Found, note, open_findings, settle

LONG = "/srv/" + "a" * 4000


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path)
    yield house
    house.close()


def found(code="missing-file", thing="/srv/a", operation="1" * 32):
    return Found("drill", operation, "drill:files", code, f"{thing} was not restored.", thing)


def noted(house, *findings):
    with house.store.write(house.ctx.actor) as tx:
        return [note(tx, each) for each in findings]


def still_open(house):
    with house.store.read() as connection:
        return open_findings(connection, source="drill")


def test_the_same_fault_found_again_is_one_finding_that_counts(house):
    first, again = noted(house, found(), found(operation="2" * 32))
    assert first == again
    (kept,) = still_open(house)
    assert (kept.times, kept.source_id) == (2, "2" * 32)


def test_another_code_or_thing_is_another_finding(house):
    assert (
        len(set(noted(house, found(), found(code="changed-file"), found(thing="/srv/b"), found(thing=LONG)))) == 4
    )


def test_a_settled_one_is_open_no_more_and_comes_back_as_a_new_one(house):
    (first,) = noted(house, found())
    with house.store.write(house.ctx.actor) as tx:
        assert settle(tx, first[:8], "maya", "The exclusion was wrong.").settled_by == "maya"
    assert still_open(house) == ()
    assert noted(house, found()) != [first]


def test_settling_twice_or_without_a_word_changes_nothing(house):
    (first,) = noted(house, found())
    for wrong, error in (((first, "maya", "  "), UsageError), (("f" * 32, "maya", "Done."), UsageError)):
        with pytest.raises(error), house.store.write(house.ctx.actor) as tx:
            settle(tx, *wrong)
    with house.store.write(house.ctx.actor) as tx:
        settle(tx, first, "maya", "Done.")
    with pytest.raises(Refused, match="was settled by maya"), house.store.write(house.ctx.actor) as tx:
        settle(tx, first, "tom", "Done too.")


def test_the_journal_tells_of_it_without_its_words(house):
    noted(house, found())
    assert house.journal_kinds()[-1] == "drill.finding"
    with house.store.read() as connection:
        payload = connection.exec_driver_sql("select payload from journal order by seq desc limit 1").scalar()
    assert "/srv/a" not in payload
