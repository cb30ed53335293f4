"""Which bells a workspace has and when they ring, without Prefect."""

from datetime import UTC, timedelta

from simulators.house import FIRM, House
from tocsin.serve.deployments import ANCHOR, bells
from tocsin.serve.flows import OwnFlow
from tocsin.serve.serving import _due
from tocsin.store.schedules import claim_due

HOURLY = """\
  crm:
    title: The customer database
    sources: [{paths: [data/crm]}]
    repositories: [local]
    schedule: "15 * * * *"
    rpo: 2h
    rto: 2h
channels:
"""


def test_daily_backups_follow_londons_clock_and_hourly_ones_utc(tmp_path):
    house = House(tmp_path, firm=FIRM.replace("channels:\n", HOURLY))
    rung = {bell.name: (bell.cron, bell.zone) for bell in bells(house.workspace) if bell.flow == "backup"}
    assert rung == {"file-share": ("30 2 * * *", "Europe/London"), "crm": ("15 * * * *", "UTC")}
    house.close()


def test_the_watch_rings_every_five_minutes_from_a_fixed_moment_and_respond_only_when_asked(house):
    named = {bell.flow: bell for bell in bells(house.workspace)}
    assert named["watch"].every == timedelta(minutes=5)
    assert ANCHOR.tzinfo is UTC
    assert (named["respond"].cron, named["respond"].every) == (None, None)


def test_practices_ring_every_quarter_of_an_hour_where_any_is_kept(house, tmp_path):
    assert not [bell for bell in bells(house.workspace) if bell.flow == "practices"]
    folder = tmp_path / "practising"
    folder.mkdir()
    keeping = House(folder, firm=f"{FIRM}practices:\n  data-audit:\n")
    (bell,) = [bell for bell in bells(keeping.workspace) if bell.flow == "practices"]
    assert (bell.every, bell.parameters) == (timedelta(minutes=15), {"workspace": str(folder)})
    keeping.close()


def test_maintenance_rings_by_its_own_schedules_on_its_own_machine(tmp_path):
    own = 'maintenance: {check: {schedule: "0 5 * * 1"}, prune: "0 6 * * 0"%s}'
    for where, names in (("", ["local-check", "local-prune"]), (", host: the-pruner", [])):
        folder = tmp_path / f"house{len(names)}"
        folder.mkdir()
        local = '"file:secrets/local.password"'
        firm = FIRM.replace(local + "}", f"{local}, {own % where}}}")
        house = House(folder, firm=firm)
        rung = bells(house.workspace)
        assert [bell.name for bell in rung if bell.flow == "maintain"] == names
        claim_due(house.store, house.ctx.actor, "check:local", "0 5 * * 1", "UTC", house.clock.now())
        assert [bell.name for bell in _due(house.ctx, rung) if bell.flow == "maintain"] == names[1:]
        house.close()


def test_every_flow_is_told_its_workspace_by_its_full_path(house):
    own = OwnFlow("tidy-up", "/somewhere/tidy_up.py:tidy_up")
    told = {bell.flow: bell.parameters for bell in bells(house.workspace, (own,))}
    assert told["backup"] == {"plan": "file-share", "workspace": str(house.folder)}
    assert told["watch"] == told["respond"] == {"workspace": str(house.folder)}
    assert told["tidy-up"] == {}


def test_at_the_start_only_what_is_due_is_rung_and_the_watch(house):
    rung = bells(house.workspace)
    assert [bell.flow for bell in _due(house.ctx, rung)] == ["backup", "watch"]
    plan = house.workspace.backup_plans["file-share"]
    assert claim_due(
        house.store, house.ctx.actor, "backup:file-share", plan.schedule, plan.zone, house.clock.now()
    )
    assert [bell.flow for bell in _due(house.ctx, rung)] == ["watch"]
    house.clock.advance(timedelta(days=3))
    assert [bell.flow for bell in _due(house.ctx, rung)] == ["backup", "watch"]
