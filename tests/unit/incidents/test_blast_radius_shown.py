"""The blast radius as one picture: from systems to clocks, with what leans on them and what to go back to."""

from simulators.house import FIRM, House
from tocsin.cli.radius_words import radius_data, radius_text
from tocsin.incidents import Declaration, confirm, declare
from tocsin.incidents.radius import radius_facts, radius_of, write_radius
from tocsin.situation import situation_of

INC = "INC-2026-001"
LEANING = FIRM.replace(
    "paths: [data/crm]}",
    "paths: [data/crm], depends_on: [file-share]}\n  mail: {title: Mail & <b>more</b>, kind: mailbox, depends_on: [crm]}",
)


def made(tmp_path, firm: str = LEANING) -> House:
    house = House(tmp_path, firm=firm)
    declare(house.ctx, Declaration("Files locked", ("file-share",), "ransomware"))
    return house


def test_what_leans_on_a_hit_system_is_shown_near_and_far_and_owes_nothing_yet(tmp_path) -> None:
    house = made(tmp_path)
    found = radius_of(house.ctx, INC)
    assert [system.id for system in found.systems] == ["file-share"]
    assert [system.id for system in found.leaning] == ["crm", "mail"]
    assert [dataset.id for dataset in found.leaning_datasets] == ["business-contacts"]
    assert found.people == 1480 + 620 + 14
    with house.store.read() as connection:
        values = situation_of(connection, house.workspace, INC).values()["incident"]
    assert values["systems"] == ["file-share"]
    assert values["affected_clients"] == ["harbour-dental", "northgate-homes"]
    house.close()


def test_each_client_stands_with_contract_clock_and_whom_to_call(tmp_path) -> None:
    house = made(tmp_path)
    facts = radius_facts(radius_of(house.ctx, INC), "Europe/London")
    harbour = facts["clients"][0]
    assert harbour["name"] == "Harbour View Dental Practice"
    assert harbour["contract"] == "Agreement of 3 March 2025"
    assert harbour["notice_hours"] == 24
    assert harbour["clock"]["legal"] is False
    assert harbour["contacts"][0]["email"] == "anneka@harbourdental.example"
    assert facts["datasets"][0]["data"] == ["name", "contact", "health"]
    assert facts["plans"][0]["snapshot"] is None
    confirm(house.ctx, INC, house.clock.now(), "The note")
    assert radius_of(house.ctx, INC).clocks["ico"].legal
    house.close()


def test_the_picture_joins_what_belongs_together_and_nothing_overlaps(tmp_path) -> None:
    house = made(tmp_path)
    drawn = radius_facts(radius_of(house.ctx, INC), "Europe/London")["picture"]
    boxes = {box["key"]: box for box in drawn["boxes"]}
    assert {key[0] for key in boxes} == {"s", "d", "c", "k"}
    places = [(box["column"], box["y"]) for box in drawn["boxes"]]
    assert len(set(places)) == len(places)
    assert max(y for _, y in places) + drawn["box_height"] <= drawn["height"]
    # systems→datasets: 3 + 1 leaning; datasets→whose: 4; whose→clocks: our own and two clients
    assert len(drawn["lines"]) == 4 + 4 + 3
    house.close()


def test_the_page_is_whole_escapes_its_words_and_runs_no_script(tmp_path) -> None:
    house = made(tmp_path)
    page = write_radius(house.ctx, radius_of(house.ctx, INC)).read_text()
    assert page.count("<rect") == len(radius_facts(radius_of(house.ctx, INC), "UTC")["picture"]["boxes"])
    assert "Mail &amp; &lt;b&gt;more&lt;/b&gt;" in page
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
    house.close()


def test_the_terminal_tells_the_same_as_a_tree(tmp_path) -> None:
    house = made(tmp_path)
    found = radius_of(house.ctx, INC)
    told = radius_text(found, "Europe/London")
    assert "└──" in told
    assert "Shared files (file-share)  HIT" in told
    assert "leans on it, not said to be hit" in told
    assert "Mail & <b>more</b>" in told
    assert "picture" not in radius_data(found)
    house.close()
