"""The manifest on real trees, checked by the real `sha256sum`."""

import os
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tocsin.errors import OperationFailed
from tocsin.manifest import Source, read_manifest, recheck, take_manifest, taking, verify_restored

HOSTILE_NAMES = (
    b"plain.txt",
    b"two words",
    b"line\nbreak",
    b"back\\slash",
    b"back\\nslash-n",
    b"carriage\rreturn",
    b"ends in cr\r",
    b"\\starts",
    b" leading and trailing ",
    b"bad\xff\xfename",
    b"bad\xfd\xfcname",
    "größe-\N{SNOWMAN}".encode(),
    b"-dash",
    b"*star",
    b"tab\tname",
    b"quote'\"",
)


@pytest.fixture
def tree(tmp_path):
    """A source with every kind of thing and every kind of name, settled long ago."""
    source = tmp_path / "source"
    (source / "deep" / "empty").mkdir(parents=True)
    for number, name in enumerate(HOSTILE_NAMES):
        Path(os.fsdecode(os.fsencode(source) + b"/" + name)).write_bytes(b"content %d\n" % number)
    (source / "deep" / "empty file").write_bytes(b"")
    (source / "deep" / "large").write_bytes(os.urandom(3_000_000))
    (source / "deep" / "twin").hardlink_to(source / "deep" / "large")
    (source / "link").symlink_to("deep/large")
    (source / "broken link").symlink_to("nowhere")
    os.mkfifo(source / "fifo")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(source / "socket"))
    return source


@pytest.fixture(autouse=True)
def _short_settling(monkeypatch):
    # No call can set a file's ctime, so settling has to be waited out: a twentieth of a second, not two.
    monkeypatch.setattr(taking, "SETTLING_NS", 50_000_000)


def settle(source):
    """Wait until no file of the source changed so lately that it counts as unsettled."""
    time.sleep(taking.SETTLING_NS / 1e9 + 0.02)


def take(tmp_path, source, *exclude):
    return take_manifest(tmp_path / "state" / "files", [Source((source,), exclude)])


def test_the_text_passes_sha256sum_from_the_root_for_every_name_there_is(tmp_path, tree):
    taken = take(tmp_path, tree)
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet", taken.text_path], cwd="/", capture_output=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
    assert taken.files == len(HOSTILE_NAMES) + 3
    assert taken.hashed_bytes == taken.total_bytes


def test_the_text_is_what_sha256sum_itself_would_write(tmp_path, tree):
    files = sorted(
        os.fsencode(path).lstrip(b"/") for path in tree.rglob("*") if path.is_file() and not path.is_symlink()
    )
    theirs = subprocess.run([b"sha256sum", *files], cwd="/", capture_output=True, check=True).stdout
    text = take(tmp_path, tree).text_path.read_bytes()
    assert text.startswith(theirs)
    assert text[len(theirs) :].count(b"\n") == 1  # the line of manifest.jsonl


def test_the_metadata_knows_every_kind_and_every_byte_of_a_name(tmp_path, tree):
    manifest = read_manifest(take(tmp_path, tree).folder)
    kinds = {os.path.relpath(entry.path, os.fsencode(tree)): entry.kind for entry in manifest.entries}
    assert set(HOSTILE_NAMES) <= kinds.keys()
    assert kinds[b"fifo"] == "fifo"
    assert kinds[b"socket"] == "socket"
    assert kinds[b"link"] == kinds[b"broken link"] == "symlink"
    assert kinds[b"deep/empty"] == "folder"
    links = {entry.path: entry.links for entry in manifest.entries}
    assert links[os.fsencode(tree) + b"/deep/twin"] == 2
    targets = {entry.target for entry in manifest.entries}
    assert {b"deep/large", b"nowhere"} <= targets


def test_only_the_owner_may_read_it(tmp_path, tree):
    taken = take(tmp_path, tree)
    assert stat.S_IMODE(taken.folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in taken.folder.iterdir()} == {0o600}


