"""The pure parts of a drill: a stream compared, a ladder climbed, proofs given to the systems they belong to."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.drills.attributing import climbed_by_system
from tocsin.drills.choosing import main_series
from tocsin.drills.climbing import climb
from tocsin.drills.loading import LoadedDatabase
from tocsin.drills.rehearsing import phases_of
from tocsin.drills.seen import Code, Finding, PlanStep, Seen, Targets
from tocsin.drills.streaming import Streamed, compare_stream
from tocsin.manifest import Comparison, Source, read_manifest, take_manifest
from tocsin.model.drill import Drill
from tocsin.model.holdings import System
from tocsin.model.ladder import Rung
from tocsin.model.workspace import BackupPlan, Organisation, Workspace
from tocsin.ports import CheckSummary, RestoreSummary

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
WHOLE = Comparison(3, 9)
SOUND = Seen(
    targets=Targets(4 * HOUR, 24 * HOUR),
    opened=True,
    check=CheckSummary(ok=True),
    restore=RestoreSummary(3, 3, 9, ok=True),
    comparison=WHOLE,
    rto=SECOND,
    rpo=HOUR,
)
GOOD, BAD = LoadedDatabase("a.sqlite", "sqlite"), LoadedDatabase("b.sqlite", "sqlite", problem="It was refused.")


# --- a stream ---------------------------------------------------------------------------------------------


@pytest.fixture
def manifest(tmp_path):
    share = tmp_path / "share"
    share.mkdir()
    for name in ("one", "two"):
        (share / name).write_text(name)
    (share / "link").symlink_to("one")
    taken = take_manifest(tmp_path / "manifest", [Source((share,))])
    return read_manifest(taken.folder)


def streamed(manifest):
    links = {entry.path: entry.target for entry in manifest.entries if entry.kind == "symlink"}
    folders = {entry.path for entry in manifest.entries if entry.kind == "folder"}
    return Streamed(digests=dict(manifest.digests), links=links, folders=folders)


def test_a_whole_stream_matches(manifest):
    found = compare_stream(manifest, streamed(manifest), frozenset())
    assert found.is_whole
    assert found.matching == 2


@pytest.mark.parametrize("name", ["one", "link"])
def test_what_a_stream_lacks_or_has_otherwise_is_named(manifest, name):
    path = next(entry.path for entry in manifest.entries if entry.path.endswith(name.encode()))
    seen = streamed(manifest)
    pile = seen.digests if path in seen.digests else seen.links
    del pile[path]
    assert compare_stream(manifest, seen, frozenset()).missing == (path.decode(),)
    pile[path] = "0" * 64 if pile is seen.digests else b"two"
    assert compare_stream(manifest, seen, frozenset()).changed == (path.decode(),)
    assert compare_stream(manifest, seen, frozenset({path.decode()})).is_whole


def test_what_stands_in_no_manifest_is_extra(manifest):
    seen = streamed(manifest)
    seen.digests[b"/srv/new"] = "0" * 64
    assert compare_stream(manifest, seen, frozenset()).extra == ("/srv/new",)


# --- the ladder -------------------------------------------------------------------------------------------

CLIMBS = [
    ({}, (Rung.L3, None)),
    ({"comparison": None, "restore": None, "streamed": WHOLE}, (Rung.L2, None)),
    ({"comparison": None, "restore": None}, (Rung.L1, None)),
    ({"check": CheckSummary(ok=False)}, (Rung.L0, Rung.L1)),
    ({"broken": (Finding(Code.WILL_NOT_OPEN, "x"),), "opened": False}, (None, Rung.L0)),
    ({"broken": (Finding(Code.SNAPSHOT_GONE, "x"),), "comparison": None, "restore": None}, (Rung.L1, Rung.L2)),
    ({"comparison": Comparison(2, 6, missing=("/a",))}, (Rung.L1, Rung.L2)),
    ({"databases": (GOOD,)}, (Rung.L4, None)),
    ({"databases": (GOOD, BAD)}, (Rung.L3, Rung.L4)),
    ({"steps": (PlanStep("a", "restore.files", SECOND),)}, (Rung.L6, None)),
    ({"steps": (PlanStep("a", "restore.files", SECOND, "It broke."),)}, (Rung.L3, Rung.L6)),
    (
        {"comparison": None, "restore": None, "steps": (PlanStep("a", "restore.files", SECOND, "It broke."),)},
        (Rung.L1, Rung.L6),
    ),
    ({"check": None, "comparison": None, "restore": None, "opened": None}, (None, None)),
]


@pytest.mark.parametrize(("changed", "climbed"), CLIMBS)
def test_a_rung_counts_only_with_those_below_it(changed, climbed):
    assert climb(replace(SOUND, **changed)) == climbed


@given(
    st.sampled_from([None, CheckSummary(ok=True), CheckSummary(ok=False)]),
    st.sampled_from([None, WHOLE, Comparison(2, 6, changed=("/a",))]),
    st.lists(st.sampled_from([GOOD, BAD]), max_size=2),
)
def test_what_broke_lies_above_what_was_reached(check, comparison, databases):
    reached, broken = climb(replace(SOUND, check=check, comparison=comparison, databases=tuple(databases)))
    if broken is not None:
        assert (reached.height if reached else -1) < broken.height


def workspace(**systems):
    plan = BackupPlan(
        title="t",
        sources=[{"paths": ["data"]}],
        repositories=["local"],
        schedule="30 2 * * *",
        rpo="24h",
        rto="4h",
    ).known_as("data")
    known = {
        name: System(title=name, kind="database", paths=[path]).known_as(name) for name, path in systems.items()
    }
    return Workspace(
        root=Path("/w"), organisation=Organisation(name="Firm"), systems=known, backup_plans={"data": plan}
    )


def drill(**changed):
    database = {"kind": "sqlite", "dump": "data/crm/crm.sqlite", "assertions": [{"query": "q", "expect": 1}]}
    return Drill(drill="d", title="t", backup_plan="data", databases=[{**database, **changed}])


def test_a_database_proves_the_system_whose_path_it_lies_in_and_no_other():
    found = climbed_by_system(
        workspace(crm="data/crm", shop="data/shop"), drill(), replace(SOUND, databases=(GOOD,))
    )
    assert found == {"crm": (Rung.L4, None), "shop": (Rung.L3, None)}


def test_or_the_one_it_names_or_the_only_one():
    seen = replace(SOUND, databases=(GOOD,))
    named = climbed_by_system(workspace(crm="data/crm", shop="data/shop"), drill(system="shop"), seen)
    assert named["shop"] == (Rung.L4, None)
    assert climbed_by_system(workspace(all="data"), drill(dump="elsewhere"), seen) == {"all": (Rung.L4, None)}


def test_a_recovery_plan_proves_the_systems_it_brings_back():
    steps = (PlanStep("a", "restore.files", SECOND),)
    found = climbed_by_system(
        workspace(crm="data/crm", shop="data/shop"), drill(), replace(SOUND, steps=steps), ("crm",)
    )
    assert found == {"crm": (Rung.L6, None), "shop": (Rung.L3, None)}


def test_a_plan_s_steps_are_told_apart_by_what_they_are():
    uses = ("restore.files", "restore.database", "verify.sql", "process.start", "human.ask")
    found = phases_of(tuple(PlanStep(each, each, SECOND) for each in uses))
    assert (found.fetch, found.load, found.verify, found.start) == (SECOND, SECOND, SECOND, 2 * SECOND)


def test_a_plan_without_files_is_drilled_by_its_first_dump():
    dumps = [{"dump": {"name": name, "kind": "sqlite", "path": f"{name}.db"}} for name in ("books", "shop")]
    plan = BackupPlan(
        title="t", sources=dumps, repositories=["local"], schedule="30 2 * * *", rpo="24h", rto="4h"
    ).known_as("data")
    assert main_series(plan) == "books"
    assert main_series(workspace().backup_plans["data"]) == ""
