"""The exported journal: verified with nothing but the file and the public key."""

import json
from pathlib import Path

import pytest
import rfc8785

from simulators.chance import SimulatedRandomness
from simulators.stores import write_some
from simulators.time import FRIDAY_EVENING
from tocsin.errors import UsageError
from tocsin.store.database import Store
from tocsin.store.export import export, verify_file
from tocsin.store.heads import read_head_file
from tocsin.store.keys import JournalKey, read_public_key
from tocsin.store.verification import JournalVerdict


@pytest.fixture
def written(small: Store) -> Store:
    write_some(small)
    small.sign_head()
    return small


def exported(store: Store, folder: Path, *, with_private: bool = False) -> Path:
    with store.read() as connection:
        made = export(connection, FRIDAY_EVENING, with_private=with_private)
    assert made.entries == 7
    (folder / "journal.jsonl").write_bytes(made.data)
    return folder / "journal.jsonl"


def judge(file: Path, store: Store) -> JournalVerdict:
    return verify_file(file, [read_public_key(store.keys_folder / "journal.pub")])


def edit(file: Path, line: int, old: str, new: str) -> None:
    lines = file.read_text().splitlines(keepends=True)
    assert old in lines[line]
    lines[line] = lines[line].replace(old, new)
    file.write_text("".join(lines))


@pytest.mark.parametrize("with_private", [False, True])
def test_the_file_and_the_public_key_are_enough(written: Store, tmp_path: Path, *, with_private: bool) -> None:
    file = exported(written, tmp_path, with_private=with_private)
    verdict = judge(file, written)
    assert verdict.ok, verdict.problems
    assert (verdict.entries, verdict.signed_up_to, verdict.erased) == (7, 7, ())
    assert ("Müller" in file.read_text()) is with_private


def test_every_line_is_canonical_json(written: Store, tmp_path: Path) -> None:
    for line in exported(written, tmp_path, with_private=True).read_bytes().splitlines():
        assert rfc8785.dumps(json.loads(line)) == line


# Lines of the file: 0 the header, 1 the head, 2 to 8 the entries 1 to 7.
@pytest.mark.parametrize(
    ("line", "edited", "seq", "what"),
    [
        (4, ('"files":2', '"files":3'), 3, "was altered"),
        (4, ('"files":2', '"files":1,"files":2'), 3, "line 5 of the file is not written as it was exported"),
        (4, ('"files":2', '"files": 2'), 3, "line 5 of the file is not written as it was exported"),
        (4, ('"files":2', '"files":2.0'), 3, "was altered"),
        (4, ("maya", "sam"), 3, "was altered"),
        (5, ("Müller", "Meier"), 4, "its private text 'reason' was altered"),
        (6, ('{"entry"', '{"entri"'), None, "line 7 of the file is not an entry of a journal"),
        (6, ('"seq":5', '"seq":"5"'), None, "line 7 of the file is not an entry of a journal"),
        (8, ("}\n", ""), None, "line 9 of the file is not an entry of a journal"),
        (1, ('"seq":7', '"seq":6'), 6, "the signature of its head is false"),
        (0, ('"entries":7', '"entries":8'), None, "the file says it holds 8 entries and holds 7"),
    ],
)
def test_a_changed_file_is_told_where(
    written: Store, tmp_path: Path, line: int, edited: tuple[str, str], seq: int | None, what: str
) -> None:
    file = exported(written, tmp_path, with_private=True)
    edit(file, line, *edited)
    problems = judge(file, written).problems
    assert any(problem.seq == seq and what in problem.what for problem in problems), problems


def test_removed_repeated_and_reordered_lines_are_told(written: Store, tmp_path: Path) -> None:
    file = exported(written, tmp_path)
    lines = file.read_bytes().splitlines(keepends=True)
    for changed, told in (
        (lines[:4] + lines[5:], "entry 3 is missing"),
        ([*lines[:5], lines[4], *lines[5:]], "repeated or out of order"),
        ([*lines[:4], lines[5], lines[4], *lines[6:]], "repeated or out of order"),
        (lines[:-2], "its end was cut off"),
        (lines[:1], "the file says it holds 7 entries and holds 0"),
    ):
        file.write_bytes(b"".join(changed))
        verdict = judge(file, written)
        assert any(told in problem.what for problem in verdict.problems), verdict.problems


def test_a_file_without_its_heads_shows_its_cut_end_against_a_head_kept_outside(
    written: Store, tmp_path: Path
) -> None:
    file = exported(written, tmp_path)
    lines = file.read_text().splitlines(keepends=True)
    file.write_text(lines[0].replace('"entries":7', '"entries":5') + "".join(lines[2:7]))
    keys = [read_public_key(written.keys_folder / "journal.pub")]
    assert verify_file(file, keys).ok
    assert not verify_file(file, keys, [read_head_file(written.head_file)]).ok


def test_the_wrong_key_is_told(written: Store, tmp_path: Path) -> None:
    other = JournalKey(tmp_path / "other", SimulatedRandomness(7)).public()
    ((problem),) = verify_file(exported(written, tmp_path), [other]).problems
    assert f"trusted: {other.name[:16]}" in problem.what


@pytest.mark.parametrize("content", ["", "Dear diary\n", "{}\n", "[1]\n", '{"tocsin_journal":2}\n'])
def test_another_file_is_refused_by_name(written: Store, tmp_path: Path, content: str) -> None:
    (tmp_path / "diary").write_text(content)
    with pytest.raises(UsageError, match="diary is not an exported journal"):
        judge(tmp_path / "diary", written)


def test_a_missing_file_a_missing_key_and_another_key_are_refused_by_name(written: Store, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere cannot be read: no such file"):
        judge(tmp_path / "nowhere", written)
    with pytest.raises(UsageError, match="nowhere cannot be read: no such file"):
        read_public_key(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="ed25519 is not a PEM public key"):
        read_public_key(written.keys_folder / "journal.ed25519")