def test_an_unchanged_tree_is_not_read_and_its_files_are_not_written_again(tmp_path, tree):
    settle(tree)
    first = take(tmp_path, tree)
    inodes = {path: path.stat().st_ino for path in first.folder.iterdir()}
    second = take(tmp_path, tree)
    assert (second.hashed_files, second.hashed_bytes) == (0, 0)
    assert (second.sha256, second.files, second.total_bytes) == (first.sha256, first.files, first.total_bytes)
    assert {path: path.stat().st_ino for path in second.folder.iterdir()} == inodes


def test_only_a_changed_file_is_read_again(tmp_path, tree):
    settle(tree)
    first = take(tmp_path, tree)
    (tree / "plain.txt").write_bytes(b"changed\n")
    second = take(tmp_path, tree)
    assert second.hashed_files == 1
    assert second.sha256 != first.sha256


def test_a_change_that_puts_size_and_time_back_is_still_seen(tmp_path, tree):
    settle(tree)
    first = take(tmp_path, tree)
    victim = tree / "plain.txt"
    before = victim.stat()
    victim.write_bytes(b"CONTENT 0\n")
    os.utime(victim, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert victim.stat().st_size == before.st_size
    assert take(tmp_path, tree).sha256 != first.sha256


def test_a_file_too_fresh_to_tell_is_read_again_next_time(tmp_path, tree):
    settle(tree)
    (tree / "plain.txt").write_bytes(b"fresh\n")
    first = take(tmp_path, tree)
    assert read_manifest(first.folder).unsettled == {os.fsencode(tree / "plain.txt")}
    assert take(tmp_path, tree).hashed_files == 1


@pytest.mark.parametrize("victim", ["manifest.sha256", "manifest.jsonl"])
def test_a_damaged_cache_is_never_believed(tmp_path, tree, victim):
    settle(tree)
    first = take(tmp_path, tree)
    path = first.folder / victim
    content = path.read_bytes()
    path.write_bytes(content.replace(b"a", b"b", 1))
    with pytest.raises(OperationFailed, match="damaged"):
        read_manifest(first.folder, sha256=first.sha256)
    again = take(tmp_path, tree)
    assert again.hashed_files == again.files
    assert again.sha256 == first.sha256
    assert path.read_bytes() == content


def test_what_moves_between_taking_and_rechecking_is_named(tmp_path, tree):
    taken = take(tmp_path, tree)
    assert recheck(taken) == ()
    (tree / "plain.txt").write_bytes(b"later\n")
    (tree / "two words").unlink()
    (tree / "deep" / "new").write_bytes(b"new\n")
    moved = recheck(taken)
    assert [Path(path).name for path in moved] == ["new", "plain.txt", "two words"]


def test_what_cannot_be_read_is_named_and_vouched_for_by_nothing(tmp_path, tree):
    """In a process that permissions bind: tests often run as root, who reads everything."""
    (tree / "plain.txt").chmod(0)
    (tree / "deep").chmod(0)
    script = (
        "import sys; from pathlib import Path; from tocsin.manifest import *; "
        "taken = take_manifest(Path(sys.argv[1]), [Source((Path(sys.argv[2]),))]); "
        "print(taken.files, *(Path(path).name for path in taken.unread))"
    )
    drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner", "--inh-caps=-all"]
    bound = drop if os.geteuid() == 0 else []
    if bound and subprocess.run([*bound, "true"], check=False, capture_output=True).returncode:
        pytest.skip("root without the right to give rights up")
    try:
        said = subprocess.run(
            [*bound, sys.executable, "-c", script, tmp_path / "state" / "files", tree],
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        manifest = read_manifest(tmp_path / "state" / "files")
    finally:
        (tree / "deep").chmod(0o700)
    assert said.split() == [str(len(HOSTILE_NAMES) - 1), "deep", "plain.txt"]
    assert manifest.unread == {os.fsencode(tree / "plain.txt"), os.fsencode(tree / "deep")}
    assert not manifest.unread & manifest.digests.keys()


def test_the_manifest_never_holds_itself_or_what_is_left_out(tmp_path):
    root = tmp_path / "workspace"
    folder = root / ".tocsin" / "manifests" / "files"
    (root / ".tocsin").mkdir(parents=True)
    (root / ".tocsin" / "tocsin.db").write_text("rows")
    (root / "kept").write_text("kept")
    taken = take_manifest(folder, [Source((root,))], left_out=[root / ".tocsin"])
    again = take_manifest(folder, [Source((root,))], left_out=[root / ".tocsin"])
    held = set(map(os.fsdecode, read_manifest(folder).digests))
    assert held == {str(root / "kept")}
    assert again.files == taken.files == 1
    assert taken.paths == (root, folder)
    assert taken.excludes == (str(root / ".tocsin"), f"!{folder}")


def test_sources_inside_each_other_are_read_once(tmp_path, tree):
    taken = take_manifest(tmp_path / "state" / "files", [Source((tree, tree / "deep")), Source((tree,))])
    assert taken.paths[:-1] == (tree,)
    assert taken.files == len(HOSTILE_NAMES) + 3


def copy_of(tree, tmp_path):
    """What restic would leave: the tree under its absolute path below a target, times kept."""
    target = tmp_path / "restored"
    copy = target / tree.relative_to("/")
    copy.parent.mkdir(parents=True)
    subprocess.run(["cp", "-a", tree, copy], check=True)
    return target, copy


def test_a_faithful_copy_is_whole(tmp_path, tree):
    manifest = read_manifest(take(tmp_path, tree).folder)
    target, _ = copy_of(tree, tmp_path)
    compared = verify_restored(manifest, target)
    assert compared.is_whole
    assert compared.matching == manifest.files
    assert (compared.missing, compared.changed, compared.extra, compared.changed_during_backup) == ((), (), (), ())


def test_every_kind_of_difference_lands_on_its_own_pile(tmp_path, tree):
    manifest = read_manifest(take(tmp_path, tree).folder)
    target, copy = copy_of(tree, tmp_path)
    times = (copy / "plain.txt").stat()
    (copy / "plain.txt").write_bytes(b"CONTENT 0\n")
    os.utime(copy / "plain.txt", ns=(times.st_atime_ns, times.st_mtime_ns))
    (copy / "two words").unlink()
    (copy / "planted").write_bytes(b"x")
    (copy / "deep" / "empty").rmdir()
    (copy / "link").unlink()
    (copy / "link").symlink_to("elsewhere")
    (copy / "-dash").write_bytes(b"saved after it was hashed\n")
    compared = verify_restored(manifest, target)
    names = {
        pile: [Path(path).name for path in getattr(compared, pile)]
        for pile in ("changed", "missing", "extra", "changed_during_backup")
    }
    assert names == {
        "changed": ["link", "plain.txt"],
        "missing": ["empty", "two words"],
        "extra": ["planted"],
        "changed_during_backup": ["-dash"],
    }
    assert not compared.is_whole


def test_a_part_is_compared_with_its_part_alone(tmp_path, tree):
    manifest = read_manifest(take(tmp_path, tree).folder)
    target, copy = copy_of(tree, tmp_path)
    (copy / "plain.txt").unlink()
    assert verify_restored(manifest, target, only=[tree / "deep"]).is_whole
    assert verify_restored(manifest, target, only=[tree / "deep"]).matching == 3


def test_what_the_ledger_excuses_is_no_loss(tmp_path, tree):
    taken = take(tmp_path, tree)
    target, copy = copy_of(tree, tmp_path)
    (tree / "two words").unlink()
    (copy / "two words").unlink()
    compared = verify_restored(read_manifest(taken.folder), target, changed_during_backup=recheck(taken))
    assert compared.is_whole
    assert [Path(path).name for path in compared.changed_during_backup] == ["two words"]


def test_a_full_size_file_of_zeros_is_not_the_file(tmp_path, tree):
    manifest = read_manifest(take(tmp_path, tree).folder)
    target, copy = copy_of(tree, tmp_path)
    large = copy / "deep" / "twin"
    times = large.stat()
    large.unlink()
    with large.open("wb") as file:
        file.truncate(times.st_size)
    os.utime(large, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert [Path(path).name for path in verify_restored(manifest, target).changed] == ["twin"]
