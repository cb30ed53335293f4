"""The index that lets one thing run once at a time holds on both databases, and lets everything else run."""

import pytest

from simulators.stores import MAYA
from tocsin.errors import Temporary
from tocsin.store.database import Store
from tocsin.store.operations import begin, finish, give_up


def test_one_thing_runs_once_at_a_time_and_may_run_again(store: Store) -> None:
    operation = begin(store, MAYA, "backup", "plan:files")
    begin(store, MAYA, "backup", "plan:mail")
    with pytest.raises(Temporary, match="backup of files is running already"):
        begin(store, MAYA, "backup", "plan:files")
    with store.write(MAYA) as tx:
        finish(tx, operation, "ok")
    for _ in range(2):
        assert give_up(store, MAYA, begin(store, MAYA, "backup", "plan:files").id)
