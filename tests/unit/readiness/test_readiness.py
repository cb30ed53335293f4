"""Readiness: the worst first, the fix beside it, and nothing of any other client on a client's page."""

import re
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tocsin.actions import Proof, Wanted, open_action
from tocsin.errors import UsageError
from tocsin.findings import Found, note
from tocsin.incidents import Declaration, declare
from tocsin.readiness import KINDS, keep_week_if_due, page_facts, readiness, trend, weeks, write_readiness

WORDS = st.sampled_from(
    ["Acorn", "Beacon", "Cedar", "Dental", "Homes", "Harbour", "North", "Quay", "Ridge", "Vale"]
)


def codes(seen) -> list[str]:
    return [row.code for row in seen.rows]


def test_what_loses_data_comes_first_and_every_line_of_ours_has_its_fix(house):
    seen = readiness(house.ctx, examined=[("disk: 4% free", "")])
    ranks = [row.kind.rank for row in seen.rows]
    assert ranks == sorted(ranks)
    assert codes(seen)[0] == "backup-late"
    assert {"untested", "never-exercised", "never-trained", "no-owner", "doctor"} <= set(codes(seen))
    assert all(row.fix and row.kind.why for row in seen.rows)


def test_an_overdue_action_is_there_and_a_client_hears_of_it_only_if_it_is_theirs(house):
    incident = declare(house.ctx, Declaration("Files of Northgate", ("file-share",), "phishing")).incident
    ours = declare(house.ctx, Declaration("Contacts", ("crm",), "phishing")).incident
    today = date(2026, 11, 20)
    for which in (incident, ours):
        wanted = Wanted("Train Callum Reyes", "Again", "sam", today, Proof("document", shows="It"), incident=which)
        open_action(house.ctx, wanted)
    house.clock.advance(timedelta(days=3))
    assert codes(readiness(house.ctx)).count("action-overdue") == 2
    said = [
        row.sentence for row in readiness(house.ctx, client="harbour-dental").rows if row.code == "action-overdue"
    ]
    assert said == ["1 prevention action is overdue, the longest by 3 days."]


def test_an_unknown_client_is_refused_with_the_nearest(house):
    with pytest.raises(UsageError, match="Did you mean 'harbour-dental'"):
        readiness(house.ctx, client="harbour-dentl")


def test_one_row_a_week_is_kept_for_the_firm_and_for_each_client(house):
    for _ in range(15):
        keep_week_if_due(house.ctx)
        house.clock.advance(timedelta(days=1))
    with house.store.read() as connection:
        assert [len(weeks(connection, client)) for client in ("", *house.workspace.clients)] == [3, 3, 3]
        past = weeks(connection)
    bars = trend(past)["bars"]
    assert next(bar["text"] for bar in bars) == f"2026-11-16: {past[0].lines}"
    assert all(part["y"] >= 0 for bar in bars for part in bar["parts"])


def test_the_page_is_written_as_html_and_pdf_and_journalled(house, tmp_path):
    html, pdf = write_readiness(house.ctx, readiness(house.ctx), tmp_path / "out")
    assert "tocsin inventory check" in html.path.read_text()
    assert pdf.path.read_bytes().startswith(b"%PDF")
    assert house.journal_kinds()[-1] == "readiness.written"


def test_a_client_s_page_shows_no_commands_people_or_doctor(house):
    page = str(page_facts(house.ctx, readiness(house.ctx, client="harbour-dental", examined=[("disk", "")])))
    assert "tocsin " not in page
    assert "maya" not in page
    assert "disk" not in page


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_other_client_s_name_or_data_is_on_a_client_s_page(house, data):
    # Two clients whose names are made of the same few words, and whose names are everywhere: in plans, datasets,
    # systems, drills' findings, incidents and actions.
    ours, other = data.draw(st.lists(st.tuples(WORDS, WORDS).map(" ".join), min_size=2, max_size=2, unique=True))
    mark = re.sub(r"\W", "-", other.lower())
    firm = house.workspace
    clients = {
        "harbour-dental": firm.clients["harbour-dental"].model_copy(update={"name": f"{ours} Ltd"}),
        "northgate-homes": firm.clients["northgate-homes"].model_copy(update={"name": f"{other} Ltd"}),
    }
    datasets = dict(firm.datasets)
    datasets["tenancy-applications"] = datasets["tenancy-applications"].model_copy(
        update={"title": f"Tenants of {other}", "purpose": f"For {other}"}
    )
    plan = firm.backup_plans["file-share"].model_copy(update={"title": f"Files of {other}"})
    plan.known_as(data.draw(st.sampled_from(["file-share", f"files-{mark}"])))
    changed = replace(firm, clients=clients, datasets=datasets, backup_plans={plan.id: plan})
    ctx = replace(house.ctx, workspace=changed)
    with house.store.write(ctx.actor) as tx:
        note(tx, Found("drill", "1" * 32, "drill:file-share", f"{mark}"[:60], f"{other}'s files are gone.", mark))
    page = str(page_facts(ctx, readiness(ctx, client="harbour-dental")))
    ids = (
        ("northgate", "tenancy", "callum", other.lower())
        if other not in f"{ours} Ltd"
        else ("northgate", "tenancy")
    )
    assert not [word for word in ids if word in page.lower()]
    assert "business-contacts" not in page
    assert set(readiness(ctx, client="harbour-dental").counts()) <= set(KINDS)
