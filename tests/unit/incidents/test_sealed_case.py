"""A sealed case: whole it holds, and whatever is done to it is found by the script inside, and named."""

import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sealed_ground import INC, checked, live_through, take_evidence, unpacked
from simulators.chance import PowerCut, SimulatedRandomness
from simulators.house import House
from tocsin.errors import Refused, UsageError
from tocsin.incidents import Declaration, declare, open_to_all, restrict
from tocsin.incidents.casefile import Wanted, export_case, verify_case
from tocsin.incidents.casefile.archive import write_archive
from tocsin.notices.strangers import strangers_named
from tocsin.situation import state_fact

Edit = Callable[[Path], None]


@pytest.fixture(scope="module")
def firm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("sealed"))
    live_through(house)
    take_evidence(house)
    yield house
    house.close()


@pytest.fixture(scope="module")
def sealed(firm: House) -> Path:
    return export_case(firm.ctx, INC, firm.folder / "case.zip").path


@pytest.fixture(scope="module")
def whole(sealed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpacked(sealed, tmp_path_factory.mktemp("whole"))


@pytest.fixture
def case(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / INC))


def _data(folder: Path, change: Callable[[dict], None]) -> None:
    path = folder / "case.json"
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


def _in(name: str, old: str, new: str) -> Edit:
    def edit(folder: Path) -> None:
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1))

    return edit


def _cut(name: str) -> Edit:
    def edit(folder: Path) -> None:
        lines = (folder / name).read_text().splitlines(keepends=True)
        (folder / name).write_text("".join(lines[:-1]))

    return edit


def _fact(data: dict) -> None:
    next(each for each in data["facts"] if each["path"] == "exfiltration")["value"] = "ruled_out"


def _no_fact(data: dict) -> None:
    data["facts"] = [each for each in data["facts"] if each["path"] != "exfiltration"]


def _no_notice(folder: Path) -> None:
    shutil.rmtree(folder / "notices" / "01-harbour-dental")
    _data(folder, lambda data: data["notices"].pop(0))


def _another_key(folder: Path) -> None:
    (folder / "journal/journal.pub").write_text(
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n"
    )


TAMPERED: dict[str, tuple[Edit, str]] = {
    "a fact is changed": (lambda f: _data(f, _fact), r"fact \d+ \(exfiltration\) is not what the journal says: there it is \"possible\""),
    "a fact is dropped": (lambda f: _data(f, _no_fact), r"fact \d+ \(exfiltration\) is in the journal and was dropped"),
    "a fact is changed in the journal": (
        _in("journal/entries.jsonl", '"value":"possible"', '"value":"ruled_out"'), r"entry \d+ \(fact.stated\) was changed"
    ),
    "the words beside a fact are changed": (
        _in("journal/entries.jsonl", "2 GB left", "nothing left"), r"the evidence of entry \d+ \(fact.stated\) is not"
    ),
    "a decision is changed": (
        lambda f: _data(f, lambda d: d["decisions"][0].update(decided="no")), "the decision on regulator is not what the journal"
    ),
    "a reason is changed": (
        lambda f: _data(f, lambda d: d["decisions"][0].update(reason="It was not")), "the reason of the decision on regulator"
    ),
    "a notice is dropped": (_no_notice, r"notice \w{8} left the house \(entry \d+\) and was dropped here"),
    "a notice is reworded": (
        _in("notices/01-harbour-dental/approved.txt", "Subject:", "Subject: harmless,"), "is not the text whose hash is named"
    ),
    "a mail is reworded": (
        _in("notices/01-harbour-dental/mail-1.eml", "Message-ID: <", "Message-ID: <x"), "mail-1.eml does not bear the Message-ID"
    ),
    "a proof is swapped": (_in("notices/02-ico/proof-1.pdf", "IC-1", "IC-2"), "the proof notices/02-ico/proof-1.pdf is not the one"),
    "an evidence hash is swapped": (
        lambda f: _data(f, lambda d: d["evidence"][0].update(sha256="cd" * 32)), "evidence EV-2026-001: its hash is not the one"
    ),
    "an act of custody is dropped": (lambda f: _data(f, lambda d: d["evidence"][0]["custody"].pop()), "act 1 of its custody was dropped"),
    "the journal's entries are cut": (_cut("journal/entries.jsonl"), r"entries and not \d+: the journal was cut"),
    "the journal's hashes are cut": (_cut("journal/hashes.txt"), r"hashes and not \d+: it was cut"),
    "the page is edited": (_in("index.html", "Files end in .locked", "A false alarm"), "index.html was changed: the page"),
    "the key is replaced": (_another_key, "a key was replaced"),
    "the head is replaced": (_in("journal/head.json", '"hash":"', '"hash":"0'), "does not stand at this case's last entry"),
    "a file is added": (lambda f: (f / "more.html").write_text("x") and None, "more.html was added later"),
    "the script is replaced": (_in("verify.py", "return 1", "return 0"), "verify.py was changed: this script"),
}  # fmt: skip


