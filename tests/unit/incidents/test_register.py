"""The breach register: everything for us, to a client that client's part and nobody else's name."""

import csv
import html
import io
import json
import re
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from simulators.house import House
from tocsin.errors import UsageError
from tocsin.incidents import Declaration, confirm, declare
from tocsin.incidents.register import LEFT_OUT, entry_of, expired, keep_until, register
from tocsin.incidents.register_files import export_register, register_bytes
from tocsin.incidents.trends import trends
from tocsin.notices.folding import squeezed
from tocsin.notices.strangers import strangers_named
from tocsin.situation import decide, state_fact
from tocsin.situation.discharging import Discharge, discharge
from tocsin.store.tables import decision, duty, fact, incident

INC = "INC-2026-001"
OWN, OTHER = "harbour-dental", "northgate-homes"
_WORDS = st.sampled_from(
    ["Acme", "Acme Health", "North", "River", "Ashby", "Quill & Co", "O'Hara", "Ålund", "Zed-7", "The Mill"]
)
NAMES = st.lists(_WORDS, min_size=1, max_size=2).map(" ".join)
GAPS = st.sampled_from([" ", "  ", "\u00a0", "-", " \u200b", "** **", "\n"])
CASES = st.sampled_from([str, str.upper, str.lower])


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A breach of two clients' data with something written in every free field."""
    house = House(tmp_path_factory.mktemp("register"))
    ctx = house.ctx
    declare(ctx, Declaration("Files end in .locked", ("file-share",), cause="ransomware"))
    confirm(ctx, INC, house.clock.now(), "The note names us")
    state_fact(ctx, INC, "people.count", 2114, evidence="Counted")
    state_fact(ctx, INC, "clients", [OWN, OTHER])
    state_fact(ctx, INC, "clients", [OWN, OTHER], controller=OWN)
    state_fact(ctx, INC, "exfiltration", "possible", evidence="2 GB left")
    decide(ctx, INC, "controllers", "yes", "Both contracts say so")
    house.clock.advance(timedelta(hours=30))
    discharge(ctx, INC, OWN, Discharge(how="Called", late_reasons="Nobody was there", first_report=True))
    discharge(ctx, INC, OTHER, Discharge(how="Called", first_report=True))
    yield house
    house.close()


def write_everywhere(house, text):
    with house.store.write(house.ctx.actor) as tx:
        tx.execute(update(incident).values(title=text, effects=text, remedy=text, aware_reason=text))
        tx.execute(update(fact).values(evidence=text))
        tx.execute(update(decision).values(reason=text))
        tx.execute(update(duty).values(told_how=text, late_reasons=text))


def strings(value):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from (key, *strings(inner))
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
    elif isinstance(value, str):
        yield value


def exports(ctx, client):
    """Return every text of the copy in each form."""
    entries = register(ctx, client=client)
    found = {
        form: register_bytes(ctx, entries, form, client=client).decode("utf-8-sig")
        for form in ("csv", "json", "html")
    }
    page = html.unescape(re.sub(r"<style>.*?</style>|<[^>]+>", "\n", found["html"], flags=re.DOTALL))
    cells = [cell for row in csv.reader(io.StringIO(found["csv"])) for cell in row]
    return {"csv": cells, "json": [*strings(json.loads(found["json"]))], "html": page.split("\n\n")}


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(own=NAMES, other=NAMES, gap=GAPS, case=CASES, what=st.sampled_from(["name", "contact", "id", "mail"]))
def test_a_clients_copy_names_nobody_else(told, own, other, gap, case, what):
    assume(squeezed(other) not in squeezed(own))
    workspace = told.workspace
    clients = {
        OWN: workspace.clients[OWN].model_copy(update={"name": own}).known_as(OWN),
        OTHER: workspace.clients[OTHER].model_copy(update={"name": other}).known_as(OTHER),
    }
    firm = replace(workspace, clients=clients)
    hidden = {"name": other, "contact": "Callum Reyes", "id": OTHER, "mail": "callum@northgatehomes.example"}[what]
    written = case(gap.join(hidden.split()))
    write_everywhere(told, f"shared with {written} since May")
    found = exports(replace(told.ctx, workspace=firm), OWN)
    for form, texts in found.items():
        for text in texts:
            assert strangers_named(text, firm, OWN) == (), (form, text)
        assert any(LEFT_OUT in text for text in texts), form


def test_what_names_only_the_client_itself_stays(told):
    write_everywhere(told, "Harbour View Dental Practice was called by Maya")
    (entry,) = register(told.ctx, client=OWN)
    assert entry.title == entry.effects == "Harbour View Dental Practice was called by Maya"
    assert entry.duties[0].late_reasons == entry.title


