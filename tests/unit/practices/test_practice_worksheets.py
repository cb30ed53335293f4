"""A worksheet: from the inventory, filled in bits or as CSV, signed as evidence, its requests kept as findings."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from practice_ground import practising
from simulators.house import House
from tocsin.errors import ConfigurationError, Refused, UsageError
from tocsin.findings import open_findings
from tocsin.practices import (
    Evidence,
    Sheet,
    abouts_of,
    answer,
    complete,
    history_of,
    kept_file,
    opened,
    practice_named,
    read_csv,
    sign_off,
    signer,
    standing_of,
    written_csv,
)
from tocsin.workspace import load


@pytest.fixture
def firm(tmp_path: Path) -> Iterator[House]:
    house = practising(tmp_path)
    yield house
    house.close()


def _opened(firm: House, name: str = "access-review") -> Sheet:
    return opened(firm.ctx, practice_named(firm.workspace, name))


def _filled(firm: House, sheet: Sheet, **said: str) -> Sheet:
    given = {key.replace("__", "/").replace("_", "-"): word for key, word in said.items()}
    return answer(firm.ctx, sheet, [(row.key, given.get(row.key, "yes"), "") for row in sheet.rows])


def test_it_asks_for_each_person_and_system_and_goes_on_where_it_was_left(firm: House) -> None:
    sheet = _opened(firm)
    assert len(sheet.rows) == len(firm.workspace.systems) * len(firm.workspace.people)
    answer(firm.ctx, sheet, [("crm/sam", "no", "left in June")])
    again = _opened(firm)
    assert again.id == sheet.id
    assert [(row.key, row.note) for row in again.rows if row.answer] == [("crm/sam", "left in June")]


def test_a_removal_asked_for_waits_as_a_finding_and_the_next_worksheet_shows_what_changed(firm: House) -> None:
    review = practice_named(firm.workspace, "access-review")
    first = sign_off(
        firm.ctx, review, _filled(firm, _opened(firm), crm__sam="no"), by="maya", participants=["tom"]
    )
    assert first.changes == ()
    with firm.store.read() as connection:
        found = open_findings(connection, source="practice")
        (done,) = history_of(connection, "access-review")
    assert [(one.code, one.thing) for one in found] == [("access-removal", "crm/sam")]
    assert (done.proof, done.signed_by, done.participants) == ("sheet", "maya", ("tom",))
    assert done.sha256 == first.sheet.sha256
    second = sign_off(firm.ctx, review, _filled(firm, _opened(firm), crm__sam="none"), by="maya")
    assert [(one.key, one.before, one.now) for one in second.changes] == [("crm/sam", "no", "none")]
    assert second.findings == ()


def test_it_is_not_signed_while_a_row_is_open(firm: House) -> None:
    with pytest.raises(Refused, match="rows are not answered yet"):
        sign_off(firm.ctx, practice_named(firm.workspace, "access-review"), _opened(firm), by="maya")
    with firm.store.read() as connection:
        assert history_of(connection, "access-review") == ()


def test_nobody_signs_for_another_or_as_a_stranger(firm: House) -> None:
    with pytest.raises(Refused, match="cannot sign for tom"):
        signer(firm.ctx, "tom")
    with pytest.raises(UsageError, match="Did you mean 'maya'"):
        signer(firm.ctx, "mya")
    assert signer(firm.ctx, None) == "maya"


def test_a_csv_comes_back_as_it_went(firm: House) -> None:
    sheet = _opened(firm)
    filled = written_csv(sheet).replace(",,\r\n", ",yes,\r\n")
    assert {said for _, said, _ in read_csv(filled, "access.csv", sheet)} == {"yes"}
    # As Excel writes it in much of Europe.
    other = "\ufeff" + "\r\n".join(
        ";".join(f'"{cell}"' for cell in line)
        for line in [("key", "answer", "note"), *((r.key, "YES", "") for r in sheet.rows)]
    )
    assert {said for _, said, _ in read_csv(other, "access.csv", sheet)} == {"yes"}


def test_a_cell_that_a_spreadsheet_would_run_is_quoted_and_comes_back(firm: House) -> None:
    sheet = answer(firm.ctx, _opened(firm), [("crm/sam", "no", "=1+1")])
    text = written_csv(sheet)
    assert ",'=1+1\r\n" in text
    assert ("crm/sam", "no", "=1+1") in read_csv(text, "access.csv", sheet)


def test_every_wrong_cell_is_named_with_its_line_and_column(firm: House) -> None:
    sheet = _opened(firm)
    keys = [row.key for row in sheet.rows]
    lines = [
        "key,answer,note",
        f"{keys[0]},perhaps,",
        "crm/smm,yes,",
        f"{keys[1]},yes",
        f"{keys[2]},no,",
        f"{keys[2]},no,",
    ]
    with pytest.raises(ConfigurationError) as wrong:
        read_csv("\n".join(lines), "access.csv", sheet)
    said = [str(problem) for problem in wrong.value.problems]
    assert said[0].startswith("access.csv:2:2: 'perhaps' is no answer")
    assert "access.csv:3:1: The worksheet asks nothing about 'crm/smm'. Did you mean 'crm/sam'?" in said[1]
    assert said[2].startswith("access.csv:4:1: This line has 2 columns")
    assert said[3].startswith("access.csv:6:1: ")


def test_a_table_without_some_rows_changes_nothing(firm: House) -> None:
    sheet = _opened(firm)
    with pytest.raises(ConfigurationError, match="rows of the worksheet are missing"):
        read_csv("key,answer,note\ncrm/sam,no,\n", "access.csv", sheet)
    with pytest.raises(ConfigurationError, match="no column 'answer'"):
        read_csv("key,note\n", "access.csv", sheet)


def test_training_settles_those_who_had_it_and_nobody_else(firm: House) -> None:
    training = practice_named(firm.workspace, "staff-training")
    assert training.abouts == ("tom/phishing", "tom/passwords", "sam/phishing", "sam/passwords")
    sheet = _opened(firm, "staff-training")
    signed = sign_off(firm.acting("priya"), training, _filled(firm, sheet, sam__phishing="no"), by="priya")
    assert [one.about for one in signed.done] == ["tom/phishing", "tom/passwords", "sam/passwords"]
    with firm.store.read() as connection:
        found = standing_of(connection, firm.workspace, training, firm.clock.now())
    assert [one.about for one in found if one.never_done] == ["sam/phishing"]


def test_a_file_is_kept_private_under_its_hash(firm: House, tmp_path: Path) -> None:
    proof = tmp_path / "Certificate.PDF"
    proof.write_bytes(b"%PDF sam was there")
    training = practice_named(firm.workspace, "staff-training")
    evidence = kept_file(firm.ctx, training, proof)
    complete(firm.ctx, training, abouts_of(training, ["sam"], ["phishing"]), evidence, by="maya")
    with firm.store.read() as connection:
        (done,) = history_of(connection, "staff-training")
    copy = firm.folder / str(done.path)
    assert copy.read_bytes() == proof.read_bytes()
    assert copy.stat().st_mode & 0o077 == 0
    assert done.participants == ("sam",)
    proof.write_bytes(b"")
    with pytest.raises(UsageError, match="is empty and proves nothing"):
        kept_file(firm.ctx, training, proof)


def test_a_restore_drill_is_proven_by_a_drill_alone(firm: House) -> None:
    drill = practice_named(firm.workspace, "restore-drill")
    with pytest.raises(Refused, match="not proven by a file, only by a drill"):
        complete(firm.ctx, drill, [""], Evidence("file", "0" * 64), by="maya")
    with pytest.raises(UsageError, match="not by a worksheet"):
        _opened(firm, "restore-drill")


def test_a_new_person_comes_onto_a_sheet_that_is_open(firm: House, tmp_path: Path) -> None:
    _filled(firm, _opened(firm))
    text = (firm.folder / "tocsin.yaml").read_text()
    (firm.folder / "tocsin.yaml").write_text(text.replace("clients:\n", "  ada: {name: Ada Byron}\nclients:\n", 1))
    ctx = replace(firm.ctx, workspace=load(tmp_path))
    again = opened(ctx, practice_named(ctx.workspace, "access-review"))
    assert {row.key for row in again.open_rows} == {"file-share/ada", "crm/ada"}
