"""Every exercise that ships, played from what is read out to its score, in simulated time."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from exercise_ground import Exercise, exercise_house
from simulators.house import House
from tocsin.findings import open_findings
from tocsin.model.document import Data

ANSWERS: dict[str, dict[str, Data]] = {
    "ransomware-friday": {
        "kinds": ["availability", "confidentiality"], "protection.state": "none", "service_impact": "minor",
        "backup.state": "intact", "exfiltration": "unknown", "logs": "unknown",
    },
    "phished-mailbox": {
        "kinds": ["confidentiality"], "protection.state": "none", "misuse_seen": "yes", "people.count": 620,
        "backup.state": "intact", "stop-payments": "yes", "service_impact": "none",
    },
    "misdirected-spreadsheet": {"kinds": ["confidentiality"], "protection.state": "none"},
    "supplier-in-the-press": {"kinds": ["confidentiality"], "backup.state": "intact", "people.count": 2114},
}  # fmt: skip


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = exercise_house(tmp_path / "firm")
    yield house
    house.close()


@pytest.mark.parametrize("name", ANSWERS)
def test_an_exercise_that_is_played_well_scores_well(house: House, name: str) -> None:
    with Exercise(house, name) as played:
        played.to_the_end(ANSWERS[name], {"regulator": "yes", "people": "yes"})
        ended = played.end()
    assert {line.key: line.verdict for line in ended.score.lines if line.verdict != "met"} == {}
    assert ended.score.percent == 100
    assert house.postbox.sent == []
    assert ended.paper.html.read_text().count("EXERCISE") >= 2
    with house.store.read() as connection:
        assert open_findings(connection, source="exercise") == ()