def test_the_copy_holds_the_clients_own_figures_alone(told):
    (entry,) = register(told.ctx, client=OWN)
    assert (entry.people, entry.whose, entry.data) == (
        1480,
        ("Harbour View Dental Practice",),
        ("name", "contact", "health"),
    )
    assert {each.duty for each in entry.duties} == {f"controllers-{OWN}"}
    assert [each.value for each in entry.facts if each.path == "clients"][-1] == [OWN]
    assert 2114 not in [each.value for each in entry.facts]
    assert {each.duty for each in entry.decisions} == {"controllers"}


def test_the_whole_register_holds_facts_effects_decisions_and_times(told):
    write_everywhere(told, "as written")
    entry = entry_of(told.ctx, INC)
    assert (entry.outcome, entry.effects, entry.remedy[-1]) == ("breach", "as written", "as written")
    assert {"first_alert", "declared", "aware"} <= set(entry.times)
    assert {each.whose for each in entry.facts} >= {"all", "Larkfield Studio Ltd", "Northgate Homes Lettings Ltd"}
    assert next(each for each in entry.duties if each.duty == f"controllers-{OWN}").late


def test_a_client_that_was_not_concerned_gets_an_empty_copy(told):
    with pytest.raises(UsageError, match="Did you mean 'harbour-dental'"):
        register(told.ctx, client="harbor-dental")
    declare(told.ctx, Declaration("Odd logins", ("crm",), cause="credential_attack"))
    assert [each.incident for each in register(told.ctx)] == [INC, "INC-2026-002"]
    assert [each.incident for each in register(told.ctx, client=OWN)] == [INC]
    with pytest.raises(UsageError, match="that concerns harbour-dental"):
        entry_of(told.ctx, "INC-2026-002", client=OWN)


def test_a_spreadsheet_takes_no_cell_for_a_formula(told):
    write_everywhere(told, '=HYPERLINK("https://example.test")')
    text = register_bytes(told.ctx, register(told.ctx), "csv").decode("utf-8-sig")
    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)
    assert any(cell.startswith("'=HYPERLINK") for cell in cells)


def test_a_page_shows_what_was_written_and_runs_none_of_it(told):
    write_everywhere(told, "<script>alert(1)</script>")
    page = register_bytes(told.ctx, register(told.ctx), "html").decode()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "<svg" in page


def test_an_export_is_written_whole_and_its_hash_journalled(told, tmp_path):
    write_everywhere(told, 'A "quoted" #title with $markup$ and \\backslash')
    for form in ("csv", "json", "html", "pdf"):
        written = export_register(told.ctx, form, to=tmp_path / f"register.{form}")
        assert written.path.stat().st_size > 500
        assert written.path.stat().st_mode & 0o077 == 0
    assert (tmp_path / "register.pdf").read_bytes().startswith(b"%PDF-")
    assert told.journal_kinds()[-4:] == ["register.exported"] * 4
    with pytest.raises(UsageError, match="Did you mean 'html'"):
        export_register(told.ctx, "htm")


def test_without_the_package_for_pdf_it_says_how(told, monkeypatch):
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(UsageError, match=re.escape("install tocsin[pdf]")):
        register_bytes(told.ctx, register(told.ctx), "pdf")


def test_quarters_tell_how_long_things_took(told):
    entry = entry_of(told.ctx, INC)
    aware = entry.times["aware"]
    long_ago = replace(entry, incident="INC-0", began=aware - timedelta(hours=10), outcome="near_miss",
                       times={**entry.times, "first_alert": datetime(2026, 3, 31, 23, 30, tzinfo=UTC)})  # fmt: skip
    contained = replace(entry, began=aware - timedelta(hours=10), kinds=("availability",),
                        times={**entry.times, "contained": aware + timedelta(hours=4)})  # fmt: skip
    first, second = trends([contained, long_ago], "Europe/London")
    # Half past eleven at night in UTC is the first of April in London.
    assert (first.quarter, first.near_misses, first.people) == ("2026 Q2", 1, 0)
    assert (second.quarter, second.kinds, second.causes) == ("2026 Q4", {"availability": 1}, {"ransomware": 1})
    assert second.hours == {"detect": 10, "contain": 4, "decide": 0, "notify": 30}
    assert second.people == 1480 + 620 + 14


def test_an_open_case_is_never_let_go_and_a_closed_one_after_its_years(told):
    entry = entry_of(told.ctx, INC)
    far = datetime(2100, 1, 1, tzinfo=UTC)
    assert expired([entry], 6, far) == ()
    closed = replace(entry, times={**entry.times, "closed": datetime(2024, 2, 29, 12, tzinfo=UTC)})
    assert keep_until(closed, 6) == datetime(2030, 3, 1, 12, tzinfo=UTC)
    assert expired([closed], 6, datetime(2030, 3, 1, 11, tzinfo=UTC)) == ()
    assert expired([closed], 6, datetime(2030, 3, 1, 13, tzinfo=UTC)) == (closed,)
