"""Records of consent: who, when, how, what they were told; and a withdrawal is never undone by an old list."""

from datetime import date

import pytest

from simulators.house import House
from tocsin.errors import ConfigurationError, UsageError
from tocsin.practices import consents_in, export_consents, import_consents, withdraw, without_record
from tocsin.practices.consents import counted
from tocsin.store.journal import entries

HEAD = "who,purpose,given,how,told,withdrawn\n"
ADA = "ada@example.com,news,2026-03-01,web form,news-2,\n"
BEN = "ben@example.com,news,2026-03-02,paper,news-2,\n"


def _import(house: House, *lines: str) -> tuple[int, int, int, int]:
    done = import_consents(house.ctx, "business-contacts", HEAD + "".join(lines), "consents.csv")
    return done.new, done.changed, done.withdrawn, done.same


def test_a_list_is_taken_in_once(house: House) -> None:
    assert _import(house, ADA, BEN) == (2, 0, 0, 0)
    assert _import(house, ADA, BEN) == (0, 0, 0, 2)
    with house.store.read() as connection:
        assert counted(connection) == {"business-contacts": (2, 0)}
        (first, _) = consents_in(connection, "business-contacts")
    assert (first.told, first.how, first.given_on) == ("news-2", "web form", date(2026, 3, 1))


def test_who_withdrew_is_in_no_export_whatever_old_list_comes_back(house: House) -> None:
    _import(house, ADA, BEN)
    assert withdraw(house.ctx, "business-contacts", "ADA@example.com ") == 1
    assert _import(house, ADA) == (0, 0, 0, 1)
    assert _import(house, ADA.replace("2026-03-01", "2026-02-01")) == (0, 0, 0, 1)
    text = export_consents(house.ctx, "business-contacts", "news")
    assert "ada@" not in text
    assert "ben@" in text


def test_a_consent_given_again_counts_again(house: House) -> None:
    _import(house, ADA.replace("news-2,", "news-2,2026-04-01"))
    assert "ada@" not in export_consents(house.ctx, "business-contacts", "news")
    assert _import(house, ADA.replace("2026-03-01", "2026-05-01").replace("news-2", "news-3")) == (0, 1, 0, 0)
    assert "ada@example.com,news,2026-05-01,web form,news-3" in export_consents(
        house.ctx, "business-contacts", "news"
    )


def test_one_wrong_line_keeps_the_whole_list_out(house: House) -> None:
    with pytest.raises(ConfigurationError) as wrong:
        _import(house, ADA, "ben@example.com,news,2.3.2026,,news-2,\n", BEN.replace("2026", "2126"), "ben\n")
    said = [str(problem) for problem in wrong.value.problems]
    assert said == [
        "consents.csv:3:4: how is empty: a consent that cannot be shown is none.",
        "consents.csv:3:3: '2.3.2026' is not a day. Write it as 2026-11-20.",
        "consents.csv:4:3: 2126-03-02 is yet to come.",
        "consents.csv:5:1: This line has 1 columns, and the first line has 6.",
    ]
    with house.store.read() as connection:
        assert consents_in(connection, "business-contacts") == ()


def test_the_review_lists_who_has_no_consent_that_holds(house: House) -> None:
    _import(house, ADA, BEN)
    withdraw(house.ctx, "business-contacts", "ben@example.com")
    with house.store.read() as connection:
        people = ("Ada@Example.com", "ben@example.com", "cyn@example.com")
        assert without_record(connection, "business-contacts", people) == ("ben@example.com", "cyn@example.com")


def test_the_journal_holds_counts_and_no_person(house: House) -> None:
    _import(house, ADA, BEN)
    withdraw(house.ctx, "business-contacts", "ada@example.com")
    with house.store.read() as connection:
        told = [str(one) for one in entries(connection)]
    assert not any("ada@" in one or "ben@" in one for one in told)


def test_it_refuses_an_unknown_dataset_and_an_unknown_person(house: House) -> None:
    with pytest.raises(UsageError, match="Did you mean 'business-contacts'"):
        import_consents(house.ctx, "busines-contacts", HEAD, "consents.csv")
    with pytest.raises(UsageError, match="no consent of that person"):
        withdraw(house.ctx, "business-contacts", "nobody")
