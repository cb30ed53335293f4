"""What restic's lines mean, without restic: the shapes a good day does not show."""

import json
from datetime import UTC, datetime

import pytest

from tocsin.adapters.restic.parse import (
    MOST_ITEMS,
    Complaints,
    Output,
    backup_summary,
    check_summary,
    damaged_object,
    message_of,
    moment,
    progress_of,
    restore_summary,
    snapshot_of,
)

PACK = "6a" * 32


def complaints(*lines) -> Complaints:
    found = Complaints()
    for line in lines:
        found.take(line if isinstance(line, str) else json.dumps(line))
    return found


def item_error(item, why):
    return {"message_type": "error", "error": {"message": why}, "during": "restore", "item": item}


@pytest.mark.parametrize("line", ["", "plain text", "{broken", "[]", '["a"]', '"{}"'])
def test_a_line_that_is_no_json_object_is_text(line):
    assert message_of(line) is None


def test_json_and_text_on_stderr_are_told_apart():
    found = complaints(
        "/srv/gone does not exist, skipping",
        item_error("/srv/closed", "open /srv/closed: permission denied"),
        "\x1b[2Ksignal interrupt received, cleaning up",
        'Ignoring "cf67563c": failed to load snapshot',
        'Stat(<config/>) returned error, retrying after 1.3s: Head "http://h:1/r": dial tcp: connection refused',
        {"message_type": "exit_error", "code": 3, "message": "Fatal: at least one source file could not be read"},
    )
    assert found.missing == ["/srv/gone"]
    assert found.items == {"/srv/closed": "open /srv/closed: permission denied"}
    assert list(found.text) == ["signal interrupt received, cleaning up"]
    assert found.ignored == {"cf67563c": "failed to load snapshot"}
    assert (found.retries, found.retry_call) == (1, "Stat(<config/>)")
    assert found.retry_reason.endswith("connection refused")
    assert found.last_words == "at least one source file could not be read"


def test_a_missing_source_makes_a_backup_incomplete_whatever_the_exit_code():
    message = message_of('{"message_type":"summary","snapshot_id":"ab"}')
    summary = backup_summary(message, complaints("/srv/gone does not exist, skipping"), incomplete=False)
    assert summary.incomplete
    assert summary.unreadable == ("/srv/gone",)
    assert (summary.files_new, summary.total_bytes, summary.started_at) == (0, 0, None)


def test_the_first_complaint_on_a_file_is_kept_and_its_echo_is_not():
    found = complaints(
        item_error(
            "/f", f"decrypting blob <data/9ac58314> from {PACK[:8]} failed: ciphertext verification failed"
        ),
        item_error("/f", "lchown /out/f: no such file or directory"),
    )
    summary = restore_summary({}, found, ok=False)
    assert [path for path, _ in summary.errors] == ["/f"]
    assert summary.errors[0][1].startswith(f"pack {PACK[:8]} is damaged or missing: decrypting blob")


def test_an_error_on_the_whole_tree_names_the_object_instead_of_a_slash():
    found = complaints(item_error("/", "decrypting blob <tree/3daef0eb> from 5e1330cf failed: bad"))
    assert restore_summary({}, found, ok=False).errors[0][0] == "tree 3daef0eb in pack 5e1330cf"
    plain = complaints(item_error("/", "no idea"))
    assert restore_summary({}, plain, ok=False).errors == (("/", "no idea"),)


def test_a_restore_with_errors_is_never_ok():
    assert not restore_summary({}, complaints(item_error("/f", "bad")), ok=True).ok


def test_a_million_errors_are_counted_and_not_kept():
    found = Complaints()
    for index in range(MOST_ITEMS + 5):
        found.take(json.dumps(item_error(f"/f{index}", "no space")))
    errors = restore_summary({}, found, ok=False).errors
    assert len(errors) == MOST_ITEMS + 1
    assert errors[-1] == ("…", "and 5 more")


