"""Find and load flows: those that come with Tocsin, and those a firm keeps in its workspace."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tocsin.errors import OperationFailed
from tocsin.model.workspace import Workspace
from tocsin.workspace import starter

if TYPE_CHECKING:
    from prefect.flows import Flow

OURS = ("backup", "drill", "maintain", "practices", "respond", "watch")


@dataclass(frozen=True, slots=True)
class Rung:
    """What one flow came to: the state's name (`Completed`, `Skipped`, `Failed`…) and its sentence."""

    state: str
    sentence: str
    is_well: bool


@dataclass(frozen=True, slots=True)
class OwnFlow:
    """A flow of the firm's own: its name, and where Prefect finds it (`/path/file.py:function`)."""

    name: str
    entrypoint: str


def entrypoint(name: str) -> str:
    """Return where Prefect finds one of our flows."""
    return f"{starter() / 'flows' / f'{name}.py'}:{name}"


def load_flow(where: str) -> "Flow[..., Any]":
    """Load a flow from its file with Prefect's own loader, leaving the module search path as it was."""
    from prefect.flows import load_flow_from_entrypoint  # noqa: PLC0415 - its settings must stand first

    before = list(sys.path)
    try:
        return load_flow_from_entrypoint(where, use_placeholder_flow=False)
    finally:
        sys.path[:] = before


def run_flow(name: str, workspace: Workspace, **parameters: object) -> Rung:
    """Run one of our flows in this process, on the server that `embedded_server` has set.

    For programs that wait for the result, such as the demo. Failing is a result, not an error.
    """
    flow: Any = load_flow(entrypoint(name))

    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings  # noqa: PLC0415

    # A heartbeat costs each flow a second, and only finds processes that died; this one is watched.
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        state = flow(workspace=str(workspace.root), **parameters, return_state=True)
    return Rung(state.name or state.type.value, state.message or "", state.is_completed())


def own_flows(workspace: Workspace) -> Iterator[OwnFlow | str]:
    """Yield the firm's own flows, and a sentence for each file that cannot be one.

    A file's flow is the one that bears its name.
    """
    for path in sorted((workspace.root / "flows").glob("*.py")):
        if path.stem in OURS:
            yield f"flows/{path.name} is not served: {path.stem} comes with Tocsin. Give it another name."
            continue
        try:
            flow = load_flow(f"{path}:{path.stem}")
        except Exception as fault:  # noqa: BLE001 - a firm's own code; ours must be served all the same
            yield f"flows/{path.name} is not served: {_why(path, fault)}"
            continue
        if getattr(flow, "name", None) in OURS:
            yield f"flows/{path.name} is not served: a flow named {flow.name} comes with Tocsin. Give it another."
        elif not hasattr(flow, "to_deployment"):
            yield f"flows/{path.name} is not served: {path.stem} in it is no flow of Prefect's."
        else:
            yield OwnFlow(flow.name, f"{path}:{path.stem}")


def _why(path: Path, fault: Exception) -> str:
    if type(fault).__name__ == "MissingFlowError":
        return f"it has no flow called {path.stem}."
    cause = getattr(fault, "user_exc", None) or fault.__cause__ or fault
    return f"it cannot be loaded ({type(cause).__name__}: {cause})."


def need(rung: Rung) -> Rung:
    """Return a flow's result if it is well. Raises OperationFailed with its sentence otherwise."""
    if not rung.is_well:
        raise OperationFailed(rung.sentence)
    return rung
