"""The report an auditor reads: self-contained, safe against hostile names, the same facts in both files."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest

from golden_files import agrees_with_golden
from simulators.time import SimulatedClock
from tocsin.drills.history import PastDrill
from tocsin.drills.report import report_facts, write_report
from tocsin.drills.seeing import Notebook
from tocsin.drills.trend import trend
from tocsin.drills.verdict import Obstacle, Targets, judge_drill
from tocsin.errors import ConfigurationError
from tocsin.manifest import Comparison
from tocsin.model.drill import Drill
from tocsin.model.workspace import BackupPlan, Organisation, Repository, Workspace
from tocsin.ports import Actor, CheckSummary, RestoreSummary
from tocsin.recovery import LedgerSnapshot, Restored

BEGAN = datetime(2026, 11, 20, 17, 40, tzinfo=UTC)
HOUR = timedelta(hours=1)
EVIL = "/srv/share/<img src=x onerror=alert(1)>.txt"


@dataclass(frozen=True)
class Tools:
    """What the report uses of a context."""

    workspace: Workspace
    clock: SimulatedClock
    actor: Actor


@pytest.fixture
def drill():
    return Drill(drill="files-quarterly", title="Bring back the share", backup_plan="files")


@pytest.fixture
def ctx(tmp_path, drill):
    plan = BackupPlan(
        title="The share", sources=[{"paths": ["/srv/share"]}], repositories=["offsite"], schedule="30 2 * * *",
        rpo="24h", rto="4h",
    ).known_as("files")  # fmt: skip
    offsite = Repository(location="rest:http://backup/", password="env:X", offsite=True).known_as("offsite")
    workspace = Workspace(
        root=tmp_path,
        organisation=Organisation(name="Harbour & Studio"),
        repositories={"offsite": offsite},
        backup_plans={"files": plan},
        drills={drill.id: drill},
    )
    return Tools(workspace, SimulatedClock(BEGAN + timedelta(seconds=9)), Actor("maya", "cli"))


def snapshot():
    return LedgerSnapshot(
        id="a1" * 32, repository="offsite", backup_plan="files", tree="b2" * 32, time=BEGAN - 15 * HOUR, verdict="ok",
        files=3, bytes=9_000_000, manifest_sha256="c3" * 32, manifest_path="/m", paths=("/srv/share",), changed=(),
        operation="d4" * 16,
    )  # fmt: skip


def notebook(comparison=None, *errors):
    restored = Restored(
        snapshot=snapshot(),
        summary=RestoreSummary(3, 3, 9_000_000, ok=not errors, errors=errors),
        comparison=comparison or Comparison(3, 9_000_000),
        manifest_problem=None,
        fetch=timedelta(seconds=6.3),
        verify=timedelta(seconds=0.8),
    )
    return Notebook(
        targets=Targets(4 * HOUR, 24 * HOUR), repository="offsite", began=BEGAN, restic_version="0.18.0",
        snapshot=snapshot(), tree="b2" * 32, check=CheckSummary(ok=True), check_took=timedelta(seconds=2.1), restored=restored,
        scratch_removed=True,
    )  # fmt: skip


def past(days, seconds, verdict="passed"):
    at = BEGAN - timedelta(days=days)
    rto = timedelta(seconds=seconds)
    return PastDrill("e5" * 16, at, at, verdict, "offsite", rto, 4 * HOUR, HOUR, None)


def written(ctx, drill, seen, history=()):
    return write_report(ctx, drill, "f6" * 16, judge_drill(seen.seen()), seen, history)


def settled(ctx, drill, seen):
    """The facts without what differs from machine to machine."""
    facts = report_facts(ctx, drill, "f6" * 16, judge_drill(seen.seen()), seen)
    return {**facts, "machine": "studio", "versions": {**facts["versions"], "tocsin": "0", "python": "3"}}


def test_the_facts_stay_as_they_are_known(ctx, drill):
    text = json.dumps(settled(ctx, drill, notebook()), indent=2, ensure_ascii=False) + "\n"
    agrees_with_golden("drill-report.json", text)


def test_both_files_are_whole_and_hashed(ctx, drill):
    report = written(ctx, drill, notebook())
    assert report.folder == ctx.workspace.root / "reports" / "drills" / drill.id / "20261120T174000Z"
    assert {path.name for path in report.folder.iterdir()} == {"report.html", "report.json", "report.pdf"}
    assert report.pdf.read_bytes().startswith(b"%PDF")
    assert json.loads(report.json.read_text())["verdict"] == "passed"
    assert report.html.stat().st_mode & 0o077 == 0


def test_a_second_report_of_the_same_second_overwrites_nothing(ctx, drill):
    assert written(ctx, drill, notebook()).html != written(ctx, drill, notebook()).html


def test_a_hostile_file_name_stays_text(ctx, drill):
    page = written(ctx, drill, notebook(Comparison(2, 6, changed=(EVIL,)))).html.read_text()
    assert "<img" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page


def test_the_page_asks_nobody_for_anything_and_every_tag_is_closed(ctx, drill):
    history = [past(90, 5), past(180, 8, "failed")]
    page = written(ctx, drill, notebook(), history).html.read_text()
    checker = Tags()
    checker.feed(page)
    assert checker.open == []
    assert checker.links == []
    assert "Harbour &amp; Studio" in page
    assert "3 files (9.0 MB)" in page
    assert page.count("<circle") == 3


def test_one_that_could_not_run_says_so_and_why(ctx, drill):
    empty = Notebook(Targets(4 * HOUR, 24 * HOUR), "offsite", BEGAN, obstacle=Obstacle("It is locked.", 4))
    page = written(ctx, drill, empty).html.read_text()
    assert "Could not run." in page
    assert "It is locked." in page
    assert "Passed" not in page
    assert "Failed" not in page


def test_a_broken_template_of_the_workspace_is_named_with_its_line(ctx, drill):
    own = ctx.workspace.root / "templates" / "reports"
    own.mkdir(parents=True)
    (own / "drill.html.j2").write_text("fine\n{% if %}\n")
    with pytest.raises(ConfigurationError, match=r"templates/reports/drill\.html\.j2:2"):
        written(ctx, drill, notebook())


def test_the_trend_shows_the_target_only_where_it_tells_something(ctx, drill):
    facts = settled(ctx, drill, notebook())
    assert trend([past(90, 5)], facts).target_y is None  # seven seconds against four hours
    near = {**facts, "rto": {"target_ms": 8_000, "measured_ms": 7_100}}
    drawn = trend([past(90, 5)], near)
    assert drawn.target_y is not None
    assert drawn.target_y < drawn.points[-1].y < drawn.points[0].y


def test_the_trend_of_nothing_is_empty(ctx, drill):
    facts = {**settled(ctx, drill, notebook()), "rto": {"target_ms": 8_000, "measured_ms": None}}
    assert trend([replace(past(1, 1), rto=None)], facts).points == ()


class Tags(HTMLParser):
    """Remembers which tags are open, and what a page would fetch."""

    VOID = ("meta", "br", "line", "circle", "polyline", "img")

    def __init__(self):
        super().__init__()
        self.open, self.links = [], []

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)
        self.links += [value for name, value in attrs if name in {"src", "href"}]

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag
