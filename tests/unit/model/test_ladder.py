"""How far a thing is proven: what a later failure takes away, and what it leaves."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tocsin.model.ladder import NOTHING, Proof, Rung, highest, lowest, proven_by

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def proof(days, reached, broken=None):
    rung = Rung(reached) if reached else None
    return Proof(NOW - timedelta(days=days), rung, Rung(broken) if broken else None, f"{days} days ago")


def test_nothing_tried_is_nothing_proven():
    assert proven_by([]) == NOTHING


def test_the_highest_rung_counts_and_a_newer_lower_one_takes_nothing_away():
    found = proven_by([proof(90, "L6"), proof(1, "L2")])
    assert (found.rung, found.by) == (Rung.L6, "90 days ago")


def test_the_same_rung_again_is_proven_since_the_newest():
    assert proven_by([proof(90, "L3"), proof(2, "L3"), proof(1, "L1")]).by == "2 days ago"


def test_a_rung_that_broke_takes_every_older_proof_of_it_away():
    found = proven_by([proof(90, "L6"), proof(1, "L3", "L4")])
    assert (found.rung, found.by) == (Rung.L3, "1 days ago")


def test_what_broke_and_held_again_is_proven():
    assert proven_by([proof(90, "L6"), proof(30, "L3", "L4"), proof(1, "L5")]).rung is Rung.L5


def test_a_repository_that_will_not_open_leaves_nothing():
    assert proven_by([proof(90, "L6"), proof(1, None, "L0")]) == NOTHING


def test_a_plan_is_as_good_as_its_best_copy_and_a_system_as_its_least_plan():
    found = [proven_by([proof(1, "L3")]), NOTHING, proven_by([proof(1, "L5")])]
    assert highest(found).rung is Rung.L5
    assert lowest(found) == NOTHING


RUNGS = st.one_of(st.none(), st.sampled_from(list(Rung)))
PROOFS = st.lists(st.tuples(st.integers(0, 400), RUNGS, RUNGS), max_size=8)


@given(PROOFS)
def test_nothing_is_proven_that_the_newest_word_on_it_denies(tried):
    proofs = [proof(days, reached, broken) for days, reached, broken in tried]
    found = proven_by(proofs)
    if found.rung is None:
        return
    assert found.at is not None
    later = [each for each in proofs if each.at > found.at and each.broken is not None]
    assert all(each.broken.height > found.rung.height for each in later)
    assert any(
        each.at == found.at and each.reached and each.reached.height >= found.rung.height for each in proofs
    )
