"""`tocsin inventory`: the sample firm's inventory shown, checked, drawn and explained."""

import json
from pathlib import Path

import pytest

from simulators.house import FIRM
from tocsin.cli import carry_out


@pytest.fixture
def folder(tmp_path: Path):
    (tmp_path / "tocsin.yaml").write_text(FIRM)
    return tmp_path


def said(folder, capsys, *words):
    code = carry_out(["inventory", *words, "--workspace", str(folder)])
    return code, capsys.readouterr()


def test_check_ends_with_one_while_something_must_be_mended_and_with_nothing_for_a_report(folder, capsys):
    code, out = said(folder, capsys, "check")
    assert code == 1
    assert "To be mended\n" in out.out
    assert "Nobody has said\n" in out.out
    assert said(folder, capsys, "check", "--report-only")[0] == 0


def test_json_names_file_line_and_practice_of_each_finding(folder, capsys):
    _, out = said(folder, capsys, "check", "--json", "--client", "harbour-dental")
    data = json.loads(out.out)
    found = next(each for each in data["findings"] if each["code"] == "encryption-unknown")
    assert (found["severity"], found["about"], found["practice"]) == ("ask", "system:file-share", "P14")
    assert found["line"] == FIRM[: FIRM.index("  file-share: {title: Shared files, kind")].count("\n") + 1
    assert "northgate" not in out.out


def test_the_tree_marks_what_is_open(folder, capsys):
    code, out = said(folder, capsys, "map", "--client", "northgate-homes")
    assert code == 0
    assert "Northgate Homes Lettings Ltd" in out.out
    assert "Harbour" not in out.out
    assert "! Shared files -> local" in out.out


def test_the_page_is_written_and_a_client_that_is_none_writes_nothing(folder, capsys):
    page = folder / "map.html"
    assert said(folder, capsys, "map", "--html", str(page))[0] == 0
    assert page.read_text().count('<g class="') == 2 + 1 + 4 + 2 + 1
    page.unlink()
    code, out = said(folder, capsys, "map", "--html", str(page), "--client", "harbour")
    assert code == 2
    assert "Did you mean 'harbour-dental'?" in out.err
    assert not page.exists()


def test_handling_shows_each_rule_with_its_reason_and_each_departure_with_its_owner(folder, capsys):
    with (folder / "tocsin.yaml").open("a") as file:
        file.write(
            "handling: {sensitive: {retention: 10 years}}\n"
            "departures:\n"
            "  - {rule: encrypted, system: crm, owner: sam, reason: New disks come, until: 2026-01-31}\n"
        )
    code, out = said(folder, capsys, "handling")
    assert code == 0
    assert "10 years *" in out.out
    assert "retention: Art 5(1)(e) names no figure." in out.out
    assert "crm from encrypted: sam, ENDED on 2026-01-31: New disks come" in out.out
