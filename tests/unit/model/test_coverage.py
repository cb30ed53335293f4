"""Which plans cover which systems: asked for all at once, the answer is the one for each."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tocsin.model.coverage import plans_by_system
from tocsin.model.workspace import Workspace, WorkspaceFile

PLACES = st.lists(st.sampled_from(["data", "data/a", "data/a/b", "data/ab", "/srv", "/", "."]), max_size=2)


@given(systems=st.lists(PLACES, max_size=3), plans=st.lists(PLACES, max_size=3), named=st.booleans())
def test_all_at_once_is_what_each_says_alone(systems, plans, named):
    file = WorkspaceFile.model_validate(
        {
            "tocsin": 1,
            "organisation": {"name": "L"},
            "systems": {f"s{n}": {"title": "S", "kind": "other", "paths": paths} for n, paths in enumerate(systems)},
            "datasets": {"d": {"title": "D", "label": "personal", "systems": ["s0"], "backup_plan": "p0"}}
            if named
            else {},
            "backup_plans": {
                f"p{n}": {
                    "title": "P", "sources": [{"paths": [*paths, f"only/{n}"]}], "repositories": ["r"],
                    "schedule": "30 2 * * *", "rpo": "26h", "rto": "4h",
                }
                for n, paths in enumerate(plans)
            },
        }
    )  # fmt: skip
    workspace = Workspace(
        Path("/firm"),
        file.organisation,
        systems=file.systems,
        datasets=file.datasets,
        backup_plans=file.backup_plans,
    )
    assert plans_by_system(workspace) == {key: workspace.plans_for((key,)) for key in workspace.systems}
