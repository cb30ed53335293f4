"""What has to be said of the agents and targets that a workflow names: nowhere defined, or none of ours."""

from collections.abc import Iterator

from tocsin.cacao.agents import KINDS, Agents
from tocsin.cacao.findings import Finding, JsonPath, draft, note, quoted
from tocsin.cacao.graph import Workflow
from tocsin.model.document import Data


def foreign_agents(flow: Workflow, agents: Agents) -> Iterator[Finding]:
    """Yield once for each agent that its commands are inert, or that nobody says who it is."""
    told: set[str] = set()
    for step in sorted(flow.reached()):
        found = flow.steps[step]
        agent = found.get("agent")
        for place in (agent, *_list(found.get("targets"))):
            if isinstance(place, str) and place not in told and agents.definition(place) is None:
                told.add(place)
                yield draft(("workflow", step), f"'{quoted(place)}' is nowhere defined: say who or what is meant.")
        types = {str(each.get("type")) for each in _list(found.get("commands")) if isinstance(each, dict)}
        if isinstance(agent, str) and agent not in told and types - {"manual"} and not agents.mapped_to(agent):
            told.add(agent)
            yield _inert(agent, agents)


def _inert(agent: str, agents: Agents) -> Finding:
    here: JsonPath = ("agent_definitions", agent)
    name = agents.name(agent)
    if agents.is_person(agent):
        return note(here, f"The commands of '{name}' are shown to a person, who carries them out.")
    return draft(
        here,
        f"The agent '{name}' is not one of ours: its commands are shown as text and do nothing. A person carries "
        f"them out, or you map it with --map '{name}=KIND' (KIND: {', '.join(KINDS)}).",
    )


def _list(value: Data) -> list[Data]:
    return value if isinstance(value, list) else []
