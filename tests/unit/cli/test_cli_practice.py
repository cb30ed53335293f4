"""`tocsin practice` as a person meets it: from what is due to evidence, and what it refuses."""

import getpass
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from practice_ground import KEPT
from simulators.house import FIRM, House
from tocsin.cli import carry_out
from tocsin.cli.practice import command


@pytest.fixture
def firm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    # Whoever runs the tests is maya.
    house = House(tmp_path, firm=FIRM.replace("login: maya", f"login: {getpass.getuser()}") + KEPT)
    monkeypatch.chdir(tmp_path)
    yield house
    house.close()


def _json(capsys: pytest.CaptureFixture[str]) -> object:
    return json.loads(capsys.readouterr().out)


@pytest.mark.usefixtures("firm")
def test_a_review_is_filled_in_two_sittings_signed_and_its_request_settled(
    capsys: pytest.CaptureFixture[str],
) -> None:
    first = CliRunner().invoke(command, ["fill", "access-review"], input="yes\nn\nleft in June\nperhaps\nstop\n")
    assert "6 of 8 rows are still open" in first.output
    assert "'perhaps' is no answer" in first.output
    assert carry_out(["practice", "complete", "access-review"]) == 3
    assert "6 of 8 rows are not answered yet" in capsys.readouterr().err
    second = CliRunner().invoke(command, ["fill", "access-review"], input="yes\n" * 6)
    assert "Every row is answered" in second.output
    assert carry_out(["practice", "complete", "access-review", "--with", "tom", "--json"]) == 0
    told = _json(capsys)
    assert isinstance(told, dict)
    assert (told["signed_by"], len(told["findings"])) == ("maya", 1)
    assert carry_out(["practice", "findings"]) == 0
    assert "tom no longer needs access to file-share: take it away. left in June" in capsys.readouterr().out
    finding = told["findings"][0]
    assert carry_out(["practice", "findings", "--settle", finding, "--how", "The account is closed."]) == 0
    assert carry_out(["practice", "history", "access-review", "--json"]) == 0
    assert '"took part"' not in capsys.readouterr().out


def test_a_spreadsheet_with_a_wrong_cell_changes_nothing(firm: House, capsys: pytest.CaptureFixture[str]) -> None:
    assert carry_out(["practice", "worksheet", "access-review", "--csv", "access.csv"]) == 0
    path = firm.folder / "access.csv"
    text = path.read_text("utf-8-sig")
    path.write_text(text.replace(",,\n", ",ja,\n"))
    capsys.readouterr()
    assert carry_out(["practice", "complete", "access-review", "--sheet", "access.csv"]) == 2
    assert "access.csv:2:" in capsys.readouterr().err
    path.write_text(text.replace(",,\n", ",yes,\n"))
    assert carry_out(["practice", "complete", "access-review", "--sheet", "access.csv", "--by", "maya"]) == 0
    assert "Done: access-review, for 2026-12-31." in capsys.readouterr().out


@pytest.mark.usefixtures("firm")
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["complete", "access-review"], 2, "is done only with evidence"),
        (["complete", "restore-drill"], 2, "is proven by a drill alone"),
        (["complete", "acess-review"], 2, "Did you mean 'access-review'"),
        (["complete", "access-review", "--by", "tom"], 3, "cannot sign for tom"),
        (["complete", "access-review", "--with", "tomm"], 2, "Did you mean 'tom'"),
        (["complete", "access-review", "--sheet", "none.csv"], 2, "cannot be read"),
        (["complete", "access-review", "--file", "none.pdf"], 2, "cannot be read"),
        (["complete", "staff-training", "--file", "tocsin.yaml"], 2, "asks each person"),
        (["complete", "staff-training", "--person", "maya", "--file", "tocsin.yaml"], 2, "does not ask 'maya'"),
        (["skip", "access-review", "--reason", " "], 2, "Say why"),
        (["show", "key-recovery"], 2, "is not switched on"),
        (["consent", "export", "business-contact", "--purpose", "news", "--csv", "x.csv"], 2, "business-contacts"),
    ],
)
def test_what_is_refused_says_why_and_what_to_do(
    words: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert carry_out(["practice", *words]) == code
    assert said in capsys.readouterr().err


@pytest.mark.usefixtures("firm")
def test_what_is_known_of_a_practice_is_shown_with_its_sources(capsys: pytest.CaptureFixture[str]) -> None:
    assert carry_out(["practice", "show", "software-updates"]) == 0
    shown = capsys.readouterr().out
    assert "14 days" in shown
    assert "recalled from memory: check this" in shown
    assert carry_out(["practice", "list", "--all"]) == 0
    assert "not switched on" in capsys.readouterr().out
    assert carry_out(["practice", "due", "--json"]) == 0
    assert _json(capsys) == []
