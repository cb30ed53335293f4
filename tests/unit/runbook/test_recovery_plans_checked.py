"""Recovery plans: their order, and what `tocsin check` finds wrong with it."""

from pathlib import Path
from textwrap import dedent

import pytest

from simulators.house import FIRM
from tocsin.errors import ConfigurationError
from tocsin.model.workspace import Workspace
from tocsin.runbook.recovery_plans import before, check_recovery_plans, in_order, recovery_plans
from tocsin.workspace import load

SYSTEMS = "  crm: {title: Customer database, kind: database, paths: [data/crm]}\n"
FURTHER = SYSTEMS + (
    "  website: {title: Website, kind: website, depends_on: [app]}\n"
    "  app: {title: App, kind: other, depends_on: [crm]}\n"
)


def plan(name: str, *, systems: str = "[]", needs: str = "[]", steps: str = "") -> str:
    one = "  - {id: files, uses: restore.files, with: {backup_plan: file-share}}\n"
    return f"recovery_plan: {name}\ntitle: Bring {name} back\nsystems: {systems}\nneeds: {needs}\nsteps:\n{steps or one}"


@pytest.fixture
def workspace(tmp_path: Path):
    def make(**plans: str) -> Workspace:
        assert SYSTEMS in FIRM
        (tmp_path / "tocsin.yaml").write_text(FIRM.replace(SYSTEMS, FURTHER))
        (tmp_path / "drills").mkdir()
        for name, text in plans.items():
            (tmp_path / f"drills/{name}.yaml").write_text(text)
        return load(tmp_path)

    return make


def problems(workspace: Workspace) -> list[str]:
    return [str(problem) for problem in check_recovery_plans(workspace)[1]]


def test_what_a_system_depends_on_goes_first_near_or_far(workspace) -> None:
    found = workspace(
        a=plan("web", systems="[website]", needs="[dns]"), b=plan("data", systems="[crm]"), c=plan("dns")
    )
    plans = recovery_plans(found)
    assert before(plans.by_id["web"].plan, plans, found) == ("dns", "data")
    assert [file.plan.playbook for file in in_order(plans, "web", found)] == ["dns", "data", "web"]
    assert problems(found) == []
    assert found.drills == {}  # a recovery plan is no drill


def test_an_order_that_contradicts_depends_on_is_found(workspace) -> None:
    found = workspace(a=plan("web", systems="[website]"), b=plan("data", systems="[crm]", needs="[web]"))
    (said,) = problems(found)
    assert said.startswith("drills/b.yaml:4:1: These recovery plans wait for each other")
    assert "web comes after data because website depends on crm; data needs web" in said
    with pytest.raises(ConfigurationError, match="wait for each other"):
        in_order(recovery_plans(found), "web", found)


def test_steps_in_an_order_that_contradicts_depends_on_are_found(workspace) -> None:
    steps = dedent("""\
          - {id: pages, uses: restore.files, with: {backup_plan: file-share, system: website}}
          - {id: rows, uses: restore.files, with: {backup_plan: file-share, system: crm}, needs: [pages]}
          - {id: app, uses: restore.files, with: {backup_plan: file-share, system: app}, needs: [rows]}
        """)
    found = workspace(a=plan("all", systems="[website, app, crm]", steps=steps))
    assert [each.partition("Step ")[2] for each in problems(found)] == [
        "'pages' brings back website, which depends on app, and does not wait for 'app': add `needs: [app]`.",
        "'pages' brings back website, which depends on crm, and does not wait for 'rows': add `needs: [rows]`.",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (plan("a", systems="[websit]"), "no system 'websit'. Did you mean 'website'?"),
        (plan("a", needs="[b]"), "no recovery plan 'b'."),
        (plan("a").replace("file-share", "file-shar"), "no backup plan 'file-shar'. Did you mean 'file-share'?"),
        (plan("a").replace("files, uses", "files, use"), "Unknown key 'use' in steps[0]. Did you mean 'uses'?"),
        (plan("a").replace("file-share}", "file-share, snapshot: lastest}"), "Did you mean 'latest'"),
        (plan("a") + "approve: {by: legal}\n", "Nobody in the workspace has the role 'legal'"),
        (
            plan("a").replace("restore.files", "restore.file"),
            "no step kind 'restore.file'. Did you mean 'restore.files'?",
        ),
    ],
)
def test_a_faulty_plan_is_told_with_the_nearest_right_word(workspace, text: str, said: str) -> None:
    found = problems(workspace(a=text))
    assert any(said in each for each in found), found
    assert all(each.startswith("drills/a.yaml:") for each in found)
