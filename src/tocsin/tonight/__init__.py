"""Tonight's picture: everything somebody woken at three in the morning has to know, from the store alone.

    picture = look(connection, workspace, now)      a handful of queries; no restic, no network, nothing written

It judges nothing anew: clocks, freshness and verdicts are what the other parts say they are. Called by
`tocsin status`; whatever is imported here is paid for each time somebody looks.
"""

from tocsin.tonight.clocks import Countdown, OpenIncident
from tocsin.tonight.doubts import AppendOnly, Distrusted, Doubted
from tocsin.tonight.picture import DrillState, Holds, Paused, Picture, PlanState, look
from tocsin.tonight.unfinished import Running, Standing, Unknown, Waiting

__all__ = [
    "AppendOnly",
    "Countdown",
    "Distrusted",
    "Doubted",
    "DrillState",
    "Holds",
    "OpenIncident",
    "Paused",
    "Picture",
    "PlanState",
    "Running",
    "Standing",
    "Unknown",
    "Waiting",
    "look",
]
