"""Who we are, as the regimes ask it, read from tocsin.yaml."""

import pytest

from simulators.house import FIRM, House
from tocsin.errors import ConfigurationError
from tocsin.law.regimes import Policy, Regulated
from tocsin.situation.profile import profile_of
from tocsin.workspace import load

HERE = "  registration: ZA000000\n"


def workspace(tmp_path, lines):
    (tmp_path / "tocsin.yaml").write_text(FIRM.replace(HERE, HERE + lines))
    return load(tmp_path)


def test_what_the_workspace_leaves_out_is_not_known(house: House):
    found = profile_of(house.workspace)
    assert (found.regulated_as, found.small, found.policies) == (None, None, None)
    assert [(client.id, client.notice_hours) for client in found.clients] == [
        ("harbour-dental", 24),
        ("northgate-homes", 48),
    ]


def test_what_it_says_is_the_profile(tmp_path):
    lines = "  regulated_as: [sra]\n  size: larger\n  insurance: [{policy: CY-1, insurer: Meridian, notice_hours: 48}]\n"
    found = profile_of(workspace(tmp_path, lines))
    assert found.regulated_as == {Regulated.SRA}
    assert found.small is False
    assert found.policies == (Policy("Meridian", "CY-1", 48),)


def test_an_empty_list_says_none(tmp_path):
    found = profile_of(workspace(tmp_path, "  regulated_as: []\n  insurance: []\n"))
    assert (found.regulated_as, found.policies) == (frozenset(), ())


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ("  regulated_as: [charity]\n", "tocsin.yaml:5:18"),
        ("  size: big\n", "tocsin.yaml:5:9"),
        ("  insurance: [{policy: CY-1}]\n", "insurer"),
        ("  breach_record_years: 0\n", "tocsin.yaml:5:24"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path, lines, sentence):
    with pytest.raises(ConfigurationError) as wrong:
        workspace(tmp_path, lines)
    assert sentence in str(wrong.value)