def test_check_names_broken_packs_from_its_summary_and_from_its_errors_once():
    found = complaints(
        {"message_type": "error", "message": f"pack {PACK}: does not exist\n"},
        {"message_type": "error", "message": "error for tree 41925536:\n"},
        {"message_type": "error", "message": "  id 41925536 not found in repository\n"},
        {"message_type": "error", "message": "\nThe repository is damaged and must be repaired. Please …\n\n"},
        {"message_type": "error", "message": f"restic repair packs {PACK}\n"},
    )
    other = "bb" * 32
    summary = check_summary({"num_errors": 2, "broken_packs": [PACK, other]}, found, ok=False)
    assert summary.broken_packs == (PACK, other)
    assert summary.errors == (
        f"pack {PACK}: does not exist",
        "error for tree 41925536: id 41925536 not found in repository",
    )


@pytest.mark.parametrize("message", [{"num_errors": 1}, {"broken_packs": [PACK]}])
def test_a_check_is_not_ok_when_its_own_summary_says_otherwise(message):
    assert not check_summary(message, Complaints(), ok=True).ok
    assert check_summary({"broken_packs": None}, Complaints(), ok=True).ok


@pytest.mark.parametrize(
    ("text", "thing"),
    [
        ("LoadRaw(<index/59389e3747>): invalid data returned", "index 59389e3747"),
        (
            "failed to load snapshot b5: LoadRaw(<snapshot/b5f75fc551>): invalid data returned",
            "snapshot b5f75fc551",
        ),
        ("LoadRaw(<key/8048a33b7c>): invalid data returned", "key 8048a33b7c"),
        ("config or key 8048a33b is damaged: ciphertext verification failed", "config"),
        ("unable to open config file: Load(<config/>): broken", "config"),
        ("decrypting blob <data/9ac58314> from 6a7ad3c0 failed", "pack 6a7ad3c0"),
        ("ReadFull(<data/dcddd24ac2>): file is too short", "pack dcddd24ac2"),
        (f"pack {PACK} contains 2 errors", f"pack {PACK}"),
        ("error for tree 3daef0eb:", "tree 3daef0eb"),
        ("id 31a260de5c25 not found in repository", "object 31a260de5c25"),
        ("mkdir /out: permission denied", None),
    ],
)
def test_the_damaged_object_is_found_in_restics_words(text, thing):
    assert damaged_object(text) == thing


def test_the_last_message_of_each_kind_is_kept_and_sentences_do_not_disturb():
    output = Output()
    for line in (
        "create exclusive lock for repository",
        '{"message_type":"summary","a":1}',
        '{"message_type":"summary","a":2}',
    ):
        output.take(line)
    assert output.last["summary"]["a"] == 2
    assert list(output.text) == ["create exclusive lock for repository"]
    output.take('[{"id":"x"}, 3]')
    assert output.array == [{"id": "x"}]


def test_progress_leaves_zeros_out_as_restic_does():
    assert progress_of({"message_type": "summary"}) is None
    step = progress_of({"message_type": "status", "percent_done": 0.5, "files_restored": 3, "bytes_restored": 9})
    assert (step.fraction, step.files_done, step.bytes_done, step.total_files) == (0.5, 3, 9, 0)


def test_times_lose_their_nanoseconds_and_become_utc():
    assert moment("2026-07-01T12:30:26.547870687+01:00") == datetime(2026, 7, 1, 11, 30, 26, 547870, UTC)
    assert moment("2026-07-01T12:30:26") is None  # a naive time could be any
    assert moment("yesterday") is None
    assert moment(None) is None


def test_a_snapshot_needs_its_id_tree_and_time_and_little_else():
    entry = {"id": "ab", "tree": "cd", "time": "2026-07-01T12:30:26Z", "tags": None, "original": "ef"}
    found = snapshot_of(entry)
    assert (found.identity, found.tags, found.paths, found.total_files) == ("ef", (), (), 0)
    for needed in ("id", "tree", "time"):
        with pytest.raises(ValueError, match="without id, tree or time"):
            snapshot_of({key: value for key, value in entry.items() if key != needed})


def test_text_of_an_older_check_counts_as_findings():
    found = complaints(f"pack {PACK}: does not exist", "Fatal: repository contains errors")
    found.read_text_as_findings()
    assert check_summary({}, found, ok=False).broken_packs == (PACK,)
    assert found.last_words == "repository contains errors"
