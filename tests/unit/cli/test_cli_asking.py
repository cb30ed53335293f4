"""The questions of a declaration: put again until answered, with the nearest right word."""

import click
from click.testing import CliRunner

from simulators.house import House
from tocsin.cli.asking import completed
from tocsin.incidents import Declaration


def ask(house: House, typed: str, said: Declaration) -> tuple[Declaration, str]:
    found: list[Declaration] = []

    @click.command()
    def questions() -> None:
        found.append(completed(house.ctx, said))

    result = CliRunner().invoke(questions, input=typed)
    assert result.exit_code == 0, result.output
    return found[0], result.output


def test_a_misspelt_word_is_answered_with_the_nearest_and_asked_again(house: House) -> None:
    said, shown = ask(
        house, "Laptop gone\nfile-shair\ncrm, file-share\nlost_devise\nlost_device\ny\n", Declaration("", ())
    )
    assert said == Declaration("Laptop gone", ("crm", "file-share"), "lost_device", aware_at=house.clock.now())
    assert "There is no 'file-shair'. Did you mean 'file-share'?" in shown
    assert "Did you mean 'lost_device'?" in shown


def test_what_was_said_already_is_not_asked(house: House) -> None:
    given = Declaration("Locked", ("crm",), "ransomware")
    said, shown = ask(house, "n\n", given)
    assert said == given
    assert "1." not in shown
    assert "2." not in shown
    assert "3." not in shown


def test_a_system_is_needed_and_a_cause_is_not(house: House) -> None:
    said, _ = ask(house, "\n\ncrm\n\nn\n", Declaration("Odd", ()))
    assert (said.systems, said.cause, said.aware_at) == (("crm",), None, None)
