"""A process of its own that appends to a store: `python -m simulators.appender URL STATE NAME COUNT`."""

import sys
from pathlib import Path

from tocsin.adapters.system import EnvironmentCrashPoints, SystemClock, SystemRandomness
from tocsin.ports import Actor
from tocsin.store.database import open_store


def main(url: str, state: str, name: str, count: str) -> None:
    store = open_store(url, Path(state), SystemClock(), SystemRandomness(), EnvironmentCrashPoints())
    actor = Actor(name, "cli")
    for number in range(int(count)):
        with store.write(actor) as tx:
            tx.record("test.appended", f"writer:{name}", {"number": number}, {"note": f"{name} {number}"})
            tx.record("test.appended.again", f"writer:{name}", {"number": number})
    store.sign_head(actor)
    store.close()


main(*sys.argv[1:])