def test_a_case_that_nobody_touched_holds_and_says_so_check_by_check(case: Path) -> None:
    code, said = checked(case)
    assert code == 0, said
    assert said.count("OK  ") == 11
    assert "Everything holds." in said


@pytest.mark.parametrize("what", TAMPERED)
def test_whatever_is_done_to_a_case_is_found_and_named(case: Path, tmp_path: Path, what: str) -> None:
    edit, named = TAMPERED[what]
    original = tmp_path / "verify.py"
    shutil.copy(case / "verify.py", original)
    edit(case)
    shutil.copy(original, tmp_path / "own.py")
    ours = verify_case(case)
    assert any(re.search(named, each) for each in ours.problems), ours.problems
    (tmp_path / "script").mkdir()
    shutil.move(original, tmp_path / "script/verify.py")
    code, said = checked(tmp_path / "script", str(case))
    assert code == 1
    assert re.search(named, said), said
    assert "does NOT hold" in said


@pytest.mark.parametrize("what", ["a fact is changed", "the page is edited", "a notice is dropped"])
def test_a_list_of_files_written_anew_does_not_hide_it(case: Path, what: str) -> None:
    TAMPERED[what][0](case)
    listed = sorted(
        p.relative_to(case).as_posix()
        for p in case.rglob("*")
        if p.is_file() and not p.name.startswith("SHA256SUMS")
    )
    (case / "SHA256SUMS").write_text(
        "".join(f"{sha256((case / n).read_bytes()).hexdigest()}  {n}\n" for n in listed)
    )
    code, said = checked(case)
    assert code == 1
    assert "OK           Every file is here" in said
    assert re.search(r"SHA256SUMS was not signed with the key", said)
    assert re.search(r"something was changed, added or taken away since entry \d+", said)


def test_without_openssl_it_checks_all_but_the_signatures_and_says_so(case: Path) -> None:
    code, said = checked(case, path="/nonexistent")
    assert code == 0
    assert said.count("NOT CHECKED") == 2
    assert "Everything holds but the SIGNATURES" in said


def test_a_case_made_up_with_another_key_is_found_by_the_keys_name_and_by_an_earlier_head(
    firm: House, tmp_path: Path
) -> None:
    (tmp_path / "forger").mkdir()
    forger = House(tmp_path / "forger")
    forger.store._randomness = SimulatedRandomness(99)
    forger.store._key._randomness = SimulatedRandomness(99)
    live_through(forger)
    head = tmp_path / "head.json"
    head.write_bytes(firm.store.head_file.read_bytes())
    forged = unpacked(export_case(forger.ctx, INC, tmp_path / "forged.zip").path, tmp_path / "forged")
    forger.close()
    assert checked(forged)[0] == 0
    code, said = checked(forged, "--key", "0" * 64, "--head", str(head))
    assert code == 1
    assert "it is another" in said
    assert "the journal does not have that head" in said


