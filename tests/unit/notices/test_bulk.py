"""One letter for thousands: guarded once, and then wherever it is filled."""

import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tocsin.model.workspace import Workspace
from tocsin.notices import Draft, addressed, check_notice, drawn
from tocsin.notices.bulk import LetterMerge, Recipient
from tocsin.notices.message import html_page
from unit.notices.agency import AWARE, case, make_workspace

ANN = Recipient("Ann Barker", ("1 Mill Lane", "Bristol", "BS41 9AB"))


@cache
def workspace() -> Workspace:
    return make_workspace(Path(tempfile.mkdtemp()))


@cache
def merge(addressee: str = "people") -> LetterMerge:
    draft = drawn(workspace(), case(), "people/letter", addressee, AWARE)
    return LetterMerge(
        replace(draft, body=f"[[name]]\n[[address]]\n\n{draft.body}"),
        addressed(workspace(), addressee),
        workspace(),
    )


def rules(recipient: Recipient, addressee: str = "people") -> set[tuple[str, bool]]:
    return {(each.rule, each.blocking) for each in merge(addressee).check(recipient)}


def test_the_shipped_letter_is_ready_to_be_made_out() -> None:
    assert merge().findings == ()
    body = merge().letter(ANN).body
    assert body.startswith("Ann Barker\n1 Mill Lane\\\nBristol\\\nBS41 9AB\n")
    assert "Dear Ann Barker\n" in body
    assert "[[" not in body


@pytest.mark.parametrize(
    "name", ["Ann Barker", "Ciarán Ó Néill", "Anne-Marie d'Arcy", "O'Brien, J.", "Rosa Keane", "李 小龙", "X Æ"]
)
def test_a_reader_may_be_called_anything_people_are_called(name: str) -> None:
    assert rules(Recipient(name, ("Flat 2, 14 Harbour Road", "Acomb"))) == set()


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("", "hole"),
        ("   ", "hole"),
        ("nan", "hole"),
        ("None", "hole"),
        ("{{ name }}", "hole"),
        ("[[address]]", "hole"),
        ("Ann\nBarker", "hole"),
        ("Ann" * 50, "hole"),
        ("ann@home.example", "hole"),
        ("4111 1111 1111 1111", "personal-data"),
        ("Ann AB 12 34 56 C", "personal-data"),
        ("Harbour Dental Practice Ltd", "other-client"),
        ("Patient of Acme Health", "other-client"),
        ("Recall letters", "other-client"),
    ],
)
def test_what_is_no_name_holds_the_letter_back(name: str, rule: str) -> None:
    assert (rule, True) in rules(Recipient(name))


def test_a_clients_own_people_may_be_told_of_it() -> None:
    assert rules(Recipient("Acme Health staff"), "people:acme-health") == set()
    assert rules(Recipient("Acme Health staff"), "people:acme") == {("other-client", True)}


def test_an_address_that_bears_a_clients_name_is_for_a_person_to_judge() -> None:
    assert rules(Recipient("Ann Barker", ("Acme House", "Bristol"))) == {("other-client", False)}


def test_a_name_cut_in_two_by_the_seam_is_found() -> None:
    draft = merge().letter(ANN)
    cut = replace(draft, body=draft.body.replace("Dear Ann Barker", "Dear Harbour [[name]]"))
    split = LetterMerge(cut, addressed(workspace(), "people"), workspace())
    assert [each.rule for each in split.check(Recipient("Dental Practice"))] == ["other-client"]
    assert split.check(ANN) == ()


def test_markup_in_a_name_never_becomes_markup() -> None:
    page = html_page(merge().letter(Recipient("Ann *B* <b>x</b> [y](http://z.example)")))
    assert "<em>B</em>" not in page
    assert "<b>x" not in page
    assert 'href="http' not in page


_SIGNS = st.text(st.characters(codec="utf-8"), max_size=12)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), before=_SIGNS, after=_SIGNS)
def test_what_the_whole_guard_finds_the_quick_one_finds(data: st.DataObject, before: str, after: str) -> None:
    hidden = data.draw(
        st.sampled_from(
            ["Harbour Dental Practice Ltd", "ACME health", "newsletter\tsubscribers", "ivo@acme.example"]
        )
    )
    name = f"{before} {hidden} {after}"
    assume("[[" not in name)
    letter = merge().letter(Recipient(name))
    whole = check_notice(letter, addressed(workspace(), "people"), workspace())
    if any(each.rule == "other-client" for each in whole):
        assert any(each.blocking for each in merge().check(Recipient(name)))


@settings(max_examples=80, deadline=None)
@given(name=st.text(st.characters(codec="utf-8", categories=("Lu", "Ll", "Lo", "Zs")), min_size=1, max_size=40))
def test_a_letter_differs_from_the_approved_text_in_name_and_address_alone(name: str) -> None:
    assume(name.strip())
    one, other = merge().letter(Recipient("Q")), merge().letter(Recipient(name))
    assert isinstance(other, Draft)
    assert other.subject == one.subject
    shown = " ".join(name.split())
    assert (
        other.body.replace(shown, "").replace(" ", "") == one.body.replace("Q", "").replace(" ", "")
        or shown in one.body
    )
