"""The figures for Prometheus, read back with Prometheus's own parser."""

from datetime import timedelta
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import insert

from simulators.house import FIRM, House
from tocsin.alarms import Alarm, raise_alarm
from tocsin.backups import pause_backups
from tocsin.backups.metrics import metrics
from tocsin.store.operations import begin, finish
from tocsin.store.tables import repository_check, snapshot

TWO = FIRM.replace("repositories:\n", "repositories:\n  far: {location: far, password: 'env:FAR'}\n").replace(
    "repositories: [local]", "repositories: [local, far]"
)


def saved(house: House, identity: str, **more: Any) -> None:
    operation = begin(house.store, house.ctx.actor, "backup", "plan:file-share")
    house.clock.advance(timedelta(seconds=90))
    row = {
        "id": identity, "repository": "local", "backup_plan": "file-share", "tree": "t", "time": house.clock.now(),
        "verdict": "ok", "files": 7, "bytes": 12_345_678_901, "added_bytes": 1, "paths": [], "operation": operation.id,
        "plausibility": "clean",
    }  # fmt: skip
    with house.store.write(house.ctx.actor) as tx:
        tx.execute(insert(snapshot).values({**row, **more}))
        finish(tx, operation, "ok")


def told(house: House) -> dict[tuple[str, ...], float]:
    """Return every sample by name and label values, after Prometheus's parser has taken the text."""
    with house.store.read() as connection:
        text = metrics(connection, house.workspace, house.clock.now())
    samples = [one for family in text_string_to_metric_families(text) for one in family.samples]
    found = {(one.name, *one.labels.values()): one.value for one in samples}
    assert len(found) == len(samples), "a series said twice is refused whole"
    helped = {line.split()[2] for line in text.splitlines() if line.startswith("# HELP")}
    typed = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
    assert {one.name for one in samples} <= helped == typed
    assert text.endswith("\n")
    return found


def test_each_plan_and_repository_is_told_with_its_verdict(tmp_path):
    house = House(tmp_path, firm=TWO)
    saved(house, "aa")
    saved(house, "bb", repository="far", verdict="incomplete", plausibility=None)
    house.clock.advance(timedelta(hours=1))
    found = told(house)
    assert found["tocsin_backup_age_seconds", "file-share"] == 3690
    assert found["tocsin_backup_rpo_seconds", "file-share"] == 26 * 3600
    assert found["tocsin_backup_newest_age_seconds", "file-share", "far"] == 3600
    assert found["tocsin_backup_newest_age_seconds", "file-share", "local"] == 3690
    assert found["tocsin_backup_verdict", "file-share", "far", "incomplete"] == 1
    assert found["tocsin_backup_plausibility", "file-share", "far", "unjudged"] == 1
    assert found["tocsin_backup_duration_seconds", "file-share", "local"] == 90
    assert found["tocsin_backup_size_bytes", "file-share", "local"] == 12_345_678_901
    house.close()


def test_two_snapshots_of_one_moment_are_one_series(house):
    saved(house, "aa")
    saved(house, "bb", time=house.clock.now())
    house.clock.advance(timedelta(minutes=1))
    assert told(house)["tocsin_backup_fresh", "file-share"] == 1


def test_alarms_are_counted_by_kind_and_a_pause_is_told(house):
    assert told(house)["tocsin_backups_paused",] == 0
    pause_backups(house.ctx, "Forensics")
    with house.store.write(house.ctx.actor) as tx:
        for number in range(3):
            raise_alarm(tx, Alarm("snapshot.missing", f'snapshot:"{number}\\', "Gone."))
        raise_alarm(tx, Alarm("backup.late", "plan:file-share", "Late."))
        tx.execute(
            insert(repository_check).values(
                id="c", repository="local", at=tx.now, ok=False, part=1, parts=10, errors=["damaged"]
            )
        )
    found = told(house)
    assert found["tocsin_alarms", "snapshot.missing"] == 3
    assert found["tocsin_alarms_standing",] == 4
    assert found["tocsin_backups_paused",] == 1
    assert found["tocsin_repository_sound", "local"] == 0


def test_a_house_that_never_backed_up_is_valid_too(house):
    assert told(house)["tocsin_backup_fresh", "file-share"] == 0