def test_the_journal_goes_on_from_a_head_that_was_given_before(firm: House, tmp_path: Path) -> None:
    (tmp_path / "head.json").write_bytes(firm.store.head_file.read_bytes())
    archive = export_case(firm.ctx, INC, tmp_path / "case.zip").path
    key = firm.store.keys_folder / "journal.pub"
    found = verify_case(archive, key=key, head=tmp_path / "head.json")
    assert (found.ok, found.known, found.incident) == (True, True, INC)


def test_it_is_private_and_its_names_are_safe_on_any_machine(sealed: Path) -> None:
    assert sealed.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(sealed) as archive:
        names = archive.namelist()
        assert all(each.external_attr >> 16 == 0o100600 for each in archive.infolist())
    assert all(re.fullmatch(r"INC-2026-001/([\w.-]+/){0,2}[\w.-]{1,60}", name, re.ASCII) for name in names)
    assert len({name.lower() for name in names}) == len(names)


def test_the_same_files_make_the_same_bytes(tmp_path: Path) -> None:
    files = {"b.txt": b"two", "a.txt": b"one" * 999}
    write_archive(tmp_path / "1.zip", INC, files)
    write_archive(tmp_path / "2.zip", INC, dict(reversed(files.items())))
    assert (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.zip").read_bytes()


# Forks once for each line that runs, and ends the child there as a power cut would: nothing is tidied up.
DYING = """
import os, sys
from pathlib import Path
from tocsin.incidents.casefile.archive import write_archive

def dying_at(nth):
    left = nth
    def trace(frame, event, _):
        nonlocal left
        if not frame.f_code.co_filename.endswith(("archive.py", "durable.py", "zipfile.py")):
            return None
        left -= event == "line"
        if left == 0:
            os._exit(9)
        return trace
    sys.settrace(trace)
    write_archive(target, "INC", files)

folder = Path(sys.argv[1])
files, target = {"b.txt": b"two", "a.txt": b"one"}, folder / "case.zip"
write_archive(folder / "whole.zip", "INC", files)
want, died = (folder / "whole.zip").read_bytes(), 0
while True:
    target.unlink(missing_ok=True)
    died += 1
    child = os.fork()
    if not child:
        dying_at(died)
        os._exit(0)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert not target.exists() or target.read_bytes() == want, died
    if ended == 0:
        break
assert target.read_bytes() == want
print(died)
"""


def test_a_process_that_dies_at_any_line_leaves_no_half_archive(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DYING, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 100


@pytest.mark.parametrize(
    "point", ["store.before_commit", "store.after_commit", "case:sealed", "case:before-archive", "case:archived"]
)
def test_a_crash_at_any_point_leaves_a_whole_archive_or_none_and_a_journal_that_tells(
    firm: House, tmp_path: Path, point: str
) -> None:
    target = tmp_path / "case.zip"
    with pytest.raises(PowerCut):
        export_case(firm.crashing_at(point), INC, target) if not point.startswith("store") else _crash_in_store(
            firm, point, target
        )
    assert target.exists() == (point == "case:archived")
    if target.exists():
        assert verify_case(target).ok
    else:
        assert list(tmp_path.iterdir()) == []
        assert export_case(firm.ctx, INC, target).files > 10


def _crash_in_store(firm: House, point: str, target: Path) -> None:
    firm.crash._name, firm.crash._left = point, 2
    try:
        export_case(firm.ctx, INC, target)
    finally:
        firm.crash._name, firm.crash._left = "", 0


def test_another_clients_name_or_data_is_in_no_clients_copy(firm: House, tmp_path: Path) -> None:
    archive = export_case(firm.ctx, INC, tmp_path / "case.zip", Wanted(client="harbour-dental")).path
    _holds_no_stranger(firm, archive, "harbour-dental")
    folder = unpacked(archive, tmp_path / "out")
    assert checked(folder)[0] == 0
    data = json.loads((folder / "case.json").read_text())
    assert data["register"]["people"] == 1480
    assert [each["addressee"] for each in data["notices"]] == ["harbour-dental"]
    assert data["evidence"] == data["runs"] == []
    assert "ourselves" not in {each["controller"] for each in data["facts"]}
    assert "Seen on a leak site" not in (folder / "journal/entries.jsonl").read_text()


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    words=st.lists(
        st.sampled_from(["Northgate Homes", "northgate-homes", "Callum Reyes", "callum@northgatehomes.example", "Tenancy applications",
                         "logs", "show", "nothing", "of", "NORTHGATE\u200b HOMES"]),
        min_size=1, max_size=6,
    ),
    controller=st.sampled_from(["", "harbour-dental", "northgate-homes"]),
)  # fmt: skip
def test_whatever_was_written_no_stranger_gets_into_a_clients_copy(
    firm: House, tmp_path: Path, words: list[str], controller: str
) -> None:
    state_fact(firm.ctx, INC, "exfiltration", "possible", evidence=" ".join(words), controller=controller)
    target = tmp_path / "case.zip"
    target.unlink(missing_ok=True)
    _holds_no_stranger(
        firm, export_case(firm.ctx, INC, target, Wanted(client="harbour-dental")).path, "harbour-dental"
    )


def _holds_no_stranger(firm: House, archive: Path, client: str) -> None:
    with zipfile.ZipFile(archive) as opened:
        for name in opened.namelist():
            text = opened.read(name).decode("utf-8", "replace")
            assert strangers_named(f"{name}\n{text}", firm.workspace, client) == (), name


def test_without_names_it_holds_ids_and_hashes_and_still_checks(firm: House, tmp_path: Path) -> None:
    wanted = Wanted("insurer", names=False)
    folder = unpacked(export_case(firm.ctx, INC, tmp_path / "case.zip", wanted).path, tmp_path / "out")
    assert checked(folder)[0] == 0
    everything = "".join(path.read_text(errors="replace") for path in folder.rglob("*") if path.is_file())
    for gone in ("Maya", "Priya", "Anneka", "@harbourdental", "2 GB left", "The data was taken", "IC-1"):
        assert gone not in everything, gone
    assert not (folder / "notices").exists()
    assert "made for: their insurer" in everything


def test_of_a_need_to_know_incident_only_its_people_make_one(firm: House, tmp_path: Path) -> None:
    restrict(firm.ctx, INC, ("tom",), "quietly")
    before = firm.journal_kinds()
    try:
        with pytest.raises(Refused, match="is need-to-know"):
            export_case(firm.acting("priya"), INC, tmp_path / "case.zip")
        assert firm.journal_kinds() == before
        assert export_case(firm.acting("tom"), INC, tmp_path / "case.zip").files > 10
    finally:
        open_to_all(firm.ctx, INC, "over")


def test_wrong_wishes_are_refused_and_nothing_is_written(firm: House, tmp_path: Path) -> None:
    target, before = tmp_path / "case.zip", firm.journal_kinds()
    for wanted, why in (
        (Wanted("newspaper"), "A case is not made for 'newspaper'"),
        (Wanted(client="harbour"), "Did you mean 'harbour-dental'"),
        (Wanted(client="harbour-dental", evidence=True), "may hold anybody's data"),
    ):
        with pytest.raises(UsageError, match=why):
            export_case(firm.ctx, INC, target, wanted)
    target.write_text("mine")
    with pytest.raises(UsageError, match="is there already"):
        export_case(firm.ctx, INC, target)
    assert target.read_text() == "mine"
    assert firm.journal_kinds() == before
    with pytest.raises(UsageError, match="cannot be read as a case file"):
        verify_case(target)


def test_a_case_that_has_hardly_begun_can_be_sealed_too(house: House, tmp_path: Path) -> None:
    declare(house.ctx, Declaration("Something is odd", ("crm",)))
    for name, wanted in (("a", Wanted()), ("b", Wanted("regulator", names=False))):
        assert verify_case(export_case(house.ctx, INC, tmp_path / f"{name}.zip", wanted).path).ok
    with pytest.raises(UsageError, match="There is no file"):
        verify_case(tmp_path / "none.zip")
