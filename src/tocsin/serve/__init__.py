"""Ring the bells: Prefect's server on this machine, and our flows served on it.

    serve(workspace, Doors())                 schedules until a signal comes; `tocsin serve`
    with embedded_server(workspace):          a server for as long as the block lasts
        run_flow("backup", workspace, plan="files")

Prefect says *when* and shows a picture. What is due, paused or already done stands in our store, and what
happened stands in our journal; both are complete without Prefect. This package and `flows/` are the only
places that import it, and nothing here does before its settings are in the environment.
"""

from tocsin.serve.flows import Rung, run_flow
from tocsin.serve.server import Server, embedded_server
from tocsin.serve.serving import Doors, Served, serve

__all__ = ["Doors", "Rung", "Served", "Server", "embedded_server", "run_flow", "serve"]
